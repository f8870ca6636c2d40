//! The service's end of a session.
//!
//! [`Session`] is one connection. It is fed bytes, answers and time, and says what to send, what
//! to ask, and what to write into the trace:
//!
//! ```text
//!  AUTH_REQ ▶ AUTH_RES ▶ LookUp ▶ [CheckString] ▶ KEY_GEN_REQ ▶ KEY_GEN_RES ▶ Issue ▶ STORE_CERT_REQ
//!                                               ▶ DELETE_CERT_REQ ▶ …                 ▶ STORE_CERT_RES
//!                                               ▶ FETCH_CERT_REQ ▶ …                  ▶ Record ▶ END_SESSION
//! ```
//!
//! Its questions ([`Output::LookUp`], [`Output::CheckString`], [`Output::Issue`],
//! [`Output::Record`]) may be answered at any later time and by any thread; a session has at most
//! one of them open. [`Admission`] bounds how many sessions there are, [`SessionIds`] numbers them,
//! [`Lockout`] counts wrong strings.
//!
//! A service's loop, per connection:
//!
//! 1. `admission.admit(address)` before the TLS handshake; drop the connection if it says no.
//! 2. `Session::start`, then carry out `poll_output` until it is `None`, and wait for bytes,
//!    answers or `poll_timeout`.
//! 3. `Output::Close` is the last output: shut TLS down, release the slot.

mod admission;
mod anchors;
mod assignment;
mod authenticated;
mod event;
mod key;
mod output;
mod refusal;
mod session;
mod settings;
mod state;
mod string;

pub use admission::{Admission, AdmissionLimits, NotAdmitted, SessionIds, Slot};
pub use anchors::{Anchors, Chained};
pub use assignment::{Assignment, AuthMode, Fingerprint, Operation, Profile, Ticket};
pub use authenticated::{Authenticated, Means, ProvenCertificate};
pub use event::{Event, Level, Trace};
pub use key::CheckedKey;
pub use output::{
    Answer, Ended, Failure, Issuance, Issue, LookedUp, Outcome, Output, Phase, Record,
    ShownCertificate,
};
pub use refusal::{CertificateRefusal, ChainFault, KeyRefusal, Refusal};
pub use session::Session;
pub use settings::{Proofs, Settings, Timers, WhenNotNow};
pub use string::{
    AuthenticationString, Lockout, LockoutRule, MatchedString, Place, StringClaim, StringFault,
    StringRefusal,
};
