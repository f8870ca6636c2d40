//! What administrators ask of CAPF.

mod import;
mod order;
mod report;
mod revoke;
mod trust;
mod view;

pub(super) use view::rfc3339;
