//! Tokens in encrypted files.
//!
//! A file is one DER SEQUENCE: version, label, certificate, wrong passwords in a row, argon2id
//! salt and costs, nonce, and the private key under AES-256-GCM. Everything that does not change
//! with each try is authenticated with the key. A locked token has no key any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use argon2::{Algorithm, Argon2, Params, Version};
use der::Tag;
use durable::Readers;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use super::ledger::TryError;
use super::{Ledger, MAX_WRONG_PASSWORDS, Password, Token, TokenAuthority, TokenError, TokenInfo};
use crate::asn1::{self, Elements};
use crate::certificate::{Certificate, hex};
use crate::key::{Hash, KeyKind, PrivateKey};
use crate::signer::{Identity, Signer};

/// Ending of token files.
pub const FILE_SUFFIX: &str = "token";

/// Longest token file.
const MAX_SIZE: u64 = 64 * 1024;
const TAG_LENGTH: usize = 16;
const NONCE_LENGTH: usize = 12;
const SALT_LENGTH: usize = 16;

/// What a try costs whoever guesses: argon2id (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// 64 MiB and three passes: the second choice of RFC 9106 §4.
    pub const STANDARD: Self = Self { memory: 64 * 1024, passes: 3 };
    /// The least argon2 knows, for tests that log in hundreds of times.
    pub const MINIMAL: Self = Self { memory: 8, passes: 1 };
    /// More than this is taken for a damaged file, not allocated.
    const MAX: Self = Self { memory: 1024 * 1024, passes: 64 };
}

/// A token file that was found.
pub(super) struct SoftwareToken {
    path: PathBuf,
}

/// Finds the token file at `path`, or the only one in the directory `path`.
pub(super) fn find(path: &Path) -> Result<SoftwareToken, TokenError> {
    let mut found = files(path)?;
    match found.len() {
        0 => Err(TokenError::Absent),
        1 => Ok(SoftwareToken { path: found.remove(0) }),
        several => Err(TokenError::Several(several)),
    }
}

