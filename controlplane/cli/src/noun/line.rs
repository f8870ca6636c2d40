//! `ringfence line`: directory numbers, and what becomes of calls to them.

use clap::Subcommand;
use console::{AddLine, LineChanges, LineView, ListLines, RemoveLine, SetLine, ShowLine};
use lang::Text;
use store::Number;

use super::Asking;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all lines, by number.
    List,
    /// Show one line.
    Show {
        /// The number.
        number: Number,
    },
    /// Add a line that no phone has yet.
    Add {
        /// The number.
        number: Number,
        #[command(flatten)]
        changes: LineChanges,
    },
    /// Change what is given, leave the rest.
    Set {
        /// The number.
        number: Number,
        #[command(flatten)]
        changes: LineChanges,
    },
    /// Remove a line that no phone has.
    Remove {
        /// The number.
        number: Number,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListLines {})?, style),
        Verb::Show { number } => {
            let view = daemon.ask(style, &ShowLine { number })?;
            match style.format {
                Format::Json => output::json(&view)?,
                Format::Table => output::fields(&view)?,
            }
            Ok(Outcome::Done)
        }
        Verb::Add { number, changes } => daemon.change(style, &AddLine { number, changes }),
        Verb::Set { number, changes } => daemon.change(style, &SetLine { number, changes }),
        Verb::Remove { number } => daemon.change(style, &RemoveLine { number }),
    }
}

fn list(lines: &[LineView], style: Style) -> Result {
    output::list(lines, style, LINES, COLUMNS, |LineView { line, phones }| {
        let forward = |target: &Option<Number>| {
            target.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        let phones: Vec<_> = phones.iter().map(|phone| phone.as_str()).collect();
        [
            line.number.to_string(),
            line.display.clone(),
            forward(&line.forward_all),
            forward(&line.forward_busy),
            forward(&line.forward_no_answer),
            phones.join(" "),
        ]
    })
}

const LINES: Text = Text::new("Lines", "回線");
const COLUMNS: [Text; 6] = [
    Text::new("number", "番号"),
    Text::new("display", "表示名"),
    Text::new("forward all", "全転送"),
    Text::new("busy", "話中時"),
    Text::new("no answer", "無応答時"),
    Text::new("phones", "電話機"),
];
