//! Packets that go one by one: all RTCP, the first packet of an SSRC, and whatever needs a look at
//! the session's master keys first.

use arrayvec::ArrayVec;

use super::Sessions;
use super::context::ContextRef;
use super::layout::Layout;
use super::slot::{Key, MAX_KEYS, Slot};
use crate::backend::{Backend, CmJob, GcmJob, MacJob, same_tag};
use crate::error::Error;
use crate::index::estimate;
use crate::packet::{Header, Protocol, contains_first_rtcp, is_rtcp_compound};
use crate::srtp::{Direction, Job, SessionId};
use crate::suite::{Cipher, Suite};

/// The bit of SRTCP's index word that says the packet is encrypted.
const E_FLAG: u32 = 1 << 31;

/// All that crypto must know of one packet.
struct Packet<'a, K> {
    keys: &'a K,
    suite: Suite,
    index: u64,
    /// Octets before what is encrypted.
    clear: usize,
    layout: &'a Layout,
    /// SRTCP's index word.
    word: Option<[u8; 4]>,
    encrypted: bool,
}

/// What a packet that is authentic, or our own, does to its session.
struct Effect<K> {
    found: Option<ContextRef>,
    ssrc: u32,
    index: u64,
    /// The master key it is under, and the session keys.
    number: u8,
    suite: Suite,
    keys: K,
}

