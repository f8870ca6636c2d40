//! A key and its certificate in a directory, made once and never replaced.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use durable::Readers;
use lang::Language;
use messages::{Explain, Message, trust_list};

use crate::certificate::Certificate;
use crate::check;
use crate::fault::{CertificateFault, KeyFault};
use crate::key::{KeyKind, PrivateKey};
use crate::signer::Identity;

/// Why a directory gives no identity.
#[derive(Debug)]
pub enum KeyDirFault {
    /// Its certificate cannot be used.
    Certificate(CertificateFault),
    /// Its key cannot be used.
    Key(KeyFault),
    /// The directory cannot be read or written.
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The two files of an identity.
#[derive(Clone, Debug)]
pub struct KeyDir {
    certificate: PathBuf,
    key: PathBuf,
}

impl KeyDir {
    /// Of these two files.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key }
    }

    /// Opens the identity, or makes it if there is none. What is there is never replaced: if half
    /// of it is missing, that is an error.
    pub fn open_or_create(
        &self,
        kind: KeyKind,
        now: SystemTime,
        certify: impl FnOnce(&PrivateKey) -> Certificate,
    ) -> Result<Identity, KeyDirFault> {
        let failed = |source| KeyDirFault::Directory { path: self.certificate.clone(), source };
        let _one_maker = durable::Lock::wait(&self.key.with_extension("lock")).map_err(failed)?;
        if !self.certificate.exists() {
            // A key alone is what a crash between the two steps left: nobody has seen its
            // certificate yet.
            let key = match PrivateKey::read(&self.key) {
                Err(KeyFault::NoFile(_)) => {
                    let key = PrivateKey::generate(kind);
                    durable::create(&self.key, &key.to_pem(), Readers::Owner).map_err(failed)?;
                    key
                }
                found => found.map_err(KeyDirFault::Key)?,
            };
            let certificate = certify(&key);
            durable::create(&self.certificate, certificate.der(), Readers::Everybody)
                .map_err(failed)?;
        }
        self.open(now)
    }

    /// Makes a new identity in the place of the one there is, which is gone afterwards. A crash in
    /// the middle leaves a directory that [`Self::open_or_create`] finishes, if only with the old
    /// key.
    pub(crate) fn renew(
        &self,
        kind: KeyKind,
        now: SystemTime,
        certify: impl FnOnce(&PrivateKey) -> Certificate,
    ) -> Result<Identity, KeyDirFault> {
        let failed = |source| KeyDirFault::Directory { path: self.certificate.clone(), source };
        {
            let _one_maker =
                durable::Lock::wait(&self.key.with_extension("lock")).map_err(failed)?;
            durable::remove(&self.certificate).map_err(failed)?;
            durable::remove(&self.key).map_err(failed)?;
        }
        self.open_or_create(kind, now, certify)
    }

    /// Opens the identity.
    pub fn open(&self, now: SystemTime) -> Result<Identity, KeyDirFault> {
        let certificate = check::read(&self.certificate)
            .and_then(|der| check::sound(&der, now))
            .map_err(KeyDirFault::Certificate)?;
        let key = PrivateKey::read(&self.key).map_err(KeyDirFault::Key)?;
        Identity::new(certificate, key).ok_or_else(|| {
            let detail = "it is not the key of the certificate beside it".into();
            KeyDirFault::Key(KeyFault::NotValid { file: self.key.clone(), detail })
        })
    }
}

impl Explain for KeyDirFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Certificate(fault) => fault.message(),
            Self::Key(fault) => fault.message(),
            Self::Directory { .. } => &trust_list::FAILED_TO_CREATE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Certificate(fault) => fault.values(),
            Self::Key(fault) => fault.values(),
            Self::Directory { path, source } => {
                vec![("detail", format!("{}: {source}", path.display()))]
            }
        }
    }
}

crate::fault::error_by_message!(KeyDirFault);
