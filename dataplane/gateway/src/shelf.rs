//! Values that many hold in common, kept once.

use std::collections::VecDeque;
use std::sync::Arc;

/// How many different values are remembered.
const DEPTH: usize = 64;

/// Hands out shares of equal values. It remembers those that were wanted last; what differs from
/// all of them costs its holder a copy of its own, so the shelf stays small whatever comes.
#[derive(Debug)]
pub(crate) struct Shelf<T>(VecDeque<Arc<T>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: PartialEq> Shelf<T> {
    /// A share of a value that equals this one, or of this one.
    pub(crate) fn share(&mut self, value: T) -> Arc<T> {
        let known = self.0.iter().position(|known| **known == value);
        let known = known.and_then(|position| self.0.remove(position));
        let shared = known.unwrap_or_else(|| Arc::new(value));
        self.0.truncate(DEPTH - 1);
        self.0.push_front(Arc::clone(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_few_are_remembered() {
        let mut shelf = Shelf::default();
        let first = shelf.share(0);
        for value in 1..1000 {
            assert!(Arc::ptr_eq(&shelf.share(0), &first), "in use");
            shelf.share(value);
        }
        assert_eq!(shelf.0.len(), DEPTH);
        assert!(!Arc::ptr_eq(&shelf.share(1), &shelf.share(2)));
    }
}
