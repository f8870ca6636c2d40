//! Crypto attributes: RFC 4568 `a=crypto`, and the earlier `a=X-crypto` of MGCP gateways.

use std::fmt::{self, Write};

use base64ct::{Base64, Base64Unpadded, Encoding};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::limits;
use crate::text::{is_name, number, trim};

/// The key with which the writer of a description protects what it sends.
#[derive(Clone, Debug, PartialEq)]
pub struct CryptoAttribute {
    /// Which of the two forms, with what only that form has.
    pub form: CryptoForm,
    /// The suite.
    pub suite: CryptoSuite,
    /// Master key and salt.
    pub key: KeySalt,
    /// What goes beyond that, if anything does.
    pub terms: Option<Box<KeyTerms>>,
}

/// Terms of a key that are not the usual ones. Few have any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyTerms {
    /// Packets the key may protect; `None`: as many as the suite allows.
    pub lifetime: Option<u64>,
    /// Master key identifier.
    pub mki: Option<Mki>,
    /// Session parameters.
    pub session: Vec<SessionParameter>,
}

/// How the attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptoForm {
    /// `a=crypto:` with this tag (RFC 4568).
    Crypto {
        /// Names the line in answers.
        tag: u32,
    },
    /// `a=X-crypto:`, without a tag (draft form of the first MGCP gateways with SRTP).
    XCrypto,
}

/// Suites of RFC 4568, 6188 and 7714.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CryptoSuite {
    /// `AES_CM_128_HMAC_SHA1_80`
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`
    AesCm128HmacSha1_32,
    /// `F8_128_HMAC_SHA1_80`
    F8_128HmacSha1_80,
    /// `AES_192_CM_HMAC_SHA1_80`
    AesCm192HmacSha1_80,
    /// `AES_192_CM_HMAC_SHA1_32`
    AesCm192HmacSha1_32,
    /// `AES_256_CM_HMAC_SHA1_80`
    AesCm256HmacSha1_80,
    /// `AES_256_CM_HMAC_SHA1_32`
    AesCm256HmacSha1_32,
    /// `AEAD_AES_128_GCM`
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM`
    AeadAes256Gcm,
    /// A name we do not know.
    Unknown(Box<str>),
}

impl CryptoSuite {
    /// All with a name of their own.
    pub const KNOWN: [Self; 9] = [
        Self::AesCm128HmacSha1_80,
        Self::AesCm128HmacSha1_32,
        Self::F8_128HmacSha1_80,
        Self::AesCm192HmacSha1_80,
        Self::AesCm192HmacSha1_32,
        Self::AesCm256HmacSha1_80,
        Self::AesCm256HmacSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// The suite of this name; suites are case-sensitive (RFC 4568 §9.1), we are not.
    pub fn from_name(name: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| Self::Unknown(name.into()))
    }

    /// Its registered name.
    pub fn name(&self) -> &str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::F8_128HmacSha1_80 => "F8_128_HMAC_SHA1_80",
            Self::AesCm192HmacSha1_80 => "AES_192_CM_HMAC_SHA1_80",
            Self::AesCm192HmacSha1_32 => "AES_192_CM_HMAC_SHA1_32",
            Self::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256HmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::Unknown(name) => name,
        }
    }

    /// Octets of master key and master salt; `None` for an unknown suite.
    pub fn key_and_salt_len(&self) -> Option<(usize, usize)> {
        Some(match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::F8_128HmacSha1_80 => {
                (16, 14)
            }
            Self::AesCm192HmacSha1_80 | Self::AesCm192HmacSha1_32 => (24, 14),
            Self::AesCm256HmacSha1_80 | Self::AesCm256HmacSha1_32 => (32, 14),
            Self::AeadAes128Gcm => (16, 12),
            Self::AeadAes256Gcm => (32, 12),
            Self::Unknown(_) => return None,
        })
    }
}

/// Octets that a crypto attribute of [`limits::CRYPTO`] characters can carry.
const KEY_MAX: usize = 192;

/// Master key, followed by master salt. Erased on drop, hidden from `Debug`, compared in
/// constant time.
#[derive(Clone)]
pub struct KeySalt(Zeroizing<Box<[u8]>>);

