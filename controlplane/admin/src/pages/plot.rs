//! Figures drawn as SVG within the page: no script, no service.

use lang::{Language, Text};
use maud::{Markup, html};

/// A bar of parts that make a whole.
pub struct Part {
    /// What it is called.
    pub title: String,
    /// How many.
    pub count: u64,
    /// How it is coloured, a class of the style sheet.
    pub class: &'static str,
}

/// Parts of a whole, as bars with their figures.
pub fn bars(title: &str, parts: &[Part]) -> Markup {
    const WIDTH: u64 = 300;
    const HEIGHT: usize = 22;
    let most = parts.iter().map(|part| part.count).max().unwrap_or_default().max(1);
    let height = parts.len() * HEIGHT;
    html! {
        svg .plot viewBox={ "0 0 470 " (height) } role="img" aria-label=(label(title, parts)) {
            @for (row, part) in parts.iter().enumerate() {
                @let top = row * HEIGHT;
                text x="0" y=(top + 15) { (part.title) }
                rect x="120" y=(top + 4) height="14" rx="3" class=(part.class)
                    width=(part.count * WIDTH / most) {}
                text x=(126 + part.count * WIDTH / most) y=(top + 15) { (part.count) }
            }
        }
    }
}

/// A line over time.
pub struct Line {
    /// What it is called.
    pub title: String,
    /// How it is coloured, a class of the style sheet.
    pub class: &'static str,
    /// Its values, oldest first.
    pub values: Vec<u64>,
}

/// Lines over time, all as long as each other; `from` and `to` are said below.
pub fn lines(title: &str, lines: &[Line], from: &str, to: &str) -> Markup {
    const WIDTH: usize = 440;
    const HEIGHT: u64 = 90;
    let most = lines.iter().flat_map(|line| &line.values).copied().max().unwrap_or_default().max(1);
    let points = |values: &[u64]| -> String {
        let last = values.len().saturating_sub(1).max(1);
        let point = |(at, value): (usize, &u64)| {
            format!("{},{} ", 28 + at * WIDTH / last, 8 + HEIGHT - value * HEIGHT / most)
        };
        values.iter().enumerate().map(point).collect()
    };
    let now = |line: &Line| Part {
        title: line.title.clone(),
        count: line.values.last().copied().unwrap_or_default(),
        class: line.class,
    };
    let parts: Vec<_> = lines.iter().map(now).collect();
    html! {
        svg .plot viewBox="0 0 470 136" role="img"
            aria-label={ (label(title, &parts)) ". " (from) " – " (to) } {
            line .axis x1="28" y1="98" x2="468" y2="98" {}
            text x="24" y="14" text-anchor="end" { (most) }
            text x="24" y="101" text-anchor="end" { "0" }
            @for line in lines { polyline class=(line.class) points=(points(&line.values)) {} }
            text x="28" y="113" { (from) }
            text x="468" y="113" text-anchor="end" { (to) }
            @for (at, part) in parts.iter().enumerate() {
                rect class=(part.class) x=(28 + at * 147) y="121" width="10" height="10" rx="2" {}
                text x=(42 + at * 147) y="130" { (part.title) " " (part.count) }
            }
        }
    }
}

/// What who does not see the figure is told.
fn label(title: &str, parts: &[Part]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| format!("{} {}", part.title, part.count)).collect();
    format!("{title}: {}", parts.join(", "))
}

/// Months in which something expires: a column for each of the next twelve, what is late first.
pub fn calendar(days: &[i64], language: Language) -> Markup {
    const MONTH: i64 = 30;
    let mut counts = [0_u64; 14];
    for day in days {
        let column = match day {
            late if *late < 0 => 0,
            day => usize::try_from(day / MONTH + 1).unwrap_or(13).min(13),
        };
        counts[column] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let title = |column: usize| match column {
        0 => LATE.get(language).to_owned(),
        13 => LATER.get(language).to_owned(),
        month => format!("{month}"),
    };
    let told: Vec<_> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(column, count)| format!("{} {count}", title(column)))
        .collect();
    html! {
        svg .plot viewBox="0 0 470 120" role="img"
            aria-label={ (EXPIRIES.get(language)) ": " (told.join(", ")) } {
            line .axis x1="0" y1="98" x2="470" y2="98" {}
            @for (column, count) in counts.iter().enumerate() {
                @let height = count * 78 / most;
                @let class = match column { 0 => "late", 1..=3 => "soon", _ => "authenticated" };
                rect class=(class) x=(column * 33 + 4) y=(98 - height) width="24" rx="2"
                    height=(height) {}
                @if *count > 0 {
                    text x=(column * 33 + 16) y=(94 - height) text-anchor="middle" { (count) }
                }
                text x=(column * 33 + 16) y="113" text-anchor="middle" { (title(column)) }
            }
        }
        p .help { (MONTHS.get(language)) }
    }
}

const EXPIRIES: Text = Text::new("Expiries by month", "月別の有効期限");
const MONTHS: Text = Text::new("Months from today until they expire.", "有効期限までの月数。");
const LATE: Text = Text::new("late", "切れ");
const LATER: Text = Text::new("later", "以降");
