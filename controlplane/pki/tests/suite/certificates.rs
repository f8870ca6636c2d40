//! Certificates: made, read by others, broken field by field.

use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use crate::support::{
    PUBLIC_KEY, SUBJECT, YEAR, broken_certificates, rsa_key, self_signed, spki, template, today,
    with_part,
};
use proptest::prelude::*;
use ringfence_pki::certificate::SignatureAlgorithm;
use ringfence_pki::check::{self, Keys};
use ringfence_pki::export::{self, Form};
use ringfence_pki::issue::{self, Template, Usage};
use ringfence_pki::name::Attribute;
use ringfence_pki::{
    Certificate, CertificateFault, Field, Hash, Identity, KeyKind, Name, PrivateKey, Signer,
};

fn openssl(arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_kind_of_key_makes_a_certificate_that_openssl_reads() {
    for kind in KeyKind::ALL {
        let (_, certificate) = self_signed(kind, Hash::Sha256);
        let text = openssl(&["x509", "-inform", "DER", "-noout", "-text"], certificate.der());
        for expected in [
            "Version: 3",
            "Subject: CN = cm1",
            "CA:FALSE",
            "TLS Web Server Authentication",
            "DNS:cm1, IP Address:192.0.2.10, IP Address:2001:DB8:0:0:0:0:0:10",
        ] {
            assert!(text.contains(expected), "{kind}: {expected} is missing in\n{text}");
        }
        assert!(certificate.is_issued_by(&certificate), "{kind}");
        assert_eq!(Certificate::parse(certificate.der()).unwrap(), certificate);
    }
}

#[test]
fn sha1_signs_for_old_telephones() {
    let (_, certificate) = self_signed(KeyKind::Rsa1024, Hash::LegacySha1);
    assert_eq!(certificate.signature_algorithm(), SignatureAlgorithm::Rsa(Hash::LegacySha1));
    check::server_certificate(certificate.der(), today(), Keys::RsaOnly).unwrap();
    assert_eq!(certificate.public_key().trust_list_form().len(), 140);
}

#[test]
fn an_authority_issues_and_only_it_is_the_issuer() {
    let authority = |name| {
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let template = Template { usage: Usage::Authority, ..template(Name::common(name)) };
        let certificate = issue::self_signed(&template, Hash::Sha256, &key).unwrap();
        Identity::new(certificate, key).unwrap()
    };
    let [ours, namesake, other] = ["CA", "CA", "Other CA"].map(authority);
    let key = PrivateKey::generate(KeyKind::EcP256);
    let issued =
        issue::issued(&template(Name::common("t")), key.public_key(), Hash::Sha256, &ours).unwrap();
    assert!(issued.is_issued_by(ours.certificate()));
    assert!(!issued.is_issued_by(namesake.certificate()));
    assert!(!issued.is_issued_by(other.certificate()));

    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, export::pem(ours.certificate())).unwrap();
    let until = (today() + YEAR).duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let arguments = ["verify", "-attime", &until, "-CAfile", ca.to_str().unwrap()];
    openssl(&arguments, export::pem(&issued).as_bytes());
}

#[test]
fn a_key_of_another_certificate_makes_no_identity() {
    let (_, certificate) = self_signed(KeyKind::Rsa1024, Hash::Sha256);
    assert!(Identity::new(certificate, PrivateKey::generate(KeyKind::Rsa1024)).is_none());
}

#[test]
fn signatures_verify_and_tampering_shows() {
    for kind in [KeyKind::Rsa1024, KeyKind::EcP384] {
        let key = PrivateKey::generate(kind);
        for hash in [Hash::LegacySha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let mut signature = key.sign(hash, b"message").unwrap();
            assert!(key.public_key().verify(hash, b"message", &signature));
            assert!(!key.public_key().verify(hash, b"massage", &signature));
            *signature.last_mut().unwrap() ^= 1;
            assert!(!key.public_key().verify(hash, b"message", &signature));
            assert!(!key.public_key().verify(hash, b"message", b""));
        }
    }
}

