//! Jobs by length, so that messages hashed side by side end together.

use std::cmp::Reverse;

use super::MacJob;

/// Jobs ordered at once: a burst of the relay. Longer slices are taken in pieces.
pub(super) const MOST_JOBS: usize = 64;

/// Messages of so many blocks and more are sorted apart: longer than any packet of a network that we know.
const LONGEST: usize = 32;

/// Indices of at most [`MOST_JOBS`] jobs, those with the most blocks first.
pub(super) struct Order {
    indices: [u8; MOST_JOBS],
    count: usize,
}

impl Order {
    pub(super) fn longest_first(jobs: &[MacJob<'_>]) -> Self {
        let equal = jobs.windows(2).all(|pair| pair[0].block_count() == pair[1].block_count());
        if equal { Self::as_they_come(jobs.len()) } else { Self::sorted(jobs) }
    }

    fn as_they_come(count: usize) -> Self {
        const INDICES: [u8; MOST_JOBS] = {
            let mut indices = [0; MOST_JOBS];
            let mut index = 0;
            while index < MOST_JOBS {
                indices[index] = index as u8;
                index += 1;
            }
            indices
        };
        Self { indices: INDICES, count }
    }

    /// By counting: two passes over the jobs.
    fn sorted(jobs: &[MacJob<'_>]) -> Self {
        let rank = |job: &MacJob<'_>| LONGEST - job.block_count().min(LONGEST);
        let mut starts = [0u8; LONGEST];
        for job in jobs {
            starts[rank(job)] += 1;
        }
        let mut start = 0;
        for slot in &mut starts {
            start += std::mem::replace(slot, start);
        }
        let mut indices = [0; MOST_JOBS];
        for (index, job) in jobs.iter().enumerate() {
            let place = &mut starts[rank(job)];
            indices[usize::from(*place)] = index as u8;
            *place += 1;
        }
        // Rare enough to be slow.
        let most_blocks = |&index: &u8| Reverse(jobs[usize::from(index)].block_count());
        indices[..usize::from(starts[0])].sort_unstable_by_key(most_blocks);
        Self { indices, count: jobs.len() }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.indices[..self.count]
    }
}
