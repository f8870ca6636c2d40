//! The attacker's junk.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::relay::topology::{ATTACKER, Family, Side, Topology};
use crate::probe::PAYLOAD;

/// Packets in a second: what the calls send, forty times.
const RATE: u32 = 20_000;

/// How often some of them are sent.
const TICK: Duration = Duration::from_millis(1);

/// Of a hundred packets so many come as if from the telephone itself.
const DISGUISED: u32 = 2;

/// A media port that no call uses.
const CLOSED_PORT: u16 = 32_000;

/// Sockets and targets.
pub struct Flood {
    strangers: UdpSocket,
    disguised: UdpSocket,
    /// Ports of calls, and one that nobody has.
    targets: [SocketAddr; 3],
    /// The port that takes forged packets from its own telephone's address.
    forged: SocketAddr,
}

impl Flood {
    /// Opens the sockets: one of the attacker's own, and one with the address `phone` of a telephone
    /// whose packets go to the second target.
    pub fn open(network: &Topology, targets: [SocketAddr; 2], phone: SocketAddr) -> Result<Self> {
        let own = Family::V4.socket(Side::Inside, ATTACKER, 40_666);
        let [first, second] = targets;
        let closed = SocketAddr::new(first.ip(), CLOSED_PORT);
        Ok(Self {
            strangers: network.attacker.udp(own)?,
            disguised: network.attacker.udp(phone)?,
            targets: [first, second, closed],
            forged: second,
        })
    }

    /// Floods while `attempt` is made; gives what came of it, and the number of packets.
    pub fn during<T>(&self, attempt: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let attacker = scope.spawn(|| self.shoot(&over));
            let outcome = attempt();
            over.store(true, Ordering::Relaxed);
            Ok((outcome?, attacker.join().expect("it does not panic")))
        })
    }

    fn shoot(&self, over: &AtomicBool) -> u64 {
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 6, 6, 6, 6];
        packet.resize(12 + PAYLOAD + 10, 0x55);
        let (start, mut made) = (Instant::now(), 0u32);
        while !over.load(Ordering::Relaxed) {
            let due = start.elapsed().as_micros() as u64 * u64::from(RATE) / 1_000_000;
            while u64::from(made) < due {
                packet[2..4].copy_from_slice(&(made as u16).to_be_bytes());
                // A full socket is as good as a packet that the network has lost.
                let _ = if made % 100 < DISGUISED {
                    self.disguised.send_to(&packet, self.forged)
                } else {
                    self.strangers.send_to(&packet, self.targets[made as usize % 3])
                };
                made += 1;
            }
            thread::sleep(TICK);
        }
        made.into()
    }
}
