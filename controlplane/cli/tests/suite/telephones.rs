//! Telephones, lines, pools and calls, from the command line. What call processing would show is
//! played.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use console::{
    CallPartyView, CallView, LadderSecurity, LadderStep, LadderView, PerStatusView,
    RegistrationView, TelephonyView,
};
use controld::telephony::Telephony;
use serde_json::{Value, json};
use store::{
    Author, CallEnding, CallParty, CallRecord, Capf, CapfReason, CapfResult, CapfStatus,
    EffectiveMode, KeySize, PhoneOrderKind, SecurityMode, Store, StoreUrl,
};

use crate::daemon::{Daemon, stdout};

const ANN: &str = "SEP001122334401";
const BOB: &str = "SEP001122334402";
const EVE: &str = "SEP001122334403";

/// Call processing as it might be: Ann, who is encrypted, speaks with Bob.
#[derive(Default)]
struct Played {
    told: Mutex<Vec<(String, PhoneOrderKind)>>,
}

const BEGAN: &str = "2026-11-01T10:00:00.000Z";
const HELD: &str = "2026-11-01T10:00:05.000Z";

impl Telephony for Played {
    fn registered(&self) -> Vec<RegistrationView> {
        let phone = |device: &str, security, suite: Option<&str>| RegistrationView {
            device: device.into(),
            security,
            from: "192.0.2.77:40000".into(),
            suite: suite.map(Into::into),
            certificate: suite.map(|_| "lsc".into()),
            since: BEGAN.into(),
        };
        let suite = Some("TLS_RSA_WITH_AES_128_CBC_SHA");
        vec![
            phone(ANN, EffectiveMode::Encrypted, suite),
            phone(BOB, EffectiveMode::NonSecure, None),
        ]
    }

    fn calls(&self) -> Vec<CallView> {
        let party = |device: &str, number: &str| CallPartyView {
            device: device.into(),
            number: number.into(),
            name: String::new(),
        };
        vec![CallView {
            id: 7,
            parties: vec![party(ANN, "1001"), party(BOB, "1002")],
            state: "connected".into(),
            security: Some(EffectiveMode::NonSecure),
            began: BEGAN.into(),
            answered: Some(HELD.into()),
            relays: vec!["relay1".into()],
        }]
    }

    fn call(&self, id: u32) -> Option<LadderView> {
        let step = |at: &str, from_phone, message: &str| LadderStep {
            at: at.into(),
            device: ANN.into(),
            from_phone,
            message: message.into(),
        };
        let security = |at: &str, security| LadderSecurity { at: at.into(), security };
        (id == 7).then(|| LadderView {
            id,
            steps: vec![step(BEGAN, true, "OffHook"), step(HELD, false, "CallState Hold")],
            unsaid: 0,
            security: vec![
                security(BEGAN, Some(EffectiveMode::Encrypted)),
                security("2026-11-01T10:00:05.001Z", Some(EffectiveMode::NonSecure)),
            ],
            ended: None,
            record: None,
        })
    }

    fn counters(&self) -> TelephonyView {
        TelephonyView {
            phones_registered: PerStatusView { non_secure: 1, authenticated: 0, encrypted: 1 },
            calls_active: PerStatusView { non_secure: 1, authenticated: 2, encrypted: 3 },
            calls_completed: PerStatusView { non_secure: 4, authenticated: 5, encrypted: 6 },
        }
    }

    fn order(&self, names: &[String], kind: PhoneOrderKind) -> Vec<String> {
        let registered = |name: &&String| [ANN, BOB].contains(&name.as_str());
        let told: Vec<_> = names.iter().filter(registered).cloned().collect();
        self.told.lock().unwrap().extend(told.iter().cloned().map(|phone| (phone, kind)));
        told
    }
}

/// A cluster with three phones.
fn site() -> Daemon {
    let daemon = Daemon::with_cluster();
    daemon.json(&format!("phone add {ANN} 7970 --security-mode encrypted --directory-number 1001"));
    daemon.json(&format!("phone add {BOB} 7960 --directory-number 1002 --owner bob"));
    daemon.json(&format!("phone add {EVE} 7912 --description lobby"));
    daemon
}

