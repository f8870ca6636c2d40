//! What a script can expect of a telephone.

use std::fmt;

use sccp::CallRef;
use sccp::codes::{CallStatus, LampMode, Tone};

use super::{Crew, SyntaxError};
use crate::media::{Sound, Track};
use crate::office::PhoneId;
use crate::station::{Call, Icon, Registration};

/// Something that is true of a telephone, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is not so.
    Not(Box<Condition>),
    /// `registered [N]`: a server serves it, the Nth of its list.
    Registered(Option<usize>),
    /// `rejected [TEXT]`: the last server refused it, with this in its words.
    Rejected(String),
    /// `stays [TEXT]`: it cannot start, for a reason with this in it.
    Stays(String),
    /// `idle`: it is in no call, and none rings.
    Idle,
    /// `ringing`
    Ringing,
    /// `connected`, `state NAME`: its call is in this state.
    State(CallStatus),
    /// `icon lock|shield|none`: what the server says beside its call. Before it says anything
    /// there is none of them.
    Icon(Icon),
    /// `shows TEXT`: the text is part of what it shows with its call, or at rest.
    Shows(String),
    /// `party TEXT`: the one at the other end has this number or name.
    Party(String),
    /// `tone NAME`, `tone none`: what its user hears instead of speech, or heard last as a beep.
    Tone(Option<Tone>),
    /// `key LABEL`: the soft key is shown.
    Key(String),
    /// `lamp N on|off|blink|wink|flash`: the lamp of a line.
    Lamp(u32, LampMode),
    /// `messages`: its lamp for messages shines.
    Messages,
    /// `hears WHAT`: what its user hears in its call.
    Hears(Heard),
    /// `encrypted`: media goes out and comes in, all of it encrypted, and what comes is authentic.
    Encrypted,
    /// `plain`: media goes out or comes in, none of it encrypted.
    Plain,
    /// `lsc`: it has a certificate from CAPF.
    Lsc,
}

/// What somebody hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// No packets come.
    Nothing,
    /// Packets with nothing in them.
    Silence,
    /// Tones that change.
    Music,
    /// One tone or two.
    Tone,
    /// What another one of the crew says.
    Member(String),
    /// Somebody who says this, wherever he is.
    Track(Track),
}

impl Condition {
    /// Reads what stands behind the name in `expect NAME …`.
    pub fn parse(words: &[&str]) -> Result<Self, SyntaxError> {
        let unknown = || {
            let text = words.join(" ");
            SyntaxError(format!("{text:?} is nothing that can be expected of a phone"))
        };
        Ok(match *words {
            ["not", ref rest @ ..] => Self::Not(Box::new(Self::parse(rest)?)),
            ["registered"] => Self::Registered(None),
            ["registered", server] => match server.parse::<usize>() {
                Ok(server @ 1..) => Self::Registered(Some(server - 1)),
                _ => return Err(unknown()),
            },
            ["rejected", ref text @ ..] => Self::Rejected(text.join(" ")),
            ["stays", ref text @ ..] => Self::Stays(text.join(" ")),
            ["idle"] => Self::Idle,
            ["ringing"] => Self::Ringing,
            ["connected"] => Self::State(CallStatus::CONNECTED),
            ["held"] => Self::State(CallStatus::HOLD),
            ["state", name] => {
                let found = (0..64).map(CallStatus).find(|state| state.name() == Some(name));
                Self::State(found.ok_or_else(unknown)?)
            }
            ["icon", "lock"] => Self::Icon(Icon::Lock),
            ["icon", "shield"] => Self::Icon(Icon::Shield),
            ["icon", "none"] => Self::Icon(Icon::None),
            ["shows", ref text @ ..] if !text.is_empty() => Self::Shows(text.join(" ")),
            ["party", ref text @ ..] if !text.is_empty() => Self::Party(text.join(" ")),
            ["tone", "none"] => Self::Tone(None),
            ["tone", name] => {
                let found = (0..128).map(Tone).find(|tone| tone.name() == Some(name));
                Self::Tone(Some(found.ok_or_else(unknown)?))
            }
            ["key", label] => Self::Key(label.to_owned()),
            ["lamp", line, mode] => {
                let found = (1..8).map(LampMode).find(|known| known.name() == Some(mode));
                let line = line.parse().ok().filter(|line| *line != 0);
                let (line, mode) = line.zip(found).ok_or_else(unknown)?;
                Self::Lamp(line, mode)
            }
            ["messages"] => Self::Messages,
            ["hears", what] => Self::Hears(match what {
                "nothing" => Heard::Nothing,
                "silence" => Heard::Silence,
                "music" => Heard::Music,
                "tone" => Heard::Tone,
                name if name.contains([':', '.', '/']) => {
                    let track = name.parse();
                    Heard::Track(track.map_err(|error| SyntaxError(format!("{error}")))?)
                }
                name => Heard::Member(name.to_owned()),
            }),
            ["encrypted"] => Self::Encrypted,
            ["plain"] => Self::Plain,
            ["lsc"] => Self::Lsc,
            _ => return Err(unknown()),
        })
    }

