//! Making certificates.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use der::Tag;
use der::asn1::ObjectIdentifier;
use openssl::hash::MessageDigest;

use crate::asn1;
use crate::certificate::{Certificate, SignatureAlgorithm};
use crate::key::{Hash, PublicKey};
use crate::name::Name;
use crate::signer::{Identity, SignError, Signer};

/// What a certificate shall say.
#[derive(Clone, Debug)]
pub struct Template {
    /// Whom it is about.
    pub subject: Name,
    /// The first moment it is valid.
    pub not_before: SystemTime,
    /// How long it is valid.
    pub validity: Duration,
    /// What its key is for.
    pub usage: Usage,
    /// Names and addresses the subject can be reached at.
    pub alternative_names: Vec<AlternativeName>,
}

/// What a key is for: decides key usage and basic constraints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Signs certificates.
    Authority,
    /// Signs certificates of phones, and serves them TLS: telephones want to see both.
    PhoneAuthority,
    /// A phone: TLS as client and server, and IPsec.
    Phone,
    /// A server on the network, also as a client of others.
    Server,
    /// Signs data only: a security token.
    Signing,
    /// An end of IPsec associations, for IKE.
    IpsecEnd,
}

/// A subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// A host name.
    Host(String),
    /// An address.
    Address(IpAddr),
    /// A URI; of a phone, its bare name.
    Uri(String),
}

/// Makes a certificate for the signer's own key.
pub fn self_signed(
    template: &Template,
    hash: Hash,
    signer: &dyn Signer,
) -> Result<Certificate, SignError> {
    make(template, signer.public_key(), &template.subject, signer, hash)
}

/// Makes a certificate for somebody else's key.
pub fn issued(
    template: &Template,
    key: &PublicKey,
    hash: Hash,
    authority: &Identity,
) -> Result<Certificate, SignError> {
    make(template, key, authority.certificate().subject(), authority, hash)
}

