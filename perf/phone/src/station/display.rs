//! What a telephone shows, rings and lights.

use std::fmt;
use std::time::{Duration, Instant};

use sccp::codes::{
    ButtonType, CallStatus, CallType, LampMode, RingMode, SecurityStatus, SoftKeySetIndex, Tone,
};
use sccp::server::DefineTimeDate;
use sccp::{CallRef, LineInstance};

use super::Caption;
use super::soft_keys::Selection;

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// Whether it is served.
    pub registration: Registration,
    /// Its lines, by their buttons.
    pub lines: Vec<Line>,
    /// Its speed dials, by their buttons.
    pub speed_dials: Vec<SpeedDial>,
    /// Its calls and those of others on its lines, the oldest first.
    pub calls: Vec<Call>,
    /// The line whose calls are shown; 0 is none.
    pub plane: u32,
    /// The text when nothing goes on.
    pub prompt: Caption,
    /// A text that covers the others for a while.
    pub notice: Option<Notice>,
    /// How it rings.
    pub ring: Option<RingMode>,
    /// A tone that belongs to no call that is shown; servers may sound it before they show the
    /// call.
    pub tone: Option<(CallRef, Tone)>,
    /// Lamps that shine, but for those of lines.
    pub lamps: Vec<Lamp>,
    /// Whether the loudspeaker is on.
    pub speaker: bool,
    /// Whether the handset is up.
    pub handset_up: bool,
    /// The number that was dialled last.
    pub last_number: String,
    /// The time, as it was when a server told it.
    pub time: Option<Time>,
    /// The soft keys when nothing goes on.
    pub(super) keys: Selection,
}

/// Whether a telephone is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// It is not, and does nothing about it.
    #[default]
    None,
    /// It looks for a server.
    Registering,
    /// The server with this index serves it.
    Registered(usize),
    /// A server refused it with this text, and it waits.
    Rejected(Caption),
    /// Its server is lost, and a call goes on without.
    Preserved,
}

/// A line button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub number: Caption,
    /// What stands beside its button.
    pub label: Caption,
    /// Where all its calls go; empty: nowhere else.
    pub forward: String,
    /// Its lamp.
    pub lamp: LampMode,
}

/// A speed dial button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpeedDial {
    /// What it dials.
    pub number: Caption,
    /// What stands beside it.
    pub label: Caption,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub call: CallRef,
    /// On which line.
    pub line: LineInstance,
    /// What it does.
    pub state: CallStatus,
    /// Who speaks with whom, once it was told.
    pub info: Option<Box<Info>>,
    /// The text with it.
    pub prompt: Caption,
    /// A text that covers the other one until then.
    pub notice: Option<(Caption, Instant)>,
    /// What its user hears instead of speech.
    pub tone: Option<Tone>,
    /// The last short sound that he heard, a beep or a digit.
    pub sound: Option<Tone>,
    /// Whether others may not see it.
    pub private: bool,
    pub(super) keys: Selection,
}

/// Who speaks with whom, and how secure that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Who called.
    pub calling: Party,
    /// Who was called.
    pub called: Party,
    /// Who was called at first.
    pub original: Party,
    /// Who sent the call here, if somebody did.
    pub redirecting: Party,
    /// Whether it came in or goes out.
    pub call_type: CallType,
    /// Number of the call on its line, from 1.
    pub instance: u32,
    /// The icon.
    pub icon: Icon,
}

/// Somebody in a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// His number.
    pub number: Caption,
    /// His name.
    pub name: Caption,
}

/// The icon beside a call, and what it promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Icon {
    /// No icon: not known yet.
    #[default]
    Unknown,
    /// No icon: somebody in the call is not authenticated.
    None,
    /// A shield: everybody is authenticated.
    Shield,
    /// A lock: speech is encrypted from end to end.
    Lock,
}

/// A text that covers the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The text.
    pub text: Caption,
    /// Lower numbers win.
    pub priority: u32,
    /// Until then; `None`: until it is taken away.
    pub until: Option<Instant>,
}

/// A lamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lamp {
    /// Of buttons with which function.
    pub button: ButtonType,
    /// Which one of them.
    pub instance: u32,
    /// How it shines.
    pub mode: LampMode,
}

/// A time of day at the telephone's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// As the server told it.
    pub told: DefineTimeDate,
    /// Order and separators of a date: `M/D/Y`; an `A` at the end is the 12-hour clock.
    pub template: String,
}

/// More than any telephone shows.
const MAX_CALLS: usize = 64;
const MAX_LAMPS: usize = 64;

impl Display {
    /// A call by its reference.
    pub fn call(&self, call: CallRef) -> Option<&Call> {
        self.calls.iter().find(|other| other.call == call)
    }

    /// The call that has the handset, the speaker or the headset.
    pub fn active(&self) -> Option<&Call> {
        self.calls.iter().find(|call| call.is_active())
    }

    /// The oldest call that rings.
    pub fn ringing(&self) -> Option<&Call> {
        self.calls.iter().find(|call| call.state == CallStatus::RING_IN)
    }

