//! Calls: with whom, what they do, for how long, and how secure they are.

use lang::Text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use sccp::codes::{CallStatus, Tone};

use crate::screen::{Screen, View, words};
use crate::station::{Call, Icon};

/// Rows of a call.
const ROWS: u16 = 2;

/// Width of the icon.
const ICON: u16 = 9;

pub(super) fn draw(screen: &Screen, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let shown = screen.call(view).map(|call| call.call);
    let calls = &view.station.display().calls;
    // The one he looks at is always to be seen.
    let room = usize::from(area.height / ROWS).max(1);
    let at = calls.iter().position(|call| Some(call.call) == shown).unwrap_or_default();
    let first = (at + 1).saturating_sub(room);
    for (place, call) in (0..).zip(calls.iter().skip(first).take(room)) {
        let place = Rect { y: area.y + place * ROWS, height: ROWS, ..area }.intersection(area);
        draw_call(screen, view, call, Some(call.call) == shown, place, buffer);
    }
}

fn draw_call(
    screen: &Screen,
    view: &View<'_>,
    call: &Call,
    chosen: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let [left, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(ICON)]).areas(area);
    let other = call.other().map_or_else(String::new, |party| {
        let (number, name) = (screen.caption(&party.number), screen.caption(&party.name));
        format!("{number} {name}").trim().to_owned()
    });
    let mark = if chosen { "▸" } else { " " };
    let first = Line::raw(format!(" {mark} {other}"));
    let mut doing = format!("   {}", state(screen, call.state));
    if call.state == CallStatus::CONNECTED
        && let Some((_, since)) = screen.since.get(&call.call.0)
    {
        let seconds = view.now.saturating_duration_since(*since).as_secs();
        doing += &format!(" {:02}:{:02}", seconds / 60, seconds % 60);
    }
    if let Some(tone) = call.tone {
        doing += &format!("  ♪ {}", tone_name(screen, tone));
    }
    if call.private {
        doing += &format!("  ({})", screen.say(words::PRIVATE));
    }
    let mut rows = left.rows();
    for (line, row) in [first, Line::raw(doing)].into_iter().zip(rows.by_ref()) {
        line.render(row, buffer);
    }
    if let (Some(icon), Some(row)) = (icon(screen, call.icon()), right.rows().next()) {
        Line::from(icon).right_aligned().render(row, buffer);
    }
}

/// The lock or the shield; nothing is promised by nothing.
fn icon(screen: &Screen, icon: Icon) -> Option<Span<'static>> {
    let (text, color) = match icon {
        Icon::Lock => (words::LOCK, Color::Green),
        Icon::Shield => (words::SHIELD, Color::Yellow),
        Icon::None | Icon::Unknown => return None,
    };
    Some(Span::styled(format!("[{}]", screen.say(text)), Style::new().fg(color).bold()))
}

fn state(screen: &Screen, state: CallStatus) -> String {
    let text: Text = match state {
        CallStatus::OFF_HOOK => words::OFF_HOOK,
        CallStatus::ON_HOOK => words::ON_HOOK,
        CallStatus::RING_OUT => words::RING_OUT,
        CallStatus::RING_IN => words::RING_IN,
        CallStatus::CONNECTED => words::CONNECTED,
        CallStatus::BUSY => words::BUSY,
        CallStatus::CONGESTION => words::CONGESTION,
        CallStatus::HOLD => words::HOLD,
        CallStatus::CALL_WAITING => words::CALL_WAITING,
        CallStatus::CALL_TRANSFER => words::CALL_TRANSFER,
        CallStatus::PROCEED => words::PROCEED,
        CallStatus::IN_USE_REMOTE => words::IN_USE_REMOTE,
        CallStatus::INVALID_NUMBER => words::INVALID_NUMBER,
        CallStatus::REMOTE_HOLD => words::REMOTE_HOLD,
        other => return other.to_string(),
    };
    screen.say(text).to_owned()
}

fn tone_name(screen: &Screen, tone: Tone) -> String {
    let text = match tone {
        Tone::INSIDE_DIAL | Tone::OUTSIDE_DIAL => words::DIAL_TONE,
        Tone::ALERTING => words::RING_BACK,
        Tone::BUSY => words::BUSY_TONE,
        Tone::REORDER => words::REORDER_TONE,
        Tone::CALL_WAITING => words::WAITING_TONE,
        other => return words::OTHER_TONE.fill(screen.language, &[("name", &other)]),
    };
    screen.say(text).to_owned()
}
