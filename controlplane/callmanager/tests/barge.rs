//! Barging into calls of shared lines.

mod office;

use office::{ALICE, ANNE, BOB, CAROL, DAVE, office};
use ringfence_callmanager::security::Bridge;
use ringfence_callmanager::security::Security::{self, Authenticated, Encrypted, NonSecure};
use ringfence_callmanager::switchboard::{CallState, Key, KeySet, Notice, Tone};
use ringfence_callmanager::testing::profile;

/// Somebody in a call, somebody whom he speaks with, and somebody who barges in on his line.
struct Case {
    target: Security,
    bridge: Bridge,
    other: Security,
    initiator: Security,
}

impl Case {
    fn barge(&self, key: Key) -> office::Office {
        let mut office = office();
        office.arrive(ALICE, profile(self.target, Some(self.bridge), &["1001"]));
        office.arrive(ANNE, profile(self.initiator, Some(Bridge::Encrypted), &["1001"]));
        office.arrive(BOB, profile(self.other, None, &["1002"]));
        office.connect(ALICE, "1002", BOB);
        office.press(ANNE, key);
        office.open_all();
        office
    }
}

const ENCRYPTED: Case =
    Case { target: Encrypted, bridge: Bridge::Encrypted, other: Encrypted, initiator: Encrypted };

// R: GEN-12
#[test]
fn an_unencrypted_telephone_cannot_barge_into_an_encrypted_call() {
    for initiator in [NonSecure, Authenticated] {
        let mut office = Case { initiator, ..ENCRYPTED }.barge(Key::Barge);
        let anne = office.leg(ANNE);
        assert_eq!(anne.state, Some(CallState::InUseRemote));
        assert_eq!(
            (&anne.sounds[..], &anne.notices[..]),
            (&[Tone::Busy][..], &[Notice::BargeFailed][..])
        );
        assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Encrypted), Some(Encrypted)));
        assert!(office.phones[ANNE].streams.is_empty());
        office.end();
    }
}

// R: GEN-13
#[test]
fn an_encrypted_telephone_makes_the_call_it_barges_into_non_secure() {
    for (target, other) in
        [(Authenticated, Authenticated), (Encrypted, Authenticated), (Encrypted, NonSecure)]
    {
        let mut office = Case { target, other, ..ENCRYPTED }.barge(Key::Barge);
        for name in [ALICE, ANNE, BOB] {
            assert_eq!(office.icon(name), Some(NonSecure), "{target:?} {other:?} {name}");
        }
        // Nothing the target mixes is encrypted.
        assert_eq!(office.hears(ALICE, ANNE), Some(false));
        assert_eq!(office.hears(ANNE, ALICE), Some(false));
        office.end();
    }
}

// R: GEN-14
#[test]
fn an_encrypted_telephone_leaves_an_encrypted_call_encrypted() {
    let mut office = ENCRYPTED.barge(Key::Barge);
    for name in [ALICE, ANNE, BOB] {
        assert_eq!(office.icon(name), Some(Encrypted));
    }
    assert_eq!((office.hears(ANNE, ALICE), office.hears(BOB, ALICE)), (Some(true), Some(true)));
    assert_eq!(office.hears(BOB, ANNE), None);
    assert_eq!(office.leg(ALICE).sounds, [Tone::BargeIn]);

    // He goes: the others speak on. He comes again, and the target goes: the two are connected.
    office.press(ANNE, Key::EndCall);
    assert_eq!(office.leg(ANNE).state, Some(CallState::InUseRemote));
    assert_eq!(office.phones[ALICE].streams.len(), 1);
    office.press(ANNE, Key::Barge);
    office.open_all();
    office.press(ALICE, Key::EndCall);
    office.open_all();
    assert_eq!(office.leg(ALICE).state, Some(CallState::InUseRemote));
    assert_eq!(office.hears(BOB, ANNE), Some(true));
    assert_eq!((office.icon(ANNE), office.icon(BOB)), (Some(Encrypted), Some(Encrypted)));
    // The other party goes: everybody is out.
    office.press(BOB, Key::EndCall);
    assert!([ALICE, ANNE, BOB].iter().all(|name| office.phones[*name].legs.is_empty()));
    office.end();
}

// R: GEN-15
#[test]
fn authenticated_parties_keep_their_shield_when_a_non_secure_telephone_barges_in() {
    let case = Case { target: Authenticated, other: Authenticated, ..ENCRYPTED };
    let mut office = Case { initiator: NonSecure, ..case }.barge(Key::Barge);
    assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Authenticated), Some(Authenticated)));
    assert_eq!(office.icon(ANNE), Some(NonSecure));
    office.end();
}

// R: GEN-16
#[test]
fn a_conference_barge_always_works_and_makes_the_call_non_secure() {
    for initiator in [NonSecure, Authenticated, Encrypted] {
        let case = Case { initiator, bridge: Bridge::Plain, ..ENCRYPTED };
        let mut office = case.barge(Key::ConferenceBarge);
        for name in [ALICE, ANNE, BOB] {
            assert_eq!(office.icon(name), Some(NonSecure));
            assert!(office.hears_resource(name));
        }
        office.press(ANNE, Key::EndCall);
        office.open_all();
        assert_eq!(office.leg(ANNE).keys, Some(KeySet::InUseRemote));
        assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Encrypted), Some(Encrypted)));
        office.end();
    }
}

