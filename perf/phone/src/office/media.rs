//! Who plays and records for the telephones of an office.

use std::net::{IpAddr, SocketAddr};

use sccp::codes::MediaStatus;

use super::PhoneId;
use crate::station::{Order, Statistics, StreamId};

/// Plays and records.
pub trait Media {
    /// Carries out an order of a telephone that is at this address.
    fn obey(&mut self, phone: PhoneId, at: IpAddr, order: &Order) -> Answer;
}

/// What comes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing that a server wants to know.
    Nothing,
    /// To [`Order::Open`].
    Opened(StreamId, Result<SocketAddr, MediaStatus>),
    /// To [`Order::Start`], if it cannot be done.
    Unsendable(StreamId),
    /// To [`Order::Report`].
    Statistics(Statistics),
}

/// Telephones that neither speak nor hear, and say that they do: for measuring signalling alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mute {
    elsewhere: Option<IpAddr>,
    opened: u16,
}

impl Mute {
    /// They say that they receive there; `None`: at their own address. Servers take no address of
    /// the machine itself.
    pub fn at(elsewhere: Option<IpAddr>) -> Self {
        Self { elsewhere, opened: 0 }
    }
}

/// Ports that they say they have: even ones, from here on.
const FIRST_PORT: u16 = 16_384;
const PORTS: u16 = 8192;

impl Media for Mute {
    fn obey(&mut self, _: PhoneId, at: IpAddr, order: &Order) -> Answer {
        match order {
            Order::Open(receive) => {
                self.opened = (self.opened + 1) % PORTS;
                let at =
                    SocketAddr::new(self.elsewhere.unwrap_or(at), FIRST_PORT + 2 * self.opened);
                Answer::Opened(receive.stream, Ok(at))
            }
            Order::Report { .. } => Answer::Statistics(Statistics::default()),
            Order::Close(_) | Order::Start(_) | Order::Stop(_) => Answer::Nothing,
        }
    }
}
