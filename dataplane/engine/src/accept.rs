use std::time::Instant;

use abi::Arrival;
use arrayvec::ArrayVec;
use port::{BURST, Frame};
use srtp::{Job, SessionId};
use wire::{rtcp, rtp};

use crate::classify::{Passage, State};
use crate::command::{Event, Mode, RtcpPolicy, SourceRule};
use crate::{Channel, DropReason, Engine};

impl Engine {
    /// Verifies and decrypts what arrived under keys.
    pub(crate) fn unprotect(
        &mut self,
        frames: &mut ArrayVec<Frame, BURST>,
        passages: &mut ArrayVec<Passage, BURST>,
    ) {
        for channel in [Channel::Rtp, Channel::Rtcp] {
            let legs = &self.legs;
            let session = |passage: &Passage| match passage.state {
                State::Classified if passage.channel == channel => {
                    legs[passage.leg? as usize].as_ref()?.receive_session(channel)
                }
                _ => None,
            };
            let srtp = &mut self.srtp;
            transform(frames, passages, session, drop_reason, |jobs| match channel {
                Channel::Rtp => srtp.unprotect_rtp(jobs),
                Channel::Rtcp => srtp.unprotect_rtcp(jobs),
            });
        }
    }

    /// Encrypts what leaves under keys.
    pub(crate) fn protect(
        &mut self,
        frames: &mut ArrayVec<Frame, BURST>,
        passages: &mut ArrayVec<Passage, BURST>,
    ) {
        for channel in [Channel::Rtp, Channel::Rtcp] {
            let legs = &self.legs;
            let session = |passage: &Passage| match passage.state {
                State::Accepted(out) if passage.channel == channel => {
                    legs[out as usize].as_ref()?.send_session(channel)
                }
                _ => None,
            };
            let srtp = &mut self.srtp;
            transform(frames, passages, session, protect_drop_reason, |jobs| match channel {
                Channel::Rtp => srtp.protect_rtp(jobs),
                Channel::Rtcp => srtp.protect_rtcp(jobs),
            });
        }
    }

    /// Believes a packet: it verified, or it is in clear from the signalled source.
    pub(crate) fn accept(&mut self, now: Instant, frame: &Frame, passage: &mut Passage) {
        let (State::Classified, Some(slot)) = (passage.state, passage.leg) else { return };
        let bytes = frame.bytes();
        match passage.channel {
            Channel::Rtp => match rtp::Packet::new_checked(bytes) {
                Ok(packet) => {
                    passage.octets = packet.payload().len();
                    self.count_rtp(now, slot, &packet);
                }
                Err(_) => return passage.drop(DropReason::NotRtp),
            },
            Channel::Rtcp => {
                if rtcp::check_compound(bytes).is_err() {
                    return passage.drop(DropReason::NotRtcp);
                }
                self.leg_mut(slot).tally.rtcp_received += 1;
            }
        }
        self.learn_source(now, slot, passage);
        passage.state = self.way_out(slot, passage.channel);
        if let (State::Accepted(out), Channel::Rtp) = (passage.state, passage.channel) {
            self.consider(slot, out);
        }
    }

    fn count_rtp(&mut self, now: Instant, slot: u32, packet: &rtp::Packet<'_>) {
        let since_start = now.saturating_duration_since(self.started);
        let leg = self.leg_mut(slot);
        let at = since_start.as_micros() * u128::from(leg.clock_hz) / 1_000_000;
        leg.reception.count(Arrival {
            ssrc: packet.ssrc().0,
            seq_no: packet.seq_no().0,
            timestamp: packet.timestamp(),
            at: at as u32,
        });
        leg.tally.packets_received += 1;
        leg.tally.octets_received += packet.payload().len() as u64;
        leg.heard = now;
        leg.idle_reported = false;
        let id = leg.id;
        if !std::mem::replace(&mut leg.started, true) {
            self.tell(Event::MediaStart(id));
        }
    }

    fn learn_source(&mut self, now: Instant, slot: u32, passage: &Passage) {
        let (channel, source) = (passage.channel, passage.datagram.source);
        let leg = self.leg(slot);
        let known = leg.peer(channel).is_some_and(|peer| peer.address == source);
        let verified = leg.receive_session(channel).is_some();
        if known || !verified || leg.source != SourceRule::LearnAuthenticated {
            return;
        }
        let (id, port) = (leg.id, leg.port);
        self.unsettle(now, slot);
        let peer = self.peer(now, port, source);
        let old = self.leg_mut(slot).peer_mut(channel).replace(peer);
        self.name_peers(slot);
        self.release(old);
        if channel == Channel::Rtp {
            self.tell(Event::SourceLearned(id, source));
        }
    }

    /// Where a packet of the leg goes, by the modes of both sides (RFC 3435 §2.3.5).
    fn way_out(&self, slot: u32, channel: Channel) -> State {
        let leg = self.leg(slot);
        let out = match leg.mode {
            Mode::Loop => slot,
            mode if !mode.receives() => return State::Consumed,
            _ => match leg.other {
                Some(other) if self.leg(other).mode.sends() => other,
                Some(_) => return State::Consumed,
                None => return State::Dropped(DropReason::NoDestination),
            },
        };
        let leg = self.leg(out);
        if channel == Channel::Rtcp && leg.rtcp == RtcpPolicy::Off {
            State::Dropped(DropReason::RtcpOff)
        } else if leg.peer(channel).is_none() {
            State::Dropped(DropReason::NoDestination)
        } else {
            State::Accepted(out)
        }
    }
}

/// Runs one SRTP transform over those packets of a burst that have a session for it.
fn transform(
    frames: &mut ArrayVec<Frame, BURST>,
    passages: &mut ArrayVec<Passage, BURST>,
    session: impl Fn(&Passage) -> Option<SessionId>,
    reason: impl Fn(srtp::Error) -> DropReason,
    run: impl FnOnce(&mut [Job<'_>]),
) {
    let mut owners: ArrayVec<usize, BURST> = ArrayVec::new();
    let results: ArrayVec<_, BURST> = {
        let mut jobs: ArrayVec<Job<'_>, BURST> = ArrayVec::new();
        for (index, frame) in frames.iter_mut().enumerate() {
            if let Some(session) = session(&passages[index]) {
                let len = frame.len();
                jobs.push(Job::new(session, frame.bytes_and_tailroom_mut(), len));
                owners.push(index);
            }
        }
        if jobs.is_empty() {
            return;
        }
        run(&mut jobs);
        jobs.iter().map(|job| (job.len, job.result)).collect()
    };
    for (index, (len, result)) in owners.into_iter().zip(results) {
        match result {
            Ok(()) => {
                frames[index].set_len(len);
                passages[index].transformed = true;
            }
            Err(error) => passages[index].drop(reason(error)),
        }
    }
}

fn drop_reason(error: srtp::Error) -> DropReason {
    match error {
        srtp::Error::TooShort => DropReason::SrtpTooShort,
        srtp::Error::AuthFailed => DropReason::AuthFailed,
        srtp::Error::Replayed => DropReason::Replayed,
        srtp::Error::TooOld => DropReason::TooOld,
        srtp::Error::UnknownMki => DropReason::UnknownMki,
        srtp::Error::KeyExpired => DropReason::KeyExpired,
        srtp::Error::TooManySsrcs => DropReason::TooManySsrcs,
        _ => DropReason::NotRtp,
    }
}

fn protect_drop_reason(error: srtp::Error) -> DropReason {
    match error {
        srtp::Error::KeyExpired => DropReason::KeyExpired,
        _ => DropReason::ProtectFailed,
    }
}
