//! Where dialled digits lead.
//!
//! A pattern is made of `0`–`9`, `*`, `#`, `A`–`D`, `+`, and
//!
//! | sign | stands for |
//! |---|---|
//! | `X` | any one of `0`–`9` |
//! | `[2-57]` | one of the set; `[^…]` one that is not in it |
//! | `!` | one or more of any digit; last sign of a pattern only |
//! | `.` | nothing: what stands before it is dropped from the number that is sent on |
//!
//! Of several patterns that match the one that leaves the fewest possibilities wins. While a
//! longer number could still match, more digits are waited for.

use std::fmt;
use std::str::{Chars, FromStr};

use thiserror::Error;

/// Longest number anybody can dial.
pub const MAX_DIGITS: usize = 64;

const DIGITS: &str = "0123456789*#ABCD+";
/// All of them.
const ANY: Sign = (1 << DIGITS.len()) - 1;
/// Those of `X`.
const DECIMAL: Sign = (1 << 10) - 1;

/// A route pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    signs: Vec<Sign>,
    open_ended: bool,
    dropped: usize,
}

/// The digits that one place of a number may have: bit n for the n-th of [`DIGITS`].
type Sign = u32;

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It has no digit.
    #[error("a pattern needs at least one digit")]
    Empty,
    /// It is longer than [`MAX_DIGITS`].
    #[error("a pattern has at most {MAX_DIGITS} digits")]
    TooLong,
    /// A sign that has no meaning where it stands.
    #[error("`{0}` has no place there: use digits, X, [2-5], ! at the end, one .")]
    Sign(char),
    /// A set that does not end, is empty, or whose range runs backwards.
    #[error("a set is written like [2-57] or [^0]")]
    Set,
}

/// What has been dialled so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled<'a, T> {
    /// It leads nowhere, whatever follows.
    Nowhere,
    /// It leads nowhere yet.
    Incomplete,
    /// It leads here, and nothing that follows could change that.
    Complete(Route<'a, T>),
    /// It leads here unless more digits follow: to be waited for.
    Ambiguous(Route<'a, T>),
}

/// A match.
#[derive(Debug, PartialEq, Eq)]
pub struct Route<'a, T> {
    /// Where it leads.
    pub target: &'a T,
    /// How many of the digits dialled are dropped before they are sent on.
    pub dropped: usize,
}

impl<T> Clone for Route<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Route<'_, T> {}

/// Patterns and where they lead.
#[derive(Clone, Debug)]
pub struct DialPlan<T> {
    routes: Vec<(Pattern, T)>,
}

impl<T> Default for DialPlan<T> {
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

impl<T> DialPlan<T> {
    /// Adds a pattern. Of two equal ones the first counts.
    pub fn add(&mut self, pattern: Pattern, target: T) {
        self.routes.push((pattern, target));
    }

