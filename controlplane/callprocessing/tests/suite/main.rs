//! Phones that register and call through real sockets, and strangers who try.

mod phone;
mod plain;
mod site;
