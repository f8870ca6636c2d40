//! What a server orders about display, tones, lamps and the loudspeaker.

use std::time::Instant;

use sccp::codes::{
    ButtonType, CallStatus, LampMode, Privacy, RingMode, SoftKeySetIndex, Switch, Tone,
};
use sccp::server::{CallInfo, CallInfoV2, CallState, SelectSoftKeys, SetLamp, SetRinger};
use sccp::{CallRef, Characters, Message};

use super::display::until;
use super::soft_keys::Selection;
use super::{Caption, Event, Icon, Info, Notice, Party, Station};

/// Below those of [`sccp::server::DisplayPriNotify`].
const LOWEST_PRIORITY: u32 = u32::MAX;

/// Whether a tone ends by itself: digits, beeps, warnings.
fn is_short(tone: Tone) -> bool {
    let digit = (Tone::DTMF_1..=Tone::DTMF_D).contains(&tone);
    let beeps = [
        Tone::CALL_WAITING,
        Tone::CONFIRMATION,
        Tone::CAMP_ON,
        Tone::ZIP_ZIP,
        Tone::ZIP,
        Tone::BEEP_BONK,
        Tone::RECORDER_WARNING,
        Tone::MONITOR_WARNING,
        Tone::SECURE_WARNING,
        Tone::NON_SECURE_WARNING,
        Tone::BARGE_IN,
    ];
    digit || beeps.contains(&tone)
}

impl Station {
    pub(super) fn obey(&mut self, now: Instant, message: Message) {
        use Message as M;
        match message {
            M::CallState(state) => self.call_state(&state),
            M::CallInfo(info) => self.call_info(&info),
            M::CallInfoV2(info) => self.call_info_v2(&info),
            M::SelectSoftKeys(select) => self.select(&select),
            M::DisplayPromptStatus(m) => self.prompt(now, m.call, &m.text, m.timeout),
            M::DisplayPromptStatusV2(m) => self.prompt(now, m.call, &m.text, m.timeout),
            M::ClearPromptStatus(m) => self.prompt(now, m.call, &Characters::default(), 0),
            M::DisplayNotify(m) => self.notify(now, &m.text, m.timeout, LOWEST_PRIORITY),
            M::DisplayNotifyV2(m) => self.notify(now, &m.text, m.timeout, LOWEST_PRIORITY),
            M::DisplayPriNotify(m) => self.notify(now, &m.text, m.timeout, m.priority),
            M::DisplayPriNotifyV2(m) => self.notify(now, &m.text, m.timeout, m.priority),
            M::ClearNotify(_) => self.clear_notice(LOWEST_PRIORITY),
            M::ClearPriNotify(m) => self.clear_notice(m.priority),
            M::StartTone(m) => self.tone(m.call, Some(m.tone)),
            M::StopTone(m) => self.tone(m.call, None),
            M::SetRinger(ringer) => self.ring(&ringer),
            M::SetLamp(lamp) => self.lamp(&lamp),
            M::SetSpeakerMode(m) => self.speaker(m.mode == Switch::ON),
            M::ActivateCallPlane(m) => self.display.plane = m.line.0,
            M::DeactivateCallPlane(_) => self.display.plane = 0,
            M::DialedNumber(m) => {
                let number = String::from_utf8_lossy(m.number.as_bytes()).into_owned();
                self.display.last_number.clone_from(&number);
                self.event(Event::Dialled { call: m.call, number });
            }
            // The rest is for displays, resources and models that it does not have.
            _ => {}
        }
    }

    fn call_state(&mut self, message: &CallState) {
        let CallState { state, line, call, .. } = *message;
        if matches!(state, CallStatus::ON_HOOK | CallStatus::IDLE) {
            self.close_streams(call);
            self.display.calls.retain(|other| other.call != call);
        } else if call != CallRef(0)
            && let Some(shown) = self.display.add_call(call, line)
        {
            shown.state = state;
            shown.private = message.privacy == Privacy::FULL;
        } else {
            return;
        }
        self.event(Event::State { call, line, state });
    }

    fn call_info(&mut self, info: &CallInfo) {
        let charset = self.profile.charset();
        let party = |number: &Characters, name: &Characters| Party {
            number: Caption::new(number, charset),
            name: Caption::new(name, charset),
        };
        let shown = Info {
            calling: party(&info.calling_party, &info.calling_party_name),
            called: party(&info.called_party, &info.called_party_name),
            original: party(&info.original_called_party, &info.original_called_party_name),
            redirecting: party(&info.last_redirecting_party, &info.last_redirecting_party_name),
            call_type: info.call_type,
            instance: info.call_instance,
            icon: Icon::of(info.security),
        };
        self.show_info(info.call, shown);
    }

