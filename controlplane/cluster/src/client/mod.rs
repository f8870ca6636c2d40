//! The CTL client: what an administrator runs to create, change and push the list.
//!
//! [`Cluster::connect`] logs in to every node; [`Cluster::discover`] and [`Cluster::present`] give
//! what a [`crate::list::Draft`] needs; [`Cluster::finish`] signs it, asks the pre-flight and
//! pushes. How a person is asked, and how a token is presented, is the caller's business.

mod cluster;
mod fault;
mod push;
mod remote;
mod server;
mod settings;
mod tls;
mod trace;

pub use cluster::{Cluster, OperationFault, PathDiffers, Stranding};
pub use fault::{ClientFault, TransportFault};
pub use push::{PushReport, ServerResult, What};
pub use remote::{Credentials, Remote};
pub use server::Server;
pub use settings::{KnownServers, Settings, SettingsFault};
pub use tls::{Approve, TlsTransport};
pub use trace::{Trace, TraceFault, Traced};

use crate::http::{Request, Response};

/// The version of this client.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The way to a provider.
pub trait Transport: Send + Sync {
    /// Sends one request and waits for its answer.
    fn send(&self, server: &Server, request: &Request) -> Result<Response, TransportFault>;
}
