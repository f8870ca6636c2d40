//! A Cisco IP phone, as far as its start goes: it fetches trust lists and configuration by TFTP,
//! verifies them, keeps them in its flash, and says how it would register.
//!
//! [`Boot`] is the phone's mind: it asks for files by name and is told what came, and knows no
//! socket. [`Phone`] gives it a flash directory and a network, one file after the other;
//! [`fleet`] drives thousands of them from one thread.
//!
//! Invariants:
//! - Nothing that a phone with a trust list did not verify is used or kept.
//! - A failed update changes nothing: the old list, configuration and image stay.
//!
//! This crate must not know the server it talks to: it shares with it only the formats.

#![forbid(unsafe_code)]

mod boot;
pub mod capf;
mod configuration;
pub mod connection;
pub mod crew;
mod dial;
mod event;
mod flash;
pub mod fleet;
mod load;
pub mod media;
mod model;
pub mod network;
pub mod office;
mod phone;
pub mod screen;
pub mod station;
pub mod traffic;

pub use boot::{Boot, Conclusion, Identity};
pub use configuration::{CapfMode, Configuration, ConfigurationError, SecurityMode};
pub use event::Event;
pub use flash::{Flash, FlashError, Installed};
pub use model::Model;
pub use phone::{Fetched, Phone, PhoneError, Report};
