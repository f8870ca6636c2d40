//! `--help` in Japanese. The English texts are the comments of the commands; here stands what takes
//! their place, and a test that no command was forgotten.

mod backup;
mod capture;
mod doctor;
mod gateways;
mod ipsec;
mod survival;
mod telephony;
mod texts;
mod voicemail;

use clap::builder::StyledStr;
use clap::{Arg, Command};
use lang::{Language, Text};

const TEMPLATE: &str = "{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";

/// The language that the command line asks for, before it is understood: `--help` ends it early.
pub fn language(arguments: impl Iterator<Item = String>) -> Option<Language> {
    let mut rest = arguments.skip_while(|word| !word.starts_with("--language"));
    let word = rest.next()?;
    let tag = word.strip_prefix("--language=").map(str::to_owned).or_else(|| rest.next())?;
    Language::from_tag(&tag)
}

/// The command with its help in a language.
pub fn in_language(mut command: Command, language: Language) -> Command {
    match language {
        Language::English => command,
        Language::Japanese => {
            // What clap adds by itself is there from now on.
            command.build();
            japanese(command)
        }
    }
}

fn japanese(command: Command) -> Command {
    let about = command.get_about().map(text);
    let long_about = command.get_long_about().map(text);
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command =
        command.help_template(TEMPLATE).subcommand_help_heading("コマンド").mut_args(argument);
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, japanese))
}

fn argument(argument: Arg) -> Arg {
    let help = argument.get_help().map(text);
    let long_help = argument.get_long_help().map(text);
    // Below a heading of ours clap would sort them by name.
    let argument = match argument.get_index() {
        Some(index) => argument.help_heading("引数").display_order(index),
        None => argument.help_heading("オプション"),
    };
    let argument = match help {
        Some(help) => argument.help(help),
        None => argument,
    };
    match long_help {
        Some(help) => argument.long_help(help),
        None => argument,
    }
}

/// What stands for an English text; the text itself where nothing does.
fn text(english: &StyledStr) -> String {
    let english = english.to_string();
    let found = texts().find(|text| text.en == english);
    found.map_or(english, |text| text.ja.to_owned())
}

fn texts() -> impl Iterator<Item = &'static Text> {
    let survival = [survival::TEXTS, backup::TEXTS];
    let calls = [telephony::TEXTS, gateways::TEXTS, voicemail::TEXTS];
    let wire = [ipsec::TEXTS, capture::TEXTS, doctor::TEXTS];
    texts::TEXTS.iter().chain(calls.into_iter().chain(survival).chain(wire).flatten())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    fn english(command: &Command, found: &mut BTreeSet<String>) {
        let of_argument = |argument: &Arg| {
            let helps = [argument.get_help(), argument.get_long_help()];
            helps.into_iter().flatten().map(StyledStr::to_string).collect::<Vec<_>>()
        };
        let abouts = [command.get_about(), command.get_long_about()];
        found.extend(abouts.into_iter().flatten().map(StyledStr::to_string));
        found.extend(command.get_arguments().flat_map(of_argument));
        command.get_subcommands().for_each(|sub| english(sub, found));
    }

    #[test]
    fn every_help_text_has_a_japanese_one_and_none_is_left_over() {
        let mut command = Cli::command();
        command.build();
        let mut spoken = BTreeSet::new();
        english(&command, &mut spoken);
        let known: BTreeSet<_> = texts().map(|text| text.en.to_owned()).collect();
        let missing: Vec<_> = spoken.difference(&known).collect();
        assert!(missing.is_empty(), "help/texts.rs lacks {missing:#?}");
        let unused: Vec<_> = known.difference(&spoken).collect();
        assert!(unused.is_empty(), "no command says {unused:#?}");
        assert_eq!(known.len(), texts().count(), "a text stands twice");
    }

    #[test]
    fn japanese_commands_are_the_same_commands() {
        let command = in_language(Cli::command(), Language::Japanese);
        command.clone().debug_assert();
        let words = ["ringfence", "token", "list", "a.token"];
        assert!(command.try_get_matches_from(words).is_ok());
    }

    #[test]
    fn the_language_is_seen_before_anything_else() {
        let of = |line: &str| language(line.split(' ').map(str::to_owned));
        assert_eq!(of("ringfence ctl --language ja --help"), Some(Language::Japanese));
        assert_eq!(of("ringfence --language=ja_JP"), Some(Language::Japanese));
        assert_eq!(of("ringfence --help"), None);
        assert_eq!(of("ringfence --language"), None);
    }
}
