//! What came of a change, told once on the next page.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use axum::response::{IntoResponse, Redirect, Response};
use console::{Done, Request};
use lang::{Language, Say, Text};
use store::Action;

use super::told;
use crate::accounts::Proof;
use crate::api::problem::Problem;
use crate::site::{Asked, Site, Visitor};

/// Most notices that nobody has read yet.
const CAPACITY: usize = 1000;

/// Notices by the sessions that they are for.
#[derive(Default)]
pub struct Notices(Mutex<HashMap<String, Notice>>);

/// What came of a change.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// Whether it was made.
    pub ok: bool,
    /// What to tell.
    pub lines: Vec<String>,
    /// A secret that is shown this once.
    pub secret: Option<String>,
}

impl Notices {
    fn put(&self, visitor: &Visitor, notice: Notice) {
        let Proof::Session { csrf } = &visitor.person.proof else { return };
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() >= CAPACITY {
            notices.clear();
        }
        notices.insert(csrf.expose().to_owned(), notice);
    }

    /// The notice for a session, which is gone then.
    pub fn take(&self, visitor: &Visitor) -> Option<Notice> {
        let Proof::Session { csrf } = &visitor.person.proof else { return None };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(csrf.expose())
    }
}

impl Notice {
    /// Of a change that was made.
    pub fn of_done(done: &Done, language: Language) -> Self {
        let first = match done.revision {
            Some(revision) => SAVED.fill(language, &[("revision", &revision)]),
            None => UNCHANGED.say(language),
        };
        let actions = done.actions.iter().map(|action| action_words(action, language));
        let lines = std::iter::once(first).chain(actions).chain(done.notes.iter().cloned());
        Self { ok: true, lines: lines.collect(), secret: None }
    }

    /// Of one that was not.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { ok: false, lines: vec![text.into()], secret: None }
    }

    /// Of something that went well.
    pub fn said(text: impl Into<String>) -> Self {
        Self { ok: true, lines: vec![text.into()], secret: None }
    }
}

/// Back to a page, which tells what came of it.
pub fn back(site: &Arc<Site>, visitor: &Visitor, place: &str, notice: Notice) -> Response {
    site.notices.put(visitor, notice);
    Redirect::to(place).into_response()
}

/// Makes a change and goes back to a page, which tells what came of it.
pub async fn make<R>(site: &Arc<Site>, visitor: &Visitor, place: &str, request: R) -> Response
where
    R: Request<Answer = Done> + Send + 'static,
{
    let asked = site.ask(visitor, request).await;
    after::<R>(site, visitor, place, asked, |done| done)
}

/// Back to a page after a change of what was seen.
pub fn settle(
    site: &Arc<Site>,
    visitor: &Visitor,
    place: &str,
    changed: Result<Done, Problem>,
) -> Response {
    let notice = match changed {
        Ok(done) => Notice::of_done(&done, visitor.language),
        Err(problem) => Notice::failed(problem.detail),
    };
    back(site, visitor, place, notice)
}

/// Back to a page after a request whose answer is more than what came of it.
pub fn after<R: Request>(
    site: &Arc<Site>,
    visitor: &Visitor,
    place: &str,
    asked: Asked<R>,
    done: impl Fn(R::Answer) -> Done,
) -> Response {
    let notice = match asked {
        Ok(answer) => Notice::of_done(&done(answer), visitor.language),
        Err(fault) => Notice::failed(told(fault, visitor.language)),
    };
    back(site, visitor, place, notice)
}

/// A restart or a reset, as people say it.
pub fn action_words(action: &Action, language: Language) -> String {
    let text = match action {
        Action::RestartCtlProvider => {
            Text::new("Restart the CTL Provider", "CTL Provider を再起動してください")
        }
        Action::RestartCapf => Text::new("Restart CAPF", "CAPF を再起動してください"),
        Action::RestartCallManager => {
            Text::new("Restart CallManager", "CallManager を再起動してください")
        }
        Action::RestartTftp => Text::new("Restart TFTP", "TFTP を再起動してください"),
        Action::ResetDevice(name) => {
            return RESET_ONE.fill(language, &[("name", name)]);
        }
        Action::ResetPool(pool) => return RESET_POOL.fill(language, &[("pool", pool)]),
        Action::ResetDependents(reference) => {
            return RESET_DEPENDENTS.fill(language, &[("reference", reference)]);
        }
        Action::ResetVoicemailPorts(server) => {
            return RESET_PORTS.fill(language, &[("server", server)]);
        }
        Action::ResetAllDevices => {
            Text::new("Reset all devices", "すべてのデバイスをリセットしてください")
        }
    };
    text.say(language)
}

const SAVED: Text =
    Text::new("Saved as revision {revision}.", "リビジョン {revision} として保存しました。");
const UNCHANGED: Text = Text::new("Nothing had to be changed.", "変更はありません。");
const RESET_ONE: Text = Text::new("Reset {name}", "{name} をリセットしてください");
const RESET_PORTS: Text = Text::new(
    "Reset the ports of voicemail server {server}",
    "ボイスメールサーバ {server} のポートをリセットしてください",
);
const RESET_POOL: Text =
    Text::new("Reset the devices of pool {pool}", "プール {pool} のデバイスをリセットしてください");
const RESET_DEPENDENTS: Text = Text::new(
    "Reset the devices that use {reference}",
    "{reference} を使用するデバイスをリセットしてください",
);
