//! Jobs by length, so that messages hashed side by side end together.

use super::MacJob;

/// Jobs ordered at once: a burst of the relay. Longer slices are taken in pieces.
pub(super) const MOST_JOBS: usize = 64;

/// From this many blocks on, messages count as equally long; kernels cope with any mixture, only less well.
const LONGEST: usize = 32;

/// Indices of at most [`MOST_JOBS`] jobs, those with the most blocks first.
pub(super) struct Order {
    indices: [u8; MOST_JOBS],
    count: usize,
}

impl Order {
    /// Sorts by counting: two passes over the jobs, whatever their lengths.
    pub(super) fn longest_first(jobs: &[MacJob<'_>]) -> Self {
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
        Self { indices, count: jobs.len() }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.indices[..self.count]
    }
}
