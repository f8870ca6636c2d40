//! RTP packets, a burst at a time.
//!
//! A burst is planned, computed and committed. What is planned assumes that no packet of the burst
//! changes what the next one meets; when that proves wrong, which takes a jump of the sequence
//! numbers inside one burst, the packet is done again [`alone`](super::alone), in its turn. So the
//! result is that of one packet after the other.

use arrayvec::ArrayVec;
use zeroize::Zeroize;

use super::Sessions;
use super::context::{CacheLine, ContextRef, Flags, State};
use super::contexts::Contexts;
use super::layout::Layout;
use crate::backend::{BURST, Backend, CmJob, Digest, GcmJob, MacJob, same_tag};
use crate::error::Error;
use crate::index::estimate;
use crate::keying::Services;
use crate::packet::{Header, Protocol};
use crate::replay::Age;
use crate::srtp::{Direction, Job, SessionId};
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

/// How a packet goes on.
#[derive(Clone, Copy)]
enum Step {
    /// Not at all: it has failed, or is done.
    Done,
    /// By itself, when its turn comes.
    Alone,
    /// With the burst.
    Burst(Plan),
}

impl<B: Backend> Sessions<B> {
    pub(crate) fn protect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        for burst in jobs.chunks_mut(BURST) {
            self.protect_burst(burst);
        }
    }

    fn protect_burst(&mut self, jobs: &mut [Job<'_>]) {
        self.prefetch_burst(jobs);
        let mut steps = ArrayVec::<Step, BURST>::new();
        for job in &mut *jobs {
            let step = match job.result.and_then(|()| self.admit(job)) {
                Ok(Step::Alone) => {
                    job.result = self.protect_alone(Protocol::Rtp, job);
                    Step::Done
                }
                Ok(step) => step,
                Err(error) => {
                    job.result = Err(error);
                    Step::Done
                }
            };
            steps.push(step);
        }

        let contexts = &self.contexts.rtp;
        self.backend.aes_cm(cm_jobs(contexts, jobs, &steps));
        self.seal_gcm(jobs, &steps);
        let mut digests = [[0; 20]; BURST];
        self.digest_burst(jobs, &steps, &mut digests);
        let mut digests = digests.iter();
        for (job, step) in jobs.iter_mut().zip(&steps) {
            let Step::Burst(plan) = step else { continue };
            let layout = self.complete(job, plan);
            if plan.suite.cipher() != Cipher::AesGcm {
                let digest = digests.next().expect("a digest for each packet with HMAC");
                let tag = &mut job.packet[layout.tag];
                tag.copy_from_slice(&digest[..tag.len()]);
            }
        }
    }

    /// Gives a packet to protect its index. No context ever encrypts two packets under one index:
    /// whoever could make us do that would learn their difference.
    #[inline]
    fn admit(&mut self, job: &Job<'_>) -> Result<Step, Error> {
        let state = self.primary(Protocol::Rtp, job.session, Direction::Outbound)?;
        if goes_alone(state) {
            return Ok(Step::Alone);
        }
        let suite = state.suite;
        let packet = job.packet.get(..job.len).ok_or(Error::NoRoom)?;
        let header = Header::read_rtp(packet)?;
        let layout = self.layout(job.session, state, job.len);
        if layout.len() > job.packet.len() {
            return Err(Error::NoRoom);
        }
        let Some(context) = self.contexts.rtp.find(job.session, header.ssrc) else {
            return Ok(Step::Alone);
        };
        let index = estimate(self.contexts.rtp.get(context).state.highest(), header.seq);
        self.check_age(Protocol::Rtp, context, index)?;
        self.accept(job.session, context, index);
        Ok(Step::Burst(Plan { context, suite, index, payload: header.len, end: job.len }))
    }

    fn seal_gcm(&self, jobs: &mut [Job<'_>], steps: &[Step]) {
        let mut gcm: ArrayVec<_, BURST> =
            gcm_jobs(&self.contexts.rtp, jobs, steps, |_| [0; 16]).collect();
        if gcm.is_empty() {
            return;
        }
        self.backend.gcm_seal(&mut gcm);
        let tags: ArrayVec<_, BURST> = gcm.iter().map(|job| job.tag).collect();
        drop(gcm);
        let sealed = jobs.iter_mut().zip(steps).filter_map(|(job, step)| match step {
            Step::Burst(plan) if plan.suite.cipher() == Cipher::AesGcm => Some((job, plan.end)),
            _ => None,
        });
        for ((job, end), tag) in sealed.zip(&tags) {
            job.packet[end..end + tag.len()].copy_from_slice(tag);
        }
    }

    /// Puts the identifier behind a protected packet, if there is one.
    #[inline]
    fn complete(&self, job: &mut Job<'_>, plan: &Plan) -> Layout {
        let state = &self.contexts.rtp.get(job.session.into()).state;
        let layout = self.layout(job.session, state, plan.end);
        if !layout.mki.is_empty() {
            job.packet[layout.mki.clone()].copy_from_slice(self.mki(job.session, state));
        }
        job.len = layout.len();
        layout
    }

    pub(crate) fn unprotect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        for burst in jobs.chunks_mut(BURST) {
            self.unprotect_burst(burst);
        }
    }

    fn unprotect_burst(&mut self, jobs: &mut [Job<'_>]) {
        self.prefetch_burst(jobs);
        let mut steps = ArrayVec::<Step, BURST>::new();
        for job in &mut *jobs {
            steps.push(match job.result.and_then(|()| self.plan(job)) {
                Ok(step) => step,
                Err(error) => {
                    job.result = Err(error);
                    Step::Done
                }
            });
        }

        let mut digests = [[0; 20]; BURST];
        self.digest_burst(jobs, &steps, &mut digests);
        let opened = self.open_gcm(jobs, &steps);

        let (mut digests, mut opened) = (digests.iter(), opened.into_iter());
        for (job, step) in jobs.iter_mut().zip(&mut steps) {
            let authentic = match step {
                Step::Burst(plan) if plan.suite.cipher() == Cipher::AesGcm => {
                    opened.next().expect("an answer for each packet under GCM")
                }
                Step::Burst(plan) => {
                    let digest = digests.next().expect("a digest for each packet with HMAC");
                    let tag = &job.packet[job.len - plan.suite.rtp_tag_len()..job.len];
                    same_tag(&digest[..tag.len()], tag)
                }
                Step::Alone => false,
                Step::Done => continue,
            };
            let outcome = match step {
                Step::Burst(plan) => self.judge(job, plan, authentic),
                _ => Outcome::Alone,
            };
            job.result = match outcome {
                Outcome::Accepted(end) => {
                    job.len = end;
                    continue;
                }
                Outcome::Refused(error) => Err(error),
                Outcome::Alone => self.unprotect_alone(Protocol::Rtp, job),
            };
            *step = Step::Done;
        }
        self.backend.aes_cm(cm_jobs(&self.contexts.rtp, jobs, &steps));
    }

    /// Looks at a packet from the peer, without changing anything.
    #[inline]
    fn plan(&self, job: &Job<'_>) -> Result<Step, Error> {
        let state = self.primary(Protocol::Rtp, job.session, Direction::Inbound)?;
        if goes_alone(state) {
            return Ok(Step::Alone);
        }
        let suite = state.suite;
        let packet = job.packet.get(..job.len).ok_or(Error::TooShort)?;
        let mki = self.mki(job.session, state);
        let layout = Layout::of_protected(Protocol::Rtp, suite, Services::ALL, mki.len(), job.len)
            .ok_or(Error::TooShort)?;
        let header = Header::read_rtp(&packet[..layout.end])?;
        if !mki.is_empty() && packet[layout.mki] != *mki {
            return Err(Error::UnknownMki);
        }
        let Some(context) = self.contexts.rtp.find(job.session, header.ssrc) else {
            return Ok(Step::Alone);
        };
        let index = estimate(self.contexts.rtp.get(context).state.highest(), header.seq);
        // Whether a seen index is a replay depends on the packets before: ask again in turn.
        match self.contexts.rtp.age(context, index) {
            Age::Fresh if index <= Protocol::Rtp.max_index() => Ok(Step::Burst(Plan {
                context,
                suite,
                index,
                payload: header.len,
                end: layout.end,
            })),
            _ => Ok(Step::Alone),
        }
    }

    /// In its turn, lets an authentic packet change its context.
    #[inline]
    fn judge(&mut self, job: &Job<'_>, plan: &Plan, authentic: bool) -> Outcome {
        let highest = self.contexts.rtp.get(plan.context).state.highest();
        if estimate(highest, plan.index as u16) != plan.index {
            return Outcome::Alone;
        }
        if let Err(error) = self.check_age(Protocol::Rtp, plan.context, plan.index) {
            return Outcome::Refused(error);
        }
        if !authentic {
            return Outcome::Refused(Error::AuthFailed);
        }
        self.accept(job.session, plan.context, plan.index);
        Outcome::Accepted(plan.end)
    }

    fn open_gcm(&self, jobs: &mut [Job<'_>], steps: &[Step]) -> ArrayVec<bool, BURST> {
        let mut gcm: ArrayVec<_, BURST> = gcm_jobs(&self.contexts.rtp, jobs, steps, |behind| {
            *behind.first_chunk().expect("the plan left room for the tag")
        })
        .collect();
        self.backend.gcm_open(&mut gcm);
        gcm.iter().map(|job| job.good).collect()
    }

    /// The digests of the packets with HMAC, one after the other.
    #[inline]
    fn digest_burst(&self, jobs: &[Job<'_>], steps: &[Step], digests: &mut [Digest; BURST]) {
        let mut mac = ArrayVec::<_, BURST>::new();
        for (job, step) in jobs.iter().zip(steps) {
            let Step::Burst(plan) = step else { continue };
            if plan.suite.cipher() == Cipher::AesGcm {
                continue;
            }
            mac.push(MacJob {
                key: B::mac_key(&self.contexts.rtp.get(plan.context).keys),
                message: &job.packet[..plan.end],
                suffix: Some(((plan.index >> 16) as u32).to_be_bytes()),
            });
        }
        self.backend.hmac_sha1(&mac, &mut digests[..mac.len()]);
    }

    /// Marks an index and counts the packet.
    #[inline]
    fn accept(&mut self, session: SessionId, context: ContextRef, index: u64) {
        self.contexts.rtp.mark(context, index);
        self.contexts.rtp.get_mut(session.into()).state.credit -= 1;
    }

    #[inline]
    fn layout(&self, session: SessionId, state: &State, end: usize) -> Layout {
        let mki_len = self.mki(session, state).len();
        Layout::new(Protocol::Rtp, state.suite, Services::ALL, mki_len, end)
    }

    /// The master key identifier of a session with one key.
    #[inline]
    fn mki(&self, session: SessionId, primary: &State) -> &[u8] {
        if !primary.flags.has(Flags::MKI) {
            return &[];
        }
        self.slots[session.index as usize].as_ref().map_or(&[], |slot| slot.mki())
    }

    #[inline]
    fn prefetch_burst(&self, jobs: &[Job<'_>]) {
        for job in jobs {
            self.prefetch(job.session);
        }
    }
}

/// What came of a planned packet when its turn came.
enum Outcome {
    Accepted(usize),
    Refused(Error),
    Alone,
}

/// Whether the packets of a session go one by one: always, or because a whole burst might bring
/// the key to a point where something must be told.
#[inline]
fn goes_alone(primary: &State) -> bool {
    primary.flags.has(Flags::ALONE) || usize::from(primary.credit) < BURST
}

#[inline]
fn cm_jobs<'a, K: Zeroize>(
    contexts: &'a Contexts<K, CacheLine>,
    jobs: &'a mut [Job<'_>],
    steps: &'a [Step],
) -> impl Iterator<Item = CmJob<'a, K>> {
    jobs.iter_mut().zip(steps).filter_map(move |(job, step)| match *step {
        Step::Burst(Plan { context, suite, index, payload, end })
            if suite.cipher() == Cipher::AesCm =>
        {
            let keys = &contexts.get(context).keys;
            Some(CmJob { keys, suite, index, data: &mut job.packet[payload..end] })
        }
        _ => None,
    })
}

#[inline]
fn gcm_jobs<'a, K: Zeroize>(
    contexts: &'a Contexts<K, CacheLine>,
    jobs: &'a mut [Job<'_>],
    steps: &'a [Step],
    tag: impl Fn(&[u8]) -> [u8; 16],
) -> impl Iterator<Item = GcmJob<'a, K>> {
    jobs.iter_mut().zip(steps).filter_map(move |(job, step)| match *step {
        Step::Burst(Plan { context, suite, index, payload, end })
            if suite.cipher() == Cipher::AesGcm =>
        {
            let keys = &contexts.get(context).keys;
            let (packet, behind) = job.packet.split_at_mut(end);
            let (aad, data) = packet.split_at_mut(payload);
            Some(GcmJob { keys, suite, index, aad, data, tag: tag(behind), good: false })
        }
        _ => None,
    })
}
