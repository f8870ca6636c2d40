//! Messages of telephones and other stations.

mod capability;
mod data;
mod keys;
mod media;
mod station;

pub use capability::*;
pub use data::*;
pub use keys::*;
pub use media::*;
pub use station::*;