    fn call_info_v2(&mut self, info: &CallInfoV2) {
        let charset = self.profile.charset();
        let party = |number: &Characters, name: &Characters| Party {
            number: Caption::new(number, charset),
            name: Caption::new(name, charset),
        };
        let parties = &info.parties;
        let shown = Info {
            calling: party(&parties.calling_party, &parties.calling_party_name),
            called: party(&parties.called_party, &parties.called_party_name),
            original: party(&parties.original_called_party, &parties.original_called_party_name),
            redirecting: party(
                &parties.last_redirecting_party,
                &parties.last_redirecting_party_name,
            ),
            call_type: info.call_type,
            instance: info.call_instance,
            icon: Icon::of(info.security),
        };
        self.show_info(info.call, shown);
    }

    fn show_info(&mut self, call: CallRef, info: Info) {
        let Some(shown) = self.display.call_mut(call) else { return };
        let (before, icon) = (shown.icon(), info.icon);
        shown.info = Some(Box::new(info.clone()));
        self.event(Event::Info { call, info: Box::new(info) });
        if icon != before {
            self.event(Event::Icon { call, icon });
        }
    }

    fn select(&mut self, select: &SelectSoftKeys) {
        let SelectSoftKeys { call, set, valid_keys, .. } = *select;
        let selection = Selection { set, valid: valid_keys };
        match self.display.call_mut(call) {
            Some(shown) => shown.keys = selection,
            // Those of a call that has ended are those of a telephone at rest.
            None if set == SoftKeySetIndex::ON_HOOK => self.display.keys = selection,
            None => return,
        }
        self.event(Event::Keys { call, set });
    }

    fn prompt(&mut self, now: Instant, call: CallRef, text: &Characters, seconds: u32) {
        let text = Caption::new(text, self.profile.charset());
        let until = until(now, seconds);
        match (self.display.call_mut(call), until) {
            (Some(shown), Some(until)) => shown.notice = Some((text.clone(), until)),
            (Some(shown), None) => shown.prompt = text.clone(),
            (None, Some(_)) => {
                let notice = Notice { text: text.clone(), priority: LOWEST_PRIORITY, until };
                self.display.notice = Some(notice);
            }
            (None, None) if call == CallRef(0) => self.display.prompt = text.clone(),
            (None, None) => return,
        }
        self.event(Event::Prompt { call, text });
    }

    fn notify(&mut self, now: Instant, text: &Characters, seconds: u32, priority: u32) {
        let text = Caption::new(text, self.profile.charset());
        if self.display.notice.as_ref().is_some_and(|other| other.priority < priority) {
            return;
        }
        self.display.notice =
            Some(Notice { text: text.clone(), priority, until: until(now, seconds) });
        self.event(Event::Notice(text));
    }

    fn clear_notice(&mut self, priority: u32) {
        self.display.notice.take_if(|notice| notice.priority == priority);
    }

    fn tone(&mut self, call: CallRef, tone: Option<Tone>) {
        let tone = tone.filter(|tone| !matches!(*tone, Tone::SILENCE | Tone::NO_TONE));
        match self.display.call_mut(call) {
            Some(shown) if tone.is_some_and(is_short) => shown.sound = tone,
            Some(shown) => shown.tone = tone,
            None if tone.is_some_and(is_short) => {}
            None => self.display.tone = tone.map(|tone| (call, tone)),
        }
        self.event(Event::Tone { call, tone });
    }

    fn ring(&mut self, ringer: &SetRinger) {
        let SetRinger { mode, call, .. } = *ringer;
        self.display.ring = Some(mode).filter(|mode| *mode != RingMode::OFF);
        self.event(Event::Ring { call, mode });
    }

    fn lamp(&mut self, lamp: &SetLamp) {
        let SetLamp { stimulus: button, instance, mode } = *lamp;
        let known = mode.name().is_some() && button.name().is_some();
        if known && self.display.light(button, instance.0, mode) {
            self.event(Event::Lamp { button, instance: instance.0, mode });
        }
    }

    fn speaker(&mut self, on: bool) {
        // With the handset up its user speaks into that.
        let on = on && !self.display.handset_up;
        if std::mem::replace(&mut self.display.speaker, on) != on {
            self.event(Event::Speaker(on));
        }
    }

    /// All calls are over, because their server is gone.
    pub(super) fn end_calls(&mut self) {
        self.close_all_streams();
        for call in std::mem::take(&mut self.display.calls) {
            let (call, line) = (call.call, call.line);
            self.event(Event::State { call, line, state: CallStatus::ON_HOOK });
        }
        if self.display.ring.take().is_some() {
            self.event(Event::Ring { call: CallRef(0), mode: RingMode::OFF });
        }
        for line in (1..).take(self.display.lines.len()) {
            self.display.light(ButtonType::LINE, line, LampMode::OFF);
        }
        self.speaker(false);
    }
}
