use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Finds things by name. It holds their numbers only: the names are with the things, wherever
/// those are, so that none is kept twice.
#[derive(Default)]
pub(crate) struct Index {
    hasher: RandomState,
    numbers: HashTable<u32>,
}

impl Index {
    /// The number of the thing of this name, where `is_it` says it of a number.
    pub(crate) fn find(&self, name: &impl Hash, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(name), |&number| is_it(number)).copied()
    }

    /// Adds a thing, where `name_of` says the names of all that are in and of this one.
    pub(crate) fn insert<N: Hash>(&mut self, number: u32, name_of: impl Fn(u32) -> N) {
        let hash = |&number: &u32| self.hasher.hash_one(name_of(number));
        self.numbers.insert_unique(hash(&number), number, hash);
    }

    pub(crate) fn remove(&mut self, number: u32, name: &impl Hash) {
        let hash = self.hasher.hash_one(name);
        if let Ok(entry) = self.numbers.find_entry(hash, |&other| other == number) {
            entry.remove();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}
