//! Certificate records: one per entry of a trust list.

use std::fmt;
use std::net::IpAddr;

use crate::element::{Element, Reader, Seen, Writer};
use crate::header::Strictness;
use crate::{Defect, DigestAlgorithm, FieldError, ParseError, PublicKey, Serial, SignerId, Text};

mod tag {
    pub const RECORD_LENGTH: u8 = 0x01;
    pub const DNS_NAME: u8 = 0x02;
    pub const SUBJECT_NAME: u8 = 0x03;
    pub const FUNCTION: u8 = 0x04;
    pub const ISSUER_NAME: u8 = 0x05;
    pub const SERIAL_NUMBER: u8 = 0x06;
    pub const PUBLIC_KEY: u8 = 0x07;
    pub const SIGNATURE: u8 = 0x08;
    pub const CERTIFICATE: u8 = 0x09;
    pub const IP_ADDRESS: u8 = 0x0A;
    pub const CERTIFICATE_HASH: u8 = 0x0B;
    pub const HASH_ALGORITHM: u8 = 0x0C;
}

/// Bytes of the RECORD_LENGTH element.
const LENGTH_ELEMENT: usize = 5;
const MAX_SIGNATURE: usize = 1024;
const MAX_CERTIFICATE: usize = 8192;
const MAX_HASH: usize = 64;

/// FUNCTION: what a phone uses the certificate for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// 0, System Administrator Security Token: signs trust lists.
    Sast,
    /// 1: the TLS peer for signalling.
    Ccm,
    /// 2: CallManager and TFTP on one node.
    CcmTftp,
    /// 3: signs configuration and other files.
    Tftp,
    /// 4: the certificate authority for phones.
    Capf,
    /// 7: HTTPS phone services.
    AppServer,
    /// 21: trust verification service.
    Tvs,
    /// A code without a public description.
    Other(u16),
}

impl Role {
    /// The code in the file.
    pub fn code(self) -> u16 {
        match self {
            Self::Sast => 0,
            Self::Ccm => 1,
            Self::CcmTftp => 2,
            Self::Tftp => 3,
            Self::Capf => 4,
            Self::AppServer => 7,
            Self::Tvs => 21,
            Self::Other(code) => code,
        }
    }

    /// The role of a code.
    pub fn from_code(code: u16) -> Self {
        match code {
            0 => Self::Sast,
            1 => Self::Ccm,
            2 => Self::CcmTftp,
            3 => Self::Tftp,
            4 => Self::Capf,
            7 => Self::AppServer,
            21 => Self::Tvs,
            code => Self::Other(code),
        }
    }

    /// True if the holder may sign CTL and ITL files.
    pub fn signs_lists(self) -> bool {
        self == Self::Sast
    }

    /// True if the holder may sign configuration and other `.sgn` files.
    pub fn signs_files(self) -> bool {
        matches!(self, Self::Tftp | Self::CcmTftp)
    }

    /// True if a phone registers with the holder.
    pub fn is_call_manager(self) -> bool {
        matches!(self, Self::Ccm | Self::CcmTftp)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sast => f.write_str("SAST"),
            Self::Ccm => f.write_str("CCM"),
            Self::CcmTftp => f.write_str("CCM+TFTP"),
            Self::Tftp => f.write_str("TFTP"),
            Self::Capf => f.write_str("CAPF"),
            Self::AppServer => f.write_str("APP-SERVER"),
            Self::Tvs => f.write_str("TVS"),
            Self::Other(code) => write!(f, "{code}"),
        }
    }
}

/// The fields of a [`Record`], by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordField {
    /// DNS_NAME.
    DnsName,
    /// SUBJECT_NAME.
    Subject,
    /// FUNCTION.
    Role,
    /// ISSUER_NAME.
    Issuer,
    /// SERIAL_NUMBER.
    Serial,
    /// PUBLIC_KEY.
    PublicKey,
    /// SIGNATURE of the certificate.
    Signature,
    /// CERTIFICATE.
    Certificate,
    /// IP_ADDRESS.
    Address,
    /// CERTIFICATE_HASH.
    CertificateHash,
}

