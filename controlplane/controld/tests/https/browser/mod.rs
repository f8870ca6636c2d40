//! The pages in a real browser: by clicks, in both languages, on a desk and in a hand.

mod driver;
mod first_time;

use std::path::PathBuf;

use lang::Language;
use serde_json::json;

use crate::judges::target;
use crate::pages::{PAGES, fill};
use crate::site::{PASSWORD, Site};
use driver::{Chromium, Screen};

const PHONE: &str = "SEP001122334455";

fn picture(name: &str) -> PathBuf {
    target().join("browser").join(format!("{name}.png"))
}

fn log_in(browser: &Chromium, root: &str, name: &str) {
    browser.open(&format!("{root}/login"));
    browser.fill("#name", name);
    browser.fill("#password", PASSWORD);
    browser.click("button[type=submit]");
    browser.wait_for(name);
}

fn root(site: &Site) -> String {
    format!("https://localhost:{}", site.at.port())
}

// R: PHN-05, GEN-20
#[test]
fn a_phone_is_made_secure_by_clicks() {
    let site = Site::new();
    let root = root(&site);
    let browser = Chromium::start();
    log_in(&browser, &root, "administrator");
    browser.click("nav a[href='/phones']");
    browser.click("a[href='/phones/new']");
    browser.fill("#name", PHONE);
    browser.choose("#model", "7970");
    browser.fill("#directory_number", "1001");
    browser.click("main button[type=submit]");
    browser.wait_for("Saved as revision");
    browser.choose("#security_mode", "encrypted");
    browser.fill("#owner", "Alice <alice@example.com>");
    browser.click("form[action='/phones/SEP001122334455'] button[type=submit]");
    browser.wait_for("reset needed");
    browser.keep(&picture("phone-reset-needed"));
    browser.click_and_confirm(".notice form button");
    browser.wait_for("1 phones were meant");
    assert!(!browser.text().contains("reset needed"));
    // Bulk administration, with its progress told by events.
    browser.click("nav a[href='/bulk']");
    let file = site.dir.path().join("phones.csv");
    std::fs::write(&file, "name,model\nSEP001122334456,7960\nSEP001122334457,7960\n").unwrap();
    browser.give("#chooser", &file);
    browser.click("input[name=dry_run]");
    browser.click("form[action='/bulk'] button[type=submit]");
    browser.wait_for("2 phones changed");
    // By keyboard: the slash leads to the field that finds.
    browser.open(&format!("{root}/phones"));
    browser.run(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))",
    );
    assert_eq!(browser.run("return document.activeElement.id"), "find");
    browser.fill("#find", "alice");
    browser.click("form[role=search] button");
    browser.wait_for("1 phones");
    browser.click("a[href='/phones/SEP001122334455']");
    browser.click_and_confirm("button.danger");
    browser.wait_for("Saved as revision");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn every_page_reads_in_both_languages_on_every_screen() {
    let site = Site::new();
    fill(&site);
    let root = root(&site);
    let browser = Chromium::start();
    browser.prepare(&axe());
    log_in(&browser, &root, "administrator");
    for language in Language::ALL {
        browser.open(&format!("{root}/language/{}?to=/", language.tag()));
        for screen in &SCREENS {
            browser.put_on(screen);
            for path in PAGES {
                browser.open(&format!("{root}{path}"));
                let at = format!("{path} {} {}", language.tag(), screen.name);
                assert_eq!(browser.run("return document.documentElement.lang"), language.tag());
                browser.keep(&picture(&name(path, language, screen)));
                assert_eq!(browser.run(WIDER), json!(false), "{at} is wider than the screen");
                let faults = browser.run(AUDIT);
                assert_eq!(faults, json!([]), "{at}: {faults:#}");
                assert_eq!(browser.complaints(), [""; 0], "{at}");
            }
        }
    }
}

fn name(path: &str, language: Language, screen: &Screen) -> String {
    let page = path.trim_start_matches('/').replace(['/', '?', '='], "-");
    let page = if page.is_empty() { "overview" } else { &page };
    format!("{page}-{}-{}", language.tag(), screen.name)
}

const SCREENS: [Screen; 2] = [
    Screen { name: "desk", width: 1280, height: 900, mobile: false, dark: false },
    Screen { name: "hand", width: 390, height: 844, mobile: true, dark: true },
];

/// axe-core, which judges whether everybody can use a page.
fn axe() -> String {
    let tools = target().join("tools/python/lib");
    let pythons = std::fs::read_dir(&tools).expect("`cargo xtask setup --for test` made it");
    let files = pythons.map(|python| {
        python.unwrap().path().join("site-packages/axe_playwright_python/axe.min.js")
    });
    let file = files.into_iter().find(|file| file.is_file());
    std::fs::read_to_string(file.expect("`cargo xtask setup --for test` made it")).unwrap()
}

const WIDER: &str = "return document.documentElement.scrollWidth > window.innerWidth + 1";

/// The rules of WCAG 2.2 A and AA, and what axe calls good practice.
const AUDIT: &str = "
const told = await axe.run(document, {resultTypes: ['violations']});
return told.violations.map(({id, help, nodes}) => ({
    id, help, nodes: nodes.map(({html, failureSummary}) => [html, failureSummary]),
}));";