impl KeySalt {
    /// The octets, key first. `None` if there are more than fit an attribute.
    pub fn new(octets: &[u8]) -> Option<Self> {
        (octets.len() <= KEY_MAX).then(|| Self(Zeroizing::new(octets.into())))
    }

    /// Key and salt together. Do not log them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The key and the salt, if this is as long as `suite` wants.
    pub fn split(&self, suite: &CryptoSuite) -> Option<(&[u8], &[u8])> {
        let (key, salt) = suite.key_and_salt_len()?;
        (self.0.len() == key + salt).then(|| self.expose().split_at(key))
    }

    fn decode(text: &str) -> Option<Self> {
        let mut octets = Zeroizing::new([0; KEY_MAX]);
        let decoded = match text.ends_with('=') {
            true => Base64::decode(text, &mut *octets),
            false => Base64Unpadded::decode(text, &mut *octets),
        };
        decoded.ok().filter(|octets| !octets.is_empty()).and_then(Self::new)
    }
}

impl PartialEq for KeySalt {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for KeySalt {}

impl fmt::Debug for KeySalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySalt(hidden)")
    }
}

/// Master key identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mki {
    /// Its value, at least 1.
    pub value: u64,
    /// Octets it takes in a packet, 1 to 128.
    pub len: u8,
}

/// Session parameter of a crypto attribute (RFC 4568 §6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionParameter {
    /// `KDR=n`: session keys are derived again every 2^n packets.
    Kdr(u8),
    /// `UNENCRYPTED_SRTP`
    UnencryptedSrtp,
    /// `UNENCRYPTED_SRTCP`
    UnencryptedSrtcp,
    /// `UNAUTHENTICATED_SRTP`
    UnauthenticatedSrtp,
    /// `FEC_ORDER=FEC_SRTP` (true) or `SRTP_FEC`.
    FecFirst(bool),
    /// `FEC_KEY=…`: there is one, which nothing here uses.
    FecKey,
    /// `WSH=n`: replay window.
    WindowSizeHint(u32),
    /// `-name…`: who does not know it may go on.
    Optional(Box<str>),
}

/// Why a crypto attribute is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// It does not follow the grammar.
    #[error("malformed crypto attribute")]
    Malformed,
    /// Longer than [`limits::CRYPTO`].
    #[error("crypto attribute too long")]
    TooLong,
    /// Key and salt are not as long as the suite wants.
    #[error("key length does not fit the suite")]
    KeyLength,
    /// More packets than the suite allows, or none.
    #[error("illegal key lifetime")]
    Lifetime,
    /// Several `inline` parameters.
    #[error("more than one key in a crypto attribute")]
    SeveralKeys,
    /// A session parameter that must be understood is not.
    #[error("unknown session parameter")]
    UnknownParameter,
}

impl CryptoAttribute {
    /// An attribute with tag 1 and nothing but the key.
    pub fn new(suite: CryptoSuite, key: KeySalt) -> Self {
        let form = CryptoForm::Crypto { tag: 1 };
        Self { form, suite, key, terms: None }
    }

    /// The same attribute under these terms.
    pub fn with_terms(mut self, terms: KeyTerms) -> Self {
        self.terms = (terms != KeyTerms::default()).then(|| Box::new(terms));
        self
    }

    /// Packets the key may protect; `None`: as many as the suite allows.
    pub fn lifetime(&self) -> Option<u64> {
        self.terms.as_ref()?.lifetime
    }

    /// Master key identifier.
    pub fn mki(&self) -> Option<Mki> {
        self.terms.as_ref()?.mki
    }

    /// Session parameters.
    pub fn session(&self) -> &[SessionParameter] {
        self.terms.as_ref().map_or(&[], |terms| &terms.session)
    }

    /// Reads an attribute without its `a=`. None: it is no crypto attribute.
    pub fn parse(attribute: &str) -> Option<Result<Self, CryptoError>> {
        let (name, value) = attribute.split_once(':')?;
        let x_crypto = name.eq_ignore_ascii_case("X-crypto");
        if !x_crypto && !name.eq_ignore_ascii_case("crypto") {
            return None;
        }
        if attribute.len() + 2 > limits::CRYPTO {
            return Some(Err(CryptoError::TooLong));
        }
        Some(if x_crypto { parse_x_crypto(value) } else { parse_crypto(value) })
    }