    /// Whether it is to be looked at again and again, since sound makes no noise.
    pub(super) fn is_of_media(&self) -> bool {
        match self {
            Self::Not(other) => other.is_of_media(),
            Self::Hears(_) | Self::Encrypted | Self::Plain => true,
            _ => false,
        }
    }

    pub(super) fn holds(&self, crew: &Crew, phone: PhoneId) -> bool {
        let display = crew.station(phone).display();
        let call = in_view(crew, phone);
        match self {
            Self::Not(other) => !other.holds(crew, phone),
            Self::Registered(wanted) => match display.registration {
                // A display that was never filled belongs to a telephone that still asks.
                Registration::Registered(server) => {
                    display.time.is_some() && wanted.is_none_or(|wanted| wanted == server)
                }
                _ => false,
            },
            Self::Rejected(wanted) => match &display.registration {
                Registration::Rejected(text) => text.to_string().contains(wanted.as_str()),
                _ => false,
            },
            Self::Stays(wanted) => {
                crew.member(phone).trouble.as_ref().is_some_and(|why| why.contains(wanted.as_str()))
            }
            Self::Idle => !display.calls.iter().any(Call::is_own),
            Self::Ringing => display.ringing().is_some(),
            Self::State(state) => call.is_some_and(|call| call.state == *state),
            Self::Icon(icon) => call.is_some_and(|call| call.icon() == *icon),
            Self::Shows(text) => {
                let with_call = call.map(|call| call.text().to_string());
                let notice = display.notice.as_ref().map(|notice| notice.text.to_string());
                let texts = with_call.into_iter().chain(notice).chain([display.prompt.to_string()]);
                texts.into_iter().any(|shown| shown.contains(text.as_str()))
            }
            Self::Party(text) => call.and_then(Call::other).is_some_and(|other| {
                [&other.number, &other.name].iter().any(|shown| shown.to_string() == *text)
            }),
            Self::Tone(tone) => {
                let lasting = match call {
                    Some(call) => call.tone,
                    None => display.tone.map(|(_, tone)| tone),
                };
                let beep = call.and_then(|call| call.sound);
                lasting == *tone || (tone.is_some() && beep == *tone)
            }
            Self::Key(label) => {
                let call = call.map_or(CallRef(0), |call| call.call);
                let mut keys = crew.station(phone).soft_keys(call);
                keys.any(|key| key.label.to_string().eq_ignore_ascii_case(label))
            }
            Self::Lamp(line, mode) => {
                let index = usize::try_from(*line).unwrap_or_default().checked_sub(1);
                let line = index.and_then(|index| display.lines.get(index));
                line.is_some_and(|line| line.lamp == *mode)
            }
            Self::Messages => display.message_waiting(),
            Self::Hears(what) => {
                let Some(call) = call.map(|call| call.call) else {
                    return *what == Heard::Nothing;
                };
                let known = match what {
                    Heard::Track(track) => Some(track),
                    _ => None,
                };
                let sound = crew.office.media().hears(phone, call, known);
                is_heard(crew, what, &sound)
            }
            Self::Encrypted | Self::Plain => {
                let Some(call) = call.map(|call| call.call) else { return false };
                let security = crew.office.media().security(phone, call);
                security == Some(*self == Self::Encrypted)
            }
            Self::Lsc => crew.member(phone).has_lsc(),
        }
    }
}