    /// Follows what has been dialled.
    pub fn follow(&self, digits: &str) -> Dialled<'_, T> {
        let mut best: Option<(&Pattern, &T)> = None;
        let mut longer = false;
        for (pattern, target) in &self.routes {
            match pattern.compare(digits) {
                Match::No => {}
                Match::Prefix => longer = true,
                Match::Whole => {
                    longer |= pattern.open_ended;
                    if best.is_none_or(|(best, _)| pattern.breadth() < best.breadth()) {
                        best = Some((pattern, target));
                    }
                }
            }
        }
        match (best, longer) {
            (None, false) => Dialled::Nowhere,
            (None, true) => Dialled::Incomplete,
            (Some((pattern, target)), longer) => {
                let route = Route { target, dropped: pattern.dropped };
                if longer { Dialled::Ambiguous(route) } else { Dialled::Complete(route) }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    No,
    /// More digits could make it match.
    Prefix,
    Whole,
}

impl Pattern {
    fn compare(&self, digits: &str) -> Match {
        let mut signs = self.signs.iter();
        for digit in digits.chars() {
            let sign = match signs.next() {
                Some(sign) => *sign,
                None if self.open_ended => ANY,
                None => return Match::No,
            };
            match bit(digit) {
                Some(bit) if sign & bit != 0 => {}
                _ => return Match::No,
            }
        }
        if signs.len() == 0 { Match::Whole } else { Match::Prefix }
    }

    /// A measure of how many numbers match: fewer go first.
    fn breadth(&self) -> (bool, f64) {
        let possibilities = self.signs.iter().map(|sign| f64::from(sign.count_ones()).ln()).sum();
        (self.open_ended, possibilities)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let mut new =
            Self { text: text.to_owned(), signs: Vec::new(), open_ended: false, dropped: 0 };
        let mut dotted = false;
        let mut rest = text.chars();
        while let Some(sign) = rest.next() {
            if new.open_ended {
                return Err(PatternError::Sign(sign));
            }
            let possible = match sign {
                'X' | 'x' => DECIMAL,
                '[' => set(&mut rest)?,
                '!' => {
                    new.open_ended = true;
                    ANY
                }
                '.' if !dotted => {
                    dotted = true;
                    new.dropped = new.signs.len();
                    continue;
                }
                digit => bit(digit).ok_or(PatternError::Sign(digit))?,
            };
            new.signs.push(possible);
            if new.signs.len() > MAX_DIGITS {
                return Err(PatternError::TooLong);
            }
        }
        if new.signs.is_empty() { Err(PatternError::Empty) } else { Ok(new) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The rest of a set, after its opening bracket.
fn set(rest: &mut Chars<'_>) -> Result<Sign, PatternError> {
    let (inner, after) = rest.as_str().split_once(']').ok_or(PatternError::Set)?;
    *rest = after.chars();
    let (inner, inverted) = match inner.strip_prefix('^') {
        Some(excluded) => (excluded, true),
        None => (inner, false),
    };
    let mut set = 0;
    let mut signs = inner.chars().peekable();
    while let Some(sign) = signs.next() {
        let from = place(sign).ok_or(PatternError::Set)?;
        let to = match signs.next_if_eq(&'-') {
            Some(_) => signs.next().and_then(place).ok_or(PatternError::Set)?,
            None => from,
        };
        if to < from {
            return Err(PatternError::Set);
        }
        set |= (from..=to).map(|place| 1 << place).sum::<Sign>();
    }
    let set = if inverted && set != 0 { ANY & !set } else { set };
    if set == 0 { Err(PatternError::Set) } else { Ok(set) }
}

fn bit(digit: char) -> Option<Sign> {
    place(digit).map(|place| 1 << place)
}

fn place(digit: char) -> Option<usize> {
    DIGITS.find(digit.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(patterns: &[&'static str]) -> DialPlan<&'static str> {
        let mut plan = DialPlan::default();
        for pattern in patterns {
            plan.add(pattern.parse().unwrap(), *pattern);
        }
        plan
    }

    fn target<'a>(dialled: Dialled<'a, &'static str>) -> (&'static str, usize, &'a str) {
        match dialled {
            Dialled::Nowhere => ("nowhere", 0, ""),
            Dialled::Incomplete => ("incomplete", 0, ""),
            Dialled::Complete(route) => ("complete", route.dropped, route.target),
            Dialled::Ambiguous(route) => ("ambiguous", route.dropped, route.target),
        }
    }

    #[test]
    fn digits_lead_where_the_closest_pattern_says() {
        let plan = plan(&["1001", "10XX", "1[2-57]XX", "9.!", "911", "*[^0]#"]);
        for (digits, expected) in [
            ("", ("incomplete", 0, "")),
            ("10", ("incomplete", 0, "")),
            ("1001", ("complete", 0, "1001")),
            ("1002", ("complete", 0, "10XX")),
            ("10021", ("nowhere", 0, "")),
            ("1599", ("complete", 0, "1[2-57]XX")),
            ("1600", ("nowhere", 0, "")),
            ("9", ("incomplete", 0, "")),
            ("91", ("ambiguous", 1, "9.!")),
            ("911", ("ambiguous", 0, "911")),
            ("9115", ("ambiguous", 1, "9.!")),
            ("*5#", ("complete", 0, "*[^0]#")),
            ("*0#", ("nowhere", 0, "")),
            ("?", ("nowhere", 0, "")),
        ] {
            assert_eq!(target(plan.follow(digits)), expected, "{digits}");
        }
    }

    #[test]
    fn mistakes_in_patterns_are_named() {
        let too_long = "X".repeat(MAX_DIGITS + 1);
        for (text, expected) in [
            ("", PatternError::Empty),
            (".", PatternError::Empty),
            ("1.2.3", PatternError::Sign('.')),
            ("9!1", PatternError::Sign('1')),
            ("12E", PatternError::Sign('E')),
            ("[12", PatternError::Set),
            ("[]", PatternError::Set),
            ("[^]", PatternError::Set),
            ("[5-2]", PatternError::Set),
            ("[1-]", PatternError::Set),
            ("[^0-+]", PatternError::Set),
            (&too_long, PatternError::TooLong),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn dialling_digit_by_digit_never_leaves_a_number_behind(
            patterns in proptest::collection::vec("[0-3X*]{1,5}!?", 1..6),
            digits in "[0-3*]{0,8}",
        ) {
            let mut plan = DialPlan::default();
            for pattern in &patterns {
                plan.add(pattern.parse().unwrap(), ());
            }
            let found = |digits: &str| {
                matches!(plan.follow(digits), Dialled::Complete(_) | Dialled::Ambiguous(_))
            };
            for end in 0..digits.len() {
                // What a longer number matches, its beginnings do not exclude.
                if found(&digits) {
                    let beginning = plan.follow(&digits[..end]);
                    prop_assert!(
                        matches!(beginning, Dialled::Incomplete | Dialled::Ambiguous(_)),
                        "{} of {digits}: {beginning:?}", &digits[..end],
                    );
                }
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,80}", digits in ".{0,20}") {
            if let Ok(pattern) = text.parse::<Pattern>() {
                prop_assert_eq!(pattern.to_string(), text);
                let mut plan = DialPlan::default();
                plan.add(pattern, ());
                plan.follow(&digits);
            }
        }
    }
}
