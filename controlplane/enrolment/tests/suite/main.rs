//! The CAPF service: orders, phones over TLS, what strangers can do, old data.

mod import;
mod limits;
mod order;
mod phone;
mod renewal;
mod service;
mod site;
