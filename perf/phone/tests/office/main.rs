//! Telephones with sockets against a server of sockets.

#[path = "../common/mod.rs"]
mod common;
mod fleet;
mod house;
mod pki_of_site;
mod plain;
mod survival;
mod tls;
