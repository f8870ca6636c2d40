//! CTL and ITL files: a signed header and the records of everybody a phone may talk to.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use md5::{Digest, Md5};
use sha1::Sha1;

use crate::header::{self, Header, Located, Strictness};
use crate::{Defect, ParseError, Record, Role, SignerId, record};

/// Most records of one list.
pub const MAX_RECORDS: usize = 100;
/// Most bytes of one list: 75 KB.
pub const MAX_LIST_BYTES: usize = 75 * 1024;
/// How an entry without a certificate shows its issuer.
pub const NO_ISSUER_NAME: &str = "--- No Issuer Name---";
/// How an entry without a certificate shows its subject.
pub const NO_SUBJECT_NAME: &str = "--- No Subject Name---";

/// Which of the two trust lists; they differ only in name and in who signs them.
pub trait Kind: fmt::Debug + Clone + PartialEq {
    /// FILENAME in the header, whatever name the phone asked for.
    const FILE_NAME: &'static str;
}

/// The certificate trust list, signed by a security token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ctl {}

/// The initial trust list, signed by the TFTP server's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Itl {}

impl Kind for Ctl {
    const FILE_NAME: &'static str = "CTLFile.tlv";
}

impl Kind for Itl {
    const FILE_NAME: &'static str = "ITLFile.tlv";
}

/// A `CTLFile.tlv` that parses; nothing is known about its signature yet.
pub type CtlFile = TrustList<Ctl>;
/// An `ITLFile.tlv` that parses; nothing is known about its signature yet.
pub type ItlFile = TrustList<Itl>;

/// A trust list that parses, with the exact bytes it was parsed from.
///
/// Its signature has not been checked: see [`TrustList::verify`].
#[derive(Clone, PartialEq)]
pub struct TrustList<K> {
    bytes: Arc<[u8]>,
    located: Located,
    records: Vec<Record>,
    kind: PhantomData<K>,
}

impl<K: Kind> TrustList<K> {
    /// Reads a list as a phone does, with limits of [`MAX_LIST_BYTES`] and [`MAX_RECORDS`].
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ParseError> {
        Self::parse_with(bytes, Strictness::Lenient)
    }

    /// Reads a list with the given strictness.
    pub fn parse_with(
        bytes: impl Into<Arc<[u8]>>,
        strictness: Strictness,
    ) -> Result<Self, ParseError> {
        let bytes = bytes.into();
        if bytes.len() > MAX_LIST_BYTES {
            return Err(ParseError { at: MAX_LIST_BYTES, defect: Defect::TooLarge });
        }
        let located = header::parse(&bytes, strictness)?;
        let mut records = Vec::new();
        let mut at = located.len;
        while at < bytes.len() {
            if records.len() == MAX_RECORDS {
                return Err(ParseError { at, defect: Defect::TooManyRecords });
            }
            let (record, end) = record::parse(&bytes, at, strictness)?;
            records.push(record);
            at = end;
        }
        Ok(Self { bytes, located, records, kind: PhantomData })
    }

    /// The file, byte for byte.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, shared.
    pub fn to_bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// Who signed it, when, and how.
    pub fn header(&self) -> &Header {
        &self.located.header
    }

    /// The entries, in the order of the file.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The entries with a role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.role == role)
    }

    /// True if a phone with this list asks for signed files: an entry that signs files has a
    /// certificate.
    pub fn wants_signed_files(&self) -> bool {
        self.records.iter().any(|record| record.role.signs_files() && record.certificate.is_some())
    }

    /// True if the list has the certificate of a CallManager, without which no TLS is tried.
    pub fn has_call_manager_certificate(&self) -> bool {
        let usable =
            |record: &Record| record.role.is_call_manager() && record.certificate.is_some();
        self.records.iter().any(usable)
    }

    /// The entry among those `accept` takes whose certificate `signer` names.
    pub(crate) fn signer(&self, signer: &SignerId, accept: fn(Role) -> bool) -> Option<&Record> {
        self.records.iter().find(|record| accept(record.role) && record.is_certificate_of(signer))
    }

    pub(crate) fn located(&self) -> &Located {
        &self.located
    }

    /// MD5 of the whole file: the number that a phone shows in its trust list menu.
    pub fn md5(&self) -> [u8; 16] {
        Md5::digest(&self.bytes).into()
    }

    /// SHA-1 of the whole file, which newer phones show.
    pub fn sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.bytes).into()
    }
}

impl<K: Kind> fmt::Debug for TrustList<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (records, signer) = (self.records.len(), &self.header().signer);
        write!(f, "{} with {records} records, signed by {signer}", K::FILE_NAME)
    }
}
