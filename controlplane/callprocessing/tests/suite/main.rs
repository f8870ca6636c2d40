//! Phones that register and call through real sockets, and strangers who try.

mod captured;
mod office;
mod phone;
mod plain;
mod readable;
mod rude;
mod site;
mod tls;
mod withdrawn;
