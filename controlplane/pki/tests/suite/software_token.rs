//! Token files: passwords, counting, copies, damage.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringfence_pki::token::{
    Authorities, Cost, Ledger, Location, MAX_WRONG_PASSWORDS, Password, PasswordPolicy, Reader,
    TokenAuthority, TokenError, init_software,
};
use ringfence_pki::{Hash, Identity, KeyKind, Signer};

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_100_000_000)
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

struct Bench {
    dir: tempfile::TempDir,
    authority: TokenAuthority,
    reader: Reader,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = TokenAuthority::open_or_create(dir.path(), "Example", now()).unwrap();
        let reader = Reader {
            ledger: Ledger::open(&dir.path().join("tries")).unwrap(),
            authorities: Authorities::new([authority.certificate().clone()]),
            policy: PasswordPolicy::DefaultAllowed,
        };
        fs::create_dir(dir.path().join("slot")).unwrap();
        Self { dir, authority, reader }
    }

    fn slot(&self) -> PathBuf {
        self.dir.path().join("slot")
    }

    fn make(&self, name: &str) -> PathBuf {
        let file = self.slot().join(format!("{name}.token"));
        let default = Password::default_one();
        let kind = KeyKind::Rsa1024;
        init_software(&file, name, kind, &default, Cost::MINIMAL, &self.authority, now()).unwrap();
        file
    }

    fn login(&self, file: &Path, text: &str) -> Result<Identity, TokenError> {
        let location = Location::Software(file.into());
        self.reader.present(&location, now())?.login(&password(text))
    }
}

// R: TOK-01, TOK-02
#[test]
fn a_token_signs_after_its_password_only() {
    let bench = Bench::new();
    let file = bench.make("sast-1");
    assert_eq!(
        bench.login(&file, "cisco123").unwrap_err(),
        TokenError::WrongPassword { left: MAX_WRONG_PASSWORDS },
    );
    let identity = bench.login(&file, "Cisco123").unwrap();
    assert!(identity.certificate().is_issued_by(bench.authority.certificate()));
    let signature = identity.sign(Hash::LegacySha1, b"list").unwrap();
    assert!(identity.public_key().verify(Hash::LegacySha1, b"list", &signature));
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"Cisco123"));
}

// R: TOK-02
#[test]
fn the_default_password_is_changed_where_the_policy_asks() {
    let mut bench = Bench::new();
    let file = bench.make("sast-1");
    bench.reader.policy = PasswordPolicy::ChangeRequired;
    assert_eq!(bench.login(&file, "Cisco123").unwrap_err(), TokenError::PasswordChange);
    let location = Location::Software(file.clone());
    let token = bench.reader.present(&location, now()).unwrap();
    let old = Password::default_one();
    for bad in ["short", "Cisco123"] {
        let refused = token.change_password(&old, &password(bad)).unwrap_err();
        assert_eq!(refused, TokenError::InvalidPassword);
    }
    let wrong = token.change_password(&password("guess"), &password("New-Pass-9"));
    assert_eq!(wrong.unwrap_err(), TokenError::WrongPassword { left: MAX_WRONG_PASSWORDS });
    token.change_password(&old, &password("New-Pass-9")).unwrap();
    bench.login(&file, "New-Pass-9").unwrap();
    assert!(matches!(bench.login(&file, "Cisco123"), Err(TokenError::WrongPassword { .. })));
    assert_eq!(Password::new("").unwrap_err(), TokenError::InvalidPassword);
}

// R: TOK-03
#[test]
fn the_sixteenth_wrong_password_locks_for_good_and_a_right_one_resets() {
    let bench = Bench::new();
    let file = bench.make("sast-1");
    for _ in 0..2 {
        for left in (1..=MAX_WRONG_PASSWORDS).rev() {
            let error = bench.login(&file, "wrong").unwrap_err();
            assert_eq!(error, TokenError::WrongPassword { left });
        }
        bench.login(&file, "Cisco123").unwrap();
    }
    for _ in 0..MAX_WRONG_PASSWORDS {
        assert!(matches!(bench.login(&file, "wrong"), Err(TokenError::WrongPassword { .. })));
    }
    assert_eq!(bench.login(&file, "wrong").unwrap_err(), TokenError::Locked);
    assert_eq!(bench.login(&file, "Cisco123").unwrap_err(), TokenError::Locked);
    let info = bench.reader.present(&Location::Software(file.clone()), now()).unwrap();
    assert!(info.info().locked);
    // Neither a wiped ledger nor another machine helps: the key is gone from the file.
    fs::remove_dir_all(bench.dir.path().join("tries")).unwrap();
    fs::create_dir(bench.dir.path().join("tries")).unwrap();
    assert_eq!(bench.login(&file, "Cisco123").unwrap_err(), TokenError::Locked);
}