    /// Appends the attribute without its `a=`. The text holds the key.
    pub fn write(&self, out: &mut dyn Write) -> fmt::Result {
        match self.form {
            CryptoForm::Crypto { tag } => write!(out, "crypto:{tag} ")?,
            CryptoForm::XCrypto => out.write_str("X-crypto:")?,
        }
        out.write_str(self.suite.name())?;
        out.write_str(" ")?;
        self.write_key_params(out)?;
        self.session().iter().try_for_each(|parameter| write!(out, " {parameter}"))
    }

    /// `inline:…` with lifetime and MKI.
    pub fn write_key_params(&self, out: &mut dyn Write) -> fmt::Result {
        // RFC 4568 §6.1 wants the padding of base64 where the length needs it.
        let mut text = Zeroizing::new([0; KEY_MAX * 4 / 3]);
        let encoded = Base64::encode(self.key.expose(), &mut *text);
        write!(out, "inline:{}", encoded.expect("KEY_MAX octets fit"))?;
        // The early form always shows both fields.
        let bars = self.form == CryptoForm::XCrypto;
        match self.lifetime() {
            Some(n) if n.is_power_of_two() => write!(out, "|2^{}", n.ilog2())?,
            Some(n) => write!(out, "|{n}")?,
            None if bars => out.write_str("|")?,
            None => {}
        }
        match self.mki() {
            Some(mki) => write!(out, "|{}:{}", mki.value, mki.len),
            None if bars => out.write_str("|"),
            None => Ok(()),
        }
    }
}

fn parse_crypto(value: &str) -> Result<CryptoAttribute, CryptoError> {
    let (tag, rest) = trim(value).split_once([' ', '\t']).ok_or(CryptoError::Malformed)?;
    let tag = Some(tag).filter(|tag| !tag.starts_with('0')).and_then(|tag| number(tag, 9));
    let form = CryptoForm::Crypto { tag: tag.ok_or(CryptoError::Malformed)? };
    Ok(CryptoAttribute { form, ..parse_x_crypto(rest)? })
}

/// The early form, and what follows the tag of the other.
fn parse_x_crypto(value: &str) -> Result<CryptoAttribute, CryptoError> {
    let mut words = value.split([' ', '\t']).filter(|word| !word.is_empty());
    let suite = words.next().ok_or(CryptoError::Malformed)?;
    let key_params = words.next().ok_or(CryptoError::Malformed)?;
    let session = words.map(SessionParameter::parse).collect::<Result<_, _>>()?;
    let (attribute, terms) = parse_key(suite, key_params)?;
    let attribute = CryptoAttribute { form: CryptoForm::XCrypto, ..attribute };
    Ok(attribute.with_terms(KeyTerms { session, ..terms }))
}

/// Reads suite and `inline:…` wherever they stand; the form of the result is tag 1.
pub fn parse_key_params(suite: &str, key_params: &str) -> Result<CryptoAttribute, CryptoError> {
    let (attribute, terms) = parse_key(suite, key_params)?;
    Ok(attribute.with_terms(terms))
}

fn parse_key(suite: &str, key_params: &str) -> Result<(CryptoAttribute, KeyTerms), CryptoError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if suite.is_empty() || suite.len() > 64 || !suite.bytes().all(legal) {
        return Err(CryptoError::Malformed);
    }
    let suite = CryptoSuite::from_name(suite);
    if key_params.contains(';') {
        return Err(CryptoError::SeveralKeys);
    }
    let prefix = key_params.get(..7).ok_or(CryptoError::Malformed)?;
    if !prefix.eq_ignore_ascii_case("inline:") {
        return Err(CryptoError::Malformed);
    }
    let mut fields = key_params[7..].split('|');
    let key = fields.next().and_then(KeySalt::decode).ok_or(CryptoError::Malformed)?;
    if suite.key_and_salt_len().is_some() && key.split(&suite).is_none() {
        return Err(CryptoError::KeyLength);
    }
    let mut terms = KeyTerms::default();
    for (index, field) in fields.enumerate() {
        match field {
            _ if index >= 2 => return Err(CryptoError::Malformed),
            "" => {}
            _ if field.contains(':') => {
                if terms.mki.replace(parse_mki(field)?).is_some() {
                    return Err(CryptoError::Malformed);
                }
            }
            _ if index == 0 => terms.lifetime = Some(parse_lifetime(field)?),
            _ => return Err(CryptoError::Malformed),
        }
    }
    Ok((CryptoAttribute::new(suite, key), terms))
}

