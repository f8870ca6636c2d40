//! Certificates for IKE: an authority of the cluster's own, and ends of associations.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::certificate::Certificate;
use crate::issue::{self, AlternativeName, Template, Usage};
use crate::key::{Hash, KeyKind, PrivateKey};
use crate::keydir::{KeyDir, KeyDirFault};
use crate::name::{Attribute, Name};
use crate::signer::{Identity, SignError};

/// Issues certificates for IKE.
#[derive(Debug)]
pub struct IkeAuthority(Identity);

impl IkeAuthority {
    const CERTIFICATE_FILE: &str = "ike-authority.cer";
    const KEY_FILE: &str = "ike-authority.key";
    const VALIDITY: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
    /// How long an end's certificate is valid.
    const END_VALIDITY: Duration = Duration::from_secs(5 * 365 * 24 * 3600);

    /// Opens the authority in `directory`, or makes it. `name` tells it from other clusters'.
    pub fn open_or_create(
        directory: &Path,
        name: &str,
        now: SystemTime,
    ) -> Result<Self, KeyDirFault> {
        let template = Template {
            subject: Name::new([
                (Attribute::CommonName, "ringfence IKE Authority"),
                (Attribute::Organization, name),
            ]),
            not_before: now,
            validity: Self::VALIDITY,
            usage: Usage::Authority,
            alternative_names: Vec::new(),
        };
        let files =
            KeyDir::new(directory.join(Self::CERTIFICATE_FILE), directory.join(Self::KEY_FILE));
        let identity = files.open_or_create(KeyKind::Rsa2048, now, |key| {
            issue::self_signed(&template, Hash::Sha256, key).expect("a key in memory signs")
        })?;
        Ok(Self(identity))
    }

    /// Its certificate, which both ends must trust.
    pub fn certificate(&self) -> &Certificate {
        self.0.certificate()
    }

    /// A new key and its certificate for the end of that name, which is its identity in IKE.
    pub fn certify(
        &self,
        host: &str,
        addresses: &[IpAddr],
        now: SystemTime,
    ) -> Result<(PrivateKey, Certificate), SignError> {
        let addresses = addresses.iter().map(|address| AlternativeName::Address(*address));
        let template = Template {
            subject: Name::common(host),
            not_before: now,
            validity: Self::END_VALIDITY,
            usage: Usage::IpsecEnd,
            alternative_names: std::iter::once(AlternativeName::Host(host.to_owned()))
                .chain(addresses)
                .collect(),
        };
        // RSA, which equipment of all times verifies.
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let public = crate::signer::Signer::public_key(&key);
        let certificate = issue::issued(&template, public, Hash::Sha256, &self.0)?;
        Ok((key, certificate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // R: MGCP-04
    #[test]
    fn an_end_is_certified_for_ipsec_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let authority = IkeAuthority::open_or_create(directory.path(), "here", now).unwrap();
        let again = IkeAuthority::open_or_create(directory.path(), "there", now).unwrap();
        assert_eq!(authority.certificate().der(), again.certificate().der());
        let address = "192.0.2.1".parse().unwrap();
        let (_, certificate) = authority.certify("gw1.example", &[address], now).unwrap();
        assert!(certificate.is_issued_by(authority.certificate()));
        assert_eq!(certificate.subject(), &Name::common("gw1.example"));
        let has =
            |octets: &[u8]| certificate.der().windows(octets.len()).any(|window| window == octets);
        // 1.3.6.1.5.5.7.3.5, alone in its sequence: with TLS's purposes it could serve phones.
        let purpose = [0x30, 10, 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 5];
        assert!(has(&purpose) && has(b"gw1.example") && has(&[192, 0, 2, 1]));
    }
}
