//! Where everything is on the screen.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────┐
//! │ time          name and model                      own number │
//! │ calls, or a page of the menu              │ lamps and buttons │
//! │ prompt                                                        │
//! │ soft keys                                                     │
//! └──────────────────────────────────────────────────────────────┘
//!   handset, speaker, messages, volume
//!   help
//! ```

mod buttons;
mod calls;
mod clock;
mod page;

use lang::{Language, Text};
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Widget};

use super::press::{SOFT_KEYS, Shown};
use super::{LOUDEST, Screen, View, phrases, words};
use crate::station::{Caption, Registration};

/// Width of the buttons beside the screen.
const BUTTONS: u16 = 26;

pub(super) fn screen(screen: &Screen, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let [phone, below, help] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)])
            .areas(area);
    let frame = Block::new().borders(Borders::ALL);
    let inside = frame.inner(phone);
    frame.render(phone, buffer);
    let [header, body, prompt, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(inside);
    draw_header(screen, view, header, buffer);
    match screen.menu.last() {
        Some((page, chosen)) => page::draw(screen, view, *page, *chosen, body, buffer),
        None => {
            let [left, right] =
                Layout::horizontal([Constraint::Min(0), Constraint::Length(BUTTONS)]).areas(body);
            calls::draw(screen, view, left, buffer);
            buttons::draw(screen, view, right, buffer);
        }
    }
    Line::raw(format!(" {}", prompt_text(screen, view))).bold().render(prompt, buffer);
    draw_soft_keys(screen, view, keys, buffer);
    Line::raw(format!(" {}", device_text(screen, view))).render(below, buffer);
    Line::raw(format!(" {}", screen.say(words::HELP))).dim().render(help, buffer);
}

fn draw_header(screen: &Screen, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let profile = view.station.profile();
    let number = view.station.display().lines.first();
    let number = number.map_or_else(String::new, |line| screen.caption(&line.number));
    let parts = [
        (clock::text(screen, view), Alignment::Left),
        (format!("{} · {}", profile.device, profile.model), Alignment::Center),
        (number, Alignment::Right),
    ];
    buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
    for (text, alignment) in parts {
        Paragraph::new(format!(" {text} ")).alignment(alignment).render(area, buffer);
    }
}

/// What matters most of all that could stand there.
fn prompt_text(screen: &Screen, view: &View<'_>) -> String {
    let display = view.station.display();
    if let Some((note, _)) = &screen.note {
        return note.clone();
    }
    if let Some(notice) = &display.notice {
        return screen.caption(&notice.text);
    }
    if !screen.typed.is_empty() {
        return format!("{}_", screen.typed);
    }
    let call = screen.call(view).map(|call| screen.caption(call.text()));
    if let Some(text) = call.filter(|text| !text.is_empty()) {
        return text;
    }
    match &display.registration {
        Registration::None => screen.say(words::NO_SERVER).to_owned(),
        Registration::Registering => screen.say(words::REGISTERING).to_owned(),
        Registration::Registered(_) => screen.caption(&display.prompt),
        Registration::Rejected(text) => {
            words::REJECTED.fill(screen.language, &[("text", &screen.caption(text))])
        }
        Registration::Preserved => screen.say(words::PRESERVED).to_owned(),
    }
}

fn draw_soft_keys(screen: &Screen, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let places: [Rect; SOFT_KEYS] =
        Layout::horizontal([Constraint::Ratio(1, SOFT_KEYS as u32); SOFT_KEYS]).areas(area);
    for ((number, place), key) in (1..).zip(places).zip(screen.soft_keys(view)) {
        let label = match key {
            Shown::Server(key) => screen.caption(&key.label),
            Shown::Menu(key) => screen.say(key.label()).to_owned(),
            Shown::Dial => screen.say(words::KEY_DIAL).to_owned(),
            Shown::Backspace => "<<".to_owned(),
            Shown::Cancel => screen.say(words::KEY_CANCEL).to_owned(),
            Shown::More => screen.say(words::MORE).to_owned(),
        };
        let label = Span::raw(format!(" {label} ")).reversed();
        Line::from(vec![Span::raw(format!(" F{number} ")), label]).render(place, buffer);
    }
}

fn device_text(screen: &Screen, view: &View<'_>) -> String {
    let display = view.station.display();
    let either = |yes, one: Text, other: Text| screen.say(if yes { one } else { other });
    let full = usize::from(screen.volume);
    let bar = "▮".repeat(full) + &"▯".repeat(usize::from(LOUDEST) - full);
    let mut parts = vec![
        either(display.handset_up, words::HANDSET_UP, words::HANDSET_DOWN).to_owned(),
        either(display.speaker, words::SPEAKER_ON, words::SPEAKER_OFF).to_owned(),
        either(display.message_waiting(), words::MESSAGE_WAITING, words::NO_MESSAGES).to_owned(),
        format!("{} {bar}", screen.say(words::VOLUME)),
    ];
    if display.ring.is_some() {
        parts.push(format!("♪ {}", screen.say(words::RINGING)));
    }
    parts.join("   ")
}

impl Screen {
    fn say(&self, text: Text) -> &'static str {
        text.get(self.language)
    }

    fn caption(&self, caption: &Caption) -> String {
        let language: Language = self.language;
        caption.in_words(|phrase| phrases::words(phrase, language))
    }
}
