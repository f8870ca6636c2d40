//! Soft keys: a template of all there are, sets of those that are shown together, and the choice
//! of a set.

use crate::codes::SoftKeySetIndex;
use crate::layout::{block, message};
use crate::list::{Entry, Slots, Table};
use crate::number::{CallRef, LineInstance};
use crate::text::Text;

block! {
    /// A soft key.
    SoftKey {
        /// What is written on it: a phrase in most cases.
        0  label: Text<16>,
        /// What [`SoftKeyEvent`](crate::phone::SoftKeyEvent) says when it is pressed.
        16 event: u32,
    }
}

impl Entry for SoftKey {
    const SIZE: usize = 20;
}

message! {
    /// All soft keys that there are. Sets call them by their position, from 1.
    0x0108 SoftKeyTemplateRes from Server {
        /// For both readings of a set's indices, event and position of a key should be equal.
        0 keys: Table<SoftKey, 32, 32>,
    }
}

block! {
    /// Soft keys that are shown together.
    SoftKeySet {
        /// Positions in the template, 0 for a place without a key.
        0  template_indices: Slots<u8, 16>,
        /// Numbers of help texts: 300 and the position, 0 for a place without a key.
        16 info_indices: Slots<u16, 16>,
    }
}

impl Entry for SoftKeySet {
    const SIZE: usize = 48;
}

impl SoftKeySet {
    /// A set of the keys at these positions of the template: 16 at most.
    pub fn new(positions: &[u8]) -> Self {
        let mut set = Self::default();
        for (place, position) in positions.iter().take(16).enumerate() {
            set.template_indices.0[place] = *position;
            set.info_indices.0[place] = if *position == 0 { 0 } else { 300 + u16::from(*position) };
        }
        set
    }
}

message! {
    /// All sets, by the order of [`SoftKeySetIndex`].
    0x0109 SoftKeySetRes from Server {
        /// The sets.
        0 sets: Table<SoftKeySet, 16, 16>,
    }
}

message! {
    /// Shows a set.
    0x0110 SelectSoftKeys from Server {
        /// For which line.
        0  line: LineInstance,
        /// For which call.
        4  call: CallRef,
        /// Which set.
        8  set: SoftKeySetIndex,
        /// Which keys of it: bit 0 is the first.
        12 valid_keys: u32,
    }
}
