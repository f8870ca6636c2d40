//! TFTP packets (RFC 1350 section 5, RFC 2347).

use std::fmt;

use crate::Options;

/// Most bytes of a request (RFC 2347: "the maximum size of a request packet is 512 octets").
pub const MAX_REQUEST: usize = 512;

const RRQ: u16 = 1;
const WRQ: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// A packet, borrowing what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Read request.
    Read(ReadRequest<'a>),
    /// Write request; its contents do not matter to a server that refuses all of them.
    Write,
    /// A block of the file, counted from 1.
    Data {
        /// Low 16 bits of the block number.
        block: u16,
        /// Its bytes; fewer than the block size mean the end.
        data: &'a [u8],
    },
    /// Acknowledges a block, and with a window all before it.
    Ack {
        /// Low 16 bits of the block number; 0 acknowledges the options.
        block: u16,
    },
    /// Ends a transfer.
    Error {
        /// What happened.
        code: ErrorCode,
        /// For people.
        text: &'a [u8],
    },
    /// The options that the server accepted.
    OptionAck(Options),
}

/// A read request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest<'a> {
    /// The file's name, unchecked.
    pub name: &'a [u8],
    /// The options it asks for; unknown and malformed ones are left out.
    pub options: Options,
}

/// Error codes of RFC 1350 and RFC 2347.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 0: see the text.
    Undefined,
    /// 1.
    FileNotFound,
    /// 2.
    AccessViolation,
    /// 4.
    IllegalOperation,
    /// 5: the packet came from another port than the transfer's peer.
    UnknownTransferId,
    /// 8.
    OptionNegotiation,
    /// Any other.
    Other(u16),
}

impl ErrorCode {
    /// The number in the packet.
    pub fn code(self) -> u16 {
        match self {
            Self::Undefined => 0,
            Self::FileNotFound => 1,
            Self::AccessViolation => 2,
            Self::IllegalOperation => 4,
            Self::UnknownTransferId => 5,
            Self::OptionNegotiation => 8,
            Self::Other(code) => code,
        }
    }

    /// The meaning of a number.
    pub fn from_code(code: u16) -> Self {
        match code {
            0 => Self::Undefined,
            1 => Self::FileNotFound,
            2 => Self::AccessViolation,
            4 => Self::IllegalOperation,
            5 => Self::UnknownTransferId,
            8 => Self::OptionNegotiation,
            code => Self::Other(code),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("error"),
            Self::FileNotFound => f.write_str("file not found"),
            Self::AccessViolation => f.write_str("access violation"),
            Self::IllegalOperation => f.write_str("illegal operation"),
            Self::UnknownTransferId => f.write_str("unknown transfer id"),
            Self::OptionNegotiation => f.write_str("option negotiation failed"),
            Self::Other(code) => write!(f, "error {code}"),
        }
    }
}

/// Why bytes are not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Shorter than its kind.
    #[error("the packet is cut short")]
    Truncated,
    /// An operation that is not defined.
    #[error("operation {0} is not defined")]
    Opcode(u16),
    /// A request over 512 bytes.
    #[error("the request is longer than 512 bytes")]
    TooLong,
    /// A string without its NUL, or an option without its value.
    #[error("a string does not end")]
    Unterminated,
    /// A mode other than `octet` and `netascii`.
    #[error("the transfer mode is not supported")]
    Mode,
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, PacketError> {
        let (opcode, rest) = u16_and_rest(datagram)?;
        match opcode {
            RRQ => ReadRequest::parse(datagram.len(), rest).map(Self::Read),
            WRQ => Ok(Self::Write),
            DATA => u16_and_rest(rest).map(|(block, data)| Self::Data { block, data }),
            ACK => u16_and_rest(rest).map(|(block, _)| Self::Ack { block }),
            ERROR => u16_and_rest(rest).map(|(code, text)| Self::Error {
                code: ErrorCode::from_code(code),
                text: text.split(|&byte| byte == 0).next().unwrap_or_default(),
            }),
            OACK => Options::parse(rest).map(Self::OptionAck),
            other => Err(PacketError::Opcode(other)),
        }
    }

    /// Writes the packet.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Read(request) => request.to_bytes(),
            Self::Write => WRQ.to_be_bytes().to_vec(),
            Self::Data { block, data } => {
                [&DATA.to_be_bytes()[..], &block.to_be_bytes(), data].concat()
            }
            Self::Ack { block } => [ACK.to_be_bytes(), block.to_be_bytes()].concat(),
            Self::Error { code, text } => {
                [&ERROR.to_be_bytes()[..], &code.code().to_be_bytes(), text, &[0]].concat()
            }
            Self::OptionAck(options) => {
                let mut bytes = OACK.to_be_bytes().to_vec();
                options.write(&mut bytes);
                bytes
            }
        }
    }
}

impl<'a> ReadRequest<'a> {
    fn parse(len: usize, rest: &'a [u8]) -> Result<Self, PacketError> {
        if len > MAX_REQUEST {
            return Err(PacketError::TooLong);
        }
        let (name, rest) = string(rest)?;
        let (mode, rest) = string(rest)?;
        // Text mode is served unchanged: every file of a phone is bytes.
        if !mode.eq_ignore_ascii_case(b"octet") && !mode.eq_ignore_ascii_case(b"netascii") {
            return Err(PacketError::Mode);
        }
        Ok(Self { name, options: Options::parse(rest)? })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [&RRQ.to_be_bytes()[..], self.name, b"\0octet\0"].concat();
        self.options.write(&mut bytes);
        bytes
    }
}

fn u16_and_rest(bytes: &[u8]) -> Result<(u16, &[u8]), PacketError> {
    let (number, rest) = bytes.split_first_chunk::<2>().ok_or(PacketError::Truncated)?;
    Ok((u16::from_be_bytes(*number), rest))
}

/// A string up to its NUL, and what follows.
pub(crate) fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), PacketError> {
    let end = bytes.iter().position(|&byte| byte == 0).ok_or(PacketError::Unterminated)?;
    Ok((&bytes[..end], &bytes[end + 1..]))
}
