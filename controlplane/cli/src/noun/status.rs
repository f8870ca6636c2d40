//! `ringfence status`: how things stand, and what is left to do.

use console::{CheckState, Status, StatusReport, TelephonyView};
use lang::{Say, Text};

use crate::daemon::Daemon;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let report = args.daemon.ask(style, &Status {})?;
    match style.format {
        Format::Json => output::json(&report)?,
        Format::Table => show(&report, style),
    }
    Ok(Outcome::Done)
}

fn show(report: &StatusReport, style: Style) {
    let line = |label: Text, value: &dyn std::fmt::Display| {
        println!("{}: {value}", label.get(style.language));
    };
    line(NODE, &report.node);
    if let Some(cluster) = &report.cluster {
        line(CLUSTER, cluster);
    }
    // Shown once a CTL client has set it, never before.
    if let Some(mode) = report.security_mode {
        line(MODE, &mode);
    }
    if let Some(md5) = &report.ctl_md5 {
        line(CTL, md5);
    }
    if let Some(print) = &report.certificate_sha256 {
        line(CERTIFICATE, print);
    }
    line(REVISION, &report.revision);
    if let Some(counted) = &report.telephony {
        show_counters(counted, style);
    }
    println!();
    for item in &report.checklist {
        let mark = match item.state {
            CheckState::Done => "[x]",
            CheckState::Open => "[ ]",
            CheckState::Optional => "[-]",
        };
        println!("{mark} {}", item.text);
        if !item.detail.is_empty() {
            println!("      {}", item.detail);
        }
    }
    if !report.due.is_empty() {
        println!("\n{}", DUE.get(style.language));
        for action in &report.due {
            println!("  - {}", action.say(style.language));
        }
    }
    for alarm in &report.alarms {
        println!("\n! {alarm}");
    }
}

fn show_counters(counted: &TelephonyView, style: Style) {
    for (label, count) in [
        (REGISTERED, counted.phones_registered),
        (ACTIVE, counted.calls_active),
        (COMPLETED, counted.calls_completed),
    ] {
        let values: [(&str, &dyn std::fmt::Display); 4] = [
            ("label", &label.get(style.language)),
            ("encrypted", &count.encrypted),
            ("authenticated", &count.authenticated),
            ("plain", &count.non_secure),
        ];
        println!("{}", COUNTED.fill(style.language, &values));
    }
}

const REGISTERED: Text = Text::new("Phones registered", "登録中の電話機");
const ACTIVE: Text = Text::new("Calls active", "進行中の通話");
const COMPLETED: Text = Text::new("Calls completed", "完了した通話");
const COUNTED: Text = Text::new(
    "{label}: {encrypted} encrypted, {authenticated} authenticated, {plain} non-secure",
    "{label}: 暗号化 {encrypted}、認証済み {authenticated}、ノンセキュア {plain}",
);
const NODE: Text = Text::new("Node", "ノード");
const CLUSTER: Text = Text::new("Cluster", "クラスタ");
const MODE: Text = Text::new("Cluster Security Mode", "クラスタセキュリティモード");
const CTL: Text = Text::new("MD5 of the CTL file", "CTL ファイルの MD5");
const CERTIFICATE: Text = Text::new("SHA-256 of the node's certificate", "ノード証明書の SHA-256");
const REVISION: Text = Text::new("Revision", "リビジョン");
const DUE: Text = Text::new("To do:", "未実施の作業:");
