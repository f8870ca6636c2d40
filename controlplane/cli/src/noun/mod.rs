//! What can be administered, a file each.

pub mod relay;
