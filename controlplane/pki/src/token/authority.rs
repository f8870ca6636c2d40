//! Who issues tokens, and whose tokens are trusted.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::certificate::Certificate;
use crate::check;
use crate::issue::{self, Template, Usage};
use crate::key::{Hash, KeyKind, PublicKey};
use crate::keydir::{KeyDir, KeyDirFault};
use crate::name::{Attribute, Name};
use crate::signer::{Identity, SignError};

use super::TokenError;

/// The certificates of those whose tokens the cluster trusts.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<Certificate>);

impl Authorities {
    /// Trusts these.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Self {
        Self(certificates.into_iter().collect())
    }

    /// Whether one of them issued this certificate and it is valid now.
    pub fn check(&self, certificate: &Certificate, now: SystemTime) -> Result<(), TokenError> {
        check::valid_at(certificate, now).map_err(TokenError::Certificate)?;
        let trusted = self.0.iter().any(|authority| certificate.is_issued_by(authority));
        let issuer = || certificate.issuer().trust_list_form();
        trusted.then_some(()).ok_or_else(|| TokenError::NotTrusted { issuer: issuer() })
    }
}

/// Issues tokens, as a manufacturer does for hardware.
#[derive(Debug)]
pub struct TokenAuthority(Identity);

impl TokenAuthority {
    const CERTIFICATE_FILE: &str = "token-authority.cer";
    const KEY_FILE: &str = "token-authority.key";
    /// Longer than any token is used.
    const VALIDITY: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

    /// Opens the authority in `directory`, or makes it. `name` tells it from other clusters'.
    pub fn open_or_create(
        directory: &Path,
        name: &str,
        now: SystemTime,
    ) -> Result<Self, KeyDirFault> {
        let subject = Name::new([
            (Attribute::CommonName, "ringfence Token Authority"),
            (Attribute::Organization, name),
        ]);
        let template = Template {
            subject,
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

    /// Its certificate, for [`Authorities`].
    pub fn certificate(&self) -> &Certificate {
        self.0.certificate()
    }

    /// Certifies a token's key.
    pub(super) fn certify(
        &self,
        label: &str,
        key: &PublicKey,
        now: SystemTime,
    ) -> Result<Certificate, SignError> {
        let template = Template {
            subject: Name::common(label),
            not_before: now,
            validity: Self::VALIDITY - Duration::from_secs(24 * 3600),
            usage: Usage::Signing,
            alternative_names: Vec::new(),
        };
        issue::issued(&template, key, Hash::Sha256, &self.0)
    }
}
