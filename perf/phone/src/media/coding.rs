//! How speech becomes payload, and payload speech.

use speech::g711::Law;

/// A codec that a telephone can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// G.711, an octet for each of 8,000 samples a second.
    G711(Law),
    /// Wideband: 16 bits for each of 16,000 samples a second, high octet first. Speech comes from
    /// and goes to 8,000 samples a second here, so that it can be compared.
    Wideband,
    /// G.729, as far as packets go: they have its size, its payload type and its rhythm, but there
    /// is no speech in them.
    G729,
}

/// Octets in 10 ms of G.729.
const G729_FRAME: usize = 10;

impl Coding {
    /// Units of its RTP timestamps in a second.
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::G711(_) | Self::G729 => 8000,
            Self::Wideband => 16_000,
        }
    }

    /// Its RTP payload type (RFC 3551 §6). Wideband has none there; its number in SCCP is taken.
    pub fn payload_type(self) -> u8 {
        match self {
            Self::G711(law) => law.payload_type(),
            Self::G729 => 18,
            Self::Wideband => 25,
        }
    }

    /// Appends telephone audio as payload.
    pub(super) fn encode(self, samples: &[i16], payload: &mut Vec<u8>) {
        match self {
            Self::G711(law) => {
                payload.extend(samples.iter().map(|&sample| law.encode_sample(sample)));
            }
            Self::Wideband => {
                let doubled = samples.iter().flat_map(|&sample| [sample, sample]);
                payload.extend(doubled.flat_map(i16::to_be_bytes));
            }
            Self::G729 => payload.resize(payload.len() + samples.len() / 80 * G729_FRAME, 0),
        }
    }

    /// Telephone audio out of payload, appended. Nothing comes out of G.729 but silence.
    pub(super) fn decode(self, payload: &[u8], samples: &mut Vec<i16>) {
        match self {
            Self::G711(law) => {
                samples.extend(payload.iter().map(|&octet| law.decode_sample(octet)));
            }
            Self::Wideband => samples.extend(payload.chunks_exact(4).map(|pair| {
                let [a, b] =
                    [[pair[0], pair[1]], [pair[2], pair[3]]].map(i16::from_be_bytes).map(i32::from);
                ((a + b) / 2) as i16
            })),
            Self::G729 => samples.resize(samples.len() + payload.len() / G729_FRAME * 80, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_survives_and_takes_as_long() {
        let said = speech::speak(1, 1);
        for (coding, octets) in [
            (Coding::G711(Law::Mu), 8000),
            (Coding::G711(Law::A), 8000),
            (Coding::Wideband, 32_000),
            (Coding::G729, 1000),
        ] {
            let (mut payload, mut heard) = (Vec::new(), Vec::new());
            coding.encode(&said, &mut payload);
            assert_eq!(payload.len(), octets, "{coding:?}");
            coding.decode(&payload, &mut heard);
            assert_eq!(heard.len(), said.len(), "{coding:?}");
            let same = speech::compare(&said, &heard).is_same();
            assert_eq!(same, coding != Coding::G729, "{coding:?}");
        }
    }
}
