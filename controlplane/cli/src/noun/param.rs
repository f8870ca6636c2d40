//! `ringfence param`: enterprise and service parameters.

use clap::Subcommand;
use console::{ListParameters, ParameterView, SetParameter};
use lang::{Say, Text};

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Of one node, instead of the cluster.
    #[arg(long, global = true, value_name = "NODE")]
    node: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show parameters: all, or those whose name begins so.
    Get {
        /// A name, or its beginning: `tftp`, `enterprise.device-security-mode`.
        name: Option<String>,
    },
    /// Set a parameter.
    Set {
        name: String,
        /// The value; what is allowed is shown by `get`.
        #[arg(required_unless_present = "default")]
        value: Option<String>,
        /// Forget what was set.
        #[arg(long, conflicts_with = "value")]
        default: bool,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Args { daemon, node, verb } = args;
    match verb {
        Verb::Get { name } => {
            let prefix = name.unwrap_or_default();
            let mut all = daemon.ask(style, &ListParameters { node })?;
            all.retain(|parameter| parameter.name.starts_with(&prefix));
            if all.is_empty() {
                return Err(Failure::failed(NONE.fill(style.language, &[("name", &prefix)])));
            }
            get(&all, style)
        }
        Verb::Set { name, value, default: _ } => {
            daemon.change(style, &SetParameter { node, name, value })
        }
    }
}

fn get(parameters: &[ParameterView], style: Style) -> Result {
    match (style.format, parameters) {
        (Format::Json, _) => output::json(&parameters)?,
        (Format::Table, [one]) => explain(one, style),
        (Format::Table, many) => output::table(
            PARAMETERS.get(style.language),
            COLUMNS.map(|column| column.get(style.language)),
            many.iter().map(|parameter| {
                [
                    parameter.name.clone(),
                    parameter.value.clone(),
                    parameter.default.clone(),
                    parameter.range.clone(),
                ]
            }),
        )?,
    }
    Ok(Outcome::Done)
}

fn explain(parameter: &ParameterView, style: Style) {
    println!("{}: {}", parameter.name, parameter.title);
    let [_, value, default, range] = COLUMNS.map(|column| column.get(style.language));
    println!("  {value}: {}", parameter.value);
    println!("  {default}: {}", parameter.default);
    println!("  {range}: {}", parameter.range);
    println!("  {}", parameter.help);
    for action in &parameter.needs {
        println!("  - {}", action.say(style.language));
    }
}

const PARAMETERS: Text = Text::new("Parameters", "パラメータ");
const COLUMNS: [Text; 4] = [
    Text::new("name", "名前"),
    Text::new("value", "値"),
    Text::new("default", "デフォルト"),
    Text::new("allowed", "許される値"),
];
const NONE: Text = Text::new(
    "There is no parameter {name}. `ringfence param get` shows all.",
    "パラメータ {name} はありません。`ringfence param get` で一覧を表示できます。",
);
