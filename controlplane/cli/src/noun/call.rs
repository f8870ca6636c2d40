//! `ringfence call`: calls that go on, and what remains of others.

use clap::Subcommand;
use console::{CallRecordView, CallView, LadderView, ListCallRecords, ListCalls, ShowCall};
use lang::{Say, Text};
use store::{EffectiveMode, Number};

use super::Asking;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show the calls that go on at the node whose daemon is asked.
    List,
    /// Show what was said in a call, one that goes on or one of the latest, and how secure it was
    /// when.
    Show {
        /// Number of the call.
        id: u32,
    },
    /// Show calls that have ended, newest first.
    Records {
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        limit: u32,
        /// Only those before this record.
        #[arg(long, value_name = "RECORD")]
        before: Option<u64>,
        /// Only those from or to this number.
        #[arg(long)]
        number: Option<Number>,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListCalls {})?, style)?,
        Verb::Show { id } => {
            let ladder = daemon.ask(style, &ShowCall { id })?;
            match style.format {
                Format::Json => output::json(&ladder)?,
                Format::Table => show(&ladder, style),
            }
        }
        Verb::Records { limit, before, number } => {
            let number = number.map(String::from);
            records(&daemon.ask(style, &ListCallRecords { limit, before, number })?, style)?;
        }
    }
    Ok(Outcome::Done)
}

fn list(calls: &[CallView], style: Style) -> std::io::Result<()> {
    if style.format == Format::Json {
        return output::json(&calls);
    }
    output::table(
        CALLS.get(style.language),
        CALL_COLUMNS.map(|column| column.get(style.language)),
        calls.iter().map(|call| {
            let party = |party: &console::CallPartyView| match party.number.is_empty() {
                true => party.device.clone(),
                false => format!("{} ({})", party.number, party.device),
            };
            let parties: Vec<_> = call.parties.iter().map(party).collect();
            let path = match call.relays.is_empty() {
                true => DIRECT.say(style.language),
                false => call.relays.join(" "),
            };
            [
                call.id.to_string(),
                parties.join(" - "),
                call.state.clone(),
                status(call.security),
                call.answered.as_ref().unwrap_or(&call.began).clone(),
                path,
            ]
        }),
    )
}

/// A line for each message: the phone's to the right of the arrow it comes by, the server's to the
/// left; between them what the status became.
fn show(ladder: &LadderView, style: Style) {
    let mut changes = ladder.security.iter().peekable();
    let mut tell = |until: Option<&str>| {
        while let Some(change) = changes.next_if(|change| until.is_none_or(|at| *change.at <= *at))
        {
            let now = status(change.security);
            println!("{}  == {} {now}", change.at, SECURITY.get(style.language));
        }
    };
    for step in &ladder.steps {
        tell(Some(&step.at));
        let arrow = if step.from_phone { "-->" } else { "<--" };
        println!("{}  {} {arrow} {}", step.at, step.device, step.message);
    }
    if ladder.unsaid > 0 {
        println!("{}", UNSAID.fill(style.language, &[("n", &ladder.unsaid)]));
    }
    tell(None);
    match &ladder.ended {
        Some(ended) => println!("{ended}  == {}", ENDED.get(style.language)),
        None => println!("{}", GOES_ON.get(style.language)),
    }
}

fn records(records: &[CallRecordView], style: Style) -> std::io::Result<()> {
    if style.format == Format::Json {
        return output::json(&records);
    }
    output::table(
        RECORDS.get(style.language),
        RECORD_COLUMNS.map(|column| column.get(style.language)),
        records.iter().map(|record| {
            [
                record.number.map(|number| number.to_string()).unwrap_or_default(),
                record.began.clone(),
                record.answered.clone().unwrap_or_else(|| "-".to_owned()),
                record.ended.clone(),
                record.calling.number.clone(),
                record.dialled.clone(),
                record.called.as_ref().map(|called| called.number.clone()).unwrap_or_default(),
                status(record.security),
                record.ending.to_string(),
                record.relay.clone().unwrap_or_else(|| DIRECT.say(style.language)),
            ]
        }),
    )
}

fn status(security: Option<EffectiveMode>) -> String {
    security.map_or_else(|| "-".to_owned(), |security| security.to_string())
}

const CALLS: Text = Text::new("Calls", "通話");
const CALL_COLUMNS: [Text; 6] = [
    Text::new("call", "通話"),
    Text::new("parties", "参加者"),
    Text::new("state", "状態"),
    Text::new("security", "セキュリティ"),
    Text::new("since", "開始"),
    Text::new("media", "メディア"),
];
const DIRECT: Text = Text::new("direct", "直接");
const SECURITY: Text = Text::new("security status:", "セキュリティ状態:");
const UNSAID: Text = Text::new(
    "… and {n} more messages that are not remembered.",
    "… 記録されていないメッセージが他に {n} 件あります。",
);
const ENDED: Text = Text::new("the call has ended", "通話終了");
const GOES_ON: Text = Text::new("The call goes on.", "通話中です。");
const RECORDS: Text = Text::new("Call records", "通話記録");
const RECORD_COLUMNS: [Text; 10] = [
    Text::new("record", "記録"),
    Text::new("began", "開始"),
    Text::new("answered", "応答"),
    Text::new("ended", "終了"),
    Text::new("from", "発信"),
    Text::new("dialled", "ダイヤル"),
    Text::new("to", "着信"),
    Text::new("security", "セキュリティ"),
    Text::new("ending", "終了理由"),
    Text::new("media", "メディア"),
];
