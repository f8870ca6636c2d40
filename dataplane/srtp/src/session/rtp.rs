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
    index: u64,
    /// Where the payload begins and ends.
    payload: usize,
    end: usize,
    context: ContextRef,
    suite: Suite,
    /// Octets of the master key identifier.
    mki_len: u8,
}

/// How a packet goes on.
#[derive(Clone, Copy)]
enum Step {
    /// Not at all: it is done, or has failed.
    Done(Result<(), Error>),
    /// By itself, when its turn comes.
    Alone,
    /// With the burst.
    Burst(Plan),
}

/// How the packets of a burst go on.
struct Steps {
    each: ArrayVec<Step, BURST>,
    /// How many go with the burst, those under GCM and the others.
    gcm: usize,
    hmac: usize,
}

impl Steps {
    fn new() -> Self {
        Self { each: ArrayVec::new(), gcm: 0, hmac: 0 }
    }

    #[inline(always)]
    fn push(&mut self, step: Step) {
        if let Step::Burst(plan) = &step {
            *if plan.is_gcm() { &mut self.gcm } else { &mut self.hmac } += 1;
        }
        self.each.push(step);
    }
}

impl Plan {
    #[inline(always)]
    fn is_gcm(&self) -> bool {
        self.suite.cipher() == Cipher::AesGcm
    }

    #[inline(always)]
    fn layout(&self) -> Layout {
        Layout::new(Protocol::Rtp, self.suite, Services::ALL, self.mki_len.into(), self.end)
    }
}

