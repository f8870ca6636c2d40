//! Where the parts of a protected packet lie.

use std::ops::Range;

use crate::keying::Services;
use crate::packet::Protocol;
use crate::suite::{Cipher, Suite};

/// What follows header and payload.
///
/// | | |
/// |---|---|
/// | SRTP, HMAC (RFC 3711 §3.1) | identifier, tag |
/// | SRTP, GCM (RFC 7714 §8.2) | tag, identifier |
/// | SRTCP, HMAC (RFC 3711 §3.4) | index word, identifier, tag |
/// | SRTCP, GCM (RFC 7714 §9.2) | tag, index word, identifier |
pub(super) struct Layout {
    /// Where the payload ends.
    pub(super) end: usize,
    pub(super) tag: Range<usize>,
    pub(super) mki: Range<usize>,
    /// The SRTCP index and its E flag; empty for SRTP.
    pub(super) word: Range<usize>,
}

impl Layout {
    /// The layout of a packet whose payload ends at `end`.
    #[inline]
    pub(super) fn new(
        protocol: Protocol,
        suite: Suite,
        services: Services,
        mki_len: usize,
        end: usize,
    ) -> Self {
        let tag_len = tag_len(protocol, suite, services);
        let word_len = word_len(protocol);
        if suite.cipher() == Cipher::AesGcm {
            let tag = end..end + tag_len;
            let word = tag.end..tag.end + word_len;
            Self { end, mki: word.end..word.end + mki_len, tag, word }
        } else {
            let word = end..end + word_len;
            let mki = word.end..word.end + mki_len;
            Self { end, tag: mki.end..mki.end + tag_len, mki, word }
        }
    }

    /// The layout of a protected packet of `len` octets, if it is long enough for one.
    #[inline]
    pub(super) fn of_protected(
        protocol: Protocol,
        suite: Suite,
        services: Services,
        mki_len: usize,
        len: usize,
    ) -> Option<Self> {
        let trailer = tag_len(protocol, suite, services) + word_len(protocol) + mki_len;
        Some(Self::new(protocol, suite, services, mki_len, len.checked_sub(trailer)?))
    }

    /// Octets of the protected packet.
    pub(super) fn len(&self) -> usize {
        self.tag.end.max(self.mki.end)
    }
}

const fn tag_len(protocol: Protocol, suite: Suite, services: Services) -> usize {
    match protocol {
        Protocol::Rtp if services.authenticate_rtp => suite.rtp_tag_len(),
        Protocol::Rtp => 0,
        Protocol::Rtcp => suite.rtcp_tag_len(),
    }
}

const fn word_len(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Rtp => 0,
        Protocol::Rtcp => 4,
    }
}
