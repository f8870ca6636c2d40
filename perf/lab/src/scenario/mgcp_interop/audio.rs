//! Two telephones that speak at the same time.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use speech::g711::Law;
use speech::wav::Recording;

/// Octets of a packet: 20 ms.
const PACKET: usize = 160;
const PERIOD: Duration = Duration::from_millis(20);
/// What may come late.
const TAIL: Duration = Duration::from_millis(300);
const HEADER: usize = 12;

/// One end.
pub(super) struct Party {
    pub(super) socket: UdpSocket,
    /// Where it sends to.
    pub(super) to: SocketAddr,
    /// What it says.
    pub(super) says: Vec<i16>,
}

/// Lets all speak, and gives what each has heard, after G.711 at both ends.
pub(super) fn talk(parties: &[Party]) -> Result<Vec<Recording>> {
    let mut heard: Vec<BTreeMap<u16, Vec<u8>>> = vec![BTreeMap::new(); parties.len()];
    let octets: Vec<Vec<u8>> = parties.iter().map(|party| Law::Mu.encode(&party.says)).collect();
    let packets = octets.iter().map(|octets| octets.len() / PACKET).max().unwrap_or(0);
    for party in parties {
        party.socket.set_nonblocking(true).context("cannot listen beside speaking")?;
    }
    let start = Instant::now();
    let end = start + PERIOD * packets as u32 + TAIL;
    let mut next = 0;
    while Instant::now() < end {
        while next < packets && start.elapsed() >= PERIOD * next as u32 {
            for (party, (said, ssrc)) in parties.iter().zip(octets.iter().zip(1u32..)) {
                if let Some(payload) = said.chunks_exact(PACKET).nth(next) {
                    party.socket.send_to(&packet(next, ssrc, payload), party.to)?;
                }
            }
            next += 1;
        }
        for (party, heard) in parties.iter().zip(&mut heard) {
            let mut buffer = [0; 2048];
            while let Ok(len) = party.socket.recv(&mut buffer) {
                if len > HEADER {
                    let sequence = u16::from_be_bytes([buffer[2], buffer[3]]);
                    heard.insert(sequence, buffer[HEADER..len].to_vec());
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let recording = |packets: BTreeMap<u16, Vec<u8>>| Recording {
        rate: speech::RATE as u32,
        channels: 1,
        samples: Law::Mu.decode(&packets.into_values().flatten().collect::<Vec<u8>>()),
    };
    Ok(heard.into_iter().map(recording).collect())
}

fn packet(number: usize, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend((number as u16).to_be_bytes());
    packet.extend((number as u32 * PACKET as u32).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}
