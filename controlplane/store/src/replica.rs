use std::time::Duration;

use crate::{Result, View};

/// How far a database follows the one that it is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Whether changes come in now.
    pub streams: bool,
    /// Bytes of changes that have come and do not show yet.
    pub behind: u64,
    /// How long nothing was heard from there; it speaks up every few seconds while it is there.
    pub silent: Duration,
}

impl View<'_> {
    /// How far this database follows the publisher's; `None` if it is the publisher's.
    pub fn replica(&mut self) -> Result<Option<Replica>> {
        self.sql.replica()
    }
}