    /// Whether messages wait in the mailbox of its user.
    pub fn message_waiting(&self) -> bool {
        let waits = |lamp: &Lamp| lamp.button == ButtonType::VOICEMAIL && lamp.instance == 0;
        self.lamps.iter().any(waits)
    }

    pub(super) fn call_mut(&mut self, call: CallRef) -> Option<&mut Call> {
        self.calls.iter_mut().find(|other| other.call == call)
    }

    pub(super) fn line_mut(&mut self, line: u32) -> Option<&mut Line> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.lines.get_mut(index)
    }

    /// A call that is shown from now on, if it was not before.
    pub(super) fn add_call(&mut self, call: CallRef, line: LineInstance) -> Option<&mut Call> {
        if self.call(call).is_none() && self.calls.len() < MAX_CALLS {
            let tone = self.tone.take_if(|(other, _)| *other == call).map(|(_, tone)| tone);
            self.calls.push(Call {
                call,
                line,
                state: CallStatus::IDLE,
                info: None,
                prompt: Caption::default(),
                notice: None,
                tone,
                sound: None,
                private: false,
                keys: Selection { set: SoftKeySetIndex::ON_HOOK, valid: 0 },
            });
        }
        self.call_mut(call)
    }

    /// Switches a lamp; says whether that changed anything.
    pub(super) fn light(&mut self, button: ButtonType, instance: u32, mode: LampMode) -> bool {
        if button == ButtonType::LINE {
            let Some(line) = self.line_mut(instance) else { return false };
            return std::mem::replace(&mut line.lamp, mode) != mode;
        }
        let same = |lamp: &Lamp| lamp.button == button && lamp.instance == instance;
        let before = self.lamps.iter().find(|lamp| same(lamp)).map(|lamp| lamp.mode);
        self.lamps.retain(|lamp| !same(lamp));
        let shines = mode != LampMode::OFF;
        if shines && self.lamps.len() < MAX_LAMPS {
            self.lamps.push(Lamp { button, instance, mode });
        }
        before != shines.then_some(mode)
    }

    /// When [`Display::expire`] is to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        let calls = self.calls.iter().filter_map(|call| call.notice.as_ref());
        let notice = self.notice.as_ref().and_then(|notice| notice.until);
        calls.map(|(_, until)| *until).chain(notice).min()
    }

    /// Takes away what was shown for a while.
    pub(super) fn expire(&mut self, now: Instant) {
        self.notice.take_if(|notice| notice.until.is_some_and(|until| until <= now));
        for call in &mut self.calls {
            call.notice.take_if(|(_, until)| *until <= now);
        }
    }

    /// Shows nothing any more.
    pub(super) fn clear(&mut self) {
        let last_number = std::mem::take(&mut self.last_number);
        *self = Self { handset_up: self.handset_up, last_number, ..Self::default() };
    }
}

impl Call {
    /// Whether it is a call of this telephone, not only one of another on its line.
    pub fn is_own(&self) -> bool {
        let elsewhere = matches!(self.state, CallStatus::IN_USE_REMOTE | CallStatus::REMOTE_HOLD);
        !elsewhere && self.keys.set != SoftKeySetIndex::STEALABLE
    }

    /// Whether it has the handset, the speaker or the headset.
    pub fn is_active(&self) -> bool {
        matches!(
            self.state,
            CallStatus::OFF_HOOK
                | CallStatus::RING_OUT
                | CallStatus::CONNECTED
                | CallStatus::BUSY
                | CallStatus::CONGESTION
                | CallStatus::PROCEED
                | CallStatus::INVALID_NUMBER
        )
    }

    /// The icon beside it.
    pub fn icon(&self) -> Icon {
        self.info.as_ref().map(|info| info.icon).unwrap_or_default()
    }

    /// The one at the other end.
    pub fn other(&self) -> Option<&Party> {
        let info = self.info.as_deref()?;
        Some(if info.call_type == CallType::OUTBOUND { &info.called } else { &info.calling })
    }

    /// The set of soft keys with it.
    pub fn key_set(&self) -> SoftKeySetIndex {
        self.keys.set
    }

    /// The text to show with it.
    pub fn text(&self) -> &Caption {
        self.notice.as_ref().map_or(&self.prompt, |(text, _)| text)
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Shield => "shield",
            Self::Lock => "lock",
        })
    }
}

impl Icon {
    pub(super) fn of(status: SecurityStatus) -> Self {
        match status {
            SecurityStatus::ENCRYPTED => Self::Lock,
            SecurityStatus::AUTHENTICATED => Self::Shield,
            SecurityStatus::UNKNOWN => Self::Unknown,
            _ => Self::None,
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        let (number, label, forward) = Default::default();
        Self { number, label, forward, lamp: LampMode::OFF }
    }
}

/// When what is shown for so many seconds is taken away; 0 is never.
pub(super) fn until(now: Instant, seconds: u32) -> Option<Instant> {
    let shown = Duration::from_secs(seconds.min(3600).into());
    (seconds != 0).then(|| now + shown)
}
