//! Gateways from the command line. What call processing would show of them is played.

use std::sync::{Arc, Mutex};

use console::{CallView, GatewayStatus, LadderView, PortStatus, RegistrationView, TelephonyView};
use controld::telephony::Telephony;
use serde_json::json;
use store::PhoneOrderKind;

use crate::daemon::{Daemon, stdout};

/// A gateway that has registered, over a way as it might be.
struct Played {
    path: &'static str,
    srtp: bool,
    told: Mutex<Vec<String>>,
}

impl Telephony for Played {
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
        TelephonyView::default()
    }

    fn gateways(&self) -> Vec<(String, GatewayStatus)> {
        let covered = self.path == "covered";
        let port = PortStatus {
            name: "aaln/S1/SU0/0".into(),
            in_service: true,
            refusal: None,
            srtp: self.srtp,
            secure: self.srtp && covered,
            capture: false,
            calls: 0,
        };
        let status = GatewayStatus {
            state: "registered".into(),
            path: Some(self.path.into()),
            detail: if covered { "IPsec association gw1 #7" } else { "no association" }.into(),
            ports: vec![port],
        };
        vec![("gw1.example".into(), status)]
    }

    fn reset_gateway(&self, name: &str) {
        self.told.lock().unwrap().push(name.to_owned());
    }

    fn order(&self, _: &[String], _: PhoneOrderKind) -> Vec<String> {
        Vec::new()
    }
}

fn played(daemon: &Daemon, path: &'static str, srtp: bool) -> Arc<Played> {
    let played = Arc::new(Played { path, srtp, told: Mutex::default() });
    daemon.services.set_telephony(Some(Arc::clone(&played) as _));
    played
}

fn site() -> Daemon {
    let daemon = Daemon::with_cluster();
    daemon.json("gateway add gw1.example 192.0.2.1:2427 --key-policy require --identity gw1");
    daemon.json("gateway port gw1.example aaln/S1/SU0/0 --number 1006 --capture true");
    daemon
}

// R: MGCP-06
#[test]
fn gateways_and_their_ports_are_administered() {
    let daemon = site();
    daemon.json("gateway port gw1.example S0/SU0/DS1-0/1 --direction out");
    daemon.json("route add 9.XXXX gateway:gw1.example");
    let shown = daemon.json("gateway show gw1.example");
    assert_eq!(shown["addresses"], json!(["192.0.2.1:2427"]));
    assert_eq!(shown["key_policy"], "require");
    assert_eq!(shown["ports"][0]["number"], "1006");
    assert_eq!(shown["ports"][0]["capture"], true);
    assert_eq!(shown["ports"][1]["direction"], "out");
    assert_eq!(shown["status"], json!(null), "this node commands none");
    assert_eq!(daemon.json("route list")[0]["destination"], "gateway:gw1.example");

    daemon.json("gateway set gw1.example --key-policy prefer --at 192.0.2.9:2427,192.0.2.8:2427");
    daemon.json("gateway set gw1.example --drop-secure-calls true");
    let list = daemon.json("gateway list");
    assert_eq!(list[0]["drop_secure_calls"], true);
    assert_eq!(list[0]["key_policy"], "prefer");
    assert_eq!(list[0]["addresses"], json!(["192.0.2.9:2427", "192.0.2.8:2427"]));
    let refused = daemon.run("gateway remove gw1.example");
    assert_eq!(refused.status.code(), Some(1));
    daemon.json("route remove 9.XXXX");
    daemon.json("gateway remove-port gw1.example S0/SU0/DS1-0/1");
    daemon.json("gateway remove gw1.example");
    assert_eq!(daemon.json("gateway list"), json!([]));
}

#[test]
fn mistakes_are_told() {
    let daemon = site();
    for (words, code) in [
        ("gateway add gw1.example 192.0.2.2:2427", 1),
        ("gateway add gw2.example 192.0.2.1:2427", 1),
        ("gateway add gw2.example", 2),
        ("gateway set gw1.example --key-policy maybe", 2),
        ("gateway set gw1.example --digit-map (1XX", 2),
        ("gateway port gw1.example aaln/*", 2),
        ("gateway remove-port gw1.example aaln/9", 1),
        ("gateway show gw9.example", 1),
        ("gateway reset gw1.example", 1),
        ("route add 8.XXXX gateway:gw9.example", 1),
    ] {
        let output = daemon.run(words);
        assert_eq!(output.status.code(), Some(code), "{words}: {output:?}");
    }
}

// R: MGCP-07
#[test]
fn the_steps_are_checked_in_the_order_of_the_guide() {
    let daemon = site();
    let steps = |daemon: &Daemon| {
        let output = daemon.run("-o json gateway check gw1.example");
        let steps: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let states = steps.as_array().unwrap().iter().map(|step| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            (text("id"), text("state"), text("detail"))
        });
        (output.status.code(), states.collect::<Vec<_>>())
    };
    let (code, before) = steps(&daemon);
    assert_eq!(code, Some(4));
    let ids: Vec<_> = before.iter().map(|(id, ..)| &**id).collect();
    assert_eq!(ids, ["ctl-mixed", "phones-encrypted", "ipsec", "gateway", "verified"]);
    assert!(before.iter().all(|(_, state, detail)| state == "open" && !detail.is_empty()));

    played(&daemon, "refused", true);
    let (_, uncovered) = steps(&daemon);
    let of = |steps: &[(String, String, String)], id: &str| {
        let found = steps.iter().find(|(other, ..)| other == id).unwrap();
        (found.1.clone(), found.2.clone())
    };
    assert_eq!(of(&uncovered, "ipsec"), ("open".into(), "no association".into()));
    assert_eq!(of(&uncovered, "gateway").0, "done");
    assert_eq!(of(&uncovered, "verified").0, "open");

    played(&daemon, "covered", false);
    let (_, without) = steps(&daemon);
    assert_eq!(of(&without, "ipsec"), ("done".into(), "IPsec association gw1 #7".into()));
    assert!(of(&without, "gateway").1.contains("SRTP"));

    played(&daemon, "covered", true);
    let (_, covered) = steps(&daemon);
    assert_eq!(of(&covered, "verified").0, "done");
    let said = stdout(&daemon.run("--language ja gateway check gw1.example"));
    assert!(said.contains("[x] ") && said.contains("IPsec") && said.contains("ゲートウェイ"));
}

#[test]
fn a_gateway_is_asked_anew() {
    let daemon = site();
    let played = played(&daemon, "covered", true);
    assert_eq!(daemon.json("gateway reset gw1.example")["state"], "registered");
    assert_eq!(*played.told.lock().unwrap(), ["gw1.example"]);
    let list = stdout(&daemon.run("gateway list"));
    assert!(list.contains("registered") && list.contains("covered"), "{list}");
}
