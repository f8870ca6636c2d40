//! Keys of SRTP as crypto attributes carry them.

use mgcp::sdp::{CryptoAttribute, CryptoSuite, KeySalt, SessionParameter};
use rand::CryptoRng;
use srtp::{Keying, Lifetime, MasterKey, Suite};
use zeroize::Zeroizing;

/// Whether both say the same key of the same suite.
pub fn same_key(a: &CryptoAttribute, b: &CryptoAttribute) -> bool {
    a.key == b.key && a.suite == b.suite && a.mki() == b.mki()
}

/// A key that nobody has yet, under tag 1.
pub fn fresh_key(suite: Suite, rng: &mut dyn CryptoRng) -> CryptoAttribute {
    let mut octets = Zeroizing::new([0; 64]);
    let octets = &mut octets[..suite.master_key_len() + suite.master_salt_len()];
    rng.fill_bytes(octets);
    let key = KeySalt::new(octets).expect("a master key fits an attribute");
    CryptoAttribute::new(CryptoSuite::from_name(suite.name()), key)
}

/// Whether we can do what the session parameters of an attribute ask for.
pub fn are_terms_supported(attribute: &CryptoAttribute) -> bool {
    attribute.session().iter().all(|parameter| match parameter {
        SessionParameter::Kdr(0)
        | SessionParameter::FecFirst(_)
        | SessionParameter::WindowSizeHint(_)
        | SessionParameter::Optional(_) => true,
        SessionParameter::Kdr(_)
        | SessionParameter::UnencryptedSrtp
        | SessionParameter::UnencryptedSrtcp
        | SessionParameter::UnauthenticatedSrtp
        | SessionParameter::FecKey => false,
    })
}

/// The key for the engine. `attribute` must be of `suite`, and its terms be supported.
///
/// # Panics
///
/// When it is of another suite: the parser has checked the length of the key with its own.
pub fn keying(suite: Suite, attribute: &CryptoAttribute) -> Keying {
    let master = MasterKey::from_key_salt(suite, attribute.key.expose());
    let mut keying = Keying::new(suite, master.expect("the length was checked with the suite"));
    if let Some(packets) = attribute.lifetime() {
        let lifetime = Lifetime::packets(packets).expect("the parser checked the range");
        keying = keying.with_lifetime(lifetime);
    }
    if let Some(mki) = attribute.mki() {
        let mut octets = vec![0; usize::from(mki.len)];
        let value = mki.value.to_be_bytes();
        let copied = octets.len().min(value.len());
        let at = octets.len() - copied;
        octets[at..].copy_from_slice(&value[value.len() - copied..]);
        keying = keying.with_mki(&octets).expect("1 to 128 octets, the only key");
    }
    let hint = attribute.session().iter().find_map(|parameter| match parameter {
        SessionParameter::WindowSizeHint(packets) => Some(*packets),
        _ => None,
    });
    if let Some(packets) = hint {
        let range = (u32::from(srtp::MIN_WINDOW), u32::from(srtp::MAX_WINDOW));
        let packets = packets.clamp(range.0, range.1) as u16;
        keying = keying.with_window(packets).expect("clamped to the legal range");
    }
    keying
}
