//! Settings, files and what is served.

use serde_json::json;
use store::AdministratorRole::Administrator;

use super::{Browser, PHONE};
use crate::site::Site;

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
