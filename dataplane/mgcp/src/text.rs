//! Scanning helpers that the value parsers share.

use crate::ValueError;

/// Strips spaces and tabs from both ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The lines of a text, each without its end (CR LF or LF); the last may lack one.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').map(|line| {
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    })
}

/// Splits at separators outside quotes, parentheses and brackets; the parts are trimmed.
pub(crate) fn split_list(text: &str, separator: char) -> Result<Vec<&str>, ValueError> {
    let unbalanced = ValueError::protocol("unbalanced quotes, parentheses or brackets");
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0u32, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1).ok_or(unbalanced)?,
            _ if c == separator && depth == 0 => {
                parts.push(trim(&text[start..at]));
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if quoted || depth != 0 {
        return Err(unbalanced);
    }
    parts.push(trim(&text[start..]));
    Ok(parts)
}

/// As [`split_list`] at commas, but an empty text is an empty list and the list has a limit.
pub(crate) fn comma_list(text: &str, limit: usize) -> Result<Vec<&str>, ValueError> {
    if trim(text).is_empty() {
        return Ok(Vec::new());
    }
    let parts = split_list(text, ',')?;
    if parts.len() > limit {
        return Err(ValueError::protocol("list too long"));
    }
    Ok(parts)
}

/// `head(inner)rest`, where the parentheses belong together; without them only `head` is there.
type Parenthesised<'a> = (&'a str, Option<(&'a str, &'a str)>);

/// Splits at the first parenthesis and the one that closes it.
pub(crate) fn parenthesised(text: &str) -> Result<Parenthesised<'_>, ValueError> {
    let Some(open) = text.find('(') else {
        return Ok((trim(text), None));
    };
    let (mut depth, mut quoted) = (0u32, false);
    for (at, c) in text[open..].char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth == 1 => {
                let inner = &text[open + 1..open + at];
                return Ok((trim(&text[..open]), Some((inner, trim(&text[open + at + 1..])))));
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    Err(ValueError::protocol("unbalanced parentheses"))
}

/// Whether `text` is 1 to `max` letters, digits or hyphens.
pub(crate) fn is_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A number of 1 to `max` digits and nothing else.
pub(crate) fn number(text: &str, max: usize) -> Option<u32> {
    let digits = (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// `on` or `off`.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("on") => Some(true),
        _ if text.eq_ignore_ascii_case("off") => Some(false),
        _ => None,
    }
}

/// Joins what displays, with a separator between.
pub(crate) fn join<T: std::fmt::Display>(
    f: &mut std::fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
) -> std::fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
