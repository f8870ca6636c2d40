//! Answers with a tag, and changes of what was seen only (RFC 9110 §13).

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, extract::FromRequestParts};
use console::{
    DeviceView, Failure, FailureKind, GatewayView, LineView, NewestRevision, PhoneView, PoolView,
    Request, SrstView, VoicemailPortView, VoicemailView,
};
use lang::{Say, Text};
use pki::Hash;
use pki::certificate::hex;
use serde::Serialize;
use store::Revision;

use super::problem::{Code, Problem};
use crate::site::{AskFault, Site, Visitor};

/// How often a change is tried again because somebody changed something else.
const TRIES: usize = 8;

/// An answer that has a tag: of what is administered of it. What is registered and counted changes
/// by itself and is nobody's update.
pub trait Tagged {
    /// The tag.
    fn tag(&self) -> String;
}

/// Says of answers what is administered of them.
macro_rules! tagged {
    ($($view:ty: |$it:ident| $administered:expr,)*) => {
        $(impl Tagged for $view {
            fn tag(&self) -> String {
                let $it = self;
                tag($administered)
            }
        })*
    };
}

tagged! {
    PhoneView: |it| &it.device,
    DeviceView: |it| &it.device,
    LineView: |it| &it.line,
    PoolView: |it| &it.pool,
    GatewayView: |it| &it.gateway,
    SrstView: |it| &(&it.name, &it.address, it.port, it.provider_port, it.secure, &it.certificate),
    VoicemailView: |it| &(&it.name, it.security_mode, &it.root),
    VoicemailPortView: |it| &(&it.name, &it.number, &it.pool, it.security_mode),
}

fn tag<T: Serialize>(administered: &T) -> String {
    let json = serde_json::to_vec(administered).expect("answers have string keys");
    format!("\"{}\"", &hex(&Hash::Sha256.of(&json))[..32])
}

/// An answer with its tag.
pub fn tagged<T: Tagged + Serialize>(answer: T) -> Response {
    let tag = HeaderValue::from_str(&answer.tag()).expect("a tag is hexadecimal");
    ([(ETAG, tag)], Json(answer)).into_response()
}

/// What the caller has seen.
pub struct Conditions {
    only_if: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A value that is no text matches no tag.
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Ok(Self { only_if: parts.headers.get(IF_MATCH).map(text) })
    }
}

fn names(list: &str, tag: &str) -> bool {
    let bare = |given: &str| given.trim().trim_start_matches("W/") == tag;
    list.trim() == "*" || list.split(',').any(bare)
}

impl Conditions {
    /// A change of what has this tag.
    pub fn of(tag: &str) -> Self {
        Self { only_if: Some(tag.to_owned()) }
    }

    /// Makes a change, if what is changed still is what the caller saw.
    pub async fn change<L, C>(
        &self,
        site: &Arc<Site>,
        visitor: &Visitor,
        look: L,
        change: C,
    ) -> Result<C::Answer, Problem>
    where
        L: Request<Answer: Tagged + Send + 'static> + Clone + Send + 'static,
        C: Request<Answer: Send + 'static> + Clone + Send + 'static,
    {
        self.change_if(site, visitor, look, Tagged::tag, change).await
    }

    /// The same for one of a list.
    pub async fn change_one<L, T, C>(
        &self,
        site: &Arc<Site>,
        visitor: &Visitor,
        list: L,
        is_it: impl Fn(&&T) -> bool,
        change: C,
    ) -> Result<C::Answer, Problem>
    where
        L: Request<Answer = Vec<T>> + Clone + Send + 'static,
        T: Tagged + Send + 'static,
        C: Request<Answer: Send + 'static> + Clone + Send + 'static,
    {
        let present = |all: &Vec<T>| all.iter().find(&is_it).map(Tagged::tag).unwrap_or_default();
        self.change_if(site, visitor, list, present, change).await
    }

    async fn change_if<L, C>(
        &self,
        site: &Arc<Site>,
        visitor: &Visitor,
        look: L,
        present: impl Fn(&L::Answer) -> String,
        change: C,
    ) -> Result<C::Answer, Problem>
    where
        L: Request<Answer: Send + 'static> + Clone + Send + 'static,
        C: Request<Answer: Send + 'static> + Clone + Send + 'static,
    {
        let Some(only_if) = &self.only_if else { return Ok(site.ask(visitor, change).await?) };
        for _ in 0..TRIES {
            let newest = Revision(site.ask(visitor, NewestRevision {}).await?);
            let seen = site.ask(visitor, look.clone()).await?;
            if !names(only_if, &present(&seen)) {
                break;
            }
            match site.ask_if(visitor, change.clone(), Some(newest)).await {
                Err(AskFault::Failed(Failure { kind: FailureKind::Changed, .. })) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::new(Code::Changed, CHANGED.say(visitor.language)))
    }
}

const CHANGED: Text = Text::new(
    "It is not as you saw it any more. Look at it again and repeat the change.",
    "表示された内容から変更されています。内容を確認してから、もう一度変更してください。",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_as_the_standard_says() {
        let tag = tag(&7);
        for list in ["*", &tag, &format!("\"other\", {tag}"), &format!("W/{tag}")] {
            assert!(names(list, &tag), "{list}");
        }
        for list in ["", "\"other\"", &tag[1..]] {
            assert!(!names(list, &tag), "{list}");
        }
    }
}
