//! What the tests share.

use ringfence_sccp::{Message, MessageId, Received, Secrecy, Session, Stream, Version};

/// Hexadecimal with spaces in between; `00*9` is nine zeros.
pub fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .flat_map(|word| match word.strip_prefix("00*") {
            Some(count) => vec![0; count.parse().unwrap()],
            None => (0..word.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap())
                .collect(),
        })
        .collect()
}

/// A session whose messages only the two ends can read.
pub fn confidential(version: Version) -> Session {
    Session { version, secrecy: Secrecy::Confidential }
}

/// A stream in this version, of a station that is registered.
pub fn stream(version: Version) -> Stream {
    let mut stream = Stream::new();
    stream.set_version(version);
    stream.set_limit(ringfence_sccp::LIMIT_REGISTERED);
    stream
}

/// All messages in the bytes.
pub fn read_all(mut stream: Stream, mut bytes: &[u8]) -> Vec<Received> {
    std::iter::from_fn(|| stream.next(&mut bytes).unwrap()).collect()
}

/// The one message in the bytes.
pub fn read(version: Version, bytes: &[u8]) -> Message {
    let [received] = &read_all(stream(version), bytes)[..] else { panic!("not one message") };
    received.decoded.clone().unwrap().message
}

/// All versions.
pub fn versions() -> impl Iterator<Item = Version> + Clone {
    (Version::MIN.number()..=Version::MAX.number()).map(Version::of)
}

/// All messages with a layout.
pub fn ids_with_layout() -> impl Iterator<Item = MessageId> + Clone {
    (0..0x200).map(MessageId).filter(|id| {
        let decoded = Message::decode(*id, &[0; 4096], Version::MAX);
        !matches!(decoded.unwrap().message, Message::Opaque(_))
    })
}
