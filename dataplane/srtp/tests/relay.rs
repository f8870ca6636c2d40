//! Two peers: what one protects the other unprotects, and nothing else passes.

use ringfence_srtp::{
    Config, Direction, Error, Job, Keying, MAX_TRAILER, MasterKey, SessionId, Srtp, Suite,
};

struct Pair {
    sender: Srtp,
    receiver: Srtp,
    from: SessionId,
    to: SessionId,
}

impl Pair {
    fn new(suite: Suite) -> Self {
        Self::with(&Keying::new(suite, master(suite, 7)))
    }

    fn with(keying: &Keying) -> Self {
        let (mut sender, mut receiver) =
            (Srtp::new(Config::default()), Srtp::new(Config::default()));
        let from = sender.insert(Direction::Outbound, keying).unwrap();
        let to = receiver.insert(Direction::Inbound, keying).unwrap();
        Self { sender, receiver, from, to }
    }

    fn protect(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.from, |jobs| self.sender.protect_rtp(jobs))
    }

    fn unprotect(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.to, |jobs| self.receiver.unprotect_rtp(jobs))
    }

    fn protect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.from, |jobs| self.sender.protect_rtcp(jobs))
    }

    fn unprotect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        transform(packet, self.to, |jobs| self.receiver.unprotect_rtcp(jobs))
    }
}

fn transform(
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

fn master(suite: Suite, seed: u8) -> MasterKey {
    let octets: Vec<u8> =
        (0..suite.master_key_len() + suite.master_salt_len()).map(|n| n as u8 * 3 + seed).collect();
    MasterKey::from_key_salt(suite, &octets).unwrap()
}

fn rtp(ssrc: u32, seq: u16, payload: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 0, (seq >> 8) as u8, seq as u8, 0, 0, 0, 9];
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..payload).map(|n| n as u8));
    packet
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x55; 20]);
    packet.extend([0x81, 203, 0, 1]);
    packet.extend(ssrc.to_be_bytes());
    packet
}

#[test]
fn every_suite_carries_rtp_and_rtcp() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        for seq in 65_500..65_600_u32 {
            let plain = rtp(0xcafe, seq as u16, 160);
            let protected = pair.protect(&plain).unwrap();
            assert_eq!(protected.len(), plain.len() + suite.rtp_tag_len());
            assert_eq!(protected[12..172] == plain[12..], suite.is_null());
            assert_eq!(pair.unprotect(&protected).unwrap(), plain);
            assert_eq!(pair.unprotect(&protected), Err(Error::Replayed));
        }
        let plain = rtcp(0xcafe);
        for _ in 0..10 {
            let protected = pair.protect_rtcp(&plain).unwrap();
            assert_eq!(protected.len(), plain.len() + suite.rtcp_tag_len() + 4);
            assert_eq!(pair.unprotect_rtcp(&protected).unwrap(), plain);
            assert_eq!(pair.unprotect_rtcp(&protected), Err(Error::Replayed));
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        let plain = rtp(1, 1, 40);
        let protected = pair.protect(&plain).unwrap();
        for bit in 0..protected.len() * 8 {
            let mut forged = protected.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(pair.unprotect(&forged).is_err(), "{suite} bit {bit}");
        }
        assert_eq!(pair.unprotect(&protected).unwrap(), plain, "{suite}");
    }
}

#[test]
fn removed_sessions_are_never_another() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut pair = Pair::new(suite);
    let old = pair.to;
    pair.receiver.remove(old);
    let keying = Keying::new(suite, master(suite, 7));
    pair.to = pair.receiver.insert(Direction::Inbound, &keying).unwrap();
    let protected = pair.protect(&rtp(1, 1, 20)).unwrap();
    let result = transform(&protected, old, |jobs| pair.receiver.unprotect_rtp(jobs));
    assert_eq!(result, Err(Error::NoSession));
    assert!(pair.unprotect(&protected).is_ok());
}
