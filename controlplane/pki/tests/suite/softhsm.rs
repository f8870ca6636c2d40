//! PKCS#11 against SoftHSM2, which finds its tokens through the environment: each test runs again
//! as a process of its own with `SOFTHSM2_CONF` set.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use messages::{Explain, token};
use ringfence_pki::token::{
    Authorities, Ledger, Location, MAX_WRONG_PASSWORDS, Password, PasswordPolicy, Pkcs11Init,
    Pkcs11Uri, Reader, TokenAuthority, TokenError, init_pkcs11,
};
use ringfence_pki::{Hash, Identity, KeyKind, Signer};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_100_000_000)
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

/// Runs `body` in a process with an empty SoftHSM2 store in a directory of its own.
fn with_softhsm(test: &str, body: impl FnOnce(&Path)) {
    assert!(Path::new(MODULE).exists(), "install SoftHSM2: `cargo xtask setup`");
    if let Some(dir) = std::env::var_os("RINGFENCE_TEST_SOFTHSM") {
        return body(dir.as_ref());
    }
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = dir.path().join("softhsm2.conf");
    let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    fs::write(&conf, settings).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SOFTHSM2_CONF", conf)
        .env("RINGFENCE_TEST_SOFTHSM", dir.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

struct Bench {
    authority: TokenAuthority,
    reader: Reader,
}

impl Bench {
    fn new(dir: &Path) -> Self {
        let authority = TokenAuthority::open_or_create(dir, "Example", now()).unwrap();
        let reader = Reader {
            ledger: Ledger::open(&dir.join("tries")).unwrap(),
            authorities: Authorities::new([authority.certificate().clone()]),
            policy: PasswordPolicy::DefaultAllowed,
        };
        Self { authority, reader }
    }

    fn make(&self, label: &str, kind: KeyKind) {
        let init = Pkcs11Init {
            label,
            kind,
            so_password: &password("so-password"),
            password: &Password::default_one(),
        };
        init_pkcs11(&uri(""), &init, &self.authority, now()).unwrap();
    }

    fn login(&self, path: &str, text: &str) -> Result<Identity, TokenError> {
        self.reader.present(&Location::Pkcs11(uri(path)), now())?.login(&password(text))
    }
}

fn uri(path: &str) -> Pkcs11Uri {
    format!("pkcs11:{path}?module-path={MODULE}").parse().unwrap()
}

// R: TOK-01, TOK-02, TOK-04
#[test]
fn tokens_sign_one_at_a_time() {
    with_softhsm("softhsm::tokens_sign_one_at_a_time", |dir| {
        let bench = Bench::new(dir);
        assert_eq!(bench.login("", "Cisco123").unwrap_err(), TokenError::Absent);
        bench.make("sast-1", KeyKind::Rsa1024);
        bench.login("", "Cisco123").unwrap();
        bench.make("sast-2", KeyKind::Rsa2048);
        assert_eq!(bench.login("", "Cisco123").unwrap_err(), TokenError::Several(2));
        assert_eq!(bench.login("token=sast-3", "Cisco123").unwrap_err(), TokenError::Absent);
        for token in ["token=sast-1", "token=sast-2"] {
            let identity = bench.login(token, "Cisco123").unwrap();
            assert!(identity.certificate().is_issued_by(bench.authority.certificate()));
            for hash in [Hash::LegacySha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
                let signature = identity.sign(hash, b"trust list").unwrap();
                assert!(identity.public_key().verify(hash, b"trust list", &signature));
            }
        }
    });
}

// R: TOK-01
#[test]
fn all_tokens_of_a_module_are_found() {
    with_softhsm("softhsm::all_tokens_of_a_module_are_found", |dir| {
        let bench = Bench::new(dir);
        let labels = |path: &str| {
            let tokens = Location::Pkcs11(uri(path)).tokens().unwrap();
            let label = |token| bench.reader.present(token, now()).unwrap().info().label.clone();
            let mut labels: Vec<_> = tokens.iter().map(label).collect();
            labels.sort();
            labels
        };
        assert_eq!(labels(""), [""; 0]);
        bench.make("sast-1", KeyKind::Rsa1024);
        bench.make("sast-2", KeyKind::Rsa1024);
        assert_eq!(labels(""), ["sast-1", "sast-2"]);
        assert_eq!(labels("token=sast-2"), ["sast-2"]);
    });
}

// R: TOK-02, TOK-03
#[test]
fn passwords_are_changed_and_counted() {
    with_softhsm("softhsm::passwords_are_changed_and_counted", |dir| {
        let bench = Bench::new(dir);
        bench.make("sast-1", KeyKind::Rsa1024);
        let held = bench.login("token=sast-1", "Cisco123").unwrap();
        let token = bench.reader.present(&Location::Pkcs11(uri("token=sast-1")), now()).unwrap();
        token.change_password(&Password::default_one(), &password("New-Pass-9")).unwrap();
        // A session that is logged in does not make a wrong password right.
        for left in (1..=MAX_WRONG_PASSWORDS).rev() {
            let error = bench.login("token=sast-1", "Cisco123").unwrap_err();
            assert_eq!(error, TokenError::WrongPassword { left });
        }
        bench.login("token=sast-1", "New-Pass-9").unwrap();
        drop(held);
        for _ in 0..MAX_WRONG_PASSWORDS {
            let error = bench.login("token=sast-1", "wrong").unwrap_err();
            assert!(matches!(error, TokenError::WrongPassword { .. }));
        }
        assert_eq!(bench.login("token=sast-1", "wrong").unwrap_err(), TokenError::Locked);
        assert_eq!(bench.login("token=sast-1", "New-Pass-9").unwrap_err(), TokenError::Locked);
        let token = bench.reader.present(&Location::Pkcs11(uri("token=sast-1")), now()).unwrap();
        assert!(token.info().locked);
    });
}

// R: TOK-01, MSG-01
#[test]
fn what_is_no_token_says_so() {
    with_softhsm("softhsm::what_is_no_token_says_so", |dir| {
        let bench = Bench::new(dir);
        let init = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "empty", "--pin", "Cisco123"])
            .args(["--so-pin", "so-password"])
            .output()
            .unwrap();
        assert!(init.status.success());
        let error = bench.login("token=empty", "Cisco123").unwrap_err();
        assert_eq!(error, TokenError::NoCertificate("empty".into()));
        assert_eq!(error.message(), &token::NO_CERTIFICATE_IN_TOKEN);
        let present =
            |text: &str| bench.reader.present(&Location::parse(text).unwrap(), now()).unwrap_err();
        assert!(matches!(present("pkcs11:"), TokenError::Store { .. }));
        let missing = present("pkcs11:?module-path=/nowhere.so");
        assert!(matches!(missing, TokenError::Store { store, .. } if store == "/nowhere.so"));
    });
}
