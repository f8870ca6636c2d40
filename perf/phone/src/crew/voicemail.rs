//! Voicemail servers: their ports answer, record, play back, and set the lamps of mailboxes.
//!
//! A call that somebody else has not taken is for his mailbox: it is answered, a tone says that the
//! server listens, and what is said until the caller hangs up is a message. Somebody who calls by
//! himself hears the oldest message of his own mailbox; it is gone when he hangs up. The lamp follows:
//! a port that is free calls the number that switches it, in the name of the mailbox.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sccp::CallRef;
use sccp::codes::{CallStatus, CallType};

use super::Crew;
use super::member::LampNumbers;
use crate::media::Track;
use crate::office::PhoneId;
use crate::station::{Event, Info, Key, Press};

/// The longest message.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// Shorter ones are silence after the tone.
const SHORTEST: usize = speech::RATE / 2;
/// What says that the server listens.
const LISTENING: u32 = 1000;

/// A voicemail server.
#[derive(Default)]
pub(super) struct Voicemail {
    mailboxes: BTreeMap<String, VecDeque<Track>>,
    /// Lamps to be switched: whose, and whether they shine.
    lamps: VecDeque<(String, bool)>,
    ports: BTreeMap<PhoneId, Duty>,
    messages: u64,
}

/// What a port does.
enum Duty {
    /// It speaks with somebody.
    Speak { call: CallRef, mailbox: String, purpose: Purpose, connected: bool },
    /// It is about to dial a number that switches a lamp.
    Switch { on: bool, dialled: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Record,
    Play,
}

impl Crew {
    /// Something happened to a telephone; ports of voicemail servers act by themselves.
    pub(super) fn attend(&mut self, phone: PhoneId, event: &Event) {
        let Some((server, lamp)) = self.members[phone.0].voicemail() else { return };
        match event {
            Event::State { call, state: CallStatus::RING_IN, .. } => {
                self.press_port(phone, Press { key: Key::OffHook, call: *call });
            }
            Event::State { call, state: CallStatus::OFF_HOOK, .. } => {
                self.dial_lamp(phone, &server, *call, lamp.as_ref());
            }
            Event::State { call, state: CallStatus::CONNECTED, .. } => {
                if let Some(Duty::Speak { call: own, connected, .. }) =
                    self.voicemail(&server).ports.get_mut(&phone)
                {
                    *connected |= own == call;
                }
            }
            Event::Info { call, info } => self.take_call(phone, &server, *call, info),
            Event::State { call, state: CallStatus::ON_HOOK, .. } => {
                self.end_call(phone, &server, *call);
                self.switch_lamp(phone, &server, lamp.as_ref());
            }
            Event::Registered(_) => self.switch_lamp(phone, &server, lamp.as_ref()),
            Event::Lost(_) => drop(self.voicemail(&server).ports.remove(&phone)),
            _ => {}
        }
    }

    /// Who calls, and for whom, is known.
    fn take_call(&mut self, phone: PhoneId, server: &str, call: CallRef, info: &Info) {
        if info.call_type == CallType::OUTBOUND || self.voicemail(server).ports.contains_key(&phone)
        {
            return;
        }
        let (mailbox, purpose) = match info.call_type {
            CallType::FORWARDED => (info.original.number.to_string(), Purpose::Record),
            _ => (info.calling.number.to_string(), Purpose::Play),
        };
        let voicemail = self.voicemail(server);
        let message = voicemail.mailboxes.get(&mailbox).and_then(|messages| messages.front());
        let says = match purpose {
            Purpose::Record => Track::tone(LISTENING),
            Purpose::Play => message.cloned().unwrap_or_else(Track::silence),
        };
        voicemail.ports.insert(phone, Duty::Speak { call, mailbox, purpose, connected: false });
        self.office.media_mut().say(phone, Some(call), says);
    }

    /// A call is over: what was said is a message, what was played is gone.
    fn end_call(&mut self, phone: PhoneId, server: &str, call: CallRef) {
        let heard = self.office.media().recorded(phone, call);
        let voicemail = self.voicemail(server);
        let (mailbox, purpose) = match voicemail.ports.remove(&phone) {
            Some(Duty::Speak { call: own, mailbox, purpose, connected: true }) if own == call => {
                (mailbox, purpose)
            }
            Some(Duty::Speak { call: own, .. }) if own == call => return,
            Some(Duty::Switch { dialled: true, .. }) | None => return,
            Some(other) => {
                voicemail.ports.insert(phone, other);
                return;
            }
        };
        let messages = voicemail.mailboxes.entry(mailbox.clone()).or_default();
        let before = messages.is_empty();
        match purpose {
            Purpose::Record if heard.len() >= SHORTEST => {
                voicemail.messages += 1;
                messages.push_back(Track::new(format!("message {}", voicemail.messages), heard));
            }
            Purpose::Record => {}
            Purpose::Play => drop(messages.pop_front()),
        }
        let after = messages.is_empty();
        if before != after {
            voicemail.lamps.push_back((mailbox, !after));
        }
    }

    /// A port that is free begins to switch the next lamp.
    fn switch_lamp(&mut self, phone: PhoneId, server: &str, lamp: Option<&LampNumbers>) {
        let busy = !self.station(phone).display().calls.is_empty();
        let voicemail = self.voicemail(server);
        if lamp.is_none() || busy || voicemail.ports.contains_key(&phone) {
            return;
        }
        if let Some((mailbox, on)) = voicemail.lamps.pop_front() {
            voicemail.ports.insert(phone, Duty::Switch { on, dialled: false });
            self.press_port(phone, Key::OffHookFor(mailbox).into());
        }
    }

    /// It may dial.
    fn dial_lamp(
        &mut self,
        phone: PhoneId,
        server: &str,
        call: CallRef,
        lamp: Option<&LampNumbers>,
    ) {
        let duty = self.voicemail(server).ports.get_mut(&phone);
        let (Some(Duty::Switch { on, dialled }), Some(lamp)) = (duty, lamp) else { return };
        if std::mem::replace(dialled, true) {
            return;
        }
        let number = if *on { lamp.on.clone() } else { lamp.off.clone() };
        self.press_port(phone, Press { key: Key::Number(number), call });
    }

    /// A port does what it can; of what it cannot the journal tells.
    fn press_port(&mut self, phone: PhoneId, press: Press) {
        if let Err(why) = self.office.press(phone, press) {
            self.journal.trouble(phone, &why.to_string());
        }
    }

    fn voicemail(&mut self, server: &str) -> &mut Voicemail {
        self.voicemail.entry(server.to_owned()).or_default()
    }
}
