//! The REST interface.

use std::time::Instant;

use serde_json::json;
use store::AdministratorRole::{Administrator, Auditor, Capture, Monitor, Operator};

use crate::site::{PATIENCE, Site};

const PHONE: &str = "SEP001122334455";

#[test]
fn roles_may_what_they_are_for() {
    let site = Site::new();
    let stranger = site.stranger();
    assert_eq!(stranger.get("/api/v1/status").problem(), (401, "unauthenticated".into()));
    assert_eq!(stranger.get("/api/v1/openapi.json").json(200)["openapi"], "3.1.0");
    let new = json!({"name": PHONE, "model": "7970"});
    for role in [Monitor, Auditor, Capture] {
        let program = site.program(role);
        assert_eq!(program.get("/api/v1/session").json(200)["role"], role.as_str());
        assert_eq!(program.get("/api/v1/phones").json(200)["total"], 0);
        let refused = program.send("POST", "/api/v1/phones", &new);
        assert_eq!(refused.problem(), (403, "forbidden".into()), "{role}");
    }
    for (role, status) in [(Monitor, 403), (Capture, 403), (Auditor, 200), (Operator, 200)] {
        assert_eq!(site.program(role).get("/api/v1/audit").status, status, "{role}");
    }
    let operator = site.program(Operator);
    let added = operator.send("POST", "/api/v1/phones", &new);
    assert_eq!(added.headers["location"], format!("/api/v1/phones/{PHONE}"));
    assert!(added.json(201)["revision"].is_number());
    assert_eq!(operator.get("/api/v1/tokens").problem(), (403, "forbidden".into()));
    assert_eq!(site.program(Administrator).get("/api/v1/tokens").status, 200);

    // Who did it stands in the record.
    let changes = site.program(Auditor).get("/api/v1/changes?limit=10").json(200);
    let by = changes.as_array().unwrap().iter().find(|change| {
        change["entries"].as_array().unwrap().iter().any(|entry| entry["subject"] == PHONE)
    });
    let by = by.unwrap();
    assert_eq!(by["who"], "operator");
    assert!(by["origin"].as_str().unwrap().starts_with("HTTPS 127.0.0.1 token "), "{by}");
}

#[test]
fn tokens_do_no_more_than_their_owners_and_end_with_them() {
    let site = Site::new();
    let administrator = site.program(Administrator);
    let make = |name: &str, owner: &str, role: &str| {
        let made = administrator.send(
            "POST",
            "/api/v1/tokens",
            &json!({"name": name, "owner": owner, "role": role, "days": 1}),
        );
        let secret = made.json(200)["secret"].as_str().unwrap().to_owned();
        let mut client = site.stranger();
        client.headers.push(("authorization".into(), format!("Bearer {secret}")));
        client
    };
    let overbearing = make("one", "monitor", "administrator");
    assert_eq!(overbearing.get("/api/v1/session").json(200)["role"], "monitor");
    let lesser = make("two", "administrator", "auditor");
    assert_eq!(lesser.get("/api/v1/session").json(200)["role"], "auditor");
    let eavesdropper = make("three", "administrator", "capture");
    assert_eq!(eavesdropper.get("/api/v1/session").json(200)["role"], "monitor");

    let listed = administrator.get("/api/v1/tokens");
    assert!(!listed.text().contains("rf_"), "secrets are told once");
    administrator.ask("DELETE", "/api/v1/tokens/two", &[], &[]).json(200);
    assert_eq!(lesser.get("/api/v1/session").status, 401);
    administrator.ask("DELETE", "/api/v1/administrators/monitor", &[], &[]).json(200);
    assert_eq!(overbearing.get("/api/v1/session").status, 401);
}

