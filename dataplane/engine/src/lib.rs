//! The sans-IO media relay.

pub mod command;
