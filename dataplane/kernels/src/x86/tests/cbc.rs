//! [`AesCbc`] against the `cbc` crate and NIST SP 800-38A.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use hex_literal::hex;
use proptest::prelude::*;

use super::super::{AesCbc, Block, CbcJob, expand_key, invert_key};
use super::{noise, runnable};

/// A message to encrypt, owned: the initialization vector and the text behind it.
#[derive(Clone, Debug)]
struct Message {
    key: Vec<u8>,
    text: Vec<Block>,
}

impl Message {
    fn noise(seed: usize, blocks: usize) -> Self {
        let text = noise(seed, 16 * (blocks + 1)).as_chunks().0.to_vec();
        Self { key: noise(seed + 1, [16, 24, 32][seed % 3]), text }
    }

    fn reference(&self) -> Vec<Block> {
        fn encrypt<C>(message: &Message) -> Vec<Block>
        where
            cbc::Encryptor<C>: KeyIvInit + BlockModeEncrypt,
            C: aes::cipher::BlockCipherEncrypt,
        {
            let mut text = message.text.clone();
            let (iv, rest) = text.split_first_mut().unwrap();
            let cipher = cbc::Encryptor::<C>::new_from_slices(&message.key, iv).unwrap();
            let rest = rest.as_flattened_mut();
            let len = rest.len();
            cipher.encrypt_padded::<NoPadding>(rest, len).unwrap();
            text
        }
        match self.key.len() {
            16 => encrypt::<Aes128>(self),
            24 => encrypt::<Aes192>(self),
            _ => encrypt::<Aes256>(self),
        }
    }

    fn round_keys(&self, inverted: bool) -> Vec<Block> {
        let mut keys = vec![[0; 16]; self.key.len() / 4 + 7];
        assert!(expand_key(&self.key, &mut keys));
        if inverted {
            let there = keys.clone();
            assert!(invert_key(&there, &mut keys));
        }
        keys
    }
}

fn kernels() -> Vec<(&'static str, AesCbc)> {
    runnable([("CBC on VAES", AesCbc::vaes()), ("CBC on AES-NI", AesCbc::aes_ni())])
}

fn holds(messages: &[Message]) {
    for (name, kernel) in kernels() {
        let work = |texts: &mut [Vec<Block>], inverted: bool| {
            let keys: Vec<_> = messages.iter().map(|one| one.round_keys(inverted)).collect();
            let jobs = keys.iter().zip(texts).map(|(round_keys, text)| CbcJob { round_keys, text });
            let mut jobs: Vec<_> = jobs.collect();
            if inverted { kernel.decrypt(&mut jobs) } else { kernel.encrypt(&mut jobs) }
        };
        let clear: Vec<_> = messages.iter().map(|message| message.text.clone()).collect();
        let mut texts = clear.clone();
        work(&mut texts, false);
        for (message, text) in messages.iter().zip(&texts) {
            assert_eq!(*text, message.reference(), "{name}");
        }
        work(&mut texts, true);
        assert_eq!(texts, clear, "{name}");
    }
}

#[test]
fn nist_sp_800_38a() {
    let iv = hex!("000102030405060708090a0b0c0d0e0f");
    let text = hex!("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51");
    let sealed = hex!("7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2");
    let message = Message {
        key: hex!("2b7e151628aed2a6abf7158809cf4f3c").to_vec(),
        text: [iv, text[..16].try_into().unwrap(), text[16..].try_into().unwrap()].to_vec(),
    };
    assert_eq!(message.reference()[1..].as_flattened(), sealed);
    holds(&[message]);
}

#[test]
fn every_length() {
    for blocks in 0..80 {
        holds(&[0, 1, 2].map(|seed| Message::noise(seed, blocks)));
    }
}

#[test]
fn a_block_by_itself() {
    for (name, kernel) in kernels() {
        let message = Message { text: vec![[0; 16], [7; 16]], ..Message::noise(0, 0) };
        let block = kernel.encrypt_block(&message.round_keys(false), [7; 16]);
        assert_eq!(block, message.reference()[1], "{name}");
    }
}

proptest! {
    #[test]
    fn bursts_of_any_lengths(lengths in prop::collection::vec((0usize..100, 0usize..3), 0..40)) {
        let messages: Vec<_> = lengths
            .into_iter()
            .enumerate()
            .map(|(number, (blocks, key))| Message::noise(3 * number + key, blocks))
            .collect();
        holds(&messages);
    }
}
