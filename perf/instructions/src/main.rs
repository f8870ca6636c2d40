//! Relays SRTP packets with one backend, for callgrind to count the instructions of.
//!
//! `ringfence-instructions BACKEND SUITE` prints how many packets it relayed in [`relay_counted`],
//! the one function that is counted (`valgrind --toggle-collect`). Packets come in full bursts, each
//! of another flow, with audio of 20 ms. `cargo xtask instructions` runs this for each case and
//! compares with the numbers in `counts.txt` beside the manifest.

use std::env;

use anyhow::{Context, Result, ensure};
use srtp::{
    BackendChoice, Config, Direction, Job, Keying, MAX_TRAILER, MasterKey, SessionId, Srtp, Suite,
};

/// Packets in a burst: as many as the engine hands over at most.
const BURST: usize = 64;
/// Bursts that are counted.
const BURSTS: usize = 16;

const HEADER: usize = 12;
const PAYLOAD: usize = 160;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let usage = "usage: ringfence-instructions BACKEND SUITE";
    let backend = args.next().and_then(|name| BackendChoice::from_name(&name)).context(usage)?;
    let suite = args.next().and_then(|name| Suite::from_name(&name)).context(usage)?;

    let mut relay = Relay::new(backend, suite)?;
    ensure!(
        relay.srtp.backend_name() == backend.name(),
        "this processor has no {}",
        backend.name()
    );
    // The first burst makes contexts.
    relay.receive(0);
    let mut relayed = relay.relay();
    for seq in 1..=BURSTS {
        relay.receive(seq as u16);
        relayed += relay_counted(&mut relay);
    }
    ensure!(relayed == BURST * (1 + BURSTS), "packets were refused");
    println!("{}", BURST * BURSTS);
    Ok(())
}

#[inline(never)]
fn relay_counted(relay: &mut Relay) -> usize {
    relay.relay()
}

/// A sender of as many flows as a burst has packets, and what relays them.
struct Relay {
    sender: Srtp,
    sending: Vec<SessionId>,
    srtp: Srtp,
    inbound: Vec<SessionId>,
    outbound: Vec<SessionId>,
    packets: Vec<(Vec<u8>, usize)>,
}

impl Relay {
    fn new(backend: BackendChoice, suite: Suite) -> Result<Self> {
        let config = Config { backend, max_sessions: 2 * BURST, ..Config::default() };
        let (mut sender, mut srtp) = (Srtp::new(config.clone()), Srtp::new(config));
        let (mut sending, mut inbound, mut outbound) = (Vec::new(), Vec::new(), Vec::new());
        for flow in 0..BURST as u8 {
            let (theirs, ours) = (keying(suite, flow)?, keying(suite, flow | 0x80)?);
            sending.push(sender.insert(Direction::Outbound, &theirs)?);
            inbound.push(srtp.insert(Direction::Inbound, &theirs)?);
            outbound.push(srtp.insert(Direction::Outbound, &ours)?);
        }
        let packets = vec![(vec![0; HEADER + PAYLOAD + MAX_TRAILER], 0); BURST];
        Ok(Self { sender, sending, srtp, inbound, outbound, packets })
    }

    /// Makes the next packet of every flow.
    fn receive(&mut self, seq: u16) {
        let [s0, s1] = seq.to_be_bytes();
        for (flow, (packet, len)) in (0..).zip(&mut self.packets) {
            packet[..HEADER].copy_from_slice(&[0x80, 0, s0, s1, 0, 0, 0, 0, 0, 0, 0, flow]);
            packet[HEADER..HEADER + PAYLOAD].fill(flow);
            let mut jobs = [Job::new(self.sending[usize::from(flow)], packet, HEADER + PAYLOAD)];
            self.sender.protect_rtp(&mut jobs);
            *len = jobs[0].len;
        }
    }

    /// Unprotects the packets under one key each and protects them under another. How many came
    /// through.
    fn relay(&mut self) -> usize {
        let Self { srtp, inbound, outbound, packets, .. } = self;
        let mut jobs: Vec<_> = packets
            .iter_mut()
            .zip(inbound)
            .map(|((packet, len), session)| Job::new(*session, packet, *len))
            .collect();
        srtp.unprotect_rtp(&mut jobs);
        for (job, session) in jobs.iter_mut().zip(outbound) {
            job.session = *session;
        }
        srtp.protect_rtp(&mut jobs);
        jobs.iter().filter(|job| job.result.is_ok()).count()
    }
}

fn keying(suite: Suite, seed: u8) -> Result<Keying> {
    let key_salt = vec![seed; suite.master_key_len() + suite.master_salt_len()];
    Ok(Keying::new(suite, MasterKey::from_key_salt(suite, &key_salt)?))
}
