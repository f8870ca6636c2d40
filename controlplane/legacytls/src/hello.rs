//! What a client offers, read before anybody answers.
//!
//! Whoever accepts a connection can look at its first bytes (`MSG_PEEK`) and choose who serves it:
//! the cell, or a modern stack in its own process.

/// A client's offer: its first TLS message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The newest version it offers, by its number: `0x0301` is TLS 1.0, `0x0304` TLS 1.3.
    pub newest: u16,
    /// The suites it offers, by their numbers in the registry, the preferred one first.
    pub suites: Vec<u16>,
}

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peeked {
    /// More of them are needed.
    Incomplete,
    /// An offer.
    Hello(ClientHello),
    /// Not TLS, or not as it begins.
    Other,
}

/// Longest offer that is waited for; those of telephones have some hundred bytes, those of
/// browsers with post-quantum keys two thousand.
pub const MAX_HELLO: usize = 8 * 1024;

impl ClientHello {
    /// Whether a stack that knows TLS 1.2 with ephemeral keys and TLS 1.3 only can serve it.
    pub fn is_modern(&self) -> bool {
        let tls13 = |suite: &u16| suite >> 8 == 0x13 || INTEGRITY_ONLY.contains(suite);
        self.newest >= 0x0304 && self.suites.iter().any(tls13)
            || self.newest >= 0x0303 && self.suites.iter().any(|suite| is_ecdhe_aead(*suite))
    }

    /// Whether it offers encryption at all, and not only authentication (`NULL` suites).
    pub fn offers_encryption(&self) -> bool {
        let null = |suite: &u16| matches!(suite, 0x0000..=0x0002 | 0x003b);
        // The two numbers that are no suites: renegotiation and fallback.
        let none = |suite: &u16| matches!(suite, 0x00ff | 0x5600);
        let plain = |suite: &u16| null(suite) || none(suite) || INTEGRITY_ONLY.contains(suite);
        !self.suites.iter().all(plain)
    }
}

/// `TLS_SHA256_SHA256` and `TLS_SHA384_SHA384`, of TLS 1.3 (RFC 9150).
const INTEGRITY_ONLY: [u16; 2] = [0xc0b4, 0xc0b5];

/// `TLS_ECDHE_{ECDSA,RSA}_WITH_{AES_128_GCM,AES_256_GCM,CHACHA20_POLY1305}`.
fn is_ecdhe_aead(suite: u16) -> bool {
    matches!(suite, 0xc02b | 0xc02c | 0xc02f | 0xc030 | 0xcca8 | 0xcca9)
}

/// Looks at the first bytes of a connection.
pub fn peek(bytes: &[u8]) -> Peeked {
    let bytes = &bytes[..bytes.len().min(MAX_HELLO)];
    match message(bytes) {
        Ok(message) => parse(&message).map_or(Peeked::Other, Peeked::Hello),
        Err(Unfinished::MayGoOn) if bytes.len() < MAX_HELLO => Peeked::Incomplete,
        Err(_) => Peeked::Other,
    }
}

/// Why there is no whole message.
enum Unfinished {
    /// It may come.
    MayGoOn,
    /// It cannot.
    Other,
}

/// The body of the first message, put together from its records.
fn message(bytes: &[u8]) -> Result<Vec<u8>, Unfinished> {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    let mut rest = bytes;
    let mut message = Vec::new();
    loop {
        let fits = |at: usize, good: bool| rest.len() <= at || good;
        if !fits(0, rest.first() == Some(&HANDSHAKE)) || !fits(1, rest.get(1) == Some(&3)) {
            return Err(Unfinished::Other);
        }
        let (header, behind) = rest.split_first_chunk::<5>().ok_or(Unfinished::MayGoOn)?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if length == 0 {
            return Err(Unfinished::Other);
        }
        message.extend_from_slice(&behind[..length.min(behind.len())]);
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Err(Unfinished::Other);
        }
        if let Some(([_, length @ ..], body)) = message.split_first_chunk::<4>() {
            let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            if let Some(body) = body.get(..length) {
                return Ok(body.to_vec());
            }
        }
        rest = behind.get(length..).ok_or(Unfinished::MayGoOn)?;
    }
}

/// Takes the offer apart (RFC 8446 §4.1.2, RFC 2246 §7.4.1.2).
fn parse(body: &[u8]) -> Option<ClientHello> {
    const SUPPORTED_VERSIONS: u16 = 43;
    let mut body = Reader(body);
    let mut newest = body.number::<2>()?;
    body.take(32)?;
    body.vector::<1>()?;
    let suites = numbers(body.vector::<2>()?);
    body.vector::<1>()?;
    // Old clients end here.
    if !body.0.is_empty() {
        let mut extensions = Reader(body.vector::<2>()?);
        while !extensions.0.is_empty() {
            let kind = extensions.number::<2>()?;
            let content = extensions.vector::<2>()?;
            if kind == usize::from(SUPPORTED_VERSIONS) {
                let versions = numbers(Reader(content).vector::<1>()?);
                newest = usize::from(versions.into_iter().max()?);
            }
        }
    }
    Some(ClientHello { newest: u16::try_from(newest).ok()?, suites })
}

