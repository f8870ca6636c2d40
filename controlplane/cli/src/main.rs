//! The command `ringfence`: `ringfence NOUN VERB`.
//!
//! One file per noun in `noun/`. A noun asks a daemon and hands what it got to [`output`], which
//! prints it as a table for people or as JSON for machines. How it ended is the exit code:
//! [`Outcome`].
//!
//! This crate must not decide anything: it asks, and shows the answer.

#![forbid(unsafe_code)]

mod noun;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Format;

/// Watch and administer ringfence.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by policy, 4 done in part.
#[derive(Parser)]
#[command(name = "ringfence", version, arg_required_else_help = true)]
struct Cli {
    /// How to print answers.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Subcommand)]
enum Noun {
    /// The media relay.
    #[command(subcommand)]
    Relay(noun::relay::Verb),
}

/// How a command ended.
enum Outcome {
    Done,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
        }
    }
}

type Result = std::result::Result<Outcome, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.noun {
        Noun::Relay(verb) => noun::relay::run(verb, cli.output),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("ringfence: {error}");
            ExitCode::from(1)
        }
    }
}
