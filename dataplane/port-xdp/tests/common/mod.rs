//! A veth pair in a network namespace that only the test's own thread is in.
//!
//! There is nothing to remove afterwards: the namespace ends with the thread.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;

use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet;

/// The two ends of the pair.
pub const NEAR: &str = "near";
pub const FAR: &str = "far";

/// Runs `test` with the pair, both ends up.
pub fn with_veth(test: impl FnOnce() + Send + 'static) {
    let inside = || {
        // SAFETY: no memory is involved; only the calling thread moves.
        let done = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        assert_eq!(done, 0, "unshare: {} (needs root)", io::Error::last_os_error());
        ip(&format!(
            "link add {NEAR} address 02:00:00:00:00:01 type veth peer name {FAR} address 02:00:00:00:00:02"
        ));
        for end in [NEAR, FAR] {
            // Without IPv6 the kernel has nothing to say by itself.
            ip(&format!("link set {end} addrgenmode none"));
            ip(&format!("link set {end} up"));
        }
        test();
    };
    if let Err(panic) = thread::spawn(inside).join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `ip` with these words.
pub fn ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split_whitespace()).output().expect("iproute2");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A datagram in an Ethernet frame from the near end to the far one.
#[allow(dead_code, reason = "each test crate uses some of this")]
pub fn frame(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    frame_to([[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]], source, destination, payload)
}

/// The same between these link-layer addresses: to, from.
pub fn frame_to(
    macs: [[u8; 6]; 2],
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
) -> Vec<u8> {
    let datagram = Datagram {
        source,
        destination,
        traffic_class: 0,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    };
    let mut frame = macs.concat();
    let ether_type = if destination.is_ipv4() { ethernet::IPV4 } else { ethernet::IPV6 };
    frame.extend(ether_type.to_be_bytes());
    let ip_at = frame.len();
    frame.resize(ip_at + datagram.headers_len(), 0);
    frame.extend(payload);
    datagram.emit_ip(&mut frame[ip_at..], ChecksumRule::Compute);
    frame
}