/// The call that its user looks at.
fn in_view(crew: &Crew, phone: PhoneId) -> Option<&Call> {
    let display = crew.station(phone).display();
    let own = || display.calls.iter().rev().find(|call| call.is_own());
    display.active().or(display.ringing()).or_else(own).or(display.calls.last())
}

fn is_heard(crew: &Crew, what: &Heard, sound: &Sound) -> bool {
    match (what, sound) {
        (Heard::Nothing, Sound::Nothing)
        | (Heard::Silence, Sound::Silence)
        | (Heard::Music, Sound::Music)
        | (Heard::Tone, Sound::Tone(_)) => true,
        (Heard::Tone, Sound::Track(track)) => track.starts_with("tone:"),
        (Heard::Member(name), Sound::Track(track)) => {
            let says = crew.phone(name).ok().map(|other| crew.office.media().says(other));
            says.is_some_and(|says| says == *track)
        }
        (Heard::Track(said), Sound::Track(track)) => said.name() == track,
        _ => false,
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Not(other) => write!(f, "not {other}"),
            Self::Registered(None) => f.write_str("registered"),
            Self::Registered(Some(server)) => write!(f, "registered {}", server + 1),
            Self::Rejected(text) => write!(f, "rejected {text}"),
            Self::Stays(text) => write!(f, "stays {text}"),
            Self::Idle => f.write_str("idle"),
            Self::Ringing => f.write_str("ringing"),
            Self::State(state) => write!(f, "state {state}"),
            Self::Icon(icon) => write!(f, "icon {icon}"),
            Self::Shows(text) => write!(f, "shows {text:?}"),
            Self::Party(text) => write!(f, "party {text:?}"),
            Self::Tone(None) => f.write_str("tone none"),
            Self::Tone(Some(tone)) => write!(f, "tone {tone}"),
            Self::Key(label) => write!(f, "key {label}"),
            Self::Lamp(line, mode) => write!(f, "lamp {line} {mode}"),
            Self::Messages => f.write_str("messages"),
            Self::Hears(Heard::Nothing) => f.write_str("hears nothing"),
            Self::Hears(Heard::Silence) => f.write_str("hears silence"),
            Self::Hears(Heard::Music) => f.write_str("hears music"),
            Self::Hears(Heard::Tone) => f.write_str("hears tone"),
            Self::Hears(Heard::Member(name)) => write!(f, "hears {name}"),
            Self::Hears(Heard::Track(track)) => write!(f, "hears {track}"),
            Self::Encrypted => f.write_str("encrypted"),
            Self::Plain => f.write_str("plain"),
            Self::Lsc => f.write_str("lsc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_written_as_they_are_read() {
        for text in [
            "registered",
            "registered 2",
            "not ringing",
            "idle",
            "state hold",
            "icon lock",
            "icon none",
            "tone busy",
            "tone none",
            "key Barge",
            "lamp 1 blink",
            "hears music",
            "hears b",
            "hears voice:3",
            "not encrypted",
            "plain",
            "lsc",
        ] {
            let words: Vec<_> = text.split(' ').collect();
            assert_eq!(Condition::parse(&words).unwrap().to_string(), text);
        }
        for wrong in ["registered 0", "icon purple", "lamp 0 on", "lamp 1 dim", "state nowhere"] {
            let words: Vec<_> = wrong.split(' ').collect();
            assert!(Condition::parse(&words).is_err(), "{wrong}");
        }
    }
}
