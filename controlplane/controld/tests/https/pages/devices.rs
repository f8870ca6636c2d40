//! Telephones, voicemail and voice gateways are administered in a browser.

use super::{Browser, PHONE, seen};
use crate::site::Site;

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
