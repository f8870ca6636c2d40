//! CAPF's own certificate, and those it issues.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringfence_pki::capf::{CERTIFICATE_FILE, CapfFiles, KEY_FILE, issue_to_phone};
use ringfence_pki::certificate::Certificate;
use ringfence_pki::{KeyKind, PrivateKey, Signer, export};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_100_000_000)
}

/// How OpenSSL's own program reads a certificate.
fn told(certificate: &Certificate) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("it.pem");
    fs::write(&file, export::pem(certificate)).unwrap();
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-text", "-in"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

// R: CAPF-01
#[test]
fn the_key_pair_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let (certificates, keys) = (dir.path().join("certs"), dir.path().join("keys"));
    fs::create_dir(&certificates).unwrap();
    fs::create_dir(&keys).unwrap();
    let files = CapfFiles { certificates: certificates.clone(), keys: keys.clone() };
    let first = files.open_or_create("office", now()).unwrap();
    assert_eq!(fs::read(certificates.join(CERTIFICATE_FILE)).unwrap(), first.certificate().der());
    let mode = fs::metadata(keys.join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = files.open_or_create("other", now() + YEAR).unwrap();
    assert_eq!(again.certificate(), first.certificate());

    let subject = first.certificate().subject();
    let name = subject.common_name().unwrap();
    assert!(name.len() == 13 && name.starts_with("CAPF-"), "{name}");
    assert!(subject.trust_list_form().ends_with(";OU=office"), "{subject}");
    assert_eq!(export::dot_zero_name(first.certificate()), Some(format!("{name}.0")));
    let text = told(first.certificate());
    for expected in
        ["CA:TRUE, pathlen:0", "Digital Signature, Certificate Sign\n", "(2048 bit)", "critical"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    fs::remove_file(keys.join(KEY_FILE)).unwrap();
    assert!(files.open_or_create("office", now()).is_err());
}

// R: CAPF-18
#[test]
fn a_renewed_one_has_another_name_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let files = CapfFiles::in_one(dir.path());
    let old = files.open_or_create("office", now()).unwrap();
    let new = files.renew("office", now()).unwrap();
    assert_ne!(old.certificate().subject(), new.certificate().subject());
    assert_ne!(old.public_key(), new.public_key());
    assert_eq!(files.open(now()).unwrap().certificate(), new.certificate());
}

// R: CAPF-03, CAPF-14
#[test]
fn a_phones_certificate_says_what_phones_need() {
    let dir = tempfile::tempdir().unwrap();
    let authority = CapfFiles::in_one(dir.path()).open_or_create("office", now()).unwrap();
    let phone = PrivateKey::generate(KeyKind::Rsa1024);
    let device = "SEP001122334455";
    let issue =
        |validity| issue_to_phone(device, phone.public_key(), now(), validity, &authority).unwrap();
    let certificate = issue(5 * YEAR);
    assert!(certificate.is_issued_by(authority.certificate()));
    assert_eq!(certificate.public_key(), phone.public_key());
    assert_eq!(certificate.subject().trust_list_form(), "CN=SEP001122334455;OU=office");
    assert_eq!(certificate.not_after(), now() + 5 * YEAR);
    assert_ne!(certificate.serial(), issue(YEAR).serial());
    let text = told(&certificate);
    for expected in [
        "CA:FALSE",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "URI:SEP001122334455",
        "sha256WithRSAEncryption",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // However OpenSSL calls it.
    assert!(text.contains("1.3.6.1.5.5.7.3.5") || text.contains("IPSec End System"), "{text}");
    // No certificate outlives its issuer's.
    assert_eq!(issue(100 * YEAR).not_after(), authority.certificate().not_after());
}
