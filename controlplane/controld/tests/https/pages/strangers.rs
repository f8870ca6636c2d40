//! Who must not get anywhere.

use std::time::{Duration, SystemTime};

use serde_json::json;
use store::AdministratorRole::{Administrator, Operator};

use super::{Browser, FORM, PHONE, add_phone, csrf, escaped};
use crate::site::{PASSWORD, Site};

#[test]
fn foreign_pages_change_nothing() {
    let site = Site::new();
    add_phone(&site, "lobby");
    let mut browser = Browser::of(&site, "administrator");
    let remove = format!("/phones/{PHONE}/remove");
    let page = browser.page("/phones");
    let token = csrf(&page);
    for body in ["", "csrf=", "csrf=guessed", &format!("csrf={}x", token)] {
        assert_eq!(browser.post_plainly(&remove, body).status, 403, "{body}");
    }
    // Another session's token is none.
    let other = csrf(&Browser::of(&site, "operator").page("/phones"));
    assert_eq!(browser.post_plainly(&remove, &format!("csrf={other}")).status, 403);
    // Even with the token: a browser that says where the form is from is believed.
    let cookie = format!("{}={}", browser.cookies[0].0, browser.cookies[0].1);
    for foreign in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")]
    {
        let headers = [FORM, ("cookie", &*cookie), foreign];
        let body = format!("csrf={token}");
        assert_eq!(browser.client.ask("POST", &remove, &headers, body.as_bytes()).status, 403);
        let login = format!("name=administrator&password={}", escaped(PASSWORD));
        let refused = browser.client.ask("POST", "/login", &[FORM, foreign], login.as_bytes());
        assert_eq!(refused.status, 403, "nobody is logged in as somebody else");
    }
    // A script of a foreign page cannot use the session for the REST interface either.
    let headers = [("content-type", "application/json"), ("cookie", &*cookie)];
    let refused = browser.client.ask("DELETE", &format!("/api/v1/phones/{PHONE}"), &headers, &[]);
    assert_eq!(refused.problem(), (403, "csrf-token-missing".into()));
    let headers = [("cookie", &*cookie), ("x-csrf-token", &*token)];
    let done = browser.client.ask("DELETE", &format!("/api/v1/phones/{PHONE}"), &headers, &[]);
    done.json(200);
}

#[test]
fn a_session_is_nobodys_choice() {
    let site = Site::new();
    let mut browser = Browser::new(&site);
    let planted = "A".repeat(43);
    browser.cookies.push(("__Host-ringfence".into(), planted.clone()));
    let answer = browser.login("operator", PASSWORD);
    let set = &answer.headers["set-cookie"];
    for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    let first = browser.cookies[0].1.clone();
    assert_ne!(first, planted);
    // Each login has a session of its own, and the one before it has ended.
    browser.login("operator", PASSWORD);
    let second = browser.cookies[0].1.clone();
    assert_ne!(first, second);
    for (secret, status) in [(&planted, 303), (&first, 303), (&second, 200)] {
        let mut thief = Browser::new(&site);
        thief.cookies.push(("__Host-ringfence".into(), secret.clone()));
        assert_eq!(thief.get("/").status, status);
    }
    let token = csrf(&browser.page("/"));
    let out = browser.post_plainly("/logout", &format!("csrf={token}"));
    assert_eq!(out.headers["location"], "/login");
    let mut thief = Browser::new(&site);
    thief.cookies.push(("__Host-ringfence".into(), second));
    assert_eq!(thief.get("/").status, 303);
}

#[test]
fn passwords_cannot_be_guessed() {
    let site = Site::new();
    let mut attacker = Browser::new(&site);
    for attempt in 0..5 {
        assert_eq!(attacker.login("operator", &format!("guess {attempt}")).status, 401);
    }
    let waits = attacker.login("operator", PASSWORD);
    assert_eq!(waits.status, 429, "even the right one waits");
    assert!(waits.text().contains("seconds"));
    // Others at the same address are not kept out.
    assert_eq!(Browser::new(&site).login("monitor", PASSWORD).status, 303);
    // A wrong name is told as a wrong password is.
    let unknown = Browser::new(&site).login("nobody", "x");
    assert!(unknown.status == 401 && unknown.text().contains("Name or password is wrong"));
    let audit = site.program(Administrator).get("/api/v1/audit").text();
    assert!(audit.contains("login-refused") && !audit.contains("guess 1"));
}

#[test]
fn what_strangers_wrote_is_text() {
    let site = Site::new();
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'";
    add_phone(&site, evil);
    let mut browser = Browser::of(&site, "administrator");
    for path in ["/phones", &format!("/phones/{PHONE}"), "/capf", "/changes"] {
        let page = browser.page(path);
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{path}");
    }
    assert!(browser.page("/phones").contains("&lt;script&gt;"));
    let found = browser.page(&format!("/phones?find={}", escaped(evil)));
    assert!(!found.contains("<script>alert"));
    let failed = browser.login(&escaped(evil), "x");
    assert!(!failed.text().contains("<script>alert"));
    // Names in certificates are as foreign as others.
    let name = pki::Name::common(evil);
    let key = pki::PrivateKey::generate(pki::KeyKind::EcP256);
    let template = pki::issue::Template {
        subject: name,
        not_before: SystemTime::now(),
        validity: Duration::from_secs(3600),
        usage: pki::issue::Usage::Authority,
        alternative_names: Vec::new(),
    };
    let issuer = pki::issue::self_signed(&template, pki::Hash::Sha256, &key).unwrap();
    let trust = json!({"kind": "mic", "certificate": pki::export::pem(&issuer)});
    let mut browser = Browser::of(&site, "administrator");
    site.program(Operator).send("POST", "/api/v1/capf/issuers", &trust).json(200);
    for path in ["/certificates", &format!("/certificates/{}", issuer.fingerprint())] {
        let page = browser.page(path);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>alert"), "{path}");
    }
}