/// `2^n` or a number, at most 2^48 packets (RFC 3711 §9.2).
fn parse_lifetime(text: &str) -> Result<u64, CryptoError> {
    let lifetime = match text.strip_prefix("2^") {
        Some(exponent) => number(exponent, 2).and_then(|n| 1u64.checked_shl(n)),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        None => return Err(CryptoError::Malformed),
    };
    lifetime.filter(|n| (1..=1 << 48).contains(n)).ok_or(CryptoError::Lifetime)
}

fn parse_mki(text: &str) -> Result<Mki, CryptoError> {
    let (value, len) = text.split_once(':').ok_or(CryptoError::Malformed)?;
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let value = value.parse::<u64>().ok().filter(|v| digits && *v >= 1);
    let len = number(len, 3).filter(|len| (1..=128).contains(len));
    let (Some(value), Some(len)) = (value, len) else { return Err(CryptoError::Malformed) };
    let fits = len >= 8 || value < 1 << (8 * len);
    if fits { Ok(Mki { value, len: len as u8 }) } else { Err(CryptoError::Malformed) }
}

impl SessionParameter {
    fn parse(word: &str) -> Result<Self, CryptoError> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(trim(value))),
            None => (word, None),
        };
        let malformed = CryptoError::Malformed;
        match (name.to_ascii_uppercase().as_str(), value) {
            ("KDR", Some(n)) => {
                number(n, 2).filter(|n| *n <= 24).map(|n| Self::Kdr(n as u8)).ok_or(malformed)
            }
            ("UNENCRYPTED_SRTP", None) => Ok(Self::UnencryptedSrtp),
            ("UNENCRYPTED_SRTCP", None) => Ok(Self::UnencryptedSrtcp),
            ("UNAUTHENTICATED_SRTP", None) => Ok(Self::UnauthenticatedSrtp),
            ("FEC_ORDER", Some("FEC_SRTP")) => Ok(Self::FecFirst(true)),
            ("FEC_ORDER", Some("SRTP_FEC")) => Ok(Self::FecFirst(false)),
            ("FEC_KEY", Some(_)) => Ok(Self::FecKey),
            ("WSH", Some(n)) => {
                number(n, 9).filter(|n| *n >= 64).map(Self::WindowSizeHint).ok_or(malformed)
            }
            ("KDR" | "FEC_ORDER" | "FEC_KEY" | "WSH", _) => Err(malformed),
            (_, _) => match name.strip_prefix('-') {
                Some(rest) if is_name(&rest.replace('_', "-"), 64) => {
                    Ok(Self::Optional(word[1..].into()))
                }
                Some(_) => Err(malformed),
                None => Err(CryptoError::UnknownParameter),
            },
        }
    }
}

