//! [`GcmTag`] with [`AesCtr`] against the `aes-gcm` crate and RFC 7714.

use aes::Aes192;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use hex_literal::hex;
use proptest::prelude::*;

use super::super::gcm::Tag;
use super::super::{AesCtr, Block, GcmTag, TagJob, expand_key, hash_key, payload_iv};
use super::{noise, runnable};

/// A packet to seal, owned.
#[derive(Clone, Debug)]
struct Packet {
    key: Vec<u8>,
    nonce: [u8; 12],
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl Packet {
    fn noise(seed: usize, header: usize, payload: usize) -> Self {
        Self {
            key: noise(seed + 1, [16, 24, 32][seed % 3]),
            nonce: noise(seed + 2, 12).try_into().expect("twelve bytes"),
            header: noise(seed + 3, header),
            payload: noise(seed, payload),
        }
    }

    fn reference(&self) -> (Vec<u8>, Tag) {
        fn seal<C: KeyInit + AeadInOut<NonceSize = U12>>(packet: &Packet) -> (Vec<u8>, Tag)
        where
            aes_gcm::aead::Tag<C>: Into<Tag>,
        {
            let cipher = C::new_from_slice(&packet.key).expect("length fits");
            let mut payload = packet.payload.clone();
            let tag = cipher
                .encrypt_inout_detached(
                    &packet.nonce.into(),
                    &packet.header,
                    payload.as_mut_slice().into(),
                )
                .expect("short enough");
            (payload, tag.into())
        }
        match self.key.len() {
            16 => seal::<Aes128Gcm>(self),
            24 => seal::<AesGcm<Aes192, U12>>(self),
            _ => seal::<Aes256Gcm>(self),
        }
    }
}

fn kernels() -> Vec<(&'static str, (GcmTag, AesCtr))> {
    runnable([
        ("GCM on VPCLMULQDQ", GcmTag::vpclmulqdq().zip(AesCtr::vaes())),
        ("GCM on PCLMULQDQ", GcmTag::pclmulqdq().zip(AesCtr::aes_ni())),
    ])
}

/// Encrypts the packets and returns their tags.
fn seal((tag, ctr): &(GcmTag, AesCtr), packets: &mut [Packet]) -> Vec<Tag> {
    packets.iter_mut().for_each(|packet| packet.crypt(ctr));
    packets.iter().map(|packet| packet.tag(tag)).collect()
}

/// The packets' tags, and only then their plain text.
fn open((tag, ctr): &(GcmTag, AesCtr), packets: &mut [Packet]) -> Vec<Tag> {
    let tags = packets.iter().map(|packet| packet.tag(tag)).collect();
    packets.iter_mut().for_each(|packet| packet.crypt(ctr));
    tags
}

impl Packet {
    fn tag(&self, kernel: &GcmTag) -> Tag {
        let round_keys = &self.round_keys();
        let hash_key = &hash_key(round_keys).expect("whoever has a kernel has PCLMULQDQ");
        let (associated, ciphertext) = (&self.header, &self.payload);
        kernel.compute(self.nonce(), &TagJob { round_keys, hash_key, associated, ciphertext })
    }

    fn crypt(&mut self, kernel: &AesCtr) {
        kernel.apply(&self.round_keys(), payload_iv(self.nonce()), &mut self.payload);
    }

    fn round_keys(&self) -> Vec<Block> {
        let mut round_keys = vec![[0; 16]; self.key.len() / 4 + 7];
        assert!(expand_key(&self.key, &mut round_keys), "whoever has a kernel has AES");
        round_keys
    }

    fn nonce(&self) -> u128 {
        self.nonce.iter().fold(0, |number, &octet| number << 8 | u128::from(octet))
    }
}

fn assert_equal_reference(packets: &[Packet]) {
    for (name, kernel) in kernels() {
        let mut sealed = packets.to_vec();
        let tags = seal(&kernel, &mut sealed);
        for (index, packet) in packets.iter().enumerate() {
            let (ciphertext, tag) = packet.reference();
            let lengths = (packet.key.len(), packet.header.len(), packet.payload.len());
            let place = format!("{name}: key, header, payload of {lengths:?} octets");
            assert_eq!(sealed[index].payload, ciphertext, "{place}");
            assert_eq!(tags[index], tag, "{place}");
        }
        assert_eq!(open(&kernel, &mut sealed), tags, "{name}");
        assert!(
            sealed.iter().zip(packets).all(|(back, packet)| back.payload == packet.payload),
            "{name}"
        );
    }
}

/// RFC 7714 §16.1.1 and §16.2.1.
#[test]
fn rfc_7714_rtp() {
    let packet = |key: &[u8]| Packet {
        key: key.to_vec(),
        nonce: hex!("51753c6580c2726f20718414"),
        header: hex!("8040f17b8041f8d35501a0b2").to_vec(),
        payload: hex!(
            "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
        )
        .to_vec(),
    };
    let packets = [
        packet(&hex!("000102030405060708090a0b0c0d0e0f")),
        packet(&hex!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")),
    ];
    let expected = [
        hex!("f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
            "899d7f27beb16a9152cf765ee4390cce"),
        hex!("32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
            "7aa3db36dfffd6b0f9bb7878d7a76c13"),
    ];
    for (name, kernel) in kernels() {
        let mut sealed = packets.clone();
        let tags = seal(&kernel, &mut sealed);
        for ((packet, tag), expected) in sealed.iter().zip(tags).zip(expected) {
            assert_eq!([&packet.payload[..], &tag].concat(), expected, "{name}");
        }
    }
}

#[test]
fn every_payload_length() {
    for payload in 0..=1500 {
        assert_equal_reference(
            &[0, 1, 2].map(|seed| Packet::noise(3 * payload + seed, 12, payload)),
        );
    }
}

#[test]
fn every_header_length() {
    for header in 0..=300 {
        assert_equal_reference(
            &[0, 20, 33, 160].map(|payload| Packet::noise(header, header, payload)),
        );
    }
}

proptest! {
    #[test]
    fn bursts_of_any_packets(
        seeds in prop::collection::vec((any::<u16>(), 0..=100usize, 0..=1500usize), 1..=64),
    ) {
        let packet = |&(seed, header, payload): &(u16, usize, usize)| Packet::noise(seed.into(), header, payload);
        assert_equal_reference(&seeds.iter().map(packet).collect::<Vec<_>>());
    }

    /// A tag depends on every bit it should.
    #[test]
    fn a_flipped_bit_changes_the_tag(
        header in 0..=40usize, payload in 0..=200usize, bit in any::<prop::sample::Index>(),
    ) {
        let packet = Packet::noise(header + payload, header, payload);
        let (nonce, header) = (packet.nonce.len(), packet.header.len());
        let bit = bit.index(8 * (nonce + header + payload));
        let mut other = packet.clone();
        let (index, mask) = (bit / 8, 1 << (bit % 8));
        match index {
            index if index < nonce => other.nonce[index] ^= mask,
            index if index < nonce + header => other.header[index - nonce] ^= mask,
            index => other.payload[index - nonce - header] ^= mask,
        }
        for (name, kernel) in kernels() {
            let tags = open(&kernel, &mut [packet.clone(), other.clone()]);
            prop_assert_ne!(tags[0], tags[1], "{}", name);
        }
    }
}
