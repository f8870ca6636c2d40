//! Two telephones without a relay between them: what one says the other hears, under the right key
//! only.
//!
//! These need root and ffmpeg: `cargo xtask test`, or `cargo test -p ringfence-lab -- --ignored`.

use std::net::SocketAddr;

use ringfence_lab::key::Key;
use ringfence_lab::net::Lab;
use ringfence_lab::phone::Phone;
use speech::{Comparison, compare, speak};

/// Both speak; gives how A's words came to B and B's to A.
fn converse(name: &str, keys: [Option<&Key>; 2], expected: [Option<&Key>; 2]) -> [Comparison; 2] {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(name, false).unwrap();
    let (a, b) = (lab.namespace("a").unwrap(), lab.namespace("b").unwrap());
    let (left, right) = lab.veth((&a, "eth0"), (&b, "eth0")).unwrap();
    left.address("10.77.1.1/24").unwrap();
    right.address("10.77.1.2/24").unwrap();
    let addresses: [SocketAddr; 2] =
        ["10.77.1.1:40000".parse().unwrap(), "10.77.1.2:40000".parse().unwrap()];

    let connect = |namespace, name, address| {
        Phone::connect(namespace, name, address, dir.path().to_owned()).unwrap()
    };
    let a = connect(&a, "a", addresses[0]).listen(addresses[1], expected[1]).unwrap();
    let b = connect(&b, "b", addresses[1]).listen(addresses[0], expected[0]).unwrap();
    let a_speech = a.speak(speak(1, 3), keys[0]).unwrap();
    let b_speech = b.speak(speak(2, 3), keys[1]).unwrap();
    let (a_said, b_said) = (a_speech.finish().unwrap(), b_speech.finish().unwrap());
    let (a, b) = (a.hang_up().unwrap(), b.hang_up().unwrap());
    assert_eq!((a.traffic.sent, b.traffic.sent), (150, 150), "20 ms a packet");
    assert_eq!((b.traffic.received, a.traffic.received), (150, 150));
    assert!(a.traffic.rtcp_sent > 0 && b.traffic.rtcp_received > 0);
    [compare(&a_said, &b.heard), compare(&b_said, &a.heard)]
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn what_is_said_is_heard_both_ways() {
    for comparison in converse("rf-labtest-plain", [None; 2], [None; 2]) {
        assert!(comparison.is_same(), "{comparison}");
    }
    let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
    let keys = [Some(&key), Some(&other)];
    for comparison in converse("rf-labtest-srtp", keys, keys) {
        assert!(comparison.is_same(), "{comparison}");
    }
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn under_a_wrong_key_nothing_is_heard() {
    let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
    let [a_to_b, b_to_a] =
        converse("rf-labtest-wrong", [Some(&key), Some(&other)], [Some(&other), Some(&other)]);
    assert!(!a_to_b.is_same(), "{a_to_b}");
    assert!(b_to_a.is_same(), "{b_to_a}");
}
