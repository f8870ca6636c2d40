//! Associations: `struct xfrm_usersa_info` and the attributes behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use esp::{
    Direction, Encapsulation, Keys, Lifetime, Limits, MAX_WINDOW, MIN_WINDOW, Mode, RequestId,
    SaSpec, Suite,
};
use thiserror::Error;

use super::attributes::{self, Attributes};
use super::selector::{LEN as SELECTOR_LEN, Traffic, has_family};
use super::{address, be16_at, u16_at, u32_at, u64_at};

pub(super) const INFO_LEN: usize = 224;

const PROTOCOL_ESP: u8 = 50;
const FLAG_NO_ECN: u8 = 1;
const FLAG_NO_PMTU: u8 = 4;
const FLAG_ESN: u8 = 128;
const ENCAPSULATION_ESP_IN_UDP: u16 = 2;
const NAME_LEN: usize = 64;

/// What names an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateKey {
    /// The SPI.
    pub spi: u32,
    /// The end that receives.
    pub destination: IpAddr,
}

/// An association of the kernel that we can be an end of.
#[derive(Clone, Debug)]
pub struct State {
    /// What names it.
    pub key: StateKey,
    /// The end that sends.
    pub source: IpAddr,
    /// Suite and keys.
    pub keys: Keys,
    mode: Mode,
    request: RequestId,
    /// None: for whatever policy sends there.
    traffic: Option<Traffic>,
    extended: bool,
    window: u16,
    /// Ports of source and destination.
    encapsulation: Option<(u16, u16)>,
    lifetime: Lifetime,
    ecn: bool,
    clear_df: bool,
    traffic_padding: usize,
}

/// Why we cannot be an end of an association.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// AH, compression.
    #[error("protocol {0} is not ESP")]
    Protocol(u8),
    /// Neither tunnel nor transport.
    #[error("mode {0} is neither transport nor tunnel")]
    Mode(u8),
    /// No suite of ours has these algorithms.
    #[error("{0} is not supported; propose aes128gcm16, aes128-sha256 or aes128-sha1")]
    Algorithms(String),
    /// The keys have lengths that no suite has, or the kernel withholds them.
    #[error("the keys are not there: the kernel is locked down, or the lengths are not supported")]
    Keys,
    /// Not ESP in UDP as RFC 3948 has it.
    #[error("encapsulation {0} is not ESP in UDP")]
    Encapsulation(u16),
}

/// Reads what names an association.
pub(super) fn key(info: &[u8]) -> Option<StateKey> {
    let family = u16_at(info, 212)?;
    let spi = u32::from_be_bytes(*info.get(72..)?.first_chunk()?);
    Some(StateKey { spi, destination: address(info, 56, family)? })
}

impl State {
    /// None when the octets are no association.
    pub(super) fn read(info: &[u8], more: &Attributes<'_>) -> Option<Result<Self, Unusable>> {
        let key = key(info)?;
        let family = u16_at(info, 212)?;
        let source = address(info, 80, family)?;
        let (protocol, mode, flags) = (*info.get(76)?, *info.get(214)?, *info.get(216)?);
        let mode = match (protocol, mode) {
            (PROTOCOL_ESP, 0) => Mode::Transport,
            (PROTOCOL_ESP, 1) => Mode::Tunnel,
            (PROTOCOL_ESP, other) => return Some(Err(Unusable::Mode(other))),
            (other, _) => return Some(Err(Unusable::Protocol(other))),
        };
        let keys = match keys(more)? {
            Ok(keys) => keys,
            Err(why) => return Some(Err(why)),
        };
        let encapsulation = match more.find(attributes::ENCAPSULATION) {
            Some(template) => match u16_at(template, 0)? {
                ENCAPSULATION_ESP_IN_UDP => Some((be16_at(template, 2)?, be16_at(template, 4)?)),
                other => return Some(Err(Unusable::Encapsulation(other))),
            },
            None => None,
        };
        let window = more.find(attributes::REPLAY).and_then(|replay| u32_at(replay, 20));
        let window = window.unwrap_or(u32::from(*info.get(215)?));
        let selector = info.get(..SELECTOR_LEN)?;
        // A selector of a family only is for everything in it.
        let traffic = if has_family(selector) { Traffic::read(selector) } else { None };
        Some(Ok(Self {
            key,
            source,
            keys,
            mode,
            request: RequestId(u32_at(info, 208)?),
            traffic,
            extended: flags & FLAG_ESN != 0,
            window: window.clamp(MIN_WINDOW.into(), MAX_WINDOW.into()) as u16,
            encapsulation,
            lifetime: lifetime(info)?,
            ecn: flags & FLAG_NO_ECN == 0,
            clear_df: flags & FLAG_NO_PMTU != 0,
            traffic_padding: more
                .find(attributes::TRAFFIC_PADDING)
                .and_then(|padding| u32_at(padding, 0))
                .unwrap_or(0) as usize,
        }))
    }

