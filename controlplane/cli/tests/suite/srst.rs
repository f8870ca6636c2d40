//! SRST references from the command line, with a gateway that shows a certificate.

use std::net::TcpListener;
use std::time::SystemTime;

use ::srst::provider::{self, Provider};
use ::srst::tls::Own;
use pki::KeyKind;
use pki::node::{self, NodeName};
use serde_json::json;
use tempfile::TempDir;

use crate::daemon::{Daemon, stderr, stdout};

/// A gateway's credentials service.
struct Gateway {
    _dir: TempDir,
    provider: Option<Provider>,
    fingerprint: String,
}

impl Gateway {
    fn on(listener: TcpListener) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = NodeName { server: "gw".into(), guid: "g".into(), addresses: Vec::new() };
        let identity =
            node::open_or_create(dir.path(), &name, KeyKind::Rsa2048, SystemTime::now()).unwrap();
        let own = Own::new(identity.certificate(), None, &dir.path().join(node::KEY_FILE));
        let fingerprint = identity.certificate().fingerprint();
        Self { provider: Some(provider::start(listener, &own).unwrap()), _dir: dir, fingerprint }
    }

    /// On a port that references may have.
    fn start() -> (Self, u16) {
        let listener =
            (20_000..30_000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
        let listener = listener.expect("a port is free");
        let port = listener.local_addr().unwrap().port();
        (Self::on(listener), port)
    }
}

const PHONE: &str = "SEP001122334401";

fn with_reference(port: u16) -> Daemon {
    let daemon = Daemon::with_cluster();
    daemon.json(&format!("srst add branch 127.0.0.1 --secure true --provider-port {port}"));
    daemon.json("pool add Kyoto --srst branch");
    daemon.json(&format!("phone add {PHONE} 7970 --pool Kyoto"));
    daemon
}

// R: SRST-01, SRST-07
#[test]
fn references_are_administered() {
    let daemon = Daemon::with_cluster();
    let complaint = daemon.fails(2, "srst add branch 192.0.2.1 --provider-port 24x5");
    assert!(complaint.contains("Port Numbers can only contain digits."), "{complaint}");
    for wrong in ["80", "49152"] {
        let complaint = daemon.fails(2, &format!("srst add b 192.0.2.1 --provider-port {wrong}"));
        assert!(complaint.contains("1024"), "{complaint}");
    }
    daemon.json("srst add branch 192.0.2.1");
    daemon.fails(1, "srst add branch 192.0.2.1");
    let shown = daemon.json("srst list");
    assert_eq!(shown[0]["provider_port"], 2445);
    assert_eq!((&shown[0]["secure"], &shown[0]["certificate"]), (&json!(false), &json!(null)));
    daemon.fails(1, "pool add Kyoto --srst elsewhere");
    daemon.json("pool add Kyoto --srst branch");
    let complaint = daemon.fails(1, "srst delete branch");
    assert!(complaint.contains("Kyoto"), "{complaint}");
    daemon.json("srst set branch --address 192.0.2.2 --port 2100");
    let shown = daemon.json("srst list");
    assert_eq!((&shown[0]["address"], &shown[0]["port"]), (&json!("192.0.2.2"), &json!(2100)));
    assert_eq!(shown[0]["pools"], json!(["Kyoto"]));
    assert!(stdout(&daemon.run("pool list")).contains("branch"));
    daemon.json("pool set Kyoto --srst=");
    daemon.json("srst delete branch");
    assert_eq!(daemon.json("srst list"), json!([]));
}

// R: SRST-02, SRST-03, GEN-20
#[test]
fn a_certificate_is_shown_and_accepted_or_rejected() {
    let (gateway, port) = Gateway::start();
    let daemon = with_reference(port);
    let fetched = daemon.json("srst update-certificate branch");
    assert_eq!(fetched["shown"]["sha256"], gateway.fingerprint);
    assert_eq!(fetched["stored"], json!(null));

    let rejected = daemon.run_with("srst update-certificate branch", "n\n");
    let said = stdout(&rejected);
    assert!(said.contains(&gateway.fingerprint) && said.contains("was rejected"), "{said}");
    assert_eq!(daemon.json("srst list")[0]["certificate"], json!(null));
    let mistaken = format!("srst update-certificate branch --accept {}", "0".repeat(64));
    let complaint = daemon.fails(3, &mistaken);
    assert!(complaint.contains("another certificate"), "{complaint}");

    let accepted = daemon.run_with("srst update-certificate branch", "y\n");
    let said = stdout(&accepted);
    assert!(said.contains("Reset the devices that depend on SRST reference branch"), "{said}");
    assert!(said.contains("ends its calls through gateways"), "{said}");
    let shown = daemon.json("srst list");
    assert_eq!(shown[0]["certificate"]["sha256"], gateway.fingerprint);
    let due = daemon.json("status")["due"].clone();
    let dependents = json!({ "action": "reset-dependents", "subject": "branch" });
    assert!(due.as_array().unwrap().contains(&dependents), "{due}");

    // An ordinary update leaves it, and says so.
    let done = daemon.json("srst set branch --port 2100");
    assert!(done["notes"].to_string().contains("stays as it was"), "{done}");
    assert_eq!(daemon.json("srst list")[0]["certificate"]["sha256"], gateway.fingerprint);
    let again = stdout(&daemon.run("srst update-certificate branch"));
    assert!(again.contains("still shows"), "{again}");

    // Only a reset of all who depend on it does what was asked for.
    let reset = daemon.json("srst reset branch --yes");
    assert_eq!(reset["matched"], 1);
    let due = daemon.json("status")["due"].clone();
    assert!(!due.as_array().unwrap().contains(&dependents), "{due}");
    assert_eq!(daemon.json("phone list --srst branch").as_array().unwrap().len(), 1);
    assert_eq!(daemon.json("phone list --srst other"), json!([]));
}

// R: SRST-06
#[test]
fn a_certificate_ends_with_a_reminder() {
    let (mut gateway, port) = Gateway::start();
    let daemon = with_reference(port);
    let status = daemon.json("status")["alarms"].to_string();
    assert!(status.contains("has no certificate yet"), "{status}");
    let accept = format!("srst update-certificate branch --accept {}", gateway.fingerprint);
    daemon.json(&accept);
    assert_eq!(daemon.json("status")["alarms"], json!([]));

    // The gateway has none any more.
    gateway.provider = None;
    let complaint = daemon.fails(1, "srst update-certificate branch");
    assert!(complaint.contains("uncheck Is SRST Secure"), "{complaint}");
    assert_eq!(daemon.json("srst list")[0]["certificate"]["sha256"], gateway.fingerprint);
    let done = daemon.json("srst update-certificate branch --withdraw");
    assert!(done["notes"].to_string().contains("credentials service"), "{done}");
    assert_eq!(daemon.json("srst list")[0]["certificate"], json!(null));

    let done = daemon.json("srst set branch --secure false");
    assert!(done["notes"].to_string().contains("credentials service"), "{done}");
    let output = daemon.run("srst update-certificate branch");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

// R: SRST-08
#[test]
fn a_node_that_waits_for_nobody_says_so() {
    let daemon = Daemon::with_cluster();
    let shown = daemon.json("srst status");
    assert_eq!(shown, json!({ "role": "centre", "listens": null, "gateways": [] }));
    assert!(stdout(&daemon.run("srst status")).contains("srst_gateways"));
    let japanese = stdout(&daemon.run("--language ja srst status"));
    assert!(japanese.contains("ゲートウェイを待ち受けていません"), "{japanese}");
}
