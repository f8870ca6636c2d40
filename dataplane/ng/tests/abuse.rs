//! Commands that cannot be carried out, come twice, or come at the wrong time.

mod common;

use common::{Lab, PROXY, answer, config, offer, sdp, with};
use ringfence_ng::limits;
use serde_json::json;

fn alice() -> String {
    sdp("10.1.0.2", 4000, "RTP/AVP", &[])
}

#[test]
fn a_command_that_is_said_again_is_carried_out_once() {
    let mut lab = Lab::new(config());
    let said = format!("again {}", offer(&alice(), json!({})));
    lab.ng.handle_message(lab.now, PROXY, said.as_bytes());
    // While it is being carried out, and after that.
    lab.ng.handle_message(lab.now, PROXY, said.as_bytes());
    lab.settle();
    let (_, first) = lab.ng.poll_answer().unwrap();
    assert_eq!(lab.ng.poll_answer(), None);
    lab.ng.handle_message(lab.now, PROXY, said.as_bytes());
    assert_eq!(lab.ng.poll_answer(), Some((PROXY, first)));
    assert_eq!((lab.legs.len(), lab.ng.counters().duplicates), (2, 2));
    // Another one's cookies are his own.
    let other = ringfence_ng::Asker { door: 1, ..PROXY };
    lab.ng.handle_message(lab.now, other, b"again d7:command4:pinge");
    assert_eq!(lab.ng.poll_answer().unwrap().1.as_slice(), b"again d6:result4:ponge");
}

#[test]
fn commands_about_a_call_wait_for_each_other() {
    let mut lab = Lab::new(config());
    let bob = sdp("10.1.0.3", 5000, "RTP/AVP", &[]);
    let commands = [
        offer(&alice(), json!({})),
        answer(&bob, json!({})),
        json!({"command": "delete", "call-id": "call", "from-tag": "alice"}),
        json!({"command": "query", "call-id": "call"}),
    ];
    for (number, command) in commands.iter().enumerate() {
        lab.ng.handle_message(lab.now, PROXY, format!("{number} {command}").as_bytes());
    }
    lab.ng.handle_message(lab.now, PROXY, b"other d7:command4:pinge");
    lab.settle();
    let mut answers = Vec::new();
    while let Some((_, answer)) = lab.ng.poll_answer() {
        answers.push(String::from_utf8(answer.to_vec()).unwrap());
    }
    let cookies: Vec<_> = answers.iter().map(|a| a.split(' ').next().unwrap()).collect();
    assert_eq!(cookies, ["other", "0", "1", "2", "3"]);
    assert!(answers[3].contains("\"ok\"") && answers[4].contains("\"error\""));
    assert_eq!((lab.legs.len(), lab.ports.lent()), (0, 0));
}

#[test]
fn what_the_engine_refuses_is_undone() {
    let mut lab = Lab::new(config());
    for leg in 1..=2 {
        lab.refuses = Some(leg);
        let told = lab.ask(offer(&alice(), json!({})));
        assert!(told["error-reason"].as_str().unwrap().contains("the relay refuses"));
        assert_eq!((lab.legs.len(), lab.ports.lent(), lab.ng.is_empty()), (0, 0, true));
    }
    let offered = lab.offer(&alice(), json!({}));
    let bob = sdp("10.1.0.3", 5000, "RTP/AVP", &[]);
    lab.answer(&bob, json!({}));
    // A second stream fails: the first is as it was.
    let two = sdp("10.1.0.2", 7000, "RTP/AVP", &[]) + "m=video 7010 RTP/AVP 34\r\n";
    lab.refuses = Some(4);
    lab.ask(offer(&two, json!({})));
    assert_eq!((lab.legs.len(), lab.ports.lent()), (2, 2));
    assert_eq!(lab.offer(&alice(), json!({})), offered);
    let remotes: Vec<_> = lab.legs.values().map(|(_, spec)| spec.remote.unwrap().port()).collect();
    assert!(remotes.contains(&4000) && remotes.contains(&5000), "{remotes:?}");
}

