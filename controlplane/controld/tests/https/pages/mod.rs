//! The pages, as browsers and those who misuse them meet them.

mod devices;
mod figures;
mod settings;
mod strangers;

use lang::Language;
use serde_json::json;
use store::AdministratorRole::{Administrator, Operator};

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