// R: TOK-03
#[test]
fn an_old_copy_of_the_file_gives_no_tries_back() {
    let bench = Bench::new();
    let file = bench.make("sast-1");
    let fresh = fs::read(&file).unwrap();
    for tried in 1..=MAX_WRONG_PASSWORDS {
        let left = MAX_WRONG_PASSWORDS + 1 - tried;
        assert_eq!(bench.login(&file, "wrong").unwrap_err(), TokenError::WrongPassword { left });
        fs::write(&file, &fresh).unwrap();
    }
    // The same token under another name is the same token.
    let copy = bench.dir.path().join("copy.token");
    fs::write(&copy, &fresh).unwrap();
    assert_eq!(bench.login(&copy, "wrong").unwrap_err(), TokenError::Locked);
    fs::write(&file, &fresh).unwrap();
    assert_eq!(bench.login(&file, "Cisco123").unwrap_err(), TokenError::Locked);
}

// R: TOK-04
#[test]
fn one_token_at_a_time() {
    let bench = Bench::new();
    let slot = bench.slot();
    assert_eq!(bench.login(&slot, "Cisco123").unwrap_err(), TokenError::Absent);
    assert_eq!(bench.login(&slot.join("x.token"), "Cisco123").unwrap_err(), TokenError::Absent);
    let first = bench.make("sast-1");
    bench.login(&slot, "Cisco123").unwrap();
    bench.make("sast-2");
    assert_eq!(bench.login(&slot, "Cisco123").unwrap_err(), TokenError::Several(2));
    bench.login(&first, "Cisco123").unwrap();
}

// R: TOK-01
#[test]
fn a_token_of_a_stranger_is_refused() {
    let mut bench = Bench::new();
    let file = bench.make("sast-1");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = TokenAuthority::open_or_create(elsewhere.path(), "Example", now()).unwrap();
    bench.reader.authorities = Authorities::new([other.certificate().clone()]);
    let error = bench.login(&file, "Cisco123").unwrap_err();
    assert!(matches!(error, TokenError::NotTrusted { issuer } if issuer.contains("Example")));
    bench.reader.authorities = Authorities::default();
    assert!(matches!(bench.login(&file, "Cisco123"), Err(TokenError::NotTrusted { .. })));
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_key() {
    let bench = Bench::new();
    let file = bench.make("sast-1");
    let good = fs::read(&file).unwrap();
    for position in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[position] ^= 0x40;
        fs::write(&file, &bad).unwrap();
        // The label is shown and authenticated; the counter may change and only ever locks.
        match bench.login(&file, "Cisco123") {
            Err(_) => {}
            Ok(_) => panic!("byte {position} may be changed"),
        }
        fs::remove_dir_all(bench.dir.path().join("tries")).unwrap();
        fs::create_dir(bench.dir.path().join("tries")).unwrap();
    }
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        fs::write(&file, &good[..length]).unwrap();
        assert!(matches!(bench.login(&file, "Cisco123"), Err(TokenError::Store { .. })));
    }
    let ec = init_software(
        &bench.slot().join("ec.token"),
        "ec",
        KeyKind::EcP256,
        &Password::default_one(),
        Cost::MINIMAL,
        &bench.authority,
        now(),
    );
    assert!(matches!(ec, Err(TokenError::Store { .. })));
}

#[test]
fn secrets_are_not_printed() {
    let bench = Bench::new();
    let file = bench.make("sast-1");
    let identity = bench.login(&file, "Cisco123").unwrap();
    let printed = format!("{identity:?} {:?}", Password::default_one());
    assert_eq!(printed, "Identity(CN=sast-1) Password");
}
