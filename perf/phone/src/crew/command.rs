//! The language of scripts: a command per line.

use std::time::Duration;

use super::{Action, Condition, Home};

/// A line of a script.
#[derive(Clone, Debug)]
pub enum Command {
    /// `phone NAME KEY=VALUE…`
    Phone(String, Box<Home>),
    /// `NAME VERB …`
    Act(String, Action),
    /// `expect NAME [not] WHAT [within TIME]`
    Expect(String, Condition, Option<Duration>),
    /// `sleep TIME`
    Sleep(Duration),
    /// `show NAME`
    Show(String),
}

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub(super) String);

impl Command {
    /// Reads a line; `None` if there is nothing in it but a comment.
    pub fn parse(line: &str) -> Result<Option<Self>, SyntaxError> {
        let words = words(line)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let name = |name: &str| -> Result<String, SyntaxError> { Ok(name.to_owned()) };
        Ok(Some(match *words {
            [] => return Ok(None),
            ["phone", phone, ref definition @ ..] => {
                Self::Phone(name(phone)?, Box::new(Home::parse(definition)?))
            }
            ["sleep", time] => Self::Sleep(duration(time)?),
            ["show", phone] => Self::Show(name(phone)?),
            ["expect" | "wait", phone, ref what @ .., "within", time] => {
                Self::Expect(name(phone)?, Condition::parse(what)?, Some(duration(time)?))
            }
            ["expect" | "wait", phone, ref what @ ..] => {
                Self::Expect(name(phone)?, Condition::parse(what)?, None)
            }
            [phone, ref what @ ..] => Self::Act(name(phone)?, Action::parse(what)?),
        }))
    }
}

/// `200ms`, `5s` or `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, SyntaxError> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.parse::<f64>().ok().filter(|number| (0.0..1e6).contains(number));
    let seconds = number.zip(match &text[digits.len()..] {
        "ms" => Some(0.001),
        "s" => Some(1.0),
        "m" => Some(60.0),
        _ => None,
    });
    let (number, unit) = seconds
        .ok_or_else(|| SyntaxError(format!("{text:?} is no time: write 200ms, 5s or 2m")))?;
    Ok(Duration::from_secs_f64(number * unit))
}

/// Words between blanks; quotes keep some together, `#` begins a comment.
fn words(line: &str) -> Result<Vec<String>, SyntaxError> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() => break,
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err(SyntaxError("a quotation mark is missing".to_owned()));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_words() {
        let parse = |line| words(line).unwrap();
        assert_eq!(parse("  a dials 1002 # to b"), ["a", "dials", "1002"]);
        assert_eq!(
            parse("expect a shows \"Enter Number\""),
            ["expect", "a", "shows", "Enter Number"]
        );
        assert_eq!(parse("a types *#"), ["a", "types", "*#"]);
        assert_eq!(parse("# nothing"), [""; 0]);
        assert!(words("expect a shows \"x").is_err());
    }

    #[test]
    fn times() {
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["5", "s", "-1s", "1h", "NaNs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn commands_are_told_from_each_other() {
        let parse = |line| Command::parse(line);
        assert!(matches!(parse("sleep 1s"), Ok(Some(Command::Sleep(_)))));
        assert!(matches!(parse(""), Ok(None)));
        let Ok(Some(Command::Expect(name, _, Some(within)))) = parse("wait b ringing within 3s")
        else {
            panic!()
        };
        assert_eq!((name.as_str(), within), ("b", Duration::from_secs(3)));
        assert!(matches!(parse("a dials 1002"), Ok(Some(Command::Act(..)))));
        for wrong in ["a", "a dances", "expect a", "expect a purple", "a dials", "phone a x=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
