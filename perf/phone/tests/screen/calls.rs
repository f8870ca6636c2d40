//! Calls on the screen.

use std::time::Duration;

use lang::Language;
use ringfence_phone::{Model, SecurityMode};

use crate::site::{A, B, C, Site};
use crate::user::User;

use SecurityMode::{Authenticated, Encrypted, NonSecure};

const NEW: Model = Model::M7970;
const OLD: Model = Model::M7960;

#[test]
fn a_call_is_made_with_buttons() {
    let mut site = Site::office(&[(OLD, NonSecure), (NEW, NonSecure)]);
    let [mut alice, mut bob] = [User::of(A), User::of(B)];
    alice.expect(&site, &["SEP001122334400 · 7960", "F5  ○ 1001", "F1  Redial", "handset down"]);
    alice.press(&mut site, "h");
    alice.expect(&site, &["Off Hook  ♪ dial tone", "Enter Number", "handset up", "F5  ● 1001"]);
    alice.press(&mut site, "1002");
    alice.expect(&site, &["1002", "Ring Out  ♪ ring-back tone"]);
    bob.expect(&site, &["1001 User 1001", "Ring In", "From 1001", "F1  Answer", "♪ rings", "◉"]);
    bob.press(&mut site, "f1");
    for user in [&mut alice, &mut bob] {
        user.expect(&site, &["Connected 00:00"]);
    }
    site.pass(Duration::from_secs(65));
    for user in [&mut alice, &mut bob] {
        user.expect(&site, &["Connected 01:05", "F1  Hold", "F2  EndCall"]);
        // Nobody promises anything of this call.
        user.expect_not(&site, &["[LOCK]", "[SHIELD]"]);
    }
    bob.expect(&site, &["speaker on"]);
    alice.press(&mut site, "h");
    assert!(site.is_idle());
    alice.expect_not(&site, &["Connected"]);
}

#[test]
fn the_whole_screen() {
    let mut site = Site::office(&[(OLD, Encrypted), (NEW, Encrypted)]);
    site.connect(A, B, "1002");
    let screen = User::of(A).sees(&site);
    let expected = "\
┌──────────────────────────────────────────────────────────────────────────────┐
│ 00:00 01/01/70             SEP001122334400 · 7960                       1001 │
│ ▸ 1002 User 1002                             [LOCK]│ F5  ● 1001              │
│   Connected 00:00                                  │ F6    Bob               │
";
    assert!(screen.starts_with(expected), "{screen}");
    let rows: Vec<_> = screen.lines().collect();
    assert_eq!(rows.len(), 24);
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{screen}");
    assert!(rows[20].starts_with("│ F1  Hold            F2  EndCall"), "{screen}");
    assert!(rows[23].ends_with("q quit"), "{screen}");
    assert!(rows[22].starts_with(" handset up   speaker off   ○ messages   Volume ▮▮▮▮▮▯▯▯▯▯"));
}

// R: GEN-11
#[test]
fn lock_and_shield_are_those_of_the_call() {
    for (a, b, icon) in [
        (Encrypted, Encrypted, Some("[LOCK]")),
        (Encrypted, Authenticated, Some("[SHIELD]")),
        (Authenticated, Authenticated, Some("[SHIELD]")),
        (Encrypted, NonSecure, None),
        (NonSecure, NonSecure, None),
    ] {
        let mut site = Site::office(&[(NEW, a), (OLD, b)]);
        site.connect(A, B, "1002");
        for phone in [A, B] {
            let mut user = User::of(phone);
            let shown = ["[LOCK]", "[SHIELD]"].into_iter().find(|i| user.sees(&site).contains(i));
            assert_eq!(shown, icon, "{a} {b}");
        }
    }
}

// R: GEN-11
#[test]
fn the_lock_goes_with_a_hold_and_with_a_transfer_and_comes_back() {
    let mut site = Site::office(&[(NEW, Encrypted), (OLD, Encrypted), (NEW, NonSecure)]);
    let [mut alice, mut bob] = [User::of(A), User::of(B)];
    site.connect(A, B, "1002");
    alice.expect(&site, &["[LOCK]"]);
    bob.expect(&site, &["[LOCK]"]);
    // Music is not encrypted.
    alice.press(&mut site, "f1");
    alice.expect(&site, &["Hold", "F1  Resume"]);
    bob.expect_not(&site, &["[LOCK]"]);
    alice.press(&mut site, "f1");
    alice.expect(&site, &["[LOCK]", "Connected"]);
    bob.expect(&site, &["[LOCK]"]);
    // To a telephone that encrypts nothing.
    alice.press(&mut site, "f3");
    alice.press(&mut site, "1003");
    User::of(C).press(&mut site, "h");
    alice.press(&mut site, "f3");
    bob.expect(&site, &["1003", "Connected"]);
    bob.expect_not(&site, &["[LOCK]", "[SHIELD]"]);
}

