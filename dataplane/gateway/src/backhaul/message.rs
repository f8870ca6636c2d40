//! What is said, and how it lies in the stream. The only place that knows the layout.
//!
//! Cisco's is not public; this one is ours, and Cisco's call agents do not know it.
//!
//! | octets | field |
//! |---|---|
//! | 0–1 | length of the rest, 6 to 4,096, big endian as all numbers |
//! | 2 | version, 1 |
//! | 3 | what it is, [`Kind`] |
//! | 4–5 | channel: which D channel, as OPEN has numbered it |
//! | 6–7 | number of the message, for traces |
//! | 8– | content |

use thiserror::Error;

const VERSION: u8 = 1;
const LENGTH: usize = 2;
/// Octets of the length's rest without content.
const FIXED: usize = 6;
/// Octets that a length may speak of.
const MOST: usize = 4096;
/// Octets of content there may be.
pub const MOST_CONTENT: usize = MOST - FIXED;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The gateway names a D channel: its own name, a zero, the interface's name.
    Open = 1,
    /// The call agent takes it, or not: one octet, zero for yes.
    OpenAck = 2,
    /// The channel is over.
    Close = 3,
    /// The call agent wants layer 2 up.
    EstablishRequest = 16,
    /// Layer 2 is up.
    EstablishIndication = 17,
    /// The call agent wants layer 2 down.
    ReleaseRequest = 18,
    /// Layer 2 is down.
    ReleaseIndication = 19,
    /// A message of Q.931 to the line.
    DataRequest = 32,
    /// A message of Q.931 from the line.
    DataIndication = 33,
    /// Are you there?
    KeepAlive = 64,
    /// Here I am.
    KeepAliveAck = 65,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Open,
        Self::OpenAck,
        Self::Close,
        Self::EstablishRequest,
        Self::EstablishIndication,
        Self::ReleaseRequest,
        Self::ReleaseIndication,
        Self::DataRequest,
        Self::DataIndication,
        Self::KeepAlive,
        Self::KeepAliveAck,
    ];
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// Which D channel; 0 for what is about the connection.
    pub channel: u16,
    /// Its number.
    pub sequence: u16,
    /// What it carries; at most [`MOST_CONTENT`] octets.
    pub content: Vec<u8>,
}

impl Message {
    /// Appends it to what is to be sent.
    ///
    /// # Panics
    ///
    /// When its content is too long.
    pub fn write(&self, output: &mut Vec<u8>) {
        assert!(self.content.len() <= MOST_CONTENT, "content that no message carries");
        output.extend(((FIXED + self.content.len()) as u16).to_be_bytes());
        output.extend([VERSION, self.kind as u8]);
        output.extend(self.channel.to_be_bytes());
        output.extend(self.sequence.to_be_bytes());
        output.extend(&self.content);
    }
}

/// Why a stream cannot be read on. The connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StreamError {
    /// A length that no message has.
    #[error("a message of {0} octets; {FIXED} to {MOST} are possible")]
    Length(usize),
    /// Another version of the layout.
    #[error("the peer speaks version {0} of the backhaul's layout, we speak {VERSION}")]
    Version(u8),
}

/// Messages out of a stream of octets.
#[derive(Debug, Default)]
pub struct MessageReader {
    octets: Vec<u8>,
}

impl MessageReader {
    /// Takes what has come. Call [`MessageReader::next_message`] until there is none, then again.
    pub fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// The next whole message of a kind that we know; others are passed over.
    pub fn next_message(&mut self) -> Result<Option<Message>, StreamError> {
        loop {
            let Some(&length) = self.octets.first_chunk::<LENGTH>() else { return Ok(None) };
            let length = usize::from(u16::from_be_bytes(length));
            if !(FIXED..=MOST).contains(&length) {
                return Err(StreamError::Length(length));
            }
            if let Some(&version) = self.octets.get(LENGTH)
                && version != VERSION
            {
                return Err(StreamError::Version(version));
            }
            if self.octets.len() < LENGTH + length {
                return Ok(None);
            }
            let rest = self.octets.split_off(LENGTH + length);
            let whole = std::mem::replace(&mut self.octets, rest);
            let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == whole[3]);
            if let Some(kind) = kind {
                return Ok(Some(Message {
                    kind,
                    channel: u16::from_be_bytes([whole[4], whole[5]]),
                    sequence: u16::from_be_bytes([whole[6], whole[7]]),
                    content: whole[LENGTH + FIXED..].to_vec(),
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_message() -> impl Strategy<Value = Message> {
        let kind = prop::sample::select(&Kind::ALL[..]);
        (kind, any::<u16>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..300)).prop_map(
            |(kind, channel, sequence, content)| Message { kind, channel, sequence, content },
        )
    }

    #[test]
    fn the_layout_is_what_the_table_says() {
        let message =
            Message { kind: Kind::DataIndication, channel: 3, sequence: 260, content: vec![8, 2] };
        let mut octets = Vec::new();
        message.write(&mut octets);
        assert_eq!(octets, [0, 8, 1, 33, 0, 3, 1, 4, 8, 2]);
    }

    #[test]
    fn what_cannot_be_a_message_ends_the_stream_at_once() {
        for (octets, why) in [
            (&[0, 5][..], StreamError::Length(5)),
            (&[0x10, 0x01], StreamError::Length(4097)),
            (&[0, 6, 2], StreamError::Version(2)),
        ] {
            let mut reader = MessageReader::default();
            reader.push(octets);
            assert_eq!(reader.next_message(), Err(why));
        }
    }

    #[test]
    fn unknown_kinds_are_passed_over() {
        let mut reader = MessageReader::default();
        reader.push(&[0, 7, 1, 99, 0, 1, 0, 0, 7]);
        reader.push(&[0, 6, 1, 64, 0, 0, 0, 9]);
        let next = reader.next_message().unwrap().unwrap();
        assert_eq!((next.kind, next.sequence), (Kind::KeepAlive, 9));
        assert_eq!(reader.next_message(), Ok(None));
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_the_stream_is_cut(
            messages in prop::collection::vec(any_message(), 0..8),
            cut in 1usize..50,
        ) {
            let mut octets = Vec::new();
            messages.iter().for_each(|message| message.write(&mut octets));
            let (mut reader, mut read) = (MessageReader::default(), Vec::new());
            for piece in octets.chunks(cut) {
                reader.push(piece);
                while let Some(message) = reader.next_message().unwrap() {
                    read.push(message);
                }
            }
            prop_assert_eq!(read, messages);
        }

        #[test]
        fn no_octets_make_the_reader_panic_or_hoard(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..50),
        ) {
            let mut reader = MessageReader::default();
            for piece in pieces {
                reader.push(&piece);
                loop {
                    match reader.next_message() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
                prop_assert!(reader.octets.len() < LENGTH + MOST);
            }
        }
    }
}
