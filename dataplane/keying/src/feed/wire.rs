//! Frames.

use std::net::{IpAddr, SocketAddr};

use esp::Direction;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::order::{Answer, Notice, Order, PolicyRecord, SaRecord, Secret, Side, Word};
use crate::xfrm::StateKey;

/// Octets of a frame behind its length.
pub const MAX_FRAME: usize = 16 << 10;
/// Sides of the traffic of one association; charon's own limit is 255.
const MAX_SIDES: usize = 255;
const LENGTH: usize = 4;

const HELLO: u8 = 0;
const ADD_SA: u8 = 1;
const MOVE_SA: u8 = 2;
const QUERY_SA: u8 = 3;
const REMOVE_SA: u8 = 4;
const REMOVE_SAS: u8 = 5;
const ADD_POLICY: u8 = 6;
const REMOVE_POLICY: u8 = 7;
const REMOVE_POLICIES: u8 = 8;

const DONE: u8 = 0x40;
const REFUSED: u8 = 0x41;
const NOT_FOUND: u8 = 0x42;
const UNSUPPORTED: u8 = 0x43;
const USAGE: u8 = 0x44;
const EXPIRED: u8 = 0x80;
const ACQUIRE: u8 = 0x81;
const MOVED: u8 = 0x82;

/// A frame that means nothing. The other end is no friend, or of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a frame that means nothing came; do plugin and data plane have the same version?")]
pub struct BadFrame;

/// Puts a stream's pieces together to frames, and erases what was read.
#[derive(Default)]
pub struct FrameReader(Zeroizing<Vec<u8>>);

impl FrameReader {
    /// Takes octets as they came. More than one frame's are never kept for long: read them first.
    pub fn push(&mut self, octets: &[u8]) {
        // Growing in place would leave copies of keys behind.
        let mut longer = Zeroizing::new(Vec::with_capacity(self.0.len() + octets.len()));
        longer.extend_from_slice(&self.0);
        longer.extend_from_slice(octets);
        self.0 = longer;
    }

    /// The next order, once it is whole.
    pub fn next_order(&mut self) -> Result<Option<Order>, BadFrame> {
        self.next_frame(order)
    }

    /// The next word, once it is whole.
    pub fn next_word(&mut self) -> Result<Option<Word>, BadFrame> {
        self.next_frame(word)
    }

    fn next_frame<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'_>) -> Option<T>,
    ) -> Result<Option<T>, BadFrame> {
        let Some(len) = self.0.first_chunk() else { return Ok(None) };
        let len = u32::from_be_bytes(*len) as usize;
        if len > MAX_FRAME {
            return Err(BadFrame);
        }
        let Some(frame) = self.0.get(LENGTH..LENGTH + len) else { return Ok(None) };
        let mut cursor = Cursor(frame);
        let read = read(&mut cursor).filter(|_| cursor.0.is_empty()).ok_or(BadFrame)?;
        let rest = Zeroizing::new(self.0[LENGTH + len..].to_vec());
        self.0.zeroize();
        self.0 = rest;
        Ok(Some(read))
    }
}

impl Order {
    /// The frame. It is erased when dropped, for there may be keys in it.
    pub fn to_frame(&self) -> Zeroizing<Vec<u8>> {
        frame(|out| match self {
            Self::Hello(version) => {
                out.push(HELLO);
                out.extend(version.to_be_bytes());
            }
            Self::AddSa(record) => {
                out.push(ADD_SA);
                put_sa(out, record);
            }
            Self::MoveSa { key, source, destination, ports } => {
                out.push(MOVE_SA);
                put_key(out, key);
                put_address(out, *source);
                put_address(out, *destination);
                put_ports(out, *ports);
            }
            Self::QuerySa(key) => {
                out.push(QUERY_SA);
                put_key(out, key);
            }
            Self::RemoveSa(key) => {
                out.push(REMOVE_SA);
                put_key(out, key);
            }
            Self::RemoveSas => out.push(REMOVE_SAS),
            Self::AddPolicy(record) => {
                out.push(ADD_POLICY);
                put_policy(out, record);
            }
            Self::RemovePolicy(record) => {
                out.push(REMOVE_POLICY);
                put_policy(out, record);
            }
            Self::RemovePolicies => out.push(REMOVE_POLICIES),
        })
    }
}

