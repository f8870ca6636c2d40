//! The CSV of CAPF: what `capf report --csv` writes, `capf bulk` reads.

use std::io;

use store::DeviceName;

use super::{Row, harmless, read};
use crate::{CapfChanges, CapfView, CertificateView, Secret};

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

/// Writes what CAPF knows of phones.
pub fn write_capf(out: impl io::Write, phones: &[CapfView]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(ORDER.iter().chain(&TOLD))?;
    for phone in phones {
        let lsc = phone.lsc.as_ref();
        let of_lsc =
            |field: fn(&CertificateView) -> &String| lsc.map(field).cloned().unwrap_or_default();
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

/// Reads orders of CAPF, row by row.
pub fn read_capf(content: &[u8]) -> Result<Vec<Row<(DeviceName, CapfChanges)>>, String> {
    read(content, &ORDER, &TOLD, order)
}

fn order(
    device: &str,
    field: &dyn Fn(&str) -> Option<String>,
) -> Result<(DeviceName, CapfChanges), String> {
    fn word<T>(given: Option<String>) -> Result<Option<T>, String>
    where
        T: std::str::FromStr<Err = store::Error>,
    {
        let word = given.map(|word| word.parse::<T>()).transpose();
        word.map_err(|error| error.to_string())
    }
    let name = device.parse().map_err(|error: store::Error| error.to_string())?;
    let string = field("auth_string");
    let generates = |it: &String| it.eq_ignore_ascii_case(GENERATE);
    let generate_string = string.as_ref().is_some_and(generates);
    let changes = CapfChanges {
        operation: word(field("operation"))?,
        auth_mode: word(field("auth_mode"))?,
        auth_string: string.filter(|_| !generate_string).map(Secret::new),
        generate_string,
        key_size: word(field("key_size"))?,
        complete_by: field("complete_by"),
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
        let rows = read_capf(file.as_bytes()).unwrap();
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
            assert!(read_capf(wrong.as_bytes()).unwrap_err().contains("columns"), "{wrong}");
        }
    }
}
