//! The buttons beside the screen: lines and speed dials, and their lamps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::{Line as Row, Span};
use ratatui::widgets::{Block, Borders, Widget};
use sccp::codes::LampMode;

use crate::screen::{Screen, View, words};
use crate::station::Line;

pub(super) fn draw(screen: &Screen, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let frame = Block::new().borders(Borders::LEFT);
    let inside = frame.inner(area);
    frame.render(area, buffer);
    let display = view.station.display();
    let lines = display.lines.iter().map(|line| of_line(screen, line));
    let dials = display.speed_dials.iter().map(|dial| {
        let label = screen.caption(&dial.label);
        let label = if label.is_empty() { screen.caption(&dial.number) } else { label };
        vec![Row::from(vec![Span::raw("  "), Span::raw(label)])]
    });
    let mut rows = inside.rows();
    for (number, button) in (5u32..).zip(lines.chain(dials)) {
        for (first, line) in std::iter::once(true).chain(std::iter::repeat(false)).zip(button) {
            let Some(row) = rows.next() else { return };
            let key = if first { format!(" F{number:<3}") } else { "     ".to_owned() };
            let mut spans = vec![Span::raw(key).dim()];
            spans.extend(line.spans);
            Row::from(spans).render(row, buffer);
        }
    }
}

fn of_line(screen: &Screen, line: &Line) -> Vec<Row<'static>> {
    let (lamp, style) = match line.lamp {
        LampMode::ON => ("●", Style::new()),
        LampMode::WINK => ("◐", Style::new().add_modifier(Modifier::SLOW_BLINK)),
        LampMode::FLASH => ("◓", Style::new().add_modifier(Modifier::SLOW_BLINK)),
        LampMode::BLINK => ("◉", Style::new().add_modifier(Modifier::RAPID_BLINK)),
        _ => ("○", Style::new()),
    };
    let (label, number) = (screen.caption(&line.label), screen.caption(&line.number));
    let text = match (label.is_empty() || label == number, number.is_empty()) {
        (true, _) => number,
        (false, true) => label,
        (false, false) => format!("{number} {label}"),
    };
    let mut rows = vec![Row::from(vec![Span::styled(lamp, style), Span::raw(format!(" {text}"))])];
    if !line.forward.is_empty() {
        let to = words::FORWARDED.fill(screen.language, &[("number", &line.forward)]);
        rows.push(Row::raw(format!("  {to}")));
    }
    rows
}
