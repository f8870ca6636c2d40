//! The command `ringfence` against a daemon in this process.

mod administration;
mod backup;
mod capf;
mod ctl;
mod daemon;
mod diagnosis;
mod gateways;
mod srst;
mod telephones;
