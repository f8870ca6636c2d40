//! What a button does.

use std::time::Duration;

use sccp::CallRef;
use sccp::codes::{ButtonType, CallStatus};

use super::menu::{MenuKey, Page};
use super::{Button, LOUDEST, Screen, View, words};
use crate::network::SettingsAccess;
use crate::station::{Call, Key, NotPossible, Press, SoftKey};

/// What the telephone is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Something that its server is to know.
    Press(Press),
    /// Forget its trust lists, and start anew.
    EraseTrustLists,
    /// Go to CAPF with this authentication string.
    Enrol(String),
    /// Be no more.
    Quit,
}

/// Soft keys that fit.
pub(super) const SOFT_KEYS: usize = 4;

/// What unlocks the menu.
const COMBINATION: [char; 3] = ['*', '*', '#'];

/// Digits of a number, or of an authentication string.
const LONGEST_NUMBER: usize = 24;
const STRING: std::ops::RangeInclusive<usize> = 4..=10;

/// How long a note is shown.
const NOTE: Duration = Duration::from_secs(4);

/// A soft key that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'v> {
    /// One of the server.
    Server(&'v SoftKey),
    /// One of the menu.
    Menu(MenuKey),
    Dial,
    Backspace,
    Cancel,
    More,
}

impl Screen {
    /// The user presses a button. What follows is for the telephone; its refusals may come back by
    /// [`Screen::refused`].
    pub fn press(&mut self, view: &View<'_>, button: Button) -> Vec<Act> {
        self.refresh(view);
        match button {
            Button::Soft(place) => {
                let key = self.soft_keys(view).get(place).copied();
                return key.map_or_else(Vec::new, |key| self.soft_key(view, key));
            }
            Button::Digit(digit) => return self.digit(view, digit),
            Button::Line(number) => return self.line(view, number),
            Button::Up => self.step(view, -1),
            Button::Down => self.step(view, 1),
            Button::Select if !self.menu.is_empty() => self.open_chosen(view),
            Button::Select if !self.typed.is_empty() => return self.dial(view),
            Button::Select => {}
            Button::Back => self.back(),
            Button::Handset => return self.hook(view, Key::OffHook),
            Button::Speaker => return self.hook(view, Key::Speaker),
            Button::Louder => self.set_volume(view, (self.volume + 1).min(LOUDEST)),
            Button::Quieter => self.set_volume(view, self.volume.saturating_sub(1)),
            Button::Settings => self.toggle(Page::Settings),
            Button::Info => self.toggle(Page::CallStatistics),
            Button::Messages => {
                return vec![self.for_call(view, Key::Fixed(ButtonType::VOICEMAIL))];
            }
            Button::Quit => return vec![Act::Quit],
        }
        Vec::new()
    }

    /// What follows once the telephone has heard from its server: a number that was typed before it
    /// gave a dial tone. To be asked for after [`Screen::refresh`].
    pub fn due(&mut self, view: &View<'_>) -> Vec<Act> {
        let display = view.station.display();
        let dial_tone = |call: &Call| call.state == CallStatus::OFF_HOOK;
        if !self.menu.is_empty() || !display.active().is_some_and(dial_tone) {
            return Vec::new();
        }
        let number = std::mem::take(&mut self.typed);
        number.chars().map(|digit| Act::Press(Key::Digit(digit).into())).collect()
    }

    /// The telephone could not do what it was told to.
    pub fn refused(&mut self, view: &View<'_>, why: &NotPossible) {
        self.tell(view, why.to_string());
    }

    /// Shows a text for a while.
    pub fn tell(&mut self, view: &View<'_>, text: impl Into<String>) {
        self.note = Some((text.into(), view.now + NOTE));
    }

