//! What can be administered, a file each.

pub mod admin;
pub mod capf;
pub mod cluster;
pub mod ctl;
pub mod device;
pub mod diagnose;
pub mod log;
pub mod node;
pub mod param;
pub mod relay;
pub mod service;
pub mod status;
pub mod token;
