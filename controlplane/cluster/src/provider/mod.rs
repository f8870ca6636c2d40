//! The CTL Provider: what a node does for the CTL client.
//!
//! [`Provider::handle`] answers one request and touches the database and the node's directories;
//! [`server`] puts TLS and threads around it. The publisher's provider also keeps order among
//! clients ([`desk`]).

pub mod api;
pub mod desk;
mod files;
mod handle;
mod problem;
pub mod server;
pub mod session;
pub mod tls;

pub use files::NodeFiles;
pub use handle::Provider;
pub use problem::{Problem, ProblemBody};