impl Word {
    /// The frame.
    pub fn to_frame(&self) -> Zeroizing<Vec<u8>> {
        frame(|out| match self {
            Self::Answer(Answer::Done) => out.push(DONE),
            Self::Answer(Answer::Refused) => out.push(REFUSED),
            Self::Answer(Answer::NotFound) => out.push(NOT_FOUND),
            Self::Answer(Answer::Unsupported) => out.push(UNSUPPORTED),
            Self::Answer(Answer::Usage { octets, packets, idle }) => {
                out.push(USAGE);
                out.extend(octets.to_be_bytes());
                out.extend(packets.to_be_bytes());
                out.push(idle.is_some().into());
                out.extend(idle.unwrap_or(0).to_be_bytes());
            }
            Self::Notice(Notice::Expired { key, hard }) => {
                out.push(EXPIRED);
                put_key(out, key);
                out.push((*hard).into());
            }
            Self::Notice(Notice::Acquire { request }) => {
                out.push(ACQUIRE);
                out.extend(request.to_be_bytes());
            }
            Self::Notice(Notice::Moved { key, to }) => {
                out.push(MOVED);
                put_key(out, key);
                put_address(out, to.ip());
                out.extend(to.port().to_be_bytes());
            }
        })
    }
}

fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Zeroizing<Vec<u8>> {
    // Room for everything, so that it does not grow and leave copies behind.
    let mut frame = Zeroizing::new(Vec::with_capacity(LENGTH + MAX_FRAME));
    frame.extend([0; LENGTH]);
    write(&mut frame);
    let len = (frame.len() - LENGTH) as u32;
    frame[..LENGTH].copy_from_slice(&len.to_be_bytes());
    frame
}

fn order(cursor: &mut Cursor<'_>) -> Option<Order> {
    Some(match cursor.octet()? {
        HELLO => Order::Hello(cursor.u16()?),
        ADD_SA => Order::AddSa(Box::new(cursor.sa()?)),
        MOVE_SA => Order::MoveSa {
            key: cursor.key()?,
            source: cursor.address()?,
            destination: cursor.address()?,
            ports: cursor.ports()?,
        },
        QUERY_SA => Order::QuerySa(cursor.key()?),
        REMOVE_SA => Order::RemoveSa(cursor.key()?),
        REMOVE_SAS => Order::RemoveSas,
        ADD_POLICY => Order::AddPolicy(cursor.policy()?),
        REMOVE_POLICY => Order::RemovePolicy(cursor.policy()?),
        REMOVE_POLICIES => Order::RemovePolicies,
        _ => return None,
    })
}

fn word(cursor: &mut Cursor<'_>) -> Option<Word> {
    Some(match cursor.octet()? {
        DONE => Word::Answer(Answer::Done),
        REFUSED => Word::Answer(Answer::Refused),
        NOT_FOUND => Word::Answer(Answer::NotFound),
        UNSUPPORTED => Word::Answer(Answer::Unsupported),
        USAGE => {
            let (octets, packets) = (cursor.u64()?, cursor.u64()?);
            let (known, idle) = (cursor.flag()?, cursor.u64()?);
            Word::Answer(Answer::Usage { octets, packets, idle: known.then_some(idle) })
        }
        EXPIRED => Word::Notice(Notice::Expired { key: cursor.key()?, hard: cursor.flag()? }),
        ACQUIRE => Word::Notice(Notice::Acquire { request: cursor.u32()? }),
        MOVED => {
            let key = cursor.key()?;
            let to = SocketAddr::new(cursor.address()?, cursor.u16()?);
            Word::Notice(Notice::Moved { key, to })
        }
        _ => return None,
    })
}

