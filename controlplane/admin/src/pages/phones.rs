//! Telephones: found, shown, changed, reset.

mod settings;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use console::{
    AddDevice, Done, FindPhones, ListDue, ListModels, ListPools, PhoneFilter, PhoneRow, PhoneView,
    PhonesReset, RemoveDevice, ResetKind, ResetPhones, SetDevice, ShowCapf, ShowDevice, ShowPhone,
};
use lang::{Language, Say, Text};
use maud::{Markup, html};
use serde::Deserialize;
use store::{Action, CapfStatus, DeviceName, DeviceSecurityMode, EffectiveMode, Model};

use super::form::{Press, Search, seen, words, yes_or_no};
use super::layout::{csrf, page, page_of};
use super::notice::{Notice, after, back, make, settle};
use super::words::{DESCRIPTION, MODE, NO, REGISTERED, RESET, SAVE, SETTINGS, STATE, YES};
use super::{OrPage, Shown, Submitted, capf, dashboard, told};
use crate::accounts::permission::Permission;
use crate::api::problem::{Code, Problem};
use crate::site::{Site, Visitor};

/// Phones on a page.
const PER_PAGE: usize = 100;

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    find: String,
    security_mode: String,
    lsc_status: String,
    model: String,
    registered: String,
    page: usize,
}

