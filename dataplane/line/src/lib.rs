//! The telephone side of voice endpoints, emulated.

#![forbid(unsafe_code)]

pub mod command;
