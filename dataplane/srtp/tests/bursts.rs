//! All backends agree, and bursts give what packets one by one would.

mod common;

use common::traffic::{Dice, Packet, Streams, wire};
use common::{backends, events, keying, master, rtcp};
use proptest::prelude::*;
use ringfence_srtp::{
    BackendChoice, Config, Direction, Error, Event, Job, Keying, Lifetime, MAX_TRAILER, SessionId,
    Srtp, Suite,
};

/// One implementation under test with its sessions.
struct Engine {
    srtp: Srtp,
    /// Packets in a burst; 0 for as it comes.
    burst: usize,
    outbound: Vec<SessionId>,
    inbound: Vec<SessionId>,
}

type Outcome = Result<Vec<u8>, Error>;

impl Engine {
    fn new(backend: BackendChoice, burst: usize, keyings: &[Keying]) -> Self {
        let config = Config { backend, max_ssrcs_per_session: 3, ..Config::default() };
        let mut srtp = Srtp::new(config);
        let mut insert = |direction| {
            keyings.iter().map(|keying| srtp.insert(direction, keying).unwrap()).collect()
        };
        let (outbound, inbound) = (insert(Direction::Outbound), insert(Direction::Inbound));
        Self { srtp, burst, outbound, inbound }
    }

    fn run(
        &mut self,
        dice: &mut Dice,
        direction: Direction,
        packets: &[Packet],
        transform: fn(&mut Srtp, &mut [Job<'_>]),
    ) -> (Vec<Outcome>, Vec<Event>) {
        let sessions = match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        };
        let mut buffers: Vec<_> = packets
            .iter()
            .map(|packet| {
                let mut buffer = packet.octets.clone();
                buffer.resize(packet.octets.len() + MAX_TRAILER, 0xee);
                buffer
            })
            .collect();
        let mut jobs: Vec<_> = buffers
            .iter_mut()
            .zip(packets)
            .map(|(buffer, packet)| Job::new(sessions[packet.session], buffer, packet.octets.len()))
            .collect();
        let mut rest = &mut jobs[..];
        while !rest.is_empty() {
            let burst = if self.burst == 0 { 1 + dice.below(150) } else { self.burst };
            let (now, later) = rest.split_at_mut(burst.min(rest.len()));
            transform(&mut self.srtp, now);
            rest = later;
        }
        let outcomes =
            jobs.iter().map(|job| job.result.map(|()| job.packet[..job.len].to_vec())).collect();
        (outcomes, events(&mut self.srtp))
    }
}

/// Any keying: mostly plain, sometimes with what makes packets go one by one.
fn any_keying(dice: &mut Dice) -> Keying {
    let suite = dice.pick(&Suite::ALL);
    let mut any = keying(suite, dice.below(256) as u8);
    if dice.percent(30) {
        any = any.with_mki(&[1, 2]).unwrap();
        if dice.percent(50) {
            any = any.with_key(&[3, 4], master(suite, dice.below(256) as u8)).unwrap();
        }
    }
    if dice.percent(30) {
        any = any.with_window(dice.pick(&[192, 512, 4096])).unwrap();
    }
    if dice.percent(10) {
        any = any.with_derivation_rate(dice.below(10) as u8).unwrap();
    }
    if dice.percent(20) {
        any = any.with_lifetime(Lifetime::packets(1 + dice.below(2000) as u64).unwrap());
    }
    any
}

/// Runs one scenario on all backends.
fn scenario(seed: u64, rounds: usize) {
    let mut dice = Dice::new(seed);
    let mut keyings: Vec<_> = (0..1 + dice.below(5)).map(|_| any_keying(&mut dice)).collect();
    let mut streams = Streams::new(&mut dice, keyings.len());
    // The reference goes packet by packet.
    let mut engines = vec![Engine::new(BackendChoice::Portable, 1, &keyings)];
    engines.extend(backends().into_iter().map(|backend| Engine::new(backend, 0, &keyings)));
    for _ in 0..rounds {
        let plain = streams.next(&mut dice, 100);
        let protected =
            agree(&mut engines, &mut dice, Direction::Outbound, &plain, Srtp::protect_rtp);
        let wired = wire(&mut dice, &protected);
        agree(&mut engines, &mut dice, Direction::Inbound, &wired, Srtp::unprotect_rtp);

        let reports: Vec<_> = (0..5)
            .map(|_| dice.below(keyings.len()))
            .map(|session| Packet { session, octets: rtcp((session * 16) as u32) })
            .collect();
        let protected =
            agree(&mut engines, &mut dice, Direction::Outbound, &reports, Srtp::protect_rtcp);
        let wired = wire(&mut dice, &protected);
        agree(&mut engines, &mut dice, Direction::Inbound, &wired, Srtp::unprotect_rtcp);

        if dice.percent(10) {
            let session = dice.below(keyings.len());
            keyings[session] = any_keying(&mut dice);
            for engine in &mut engines {
                engine.srtp.rekey(engine.outbound[session], &keyings[session]).unwrap();
                engine.srtp.rekey(engine.inbound[session], &keyings[session]).unwrap();
            }
        }
    }
}

/// Runs packets on all engines, insists on one answer, and returns what came through.
fn agree(
    engines: &mut [Engine],
    dice: &mut Dice,
    direction: Direction,
    packets: &[Packet],
    transform: fn(&mut Srtp, &mut [Job<'_>]),
) -> Vec<Packet> {
    let (reference, others) = engines.split_first_mut().unwrap();
    let (outcomes, told) = reference.run(dice, direction, packets, transform);
    for engine in others {
        let (other_outcomes, other_told) = engine.run(dice, direction, packets, transform);
        let name = engine.srtp.backend_name();
        for (at, (ours, theirs)) in outcomes.iter().zip(&other_outcomes).enumerate() {
            assert_eq!(ours, theirs, "{name}: packet {at} {:02x?}", packets[at]);
        }
        assert_eq!(told, other_told, "{name}");
    }
    let came_through = packets.iter().zip(outcomes);
    came_through
        .filter_map(|(packet, outcome)| {
            Some(Packet { session: packet.session, octets: outcome.ok()? })
        })
        .collect()
}

// A million packets through each backend: 100 to protect in each round, about as many to unprotect.
proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn backends_agree_and_bursts_are_as_single_packets(seed: u64) {
        scenario(seed, 20);
    }
}

/// A jump of the sequence number changes what a later packet of the same burst is taken for, and
/// a forged jump must not.
#[test]
fn jumps_inside_a_burst_are_as_one_by_one() {
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm] {
        let keyings = [keying(suite, 1)];
        let seqs = [1u16, 30_000, 60_000, 20_000, 45_000, 2, 30_001, 20_001, 60_001];
        let plain: Vec<_> = seqs
            .into_iter()
            .map(|seq| Packet { session: 0, octets: common::rtp(0, seq, 160) })
            .collect();
        let mut dice = Dice::new(1);
        let mut engines = vec![Engine::new(BackendChoice::Portable, 1, &keyings)];
        engines.extend(backends().into_iter().map(|backend| Engine::new(backend, 64, &keyings)));
        // The first packet of an SSRC goes alone; the rest is then one burst.
        for packets in [&plain[..1], &plain[1..]] {
            let protected =
                agree(&mut engines, &mut dice, Direction::Outbound, packets, Srtp::protect_rtp);
            let mut wired = protected.clone();
            let mut forged = protected[protected.len() - 1].clone();
            forged.octets[2] ^= 0x40;
            wired.insert(1, forged);
            wired.extend(protected);
            agree(&mut engines, &mut dice, Direction::Inbound, &wired, Srtp::unprotect_rtp);
        }
    }
}
