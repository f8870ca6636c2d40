//! What attackers try. Browsers' part of it is in `pages`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use store::AdministratorRole::{Monitor, Operator};

use crate::site::Site;

#[test]
fn bodies_are_bounded_in_length_and_depth() {
    let site = Site::new();
    let program = site.program(Operator);
    let json = [("content-type", "application/json")];
    let bomb = "[".repeat(100_000);
    let refused = program.ask("POST", "/api/v1/phones", &json, bomb.as_bytes());
    assert_eq!(refused.problem(), (400, "invalid".into()));
    let nested = format!("{{\"name\":{}{}}}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let refused = program.ask("POST", "/api/v1/phones", &json, nested.as_bytes());
    assert_eq!(refused.problem(), (400, "invalid".into()));
    let long = vec![b' '; admin::site::MAX_BODY + 1];
    let refused = program.ask("POST", "/api/v1/phones", &json, &long);
    assert_eq!(refused.problem(), (413, "too-large".into()));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let refused = program.ask("POST", "/api/v1/phones", &form, b"name=x");
    assert_eq!(refused.problem(), (415, "unsupported-type".into()));
}

#[test]
fn heads_are_bounded() {
    let site = Site::new();
    let stranger = site.stranger();
    let value = "x".repeat(100_000);
    let answer = stranger.ask("GET", "/api/v1/status", &[("x-long", &value)], &[]);
    assert_eq!(answer.status, 431);
    let many: Vec<_> = (0..200).map(|number| (format!("x-{number}"), "1".to_owned())).collect();
    let many: Vec<_> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(stranger.ask("GET", "/api/v1/status", &many, &[]).status, 431);
}

/// A head that comes byte by byte ends with the connection, while others are served.
#[test]
fn who_is_slow_is_hung_up_on() {
    let site = Site::new();
    let stranger = site.stranger();
    let mut slow = stranger.connect("localhost").unwrap();
    slow.write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: localhost\r\n").unwrap();
    slow.flush().unwrap();
    let silent = TcpStream::connect(site.at).unwrap();
    let start = Instant::now();
    let watched = Duration::from_secs(100);
    slow.sock.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut left = Vec::new();
    // A byte now and then does not help.
    let ended = loop {
        assert!(start.elapsed() < watched, "the slow one is still connected");
        let mut buffer = [0; 1024];
        if slow.write_all(b"x").and_then(|()| slow.flush()).is_err() {
            break true;
        }
        match slow.read(&mut buffer) {
            Ok(0) => break true,
            Ok(count) => left.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                assert_eq!(site.stranger().get("/api/v1/status").status, 401);
            }
            Err(_) => break true,
        }
    };
    assert!(ended);
    // And who never begins to speak TLS.
    silent.set_read_timeout(Some(watched)).unwrap();
    assert_eq!((&silent).read(&mut [0; 16]).unwrap_or_default(), 0);
}

#[test]
fn one_address_cannot_take_all_connections() {
    let site = Site::new();
    let held: Vec<_> = (0..64).filter_map(|_| site.stranger().connect("localhost").ok()).collect();
    assert_eq!(held.len(), 64);
    assert!(site.stranger().connect("localhost").is_err(), "one more is hung up on");
    drop(held);
    let start = Instant::now();
    while site.stranger().connect("localhost").is_err() {
        assert!(start.elapsed() < crate::site::PATIENCE);
    }
}

#[test]
fn every_answer_protects_browsers() {
    let site = Site::new();
    let program = site.program(Monitor);
    for path in ["/api/v1/status", "/api/v1/nowhere", "/api/v1/phones.csv"] {
        let answer = program.get(path);
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(program.get("/api/v1/nowhere").problem(), (404, "not-found".into()));
    let method = program.ask("PUT", "/api/v1/status", &[], &[]);
    assert_eq!(method.problem(), (405, "method-not-allowed".into()));
}

#[test]
fn spreadsheets_find_no_formula() {
    let site = Site::new();
    let program = site.program(Operator);
    let evil = "=cmd|' /C calc'!A0";
    let settings = json!({"description": evil, "owner": "@SUM(1)"});
    let new = json!({"name": "SEP001122334455", "model": "7970", "settings": settings});
    program.send("POST", "/api/v1/phones", &new).json(201);
    let text = program.get("/api/v1/phones.csv").text();
    for field in text.lines().flat_map(|line| line.split(',')) {
        let field = field.trim_matches('"');
        assert!(!field.starts_with(['=', '+', '-', '@']), "{field}");
    }
}

#[test]
fn paths_lead_nowhere_else() {
    let site = Site::new();
    let program = site.program(Monitor);
    for path in [
        "/api/v1/certificates/..%2f..%2fkeys%2fhttps.pem/file",
        "/api/v1/certificates/../../../etc/passwd",
        "/api/v1/phones/..%2f..%2fstatus",
        "/assets/..%2f..%2fkeys/https.pem",
        "/assets/%2e%2e/keys/https.pem",
    ] {
        let answer = program.get(path);
        assert!(matches!(answer.status, 404 | 400 | 303), "{path}: {}", answer.status);
        assert!(!answer.text().contains("PRIVATE KEY"));
    }
}