impl<B: Backend> Sessions<B> {
    pub(crate) fn protect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        for job in jobs.iter_mut().filter(|job| job.result.is_ok()) {
            job.result = self.protect_alone(Protocol::Rtcp, job);
        }
    }

    pub(crate) fn unprotect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        for job in jobs.iter_mut().filter(|job| job.result.is_ok()) {
            job.result = self.unprotect_alone(Protocol::Rtcp, job);
        }
    }

    pub(super) fn protect_alone(
        &mut self,
        protocol: Protocol,
        job: &mut Job<'_>,
    ) -> Result<(), Error> {
        let session = job.session;
        self.primary(protocol, session, Direction::Outbound)?;
        let slot = self.slot(session).ok_or(Error::NoSession)?;
        let key = self.usable_key(protocol, session, slot).ok_or(Error::KeyExpired)?;
        let (number, suite, services) = (key.number, key.suite, slot.services());

        let packet = job.packet.get(..job.len).ok_or(Error::NoRoom)?;
        let header = Header::read(protocol, packet)?;
        if protocol == Protocol::Rtcp && !self.lenient_rtcp && !is_rtcp_compound(packet) {
            return Err(Error::Malformed);
        }
        let layout = Layout::new(protocol, suite, services, key.mki().len(), job.len);
        if layout.len() > job.packet.len() {
            return Err(Error::NoRoom);
        }

        let found = self.contexts.find(protocol, session, header.ssrc);
        let index = match (protocol, found.map(|at| self.highest(protocol, at))) {
            (Protocol::Rtp, Some(highest)) => estimate(highest, header.seq),
            (Protocol::Rtp, None) => header.seq.into(),
            (Protocol::Rtcp, Some(highest)) => highest + 1,
            (Protocol::Rtcp, None) => 0,
        };
        if let Some(at) = found {
            self.check_age(protocol, at, index)?;
        }
        let keys = self.keys_for(protocol, session, found, key, header.ssrc, index);
        let encrypted = is_encrypted(protocol, suite, slot);
        let effect = Effect { found, ssrc: header.ssrc, index, number, suite, keys: keys.clone() };
        self.commit(protocol, session, effect)?;
        self.count(protocol, session, number)?;

        let word = (protocol == Protocol::Rtcp)
            .then(|| (index as u32 | if encrypted { E_FLAG } else { 0 }).to_be_bytes());
        let mki = self.slot(session).ok_or(Error::NoSession)?.key(number).map_or(&[][..], Key::mki);
        job.packet[layout.mki.clone()].copy_from_slice(mki);
        let packet = Packet {
            keys: &keys,
            suite,
            index,
            clear: header.len,
            layout: &layout,
            word,
            encrypted,
        };
        self.seal(&packet, job.packet);
        job.len = layout.len();
        Ok(())
    }

    pub(super) fn unprotect_alone(
        &mut self,
        protocol: Protocol,
        job: &mut Job<'_>,
    ) -> Result<(), Error> {
        let session = job.session;
        self.primary(protocol, session, Direction::Inbound)?;
        let packet = job.packet.get(..job.len).ok_or(Error::TooShort)?;
        let ssrc = Header::peek_ssrc(protocol, packet).ok_or(Error::TooShort)?;
        let found = self.contexts.find(protocol, session, ssrc);
        let likeliest = self.contexts.state(protocol, found.unwrap_or(session.into())).key;

        let (effect, layout) = self.open_under_any(protocol, job, found, likeliest)?;
        let Effect { suite, index, number, .. } = effect;
        let keys = effect.keys.clone();
        self.count(protocol, session, number)?;
        self.commit(protocol, session, effect)?;
        if protocol == Protocol::Rtp && self.outlive(session, number) {
            self.settle(session);
        }

        if suite.cipher() == Cipher::AesCm && self.is_encrypted(protocol, suite, session)? {
            let clear = Header::read(protocol, &job.packet[..layout.end])?.len;
            let data = &mut job.packet[clear..layout.end];
            self.backend.aes_cm([CmJob { keys: &keys, suite, index, data }].into_iter());
        }
        let readable = &job.packet[..layout.end];
        if protocol == Protocol::Rtcp && !self.lenient_rtcp && !is_rtcp_compound(readable) {
            return Err(Error::Malformed);
        }
        job.len = layout.end;
        Ok(())
    }

    /// Tries one master key after the other, the likeliest first; with identifiers in the packets
    /// only one can come into question.
    fn open_under_any(
        &self,
        protocol: Protocol,
        job: &mut Job<'_>,
        found: Option<ContextRef>,
        likeliest: u8,
    ) -> Result<(Effect<B::Keys>, Layout), Error> {
        let slot = self.slot(job.session).ok_or(Error::NoSession)?;
        let (first, others): (ArrayVec<&Key, MAX_KEYS>, ArrayVec<&Key, MAX_KEYS>) =
            slot.keys().iter().partition(|key| key.number == likeliest);
        let mut verdict = Error::UnknownMki;
        for key in first.into_iter().chain(others) {
            match self.open_under(protocol, job, found, slot, key) {
                Ok(opened) => return Ok(opened),
                Err(error) if verdict == Error::UnknownMki => verdict = error,
                Err(_) => {}
            }
        }
        Err(verdict)
    }

    fn open_under(
        &self,
        protocol: Protocol,
        job: &mut Job<'_>,
        found: Option<ContextRef>,
        slot: &Slot,
        key: &Key,
    ) -> Result<(Effect<B::Keys>, Layout), Error> {
        let suite = key.suite;
        let mki_len = key.mki().len();
        let layout = Layout::of_protected(protocol, suite, slot.services(), mki_len, job.len)
            .ok_or(Error::TooShort)?;
        let header = Header::read(protocol, &job.packet[..layout.end])?;
        if protocol == Protocol::Rtcp
            && !self.lenient_rtcp
            && !contains_first_rtcp(&job.packet[..layout.end])
        {
            return Err(Error::Malformed);
        }
        if job.packet[layout.mki.clone()] != *key.mki() {
            return Err(Error::UnknownMki);
        }

        let word = match protocol {
            Protocol::Rtp => None,
            Protocol::Rtcp => job.packet[layout.word.clone()].first_chunk::<4>().copied(),
        };
        let index = match word.map(u32::from_be_bytes) {
            Some(word)
                if suite.cipher() != Cipher::Null
                    && (word & E_FLAG != 0) != is_encrypted(protocol, suite, slot) =>
            {
                return Err(Error::EncryptionMismatch);
            }
            Some(word) => u64::from(word & !E_FLAG),
            None => match found {
                Some(at) => estimate(self.highest(protocol, at), header.seq),
                None => header.seq.into(),
            },
        };
        if let Some(at) = found {
            self.check_age(protocol, at, index)?;
        }

        let keys = self.keys_for(protocol, job.session, found, key, header.ssrc, index);
        let packet = Packet {
            keys: &keys,
            suite,
            index,
            clear: header.len,
            layout: &layout,
            word,
            encrypted: is_encrypted(protocol, suite, slot),
        };
        if !self.verify(&packet, job.packet) {
            return Err(Error::AuthFailed);
        }
        let (ssrc, number) = (header.ssrc, key.number);
        Ok((Effect { found, ssrc, index, number, suite, keys }, layout))
    }

    /// Lets a packet change its context, or make it. A context has the keys of its highest packet.
    fn commit(
        &mut self,
        protocol: Protocol,
        session: SessionId,
        effect: Effect<B::Keys>,
    ) -> Result<(), Error> {
        let Effect { found, ssrc, index, number, suite, keys } = effect;
        let Some(at) = found else {
            return self.bind(protocol, session, number, ssrc, index, keys);
        };
        let highest = self.highest(protocol, at);
        self.contexts.take(protocol, at, index);
        if index < highest {
            return Ok(());
        }
        if protocol == Protocol::Rtp {
            self.contexts.rtp.get_mut(at).keys = keys;
        }
        let state = self.contexts.state_mut(protocol, at);
        state.suite = suite;
        if state.key != number {
            let old = std::mem::replace(&mut state.key, number);
            let credit = std::mem::take(&mut state.credit);
            let slot = self.slots[session.index as usize].as_mut();
            if let Some(old) = slot.and_then(|slot| slot.key_mut(old)) {
                old.refund(protocol, credit);
            }
        }
        Ok(())
    }

    /// Lets retiring keys see that a packet has come under another one. `true` if some are gone.
    fn outlive(&mut self, session: SessionId, number: u8) -> bool {
        let slot = self.slots[session.index as usize].as_mut();
        slot.is_some_and(|slot| slot.outlive(number))
    }

    /// Encrypts a packet and completes its trailer; the identifier is there already.
    fn seal(&self, packet: &Packet<'_, B::Keys>, octets: &mut [u8]) {
        let &Packet { keys, suite, index, clear, layout, word, encrypted } = packet;
        match suite.cipher() {
            Cipher::AesGcm => {
                let tag = self.gcm(packet, octets, [0; 16], |gcm| {
                    self.backend.gcm_seal(gcm);
                    gcm[0].tag
                });
                octets[layout.tag.clone()].copy_from_slice(&tag);
                octets[layout.word.clone()].copy_from_slice(word.as_ref().map_or(&[], |w| w));
            }
            cipher => {
                if encrypted && cipher == Cipher::AesCm {
                    let data = &mut octets[clear..layout.end];
                    self.backend.aes_cm([CmJob { keys, suite, index, data }].into_iter());
                }
                octets[layout.word.clone()].copy_from_slice(word.as_ref().map_or(&[], |w| w));
                let digest = self.digest(packet, octets);
                let tag = &mut octets[layout.tag.clone()];
                tag.copy_from_slice(&digest[..tag.len()]);
            }
        }
    }

    /// Verifies a packet; one under GCM is then also decrypted.
    fn verify(&self, packet: &Packet<'_, B::Keys>, octets: &mut [u8]) -> bool {
        let received = &octets[packet.layout.tag.clone()];
        if packet.suite.cipher() != Cipher::AesGcm {
            return same_tag(&self.digest(packet, octets)[..received.len()], received);
        }
        let Some(&tag) = received.first_chunk() else { return false };
        self.gcm(packet, octets, tag, |gcm| {
            self.backend.gcm_open(gcm);
            gcm[0].good
        })
    }

    fn digest(&self, packet: &Packet<'_, B::Keys>, octets: &[u8]) -> [u8; 20] {
        let mut digests = [[0; 20]];
        let job = MacJob {
            key: B::mac_key(packet.keys),
            message: &octets[..packet.layout.end + packet.layout.word.len()],
            suffix: match packet.word {
                Some(_) => None,
                None => Some(((packet.index >> 16) as u32).to_be_bytes()),
            },
        };
        self.backend.hmac_sha1(&[job], &mut digests);
        digests[0]
    }

    /// Lends a packet as GCM job. Associated data is what stays readable, and the index word
    /// (RFC 7714 §8.2, §9.2, §9.3).
    fn gcm<T>(
        &self,
        packet: &Packet<'_, B::Keys>,
        octets: &mut [u8],
        tag: [u8; 16],
        work: impl FnOnce(&mut [GcmJob<'_, B::Keys>]) -> T,
    ) -> T {
        let &Packet { keys, suite, index, clear, layout, word, encrypted } = packet;
        let job = |aad, data| GcmJob { keys, suite, index, aad, data, tag, good: false };
        match word {
            None => {
                let (aad, data) = octets[..layout.end].split_at_mut(clear);
                work(&mut [job(aad, data)])
            }
            Some(word) if encrypted => {
                let (header, data) = octets[..layout.end].split_at_mut(clear);
                let aad: ArrayVec<u8, 12> = header.iter().chain(&word).copied().collect();
                work(&mut [job(&aad, data)])
            }
            Some(word) => {
                // The word must follow the packet for a moment, where the tag is to be.
                let place = layout.end..layout.end + word.len();
                let mut kept = word;
                octets[place.clone()].swap_with_slice(&mut kept);
                let done = work(&mut [job(&octets[..place.end], &mut [])]);
                octets[place].copy_from_slice(&kept);
                done
            }
        }
    }

    /// The first key of a session that may still protect.
    fn usable_key<'s>(
        &self,
        protocol: Protocol,
        session: SessionId,
        slot: &'s Slot,
    ) -> Option<&'s Key> {
        let primary = self.contexts.state(protocol, session.into());
        slot.keys().iter().find(|key| {
            let credit = if primary.key == key.number { primary.credit } else { 0 };
            !key.is_spent(protocol, credit)
        })
    }

    fn is_encrypted(
        &self,
        protocol: Protocol,
        suite: Suite,
        session: SessionId,
    ) -> Result<bool, Error> {
        Ok(is_encrypted(protocol, suite, self.slot(session).ok_or(Error::NoSession)?))
    }

    fn highest(&self, protocol: Protocol, at: ContextRef) -> u64 {
        self.contexts.state(protocol, at).highest()
    }
}

/// Whether packets are encrypted; with the NULL cipher they never are.
fn is_encrypted(protocol: Protocol, suite: Suite, slot: &Slot) -> bool {
    let agreed = match protocol {
        Protocol::Rtp => slot.services().encrypt_rtp,
        Protocol::Rtcp => slot.services().encrypt_rtcp,
    };
    agreed && suite.cipher() != Cipher::Null
}
