//! A phone's certificates and keys, and what it has in hand.

use std::io;
use std::path::Path;

use capf::codec::{CertificateType, Password};
use capf::phone::{Credential, Holding};
use durable::Readers;
use pki::{Certificate, PrivateKey, export};
use zeroize::Zeroizing;

use crate::connection::{IdentityError, TlsIdentity};
use crate::{Flash, FlashError};

/// What the phone has.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    /// Its locally significant certificate.
    pub lsc: Option<Holding>,
    /// Its manufactured certificate.
    pub mic: Option<Holding>,
    /// An operation that was begun.
    pub pending: Option<Pending>,
}

impl Wallet {
    /// Whether the phone can show a certificate at all.
    pub fn has_certificate(&self) -> bool {
        self.lsc.is_some() || self.mic.is_some()
    }
}

/// An operation that was begun and has not ended.
#[derive(Clone, Debug)]
pub struct Pending {
    /// How the phone proves itself.
    pub credential: Credential,
    /// The key it made, which has no certificate yet.
    pub key: Option<PrivateKey>,
}

/// Where a wallet is kept.
pub trait Memory {
    /// Keeps what changed from one to the other. When this returns, no power failure loses it;
    /// when it fails, what was kept before is still there.
    fn keep(&mut self, before: &Wallet, after: &Wallet) -> Result<(), FlashError>;
}

/// No memory at all: for thousands of phones whose power never fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ram;

impl Memory for Ram {
    fn keep(&mut self, _: &Wallet, _: &Wallet) -> Result<(), FlashError> {
        Ok(())
    }
}

/// Key and certificate in one file, so that they are replaced together.
const LSC: &str = "lsc.pem";
const MIC: &str = "mic.pem";
/// The mode, and the string if there is one. Its owner alone can read it.
const PENDING: &str = "capf.pending";
const PENDING_KEY: &str = "capf.key";
/// More than a key and a certificate.
const MOST: u64 = 64 * 1024;

impl Flash {
    /// Reads the phone's certificates and what it has in hand. What is damaged is left out: the
    /// phone has to enrol again then.
    pub fn read_wallet(&self) -> Result<Wallet, FlashError> {
        let pending = self.try_file(PENDING, |path| durable::read(path, MOST))?;
        let pending = pending.map(Zeroizing::new).and_then(|text| read_credential(&text));
        Ok(Wallet {
            lsc: self.holding(LSC)?,
            mic: self.holding(MIC)?,
            pending: pending.map(|credential| {
                let key = PrivateKey::read(&self.path(PENDING_KEY)).ok();
                Pending { credential, key }
            }),
        })
    }

    /// Keeps what changed from `before` to `after`.
    pub fn write_wallet(&self, before: &Wallet, after: &Wallet) -> Result<(), FlashError> {
        // A key that is made is kept before anybody hears of it; one that is done with goes last.
        let keys = [before, after].map(|it| it.pending.as_ref().and_then(|it| it.key.as_ref()));
        if let [old, Some(key)] = keys
            && !same_key(old, Some(key))
        {
            self.try_file(PENDING_KEY, |path| key.save(path, None))?;
        }
        let credentials = [before, after].map(|it| it.pending.as_ref().map(|it| &it.credential));
        if let [old, Some(new)] = credentials
            && old != Some(new)
        {
            let text = write_credential(new);
            self.try_file(PENDING, |path| durable::replace(path, &text, Readers::Owner))?;
        }
        self.keep_holding(LSC, before.lsc.as_ref(), after.lsc.as_ref())?;
        self.keep_holding(MIC, before.mic.as_ref(), after.mic.as_ref())?;
        if matches!(credentials, [Some(_), None]) {
            self.try_file(PENDING, durable::remove)?;
        }
        if matches!(keys, [Some(_), None]) {
            self.try_file(PENDING_KEY, durable::remove)?;
        }
        Ok(())
    }

    /// What the phone shows in a handshake: its LSC if it has one, else its MIC.
    pub fn tls_identity(&self) -> Result<Option<TlsIdentity>, IdentityError> {
        match TlsIdentity::read(&self.path(LSC))? {
            Some(lsc) => Ok(Some(lsc)),
            None => TlsIdentity::read(&self.path(MIC)),
        }
    }

    fn holding(&self, name: &str) -> Result<Option<Holding>, FlashError> {
        let Some(file) = self.try_file(name, |path| durable::read(path, MOST))? else {
            return Ok(None);
        };
        let file = Zeroizing::new(file);
        let certificates = std::str::from_utf8(&file).ok().and_then(export::read_pem);
        let der = certificates.and_then(|list| list.into_iter().next());
        let certificate = der.and_then(|der| Certificate::parse(&der).ok());
        let key = PrivateKey::read(&self.path(name)).ok();
        Ok(certificate.zip(key).map(|(certificate, key)| Holding { certificate, key }))
    }

    fn keep_holding(
        &self,
        name: &str,
        before: Option<&Holding>,
        after: Option<&Holding>,
    ) -> Result<(), FlashError> {
        match (before, after) {
            (Some(_), None) => self.try_file(name, durable::remove).map(|_| ()),
            (old, Some(new)) if old.map(|it| &it.certificate) != Some(&new.certificate) => {
                self.try_file(name, |path| new.key.save(path, Some(&new.certificate)))
            }
            _ => Ok(()),
        }
    }

    fn try_file<T>(
        &self,
        name: &str,
        action: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, FlashError> {
        let path = self.path(name);
        action(&path).map_err(|error| FlashError { path, error })
    }
}

impl Memory for Flash {
    fn keep(&mut self, before: &Wallet, after: &Wallet) -> Result<(), FlashError> {
        self.write_wallet(before, after)
    }
}

fn same_key(one: Option<&PrivateKey>, other: Option<&PrivateKey>) -> bool {
    let public = |key: &PrivateKey| pki::Signer::public_key(key).spki().to_vec();
    one.map(public) == other.map(public)
}

/// `capfAuthMode`, and behind a blank what the user typed.
fn write_credential(credential: &Credential) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match credential {
        Credential::String(typed) => [b"1 ", typed.typed()].concat(),
        Credential::NullString => b"2".to_vec(),
        Credential::Existing(CertificateType::MIC) => b"4".to_vec(),
        Credential::Existing(_) => b"3".to_vec(),
    })
}

fn read_credential(text: &[u8]) -> Option<Credential> {
    match text {
        b"2" => Some(Credential::NullString),
        b"3" => Some(Credential::Existing(CertificateType::LSC)),
        b"4" => Some(Credential::Existing(CertificateType::MIC)),
        _ => {
            let typed = std::str::from_utf8(text.strip_prefix(b"1 ")?).ok()?;
            Password::new(typed).map(Credential::String)
        }
    }
}
