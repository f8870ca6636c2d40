//! Proofs that a phone is the device it says it is.

use std::fmt;
use std::time::SystemTime;

use pki::{Certificate, Hash, PublicKey};

use super::{
    Assignment, CertificateRefusal, Chained, MatchedString, Profile, Settings, StringRefusal,
};
use crate::DeviceName;
use crate::codec::{AuthRes, CertificateEntry, CertificateType, Digest, SessionId, Sudi, Text};
use crate::proof;

/// Proof that the phone of a session is a certain device, by the means that the device's
/// administrator chose. Made by a session only.
#[derive(Debug)]
pub struct Authenticated {
    device: DeviceName,
    means: Means,
}

/// By which means.
#[derive(Debug)]
pub enum Means {
    /// It knows the device's authentication string.
    String(MatchedString),
    /// The administrator asks for nothing.
    NullString,
    /// It holds the key of one of the device's certificates.
    Certificate(Box<ProvenCertificate>),
}

/// Proof that a phone holds the key of a certificate that was issued for it.
#[derive(Debug)]
pub struct ProvenCertificate {
    kind: CertificateType,
    chained: Chained,
    bound_to_session: bool,
}

impl Authenticated {
    /// The device it is.
    pub fn device(&self) -> &DeviceName {
        &self.device
    }

    /// How it showed that.
    pub fn means(&self) -> &Means {
        &self.means
    }

    pub(super) fn by_null_string(device: DeviceName) -> Self {
        Self { device, means: Means::NullString }
    }

    /// The string must be this device's.
    pub(super) fn by_string(
        device: DeviceName,
        string: MatchedString,
    ) -> Result<Self, StringRefusal> {
        if string.device() != &device {
            return Err(StringRefusal::NoneValid);
        }
        Ok(Self { device, means: Means::String(string) })
    }

    pub(super) fn by_certificate(device: DeviceName, proven: ProvenCertificate) -> Self {
        Self { device, means: Means::Certificate(Box::new(proven)) }
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(_) => f.write_str("by authentication string"),
            Self::NullString => f.write_str("by null string: nothing was proven"),
            Self::Certificate(proven) => {
                let certificate = proven.chained.certificate();
                write!(f, "by {} {}", proven.kind, certificate.subject())?;
                f.write_str(if proven.bound_to_session { ", in this session" } else { "" })
            }
        }
    }
}

impl ProvenCertificate {
    /// Which of the phone's certificates it is.
    pub fn kind(&self) -> CertificateType {
        self.kind
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        self.chained.certificate()
    }

    /// Whether a proof was made for this session and no other.
    pub fn is_bound_to_session(&self) -> bool {
        self.bound_to_session
    }

    /// Checks what a phone in an existing-certificate mode sent: the certificate that goes first,
    /// or the other if that is all there is; its issuer, its name, and every proof over it.
    pub(super) fn check(
        claim: &Claim<'_>,
        precedence: CertificateType,
        assignment: &Assignment,
        settings: &Settings,
        now: SystemTime,
    ) -> Result<Self, CertificateRefusal> {
        let answer = claim.answer;
        let entry = shown(&answer.certificates, precedence)?;
        let certificate = Certificate::parse(&entry.der)?;
        if assignment.withdrawn.contains(&certificate.fingerprint()) {
            return Err(CertificateRefusal::Withdrawn);
        }
        let chained = settings.anchors.chain(entry.kind, certificate, claim.device, now)?;
        let key = chained.certificate().public_key();
        let data = proof::device_data(claim.name, &entry.der);
        let sha1 = answer.signed_data.as_ref().ok_or(CertificateRefusal::NoSignedData)?;
        if !key.verify_bare(Hash::LegacySha1, &data, sha1) {
            return Err(CertificateRefusal::BadSignedData);
        }
        match &answer.sha2_signed_data {
            None if sha2_is_due(settings, assignment, key) => {
                return Err(CertificateRefusal::NoSha2SignedData);
            }
            None => {}
            Some(signed) if signed.digest != Digest::SHA512 => {
                return Err(CertificateRefusal::Digest(signed.digest));
            }
            Some(signed) if !key.verify_bare(Hash::Sha512, &data, &signed.signature) => {
                return Err(CertificateRefusal::BadSha2SignedData);
            }
            Some(_) => {}
        }
        let bound_to_session = match &answer.sudi {
            None => false,
            Some(sudi) => claim.check_sudi(sudi, settings)?,
        };
        if settings.proofs.sudi && !bound_to_session {
            return Err(CertificateRefusal::NoSudi);
        }
        Ok(Self { kind: entry.kind, chained, bound_to_session })
    }
}

/// What a phone sent to authenticate.
pub(super) struct Claim<'a> {
    pub session: SessionId,
    pub device: &'a DeviceName,
    /// The name as it travelled.
    pub name: &'a Text,
    pub answer: &'a AuthRes,
}

impl Claim<'_> {
    /// Whether the proofs in SUDI_DATA count: those of keys other than RSA are not defined, and
    /// ignored.
    fn check_sudi(&self, sudi: &Sudi, settings: &Settings) -> Result<bool, CertificateRefusal> {
        let certificate = Certificate::parse(&sudi.certificate)?;
        if !certificate.public_key().is_rsa() {
            return Ok(false);
        }
        let chained = settings.anchors.chain_sudi(certificate, self.device);
        let chained = chained.map_err(CertificateRefusal::SudiChain)?;
        let key = chained.certificate().public_key();
        let data = proof::session_data(self.session, &sudi.certificate);
        let proven = key.verify_bare(Hash::LegacySha1, &data, &sudi.sha1)
            && key.verify_bare(Hash::Sha512, &data, &sudi.sha512);
        if proven { Ok(true) } else { Err(CertificateRefusal::BadSudi) }
    }
}

fn shown(
    entries: &[CertificateEntry],
    precedence: CertificateType,
) -> Result<&CertificateEntry, CertificateRefusal> {
    let of = |kind| entries.iter().find(|entry| entry.kind == kind);
    let known = [precedence, CertificateType::LSC, CertificateType::MIC];
    known.into_iter().find_map(of).ok_or(CertificateRefusal::NoCertificate)
}

fn sha2_is_due(settings: &Settings, assignment: &Assignment, key: &PublicKey) -> bool {
    settings.proofs.sha2 && assignment.profile != Profile::Legacy && proof::can_sign_sha512(key)
}
