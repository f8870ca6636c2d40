//! The command `ringfence`: `ringfence NOUN VERB`.
//!
//! One file per noun in `noun/`. A noun asks a daemon and hands what it got to [`output`], which
//! prints it as a table for people or as JSON for machines. How it ended is the exit code:
//! [`Outcome`], or the kind of [`Failure`].
//!
//! This crate must not decide anything: it asks, and shows the answer.

#![forbid(unsafe_code)]

mod ask;
mod bulk;
mod daemon;
mod failure;
mod help;
mod noun;
mod output;
mod secret;
mod state;
mod token_home;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use lang::Language;

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
    /// Language of answers, en or ja [default: that of LC_ALL, LC_MESSAGES or LANG].
    #[arg(long, global = true, value_name = "TAG", value_parser = language)]
    language: Option<Language>,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Subcommand)]
enum Noun {
    /// How things stand, and what is left to do.
    Status(noun::status::Args),
    /// The cluster.
    Cluster(noun::cluster::Args),
    /// The servers of the cluster.
    Node(noun::node::Args),
    /// The services of this node.
    Service(noun::service::Args),
    /// Enterprise and service parameters.
    Param(noun::param::Args),
    /// Telephones: their lines, modes and registrations.
    Phone(noun::phone::Args),
    /// Phones.
    Device(noun::device::Args),
    /// Directory numbers, and what becomes of calls to them.
    Line(noun::line::Args),
    /// What phones of one place have in common.
    Pool(noun::pool::Args),
    /// Gateways that serve phones while the centre is away.
    Srst(noun::srst::Args),
    /// Voicemail servers and their ports.
    Voicemail(noun::voicemail::Args),
    /// Bit rates of calls between places.
    Region(noun::region::Args),
    /// Where numbers lead that are no lines.
    Route(noun::route::Args),
    /// Voice gateways that CallManager commands by MGCP.
    Gateway(noun::gateway::Args),
    /// Calls: those that go on, and what remains of others.
    Call(noun::call::Args),
    /// Packet capture: signalling of encrypted calls, and media opened with its keys.
    Capture(noun::capture::Args),
    /// CAPF: certificates for phones.
    Capf(noun::capf::Args),
    /// Why something does not do what it should.
    Diagnose(noun::diagnose::Args),
    /// What of this machine keeps media slow, why, and its cure; nothing is changed without --apply.
    Doctor(noun::doctor::Args),
    /// The CTL file: whom phones may trust.
    Ctl(noun::ctl::Args),
    /// Security tokens, which sign the CTL file.
    Token(noun::token::Args),
    /// Backups: make, list, check and restore them.
    Backup(noun::backup::Args),
    /// Bring back what was lost, step by step.
    Recover(noun::recover::Args),
    /// Those who may log in.
    Admin(noun::admin::Args),
    /// What makes the cluster less secure than it could be; nothing is changed.
    Audit(noun::audit::Args),
    /// What was changed, when and by whom.
    Log(noun::log::Args),
    /// Write how this node stands to one file for those who help, without secrets.
    SupportBundle(noun::support::Args),
    /// The media relay.
    #[command(subcommand)]
    Relay(noun::relay::Verb),
    /// IPsec, which protects MGCP on its way.
    #[command(subcommand)]
    Ipsec(noun::ipsec::Verb),
}

/// How the answer is given.
#[derive(Clone, Copy)]
struct Style {
    format: Format,
    language: Language,
}

/// How a command ended that did what it could.
enum Outcome {
    Done,
    /// Some servers did not do their part; running the command again finishes it.
    Partial,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Partial => Self::from(4),
        }
    }
}

fn language(tag: &str) -> Result<Language, String> {
    Language::from_tag(tag).ok_or_else(|| "write en or ja".to_owned())
}

fn main() -> ExitCode {
    let environment = || Language::from_environment(|name| std::env::var(name).ok());
    let reader = ::help::language(std::env::args()).unwrap_or_else(environment);
    let words = noun::capture::with_files(std::env::args_os());
    let matches = ::help::in_language(Cli::command(), reader, help::TEXTS).get_matches_from(words);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let style = Style { format: cli.output, language: cli.language.unwrap_or_else(environment) };
    let result = match cli.noun {
        Noun::Status(args) => noun::status::run(args, style),
        Noun::Cluster(args) => noun::cluster::run(args, style),
        Noun::Node(args) => noun::node::run(args, style),
        Noun::Service(args) => noun::service::run(args, style),
        Noun::Param(args) => noun::param::run(args, style),
        Noun::Phone(args) => noun::phone::run(args, style),
        Noun::Device(args) => noun::device::run(args, style),
        Noun::Line(args) => noun::line::run(args, style),
        Noun::Pool(args) => noun::pool::run(args, style),
        Noun::Srst(args) => noun::srst::run(args, style),
        Noun::Voicemail(args) => noun::voicemail::run(args, style),
        Noun::Region(args) => noun::region::run(args, style),
        Noun::Route(args) => noun::route::run(args, style),
        Noun::Gateway(args) => noun::gateway::run(args, style),
        Noun::Call(args) => noun::call::run(args, style),
        Noun::Capture(args) => noun::capture::run(args, style),
        Noun::Capf(args) => noun::capf::run(args, style),
        Noun::Diagnose(args) => noun::diagnose::run(args, style),
        Noun::Doctor(args) => noun::doctor::run(args, style),
        Noun::Ctl(args) => noun::ctl::run(args, style),
        Noun::Token(args) => noun::token::run(args, style),
        Noun::Backup(args) => noun::backup::run(args, style),
        Noun::Recover(args) => noun::recover::run(args, style),
        Noun::Admin(args) => noun::admin::run(args, style),
        Noun::Audit(args) => noun::audit::run(args, style),
        Noun::SupportBundle(args) => noun::support::run(args, style),
        Noun::Log(args) => noun::log::run(args, style),
        Noun::Relay(verb) => noun::relay::run(verb, style.format),
        Noun::Ipsec(verb) => noun::ipsec::run(verb, style),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            eprintln!("ringfence: {failure}");
            failure.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed() {
        Cli::command().debug_assert();
    }
}
