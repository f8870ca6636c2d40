//! What happened, step by step.

use std::time::SystemTime;

use cluster::preflight::Held;
use lang::{Language, Say, Text};
use pki::certificate::hex;
use store::{CapfOperation, CapfStatus};
use tftp::{Outcome, Record, Refusal};

use crate::records::{Records, is_ctl};

/// Most requests that are told: the latest.
const MOST_REQUESTS: usize = 100;

/// The steps of a phone's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It learns its server.
    Dhcp,
    /// It fetches files.
    Tftp,
    /// It fetches and judges the trust list.
    Ctl,
    /// It gets a certificate.
    Capf,
    /// It registers.
    Sccp,
}

impl Stage {
    /// Its name for machines and people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Tftp => "tftp",
            Self::Ctl => "ctl",
            Self::Capf => "capf",
            Self::Sccp => "sccp",
        }
    }
}

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Well.
    Ok,
    /// Not well.
    Failed,
    /// It is still to come, or not known.
    Open,
}

impl State {
    /// Its name for machines and people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Open => "open",
        }
    }
}

/// Something that happened, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When; `None` for what has no time.
    pub at: Option<SystemTime>,
    /// At which step.
    pub stage: Stage,
    /// How it went.
    pub state: State,
    text: Text,
    values: Vec<(&'static str, String)>,
    /// A part of the text that has words of its own in each language.
    detail: Option<Text>,
}

impl Say for Event {
    fn say(&self, language: Language) -> String {
        let detail = self.detail.map(|detail| detail.get(language)).unwrap_or_default();
        let mut values: Vec<(&str, &dyn std::fmt::Display)> = vec![("detail", &detail)];
        values.extend(self.values.iter().map(|(name, value)| (*name, value as _)));
        self.text.fill(language, &values)
    }
}

/// The time line: what has a time in its order, what has none at the end of its step.
pub(crate) fn of(records: &Records) -> Vec<Event> {
    let mut events: Vec<_> = [contact(records)].into_iter().chain(requests(records)).collect();
    events.extend(list(records));
    events.extend(capf(records));
    events.push(event(None, Stage::Sccp, State::Open, REGISTRATION));
    // The first contact stays first, what is to come stays last.
    events.sort_by_key(|event| match event.at {
        Some(at) if event.stage != Stage::Dhcp => (1, at, event.stage),
        Some(at) => (0, at, event.stage),
        None if event.stage == Stage::Dhcp => (0, records.now, event.stage),
        None => (2, records.now, event.stage),
    });
    events
}

fn event(at: Option<SystemTime>, stage: Stage, state: State, text: Text) -> Event {
    Event { at, stage, state, text, values: Vec::new(), detail: None }
}

/// DHCP itself is not seen here; that the phone came is.
fn contact(records: &Records) -> Event {
    match records.requests.first() {
        Some(first) => Event {
            values: vec![("from", first.from.ip().to_string()), ("node", records.node.clone())],
            ..event(Some(first.at), Stage::Dhcp, State::Ok, CAME)
        },
        None => Event {
            values: vec![("node", records.node.clone())],
            ..event(None, Stage::Dhcp, State::Open, NEVER_CAME)
        },
    }
}

fn requests(records: &Records) -> impl Iterator<Item = Event> {
    let left_out = records.requests.len().saturating_sub(MOST_REQUESTS);
    let note = records.requests.get(left_out.wrapping_sub(1)).map(|record| Event {
        values: vec![("count", left_out.to_string())],
        ..event(Some(record.at), Stage::Tftp, State::Open, LEFT_OUT)
    });
    note.into_iter().chain(records.requests[left_out..].iter().map(request))
}

fn request(record: &Record) -> Event {
    let stage = if is_ctl(&record.name) { Stage::Ctl } else { Stage::Tftp };
    let mut values = vec![("file", record.name.clone())];
    let (state, text) = match &record.outcome {
        Outcome::Completed => {
            values.push(("bytes", record.size.unwrap_or_default().to_string()));
            values.push(("rule", record.rule.clone().unwrap_or_default()));
            match (&record.ctl_version, &record.signer) {
                (Some(md5), _) => {
                    values.push(("md5", md5.clone()));
                    (State::Ok, GOT_LIST)
                }
                (None, Some(signer)) => {
                    values.push(("signer", signer.clone()));
                    (State::Ok, GOT_SIGNED)
                }
                (None, None) => (State::Ok, GOT),
            }
        }
        // Phones try many names that nobody has.
        Outcome::Refused(Refusal::NotFound) => (State::Open, NOT_FOUND),
        Outcome::Refused(refusal) => {
            values.push(("why", refusal.to_string()));
            (State::Failed, REFUSED)
        }
        Outcome::PeerError { code, text } => {
            values.push(("why", format!("{code:?}: {text}")));
            (State::Failed, PHONE_REFUSED)
        }
        Outcome::TimedOut => (State::Failed, SILENT),
        Outcome::Abandoned => (State::Open, GAVE_UP),
    };
    Event { values, ..event(Some(record.at), stage, state, text) }
}

