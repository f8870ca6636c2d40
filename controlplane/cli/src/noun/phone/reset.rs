//! `ringfence phone reset` and `phone restart`.

use console::{PhoneFilter, PhonesReset, ResetKind, ResetPhones};
use lang::{Say, Text};
use store::{DeviceName, RESET_ENDS_CALLS};

use crate::daemon::{self, Daemon};
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style, ask};

#[derive(clap::Args)]
pub struct Args {
    #[arg(required_unless_present_any = ["all", "matching"])]
    names: Vec<DeviceName>,
    /// All phones.
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Phones that match, such as security-mode=non-secure,model=7960; keys as the options of
    /// `phone list`.
    #[arg(long, value_name = "KEY=VALUE,…", conflicts_with_all = ["names", "all"])]
    matching: Option<PhoneFilter>,
    /// Do not ask, even if there are calls.
    #[arg(long)]
    yes: bool,
}

/// Says what it costs, and does it.
pub fn run(daemon: &Daemon, args: Args, kind: ResetKind, style: Style) -> Result {
    let filter = args.all.then(PhoneFilter::default).or(args.matching);
    let request = ResetPhones { names: args.names, filter, kind, dry_run: true };
    if !args.yes {
        let would = daemon.ask(style, &request)?;
        if !may_reset(&would, style)? {
            return Ok(Outcome::Done);
        }
    }
    let reset = daemon.ask(style, &ResetPhones { dry_run: false, ..request })?;
    tell(&reset, style)
}

/// Says what it costs, and asks if there are calls.
pub fn may_reset(would: &PhonesReset, style: Style) -> std::result::Result<bool, Failure> {
    if style.format == Format::Table {
        println!("{}", RESET_ENDS_CALLS.say(style.language));
    }
    let values: [(&str, &dyn std::fmt::Display); 2] =
        [("phones", &would.matched), ("calls", &would.in_calls)];
    let question = IN_CALLS.fill(style.language, &values);
    Ok(would.in_calls == 0 || ask::yes(&question, "--yes", style.language)?)
}

/// Tells what came of it.
pub fn tell(reset: &PhonesReset, style: Style) -> Result {
    match style.format {
        Format::Json => output::json(reset)?,
        Format::Table => {
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("matched", &reset.matched), ("told", &reset.told.len())];
            println!("{}", TOLD.fill(style.language, &values));
            daemon::tell(&reset.done, style);
        }
    }
    Ok(Outcome::Done)
}

const IN_CALLS: Text = Text::new(
    "{phones} phones, {calls} of them in a call. Go on?",
    "電話機 {phones} 台、うち通話中 {calls} 台。続けますか?",
);
const TOLD: Text = Text::new(
    "{matched} phones; {told} are registered here and were told.",
    "電話機 {matched} 台。登録中の {told} 台に通知しました。",
);
