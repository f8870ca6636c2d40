//! The settings menu.

use lang::Language;
use ringfence_phone::media::{Received, Rejected, Sent, Statistics};
use ringfence_phone::network::{Hardening, SettingsAccess, WebAccess};
use ringfence_phone::screen::Act;
use ringfence_phone::{Model, SecurityMode};

use crate::site::{A, Site};
use crate::user::User;

fn office() -> Site {
    Site::office(&[(Model::M7960, SecurityMode::Encrypted)])
}

#[test]
fn the_security_configuration_shows_what_is_installed() {
    let mut site = office();
    let mut alice = User::of(A);
    alice.press(&mut site, "e");
    alice.expect(
        &site,
        &["Settings", "1 Volume", "3 Security Configuration", "Locked", "F1  Select"],
    );
    alice.press(&mut site, "3");
    alice.expect(
        &site,
        &[
            "Security Mode       Encrypted",
            "Web Access Enabled  Yes",
            "MIC                 Not Installed",
            "LSC                 Installed",
            "abababababababababababababababab",
            "Operation Pending: authentication",
        ],
    );
    alice.press(&mut site, "5");
    alice.expect(
        &site,
        &["CTL File", "Security token", "token 1", "CallManager + TFTP", "CAPF Server"],
    );
    alice.press(&mut site, "back 4");
    alice.expect(&site, &["Subject", "cn=SEP001122334400", "cn=CAPF-1"]);
    alice.press(&mut site, "e");
    alice.expect_not(&site, &["Subject"]);
}

// R: CTL-19
#[test]
fn trust_lists_are_erased_after_unlocking_only() {
    let mut site = office();
    let mut alice = User::of(A);
    alice.press(&mut site, "e 3 5");
    alice.expect_not(&site, &["Erase", "Unlocked"]);
    assert_eq!(alice.press(&mut site, "f1 f2"), []);
    for wrong in ["*#", "**1#", "#**"] {
        alice.press(&mut site, "e e 3 5");
        alice.press(&mut site, wrong);
        alice.expect_not(&site, &["Erase"]);
    }
    alice.press(&mut site, "e e 3 5");
    alice.press(&mut site, "***#");
    alice.expect(&site, &["Unlocked", "F1  Erase"]);
    // Once more locks again.
    alice.press(&mut site, "**#");
    alice.expect_not(&site, &["Erase"]);
    alice.press(&mut site, "**#");
    assert_eq!(alice.press(&mut site, "f1"), [Act::EraseTrustLists]);
    alice.expect(&site, &["CTL file erased"]);
    // Whoever leaves the menu leaves it locked.
    alice.press(&mut site, "e 3 5");
    alice.expect_not(&site, &["Erase"]);
}

// R: CAPF-05
#[test]
fn the_authentication_string_is_typed_there() {
    let mut site = office();
    let mut alice = User::of(A);
    alice.press(&mut site, "e 3 4");
    alice.expect_not(&site, &["Update"]);
    alice.press(&mut site, "**# f1 123");
    alice.expect(&site, &["Authentication String", "123_"]);
    assert_eq!(alice.press(&mut site, "f1"), []);
    alice.expect(&site, &["4 to 10 digits are needed"]);
    alice.press(&mut site, "*9 f2 4567");
    let enrolled = alice.press(&mut site, "f1");
    assert_eq!(enrolled, [Act::Enrol("1234567".to_owned())]);
    alice.expect_not(&site, &["1234567"]);
}

// R: HRD-02
#[test]
fn hidden_settings_are_not_to_be_seen_nor_changed() {
    let mut site = office();
    let none = Hardening { settings: SettingsAccess::None, ..Hardening::default() };
    let mut alice = User::of(A).hardened(none);
    alice.press(&mut site, "e");
    alice.expect(&site, &["The administrator has disabled the settings"]);
    alice.expect_not(&site, &["Security Configuration", "Network", "Volume  "]);
    assert_eq!(alice.press(&mut site, "**# 3 5 f1"), []);
    alice.expect_not(&site, &["CTL File", "Erase"]);
    alice.press(&mut site, "e + +");
    alice.expect(&site, &["The volume cannot be saved", "▮▮▮▮▮▮▮▯▯▯"]);

    let restricted = Hardening { settings: SettingsAccess::Restricted, ..Hardening::default() };
    let mut bob = User::of(A).hardened(restricted);
    bob.press(&mut site, "e");
    bob.expect(&site, &["1 Volume"]);
    bob.expect_not(&site, &["Security Configuration", "Network"]);
    bob.press(&mut site, "1 + +");
    bob.expect(&site, &["7 / 5", "F1  Save"]);
    bob.press(&mut site, "f1");
    bob.expect(&site, &["7 / 7", "Volume saved"]);
}

// R: HRD-02
#[test]
fn hardening_is_shown() {
    let mut site = office();
    let hardening = Hardening {
        gratuitous_arp: false,
        web: WebAccess::Closed,
        pc_voice_vlan: false,
        pc_port: false,
        settings: SettingsAccess::Full,
    };
    let mut alice = User::of(A).hardened(hardening);
    alice.press(&mut site, "e 2");
    alice.expect(
        &site,
        &["PC Port Disabled      Yes", "PC Voice VLAN Access  No", "GARP Enabled          No"],
    );
    alice.press(&mut site, "back 3");
    alice.expect(&site, &["Web Access Enabled  No"]);
}

// R: ALM-02
#[test]
fn status_messages_are_the_latest_first() {
    let mut site = office();
    let mut alice = User::of(A);
    alice.press(&mut site, "e 5 1");
    let seen = alice.sees(&site);
    let [newer, older] =
        ["TFTP Not Authorized: 10.0.0.9", "CTL installed"].map(|text| seen.find(text).unwrap());
    assert!(newer < older, "{seen}");
}

#[test]
fn call_statistics_are_behind_the_information_key() {
    let mut site = office();
    let hidden = Hardening { settings: SettingsAccess::None, ..Hardening::default() };
    let mut alice = User::of(A).hardened(hidden);
    alice.press(&mut site, "i");
    alice.expect(&site, &["Call Statistics", "No call yet"]);
    alice.statistics = Some(Statistics {
        sent: Sent { packets: 512, suite: None, ..Sent::default() },
        received: Received {
            packets: 500,
            lost: 7,
            jitter_ms: 1.25,
            suite: Some("AES_CM_128_HMAC_SHA1_32"),
            rejected: Rejected { authentication: 3, ..Rejected::default() },
            ..Received::default()
        },
    });
    alice.expect(
        &site,
        &[
            "Receiver Cipher        AES_CM_128_HMAC_SHA1_32",
            "Sender Cipher          none (RTP)",
            "Lost Packets           7",
            "Failed Authentication  3",
            "Jitter                 1.2 ms",
        ],
    );
    alice.press(&mut site, "i");
    alice.expect_not(&site, &["Jitter"]);
}

#[test]
fn pages_are_there_in_japanese() {
    let mut site = office();
    let mut alice = User::speaking(A, Language::Japanese);
    alice.press(&mut site, "e");
    alice.expect(&site, &["設定", "3 セキュリティ設定", "ロック中", "F1  選択"]);
    alice.press(&mut site, "3");
    alice.expect(&site, &["セキュリティ モード", "暗号化", "未インストール"]);
}
