//! G.711 µ-law: a sign, three bits of exponent and four of mantissa, all inverted.

/// What is added before the logarithm, so that every segment begins at a power of two.
const BIAS: i32 = 0x84;
const LOUDEST: i32 = 0x7fff - BIAS;

/// Samples as octets of an RTP payload.
pub fn encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| encode_sample(sample.into())).collect()
}

/// Octets of an RTP payload as samples.
pub fn decode(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|&octet| decode_sample(octet)).collect()
}

fn encode_sample(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let biased = sample.abs().min(LOUDEST) + BIAS;
    let exponent = biased.ilog2() - 7;
    let mantissa = biased >> (exponent + 3) & 0x0f;
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

fn decode_sample(octet: u8) -> i16 {
    let octet = !octet;
    let exponent = octet >> 4 & 7;
    let mantissa = i32::from(octet & 0x0f);
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    (if octet & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_but_the_negative_zero_comes_back() {
        for octet in (0..=255).filter(|&octet| octet != 0x7f) {
            assert_eq!(encode(&decode(&[octet])), [octet]);
        }
        assert_eq!(decode(&[0x7f, 0xff, 0x00, 0x80]), [0, 0, -32124, 32124]);
    }
}
