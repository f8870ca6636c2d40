//! Bags of certificates: SignedData that nobody signed (RFC 5652 §5.1, "certs-only").

use pki::{Certificate, CertificateFault};

use super::SIGNED_DATA;
use crate::ber::{self, Malformed, Reader, context};

/// Most certificates that are looked at.
const MAX: usize = 64;

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BagFault {
    /// Not a bag.
    Malformed(Malformed),
    /// None of its certificates can be read: why not the first one.
    Certificate(CertificateFault),
    /// It is empty.
    Empty,
}

impl From<Malformed> for BagFault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The certificates of a bag, in its order. Those that cannot be read are left out, as long as one
/// can.
pub(crate) fn certificates(bag: &[u8]) -> Result<Vec<Certificate>, BagFault> {
    let mut parts = super::unwrap(bag, SIGNED_DATA)?;
    parts.expect(ber::INTEGER, "the version of a bag of certificates")?;
    parts.expect(ber::SET, "the digests of a bag of certificates")?;
    parts.expect(ber::SEQUENCE, "the content of a bag of certificates")?;
    let Some(certificates) = parts.optional(context(0))? else { return Err(BagFault::Empty) };
    let (found, fault) = read(certificates.parts())?;
    match (found.is_empty(), fault) {
        (false, _) => Ok(found),
        (true, Some(fault)) => Err(BagFault::Certificate(fault)),
        (true, None) => Err(BagFault::Empty),
    }
}

/// The certificates of a CertificateSet, and why the first unreadable one is.
pub(crate) fn read(
    mut set: Reader<'_>,
) -> Result<(Vec<Certificate>, Option<CertificateFault>), Malformed> {
    let mut found = Vec::new();
    let mut first_fault = None;
    for _ in 0..=MAX {
        let Some(element) = set.any()? else { return Ok((found, first_fault)) };
        // Attribute certificates and other kinds have context tags.
        if element.tag != ber::SEQUENCE {
            continue;
        }
        match Certificate::parse(&element.der()?) {
            Ok(certificate) => found.push(certificate),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    Err(Malformed("there are more than 64 certificates"))
}
