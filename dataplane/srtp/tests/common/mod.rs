//! Two peers, and packets for them.

#![allow(dead_code, reason = "each test program uses its part")]

pub mod traffic;

use ringfence_srtp::{
    BackendChoice, Config, Direction, Error, Event, Job, Keying, MAX_TRAILER, MasterKey, SessionId,
    Srtp, Suite,
};

/// A sender and a receiver with one session between them.
pub struct Pair {
    pub sender: Srtp,
    pub receiver: Srtp,
    pub from: SessionId,
    pub to: SessionId,
}

impl Pair {
    pub fn new(suite: Suite) -> Self {
        Self::with(Config::default(), &keying(suite, 7))
    }

    pub fn with(config: Config, keying: &Keying) -> Self {
        let (mut sender, mut receiver) = (Srtp::new(config.clone()), Srtp::new(config));
        let from = sender.insert(Direction::Outbound, keying).unwrap();
        let to = receiver.insert(Direction::Inbound, keying).unwrap();
        Self { sender, receiver, from, to }
    }

    pub fn protect(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.from, |jobs| self.sender.protect_rtp(jobs))
    }

    pub fn unprotect(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.to, |jobs| self.receiver.unprotect_rtp(jobs))
    }

    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.from, |jobs| self.sender.protect_rtcp(jobs))
    }

    pub fn unprotect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.to, |jobs| self.receiver.unprotect_rtcp(jobs))
    }

    /// Sends a packet of SSRC 1 across.
    pub fn carry(&mut self, seq: u16) -> Result<(), Error> {
        let plain = rtp(1, seq, 20);
        let protected = self.protect(&plain)?;
        assert_eq!(self.unprotect(&protected)?, plain);
        Ok(())
    }
}

/// One packet through an engine.
pub fn transform(
    packet: &[u8],
    session: SessionId,
    engine: impl FnOnce(&mut [Job<'_>]),
) -> Result<Vec<u8>, Error> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + MAX_TRAILER, 0);
    let mut jobs = [Job::new(session, &mut buffer, packet.len())];
    engine(&mut jobs);
    let (len, result) = (jobs[0].len, jobs[0].result);
    result.map(|()| buffer[..len].to_vec())
}

pub fn events(srtp: &mut Srtp) -> Vec<Event> {
    std::iter::from_fn(|| srtp.poll_event()).collect()
}

/// The backends this processor can run; the others are named.
pub fn backends() -> Vec<BackendChoice> {
    let (available, missing): (Vec<_>, Vec<_>) =
        BackendChoice::ALL.into_iter().partition(|backend| backend.is_available());
    for backend in missing {
        eprintln!("not tested, this processor cannot run it: {}", backend.name());
    }
    available
}

pub fn key_salt(suite: Suite, seed: u8) -> Vec<u8> {
    let len = suite.master_key_len() + suite.master_salt_len();
    (0..len).map(|n| (n as u8).wrapping_mul(3).wrapping_add(seed)).collect()
}

pub fn master(suite: Suite, seed: u8) -> MasterKey {
    MasterKey::from_key_salt(suite, &key_salt(suite, seed)).unwrap()
}

pub fn keying(suite: Suite, seed: u8) -> Keying {
    Keying::new(suite, master(suite, seed))
}

pub fn rtp(ssrc: u32, seq: u16, payload: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 0, (seq >> 8) as u8, seq as u8, 0, 0, 0, 9];
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..payload).map(|n| n as u8));
    packet
}

/// A sender report and a BYE.
pub fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x55; 20]);
    packet.extend([0x81, 203, 0, 1]);
    packet.extend(ssrc.to_be_bytes());
    packet
}
