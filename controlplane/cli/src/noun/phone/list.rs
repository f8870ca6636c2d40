//! Phones and models as tables.

use console::{ModelView, PhoneRow, PhonesChanged};
use lang::{Say, Text};

use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style, daemon};

/// Phones.
pub fn phones(rows: &[PhoneRow], style: Style) -> Result {
    if style.format == Format::Json {
        output::json(&rows)?;
        return Ok(Outcome::Done);
    }
    let registered = |row: &PhoneRow| match row.registered {
        Some(true) => YES.say(style.language),
        Some(false) => NO.say(style.language),
        None => "?".to_owned(),
    };
    output::table(
        PHONES.get(style.language),
        COLUMNS.map(|column| column.get(style.language)),
        rows.iter().map(|row| {
            [
                row.model.to_string(),
                row.security_mode.to_string(),
                row.effective_mode.to_string(),
                row.lsc_status_text.clone(),
                row.name.to_string(),
                row.description.clone(),
                row.directory_number.clone(),
                row.owner.clone(),
                registered(row),
            ]
        }),
    )?;
    Ok(Outcome::Done)
}

/// What came of a change of many.
pub fn changed(changed: &PhonesChanged, dry_run: bool, style: Style) -> Result {
    let outcome = match changed.refused.is_empty() {
        true => Outcome::Done,
        false => Outcome::Partial,
    };
    if style.format == Format::Json {
        output::json(changed)?;
        return Ok(outcome);
    }
    let values: [(&str, &dyn std::fmt::Display); 2] =
        [("matched", &changed.matched), ("refused", &changed.refused.len())];
    let summary = if dry_run { WOULD_MATCH } else { MATCHED };
    println!("{}", summary.fill(style.language, &values));
    if !dry_run {
        daemon::tell(&changed.done, style);
    }
    output::table(
        REFUSED.get(style.language),
        REFUSED_COLUMNS.map(|column| column.get(style.language)),
        changed.refused.iter().map(|phone| [phone.name.to_string(), phone.text.clone()]),
    )?;
    Ok(outcome)
}

/// Models: a row for each capability.
pub fn models(models: &[ModelView], style: Style) -> Result {
    if style.format == Format::Json {
        output::json(&models)?;
        return Ok(Outcome::Done);
    }
    output::table(
        MODELS.get(style.language),
        MODEL_COLUMNS.map(|column| column.get(style.language)),
        models.iter().flat_map(|model| {
            model.capabilities.iter().map(|(capability, support)| {
                [
                    model.model.to_string(),
                    capability.say(style.language),
                    support.say(style.language),
                ]
            })
        }),
    )?;
    Ok(Outcome::Done)
}

const PHONES: Text = Text::new("Phones", "電話機");
const COLUMNS: [Text; 9] = [
    Text::new("model", "機種"),
    Text::new("security mode", "セキュリティモード"),
    Text::new("in force", "有効なモード"),
    Text::new("LSC status", "LSC の状態"),
    Text::new("name", "デバイス名"),
    Text::new("description", "説明"),
    Text::new("number", "電話番号"),
    Text::new("owner", "所有者"),
    Text::new("registered", "登録"),
];
const YES: Text = Text::new("yes", "済");
const NO: Text = Text::new("no", "未");
const MATCHED: Text = Text::new(
    "{matched} phones matched, {refused} of them could not be set so.",
    "一致した電話機 {matched} 台、うち設定できなかったもの {refused} 台。",
);
const WOULD_MATCH: Text = Text::new(
    "{matched} phones match, {refused} of them could not be set so. Nothing was changed.",
    "一致する電話機 {matched} 台、うち設定できないもの {refused} 台。変更は行っていません。",
);
const REFUSED: Text = Text::new("Not set", "設定できなかった電話機");
const REFUSED_COLUMNS: [Text; 2] = [Text::new("phone", "電話機"), Text::new("because", "理由")];
const MODELS: Text = Text::new("Models", "機種");
const MODEL_COLUMNS: [Text; 3] =
    [Text::new("model", "機種"), Text::new("can", "機能"), Text::new("support", "対応")];
