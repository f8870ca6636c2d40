//! Codecs by payload type and by name (RFC 3551, and the names the field uses for them).

/// A payload type and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// 0 to 127.
    pub payload_type: u8,
    /// `a=rtpmap`, or what RFC 3551 says of the number; `None`: nobody said.
    pub encoding: Option<Encoding>,
    /// `a=fmtp`.
    pub fmtp: Option<Box<str>>,
}

/// Encoding, clock and channels of a payload type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// MIME subtype.
    pub name: Box<str>,
    /// RTP clock in Hz.
    pub clock: u32,
    /// Channels, if said.
    pub channels: Option<u8>,
}

/// RFC 3551 §6, the audio part that telephony uses.
const STATIC: [(u8, &str, u32); 12] = [
    (0, "PCMU", 8000),
    (2, "G726-32", 8000),
    (3, "GSM", 8000),
    (4, "G723", 8000),
    (5, "DVI4", 8000),
    (7, "LPC", 8000),
    (8, "PCMA", 8000),
    (9, "G722", 8000),
    (12, "QCELP", 8000),
    (13, "CN", 8000),
    (15, "G728", 8000),
    (18, "G729", 8000),
];

/// Dynamic payload types that IOS uses unless told otherwise.
const CUSTOMARY: [(u8, &str, u32); 2] = [(101, "telephone-event", 8000), (100, "X-NSE", 8000)];

impl Codec {
    /// The payload type, with what RFC 3551 says of it.
    pub fn of_payload_type(payload_type: u8) -> Self {
        let known = STATIC.iter().find(|(number, ..)| *number == payload_type);
        let encoding =
            known.map(|&(_, name, clock)| Encoding { name: name.into(), clock, channels: None });
        Self { payload_type, encoding, fmtp: None }
    }

    /// The codec of this name (any spelling of [`canonical_name`]) with its usual payload type.
    pub fn named(name: &str) -> Option<Self> {
        let name = canonical_name(name);
        let is_it = |entry: &&(u8, &str, u32)| entry.1.eq_ignore_ascii_case(name);
        let &(payload_type, name, clock) = STATIC.iter().chain(&CUSTOMARY).find(is_it)?;
        let encoding = Some(Encoding { name: name.into(), clock, channels: None });
        let fmtp = (name == "telephone-event").then(|| "0-15".into());
        Some(Self { payload_type, encoding, fmtp })
    }

    /// Whether it is the codec of this name, in any spelling.
    pub fn is(&self, name: &str) -> bool {
        let encoding = self.encoding.as_ref();
        encoding.is_some_and(|e| canonical_name(&e.name).eq_ignore_ascii_case(canonical_name(name)))
    }

    /// Whether it carries no speech: events and comfort noise.
    pub fn is_auxiliary(&self) -> bool {
        ["telephone-event", "X-NSE", "CN"].iter().any(|name| self.is(name))
    }
}

/// MIME subtype of a codec name as found in `a:` options; names it does not know are themselves.
pub fn canonical_name(name: &str) -> &str {
    const ALIASES: [(&str, &[&str]); 4] = [
        ("PCMU", &["G.711u", "G711u", "G.711ulaw", "G711ulaw"]),
        ("PCMA", &["G.711a", "G711a", "G.711alaw", "G711alaw"]),
        ("G729", &["G.729", "G.729a", "G729A", "G.729b", "G729B", "G.729ab", "G729AB"]),
        ("G723", &["G.723", "G.723.1", "G723.1", "G.723.1a", "G723.1a"]),
    ];
    let spelled = |aliases: &[&str]| aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name));
    ALIASES.iter().find(|(_, aliases)| spelled(aliases)).map_or(name, |(canonical, _)| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_to_payload_types() {
        let number = |name| Codec::named(name).map(|codec| codec.payload_type);
        assert_eq!(number("g.711U"), Some(0));
        assert_eq!(number("pcma"), Some(8));
        assert_eq!(number("G.729ab"), Some(18));
        assert_eq!(number("telephone-event"), Some(101));
        assert_eq!(number("opus"), None);
        assert!(Codec::of_payload_type(18).is("G.729a"));
        assert!(!Codec::of_payload_type(96).is("G729"));
    }
}
