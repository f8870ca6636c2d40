//! The settings menu.

use lang::{Language, Text};
use tlv::Role;

use super::view::{Settings, View};
use super::words;
use crate::media::Statistics;
use crate::network::{SettingsAccess, WebAccess};
use crate::{CapfMode, SecurityMode};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Settings,
    Volume,
    Network,
    Security,
    Ctl,
    Lsc,
    Mic,
    /// Asks for the authentication string.
    AskString,
    Model,
    Status,
    StatusMessages,
    /// Not a setting: the information key shows it as well.
    CallStatistics,
}

/// A line of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) value: String,
    /// The page behind it.
    pub(super) opens: Option<Page>,
}

/// A soft key of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MenuKey {
    Select,
    Save,
    Erase,
    Update,
    Submit,
    Backspace,
    Exit,
}

impl MenuKey {
    pub(super) fn label(self) -> Text {
        match self {
            Self::Select => words::KEY_SELECT,
            Self::Save => words::KEY_SAVE,
            Self::Erase => words::KEY_ERASE,
            Self::Update => words::KEY_UPDATE,
            Self::Submit => words::KEY_SUBMIT,
            Self::Backspace => Text::new("<<", "<<"),
            Self::Exit => words::KEY_EXIT,
        }
    }
}

impl Page {
    pub(super) fn title(self) -> Text {
        match self {
            Self::Settings => words::SETTINGS,
            Self::Volume => words::VOLUME,
            Self::Network => words::NETWORK,
            Self::Security => words::SECURITY,
            Self::Ctl => words::CTL_FILE,
            Self::Lsc => words::LSC,
            Self::Mic => words::MIC,
            Self::AskString => words::AUTHENTICATION_STRING,
            Self::Model => words::MODEL,
            Self::Status => words::STATUS,
            Self::StatusMessages => words::STATUS_MESSAGES,
            Self::CallStatistics => words::CALL_STATISTICS,
        }
    }

    /// Its soft keys, in their places.
    pub(super) fn keys(self, view: &View<'_>, unlocked: bool) -> Vec<MenuKey> {
        let has_entries = self.entries(view, Language::English).iter().any(|e| e.opens.is_some());
        let mut keys = match self {
            Self::AskString => vec![MenuKey::Submit, MenuKey::Backspace],
            Self::Ctl if unlocked && view.settings.ctl.is_some() => vec![MenuKey::Erase],
            Self::Lsc if unlocked && !view.settings.capf.is_empty() => vec![MenuKey::Update],
            Self::Volume if view.settings.hardening.saves_volume() => vec![MenuKey::Save],
            _ if has_entries => vec![MenuKey::Select],
            _ => Vec::new(),
        };
        keys.push(MenuKey::Exit);
        keys
    }

    /// What is on it, as far as the user may see it.
    pub(super) fn entries(self, view: &View<'_>, language: Language) -> Vec<Entry> {
        let settings = view.settings;
        let lines = Lines { language };
        match self {
            Self::Settings => {
                let pages: &[Self] = match settings.hardening.settings {
                    SettingsAccess::None => &[],
                    SettingsAccess::Restricted => &[Self::Volume],
                    SettingsAccess::Full => {
                        &[Self::Volume, Self::Network, Self::Security, Self::Model, Self::Status]
                    }
                };
                pages.iter().map(|page| lines.page(*page, "")).collect()
            }
            Self::Volume | Self::AskString => Vec::new(),
            Self::Network => network(view, &lines),
            Self::Security => security(settings, &lines),
            Self::Ctl => ctl(settings, &lines),
            Self::Lsc => certificate(settings.lsc.as_ref(), &lines),
            Self::Mic => certificate(settings.mic.as_ref(), &lines),
            Self::Model => {
                let profile = view.station.profile();
                vec![
                    lines.line(words::MODEL_NUMBER, format!("CP-{}", profile.model)),
                    lines.line(words::HOST_NAME, profile.device.to_string()),
                    lines.line(words::LOAD, profile.load.clone()),
                    lines.line(words::PROTOCOL, profile.version.to_string()),
                ]
            }
            Self::Status => {
                let messages = view.messages.len().to_string();
                vec![
                    lines.page(Self::StatusMessages, &messages),
                    lines.page(Self::CallStatistics, ""),
                ]
            }
            Self::StatusMessages => {
                let newest_first = view.messages.iter().rev();
                let entry = |message: &super::StatusMessage| Entry {
                    label: message.at.clone(),
                    value: message.text.clone(),
                    opens: None,
                };
                newest_first.map(entry).collect()
            }
            Self::CallStatistics => {
                view.statistics.map_or_else(Vec::new, |told| statistics(told, &lines))
            }
        }
    }
}

struct Lines {
    language: Language,
}

impl Lines {
    fn line(&self, label: Text, value: impl Into<String>) -> Entry {
        Entry { label: self.say(label), value: value.into(), opens: None }
    }

    fn words(&self, label: Text, value: Text) -> Entry {
        self.line(label, self.say(value))
    }

    fn page(&self, page: Page, value: &str) -> Entry {
        Entry { label: self.say(page.title()), value: value.to_owned(), opens: Some(page) }
    }

    fn yes_or_no(&self, label: Text, yes: bool) -> Entry {
        self.words(label, if yes { words::YES } else { words::NO })
    }

