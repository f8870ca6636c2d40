//! How things stand with the list.

use std::collections::BTreeMap;

use cluster::client::{OperationFault, RELEASE};
use cluster::list::present_list;
use cluster::preflight::{Held, PhoneLists, Preflight, Verdict};
use cluster::required::{Inventory, restored, update_required};
use lang::{Say, Text};
use messages::Explain;
use pki::certificate::hex;
use serde::Serialize;
use tlv::VerifiedCtl;

use super::file::{self, Entry};
use super::session::Session;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(Serialize)]
struct Shown {
    client: &'static str,
    security_mode: u8,
    md5: Option<String>,
    signer: Option<String>,
    problem: Option<String>,
    entries: Vec<Entry>,
    servers: Vec<ServerState>,
    update_required: Vec<String>,
    /// MD5 of a list, and how many phones hold it.
    phones: BTreeMap<String, usize>,
    /// What is not as it should be and does no harm yet.
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct ServerState {
    server: String,
    address: String,
    state: &'static str,
    detail: String,
}

pub fn run(session: &Session<'_>) -> Result {
    let cluster = &session.cluster;
    let language = session.style.language;
    let mode = session.done(cluster.publisher().mode())?;
    let (present, problem) = match cluster.present() {
        Ok(list) => (list, None),
        Err(fault @ (OperationFault::List(_) | OperationFault::NoFileInMixedMode)) => {
            (None, Some(fault.explain(language).to_string()))
        }
        Err(fault) => return session.done(Err(fault)),
    };
    let servers = servers(session, present.as_ref());
    let mut shown = Shown {
        client: RELEASE,
        security_mode: mode.number(),
        md5: present.as_ref().map(|list| hex(&list.md5())),
        signer: present.as_ref().map(|list| list.header().signer.name.to_string()),
        problem,
        entries: present.as_ref().map(|list| Entry::all(list.records())).unwrap_or_default(),
        servers,
        update_required: Vec::new(),
        phones: BTreeMap::new(),
        warnings: Vec::new(),
    };
    if let Some(list) = &present {
        shown.update_required = reasons(session, list);
    }
    let mut phones = PhoneLists::default();
    for (info, _) in cluster.nodes() {
        if let Some(Ok(remote)) = cluster.node(&info.name) {
            phones.merge(session.done(remote.phones())?);
        }
    }
    for (_, phone) in phones.iter() {
        let held = match &phone.held {
            Held::Nothing => "-".to_owned(),
            Held::List(list) => hex(&list.md5()),
            Held::Lost(_) => "?".to_owned(),
        };
        *shown.phones.entry(held).or_default() += 1;
    }
    let differ = session.done(cluster.paths_that_differ())?;
    shown.warnings = differ.iter().map(|fault| fault.explain(language).cause).collect();
    match session.style.format {
        Format::Json => output::json(&shown)?,
        Format::Table => tell(&shown, session.style)?,
    }
    Ok(Outcome::Done)
}

/// Whether each server has the list of the publisher.
fn servers(session: &Session<'_>, present: Option<&VerifiedCtl>) -> Vec<ServerState> {
    let cluster = &session.cluster;
    let state = |name: &str| -> (&'static str, String) {
        let remote = match cluster.node(name) {
            Some(Ok(remote)) => remote,
            Some(Err(fault)) => {
                return ("unreachable", fault.explain(session.style.language).to_string());
            }
            None => return ("unreachable", String::new()),
        };
        match remote.ctl_file() {
            Err(fault) => ("unreachable", fault.explain(session.style.language).to_string()),
            Ok(None) => ("none", String::new()),
            Ok(Some(file)) if present.is_some_and(|list| list.as_bytes() == file) => {
                ("current", String::new())
            }
            Ok(Some(file)) => match present_list(&file) {
                Ok(_) => ("other", String::new()),
                Err(fault) => ("corrupt", fault.explain(session.style.language).to_string()),
            },
        }
    };
    cluster
        .nodes()
        .map(|(info, _)| {
            let (state, detail) = state(&info.name);
            let (server, address) = (info.name.clone(), info.address.to_string());
            ServerState { server, address, state, detail }
        })
        .collect()
}

/// Why an update is required. A server that cannot be asked is told among the servers.
fn reasons(session: &Session<'_>, list: &VerifiedCtl) -> Vec<String> {
    let cluster = &session.cluster;
    let say = |reason: &dyn Explain| reason.explain(session.style.language).cause;
    let mut reasons = Vec::new();
    match cluster.discover(session.now) {
        Ok(found) => {
            let required = update_required(list, &Inventory::of_discovery(&found));
            reasons.extend(required.iter().map(|reason| say(reason)));
        }
        Err(fault) => reasons.push(fault.explain(session.style.language).to_string()),
    }
    if let Ok(Some(accepted)) = cluster.publisher().accepted_ctl_file() {
        let sha256 = hex(&pki::Hash::Sha256.of(&accepted));
        let server = &cluster.publisher().server().name;
        reasons.extend(restored(server, list, &sha256).iter().map(|reason| say(reason)));
    }
    reasons
}

fn tell(shown: &Shown, style: Style) -> std::io::Result<()> {
    let line = |label: Text, value: &dyn std::fmt::Display| {
        println!("{}: {value}", label.get(style.language));
    };
    line(CLIENT, &shown.client);
    line(MODE, &shown.security_mode);
    match &shown.md5 {
        Some(md5) => line(MD5, md5),
        None => println!("{}", NO_FILE.say(style.language)),
    }
    if let Some(signer) = &shown.signer {
        line(SIGNER, signer);
    }
    if let Some(problem) = &shown.problem {
        println!("! {problem}");
    }
    println!();
    file::entries(&shown.entries, style)?;
    output::table(
        SERVERS.get(style.language),
        SERVER_COLUMNS.map(|column| column.get(style.language)),
        shown.servers.iter().map(|server| {
            [
                server.server.clone(),
                server.address.clone(),
                server.state.to_owned(),
                server.detail.clone(),
            ]
        }),
    )?;
    output::table(
        PHONES.get(style.language),
        PHONE_COLUMNS.map(|column| column.get(style.language)),
        shown.phones.iter().map(|(md5, count)| [md5.clone(), count.to_string()]),
    )?;
    for warning in &shown.warnings {
        println!("! {warning}");
    }
    if !shown.update_required.is_empty() {
        println!("{}", UPDATE_REQUIRED.say(style.language));
        for reason in &shown.update_required {
            println!("  - {reason}");
        }
    }
    Ok(())
}

/// Tells what phones would do with a new list.
pub fn tell_preflight(preflight: &Preflight, style: Style) -> Result {
    #[derive(Serialize)]
    struct Row<'a> {
        phone: &'a str,
        accepts: bool,
        why: String,
    }
    let rows: Vec<_> = preflight
        .phones
        .iter()
        .map(|(phone, verdict)| Row {
            phone,
            accepts: !matches!(verdict, Verdict::Stranded(_)),
            why: match verdict {
                Verdict::Accepts => KNOWS_SIGNER.say(style.language),
                Verdict::AcceptsFirst => HAS_NONE.say(style.language),
                Verdict::Stranded(why) => why.to_string(),
            },
        })
        .collect();
    match style.format {
        Format::Json => output::json(&rows)?,
        Format::Table => {
            println!("{}", NOTHING_WRITTEN.say(style.language));
            if !preflight.silent.is_empty() {
                let nodes = preflight.silent.join(", ");
                println!("{}", SILENT.fill(style.language, &[("nodes", &nodes)]));
            }
            output::table(
                PREFLIGHT.get(style.language),
                PREFLIGHT_COLUMNS.map(|column| column.get(style.language)),
                rows.iter().map(|row| {
                    let verdict = if row.accepts { ACCEPTS } else { REFUSES };
                    [row.phone.to_owned(), verdict.say(style.language), row.why.clone()]
                }),
            )?;
        }
    }
    Ok(Outcome::Done)
}

