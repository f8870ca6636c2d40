//! The pages, as browsers and those who misuse them meet them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use console::{CallView, LadderView, PerStatusView, RegistrationView, TelephonyView};
use lang::Language;
use ringfence_controld::telephony::Telephony;
use serde_json::json;
use store::AdministratorRole::{Administrator, Operator};
use store::PhoneOrderKind;

use crate::site::{Answer, Client, PASSWORD, Site};

const PHONE: &str = "SEP001122334455";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A browser: it keeps the cookies that it is given.
struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn new(site: &Site) -> Self {
        Self { client: site.stranger(), cookies: Vec::new() }
    }

    fn of(site: &Site, name: &str) -> Self {
        let mut browser = Self::new(site);
        let answer = browser.login(name, PASSWORD);
        assert_eq!((answer.status, &*answer.headers["location"]), (303, "/"), "{}", answer.text());
        browser
    }

    fn login(&mut self, name: &str, password: &str) -> Answer {
        self.post_plainly("/login", &format!("name={name}&password={}", escaped(password)))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![FORM];
        if !cookies.is_empty() {
            headers.push(("cookie", &*cookies));
        }
        let answer = self.client.ask(method, path, &headers, body.as_bytes());
        if let Some(set) = answer.headers.get("set-cookie") {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// What the page shows, which has to be there.
    fn page(&mut self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    fn post_plainly(&mut self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, body)
    }

    /// Submits a form of this session, and follows where it leads.
    fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = self.page("/phones");
        let csrf = csrf(&page);
        let mut body = format!("csrf={csrf}");
        for (name, value) in fields {
            body += &format!("&{name}={}", escaped(value));
        }
        let answer = self.post_plainly(path, &body);
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        let place = answer.headers["location"].clone();
        self.page(place.split('#').next().unwrap())
    }
}

fn csrf(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form of the session");
    rest.split('"').next().unwrap().to_owned()
}

/// What the page says was seen on it.
fn seen(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"seen\" value=\"").expect("it can be changed");
    rest.split("\">").next().unwrap().replace("&quot;", "\"")
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}

/// All pages, of a site that [`fill`] filled.
pub const PAGES: [&str; 28] = [
    "/",
    "/phones",
    "/phones/new",
    "/phones/SEP001122334455",
    "/capf",
    "/calls",
    "/plan",
    "/plan?find=1001",
    "/plan/lines/1001",
    "/plan/pools/Default",
    "/gateways",
    "/gateways/gw1.example?port=S0%2FDS1-0",
    "/voicemail",
    "/voicemail/CiscoUM1",
    "/voicemail-ports/CiscoUM1-VI1",
    "/srst",
    "/srst/branch",
    "/certificates",
    "/certificates/https",
    "/trust-list",
    "/nodes",
    "/parameters",
    "/media",
    "/metrics",
    "/bulk",
    "/accounts",
    "/audit",
    "/changes",
];

fn add_phone(site: &Site, description: &str) {
    let settings = json!({"description": description, "directory_number": "1001"});
    let new = json!({"name": PHONE, "model": "7970", "settings": settings});
    site.program(Operator).send("POST", "/api/v1/phones", &new).json(201);
}

/// Something for every page.
pub fn fill(site: &Site) {
    add_phone(site, "lobby");
    let program = site.program(Operator);
    let reference = json!({"address": "192.0.2.77", "settings": {"secure": true}});
    program.send("PUT", "/api/v1/srst/branch", &reference).json(200);
    program.send("PUT", "/api/v1/regions/Osaka", &json!({})).json(200);
    let limit = json!({"kbit_s": 8});
    program.send("PUT", "/api/v1/regions/Osaka/limits/Default", &limit).json(200);
    let route = json!({"destination": "meet-me"});
    program.send("PUT", "/api/v1/routes/8XXX", &route).json(200);
    let gateway = json!({"addresses": ["192.0.2.9:2427"]});
    program.send("PUT", "/api/v1/gateways/gw1.example", &gateway).json(200);
    let port = "/api/v1/gateways/gw1.example/ports/S0%2FDS1-0";
    program.send("PUT", port, &json!({"attendant": "1001"})).json(200);
    let ports = json!({"count": 2, "first_number": "1091", "pool": "Default"});
    let server = json!({"security_mode": "encrypted", "ports": ports});
    program.send("PUT", "/api/v1/voicemail/CiscoUM1", &server).json(200);
}

