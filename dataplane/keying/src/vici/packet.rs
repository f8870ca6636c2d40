//! Packets on the stream: a length, what it is, perhaps a name, perhaps a message.

use super::charon::ProtocolError;
use super::message::Message;

/// Octets of a packet behind its length, as charon limits them.
pub const MAX_PACKET: usize = 512 << 10;

const COMMAND: u8 = 0;
const RESPONSE: u8 = 1;
const COMMAND_UNKNOWN: u8 = 2;
const REGISTER: u8 = 3;
const UNREGISTER: u8 = 4;
const CONFIRMED: u8 = 5;
const EVENT_UNKNOWN: u8 = 6;
const EVENT: u8 = 7;

/// What goes over the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// To charon: do this.
    Command(String, Message),
    /// What came of it.
    Response(Message),
    /// There is no such command.
    CommandUnknown,
    /// To charon: tell such events.
    Register(String),
    /// To charon: tell them no more.
    Unregister(String),
    /// So it will be.
    Confirmed,
    /// There is no such event.
    EventUnknown,
    /// Something happened.
    Event(String, Message),
}

impl Packet {
    /// Reads what is behind the length.
    pub fn parse(octets: &[u8]) -> Result<Self, ProtocolError> {
        let (&kind, rest) = octets.split_first().ok_or(ProtocolError::Empty)?;
        let name = || {
            let (&len, rest) = rest.split_first()?;
            let (name, rest) = rest.split_at_checked(len.into())?;
            Some((str::from_utf8(name).ok()?.to_owned(), rest))
        };
        let name = || name().ok_or(ProtocolError::Name);
        Ok(match kind {
            COMMAND => {
                let (name, rest) = name()?;
                Self::Command(name, Message::parse(rest)?)
            }
            RESPONSE => Self::Response(Message::parse(rest)?),
            COMMAND_UNKNOWN => Self::CommandUnknown,
            REGISTER => Self::Register(name()?.0),
            UNREGISTER => Self::Unregister(name()?.0),
            CONFIRMED => Self::Confirmed,
            EVENT_UNKNOWN => Self::EventUnknown,
            EVENT => {
                let (name, rest) = name()?;
                Self::Event(name, Message::parse(rest)?)
            }
            other => return Err(ProtocolError::Kind(other)),
        })
    }

    /// The whole packet with its length.
    ///
    /// # Panics
    ///
    /// When its name has more than 255 octets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut octets = vec![0; 4];
        match self {
            Self::Command(name, message) => {
                named(&mut octets, COMMAND, name);
                message.emit(&mut octets);
            }
            Self::Response(message) => {
                octets.push(RESPONSE);
                message.emit(&mut octets);
            }
            Self::CommandUnknown => octets.push(COMMAND_UNKNOWN),
            Self::Register(name) => named(&mut octets, REGISTER, name),
            Self::Unregister(name) => named(&mut octets, UNREGISTER, name),
            Self::Confirmed => octets.push(CONFIRMED),
            Self::EventUnknown => octets.push(EVENT_UNKNOWN),
            Self::Event(name, message) => {
                named(&mut octets, EVENT, name);
                message.emit(&mut octets);
            }
        }
        let len = (octets.len() - 4) as u32;
        octets[..4].copy_from_slice(&len.to_be_bytes());
        octets
    }
}

fn named(octets: &mut Vec<u8>, kind: u8, name: &str) {
    let len = u8::try_from(name.len()).expect("a name has at most 255 octets");
    octets.extend([kind, len]);
    octets.extend(name.as_bytes());
}

/// Puts a stream's pieces together to packets. Keeps one packet's octets at most.
#[derive(Debug, Default)]
pub struct Reader(Vec<u8>);

impl Reader {
    /// Takes octets as they came.
    pub fn push(&mut self, octets: &[u8]) {
        self.0.extend(octets);
    }

    /// The next packet, once it is whole. After an error the stream means nothing any more.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, ProtocolError> {
        let Some(len) = self.0.first_chunk() else { return Ok(None) };
        let len = u32::from_be_bytes(*len) as usize;
        if len > MAX_PACKET {
            return Err(ProtocolError::TooLong(len));
        }
        let Some(packet) = self.0.get(4..4 + len) else { return Ok(None) };
        let packet = Packet::parse(packet);
        self.0.drain(..4 + len);
        packet.map(Some)
    }
}
