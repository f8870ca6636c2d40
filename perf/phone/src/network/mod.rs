//! The network side of a telephone, as far as hardening changes it: its switch with the port for a
//! computer, its ARP table, its web page, its settings menu.
//!
//! | file | holds |
//! |---|---|
//! | `hardening` | what the configuration file takes away |
//! | `switch` | which frames pass between network, computer and telephone |
//! | `neighbours` | which MAC addresses it believes to be whose |
//!
//! It is a model: frames and ARP packets in, verdicts out. Nothing here touches an interface.

mod hardening;
mod neighbours;
mod switch;

pub use hardening::{Hardening, SettingsAccess, WebAccess};
pub use neighbours::Neighbours;
pub use switch::{Passage, Port, Switch};
