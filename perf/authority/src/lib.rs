//! A certification authority that speaks SCEP, for tests and the laboratory.
//!
//! All its cryptography is done by the command `openssl`: that verifies and decrypts requests,
//! issues, encrypts, and signs answers, so that a program which is not ours is at the other end.
//! What is put together here is the shell that `openssl cms` cannot make, signed attributes of
//! SCEP, and `openssl cms` verifies each before it is sent.
//!
//! Whatever goes wrong panics with what the command said: that ends a test, and in the laboratory
//! a connection. It keeps its keys in a temporary directory; they protect nothing.

#![forbid(unsafe_code)]

mod authority;
mod http;
mod message;
mod reluctant;

pub use authority::{Authority, PHONE};
pub use http::{Asked, page, serve};
pub use message::{Answer, Message};
pub use reluctant::reluctant;