// R: GEN-17
#[test]
fn an_encrypted_7960_cannot_be_barged_into() {
    let mut office = Case { bridge: Bridge::Plain, ..ENCRYPTED }.barge(Key::Barge);
    let anne = office.leg(ANNE);
    assert_eq!(anne.state, Some(CallState::InUseRemote));
    assert_eq!(
        (&anne.sounds[..], &anne.notices[..]),
        (&[Tone::Reorder][..], &[Notice::IncompatibleDevice][..])
    );
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.end();
}

// R: GEN-12, GEN-13, GEN-14, GEN-15, GEN-16, GEN-17
#[test]
fn the_table_of_the_guide_row_by_row() {
    use Bridge::{Encrypted as Mixes, Plain};
    // The call, who barges in, through which bridge; what the parties and he are shown, or what he
    // hears because it fails.
    let (e, a, n) = (Encrypted, Authenticated, NonSecure);
    for (call, initiator, bridge, expected) in [
        (e, e, Mixes, Ok([e, e])),
        (e, e, Plain, Err(Tone::Reorder)),
        (e, a, Mixes, Err(Tone::Busy)),
        (e, a, Plain, Err(Tone::Busy)),
        (e, n, Mixes, Err(Tone::Busy)),
        (e, n, Plain, Err(Tone::Busy)),
        (a, e, Mixes, Ok([n, n])),
        (a, e, Plain, Ok([n, n])),
        (a, a, Mixes, Ok([a, a])),
        (a, a, Plain, Ok([a, a])),
        (a, n, Mixes, Ok([a, n])),
        (a, n, Plain, Ok([a, n])),
        (n, e, Mixes, Ok([n, n])),
        (n, e, Plain, Ok([n, n])),
        (n, a, Mixes, Ok([n, n])),
        (n, a, Plain, Ok([n, n])),
        (n, n, Mixes, Ok([n, n])),
        (n, n, Plain, Ok([n, n])),
    ] {
        let row = format!("{initiator} into {call} through {bridge:?}");
        let case = Case { target: call, other: call, bridge, initiator };
        let mut office = case.barge(Key::Barge);
        match expected {
            Ok([parties, own]) => {
                let shown = [ALICE, BOB, ANNE].map(|name| office.icon(name));
                assert_eq!(shown, [Some(parties), Some(parties), Some(own)], "{row}");
                let encrypted = (call, initiator) == (e, e);
                assert_eq!(office.hears(ANNE, ALICE), Some(encrypted), "{row}");
            }
            Err(tone) => {
                assert_eq!(office.leg(ANNE).sounds, [tone], "{row}");
                let shown = [ALICE, BOB].map(|name| office.icon(name));
                assert_eq!(shown, [Some(call), Some(call)], "{row}");
            }
        }
        office.end();
        // A conference always works, and is never secure.
        let mut office = case.barge(Key::ConferenceBarge);
        for name in [ALICE, ANNE, BOB] {
            assert_eq!(office.icon(name), Some(NonSecure), "{row}, conference");
            assert!(office.hears_resource(name), "{row}, conference");
        }
        office.end();
    }
}

#[test]
fn whoever_changes_the_call_ends_the_barge() {
    let mut office = ENCRYPTED.barge(Key::Barge);
    office.press(ALICE, Key::Hold);
    office.open_all();
    assert_eq!(office.leg(ANNE).state, Some(CallState::Hold));
    assert!(office.phones[ANNE].streams.is_empty() && office.hears_resource(BOB));
    office.end();
}

#[test]
fn one_barges_in_at_a_time() {
    let mut office = ENCRYPTED.barge(Key::Barge);
    office.arrive(DAVE, profile(Encrypted, None, &["1001"]));
    office.press(DAVE, Key::Barge);
    assert_eq!(office.leg(DAVE).notices, [Notice::AnotherBarge]);
    office.press(CAROL, Key::Barge);
    assert!(office.phones[CAROL].legs.is_empty());
    office.end();
}

#[test]
fn a_target_that_is_lost_leaves_the_call_to_who_barged_in() {
    let mut office = ENCRYPTED.barge(Key::Barge);
    office.lose(ALICE);
    office.open_all();
    assert_eq!((office.hears(BOB, ANNE), office.icon(BOB)), (Some(true), Some(Encrypted)));
    office.arrive(ALICE, profile(Encrypted, Some(Bridge::Encrypted), &["1001"]));
    assert_eq!(office.leg(ALICE).state, Some(CallState::InUseRemote));
    office.lose(ANNE);
    // She is the only one who speaks with him: her media goes on.
    assert_eq!(office.icon(BOB), Some(Encrypted));
    office.end();
}
