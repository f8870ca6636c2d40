//! What changed between two lists.

use crate::{Record, RecordField};

/// An entry that is in both lists, but not the same in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// As it was.
    pub old: &'a Record,
    /// As it is.
    pub new: &'a Record,
    /// What differs.
    pub fields: Vec<RecordField>,
}

/// The entries that make two lists different. The order of entries does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Only in the new list.
    pub added: Vec<&'a Record>,
    /// Only in the old list.
    pub removed: Vec<&'a Record>,
    /// In both, with other contents.
    pub changed: Vec<Change<'a>>,
}

impl Difference<'_> {
    /// True if both lists say the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two lists. An entry is recognised by its certificate, or else by its server.
pub fn diff<'a>(old: &'a [Record], new: &'a [Record]) -> Difference<'a> {
    let mut removed: Vec<&Record> = old.iter().collect();
    let mut added: Vec<&Record> = new.iter().collect();
    pair(&mut removed, &mut added, |old, new| old == new);
    let mut pairs = pair(&mut removed, &mut added, same_certificate);
    pairs.extend(pair(&mut removed, &mut added, same_server));
    let change = |(old, new)| Change { old, new, fields: differing_fields(old, new) };
    Difference { added, removed, changed: pairs.into_iter().map(change).collect() }
}

/// Takes out of both lists what belongs together.
fn pair<'a>(
    old: &mut Vec<&'a Record>,
    new: &mut Vec<&'a Record>,
    same: fn(&Record, &Record) -> bool,
) -> Vec<(&'a Record, &'a Record)> {
    let mut pairs = Vec::new();
    old.retain(|old| match new.iter().position(|new| same(old, new)) {
        Some(index) => {
            pairs.push((*old, new.remove(index)));
            false
        }
        None => true,
    });
    pairs
}

fn same_certificate(old: &Record, new: &Record) -> bool {
    old.role == new.role
        && old.serial.is_some()
        && old.serial == new.serial
        && old.issuer == new.issuer
        && old.dns_name == new.dns_name
}

fn same_server(old: &Record, new: &Record) -> bool {
    let named = old.dns_name.as_ref().is_some_and(|name| !name.is_empty());
    old.role == new.role && named && old.dns_name == new.dns_name
}

fn differing_fields(old: &Record, new: &Record) -> Vec<RecordField> {
    let fields = [
        (RecordField::DnsName, old.dns_name != new.dns_name),
        (RecordField::Subject, old.subject != new.subject),
        (RecordField::Role, old.role != new.role),
        (RecordField::Issuer, old.issuer != new.issuer),
        (RecordField::Serial, old.serial != new.serial),
        (RecordField::PublicKey, old.public_key != new.public_key),
        (RecordField::Signature, old.signature != new.signature),
        (RecordField::Certificate, old.certificate != new.certificate),
        (RecordField::Address, old.address != new.address),
        (RecordField::CertificateHash, old.certificate_hash != new.certificate_hash),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}
