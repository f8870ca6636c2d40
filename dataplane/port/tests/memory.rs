//! The memory port meets what every port must do.

use std::net::SocketAddr;

use ringfence_port::suite::{End, Fixture};
use ringfence_port::{Medium, MemoryPort, Pool};

struct Memory;

impl Fixture for Memory {
    type Port = MemoryPort;

    const CLOSED_IS_DEAF: bool = false;

    fn link(&mut self) -> (End<MemoryPort>, End<MemoryPort>) {
        let (near, far) = MemoryPort::pair(Medium::Ip, 256);
        let end = |port, address: [u8; 4]| {
            End::new(port, Pool::new(1024, 2048).unwrap(), (address, 20000).into())
        };
        (end(near, [192, 0, 2, 1]), end(far, [192, 0, 2, 2]))
    }

    fn packet(&self, _: SocketAddr, _: SocketAddr, payload: &[u8]) -> Vec<u8> {
        payload.to_vec()
    }

    fn payload(&self, packet: &[u8]) -> Option<Vec<u8>> {
        Some(packet.to_vec())
    }

    fn close(&mut self, _: MemoryPort, _: &mut Pool) {}
}

fn run(check: fn(&mut Memory)) {
    check(&mut Memory);
}

ringfence_port::suite!(run);