    /// The association as [`esp`] takes it.
    pub fn spec(&self, direction: Direction, iv_seed: [u8; 16]) -> SaSpec {
        let StateKey { spi, destination } = self.key;
        let keys = self.keys.clone();
        let mut spec = SaSpec::new(direction, spi, self.source, destination, keys, iv_seed);
        spec.mode = self.mode;
        spec.request = self.request;
        spec.selectors = match &self.traffic {
            Some(traffic) => vec![traffic.selector(direction)],
            None => {
                let any = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
                let everything = any.into_iter().filter_map(Traffic::everything);
                everything.map(|traffic| traffic.selector(direction)).collect()
            }
        };
        spec.extended_sequence = self.extended;
        spec.window = self.window;
        spec.encapsulation = self.encapsulation.map(|(source, destination)| match direction {
            Direction::Outbound => Encapsulation { local_port: source, remote_port: destination },
            Direction::Inbound => Encapsulation { local_port: destination, remote_port: source },
        });
        spec.lifetime = self.lifetime;
        spec.outer.ecn = self.ecn;
        if self.clear_df {
            spec.outer.df = esp::DontFragment::Clear;
        }
        spec.traffic_padding = self.traffic_padding;
        spec
    }
}

/// Suite and keys from the names of the algorithms. None when the octets contradict themselves.
fn keys(more: &Attributes<'_>) -> Option<Result<Keys, Unusable>> {
    if let Some(aead) = more.find(attributes::AEAD) {
        let algorithm = Algorithm::read(aead, NAME_LEN + 8)?;
        let icv_bits = u32_at(aead, NAME_LEN + 4)?;
        let suite = match (algorithm.name, icv_bits, algorithm.key.len()) {
            ("rfc4106(gcm(aes))", 128, 20) => Suite::AesGcm128,
            ("rfc4106(gcm(aes))", 128, 36) => Suite::AesGcm256,
            (name, bits, len) => {
                let what = format!("{name} with {bits} bits of ICV and {len} octets of key");
                return Some(Err(Unusable::Algorithms(what)));
            }
        };
        return Some(Keys::new(suite, algorithm.key, &[]).map_err(|_| Unusable::Keys));
    }
    let (integrity, icv_bits) = match more.find(attributes::AUTH_TRUNCATED) {
        Some(auth) => (Algorithm::read(auth, NAME_LEN + 8)?, u32_at(auth, NAME_LEN + 4)?),
        // Without a length the kernel means 96 bits.
        None => match more.find(attributes::AUTH) {
            Some(auth) => (Algorithm::read(auth, NAME_LEN + 4)?, 96),
            None => return Some(Err(Unusable::Algorithms("no integrity algorithm".into()))),
        },
    };
    let cipher = Algorithm::read(more.find(attributes::CRYPT)?, NAME_LEN + 4)?;
    let suite = match (cipher.name, cipher.key.len(), integrity.name, icv_bits) {
        ("cbc(aes)", 16, "hmac(sha1)", 96) => Suite::AesCbc128Sha1,
        ("cbc(aes)", 32, "hmac(sha1)", 96) => Suite::AesCbc256Sha1,
        ("cbc(aes)", 16, "hmac(sha256)", 128) => Suite::AesCbc128Sha256,
        ("cbc(aes)", 32, "hmac(sha256)", 128) => Suite::AesCbc256Sha256,
        ("ecb(cipher_null)", _, "hmac(sha1)", 96) => Suite::NullSha1,
        ("ecb(cipher_null)", _, "hmac(sha256)", 128) => Suite::NullSha256,
        (cipher, len, integrity, bits) => {
            let what = format!("{cipher} with {len} octets of key and {integrity} of {bits} bits");
            return Some(Err(Unusable::Algorithms(what)));
        }
    };
    Some(Keys::new(suite, cipher.key, integrity.key).map_err(|_| Unusable::Keys))
}

/// A name and a key.
struct Algorithm<'a> {
    name: &'a str,
    key: &'a [u8],
}

impl<'a> Algorithm<'a> {
    /// `key_at` is behind the name, the key's length in bits and what else there is.
    fn read(octets: &'a [u8], key_at: usize) -> Option<Self> {
        let name = octets.get(..NAME_LEN)?.split(|&octet| octet == 0).next()?;
        let len = u32_at(octets, NAME_LEN)? as usize / 8;
        let key = octets.get(key_at..)?.get(..len)?;
        Some(Self { name: str::from_utf8(name).ok()?, key })
    }
}

/// `struct xfrm_lifetime_cfg`: octets, packets, then seconds since it was added and since its first
/// use, each soft and hard. Zero, and all ones, are no limit.
fn lifetime(info: &[u8]) -> Option<Lifetime> {
    let at = |index: usize| {
        let value = u64_at(info, 96 + index * 8)?;
        Some(Some(value).filter(|&value| value != 0 && value != u64::MAX))
    };
    let limits = |hard: usize| {
        Some(Limits {
            octets: at(hard)?,
            packets: at(2 + hard)?,
            time: at(4 + hard)?.map(Duration::from_secs),
        })
    };
    Some(Lifetime { soft: limits(0)?, hard: limits(1)? })
}