impl Wanted {
    /// As the desk takes it; a word that is none matters as little as an absent one.
    fn filter(&self) -> PhoneFilter {
        PhoneFilter {
            security_mode: self.security_mode.parse().ok(),
            lsc_status: self.lsc_status.parse().ok(),
            registered: self.registered.parse().ok(),
            model: self.model.parse().ok(),
            pool: None,
            srst: None,
            find: Some(self.find.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
        }
    }

    fn at_page(&self, page: usize) -> String {
        let mut query = String::new();
        for (name, value) in [
            ("find", &self.find),
            ("security_mode", &self.security_mode),
            ("lsc_status", &self.lsc_status),
            ("model", &self.model),
            ("registered", &self.registered),
        ] {
            if !value.is_empty() {
                query += &format!("{name}={}&", super::escaped(value));
            }
        }
        format!("/phones?{query}page={page}")
    }
}

pub async fn list(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Shown {
    let number = wanted.page.max(1);
    let find = |number: usize| {
        let skip = (number - 1).saturating_mul(PER_PAGE);
        FindPhones { filter: wanted.filter(), after: None, skip, limit: PER_PAGE }
    };
    let mut found = site.ask(&visitor, find(number)).await.or_page(&visitor)?;
    let pages = found.total.div_ceil(PER_PAGE).max(1);
    if number > pages {
        found = site.ask(&visitor, find(pages)).await.or_page(&visitor)?;
    }
    let number = number.min(pages);
    let due = site.ask(&visitor, ListDue {}).await.or_page(&visitor)?;
    let language = visitor.language;
    let may = visitor.person.may(Permission::Operate);
    let content = html! {
        (search(&wanted, &visitor))
        p .soft { (FOUND.fill(language, &[("count", &found.total)])) }
        form method="post" action="/phones/reset" data-confirm=(dashboard::SURE.get(language)) {
            (csrf(&visitor))
            div .card .scroll tabindex="0" {
                table {
                    thead { tr {
                        @if may {
                            th { input type="checkbox" data-all="chosen-" aria-label=(ALL.get(language)); }
                        }
                        @for column in COLUMNS { th scope="col" { (column.get(language)) } }
                    } }
                    tbody {
                        @for phone in &found.phones { (row(phone, &due, may, &visitor)) }
                    }
                }
            }
            div .row {
                @if may {
                    button .quiet type="submit" { (RESET_CHOSEN.get(language)) }
                    a .button href="/phones/new" { (ADD.get(language)) }
                }
            }
        }
        @if pages > 1 {
            p .row {
                @if number > 1 {
                    a href=(wanted.at_page(number - 1)) rel="prev" { (BEFORE.get(language)) }
                }
                span { (number) " / " (pages) }
                @if number < pages {
                    a href=(wanted.at_page(number + 1)) rel="next" { (AFTER.get(language)) }
                }
            }
        }
    };
    Ok(page(&site, &visitor, "/phones", TITLE, content))
}

fn search(wanted: &Wanted, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let statuses = CapfStatus::ALL.iter().map(|it| (it.to_string(), it.say(language))).collect();
    Search::new("/phones", FIND, &wanted.find)
        .by("security_mode", MODE, &wanted.security_mode, words(DeviceSecurityMode::ALL))
        .by("lsc_status", LSC, &wanted.lsc_status, statuses)
        .by("model", MODEL, &wanted.model, words(&Model::ALL))
        .by("registered", REGISTERED, &wanted.registered, yes_or_no(language))
        .show(language)
}

fn row(phone: &PhoneRow, due: &[Action], may: bool, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    html! {
        tr {
            @if may {
                td {
                    input type="checkbox" name={ "chosen-" (phone.name) }
                        aria-label=(phone.name.as_str());
                }
            }
            td { a href={ "/phones/" (phone.name) } { (phone.name) } }
            td { (phone.model) }
            td { (mode_mark(phone.effective_mode)) }
            td { (phone.lsc_status_text) }
            td { (phone.directory_number) }
            td { (phone.description) }
            td { (phone.owner) }
            td {
                @match phone.registered {
                    Some(true) => span .mark .good { (YES.get(language)) },
                    Some(false) => span .soft { (NO.get(language)) },
                    None => span .soft { "?" },
                }
                @if needs_reset(due, &phone.name, &phone.pool) {
                    " " span .mark .warn { (RESET_NEEDED.get(language)) }
                }
            }
        }
    }
}

/// A security mode, coloured and in words.
pub fn mode_mark(mode: EffectiveMode) -> Markup {
    let class = match mode {
        EffectiveMode::Encrypted | EffectiveMode::Authenticated => "mark good",
        EffectiveMode::NonSecure => "mark soft",
    };
    html! { span class=(class) { (mode) } }
}

fn needs_reset(due: &[Action], name: &DeviceName, pool: &str) -> bool {
    due.iter().any(|action| match action {
        Action::ResetAllDevices => true,
        Action::ResetDevice(device) => device == name,
        Action::ResetPool(affected) => affected == pool,
        _ => false,
    })
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let name = device_name(&name, &visitor).or_page(&visitor)?;
    let phone = site.ask(&visitor, ShowPhone { name: name.clone() }).await.or_page(&visitor)?;
    let due = site.ask(&visitor, ListDue {}).await.or_page(&visitor)?;
    let pools = site.ask(&visitor, ListPools {}).await.or_page(&visitor)?;
    let pools: Vec<_> = pools.into_iter().map(|pool| pool.pool.name).collect();
    let mut known = site.ask(&visitor, ShowCapf { name: name.clone() }).await.ok();
    if let Some(known) = &mut known {
        crate::api::conceal(&mut known.capf, &visitor);
    }
    let steps = site.ask(&visitor, console::DiagnosePhone { name }).await.ok();
    let language = visitor.language;
    let may = visitor.person.may(Permission::Operate);
    let device = &phone.device;
    let place = format!("/phones/{}", device.name);
    let content = html! {
        @if needs_reset(&due, &device.name, &device.pool) {
            div .notice .warn {
                div .row {
                    span { (RESET_NEEDED.get(language)) }
                    (reset_button(&phone, &visitor))
                }
            }
        }
        @for note in &phone.notes { div .notice .warn { p { (note) } } }
        div .cards {
            section .card {
                h2 { (STATE.get(language)) }
                dl .facts {
                    dt { (MODE.get(language)) } dd { (mode_mark(phone.effective_mode)) }
                    dt { (LSC.get(language)) } dd { (phone.lsc_status_text) }
                    dt { (SERVERS.get(language)) } dd { (phone.call_managers.join(", ")) }
                    dt { (REGISTERED.get(language)) }
                    @match &phone.registration {
                        None => dd .soft { (NO.get(language)) },
                        Some(at) => dd {
                            (at.from) " · " (at.suite.as_deref().unwrap_or("TCP"))
                            @if let Some(certificate) = &at.certificate { " · " (certificate) }
                            br; span .soft { (at.since) }
                        },
                    }
                }
                (reset_button(&phone, &visitor))
            }
            @if let Some(known) = &known { (capf::card(known, &visitor)) }
        }
        section .card {
            h2 { (SETTINGS.get(language)) }
            form method="post" action=(place) {
                (csrf(&visitor))
                (seen(&phone))
                (settings::fields(device, &phone.directory_number, &pools, language))
                @if may { button type="submit" { (SAVE.get(language)) } }
            }
        }
        @if let Some(steps) = &steps {
            section .card .scroll #enrolment tabindex="0" {
                h2 { (WAY.get(language)) }
                table .ladder {
                    tbody {
                        @for event in &steps.timeline {
                            tr {
                                td { (mark(&event.state)) }
                                td .soft { (event.at.as_deref().unwrap_or("–")) }
                                td { (event.stage) }
                                td { (event.text) }
                            }
                        }
                    }
                }
                @for finding in &steps.findings {
                    div .notice .bad[finding.kind == "error"] .warn[finding.kind != "error"] {
                        p { strong { (finding.text) } }
                        p { (finding.cause) }
                        p { (finding.action) }
                    }
                }
            }
        }
        (Press::new(&format!("{place}/remove"), REMOVE_PHONE.get(language))
            .sure(SURE_REMOVE.get(language))
            .danger()
            .show(&visitor))
    };
    Ok(page_of(&site, &visitor, "/phones", device.name.as_str(), content))
}

fn mark(state: &str) -> Markup {
    let (class, sign) = match state {
        "ok" => ("good", "✓"),
        "failed" => ("bad", "✗"),
        _ => ("soft", "○"),
    };
    html! { span class=(class) aria-label=(state) role="img" { (sign) } }
}

fn reset_button(phone: &PhoneView, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    Press::new("/phones/reset", RESET.get(language))
        .with("name", &phone.device.name)
        .with("back", "phone")
        .sure(dashboard::SURE.get(language))
        .show(visitor)
}

pub async fn new(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    visitor.may(Permission::Operate).or_page(&visitor)?;
    let language = visitor.language;
    let models = site.ask(&visitor, ListModels {}).await.or_page(&visitor)?;
    let content = html! {
        form .card method="post" action="/phones" {
            (csrf(&visitor))
            label for="name" { (NAME.get(language)) }
            input #name name="name" required placeholder="SEP001122334455" aria-describedby="name-help";
            p .help #name-help { (NAME_HELP.get(language)) }
            label for="model" { (MODEL.get(language)) }
            select #model name="model" {
                @for model in &models {
                    @let modes: Vec<_> = model.modes.iter().map(|it| it.as_str()).collect();
                    option value=(model.model) { (model.model) " – " (modes.join(", ")) }
                }
            }
            label for="directory_number" { (NUMBER.get(language)) }
            input #directory_number name="directory_number" inputmode="tel";
            button type="submit" { (ADD.get(language)) }
        }
    };
    Ok(page(&site, &visitor, "/phones", ADD, content))
}