impl fmt::Display for SessionParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kdr(n) => write!(f, "KDR={n}"),
            Self::UnencryptedSrtp => f.write_str("UNENCRYPTED_SRTP"),
            Self::UnencryptedSrtcp => f.write_str("UNENCRYPTED_SRTCP"),
            Self::UnauthenticatedSrtp => f.write_str("UNAUTHENTICATED_SRTP"),
            Self::FecFirst(true) => f.write_str("FEC_ORDER=FEC_SRTP"),
            Self::FecFirst(false) => f.write_str("FEC_ORDER=SRTP_FEC"),
            Self::FecKey => f.write_str("FEC_KEY=hidden"),
            Self::WindowSizeHint(n) => write!(f, "WSH={n}"),
            Self::Optional(word) => write!(f, "-{word}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

    fn parse(text: &str) -> Result<CryptoAttribute, CryptoError> {
        CryptoAttribute::parse(text).expect("a crypto attribute")
    }

    fn written(attribute: &CryptoAttribute) -> String {
        let mut text = String::new();
        attribute.write(&mut text).unwrap();
        text
    }

    // R: MGCP-03
    #[test]
    fn both_forms_carry_the_same_key() {
        let early = format!("X-crypto:AES_CM_128_HMAC_SHA1_32 inline:{KEY}||");
        let rfc = format!("crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^20|1:4");
        let (a, b) = (parse(&early).unwrap(), parse(&rfc).unwrap());
        let octets: Vec<u8> = (0..30).collect();
        for attribute in [&a, &b] {
            let (key, salt) = attribute.key.split(&attribute.suite).unwrap();
            assert_eq!((key, salt), (&octets[..16], &octets[16..]));
        }
        assert_eq!((a.lifetime(), a.mki()), (None, None));
        assert_eq!((b.lifetime(), b.mki()), (Some(1 << 20), Some(Mki { value: 1, len: 4 })));
        assert_eq!((written(&a), written(&b)), (early.clone(), rfc));
        let bare = parse(&format!("X-crypto:AES_CM_128_HMAC_SHA1_32 inline:{KEY}")).unwrap();
        assert_eq!(written(&bare), early);
        assert!(!format!("{a:?}").contains("AAEC") && !format!("{a:?}").contains("[0, 1"));
    }

    #[test]
    fn every_suite_has_its_key_length() {
        for suite in CryptoSuite::KNOWN {
            let (key, salt) = suite.key_and_salt_len().unwrap();
            let octets = vec![0xA5; key + salt];
            let attribute = CryptoAttribute::new(suite.clone(), KeySalt::new(&octets).unwrap());
            assert_eq!(parse(&written(&attribute)), Ok(attribute.clone()));
            let unpadded = written(&attribute).replace('=', "");
            assert_eq!(parse(&unpadded), Ok(attribute), "padding may be missing");
            let short = CryptoAttribute::new(suite, KeySalt::new(&octets[1..]).unwrap());
            assert_eq!(parse(&written(&short)), Err(CryptoError::KeyLength));
        }
    }

    #[test]
    fn session_parameters_are_told_apart() {
        let line = |rest: &str| format!("crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{KEY} {rest}");
        let text = line("KDR=0 UNENCRYPTED_SRTCP WSH=128 FEC_ORDER=FEC_SRTP -future");
        assert_eq!(written(&parse(&text).unwrap()), text);
        for (rest, error) in [
            ("KDR=25", CryptoError::Malformed),
            ("WSH=63", CryptoError::Malformed),
            ("FEC_ORDER=x", CryptoError::Malformed),
            ("future", CryptoError::UnknownParameter),
        ] {
            assert_eq!(parse(&line(rest)), Err(error), "{rest}");
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        let suite = "AES_CM_128_HMAC_SHA1_80";
        for (text, error) in [
            (format!("crypto:0 {suite} inline:{KEY}"), CryptoError::Malformed),
            (format!("crypto:01 {suite} inline:{KEY}"), CryptoError::Malformed),
            (format!("crypto:1 {suite}"), CryptoError::Malformed),
            (format!("crypto:1 {suite} outline:{KEY}"), CryptoError::Malformed),
            (format!("crypto:1 {suite} inline:{KEY}x"), CryptoError::Malformed),
            (format!("crypto:1 {suite} inline:!{}", &KEY[1..]), CryptoError::Malformed),
            (format!("crypto:1 {suite} inline:{KEY}|2^49"), CryptoError::Lifetime),
            (format!("crypto:1 {suite} inline:{KEY}|0"), CryptoError::Lifetime),
            (format!("crypto:1 {suite} inline:{KEY}|2^20|1"), CryptoError::Malformed),
            (format!("crypto:1 {suite} inline:{KEY}|2^20|256:1"), CryptoError::Malformed),
            (format!("crypto:1 {suite} inline:{KEY}|2^20|1:129"), CryptoError::Malformed),
            (format!("crypto:1 {suite} inline:{KEY};inline:{KEY}"), CryptoError::SeveralKeys),
            (format!("crypto:1 {suite} inline:{}", &KEY[4..]), CryptoError::KeyLength),
            (format!("crypto:1 {suite} inline:{KEY} -{}", "x".repeat(200)), CryptoError::TooLong),
        ] {
            assert_eq!(parse(&text), Err(error), "{text}");
        }
        assert!(CryptoAttribute::parse("rtpmap:0 PCMU/8000").is_none());
        let unknown = parse(&format!("crypto:1 FUTURE_SUITE inline:{KEY}")).unwrap();
        assert_eq!(unknown.suite, CryptoSuite::Unknown("FUTURE_SUITE".into()));
    }
}
