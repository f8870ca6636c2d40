//! Registration, and the questions after it.

use std::collections::VecDeque;
use std::time::Instant;

use sccp::codes::{ButtonType, Severity, Switch};
use sccp::phone::{
    Alarm, AudioCapability, ButtonTemplateReq, CapabilitiesRes, ConfigStatReq, ForwardStatReq,
    HeadsetStatus, LineStatReq, Register, RegisterAvailableLines, ServerReq, SoftKeySetReq,
    SoftKeyTemplateReq, SpeedDialStatReq, TimeDateReq, VersionReq,
};
use sccp::server::{
    ButtonTemplate, ConfigStat, DefineTimeDate, ForwardStat, LineStat, LineStatV2, RegisterAck,
    ServerRes, SoftKeySetRes, SoftKeyTemplateRes, SpeedDialStat, SpeedDialStatV2, VersionRes,
};
use sccp::{Bytes, Characters, Ip4, LineInstance, List, Message, MessageId, Text};

use super::{Caption, Event, Line, Questions, SpeedDial, Station, Time};

/// What a telephone still wants to know.
#[derive(Debug, Default)]
pub(super) struct Learning {
    queue: VecDeque<Question>,
    /// The answer it waits for, if it asks one question after the other.
    awaits: Option<Question>,
    knows_buttons: bool,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Buttons,
    Load,
    SoftKeys,
    SoftKeySets,
    Line(u32),
    Forward(u32),
    SpeedDial(u32),
    Configuration,
    Servers,
    Time,
}

impl Question {
    fn message(self) -> Message {
        match self {
            Self::Buttons => ButtonTemplateReq.into(),
            Self::Load => VersionReq.into(),
            Self::SoftKeys => SoftKeyTemplateReq.into(),
            Self::SoftKeySets => SoftKeySetReq.into(),
            Self::Line(line) => LineStatReq { line: LineInstance(line) }.into(),
            Self::Forward(line) => ForwardStatReq { line: LineInstance(line) }.into(),
            Self::SpeedDial(number) => SpeedDialStatReq { number }.into(),
            Self::Configuration => ConfigStatReq.into(),
            Self::Servers => ServerReq.into(),
            Self::Time => TimeDateReq.into(),
        }
    }

    fn is_answered_by(self, id: MessageId) -> bool {
        match self {
            Self::Buttons => id == ButtonTemplate::ID,
            Self::Load => id == VersionRes::ID,
            Self::SoftKeys => id == SoftKeyTemplateRes::ID,
            Self::SoftKeySets => id == SoftKeySetRes::ID,
            Self::Line(_) => id == LineStat::ID || id == LineStatV2::ID,
            Self::Forward(_) => id == ForwardStat::ID,
            Self::SpeedDial(_) => id == SpeedDialStat::ID || id == SpeedDialStatV2::ID,
            Self::Configuration => id == ConfigStat::ID,
            Self::Servers => id == ServerRes::ID,
            Self::Time => id == DefineTimeDate::ID,
        }
    }
}

impl Station {
    /// Says why it was away.
    pub(super) fn tell_outage(&mut self) {
        let (number, name) = self.links.last.code();
        let device = self.profile.device;
        let text = format!("{number}: Name={device} Load={} Last={name}", self.profile.load);
        self.send(Alarm {
            severity: Severity::INFORMATIONAL,
            text: Text::from(text.as_str()),
            parameter2: Ip4(self.profile.address),
            ..Alarm::default()
        });
    }

    pub(super) fn register(&mut self) {
        let profile = &self.profile;
        let register = Register {
            device_name: Text::from(profile.device.to_string().as_str()),
            address: Ip4(profile.address),
            device_type: profile.model.device_type(),
            max_streams: profile.model.max_streams(),
            protocol_version: profile.version.number(),
            features: profile.model.features(),
            mac_address: Bytes(profile.device.mac()),
            max_lines: profile.model.buttons(),
            load_name: Text::from(profile.load.as_str()),
            ..Register::default()
        };
        self.send(register);
    }

    /// It is accepted, and begins to ask.
    pub(super) fn welcomed(&mut self, now: Instant, ack: &RegisterAck) {
        self.served(now, ack);
        let first = [
            Question::Buttons,
            Question::Load,
            Question::SoftKeys,
            Question::SoftKeySets,
            Question::Configuration,
            Question::Servers,
        ];
        let learning = Learning { queue: first.into(), ..Learning::default() };
        if let Some(service) = self.links.service() {
            service.learning = Some(learning);
        }
        self.send(HeadsetStatus { status: Switch::OFF });
        self.ask_on();
    }

