//! Everything that is administered: cluster, nodes, parameters, phones with their lines, pools,
//! regions and routes, what CAPF shall do with phones, administrators, the inventory of
//! certificates, the versions of the CTL file, and the log of who did what.
//!
//! SQLite embedded in the process by default, PostgreSQL for clusters, chosen by a [`StoreUrl`];
//! one SQL text for both and one suite of tests over both. A subscriber looks at its own copy and
//! changes the publisher's database: [`Store::open_copy`].
//!
//! ```
//! use std::time::SystemTime;
//! use ringfence_store::{Author, Store};
//!
//! # let dir = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}/ringfence.db", dir.path().display());
//! let store = Store::open(&url.parse()?)?;
//! let author = Author::new("admin", "command line");
//! let done = store.change(&author, SystemTime::now(), |change| {
//!     change.set_parameter(None, "enterprise.device-security-mode", "encrypted")
//! })?;
//! assert_eq!(done.revision.map(|r| r.0), Some(1));
//! for action in &done.actions {
//!     println!("{action:?}"); // what has to be restarted before it takes effect
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants:
//! - Nothing changes but through [`Store::change`]: whole or not at all, as one numbered
//!   [`Revision`] that says who, when, from where and what, and one record in the hash-chained
//!   audit log. A change that changes nothing makes no revision. Counts of wrong authentication
//!   strings, requests under way, forwards that users set, messages that wait and records of calls
//!   are kept with the same care and without revision: nobody administers them.
//! - No private key and no readable password is ever in the database: there is no place for one.
//!   CAPF's authentication strings are the one exception: administrators read them out to users,
//!   and each is digits that work once. They show in no history, audit record or `Debug` output.
//! - A database of a newer program is refused, never guessed at.
//!
//! Services that look up all the time keep a copy: [`Latest`] of a [`State`]; [`Roster`] is that of
//! call processing.
//!
//! This crate must not know how certificates, CTL files or configuration files are made, nor who
//! asks. It blocks its caller: call it from a plain thread, not from an async task.

#![forbid(unsafe_code)]

mod administrator;
mod api_token;
mod audit;
mod call_record;
mod capf;
mod capture;
mod certificate;
mod change;
mod cluster;
mod consequence;
mod copy;
mod ctl_version;
mod device;
mod error;
mod gateway;
mod latest;
mod line;
mod migrate;
mod node;
mod number;
mod parameter;
mod phone_order;
mod pool;
mod region;
mod registration;
mod replica;
mod roster;
mod route;
mod server;
mod sql;
mod srst;
mod store;
mod url;
mod voicemail;
mod warning;
mod words;

pub use administrator::{Administrator, AdministratorRole, Password, PasswordHash};
pub use api_token::{ApiToken, ApiTokenSecret};
pub use audit::{AuditRecord, AuditState};
pub use call_record::{CallEnding, CallParty, CallRecord};
pub use capf::{
    AuthString, AuthStringFault, Capf, CapfAuthMode, CapfOperation, CapfReason, CapfRequest,
    CapfResult, CapfStatus, KeySize, PhoneCertificate, PhoneCertificateKind,
};
pub use capture::{CaptureMode, CaptureTool, CapturedDevice};
pub use certificate::{Certificate, CertificateCopy, CertificateRole};
pub use change::{Author, Change, Changed, Entry, Revision, RevisionLog};
pub use cluster::{Cluster, Guid, SecurityMode};
pub use consequence::{Action, Due, RESET_ENDS_CALLS, Trigger};
pub use copy::{Copied, HistoryMark, examine_copy};
pub use ctl_version::CtlVersion;
pub use device::{
    BridgeMedia, BuiltInBridge, Capability, Device, DeviceName, DeviceSecurityMode, EffectiveMode,
    Hardening, MAX_BUTTONS, Model, SpeedDial, Support,
};
pub use error::{Error, Invalid, Refusal, Result};
pub use gateway::{Dialect, Direction, Gateway, GatewayPort, KeyPolicy, PathKind};
pub use latest::{Latest, State};
pub use line::Line;
pub use node::{Node, NodeRole, Service};
pub use number::Number;
pub use parameter::{CaptureSettings, Definition, Kind, Parameter, Scope, definition, definitions};
pub use phone_order::{PhoneOrder, PhoneOrderKind};
pub use pool::{DEFAULT_POOL, MediaPolicy, Pool};
pub use region::{DEFAULT_KBIT_S, DEFAULT_REGION, Region};
pub use registration::AutoRegistration;
pub use replica::Replica;
pub use roster::{CallServer, CallSettings, Place, Port, Roster, Telephone};
pub use route::{Destination, Route};
pub use server::{Server, ServerPlace};
pub use srst::{DEFAULT_PROVIDER_PORT, SrstReference};
pub use store::{Store, View};
pub use url::{PostgresUrl, StoreUrl};
pub use voicemail::{PortName, VoicemailPort, VoicemailServer};
pub use warning::Warning;
