//! A request that waits for approval, in a form that survives a restart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pki::{Name, PublicKey};
use serde::{Deserialize, Serialize};

use super::{Enrolment, Link};
use crate::message::TransactionId;
use crate::request::{Purpose, Request};

/// Everything that polling needs beside the [`Link`]. It holds no key, and if there was a challenge
/// password, that: store it where such passwords may lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    transaction: String,
    /// DER of the subject's name, base 64.
    subject: String,
    /// DER of the public key, base 64.
    public_key: String,
    /// DER of the PKCS#10 request, base 64.
    pkcs10: String,
    purpose: Purpose,
    /// In seconds.
    validity: Option<u64>,
    /// When it was first sent, in seconds since 1970.
    since: u64,
    polls: u32,
    /// SHA-256 fingerprint of the proxy's certificate.
    proxy: String,
    /// SHA-256 fingerprint of the authority's certificate.
    authority: String,
}

impl Pending {
    pub(super) fn of(enrolment: &Enrolment) -> Self {
        let Enrolment { request, pkcs10, transaction, link, since, polls, .. } = enrolment;
        let base64 = openssl::base64::encode_block;
        Self {
            transaction: transaction.as_str().to_owned(),
            subject: base64(request.subject.der()),
            public_key: base64(request.public_key.spki()),
            pkcs10: base64(pkcs10),
            purpose: request.purpose,
            validity: request.validity.map(|validity| validity.as_secs()),
            since: since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            polls: *polls,
            proxy: link.proxy.certificate().fingerprint(),
            authority: link.authority.ca().fingerprint(),
        }
    }

    /// The request; `None` if it is of another proxy or authority, or cannot be read.
    pub(super) fn request(&self, link: &Link) -> Option<(Request, TransactionId)> {
        let same_proxy = self.proxy == link.proxy.certificate().fingerprint();
        if !same_proxy || self.authority != link.authority.ca().fingerprint() {
            return None;
        }
        let request = Request {
            subject: Name::decode(&decoded(&self.subject)?)?,
            public_key: PublicKey::from_spki(&decoded(&self.public_key)?)?,
            purpose: self.purpose,
            validity: self.validity.map(Duration::from_secs),
        };
        Some((request, TransactionId::stored(self.transaction.clone())))
    }

    pub(super) fn pkcs10(&self) -> Option<Vec<u8>> {
        decoded(&self.pkcs10)
    }

    /// What the authority knows it by.
    pub fn transaction(&self) -> &str {
        &self.transaction
    }

    /// When it was first sent.
    pub fn since(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.since)
    }

    pub(super) fn polls(&self) -> u32 {
        self.polls
    }
}

fn decoded(base64: &str) -> Option<Vec<u8>> {
    openssl::base64::decode_block(base64).ok()
}