pub async fn add(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Shown {
    let name = match device_name(form.text("name"), &visitor) {
        Ok(name) => name,
        Err(problem) => {
            return Ok(back(&site, &visitor, "/phones/new", Notice::failed(problem.detail)));
        }
    };
    let Some(model) = form.word::<Model>("model") else {
        return Ok(back(
            &site,
            &visitor,
            "/phones/new",
            Notice::failed(MODEL.get(visitor.language)),
        ));
    };
    let changes = console::DeviceChanges {
        directory_number: form.filled("directory_number"),
        ..Default::default()
    };
    let place = format!("/phones/{name}");
    match site.ask(&visitor, AddDevice { name, model, changes }).await {
        Ok(done) => {
            let notice = Notice::of_done(&done, visitor.language);
            Ok(back(&site, &visitor, &place, notice))
        }
        Err(fault) => {
            let notice = Notice::failed(told(fault, visitor.language));
            Ok(back(&site, &visitor, "/phones/new", notice))
        }
    }
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Shown {
    let name = device_name(&name, &visitor).or_page(&visitor)?;
    let place = format!("/phones/{name}");
    let changes = match settings::changes(&form) {
        Ok(changes) => changes,
        Err(error) => {
            return Ok(back(&site, &visitor, &place, Notice::failed(error.say(visitor.language))));
        }
    };
    let look = ShowDevice { name: name.clone() };
    let change = SetDevice { name, changes, dry_run: false };
    let changed = form.seen().change(&site, &visitor, look, change).await;
    Ok(settle(&site, &visitor, &place, changed))
}

pub async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Shown {
    let name = device_name(&name, &visitor).or_page(&visitor)?;
    Ok(make(&site, &visitor, "/phones", RemoveDevice { name }).await)
}

/// Resets the phones that were chosen: one by name, some by their boxes, or those of a filter.
pub async fn reset(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let one = form.filled("name").and_then(|name| name.parse::<DeviceName>().ok());
    let place = match (&one, form.text("back")) {
        (Some(name), "phone") => format!("/phones/{name}"),
        (None, _) if !form.ticked("filter") => "/phones".to_owned(),
        _ => "/".to_owned(),
    };
    let names: Vec<DeviceName> = match one {
        Some(name) => vec![name],
        None => form.chosen().filter_map(|name| name.parse().ok()).collect(),
    };
    let filter = form.given("filter").map(|filter| match &*filter {
        "" => PhoneFilter::default(),
        filter => {
            filter.parse().unwrap_or(PhoneFilter { find: Some("\0".into()), ..Default::default() })
        }
    });
    if names.is_empty() && filter.is_none() {
        let notice = Notice::failed(NONE_CHOSEN.get(visitor.language));
        return back(&site, &visitor, &place, notice);
    }
    let request = ResetPhones { names, filter, kind: ResetKind::Reset, dry_run: false };
    let asked = site.ask(&visitor, request).await;
    let language = visitor.language;
    after::<ResetPhones>(&site, &visitor, &place, asked, |reset| told_of(reset, language))
}

/// What to tell of a reset.
pub fn told_of(reset: PhonesReset, language: Language) -> Done {
    let told = reset.told.len();
    let values: [(&str, &dyn std::fmt::Display); 3] =
        [("matched", &reset.matched), ("told", &told), ("calls", &reset.in_calls)];
    let mut notes = vec![TOLD.fill(language, &values)];
    notes.extend(reset.done.notes);
    Done { notes, ..reset.done }
}

fn device_name(name: &str, visitor: &Visitor) -> Result<DeviceName, Problem> {
    let wrong = |error: store::Error| Problem::new(Code::Invalid, error.say(visitor.language));
    name.parse().map_err(wrong)
}

const TITLE: Text = Text::new("Phones", "電話機");
const COLUMNS: [Text; 8] = [NAME, MODEL, MODE, LSC, NUMBER, DESCRIPTION, OWNER, REGISTERED];
const NAME: Text = Text::new("Device name", "デバイス名");
const NAME_HELP: Text = Text::new(
    "SEP and the MAC address, as the label on the phone's back has it.",
    "SEP と MAC アドレス (電話機背面のラベルに記載)。",
);
const MODEL: Text = Text::new("Model", "機種");
const LSC: Text = Text::new("LSC status", "LSC の状態");
const NUMBER: Text = Text::new("Directory number", "電話番号");
const OWNER: Text = Text::new("Owner", "所有者");
const FIND: Text = Text::new("Name, number, description or owner", "名前、番号、説明、所有者");
const FOUND: Text = Text::new("{count} phones", "{count} 台");
const ALL: Text = Text::new("All on this page", "このページのすべて");
const ADD: Text = Text::new("Add a phone", "電話機を追加");
const BEFORE: Text = Text::new("← back", "← 前へ");
const AFTER: Text = Text::new("next →", "次へ →");
const SERVERS: Text = Text::new("CallManagers", "CallManager");
const RESET_CHOSEN: Text = Text::new("Reset the chosen", "選択した電話機をリセット");
const RESET_NEEDED: Text = Text::new("reset needed", "リセットが必要");
const NONE_CHOSEN: Text = Text::new("Choose phones first.", "電話機を選択してください。");
const TOLD: Text = Text::new(
    "{matched} phones were meant, {told} of them were told; {calls} are in a call.",
    "対象の電話機 {matched} 台のうち {told} 台に通知しました (通話中 {calls} 台)。",
);
const REMOVE_PHONE: Text = Text::new("Remove this phone", "この電話機を削除");
const SURE_REMOVE: Text = Text::new(
    "Remove this phone and all that CAPF knows of it?",
    "この電話機と CAPF の情報を削除しますか?",
);
const WAY: Text = Text::new("Its way here, step by step", "登録までの経過");
