//! The command `ringfence` against a daemon in this process.

mod administration;
mod ctl;
mod daemon;
