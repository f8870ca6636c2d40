//! Answers on the terminal, or in a pipe.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use lang::Text;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Result;
use crate::{Outcome, Style};

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people; in a pipe, columns without frames.
    Table,
    /// JSON for machines.
    Json,
}

/// Prints JSON.
pub fn json(answer: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, answer)?;
    writeln!(out)
}

/// Prints what there is of something: JSON, or a table with a row for each.
pub fn list<T: Serialize, const N: usize>(
    items: &[T],
    style: Style,
    heading: Text,
    columns: [Text; N],
    row: impl Fn(&T) -> [String; N],
) -> Result {
    match style.format {
        Format::Json => json(&items)?,
        Format::Table => {
            let columns = columns.map(|column| column.get(style.language));
            table(heading.get(style.language), columns, items.iter().map(row))?;
        }
    }
    Ok(Outcome::Done)
}

/// Prints a table under a heading; nothing when it has no rows.
pub fn table<const N: usize>(
    heading: &str,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns);
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.add_rows(rows);
    if table.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{heading}")?;
    for line in table.lines() {
        writeln!(out, "  {}", line.trim_end())?;
    }
    writeln!(out)
}

/// Prints the fields of an object, one a line, those of nested objects by their path.
pub fn fields(object: &impl Serialize) -> io::Result<()> {
    let mut lines = Vec::new();
    flatten("", &serde_json::to_value(object)?, &mut lines);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut out = io::stdout().lock();
    for (name, value) in lines {
        writeln!(out, "{name:width$}  {value}")?;
    }
    Ok(())
}

/// The fields that differ between two states of an object, with both values; `-` where there is
/// none. A value that is no object is a field called `value`.
pub fn differences(old: &Option<Value>, new: &Option<Value>) -> Vec<(String, String, String)> {
    let fields = |side: &Option<Value>| {
        let mut lines = Vec::new();
        if let Some(value) = side {
            let root = if value.is_object() { "" } else { "value" };
            flatten(root, value, &mut lines);
        }
        lines.into_iter().collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (fields(old), fields(new));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let side = |side: &BTreeMap<String, String>, name: &String| {
        side.get(name).cloned().unwrap_or_else(|| "-".to_owned())
    };
    names
        .into_iter()
        .map(|name| (name.clone(), side(&old, name), side(&new, name)))
        .filter(|(_, old, new)| old != new)
        .collect()
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, lines);
            }
        }
        Value::String(text) => lines.push((path.to_owned(), text.clone())),
        other => lines.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let told = |old, new| {
            let all = differences(&old, &new).into_iter();
            all.map(|(field, old, new)| format!("{field}: {old} {new}")).collect::<Vec<_>>()
        };
        let old = json!({ "name": "SEP", "hardening": { "web": true, "garp": true } });
        let new = json!({ "name": "SEP", "hardening": { "web": false, "garp": true } });
        assert_eq!(told(Some(old.clone()), Some(new)), ["hardening.web: true false"]);
        assert_eq!(told(Some(old), None).len(), 3);
        assert_eq!(told(None, Some(json!("on"))), ["value: - on"]);
    }
}
