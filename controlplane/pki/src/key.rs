//! Keys and hash functions.

use std::fmt;
use std::io;
use std::path::Path;

use der::Tag;
use durable::Readers;
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer as OpensslSigner, Verifier};
use zeroize::Zeroizing;

use crate::asn1::{self, Elements};
use crate::certificate::Certificate;
use crate::export;
use crate::fault::KeyFault;
use crate::signer::{SignError, Signer};

/// Hash functions of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1, for what telephones of the 79xx family must verify.
    LegacySha1,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Hash {
    /// The hash of `data`.
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        openssl::hash::hash(self.digest(), data).expect("OpenSSL has SHA-1 and SHA-2").to_vec()
    }

    pub(crate) fn digest(self) -> MessageDigest {
        match self {
            Self::LegacySha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// The keys that can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, 1024 bits: tokens and certificates of the CallManager 4 era.
    Rsa1024,
    /// RSA, 2048 bits: the most 79xx telephones take in a trust list.
    Rsa2048,
    /// RSA, 3072 bits. Trust lists have no code for its signatures.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// NIST P-256.
    EcP256,
    /// NIST P-384.
    EcP384,
    /// NIST P-521.
    EcP521,
}

impl KeyKind {
    /// Every kind, weakest RSA first.
    pub const ALL: [Self; 7] = [
        Self::Rsa1024,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::EcP256,
        Self::EcP384,
        Self::EcP521,
    ];

    /// Modulus bits, for RSA.
    pub fn rsa_bits(self) -> Option<u32> {
        match self {
            Self::Rsa1024 => Some(1024),
            Self::Rsa2048 => Some(2048),
            Self::Rsa3072 => Some(3072),
            Self::Rsa4096 => Some(4096),
            Self::EcP256 | Self::EcP384 | Self::EcP521 => None,
        }
    }

    /// The kind of a name such as `rsa2048` or `p256`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_string() == name)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa1024 => "rsa1024",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::EcP256 => "p256",
            Self::EcP384 => "p384",
            Self::EcP521 => "p521",
        })
    }
}

/// A public key that can verify.
#[derive(Clone)]
pub struct PublicKey {
    key: PKey<Public>,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Decodes a SubjectPublicKeyInfo: RSA of 512 to 16384 bits or a NIST curve. Anything else is
    /// `None`.
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        let key = plain_rsa(spki).or_else(|| PKey::public_key_from_der(spki).ok())?;
        let usable = match key.id() {
            Id::RSA => (512..=16384).contains(&key.bits()),
            Id::EC => curve(&key).is_some(),
            _ => false,
        };
        usable.then(|| Self { key, spki: spki.to_vec() })
    }

    /// Whether it is an RSA key.
    pub fn is_rsa(&self) -> bool {
        self.key.id() == Id::RSA
    }

    /// Size of the modulus or the field, in bits.
    pub fn bits(&self) -> u32 {
        self.key.bits()
    }

    /// What it is, for people: `RSA 2048`, `EC 256`.
    pub fn describe(&self) -> String {
        format!("{} {}", if self.is_rsa() { "RSA" } else { "EC" }, self.bits())
    }

    /// Whether its numbers can be a key's: an odd modulus with an odd exponent from 3 up, or a
    /// point on its curve.
    pub fn is_sound(&self) -> bool {
        match (self.key.rsa(), self.key.ec_key()) {
            (Ok(rsa), _) => {
                let odd = |number: &BigNumRef| number.is_bit_set(0);
                odd(rsa.n()) && odd(rsa.e()) && rsa.e().num_bits() >= 2
            }
            (_, Ok(ec)) => ec.check_key().is_ok(),
            _ => false,
        }
    }

    pub(crate) fn openssl(&self) -> &PKeyRef<Public> {
        &self.key
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key as a trust list holds it: PKCS#1 RSAPublicKey, or the uncompressed point.
    pub fn trust_list_form(&self) -> Vec<u8> {
        let form = if self.is_rsa() {
            self.key.rsa().and_then(|rsa| rsa.public_key_to_der_pkcs1())
        } else {
            self.key.ec_key().and_then(|key| {
                let mut context = BigNumContext::new()?;
                let form = PointConversionForm::UNCOMPRESSED;
                key.public_key().to_bytes(key.group(), form, &mut context)
            })
        };
        form.expect("the key was decoded as RSA or EC")
    }

    /// Whether `signature` of `message` was made with the private key: RSASSA-PKCS1-v1_5, or ECDSA
    /// in DER.
    pub fn verify(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let verified = Verifier::new(hash.digest(), &self.key)
            .and_then(|mut verifier| verifier.verify_oneshot(signature, message));
        // A malformed signature is an error to OpenSSL; to us it does not verify either.
        verified.unwrap_or(false)
    }

    /// The same for RSASSA-PSS, with a salt as long as the hash.
    pub fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let verified = Verifier::new(hash.digest(), &self.key).and_then(|mut verifier| {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            verifier.set_rsa_mgf1_md(hash.digest())?;
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            verifier.verify_oneshot(signature, message)
        });
        verified.unwrap_or(false)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.key.public_eq(&other.key)
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.describe())
    }
}

