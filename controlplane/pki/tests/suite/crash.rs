//! A process killed at any moment leaves keys, certificates and tokens whole.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crashtest::{Ended, at_every_step};
use ringfence_pki::KeyKind;
use ringfence_pki::node::{self, CERTIFICATE_FILE, NodeName};
use ringfence_pki::token::{
    Authorities, Cost, Ledger, Location, Password, PasswordPolicy, Presented, Reader,
    TokenAuthority, TokenError, init_software,
};

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_100_000_000)
}

fn name() -> NodeName {
    NodeName { server: "cm1".into(), guid: "g".into(), addresses: Vec::new() }
}

#[test]
fn a_node_killed_while_it_makes_its_certificate_makes_it_the_next_time() {
    at_every_step(
        "crash::a_node_killed_while_it_makes_its_certificate_makes_it_the_next_time",
        |_| {},
        |dir| drop(node::open_or_create(dir, &name(), KeyKind::EcP256, now()).unwrap()),
        |dir, ended| {
            let seen = fs::read(dir.join(CERTIFICATE_FILE)).ok();
            assert!(seen.is_some() || ended != Ended::Finished);
            let identity = node::open_or_create(dir, &name(), KeyKind::EcP256, now());
            let identity = identity.unwrap_or_else(|fault| panic!("{ended:?}: {fault}"));
            // What somebody may have read already stays.
            assert!(seen.is_none_or(|seen| seen == identity.certificate().der()), "{ended:?}");
        },
    );
}

fn prepare(dir: &Path) {
    let authority = TokenAuthority::open_or_create(dir, "Example", now()).unwrap();
    let default = Password::default_one();
    let file = dir.join("a.token");
    let cost = Cost::MINIMAL;
    init_software(&file, "a", KeyKind::Rsa1024, &default, cost, &authority, now()).unwrap();
}

fn present(dir: &Path) -> Presented {
    let authority = TokenAuthority::open_or_create(dir, "Example", now()).unwrap();
    let reader = Reader {
        ledger: Ledger::open(&dir.join("tries")).unwrap(),
        authorities: Authorities::new([authority.certificate().clone()]),
        policy: PasswordPolicy::DefaultAllowed,
    };
    reader.present(&Location::Software(dir.join("a.token")), now()).unwrap()
}

// R: TOK-03
#[test]
fn a_try_that_is_killed_counts_and_the_token_stays_usable() {
    at_every_step(
        "crash::a_try_that_is_killed_counts_and_the_token_stays_usable",
        prepare,
        |dir| {
            let wrong = present(dir).login(&Password::new("wrong").unwrap());
            assert!(matches!(wrong, Err(TokenError::WrongPassword { .. })));
            // The answer was given: from here on the try must not be forgotten.
            fs::write(dir.join("answered"), "").unwrap();
        },
        |dir, ended| {
            let tries = present(dir).info().wrong_passwords;
            assert!(tries <= 1, "{ended:?}");
            assert!(tries == 1 || !dir.join("answered").exists(), "{ended:?}");
            present(dir).login(&Password::default_one()).unwrap();
            assert_eq!(present(dir).info().wrong_passwords, 0);
        },
    );
}

// R: TOK-02
#[test]
fn a_password_change_that_is_killed_leaves_the_old_or_the_new_one() {
    at_every_step(
        "crash::a_password_change_that_is_killed_leaves_the_old_or_the_new_one",
        prepare,
        |dir| {
            let new = Password::new("New-Pass-9").unwrap();
            present(dir).change_password(&Password::default_one(), &new).unwrap();
        },
        |dir, ended| {
            let passwords = [Password::default_one(), Password::new("New-Pass-9").unwrap()];
            let works = passwords.map(|password| present(dir).login(&password).is_ok());
            assert!(works[0] != works[1], "{ended:?}: {works:?}");
            assert!(ended != Ended::Finished || works[1]);
        },
    );
}
