//! AF_XDP ports meet what every port must do, in both modes.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use common::{FAR, NEAR, frame, with_veth};
use port::Pool;
use port::suite::{End, Fixture};
use ringfence_port_xdp::{PortConfig, Program, ProgramConfig, XdpMode, XdpPort};
use wire::datagram::Datagram;

struct Veth(XdpMode);

impl Fixture for Veth {
    type Port = XdpPort;

    fn link(&mut self) -> (End<XdpPort>, End<XdpPort>) {
        let end = |interface, address: [u8; 4], ring_size| {
            let mut pool = Pool::new(2048, 2048).unwrap();
            let media = vec![(address.into(), 16384..=32767)];
            let config = ProgramConfig { mode: self.0, media, ..ProgramConfig::new(interface) };
            let program = Arc::new(Program::attach(&config).unwrap());
            let config = PortConfig { ring_size, ..PortConfig::default() };
            let port = XdpPort::open(&mut pool, program, &config, None).unwrap();
            End::new(port, pool, (address, 20000).into())
        };
        // The near one takes less at a time than the far one.
        (end(NEAR, [192, 0, 2, 1], 128), end(FAR, [192, 0, 2, 2], 1024))
    }

    fn packet(&self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
        frame(source, destination, payload)
    }

    fn payload(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let datagram = Datagram::parse_ethernet(packet).ok()?;
        Some(packet[datagram.payload_at..][..datagram.payload_len].to_vec())
    }

    fn close(&mut self, port: XdpPort, pool: &mut Pool) {
        port.close(pool);
    }
}

mod native {
    use super::*;

    fn run(check: fn(&mut Veth)) {
        with_veth(move || check(&mut Veth(XdpMode::Native)));
    }

    port::suite!(
        #[ignore = "makes a network namespace, which needs root: cargo xtask test"]
        run
    );
}

mod generic {
    use super::*;

    fn run(check: fn(&mut Veth)) {
        with_veth(move || check(&mut Veth(XdpMode::Generic)));
    }

    port::suite!(
        #[ignore = "makes a network namespace, which needs root: cargo xtask test"]
        run
    );
}
