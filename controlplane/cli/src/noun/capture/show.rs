//! How packet capture stands.

use console::CaptureView;
use lang::Text;

use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// Shows it.
pub fn run(view: &CaptureView, style: Style) -> Result {
    if style.format == Format::Json {
        output::json(view)?;
        return Ok(Outcome::Done);
    }
    let say = |text: Text| text.get(style.language);
    let columns = |columns: [Text; 4]| columns.map(|column| column.get(style.language));
    println!("{}\n", say(if view.enabled { ON } else { OFF }));
    output::table(
        say(DEVICES),
        columns([DEVICE, MODE, STARTED, ENDS]),
        view.devices.iter().map(|it| {
            [it.device.clone(), it.mode.to_string(), it.started.clone(), it.ends.clone()]
        }),
    )?;
    output::table(
        say(FILES),
        [DAY, OCTETS, PLACE].map(say),
        view.files.iter().map(|it| {
            let place = if it.archived { ARCHIVED } else { KEPT };
            [it.day.clone(), it.octets.to_string(), say(place).to_owned()]
        }),
    )?;
    output::table(
        say(TOOLS),
        columns([TOOL, OWNER, ATTACHED, FINGERPRINT]),
        view.tools.iter().map(|it| {
            let attached = if view.attached.contains(&it.name) { YES } else { NO };
            let attached = say(attached).to_owned();
            [it.name.clone(), it.owner.clone(), attached, it.sha256.clone()]
        }),
    )?;
    if let (Some(live), Some(sha256)) = (&view.live, &view.certificate_sha256) {
        println!("{}", LIVE.fill(style.language, &[("address", live), ("sha256", sha256)]));
    }
    let counts: [(&str, &dyn std::fmt::Display); 2] =
        [("recorded", &view.recorded), ("lost", &view.lost)];
    println!("{}", COUNTS.fill(style.language, &counts));
    if let Some(problem) = &view.problem {
        println!("{problem}");
    }
    Ok(Outcome::Done)
}

const ON: Text = Text::new("Packet Capture Enable is on.", "パケット キャプチャの有効化: オン");
const OFF: Text = Text::new("Packet Capture Enable is off.", "パケット キャプチャの有効化: オフ");
const DEVICES: Text = Text::new("Captured devices", "キャプチャ中のデバイス");
const DEVICE: Text = Text::new("device", "デバイス");
const MODE: Text = Text::new("mode", "モード");
const STARTED: Text = Text::new("since", "開始");
const ENDS: Text = Text::new("until", "終了");
const FILES: Text = Text::new("Files", "ファイル");
const DAY: Text = Text::new("day", "日付");
const OCTETS: Text = Text::new("bytes", "バイト");
const PLACE: Text = Text::new("place", "場所");
const KEPT: Text = Text::new("here", "通常");
const ARCHIVED: Text = Text::new("archive", "アーカイブ");
const TOOLS: Text = Text::new("Tools", "ツール");
const TOOL: Text = Text::new("name", "名前");
const OWNER: Text = Text::new("owner", "所有者");
const ATTACHED: Text = Text::new("attached", "接続中");
const FINGERPRINT: Text = Text::new("SHA-256", "SHA-256");
const YES: Text = Text::new("yes", "はい");
const NO: Text = Text::new("no", "いいえ");
const LIVE: Text = Text::new(
    "Tools attach to {address}: ringfence capture live --server {address} --server-sha256 {sha256}",
    "ツールの接続先は {address} です: ringfence capture live --server {address} --server-sha256 {sha256}",
);
const COUNTS: Text = Text::new(
    "{recorded} messages recorded since the start, {lost} lost.",
    "起動後に {recorded} 件のメッセージを記録、{lost} 件を損失。",
);
