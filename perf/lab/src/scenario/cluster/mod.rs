//! A cluster in the laboratory, for scenarios of the control plane: its network and daemons, and
//! its administrator.

mod branch;
mod desk;
mod outpost;
mod site;

pub use branch::Branch;
pub use desk::{Desk, Ended, serial_of};
pub use outpost::Outpost;
pub use site::{Commanded, Node, Site, USER, address, empty_disk};
