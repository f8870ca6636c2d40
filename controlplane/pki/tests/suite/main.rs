//! Certificates, keys and tokens.

mod capf;
mod certificates;
mod crash;
mod messages;
mod node;
mod softhsm;
mod software_token;
mod support;
