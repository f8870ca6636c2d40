//! CSV files whose rows order something: read, and written so that they can be read again.
//!
//! Spreadsheets take text for a formula that begins like one. What is written begins with an
//! apostrophe then, which reading takes away again.

mod capf;
mod phones;

pub use capf::{read_capf, write_capf};
pub use phones::{read_phones, write_phones};

/// What one row orders.
#[derive(Debug)]
pub struct Row<T> {
    /// Number of the line that it begins in.
    pub line: u64,
    /// What stands in the first column of those that are known.
    pub device: String,
    /// What it orders, or why that cannot be read.
    pub order: Result<T, String>,
}

/// Reads rows. `known` are the columns that order something, the first of which names the device;
/// `passed_over` are those that may stand there. A file whose first row does not name the columns
/// is no such file.
fn read<T>(
    content: &[u8],
    known: &[&str],
    passed_over: &[&str],
    order: impl Fn(&str, &dyn Fn(&str) -> Option<String>) -> Result<T, String>,
) -> Result<Vec<Row<T>>, String> {
    // Spreadsheets begin a file with a mark.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut csv =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(content);
    let names = csv.headers().map_err(|error| error.to_string())?.clone();
    let unknown: Vec<_> =
        names.iter().filter(|name| !known.contains(name) && !passed_over.contains(name)).collect();
    if !unknown.is_empty() || !names.iter().any(|name| name == known[0]) {
        let known = known.join(", ");
        return Err(format!("unknown or missing columns {unknown:?}; known ones: {known}"));
    }
    let mut rows = Vec::new();
    let mut lines = Lines { rest: content, passed: 0, number: 1 };
    for record in csv.records() {
        let record = record.map_err(|error| error.to_string())?;
        let field = |name: &str| {
            let place = names.iter().position(|column| column == name);
            let text = place.and_then(|place| record.get(place)).filter(|text| !text.is_empty());
            text.map(plain)
        };
        let begins = record.position().map_or(0, |position| position.byte() as usize);
        let line = lines.at(begins);
        let device = field(known[0]).unwrap_or_default();
        if record.iter().all(str::is_empty) {
            continue;
        }
        let order = if record.len() > names.len() {
            Err(format!("{} fields under {} columns", record.len(), names.len()))
        } else {
            order(&device, &field)
        };
        rows.push(Row { line, device, order });
    }
    Ok(rows)
}

/// What a formula begins with, for one spreadsheet or another.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(FORMULA) || text.starts_with('\'') {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// The text that was made harmless.
fn plain(text: &str) -> String {
    let inner = text.strip_prefix('\'');
    let inner = inner.filter(|inner| inner.starts_with(FORMULA) || inner.starts_with('\''));
    inner.unwrap_or(text).to_owned()
}

/// Counts lines on the way through a file.
struct Lines<'a> {
    rest: &'a [u8],
    /// Bytes before the rest.
    passed: usize,
    number: u64,
}

impl Lines<'_> {
    /// The number of the line in which a record begins that was looked for from `place` on.
    fn at(&mut self, place: usize) -> u64 {
        let blank = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let length = place.saturating_sub(self.passed).min(self.rest.len());
        let length = length + self.rest[length..].iter().take_while(|it| blank(it)).count();
        let (before, rest) = self.rest.split_at(length);
        self.number += before.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.passed += length;
        self.rest = rest;
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_harmless_is_read_as_it_was() {
        for text in ["=1+1", "+49301234", "-1", "@SUM(A1)", "\tx", "'quoted", "plain", "", "a=b"] {
            let written = harmless(text);
            assert!(!written.starts_with(FORMULA), "{written}");
            assert_eq!(plain(&written), text);
        }
        assert_eq!(plain("'tis"), "'tis");
    }
}
