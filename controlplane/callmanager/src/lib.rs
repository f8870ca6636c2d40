//! Call processing: who may register, where calls lead, how they are protected, and the keys of
//! their media.
//!
//! | module | holds |
//! |---|---|
//! | [`admission`] | who may register |
//! | [`security`] | the status of a call, and the rules of barge |
//! | [`keys`] | master keys for media |
//! | [`codec`] | which codec a call uses |
//! | [`dialplan`] | where dialled digits lead |
//! | [`exchange`] | all connections around one switchboard: what a server runs |
//! | [`station`] | a telephone's connection: SCCP on one side, the switchboard on the other |
//! | [`switchboard`] | call control: who speaks with whom, and what everybody is shown of it |
//! | [`testing`] | telephones that hold a switchboard to its promises |
//!
//! Invariants:
//! - A call's status is never above its weakest part.
//! - Keys are made for one stream and used for it alone; nothing here can copy or show them.
//!
//! This crate must not know sockets, clocks or the database: what it needs of them is given to it.

#![forbid(unsafe_code)]

pub mod admission;
pub mod codec;
pub mod dialplan;
pub mod exchange;
pub mod keys;
pub mod security;
pub mod station;
pub mod switchboard;
pub mod testing;