const CLIENT: Text = Text::new("CTL client", "CTL クライアント");
const MODE: Text = Text::new("Cluster Security Mode", "クラスタセキュリティモード");
const MD5: Text = Text::new("MD5 of the CTL file", "CTL ファイルの MD5");
const NO_FILE: Text = Text::new("No CTL file", "CTL ファイルはありません");
const SIGNER: Text = Text::new("Signed by", "署名者");
const SERVERS: Text = Text::new("Servers", "サーバ");
const SERVER_COLUMNS: [Text; 4] = [
    Text::new("server", "サーバ"),
    Text::new("address", "アドレス"),
    Text::new("CTL file", "CTL ファイル"),
    Text::new("detail", "詳細"),
];
const PHONES: Text = Text::new("Phones", "電話機");
const PHONE_COLUMNS: [Text; 2] =
    [Text::new("MD5 they hold", "保持する MD5"), Text::new("phones", "台数")];
const UPDATE_REQUIRED: Text = Text::new(
    "The CTL file must be updated (`ringfence ctl update`):",
    "CTL ファイルの更新が必要です (`ringfence ctl update`):",
);
const NOTHING_WRITTEN: Text = Text::new(
    "Nothing was written. With this file:",
    "何も書き込んでいません。このファイルを使った場合:",
);
const SILENT: Text = Text::new(
    "Phones of {nodes} are not among them: they could not be asked.",
    "{nodes} の電話機は含まれていません。照会できませんでした。",
);
const PREFLIGHT: Text = Text::new("Phones", "電話機");
const PREFLIGHT_COLUMNS: [Text; 3] =
    [Text::new("phone", "電話機"), Text::new("would", "結果"), Text::new("because", "理由")];
const ACCEPTS: Text = Text::new("accept", "受け入れる");
const REFUSES: Text = Text::new("refuse", "拒否する");
const KNOWS_SIGNER: Text = Text::new("it knows the token", "トークンを知っている");
const HAS_NONE: Text = Text::new("it has no CTL file", "CTL ファイルがない");
