//! The command `ringfence` against a daemon in this process.

mod administration;
mod backup;
mod capf;
mod capture;
mod ctl;
mod daemon;
mod diagnosis;
mod doctor;
mod gateways;
mod srst;
mod support;
mod telephones;
