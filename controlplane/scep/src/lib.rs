//! A SCEP client (RFC 8894, and the drafts that authorities of 2004 speak): CAPF gets certificates
//! for phones from a certificate authority elsewhere.
//!
//! | module | holds |
//! |---|---|
//! | [`client`] | what a worker thread calls, and what it knows of its authority |
//! | [`survey`] | what an authority shows of itself before it is confirmed |
//! | [`enrolment`] | the way of one certificate, without I/O and clock |
//! | [`request`], [`issued`] | what is asked for, and what came |
//! | [`authority`], [`capability`] | the authority's certificates and abilities |
//! | [`algorithm`] | digests and ciphers, and how weak they may be |
//! | [`server`], [`transport`] | URLs of Microsoft, Keon and other servers; HTTP |
//! | [`proxy`] | the key that signs messages and decrypts answers |
//! | [`reply`] | checking and reading answers |
//! | [`fault`] | everything that can go wrong, with cause and cure |
//!
//! A phone signs nothing: what proves that it holds its key is its session with CAPF. So the
//! PKCS#10 request for a phone is signed by the proxy, and only an authority that trusts the proxy
//! as its registration authority issues on it. Others can give CAPF itself a certificate
//! ([`request::Purpose::SubordinateAuthority`]), once, with which it issues alone.
//!
//! Invariants:
//! - Nothing in an answer is believed before its signature was verified under the confirmed
//!   authority and its nonce is the one of the request.
//! - Nothing below the [`algorithm::Floor`] is sent or believed.
//! - A certificate is handed out only if it is for the right key and name, under the confirmed
//!   authority, valid now, usable, and trusted by the servers that will see it.
//! - Bytes of strangers never panic, and cost memory in proportion to their length, which is at most
//!   [`transport::MAX_ANSWER`].
//!
//! This crate must not know phones, CAPF's protocol or the database.

#![forbid(unsafe_code)]

pub mod algorithm;
pub mod authority;
mod ber;
pub mod capability;
pub mod client;
mod cms;
pub mod enrolment;
pub mod fault;
pub mod issued;
mod message;
pub mod proxy;
pub mod reply;
pub mod request;
pub mod server;
pub mod survey;
pub mod transport;
#[cfg(test)]
mod vectors;

pub use algorithm::Floor;
pub use authority::{Authority, Pin};
pub use client::{Client, Config, Pause};
pub use enrolment::{Enrolment, Pending, Polling};
pub use fault::Fault;
pub use issued::{Difference, Issued};
pub use proxy::Proxy;
pub use request::{Challenge, Purpose, Request};
pub use server::{Product, Server};

/// Implements `Display` and `Error` of a type by its message in English.
macro_rules! error_by_message {
    ($($error:ty),*) => {$(
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let said = messages::Explain::explain(self, lang::Language::English);
                write!(f, "{}: {}", said.text, said.cause)
            }
        }
        impl std::error::Error for $error {}
    )*};
}
use error_by_message;
