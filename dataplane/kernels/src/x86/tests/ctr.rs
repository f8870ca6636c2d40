//! [`AesCtr`] against the `ctr` crate, NIST SP 800-38A and RFC 3711.

use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hex_literal::hex;
use proptest::prelude::*;

use super::super::{AesCtr, expand_key};
use super::{noise, runnable};

/// A text to encrypt, owned.
#[derive(Clone, Debug)]
struct Text {
    key: Vec<u8>,
    iv: [u8; 16],
    data: Vec<u8>,
}

impl Text {
    /// Any IV whose block counter does not come around within the data.
    fn noise(seed: usize, length: usize) -> Self {
        let mut iv: [u8; 16] = noise(seed + 1, 16).try_into().expect("sixteen bytes");
        iv[14] &= 0x7f;
        Self { key: noise(seed + 2, [16, 24, 32][seed % 3]), iv, data: noise(seed, length) }
    }

    fn reference(&self) -> Vec<u8> {
        let mut data = self.data.clone();
        let (key, iv) = (&self.key, &self.iv);
        let done = match key.len() {
            16 => Ctr128BE::<Aes128>::new_from_slices(key, iv)
                .map(|mut it| it.apply_keystream(&mut data)),
            24 => Ctr128BE::<Aes192>::new_from_slices(key, iv)
                .map(|mut it| it.apply_keystream(&mut data)),
            _ => Ctr128BE::<Aes256>::new_from_slices(key, iv)
                .map(|mut it| it.apply_keystream(&mut data)),
        };
        done.expect("lengths fit");
        data
    }
}

fn kernels() -> Vec<(&'static str, AesCtr)> {
    runnable([("AES-CTR on VAES", AesCtr::vaes()), ("AES-CTR on AES-NI", AesCtr::aes_ni())])
}

fn apply(kernel: &AesCtr, texts: &mut [Text]) {
    let schedule = |text: &Text| {
        let mut round_keys = vec![[0; 16]; text.key.len() / 4 + 7];
        assert!(expand_key(&text.key, &mut round_keys), "whoever has a kernel has AES");
        round_keys
    };
    for text in texts {
        kernel.apply(&schedule(text), u128::from_be_bytes(text.iv), &mut text.data);
    }
}

fn assert_equal_reference(texts: &[Text]) {
    for (name, kernel) in kernels() {
        let mut encrypted = texts.to_vec();
        apply(&kernel, &mut encrypted);
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(
                encrypted[index].data,
                text.reference(),
                "{name}: {index} of {}: {text:?}",
                texts.len()
            );
        }
        apply(&kernel, &mut encrypted);
        assert!(
            encrypted.iter().zip(texts).all(|(back, text)| back.data == text.data),
            "{name}: there and back"
        );
    }
}

#[test]
fn nist_sp_800_38a_f_5() {
    let text = |key: &[u8]| Text {
        key: key.to_vec(),
        iv: hex!("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
        data: hex!("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
        .to_vec(),
    };
    let texts = [
        text(&hex!("2b7e151628aed2a6abf7158809cf4f3c")),
        text(&hex!("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b")),
        text(&hex!("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")),
    ];
    let expected = [
        hex!("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
             "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"),
        hex!("1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
             "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050"),
        hex!("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
             "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"),
    ];
    for (name, kernel) in kernels() {
        let mut encrypted = texts.clone();
        apply(&kernel, &mut encrypted);
        for (text, expected) in encrypted.iter().zip(expected) {
            assert_eq!(text.data, expected, "{name}");
        }
    }
}

#[test]
fn rfc_3711_b_2() {
    let text = |first: u16, blocks: usize| {
        let mut iv = hex!("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000");
        iv[14..].copy_from_slice(&first.to_be_bytes());
        let key = hex!("2b7e151628aed2a6abf7158809cf4f3c").to_vec();
        Text { key, iv, data: vec![0; 16 * blocks] }
    };
    for (name, kernel) in kernels() {
        let mut streams = [text(0, 3), text(0xfeff, 3), text(0, 0xff02)];
        apply(&kernel, &mut streams);
        let first = hex!(
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0"
        );
        let last = hex!(
            "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44"
        );
        assert_eq!(streams[0].data, first, "{name}");
        assert_eq!(streams[1].data, last, "{name}");
        assert_eq!(streams[2].data[..48], first, "{name}");
        assert_eq!(streams[2].data[16 * 0xfeff..], last, "{name}");
    }
}

#[test]
fn every_length_and_key_size() {
    for length in 0..=1500 {
        assert_equal_reference(&[0, 1, 2].map(|seed| Text::noise(3 * length + seed, length)));
    }
}

#[test]
#[should_panic(expected = "block counter must not come around")]
fn key_stream_never_repeats() {
    let Some((_, kernel)) = kernels().pop() else {
        panic!("block counter must not come around: no kernel here to try it with");
    };
    let text = Text { key: vec![0; 16], iv: [0xff; 16], data: vec![0; 17] };
    apply(&kernel, &mut [text]);
}

proptest! {
    #[test]
    fn bursts_of_any_lengths_and_keys(seeds in prop::collection::vec((any::<u16>(), 0..=1500usize), 1..=64)) {
        let text = |&(seed, length): &(u16, usize)| Text::noise(seed.into(), length);
        assert_equal_reference(&seeds.iter().map(text).collect::<Vec<_>>());
    }
}