#[test]
fn every_page_is_there_in_both_languages() {
    let site = Site::new();
    fill(&site);
    let mut browser = Browser::of(&site, "administrator");
    for language in Language::ALL {
        let chosen = browser.get(&format!("/language/{}?to=/phones", language.tag()));
        assert_eq!((chosen.status, &*chosen.headers["location"]), (303, "/phones"));
        for path in PAGES {
            let page = browser.page(path);
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())), "{path}");
            let japanese = page.chars().any(|c| ('\u{3040}'..'\u{30ff}').contains(&c));
            // English pages name the other language, in Han characters only.
            assert_eq!(japanese, language == Language::Japanese, "{path} {language:?}");
            assert!(!page.contains("style=\"") && !page.contains("<script>"), "{path}");
        }
    }
    for away in ["//evil.example/", "https://evil.example/", "/\\evil.example"] {
        let led = browser.get(&format!("/language/en?to={}", escaped(away)));
        assert_eq!(led.headers["location"], "/", "{away}");
    }
    assert_eq!(browser.get("/nowhere").status, 404);
}

#[test]
fn nothing_is_shown_to_who_is_not_logged_in() {
    let site = Site::new();
    let mut browser = Browser::new(&site);
    for path in PAGES.iter().chain(&["/bulk/phones.csv", "/nowhere"]) {
        let answer = browser.get(path);
        assert_eq!((answer.status, &*answer.headers["location"]), (303, "/login"), "{path}");
    }
    assert!(browser.page("/login").contains("name=\"password\""));
    // A token is for programs.
    assert_eq!(site.program(Administrator).get("/phones").status, 403);
}

#[test]
fn roles_see_what_they_may() {
    let site = Site::new();
    add_phone(&site, "lobby");
    let mut monitor = Browser::of(&site, "monitor");
    let page = monitor.page(&format!("/phones/{PHONE}"));
    assert!(page.contains("lobby") && !page.contains("/remove"));
    assert!(!monitor.page("/").contains("href=\"/accounts\""));
    for path in ["/accounts", "/changes", "/bulk", "/phones/new"] {
        assert_eq!(monitor.get(path).status, 403, "{path}");
    }
    let told = monitor.submit(&format!("/phones/{PHONE}/remove"), &[]);
    assert!(told.contains("Your role may not do this"));
    assert!(monitor.page(&format!("/phones/{PHONE}")).contains("lobby"));
}

// R: GEN-20, PHN-05
#[test]
fn a_phone_is_added_changed_and_reset() {
    let site = Site::new();
    let mut browser = Browser::of(&site, "operator");
    let told = browser.submit("/phones", &[("name", PHONE), ("model", "7970")]);
    assert!(told.contains("Saved as revision") && told.contains(PHONE), "{told}");
    let place = format!("/phones/{PHONE}");
    let seen = seen(&browser.page(&place));
    let encrypted = [("seen", &*seen), ("security_mode", "encrypted"), ("owner", "alice")];
    let told = browser.submit(&place, &encrypted);
    assert!(told.contains(&format!("Reset {PHONE}")), "what follows is told: {told}");
    assert!(told.contains("reset needed"));
    // Who saw it as it was before changes nothing.
    let told = browser.submit(&place, &[("seen", &seen), ("owner", "bob")]);
    assert!(told.contains("not as you saw it") && !told.contains("value=\"bob\""), "{told}");
    let found = browser.page("/phones?security_mode=encrypted&find=ALICE");
    assert!(found.contains(PHONE) && found.contains("reset needed"));
    assert!(!browser.page("/phones?security_mode=authenticated").contains(&place));
    let told = browser.submit("/phones/reset", &[(&format!("chosen-{PHONE}"), "on")]);
    assert!(told.contains("1 phones were meant"), "{told}");
    assert!(!browser.page(&place).contains("reset needed"));
    let told = browser.submit(&format!("{place}/remove"), &[]);
    assert!(told.contains("Saved"));
    assert_eq!(browser.get(&place).status, 404);
}

