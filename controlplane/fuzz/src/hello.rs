//! The first bytes of TLS clients.

use legacytls::hello::{MAX_HELLO, Peeked, peek};

/// More bytes never make an offer of what is none, nor another offer of what is one.
pub fn client(bytes: &[u8]) {
    let whole = peek(bytes);
    let half = peek(&bytes[..bytes.len() / 2]);
    match half {
        Peeked::Incomplete => {}
        decided => assert_eq!(decided, whole),
    }
    if bytes.len() >= MAX_HELLO {
        assert_ne!(whole, Peeked::Incomplete);
    }
    if let Peeked::Hello(hello) = whole {
        let _ = (hello.is_modern(), hello.offers_encryption());
    }
}
