//! What telephones show, ring and sound.

use sccp::codes::{
    ButtonType, CallStatus, CallType, LampMode, Phrase, Privacy, RedirectReason, RingDuration,
    RingMode, SecurityStatus, Switch, Tone as Sound, ToneDirection,
};
use sccp::server::{
    ActivateCallPlane, BackSpace, CallInfo as Info, CallState as State, ClearPromptStatus,
    ConnectionStatisticsReq, DialedNumber, DisplayPromptStatus, SetLamp, SetRinger, SetSpeakerMode,
    StartTone, StopTone,
};
use sccp::{CallRef, Charset, LineInstance, Number, Text};

use super::clock::time_and_date;
use super::inventory::{forward_stat, handset_lamp, message_lamp, privacy_stat, select};
use super::{Now, Output, Phase, Station};
use crate::security::Security;
use crate::switchboard::{
    CallInfo, CallState, Change, KeySet, Lamp, LegId, Notice, Order, Party, Prompt, Reason, Ring,
    Tone,
};

impl Station {
    /// An order of the switchboard for this device.
    pub fn handle_order(&mut self, now: Now, order: Order, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Registered(_)) {
            return;
        }
        match order {
            Order::Leg { line, leg, change } => {
                self.change(now, LineInstance(line), leg, change, out);
            }
            Order::Ring { line, leg, ring } => {
                let (line, call) = (LineInstance(line), CallRef(leg.0));
                let (mode, duration) = match ring {
                    Ring::Off => (RingMode::OFF, RingDuration::NORMAL),
                    Ring::Inside => (RingMode::INSIDE, RingDuration::NORMAL),
                    Ring::Waiting => (RingMode::FEATURE, RingDuration::SINGLE),
                };
                self.send(SetRinger { mode, duration, line, call }, out);
                if ring == Ring::Waiting {
                    self.start_tone(Sound::CALL_WAITING, line, call, out);
                }
            }
            Order::Speaker(on) => {
                let mode = if on { Switch::ON } else { Switch::OFF };
                self.send(SetSpeakerMode { mode }, out);
            }
            Order::Lamp { line, lamp } => {
                let mode = match lamp {
                    Lamp::Off => LampMode::OFF,
                    Lamp::On => LampMode::ON,
                    Lamp::Wink => LampMode::WINK,
                    Lamp::Blink => LampMode::BLINK,
                };
                let instance = LineInstance(line);
                self.send(SetLamp { stimulus: ButtonType::LINE, instance, mode }, out);
            }
            Order::MessageWaiting { line, waits } => {
                let Phase::Registered(registered) = &mut self.phase else { return };
                let before = registered.waiting.is_empty();
                match waits {
                    true => registered.waiting.insert(line),
                    false => registered.waiting.remove(&line),
                };
                let after = registered.waiting.is_empty();
                self.send(message_lamp(line, waits), out);
                if before != after {
                    self.send(handset_lamp(!after), out);
                }
            }
            Order::Forward { line, all } => {
                self.send(forward_stat(LineInstance(line), all.as_deref()), out);
                if let Phase::Registered(registered) = &mut self.phase
                    && let Some(index) = usize::try_from(line).ok().and_then(|n| n.checked_sub(1))
                    && let Some((_, kept)) = registered.equipment.lines.get_mut(index)
                {
                    *kept = all;
                }
            }
            Order::Privacy(private) => {
                let Phase::Registered(registered) = &mut self.phase else { return };
                registered.equipment.private = private;
                if let Some(index) = registered.privacy_button {
                    self.send(privacy_stat(index, private), out);
                }
            }
        }
    }

    fn change(
        &mut self,
        now: Now,
        line: LineInstance,
        leg: LegId,
        change: Change,
        out: &mut Vec<Output>,
    ) {
        let call = CallRef(leg.0);
        match change {
            Change::State(CallState::OnHook) => self.on_hook(now, line, leg, out),
            Change::State(state) => {
                if state == CallState::RingOut {
                    self.send(call_state(CallStatus::PROCEED, line, call), out);
                }
                self.send(call_state(status(state), line, call), out);
                if state == CallState::OffHook {
                    self.send(ActivateCallPlane { line }, out);
                }
                if state == CallState::InUsePrivately {
                    let state = call_state(CallStatus::IN_USE_REMOTE, line, call);
                    self.send(State { privacy: Privacy::FULL, ..state }, out);
                }
            }
            Change::Keys(keys) => {
                if let Phase::Registered(registered) = &mut self.phase {
                    match registered.legs.get_mut(&leg) {
                        Some(shown) => shown.keys = keys,
                        // The keys of a leg that has ended are those of the telephone at rest.
                        None if keys == KeySet::OnHook => {}
                        None => registered.add_leg(leg, line, keys),
                    }
                }
                self.send(select(line, call, keys), out);
            }
            Change::Prompt(None) => self.send(ClearPromptStatus { line, call }, out),
            Change::Prompt(Some(prompt)) => {
                let text = self.prompt(&prompt);
                self.send(DisplayPromptStatus { timeout: 0, text, line, call }, out);
            }
            Change::Notice(notice) => {
                let text = Text::from(phrase(notice));
                self.send(DisplayPromptStatus { timeout: NOTICE_SECONDS, text, line, call }, out);
            }
            Change::Tone(None) => self.send(StopTone { line, call, tone: Sound::SILENCE }, out),
            Change::Tone(Some(tone)) | Change::Sound(tone) => {
                self.start_tone(sound(tone), line, call, out);
            }
            Change::Info(info) => {
                let info = self.info(line, call, &info);
                self.send(info, out);
            }
            Change::Dialled(number) => {
                self.send(DialedNumber { number: Number::new(&number), line, call }, out);
            }
            Change::Backspace => self.send(BackSpace { line, call }, out),
        }
    }

    fn on_hook(&mut self, now: Now, line: LineInstance, leg: LegId, out: &mut Vec<Output>) {
        let Phase::Registered(registered) = &mut self.phase else { return };
        let shown = registered.legs.remove(&leg);
        let idle = registered.legs.is_empty();
        let own = registered.equipment.line(line.0);
        let directory_number = Number::new(own.map_or("", |(line, _)| &line.party.number));
        let time = time_and_date(now.wall, registered.equipment.utc_offset);
        let call = CallRef(leg.0);
        if shown.is_some_and(|shown| shown.media) {
            let question = ConnectionStatisticsReq { directory_number, call, ..Default::default() };
            self.send(question, out);
        }
        self.send(call_state(CallStatus::ON_HOOK, line, call), out);
        if idle {
            self.send(time, out);
        }
    }

    fn start_tone(
        &mut self,
        tone: Sound,
        line: LineInstance,
        call: CallRef,
        out: &mut Vec<Output>,
    ) {
        self.send(StartTone { tone, direction: ToneDirection::USER, line, call }, out);
    }

    fn charset(&self) -> Charset {
        match &self.phase {
            Phase::Registered(registered) => Charset::of_phone(registered.highest),
            _ => Charset::Latin1,
        }
    }

    fn prompt(&self, prompt: &Prompt) -> Text<32> {
        Text::from(match prompt {
            Prompt::From(Party { number, .. }) => {
                return Text::phrase(Phrase::FROM, &format!(" {number}"), self.charset());
            }
            Prompt::EnterNumber => Phrase::ENTER_NUMBER,
            Prompt::RingOut => Phrase::RING_OUT,
            Prompt::Connected => Phrase::CONNECTED,
            Prompt::Private => Phrase::PRIVATE,
            Prompt::Hold => Phrase::HOLD,
            Prompt::Busy => Phrase::BUSY,
            Prompt::UnknownNumber => Phrase::UNKNOWN_NUMBER,
            Prompt::TemporaryFailure => Phrase::TEMP_FAIL,
            Prompt::InUseRemote => Phrase::IN_USE_REMOTE,
        })
    }

    fn info(&self, line: LineInstance, call: CallRef, info: &CallInfo) -> Info {
        let shown = match &self.phase {
            Phase::Registered(registered) => registered.legs.get(&LegId(call.0)),
            _ => None,
        };
        let charset = self.charset();
        let name = |party: &Party, far: bool| match info.conference && far {
            true => Text::phrase(Phrase::CONFERENCE, "", charset),
            false => Text::new(&party.name, charset),
        };
        let redirected = info.redirected.as_ref();
        let (from, reason) = match redirected {
            Some(redirected) => (redirected.from.clone(), reason(redirected.reason)),
            None => (info.called.clone(), RedirectReason::NONE),
        };
        let (last, last_reason) = match redirected {
            Some(redirected) => (redirected.last.clone(), self::reason(redirected.last_reason)),
            None => (Party::default(), RedirectReason::NONE),
        };
        // Each number is a mailbox of its own.
        let mailbox = |number: &str| Text::new(number, Charset::Latin1);
        Info {
            calling_party_voice_mailbox: mailbox(&info.calling.number),
            called_party_voice_mailbox: mailbox(&info.called.number),
            original_called_voice_mailbox: mailbox(&from.number),
            last_redirecting_voice_mailbox: mailbox(&last.number),
            calling_party_name: name(&info.calling, !info.outbound),
            calling_party: Text::new(&info.calling.number, charset),
            called_party_name: name(&info.called, info.outbound),
            called_party: Text::new(&info.called.number, charset),
            line,
            call,
            call_type: match (info.outbound, redirected) {
                (true, _) => CallType::OUTBOUND,
                (false, Some(_)) => CallType::FORWARDED,
                (false, None) => CallType::INBOUND,
            },
            original_called_party_name: Text::new(&from.name, charset),
            original_called_party: Text::new(&from.number, charset),
            last_redirecting_party_name: Text::new(&last.name, charset),
            last_redirecting_party: Text::new(&last.number, charset),
            original_redirect_reason: reason,
            last_redirecting_reason: last_reason,
            call_instance: shown.map_or(1, |shown| shown.instance),
            security: match info.security {
                None => SecurityStatus::UNKNOWN,
                Some(Security::NonSecure) => SecurityStatus::NOT_AUTHENTICATED,
                Some(Security::Authenticated) => SecurityStatus::AUTHENTICATED,
                Some(Security::Encrypted) => SecurityStatus::ENCRYPTED,
            },
            ..Info::default()
        }
    }
}

