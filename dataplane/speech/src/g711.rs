//! G.711 (ITU-T): 64 kbit/s, an octet a sample. Both laws are a sign, three bits of exponent and
//! four of mantissa, some of them inverted.

/// One of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, of North America and Japan.
    Mu,
    /// A-law, of everybody else.
    A,
}

/// What µ-law adds before the logarithm, so that every segment begins at a power of two.
const BIAS: i32 = 0x84;
const LOUDEST: i32 = 0x7fff - BIAS;

/// The bits that A-law inverts.
const EVEN_BITS: u8 = 0x55;

static MU_SAMPLES: [i16; 256] = samples(Law::Mu);
static A_SAMPLES: [i16; 256] = samples(Law::A);

impl Law {
    /// The payload type that RTP has for it (RFC 3551 §6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Mu => 0,
            Self::A => 8,
        }
    }

    /// What RFC 3551 calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mu => "PCMU",
            Self::A => "PCMA",
        }
    }

    /// Samples as octets of an RTP payload.
    pub fn encode(self, samples: &[i16]) -> Vec<u8> {
        samples.iter().map(|&sample| self.encode_sample(sample)).collect()
    }

    /// Octets of an RTP payload as samples.
    pub fn decode(self, octets: &[u8]) -> Vec<i16> {
        octets.iter().map(|&octet| self.decode_sample(octet)).collect()
    }

    /// A sample as the octet that is nearest.
    pub fn encode_sample(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample.into()),
            Self::A => encode_a(sample),
        }
    }

    /// An octet as a sample.
    pub fn decode_sample(self, octet: u8) -> i16 {
        match self {
            Self::Mu => MU_SAMPLES[usize::from(octet)],
            Self::A => A_SAMPLES[usize::from(octet)],
        }
    }
}

fn encode_mu(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let biased = sample.abs().min(LOUDEST) + BIAS;
    let exponent = biased.ilog2() - 7;
    let mantissa = biased >> (exponent + 3) & 0x0f;
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

fn encode_a(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0, !sample as u16) } else { (0x80, sample as u16) };
    let code = match magnitude {
        // The lowest two segments are one straight line.
        0..0x100 => magnitude >> 4,
        _ => {
            let exponent = magnitude.ilog2() as u16 - 7;
            exponent << 4 | magnitude >> (exponent + 3) & 0x0f
        }
    };
    (sign | code as u8) ^ EVEN_BITS
}

const fn samples(law: Law) -> [i16; 256] {
    let mut samples = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        samples[octet] = match law {
            Law::Mu => decode_mu(octet as u8),
            Law::A => decode_a(octet as u8),
        };
        octet += 1;
    }
    samples
}

const fn decode_mu(octet: u8) -> i16 {
    let octet = !octet;
    let exponent = octet >> 4 & 7;
    let mantissa = (octet & 0x0f) as i32;
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    (if octet & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// The middle of the step that the octet stands for.
const fn decode_a(octet: u8) -> i16 {
    let octet = octet ^ EVEN_BITS;
    let exponent = octet >> 4 & 7;
    let middle = ((octet & 0x0f) as i32) << 4 | 8;
    let magnitude = if exponent == 0 { middle } else { (middle | 0x100) << (exponent - 1) };
    (if octet & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: [Law; 2] = [Law::Mu, Law::A];

    #[test]
    fn every_code_but_mu_laws_negative_zero_comes_back() {
        for law in LAWS {
            for octet in (0..=255).filter(|&octet| law == Law::A || octet != 0x7f) {
                assert_eq!(law.encode(&law.decode(&[octet])), [octet], "{law:?}");
            }
        }
    }

    /// Tables 1 and 2 of G.711, scaled to 16 bits: the ends of the scale and its middle.
    #[test]
    fn codes_of_the_recommendation() {
        assert_eq!(Law::Mu.decode(&[0x7f, 0xff, 0x00, 0x80]), [0, 0, -32124, 32124]);
        assert_eq!(Law::A.decode(&[0x55, 0xd5, 0x2a, 0xaa]), [-8, 8, -32256, 32256]);
        assert_eq!(Law::Mu.encode(&[0, -1, i16::MIN, i16::MAX]), [0xff, 0x7f, 0x00, 0x80]);
        assert_eq!(Law::A.encode(&[0, -1, i16::MIN, i16::MAX]), [0xd5, 0x55, 0x2a, 0xaa]);
    }

    #[test]
    fn samples_come_back_within_half_a_step() {
        for law in LAWS {
            for sample in i16::MIN..=i16::MAX {
                let back = law.decode_sample(law.encode_sample(sample));
                let error = (i32::from(back) - i32::from(sample)).abs();
                // A step is a sixteenth of its segment; the loudest are cut off.
                let magnitude = i32::from(sample).abs();
                let clipped = (magnitude - 32_124).max(0);
                assert!(
                    error <= (magnitude + BIAS) / 32 + 8 + clipped,
                    "{law:?}: {sample}, {back}"
                );
            }
        }
    }
}
