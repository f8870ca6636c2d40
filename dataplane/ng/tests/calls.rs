//! Calls of a SIP proxy: offers, answers, keys, holds, ends.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{
    KEY_A, KEY_B, Lab, address_of, answer, config, crypto_of, media_of, offer, sdp, suite_of, with,
};
use engine::command::{LegStats, Mode};
use serde_json::{Value, json};

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

fn socket(address: &str) -> Option<SocketAddr> {
    Some(address.parse().unwrap())
}

#[test]
fn a_call_in_clear_goes_through_two_legs_of_one_relay() {
    let mut lab = Lab::new(config());
    let between = json!({"direction": ["inside", "outside"]});
    let offered = lab.offer(&sdp("10.1.0.2", 4000, "RTP/AVP", &["sendrecv"]), between);
    let answered = lab.answer(&sdp("192.0.2.2", 5000, "RTP/AVP", &["rtcp:5005"]), json!({}));

    assert_eq!(address_of(&offered).ip().to_string(), "192.0.2.1");
    assert_eq!(address_of(&answered).ip().to_string(), "10.1.0.1");
    assert!(offered.contains("a=sendrecv\r\n") && offered.contains("a=rtcp:"));
    let (to_bob, to_alice) = (lab.leg_at(&offered), lab.leg_at(&answered));
    assert_eq!((to_alice.remote, to_alice.remote_rtcp), (socket("10.1.0.2:4000"), None));
    assert_eq!(to_bob.remote, socket("192.0.2.2:5000"));
    assert_eq!(to_bob.remote_rtcp, socket("192.0.2.2:5005"));
    assert_eq!((to_alice.port.0, to_bob.port.0), (0, 1));
    assert_eq!((lab.legs.len(), lab.ports.lent()), (2, 2));
    assert_eq!(lab.ng.flows().len(), 2);

    lab.done(json!({"command": "delete", "call-id": "call", "from-tag": "alice"}));
    assert_eq!((lab.legs.len(), lab.ports.lent(), lab.ng.is_empty()), (0, 0, true));
}

#[test]
fn srtp_becomes_rtp() {
    let mut lab = Lab::new(config());
    let lines = [
        "crypto:3 F8_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
        &format!("crypto:7 {SUITE} {KEY_A}"),
    ];
    let secure = sdp("10.1.0.2", 4000, "RTP/SAVP", &lines);
    let offered = lab.offer(&secure, json!({"transport protocol": "RTP/AVP"}));
    assert!(media_of(&offered).contains("RTP/AVP") && crypto_of(&offered).is_empty());
    let answered = lab.answer(&sdp("10.1.0.3", 5000, "RTP/AVP", &[]), json!({}));
    assert!(media_of(&answered).contains("RTP/SAVP"));
    let [(tag, suite, key)] = &crypto_of(&answered)[..] else { panic!("{answered}") };
    assert_eq!((*tag, suite.as_str()), (7, SUITE), "the first line that we can use");
    assert_ne!(key, KEY_A, "our key is our own");
    let (alice, bob) = (lab.leg_at(&answered), lab.leg_at(&offered));
    assert_eq!((suite_of(&alice.receive), suite_of(&alice.send)), (Some(SUITE), Some(SUITE)));
    assert_eq!((suite_of(&bob.receive), suite_of(&bob.send)), (None, None));
}