fn list(records: &Records) -> Option<Event> {
    let present = records.list.as_ref().map(|list| hex(&list.md5()));
    let known = records.held.as_ref()?;
    let (state, text, md5) = match &known.held {
        Held::Nothing => (State::Open, HOLDS_NOTHING, String::new()),
        Held::Lost(_) => (State::Failed, HOLDS_UNKNOWN, String::new()),
        Held::List(list) => {
            let md5 = hex(&list.md5());
            match present.as_ref() == Some(&md5) {
                true => (State::Ok, HOLDS_PRESENT, md5),
                false => (State::Failed, HOLDS_OTHER, md5),
            }
        }
    };
    let values = vec![("md5", md5), ("present", present.unwrap_or_else(|| "-".into()))];
    Some(Event { values, ..event(None, Stage::Ctl, state, text) })
}

fn capf(records: &Records) -> Vec<Event> {
    let certificates = records.certificates.iter().map(|certificate| Event {
        values: vec![
            ("kind", certificate.kind.to_string().to_uppercase()),
            ("issuer", certificate.issuer.clone()),
            ("until", pki::check::day(certificate.not_after)),
        ],
        detail: (!certificate.present).then_some(NO_LONGER),
        ..event(Some(certificate.noted_at), Stage::Capf, State::Ok, CERTIFICATE)
    });
    let mut events: Vec<_> = certificates.collect();
    let Some(capf) = &records.capf else {
        events.push(event(None, Stage::Capf, State::Open, NO_OPERATION));
        return events;
    };
    if let Some(result) = &capf.result {
        let state = match capf.status {
            CapfStatus::UpgradeFailed
            | CapfStatus::DeleteFailed
            | CapfStatus::TroubleshootFailed => State::Failed,
            CapfStatus::Pending => State::Open,
            _ => State::Ok,
        };
        events.push(Event {
            values: vec![
                ("status", capf.status.to_string()),
                ("reason", result.reason.to_string()),
                ("why", result.detail.clone()),
            ],
            ..event(Some(result.at), Stage::Capf, state, SESSION)
        });
    }
    events.push(match capf.operation {
        CapfOperation::None => event(None, Stage::Capf, State::Ok, NO_OPERATION),
        operation => Event {
            values: vec![
                ("operation", operation.to_string()),
                ("mode", capf.auth_mode.to_string()),
            ],
            ..event(None, Stage::Capf, State::Open, WAITS)
        },
    });
    events
}

const CAME: Text = Text::new(
    "{from} came to {node}: its DHCP option 150, 66 or alternate TFTP server leads here",
    "{from} が {node} に接続しました。DHCP オプション 150、66、または代替 TFTP サーバがここを指しています",
);
const NEVER_CAME: Text = Text::new(
    "no request at {node} that is remembered; leases are not seen here",
    "{node} に記録された要求はありません。DHCP のリースはここでは確認できません",
);
const LEFT_OUT: Text = Text::new("{count} earlier requests", "以前の要求 {count} 件");
const GOT: Text = Text::new("{file}: {bytes} bytes, {rule}", "{file}: {bytes} バイト、{rule}");
const GOT_SIGNED: Text = Text::new(
    "{file}: {bytes} bytes, {rule}, signed by {signer}",
    "{file}: {bytes} バイト、{rule}、署名者 {signer}",
);
const GOT_LIST: Text =
    Text::new("{file}: {bytes} bytes, MD5 {md5}", "{file}: {bytes} バイト、MD5 {md5}");
const NOT_FOUND: Text = Text::new("{file}: there is none", "{file}: ファイルはありません");
const REFUSED: Text = Text::new("{file}: {why}", "{file}: 拒否: {why}");
const PHONE_REFUSED: Text =
    Text::new("{file}: the phone said {why}", "{file}: 電話機のエラー: {why}");
const SILENT: Text =
    Text::new("{file}: the phone fell silent", "{file}: 電話機が応答しなくなりました");
const GAVE_UP: Text = Text::new("{file}: the phone gave up", "{file}: 電話機が中止しました");
const HOLDS_NOTHING: Text = Text::new(
    "holds no CTL file; the present one is {present}",
    "CTL ファイルを保持していません。現在のファイルは {present} です",
);
const HOLDS_UNKNOWN: Text = Text::new(
    "holds a CTL file that nobody knows; the present one is {present}",
    "不明な CTL ファイルを保持しています。現在のファイルは {present} です",
);
const HOLDS_PRESENT: Text =
    Text::new("holds the present CTL file, {md5}", "現在の CTL ファイル {md5} を保持しています");
const HOLDS_OTHER: Text = Text::new(
    "holds the CTL file {md5}; the present one is {present}",
    "CTL ファイル {md5} を保持しています。現在のファイルは {present} です",
);
const CERTIFICATE: Text = Text::new(
    "{kind} by {issuer}, valid until {until}{detail}",
    "{kind}、発行者 {issuer}、有効期限 {until}{detail}",
);
const NO_LONGER: Text = Text::new("; the phone no longer has it", "。電話機にはもうありません");
const SESSION: Text = Text::new(
    "session ended, status {status}: {reason} {why}",
    "セッション終了、状態 {status}: {reason} {why}",
);
const WAITS: Text = Text::new(
    "waits: {operation}, authenticated by {mode}",
    "待機中: {operation}、認証モード {mode}",
);
const NO_OPERATION: Text = Text::new("no operation is pending", "保留中の操作はありません");
const REGISTRATION: Text = Text::new(
    "registrations are not recorded yet: look at the phone's display",
    "登録はまだ記録されていません。電話機の表示を確認してください",
);
