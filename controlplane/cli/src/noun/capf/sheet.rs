//! The CSV of CAPF: what `capf report --csv` writes, `capf bulk` reads.

use std::io;

use console::{CapfChanges, CapfView, Secret};
use store::DeviceName;

/// Columns that order something.
const ORDER: [&str; 6] =
    ["device", "operation", "auth_mode", "auth_string", "key_size", "complete_by"];
/// Columns that tell something; reading passes over them.
const TOLD: [&str; 8] = [
    "model",
    "description",
    "status",
    "reason",
    "result_at",
    "lsc_serial",
    "lsc_issuer",
    "lsc_not_after",
];
/// In the column `auth_string`: make one.
const GENERATE: &str = "generate";

/// What one row orders.
#[derive(Debug)]
pub struct Row {
    /// Number of the line that it begins in.
    pub line: u64,
    /// What stands in the column `device`.
    pub device: String,
    /// What it orders, or why that cannot be read.
    pub order: Result<(DeviceName, CapfChanges), String>,
}

/// Writes phones.
pub fn write(out: impl io::Write, phones: &[CapfView]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(ORDER.iter().chain(&TOLD))?;
    for phone in phones {
        let lsc = phone.lsc.as_ref();
        let of_lsc = |field: fn(&console::CertificateView) -> &String| {
            lsc.map(field).cloned().unwrap_or_default()
        };
        csv.write_record([
            phone.device.as_str(),
            phone.operation.as_str(),
            phone.auth_mode.as_str(),
            phone.auth_string.as_ref().map(Secret::expose).unwrap_or_default(),
            phone.key_size.as_str(),
            phone.complete_by.as_deref().unwrap_or_default(),
            phone.model.name(),
            &harmless(&phone.description),
            phone.status.as_str(),
            phone.reason.map_or("", |reason| reason.as_str()),
            phone.result_at.as_deref().unwrap_or_default(),
            &of_lsc(|lsc| &lsc.serial),
            &of_lsc(|lsc| &lsc.issuer),
            &of_lsc(|lsc| &lsc.not_after),
        ])?;
    }
    csv.flush()
}

/// Spreadsheets take text that begins like this for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// Reads rows. A file whose first row does not name the columns is no such file.
pub fn read(content: &[u8]) -> Result<Vec<Row>, String> {
    // Spreadsheets begin a file with a mark.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut csv =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(content);
    let names = csv.headers().map_err(|error| error.to_string())?.clone();
    let unknown: Vec<_> =
        names.iter().filter(|name| !ORDER.contains(name) && !TOLD.contains(name)).collect();
    if !unknown.is_empty() || !names.iter().any(|name| name == ORDER[0]) {
        let known = ORDER.join(", ");
        return Err(format!("unknown or missing columns {unknown:?}; known ones: {known}"));
    }
    let mut rows = Vec::new();
    let mut lines = Lines { rest: content, passed: 0, number: 1 };
    for record in csv.records() {
        let record = record.map_err(|error| error.to_string())?;
        let field = |name: &str| {
            let place = names.iter().position(|column| column == name);
            place.and_then(|place| record.get(place)).filter(|text| !text.is_empty())
        };
        let begins = record.position().map_or(0, |position| position.byte() as usize);
        let line = lines.at(begins);
        let device = field("device").unwrap_or_default().to_owned();
        if record.iter().all(str::is_empty) {
            continue;
        }
        let order = if record.len() > names.len() {
            Err(format!("{} fields under {} columns", record.len(), names.len()))
        } else {
            order(&device, field)
        };
        rows.push(Row { line, device, order });
    }
    Ok(rows)
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

fn order<'a>(
    device: &str,
    field: impl Fn(&str) -> Option<&'a str>,
) -> Result<(DeviceName, CapfChanges), String> {
    fn word<T>(given: Option<&str>) -> Result<Option<T>, String>
    where
        T: std::str::FromStr<Err = store::Error>,
    {
        given.map(str::parse::<T>).transpose().map_err(|error| error.to_string())
    }
    let name = device.parse().map_err(|error: store::Error| error.to_string())?;
    let string = field("auth_string");
    let generate_string = string.is_some_and(|it| it.eq_ignore_ascii_case(GENERATE));
    let changes = CapfChanges {
        operation: word(field("operation"))?,
        auth_mode: word(field("auth_mode"))?,
        auth_string: string.filter(|_| !generate_string).map(Secret::new),
        generate_string,
        key_size: word(field("key_size"))?,
        complete_by: field("complete_by").map(str::to_owned),
    };
    Ok((name, changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    // R: CAPF-17
    #[test]
    fn rows_are_read_one_by_one() {
        let file = "\u{feff}key_size, device ,operation,auth_string,status\r\n\
            2048,SEP001122334455,install,generate,ignored\r\n\
            \r\n\
            ,0011.2233.4466,,\"1234\",\r\n\
            4096,SEP001122334455,install,,\r\n\
            ,lobby,install,,\r\n\
            ,SEP001122334455,repair,,\r\n\
            ,SEP001122334455,install,,,,,,\r\n";
        let rows = read(file.as_bytes()).unwrap();
        let lines: Vec<_> = rows.iter().map(|row| (row.line, row.order.is_ok())).collect();
        assert_eq!(lines, [(2, true), (4, true), (5, false), (6, false), (7, false), (8, false)]);
        let (name, changes) = rows[0].order.as_ref().unwrap();
        assert_eq!(name.as_str(), "SEP001122334455");
        assert!(changes.generate_string && changes.auth_string.is_none());
        let (name, changes) = rows[1].order.as_ref().unwrap();
        assert_eq!(name.as_str(), "SEP001122334466");
        assert_eq!(changes.auth_string.as_ref().unwrap().expose(), "1234");
        assert!(changes.operation.is_none() && !changes.generate_string);

        for wrong in ["", "operation\ninstall\n", "device,colour\nSEP001122334455,red\n"] {
            assert!(read(wrong.as_bytes()).unwrap_err().contains("columns"), "{wrong}");
        }
    }
}
