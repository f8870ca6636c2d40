//! CAPF: its bytes, and its machines on a virtual clock.

mod authentication;
mod codec;
mod misbehaviour;
mod operations;
mod random;
mod recorded;
mod steps;
mod support;
