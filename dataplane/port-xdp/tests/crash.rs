//! What a process leaves behind that ends without taking leave: its flows go on, and the next process
//! has charge of them.

mod common;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use abi::{Rewrite, Route};
use common::{FAR, NEAR, frame_to, ip, with_veth};
use port::{FastTier, Pool, Port, PortId};
use ringfence_port_xdp::{Place, PortConfig, Program, ProgramConfig, XdpMode, XdpPort, XdpTier};

const HERE: PortId = PortId(0);
const NEAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The telephone, which is at the far end, and where it is answered from.
const TELEPHONE: &str = "192.0.2.2:30000";
const FIRST: &str = "192.0.2.1:20000";
const SECOND: &str = "192.0.2.1:20010";
/// An RTP header.
const RTP: [u8; 12] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const PATIENCE: Duration = Duration::from_secs(10);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The far end, where packets are made and counted.
struct Telephone {
    pool: Pool,
    port: XdpPort,
}

impl Telephone {
    fn new() -> Self {
        let mut pool = Pool::new(4 * 1024, 2048).unwrap();
        let config = ProgramConfig {
            media: vec![(address(TELEPHONE).ip(), 16384..=32767)],
            ..ProgramConfig::new(FAR)
        };
        let program = Arc::new(Program::attach(&config).unwrap());
        let mut port = XdpPort::open(&mut pool, program, &PortConfig::default(), None).unwrap();
        port.open_media(address(TELEPHONE)).unwrap();
        Self { pool, port }
    }

    /// Sends packets to a port of the near end, and says whether they come back from there.
    fn is_answered_by(&mut self, local: &str) -> bool {
        let (mut sending, mut received) = (Vec::new(), Vec::new());
        for _ in 0..10 {
            let mut chunk = self.pool.take().unwrap();
            let macs = [NEAR_MAC, FAR_MAC];
            chunk.fill(&frame_to(macs, address(TELEPHONE), address(local), &RTP));
            sending.push(chunk);
        }
        self.port.tx(&mut self.pool, &mut sending).unwrap();
        let begin = Instant::now();
        // What does not come soon never does: nothing is on the way but a veth.
        while received.len() < 10 && begin.elapsed() < Duration::from_millis(500) {
            self.port.rx(&mut self.pool, &mut received).unwrap();
        }
        let count = received.len();
        self.pool.give_all(&mut received);
        assert!(count == 0 || count == 10, "{count} of 10");
        count == 10
    }
}

/// A BPF file system that ends with the thread.
fn bpf_file_system() -> PathBuf {
    // SAFETY: no memory is involved; only the calling thread moves.
    let done = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    assert_eq!(done, 0, "unshare: {}", std::io::Error::last_os_error());
    let place = std::env::temp_dir().join(format!("rf-pins-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    let mount = |words: &str| {
        let status = Command::new("mount").args(words.split(' ')).arg(&place).status();
        assert!(status.unwrap().success(), "mount {words} {}", place.display());
    };
    let private = Command::new("mount").args(["--make-rprivate", "/"]).status();
    assert!(private.unwrap().success());
    mount("-t bpf bpf");
    place
}

fn attach(pins: &std::path::Path) -> (Arc<Program>, XdpTier) {
    let config = ProgramConfig {
        media: vec![(address(FIRST).ip(), 16384..=32767)],
        max_legs: 16,
        pins: Some(pins.to_owned()),
        ..ProgramConfig::new(NEAR)
    };
    let program = Arc::new(Program::attach(&config).unwrap());
    assert_eq!(program.why_mortal(), None);
    let place = Place { program: Some(program.clone()), exit: Ok(()) };
    (program, XdpTier::new(vec![place]).unwrap())
}

/// The kernel takes a moment.
fn expect_detached() {
    let begin = Instant::now();
    while ip("link show near").contains("xdp") {
        assert!(begin.elapsed() < PATIENCE, "it stays attached");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Has what comes to a port go back.
fn open(tier: &mut XdpTier, local: &str) {
    let flow = Rewrite {
        number: 0,
        budget: 0,
        hop: 0,
        device: Route::BACK,
        from: address(TELEPHONE),
        arrived_at: address(local),
        local: address(local),
        to: address(TELEPHONE),
        mac: NEAR_MAC,
        vlans: [None; 2],
        dscp: None,
        mtu: 1500,
        clock_hz: 8000,
    };
    tier.set_hop(0, Some(FAR_MAC));
    tier.open(HERE, &flow).unwrap();
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn flows_go_on_without_the_process_and_the_next_one_ends_them() {
    with_veth(|| {
        let root = bpf_file_system();
        let pins = root.join("relay");
        let mut telephone = Telephone::new();
        let (program, mut tier) = attach(&pins);
        open(&mut tier, FIRST);
        assert!(telephone.is_answered_by(FIRST));
        drop((program, tier));
        assert!(telephone.is_answered_by(FIRST), "nobody is there");

        let (program, mut tier) = attach(&pins);
        assert_eq!(program.left(), [address(FIRST)]);
        assert!(telephone.is_answered_by(FIRST), "there is somebody again");
        // Numbers of the new process are not those of the old one.
        tier.set_hop(0, None);
        assert!(telephone.is_answered_by(FIRST));
        assert!(!telephone.is_answered_by(SECOND));
        open(&mut tier, SECOND);
        assert_eq!(tier.counts(HERE, 0).packets, 0);
        assert!(telephone.is_answered_by(SECOND) && telephone.is_answered_by(FIRST));
        assert_eq!(tier.counts(HERE, 0).packets, 10);

        assert_eq!(program.end_silent(PATIENCE), []);
        assert_eq!(program.end_silent(Duration::ZERO), [address(FIRST)]);
        assert_eq!(program.left(), []);
        assert!(telephone.is_answered_by(SECOND) && !telephone.is_answered_by(FIRST));

        // Again, and now it is not wanted any more.
        drop((program, tier));
        let (program, tier) = attach(&pins);
        assert_eq!(program.left(), [address(SECOND)]);
        program.retire();
        drop((program, tier));
        expect_detached();
        let (program, tier) = attach(&pins);
        assert_eq!(program.left(), []);

        // The next one shall run elsewhere in the kernel, and then there shall be none.
        drop((program, tier));
        let generic = ProgramConfig {
            mode: XdpMode::Generic,
            pins: Some(pins.clone()),
            max_legs: 16,
            ..ProgramConfig::new(NEAR)
        };
        let program = Program::attach(&generic).unwrap();
        assert!(!program.is_native() && ip("link show near").contains("xdpgeneric"));
        drop(program);
        Program::retire_left(&pins, NEAR);
        expect_detached();
        std::fs::remove_dir(&pins).unwrap();
    });
    let _ =
        std::fs::remove_dir(std::env::temp_dir().join(format!("rf-pins-{}", std::process::id())));
}

#[test]
#[ignore = "makes a network namespace, which needs root: cargo xtask test"]
fn without_a_bpf_file_system_the_program_ends_with_the_process_and_says_so() {
    with_veth(|| {
        let pins = std::env::temp_dir().join("rf-no-pins");
        let config = ProgramConfig { pins: Some(pins.clone()), ..ProgramConfig::new(NEAR) };
        let program = Program::attach(&config).unwrap();
        let why = program.why_mortal().unwrap();
        assert!(why.contains("mount -t bpf bpf"), "{why}");
        drop(program);
        assert!(!pins.exists() && !ip("link show near").contains("xdp"));
    });
}