/// The token file at `path`, or those in the directory `path`, by name.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, TokenError> {
    if !path.is_dir() {
        return if path.exists() { Ok(vec![path.into()]) } else { Err(TokenError::Absent) };
    }
    let failed = |error| TokenError::store(path.display(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|suffix| suffix == FILE_SUFFIX) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// See [`super::init_software`].
pub(super) fn init(
    file: &Path,
    label: &str,
    kind: KeyKind,
    password: &Password,
    cost: Cost,
    authority: &TokenAuthority,
    now: SystemTime,
) -> Result<Certificate, TokenError> {
    if kind.rsa_bits().is_none() {
        return Err(TokenError::store(file.display(), "trust lists are signed with RSA keys only"));
    }
    let key = PrivateKey::generate(kind);
    let certificate = authority.certify(label, key.public_key(), now)?;
    let content = Content::seal(label, &certificate, cost, password, &key);
    durable::create(file, &content.encode(), Readers::Owner)
        .map_err(|error| TokenError::store(file.display(), error))?;
    Ok(certificate)
}

impl Token for SoftwareToken {
    fn info(&self, ledger: &Ledger) -> Result<TokenInfo, TokenError> {
        let content = self.read()?;
        let id = content.id();
        let wrong_passwords = ledger.wrong_passwords(&id)?.max(content.wrong_passwords);
        Ok(TokenInfo {
            locked: content.is_locked() || wrong_passwords > MAX_WRONG_PASSWORDS,
            label: content.label,
            id,
            certificate: content.certificate,
            wrong_passwords,
        })
    }

    fn login(&self, password: &Password, ledger: &Ledger) -> Result<Identity, TokenError> {
        self.unlock(password, ledger, |content, key| {
            let certificate = content.certificate.clone();
            let label = content.label.clone();
            let identity = Identity::new(certificate, key);
            Ok((identity.ok_or(TokenError::NoCertificate(label))?, content))
        })
    }

    fn change_password(
        &self,
        old: &Password,
        new: &Password,
        ledger: &Ledger,
    ) -> Result<(), TokenError> {
        self.unlock(old, ledger, |content, key| {
            let Content { label, certificate, cost, .. } = &content;
            Ok(((), Content::seal(label, certificate, *cost, new, &key)))
        })
    }
}

impl SoftwareToken {
    fn read(&self) -> Result<Content, TokenError> {
        let store = self.path.display();
        let bytes = durable::read(&self.path, MAX_SIZE)
            .map_err(|error| TokenError::store(&store, error))?
            .ok_or(TokenError::Absent)?;
        Content::decode(&bytes).ok_or_else(|| TokenError::store(&store, "it is no token file"))
    }

    fn write(&self, content: &Content) -> Result<(), TokenError> {
        durable::replace(&self.path, &content.encode(), Readers::Owner)
            .map_err(|error| TokenError::store(self.path.display(), error))
    }

    /// One try. With the right password `then` says what the file shall hold afterwards.
    fn unlock<T>(
        &self,
        password: &Password,
        ledger: &Ledger,
        then: impl FnOnce(Content, PrivateKey) -> Result<(T, Content), TokenError>,
    ) -> Result<T, TokenError> {
        let id = self.read()?.id();
        let mut then = Some(then);
        // Read under the ledger's lock: somebody else may just have tried.
        ledger.attempt(&id, self.read()?.wrong_passwords, |tries| {
            let mut content = self.read().map_err(TryError::Other)?;
            if content.is_locked() {
                return Err(TryError::Other(TokenError::Locked));
            }
            content.wrong_passwords = tries;
            self.write(&content).map_err(TryError::Other)?;
            let Some(key) = content.open(password) else {
                if tries > MAX_WRONG_PASSWORDS {
                    content.sealed.clear();
                    self.write(&content).map_err(TryError::Other)?;
                }
                return Err(TryError::WrongPassword);
            };
            content.wrong_passwords = 0;
            let then = then.take().expect("a try is made once");
            let (value, content) = then(content, key).map_err(TryError::Other)?;
            self.write(&content).map_err(TryError::Other)?;
            Ok(value)
        })
    }
}

/// What a token file holds.
struct Content {
    label: String,
    certificate: Certificate,
    wrong_passwords: u32,
    cost: Cost,
    salt: Vec<u8>,
    nonce: Vec<u8>,
    /// The PKCS#8 key, encrypted, with its tag; empty when locked.
    sealed: Vec<u8>,
}

impl Content {
    const VERSION: u8 = 1;

    fn seal(
        label: &str,
        certificate: &Certificate,
        cost: Cost,
        password: &Password,
        key: &PrivateKey,
    ) -> Self {
        let random = |length| {
            let mut bytes = vec![0; length];
            openssl::rand::rand_bytes(&mut bytes).expect("the system has random numbers");
            bytes
        };
        let mut content = Self {
            label: label.into(),
            certificate: certificate.clone(),
            wrong_passwords: 0,
            cost,
            salt: random(SALT_LENGTH),
            nonce: random(NONCE_LENGTH),
            sealed: Vec::new(),
        };
        let mut tag = [0; TAG_LENGTH];
        content.sealed = encrypt_aead(
            Cipher::aes_256_gcm(),
            content.wrapping_key(password).as_slice(),
            Some(&content.nonce),
            &content.authenticated(),
            &key.to_pkcs8(),
            &mut tag,
        )
        .expect("AES-GCM encrypts everything");
        content.sealed.extend(tag);
        content
    }

    /// The key, if the password is right and nothing was changed.
    fn open(&self, password: &Password) -> Option<PrivateKey> {
        let split = self.sealed.len().checked_sub(TAG_LENGTH)?;
        let (sealed, tag) = self.sealed.split_at(split);
        let key = self.wrapping_key(password);
        let nonce = Some(self.nonce.as_slice());
        let authenticated = self.authenticated();
        decrypt_aead(Cipher::aes_256_gcm(), &*key, nonce, &authenticated, sealed, tag)
            .ok()
            .map(Zeroizing::new)
            .and_then(|pkcs8| PrivateKey::from_pkcs8(&pkcs8))
    }

    fn wrapping_key(&self, password: &Password) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(self.cost.memory, self.cost.passes, 1, Some(key.len()))
            .expect("costs are checked when a file is read");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_str().as_bytes(), &self.salt, &mut *key)
            .expect("salt and key have fixed lengths");
        key
    }

    fn is_locked(&self) -> bool {
        self.sealed.is_empty()
    }

    /// The certificate's fingerprint names the token: copies of a file are the same token.
    fn id(&self) -> String {
        format!("soft-{}", &hex(&Hash::Sha256.of(self.certificate.der()))[..16])
    }

    fn authenticated(&self) -> Vec<u8> {
        [
            asn1::unsigned(&[Self::VERSION]),
            asn1::element(Tag::Utf8String, self.label.as_bytes()),
            asn1::element(Tag::OctetString, self.certificate.der()),
            asn1::element(Tag::OctetString, self.salt.as_slice()),
            asn1::unsigned(&self.cost.memory.to_be_bytes()),
            asn1::unsigned(&self.cost.passes.to_be_bytes()),
            asn1::element(Tag::OctetString, self.nonce.as_slice()),
        ]
        .concat()
    }

    fn encode(&self) -> Vec<u8> {
        asn1::sequence(&[
            &self.authenticated(),
            &asn1::unsigned(&self.wrong_passwords.to_be_bytes()),
            &asn1::element(Tag::OctetString, self.sealed.as_slice()),
        ])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut file = Elements::of(bytes)?;
        let mut parts = Elements::of(file.expect(Tag::Sequence)?.value())?;
        let number = |parts: &mut Elements<'_>| -> Option<u32> {
            let magnitude = asn1::read_unsigned(parts.any()?)?;
            (magnitude.len() <= 4)
                .then(|| magnitude.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
        };
        let octets = |parts: &mut Elements<'_>| -> Option<Vec<u8>> {
            Some(parts.expect(Tag::OctetString)?.value().to_vec())
        };
        if number(&mut parts)? != u32::from(Self::VERSION) {
            return None;
        }
        let label = String::from_utf8(parts.expect(Tag::Utf8String)?.value().to_vec()).ok()?;
        let certificate = Certificate::parse(&octets(&mut parts)?).ok()?;
        let salt = octets(&mut parts)?;
        let cost = Cost { memory: number(&mut parts)?, passes: number(&mut parts)? };
        let nonce = octets(&mut parts)?;
        let wrong_passwords = number(&mut parts)?;
        let sealed = octets(&mut parts)?;
        let bearable = (8..=Cost::MAX.memory).contains(&cost.memory)
            && (1..=Cost::MAX.passes).contains(&cost.passes)
            && salt.len() == SALT_LENGTH
            && nonce.len() == NONCE_LENGTH;
        (bearable && parts.at_end() && file.at_end()).then_some(Self {
            label,
            certificate,
            wrong_passwords,
            cost,
            salt,
            nonce,
            sealed,
        })
    }
}