    fn say(&self, text: Text) -> String {
        text.get(self.language).to_owned()
    }
}

fn network(view: &View<'_>, lines: &Lines) -> Vec<Entry> {
    let (profile, settings) = (view.station.profile(), view.settings);
    let numbered = |label: Text, servers: &[String]| -> Vec<Entry> {
        let label = |number: usize| format!("{} {number}", lines.say(label));
        let entry = |(number, server): (usize, &String)| Entry {
            label: label(number),
            value: server.clone(),
            opens: None,
        };
        (1..).zip(servers).map(entry).collect()
    };
    let mut entries = vec![
        lines.line(words::HOST_NAME, profile.device.to_string()),
        lines.line(words::ADDRESS, profile.address.to_string()),
    ];
    entries.extend(numbered(words::TFTP_SERVER, &settings.tftp));
    entries.extend(numbered(words::CALL_MANAGER, &settings.call_managers));
    entries.extend([
        lines.yes_or_no(words::PC_PORT, !settings.hardening.pc_port),
        lines.yes_or_no(words::PC_VOICE_VLAN, settings.hardening.pc_voice_vlan),
        lines.yes_or_no(words::GARP, settings.hardening.gratuitous_arp),
    ]);
    entries
}

fn security(settings: &Settings, lines: &Lines) -> Vec<Entry> {
    let installed =
        |there: bool| lines.say(if there { words::INSTALLED } else { words::NOT_INSTALLED });
    let ctl = settings.ctl.as_ref();
    let capf = match (settings.capf_begun, settings.capf_mode) {
        (true, _) => words::CAPF_BEGUN,
        (false, CapfMode::Nothing) => words::CAPF_IDLE,
        (false, CapfMode::String) => words::CAPF_STRING,
        (false, _) => words::CAPF_PENDING,
    };
    let mut entries = vec![
        lines.words(
            words::WEB,
            match settings.hardening.web {
                WebAccess::Full => words::YES,
                WebAccess::ReadOnly => words::READ_ONLY,
                WebAccess::Closed => words::NO,
            },
        ),
        lines.words(
            words::SECURITY_MODE,
            match settings.mode {
                SecurityMode::NonSecure => words::NON_SECURE,
                SecurityMode::Authenticated => words::AUTHENTICATED,
                SecurityMode::Encrypted => words::ENCRYPTED,
            },
        ),
        lines.page(Page::Mic, &installed(settings.mic.is_some())),
        lines.page(Page::Lsc, &installed(settings.lsc.is_some())),
        lines.page(Page::Ctl, &ctl.map_or_else(|| installed(false), |ctl| hex(&ctl.md5))),
    ];
    entries.extend(settings.capf.iter().map(|server| lines.line(words::CAPF_SERVER, server)));
    entries.push(lines.words(words::CAPF_STATUS, capf));
    entries
}

fn ctl(settings: &Settings, lines: &Lines) -> Vec<Entry> {
    let Some(ctl) = &settings.ctl else { return Vec::new() };
    let role = |role: Role| match role {
        Role::Sast => words::ROLE_SAST,
        Role::Ccm => words::ROLE_CALL_MANAGER,
        Role::CcmTftp => words::ROLE_CALL_MANAGER_TFTP,
        Role::Tftp => words::ROLE_TFTP,
        Role::Capf => words::ROLE_CAPF,
        Role::AppServer | Role::Tvs | Role::Other(_) => words::ROLE_OTHER,
    };
    let md5 = Entry { label: "MD5".to_owned(), value: hex(&ctl.md5), opens: None };
    let authorities =
        ctl.authorities.iter().map(|known| lines.line(role(known.role), known.name.clone()));
    [md5].into_iter().chain(authorities).collect()
}

fn certificate(names: Option<&[String; 2]>, lines: &Lines) -> Vec<Entry> {
    match names {
        None => vec![lines.words(words::CERTIFICATE, words::NOT_INSTALLED)],
        Some([subject, issuer]) => vec![
            lines.words(words::CERTIFICATE, words::INSTALLED),
            lines.line(words::SUBJECT, subject.clone()),
            lines.line(words::ISSUER, issuer.clone()),
        ],
    }
}

fn statistics(Statistics { sent, received }: &Statistics, lines: &Lines) -> Vec<Entry> {
    let cipher = |suite: Option<&'static str>| {
        suite.map_or_else(|| lines.say(words::NO_CIPHER), str::to_owned)
    };
    let source = received.source.map_or_else(String::new, |source| source.to_string());
    let round_trip = sent.round_trip_ms.map_or_else(String::new, |ms| format!("{ms:.1} ms"));
    vec![
        lines.line(words::RECEIVER_CIPHER, cipher(received.suite)),
        lines.line(words::SENDER_CIPHER, cipher(sent.suite)),
        lines.line(words::RECEIVED, received.packets.to_string()),
        lines.line(words::SENT, sent.packets.to_string()),
        lines.line(words::LOST, received.lost.to_string()),
        lines.line(words::REORDERED, received.reordered.to_string()),
        lines.line(words::JITTER, format!("{:.1} ms", received.jitter_ms)),
        lines.line(words::ROUND_TRIP, round_trip),
        lines.line(words::REJECTED_PACKETS, received.rejected.authentication.to_string()),
        lines.line(words::SOURCE, source),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
