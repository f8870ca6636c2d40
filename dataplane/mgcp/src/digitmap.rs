//! Digit maps (RFC 3435 §2.1.5).

use std::fmt;
use std::str::FromStr;

use crate::text::trim;
use crate::{ReturnCode, ValueError, limits};

/// A digit map whose syntax is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitMap(Box<str>);

impl DigitMap {
    /// The alternatives, each one string of positions.
    pub fn alternatives(&self) -> impl Iterator<Item = &str> {
        inside(&self.0).split('|').map(trim)
    }
}

/// What a dialled string is to a digit map (RFC 3435 §2.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// More may come.
    Incomplete {
        /// Nothing but the timer is missing to an alternative: it runs for T-critical, not T-partial.
        critical: bool,
    },
    /// An alternative is complete, and none can go on.
    Match,
    /// No alternative is left.
    Mismatch,
}

impl DigitMap {
    /// Judges what was dialled: digits `0` to `9`, `A` to `D`, `#`, `*`, and `T` for the timer.
    pub fn judge(&self, dialled: &str) -> Dialled {
        let (mut complete, mut going_on, mut critical) = (false, false, false);
        for alternative in self.alternatives() {
            let positions: Vec<_> = Positions(alternative).collect();
            let Some(reached) = reach(&positions, dialled) else { continue };
            for at in reached {
                complete |= at == positions.len();
                going_on |= at < positions.len();
                let by_timer = positions.get(at).is_some_and(|p| p.takes('T'));
                critical |= by_timer && ends(&positions[at + 1..]);
            }
        }
        match (complete, going_on) {
            (_, true) => Dialled::Incomplete { critical },
            (true, false) => Dialled::Match,
            (false, false) => Dialled::Mismatch,
        }
    }
}

/// One position of an alternative: what it takes, and whether it may be left out or repeated.
#[derive(Clone, Copy, Debug)]
struct Position<'a> {
    /// A symbol, or the inside of a list.
    takes: &'a str,
    any_number: bool,
}

impl Position<'_> {
    fn takes(&self, symbol: char) -> bool {
        match self.takes.as_bytes() {
            [b'x' | b'X'] => symbol.is_ascii_digit(),
            list => in_list(list, symbol as u8),
        }
    }
}

/// Whether a checked list has this symbol.
fn in_list(mut list: &[u8], symbol: u8) -> bool {
    loop {
        let (found, rest) = match list {
            [low, b'-', high, rest @ ..] => ((low..=high).contains(&&symbol), rest),
            [one, rest @ ..] => (one.eq_ignore_ascii_case(&symbol), rest),
            [] => return false,
        };
        if found {
            return true;
        }
        list = rest;
    }
}

/// The positions of an alternative that was checked.
struct Positions<'a>(&'a str);

impl<'a> Iterator for Positions<'a> {
    type Item = Position<'a>;

    fn next(&mut self) -> Option<Position<'a>> {
        let (takes, rest) = match self.0.strip_prefix('[') {
            Some(list) => list.split_once(']')?,
            None => self.0.split_at_checked(1)?,
        };
        let behind = rest.strip_prefix('.');
        self.0 = behind.unwrap_or(rest);
        Some(Position { takes, any_number: behind.is_some() })
    }
}

