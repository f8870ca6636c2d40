//! Which ESP the program gives to the sockets, and which addresses are theirs alone.

use std::io;
use std::net::IpAddr;

use abi::{Address, EspKey, maps};
use aya::Ebpf;
use aya::maps::{HashMap, MapData, MapError};

use crate::error::{XdpError, os_error};
use crate::program::take;

pub(crate) struct Signalling {
    esp: HashMap<MapData, [u8; 20], [u16; 8]>,
    own: HashMap<MapData, [u8; 16], u32>,
}

impl Signalling {
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, XdpError> {
        Ok(Self { esp: take(ebpf, maps::ESP)?, own: take(ebpf, maps::OWN_ADDRESSES)? })
    }

    pub(crate) fn steer(&mut self, address: IpAddr, spi: u32, peer: IpAddr) -> io::Result<()> {
        self.esp.insert(key(address, spi), words(peer), 0).map_err(full)
    }

    pub(crate) fn unsteer(&mut self, address: IpAddr, spi: u32) -> io::Result<()> {
        match self.esp.remove(&key(address, spi)) {
            Err(error) if os_error(&error) == Some(libc::ENOENT) => Ok(()),
            done => done.map_err(io::Error::other),
        }
    }

    pub(crate) fn own(&mut self, address: IpAddr) -> io::Result<()> {
        self.own.insert(Address::from(address).0, 0, 0).map_err(full)
    }
}

fn key(address: IpAddr, spi: u32) -> [u8; 20] {
    EspKey::new(address.into(), spi.to_be_bytes()).to_bytes()
}

/// An address as the program reads it from a frame.
fn words(address: IpAddr) -> [u16; 8] {
    let octets = Address::from(address).0;
    std::array::from_fn(|word| u16::from_ne_bytes([octets[2 * word], octets[2 * word + 1]]))
}

fn full(error: MapError) -> io::Error {
    match os_error(&error) {
        Some(libc::E2BIG) => io::Error::other("the XDP program has no room for more of IPsec"),
        _ => io::Error::other(error),
    }
}
