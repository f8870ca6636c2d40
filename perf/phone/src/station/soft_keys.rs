//! Soft keys: the template of a server, and the sets in which they are shown.

use sccp::codes::{Phrase, SoftKeySetIndex};
use sccp::server::{SoftKeySetRes, SoftKeyTemplateRes};
use sccp::{Charset, Slots};

use super::Caption;

/// A soft key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftKey {
    /// What is written on it.
    pub label: Caption,
    /// What it says when it is pressed.
    pub(super) event: u32,
}

/// All soft keys, and the sets of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoftKeys {
    template: Vec<SoftKey>,
    /// Positions in the template, from 1; 0 is none.
    sets: Vec<[u8; 16]>,
}

/// A set, and which keys of it are shown: bit 0 is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The set.
    pub set: SoftKeySetIndex,
    /// Its keys.
    pub valid: u32,
}

impl SoftKeys {
    pub(super) fn learn_template(&mut self, template: &SoftKeyTemplateRes, charset: Charset) {
        let keys = template
            .keys
            .entries
            .iter()
            .map(|key| SoftKey { label: Caption::new(&key.label, charset), event: key.event });
        self.template = keys.collect();
    }

    pub(super) fn learn_sets(&mut self, sets: &SoftKeySetRes) {
        let positions = sets.sets.entries.iter().map(|set| {
            let Slots(positions) = set.template_indices;
            positions
        });
        self.sets = positions.collect();
    }

    /// The keys of a selection, in their order.
    pub(super) fn shown(
        &self,
        Selection { set, valid }: Selection,
    ) -> impl Iterator<Item = &SoftKey> {
        let set = usize::try_from(set.0).ok().and_then(|index| self.sets.get(index));
        let positions = set.into_iter().flatten().enumerate();
        positions
            .filter(move |(place, _)| valid >> place & 1 == 1)
            .filter_map(|(_, position)| self.template.get(usize::from(*position).checked_sub(1)?))
    }

    /// What a key of a selection says; `None` if it is not shown.
    pub(super) fn event(&self, selection: Selection, label: Phrase) -> Option<u32> {
        let mut shown = self.shown(selection);
        shown.find(|key| key.label.phrase() == Some(label)).map(|key| key.event)
    }
}
