//! Sockets behind IPsec: strangers' packets.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use esp::{Action, Direction, Ipsec, Keys, Policy, RequestId, SaSpec, Selector, Suite};
use stack::{Config, Stack};

/// Any packets, sealed by the peer or not: a datagram counts as protected only if the peer said it
/// under an association, and nothing longer than the port takes leaves.
///
/// The input is a script: records of an octet that says what happens, an octet with a length, and
/// so many octets.
pub fn packets(script: &[u8]) {
    let mut now = Instant::now();
    let (mut ours, mut peer) = (end(now, 0), end(now, 1));
    let [mgcp, discard] = [2427, 9].map(|port| ours.listen_udp(port).expect("it is free"));
    let from = peer.listen_udp(2427).expect("it is free");
    ours.listen_tcp(10).expect("it is free");
    let mut said: Vec<Vec<u8>> = Vec::new();
    let mut rest = script;
    while let [what, len, more @ ..] = rest {
        let (content, more) = more.split_at(usize::from(*len).min(more.len()));
        match what % 5 {
            0 => ours.input(now, content),
            1 => {
                let to = (address(1), 9).into();
                let _ = ours.send_udp(discard, None, to, &content.repeat(20));
            }
            say @ (2 | 3) => {
                let to = (address(0), 2427).into();
                let _ = peer.send_udp(from, None, to, content);
                peer.poll(now);
                while let Some(mut packet) = peer.poll_output() {
                    if say == 3 {
                        let at = 20 + usize::from(*len) % (packet.len() - 20);
                        packet[at] ^= 1;
                    } else {
                        said.push(content.to_vec());
                    }
                    ours.input(now, &packet);
                }
            }
            _ => now += Duration::from_millis(u64::from(*len) * 100),
        }
        ours.poll(now);
        while let Some(packet) = ours.poll_output() {
            assert!(packet.len() <= MTU, "a packet of {} octets leaves", packet.len());
        }
        while let Some(datagram) = ours.receive_udp(mgcp) {
            assert!(datagram.protected.is_some(), "MGCP came in clear");
            assert!(said.contains(&datagram.payload), "the peer has not said that");
        }
        while let Some(datagram) = ours.receive_udp(discard) {
            assert_eq!(datagram.protected, None);
        }
        rest = more;
    }
}

const MTU: usize = 600;

fn end(now: Instant, end: usize) -> Stack {
    let mut ipsec = Ipsec::new(esp::Config::default());
    let between = Selector::between(address(end), address(1 - end));
    let mgcp = between.clone().protocol(17).ports(2427..=2427, 0..=u16::MAX);
    ipsec.set_policies(vec![
        Policy::new(mgcp, Action::Protect(RequestId(0))),
        Policy::new(between.clone(), Action::Bypass),
    ]);
    for from in [0, 1] {
        let direction = if end == from { Direction::Outbound } else { Direction::Inbound };
        let keys = Keys::new(Suite::AesGcm128, &[from as u8; 20], &[]).expect("20 octets");
        let (source, destination) = (address(from), address(1 - from));
        let mut spec =
            SaSpec::new(direction, 0x1000 + from as u32, source, destination, keys, [0; 16]);
        spec.selectors = vec![between.clone()];
        spec.mtu = MTU;
        ipsec.add_sa(now, spec).expect("they differ");
    }
    Stack::new(now, ipsec, &Config { addresses: vec![address(end)], mtu: MTU, seed: 7 })
}

fn address(end: usize) -> IpAddr {
    ["192.0.2.1", "192.0.2.2"][end].parse().expect("an address")
}
