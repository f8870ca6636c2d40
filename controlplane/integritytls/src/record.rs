//! Records (RFC 9150 §5): what was called encryption and decryption is protecting and checking.
//!
//! ```text
//!  ┌──────────────┬─────────┬──────┬─────────┬───────┐
//!  │ header       │ content │ type │ padding │ tag   │
//!  │ 17 03 03 len │         │ 1    │ zeros   │ 32    │
//!  └──────────────┴─────────┴──────┴─────────┴───────┘
//!   └──────────── HMAC, after the nonce ────┘
//! ```

use rustls::crypto::cipher::{
    InboundOpaqueMessage, InboundPlainMessage, MessageDecrypter, MessageEncrypter,
    OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
};
use rustls::{ContentType, Error, ProtocolVersion};
use subtle::ConstantTimeEq;

use crate::keys::{Keys, LEN};

/// Protects what is sent.
pub(crate) struct Protect(pub(crate) Keys);

/// Checks what is received.
pub(crate) struct Unprotect(pub(crate) Keys);

impl MessageEncrypter for Protect {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let len = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(len);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        // As in all records of TLS 1.3, the type is within and the version an old one.
        let (typ, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
        let tag = self.0.tag(seq, &header(typ, version, len), payload.as_ref());
        payload.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(typ, version, payload))
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        payload_len + 1 + LEN
    }
}

impl MessageDecrypter for Unprotect {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        seq: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let len = message.payload.len();
        let inner_len = len.checked_sub(LEN).ok_or(Error::DecryptError)?;
        let (inner, tag) = message.payload.split_at(inner_len);
        // The header as it came, not as it should be: its tag covers it.
        let header = header(message.typ, message.version, len);
        let expected = self.0.tag(seq, &header, inner);
        if !bool::from(expected.ct_eq(tag)) {
            return Err(Error::DecryptError);
        }
        message.payload.truncate(inner_len);
        // Takes the padding off, and refuses what has no type.
        message.into_tls13_unpadded_message()
    }
}

fn header(typ: ContentType, version: ProtocolVersion, len: usize) -> [u8; 5] {
    let ([typ], [major, minor]) = (typ.to_array(), version.to_array());
    // A record has 2¹⁴ + 256 octets at most.
    let [high, low] = (len as u16).to_be_bytes();
    [typ, major, minor, high, low]
}
