//! The two keys of a direction (RFC 9150 §6).
//!
//! Both are as long as the hash. The one for nonces is longer than what rustls derives and hands on,
//! which is why they are derived here, out of the traffic secret.

use ring::hkdf::{HKDF_SHA256, Prk};
use ring::hmac;
use zeroize::Zeroizing;

/// Octets of SHA-256, of its keys, and of a tag.
pub(crate) const LEN: usize = 32;

/// What protects the records of a direction.
pub(crate) struct Keys {
    key: hmac::Key,
    iv: Zeroizing<[u8; LEN]>,
}

impl Keys {
    /// The keys of a traffic secret (RFC 8446 §7.3).
    pub(crate) fn of(secret: &[u8; LEN]) -> Self {
        let secret = Prk::new_less_safe(HKDF_SHA256, secret);
        let key = expand(&secret, b"key");
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &*key), iv: expand(&secret, b"iv") }
    }

    /// The tag of record `seq` (RFC 9150 §5): over nonce, header and inner plaintext.
    pub(crate) fn tag(&self, seq: u64, header: &[u8], inner: &[u8]) -> [u8; LEN] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.nonce(seq));
        context.update(header);
        context.update(inner);
        let mut tag = [0; LEN];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// As in RFC 8446 §5.3: the number, filled up to the length of the IV, and added to it.
    fn nonce(&self, seq: u64) -> [u8; LEN] {
        let mut nonce = *self.iv;
        for (octet, seq) in nonce[LEN - 8..].iter_mut().zip(seq.to_be_bytes()) {
            *octet ^= seq;
        }
        nonce
    }
}

/// HKDF-Expand-Label with an empty context, as long as the hash (RFC 8446 §7.1).
fn expand(secret: &Prk, label: &[u8]) -> Zeroizing<[u8; LEN]> {
    let label_len = (PREFIX.len() + label.len()) as u8;
    let info: [&[u8]; 5] = [&(LEN as u16).to_be_bytes(), &[label_len], PREFIX, label, &[0]];
    let mut out = Zeroizing::new([0; LEN]);
    let filled = secret.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(&mut *out));
    filled.expect("HKDF gives 255 times as much");
    out
}

const PREFIX: &[u8] = b"tls13 ";
