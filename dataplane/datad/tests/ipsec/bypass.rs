//! Past the kernel: XDP gives ESP to the packet worker.
//!
//! Gateway and call agent have namespaces of their own, which end with the threads that are in them,
//! and a veth pair between them.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use nix::libc;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, recv, sendto, socket};
use status::IpsecState;

use crate::agent::{Agent, Daemon, Ends, PATIENCE};

/// The call agent, the gateway's address that the kernel has, and the one that it does not have.
const AGENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const KERNELS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);

const SECTIONS: &str = r#"
[datad.ipsec.bypass]
network = "here"
on_link = ["192.0.2.0/24"]
[[datad.media]]
name = "here"
interface = "gateway"
addresses = ["192.0.2.2"]
networks = ["192.0.2.0/24"]
path = "xdp-native"
"#;

fn own_namespace() {
    // SAFETY: no memory is involved; only the calling thread moves.
    let done = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(done, 0, "unshare: {} (needs root)", io::Error::last_os_error());
}

fn ip(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().expect("iproute2");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts the daemon on one side of a veth pair; `talk` happens on the other one.
fn between_namespaces(ends: Ends, talk: impl FnOnce(&Daemon) + Send + 'static) {
    let (inside, agents) = mpsc::channel();
    let (running, daemon) = mpsc::channel();
    let agent = thread::spawn(move || {
        own_namespace();
        // SAFETY: it has no conditions.
        inside.send(unsafe { libc::gettid() }).unwrap();
        let daemon: Daemon = daemon.recv().unwrap();
        talk(&daemon);
    });
    let gateway = thread::spawn(move || {
        let agent: i32 = agents.recv().unwrap();
        own_namespace();
        ip("link set lo up");
        ip("link add gateway type veth peer name agent");
        ip(&format!("addr add {KERNELS}/24 dev gateway"));
        ip(&format!("link set agent netns {agent}"));
        let in_agents = |words: &str| {
            let done = Command::new("nsenter")
                .arg(format!("--net=/proc/{agent}/ns/net"))
                .arg("ip")
                .args(words.split_whitespace())
                .status();
            assert!(done.unwrap().success(), "{words}");
        };
        in_agents(&format!("addr add {AGENT}/24 dev agent"));
        in_agents("link set agent up");
        ip("link set gateway up");
        running.send(Daemon::start(ends, 0o600, "mgcp", SECTIONS)).unwrap();
    });
    gateway.join().unwrap();
    if let Err(panic) = agent.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Asks an address whether it is there; it answers.
fn ping(address: Ipv4Addr) {
    let socket = socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP)).unwrap();
    // Type, code, checksum, identifier, number.
    let request = [8, 0, 0xf7, 0xfd, 0, 1, 0, 1];
    sendto(&socket, &request, SendFlags::empty(), &SocketAddrV4::new(address, 0)).unwrap();
    let end = Instant::now() + PATIENCE;
    let mut packet = [0; 128];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{address} does not answer");
        let mut fds = [PollFd::new(&socket, PollFlags::IN)];
        if poll(&mut fds, Some(&left.try_into().unwrap())).unwrap() == 1 {
            let (len, _) = recv(&socket, &mut packet[..], RecvFlags::empty()).unwrap();
            if packet[12..16] == address.octets()
                && packet[20..len] == [0, 0, 0xff, 0xfd, 0, 1, 0, 1]
            {
                return;
            }
        }
    }
}

/// The daemon announces itself, answers, and says which way its packets take.
fn converse(daemon: &Daemon, ends: Ends) -> (IpsecState, u64) {
    let mut agent = Agent::new(ends, "mgcp");
    let restart = agent.receive();
    assert!(restart.starts_with("RSIP "), "{restart}");
    let transaction = restart.split(' ').nth(1).unwrap();
    agent.send(&format!("200 {transaction} OK\r\n"));
    agent.send("CRCX 9 pr/$@relay1 MGCP 1.0\r\nC: A1\r\nM: recvonly\r\nL: x-srtp:on\r\n");
    // It may have announced itself again before it was answered.
    let answer = std::iter::repeat_with(|| agent.receive()).find(|one| !one.starts_with("RSIP "));
    let answer = answer.expect("it goes on until there is one");
    assert!(answer.starts_with("200 9") && answer.contains("inline:"), "{answer}");

    let report = status::relay(&daemon.directory.path().join("status")).unwrap();
    let steered = report.ports[0].details.get("redirect-esp").copied().unwrap_or(0);
    (report.ipsec_state.expect("there is IPsec"), steered)
}

// R: MGCP-04
#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn an_address_that_the_kernel_does_not_have_is_found_and_heard() {
    let ends = [OWN, AGENT];
    between_namespaces(ends, move |daemon| {
        let (state, steered) = converse(daemon, ends);
        assert_eq!(state.path, "afxdp-copy");
        assert!(steered >= 2, "{steered} packets of ESP came by XDP");
        ping(OWN);
    });
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn an_address_that_the_kernel_has_stays_its_own_and_esp_goes_past_it() {
    let ends = [KERNELS, AGENT];
    between_namespaces(ends, move |daemon| {
        let (state, steered) = converse(daemon, ends);
        assert_eq!(state.path, "afxdp-copy");
        assert!(steered >= 2, "{steered} packets of ESP came by XDP");
    });
}
