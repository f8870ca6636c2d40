//! Tokens and servers with real keys, and files signed by them.
#![allow(dead_code)] // each test binary uses its part

use std::net::IpAddr;

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use ringfence_tlv::{
    CtlFile, DigestAlgorithm, FileKind, PublicKey, Record, Role, Serial, SignatureModulus,
    SignedFile, SignerId, Signing, Text, VerifiedCtl, VerifiedFile,
};

/// A key pair and the name its certificate would have.
pub struct Holder {
    pub name: &'static str,
    key: PKey<Private>,
    serial: u8,
}

pub fn token(number: u8) -> Holder {
    match number {
        1 => holder("token-1", include_str!("../data/keys/token-1.pem"), 1),
        2 => holder("token-2", include_str!("../data/keys/token-2.pem"), 2),
        3 => holder("token-3", include_str!("../data/keys/token-3.pem"), 3),
        _ => panic!("there are three test tokens"),
    }
}

pub fn node() -> Holder {
    holder("node-1", include_str!("../data/keys/node-1.pem"), 0x11)
}

pub fn image() -> Holder {
    holder("image", include_str!("../data/keys/image.pem"), 0x21)
}

fn holder(name: &'static str, pem: &str, serial: u8) -> Holder {
    Holder { name, key: PKey::private_key_from_pem(pem.as_bytes()).unwrap(), serial }
}

impl Holder {
    pub fn public_key(&self) -> PublicKey {
        PublicKey::new(self.key.rsa().unwrap().public_key_to_der_pkcs1().unwrap()).unwrap()
    }

    pub fn id(&self) -> SignerId {
        SignerId {
            name: text(&format!("CN={};OU=Lab", self.name)),
            serial: Serial::new([0x6A, 0x00, self.serial]).unwrap(),
            issuer: text("CN=Lab CA;OU=Lab"),
        }
    }

    /// A complete record. The certificate is a stand-in: to this crate it is opaque.
    pub fn record(&self, role: Role) -> Record {
        let id = self.id();
        let host = if role == Role::Sast { "" } else { self.name };
        Record {
            dns_name: Some(text(host)),
            subject: Some(id.name),
            issuer: Some(id.issuer),
            serial: Some(id.serial),
            public_key: Some(self.public_key()),
            signature: Some(vec![self.serial; 128]),
            certificate: Some(vec![self.serial; 500]),
            address: Some(IpAddr::from([192, 0, 2, self.serial])),
            ..Record::bare(role)
        }
    }

    pub fn signing(&self) -> Signing {
        Signing {
            signer: self.id(),
            digest: DigestAlgorithm::Sha1,
            modulus: SignatureModulus::from_bits(self.key.bits() as usize).unwrap(),
            timestamp: 1_100_000_000,
            signer_version: None,
        }
    }

    pub fn sign(&self, digest: DigestAlgorithm, bytes: &[u8]) -> Vec<u8> {
        let digest = match digest {
            DigestAlgorithm::Sha1 => MessageDigest::sha1(),
            DigestAlgorithm::Sha256 => MessageDigest::sha256(),
            DigestAlgorithm::Sha512 => MessageDigest::sha512(),
        };
        Signer::new(digest, &self.key).unwrap().sign_oneshot_to_vec(bytes).unwrap()
    }

    pub fn sign_ctl(&self, records: &[Record]) -> VerifiedCtl {
        let unsigned = CtlFile::unsigned(self.signing(), records).unwrap();
        let signature = self.sign(unsigned.digest(), unsigned.to_be_signed());
        unsigned.attach(&signature).unwrap()
    }

    pub fn sign_file(&self, kind: FileKind, name: &str, payload: &[u8]) -> VerifiedFile {
        let unsigned = SignedFile::unsigned(self.signing(), kind, text(name), payload);
        let signature = self.sign(unsigned.digest(), unsigned.to_be_signed());
        let file = unsigned.attach(&signature).unwrap();
        file.verify_with(name, &self.public_key()).unwrap()
    }
}

/// Two tokens and a node: the smallest list of a mixed-mode cluster.
pub fn cluster() -> Vec<Record> {
    vec![token(1).record(Role::Sast), token(2).record(Role::Sast), node().record(Role::CcmTftp)]
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
