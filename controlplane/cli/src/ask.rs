//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use console::Secret;
use lang::{Language, Text};

use crate::failure::Failure;

/// Asks for a line. Without a terminal, or at the end of input, it is an error that says which
/// option answers instead.
pub fn line(prompt: &str, option: &str, language: Language) -> Result<String, Failure> {
    let nobody =
        || Failure::usage(NOBODY.fill(language, &[("what", &prompt), ("option", &option)]));
    let mut answer = String::new();
    print!("{prompt}: ");
    io::stdout().flush()?;
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        println!();
        return Err(nobody());
    }
    Ok(answer.trim().to_owned())
}

/// Asks a question that is answered with yes or no; an empty answer is no.
pub fn yes(question: &str, option: &str, language: Language) -> Result<bool, Failure> {
    loop {
        let answer = line(&format!("{question} [y/N]"), option, language)?;
        match answer.to_lowercase().as_str() {
            "y" | "yes" | "はい" => return Ok(true),
            "" | "n" | "no" | "いいえ" => return Ok(false),
            _ => {}
        }
    }
}

/// Asks for a password without showing it. Without a terminal it is read from standard input.
pub fn password(prompt: &str) -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        return Ok(Secret::new(rpassword::prompt_password(format!("{prompt}: "))?));
    }
    let mut line = zeroize::Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    Ok(Secret::new(line.trim_end_matches(['\n', '\r'])))
}

const NOBODY: Text = Text::new(
    "There is nobody to ask ({what}): give {option}.",
    "入力を受け取れません ({what})。{option} を指定してください。",
);