/// Makes a request for a certificate (PKCS#10, RFC 2986), in DER, that proves that the signer has
/// the key. What it asks for is what `usage` and `names` say; an authority may answer otherwise.
pub fn requested(
    subject: &Name,
    usage: &Usage,
    names: &[AlternativeName],
    hash: Hash,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let key = signer.public_key();
    let wanted = [basic_constraints(usage), key_usage(usage, key)];
    let wanted =
        wanted.into_iter().chain(extended_key_usage(usage)).chain(alternative_names(names));
    let wanted = asn1::sequence(&[&wanted.collect::<Vec<_>>().concat()]);
    // extensionRequest, RFC 2985 §5.4.2
    let attribute = asn1::sequence(&[
        &asn1::oid(ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14")),
        &asn1::constructed(Tag::Set, &[&wanted]),
    ]);
    let information = asn1::sequence(&[
        // Version 1.
        &asn1::unsigned(&[0]),
        subject.der(),
        key.spki(),
        &asn1::constructed(asn1::context(0, true), &[&attribute]),
    ]);
    let signature = signer.sign(hash, &information)?;
    let algorithm = SignatureAlgorithm::of(key, hash);
    Ok(asn1::sequence(&[&information, &algorithm.der(), &asn1::bits(&signature)]))
}

fn make(
    template: &Template,
    key: &PublicKey,
    issuer: &Name,
    signer: &dyn Signer,
    hash: Hash,
) -> Result<Certificate, SignError> {
    let issuer_key = signer.public_key();
    let algorithm = SignatureAlgorithm::of(issuer_key, hash);
    let not_after = template.not_before + template.validity;
    let tbs = asn1::sequence(&[
        // Version 3.
        &asn1::constructed(asn1::context(0, true), &[&asn1::unsigned(&[2])]),
        &asn1::unsigned(&random_serial()),
        &algorithm.der(),
        issuer.der(),
        &asn1::sequence(&[&asn1::time(template.not_before), &asn1::time(not_after)]),
        template.subject.der(),
        key.spki(),
        &asn1::constructed(asn1::context(3, true), &[&extensions(template, key, issuer_key)]),
    ]);
    let signature = signer.sign(hash, &tbs)?;
    if !issuer_key.verify(hash, &tbs, &signature) {
        return Err(SignError::DoesNotVerify);
    }
    let der = asn1::sequence(&[&tbs, &algorithm.der(), &asn1::bits(&signature)]);
    Ok(Certificate::parse(&der).expect("what is encoded here can be decoded"))
}

/// 16 random bytes, positive and never short: RFC 5280 §4.1.2.2 allows 20.
fn random_serial() -> [u8; 16] {
    let mut serial = [0; 16];
    openssl::rand::rand_bytes(&mut serial).expect("the system has random numbers");
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

fn extensions(template: &Template, key: &PublicKey, issuer_key: &PublicKey) -> Vec<u8> {
    let mut list = vec![
        basic_constraints(&template.usage),
        key_usage(&template.usage, key),
        extension("2.5.29.14", false, &asn1::element(Tag::OctetString, key_id(key))),
        extension("2.5.29.35", false, &{
            let id = asn1::element(asn1::context(0, false), key_id(issuer_key));
            asn1::sequence(&[&id])
        }),
    ];
    list.extend(extended_key_usage(&template.usage));
    list.extend(alternative_names(&template.alternative_names));
    let list: Vec<_> = list.iter().map(Vec::as_slice).collect();
    asn1::sequence(&list)
}

fn basic_constraints(usage: &Usage) -> Vec<u8> {
    let flag = asn1::element(Tag::Boolean, [0xff]);
    let value = match usage {
        Usage::Authority => asn1::sequence(&[&flag]),
        // No certification authority below it.
        Usage::PhoneAuthority => asn1::sequence(&[&flag, &asn1::unsigned(&[0])]),
        Usage::Phone | Usage::Server | Usage::Signing | Usage::IpsecEnd => asn1::sequence(&[]),
    };
    extension("2.5.29.19", true, &value)
}

fn extended_key_usage(usage: &Usage) -> Option<Vec<u8>> {
    let purposes = purposes(usage).iter();
    let purposes: Vec<_> =
        purposes.flat_map(|dotted| asn1::oid(ObjectIdentifier::new_unwrap(dotted))).collect();
    (!purposes.is_empty()).then(|| extension("2.5.29.37", false, &asn1::sequence(&[&purposes])))
}

fn alternative_names(names: &[AlternativeName]) -> Option<Vec<u8>> {
    let names: Vec<_> = names.iter().flat_map(alternative_name).collect();
    (!names.is_empty()).then(|| extension("2.5.29.17", false, &asn1::sequence(&[&names])))
}

/// Object identifiers of the extended key usage.
fn purposes(usage: &Usage) -> &'static [&'static str] {
    match usage {
        Usage::Phone => &PHONE_PURPOSES,
        // Server and client authentication: nodes speak TLS in both roles.
        Usage::Server => &PHONE_PURPOSES[..2],
        Usage::IpsecEnd => &PHONE_PURPOSES[2..],
        Usage::Authority | Usage::PhoneAuthority | Usage::Signing => &[],
    }
}

/// What a phone's certificate is for: TLS server, TLS client, IPsec end system.
pub const PHONE_PURPOSES: [&str; 3] =
    ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.5"];

fn key_usage(usage: &Usage, key: &PublicKey) -> Vec<u8> {
    // RFC 5280 §4.2.1.3, bit 0 is the highest: (unused bits, bits).
    let bits = match usage {
        // keyCertSign, cRLSign
        Usage::Authority => [1, 0b0000_0110],
        // digitalSignature, keyCertSign
        Usage::PhoneAuthority => [2, 0b1000_0100],
        // digitalSignature, and keyEncipherment for TLS with RSA key transport
        Usage::Server | Usage::Phone if key.is_rsa() => [5, 0b1010_0000],
        Usage::Server | Usage::Phone | Usage::Signing | Usage::IpsecEnd => [7, 0b1000_0000],
    };
    extension("2.5.29.15", true, &asn1::element(Tag::BitString, bits))
}

fn alternative_name(name: &AlternativeName) -> Vec<u8> {
    match name {
        AlternativeName::Host(host) => asn1::element(asn1::context(2, false), host.as_bytes()),
        AlternativeName::Uri(uri) => asn1::element(asn1::context(6, false), uri.as_bytes()),
        AlternativeName::Address(IpAddr::V4(v4)) => {
            asn1::element(asn1::context(7, false), v4.octets())
        }
        AlternativeName::Address(IpAddr::V6(v6)) => {
            asn1::element(asn1::context(7, false), v6.octets())
        }
    }
}

fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let oid = asn1::oid(ObjectIdentifier::new_unwrap(dotted));
    let value = asn1::element(Tag::OctetString, value);
    match critical {
        true => asn1::sequence(&[&oid, &asn1::element(Tag::Boolean, [0xff]), &value]),
        false => asn1::sequence(&[&oid, &value]),
    }
}

/// RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key.
fn key_id(key: &PublicKey) -> Vec<u8> {
    let digest = openssl::hash::hash(MessageDigest::sha256(), &key.trust_list_form());
    digest.expect("OpenSSL has SHA-256")[..20].to_vec()
}
