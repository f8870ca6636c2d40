//! Passwords: from a prompt or a file, never from the command line, where others see them.

use std::path::PathBuf;

use console::Secret;
use lang::{Say, Text};
use zeroize::Zeroizing;

use crate::Style;
use crate::ask;
use crate::failure::Failure;

/// Longest file that is taken for a password.
const MAX_BYTES: u64 = 1024;

/// Where a password comes from.
#[derive(Clone, Default, clap::Args)]
pub struct PasswordSource {
    /// File whose first line is the password [default: ask for it].
    #[arg(long, global = true, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordSource {
    /// The first line of a file.
    pub fn file(path: PathBuf) -> Self {
        Self { password_file: Some(path) }
    }

    /// The present password of somebody.
    pub fn known(&self, prompt: &str) -> Result<Secret, Failure> {
        match &self.password_file {
            Some(path) => first_line(path),
            None => ask::password(prompt),
        }
    }

    /// A new password, typed twice.
    pub fn fresh(&self, prompt: &str, style: Style) -> Result<Secret, Failure> {
        let password = self.known(prompt)?;
        if self.password_file.is_none() {
            let again = ask::password(&AGAIN.say(style.language))?;
            if again.expose() != password.expose() {
                return Err(Failure::usage(DIFFERENT.say(style.language)));
            }
        }
        Ok(password)
    }
}

fn first_line(path: &std::path::Path) -> Result<Secret, Failure> {
    use std::io::{BufRead, BufReader, Read};
    let failed = |error| Failure::failed(format!("{}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut line = Zeroizing::new(String::new());
    BufReader::new(file.take(MAX_BYTES)).read_line(&mut line).map_err(failed)?;
    Ok(Secret::new(line.trim_end_matches(['\n', '\r'])))
}

const AGAIN: Text = Text::new("The same once more", "確認のためもう一度");
const DIFFERENT: Text = Text::new("The two are not the same.", "2 回の入力が一致しません。");
