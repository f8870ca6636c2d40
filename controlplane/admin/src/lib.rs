//! Administration over HTTPS: the REST interface `/api/v1` and the web pages.
//!
//! | module | holds |
//! |---|---|
//! | [`server`] | TLS, connections and their limits |
//! | [`certificate`] | the certificate that browsers are shown: made, requested, imported, viewed |
//! | [`accounts`] | passwords, sessions, tokens, roles; who has to wait |
//! | [`site`] | what both interfaces share: who asks, and the [`site::Desk`] that answers |
//! | [`surface`] | its parts, each of which can be switched off |
//! | [`api`] | the REST interface, described in OpenAPI |
//! | [`pages`] | the pages, made here and not in the browser, in English and Japanese |
//!
//! Invariants:
//! - Everything administered is asked of the [`site::Desk`], which answers the command line too: no
//!   rule of administration is here.
//! - Nobody asks anything before it is known who it is and that the role may; who changed something
//!   is in the audit log.
//! - A session's request changes something only if it shows what the session's own page was given.
//! - What strangers send is bounded: header, body, time, connections, wrong passwords. Nothing of
//!   it is put into a page unescaped.
//!
//! This crate must not know the database, but for who may log in.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod api;
pub mod certificate;
pub mod pages;
pub mod server;
pub mod site;
pub mod surface;