// R: PHN-05
#[test]
fn phones_are_found_page_by_page() {
    let site = Site::new();
    let program = site.program(Operator);
    for number in 0..7 {
        let name = format!("SEP00112233440{number}");
        let mode = if number % 2 == 0 { "encrypted" } else { "non-secure" };
        let settings = json!({"security_mode": mode, "owner": format!("user{number}")});
        let new = json!({"name": name, "model": "7960", "settings": settings});
        program.send("POST", "/api/v1/phones", &new).json(201);
    }
    let mut found = Vec::new();
    let mut path =
        "/api/v1/phones?limit=3&filter=security-mode%3Dencrypted,model%3D7960".to_owned();
    loop {
        let page = program.get(&path).json(200);
        assert_eq!(page["total"], 4);
        found.extend(page["items"].as_array().unwrap().iter().map(|it| it["owner"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/phones?limit=3&filter=security-mode%3Dencrypted&cursor={next}");
    }
    assert_eq!(found, ["user0", "user2", "user4", "user6"]);
    for wrong in ["filter=colour%3Dred", "limit=0", "limit=x", "cursor=%25"] {
        let refused = program.get(&format!("/api/v1/phones?{wrong}"));
        assert_eq!(refused.problem(), (400, "invalid".into()), "{wrong}");
    }
}

#[test]
fn nobody_overwrites_what_he_has_not_seen() {
    let site = Site::new();
    let program = site.program(Operator);
    program.send("POST", "/api/v1/phones", &json!({"name": PHONE, "model": "7970"})).json(201);
    let path = format!("/api/v1/phones/{PHONE}");
    let tag = program.get(&path).headers["etag"].clone();
    let change = |tag: &str, owner: &str| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        program.ask("PATCH", &path, &headers, json!({"owner": owner}).to_string().as_bytes())
    };
    change(&tag, "alice").json(200);
    assert_eq!(change(&tag, "bob").problem(), (412, "changed".into()));
    let newer = program.get(&path);
    assert_eq!(newer.json(200)["owner"], "alice");
    // A change of something else in the meantime harms nobody.
    program.send("PUT", "/api/v1/regions/Tokyo", &json!({})).json(200);
    change(&newer.headers["etag"], "bob").json(200);
    let unconditional = program.send("PATCH", &path, &json!({"owner": "carol"}));
    unconditional.json(200);
    let unknown = program.get("/api/v1/phones/SEP001122334499");
    assert_eq!(unknown.problem(), (404, "not-found".into()));
    let twice = program.send("POST", "/api/v1/phones", &json!({"name": PHONE, "model": "7970"}));
    assert_eq!(twice.problem(), (409, "conflict".into()));
}

/// Whatever is administered by one form is guarded like phones are.
#[test]
fn lost_updates_are_refused_everywhere() {
    let site = Site::new();
    crate::pages::fill(&site);
    let program = site.program(Operator);
    for (path, one, other) in [
        ("lines/1001", json!({"display": "Alice"}), json!({"display": "Bob"})),
        ("pools/Default", json!({"time_zone": "Asia/Tokyo"}), json!({"time_zone": "UTC"})),
        ("gateways/gw1.example", json!({"description": "a"}), json!({"description": "b"})),
        (
            "srst/branch",
            json!({"settings": {"secure": false}}),
            json!({"settings": {"secure": true}}),
        ),
        (
            "voicemail/CiscoUM1",
            json!({"security_mode": "non-secure"}),
            json!({"security_mode": "authenticated"}),
        ),
        ("voicemail-ports/CiscoUM1-VI1", json!({"number": "1095"}), json!({"number": "1096"})),
    ] {
        let path = format!("/api/v1/{path}");
        let tag = program.get(&path).headers["etag"].clone();
        let change = |tag: &str, body: &serde_json::Value| {
            let headers = [("content-type", "application/json"), ("if-match", tag)];
            program.ask("PATCH", &path, &headers, body.to_string().as_bytes())
        };
        change(&tag, &one).json(200);
        assert_eq!(change(&tag, &other).problem(), (412, "changed".into()), "{path}");
        let newer = program.get(&path);
        assert_ne!(newer.headers["etag"], tag, "{path}");
        change(&newer.headers["etag"], &other).json(200);
        change("*", &one).json(200);
    }
    for unknown in ["pools/none", "srst/none", "voicemail/none", "voicemail-ports/None-VI1"] {
        let path = format!("/api/v1/{unknown}");
        assert_eq!(program.get(&path).problem(), (404, "not-found".into()), "{path}");
    }
}

// R: VM-04, VM-05
#[test]
fn voicemail_is_administered() {
    let site = Site::new();
    crate::pages::fill(&site);
    let operator = site.program(Operator);
    let at = "/api/v1/voicemail/CiscoUM1";
    let more = json!({"count": 1, "first_number": "1093", "pool": "Default"});
    operator.send("POST", &format!("{at}/ports"), &more).json(200);
    let found = |filter: &str| {
        let ports = operator.get(&format!("/api/v1/voicemail-ports{filter}")).json(200);
        ports.as_array().unwrap().iter().map(|port| port["name"].clone()).collect::<Vec<_>>()
    };
    let all = ["CiscoUM1-VI1", "CiscoUM1-VI2", "CiscoUM1-VI3"];
    assert_eq!(found("?security_mode=encrypted"), all, "new ports have the mode of the server");
    let port = "/api/v1/voicemail-ports/CiscoUM1-VI2";
    operator.send("PATCH", port, &json!({"security_mode": "non-secure"})).json(200);
    assert_eq!(found("?security_mode=non-secure&server=CiscoUM1"), ["CiscoUM1-VI2"]);
    assert_eq!(found("?server=none"), [""; 0]);
    let root = json!({"certificate": pki::export::pem(&site.keeper_certificate())});
    operator.send("PUT", &format!("{at}/root"), &root).json(200);
    assert_eq!(operator.get(at).json(200)["root"]["sha256"].as_str().unwrap().len(), 64);
    operator.ask("DELETE", &format!("{at}/root"), &[], &[]).json(200);
    assert_eq!(operator.send("POST", &format!("{at}/reset"), &json!({})).json(200)["matched"], 3);
    operator.ask("DELETE", port, &[], &[]).json(200);
    operator.ask("DELETE", at, &[], &[]).json(200);
    assert_eq!(operator.get("/api/v1/voicemail").json(200), json!([]));
    let refused = site.program(Monitor).ask("DELETE", at, &[], &[]);
    assert_eq!(refused.problem(), (403, "forbidden".into()));
}

// R: MGCP-06, MGCP-07
#[test]
fn gateways_are_administered() {
    let site = Site::new();
    let operator = site.program(Operator);
    let at = "/api/v1/gateways/gw1.example";
    let new = json!({"addresses": ["192.0.2.1:2427"], "changes": {"key_policy": "require"}});
    operator.send("PUT", at, &new).json(200);
    let port = format!("{at}/ports/aaln%2FS1%2FSU0%2F0");
    operator.send("PUT", &port, &json!({"number": "1006"})).json(200);
    operator.send("PATCH", at, &json!({"drop_secure_calls": true})).json(200);

    let monitor = site.program(Monitor);
    let shown = monitor.get(at).json(200);
    assert_eq!(
        (&shown["key_policy"], &shown["drop_secure_calls"]),
        (&json!("require"), &json!(true))
    );
    assert_eq!(shown["ports"][0]["name"], "aaln/S1/SU0/0");
    let steps = monitor.get(&format!("{at}/check")).json(200);
    assert_eq!((&steps[0]["id"], &steps[2]["state"]), (&json!("ctl-mixed"), &json!("open")));
    let refused = monitor.send("PATCH", at, &json!({"key_policy": "prefer"}));
    assert_eq!(refused.problem(), (403, "forbidden".into()));

    operator.ask("DELETE", &port, &[], &[]).json(200);
    operator.ask("DELETE", at, &[], &[]).json(200);
    assert_eq!(monitor.get("/api/v1/gateways").json(200), json!([]));
}

#[test]
fn a_request_with_a_key_is_done_once() {
    let site = Site::new();
    let program = site.program(Operator);
    let ask = |key: &str, name: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let body = json!({"name": name, "model": "7970"}).to_string();
        program.ask("POST", "/api/v1/phones", &headers, body.as_bytes())
    };
    let first = ask("k1", PHONE);
    let second = ask("k1", PHONE);
    assert_eq!((second.status, &second.body), (201, &first.body));
    assert_eq!(second.headers["location"], first.headers["location"]);
    assert_eq!(ask("k1", "SEP001122334456").problem(), (422, "key-reused".into()));
    assert_eq!(ask("k2", PHONE).problem(), (409, "conflict".into()));
    // Another account's key is another key.
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let body = json!({"name": "SEP001122334457", "model": "7970"}).to_string();
    let other = site.program(Administrator);
    other.ask("POST", "/api/v1/phones", &headers, body.as_bytes()).json(201);
}

#[test]
fn a_file_of_phones_is_an_operation_that_tells_its_progress() {
    let site = Site::new();
    let program = site.program(Operator);
    let mut file = "name,model,description,directory_number\n".to_owned();
    for number in 0..600 {
        file += &format!("SEP0011223{number:05},7960,phone {number},{}\n", 1000 + number);
    }
    file += "lobby,7960,,\nSEP001122399999,7960,,no number\nSEP001122399998,,new without model,\n";
    let csv = [("content-type", "text/csv")];
    let dry = program.ask("POST", "/api/v1/phones.csv?dry_run=true", &csv, file.as_bytes());
    let ended = follow(&program, &dry);
    assert_eq!((&ended["changed"], &ended["done"]), (&json!(600), &json!(603)));
    assert_eq!(program.get("/api/v1/phones").json(200)["total"], 0);

    let begun = program.ask("POST", "/api/v1/phones.csv", &csv, file.as_bytes());
    let ended = follow(&program, &begun);
    assert_eq!((&ended["state"], &ended["changed"]), (&json!("done"), &json!(600)));
    let lines: Vec<_> =
        ended["failed"].as_array().unwrap().iter().map(|it| it["line"].clone()).collect();
    assert_eq!(lines, [602, 603, 604]);
    assert_eq!(program.get("/api/v1/phones").json(200)["total"], 600);

    // What is exported changes nothing when it is imported.
    let exported = program.get("/api/v1/phones.csv");
    let again = program.ask("POST", "/api/v1/phones.csv", &csv, &exported.body);
    let ended = follow(&program, &again);
    assert_eq!((&ended["changed"], &ended["failed"]), (&json!(0), &json!([])));
    let wrong = program.ask("POST", "/api/v1/phones.csv", &csv, b"name,colour\n");
    assert_eq!(wrong.problem(), (400, "invalid".into()));
}

/// Follows an operation by its events to its end.
fn follow(program: &crate::site::Client, begun: &crate::site::Answer) -> serde_json::Value {
    begun.json(202);
    let place = begun.headers["location"].clone();
    let start = Instant::now();
    let told = program.get(&format!("{place}/events"));
    assert!(start.elapsed() < PATIENCE);
    assert_eq!(told.headers["content-type"], "text/event-stream");
    let text = told.text();
    let last = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    let last = serde_json::from_str::<serde_json::Value>(last).unwrap();
    assert_eq!(program.get(&place).json(200), last);
    last
}

#[test]
fn authentication_strings_are_for_those_who_read_them_out() {
    let site = Site::new();
    let program = site.program(Operator);
    program.send("POST", "/api/v1/phones", &json!({"name": PHONE, "model": "7970"})).json(201);
    let path = format!("/api/v1/phones/{PHONE}/capf");
    let order = json!({"operation": "install", "auth_string": "12345678"});
    program.send("PATCH", &path, &order).json(200);
    assert_eq!(program.get(&path).json(200)["auth_string"], "12345678");
    for role in [Monitor, Auditor, Capture] {
        let looker = site.program(role);
        assert!(looker.get(&path).json(200)["auth_string"].is_null());
        assert!(!looker.get("/api/v1/capf/report").text().contains("12345678"), "{role}");
    }
}
