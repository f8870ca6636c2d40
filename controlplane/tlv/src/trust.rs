//! What a device trusts, and the proof that a file deserves it.

use std::ops::Deref;

use crate::header::Located;
use crate::{
    CtlFile, ItlFile, Kind, PublicKey, Record, Role, SignedFile, SignerId, Text, TrustList,
    VerifyError,
};

/// A file whose signature was checked. There is no other way to make one.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T>(T);

/// A CTL file signed by a token that was trusted.
pub type VerifiedCtl = Verified<CtlFile>;
/// An ITL file signed by a key that was trusted.
pub type VerifiedItl = Verified<ItlFile>;
/// A `.sgn` file signed by a server that the trust lists name.
pub type VerifiedFile = Verified<SignedFile>;

impl<T> Verified<T> {
    /// The file, no longer marked as verified.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The lists a device has installed. A signer is looked for in the CTL first, then in the ITL.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'a> {
    /// The installed CTL.
    pub ctl: Option<&'a VerifiedCtl>,
    /// The installed ITL.
    pub itl: Option<&'a VerifiedItl>,
}

impl<'a> Trust<'a> {
    /// Trust in one CTL and nothing else.
    pub fn in_ctl(ctl: &'a VerifiedCtl) -> Self {
        Self { ctl: Some(ctl), itl: None }
    }

    /// True if no list is installed: the next one is taken on faith.
    pub fn is_empty(&self) -> bool {
        self.ctl.is_none() && self.itl.is_none()
    }

    /// True if files are asked for with `.sgn`.
    pub fn wants_signed_files(&self) -> bool {
        self.ctl.is_some_and(|ctl| ctl.wants_signed_files())
            || self.itl.is_some_and(|itl| itl.wants_signed_files())
    }

    fn signer(&self, signer: &SignerId, accept: fn(Role) -> bool) -> Option<&'a Record> {
        let ctl = self.ctl.and_then(|ctl| ctl.0.signer(signer, accept));
        ctl.or_else(|| self.itl.and_then(|itl| itl.0.signer(signer, accept)))
    }
}

impl<K: Kind> TrustList<K> {
    /// Accepts the list if an entry of the installed lists with the token role signed it.
    pub fn verify(self, trust: Trust<'_>) -> Result<Verified<Self>, VerifyError> {
        let signer = &self.header().signer;
        let record = trust.signer(signer, Role::signs_lists);
        self.check(record)?;
        Ok(Verified(self))
    }

    /// Accepts the list if one of its own tokens signed it. This proves that it is intact, not
    /// that it comes from a friend: a device does so only for the first list it ever gets.
    pub fn leap_of_faith(self) -> Result<Verified<Self>, VerifyError> {
        let record = self.signer(&self.header().signer, Role::signs_lists);
        self.check(record)?;
        Ok(Verified(self))
    }

    fn check(&self, record: Option<&Record>) -> Result<(), VerifyError> {
        check_signature(self.as_bytes(), self.located(), record)?;
        check_name(self.located(), K::FILE_NAME.as_bytes())
    }
}

impl SignedFile {
    /// Accepts the file if an entry of the installed lists with a TFTP role signed it under the
    /// name `asked`, with its `.sgn`.
    pub fn verify(self, asked: &str, trust: Trust<'_>) -> Result<VerifiedFile, VerifyError> {
        let record = trust.signer(&self.header().signer, Role::signs_files);
        check_signature(self.as_bytes(), self.located(), record)?;
        check_name(self.located(), asked.as_bytes())?;
        Ok(Verified(self))
    }

    /// Accepts the file if the owner of `key` signed it under the name `asked`, whatever its
    /// SIGNER_ID says: so a phone checks firmware, with a key built into it.
    pub fn verify_with(self, asked: &str, key: &PublicKey) -> Result<VerifiedFile, VerifyError> {
        check_with_key(self.as_bytes(), self.located(), key)?;
        check_name(self.located(), asked.as_bytes())?;
        Ok(Verified(self))
    }
}

fn check_signature(
    file: &[u8],
    located: &Located,
    record: Option<&Record>,
) -> Result<(), VerifyError> {
    let signer = || located.header.signer.clone();
    let record = record.ok_or_else(|| VerifyError::UnknownSigner(signer()))?;
    let key = record.public_key.as_ref().ok_or_else(|| VerifyError::NoPublicKey(signer()))?;
    check_with_key(file, located, key)
}

fn check_with_key(file: &[u8], located: &Located, key: &PublicKey) -> Result<(), VerifyError> {
    let message = located.signed_bytes(file);
    if located.header.digest.verifies(key, &message, located.signature(file)) {
        Ok(())
    } else {
        Err(VerifyError::BadSignature)
    }
}

fn check_name(located: &Located, expected: &[u8]) -> Result<(), VerifyError> {
    let found = &located.header.file_name;
    if found.as_bytes() == expected {
        return Ok(());
    }
    Err(VerifyError::FileName { expected: Text::from_file(expected), found: found.clone() })
}
