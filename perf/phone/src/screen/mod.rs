//! The face of a telephone: its screen and its buttons.
//!
//! A [`Screen`] is what the user of a telephone has done to its display: which call he looks at,
//! which menu is open, what he has typed. What there is to be shown is in a [`View`]; buttons come
//! in by [`Screen::press`], and [`Act`]s for the telephone go out. It draws into a buffer of
//! characters, so that the same screen is a terminal's, a test's and a pipe's.
//!
//! | file | holds |
//! |---|---|
//! | `view` | what there is to be shown |
//! | `button` | buttons, and the keys of a keyboard that stand for them |
//! | `menu` | the pages of the settings menu: what is on them, and who may see them |
//! | `press` | what a button does |
//! | `draw` | where everything is |
//! | `words`, `phrases` | what is written there, in the language of the user |
//!
//! Invariants:
//! - What an administrator has hidden is not shown, and nothing of it can be changed.
//! - Trust lists are erased only after the menu was unlocked with `**#`.
//! - The icon beside a call is the one that the server has told, or none.
//!
//! This module must not know sockets, files or the terminal.

mod button;
mod draw;
mod menu;
mod phrases;
mod press;
mod view;
mod words;

use std::collections::BTreeMap;
use std::time::Instant;

use lang::Language;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use sccp::CallRef;
use sccp::codes::CallStatus;

pub use button::Button;
pub use press::Act;
pub use view::{Authority, Settings, StatusMessage, TrustListSummary, View};

use crate::station::Call;
use menu::Page;

/// What the user of a telephone has done to its display.
#[derive(Clone, Debug)]
pub struct Screen {
    language: Language,
    /// The call he looks at, if it is not the one that matters most.
    chosen: Option<CallRef>,
    /// Which soft keys are shown, if there are more than fit.
    more: usize,
    /// Digits typed before the handset is lifted, or on a page that asks for some.
    typed: String,
    /// The menu: pages from the first to the one that is shown, with the entry that is chosen.
    menu: Vec<(Page, usize)>,
    /// Whether `**#` was typed in the menu.
    unlocked: bool,
    /// How much of it.
    combination: usize,
    volume: u8,
    /// The volume that is there after the next start.
    saved_volume: u8,
    /// A text that covers the prompt for a while.
    note: Option<(String, Instant)>,
    /// Since when calls do what they do.
    since: BTreeMap<u32, (CallStatus, Instant)>,
    /// The time that the server told last, and when it was told.
    clock: Option<(sccp::server::DefineTimeDate, Instant)>,
}

/// The loudest; 0 is silence.
const LOUDEST: u8 = 10;

/// How large a terminal is at least.
const PLAIN: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

impl Screen {
    /// A screen that was not touched yet.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            chosen: None,
            more: 0,
            typed: String::new(),
            menu: Vec::new(),
            unlocked: false,
            combination: 0,
            volume: LOUDEST / 2,
            saved_volume: LOUDEST / 2,
            note: None,
            since: BTreeMap::new(),
            clock: None,
        }
    }

    /// Takes notice of what has changed: calls that are over, and the time. To be called before it
    /// is drawn, and again at least each second.
    pub fn refresh(&mut self, view: &View<'_>) {
        let display = view.station.display();
        let keys = |screen: &Self| screen.call(view).map(|call| (call.call, call.key_set()));
        let before = keys(self);
        self.chosen = self.chosen.filter(|chosen| display.call(*chosen).is_some());
        self.since.retain(|call, _| display.call(CallRef(*call)).is_some());
        for call in &display.calls {
            let since = self.since.entry(call.call.0).or_insert((call.state, view.now));
            if since.0 != call.state {
                *since = (call.state, view.now);
                self.more = 0;
            }
        }
        if keys(self) != before {
            self.more = 0;
        }
        let told = display.time.as_ref().map(|time| &time.told);
        if self.clock.as_ref().map(|(told, _)| told) != told {
            self.clock = told.map(|told| (told.clone(), view.now));
        }
        self.note.take_if(|(_, until)| *until <= view.now);
    }

    /// Draws it. 80 columns and 24 rows are enough; less cuts off what is least important.
    pub fn draw(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
        draw::screen(self, view, area, buffer);
    }

    /// The same as text: 24 lines of at most 80 columns.
    pub fn text(&self, view: &View<'_>) -> String {
        let mut buffer = Buffer::empty(PLAIN);
        self.draw(view, PLAIN, &mut buffer);
        let rows = (0..PLAIN.height).map(|y| {
            let mut row = String::new();
            let mut x = 0;
            while x < PLAIN.width {
                let symbol = buffer[(x, y)].symbol();
                row.push_str(symbol);
                // Wide characters cover the cell behind them.
                x += unicode_width::UnicodeWidthStr::width(symbol).clamp(1, 2) as u16;
            }
            row.trim_end().to_owned() + "\n"
        });
        rows.collect()
    }

    /// The call that soft keys and digits are for: the one he looks at, or the one that matters
    /// most.
    fn call<'v>(&self, view: &View<'v>) -> Option<&'v Call> {
        let display = view.station.display();
        let chosen = self.chosen.and_then(|chosen| display.call(chosen));
        chosen.or(display.active()).or(display.ringing()).or(display.calls.last())
    }
}
