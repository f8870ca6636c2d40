//! TCP's segments stay within the path. smoltcp takes the network for one that carries the
//! longest packets, for UDP's sake, so both ends are told of shorter segments when they begin.

use wire::ip;

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const TCP_HEADER_LEN: usize = 20;
/// Octets in front of and behind a segment at most: outer IPv6 header, UDP, ESP with its vector,
/// inner IPv6 and TCP headers, padding, trailer, ICV.
const AROUND: usize = esp::HEADROOM + ip::V6_HEADER_LEN + TCP_HEADER_LEN + esp::TAILROOM;

/// The options "end of list", "no operation" and "maximum segment size".
const END: u8 = 0;
const NOTHING: u8 = 1;
const MAXIMUM: u8 = 2;

/// In a packet that opens a connection, limits the length of segments to what `mtu` takes.
pub(crate) fn clamp(packet: &mut [u8], mtu: usize) {
    let most = mtu.saturating_sub(AROUND).min(u16::MAX.into()) as u16;
    let Ok(header) = ip::Header::parse(packet) else { return };
    let segment = &mut packet[header.len()..][..header.payload_len.into()];
    if header.protocol != TCP || segment.get(13).is_none_or(|flags| flags & SYN == 0) {
        return;
    }
    let Some(at) = find_maximum(segment) else { return };
    let told = u16::from_be_bytes([segment[at], segment[at + 1]]);
    if told > most {
        segment[at..at + 2].copy_from_slice(&most.to_be_bytes());
        segment[16..18].fill(0);
        let checksum = header.pseudo_sum(header.payload_len).add_bytes(segment).finish();
        segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Where the value of the option stands.
fn find_maximum(segment: &[u8]) -> Option<usize> {
    let options_end = usize::from(segment[12] >> 4) * 4;
    let options = segment.get(..options_end)?;
    let mut at = TCP_HEADER_LEN;
    loop {
        match *options.get(at)? {
            END => return None,
            NOTHING => at += 1,
            MAXIMUM => {
                return (options.get(at + 1) == Some(&4) && at + 4 <= options_end)
                    .then_some(at + 2);
            }
            _ => at += usize::from(*options.get(at + 1)?).max(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syn(flags: u8, options: &[u8]) -> Vec<u8> {
        let len = 20 + options.len();
        let header = ip::Header {
            source: "192.0.2.1".parse().unwrap(),
            destination: "192.0.2.2".parse().unwrap(),
            protocol: TCP,
            traffic_class: 0,
            hops: 64,
            payload_len: len as u16,
        };
        let mut packet = vec![0; 20];
        header.emit(&mut packet);
        packet.extend([0, 1, 9, 124, 0, 0, 0, 1, 0, 0, 0, 0, (len as u8 / 4) << 4, flags]);
        packet.extend([0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(options);
        let sum = header.pseudo_sum(header.payload_len).add_bytes(&packet[20..]).finish();
        packet[36..38].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    #[test]
    fn only_what_opens_a_connection_is_told() {
        let told = |packet: &[u8], at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        let options = [NOTHING, 4, 2, MAXIMUM, 4, 0xff, 0xd7, END];
        let mut packet = syn(SYN, &options);
        clamp(&mut packet, 1500);
        assert_eq!(told(&packet, 45), 1335);
        let header = ip::Header::parse(&packet).unwrap();
        assert_eq!(header.pseudo_sum(header.payload_len).add_bytes(&packet[20..]).finish(), 0);
        for other in [
            syn(0x10, &options),
            syn(SYN, &[MAXIMUM, 4, 2, 0]),
            syn(SYN, &[END, 4, 0xff, 0xff]),
            syn(SYN, &[MAXIMUM, 3, 0xff, 0xff]),
            syn(SYN, &[NOTHING, NOTHING, NOTHING, MAXIMUM]),
            syn(SYN, &[]),
        ] {
            let mut same = other.clone();
            clamp(&mut same, 1500);
            assert_eq!(same, other);
        }
    }
}
