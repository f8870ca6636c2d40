//! `ringfence diagnose`: why something does not do what it should.

use clap::Subcommand;
use console::{DiagnosePhone, DiagnosisView};
use lang::Text;
use store::DeviceName;

use super::Asking;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Tell a phone's way from DHCP to registration, and what went wrong on it.
    ///
    /// Asks the node whose daemon is asked: the one the phone fetches its files from.
    Phone {
        /// `SEP` and its MAC address. It need not be configured.
        name: DeviceName,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Verb::Phone { name } = args.verb;
    let diagnosis = args.daemon.ask(style, &DiagnosePhone { name })?;
    match style.format {
        Format::Json => output::json(&diagnosis)?,
        Format::Table => show(&diagnosis, style)?,
    }
    Ok(Outcome::Done)
}

fn show(diagnosis: &DiagnosisView, style: Style) -> std::io::Result<()> {
    let DiagnosisView { phone, node, timeline, findings } = diagnosis;
    let heading = HEADING.fill(style.language, &[("phone", phone), ("node", node)]);
    output::table(
        &heading,
        COLUMNS.map(|column| column.get(style.language)),
        timeline.iter().map(|event| {
            let mark = match event.state.as_str() {
                "ok" => "",
                "failed" => "!",
                _ => "?",
            };
            [
                event.at.clone().unwrap_or_default(),
                event.stage.clone(),
                mark.to_owned(),
                event.text.clone(),
            ]
        }),
    )?;
    if findings.is_empty() {
        println!("{}", NOTHING.get(style.language));
    }
    for (number, finding) in findings.iter().enumerate() {
        println!("{}. {}", number + 1, finding.text);
        println!("   {}", finding.cause);
        println!("   {}", finding.action);
    }
    Ok(())
}

const HEADING: Text = Text::new("{phone}, as {node} knows it", "{phone} ({node} の記録)");
const COLUMNS: [Text; 4] = [
    Text::new("time", "日時"),
    Text::new("step", "段階"),
    Text::new("", ""),
    Text::new("what", "内容"),
];
const NOTHING: Text = Text::new("Nothing wrong was found.", "問題は見つかりませんでした。");
