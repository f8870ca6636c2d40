//! Soft keys: their template, the sets in which they are shown, and what they mean.

use sccp::Text;
use sccp::codes::{Phrase, SoftKeySetIndex};
use sccp::server::{SoftKey, SoftKeySet};

use crate::switchboard::{Key, KeySet};

/// The label of each key, by its position from 1. Keys say this position when they are pressed.
const TEMPLATE: [Phrase; 32] = [
    Phrase::REDIAL,
    Phrase::NEW_CALL,
    Phrase::HOLD,
    Phrase::TRNSFER,
    Phrase::CFWD_ALL,
    Phrase::CFWD_BUSY,
    Phrase::CFWD_NO_ANSWER,
    Phrase::BACKSPACE,
    Phrase::END_CALL,
    Phrase::RESUME,
    Phrase::ANSWER,
    Phrase::INFO,
    Phrase::CONFRN,
    Phrase::PARK,
    Phrase::JOIN,
    Phrase::MEET_ME,
    Phrase::PICK_UP,
    Phrase::G_PICK_UP,
    Phrase::RM_LST_C,
    Phrase::CALL_BACK,
    Phrase::BARGE,
    Phrase::DND,
    Phrase::CONF_LIST,
    Phrase::SELECT,
    Phrase::PRIVATE,
    Phrase::TRNSF_VM,
    Phrase::DIR_TRFR,
    Phrase::I_DIVERT,
    Phrase::C_BARGE,
    Phrase::INTRCPT,
    Phrase::QRT,
    Phrase::MCID,
];

/// What the keys that are offered mean, by their position.
const MEANINGS: [(u8, Key); 14] = [
    (1, Key::Redial),
    (2, Key::NewCall),
    (3, Key::Hold),
    (4, Key::Transfer),
    (5, Key::ForwardAll),
    (8, Key::Backspace),
    (9, Key::EndCall),
    (10, Key::Resume),
    (11, Key::Answer),
    (13, Key::Conference),
    (16, Key::MeetMe),
    (21, Key::Barge),
    (PRIVATE, Key::Privacy),
    (29, Key::ConferenceBarge),
];

/// The sets, in the order of their numbers; positions of the template, 0 for none.
const SETS: [(KeySet, &[u8]); 12] = [
    (KeySet::OnHook, &[1, 2, 5, 16]),
    (KeySet::Connected, &[3, 9, 4, 13, PRIVATE]),
    (KeySet::OnHold, &[10, 2]),
    (KeySet::RingIn, &[11]),
    (KeySet::OffHook, &[1, 9, 5, 16]),
    (KeySet::ConnectedTransfer, &[3, 9, 4]),
    (KeySet::Digits, &[8, 9]),
    (KeySet::ConnectedConference, &[3, 9, 13]),
    (KeySet::RingOut, &[0, 9]),
    (KeySet::OffHookFeature, &[1, 9]),
    (KeySet::InUseRemote, &[2, 21, 29]),
    (KeySet::Stealable, &[10, 2]),
];

/// The key that makes sense on shared lines only.
const PRIVATE: u8 = 25;

/// The template, as it travels.
pub(super) fn template() -> impl Iterator<Item = SoftKey> {
    (1..).zip(TEMPLATE).map(|(event, label)| SoftKey { label: Text::from(label), event })
}

/// All sets, as they travel.
pub(super) fn sets() -> impl Iterator<Item = SoftKeySet> {
    SETS.iter().map(|(_, positions)| SoftKeySet::new(positions))
}

/// The number of a set.
pub(super) fn index(set: KeySet) -> SoftKeySetIndex {
    let set = match set {
        KeySet::ConnectedShared => KeySet::Connected,
        set => set,
    };
    let place = (0..).zip(SETS).find(|(_, (other, _))| *other == set);
    SoftKeySetIndex(place.expect("all sets are there").0)
}

/// Which keys of a set are shown: a bit for each place, the first one lowest.
pub(super) fn valid(set: KeySet) -> u32 {
    let (_, positions) = SETS[index(set).0 as usize];
    match (set, positions.iter().position(|position| *position == PRIVATE)) {
        (KeySet::Connected, Some(place)) => !(1 << place),
        _ => u32::MAX,
    }
}

/// What a key means, if a set has it. A transfer while it rings has a key besides those of
/// [`KeySet::RingOut`], in a set of its own.
pub(super) fn meaning(event: u32, shown: impl IntoIterator<Item = KeySet>) -> Option<Key> {
    let position = u8::try_from(event).ok()?;
    let offered = |set: KeySet| {
        let (_, positions) = SETS[index(set).0 as usize];
        let mut shown = (0..).zip(positions).filter(|(place, _)| valid(set) & (1 << place) != 0);
        shown.any(|(_, other)| *other == position)
    };
    let (_, key) = MEANINGS.iter().find(|(other, _)| *other == position)?;
    shown.into_iter().any(offered).then(|| key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_the_numbers_that_telephones_know_and_keys_that_mean_something() {
        for (set, expected) in [
            (KeySet::OnHook, SoftKeySetIndex::ON_HOOK),
            (KeySet::Connected, SoftKeySetIndex::CONNECTED),
            (KeySet::OnHold, SoftKeySetIndex::ON_HOLD),
            (KeySet::RingIn, SoftKeySetIndex::RING_IN),
            (KeySet::OffHook, SoftKeySetIndex::OFF_HOOK),
            (KeySet::ConnectedTransfer, SoftKeySetIndex::CONNECTED_TRANSFER),
            (KeySet::Digits, SoftKeySetIndex::DIGITS),
            (KeySet::ConnectedConference, SoftKeySetIndex::CONNECTED_CONFERENCE),
            (KeySet::RingOut, SoftKeySetIndex::RING_OUT),
            (KeySet::OffHookFeature, SoftKeySetIndex::OFF_HOOK_FEATURE),
            (KeySet::InUseRemote, SoftKeySetIndex::IN_USE_REMOTE),
            (KeySet::Stealable, SoftKeySetIndex::STEALABLE),
        ] {
            assert_eq!(index(set), expected);
        }
        for (set, positions) in SETS {
            for position in positions.iter().filter(|position| **position != 0) {
                let shared = match set {
                    KeySet::Connected => KeySet::ConnectedShared,
                    set => set,
                };
                assert!(meaning((*position).into(), [shared]).is_some(), "{set:?} {position}");
            }
        }
        // On a line of one's own there is nobody to hide calls from.
        assert_eq!(meaning(25, [KeySet::ConnectedShared]), Some(Key::Privacy));
        assert_eq!(meaning(25, [KeySet::Connected]), None);
        assert_eq!(meaning(3, [KeySet::Connected]), Some(Key::Hold));
        assert_eq!((valid(KeySet::Connected), valid(KeySet::ConnectedShared)), (!16, u32::MAX));
        assert_eq!(meaning(21, [KeySet::Connected]), None);
        assert_eq!(meaning(0, [KeySet::RingOut]), None);
        assert_eq!(meaning(1 << 20, [KeySet::RingOut]), None);
        assert_eq!(template().nth(20).unwrap().label, Text::from(Phrase::BARGE));
    }
}