/// Numbers of two bytes, without those that only keep servers tolerant (RFC 8701).
fn numbers(bytes: &[u8]) -> Vec<u16> {
    let numbers = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    numbers.filter(|number| number & 0x0f0f != 0x0a0a).collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A big-endian number of `N` bytes.
    fn number<const N: usize>(&mut self) -> Option<usize> {
        Some(self.take(N)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    /// Bytes behind their length, which has `N` bytes.
    fn vector<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = self.number::<N>()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An offer in records of this length.
    fn hello(version: u16, suites: &[u16], versions: &[u16], record: usize) -> Vec<u8> {
        let bytes = |numbers: &[u16]| -> Vec<u8> {
            numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
        };
        let mut body = version.to_be_bytes().to_vec();
        body.extend_from_slice(&[7; 32]);
        body.push(0);
        body.extend_from_slice(&(suites.len() as u16 * 2).to_be_bytes());
        body.extend(bytes(suites));
        body.extend_from_slice(&[1, 0]);
        if !versions.is_empty() {
            let list = bytes(versions);
            let length = list.len() as u16;
            body.extend_from_slice(&(length + 5).to_be_bytes());
            body.extend_from_slice(&[0, 43]);
            body.extend_from_slice(&(length + 1).to_be_bytes());
            body.push(length as u8);
            body.extend(list);
        }
        let mut message = vec![1, 0];
        message.extend_from_slice(&(body.len() as u16).to_be_bytes());
        message.extend(body);
        let records = message
            .chunks(record)
            .flat_map(|part| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat());
        records.collect()
    }

    #[test]
    fn telephones_are_told_from_modern_clients() {
        let peek = |bytes: Vec<u8>| match peek(&bytes) {
            Peeked::Hello(hello) => hello,
            other => panic!("{other:?}"),
        };
        let old = peek(hello(0x0301, &[0x002f, 0x0002], &[], 1000));
        assert_eq!(old, ClientHello { newest: 0x0301, suites: vec![0x002f, 0x0002] });
        assert!(!old.is_modern() && old.offers_encryption());
        let authenticated = peek(hello(0x0301, &[0x0002, 0x00ff], &[], 1000));
        assert!(!authenticated.is_modern() && !authenticated.offers_encryption());
        let newer = peek(hello(0x0303, &[0xc02f, 0x002f], &[], 1000));
        assert!(newer.is_modern());
        let rsa_only = peek(hello(0x0303, &[0x009c, 0x002f], &[], 1000));
        assert!(!rsa_only.is_modern());
        let newest = peek(hello(0x0303, &[0x4a4a, 0x1301], &[0x7a7a, 0x0304, 0x0303], 10));
        assert_eq!(newest, ClientHello { newest: 0x0304, suites: vec![0x1301] });
        assert!(newest.is_modern());
        let readable = peek(hello(0x0303, &[0xc0b4], &[0x0304], 1000));
        assert!(readable.is_modern() && !readable.offers_encryption());
        assert!(!peek(hello(0x0303, &[0xc0b4], &[], 1000)).is_modern());
    }

    #[test]
    fn other_things_are_not_waited_for() {
        for bytes in [&b"GET / HTTP/1.1"[..], b"\x16\x03\x01\0\x04\x02\0\0\0", b"\x16\x02"] {
            assert_eq!(peek(bytes), Peeked::Other);
        }
        assert_eq!(peek(b""), Peeked::Incomplete);
        let mut endless = b"\x16\x03\x01\x40\0\x01\0\x3f\xf0".to_vec();
        endless.resize(MAX_HELLO, 0);
        assert_eq!(peek(&endless), Peeked::Other);
    }

    proptest! {
        #[test]
        fn an_offer_is_waited_for_to_its_last_byte(record in 1usize..60, cut in 0usize..2000) {
            let whole = hello(0x0303, &[0xc02f, 0x1301, 0x002f], &[0x0304], record);
            let cut = cut % whole.len();
            prop_assert_eq!(peek(&whole[..cut]), Peeked::Incomplete);
            prop_assert!(matches!(peek(&whole), Peeked::Hello(_)));
        }

        #[test]
        fn any_bytes_are_something(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let tls = [&[22, 3, 1, 1, 0, 1, 0, 0, 200][..], &bytes].concat();
            let _ = (peek(&bytes), peek(&tls));
        }
    }
}
