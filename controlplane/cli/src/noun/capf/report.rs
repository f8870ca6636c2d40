//! `ringfence capf report`: phones, what is ordered for them, and what came of it.

use console::sheet::write_capf;
use console::{CapfView, ReportCapf, Secret};
use lang::Text;
use store::{CapfOperation, CapfStatus};

use crate::daemon::Daemon;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// Which phones.
pub struct Filter {
    pub status: Option<CapfStatus>,
    pub operation: Option<CapfOperation>,
    pub find: Option<String>,
}

impl Filter {
    fn takes(&self, phone: &CapfView) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        self.status.is_none_or(|status| status == phone.status)
            && self.operation.is_none_or(|operation| operation == phone.operation)
            && self.find.as_ref().is_none_or(|part| {
                has(phone.device.as_str(), part) || has(&phone.description, part)
            })
    }
}

/// Does it.
pub fn run(daemon: &Daemon, filter: &Filter, csv: bool, style: Style) -> Result {
    let mut phones = daemon.ask(style, &ReportCapf {})?;
    phones.retain(|phone| filter.takes(phone));
    match (csv, style.format) {
        (true, _) => write_capf(std::io::stdout().lock(), &phones)?,
        (false, Format::Json) => output::json(&phones)?,
        (false, Format::Table) => output::table(
            PHONES.get(style.language),
            COLUMNS.map(|column| column.get(style.language)),
            phones.iter().map(row),
        )?,
    }
    Ok(Outcome::Done)
}

fn row(phone: &CapfView) -> [String; 8] {
    [
        phone.device.to_string(),
        phone.model.to_string(),
        phone.operation.to_string(),
        phone.auth_mode.to_string(),
        phone.auth_string.as_ref().map(Secret::expose).unwrap_or("-").to_owned(),
        phone.complete_by.clone().unwrap_or_else(|| "-".into()),
        phone.status_text.clone(),
        phone.reason_text.clone().unwrap_or_default(),
    ]
}

const PHONES: Text = Text::new("Phones", "電話機");
const COLUMNS: [Text; 8] = [
    Text::new("device", "デバイス"),
    Text::new("model", "機種"),
    Text::new("operation", "操作"),
    Text::new("authentication", "認証モード"),
    Text::new("string", "認証文字列"),
    Text::new("completes by", "完了期限"),
    Text::new("status", "状態"),
    Text::new("because", "理由"),
];
