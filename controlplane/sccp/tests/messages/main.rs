//! Messages, from outside.

mod common;
mod dissector;
mod stream;
mod vectors;
