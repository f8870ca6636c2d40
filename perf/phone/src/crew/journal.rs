//! What happened, as JSON and in words.

use std::collections::VecDeque;
use std::time::Instant;

use sccp::codes::{ButtonType, MediaStatus};
use sccp::{CallRef, PassThruPartyId};
use serde_json::{Value, json};

use crate::office::{Happening, PhoneId, What};
use crate::station::{Call, Event, Info, Party, Registration, Station};

/// Happenings that nobody has asked for yet.
pub(super) struct Journal {
    began: Instant,
    names: Vec<String>,
    news: VecDeque<Value>,
    watcher: Option<Box<dyn FnMut(Value) + Send>>,
}

/// Whoever does not ask forgets the oldest.
const MOST: usize = 100_000;

impl Journal {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, names: Vec::new(), news: VecDeque::new(), watcher: None }
    }

    pub(super) fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    pub(super) fn happening(&mut self, happening: &Happening) {
        let what = match &happening.what {
            What::Event(event) => event.to_json(),
            What::Restart(kind) => json!({ "event": "restart", "kind": kind.to_string() }),
        };
        self.push(happening.phone, happening.at, what);
    }

    /// What the status page of a telephone said.
    pub(super) fn notices(&mut self, phone: PhoneId, notices: &[String]) {
        for text in notices {
            self.push(phone, Instant::now(), json!({ "event": "status", "text": text }));
        }
    }

    /// A telephone does not start.
    pub(super) fn trouble(&mut self, phone: PhoneId, why: &str) {
        self.push(phone, Instant::now(), json!({ "event": "stays", "why": why }));
    }

    pub(super) fn watch(&mut self, watcher: Box<dyn FnMut(Value) + Send>) {
        self.watcher = Some(watcher);
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Value> {
        self.news.drain(..)
    }

    fn push(&mut self, PhoneId(phone): PhoneId, at: Instant, mut what: Value) {
        let at = at.saturating_duration_since(self.began).as_secs_f64();
        what["at"] = json!((at * 1e6).round() / 1e6);
        what["phone"] = json!(self.names[phone]);
        if let Some(watcher) = &mut self.watcher {
            return watcher(what);
        }
        if self.news.len() == MOST {
            self.news.pop_front();
        }
        self.news.push_back(what);
    }
}

impl Event {
    /// An object whose `event` says what it is.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Connecting(server) => json!({ "event": "connecting", "server": server + 1 }),
            Self::Registered(server) => json!({ "event": "registered", "server": server + 1 }),
            Self::Rejected(text) => json!({ "event": "rejected", "text": text.to_string() }),
            Self::Lost(why) => json!({ "event": "lost", "why": why.to_string() }),
            Self::Unregistered => json!({ "event": "unregistered" }),
            Self::Reset(kind) => json!({ "event": "reset", "kind": kind.to_string() }),
            Self::State { call, line, state } => {
                json!({ "event": "state", "call": call.0, "line": line.0, "state": state.to_string() })
            }
            Self::Info { call, info } => {
                let mut value = parties(info);
                value["event"] = json!("info");
                value["call"] = json!(call.0);
                value
            }
            Self::Icon { call, icon } => {
                json!({ "event": "icon", "call": call.0, "icon": icon.to_string() })
            }
            Self::Prompt { call, text } => {
                json!({ "event": "prompt", "call": call.0, "text": text.to_string() })
            }
            Self::Notice(text) => json!({ "event": "notice", "text": text.to_string() }),
            Self::Keys { call, set } => {
                json!({ "event": "keys", "call": call.0, "set": set.to_string() })
            }
            Self::Tone { call, tone } => {
                let tone = tone.map(|tone| tone.to_string());
                json!({ "event": "tone", "call": call.0, "tone": tone })
            }
            Self::Ring { call, mode } => {
                json!({ "event": "ring", "call": call.0, "mode": mode.to_string() })
            }
            Self::Lamp { button, instance, mode } => json!({
                "event": "lamp",
                "button": button.to_string(),
                "instance": instance,
                "mode": mode.to_string(),
            }),
            Self::Speaker(on) => json!({ "event": "speaker", "on": on }),
            Self::Forward { line, to } => json!({ "event": "forward", "line": line, "to": to }),
            Self::Dialled { call, number } => {
                json!({ "event": "dialled", "call": call.0, "number": number })
            }
            Self::Opened { call, party, codec, encrypted, status } => {
                media("opened", *call, *party, Some((codec.to_string(), *encrypted, *status)))
            }
            Self::Sending { call, party, codec, encrypted, status } => {
                media("sending", *call, *party, Some((codec.to_string(), *encrypted, *status)))
            }
            Self::Closed { call, party } => media("closed", *call, *party, None),
            Self::Alarm(text) => json!({ "event": "alarm", "text": text }),
            Self::Unusable(why) => json!({ "event": "unusable", "why": why }),
        }
    }
}

