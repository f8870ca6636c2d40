//! The guide's way from a fresh cluster to a secure one, by clicks alone.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Instant;

use super::driver::Chromium;
use super::{PHONE, log_in, picture, root};
use crate::site::{PASSWORD, PATIENCE, Site};

/// What would be in the way of other nodes on this machine.
const PORTS: [&str; 4] = [
    "ctl-provider.port",
    "enterprise.capf-phone-port",
    "call-manager.port",
    "call-manager.secure-port",
];
const TOKEN_PASSWORD: &str = "token password";

// R: GEN-01, GEN-02, GEN-20, HTTPS-01, CTL-12, PHN-01
#[test]
fn a_cluster_becomes_secure() {
    let site = Site::new();
    let root = root(&site);
    let browser = Chromium::start();
    let downloads = site.dir.path().join("downloads");
    let files = site.dir.path().join("tftp");
    std::fs::create_dir(&downloads).unwrap();
    browser.keep_downloads(&downloads);
    log_in(&browser, &root, "administrator");
    browser.wait_for("Non-secure mode");
    assert_eq!(next(&browser), "Activate the CTL Provider on every node");

    // Ports first, so that nothing has to be restarted for them.
    browser.click("nav a[href='/parameters']");
    for port_of in PORTS {
        set(&browser, port_of, &port().to_string());
    }

    browser.click("nav a[href='/']");
    browser.click("li.next a");
    for service in ["tftp", "call-manager", "ctl-provider", "capf"] {
        browser.click(&format!("form:has(input[value='{service}']) button"));
        browser.wait_for(&format!("Deactivate {service}"));
    }
    browser.keep(&picture("first-time-1-services"));

    browser.click("nav a[href='/']");
    assert!(next(&browser).starts_with("Create the CTL file"));
    browser.click("li.next a");
    let tokens = ["one", "two"].map(|label| {
        browser.fill("#label", label);
        browser.fill("#new-password", TOKEN_PASSWORD);
        browser.click("#tokens button");
        downloads.join(format!("{label}.token"))
    });
    for (token, field) in tokens.iter().zip(["token-1", "token-2"]) {
        wait_for_file(token);
        browser.give(&format!("#{field}-file"), token);
    }
    browser.fill("#token-password", TOKEN_PASSWORD);
    browser.fill("#password", PASSWORD);
    browser.keep(&picture("first-time-2-tokens"));
    browser.click_and_confirm("#sign button[type=submit]");
    browser.wait_for("Signed by");
    browser.keep(&picture("first-time-3-signed"));
    assert!(files.join("CTLFile.tlv").is_file(), "{}", browser.text());
    let left = std::fs::read_dir(site.dir.path().join("keys/presented-tokens")).unwrap();
    assert_eq!(left.count(), 0, "no token stays");

    browser.click("nav a[href='/']");
    browser.wait_for("Mixed mode");
    assert_eq!(next(&browser), "Set the device security mode of phones");
    browser.click("li.next a");
    browser.click("a[href='/phones/new']");
    browser.fill("#name", PHONE);
    browser.choose("#model", "7960");
    browser.fill("#directory_number", "1001");
    browser.click("main button[type=submit]");
    browser.choose("#security_mode", "encrypted");
    browser.click("form[action='/phones/SEP001122334455'] button[type=submit]");
    browser.wait_for("reset needed");
    browser.choose("#operation", "install");
    browser.choose("#auth_mode", "authentication-string");
    browser.click("input[name=generate_string]");
    browser.click("#capf button[type=submit]");
    browser.wait_for("Authentication string to tell its user");
    browser.keep(&picture("first-time-4-phone"));

    browser.click("nav a[href='/']");
    browser.keep(&picture("first-time-5-due"));
    let start = Instant::now();
    while !browser.text().contains("All changes are in force.") {
        assert!(start.elapsed() < PATIENCE, "{}", browser.text());
        let asks = browser.run("return 'confirm' in document.querySelector('#due form').dataset");
        match asks == true {
            true => browser.click_and_confirm("#due form button"),
            false => browser.click("#due form button"),
        }
    }
    assert_eq!(browser.run("return document.querySelectorAll('ol li:not(.done)').length"), 0);
    browser.keep(&picture("first-time-6-done"));
    assert_eq!(browser.complaints(), [""; 0]);
}

/// What the overview says comes next.
fn next(browser: &Chromium) -> String {
    let step = browser.run("return document.querySelector('li.next a').innerText");
    step.as_str().unwrap().to_owned()
}

/// Sets a parameter that the page shows.
fn set(browser: &Chromium, name: &str, value: &str) {
    let form = format!("#p-{}", name.replace('.', "-"));
    browser.fill(&format!("{form} input[name=value]"), value);
    browser.click(&format!("{form} button"));
    browser.wait_for("Saved as revision");
}

/// A port that providers may have and nobody has.
fn port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 8000).unwrap();
    loop {
        let port = first + TRIED.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn wait_for_file(file: &Path) {
    let start = Instant::now();
    while !file.is_file() {
        assert!(start.elapsed() < PATIENCE, "{} did not come", file.display());
        std::thread::yield_now();
    }
}
