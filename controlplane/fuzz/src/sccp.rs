//! What telephones send to CallManager, and CallManager to telephones.

use sccp::{
    EncodeError, LIMIT_REGISTERED, Message, Received, Secrecy, Session, Stream, StreamError,
    Version,
};

/// A stream: the first byte is the version, the second the length of its segments. Segments change
/// nothing, and each message is the same when it is written and read again.
pub fn stream(input: &[u8]) {
    let [version, segment, bytes @ ..] = input else { return };
    let version = Version::of(*version);
    let whole = read(version, bytes, bytes.len().max(1));
    assert_eq!(read(version, bytes, usize::from(*segment).max(1)), whole);
    let session = Session { version, secrecy: Secrecy::Confidential };
    for decoded in whole.0.into_iter().filter_map(|received| received.decoded.ok()) {
        let message = decoded.message;
        assert!(!message.to_string().contains(char::is_control));
        let written = match session.encode(&message) {
            Err(EncodeError::AddressFamily) => continue,
            written => written.expect("whom we trust may have keys"),
        };
        let again = Message::decode(message.id(), &written[12..], version);
        let again = again.expect("what was written can be read").message;
        assert_eq!(session.encode(&again).as_ref(), Ok(&written));
    }
}

fn read(version: Version, bytes: &[u8], segment: usize) -> (Vec<Received>, Option<StreamError>) {
    let mut stream = Stream::new();
    stream.set_version(version);
    stream.set_limit(LIMIT_REGISTERED);
    let mut messages = Vec::new();
    for mut segment in bytes.chunks(segment) {
        loop {
            match stream.next(&mut segment) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}
