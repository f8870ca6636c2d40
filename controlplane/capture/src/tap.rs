//! Where messages are captured.

use std::fmt;

use crate::record::Record;

/// What services hand messages to. Nothing of it waits: what cannot be taken in time is lost, and
/// counted.
pub trait Tap: Send + Sync + fmt::Debug {
    /// Whether anything is captured at all. Asked for every message: it costs a glance.
    fn is_on(&self) -> bool;

    /// Whether a device is captured, by its name; of an MGCP endpoint that with the gateway's.
    fn wants(&self, device: &str) -> bool;

    /// Takes a message of a device that is captured.
    fn take(&self, record: Record);
}

/// Captures nothing.
#[derive(Debug)]
pub struct NoTap;

impl Tap for NoTap {
    fn is_on(&self) -> bool {
        false
    }

    fn wants(&self, _: &str) -> bool {
        false
    }

    fn take(&self, _: Record) {}
}
