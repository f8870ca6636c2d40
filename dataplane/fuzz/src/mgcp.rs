//! MGCP and SDP: what the writer writes, the parser reads as the same.

use mgcp::sdp::{CryptoAttribute, SessionDescription};
use mgcp::{Message, ParseError, datagram, limits};

/// One message.
pub fn message(bytes: &[u8]) {
    match Message::parse(bytes) {
        Ok(message) => {
            let written = message.to_bytes();
            let again = Message::parse(&written);
            assert_eq!(again.as_ref(), Ok(&message), "{}", String::from_utf8_lossy(&written));
        }
        Err(error) => answerable(&error),
    }
}

/// An error is answered with one line that is a response itself, or not at all.
fn answerable(error: &ParseError) {
    let Some(answer) = error.answer() else { return };
    let read = Message::parse(answer.as_bytes());
    match error.transaction() {
        Some(id) => assert!(matches!(read, Ok(Message::Response(i, _)) if i == id)),
        None => assert!(read.is_err(), "the number that is echoed is no legal one"),
    }
}

/// A datagram of several messages.
pub fn messages(bytes: &[u8]) {
    let Ok(messages) = datagram::split(bytes, limits::DATAGRAM) else { return };
    assert!(messages.len() <= limits::MESSAGES);
    let length: usize = messages.iter().map(|message| message.len()).sum();
    assert!(length <= bytes.len());
    for message in messages {
        self::message(message);
    }
}

/// A session description.
pub fn session_description(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(description) = SessionDescription::parse(text) else { return };
    let mut wanted = description;
    // Keys have a target of their own.
    wanted.media.iter_mut().for_each(|media| {
        media.crypto.clear();
        media.skipped_crypto = 0;
    });
    let body = wanted.to_body();
    if body.expose().len() > limits::SDP {
        // Lines that were missing are written, and can be too many.
        return;
    }
    let mut read = SessionDescription::parse(body.expose()).expect("what was written is legal");
    read.origin = read.origin.filter(|_| wanted.origin.is_some());
    read.session_name = read.session_name.filter(|_| wanted.session_name.is_some());
    assert_eq!(read, wanted, "{}", body.expose());
    let _ = read.audio();
}

/// An attribute line with a key.
pub fn crypto(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(Ok(attribute)) = CryptoAttribute::parse(text) else { return };
    let mut written = String::new();
    attribute.write(&mut written).expect("writing to a string cannot fail");
    if written.len() + "a=".len() > limits::CRYPTO {
        // Padding that was left out is written.
        return;
    }
    assert_eq!(CryptoAttribute::parse(&written), Some(Ok(attribute)), "{written}");
}
