//! `--help` in the reader's language.
//!
//! The English texts are the comments of a command's options; a program has a table of what takes
//! their place in Japanese, and a test that [`unspoken`] finds nothing in it that is missing or left
//! over.
//!
//! This crate must not know any command.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use clap::builder::StyledStr;
use clap::{Arg, Command};
use lang::{Language, Text};

const TEMPLATE: &str = "{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";

/// The texts of a program, by whatever parts they are written down in.
pub type Texts = [&'static [Text]];

/// What clap says by itself in a program with commands and a version.
pub const CLAP: &[Text] = &[
    Text::new("Print help (see more with '--help')", "ヘルプを表示します (詳細は '--help')"),
    Text::new("Print help (see a summary with '-h')", "ヘルプを表示します (要約は '-h')"),
    Text::new("Print version", "バージョンを表示します"),
    Text::new(
        "Print this message or the help of the given subcommand(s)",
        "このメッセージ、または指定したサブコマンドのヘルプを表示します",
    ),
];

/// The language that the command line asks for, before it is understood: `--help` ends it early.
pub fn language(arguments: impl Iterator<Item = String>) -> Option<Language> {
    let mut rest = arguments.skip_while(|word| !word.starts_with("--language"));
    let word = rest.next()?;
    let tag = word.strip_prefix("--language=").map(str::to_owned).or_else(|| rest.next())?;
    Language::from_tag(&tag)
}

/// The command with its help in a language.
pub fn in_language(mut command: Command, language: Language, texts: &Texts) -> Command {
    match language {
        Language::English => command,
        Language::Japanese => {
            // What clap adds by itself is there from now on.
            command.build();
            japanese(command, texts)
        }
    }
}

/// What is wrong with the texts of a command: English ones without a Japanese one, those that no
/// command says, those that stand twice. For a test.
pub fn unspoken(mut command: Command, texts: &Texts) -> Vec<String> {
    command.build();
    let mut spoken = BTreeSet::new();
    english(&command, &mut spoken);
    let all: Vec<_> = all(texts).map(|text| text.en.to_owned()).collect();
    let known: BTreeSet<_> = all.iter().cloned().collect();
    let missing = spoken.difference(&known).map(|text| format!("not in Japanese: {text}"));
    let unused = known.difference(&spoken).map(|text| format!("no command says: {text}"));
    let mut found: Vec<_> = missing.chain(unused).collect();
    if known.len() < all.len() {
        found.push("a text stands twice".to_owned());
    }
    found
}

fn japanese(command: Command, texts: &Texts) -> Command {
    let about = command.get_about().map(|about| text(about, texts));
    let long_about = command.get_long_about().map(|about| text(about, texts));
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("コマンド")
        .mut_args(|of| argument(of, texts));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |sub| japanese(sub, texts)))
}

fn argument(argument: Arg, texts: &Texts) -> Arg {
    let help = argument.get_help().map(|help| text(help, texts));
    let long_help = argument.get_long_help().map(|help| text(help, texts));
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
fn text(english: &StyledStr, texts: &Texts) -> String {
    let english = english.to_string();
    let found = all(texts).find(|text| text.en == english);
    found.map_or(english, |text| text.ja.to_owned())
}

fn all(texts: &Texts) -> impl Iterator<Item = &'static Text> {
    texts.iter().copied().flatten()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_seen_before_anything_else() {
        let of = |line: &str| language(line.split(' ').map(str::to_owned));
        assert_eq!(of("ringfence ctl --language ja --help"), Some(Language::Japanese));
        assert_eq!(of("ringfence --language=ja_JP"), Some(Language::Japanese));
        assert_eq!(of("ringfence --help"), None);
        assert_eq!(of("ringfence --language"), None);
    }

    #[test]
    fn texts_that_are_missing_or_left_over_are_found() {
        const TEXTS: &[Text] = &[Text::new("One", "一"), Text::new("Two", "二")];
        let command = Command::new("count").about("One").disable_help_flag(true);
        let found = unspoken(command.clone(), &[TEXTS]);
        assert_eq!(found, ["no command says: Two"]);
        assert_eq!(unspoken(command.clone(), &[&TEXTS[..1]]), [""; 0]);
        let found = unspoken(command.clone(), &[]);
        assert_eq!(found, ["not in Japanese: One"]);
        let about = in_language(command, Language::Japanese, &[TEXTS]);
        assert_eq!(about.get_about().map(ToString::to_string), Some("一".to_owned()));
    }
}
