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

use ::help::Texts;

pub const TEXTS: &Texts = &[
    ::help::CLAP,
    texts::TEXTS,
    telephony::TEXTS,
    gateways::TEXTS,
    voicemail::TEXTS,
    survival::TEXTS,
    backup::TEXTS,
    ipsec::TEXTS,
    capture::TEXTS,
    doctor::TEXTS,
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use lang::Language;

    use super::*;
    use crate::Cli;

    #[test]
    fn every_help_text_has_a_japanese_one_and_none_is_left_over() {
        assert_eq!(::help::unspoken(Cli::command(), TEXTS), [""; 0]);
    }

    #[test]
    fn japanese_commands_are_the_same_commands() {
        let command = ::help::in_language(Cli::command(), Language::Japanese, TEXTS);
        command.clone().debug_assert();
        let words = ["ringfence", "token", "list", "a.token"];
        assert!(command.try_get_matches_from(words).is_ok());
    }
}
