use std::time::Duration;

use super::{File, Traffic};
use crate::stream::Stream;

/// What Ethernet adds to a frame on the wire: check sequence, preamble and gap.
const WIRE_OVERHEAD: usize = 4 + 8 + 12;

/// Most packets of a capture: Pktgen-DPDK keeps all of them in its memory pool.
const PACKETS_MAX: u32 = 65_536;

const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const LINKTYPE_ETHERNET: u32 = 1;

/// A capture with true RTP, and a script that has Pktgen-DPDK send it through its port 0 over and
/// over. Pktgen-DPDK wants the rate as a share of what the link carries, `link_bps`.
pub fn pktgen_dpdk(traffic: &Traffic, link_bps: f64) -> Vec<File> {
    let Traffic { stream, rate, duration } = traffic;
    let frame_len = stream.template().len();
    let percent = rate * ((frame_len + WIRE_OVERHEAD) * 8) as f64 / link_bps * 100.0;
    let flows = u32::from(stream.flows);
    let wanted = (rate * duration.as_secs_f64()) as u32;
    let packets = (wanted.min(PACKETS_MAX) / flows).max(1) * flows;
    let script = format!(
        r#"-- RTP for Pktgen-DPDK, through port 0:
--   pktgen -l 0-1 -- -P -m "1.0" -s 0:ringfence_rtp.pcap -f ringfence_rtp.lua
-- The capture holds {packets} packets of {flows} flows and is sent again and again; at its end sequence
-- numbers and timestamps begin anew.
package.path = package.path .. ";?.lua"
require "Pktgen"

local port = "0"
-- {rate} packets per second of {frame_len} octets, as a share of the link
local percent = {percent:.4}
local packets = {total}

pktgen.stop(port)
pktgen.clr()
pktgen.pcap(port, "enable")
pktgen.set(port, "rate", percent)
pktgen.set(port, "count", packets)
pktgen.start(port)
pktgen.delay({milliseconds})
pktgen.stop(port)

local found = pktgen.portStats("all", "port")
printf("sent %d, came back to port 0: %d\n", found[0].opackets, found[0].ipackets)
"#,
        total = (rate * duration.as_secs_f64()).round(),
        // A little longer than it takes: the count ends it.
        milliseconds = duration.as_millis() + 1000,
    );
    vec![
        File {
            name: "ringfence_rtp.lua",
            content: script.into_bytes(),
            usage: Some(
                "pktgen -l 0-1 -- -P -m \"1.0\" -s 0:ringfence_rtp.pcap -f ringfence_rtp.lua",
            ),
        },
        File { name: "ringfence_rtp.pcap", content: capture(stream, packets, *rate), usage: None },
    ]
}

/// A pcap file of the first packets, as far apart as they would be sent.
fn capture(stream: &Stream, packets: u32, rate: f64) -> Vec<u8> {
    let header = [MAGIC_NANOSECONDS, 2 | 4 << 16, 0, 0, 65_535, LINKTYPE_ETHERNET];
    let mut file: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    for number in 0..packets {
        let time = Duration::from_secs_f64(f64::from(number) / rate);
        let frame = stream.frame(number);
        let len = frame.len() as u32;
        let record = [time.as_secs() as u32, time.subsec_nanos(), len, len];
        file.extend(record.into_iter().flat_map(u32::to_le_bytes));
        file.extend(frame);
    }
    file
}

#[cfg(test)]
mod tests {
    use wire::datagram::Datagram;
    use wire::rtp;

    use super::*;

    #[test]
    fn a_capture_has_the_flows_in_turn() {
        let stream = Stream {
            source_mac: [2, 0, 0, 0, 0, 1],
            destination_mac: [2, 0, 0, 0, 0, 2],
            source: "192.0.2.1:5000".parse().unwrap(),
            destination: "192.0.2.2:16384".parse().unwrap(),
            flows: 3,
            payload_len: Stream::G711,
        };
        let file = capture(&stream, 6, 2.0);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let mut at = 24;
        for number in 0..6 {
            assert_eq!((word(at), word(at + 4)), (number / 2, number % 2 * 500_000_000));
            let frame = &file[at + 16..][..word(at + 8) as usize];
            let datagram = Datagram::parse_ethernet(frame).unwrap();
            assert_eq!(datagram.destination.port(), 16384 + 2 * (number as u16 % 3));
            let packet = rtp::Packet::new_checked(&frame[datagram.payload_at..]).unwrap();
            assert_eq!(packet.ssrc().0, number % 3);
            assert_eq!(u32::from(packet.seq_no().0), number / 3);
            assert_eq!(packet.timestamp(), number / 3 * 160);
            at += 16 + frame.len();
        }
        assert_eq!(at, file.len());
    }
}
