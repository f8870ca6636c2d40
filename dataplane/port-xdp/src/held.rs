use port::{Frame, Pool};

/// The chunks of a pool that lie in a port's rings or with the kernel.
///
/// The one place where frames become ring addresses and addresses become frames again.
pub(crate) struct Held {
    /// Start of the pool's memory: its identity.
    region: usize,
    chunk_size: u64,
    /// One bit a chunk.
    bits: Vec<u64>,
    count: usize,
}

impl Held {
    pub(crate) fn new(pool: &Pool) -> Self {
        Self {
            region: region(pool),
            chunk_size: pool.chunk_size() as u64,
            bits: vec![0; pool.chunks().div_ceil(64)],
            count: 0,
        }
    }

    /// Whether it is about this pool.
    pub(crate) fn is_of(&self, pool: &Pool) -> bool {
        self.region == region(pool)
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Turns a frame into a ring's address.
    pub(crate) fn release(&mut self, pool: &Pool, frame: Frame) -> u64 {
        debug_assert!(self.is_of(pool));
        let address = pool.release(frame);
        let (word, bit) = self.position(address);
        self.bits[word] |= bit;
        self.count += 1;
        address
    }

    /// Makes a frame of `len` bytes of an address the kernel gave back.
    ///
    /// # Panics
    ///
    /// When the kernel does not have it: two owners of a chunk would be worse than none.
    pub(crate) fn adopt(&mut self, pool: &Pool, address: u64, len: u32) -> Frame {
        debug_assert!(self.is_of(pool));
        let (word, bit) = self.position(address);
        assert!(
            self.bits.get(word).is_some_and(|bits| bits & bit != 0),
            "a ring returned address {address}, which the kernel did not have"
        );
        self.bits[word] &= !bit;
        self.count -= 1;
        // SAFETY: the bit says that `release` has released the chunk and that it has not been
        // adopted since; the kernel gave it back, so it does not write to it any more.
        unsafe { pool.adopt(address, len) }
    }

    /// Takes all chunks home.
    ///
    /// Only when the kernel has forgotten them: nobody writes to them any more.
    pub(crate) fn take_home(&mut self, pool: &mut Pool) {
        for word in 0..self.bits.len() {
            while self.bits[word] != 0 {
                let chunk = word as u64 * 64 + u64::from(self.bits[word].trailing_zeros());
                let frame = self.adopt(pool, chunk * self.chunk_size, 0);
                pool.give(frame);
            }
        }
    }

    fn position(&self, address: u64) -> (usize, u64) {
        let chunk = address / self.chunk_size;
        ((chunk / 64) as usize, 1 << (chunk % 64))
    }
}

fn region(pool: &Pool) -> usize {
    pool.region().0.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_come_home() {
        let mut pool = Pool::new(130, 2048).unwrap();
        let mut held = Held::new(&pool);
        let addresses: Vec<_> = (0..130)
            .map(|_| {
                let frame = pool.take().unwrap();
                held.release(&pool, frame)
            })
            .collect();
        assert_eq!((pool.free(), held.count()), (0, 130));

        let frame = held.adopt(&pool, addresses[70], 60);
        assert_eq!(frame.len(), 60);
        pool.give(frame);
        held.take_home(&mut pool);
        assert_eq!((pool.free(), held.count()), (130, 0));
    }

    #[test]
    #[should_panic(expected = "did not have")]
    fn an_address_given_back_twice_is_refused() {
        let mut pool = Pool::new(1, 2048).unwrap();
        let mut held = Held::new(&pool);
        let frame = pool.take().unwrap();
        let address = held.release(&pool, frame);
        let _frame = held.adopt(&pool, address, 0);
        held.adopt(&pool, address, 0);
    }
}
