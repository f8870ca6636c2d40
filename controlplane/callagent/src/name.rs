//! The names that calls have towards relays (`C:`): they say whose they are, and of which run.

use std::fmt::Write;

use mgcp::CallId;

/// Gives names to calls.
#[derive(Debug)]
pub(crate) struct CallNames {
    /// The agent's identity.
    tag: u32,
    /// This run of it.
    run: u32,
    attempts: u64,
}

/// Whose a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Ours, of this run.
    Ours,
    /// Ours, of an earlier run.
    Earlier,
    /// Another agent's.
    Foreign,
}

impl CallNames {
    pub(crate) fn new(identity: &str, seed: u64) -> Self {
        // FNV-1a: it must be the same in each run, and differ between a few names.
        let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let folded = seed ^ (seed >> 32);
        Self {
            tag: identity.bytes().fold(0x811c_9dc5, mix),
            run: u32::try_from(folded & u64::from(u32::MAX)).expect("masked"),
            attempts: 0,
        }
    }

    /// A number that no attempt of this run had.
    pub(crate) fn next_attempt(&mut self) -> u64 {
        self.attempts += 1;
        self.attempts
    }

    /// The name of an attempt to open a stream.
    pub(crate) fn call(&self, attempt: u64) -> CallId {
        let mut name = String::with_capacity(32);
        write!(name, "{:08X}{:08X}{attempt:X}", self.tag, self.run).expect("strings take all");
        name.parse().expect("17 to 32 hexadecimal digits")
    }

    /// The attempt of a name that this run has given.
    pub(crate) fn attempt(&self, call: CallId) -> Option<u64> {
        let ours = self.whose(call) == Whose::Ours;
        u64::from_str_radix(call.as_str().get(16..)?, 16).ok().filter(|_| ours)
    }

    pub(crate) fn whose(&self, call: CallId) -> Whose {
        let number = |digits: Option<&str>| u32::from_str_radix(digits?, 16).ok();
        let (tag, run) = (call.as_str().get(..8), call.as_str().get(8..16));
        match (number(tag), number(run)) {
            (Some(tag), Some(run)) if tag == self.tag && run == self.run => Whose::Ours,
            (Some(tag), Some(_)) if tag == self.tag => Whose::Earlier,
            _ => Whose::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_they_are() {
        let (first, second) = (CallNames::new("cm1", 1), CallNames::new("cm1", 2));
        let other = CallNames::new("cm2", 1);
        let call = first.call(u64::MAX);
        assert_eq!(call.as_str().len(), 32);
        assert_eq!((first.whose(call), first.attempt(call)), (Whose::Ours, Some(u64::MAX)));
        assert_eq!(second.whose(call), Whose::Earlier);
        assert_eq!(other.whose(call), Whose::Foreign);
        assert_eq!(first.whose("A1".parse().unwrap()), Whose::Foreign);
    }
}
