//! What the kernel says about associations and policies: messages of NETLINK_XFRM
//! (`linux/xfrm.h`), whose numbers have the order of this machine unless said otherwise.

mod attributes;
mod policy;
mod selector;
mod state;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use policy::{PolicyAction, PolicyKey, PolicyRecord};
pub use selector::Traffic;
pub use state::{State, StateKey, Unusable};

use attributes::Attributes;

/// Multicast groups: expiry, associations, policies; a bit for each.
pub const GROUPS: u32 = 1 << (2 - 1) | 1 << (3 - 1) | 1 << (4 - 1);

const HEADER_LEN: usize = 16;

const NEW_SA: u16 = 0x10;
const DEL_SA: u16 = 0x11;
const GET_SA: u16 = 0x12;
const NEW_POLICY: u16 = 0x13;
const DEL_POLICY: u16 = 0x14;
const GET_POLICY: u16 = 0x15;
const EXPIRE: u16 = 0x18;
const UPDATE_POLICY: u16 = 0x19;
const UPDATE_SA: u16 = 0x1a;
const FLUSH_SA: u16 = 0x1c;
const FLUSH_POLICY: u16 = 0x1d;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// What a message says.
#[derive(Clone, Debug)]
pub enum Message {
    /// An association is there, or is different now.
    State(Box<State>),
    /// An association is there that we cannot be an end of.
    Unusable(StateKey, Unusable),
    /// An association is gone.
    StateGone(StateKey),
    /// An association's lifetime is over; a soft limit does not end it.
    Expired {
        /// Which.
        key: StateKey,
        /// Whether it is dead.
        hard: bool,
    },
    /// All associations of ESP are gone.
    NoStates,
    /// A policy is there, or is different now.
    Policy(PolicyRecord),
    /// A policy is gone.
    PolicyGone(PolicyKey),
    /// All policies are gone.
    NoPolicies,
    /// The answer to a question is complete.
    Done,
    /// The kernel refuses what was asked; its error number.
    Error(i32),
    /// Nothing that concerns us.
    Other,
}

/// The messages of a datagram. What cannot be read is [`Message::Other`].
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Message> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let header: &[u8; HEADER_LEN] = rest.first_chunk()?;
        let len = u32_at(header, 0)? as usize;
        let body = rest.get(HEADER_LEN..len)?;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(read(kind, body).unwrap_or(Message::Other))
    })
}

/// Asks for all associations; they come as [`Message::State`], then [`Message::Done`].
pub fn ask_for_states(sequence: u32) -> Vec<u8> {
    ask(GET_SA, sequence, 24)
}

/// Asks for all policies.
pub fn ask_for_policies(sequence: u32) -> Vec<u8> {
    ask(GET_POLICY, sequence, 64)
}

fn ask(kind: u16, sequence: u32, body: usize) -> Vec<u8> {
    const REQUEST: u16 = 1;
    const DUMP: u16 = 0x300;
    let mut message = Vec::with_capacity(HEADER_LEN + body);
    message.extend(((HEADER_LEN + body) as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((REQUEST | DUMP).to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.resize(HEADER_LEN + body, 0);
    message
}

fn read(kind: u16, body: &[u8]) -> Option<Message> {
    Some(match kind {
        NEW_SA | UPDATE_SA => {
            let (info, attributes) = body.split_at_checked(state::INFO_LEN)?;
            match State::read(info, &Attributes(attributes))? {
                Ok(state) => Message::State(Box::new(state)),
                Err(why) => Message::Unusable(state::key(info)?, why),
            }
        }
        DEL_SA => {
            let (_, attributes) = body.split_at_checked(24)?;
            let info = Attributes(attributes).find(attributes::SA)?;
            Message::StateGone(state::key(info)?)
        }
        EXPIRE => {
            Message::Expired { key: state::key(body)?, hard: *body.get(state::INFO_LEN)? != 0 }
        }
        FLUSH_SA => Message::NoStates,
        NEW_POLICY | UPDATE_POLICY => {
            let (info, attributes) = body.split_at_checked(policy::INFO_LEN)?;
            Message::Policy(PolicyRecord::read(info, &Attributes(attributes))?)
        }
        DEL_POLICY => {
            let (_, attributes) = body.split_at_checked(64)?;
            let info = Attributes(attributes).find(attributes::POLICY)?;
            Message::PolicyGone(policy::key(info)?)
        }
        FLUSH_POLICY => Message::NoPolicies,
        DONE => Message::Done,
        ERROR => match i32::from_ne_bytes(*body.first_chunk()?) {
            0 => Message::Done,
            error => Message::Error(-error),
        },
        _ => Message::Other,
    })
}

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

fn address(octets: &[u8], at: usize, family: u16) -> Option<IpAddr> {
    let octets: &[u8; 16] = octets.get(at..)?.first_chunk()?;
    match family {
        AF_INET => Some(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into()),
        AF_INET6 => Some(Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|octets| u16::from_ne_bytes(*octets))
}

fn be16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|octets| u16::from_be_bytes(*octets))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|octets| u32::from_ne_bytes(*octets))
}

fn u64_at(octets: &[u8], at: usize) -> Option<u64> {
    octets.get(at..)?.first_chunk().map(|octets| u64::from_ne_bytes(*octets))
}