    /// An answer, or a question of the server.
    pub(super) fn learn(&mut self, message: Message) {
        let charset = self.profile.charset();
        let caption = |text: &Characters| Caption::new(text, charset);
        match message {
            Message::CapabilitiesReq(_) => self.tell_capabilities(),
            Message::ButtonTemplate(template) => self.learn_buttons(&template),
            Message::SoftKeyTemplateRes(template) => {
                self.soft_keys.learn_template(&template, charset);
            }
            Message::SoftKeySetRes(sets) => self.soft_keys.learn_sets(&sets),
            Message::LineStat(stat) => {
                let (number, label) = (caption(&stat.directory_number), caption(&stat.label));
                self.learn_line(stat.line, number, label);
            }
            Message::LineStatV2(stat) => {
                let (number, label) = (caption(&stat.directory_number), caption(&stat.label));
                self.learn_line(stat.line, number, label);
            }
            Message::SpeedDialStat(stat) => {
                let (number, label) =
                    (caption(&stat.directory_number), caption(&stat.display_name));
                self.learn_speed_dial(stat.number, SpeedDial { number, label });
            }
            Message::SpeedDialStatV2(stat) => {
                let (number, label) =
                    (caption(&stat.directory_number), caption(&stat.display_name));
                self.learn_speed_dial(stat.number, SpeedDial { number, label });
            }
            Message::ForwardStat(stat) => self.learn_forward(&stat),
            Message::DefineTimeDate(told) => self.learn_time(told),
            _ => {}
        }
    }

    fn tell_capabilities(&mut self) {
        let capability = |known: &super::Capability| AudioCapability {
            codec: known.codec,
            max_ms_per_packet: known.max_ms,
            ..Default::default()
        };
        let audio = self.profile.codecs.iter().map(capability).collect();
        self.send(CapabilitiesRes { audio: List(audio) });
    }

    fn learn_buttons(&mut self, template: &ButtonTemplate) {
        let of = |kind| template.buttons.entries.iter().filter(move |b| b.kind == kind).count();
        let (lines, speed_dials) = (of(ButtonType::LINE), of(ButtonType::SPEED_DIAL));
        self.display.lines = vec![Line::default(); lines];
        self.display.speed_dials = vec![SpeedDial::default(); speed_dials];
        let Some(service) = self.links.service() else { return };
        let Some(learning) = &mut service.learning else { return };
        if std::mem::replace(&mut learning.knows_buttons, true) {
            return;
        }
        for line in (1..).take(lines) {
            learning.queue.extend([Question::Line(line), Question::Forward(line)]);
        }
        learning.queue.extend((1..).take(speed_dials).map(Question::SpeedDial));
        learning.queue.push_back(Question::Time);
    }

    fn learn_line(&mut self, line: LineInstance, number: Caption, label: Caption) {
        if let Some(line) = self.display.line_mut(line.0) {
            (line.number, line.label) = (number, label);
        }
    }

    fn learn_speed_dial(&mut self, number: u32, found: SpeedDial) {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some(place) = index.and_then(|index| self.display.speed_dials.get_mut(index)) {
            *place = found;
        }
    }

    fn learn_forward(&mut self, stat: &ForwardStat) {
        let charset = self.profile.charset();
        let number = stat.all_number.as_bytes();
        let to = match stat.all_active {
            0 => String::new(),
            _ => Caption::new(&Text::<24>::from(&*String::from_utf8_lossy(number)), charset)
                .to_string(),
        };
        let Some(line) = self.display.line_mut(stat.line.0) else { return };
        if line.forward != to {
            line.forward.clone_from(&to);
            self.event(Event::Forward { line: stat.line.0, to });
        }
    }

    fn learn_time(&mut self, told: DefineTimeDate) {
        let Some(service) = self.links.service() else { return };
        let template = service.date_template.clone();
        // Servers tell the time at the end of a call, too.
        let last = |it: &mut Learning| it.knows_buttons && it.queue.is_empty();
        let last = service.learning.take_if(last).is_some();
        self.display.time = Some(Time { told, template });
        if last {
            let server = self.links.serving().map_or(0, |link| link.server);
            self.event(Event::Registered(server));
            for alarm in self.profile.alarms.clone() {
                self.alarm(&alarm);
            }
        }
    }

    /// Whatever came may be the answer it waited for.
    pub(super) fn progress(&mut self, id: MessageId) {
        let learning = self.links.service().and_then(|service| service.learning.as_mut());
        let Some(learning) = learning else { return };
        if learning.awaits.is_none_or(|question| question.is_answered_by(id)) {
            learning.awaits = None;
            self.ask();
        }
    }

    /// Gives up an answer that does not come.
    pub(super) fn ask_on(&mut self) {
        if let Some(learning) = self.links.service().and_then(|service| service.learning.as_mut()) {
            learning.awaits = None;
            self.ask();
        }
    }

    fn ask(&mut self) {
        let together = self.profile.questions == Questions::Together;
        let max_lines = self.profile.model.buttons();
        while let Some(learning) = self.links.service().and_then(|it| it.learning.as_mut())
            && learning.awaits.is_none()
            && let Some(question) = learning.queue.pop_front()
        {
            learning.awaits = Some(question).filter(|_| !together);
            if question == Question::Time {
                self.send(RegisterAvailableLines { max_lines });
            }
            self.send(question.message());
        }
    }
}
