//! Whose certificate it is, and whether it may be used: in the cell, and by the same rules wherever
//! telephones with newer TLS are served.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::stack::{Stack, StackRef};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext};

use crate::link::{CertificateKind, Client, Der, Reason};

/// Which certificates of telephones are good.
pub struct Policy {
    lsc: X509Store,
    mic: X509Store,
    voicemail: X509Store,
    expired_mics_until: Option<i64>,
}

/// Who issues certificates, by what they are good for.
pub struct Issuers<'a> {
    /// CAPF, present and past.
    pub lsc: &'a [Der],
    /// Manufacturers.
    pub mic: &'a [Der],
    /// Voicemail servers.
    pub voicemail: &'a [Der],
}

impl Policy {
    /// Trusts these issuers. A MIC may be used after its own end until this time, in seconds since
    /// 1970.
    pub fn new(issuers: &Issuers<'_>, expired_mics_until: Option<u64>) -> Result<Self, ErrorStack> {
        Ok(Self {
            lsc: store(issuers.lsc)?,
            mic: store(issuers.mic)?,
            voicemail: store(issuers.voicemail)?,
            expired_mics_until: expired_mics_until
                .map(|until| i64::try_from(until).unwrap_or(i64::MAX)),
        })
    }

    /// Judges a certificate that was sent with others between it and its root.
    pub fn judge(
        &self,
        certificate: &X509Ref,
        others: Option<&StackRef<X509>>,
        now: i64,
    ) -> Result<Client, Reason> {
        let stores = [
            (&self.lsc, CertificateKind::Lsc),
            (&self.mic, CertificateKind::Mic),
            (&self.voicemail, CertificateKind::Voicemail),
        ];
        let (_, kind) = stores
            .into_iter()
            .find(|(store, _)| chains_to(certificate, others, store).unwrap_or(false))
            .ok_or(Reason::UnknownIssuer)?;
        if is_before(now, certificate.not_before()) {
            return Err(Reason::NotYetValid);
        }
        let expired = !is_before(now, certificate.not_after());
        let allowed = kind == CertificateKind::Mic
            && self.expired_mics_until.is_some_and(|until| now < until);
        if expired && !allowed {
            return Err(Reason::Expired);
        }
        let device = device_name(certificate).ok_or(Reason::NoDevice)?;
        let certificate = Der(certificate.to_der().map_err(|_| Reason::Handshake)?);
        Ok(Client { kind, device, expired, certificate })
    }

    /// The same of certificates in DER.
    pub fn judge_der(
        &self,
        certificate: &[u8],
        others: &[&[u8]],
        now: i64,
    ) -> Result<Client, Reason> {
        let parse = |der: &[u8]| X509::from_der(der).map_err(|_| Reason::Handshake);
        let mut between = Stack::new().map_err(|_| Reason::Handshake)?;
        for other in others.iter().take(MAX_CHAIN) {
            between.push(parse(other)?).map_err(|_| Reason::Handshake)?;
        }
        let certificate = parse(certificate)?;
        self.judge(&certificate, Some(&between), now)
    }
}

/// Certificates between a telephone's and its root; there are two at most in the wild.
const MAX_CHAIN: usize = 8;

/// Trust in these certificates, be they roots or not. Their own ends are of no account: CAPF's
/// older certificates stay good for what they issued, and what has ended is judged by the policy.
fn store(issuers: &[Der]) -> Result<X509Store, ErrorStack> {
    let mut builder = X509StoreBuilder::new()?;
    for issuer in issuers {
        builder.add_cert(X509::from_der(&issuer.0)?)?;
    }
    builder.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
    builder.set_purpose(X509PurposeId::SSL_CLIENT)?;
    Ok(builder.build())
}

fn chains_to(
    certificate: &X509Ref,
    others: Option<&StackRef<X509>>,
    store: &X509Store,
) -> Result<bool, ErrorStack> {
    let none = Stack::new()?;
    let others = others.unwrap_or(&none);
    X509StoreContext::new()?.init(store, certificate, others, |context| {
        let chains = context.verify_cert()?;
        // An issuer itself, presented as a telephone's certificate, is none.
        let issued = context.chain().is_some_and(|chain| chain.len() > 1);
        Ok(chains && issued)
    })
}

fn is_before(now: i64, time: &Asn1TimeRef) -> bool {
    Asn1Time::from_unix(now).is_ok_and(|now| now < *time)
}

/// The device in the common name: the whole, or of a MIC (`CP-7970G-SEP001122334455`) what follows
/// the last hyphen. Voicemail ports have hyphens in their own names.
fn device_name(certificate: &X509Ref) -> Option<String> {
    let names = certificate.subject_name();
    let common = names.entries_by_nid(Nid::COMMONNAME).next()?.data().to_string().ok()?;
    let device = match common.rsplit_once('-') {
        Some((model, device)) if model.starts_with("CP-") => device,
        _ => common.as_str(),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let good = (1..=15).contains(&device.len()) && device.chars().all(allowed);
    good.then(|| device.to_owned())
}