    /// The soft keys that are shown, in their places.
    pub(super) fn soft_keys<'v>(&self, view: &View<'v>) -> Vec<Shown<'v>> {
        if let Some((page, _)) = self.menu.last() {
            return page.keys(view, self.unlocked).into_iter().map(Shown::Menu).collect();
        }
        if !self.typed.is_empty() {
            return vec![Shown::Dial, Shown::Backspace, Shown::Cancel];
        }
        let call = self.call(view).map_or(CallRef(0), |call| call.call);
        let keys: Vec<_> = view.station.soft_keys(call).map(Shown::Server).collect();
        if keys.len() <= SOFT_KEYS {
            return keys;
        }
        let room = SOFT_KEYS - 1;
        let first = self.more * room % keys.len().next_multiple_of(room);
        let shown = keys.into_iter().skip(first).take(room);
        shown.chain([Shown::More]).collect()
    }

    fn set_volume(&mut self, view: &View<'_>, volume: u8) {
        self.volume = volume;
        if !view.settings.hardening.saves_volume() {
            self.tell(view, words::VOLUME_NOT_SAVED.get(self.language));
        }
    }

    fn soft_key(&mut self, view: &View<'_>, key: Shown<'_>) -> Vec<Act> {
        match key {
            Shown::Server(key) => match key.label.phrase() {
                Some(phrase) => return vec![self.for_call(view, Key::Soft(phrase))],
                None => self.tell(view, words::KEY_NOT_ACTIVE.get(self.language)),
            },
            Shown::Menu(key) => return self.menu_key(view, key),
            Shown::Dial => return self.dial(view),
            Shown::Backspace => drop(self.typed.pop()),
            Shown::Cancel => self.typed.clear(),
            Shown::More => self.more += 1,
        }
        Vec::new()
    }

    fn menu_key(&mut self, view: &View<'_>, key: MenuKey) -> Vec<Act> {
        match key {
            MenuKey::Select => self.open_chosen(view),
            MenuKey::Exit => self.back(),
            MenuKey::Backspace => drop(self.typed.pop()),
            MenuKey::Update => self.menu.push((Page::AskString, 0)),
            MenuKey::Save => {
                self.saved_volume = self.volume;
                self.tell(view, words::VOLUME_SAVED.get(self.language));
            }
            MenuKey::Erase => {
                self.close_menu();
                self.tell(view, words::ERASED.get(self.language));
                return vec![Act::EraseTrustLists];
            }
            MenuKey::Submit if STRING.contains(&self.typed.len()) => {
                let string = std::mem::take(&mut self.typed);
                self.close_menu();
                self.tell(view, words::STRING_TAKEN.get(self.language));
                return vec![Act::Enrol(string)];
            }
            MenuKey::Submit => self.tell(view, words::STRING_LENGTH.get(self.language)),
        }
        Vec::new()
    }

    fn digit(&mut self, view: &View<'_>, digit: char) -> Vec<Act> {
        match self.menu.last() {
            Some((Page::AskString, _)) if !digit.is_ascii_digit() => {}
            Some((Page::AskString, _)) => self.type_key(digit, *STRING.end()),
            Some(_) => self.menu_digit(view, digit),
            None if self.is_dialling(view) => {
                return vec![self.for_call(view, Key::Digit(digit))];
            }
            None => self.type_key(digit, LONGEST_NUMBER),
        }
        Vec::new()
    }

    fn type_key(&mut self, key: char, most: usize) {
        if self.typed.len() < most {
            self.typed.push(key);
        }
    }

    /// In a menu a digit chooses an entry by its number, and `**#` unlocks, or locks again.
    fn menu_digit(&mut self, view: &View<'_>, digit: char) {
        self.combination = match COMBINATION.get(self.combination) {
            Some(expected) if *expected == digit => self.combination + 1,
            // A third star can still be the second one.
            _ if digit == '*' => self.combination.clamp(1, 2),
            _ => 0,
        };
        let may = view.settings.hardening.settings == SettingsAccess::Full;
        if self.combination == COMBINATION.len() && may {
            self.combination = 0;
            self.unlocked = !self.unlocked;
        }
        if let (Some(number @ 1..), Some((page, chosen))) =
            (digit.to_digit(10), self.menu.last_mut())
        {
            let entries = page.entries(view, self.language).len();
            let number = number as usize - 1;
            if number < entries {
                *chosen = number;
                self.open_chosen(view);
            }
        }
    }

    fn line(&mut self, view: &View<'_>, number: u32) -> Vec<Act> {
        self.close_menu();
        let display = view.station.display();
        let lines = display.lines.len() as u32;
        let dials = display.speed_dials.len() as u32;
        match number {
            line if line <= lines => vec![self.for_call(view, Key::Line(line))],
            dial if dial <= lines + dials => {
                vec![Act::Press(Key::SpeedDial(dial - lines).into())]
            }
            _ => Vec::new(),
        }
    }

    fn hook(&mut self, view: &View<'_>, key: Key) -> Vec<Act> {
        self.close_menu();
        let display = view.station.display();
        let key = match key {
            Key::OffHook if display.handset_up => Key::OnHook,
            other => other,
        };
        if key == Key::OnHook || display.ringing().is_some() {
            self.typed.clear();
        }
        vec![self.for_call(view, key)]
    }

    fn dial(&mut self, _: &View<'_>) -> Vec<Act> {
        let number = std::mem::take(&mut self.typed);
        vec![Act::Press(Key::Number(number).into())]
    }

    /// For the call that he has chosen; the telephone knows best if he has not.
    fn for_call(&self, view: &View<'_>, key: Key) -> Act {
        let shown = self.call(view).map_or(CallRef(0), |call| call.call);
        let chosen = matches!(key, Key::Soft(_)).then_some(shown).or(self.chosen);
        Act::Press(Press { key, call: chosen.unwrap_or_default() })
    }

    /// Whether a digit goes into a call.
    fn is_dialling(&self, view: &View<'_>) -> bool {
        self.typed.is_empty() && view.station.display().active().is_some()
    }

    fn step(&mut self, view: &View<'_>, by: isize) {
        if let Some((page, chosen)) = self.menu.last_mut() {
            let last = page.entries(view, self.language).len().saturating_sub(1);
            *chosen = chosen.saturating_add_signed(by).min(last);
            return;
        }
        let calls = &view.station.display().calls;
        let shown =
            self.call(view).and_then(|call| calls.iter().position(|other| other.call == call.call));
        let Some(shown) = shown else { return };
        let next = shown.saturating_add_signed(by).min(calls.len() - 1);
        self.chosen = Some(calls[next].call);
        self.more = 0;
    }

    fn open_chosen(&mut self, view: &View<'_>) {
        let Some((page, chosen)) = self.menu.last() else { return };
        let entries = page.entries(view, self.language);
        if let Some(page) = entries.get(*chosen).and_then(|entry| entry.opens) {
            self.menu.push((page, 0));
        } else if matches!(page, Page::Ctl | Page::Lsc) && !self.unlocked {
            self.tell(view, words::UNLOCK_FIRST.get(self.language));
        }
    }

    fn back(&mut self) {
        let asks = matches!(self.menu.last(), None | Some((Page::AskString, _)));
        if asks && self.typed.pop().is_some() {
            return;
        }
        self.menu.pop();
        if self.menu.is_empty() {
            self.close_menu();
        }
    }

    fn toggle(&mut self, page: Page) {
        let open = self.menu.first().is_some_and(|(first, _)| *first == page);
        self.close_menu();
        if !open {
            self.typed.clear();
            self.menu.push((page, 0));
        }
    }

    /// The menu locks itself when it is left.
    fn close_menu(&mut self) {
        if !self.menu.is_empty() {
            self.typed.clear();
        }
        self.menu.clear();
        self.unlocked = false;
        self.combination = 0;
    }
}
