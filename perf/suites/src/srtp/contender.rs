//! Who is measured.

use super::load::{Operation, Source};

/// An implementation with the sessions of a load.
pub(super) trait Contender {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether it changes packets where they are; else nothing but its word says that it did.
    fn works_in_place(&self) -> bool {
        true
    }

    /// Where its packets come from.
    fn source(&mut self) -> &mut Source;

    /// Transforms the packets of a lap and says how many came through. This is what is measured.
    fn process(&mut self, operation: Operation) -> usize;
}
