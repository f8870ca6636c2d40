//! RTP packets, a burst at a time, RFC 3711 §3.3.

use arrayvec::ArrayVec;

use super::Sessions;
use super::context::{ContextRef, Flags};
use crate::backend::{BURST, Backend, CmJob, Digest, GcmJob, MacJob};
use crate::error::Error;
use crate::index::{MAX_RTP_INDEX, estimate};
use crate::kdf::Protocol;
use crate::packet::RtpHeader;
use crate::replay::Age;
use crate::srtp::{Direction, Job};
use crate::suite::{Cipher, Suite};

/// What is known of a packet before its crypto is done.
#[derive(Clone, Copy)]
struct Plan {
    context: ContextRef,
    suite: Suite,
    index: u64,
    /// Where the payload begins and ends.
    payload: usize,
    end: usize,
}

impl<B: Backend> Sessions<B> {
    pub(crate) fn protect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        for burst in jobs.chunks_mut(BURST) {
            self.protect_rtp_burst(burst);
        }
    }

    fn protect_rtp_burst(&mut self, jobs: &mut [Job<'_>]) {
        let plans: ArrayVec<_, BURST> =
            jobs.iter_mut().map(|job| attempt(job, |job| self.admit_outbound(job))).collect();

        let mut cm = ArrayVec::<_, BURST>::new();
        let mut gcm = ArrayVec::<_, BURST>::new();
        for (job, plan) in jobs.iter_mut().zip(&plans) {
            let Some(plan) = plan else { continue };
            let keys = &self.rtp.get(plan.context).keys;
            let (header, payload) = job.packet[..plan.end].split_at_mut(plan.payload);
            let (suite, index) = (plan.suite, plan.index);
            match suite.cipher() {
                Cipher::Null => {}
                Cipher::AesCm => cm.push(CmJob { keys, suite, index, data: payload }),
                Cipher::AesGcm => gcm.push(GcmJob {
                    keys,
                    suite,
                    index,
                    aad: header,
                    data: payload,
                    tag: [0; 16],
                    good: false,
                }),
            }
        }
        self.backend.aes_cm(&mut cm);
        self.backend.gcm_seal(&mut gcm);
        let gcm_tags: ArrayVec<[u8; 16], BURST> = gcm.iter().map(|job| job.tag).collect();
        drop((cm, gcm));

        let mut digests = [[0; 20]; BURST];
        self.hmac(jobs, &plans, &mut digests);
        let (mut gcm_tags, mut digests) = (gcm_tags.iter(), digests.iter());
        for (job, plan) in jobs.iter_mut().zip(&plans) {
            let Some(plan) = plan else { continue };
            let mki = self.mki(job);
            let tag: &[u8] = match plan.suite.cipher() {
                Cipher::AesGcm => gcm_tags.next().expect("a tag for each GCM job"),
                _ => {
                    &digests.next().expect("a digest for each HMAC job")[..plan.suite.rtp_tag_len()]
                }
            };
            let trailer = &mut job.packet[plan.end..plan.end + tag.len() + mki.len()];
            let (first, second) = match plan.suite.cipher() {
                Cipher::AesGcm => (tag, mki),
                _ => (mki, tag),
            };
            trailer[..first.len()].copy_from_slice(first);
            trailer[first.len()..].copy_from_slice(second);
            job.len = plan.end + tag.len() + mki.len();
        }
    }

    /// Index, replay and bookkeeping of a packet to protect. A context never encrypts two packets
    /// under one index: an attacker who can make us do so learns their difference.
    fn admit_outbound(&mut self, job: &mut Job<'_>) -> Result<Plan, Error> {
        let state = Self::primary(&self.rtp, job, Direction::Outbound)?;
        let suite = state.suite;
        let packet = job.packet.get(..job.len).ok_or(Error::NoRoom)?;
        let header = RtpHeader::read(packet)?;
        let trailer = suite.rtp_tag_len() + self.mki(job).len();
        if job.packet.len() - job.len < trailer {
            return Err(Error::NoRoom);
        }
        let (context, index) = match self.rtp.find(job.session, header.ssrc) {
            Some(context) => {
                let index = self.fresh_index(context, header.seq)?;
                self.rtp.mark(context, index);
                (context, index)
            }
            None => {
                let index = header.seq.into();
                (self.bind(Protocol::Rtp, job.session, header.ssrc, index)?, index)
            }
        };
        Ok(Plan { context, suite, index, payload: header.len, end: job.len })
    }

    pub(crate) fn unprotect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        for burst in jobs.chunks_mut(BURST) {
            self.unprotect_rtp_burst(burst);
        }
    }

    fn unprotect_rtp_burst(&mut self, jobs: &mut [Job<'_>]) {
        for job in jobs {
            attempt(job, |job| self.unprotect_rtp_alone(job));
        }
    }

    fn unprotect_rtp_alone(&mut self, job: &mut Job<'_>) -> Result<(), Error> {
        let state = Self::primary(&self.rtp, job, Direction::Inbound)?;
        let suite = state.suite;
        let mki_len = self.mki(job).len();
        let packet = job.packet.get(..job.len).ok_or(Error::TooShort)?;
        let end = job.len.checked_sub(suite.rtp_tag_len() + mki_len).ok_or(Error::TooShort)?;
        let header = RtpHeader::read(&packet[..end])?;
        let found = self.rtp.find(job.session, header.ssrc);
        let index = match found {
            Some(context) => self.fresh_index(context, header.seq)?,
            None => header.seq.into(),
        };
        let mut tag = [0; 16];
        let (first, second) = match suite.cipher() {
            Cipher::AesGcm => packet[end..].split_at(suite.rtp_tag_len()),
            _ => {
                let (mki, tag) = packet[end..].split_at(mki_len);
                (tag, mki)
            }
        };
        if second != self.mki(job) {
            return Err(Error::UnknownMki);
        }
        tag[..first.len()].copy_from_slice(first);
        let mut keys = self.rtp.get(found.unwrap_or(ContextRef::primary(job.session))).keys.clone();
        if found.is_none() {
            let current = self.rtp.primary(job.session)?.state.ssrc;
            self.backend.turn(&mut keys, suite, current ^ header.ssrc);
        }
        let (head, payload) = job.packet[..end].split_at_mut(header.len);
        if suite.cipher() == Cipher::AesGcm {
            let mut gcm =
                [GcmJob { keys: &keys, suite, index, aad: head, data: payload, tag, good: false }];
            self.backend.gcm_open(&mut gcm);
            if !gcm[0].good {
                return Err(Error::AuthFailed);
            }
        } else {
            let mut digest = [[0; 20]];
            let suffix = Some(((index >> 16) as u32).to_be_bytes());
            let job = MacJob { keys: &keys, message: &job.packet[..end], suffix };
            self.backend.hmac_sha1(&[job], &mut digest);
            if !equal(&digest[0][..suite.rtp_tag_len()], &tag[..suite.rtp_tag_len()]) {
                return Err(Error::AuthFailed);
            }
        }
        match found {
            Some(context) => self.rtp.mark(context, index),
            None => {
                self.bind(Protocol::Rtp, job.session, header.ssrc, index)?;
            }
        }
        if suite.cipher() == Cipher::AesCm {
            let data = &mut job.packet[header.len..end];
            self.backend.aes_cm(&mut [CmJob { keys: &keys, suite, index, data }]);
        }
        self.backend.wipe(&mut keys);
        job.len = end;
        Ok(())
    }

    fn hmac(&self, jobs: &[Job<'_>], plans: &[Option<Plan>], digests: &mut [Digest; BURST]) {
        let mac: ArrayVec<_, BURST> = jobs
            .iter()
            .zip(plans)
            .filter_map(|(job, plan)| {
                let plan = plan.as_ref().filter(|plan| plan.suite.cipher() != Cipher::AesGcm)?;
                Some(MacJob {
                    keys: &self.rtp.get(plan.context).keys,
                    message: &job.packet[..plan.end],
                    suffix: Some(((plan.index >> 16) as u32).to_be_bytes()),
                })
            })
            .collect();
        self.backend.hmac_sha1(&mac, digests);
    }

    /// The master key identifier that goes with a packet.
    fn mki(&self, job: &Job<'_>) -> &[u8] {
        let state = &self.rtp.get(ContextRef::primary(job.session)).state;
        if !state.flags.has(Flags::MKI) {
            return &[];
        }
        self.slots[job.session.index as usize].as_ref().map_or(&[], |slot| slot.mki())
    }

    fn fresh_index(&self, context: ContextRef, seq: u16) -> Result<u64, Error> {
        let index = estimate(self.rtp.get(context).state.highest(), seq);
        if index > MAX_RTP_INDEX {
            return Err(Error::KeyExpired);
        }
        match self.rtp.age(context, index) {
            Age::Fresh => Ok(index),
            Age::Replayed => Err(Error::Replayed),
            Age::TooOld => Err(Error::TooOld),
        }
    }
}

/// Runs a step of a job that has not failed yet, and notes its failure.
fn attempt<'p, T>(
    job: &mut Job<'p>,
    step: impl FnOnce(&mut Job<'p>) -> Result<T, Error>,
) -> Option<T> {
    job.result.ok()?;
    match step(job) {
        Ok(value) => Some(value),
        Err(error) => {
            job.result = Err(error);
            None
        }
    }
}

/// Compares tags in a time that depends on their length alone.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    a.ct_eq(b).into()
}
