//! What a script can let a telephone do.

use std::time::{Duration, Instant};

use capf::codec::Password;
use sccp::codes::{CallStatus, Phrase};

use super::{Condition, Crew, Failure, SyntaxError};
use crate::media::Track;
use crate::office::PhoneId;
use crate::station::{Key, NotPossible, Outage};

/// What stands behind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `registers`: starts, and waits until it is served.
    Register,
    /// `starts`: the same without waiting.
    Start,
    /// `leaves`: says goodbye to its server.
    Leave,
    /// `loses power`
    LosePower,
    /// `dials NUMBER`: lifts the handset, and presses digits.
    Dial(String),
    /// `calls NUMBER`: from a list.
    Call(String),
    /// `types DIGITS`: into its call.
    Type(String),
    /// `answers`: what rings, or will ring.
    Answer,
    /// `lifts`, `hangs up`, `presses speaker`, `presses line N`, `presses speed-dial N`,
    /// `presses LABEL` and the verbs for soft keys.
    Press(Key),
    /// `says TRACK`
    Say(Track),
    /// `enters STRING`: the authentication string for CAPF, used at its next start.
    Enter(Password),
}

/// A registration with files and certificates takes its time.
const REGISTRATION: Duration = Duration::from_secs(60);

impl Action {
    /// Reads what stands behind a name.
    pub fn parse(words: &[&str]) -> Result<Self, SyntaxError> {
        let unknown = || SyntaxError(format!("no phone can do {:?}", words.join(" ")));
        let soft = |label| Ok(Self::Press(Key::Soft(label)));
        match *words {
            ["registers"] => Ok(Self::Register),
            ["starts"] => Ok(Self::Start),
            ["leaves"] => Ok(Self::Leave),
            ["loses", "power"] => Ok(Self::LosePower),
            ["dials", number] => Ok(Self::Dial(number.to_owned())),
            ["calls", number] => Ok(Self::Call(number.to_owned())),
            ["types", digits] => Ok(Self::Type(digits.to_owned())),
            ["answers"] => Ok(Self::Answer),
            ["lifts"] => Ok(Self::Press(Key::OffHook)),
            ["hangs", "up"] => Ok(Self::Press(Key::OnHook)),
            ["holds"] => soft(Phrase::HOLD),
            ["resumes"] => soft(Phrase::RESUME),
            ["transfers"] => soft(Phrase::TRNSFER),
            ["confers"] => soft(Phrase::CONFRN),
            ["barges"] => soft(Phrase::BARGE),
            ["cbarges"] => soft(Phrase::C_BARGE),
            ["redials"] => soft(Phrase::REDIAL),
            ["presses", "speaker"] => Ok(Self::Press(Key::Speaker)),
            ["presses", "line", number] => {
                number.parse().map(|number| Self::Press(Key::Line(number))).map_err(|_| unknown())
            }
            ["presses", "speed-dial", number] => number
                .parse()
                .map(|number| Self::Press(Key::SpeedDial(number)))
                .map_err(|_| unknown()),
            ["presses", label] => {
                let labelled = |phrase: &Phrase| {
                    phrase.name().is_some_and(|name| name.eq_ignore_ascii_case(label))
                };
                let phrase = (1..=u8::MAX).map(Phrase).find(labelled);
                phrase.map(|phrase| Self::Press(Key::Soft(phrase))).ok_or_else(unknown)
            }
            ["says", track] => {
                track.parse().map(Self::Say).map_err(|error| SyntaxError(format!("{error}")))
            }
            ["enters", string] => Password::new(string).map(Self::Enter).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

impl Crew {
    /// Lets a telephone do something; where it has to be able to first, that is waited for.
    pub fn act(&mut self, name: &str, action: &Action) -> Result<(), Failure> {
        let phone = self.phone(name)?;
        let patience = self.settings.patience;
        match action {
            Action::Register => {
                self.start(phone, Outage::Initialized);
                let patience = patience.max(REGISTRATION);
                self.expect(name, &Condition::Registered(None), patience)?;
            }
            Action::Start => self.start(phone, Outage::Initialized),
            Action::Leave => self.office.stop(phone),
            Action::LosePower => self.office.power_off(phone),
            Action::Dial(number) => {
                if !self.can_dial(phone) {
                    self.press(name, phone, Key::OffHook)?;
                    self.expect(name, &Condition::State(CallStatus::OFF_HOOK), patience)?;
                }
                self.type_digits(name, phone, number)?;
            }
            Action::Call(number) => self.press(name, phone, Key::Number(number.clone()))?,
            Action::Type(digits) => self.type_digits(name, phone, digits)?,
            Action::Answer => {
                self.expect(name, &Condition::Ringing, patience)?;
                self.press(name, phone, Key::OffHook)?;
            }
            Action::Press(key) => self.press(name, phone, key.clone())?,
            Action::Say(track) => {
                let call = self.station(phone).display().active().map(|call| call.call);
                self.office.media_mut().say(phone, call, track.clone());
            }
            Action::Enter(string) => self.members[phone.0].typed = Some(string.clone()),
        }
        self.note();
        Ok(())
    }

    fn can_dial(&self, phone: PhoneId) -> bool {
        let active = self.station(phone).display().active();
        active.is_some_and(|call| call.state == CallStatus::OFF_HOOK)
    }

    fn type_digits(&mut self, name: &str, phone: PhoneId, digits: &str) -> Result<(), Failure> {
        digits.chars().try_for_each(|digit| self.press(name, phone, Key::Digit(digit)))
    }

    /// Presses a key as soon as that is possible.
    fn press(&mut self, name: &str, phone: PhoneId, key: Key) -> Result<(), Failure> {
        let end = Instant::now() + self.settings.patience;
        loop {
            let why = match self.office.press(phone, key.clone()) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            let may_come = matches!(
                why,
                NotPossible::NotShown(_) | NotPossible::NotRegistered | NotPossible::NoCall
            );
            if !may_come || Instant::now() >= end {
                let found = self.describe(phone);
                return Err(Failure::NotPossible { phone: name.to_owned(), why, found });
            }
            self.turn(end)?;
        }
    }
}