#[test]
fn a_number_can_be_typed_first() {
    let mut site = Site::office(&[(OLD, NonSecure), (NEW, NonSecure)]);
    let mut alice = User::of(A);
    alice.press(&mut site, "10023");
    alice.expect(&site, &["10023_", "F1  Dial", "F2  <<", "F3  Cancel"]);
    alice.press(&mut site, "f2 f1");
    alice.expect(&site, &["Ring Out"]);
    alice.press(&mut site, "f1");
    assert!(site.is_idle());
    alice.press(&mut site, "1002 h");
    alice.expect(&site, &["Ring Out", "handset up"]);
    alice.press(&mut site, "h");
    alice.press(&mut site, "77 back back");
    alice.expect_not(&site, &["F1  Dial"]);
}

#[test]
fn soft_keys_that_do_not_fit_are_behind_more() {
    let mut site = Site::office(&[(OLD, NonSecure), (NEW, NonSecure), (NEW, NonSecure)]);
    site.connect(A, B, "1002");
    let mut alice = User::of(A);
    let keys = site.keys(A, site.active(A).call);
    let mut found = Vec::new();
    for _ in 0..keys.len().div_ceil(3) {
        let seen = alice.sees(&site);
        found.extend(keys.iter().filter(|key| seen.contains(&format!("  {key} "))).cloned());
        if keys.len() > 4 {
            alice.press(&mut site, "f4");
        }
    }
    found.dedup();
    assert!(keys.iter().all(|key| found.contains(key)), "{keys:?} {found:?}");
}

#[test]
fn of_two_calls_the_one_he_looks_at_is_meant() {
    let mut site = Site::office(&[(OLD, NonSecure), (NEW, NonSecure), (NEW, NonSecure)]);
    site.connect(A, B, "1002");
    User::of(C).press(&mut site, "h 1001");
    let mut alice = User::of(A);
    alice.expect(&site, &["▸ 1002 User 1002", "  1003 User 1003", "F1  Hold"]);
    alice.press(&mut site, "down");
    alice.expect(&site, &["▸ 1003 User 1003", "F1  Answer"]);
    alice.press(&mut site, "f1");
    alice.expect(&site, &["▸ 1003 User 1003", "Connected", "Hold"]);
    alice.press(&mut site, "up f1");
    assert_eq!(site.active(A).other().unwrap().number.to_string(), "1002");
}

#[test]
fn everything_is_there_in_japanese() {
    let mut site = Site::office(&[(OLD, Encrypted), (NEW, Encrypted)]);
    let mut alice = User::speaking(A, Language::Japanese);
    alice.expect(&site, &["F1  リダイヤル", "受話器 下"]);
    alice.press(&mut site, "h");
    alice.expect(&site, &["番号を入力", "発信音"]);
    alice.press(&mut site, "1002");
    User::of(B).press(&mut site, "h");
    alice.expect(&site, &["[鍵]", "通話中", "F1  保留", "F2  終了"]);
    let seen = alice.sees(&site);
    use unicode_width::UnicodeWidthStr;
    assert!(seen.lines().all(|row| row.width() <= 80), "{seen}");
}

#[test]
fn what_is_not_possible_is_said() {
    let mut site = Site::new(1);
    site.add(OLD, NonSecure, "1001");
    let mut alice = User::of(A);
    alice.expect(&site, &["Not registered"]);
    alice.press(&mut site, "h");
    alice.expect(&site, &["it is not registered"]);
    site.pass(Duration::from_secs(5));
    alice.expect_not(&site, &["it is not registered"]);
}

#[test]
fn small_screens_do_no_harm() {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    let mut site = Site::office(&[(OLD, Encrypted), (NEW, Encrypted)]);
    site.connect(A, B, "1002");
    let mut alice = User::of(A);
    for (width, height) in [(0, 0), (1, 1), (10, 3), (30, 8), (200, 60)] {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        for menu in [false, true] {
            alice.draw(&site, area, &mut buffer);
            if !menu {
                alice.press(&mut site, "e");
            }
        }
        alice.press(&mut site, "e");
    }
}
