//! How things stand, and what to do next.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use console::{
    InventoryView, ListCertificates, ListSamples, PerStatusView, RestartService, SampleView,
    Status, StatusReport,
};
use lang::{Language, Text};
use maud::{Markup, html};
use store::{Action, Service};

use super::checklist::checklist;
use super::form::Press;
use super::layout::page;
use super::notice::{action_words, make};
use super::plot::{self, Line, Part};
use super::words::RESET;
use super::{OrPage, Shown, Submitted, escaped};
use crate::site::{Site, Visitor};

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let status = site.ask(&visitor, Status {}).await.or_page(&visitor)?;
    let inventory = site.ask(&visitor, ListCertificates {}).await.or_page(&visitor)?;
    let samples = site.ask(&visitor, ListSamples {}).await.or_page(&visitor)?;
    let language = visitor.language;
    let expiries = expiries(&site, &inventory);
    let content = html! {
        div data-refresh="30" {
            @for alarm in &status.alarms {
                div .notice .warn role="alert" { p { (alarm) } }
            }
            div .cards {
                (state(&status, language))
                (checklist(CHECKLIST, &status.checklist, place, language))
                (due(&status.due, &visitor))
                @if let Some(telephony) = &status.telephony {
                    (counted(REGISTERED, telephony.phones_registered, language))
                    (counted(ACTIVE, telephony.calls_active, language))
                    (counted(COMPLETED, telephony.calls_completed, language))
                }
                (over_time(REGISTERED_DAY, &samples, |it| it.phones_registered, language))
                (over_time(ACTIVE_DAY, &samples, |it| it.calls_active, language))
                section .card {
                    h2 { (EXPIRIES.get(language)) }
                    (plot::calendar(&expiries, language))
                    a href="/certificates" { (CERTIFICATES.get(language)) }
                }
            }
        }
    };
    Ok(page(&site, &visitor, "/", TITLE, content))
}

fn state(status: &StatusReport, language: Language) -> Markup {
    let (mode, class) = match status.security_mode {
        Some(1) => (MIXED, "good"),
        _ => (NON_SECURE, "warn"),
    };
    html! {
        section .card {
            h2 { (status.cluster.as_deref().unwrap_or("–")) }
            p .big .(class) { (mode.get(language)) }
            dl .facts {
                dt { (NODE.get(language)) } dd { (status.node) }
                dt { (REVISION.get(language)) } dd { (status.revision) }
                dt { (CTL_FILE.get(language)) }
                dd .mono { (status.ctl_md5.as_deref().unwrap_or("–")) }
                dt { (VERSION.get(language)) } dd { (status.version) }
            }
        }
    }
}

/// Where a step is done.
fn place(step: &str) -> Option<&'static str> {
    Some(match step {
        "cluster" | "ctl-provider" | "capf" => "/nodes",
        "devices" => "/phones",
        "ctl-file" | "mixed-mode" => "/trust-list",
        _ => "#due",
    })
}

/// Restarts and resets that nobody has done, each a button.
fn due(actions: &[Action], visitor: &Visitor) -> Markup {
    let language = visitor.language;
    html! {
        section .card #due {
            h2 { (DUE.get(language)) }
            @if actions.is_empty() { p .soft { (NOTHING_DUE.get(language)) } }
            ul .checks {
                @for action in actions {
                    li {
                        div .row {
                            span { (action_words(action, language)) }
                            (button(action, visitor))
                        }
                    }
                }
            }
        }
    }
}

fn button(action: &Action, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let reset = |place: &str, field: &str, value: &str| {
        Press::new(place, RESET.get(language))
            .with(field, value)
            .sure(SURE.get(language))
            .show(visitor)
    };
    let phones = |field: &str, value: &str| reset("/phones/reset", field, value);
    let restart = |service: Service| {
        Press::new("/services/restart", RESTART.get(language))
            .with("service", service)
            .show(visitor)
    };
    match action {
        Action::RestartCtlProvider => restart(Service::CtlProvider),
        Action::RestartCapf => restart(Service::Capf),
        Action::RestartCallManager => restart(Service::CallManager),
        Action::RestartTftp => restart(Service::Tftp),
        Action::ResetDevice(name) => phones("name", name.as_str()),
        Action::ResetPool(pool) => phones("filter", &format!("pool={pool}")),
        Action::ResetDependents(name) => phones("filter", &format!("srst={name}")),
        Action::ResetAllDevices => phones("filter", ""),
        Action::ResetVoicemailPorts(server) => {
            reset(&format!("/voicemail/{}/reset", escaped(server)), "back", "overview")
        }
    }
}

