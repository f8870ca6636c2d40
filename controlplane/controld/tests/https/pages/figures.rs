//! What is counted, drawn and said.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use console::{CallView, LadderView, PerStatusView, RegistrationView, TelephonyView};
use ringfence_controld::telephony::Telephony;
use serde_json::json;
use store::AdministratorRole::Operator;
use store::PhoneOrderKind;

use super::Browser;
use crate::site::Site;

/// Call processing with three phones.
struct Counted;

impl Telephony for Counted {
    fn registered(&self) -> Vec<RegistrationView> {
        Vec::new()
    }

    fn calls(&self) -> Vec<CallView> {
        Vec::new()
    }

    fn call(&self, _: u32) -> Option<LadderView> {
        None
    }

    fn counters(&self) -> TelephonyView {
        let phones_registered = PerStatusView { encrypted: 3, ..Default::default() };
        TelephonyView { phones_registered, ..Default::default() }
    }

    fn order(&self, _: &[String], _: PhoneOrderKind) -> Vec<String> {
        Vec::new()
    }
}

/// A relay that tells of some packets.
fn relay(site: &Site) {
    let flow = |path: &str, packets: u64| {
        json!({
            "endpoint": "pr/1", "call": "1", "connection": "1", "network": "inside",
            "local": "192.0.2.10:16384", "remote": null, "mode": "sendrecv", "receive": "RTP",
            "send": "RTP", "path": path, "reason": "", "packets_received": packets,
            "packets_sent": 0, "octets_received": 0, "octets_sent": 0, "rtcp_received": 0,
            "rtcp_sent": 0, "packets_lost": 0, "dropped": 0, "jitter_us": 0, "silent_ms": 0,
        })
    };
    let report = json!({
        "version": "1.2.3", "srtp_backend": "ring",
        "packets": {
            "received": 700, "forwarded": 600, "consumed": 1,
            "dropped": {"auth-failed": 41, "replay": 0},
        },
        "ports": [{
            "network": "inside", "interface": "eth1", "path": "xdp", "reason": "native",
            "rx": 1, "tx": 2, "rx_lost": 3, "tx_lost": 4,
            "details": {"drop-stranger-limit": 43, "forwarded": 9},
        }],
        "mgcp": {}, "flows": [flow("xdp", 500), flow("xdp", 7), flow("socket", 11)],
    });
    let socket = site.dir.path().join("datad.sock");
    let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{BufRead, BufReader, Write};
            let mut stream = stream.unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            // Who asked may have gone.
            let _ = writeln!(stream, "{report}");
        }
    });
}

#[test]
fn what_is_counted_is_drawn_and_said() {
    let site = Site::new();
    let program = site.program(Operator);
    // Without a relay the page says so.
    let absent = program.get("/api/v1/traffic");
    assert_eq!(absent.problem(), (404, "not-found".into()));
    let mut browser = Browser::of(&site, "monitor");
    assert!(browser.page("/media").contains("cannot reach ringfence-datad"));
    relay(&site);
    let page = browser.page("/media");
    for said in ["by path: socket 11, xdp 507\"", "by path: socket 1, xdp 2\"", "eth1"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let dropped = "by reason: auth-failed 41, drop-stranger-limit 43\"";
    assert!(page.contains(dropped) && !page.contains("replay"), "{page}");
    assert_eq!(program.get("/api/v1/traffic").json(200)["by_path"]["xdp"], 507);

    site.services.set_telephony(Some(Arc::new(Counted)));
    let names = browser.page("/metrics");
    for said in ["ringfence_phones_registered", "ringfence_calls_completed_total"] {
        assert!(names.contains(said), "{said}: {names}");
    }
    assert!(names.contains("Phones that are registered, by their security"), "{names}");
    let start = SystemTime::now() - Duration::from_secs(600);
    for seconds in [0, 59, 60] {
        site.services.note_trends(start + Duration::from_secs(seconds));
    }
    let page = browser.page("/");
    assert_eq!(page.matches("<polyline").count(), 6, "{page}");
    assert!(page.contains("Phones registered over the last day: encrypted 3"), "{page}");
    assert_eq!(program.get("/api/v1/samples").json(200).as_array().unwrap().len(), 2);
}