// R: VM-02, VM-04, VM-05, GEN-20
#[test]
fn voicemail_is_set_up_by_its_wizard() {
    let site = Site::new();
    let mut browser = Browser::of(&site, "operator");
    let server = [
        ("name", "UM1"),
        ("security_mode", "authenticated"),
        ("count", "2"),
        ("first_number", "1091"),
        ("pool", "Default"),
    ];
    let told = browser.submit("/voicemail", &server);
    assert!(told.contains("Added: UM1-VI1, UM1-VI2."), "{told}");
    // Who adds ports to it is not asked for their mode, and cannot give another one.
    let page = browser.page("/voicemail/UM1");
    let (_, wizard) = page.split_once("action=\"/voicemail/UM1/ports\"").unwrap();
    let (wizard, _) = wizard.split_once("</form>").unwrap();
    assert!(wizard.contains("<strong>authenticated</strong>") && !wizard.contains("security_mode"));
    let more = [
        ("security_mode", "non-secure"),
        ("count", "1"),
        ("first_number", "1093"),
        ("pool", "Default"),
    ];
    assert!(browser.submit("/voicemail/UM1/ports", &more).contains("Added: UM1-VI3."));
    let found = browser.page("/voicemail?security_mode=authenticated");
    assert!((1..=3).all(|port| found.contains(&format!("/voicemail-ports/UM1-VI{port}"))));
    // One port differs from the others.
    let place = "/voicemail-ports/UM1-VI2";
    let seen = seen(&browser.page(place));
    let change = [("seen", &*seen), ("security_mode", "encrypted"), ("number", "1099")];
    assert!(browser.submit(place, &change).contains("Reset the ports of voicemail server UM1"));
    assert!(browser.submit(place, &change).contains("not as you saw it"));
    let found = browser.page("/voicemail?security_mode=encrypted");
    assert!(found.contains("ports/UM1-VI2") && !found.contains("ports/UM1-VI1"), "{found}");
    assert!(browser.page("/voicemail?find=1099").contains("UM1-VI2"));
    let told = browser.submit("/voicemail/UM1/root", &[("certificate", "no certificate")]);
    assert!(told.contains("not one certificate in PEM"), "{told}");
    let root = pki::export::pem(&site.keeper_certificate());
    let told = browser.submit("/voicemail/UM1/root", &[("certificate", &root)]);
    assert!(told.contains("Saved") && told.contains("/root/remove"), "{told}");
    assert!(browser.submit("/voicemail/UM1/root/remove", &[]).contains("None was copied"));
    // What the change needs is a button of the overview.
    assert!(browser.page("/").contains("/voicemail/UM1/reset"));
    browser.submit("/voicemail/UM1/reset", &[("back", "overview")]);
    assert!(!browser.page("/").contains("/voicemail/UM1/reset"));
    assert!(browser.submit("/voicemail-ports/UM1-VI3/remove", &[]).contains("Saved"));
    assert!(browser.submit("/voicemail/UM1/remove", &[]).contains("Saved"));
    assert_eq!(browser.get("/voicemail/UM1").status, 404);
}

// R: MGCP-06
#[test]
fn a_voice_gateway_is_added_and_changed() {
    let site = Site::new();
    let mut browser = Browser::of(&site, "operator");
    let new = |at| [("name", "gw1.example"), ("at", at), ("key_policy", "require")];
    assert!(browser.submit("/gateways", &new("nowhere")).contains("role=\"alert\""));
    let told = browser.submit("/gateways", &new("192.0.2.9:2427, [2001:db8::9]:2427"));
    assert!(told.contains("Saved") && told.contains("gw1.example"), "{told}");
    let place = "/gateways/gw1.example";
    let port = [("port", "S0/SU0/DS1-0/1"), ("number", ""), ("direction", "out")];
    assert!(browser.submit(&format!("{place}/ports"), &port).contains("S0/SU0/DS1-0/1"));
    let chosen = browser.page(&format!("{place}?port=S0%2FSU0%2FDS1-0%2F1"));
    assert!(chosen.contains("value=\"S0/SU0/DS1-0/1\""), "{chosen}");
    assert!(chosen.contains("<option value=\"out\" selected>"), "{chosen}");
    assert!(browser.page(place).contains("Towards encrypted calls"));
    let seen = seen(&browser.page(place));
    let change = [
        ("seen", &*seen),
        ("at", "192.0.2.9:2427"),
        ("key_policy", "prefer"),
        ("description", "lobby"),
        ("drop_secure_calls", "true"),
    ];
    assert!(browser.submit(place, &change).contains("value=\"lobby\""));
    assert!(browser.submit(place, &change).contains("not as you saw it"));
    assert!(browser.page("/gateways?key_policy=prefer&find=LOBBY").contains(place));
    assert!(!browser.page("/gateways?key_policy=require").contains(place));
    let told = browser.submit(&format!("{place}/reset"), &[]);
    assert!(told.contains("role=\"alert\""), "this node commands none: {told}");
    let removed = [("port", "S0/SU0/DS1-0/1")];
    let told = browser.submit(&format!("{place}/ports/remove"), &removed);
    assert!(told.contains("Saved") && !told.contains("?port="), "{told}");
    assert!(browser.submit(&format!("{place}/remove"), &[]).contains("Saved"));
    assert_eq!(browser.get(place).status, 404);
}