/// A count by security, as bars.
fn counted(title: Text, counts: PerStatusView, language: Language) -> Markup {
    let part = |title: Text, count, class| Part { title: title.get(language).into(), count, class };
    let parts = [
        part(ENCRYPTED, counts.encrypted, "encrypted"),
        part(AUTHENTICATED, counts.authenticated, "authenticated"),
        part(PLAIN, counts.non_secure, "plain"),
    ];
    html! {
        section .card {
            h2 { (title.get(language)) }
            (plot::bars(title.get(language), &parts))
        }
    }
}

/// A count by security over the last day, as lines.
fn over_time(
    title: Text,
    samples: &[SampleView],
    counts: fn(&SampleView) -> PerStatusView,
    language: Language,
) -> Markup {
    let line = |title: Text, class, count: fn(PerStatusView) -> u64| Line {
        title: title.get(language).into(),
        class,
        values: samples.iter().map(|sample| count(counts(sample))).collect(),
    };
    let lines = [
        line(ENCRYPTED, "encrypted", |counts| counts.encrypted),
        line(AUTHENTICATED, "authenticated", |counts| counts.authenticated),
        line(PLAIN, "plain", |counts| counts.non_secure),
    ];
    // Of RFC 3339 the time without seconds: a day has no two of them.
    let time = |sample: &SampleView| sample.at.get(11..16).unwrap_or_default().to_owned() + " UTC";
    html! {
        @if let [first, .., last] = samples {
            section .card {
                h2 { (title.get(language)) }
                (plot::lines(title.get(language), &lines, &time(first), &time(last)))
            }
        }
    }
}

/// In how many days each certificate expires.
fn expiries(site: &Site, inventory: &[InventoryView]) -> Vec<i64> {
    let days = |at: SystemTime| match at.duration_since(SystemTime::now()) {
        Ok(left) => i64::try_from(left.as_secs() / 86_400).unwrap_or(i64::MAX),
        Err(_) => -1,
    };
    let dates = inventory.iter().filter_map(|it| humantime::parse_rfc3339(&it.not_after).ok());
    let own = site.keeper.chain().into_iter().map(|certificate| certificate.not_after());
    dates.chain(own).map(days).collect()
}

pub async fn restart(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    submitted: Submitted,
) -> Shown {
    let service = submitted.text("service").parse::<Service>();
    let service = service.map_err(|error| {
        crate::api::problem::Problem::new(
            crate::api::problem::Code::Invalid,
            lang::Say::say(&error, visitor.language),
        )
    });
    let service = service.or_page(&visitor)?;
    Ok(make(&site, &visitor, "/", RestartService { service }).await)
}

/// Asked before phones are reset.
pub const SURE: Text = Text::new(
    "Resetting a phone ends its calls through gateways. Go on?",
    "電話機をリセットすると、ゲートウェイ経由の通話は切断されます。続行しますか?",
);
const TITLE: Text = Text::new("Overview", "概要");
const MIXED: Text = Text::new("Mixed mode", "混合モード");
const NON_SECURE: Text = Text::new("Non-secure mode", "ノンセキュアモード");
const NODE: Text = Text::new("Node", "ノード");
const REVISION: Text = Text::new("Revision", "リビジョン");
const CTL_FILE: Text = Text::new("MD5 of the CTL file", "CTL ファイルの MD5");
const VERSION: Text = Text::new("Version", "バージョン");
const CHECKLIST: Text = Text::new("Towards a secure cluster", "セキュアなクラスタへの手順");
const DUE: Text = Text::new("Restarts and resets to do", "必要な再起動とリセット");
const NOTHING_DUE: Text =
    Text::new("All changes are in force.", "すべての変更が反映されています。");
const RESTART: Text = Text::new("Restart", "再起動");
const EXPIRIES: Text = Text::new("Certificates that expire", "証明書の有効期限");
const CERTIFICATES: Text = Text::new("All certificates", "すべての証明書");
const REGISTERED: Text = Text::new("Phones registered", "登録済みの電話機");
const REGISTERED_DAY: Text =
    Text::new("Phones registered over the last day", "登録済みの電話機 (過去 1 日)");
const ACTIVE_DAY: Text = Text::new("Calls active over the last day", "進行中の通話 (過去 1 日)");
const ACTIVE: Text = Text::new("Calls active", "進行中の通話");
const COMPLETED: Text = Text::new("Calls completed", "完了した通話");
const ENCRYPTED: Text = Text::new("encrypted", "暗号化");
const AUTHENTICATED: Text = Text::new("authenticated", "認証済み");
const PLAIN: Text = Text::new("not secure", "ノンセキュア");
