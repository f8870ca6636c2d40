//! A message: a cookie, a space, a dictionary in one of two encodings.

use zeroize::Zeroizing;

use crate::value::{Dictionary, Malformed};
use crate::{bencode, json, limits};

/// How a dictionary is encoded. An answer is as its command was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `d…e`
    Bencode,
    /// `{…}`
    Json,
}

/// A message whose cookie could be read.
#[derive(Clone, Debug)]
pub struct Message {
    /// What the answer begins with.
    pub cookie: Vec<u8>,
    /// How it was encoded.
    pub encoding: Encoding,
    /// What it says, or why that cannot be read.
    pub dictionary: Result<Dictionary, Malformed>,
}

impl Message {
    /// Reads a datagram. None: it has no cookie, and nobody to be answered.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (message, len) = Self::parse_prefix(bytes)?;
        // Line ends behind it are what people type.
        let tail = bytes[len.min(bytes.len())..].trim_ascii();
        let trailing = message.dictionary.is_ok() && !tail.is_empty();
        Some(match trailing {
            true => Self { dictionary: Err(Malformed::Trailing), ..message },
            false => message,
        })
    }

    /// Reads the message at the front of `bytes`, and says how many octets it takes.
    pub(crate) fn parse_prefix(bytes: &[u8]) -> Option<(Self, usize)> {
        let space = bytes.iter().take(limits::COOKIE + 1).position(|&octet| octet == b' ')?;
        let (cookie, body) = (&bytes[..space], &bytes[space + 1..]);
        if cookie.is_empty() || !cookie.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let (encoding, parsed) = match body.first() {
            Some(b'{') => (Encoding::Json, json::parse_prefix(body)),
            _ => (Encoding::Bencode, bencode::parse_prefix(body)),
        };
        let (dictionary, len) = match parsed {
            _ if bytes.len() > limits::MESSAGE => (Err(Malformed::TooLarge), bytes.len()),
            Ok((value, len)) => {
                let dictionary = value.as_dictionary().cloned().ok_or(Malformed::NoDictionary);
                (dictionary, space + 1 + len)
            }
            Err(error) => (Err(error), bytes.len()),
        };
        Some((Self { cookie: cookie.to_vec(), encoding, dictionary }, len))
    }
}

/// Writes a message. It may hold keys.
pub fn write(cookie: &[u8], encoding: Encoding, dictionary: &Dictionary) -> Zeroizing<Vec<u8>> {
    // Room for a description at once: what grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limits::MESSAGE / 4));
    bytes.extend_from_slice(cookie);
    bytes.push(b' ');
    match encoding {
        Encoding::Bencode => bencode::write_dictionary(dictionary, &mut bytes),
        Encoding::Json => json::write_dictionary(dictionary, &mut bytes),
    }
    bytes.shrink_to_fit();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn both_encodings_say_the_same() {
        let bencode = Message::parse(b"5323_1 d7:command4:pinge").unwrap();
        let json = Message::parse(b"5323_1 {\"command\": \"ping\"}\n").unwrap();
        assert_eq!(bencode.dictionary, json.dictionary);
        assert_eq!((bencode.encoding, json.encoding), (Encoding::Bencode, Encoding::Json));
        let pong = Dictionary::new().with("result", Value::text("pong"));
        let written = |encoding| write(b"5323_1", encoding, &pong).to_vec();
        assert_eq!(written(Encoding::Bencode), b"5323_1 d6:result4:ponge");
        assert_eq!(written(Encoding::Json), b"5323_1 {\"result\":\"pong\"}");
    }

    #[test]
    fn junk_has_no_cookie_or_a_reason() {
        for junk in [&b""[..], b"d7:command4:pinge", b" d", b"\0\x01 de", &[b'x'; 400]] {
            assert!(Message::parse(junk).is_none(), "{}", junk.escape_ascii());
        }
        let reason = |bytes: &[u8]| Message::parse(bytes).unwrap().dictionary.err();
        assert_eq!(reason(b"c d7:command"), Some(Malformed::Incomplete));
        assert_eq!(reason(b"c le"), Some(Malformed::NoDictionary));
        assert_eq!(reason(b"c de de"), Some(Malformed::Trailing));
        let long = [b"c d1:a70000:", &[0; 70_000][..], b"e"].concat();
        assert_eq!(reason(&long), Some(Malformed::TooLarge));
    }
}
