//! Entries of certificates and servers.

use std::net::IpAddr;

use lang::Language;
use messages::{Message, trust_list};
use pki::{Certificate, Name};
use tlv::{PublicKey, Record, Role, Serial, SignerId, Text};

use super::ListFault;

/// The entry of a security token: no host, no address.
pub fn token_entry(certificate: &Certificate) -> Result<Record, ListFault> {
    Ok(Record { dns_name: Some(Text::default()), ..with_certificate(Role::Sast, certificate)? })
}

/// The entry of a node: one for CallManager and TFTP together, or for one of them alone.
pub fn server_entry(
    server: &str,
    address: IpAddr,
    role: Role,
    certificate: &Certificate,
) -> Result<Record, ListFault> {
    Ok(Record {
        dns_name: Some(text(server)?),
        address: Some(address),
        ..with_certificate(role, certificate)?
    })
}

/// The entry of the CAPF service.
pub fn capf_entry(
    server: &str,
    address: IpAddr,
    certificate: &Certificate,
) -> Result<Record, ListFault> {
    server_entry(server, address, Role::Capf, certificate)
}

/// The entry of a TFTP server of another cluster.
pub fn alternate_tftp_entry(
    server: &str,
    address: IpAddr,
    certificate: &Certificate,
) -> Result<Record, ListFault> {
    server_entry(server, address, Role::Tftp, certificate)
}

/// The subject of an entry as it is shown: a label where Non-Secure mode took the certificate.
pub fn subject_shown(record: &Record, language: Language) -> String {
    shown(record.subject.as_ref(), &trust_list::LABEL_NO_SUBJECT_NAME, language)
}

/// The issuer of an entry as it is shown: a label where Non-Secure mode took the certificate.
pub fn issuer_shown(record: &Record, language: Language) -> String {
    shown(record.issuer.as_ref(), &trust_list::LABEL_NO_ISSUER_NAME, language)
}

/// A certificate as the header of a signed file names it: the same bytes as in its entry.
pub fn signer_id(certificate: &Certificate) -> Result<SignerId, ListFault> {
    Ok(SignerId {
        name: name(certificate.subject())?,
        serial: serial(certificate)?,
        issuer: name(certificate.issuer())?,
    })
}

fn shown(name: Option<&Text>, label: &'static Message, language: Language) -> String {
    match name {
        Some(name) => name.to_string(),
        None => label.text.get(language).to_owned(),
    }
}

fn with_certificate(role: Role, certificate: &Certificate) -> Result<Record, ListFault> {
    let key = certificate.public_key().trust_list_form();
    Ok(Record {
        subject: Some(name(certificate.subject())?),
        issuer: Some(name(certificate.issuer())?),
        serial: Some(serial(certificate)?),
        public_key: Some(PublicKey::new(key).map_err(does_not_fit)?),
        signature: Some(certificate.signature().to_vec()),
        certificate: Some(certificate.der().to_vec()),
        ..Record::bare(role)
    })
}

fn name(name: &Name) -> Result<Text, ListFault> {
    text(&name.trust_list_form())
}

fn serial(certificate: &Certificate) -> Result<Serial, ListFault> {
    Serial::new(certificate.serial()).map_err(does_not_fit)
}

fn text(text: &str) -> Result<Text, ListFault> {
    Text::new(text).map_err(does_not_fit)
}

fn does_not_fit(error: tlv::FieldError) -> ListFault {
    ListFault::CannotCreate(error.to_string())
}
