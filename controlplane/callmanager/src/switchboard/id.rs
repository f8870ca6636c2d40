//! Names of what a switchboard knows.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A device's name, such as `SEP001122334455`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(Arc<str>);

impl From<&str> for DeviceName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl Borrow<str> for DeviceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Numbers that are unique in the cluster while what they stand for lasts, and never 0.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

identifiers! {
    /// A device's part in a call: what SCCP calls a call reference.
    LegId
    /// A call: what SCCP calls a conference id.
    CallId
    /// One opening of a media stream at one device: what SCCP calls a pass-through party id.
    StreamId
    /// One passage of a stream between two ends through a relay.
    LinkId
}

/// Gives out numbers: the upper 8 bits are the node's, so that no two nodes give out the same.
#[derive(Debug)]
pub(super) struct Ids {
    node: u32,
    last: u32,
}

impl Ids {
    pub(super) fn new(node: u8) -> Self {
        Self { node: u32::from(node) << NODE_SHIFT, last: 0 }
    }

    /// The next number that is not `taken`: a leg may outlive a whole round of the counter.
    pub(super) fn next(&mut self, taken: impl Fn(u32) -> bool) -> u32 {
        loop {
            self.last = (self.last + 1) & ((1 << NODE_SHIFT) - 1);
            let id = self.node | self.last;
            if id != 0 && !taken(id) {
                return id;
            }
        }
    }
}

const NODE_SHIFT: u32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_round_without_meeting_those_in_use() {
        let mut ids = Ids { node: 0, last: (1 << NODE_SHIFT) - 3 };
        let given = [(); 3].map(|()| ids.next(|id| id == 1));
        assert_eq!(given, [(1 << NODE_SHIFT) - 2, (1 << NODE_SHIFT) - 1, 2]);
        assert_eq!(Ids::new(7).next(|_| false), 0x0700_0001);
    }
}