#[test]
fn rtp_becomes_srtp_with_the_key_of_the_tag_that_is_chosen() {
    let mut lab = Lab::new(config());
    let options = json!({"transport-protocol": "RTP/SAVP", "SDES": ["order:AEAD_AES_256_GCM"]});
    let offered = lab.offer(&sdp("10.1.0.2", 4000, "RTP/AVP", &[]), options);
    let keys = crypto_of(&offered);
    assert!(keys.len() > 4 && keys[0].1 == "AEAD_AES_256_GCM", "{offered}");
    assert!(keys.iter().enumerate().all(|(place, key)| key.0 as usize == place + 1));
    let chosen = keys.iter().find(|(_, suite, _)| suite == SUITE).unwrap();

    let with_key = |tag: u32, key: &str| {
        sdp("10.1.0.3", 5000, "RTP/SAVP", &[&format!("crypto:{tag} {SUITE} {key}")])
    };
    for (wrong, why) in [
        (sdp("10.1.0.3", 5000, "RTP/AVP", &[]), "the answer is RTP"),
        (with_key(99, KEY_B), "tag and suite"),
        (with_key(1, KEY_B), "tag and suite"),
        (with_key(chosen.0, &chosen.2), "repeats the key"),
        (sdp("10.1.0.3", 5000, "RTP/SAVP", &[]), "tag and suite"),
        (sdp("2001:db8:1::3", 5000, "RTP/SAVP", &[]), "tag and suite"),
    ] {
        let reason = lab.refused(answer(&wrong, json!({})));
        assert!(reason.contains(why), "{reason}");
    }
    let answered = lab.answer(&with_key(chosen.0, KEY_B), json!({}));
    assert!(media_of(&answered).contains("RTP/AVP") && crypto_of(&answered).is_empty());
    let bob = lab.leg_at(&offered);
    assert_eq!((suite_of(&bob.receive), suite_of(&bob.send)), (Some(SUITE), Some(SUITE)));
}

#[test]
fn sdes_options_choose_what_is_offered() {
    let suites = |options: Value, line: &str| {
        let mut lab = Lab::new(config());
        let alice = sdp("10.1.0.2", 4000, "RTP/SAVP", &[line]);
        let offered = lab.offer(&alice, options);
        crypto_of(&offered).into_iter().map(|(_, suite, _)| suite).collect::<Vec<_>>()
    };
    let line = format!("crypto:1 {SUITE} {KEY_A}");
    assert_eq!(suites(json!({}), &line)[0], SUITE, "what came is offered first");
    assert_eq!(suites(json!({"SDES": ["nonew"]}), &line), [SUITE]);
    let only = json!({"flags": ["SDES-only-AEAD_AES_128_GCM"]});
    assert_eq!(suites(only, &line), ["AEAD_AES_128_GCM"]);
    let no = suites(json!({"SDES": ["no-AES_CM_128_HMAC_SHA1_80"]}), &line);
    assert!(!no.is_empty() && !no.contains(&SUITE.to_owned()));

    let mut lab = Lab::new(config());
    let alice = sdp("10.1.0.2", 4000, "RTP/AVP", &[]);
    let off = json!({"transport protocol": "RTP/SAVP", "SDES": ["off"]});
    assert!(lab.refused(offer(&alice, off)).contains("DTLS"));
    let lifetime = json!({"transport protocol": "RTP/SAVP", "SDES": ["lifetime"]});
    assert!(lab.offer(&alice, lifetime).contains("|2^31"));
}

#[test]
fn a_new_offer_keeps_ports_and_keys() {
    let mut lab = Lab::new(config());
    let line = format!("crypto:1 {SUITE} {KEY_A}");
    let alice = sdp("10.1.0.2", 4000, "RTP/SAVP", &[&line]);
    let offered = lab.offer(&alice, json!({"SDES": ["nonew"]}));
    let bob = |port| sdp("10.1.0.3", port, "RTP/SAVP", &[&format!("crypto:1 {SUITE} {KEY_B}")]);
    let answered = lab.answer(&bob(5000), json!({}));

    assert_eq!(lab.offer(&alice, json!({})), offered, "the same again");
    // Bob moves, and says so himself.
    let moved = with(offer(&bob(6000), json!({})), json!({"from-tag": "bob", "to-tag": "alice"}));
    let told = lab.done(moved);
    let told = told["sdp"].as_str().unwrap();
    assert_eq!(address_of(told), address_of(&answered));
    assert_eq!(crypto_of(told), crypto_of(&answered));
    assert_eq!(lab.leg_at(&offered).remote, socket("10.1.0.3:6000"));
    let back = with(answer(&alice, json!({})), json!({"from-tag": "bob", "to-tag": "alice"}));
    let back = lab.done(back);
    assert_eq!(crypto_of(back["sdp"].as_str().unwrap()), crypto_of(&offered));
    assert_eq!((lab.legs.len(), lab.ng.counters().calls_created), (2, 1));

    // An old way to hold: nothing is sent there.
    lab.offer(&sdp("0.0.0.0", 4000, "RTP/SAVP", &[&line]), json!({}));
    assert_eq!(lab.leg_at(&answered).remote, None);
    let stranger = with(offer(&alice, json!({})), json!({"from-tag": "mallory"}));
    assert!(lab.refused(stranger).contains("neither party"));
}