fn media(
    event: &str,
    call: CallRef,
    party: PassThruPartyId,
    how: Option<(String, bool, MediaStatus)>,
) -> Value {
    let mut value = json!({ "event": event, "call": call.0, "party": party.0 });
    if let Some((codec, encrypted, status)) = how {
        value["codec"] = json!(codec);
        value["encrypted"] = json!(encrypted);
        value["status"] = json!(status.to_string());
    }
    value
}

fn parties(info: &Info) -> Value {
    let party = |party: &Party| json!({ "number": party.number.to_string(), "name": party.name.to_string() });
    json!({
        "calling": party(&info.calling),
        "called": party(&info.called),
        "type": info.call_type.to_string(),
        "icon": info.icon.to_string(),
    })
}

/// All that a telephone shows, with what media has to say of each call.
pub(super) fn display(station: &Station, media: impl Fn(CallRef) -> Value) -> Value {
    let display = station.display();
    let keys = |call| {
        let keys = station.soft_keys(call).map(|key| key.label.to_string());
        keys.collect::<Vec<_>>()
    };
    let call = |call: &Call| {
        json!({
            "call": call.call.0,
            "line": call.line.0,
            "state": call.state.to_string(),
            "own": call.is_own(),
            "icon": call.icon().to_string(),
            "text": call.text().to_string(),
            "tone": call.tone.map(|tone| tone.to_string()),
            "parties": call.info.as_deref().map(parties),
            "keys": keys(call.call),
            "media": media(call.call),
        })
    };
    let lines = display.lines.iter().map(|line| {
        json!({
            "number": line.number.to_string(),
            "label": line.label.to_string(),
            "forward": line.forward,
            "lamp": line.lamp.to_string(),
        })
    });
    let lamps = display.lamps.iter().filter(|lamp| lamp.button != ButtonType::LINE);
    json!({
        "device": station.profile().device.to_string(),
        "model": station.profile().model.to_string(),
        "mode": station.profile().mode.to_string(),
        "registration": registration(&display.registration),
        "lines": lines.collect::<Vec<_>>(),
        "calls": display.calls.iter().map(call).collect::<Vec<_>>(),
        "prompt": display.prompt.to_string(),
        "notice": display.notice.as_ref().map(|notice| notice.text.to_string()),
        "ring": display.ring.map(|ring| ring.to_string()),
        "lamps": lamps.map(|lamp| lamp.button.to_string()).collect::<Vec<_>>(),
        "speaker": display.speaker,
        "keys": keys(CallRef(0)),
    })
}

fn registration(registration: &Registration) -> String {
    match registration {
        Registration::None => "none".to_owned(),
        Registration::Registering => "registering".to_owned(),
        Registration::Registered(server) => format!("registered {}", server + 1),
        Registration::Rejected(text) => format!("rejected: {text}"),
        Registration::Preserved => "call without a server".to_owned(),
    }
}

/// What a telephone does, in a few words.
pub(super) fn describe(station: &Station) -> String {
    let display = station.display();
    if display.calls.is_empty() {
        return format!("is {}, in no call", registration(&display.registration));
    }
    let calls = display.calls.iter().map(|call| {
        let keys: Vec<_> = station.soft_keys(call.call).map(|key| key.label.to_string()).collect();
        let tone = call.tone.map_or_else(String::new, |tone| format!(", tone {tone}"));
        format!(
            "{} (icon {}, {:?}{tone}, keys {})",
            call.state,
            call.icon(),
            call.text().to_string(),
            keys.join(" ")
        )
    });
    let calls: Vec<_> = calls.collect();
    format!("is {}, with {}", registration(&display.registration), calls.join("; "))
}
