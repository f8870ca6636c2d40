//! A page of the menu.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::network::SettingsAccess;
use crate::screen::menu::{Entry, Page};
use crate::screen::{Screen, View, words};

/// Width of the labels, at most.
const LABELS: usize = 26;

pub(super) fn draw(
    screen: &Screen,
    view: &View<'_>,
    page: Page,
    chosen: usize,
    area: Rect,
    buffer: &mut Buffer,
) {
    let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    Line::raw(format!(" {}", screen.say(page.title()))).bold().render(title, buffer);
    if matches!(page, Page::Ctl | Page::Lsc | Page::Security | Page::Settings) {
        let lock = screen.say(if screen.unlocked { words::UNLOCKED } else { words::LOCKED });
        Line::raw(format!("{lock} ")).right_aligned().render(title, buffer);
    }
    let entries = page.entries(view, screen.language);
    if entries.is_empty() {
        let text = empty(screen, view, page);
        Paragraph::new(format!("   {text}")).wrap(Wrap { trim: false }).render(body, buffer);
        return;
    }
    let label_width = |entry: &Entry| unicode_width::UnicodeWidthStr::width(&*entry.label);
    let widest = entries.iter().map(label_width).max().unwrap_or_default().min(LABELS);
    let room = usize::from(body.height).max(1);
    let first = (chosen + 1).saturating_sub(room);
    let numbered = (1..).zip(&entries).skip(first);
    for ((number, entry), row) in numbered.zip(body.rows()) {
        let mark = if number == chosen + 1 { "▸" } else { " " };
        let fill = " ".repeat(widest.saturating_sub(label_width(entry)));
        let more = if entry.opens.is_some() { " …" } else { "" };
        let text = format!(" {mark} {number:>2} {}{fill}  {}{more}", entry.label, entry.value);
        Line::raw(text).render(row, buffer);
    }
}

fn empty(screen: &Screen, view: &View<'_>, page: Page) -> String {
    let hardening = &view.settings.hardening;
    match page {
        Page::Settings if hardening.settings == SettingsAccess::None => {
            screen.say(words::HIDDEN).to_owned()
        }
        Page::Volume => format!("{} / {}", screen.volume, screen.saved_volume),
        Page::AskString => format!("{}_", screen.typed),
        Page::CallStatistics => screen.say(words::NO_CALL).to_owned(),
        _ => screen.say(words::NOTHING_HERE).to_owned(),
    }
}