/// A private key in memory. OpenSSL wipes it when the last copy is dropped.
#[derive(Clone)]
pub struct PrivateKey {
    key: PKey<Private>,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a fresh key from the system's random numbers.
    pub fn generate(kind: KeyKind) -> Self {
        let ec = |curve| EcGroup::from_curve_name(curve).and_then(|g| EcKey::generate(&g));
        let key = match kind {
            KeyKind::EcP256 => ec(Nid::X9_62_PRIME256V1).and_then(PKey::from_ec_key),
            KeyKind::EcP384 => ec(Nid::SECP384R1).and_then(PKey::from_ec_key),
            KeyKind::EcP521 => ec(Nid::SECP521R1).and_then(PKey::from_ec_key),
            rsa => {
                let bits = rsa.rsa_bits().expect("all other kinds are RSA");
                Rsa::generate(bits).and_then(PKey::from_rsa)
            }
        };
        Self::of(key.expect("key generation fails without random numbers or memory only"))
    }

    /// Makes a fresh RSA key as weak as 512 bits, which only a telephone of the 79xx family is
    /// ever asked for; `None` if there can be none of that size.
    pub fn generate_legacy_rsa(bits: u32) -> Option<Self> {
        let usable = (512..=16384).contains(&bits);
        usable.then(|| Rsa::generate(bits).and_then(PKey::from_rsa).ok().map(Self::of)).flatten()
    }

    pub(crate) fn openssl(&self) -> &PKeyRef<Private> {
        &self.key
    }

    /// Decodes an unencrypted PKCS#8 key.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        PKey::private_key_from_pkcs8(der).ok().map(Self::of)
    }

    /// The unencrypted PKCS#8 form, for what encrypts it or writes it to its owner's file.
    pub(crate) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.private_key_to_pkcs8().expect("a key in memory can be encoded"))
    }

    /// The PEM form of a key file.
    pub(crate) fn to_pem(&self) -> Zeroizing<Vec<u8>> {
        let pem = self.key.private_key_to_pem_pkcs8();
        Zeroizing::new(pem.expect("a key in memory can be encoded"))
    }

    /// Reads an unencrypted PEM key file of at most 64 KB.
    pub fn read(file: &Path) -> Result<Self, KeyFault> {
        let not_valid = |detail: String| KeyFault::NotValid { file: file.into(), detail };
        let pem = durable::read(file, 64 * 1024)
            .map_err(|error| not_valid(error.to_string()))?
            .map(Zeroizing::new)
            .ok_or_else(|| KeyFault::NoFile(file.into()))?;
        let has = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
        if has(b"ENCRYPTED") {
            return Err(KeyFault::Cipher(file.into()));
        }
        // The empty passphrase keeps OpenSSL from asking at the terminal.
        PKey::private_key_from_pem_passphrase(&pem, b"")
            .map(Self::of)
            .map_err(|_| not_valid("no private key in PEM form".into()))
    }

    /// Writes a PEM key file that its owner alone can read, in place of what was there. With a
    /// certificate behind the key in the same file the two cannot come apart.
    pub fn save<'a>(
        &self,
        file: &Path,
        certificates: impl IntoIterator<Item = &'a Certificate>,
    ) -> io::Result<()> {
        let mut pem = self.to_pem();
        for certificate in certificates {
            pem.extend_from_slice(export::pem(certificate).as_bytes());
        }
        durable::replace(file, &pem, Readers::Owner)
    }

    fn of(key: PKey<Private>) -> Self {
        let spki = key.public_key_to_der().expect("a private key has its public half");
        let public = PKey::public_key_from_der(&spki).expect("OpenSSL reads what it wrote");
        Self { key, public: PublicKey { key: public, spki } }
    }
}

/// The key of a SubjectPublicKeyInfo that is plainly RSA's: what most are. OpenSSL's own decoder
/// tries all formats there are, which takes longer than to verify a signature.
fn plain_rsa(spki: &[u8]) -> Option<PKey<Public>> {
    let only = |content| {
        let mut parts = Elements::of(content)?;
        let only = parts.expect(Tag::Sequence)?;
        parts.at_end().then_some(only.value())
    };
    let mut info = Elements::of(only(spki)?)?;
    let algorithm = info.encoded()?;
    let key = asn1::read_bits(info.any()?)?;
    if algorithm != RSA_ENCRYPTION || !info.at_end() {
        return None;
    }
    let mut numbers = Elements::of(only(key)?)?;
    let mut number = || {
        let magnitude = asn1::read_unsigned(numbers.expect(Tag::Integer)?)?;
        BigNum::from_slice(&magnitude).ok()
    };
    let rsa = Rsa::from_public_components(number()?, number()?).ok()?;
    numbers.at_end().then(|| PKey::from_rsa(rsa).ok())?
}

/// AlgorithmIdentifier of RSA keys: rsaEncryption (1.2.840.113549.1.1.1), NULL.
const RSA_ENCRYPTION: &[u8] =
    &[0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];

/// The public key of an RSA modulus and exponent (big-endian); `None` if they make none.
pub(crate) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    let number = |bytes| BigNum::from_slice(bytes).ok();
    let rsa = Rsa::from_public_components(number(modulus)?, number(exponent)?).ok()?;
    PublicKey::from_spki(&PKey::from_rsa(rsa).ok()?.public_key_to_der().ok()?)
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // OpenSSL verifies each RSA signature before it hands it out.
        OpensslSigner::new(hash.digest(), &self.key)
            .and_then(|mut signer| signer.sign_oneshot_to_vec(message))
            .map_err(|error| SignError::Refused(error.to_string()))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.describe())
    }
}

fn curve(key: &PKeyRef<Public>) -> Option<Nid> {
    let curve = key.ec_key().ok()?.group().curve_name()?;
    [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1].contains(&curve).then_some(curve)
}
