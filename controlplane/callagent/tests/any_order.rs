//! Whatever happens in whatever order: each order is answered once and in time, and when all is
//! quiet again nothing is left on any relay.

mod site;

use std::collections::BTreeSet;

use proptest::prelude::*;
use ringfence_callagent::{RelayState, Report};
use site::*;

/// Two bytes are a step: what, and with what.
fn play(seed: u64, script: &[[u8; 2]]) {
    let mut site = Site::with(3, seed);
    site.pass(SECOND);
    let mut open = BTreeSet::new();
    let mut answered = BTreeSet::new();
    let mut ordered = 0;
    for [what, with] in script {
        let index = usize::from(*with) % 3;
        match what % 16 {
            0..=5 => {
                open.insert(site.open(with % 3 != 0));
                ordered += 1;
            }
            6 | 7 => {
                let at = usize::from(*with) % open.len().max(1);
                if let Some(link) = open.iter().copied().nth(at) {
                    open.remove(&link);
                    site.close(link);
                }
            }
            8 => site.restart_relay(index),
            9 => site.relays[index].reachable ^= true,
            10 => site.relays[index].speaks ^= true,
            11 => {
                let now = site.now;
                site.relays[index].gateway.leave(now, 5 * SECOND);
                site.exchange();
            }
            12 => site.faults.lost = u32::from(*with) % 40,
            13 => site.faults.jitter = u32::from(*with) * MS,
            14 => {
                let text = GARBAGE[usize::from(*with) % GARBAGE.len()];
                site.inject([10, 9, 0, 101 + with % 3].into(), text);
            }
            _ => site.pass(u32::from(*with) * 100 * MS),
        }
        site.pass(u32::from(*with) * MS / 4);
        for link in site.lost() {
            open.remove(&link);
        }
    }
    // Each relay takes its time, and there are three.
    site.pass(5 * SECOND);
    for report in &site.reports {
        if let Report::Opened { link, .. } = report {
            assert!(answered.insert(*link), "{link} was answered twice");
        }
    }
    assert!(open.is_subset(&answered), "{open:?} of {ordered} were not all answered");

    site.faults = Faults::default();
    for index in 0..3 {
        (site.relays[index].reachable, site.relays[index].speaks) = (true, true);
        if site.relays[index].gateway.is_stopped() || site.relays[index].gateway.is_leaving() {
            site.restart_relay(index);
        }
    }
    open.into_iter().for_each(|link| site.close(link));
    // Transactions of the bad time run out, then relays are heard of again and asked what they have.
    for _ in 0..4 {
        site.pass(30 * SECOND);
        site.lost();
    }
    let states = site.states();
    assert!(states.iter().all(|state| *state == RelayState::InService), "{states:?}");
    site.assert_clean();
}

const GARBAGE: [&str; 8] = [
    "",
    "200",
    "200 1 OK\r\n\r\nv=0\r\n",
    "RSIP 1 *@relay1 MGCP 1.0\r\nRM: disconnected\r\n",
    "NTFY 2 pr/1@relay2 MGCP 1.0\r\nX: 1\r\nO: X-RF/kx@1\r\n",
    "NTFY 3 pr/1@relay1 MGCP 1.0\r\nX: 1\r\nO: R/rto@1\r\n",
    "DLCX 4 pr/*@relay3 MGCP 1.0\r\n",
    "CRCX 5 pr/$@relay1 MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n",
];

/// What a relay may say to anything.
fn answer() -> impl Strategy<Value = String> {
    let code = prop_oneof![Just(200u16), Just(250), Just(100), Just(405), 0..1000u16];
    let line = prop_oneof![
        Just("I: A1".to_owned()),
        Just("Z: pr/7@relay1".to_owned()),
        Just("Z: pr/*@relay1".to_owned()),
        Just("Z: pr/7@elsewhere".to_owned()),
        Just("P: PS=1, PR=999999999".to_owned()),
        Just("C: A1".to_owned()),
        Just(String::new()),
        Just("v=0\r\nc=IN IP4 10.1.0.1\r\nm=audio 5000 RTP/AVP 0".to_owned()),
        Just("v=0\r\nc=IN IP6 ::1\r\nm=audio 0 RTP/SAVP 0\r\na=crypto:1 X inline:AAAA".to_owned()),
        "[A-Z]{1,2}: [ -~]{0,40}",
    ];
    (code, proptest::collection::vec(line, 0..6)).prop_map(|(code, lines)| {
        let lines: String = lines.into_iter().map(|line| format!("{line}\r\n")).collect();
        format!("{code:03} # OK\r\n{lines}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_relay_answers_an_order_is_answered(
        seed in any::<u64>(),
        secure in any::<bool>(),
        answers in proptest::collection::vec((answer(), any::<u8>()), 1..12),
    ) {
        let now = std::time::Instant::now();
        let mut site = Site::with(1, seed);
        site.relays.clear();
        let link = site.open(secure);
        let relay = std::net::SocketAddr::from(([10, 9, 0, 101], 2427));
        let mut heard = 0;
        for (answer, later) in answers {
            let asked = site.sent[heard..].iter().filter_map(|text| text.split(' ').nth(1));
            let ids: Vec<_> = asked.map(str::to_owned).collect();
            heard = site.sent.len();
            for id in ids {
                let text = answer.replace("#", &id);
                site.agent.handle_datagram(site.now, relay, text.as_bytes());
                site.exchange();
            }
            site.pass(u32::from(later) * MS * 4);
        }
        site.pass(5 * SECOND);
        let opened = |report: &&Report| matches!(report, Report::Opened { .. });
        prop_assert_eq!(site.reports.iter().filter(opened).count(), 1);
        site.close(link);
        site.pass(60 * SECOND);
        prop_assert!(site.now > now && site.agent.is_idle());
    }

    #[test]
    fn any_order_of_things_is_survived(
        seed in any::<u64>(),
        script in proptest::collection::vec(any::<[u8; 2]>(), 0..80),
    ) {
        play(seed, &script);
    }
}