fn played(daemon: &Daemon) -> Arc<Played> {
    let played = Arc::new(Played::default());
    daemon.services.set_telephony(Some(Arc::clone(&played) as _));
    played
}

fn store(daemon: &Daemon) -> Store {
    Store::open(&StoreUrl::Sqlite(daemon.path("ringfence.db"))).unwrap()
}

fn change<T>(
    daemon: &Daemon,
    make: impl FnOnce(&mut store::Change<'_>) -> store::Result<T>,
) -> store::Changed<T> {
    let author = Author::new("test", "test");
    store(daemon).change(&author, SystemTime::now(), make).unwrap()
}

fn names(daemon: &Daemon, filter: &str) -> Vec<String> {
    let list = daemon.json(&format!("phone list {filter}"));
    let name = |phone: &Value| phone["name"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

// R: PHN-05
#[test]
fn phones_are_found_by_mode_and_lsc_status() {
    let daemon = site();
    assert_eq!(names(&daemon, ""), [ANN, BOB, EVE]);
    assert_eq!(names(&daemon, "--security-mode encrypted"), [ANN]);
    assert_eq!(names(&daemon, "--security-mode authenticated"), [""; 0]);
    // Bob follows the system's default; Eve's model knows no other mode than one.
    daemon.json("param set enterprise.device-security-mode authenticated");
    assert_eq!(names(&daemon, "--security-mode authenticated"), [BOB]);
    assert_eq!(names(&daemon, "--security-mode use-system-default"), [BOB, EVE]);

    let status = |name: &str, status| {
        change(&daemon, |change| {
            let capf = Capf {
                status,
                result: Some(CapfResult {
                    at: SystemTime::UNIX_EPOCH,
                    reason: CapfReason::Phone,
                    detail: String::new(),
                }),
                ..Capf::new(name.parse().unwrap(), KeySize::Rsa1024)
            };
            change.note_capf(&capf)
        });
    };
    for (word, found) in [
        ("operation-pending", CapfStatus::Pending),
        ("upgrade-success", CapfStatus::UpgradeSuccess),
        ("upgrade-failed", CapfStatus::UpgradeFailed),
        ("delete-failed", CapfStatus::DeleteFailed),
        ("troubleshoot-failed", CapfStatus::TroubleshootFailed),
    ] {
        assert_eq!(names(&daemon, &format!("--lsc-status {word}")), [""; 0]);
        status(BOB, found);
        assert_eq!(names(&daemon, &format!("--lsc-status {word}")), [BOB]);
    }
    let table = stdout(&daemon.run("phone list --lsc-status troubleshoot-failed"));
    for shown in ["7960", "Troubleshoot Failed", BOB, "1002", "bob", "use-system-default"] {
        assert!(table.contains(shown), "{shown}: {table}");
    }
    assert!(!table.contains(ANN), "{table}");
    let japanese = stdout(&daemon.run("--language ja phone list"));
    assert!(japanese.contains("トラブルシューティングに失敗"), "{japanese}");

    assert_eq!(names(&daemon, "--find LOB"), [EVE]);
    assert_eq!(names(&daemon, "--find 1002 --model 7960 --pool Default"), [BOB]);
    assert_eq!(names(&daemon, "--registered"), [""; 0]);
    assert_eq!(daemon.json("phone list")[0]["registered"], Value::Null);
    played(&daemon);
    assert_eq!(names(&daemon, "--registered"), [ANN, BOB]);
    assert_eq!(names(&daemon, "--registered false"), [EVE]);

    // Deleted and reset from the list.
    daemon.json(&format!("phone reset --yes {ANN} {BOB}"));
    let removed = daemon.run(&format!("phone remove {ANN} {EVE}"));
    assert_eq!(removed.status.code(), Some(0));
    assert_eq!(names(&daemon, ""), [BOB]);
}

// R: PHN-01, PHN-02, HRD-01
#[test]
fn modes_and_hardening_are_set_for_one_and_for_many() {
    let daemon = site();
    let show = |name: &str| daemon.json(&format!("phone show {name}"));
    for mode in ["non-secure", "authenticated", "encrypted", "use-system-default"] {
        daemon.json(&format!("phone set {BOB} --security-mode {mode}"));
        assert_eq!(show(BOB)["security_mode"], mode);
    }
    let refused = daemon.fails(3, &format!("phone set {EVE} --security-mode encrypted"));
    assert!(refused.contains("neither authentication nor encryption"), "{refused}");
    for setting in
        ["gratuitous-arp", "web-access", "pc-voice-vlan-access", "settings-access", "pc-port"]
    {
        let field = setting.replace('-', "_");
        assert_eq!(show(ANN)["hardening"][&field], true, "{setting}");
        let done = daemon.json(&format!("phone set {ANN} --{setting} false"));
        assert_eq!(done["actions"], json!([{ "action": "reset-device", "subject": ANN }]));
        assert_eq!(show(ANN)["hardening"][&field], false, "{setting}");
        assert_eq!(show(BOB)["hardening"][&field], true, "{setting}");
    }
    daemon.json(&format!("phone set {EVE} --pc-port false"));
    let notes = show(EVE)["notes"].to_string();
    assert!(notes.contains("7912") && notes.contains("PC Port"), "{notes}");

    // Many: those whose model cannot stay as they are, and are named.
    let bulk = "phone set --all --security-mode authenticated";
    let tried = daemon.run(&format!("-o json {bulk} --dry-run"));
    assert_eq!(tried.status.code(), Some(4));
    assert_eq!(show(BOB)["security_mode"], "use-system-default");
    let done = daemon.run(&format!("-o json {bulk}"));
    assert_eq!(done.status.code(), Some(4));
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&done["matched"], &done["refused"][0]["name"]), (&json!(3), &json!(EVE)));
    assert_eq!(done["refused"].as_array().unwrap().len(), 1);
    let modes = [ANN, BOB, EVE].map(|name| show(name)["security_mode"].clone());
    assert_eq!(modes, ["authenticated", "authenticated", "use-system-default"]);
    let done = daemon.json("phone set --matching model=7960 --security-mode encrypted");
    assert_eq!(done["matched"], 1);
    assert_eq!(names(&daemon, "--security-mode encrypted"), [BOB]);
    daemon.fails(2, "phone set --matching colour=red --security-mode encrypted");

    let file = daemon.file(
        "phones.csv",
        &format!("name,security_mode,web_access\n{ANN},encrypted,false\n{EVE},encrypted,\n"),
    );
    let bulk = format!("phone bulk {}", file.display());
    let dry = daemon.run(&format!("{bulk} --dry-run"));
    assert_eq!(dry.status.code(), Some(4), "{}", stdout(&dry));
    assert_eq!(names(&daemon, "--security-mode encrypted"), [BOB]);
    let done = daemon.run(&bulk);
    assert_eq!(done.status.code(), Some(4), "{}", stdout(&done));
    assert_eq!(names(&daemon, "--security-mode encrypted"), [ANN, BOB]);
    let models = daemon.json("phone models");
    let of = |model: &str| {
        let found = models.as_array().unwrap().iter().find(|it| it["model"] == model).unwrap();
        found["modes"].as_array().unwrap().len()
    };
    assert_eq!((of("7970"), of("7912")), (4, 2));
}

// R: GEN-17, GEN-19
#[test]
fn what_does_not_go_together_is_said() {
    let daemon = site();
    let notes = |words: &str| daemon.json(words)["notes"].to_string();
    let told = "those encrypted devices cannot accept a barge request";
    let phone = format!("phone set {BOB} --security-mode encrypted --built-in-bridge on");
    assert!(notes(&phone).contains(told));
    assert!(notes("param set enterprise.device-security-mode encrypted").contains(told));
    assert!(notes("param set call-manager.built-in-bridge-enable on").contains(told));
    let other = "phone add SEP001122334404 7940 --directory-number 1004";
    assert!(notes(other).contains(told));

    assert!(notes(&format!("phone line add {EVE} 1001")).contains("The line 1001 is shared"));
    let japanese = stdout(&daemon.run(&format!("--language ja phone line add {BOB} 1001")));
    assert!(japanese.contains("回線 1001 を共有する電話機"), "{japanese}");
}

// R: GEN-20
#[test]
fn resetting_says_first_what_it_costs() {
    let daemon = site();
    let played = played(&daemon);
    daemon.json(&format!("phone set {ANN} --web-access false"));
    daemon.json(&format!("phone set {EVE} --web-access false"));
    let due = || daemon.json("status")["due"].as_array().unwrap().len();
    assert_eq!(due(), 2);

    // Ann is in a call: nobody to ask, nothing done.
    let refused = daemon.run(&format!("phone reset {ANN}"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stdout(&refused).contains("ends its calls through gateways"), "{}", stdout(&refused));
    let no = daemon.run_with(&format!("phone reset {ANN}"), "n\n");
    assert_eq!(no.status.code(), Some(0));
    assert_eq!((played.told.lock().unwrap().len(), due()), (0, 2));
    let yes = daemon.run_with(&format!("phone restart {ANN}"), "y\n");
    assert_eq!(yes.status.code(), Some(0));
    assert_eq!(*played.told.lock().unwrap(), [(ANN.to_owned(), PhoneOrderKind::Restart)]);
    assert_eq!(due(), 1);
    // Eve is in none, and not there.
    let done = daemon.json(&format!("phone reset {EVE}"));
    assert_eq!((&done["matched"], &done["told"]), (&json!(1), &json!([])));
    assert!(done["notes"].to_string().contains("not registered here"), "{done}");
    assert_eq!(due(), 0);

    daemon.json("pool add Tokyo");
    daemon.json(&format!("phone set {BOB} --pool Tokyo"));
    let done = daemon.json("pool set Tokyo --time-zone Asia/Tokyo");
    assert_eq!(done["actions"], json!([{ "action": "reset-pool", "subject": "Tokyo" }]));
    assert_eq!(due(), 2);
    daemon.json("phone reset --yes --matching pool=Tokyo");
    assert_eq!(due(), 0);
    daemon.json("param set enterprise.device-security-mode encrypted");
    played.told.lock().unwrap().clear();
    daemon.json("phone reset --all --yes");
    let told = [(ANN.to_owned(), PhoneOrderKind::Reset), (BOB.to_owned(), PhoneOrderKind::Reset)];
    assert_eq!(*played.told.lock().unwrap(), told);
    assert_eq!(daemon.json("status")["due"], json!([{ "action": "restart-call-manager" }]));
    daemon.fails(2, "phone reset");
}

#[test]
fn phones_of_other_nodes_are_told_by_their_nodes() {
    let daemon = site();
    let played = played(&daemon);
    daemon.json("node add cm2 192.0.2.11");
    daemon.json("node activate cm2 call-manager");
    let before = store(&daemon).read(|view| view.revision()).unwrap();
    let done = daemon.json("phone reset --all --yes");
    assert!(done["notes"].to_string().contains("other nodes tell theirs"), "{done}");
    assert_eq!(played.told.lock().unwrap().len(), 2);
    let orders = store(&daemon).read(|view| view.phone_orders_since(before)).unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!((orders[0].kind, orders[0].devices.len()), (PhoneOrderKind::Reset, 3));
}

// R: AUTH-05
#[test]
fn a_stolen_phone_loses_its_certificate_and_its_connection() {
    let daemon = site();
    let played = played(&daemon);
    let revoke = format!("device capf revoke {ANN}");
    let none = daemon.fails(1, &revoke);
    assert!(none.contains(ANN), "{none}");
    let lsc = store::PhoneCertificate {
        device: ANN.parse().unwrap(),
        kind: store::PhoneCertificateKind::Lsc,
        subject: format!("CN={ANN}"),
        issuer: "CN=CAPF-1".into(),
        serial: "2a".into(),
        not_before: SystemTime::UNIX_EPOCH,
        not_after: SystemTime::now(),
        issued_by: None,
        noted_at: SystemTime::now(),
        present: true,
        revoked_at: None,
        der: vec![0x30],
    };
    change(&daemon, |change| change.put_phone_certificate(&lsc));
    daemon.json(&revoke);
    assert_eq!(*played.told.lock().unwrap(), [(ANN.to_owned(), PhoneOrderKind::Cut)]);
    let shown = daemon.json(&format!("device capf show {ANN}"));
    let certificate = &shown["certificates"][0];
    assert!(certificate["present"] == true && certificate["revoked"].is_string(), "{shown}");
    let shown = stdout(&daemon.run(&format!("--language ja device capf show {ANN}")));
    assert!(shown.contains("失効"), "{shown}");
    // An authority elsewhere does not hear of it by itself.
    daemon.json("param set capf.certificate-issuer keon");
    let again = daemon.json(&revoke);
    assert!(again["notes"].to_string().contains("certification authority"), "{again}");
}

#[test]
fn lines_and_places_are_administered() {
    let daemon = site();
    daemon.json(&format!("phone line add {BOB} 2000"));
    daemon.json(&format!("phone line add {ANN} 2000 --button 1"));
    daemon.json("line set 2000 --display Reception --forward-no-answer 1002 --busy-trigger 3");
    let line = daemon.json("line show 2000");
    assert_eq!(line["phones"], json!([ANN, BOB]));
    assert_eq!((&line["forward_no_answer"], &line["busy_trigger"]), (&json!("1002"), &json!(3)));
    let phone = daemon.json(&format!("phone show {ANN}"));
    assert_eq!(
        (&phone["directory_number"], &phone["lines"]),
        (&json!("2000"), &json!(["2000", "1001"]))
    );
    assert_eq!(phone["line_details"][0]["display"], "Reception");
    assert_eq!(daemon.json("device list")[0]["directory_number"], "2000");
    daemon.json("line set 2000 --forward-no-answer=");
    assert_eq!(daemon.json("line show 2000")["forward_no_answer"], Value::Null);
    assert!(daemon.fails(1, "line remove 2000").contains("in use"));
    daemon.json(&format!("phone line remove {ANN} 2000"));
    daemon.json(&format!("phone line remove {BOB} 2000"));
    daemon.json("line remove 2000");
    assert!(daemon.fails(2, "line add 12-34").contains("no number to dial"));
    assert!(daemon.fails(1, "line add 1001").contains("exists already"));
    daemon.json("line add 3000 --forward-all 1001");
    daemon.json(&format!("phone speed-dial add {ANN} 1002 Bob"));
    let shown = stdout(&daemon.run(&format!("phone show {ANN}")));
    assert!(shown.contains("Speed dials") && shown.contains("Bob"), "{shown}");
    daemon.json(&format!("phone speed-dial remove {ANN} 1"));
    daemon.fails(1, &format!("phone speed-dial remove {ANN} 1"));

    daemon.json("region add Tokyo");
    daemon.json("region limit Default Tokyo 8");
    daemon.json("region limit Tokyo Tokyo 256");
    let limits = json!({ "Default": 8, "Tokyo": 256 });
    assert_eq!(daemon.json("region list")[1]["limits"], limits);
    daemon.fails(2, "region limit Tokyo Tokyo 7");
    daemon.json(
        "pool add Tokyo --region Tokyo --call-managers cm1 --media always --date-template Y.M.D",
    );
    let pool = &daemon.json("pool list")[1];
    assert_eq!((&pool["call_managers"], &pool["media"]), (&json!(["cm1"]), &json!("always")));
    daemon.json("pool set Tokyo --call-managers=");
    assert_eq!(daemon.json("pool list")[1]["call_managers"], json!([]));
    daemon.json(&format!("phone set {ANN} --pool Tokyo"));
    assert_eq!(daemon.json(&format!("phone show {ANN}"))["call_managers"], json!(["cm1"]));
    daemon.fails(1, "pool remove Tokyo");
    daemon.fails(3, "pool remove Default");

    daemon.json("route add 5[0-4]xx meet-me");
    assert_eq!(daemon.json("route list")[0]["pattern"], "5[0-4]XX");
    assert!(daemon.fails(2, "route add 5[4-0]X meet-me").contains("a set is written like"));
    daemon.json("route remove 5[0-4]XX");
    for noun in ["phone", "line", "pool", "region", "route"] {
        let table = daemon.run(&format!("{noun} list"));
        assert_eq!(table.status.code(), Some(0), "{noun}");
    }
}

// R: CNT-01
#[test]
fn calls_and_counters_are_shown() {
    let daemon = site();
    assert!(daemon.fails(1, "call list").contains("CallManager does not run"));
    assert_eq!(daemon.json("status")["telephony"], Value::Null);
    played(&daemon);
    let calls = stdout(&daemon.run("call list"));
    for shown in [ANN, "1002", "connected", "non-secure", "relay1"] {
        assert!(calls.contains(shown), "{shown}: {calls}");
    }
    assert_eq!(daemon.json("call list")[0]["id"], 7);
    let ladder = stdout(&daemon.run("call show 7"));
    let at = |text: &str| ladder.find(text).unwrap_or_else(|| panic!("{text}: {ladder}"));
    assert!(at("== security status: encrypted") < at("--> OffHook"));
    assert!(at("--> OffHook") < at("<-- CallState Hold"));
    assert!(at("<-- CallState Hold") < at("== security status: non-secure"));
    assert!(daemon.fails(1, "call show 8").contains("No call 8"));
    let registration = &daemon.json(&format!("phone show {ANN}"))["registration"];
    assert_eq!(
        (&registration["security"], &registration["certificate"]),
        (&json!("encrypted"), &json!("lsc"))
    );

    let status = stdout(&daemon.run("status"));
    for line in [
        "Phones registered: 1 encrypted, 0 authenticated, 1 non-secure",
        "Calls active: 3 encrypted, 2 authenticated, 1 non-secure",
        "Calls completed: 6 encrypted, 5 authenticated, 4 non-secure",
    ] {
        assert!(status.contains(line), "{line}: {status}");
    }
    let counters = &daemon.json("status")["telephony"];
    assert_eq!(counters["calls_completed"]["authenticated"], 5);

    let party = |number: &str| CallParty { number: number.into(), name: String::new() };
    let record = |call| CallRecord {
        number: 0,
        node: "cm1".into(),
        call,
        calling: party("1001"),
        dialled: "1002".into(),
        called: Some(party("1002")),
        began: SystemTime::UNIX_EPOCH,
        answered: None,
        ended: SystemTime::now(),
        security: Some(EffectiveMode::Authenticated),
        ending: CallEnding::Busy,
        relay: None,
    };
    change(&daemon, |change| change.record_calls(&[record(1), record(2)]));
    let records = daemon.json("call records --number 1002");
    assert_eq!((&records[0]["call"], &records[1]["ending"]), (&json!(2), &json!("busy")));
    assert_eq!(daemon.json("call records --before 2").as_array().unwrap().len(), 1);
    let table = stdout(&daemon.run("call records -n 1"));
    assert!(table.contains("authenticated") && table.contains("direct"), "{table}");
}

// R: GEN-05
#[test]
fn in_non_secure_mode_settings_are_kept_and_ignored() {
    let daemon = site();
    let show = || daemon.json(&format!("phone show {ANN}"));
    let view = show();
    assert_eq!(
        (&view["security_mode"], &view["effective_mode"]),
        (&json!("encrypted"), &json!("non-secure"))
    );
    assert!(view["notes"].to_string().contains("kept and ignored"), "{view}");
    change(&daemon, |change| change.set_security_mode(SecurityMode::Mixed));
    let view = show();
    assert_eq!((&view["effective_mode"], &view["notes"]), (&json!("encrypted"), &json!([])));
}
