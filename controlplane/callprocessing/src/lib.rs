//! The CallManager service: sockets, TLS, threads and the database around an
//! [`Exchange`](callmanager::exchange::Exchange).
//!
//! ```text
//!  2000 ──▶ operator ◀── alarms, resources, the office
//!  2443 ──▶ operator ─▶ reception (handshakes) ─┬─▶ operator
//!                        │ old TLS              │
//!                        └─▶ the cell ──────────┘
//!           operator ─▶ desk (may it register?) ─▶ operator
//!           operator ─▶ ledger (records, forwards) ─▶ store
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`service`] | how it is started and stopped |
//! | [`handle`] | what the office sees of it, and can order |
//! | `operator` | the one thread with the exchange and its phones' sockets |
//! | `reception` | TLS handshakes, in threads of their own |
//! | `desk` | who may register, by what the database says |
//! | `roster` | what the database says of phones |
//! | `ledger` | what is kept: records of calls, users' forwards, alarms in the audit log |
//! | [`trust`] | whose certificates are good |
//! | [`alarms`] | what an administrator should know |
//! | `ladder` | what was said in calls, message by message |
//! | [`census`] | how many connections there may be |
//! | [`trace`] | `callmanager.log` |
//!
//! Invariants:
//! - A phone costs no thread, and no buffer while it is silent.
//! - Nobody who is not registered costs one who is: handshakes and look-ups are done elsewhere,
//!   half-open connections give way, what strangers cause is written at a bounded rate.
//! - Who registers as encrypted has shown a certificate of his own over a connection that nobody
//!   can read.
//! - No key and no digit pressed during a call is in a trace, a ladder or an alarm.
//!
//! This crate must not know how administrators ask, nor how media resources and relays work.

#![forbid(unsafe_code)]

pub mod alarms;
pub mod census;
mod desk;
pub mod handle;
mod ladder;
mod ledger;
mod operator;
mod proof;
mod reception;
mod roster;
pub mod service;
pub mod trace;
pub mod trust;
