//! The CAPF service: orders, phones over TLS, what strangers can do, old data.

mod cell;
mod import;
mod limits;
mod order;
mod phone;
mod renewal;
mod scep;
mod service;
mod site;
