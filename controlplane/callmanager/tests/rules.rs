//! The rules of the guide for calls: status, barge, keys, codecs.

use ringfence_callmanager::codec::{Codec, Side, choose};
use ringfence_callmanager::keys::StreamKeys;
use ringfence_callmanager::security::{BargeRefused, Barged, Bridge, Security, barge};

use Security::{Authenticated, Encrypted, NonSecure};

// R: GEN-10
#[test]
fn a_call_is_as_secure_as_its_weakest_part() {
    for (parties, expected) in [
        (&[Encrypted, Encrypted][..], Encrypted),
        (&[Encrypted, Authenticated], Authenticated),
        (&[Encrypted, Encrypted, NonSecure], NonSecure),
        (&[], NonSecure),
    ] {
        assert_eq!(Security::of_call(parties.iter().copied()), expected, "{parties:?}");
    }
}

// R: GEN-12, GEN-13, GEN-14, GEN-15, GEN-17
#[test]
fn barge_follows_the_guide() {
    let same = |status| Ok(Barged { status, shown_to_parties: status });
    for (call, initiator, bridge, expected) in [
        (Encrypted, NonSecure, Bridge::Encrypted, Err(BargeRefused::InitiatorNotEncrypted)),
        (Encrypted, Authenticated, Bridge::Encrypted, Err(BargeRefused::InitiatorNotEncrypted)),
        (Encrypted, NonSecure, Bridge::Plain, Err(BargeRefused::InitiatorNotEncrypted)),
        (Encrypted, Encrypted, Bridge::Encrypted, same(Encrypted)),
        (Encrypted, Encrypted, Bridge::Plain, Err(BargeRefused::TargetCannotMix)),
        (Authenticated, Encrypted, Bridge::Plain, same(NonSecure)),
        (NonSecure, Encrypted, Bridge::Encrypted, same(NonSecure)),
        (
            Authenticated,
            NonSecure,
            Bridge::Plain,
            Ok(Barged { status: NonSecure, shown_to_parties: Authenticated }),
        ),
        (Authenticated, Authenticated, Bridge::Plain, same(Authenticated)),
        (NonSecure, NonSecure, Bridge::Plain, same(NonSecure)),
        (NonSecure, Authenticated, Bridge::Plain, same(NonSecure)),
    ] {
        let barged = barge(call, initiator, bridge);
        assert_eq!(barged, expected, "{initiator:?} into {call:?} through {bridge:?}");
    }
}

// R: MED-02, MED-03
#[test]
fn keys_are_fresh_in_each_direction_and_never_shown() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let keys = StreamKeys::fresh().unwrap();
        for key in [&keys.forth, &keys.back] {
            assert!(seen.insert((key.key, key.salt)));
        }
        assert_eq!(format!("{keys:?}"), "StreamKeys { forth: MasterKey(…), back: MasterKey(…) }");
    }
}

// R: GEN-18
#[test]
fn wideband_gives_way_to_encryption_where_the_phone_cannot_do_both() {
    const BOTH: &[Codec] = &[Codec::G711_ULAW, Codec::G711_ALAW, Codec::WIDEBAND];
    let old = Side { codecs: BOTH, encrypts_wideband: false };
    let new = Side { codecs: BOTH, encrypts_wideband: true };
    assert_eq!(choose(old, new, 256, Encrypted), Some(Codec::G711_ULAW));
    assert_eq!(choose(new, old, 256, Encrypted), Some(Codec::G711_ULAW));
    assert_eq!(choose(old, new, 256, Authenticated), Some(Codec::WIDEBAND));
    assert_eq!(choose(old, old, 256, NonSecure), Some(Codec::WIDEBAND));
    assert_eq!(choose(new, new, 256, Encrypted), Some(Codec::WIDEBAND));
    let only = Side { codecs: &[Codec::WIDEBAND], encrypts_wideband: false };
    assert_eq!(choose(only, only, 256, Encrypted), None);
}

#[test]
fn the_region_limits_the_codec() {
    let a = Side { codecs: &[Codec::G711_ULAW, Codec::G729A], encrypts_wideband: true };
    let b = Side { codecs: &[Codec::G729A, Codec::G711_ULAW], encrypts_wideband: true };
    assert_eq!(choose(a, b, 64, NonSecure), Some(Codec::G711_ULAW));
    assert_eq!(choose(a, b, 8, NonSecure), Some(Codec::G729A));
    assert_eq!(choose(a, b, 7, NonSecure), None);
}