fn call_state(state: CallStatus, line: LineInstance, call: CallRef) -> State {
    State { state, line, call, precedence_level: NORMAL_PRECEDENCE, ..State::default() }
}

fn status(state: CallState) -> CallStatus {
    match state {
        CallState::OffHook => CallStatus::OFF_HOOK,
        CallState::OnHook => CallStatus::ON_HOOK,
        CallState::RingOut => CallStatus::RING_OUT,
        CallState::RingIn => CallStatus::RING_IN,
        CallState::Connected => CallStatus::CONNECTED,
        CallState::Hold => CallStatus::HOLD,
        CallState::InUseRemote | CallState::InUsePrivately => CallStatus::IN_USE_REMOTE,
        CallState::Busy => CallStatus::BUSY,
        CallState::Congestion => CallStatus::CONGESTION,
        CallState::InvalidNumber => CallStatus::INVALID_NUMBER,
    }
}

fn sound(tone: Tone) -> Sound {
    match tone {
        Tone::Dial => Sound::INSIDE_DIAL,
        Tone::Alerting => Sound::ALERTING,
        Tone::Busy => Sound::BUSY,
        Tone::Reorder => Sound::REORDER,
        Tone::NoSuchNumber => Sound::NO_SUCH_NUMBER,
        Tone::Howler => Sound::RECEIVER_OFF_HOOK,
        Tone::Confirmation => Sound::CONFIRMATION,
        Tone::Hold => Sound::HOLD,
        Tone::BargeIn => Sound::BARGE_IN,
        Tone::Dtmf(digit) => Sound::of_key(digit).unwrap_or(Sound::SILENCE),
    }
}

fn phrase(notice: Notice) -> Phrase {
    match notice {
        Notice::CannotTransfer => Phrase::CAN_NOT_COMPLETE_TRANSFER,
        Notice::CannotConfer => Phrase::CAN_NOT_COMPLETE_CONFERENCE,
        Notice::TooManyParties => Phrase::EXCEED_MAXIMUM_PARTIES,
        Notice::BargeFailed => Phrase::FAILED_TO_SETUP_BARGE,
        Notice::AnotherBarge => Phrase::ANOTHER_BARGE_EXISTS,
        Notice::IncompatibleDevice => Phrase::INCOMPATIBLE_DEVICE_TYPE,
        Notice::KeyNotActive => Phrase::KEY_IS_NOT_ACTIVE,
    }
}

fn reason(reason: Reason) -> RedirectReason {
    match reason {
        Reason::ForwardAll => RedirectReason::FORWARD_ALL,
        Reason::Busy => RedirectReason::BUSY,
        Reason::NoAnswer => RedirectReason::NO_ANSWER,
        Reason::Transfer => RedirectReason::TRANSFER,
    }
}

const NOTICE_SECONDS: u32 = 5;
/// Of calls that take precedence over none.
const NORMAL_PRECEDENCE: u32 = 4;