fn put_sa(out: &mut Vec<u8>, record: &SaRecord) {
    put_key(out, &record.key);
    put_address(out, record.source);
    out.push((record.direction == Direction::Inbound).into());
    out.push(record.tunnel.into());
    out.extend(record.request.to_be_bytes());
    for sides in [&record.sources, &record.destinations] {
        // A side more could only take in more.
        let sides = &sides[..sides.len().min(MAX_SIDES)];
        out.push(sides.len() as u8);
        sides.iter().for_each(|side| put_side(out, side));
    }
    for (algorithm, key) in
        [(record.cipher, &record.cipher_key), (record.integrity, &record.integrity_key)]
    {
        out.extend(algorithm.to_be_bytes());
        // No suite has longer ones, so a longer one is refused there whole or cut.
        let key = &key.0[..key.0.len().min(u8::MAX.into())];
        out.push(key.len() as u8);
        out.extend(key);
    }
    out.push(record.extended.into());
    out.extend(record.window.to_be_bytes());
    out.extend(record.padding.to_be_bytes());
    put_ports(out, record.ports);
    for limit in record.soft.iter().chain(&record.hard) {
        out.extend(limit.to_be_bytes());
    }
    out.extend([record.copy_df, record.copy_ecn, record.copy_dscp].map(u8::from));
}

fn put_policy(out: &mut Vec<u8>, record: &PolicyRecord) {
    out.push((record.direction == Direction::Inbound).into());
    put_side(out, &record.source);
    put_side(out, &record.destination);
    out.extend(record.request.to_be_bytes());
    out.extend(record.priority.to_be_bytes());
}

fn put_side(out: &mut Vec<u8>, side: &Side) {
    put_address(out, side.first);
    put_address(out, side.last);
    out.push(side.protocol);
    out.extend(side.ports.0.to_be_bytes());
    out.extend(side.ports.1.to_be_bytes());
}

fn put_key(out: &mut Vec<u8>, key: &StateKey) {
    out.extend(key.spi.to_be_bytes());
    put_address(out, key.destination);
}

fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            out.push(4);
            out.extend(address.octets());
        }
        IpAddr::V6(address) => {
            out.push(6);
            out.extend(address.octets());
        }
    }
}

fn put_ports(out: &mut Vec<u8>, ports: Option<(u16, u16)>) {
    let (source, destination) = ports.unwrap_or_default();
    out.push(ports.is_some().into());
    out.extend(source.to_be_bytes());
    out.extend(destination.to_be_bytes());
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn octet(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.octet()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn address(&mut self) -> Option<IpAddr> {
        match self.octet()? {
            4 => self.array::<4>().map(IpAddr::from),
            6 => self.array::<16>().map(IpAddr::from),
            _ => None,
        }
    }

    fn key(&mut self) -> Option<StateKey> {
        Some(StateKey { spi: self.u32()?, destination: self.address()? })
    }

    fn ports(&mut self) -> Option<Option<(u16, u16)>> {
        let (there, ports) = (self.flag()?, (self.u16()?, self.u16()?));
        Some(there.then_some(ports))
    }

    fn direction(&mut self) -> Option<Direction> {
        Some(if self.flag()? { Direction::Inbound } else { Direction::Outbound })
    }

    fn side(&mut self) -> Option<Side> {
        Some(Side {
            first: self.address()?,
            last: self.address()?,
            protocol: self.octet()?,
            ports: (self.u16()?, self.u16()?),
        })
    }

    fn sides(&mut self) -> Option<Vec<Side>> {
        (0..self.octet()?).map(|_| self.side()).collect()
    }

    fn secret(&mut self) -> Option<Secret> {
        let len = self.octet()?;
        self.take(len.into()).map(Secret::new)
    }

    fn limits(&mut self) -> Option<[u64; 3]> {
        Some([self.u64()?, self.u64()?, self.u64()?])
    }

    fn sa(&mut self) -> Option<SaRecord> {
        Some(SaRecord {
            key: self.key()?,
            source: self.address()?,
            direction: self.direction()?,
            tunnel: self.flag()?,
            request: self.u32()?,
            sources: self.sides()?,
            destinations: self.sides()?,
            cipher: self.u16()?,
            cipher_key: self.secret()?,
            integrity: self.u16()?,
            integrity_key: self.secret()?,
            extended: self.flag()?,
            window: self.u32()?,
            padding: self.u32()?,
            ports: self.ports()?,
            soft: self.limits()?,
            hard: self.limits()?,
            copy_df: self.flag()?,
            copy_ecn: self.flag()?,
            copy_dscp: self.flag()?,
        })
    }

    fn policy(&mut self) -> Option<PolicyRecord> {
        Some(PolicyRecord {
            direction: self.direction()?,
            source: self.side()?,
            destination: self.side()?,
            request: self.u32()?,
            priority: self.u32()?,
        })
    }
}