#[test]
fn what_is_unknown_is_named_and_passed_over() {
    let mut lab = Lab::new(config());
    let told = lab.ask(offer(
        &alice(),
        json!({
            "flags": ["trust-address", "levitate", "single codec"], "colour": "blue",
            "ICE": "force", "supports": ["load limit"], "replace": ["everything"],
            "SDES": ["no-ROT13"], "record call": "no", "rtcp-mux": ["demux"], "ptime": 30,
        }),
    ));
    let warning = told["warning"].as_str().unwrap();
    for part in [
        "unknown flag `levitate`",
        "`single codec` is not supported",
        "unknown key `colour`",
        "`ICE` is not supported",
        "unknown replace `everything`",
        "unknown crypto suite `ROT13`",
        "`ptime` is not supported",
    ] {
        assert!(warning.contains(part), "{part} in {warning}");
    }
    for quiet in ["trust", "record", "demux", "load"] {
        assert!(!warning.contains(quiet), "{quiet} in {warning}");
    }
    assert_eq!(told["result"], "ok");
}

#[test]
fn bad_commands_are_refused_with_a_reason() {
    let mut lab = Lab::new(config());
    let thousand = alice() + &"m=audio 5000 RTP/AVP 0\r\n".repeat(1000);
    let some = alice() + &"m=audio 5000 RTP/AVP 0\r\n".repeat(limits::STREAMS);
    for (command, reason) in [
        (json!({}), "no `command`"),
        (json!({"command": "dance"}), "`dance` is not available"),
        (json!({"command": ["offer"]}), "no `command`"),
        (json!({"command": "offer"}), "no `from-tag`"),
        (json!({"command": "offer", "from-tag": "a", "call-id": "b"}), "no `sdp`"),
        (json!({"command": "query"}), "no `call-id`"),
        (json!({"command": "query", "call-id": ""}), "no `call-id`"),
        (json!({"command": "query", "call-id": "x".repeat(5000)}), "too long"),
        (offer("", json!({})), "does not begin with v=0"),
        (offer("v=0\r\n", json!({})), "no stream"),
        (offer(&thousand, json!({})), "too"),
        (offer(&some, json!({})), "17 streams, 16 at most"),
        (offer(&alice(), json!({"media address": "here"})), "no IP address"),
        (offer(&alice(), json!({"transport protocol": "SCTP"})), "none of RTP/AVP"),
        (offer(&alice(), json!({"address family": "IPX"})), "neither IP4 nor IP6"),
        (offer(&alice(), json!({"direction": ["inside"]})), "two names"),
        (offer(&sdp("224.0.0.1", 4000, "RTP/AVP", &[]), json!({})), "multicast"),
        (with(offer(&alice(), json!({})), json!({"from-tag": ""})), "no `from-tag`"),
    ] {
        let told = lab.refused(command);
        assert!(told.contains(reason), "{told}, not {reason}");
    }
    assert_eq!((lab.legs.len(), lab.ports.lent(), lab.ng.is_empty()), (0, 0, true));
}

#[test]
fn junk_is_answered_if_it_has_a_cookie() {
    let mut lab = Lab::new(config());
    let mut hear = |bytes: &[u8]| {
        lab.ng.handle_message(lab.now, PROXY, bytes);
        lab.ng.poll_answer().map(|(_, answer)| String::from_utf8(answer.to_vec()).unwrap())
    };
    for junk in [&b""[..], b"\0\0\0", b"nothing", b" d"] {
        assert_eq!(hear(junk), None);
    }
    assert_eq!(
        hear(b"1 x").unwrap(),
        "1 d6:result5:error12:error-reason24:the message is malformede"
    );
    assert!(hear(b"2 {\"command\"").unwrap().contains("incomplete"));
    let bomb = [b"3 ".as_slice(), &b"l".repeat(60_000)].concat();
    assert!(hear(&bomb).unwrap().contains("too large"));
    assert!(hear(b"4 99999:").unwrap().contains("too large"));
    assert_eq!(lab.ng.counters().malformed, 8);
}

#[test]
fn who_understands_is_told_that_there_is_no_room() {
    let mut lab = Lab::new(ringfence_ng::Config { streams: 1, ..config() });
    lab.offer(&alice(), json!({}));
    let second = with(offer(&alice(), json!({})), json!({"call-id": "second"}));
    assert_eq!(lab.refused(second.clone()), "no room for another stream");
    let told = lab.ask(with(second, json!({"supports": ["load limit"]})));
    assert_eq!(told["result"], "load limit");
    // Ports come to an end too, and are all back then.
    let mut lab = Lab::new(config());
    let both = alice() + &"m=audio 5000 RTP/AVP 0\r\n".repeat(5);
    assert_eq!(lab.refused(offer(&both, json!({}))), "no room for another stream");
    assert_eq!(lab.ports.lent(), 0);
    lab.ng.leave();
    assert!(lab.refused(offer(&alice(), json!({}))).contains("out of service"));
}