#[test]
fn streams_that_cannot_be_relayed_are_refused_in_the_description() {
    let mut lab = Lab::new(config());
    let mut alice = sdp("10.1.0.2", 4000, "RTP/AVP", &[]);
    alice += "m=image 4010 udptl t38\r\nm=video 4020 UDP/TLS/RTP/SAVPF 96\r\n\
              m=video 4030 RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\n";
    let told = lab.ask(offer(&alice, json!({})));
    let warning = told["warning"].as_str().unwrap();
    assert!(warning.contains("stream 2 (image, udptl)") && warning.contains("stream 3"));
    let sdp_of = |told: &Value| told["sdp"].as_str().unwrap().to_owned();
    let lines: Vec<_> =
        sdp_of(&told).lines().filter(|l| l.starts_with("m=")).map(str::to_owned).collect();
    assert!(lines[1] == "m=image 0 udptl t38" && lines[2] == "m=video 0 UDP/TLS/RTP/SAVPF 96");
    assert_eq!((lab.legs.len(), lab.ports.lent()), (4, 4));
    // The answer takes the audio only; the video's legs go.
    let mut bob = sdp("10.1.0.3", 5000, "RTP/AVP", &[]);
    bob += "m=image 0 udptl t38\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=video 0 RTP/AVPF 97\r\n";
    lab.answer(&bob, json!({}));
    assert_eq!((lab.legs.len(), lab.ports.lent()), (2, 2));

    let none = sdp("10.1.0.2", 4000, "UDP/TLS/RTP/SAVPF", &[]);
    let other = with(offer(&none, json!({})), json!({"call-id": "other"}));
    assert!(lab.refused(other).contains("no stream that can be relayed"));
    let short = answer(&sdp("10.1.0.3", 5000, "RTP/AVP", &[]), json!({}));
    assert!(lab.refused(short).contains("1 streams, the offer 4"));
}

#[test]
fn addresses_and_families_are_as_the_proxy_wants_them() {
    let mut lab = Lab::new(config());
    let behind_nat = sdp("172.16.0.9", 4000, "RTP/AVP", &["rtcp:4001 IN IP4 172.16.0.9"]);
    let options = json!({
        "flags": ["SIP source address"], "received from": ["IP4", "10.1.0.77"],
        "address family": "IP6", "replace": ["origin"],
    });
    let offered = lab.offer(&behind_nat, options);
    assert!(offered.contains("o=- 1 1 IN IP6 2001:db8:1::1"), "{offered}");
    let answered = lab.answer(&sdp("2001:db8:1::3", 5000, "RTP/AVP", &[]), json!({}));
    let alice = lab.leg_at(&answered);
    assert_eq!(alice.remote, socket("10.1.0.77:4000"));
    assert_eq!(alice.remote_rtcp, socket("10.1.0.77:4001"));

    let unknown = json!({"call-id": "x", "direction": ["inside", "elsewhere"]});
    let reason = lab.refused(with(offer(&behind_nat, json!({})), unknown));
    assert!(reason.contains("there are inside, outside"), "{reason}");
}

#[test]
fn media_are_blocked_by_party_and_as_a_whole() {
    let mut lab = Lab::new(config());
    let offered = lab.offer(&sdp("10.1.0.2", 4000, "RTP/AVP", &[]), json!({"label": "caller"}));
    let answered = lab.answer(&sdp("10.1.0.3", 5000, "RTP/AVP", &[]), json!({}));
    let modes = |lab: &Lab| [&answered, &offered].map(|sdp| lab.leg_at(sdp).mode);
    let both = [Mode::SendRecv; 2];
    let command =
        |command: &str, more: Value| with(json!({"command": command, "call-id": "call"}), more);
    lab.done(command("block media", json!({"from-tag": "alice"})));
    assert_eq!(modes(&lab), [Mode::SendOnly, Mode::SendRecv]);
    lab.done(command("unblock media", json!({"label": "caller"})));
    assert_eq!(modes(&lab), both);
    lab.done(command("block media", json!({"address": "10.1.0.3"})));
    assert_eq!(modes(&lab), [Mode::SendRecv, Mode::SendOnly]);
    lab.done(command("block media", json!({})));
    assert_eq!(modes(&lab), [Mode::SendOnly; 2]);
    lab.done(command("unblock media", json!({})));
    assert_eq!(modes(&lab), [Mode::SendRecv, Mode::SendOnly], "what was said of one stays");
    lab.done(command("unblock media", json!({"flags": ["all"]})));
    assert_eq!(modes(&lab), both);
    lab.refused(command("block media", json!({"from-tag": "carol"})));
    let told = lab.ask(command("start forwarding", json!({"from-tag": "alice"})));
    assert!(told["warning"].as_str().unwrap().contains("recorder"));
}