impl fmt::Display for RecordField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DnsName => "DNS name",
            Self::Subject => "subject name",
            Self::Role => "function",
            Self::Issuer => "issuer name",
            Self::Serial => "serial number",
            Self::PublicKey => "public key",
            Self::Signature => "signature",
            Self::Certificate => "certificate",
            Self::Address => "address",
            Self::CertificateHash => "certificate hash",
        })
    }
}

/// One entry of a trust list. Only the role can be relied on: the entries of a non-secure cluster
/// have no certificate, those of tokens no host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Host name or dotted address of the server; empty for tokens.
    pub dns_name: Option<Text>,
    /// Subject of the certificate.
    pub subject: Option<Text>,
    /// What the certificate is for.
    pub role: Role,
    /// Issuer of the certificate.
    pub issuer: Option<Text>,
    /// Serial number of the certificate.
    pub serial: Option<Serial>,
    /// Public key of the certificate.
    pub public_key: Option<PublicKey>,
    /// The signature bits of the certificate.
    pub signature: Option<Vec<u8>>,
    /// The certificate, DER.
    pub certificate: Option<Vec<u8>>,
    /// Address of the server.
    pub address: Option<IpAddr>,
    /// Digest of the certificate; only in files of newer systems.
    pub certificate_hash: Option<(DigestAlgorithm, Vec<u8>)>,
}

impl Record {
    /// An entry with a role and nothing else.
    pub fn bare(role: Role) -> Self {
        Self {
            dns_name: None,
            subject: None,
            role,
            issuer: None,
            serial: None,
            public_key: None,
            signature: None,
            certificate: None,
            address: None,
            certificate_hash: None,
        }
    }

    /// The same server without its certificate: an entry of a cluster set back to non-secure.
    pub fn without_certificate(&self) -> Self {
        Self { dns_name: self.dns_name.clone(), address: self.address, ..Self::bare(self.role) }
    }

    /// The certificate as a header names it; `None` without issuer or serial number.
    pub fn signer_id(&self) -> Option<SignerId> {
        Some(SignerId {
            name: self.subject.clone().unwrap_or_default(),
            serial: self.serial.clone()?,
            issuer: self.issuer.clone()?,
        })
    }

    /// True if this is the certificate that `signer` names: same serial number, same issuer.
    pub fn is_certificate_of(&self, signer: &SignerId) -> bool {
        self.serial.as_ref() == Some(&signer.serial) && self.issuer.as_ref() == Some(&signer.issuer)
    }

    /// The first field that is over the limit of the CTL client, if any.
    pub(crate) fn check(&self) -> Result<(), (RecordField, FieldError)> {
        let limit = |field, value: Option<&Vec<u8>>, limit| match value {
            Some(value) if value.len() > limit => Err((field, FieldError::TooLong { limit })),
            _ => Ok(()),
        };
        limit(RecordField::Signature, self.signature.as_ref(), MAX_SIGNATURE)?;
        limit(RecordField::Certificate, self.certificate.as_ref(), MAX_CERTIFICATE)?;
        let hash = self.certificate_hash.as_ref().map(|(_, hash)| hash);
        limit(RecordField::CertificateHash, hash, MAX_HASH)
    }

    /// Writes the record in ascending order of tags, as genuine files have it.
    pub(crate) fn emit(&self, file: &mut Vec<u8>) {
        let mut fields = Writer::default();
        if let Some(name) = &self.dns_name {
            fields.put_string(tag::DNS_NAME, name.as_bytes());
        }
        if let Some(subject) = &self.subject {
            fields.put_string(tag::SUBJECT_NAME, subject.as_bytes());
        }
        fields.put(tag::FUNCTION, &self.role.code().to_be_bytes());
        if let Some(issuer) = &self.issuer {
            fields.put_string(tag::ISSUER_NAME, issuer.as_bytes());
        }
        if let Some(serial) = &self.serial {
            fields.put(tag::SERIAL_NUMBER, serial.as_bytes());
        }
        if let Some(key) = &self.public_key {
            fields.put(tag::PUBLIC_KEY, key.as_bytes());
        }
        if let Some(signature) = &self.signature {
            fields.put(tag::SIGNATURE, signature);
        }
        if let Some(certificate) = &self.certificate {
            fields.put(tag::CERTIFICATE, certificate);
        }
        match self.address {
            Some(IpAddr::V4(address)) => fields.put(tag::IP_ADDRESS, &address.octets()),
            Some(IpAddr::V6(address)) => fields.put(tag::IP_ADDRESS, &address.octets()),
            None => {}
        }
        if let Some((algorithm, hash)) = &self.certificate_hash {
            fields.put(tag::CERTIFICATE_HASH, hash);
            fields.put(tag::HASH_ALGORITHM, &[algorithm.code()]);
        }

        let len = u16::try_from(LENGTH_ELEMENT + fields.bytes.len())
            .expect("every field was checked against its limit; together they fit in 64 KiB");
        let mut record = Writer::default();
        record.put(tag::RECORD_LENGTH, &len.to_be_bytes());
        file.extend_from_slice(&record.bytes);
        file.extend_from_slice(&fields.bytes);
    }
}

