//! The screen of telephones that are registered with the server's own call processing.

#[allow(dead_code, reason = "the tests of stations need more of it")]
#[path = "../station/site.rs"]
mod site;

mod calls;
mod menu;
mod user;
