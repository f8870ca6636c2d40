//! The speech in opened streams.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use speech::g711::Law;
use wire::rtp;

use crate::keys::Coding;

/// Most samples of a direction: two hours of telephone speech.
const MOST: usize = 2 * 3600 * 8000;
/// A jump in time that is no pause: the stream began anew.
const JUMP: i64 = 60;

/// Puts the speech of each direction together.
#[derive(Default)]
pub struct Listener {
    directions: BTreeMap<(SocketAddr, SocketAddr), Speech>,
}

/// What was said in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// From where.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// Samples a second.
    pub rate: u32,
    /// The samples; what was lost is silence.
    pub samples: Vec<i16>,
}

struct Speech {
    rate: u32,
    samples: Vec<i16>,
    /// The source that is heard, and which time is where.
    anchor: Option<(u32, u32, usize)>,
}

impl Listener {
    /// Hears an opened packet. What it is coded by says its payload type, or else signalling. Whether
    /// it could be heard.
    pub fn hear(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        packet: &[u8],
        told: Option<Coding>,
    ) -> bool {
        let has_padding = packet.first().is_some_and(|first| first & PADDING != 0);
        let Ok(packet) = rtp::Packet::new_checked(packet) else { return false };
        let coding = match packet.payload_type().0 {
            0 => Coding::MuLaw,
            8 => Coding::ALaw,
            // The number that SCCP has for it; what is told says whether that is meant.
            WIDEBAND => told.unwrap_or(Coding::Other),
            _ => Coding::Other,
        };
        let payload = match has_padding {
            true => without_padding(packet.payload()),
            false => Some(packet.payload()),
        };
        let Some(payload) = payload else { return false };
        let (rate, samples) = match coding {
            Coding::MuLaw => (8000, Law::Mu.decode(payload)),
            Coding::ALaw => (8000, Law::A.decode(payload)),
            Coding::Wideband => (16_000, big_endian(payload)),
            Coding::Other => return false,
        };
        let silent = Speech { rate, samples: Vec::new(), anchor: None };
        let speech = self.directions.entry((source, destination)).or_insert(silent);
        speech.place(rate, packet.ssrc().0, packet.timestamp(), &samples);
        true
    }

    /// What was heard, a track for each direction.
    pub fn tracks(self) -> Vec<Track> {
        let track = |((source, destination), speech): (_, Speech)| Track {
            source,
            destination,
            rate: speech.rate,
            samples: speech.samples,
        };
        self.directions.into_iter().map(track).collect()
    }
}

const WIDEBAND: u8 = 25;
/// In the first octet of a packet.
const PADDING: u8 = 0x20;

impl Speech {
    fn place(&mut self, rate: u32, ssrc: u32, timestamp: u32, samples: &[i16]) {
        if rate != self.rate {
            // One file has one rate: the call changed its codec. The richer one is kept.
            if rate < self.rate {
                let doubled: Vec<_> = samples.iter().flat_map(|sample| [*sample; 2]).collect();
                self.anchor = None;
                return self.put(self.samples.len(), &doubled);
            }
            self.samples = self.samples.iter().flat_map(|sample| [*sample; 2]).collect();
            (self.rate, self.anchor) = (rate, None);
        }
        let end = self.samples.len();
        let (heard, time, place) = *self.anchor.get_or_insert((ssrc, timestamp, end));
        let ahead = i64::from(timestamp.wrapping_sub(time) as i32);
        let place = place as i64 + ahead;
        let jump = JUMP * i64::from(self.rate);
        let goes_on = heard == ssrc && place >= 0 && (place - end as i64).abs() < jump;
        let at = match usize::try_from(place) {
            Ok(place) if goes_on => place,
            _ => end,
        };
        self.anchor = Some((ssrc, timestamp, at));
        self.put(at, samples);
    }

    fn put(&mut self, at: usize, samples: &[i16]) {
        let end = (at + samples.len()).min(MOST * self.rate as usize / 8000);
        let Some(room) = end.checked_sub(at) else { return };
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        self.samples[at..end].copy_from_slice(&samples[..room]);
    }
}

/// The payload without what fills it up; `None` if its length makes no sense.
fn without_padding(payload: &[u8]) -> Option<&[u8]> {
    let fill = usize::from(*payload.last()?);
    payload.get(..payload.len().checked_sub(fill)?)
}

fn big_endian(payload: &[u8]) -> Vec<i16> {
    payload.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ssrc: u32, seq: u16, timestamp: u32, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type];
        packet.extend(seq.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend(payload);
        packet
    }

    fn heard(packets: &[Vec<u8>], told: Option<Coding>) -> Vec<Track> {
        let mut listener = Listener::default();
        let [source, destination] =
            ["10.0.0.1:4000", "10.0.0.2:4002"].map(|it| it.parse().unwrap());
        for packet in packets {
            listener.hear(source, destination, packet, told);
        }
        listener.tracks()
    }

    // R: CAP-05
    #[test]
    fn what_is_late_is_put_into_its_place_and_what_is_lost_is_silence() {
        let said: Vec<i16> = (0..480).map(|n| (n * 60) as i16).collect();
        let coded = Law::Mu.encode(&said);
        let of = |n: usize| {
            packet(
                7,
                n as u16,
                (u32::MAX - 200).wrapping_add(160 * n as u32),
                0,
                &coded[n * 160..][..160],
            )
        };
        let whole = heard(&[of(0), of(1), of(2)], None).remove(0);
        assert_eq!((whole.rate, &whole.samples), (8000, &Law::Mu.decode(&coded)));
        assert_eq!(heard(&[of(0), of(2), of(1)], None)[0].samples, whole.samples);
        let lost = heard(&[of(0), of(2)], None).remove(0).samples;
        assert!(
            lost[160..320].iter().all(|sample| *sample == 0) && lost[320..] == whole.samples[320..]
        );
    }

    // R: CAP-05
    #[test]
    fn wideband_is_wide_where_signalling_says_so() {
        let wide = packet(7, 1, 0, 25, &[0x12, 0x34, 0xff, 0xfe]);
        let track = heard(std::slice::from_ref(&wide), Some(Coding::Wideband)).remove(0);
        assert_eq!((track.rate, track.samples), (16_000, vec![0x1234, -2]));
        assert!(heard(&[wide], None).is_empty());
    }

    #[test]
    fn a_stream_that_begins_anew_goes_on_behind_the_first() {
        let coded = [0xff; 160];
        let packets = [packet(7, 1, 0, 0, &coded), packet(8, 9, 0x7000_0000, 0, &coded)];
        assert_eq!(heard(&packets, None)[0].samples.len(), 320);
        let far = [packet(7, 1, 0, 0, &coded), packet(7, 2, 0x4000_0000, 0, &coded)];
        assert_eq!(heard(&far, None)[0].samples.len(), 320);
        let mut padded = packet(7, 1, 0, 0, &[0xff, 0xff, 0, 2]);
        padded[0] |= 0x20;
        assert_eq!(heard(&[padded], None)[0].samples.len(), 2);
    }
}
