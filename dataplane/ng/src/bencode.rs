//! Bencoding: `d3:key5:valuee`, `l…e`, `i42e`, `5:octet`.
//!
//! Names of a dictionary need not be in order: the protocol has never asked for that.

use zeroize::Zeroizing;

use crate::limits;
use crate::value::{Dictionary, Malformed, Value};

/// Reads the value at the front of `bytes`, and says how many octets it takes.
/// [`Malformed::Incomplete`] if more octets could complete it.
pub fn parse_prefix(bytes: &[u8]) -> Result<(Value, usize), Malformed> {
    let mut reader = Reader { bytes, at: 0, room: limits::VALUES };
    let value = reader.value(limits::DEPTH)?;
    Ok((value, reader.at))
}

/// Appends a value.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Integer(number) => out.extend(format!("i{number}e").bytes()),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            out.push(b'l');
            items.iter().for_each(|item| write(item, out));
            out.push(b'e');
        }
        Value::Dictionary(dictionary) => write_dictionary(dictionary, out),
    }
}

/// Appends a dictionary.
pub fn write_dictionary(dictionary: &Dictionary, out: &mut Vec<u8>) {
    out.push(b'd');
    for (name, value) in dictionary.iter() {
        write_text(name, out);
        write(value, out);
    }
    out.push(b'e');
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend(format!("{}:", text.len()).bytes());
    out.extend_from_slice(text);
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Values that may still come.
    room: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.room = self.room.checked_sub(1).ok_or(Malformed::TooLarge)?;
        let inside = || depth.checked_sub(1).ok_or(Malformed::TooLarge);
        match self.peek()? {
            b'i' => {
                self.at += 1;
                self.number(b'e').map(Value::Integer)
            }
            b'0'..=b'9' => self.text().map(Value::Text),
            b'l' => {
                let depth = inside()?;
                self.at += 1;
                let mut items = Vec::new();
                while !self.ends()? {
                    items.push(self.value(depth)?);
                }
                Ok(Value::List(items))
            }
            b'd' => {
                let depth = inside()?;
                self.at += 1;
                let mut dictionary = Dictionary::new();
                while !self.ends()? {
                    let name = self.text()?;
                    dictionary.push(&*name, self.value(depth)?);
                }
                Ok(dictionary.into())
            }
            _ => Err(Malformed::Grammar),
        }
    }

    /// Whether the list or dictionary ends here.
    fn ends(&mut self) -> Result<bool, Malformed> {
        let ends = self.peek()? == b'e';
        self.at += usize::from(ends);
        Ok(ends)
    }

    fn text(&mut self) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let len = usize::try_from(self.number(b':')?).map_err(|_| Malformed::Grammar)?;
        if len > limits::MESSAGE {
            return Err(Malformed::TooLarge);
        }
        let end = self.at + len;
        let text = self.bytes.get(self.at..end).ok_or(Malformed::Incomplete)?;
        self.at = end;
        Ok(Zeroizing::new(text.to_vec()))
    }

    /// Digits up to `end`, which is passed over.
    fn number(&mut self, end: u8) -> Result<i64, Malformed> {
        /// Of the longest number of 64 bits.
        const LONGEST: usize = 20;
        let rest = &self.bytes[self.at..];
        let digits = match rest.iter().take(LONGEST + 1).position(|&octet| octet == end) {
            Some(len) => &rest[..len],
            None if rest.len() <= LONGEST => {
                // What is there must be able to become a number.
                let sign = usize::from(rest.first() == Some(&b'-'));
                return match rest[sign..].iter().all(u8::is_ascii_digit) {
                    true => Err(Malformed::Incomplete),
                    false => Err(Malformed::Grammar),
                };
            }
            None => return Err(Malformed::Grammar),
        };
        let text = std::str::from_utf8(digits).map_err(|_| Malformed::Grammar)?;
        let plain = !text.starts_with('+');
        let number = text.parse().ok().filter(|_| plain).ok_or(Malformed::Grammar)?;
        self.at += digits.len() + 1;
        Ok(number)
    }

    fn peek(&self) -> Result<u8, Malformed> {
        self.bytes.get(self.at).copied().ok_or(Malformed::Incomplete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Value, Malformed> {
        let (value, len) = parse_prefix(text.as_bytes())?;
        assert_eq!(len, text.len());
        Ok(value)
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        for text in ["i-42e", "i0e", "0:", "4:spam", "le", "li1e2:xye", "d2:zzi1e1:al0:ee", "de"] {
            let mut written = Vec::new();
            write(&parse(text).unwrap(), &mut written);
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_complete_may_become_so_and_what_is_wrong_may_not() {
        for text in ["", "i", "i-", "i12", "1", "12:abc", "l", "d", "d1:a", "d1:ai1e", "l4:spam"] {
            assert_eq!(parse(text), Err(Malformed::Incomplete), "{text}");
        }
        for text in ["x", "i1x", "ie", "i+1e", "-1:", "1x", "di1ei2ee", "i99999999999999999999e"] {
            assert_eq!(parse(text), Err(Malformed::Grammar), "{text}");
        }
    }

    #[test]
    fn bombs_are_refused_before_they_cost_anything() {
        assert_eq!(parse("99999999:x"), Err(Malformed::TooLarge));
        assert_eq!(parse(&"l".repeat(100_000)), Err(Malformed::TooLarge));
        assert_eq!(parse(&format!("l{}", "i1e".repeat(10_000))), Err(Malformed::TooLarge));
    }
}
