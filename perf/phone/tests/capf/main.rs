//! A phone's way to its certificate: on a virtual clock, and over TLS.

#[path = "../common/mod.rs"]
mod common;
mod crash;
mod crew;
#[path = "../office/house.rs"]
mod house;
mod ladder;
mod office;
mod power;
mod program;
mod tls;
