//! `ringfence-pktgen`: RTP and SRTP at a pace, and what becomes of it.

mod command;
mod japanese;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use lang::Language;

use command::{export, search, send, sink};

/// Send RTP or SRTP at a steady pace, and tell what becomes of it.
///
/// Engines: xdp makes packets inside the kernel, millions a second, and only counts what arrives;
/// af-xdp and socket make every packet here, with a stamp by which a sink tells loss, order, jitter and
/// latency. xdp and af-xdp need root, socket needs nothing.
///
/// Try it on one machine: `ringfence-pktgen sink --engine socket --at 127.0.0.1:16384 --flows 10`, and
/// beside it `ringfence-pktgen send lo --engine socket --from 127.0.0.1:5000 --to 127.0.0.1:16384
/// --flows 10 --rate 500`.
#[derive(Parser)]
#[command(name = "ringfence-pktgen", version, arg_required_else_help = true)]
struct Cli {
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Language of help and reports, en or ja [default: that of LC_ALL, LC_MESSAGES or LANG].
    #[arg(long, global = true, value_name = "TAG", value_parser = language)]
    language: Option<Language>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Send the packets of many flows through an interface.
    Send(send::Args),
    /// Take in what an interface or an address receives, and report it.
    Sink(sink::Args),
    /// Find the fastest rate at which nothing is lost (RFC 2544).
    ///
    /// Sends through one interface what arrives at another of this machine in the end, faster and
    /// slower by halves, until the rate is known. What is measured stands between the two.
    Search(search::Args),
    /// Write files for other generators: TRex, Pktgen-DPDK, the kernel's pktgen.
    Export(export::Args),
}

/// How answers are given.
#[derive(Clone, Copy)]
struct Style {
    json: bool,
    language: Language,
}

fn language(tag: &str) -> Result<Language, String> {
    Language::from_tag(tag).ok_or_else(|| "write en or ja".to_owned())
}

fn main() -> anyhow::Result<()> {
    let environment = || Language::from_environment(|name| std::env::var(name).ok());
    let reader = help::language(std::env::args()).unwrap_or_else(environment);
    let matches = help::in_language(Cli::command(), reader, japanese::TEXTS).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let style = Style { json: cli.json, language: cli.language.unwrap_or_else(environment) };
    match cli.task {
        Task::Send(args) => send::run(&args, style),
        Task::Sink(args) => sink::run(&args, style),
        Task::Search(args) => search::run(&args, style),
        Task::Export(args) => export::run(&args, style),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_well_formed_and_spoken_in_japanese() {
        Cli::command().debug_assert();
        assert_eq!(help::unspoken(Cli::command(), japanese::TEXTS), [""; 0]);
    }
}
