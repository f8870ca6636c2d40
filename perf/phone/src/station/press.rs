//! What the user of a telephone does.

use std::time::Instant;

use sccp::codes::{ButtonType, CallStatus, Key as PadKey, Phrase};
use sccp::phone::{
    EnblocCall, KeypadButton, LineBehindNumber, OffHook, OffHookWithCgpn, OnHook, SoftKeyEvent,
    Stimulus,
};
use sccp::{CallRef, LineInstance, Number};
use thiserror::Error;

use super::link::Phase;
use super::{Call, Station};

/// A key, for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    /// What.
    pub key: Key,
    /// For which call; 0 is the one that it makes sense for.
    pub call: CallRef,
}

impl From<Key> for Press {
    fn from(key: Key) -> Self {
        Self { key, call: CallRef(0) }
    }
}

/// What a user can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Lifts the handset: answers what rings, or begins a call.
    OffHook,
    /// Begins a call in the name of another number, as voicemail ports do to switch its lamp.
    OffHookFor(String),
    /// Puts it down.
    OnHook,
    /// Presses the speaker key: as if the handset were lifted or put down.
    Speaker,
    /// Presses a key of the dial pad.
    Digit(char),
    /// Chooses a number from a list.
    Number(String),
    /// Presses a line button, from 1.
    Line(u32),
    /// Presses a speed dial button, from 1.
    SpeedDial(u32),
    /// Presses a soft key that is shown.
    Soft(Phrase),
    /// Presses a key with a fixed function.
    Fixed(ButtonType),
}

/// Why nothing follows from what a user does.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotPossible {
    /// Nobody serves the telephone.
    #[error("it is not registered")]
    NotRegistered,
    /// The soft key is not on the display.
    #[error("the soft key {0} is not shown")]
    NotShown(Phrase),
    /// There is no such button.
    #[error("there is no such button")]
    NoButton,
    /// No key of the dial pad.
    #[error("there is no key {0:?}")]
    NoKey(char),
    /// Not in a call into which digits could go.
    #[error("it is in no call")]
    NoCall,
    /// The call is not one of its own.
    #[error("it has no call {0}")]
    UnknownCall(CallRef),
}

impl Station {
    /// Its user does something.
    pub fn press(&mut self, now: Instant, press: impl Into<Press>) -> Result<(), NotPossible> {
        let Press { key, call } = press.into();
        if matches!(self.phase(), Phase::Preserved { .. }) {
            return self.press_preserved(now, &key);
        }
        if call != CallRef(0) && self.display.call(call).is_none() {
            return Err(NotPossible::UnknownCall(call));
        }
        match &key {
            Key::OffHook => self.display.handset_up = true,
            Key::OnHook => self.display.handset_up = false,
            _ => {}
        }
        if !matches!(self.phase(), Phase::Registered(_)) {
            return Err(NotPossible::NotRegistered);
        }
        let active = self.display.active().map(|call| (call.line, call.call));
        let (line, meant) = match self.display.call(call) {
            Some(call) => (call.line, call.call),
            None => active.unwrap_or_default(),
        };
        match key {
            Key::OffHook => self.lift(call, active.is_some()),
            Key::OffHookFor(number) => {
                let mailbox = Number::new(&number);
                self.send(OffHookWithCgpn {
                    calling_party: mailbox.clone(),
                    calling_party_voice_mailbox: mailbox,
                    line: LineInstance(1),
                });
            }
            Key::OnHook => self.put_down(line, meant),
            Key::Speaker if active.is_some() => self.put_down(line, meant),
            Key::Speaker => self.lift(call, false),
            Key::Digit(digit) => {
                let button = PadKey::of(digit).ok_or(NotPossible::NoKey(digit))?;
                if meant == CallRef(0) {
                    return Err(NotPossible::NoCall);
                }
                self.send(KeypadButton { button, line, call: meant });
            }
            Key::Number(number) => {
                let line = LineInstance(line.0.max(1));
                let called_party = Number::new(&number);
                self.send(EnblocCall { called_party, line: LineBehindNumber(line) });
            }
            Key::Line(line) => self.button(ButtonType::LINE, line, self.display.lines.len())?,
            Key::SpeedDial(number) => {
                self.button(ButtonType::SPEED_DIAL, number, self.display.speed_dials.len())?;
            }
            Key::Soft(label) => self.soft_key(label, call)?,
            Key::Fixed(stimulus) => {
                let instance = LineInstance(line.0.max(1));
                self.send(Stimulus { stimulus, instance, call: meant, status: 0 });
            }
        }
        Ok(())
    }

    /// Without a server a call can be ended, and nothing else.
    fn press_preserved(&mut self, now: Instant, key: &Key) -> Result<(), NotPossible> {
        match key {
            Key::OnHook | Key::Speaker | Key::Soft(Phrase::END_CALL) => {
                self.display.handset_up = false;
                self.end_preserved(now);
                Ok(())
            }
            _ => Err(NotPossible::NotRegistered),
        }
    }

    fn lift(&mut self, call: CallRef, busy: bool) {
        let wanted = self.display.call(call).or(self.display.ringing());
        let rings = wanted.filter(|call| call.state == CallStatus::RING_IN);
        match rings.map(|call| (call.line, call.call)) {
            Some((line, call)) => self.send(OffHook { line, call }),
            // Whoever speaks goes over from speaker to handset.
            None if busy => {}
            None => self.send(OffHook { line: LineInstance(1), call: CallRef(0) }),
        }
    }

    fn put_down(&mut self, line: LineInstance, call: CallRef) {
        self.send(OnHook { line, call });
    }

    fn button(&mut self, kind: ButtonType, which: u32, count: usize) -> Result<(), NotPossible> {
        let there = (1..=count).contains(&usize::try_from(which).unwrap_or_default());
        if !there {
            return Err(NotPossible::NoButton);
        }
        self.send(Stimulus { stimulus: kind, instance: LineInstance(which), ..Default::default() });
        Ok(())
    }

    fn soft_key(&mut self, label: Phrase, call: CallRef) -> Result<(), NotPossible> {
        let found = match call {
            CallRef(0) => self.offering(label),
            call => self.display.call(call).and_then(|call| self.offered(call, label)),
        };
        let event = found.ok_or(NotPossible::NotShown(label))?;
        self.send(event);
        Ok(())
    }

    /// The key with a call, if it is shown with that.
    fn offered(&self, call: &Call, label: Phrase) -> Option<SoftKeyEvent> {
        let event = self.soft_keys.event(call.keys, label)?;
        Some(SoftKeyEvent { event, line: call.line, call: call.call })
    }

    /// The key with the call that its user has in mind: the one he speaks in, the one that rings,
    /// any other; or with none.
    fn offering(&self, label: Phrase) -> Option<SoftKeyEvent> {
        let calls = &self.display.calls;
        let ranked =
            [Call::is_active as fn(&Call) -> bool, |call| call.state == CallStatus::RING_IN];
        let ranked =
            ranked.into_iter().flat_map(|first| calls.iter().filter(move |call| first(call)));
        let with_call = ranked.chain(calls).find_map(|call| self.offered(call, label));
        with_call.or_else(|| {
            let event = self.soft_keys.event(self.display.keys, label)?;
            Some(SoftKeyEvent { event, line: LineInstance(0), call: CallRef(0) })
        })
    }
}
