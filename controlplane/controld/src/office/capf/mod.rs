//! What administrators ask of CAPF.

mod import;
mod order;
mod report;
mod trust;
mod view;
