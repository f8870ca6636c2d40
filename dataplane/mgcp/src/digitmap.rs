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
