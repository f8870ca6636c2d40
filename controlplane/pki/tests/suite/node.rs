//! A node's identity on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use messages::{Explain, certificate};
use ringfence_pki::node::{self, CERTIFICATE_FILE, KEY_FILE, NodeName};
use ringfence_pki::{KeyKind, PrivateKey};

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_100_000_000)
}

fn cm1() -> NodeName {
    NodeName {
        server: "cm1".into(),
        guid: "7a4f1d0e-0b5c-4c7e-9d55-3f1f0e7b9c11".into(),
        addresses: vec!["192.0.2.10".parse().unwrap()],
    }
}

// R: AUTH-08
#[test]
fn the_certificate_is_made_once_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let first = node::open_or_create(dir.path(), &cm1(), KeyKind::Rsa2048, now()).unwrap();
    assert_eq!(
        first.certificate().subject().trust_list_form(),
        "CN=cm1;OU=7a4f1d0e-0b5c-4c7e-9d55-3f1f0e7b9c11"
    );
    assert_eq!(fs::read(dir.path().join(CERTIFICATE_FILE)).unwrap(), first.certificate().der());
    let mode = |name| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(CERTIFICATE_FILE), mode(KEY_FILE)), (0o644, 0o600));

    // An upgrade asks for a stronger key and another name: the certificate is not re-issued.
    let renamed = NodeName { server: "cm1-new".into(), ..cm1() };
    let later = now() + Duration::from_secs(1_000_000);
    let second = node::open_or_create(dir.path(), &renamed, KeyKind::Rsa4096, later).unwrap();
    assert_eq!(first.certificate(), second.certificate());
    assert_eq!(node::open(dir.path(), later).unwrap().certificate(), first.certificate());
}

// R: MSG-01
#[test]
fn a_missing_or_wrong_half_is_told_and_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    node::open_or_create(dir.path(), &cm1(), KeyKind::Rsa1024, now()).unwrap();
    let [cert, key] = [CERTIFICATE_FILE, KEY_FILE].map(|name| dir.path().join(name));
    let fault = || {
        let open = node::open_or_create(dir.path(), &cm1(), KeyKind::Rsa1024, now());
        open.unwrap_err().message()
    };
    let good = fs::read(&key).unwrap();

    fs::remove_file(&key).unwrap();
    assert_eq!(fault(), &certificate::NO_PRIVATE_KEY_FILE);
    assert!(!key.exists());

    fs::write(&key, "nonsense").unwrap();
    assert_eq!(fault(), &certificate::PRIVATE_KEY_NOT_VALID);

    let other = tempfile::tempdir().unwrap();
    node::open_or_create(other.path(), &cm1(), KeyKind::Rsa1024, now()).unwrap();
    fs::copy(other.path().join(KEY_FILE), &key).unwrap();
    assert_eq!(fault(), &certificate::PRIVATE_KEY_NOT_VALID);

    fs::write(&key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n").unwrap();
    assert_eq!(fault(), &certificate::INVALID_PRIVATE_KEY_CIPHER);

    fs::write(&key, good).unwrap();
    fs::write(&cert, "nonsense").unwrap();
    assert_eq!(fault(), &certificate::SERVER_CERTIFICATE_INVALID);

    fs::remove_file(&cert).unwrap();
    let missing = node::open(dir.path(), now()).unwrap_err();
    assert_eq!(missing.message(), &certificate::NO_SERVER_CERTIFICATE_FILE);
    // A key without certificate is what a crash at the first start leaves: the key is kept.
    let kept = PrivateKey::read(&key).unwrap();
    let made = node::open_or_create(dir.path(), &cm1(), KeyKind::Rsa1024, now()).unwrap();
    assert_eq!(made.certificate().public_key(), ringfence_pki::Signer::public_key(&kept));
}
