//! DPDK ports meet what every port must do: over rings in memory and AF_PACKET.
#![cfg(feature = "dpdk")]

#[path = "../../port-xdp/tests/common/mod.rs"]
mod common;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{FAR, NEAR, frame, with_veth};
use port::suite::{End, Fixture};
use port::{BURST, PathKind, Pool, Port};
use ringfence_port_dpdk::{Device, DpdkError, DpdkPort, Eal, EalConfig, PortConfig};
use wire::datagram::Datagram;

/// It starts once in a process, and tests may share one.
fn eal() -> Eal {
    static EAL: OnceLock<Eal> = OnceLock::new();
    *EAL.get_or_init(|| Eal::start(&EalConfig::default()).unwrap())
}

/// A name for a device, as nobody else's.
fn name(driver: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{driver}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Two devices of one kind that are connected.
struct Pair(fn() -> [Device; 2]);

impl Fixture for Pair {
    type Port = DpdkPort;

    fn link(&mut self) -> (End<DpdkPort>, End<DpdkPort>) {
        let mut host = 0;
        let [near, far] = (self.0)().map(|device| {
            host += 1;
            let mut pool = Pool::new(2048, 2048).unwrap();
            let port = DpdkPort::open(&mut pool, device, &PortConfig::default()).unwrap();
            assert_eq!(port.path().kind, PathKind::Dpdk);
            End::new(port, pool, ([192, 0, 2, host], 20000).into())
        });
        (near, far)
    }

    fn packet(&self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
        frame(source, destination, payload)
    }

    fn payload(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let datagram = Datagram::parse_ethernet(packet).ok()?;
        Some(packet[datagram.payload_at..][..datagram.payload_len].to_vec())
    }

    const CLOSED_IS_DEAF: bool = false;

    fn close(&mut self, port: DpdkPort, pool: &mut Pool) {
        port.close(pool);
    }
}

/// Frames of the kernel's ring that fit into chunks behind their headroom, and blocks they fill.
fn on_veth() -> [Device; 2] {
    [NEAR, FAR].map(|interface| {
        let ring = "framesz=1920,blocksz=61440,framecnt=1024";
        eal().make(&name("net_af_packet"), &format!("iface={interface},{ring}")).unwrap()
    })
}

mod rings {
    use super::*;

    fn run(check: fn(&mut Pair)) {
        check(&mut Pair(|| eal().ring_pair([&name("near"), &name("far")], 1024).unwrap()));
    }

    port::suite!(run);
}

mod af_packet {
    use super::*;

    fn run(check: fn(&mut Pair)) {
        with_veth(move || check(&mut Pair(on_veth)));
    }

    port::suite!(
        #[ignore = "makes a network namespace, which needs root: cargo xtask test"]
        run
    );
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn af_xdp_by_dpdk_is_refused_and_the_other_way_named() {
    with_veth(|| {
        let eal = eal();
        let device = eal.make(&name("net_af_xdp"), &format!("iface={NEAR}")).unwrap();
        let mut pool = Pool::new(1024, 2048).unwrap();
        let error = DpdkPort::open(&mut pool, device, &PortConfig::default()).unwrap_err();
        assert!(error.to_string().contains("for AF_XDP leave DPDK out"), "{error}");
        assert_eq!(pool.free(), pool.chunks());
    });
}

#[test]
fn a_device_that_is_always_full_lends_and_returns_every_chunk() {
    let eal = eal();
    let mut pool = Pool::new(1024, 2048).unwrap();
    let device = eal.make(&name("net_null"), "size=172,copy=1").unwrap();
    let mut port = DpdkPort::open(&mut pool, device, &PortConfig::default()).unwrap();
    assert_eq!(&*port.path().reason, "driver net_null");
    let mut burst = Vec::new();
    for _ in 0..1000 {
        let count = port.rx(&mut pool, &mut burst).unwrap();
        assert_eq!(count, BURST);
        assert!(burst.iter().all(|frame| frame.len() == 172));
        assert_eq!(port.tx(&mut pool, &mut burst).unwrap(), BURST);
        assert_eq!(pool.free() + port.held(), pool.chunks());
    }
    assert_eq!((port.stats().rx, port.stats().tx), (64_000, 64_000));
    port.close(&mut pool);
    assert_eq!(pool.free(), pool.chunks());
}

#[test]
fn errors_say_what_was_tried() {
    let eal = eal();
    assert_eq!(Eal::start(&EalConfig::default()).unwrap_err(), DpdkError::Started);
    let told = eal.make("net_af_packet0", "iface=nowhere").unwrap_err().to_string();
    assert!(told.contains("make the device net_af_packet0 with `iface=nowhere`"), "{told}");
    let told = eal.find("0000:ff:1f.7").unwrap_err().to_string();
    assert!(told.starts_with("DPDK cannot find the device 0000:ff:1f.7"), "{told}");
    assert!(matches!(eal.make("net\0null", ""), Err(DpdkError::Argument(_))));
}
