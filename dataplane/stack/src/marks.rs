//! Which association a packet inside smoltcp came under. smoltcp carries a number with each packet.

use std::collections::VecDeque;

use esp::SaId;

/// Packets that are remembered: more than all sockets' queues hold.
const REMEMBERED: usize = 4096;

/// Numbers of packets that came protected. A number that is not found says: not protected.
#[derive(Default)]
pub(crate) struct Marks {
    /// Numbers in a row, the last one is `next - 1`.
    given: VecDeque<SaId>,
    next: u32,
}

/// The number of packets that came in clear.
pub(crate) const CLEAR: u32 = 0;

impl Marks {
    /// A number for a packet.
    pub(crate) fn give(&mut self, protected: Option<SaId>) -> u32 {
        let Some(sa) = protected else { return CLEAR };
        if self.next == CLEAR || self.next == u32::MAX {
            // Packets with numbers of the last round count as clear.
            self.given.clear();
            self.next = CLEAR + 1;
        }
        if self.given.len() == REMEMBERED {
            self.given.pop_front();
        }
        self.given.push_back(sa);
        self.next += 1;
        self.next - 1
    }

    /// What the packet with this number came under.
    pub(crate) fn find(&self, number: u32) -> Option<SaId> {
        let behind = self.next.checked_sub(number)? as usize;
        let at = self.given.len().checked_sub(behind)?;
        self.given.get(at).copied().filter(|_| number != CLEAR)
    }
}