#[test]
fn exports_are_read_by_openssl() {
    let (_, certificate) = self_signed(KeyKind::Rsa2048, Hash::Sha256);
    let (_, above) = self_signed(KeyKind::Rsa2048, Hash::Sha256);
    let path = [above.clone()];
    let pem = export::export(&certificate, &path, Form::Pem);
    let back = export::read_pem(std::str::from_utf8(&pem).unwrap()).unwrap();
    assert_eq!(back, [certificate.der(), above.der()]);
    let bag = export::export(&certificate, &path, Form::Pkcs7);
    let printed = openssl(&["pkcs7", "-inform", "DER", "-print_certs"], &bag);
    let printed = export::read_pem(&printed).unwrap();
    assert_eq!(printed.len(), 2);
    assert!(printed.contains(&certificate.der().to_vec()));
    assert_eq!(export::export(&certificate, &path, Form::Der), certificate.der());
    let fingerprint =
        openssl(&["x509", "-inform", "DER", "-noout", "-fingerprint", "-sha1"], certificate.der());
    check::thumbprint(&certificate, fingerprint.trim().split_once('=').unwrap().1).unwrap();
}

#[test]
fn the_pem_copy_is_named_by_the_common_name() {
    let key = PrivateKey::generate(KeyKind::EcP256);
    let named = |name: Name| {
        let certificate = issue::self_signed(&template(name), Hash::Sha256, &key).unwrap();
        export::dot_zero_name(&certificate)
    };
    assert_eq!(named(Name::common("CAPF-5d9e2b")).as_deref(), Some("CAPF-5d9e2b.0"));
    assert_eq!(named(Name::common("../../etc/x y")).as_deref(), Some(".._.._etc_x_y.0"));
    assert_eq!(named(Name::common("..")), None);
    assert_eq!(named(Name::new([(Attribute::Organization, "O")])), None);
}

// R: MSG-01, AUTH-08
#[test]
fn each_broken_field_is_called_by_its_name() {
    for (der, fault) in broken_certificates() {
        let found = check::server_certificate(&der, today(), Keys::RsaOnly);
        assert_eq!(found, Err(fault.clone()));
    }
    // What just fits is not too long. (Only a self-signed certificate can be verified alone.)
    let check = |der: &[u8]| check::server_certificate(der, today(), Keys::RsaOnly);
    check(&with_part(SUBJECT, Name::common(&"x".repeat(253)).der())).unwrap();
    let fitting_key = with_part(PUBLIC_KEY, &spki(rsa_key(384)));
    assert_eq!(check(&fitting_key), Err(CertificateFault::Invalid(Field::Signature)));
}

#[test]
fn the_kind_of_key_is_checked_where_telephones_need_rsa() {
    let (_, certificate) = self_signed(KeyKind::EcP256, Hash::Sha256);
    let check = |keys| check::server_certificate(certificate.der(), today(), keys);
    assert_eq!(check(Keys::RsaOnly), Err(CertificateFault::NotRsa("EC 256".into())));
    check(Keys::RsaAndEc).unwrap();
    let missing = check::read("/nowhere.cer".as_ref());
    assert_eq!(missing, Err(CertificateFault::NoFile("/nowhere.cer".into())));
    let other = check::thumbprint(&certificate, "00:11").unwrap_err();
    assert!(matches!(other, CertificateFault::Thumbprint { expected, .. } if expected == "00:11"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_certificate_never_panics(
        position in 0usize..1000, value: u8, cut in 0usize..1000,
    ) {
        let (_, certificate) = self_signed(KeyKind::EcP256, Hash::Sha256);
        let mut der = certificate.der().to_vec();
        let length = der.len();
        der[position % length] = value;
        let _ = check::server_certificate(&der, today(), Keys::RsaAndEc);
        der.truncate(cut % length);
        prop_assert!(Certificate::parse(&der).is_err());
    }

    #[test]
    fn strangers_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Certificate::parse(&bytes);
        let _ = export::read_pem(&String::from_utf8_lossy(&bytes));
    }
}
