//! Messages of CallManager.

mod call_info;
mod data;
mod display;
mod dtmf;
mod inventory;
mod media;
mod session;
mod soft_keys;

pub use call_info::*;
pub use data::*;
pub use display::*;
pub use dtmf::*;
pub use inventory::*;
pub use media::*;
pub use session::*;
pub use soft_keys::*;
