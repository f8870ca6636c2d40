//! A gateway's copy of what it was given, on disk under a key of its own: a disk that is stolen
//! without the key tells of no phone and no line.

use std::fmt;
use std::path::{Path, PathBuf};

use durable::Readers;
use messages::{Explain, Message, srst};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::bundle::Signed;
use crate::link::MAX_FRAME;

/// What the file begins with, and what is authenticated with its content.
const MAGIC: &[u8; 8] = b"RFSRST1\0";
const KEY_LENGTH: usize = 32;

/// Where a gateway keeps what it was given.
#[derive(Clone, Debug)]
pub struct Vault {
    file: PathBuf,
    key_file: PathBuf,
}

/// Why there is nothing in it that can be used.
#[derive(Debug)]
pub struct VaultFault {
    /// The file.
    pub file: PathBuf,
    /// What is wrong.
    pub detail: String,
}

impl fmt::Display for VaultFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.detail)
    }
}

impl std::error::Error for VaultFault {}

impl Explain for VaultFault {
    fn message(&self) -> &'static Message {
        &srst::SRST_VAULT_UNREADABLE
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("file", self.file.display().to_string()), ("detail", self.detail.clone())]
    }
}

impl Vault {
    /// The key is beside the node's other keys, and made when something is kept first.
    pub fn new(directory: &Path, key_directory: &Path) -> Self {
        let (file, key) = ("srst.vault", "srst-vault.key");
        Self { file: directory.join(file), key_file: key_directory.join(key) }
    }

    /// What was kept last; `None` if nothing ever was.
    pub fn open(&self) -> Result<Option<Signed>, VaultFault> {
        let read = |path: &Path, most| durable::read(path, most).map_err(|error| self.fault(error));
        let Some(mut sealed) = read(&self.file, MAX_FRAME as u64 * 2)? else { return Ok(None) };
        let key = read(&self.key_file, KEY_LENGTH as u64)?.map(Zeroizing::new);
        let key = key.ok_or_else(|| self.fault("its key is missing"))?;
        let broken = || self.fault("it was damaged or is of another key");
        let key = cipher(&key).ok_or_else(broken)?;
        let rest = sealed.strip_prefix(MAGIC).ok_or_else(broken)?;
        let nonce = rest.first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let content = &mut sealed[MAGIC.len() + NONCE_LEN..];
        let opened = key.open_in_place(nonce, Aad::from(MAGIC), content).map_err(|_| broken())?;
        serde_json::from_slice(opened).map(Some).map_err(|error| self.fault(error))
    }

    /// Keeps something in the place of what was kept before.
    pub fn keep(&self, signed: &Signed) -> Result<(), VaultFault> {
        let key = self.key()?;
        let broken = || self.fault("its key is none");
        let key = cipher(&key).ok_or_else(broken)?;
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut content = serde_json::to_vec(signed).map_err(|error| self.fault(error))?;
        let (nonce, bytes) = (Nonce::assume_unique_for_key(nonce), nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(MAGIC), &mut content)
            .map_err(|_| broken())?;
        let sealed = [&MAGIC[..], &bytes, &content].concat();
        durable::replace(&self.file, &sealed, Readers::Owner).map_err(|error| self.fault(error))
    }

    fn key(&self) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let read = || durable::read(&self.key_file, KEY_LENGTH as u64);
        if let Some(key) = read().map_err(|error| self.fault(error))? {
            return Ok(Zeroizing::new(key));
        }
        let key = Zeroizing::new(rand::random::<[u8; KEY_LENGTH]>().to_vec());
        match durable::create(&self.key_file, &key, Readers::Owner) {
            Ok(()) => Ok(key),
            Err(error) => Err(self.fault(error)),
        }
    }

    fn fault(&self, detail: impl ToString) -> VaultFault {
        VaultFault { file: self.file.clone(), detail: detail.to_string() }
    }
}

fn cipher(key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}