/// The positions that may take the next symbol after `dialled`, the one behind the last included;
/// none if the alternative is out.
fn reach(positions: &[Position<'_>], dialled: &str) -> Option<Vec<usize>> {
    let mut here = skip(positions, vec![0]);
    for symbol in dialled.chars() {
        let taking = here.iter().filter(|&&at| positions.get(at).is_some_and(|p| p.takes(symbol)));
        let next = taking.map(|&at| if positions[at].any_number { at } else { at + 1 }).collect();
        here = skip(positions, next);
    }
    (!here.is_empty()).then_some(here)
}

/// Adds what is reached by leaving out positions that may be left out.
fn skip(positions: &[Position<'_>], mut reached: Vec<usize>) -> Vec<usize> {
    let mut index = 0;
    while let Some(&at) = reached.get(index) {
        let optional = positions.get(at).is_some_and(|position| position.any_number);
        if optional && !reached.contains(&(at + 1)) {
            reached.push(at + 1);
        }
        index += 1;
    }
    reached.sort_unstable();
    reached.dedup();
    reached
}

/// Whether the rest of an alternative may be empty.
fn ends(positions: &[Position<'_>]) -> bool {
    positions.iter().all(|position| position.any_number)
}

/// What stands between the parentheses, if there are any.
fn inside(text: &str) -> &str {
    text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text)
}

impl FromStr for DigitMap {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.len() > limits::DIGIT_MAP {
            return Err(ValueError::protocol("digit map too long"));
        }
        if !text.starts_with('(') && text.contains('|') {
            return Err(ValueError::protocol("digit map alternatives without parentheses"));
        }
        let map = Self(text.into());
        map.alternatives().try_for_each(check)?;
        Ok(map)
    }
}

fn check(alternative: &str) -> Result<(), ValueError> {
    let illegal = ValueError::protocol("illegal digit map");
    let mut rest = alternative.as_bytes();
    let mut repeatable = false;
    if rest.is_empty() {
        return Err(illegal);
    }
    while let [symbol, tail @ ..] = rest {
        rest = tail;
        repeatable = match symbol.to_ascii_uppercase() {
            b'.' if repeatable => false,
            b'.' => return Err(illegal),
            b'[' => {
                let end = tail.iter().position(|&b| b == b']').ok_or(illegal)?;
                check_list(&tail[..end])?;
                rest = &tail[end + 1..];
                true
            }
            b'0'..=b'9' | b'A'..=b'D' | b'#' | b'*' | b'T' | b'X' => true,
            b'E'..=b'Z' => {
                let code = ReturnCode::DIGIT_MAP_EXTENSION;
                return Err(ValueError::new(code, "digit map letter of an unknown package"));
            }
            _ => return Err(illegal),
        };
    }
    Ok(())
}

/// Digits, letters, and ranges of digits.
fn check_list(list: &[u8]) -> Result<(), ValueError> {
    let illegal = ValueError::protocol("illegal list in digit map");
    let mut rest = list;
    loop {
        rest = match rest {
            [low, b'-', high, tail @ ..] => {
                if !low.is_ascii_digit() || !high.is_ascii_digit() || low > high {
                    return Err(illegal);
                }
                tail
            }
            [symbol, tail @ ..] => {
                let symbol = symbol.to_ascii_uppercase();
                if !matches!(symbol, b'0'..=b'9' | b'A'..=b'D' | b'#' | b'*' | b'T') {
                    return Err(illegal);
                }
                tail
            }
            [] => return if list.is_empty() { Err(illegal) } else { Ok(()) },
        };
    }
}

impl fmt::Display for DigitMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_the_standard_are_legal() {
        for text in [
            "(0T|00T|[1-7]xxx|8xxxxxxx|#xxxxxxx|*xx|91xxxxxxxxxx|9011x.T)",
            "xxxx",
            "([2-9#*T]x.)",
            "(1 | 2)",
        ] {
            let map: DigitMap = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(map.to_string(), text);
        }
        let map: DigitMap = "(1 | 2x.)".parse().unwrap();
        assert_eq!(map.alternatives().collect::<Vec<_>>(), ["1", "2x."]);
    }

    #[test]
    fn dialling_is_judged_as_the_standard_says() {
        let judge = |map: &str, dialled: &str| map.parse::<DigitMap>().unwrap().judge(dialled);
        let more = |critical| Dialled::Incomplete { critical };
        let plan = "(0T|00T|[1-7]xxx|8xxxxxxx|#xxxxxxx|*xx|91xxxxxxxxxx|9011x.T)";
        for (dialled, verdict) in [
            ("", more(false)),
            ("0", more(true)),
            ("0T", Dialled::Match),
            ("00", more(true)),
            ("000", Dialled::Mismatch),
            ("5551", Dialled::Match),
            ("555", more(false)),
            ("5551T", Dialled::Mismatch),
            ("*6", more(false)),
            ("*69", Dialled::Match),
            ("9011", more(true)),
            ("901149", more(true)),
            ("901149T", Dialled::Match),
            ("91T", Dialled::Mismatch),
            ("A", Dialled::Mismatch),
        ] {
            assert_eq!(judge(plan, dialled), verdict, "{dialled}");
        }
        assert_eq!(judge("([2-9#*T]x.)", "25"), more(false), "nothing says that it is all");
        assert_eq!(judge("(1|12)", "1"), more(false), "the longer one may come");
        assert_eq!(judge("(1|12)", "1T"), Dialled::Mismatch);
        assert_eq!(judge("d", "D"), Dialled::Match);
        assert_eq!(judge("xx.xT", "12"), more(true));
    }

    #[test]
    fn illegal_maps_are_refused() {
        for text in
            ["", "()", "(1|)", ".", "1..", "[", "[]", "[9-1]", "[x-2]", "1|2", "((1))", "1)"]
        {
            assert_eq!(text.parse::<DigitMap>().unwrap_err().code.value(), 510, "{text}");
        }
        assert_eq!("1P".parse::<DigitMap>().unwrap_err().code.value(), 537);
        assert!("1".repeat(2049).parse::<DigitMap>().is_err());
    }
}