#[test]
fn questions_are_answered_with_what_passed() {
    let mut lab = Lab::new(config());
    lab.offer(&sdp("10.1.0.2", 4000, "RTP/AVP", &[]), json!({}));
    lab.answer(&sdp("10.1.0.3", 5000, "RTP/AVP", &[]), json!({}));
    lab.stats = LegStats {
        packets_received: 50,
        octets_received: 8000,
        rtcp_received: 2,
        ..LegStats::default()
    };
    lab.now += Duration::from_secs(9);
    let told = lab.done(json!({"command": "query", "call-id": "call"}));
    assert_eq!(told["totals"]["RTP"], json!({"packets": 100, "bytes": 16000, "errors": 0}));
    assert_eq!(told["totals"]["RTCP"]["packets"], 4);
    assert_eq!((&told["created"], &told["duration"]), (&json!(1_700_000_000), &json!(9)));
    let alice = &told["tags"]["alice"];
    assert_eq!(alice["in dialogue with"], "bob");
    let stream = &alice["medias"][0]["streams"][0];
    assert_eq!(stream["endpoint"], json!({"family": "IPv4", "address": "10.1.0.2", "port": 4000}));
    assert_eq!(
        (&stream["flags"], &stream["stats"]["packets"]),
        (&json!(["RTP", "filled"]), &json!(50))
    );

    assert_eq!(lab.done(json!({"command": "list"}))["calls"], json!(["call"]));
    lab.refused(json!({"command": "list", "limit": 0}));
    let told = lab.done(json!({"command": "delete", "call-id": "call", "from-tag": "bob"}));
    assert_eq!(told["totals"]["RTP"]["packets"], 100);
    let told = lab.done(json!({"command": "statistics"}));
    let told = &told["statistics"];
    assert_eq!(told["currentstatistics"]["sessionstotal"], 0);
    assert_eq!(told["totalstatistics"]["relayedpackets"], 104);
    assert_eq!(told["totalstatistics"]["managedsessions"], 1);
}

#[test]
fn a_call_that_is_not_here_is_a_warning_or_an_error() {
    let mut lab = Lab::new(config());
    let delete = json!({"command": "delete", "call-id": "call", "from-tag": "alice"});
    let told = lab.ask(delete.clone());
    assert!(told["result"] == "ok" && told["warning"].as_str().unwrap().contains("unknown"));
    lab.refused(with(delete.clone(), json!({"flags": ["fatal"]})));
    lab.refused(json!({"command": "query", "call-id": "call"}));
    lab.refused(answer(&sdp("10.1.0.3", 5000, "RTP/AVP", &[]), json!({})));
    // A branch that never answered does not end the call of one that did.
    lab.offer(&sdp("10.1.0.2", 4000, "RTP/AVP", &[]), json!({}));
    lab.answer(&sdp("10.1.0.3", 5000, "RTP/AVP", &[]), json!({}));
    lab.ask(with(delete, json!({"to-tag": "carol"})));
    assert_eq!(lab.legs.len(), 2);
}

#[test]
fn calls_end_when_nobody_is_heard() {
    let mut lab = Lab::new(config());
    lab.offer(&sdp("10.1.0.2", 4000, "RTP/AVP", &[]), json!({}));
    lab.pass(Duration::from_secs(50));
    lab.stats.packets_received = 10;
    lab.pass(Duration::from_secs(50));
    assert_eq!(lab.legs.len(), 2, "somebody was heard");
    lab.pass(Duration::from_secs(80));
    assert_eq!((lab.legs.len(), lab.ports.lent(), lab.ng.is_empty()), (0, 0, true));
    assert_eq!(lab.ng.counters().calls_timed_out, 1);
    assert_eq!(lab.ng.poll_timeout(), None, "nothing is left to do");
}
