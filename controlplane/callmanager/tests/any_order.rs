//! Whatever happens in whatever order: no key where it does not belong, no status that is not
//! deserved, nothing left behind. The promises are checked by the telephones in
//! `ringfence_callmanager::testing`.

use proptest::prelude::*;
use ringfence_callmanager::testing::play;

// R: GEN-10, GEN-11, MED-01, MED-03
proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_keeps_the_promises(
        steps in proptest::collection::vec(any::<[u8; 3]>(), 0..250),
    ) {
        play(&steps.concat());
    }
}
