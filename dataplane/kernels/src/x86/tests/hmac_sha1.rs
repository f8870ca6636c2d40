//! [`HmacSha1`] against the `hmac` crate and RFC 2202.

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha1::Sha1;

use super::super::HmacSha1;
use super::{noise, runnable};
use crate::{Digest, MacJob, MacKey};

/// A message to authenticate, owned.
#[derive(Clone, Debug)]
struct Message {
    key: Vec<u8>,
    bytes: Vec<u8>,
    suffix: Option<[u8; 4]>,
}

impl Message {
    fn noise(seed: usize, length: usize) -> Self {
        let suffix = noise(seed + 1, 4).try_into().expect("four bytes");
        Self {
            key: noise(seed + 2, 20),
            bytes: noise(seed, length),
            suffix: (!seed.is_multiple_of(3)).then_some(suffix),
        }
    }

    fn reference(&self) -> Digest {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.key).expect("any length");
        mac.update(&self.bytes);
        mac.update(self.suffix.as_ref().map_or(&[], |suffix| &suffix[..]));
        mac.finalize().into_bytes().into()
    }
}

fn kernels() -> Vec<(&'static str, HmacSha1)> {
    runnable([
        ("HMAC-SHA1 on AVX-512", HmacSha1::avx512()),
        ("HMAC-SHA1 on AVX-512 alone", HmacSha1::avx512_alone()),
        ("HMAC-SHA1 on AVX2", HmacSha1::avx2()),
        ("HMAC-SHA1 on SHA-NI", HmacSha1::sha_ni()),
    ])
}

fn digest(kernel: &HmacSha1, messages: &[Message]) -> Vec<Digest> {
    let keys: Vec<MacKey> = messages.iter().map(|message| MacKey::new(&message.key)).collect();
    let job = |(message, key)| {
        let Message { bytes, suffix, .. }: &Message = message;
        MacJob { key, message: bytes, suffix: *suffix }
    };
    let jobs: Vec<MacJob<'_>> = messages.iter().zip(&keys).map(job).collect();
    let mut digests = vec![[0; 20]; jobs.len()];
    kernel.digest(&jobs, &mut digests);
    digests
}

fn assert_equal_reference(messages: &[Message]) {
    let expected: Vec<Digest> = messages.iter().map(Message::reference).collect();
    for (name, kernel) in kernels() {
        let digests = digest(&kernel, messages);
        for (index, message) in messages.iter().enumerate() {
            let (length, suffix) = (message.bytes.len(), message.suffix);
            assert_eq!(
                digests[index],
                expected[index],
                "{name}: {index} of {}: {length} bytes and {suffix:?}",
                messages.len()
            );
        }
    }
}

#[test]
fn rfc_2202() {
    let case =
        |key: &[u8], data: &[u8]| Message { key: key.to_vec(), bytes: data.to_vec(), suffix: None };
    let messages = [
        case(&[0x0b; 20], b"Hi There"),
        case(b"Jefe", b"what do ya want for nothing?"),
        case(&[0xaa; 20], &[0xdd; 50]),
        case(&std::array::from_fn::<u8, 25, _>(|index| index as u8 + 1), &[0xcd; 50]),
        case(&[0x0c; 20], b"Test With Truncation"),
    ];
    let expected = [
        hex_literal::hex!("b617318655057264e28bc0b6fb378c8ef146be00"),
        hex_literal::hex!("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        hex_literal::hex!("125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
        hex_literal::hex!("4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        hex_literal::hex!("4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
    ];
    for (name, kernel) in kernels() {
        assert_eq!(digest(&kernel, &messages), expected, "{name}");
    }
}

#[test]
fn every_length_with_and_without_suffix() {
    let messages: Vec<Message> = (0..=1500).map(|length| Message::noise(length, length)).collect();
    assert_equal_reference(&messages);
}

#[test]
fn every_burst_size_of_equal_lengths() {
    for count in 1..=64 {
        let messages: Vec<Message> =
            (0..count).map(|seed| Message::noise(3 * seed + 1, 172)).collect();
        assert_equal_reference(&messages);
    }
}

#[test]
fn nothing_to_do() {
    assert_equal_reference(&[]);
}

proptest! {
    #[test]
    fn bursts_of_any_lengths(seeds in prop::collection::vec((any::<u16>(), 0..=1500usize), 1..=64)) {
        let message = |&(seed, length): &(u16, usize)| Message::noise(seed.into(), length);
        assert_equal_reference(&seeds.iter().map(message).collect::<Vec<_>>());
    }

    #[test]
    fn voice_with_a_few_other_packets(
        count in 1..=64usize,
        others in prop::collection::vec((0..64usize, 0..=3000usize), 0..=5),
    ) {
        let mut messages: Vec<Message> = (0..count).map(|seed| Message::noise(seed, 172)).collect();
        for (place, length) in others {
            messages[place % count] = Message::noise(place, length);
        }
        assert_equal_reference(&messages);
    }
}
