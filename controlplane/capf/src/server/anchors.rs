//! Whose certificates phones may show.

use std::time::SystemTime;

use pki::Certificate;

use super::ChainFault;
use crate::DeviceName;
use crate::codec::CertificateType;

/// Certificates of authorities that are trusted to name phones.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// Issuers of LSCs: CAPF's own certificate, those it had before, the external authority.
    pub lsc: Vec<Certificate>,
    /// Vendors' authorities, for MICs.
    pub mic: Vec<Certificate>,
    /// Vendors' authorities, for the certificate in SUDI_DATA.
    pub sudi: Vec<Certificate>,
}

/// Proof that a certificate was issued by one of the anchors, for the device it is shown for, and
/// is valid. That the phone holds its key is still to be shown.
#[derive(Clone, Debug)]
pub struct Chained(Certificate);

impl Chained {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0
    }
}

impl Anchors {
    /// Checks a phone's certificate. The dates of a MIC do not matter: nobody can renew it.
    pub fn chain(
        &self,
        kind: CertificateType,
        certificate: Certificate,
        device: &DeviceName,
        now: SystemTime,
    ) -> Result<Chained, ChainFault> {
        if kind == CertificateType::LSC {
            let chained = issued_by_one_of(&self.lsc, certificate, device)?;
            valid_at(now, &chained.0)?;
            return Ok(chained);
        }
        issued_by_one_of(&self.mic, certificate, device)
    }

    /// Checks the certificate in SUDI_DATA.
    pub fn chain_sudi(
        &self,
        certificate: Certificate,
        device: &DeviceName,
    ) -> Result<Chained, ChainFault> {
        issued_by_one_of(&self.sudi, certificate, device)
    }
}

fn issued_by_one_of(
    anchors: &[Certificate],
    certificate: Certificate,
    device: &DeviceName,
) -> Result<Chained, ChainFault> {
    if !anchors.iter().any(|anchor| certificate.is_issued_by(anchor)) {
        return Err(ChainFault::UnknownIssuer(certificate.issuer().to_string()));
    }
    let name = certificate.subject().common_name().unwrap_or_default();
    if !device.owns(name) {
        return Err(ChainFault::OtherDevice(name.to_owned()));
    }
    Ok(Chained(certificate))
}

fn valid_at(now: SystemTime, certificate: &Certificate) -> Result<(), ChainFault> {
    if now < certificate.not_before() {
        return Err(ChainFault::NotYetValid);
    }
    if now > certificate.not_after() {
        return Err(ChainFault::Expired);
    }
    Ok(())
}