/// Reads the record at `at`; gives it and the offset behind it.
pub(crate) fn parse(
    file: &[u8],
    at: usize,
    strictness: Strictness,
) -> Result<(Record, usize), ParseError> {
    let bad_length = ParseError { at, defect: Defect::RecordLength };
    let len = match Reader::new(file, at, file.len()).next() {
        Ok(Some(element)) if element.tag == tag::RECORD_LENGTH => {
            usize::from(element.u16().map_err(|_| bad_length.clone())?)
        }
        _ => return Err(bad_length),
    };
    let end = at + len;
    if len < LENGTH_ELEMENT || end > file.len() {
        return Err(bad_length);
    }

    let mut reader = Reader::new(file, at + LENGTH_ELEMENT, end);
    let mut fields = Fields { strictness, record: Record::bare(Role::Sast), hash: None };
    let (mut seen, mut role, mut algorithm) = (Seen::default(), None, None);
    while let Some(element) = reader.next()? {
        seen.note(&element)?;
        match element.tag {
            tag::FUNCTION => role = Some(Role::from_code(element.u16()?)),
            tag::HASH_ALGORITHM => algorithm = Some(hash_algorithm(&element)?),
            _ => fields.field(&element)?,
        }
    }
    let Fields { mut record, hash, .. } = fields;
    record.role = role.ok_or(ParseError { at, defect: Defect::Missing(tag::FUNCTION) })?;
    record.certificate_hash = algorithm.zip(hash);
    Ok((record, end))
}

fn hash_algorithm(element: &Element<'_>) -> Result<DigestAlgorithm, ParseError> {
    let code = element.u8()?;
    DigestAlgorithm::from_code(code).map_or_else(|| element.fail(Defect::DigestAlgorithm(code)), Ok)
}

struct Fields {
    strictness: Strictness,
    record: Record,
    hash: Option<Vec<u8>>,
}

impl Fields {
    fn field(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        let record = &mut self.record;
        let text = || element.string(Text::MAX, self.strictness).map(Text::from_file);
        match element.tag {
            tag::DNS_NAME => record.dns_name = Some(text()?),
            tag::SUBJECT_NAME => record.subject = Some(text()?),
            tag::ISSUER_NAME => record.issuer = Some(text()?),
            tag::SERIAL_NUMBER => {
                record.serial = Some(Serial::from_file(element.bytes(Serial::MAX)?));
            }
            tag::PUBLIC_KEY => {
                record.public_key = Some(PublicKey::from_file(element.bytes(PublicKey::MAX)?));
            }
            tag::SIGNATURE => record.signature = Some(element.bytes(MAX_SIGNATURE)?.to_vec()),
            tag::CERTIFICATE => record.certificate = Some(element.bytes(MAX_CERTIFICATE)?.to_vec()),
            tag::IP_ADDRESS => record.address = Some(address(element)?),
            tag::CERTIFICATE_HASH => self.hash = Some(element.bytes(MAX_HASH)?.to_vec()),
            tag if self.strictness == Strictness::Strict => {
                return element.fail(Defect::UnknownTag(tag));
            }
            _ => {}
        }
        Ok(())
    }
}

fn address(element: &Element<'_>) -> Result<IpAddr, ParseError> {
    match element.value.len() {
        4 => element.array::<4>().map(IpAddr::from),
        _ => element.array::<16>().map(IpAddr::from),
    }
}
