//! One phone.

use console::{LineView, PhoneView};
use lang::Text;
use serde_json::Value;

use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// Shows it.
pub fn run(view: &PhoneView, style: Style) -> Result {
    if style.format == Format::Json {
        output::json(view)?;
        return Ok(Outcome::Done);
    }
    let mut fields = serde_json::to_value(view).map_err(std::io::Error::from)?;
    // These follow as tables.
    if let Value::Object(fields) = &mut fields {
        for table in ["lines", "line_details", "speed_dials", "call_managers", "notes"] {
            fields.remove(table);
        }
    }
    output::fields(&fields)?;
    println!("{}: {}\n", CALL_MANAGERS.get(style.language), view.call_managers.join(", "));
    output::table(
        LINES.get(style.language),
        LINE_COLUMNS.map(|column| column.get(style.language)),
        (1..).zip(&view.line_details).map(|(button, LineView { line, phones })| {
            let forward = |target: &Option<store::Number>| {
                target.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
            };
            [
                button.to_string(),
                line.number.to_string(),
                line.display.clone(),
                forward(&line.forward_all),
                forward(&line.forward_busy),
                forward(&line.forward_no_answer),
                phones.len().to_string(),
            ]
        }),
    )?;
    output::table(
        SPEED_DIALS.get(style.language),
        SPEED_DIAL_COLUMNS.map(|column| column.get(style.language)),
        (1..).zip(&view.device.speed_dials).map(|(position, dial)| {
            [position.to_string(), dial.number.to_string(), dial.label.clone()]
        }),
    )?;
    for note in &view.notes {
        println!("! {note}");
    }
    Ok(Outcome::Done)
}

const CALL_MANAGERS: Text = Text::new("CallManager group", "CallManager グループ");
const LINES: Text = Text::new("Lines", "回線");
const LINE_COLUMNS: [Text; 7] = [
    Text::new("button", "ボタン"),
    Text::new("number", "番号"),
    Text::new("display", "表示名"),
    Text::new("forward all", "全転送"),
    Text::new("busy", "話中時"),
    Text::new("no answer", "無応答時"),
    Text::new("phones", "電話機数"),
];
const SPEED_DIALS: Text = Text::new("Speed dials", "スピードダイヤル");
const SPEED_DIAL_COLUMNS: [Text; 3] =
    [Text::new("position", "位置"), Text::new("number", "番号"), Text::new("label", "ラベル")];
