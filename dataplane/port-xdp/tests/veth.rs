//! AF_XDP ports over a veth pair.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use common::{FAR, NEAR, frame, ip, with_veth};
use port::{Frame, PathKind, Pool, Port};
use ringfence_port_xdp::{PortConfig, Program, ProgramConfig, XdpError, XdpMode, XdpPort};

const LOCAL: &str = "192.0.2.2:20000";
const PEER: &str = "192.0.2.1:30000";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn config(interface: &str, mode: XdpMode) -> ProgramConfig {
    let media = vec![(address(LOCAL).ip(), 16384..=32767)];
    ProgramConfig { mode, media, ..ProgramConfig::new(interface) }
}

fn open(pool: &mut Pool, interface: &str, mode: XdpMode, shared: Option<&XdpPort>) -> XdpPort {
    let program = Program::attach(&config(interface, mode)).unwrap();
    XdpPort::open(pool, Arc::new(program), &PortConfig::default(), shared).unwrap()
}

/// Sends `count` numbered datagrams from near to far and returns the numbers that arrived.
fn exchange(pool: &mut Pool, near: &mut XdpPort, far: &mut XdpPort, count: u32) -> Vec<u32> {
    let (mut sending, mut received, mut numbers) = (Vec::new(), Vec::<Frame>::new(), Vec::new());
    let (mut next, mut idle) = (0, 0);
    while idle < 1000 {
        while next < count && sending.len() < port::BURST {
            let mut chunk = pool.take().expect("the pool is large enough");
            chunk.fill(&frame(address(PEER), address(LOCAL), &next.to_be_bytes()));
            sending.push(chunk);
            next += 1;
        }
        near.tx(pool, &mut sending).unwrap();
        far.rx(pool, &mut received).unwrap();
        idle = if received.is_empty() && sending.is_empty() { idle + 1 } else { 0 };
        for frame in received.drain(..) {
            numbers.push(u32::from_be_bytes(*frame.bytes().last_chunk().unwrap()));
            pool.give(frame);
        }
    }
    numbers
}

fn assert_all_accounted_for(pool: &Pool, ports: &[&XdpPort]) {
    let held: usize = ports.iter().map(|port| port.held()).sum();
    assert_eq!(pool.free() + held, pool.chunks());
}

fn frames_pass_and_come_home(mode: XdpMode) {
    with_veth(move || {
        let mut pool = Pool::new(8 * 1024, 2048).unwrap();
        let mut near = open(&mut pool, NEAR, mode, None);
        let mut far = open(&mut pool, FAR, mode, Some(&near));
        far.open_media(address(LOCAL)).unwrap();

        let count = 20_000;
        let numbers = exchange(&mut pool, &mut near, &mut far, count);
        let lost = far.stats().rx_lost;
        assert_eq!(numbers.len() as u64 + lost, count.into(), "{:?}", far.xdp_stats());
        assert!(numbers.is_sorted(), "frames keep their order");
        assert!(lost < u64::from(count) / 10, "one thread that sends and receives loses little");
        assert_eq!(near.stats().tx, count.into());
        assert_all_accounted_for(&pool, &[&near, &far]);

        near.close(&mut pool);
        assert_all_accounted_for(&pool, &[&far]);
        far.close(&mut pool);
        assert_eq!(pool.free(), pool.chunks(), "all frames are home");
        assert!(!ip("link show").contains("xdp"), "nothing stays attached");
    });
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn frames_pass_in_native_mode_and_come_home() {
    frames_pass_and_come_home(XdpMode::Native);
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn frames_pass_in_generic_mode_and_come_home() {
    frames_pass_and_come_home(XdpMode::Generic);
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn the_path_says_what_it_is_and_why() {
    with_veth(|| {
        let mut pool = Pool::new(4 * 1024, 2048).unwrap();
        let port = open(&mut pool, NEAR, XdpMode::Auto, None);
        assert_eq!(port.path().kind, PathKind::AfXdpCopy);
        assert_eq!(port.path().reason, "native XDP; the driver of near has no zero-copy");
        port.close(&mut pool);

        let port = open(&mut pool, NEAR, XdpMode::Generic, None);
        assert_eq!(port.path().reason, "generic XDP, as configured");
        port.close(&mut pool);
    });
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn ports_open_and_close() {
    with_veth(|| {
        let mut pool = Pool::new(8 * 1024, 2048).unwrap();
        let mut near = open(&mut pool, NEAR, XdpMode::Auto, None);
        let mut far = open(&mut pool, FAR, XdpMode::Auto, Some(&near));
        let mut arrived = |far: &mut XdpPort| exchange(&mut pool, &mut near, far, 10).len();

        assert_eq!(arrived(&mut far), 0, "closed from the beginning");
        far.open_media(address(LOCAL)).unwrap();
        far.open_media(address(LOCAL)).unwrap();
        assert_eq!(arrived(&mut far), 10);
        far.close_media(address(LOCAL)).unwrap();
        far.close_media(address(LOCAL)).unwrap();
        assert_eq!(arrived(&mut far), 0);

        let counters = far.program().counters().unwrap();
        let counted: Vec<_> = counters.iter().filter(|(_, count)| *count > 0).collect();
        use abi::XdpReason::{DropUnknownMediaPort, Redirect};
        assert_eq!(counted, [&(DropUnknownMediaPort, 20), &(Redirect, 10)]);
    });
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn another_program_is_left_alone() {
    with_veth(|| {
        let first = Program::attach(&config(NEAR, XdpMode::Auto)).unwrap();
        let second = Program::attach(&config(NEAR, XdpMode::Auto));
        assert!(matches!(second, Err(XdpError::Occupied(_))), "{second:?}");
        drop(first);
        Program::attach(&config(NEAR, XdpMode::Auto)).expect("it is free again");
    });
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn errors_say_what_is_wrong() {
    with_veth(|| {
        let none = Program::attach(&config("nosuch", XdpMode::Auto)).unwrap_err();
        assert!(matches!(none, XdpError::NoInterface(_)), "{none}");

        ip(&format!("link set {NEAR} mtu 9000"));
        ip(&format!("link set {FAR} mtu 9000"));
        let native = Program::attach(&config(NEAR, XdpMode::Native)).unwrap_err();
        assert!(matches!(native, XdpError::Attach { .. }), "{native}");
        let generic = Program::attach(&config(NEAR, XdpMode::Auto)).unwrap();
        assert!(ip("link show").contains("xdpgeneric"), "auto falls back");
        drop(generic);

        let mut pool = Pool::new(4 * 1024, 2048).unwrap();
        let program = Arc::new(Program::attach(&config(NEAR, XdpMode::Auto)).unwrap());
        let config = PortConfig { queue: 63, ..PortConfig::default() };
        let queue = XdpPort::open(&mut pool, program, &config, None).unwrap_err();
        assert!(matches!(queue, XdpError::Queue { queue: 63, .. }), "{queue}");
    });
}
