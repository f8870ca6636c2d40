//! Where media goes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::body::{Field, Input, Output};
use crate::session::EncodeError;
use crate::version::Version;

/// An address as telephones say it: 4 bytes, from version 17 on a type and 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// IPv4
    V4(Ipv4Addr),
    /// IPv6, which versions before 17 cannot say.
    V6(Ipv6Addr),
    /// Any other type: 2 is "both", 3 is "none".
    Other(u32, [u8; 16]),
}

impl Address {
    /// The address, if media can be sent there: not 0, not to a group, not to this machine itself.
    pub fn usable(self) -> Option<IpAddr> {
        let ip = match self {
            Self::V4(ip) if !ip.is_broadcast() => IpAddr::V4(ip),
            Self::V6(ip) => IpAddr::V6(ip),
            Self::V4(_) | Self::Other(..) => return None,
        };
        (!ip.is_unspecified() && !ip.is_multicast() && !ip.is_loopback()).then_some(ip)
    }
}

impl Default for Address {
    fn default() -> Self {
        Self::V4(Ipv4Addr::UNSPECIFIED)
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(ip),
        }
    }
}

impl Field for Address {
    fn read(input: &mut Input<'_>) -> Self {
        if !input.wide {
            return Self::V4(Ip4::read(input).0);
        }
        match (u32::read(input), input.array::<16>()) {
            (0, [a, b, c, d, ..]) => Self::V4(Ipv4Addr::new(a, b, c, d)),
            (1, bytes) => Self::V6(bytes.into()),
            (other, bytes) => Self::Other(other, bytes),
        }
    }

    fn write(&self, output: &mut Output) {
        let wide = output.session.version >= Version::of(17);
        match *self {
            Self::V4(ip) if wide => {
                output.put(&[0; 4]);
                output.put(&ip.octets());
                output.zeros(12);
            }
            Self::V4(ip) => output.put(&ip.octets()),
            Self::V6(ip) if wide => {
                1u32.write(output);
                output.put(&ip.octets());
            }
            Self::Other(kind, bytes) if wide => {
                kind.write(output);
                output.put(&bytes);
            }
            Self::V6(_) | Self::Other(..) => output.defect = Some(EncodeError::AddressFamily),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => ip.fmt(f),
            Self::Other(kind, _) => write!(f, "(type {kind})"),
        }
    }
}

/// A port as telephones say it: with room for numbers that no port has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Port(pub u32);

impl Port {
    /// The number, if there can be such a port.
    pub fn number(self) -> Option<u16> {
        u16::try_from(self.0).ok().filter(|number| *number != 0)
    }
}

impl From<u16> for Port {
    fn from(number: u16) -> Self {
        Self(number.into())
    }
}

impl Field for Port {
    fn read(input: &mut Input<'_>) -> Self {
        Self(Field::read(input))
    }

    fn write(&self, output: &mut Output) {
        self.0.write(output);
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An IPv4 address where no other can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ip4(pub Ipv4Addr);

impl Default for Ip4 {
    fn default() -> Self {
        Self(Ipv4Addr::UNSPECIFIED)
    }
}

impl Field for Ip4 {
    fn read(input: &mut Input<'_>) -> Self {
        Self(input.array::<4>().into())
    }

    fn write(&self, output: &mut Output) {
        output.put(&self.0.octets());
    }
}

impl fmt::Display for Ip4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