impl<B: Backend> Sessions<B> {
    pub(crate) fn protect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        for burst in jobs.chunks_mut(BURST) {
            self.protect_burst(burst);
        }
    }

    fn protect_burst(&mut self, jobs: &mut [Job<'_>]) {
        self.prefetch_burst(jobs);
        let mut steps = Steps::new();
        for job in &mut *jobs {
            let step = match job.result {
                Ok(()) => self.admit(job).unwrap_or_else(|error| Step::Done(Err(error))),
                failed => Step::Done(failed),
            };
            steps.push(match step {
                Step::Alone => Step::Done(self.protect_alone(Protocol::Rtp, job)),
                step => step,
            });
        }

        let contexts = &self.contexts.rtp;
        let mut digests = [[0; 20]; BURST];
        if steps.hmac > 0 {
            self.backend.aes_cm(cm_jobs(contexts, jobs, &steps));
            self.digest_burst(jobs, &steps, &mut digests);
        }
        let tags = self.seal_gcm(jobs, &steps);
        let (mut digests, mut tags) = (digests.iter(), tags.iter());
        for (job, step) in jobs.iter_mut().zip(&steps.each) {
            let plan = match step {
                Step::Burst(plan) => plan,
                Step::Done(result) => {
                    job.result = *result;
                    continue;
                }
                Step::Alone => unreachable!("went when it was admitted"),
            };
            let tag = if plan.is_gcm() {
                &tags.next().expect("a tag for each packet under GCM")[..]
            } else {
                &digests.next().expect("a digest for each packet with HMAC")[..]
            };
            self.complete(job, plan, tag);
        }
    }

    /// Gives a packet to protect its index. No context ever encrypts two packets under one index:
    /// whoever could make us do that would learn their difference.
    #[inline(always)]
    fn admit(&mut self, job: &Job<'_>) -> Result<Step, Error> {
        let state = self.primary(Protocol::Rtp, job.session, Direction::Outbound)?;
        if goes_alone(state) {
            return Ok(Step::Alone);
        }
        let (suite, mki_len) = (state.suite, self.mki(job.session, state).len());
        let packet = job.packet.get(..job.len).ok_or(Error::NoRoom)?;
        let header = Header::read_rtp(packet)?;
        if job.packet.len() - job.len < suite.rtp_tag_len() + mki_len {
            return Err(Error::NoRoom);
        }
        let contexts = &mut self.contexts.rtp;
        let Some(context) = contexts.find(job.session, header.ssrc) else {
            return Ok(Step::Alone);
        };
        let index = estimate(contexts.get(context).state.highest(), header.seq);
        accept(contexts, job.session, context, index)?;
        let (payload, end, mki_len) = (header.len, job.len, mki_len as u8);
        Ok(Step::Burst(Plan { index, payload, end, context, suite, mki_len }))
    }

    #[inline(always)]
    fn seal_gcm(&self, jobs: &mut [Job<'_>], steps: &Steps) -> ArrayVec<[u8; 16], BURST> {
        let mut tags = ArrayVec::new();
        if steps.gcm > 0 {
            let mut gcm = ArrayVec::<_, BURST>::new();
            gcm.extend(gcm_jobs(&self.contexts.rtp, jobs, steps, |_| [0; 16]));
            self.backend.gcm_seal(&mut gcm);
            tags.extend(gcm.iter().map(|job| job.tag));
        }
        tags
    }

    /// Puts the tag, or as much of it as the suite has, and the identifier behind a packet.
    #[inline(always)]
    fn complete(&self, job: &mut Job<'_>, plan: &Plan, tag: &[u8]) {
        let layout = plan.layout();
        let tag_len = layout.tag.len();
        job.packet[layout.tag.clone()].copy_from_slice(&tag[..tag_len]);
        if plan.mki_len > 0 {
            let state = &self.contexts.rtp.get(job.session.into()).state;
            job.packet[layout.mki.clone()].copy_from_slice(self.mki(job.session, state));
        }
        job.len = layout.len();
    }

    pub(crate) fn unprotect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        for burst in jobs.chunks_mut(BURST) {
            self.unprotect_burst(burst);
        }
    }

    fn unprotect_burst(&mut self, jobs: &mut [Job<'_>]) {
        self.prefetch_burst(jobs);
        let mut steps = Steps::new();
        for job in &*jobs {
            steps.push(match job.result {
                Ok(()) => self.plan(job).unwrap_or_else(|error| Step::Done(Err(error))),
                failed => Step::Done(failed),
            });
        }

        let mut digests = [[0; 20]; BURST];
        if steps.hmac > 0 {
            self.digest_burst(jobs, &steps, &mut digests);
        }
        let opened = self.open_gcm(jobs, &steps);

        let (mut digests, mut opened) = (digests.iter(), opened.into_iter());
        for (job, step) in jobs.iter_mut().zip(&mut steps.each) {
            let outcome = match step {
                Step::Burst(plan) => {
                    let authentic = if plan.is_gcm() {
                        opened.next().expect("an answer for each packet under GCM")
                    } else {
                        let digest = digests.next().expect("a digest for each packet with HMAC");
                        let tag = &job.packet[plan.layout().tag];
                        same_tag(&digest[..tag.len()], tag)
                    };
                    self.judge(job, plan, authentic)
                }
                Step::Alone => Outcome::Alone,
                Step::Done(result) => {
                    job.result = *result;
                    continue;
                }
            };
            let result = match outcome {
                Outcome::Accepted => {
                    if let Step::Burst(plan) = step {
                        job.len = plan.end;
                    }
                    continue;
                }
                Outcome::Refused(error) => Err(error),
                Outcome::Alone => self.unprotect_alone(Protocol::Rtp, job),
            };
            job.result = result;
            *step = Step::Done(result);
        }
        if steps.hmac > 0 {
            self.backend.aes_cm(cm_jobs(&self.contexts.rtp, jobs, &steps));
        }
    }

    /// Looks at a packet from the peer, without changing anything.
    #[inline(always)]
    fn plan(&self, job: &Job<'_>) -> Result<Step, Error> {
        let state = self.primary(Protocol::Rtp, job.session, Direction::Inbound)?;
        if goes_alone(state) {
            return Ok(Step::Alone);
        }
        let suite = state.suite;
        let packet = job.packet.get(..job.len).ok_or(Error::TooShort)?;
        let mki = self.mki(job.session, state);
        let trailer = suite.rtp_tag_len() + mki.len();
        let end = job.len.checked_sub(trailer).ok_or(Error::TooShort)?;
        let header = Header::read_rtp(&packet[..end])?;
        let contexts = &self.contexts.rtp;
        let context = contexts.find(job.session, header.ssrc);
        let highest = contexts.get(context.unwrap_or(job.session.into())).state.highest();
        let plan = Plan {
            index: estimate(highest, header.seq),
            payload: header.len,
            end,
            context: context.unwrap_or(ContextRef::NONE),
            suite,
            mki_len: mki.len() as u8,
        };
        if !mki.is_empty() && packet[plan.layout().mki] != *mki {
            return Err(Error::UnknownMki);
        }
        let Some(context) = context else {
            return Ok(Step::Alone);
        };
        // Whether a seen index is a replay depends on the packets before: ask again in turn.
        match contexts.age(context, plan.index) {
            Age::Fresh if plan.index <= Protocol::Rtp.max_index() => Ok(Step::Burst(plan)),
            _ => Ok(Step::Alone),
        }
    }

    /// In its turn, lets an authentic packet change its context.
    #[inline(always)]
    fn judge(&mut self, job: &Job<'_>, plan: &Plan, authentic: bool) -> Outcome {
        let contexts = &mut self.contexts.rtp;
        let highest = contexts.get(plan.context).state.highest();
        if estimate(highest, plan.index as u16) != plan.index {
            return Outcome::Alone;
        }
        let verdict = if authentic {
            accept(contexts, job.session, plan.context, plan.index)
        } else {
            contexts.age(plan.context, plan.index).verdict().and(Err(Error::AuthFailed))
        };
        verdict.map_or_else(Outcome::Refused, |()| Outcome::Accepted)
    }

    #[inline(always)]
    fn open_gcm(&self, jobs: &mut [Job<'_>], steps: &Steps) -> ArrayVec<bool, BURST> {
        let mut opened = ArrayVec::new();
        if steps.gcm > 0 {
            let mut gcm = ArrayVec::<_, BURST>::new();
            gcm.extend(gcm_jobs(&self.contexts.rtp, jobs, steps, |behind| {
                *behind.first_chunk().expect("the plan left room for the tag")
            }));
            self.backend.gcm_open(&mut gcm);
            opened.extend(gcm.iter().map(|job| job.good));
        }
        opened
    }

    /// The digests of the packets with HMAC, one after the other.
    #[inline(always)]
    fn digest_burst(&self, jobs: &[Job<'_>], steps: &Steps, digests: &mut [Digest; BURST]) {
        let mut mac = ArrayVec::<_, BURST>::new();
        for (job, step) in jobs.iter().zip(&steps.each) {
            if let Step::Burst(plan) = step
                && !plan.is_gcm()
            {
                mac.push(MacJob {
                    key: B::mac_key(&self.contexts.rtp.get(plan.context).keys),
                    message: &job.packet[..plan.end],
                    suffix: Some(((plan.index >> 16) as u32).to_be_bytes()),
                });
            }
        }
        self.backend.hmac_sha1(&mac, &mut digests[..mac.len()]);
    }

    /// The master key identifier of a session with one key.
    #[inline(always)]
    fn mki(&self, session: SessionId, primary: &State) -> &[u8] {
        if !primary.flags.has(Flags::MKI) {
            return &[];
        }
        self.slots[session.index as usize].as_ref().map_or(&[], |slot| slot.mki())
    }

    #[inline(always)]
    fn prefetch_burst(&self, jobs: &[Job<'_>]) {
        for job in jobs {
            self.prefetch(job.session);
        }
    }
}

/// What came of a planned packet when its turn came.
enum Outcome {
    Accepted,
    Refused(Error),
    Alone,
}

/// Whether the packets of a session go one by one: always, or because a whole burst might bring
/// the key to a point where something must be told.
#[inline(always)]
fn goes_alone(primary: &State) -> bool {
    primary.flags.has(Flags::ALONE) || usize::from(primary.credit) < BURST
}

/// Marks a fresh index and counts the packet.
#[inline(always)]
fn accept<K: Zeroize>(
    contexts: &mut Contexts<K, CacheLine>,
    session: SessionId,
    at: ContextRef,
    index: u64,
) -> Result<(), Error> {
    if index > Protocol::Rtp.max_index() {
        return Err(Error::KeyExpired);
    }
    contexts.take(at, index).verdict()?;
    contexts.get_mut(session.into()).state.credit -= 1;
    Ok(())
}

#[inline(always)]
fn cm_jobs<'a, K: Zeroize>(
    contexts: &'a Contexts<K, CacheLine>,
    jobs: &'a mut [Job<'_>],
    steps: &'a Steps,
) -> impl Iterator<Item = CmJob<'a, K>> {
    jobs.iter_mut().zip(&steps.each).filter_map(move |(job, step)| match *step {
        Step::Burst(Plan { context, suite, index, payload, end, .. })
            if suite.cipher() == Cipher::AesCm =>
        {
            let keys = &contexts.get(context).keys;
            Some(CmJob { keys, suite, index, data: &mut job.packet[payload..end] })
        }
        _ => None,
    })
}

#[inline(always)]
fn gcm_jobs<'a, K: Zeroize>(
    contexts: &'a Contexts<K, CacheLine>,
    jobs: &'a mut [Job<'_>],
    steps: &'a Steps,
    tag: impl Fn(&[u8]) -> [u8; 16],
) -> impl Iterator<Item = GcmJob<'a, K>> {
    jobs.iter_mut().zip(&steps.each).filter_map(move |(job, step)| match *step {
        Step::Burst(plan) if plan.is_gcm() => {
            let keys = &contexts.get(plan.context).keys;
            let (packet, behind) = job.packet.split_at_mut(plan.end);
            let (aad, data) = packet.split_at_mut(plan.payload);
            let (suite, index) = (plan.suite, plan.index);
            Some(GcmJob { keys, suite, index, aad, data, tag: tag(behind), good: false })
        }
        _ => None,
    })
}
