//! What there is now.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use lang::{Language, Text};
use serde::Serialize;
use status::{Association, IpsecPath, IpsecState};

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(Serialize)]
struct View {
    associations: Vec<Association>,
    #[serde(flatten)]
    state: IpsecState,
    /// Datagrams of MGCP that came in clear and were not heard.
    came_in_clear: u64,
    /// Commands refused because their keys would have gone over an uncovered path.
    keys_refused: u64,
    /// Commands that did so because policy prefers it.
    keys_in_clear: u64,
}

/// Asks the daemon.
pub fn run(socket: &Path, style: Style) -> Result {
    let report = status::relay(socket)?;
    let count = |name| report.mgcp.get(name).copied().unwrap_or_default();
    let [came_in_clear, keys_refused, keys_in_clear] =
        ["came_in_clear", "keys_refused", "keys_in_clear"].map(count);
    let none = || Failure::failed(NONE.get(style.language));
    let state = report.ipsec_state.ok_or_else(none)?;
    let associations = report.ipsec;
    let view = View { associations, state, came_in_clear, keys_refused, keys_in_clear };
    match style.format {
        Format::Json => output::json(&view)?,
        Format::Table => show(&view, style.language)?,
    }
    Ok(Outcome::Done)
}

fn show(view: &View, language: Language) -> std::io::Result<()> {
    let state = &view.state;
    if let Some(there) = state.ike_daemon {
        println!("{}\n", if there { DAEMON_THERE } else { DAEMON_AWAY }.get(language));
    }
    output::table(
        PATHS.get(language),
        PATH_COLUMNS.map(|column| column.get(language)),
        state.paths.iter().map(|one| path(one, language)),
    )?;
    output::table(
        ASSOCIATIONS.get(language),
        ASSOCIATION_COLUMNS.map(|column| column.get(language)),
        view.associations.iter().map(association),
    )?;
    output::table(
        POLICIES.get(language),
        POLICY_COLUMNS.map(|column| column.get(language)),
        state.policies.iter().map(|policy| {
            [policy.direction.clone(), policy.traffic.clone(), policy.action.clone()]
        }),
    )?;
    let mut counters: BTreeMap<String, u64> = state.packets.clone();
    counters.extend(state.dropped.iter().map(|(why, n)| (format!("dropped: {why}"), *n)));
    counters.insert("came in clear".into(), view.came_in_clear);
    counters.insert("keys refused".into(), view.keys_refused);
    counters.insert("keys over an uncovered path".into(), view.keys_in_clear);
    let seen = counters.into_iter().filter(|(_, count)| *count > 0);
    output::table(
        COUNTERS.get(language),
        COUNTER_COLUMNS.map(|column| column.get(language)),
        seen.map(|(what, count)| [what, count.to_string()]),
    )
}

fn path(path: &IpsecPath, language: Language) -> [String; 8] {
    let state = match &path.reason {
        None if path.covered => COVERED.get(language).to_owned(),
        reason => {
            let reason = reason.as_deref().unwrap_or_default();
            format!("{}: {reason}", UNCOVERED.get(language))
        }
    };
    [
        path.name.clone(),
        path.local.to_string(),
        path.remote.to_string(),
        state,
        seconds(path.since_ms),
        path.suite.clone().unwrap_or_else(|| "-".into()),
        path.rekeys.to_string(),
        match path.calls.is_empty() {
            true => "-".into(),
            false => path.calls.join(" "),
        },
    ]
}

fn association(one: &Association) -> [String; 10] {
    let dropped: u64 = one.dropped.values().sum();
    [
        one.direction.clone(),
        one.spi.clone(),
        format!("{} -> {}", one.source, one.destination),
        format!("{}{}", one.mode, if one.in_udp { " in UDP" } else { "" }),
        one.suite.clone(),
        one.state.clone(),
        one.traffic.join(", "),
        one.packets.to_string(),
        format!("{}/{}", one.clear_octets, one.wire_octets),
        dropped.to_string(),
    ]
}

fn seconds(ms: u64) -> String {
    humantime::format_duration(Duration::from_secs(ms / 1000)).to_string()
}

const NONE: Text = Text::new(
    "ringfence-datad protects nothing: there is no [datad.ipsec] in its configuration.",
    "ringfence-datad は何も保護していません。設定に [datad.ipsec] がありません。",
);
const DAEMON_THERE: Text = Text::new("The IKE daemon is there.", "IKE デーモンは接続しています。");
const DAEMON_AWAY: Text = Text::new(
    "The IKE daemon is away: nothing can be negotiated. Does charon run, with kernel-ringfence first in charon.load?",
    "IKE デーモンが接続していないため、ネゴシエートできません。charon が起動していること、charon.load の先頭に kernel-ringfence があることを確認してください。",
);
const PATHS: Text = Text::new("Paths", "経路");
const PATH_COLUMNS: [Text; 8] = [
    Text::new("name", "名前"),
    Text::new("local", "自側"),
    Text::new("call agent", "コール エージェント"),
    Text::new("state", "状態"),
    Text::new("for", "継続時間"),
    Text::new("suite", "スイート"),
    Text::new("rekeys", "鍵更新"),
    Text::new("calls", "通話"),
];
const COVERED: Text = Text::new("covered", "保護されています");
const UNCOVERED: Text = Text::new("NOT COVERED", "保護されていません");
const ASSOCIATIONS: Text = Text::new("Associations", "アソシエーション");
const ASSOCIATION_COLUMNS: [Text; 10] = [
    Text::new("direction", "方向"),
    Text::new("SPI", "SPI"),
    Text::new("ends", "端点"),
    Text::new("mode", "モード"),
    Text::new("suite", "スイート"),
    Text::new("state", "状態"),
    Text::new("traffic", "トラフィック"),
    Text::new("packets", "パケット"),
    Text::new("octets clear/wire", "オクテット 平文/回線"),
    Text::new("dropped", "破棄"),
];
const POLICIES: Text =
    Text::new("Policies, the first that matches counts", "ポリシー (最初に一致したものを適用)");
const POLICY_COLUMNS: [Text; 3] = [
    Text::new("direction", "方向"),
    Text::new("traffic", "トラフィック"),
    Text::new("action", "動作"),
];
const COUNTERS: Text = Text::new("Counters", "カウンタ");
const COUNTER_COLUMNS: [Text; 2] = [Text::new("what", "項目"), Text::new("count", "件数")];
