//! Telephones with sockets against a server of sockets.

mod fleet;
mod house;
mod pki_of_site;
mod plain;
mod tls;