#[test]
fn parameters_services_and_accounts_are_set() {
    let site = Site::new();
    let mut browser = Browser::of(&site, "administrator");
    let set = |browser: &mut Browser, value: &str| {
        let fields = [("parameter", "enterprise.device-security-mode"), ("value", value)];
        browser.submit("/parameters", &fields)
    };
    let told = set(&mut browser, "encrypted");
    assert!(told.contains("Saved") && told.contains("Reset all devices"), "{told}");
    assert!(set(&mut browser, "secret").contains("role=\"alert\""));
    let told = browser.submit("/nodes/cm1/services", &[("service", "tftp"), ("active", "true")]);
    assert!(told.contains("Saved"), "{told}");
    let new = [("name", "bob"), ("role", "monitor"), ("password", "battery staple")];
    assert!(browser.submit("/accounts", &new).contains("bob"));
    let mut bob = Browser::new(&site);
    assert_eq!(bob.login("bob", "battery staple").status, 303);
    assert!(bob.page("/").contains("bob"));
    let made = browser.submit("/accounts/tokens", &[("name", "robot"), ("role", "operator")]);
    let (_, secret) = made.split_once("<code class=\"secret\">").expect("it is shown once");
    let secret = secret.split('<').next().unwrap().to_owned();
    assert!(!browser.page("/accounts").contains(&secret));
    let mut robot = site.stranger();
    robot.headers.push(("authorization".into(), format!("Bearer {secret}")));
    assert_eq!(robot.get("/api/v1/session").json(200)["role"], "operator");
    // Who is removed, or has another password, is logged out at once.
    browser
        .submit("/accounts", &[("name", "bob"), ("role", "monitor"), ("password", "other words")]);
    assert_eq!(bob.get("/").status, 303);
    assert_eq!(bob.login("bob", "other words").status, 303);
    browser.submit("/accounts/remove", &[("name", "bob")]);
    assert_eq!(bob.get("/").status, 303);
}

#[test]
fn a_file_is_imported_after_a_dry_run() {
    let site = Site::new();
    let mut browser = Browser::of(&site, "operator");
    let file = format!("name,model,owner\n{PHONE},7970,alice\nnobody,7970,\n");
    let mut run = |fields: &[(&str, &str)]| {
        let mut page = browser.submit("/bulk", fields);
        let start = std::time::Instant::now();
        while page.contains("data-operation") {
            assert!(start.elapsed() < crate::site::PATIENCE);
            page = browser.page("/bulk/1");
        }
        page
    };
    let told = run(&[("file", &file), ("dry_run", "on")]);
    assert!(told.contains("1 phones would change, 1 would fail"), "{told}");
    let page = browser.submit("/bulk", &[("file", &file)]);
    assert!(page.contains("/bulk"));
    let start = std::time::Instant::now();
    while !browser.page("/phones").contains(PHONE) {
        assert!(start.elapsed() < crate::site::PATIENCE);
    }
    assert!(browser.page("/bulk/phones.csv").contains("alice"));
}

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

// R: HTTPS-01
#[test]
fn parts_of_administration_are_switched_off_with_a_warning() {
    let site = Site::new();
    let program = site.program(Administrator);
    let mut browser = Browser::of(&site, "administrator");
    let set = |name: &str, value: &str| {
        let path = format!("/api/v1/parameters/enterprise.serve-{name}");
        program.send("PUT", &path, &json!({"value": value})).json(200)["notes"].to_string()
    };
    for (part, page, resource) in [
        ("monitoring", "/calls", "/api/v1/calls"),
        ("reports", "/audit", "/api/v1/audit-report"),
        ("bulk", "/bulk", "/api/v1/phones.csv"),
    ] {
        assert!(browser.get(page).status == 200, "{page}");
        assert!(set(part, "false").contains("ringfence param set"), "it is warned of");
        assert_eq!(browser.get(page).status, 404, "{page}");
        assert_eq!(program.get(resource).problem(), (404, "not-found".into()));
        assert_eq!(browser.get("/phones").status, 200);
        assert!(!set(part, "true").contains("ringfence param set"));
        assert_eq!(browser.get(page).status, 200, "{page}");
    }
    set("pages", "false");
    let off = browser.get("/phones");
    assert!(off.status == 404 && off.text().contains("enterprise.serve-pages"));
    assert_eq!(Browser::new(&site).get("/login").status, 404);
    set("pages", "true");
    let fields = [("parameter", "enterprise.serve-api"), ("value", "false")];
    assert!(browser.submit("/parameters", &fields).contains("not served over HTTPS any more"));
    assert_eq!(program.get("/api/v1/status").problem(), (404, "not-found".into()));
}
