//! The names that stations register under.

use std::fmt;

use tftp::DeviceName;

/// The name of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// A phone's.
    Phone(DeviceName),
    /// A voicemail port's.
    Port(PortName),
}

/// The name of a voicemail port: its server's, `-VI` and a number, as `CiscoUM1-VI1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortName {
    text: [u8; Self::MAX],
    len: u8,
    server: u8,
}

const INFIX: &str = "-VI";

impl PortName {
    /// The longest that a registration has room for.
    const MAX: usize = 15;

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        let (server, number) = name.rsplit_once(INFIX)?;
        let sound =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !sound(server) || number.parse::<u8>().is_err() || name.len() > Self::MAX {
            return None;
        }
        let mut text = [0; Self::MAX];
        text[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { text, len: name.len() as u8, server: server.len() as u8 })
    }

    /// The server that it is a port of.
    pub fn server(&self) -> &str {
        self.first(self.server)
    }

    fn first(&self, len: u8) -> &str {
        std::str::from_utf8(&self.text[..len.into()]).expect("it was read as letters and digits")
    }
}

impl Name {
    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        let port = || PortName::parse(name).map(Self::Port);
        DeviceName::parse(name).map(Self::Phone).or_else(port)
    }

    /// The MAC address of a phone; a port has none to tell.
    pub fn mac(self) -> [u8; 6] {
        match self {
            Self::Phone(name) => name.mac(),
            Self::Port(_) => [0; 6],
        }
    }

    /// A number that differs between stations of an office.
    pub fn share(self) -> u16 {
        match self {
            Self::Phone(name) => {
                let [.., a, b] = name.mac();
                u16::from_be_bytes([a, b])
            }
            Self::Port(name) => name
                .text
                .iter()
                .fold(0, |sum: u16, byte| sum.wrapping_mul(31).wrapping_add(u16::from(*byte))),
        }
    }
}

impl From<DeviceName> for Name {
    fn from(name: DeviceName) -> Self {
        Self::Phone(name)
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.first(self.len))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(name) => name.fmt(f),
            Self::Port(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_and_ports_are_told_by_their_names() {
        let phone = Name::parse("sep001122334455").unwrap();
        assert_eq!((phone.to_string().as_str(), phone.mac()[5]), ("SEP001122334455", 0x55));
        let Some(Name::Port(port)) = Name::parse("CiscoUM1-VI12") else { panic!() };
        assert_eq!((port.to_string().as_str(), port.server()), ("CiscoUM1-VI12", "CiscoUM1"));
        for wrong in ["", "-VI1", "um-VI", "um-VIx", "um_1-VI1", "um-VI256", "CiscoUnity1-VI10"] {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
    }
}
