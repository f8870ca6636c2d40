//! Certificates: made, read by others, broken field by field.

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lang::Language;
use messages::Explain;
use proptest::prelude::*;
use ringfence_pki::certificate::SignatureAlgorithm;
use ringfence_pki::check::{self, Keys};
use ringfence_pki::export::{self, Form};
use ringfence_pki::issue::{self, AlternativeName, Template, Usage};
use ringfence_pki::name::Attribute;
use ringfence_pki::{
    Certificate, CertificateFault, Field, Hash, Identity, KeyKind, Name, PrivateKey, Signer,
};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn today() -> SystemTime {
    UNIX_EPOCH + 35 * YEAR
}

fn template(subject: Name) -> Template {
    Template {
        subject,
        not_before: today(),
        validity: 20 * YEAR,
        usage: Usage::Server,
        alternative_names: vec![
            AlternativeName::Host("cm1".into()),
            AlternativeName::Address("192.0.2.10".parse().unwrap()),
            AlternativeName::Address("2001:db8::10".parse().unwrap()),
        ],
    }
}

fn self_signed(kind: KeyKind, hash: Hash) -> (PrivateKey, Certificate) {
    let key = PrivateKey::generate(kind);
    let certificate = issue::self_signed(&template(Name::common("cm1")), hash, &key).unwrap();
    (key, certificate)
}

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

/// Rebuilds a certificate with one part of its tbsCertificate replaced; the signature is then
/// wrong, which is looked at last.
fn with_part(part: usize, replacement: &[u8]) -> Vec<u8> {
    let (_, certificate) = self_signed(KeyKind::Rsa1024, Hash::Sha256);
    let outer = children(certificate.der());
    let mut tbs = children(&outer[0]);
    tbs[part] = replacement.to_vec();
    wrap(0x30, &[wrap(0x30, &tbs), outer[1].clone(), outer[2].clone()])
}

fn with_signature(replacement: Option<Vec<u8>>) -> Vec<u8> {
    let (_, certificate) = self_signed(KeyKind::Rsa1024, Hash::Sha256);
    let mut outer = children(certificate.der());
    outer.truncate(2);
    outer.extend(replacement);
    wrap(0x30, &outer)
}

/// The elements inside a DER element, headers included.
fn children(element: &[u8]) -> Vec<Vec<u8>> {
    let (header, _) = lengths(element);
    let mut rest = &element[header..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (header, content) = lengths(rest);
        let (one, more) = rest.split_at(header + content);
        found.push(one.to_vec());
        rest = more;
    }
    found
}

fn lengths(element: &[u8]) -> (usize, usize) {
    match element[1] {
        short @ 0..0x80 => (2, short.into()),
        long => {
            let count = usize::from(long & 0x7f);
            let content = element[2..2 + count].iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
            (2 + count, content)
        }
    }
}

fn wrap(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => [vec![0x82], (long as u16).to_be_bytes().to_vec()].concat(),
    };
    [vec![tag], length, content].concat()
}

fn validity(from: &str, until: &str) -> Vec<u8> {
    let time = |text: &str| wrap(0x17, &[text.as_bytes().to_vec()]);
    wrap(0x30, &[time(from), time(until)])
}

fn spki(key: Vec<u8>) -> Vec<u8> {
    let rsa = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0].to_vec();
    wrap(0x30, &[wrap(0x30, &[rsa]), wrap(0x03, &[vec![0], key])])
}

fn rsa_key(modulus_bytes: usize) -> Vec<u8> {
    let modulus = [vec![0, 0xff], vec![0xaf; modulus_bytes - 1]].concat();
    wrap(0x30, &[wrap(2, &[modulus]), wrap(2, &[vec![1, 0, 1]])])
}

// Parts of a tbsCertificate, version included.
const SERIAL: usize = 1;
const INNER_ALGORITHM: usize = 2;
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const PUBLIC_KEY: usize = 6;

// R: MSG-01, AUTH-08
#[test]
fn each_broken_field_is_called_by_its_name() {
    use CertificateFault::{Invalid, Missing, TooLong};
    let empty_name = wrap(0x30, &[]);
    let long_name = Name::common(&"x".repeat(254));
    let fitting_name = Name::common(&"x".repeat(253));
    let broken_name = wrap(0x31, &[]);
    let md5 = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4, 5, 0].to_vec();
    let cases = [
        (with_part(ISSUER, &empty_name), Missing(Field::IssuerName)),
        (with_part(ISSUER, &broken_name), Invalid(Field::IssuerName)),
        (with_part(ISSUER, long_name.der()), TooLong(Field::IssuerName)),
        (with_part(SUBJECT, &empty_name), Missing(Field::SubjectName)),
        (with_part(SUBJECT, &broken_name), Invalid(Field::SubjectName)),
        (with_part(SUBJECT, long_name.der()), TooLong(Field::SubjectName)),
        (with_part(SERIAL, &[2, 0]), Missing(Field::SerialNumber)),
        (with_part(SERIAL, &[2, 1, 0x80]), Invalid(Field::SerialNumber)),
        (with_part(SERIAL, &wrap(2, &[vec![1; 257]])), TooLong(Field::SerialNumber)),
        (with_part(PUBLIC_KEY, &spki(Vec::new())), Missing(Field::PublicKey)),
        (with_part(PUBLIC_KEY, &spki(vec![1, 2, 3])), Invalid(Field::PublicKey)),
        (with_part(PUBLIC_KEY, &spki(rsa_key(512))), TooLong(Field::PublicKey)),
        (with_signature(None), Missing(Field::Signature)),
        (with_signature(Some(wrap(3, &[vec![0]]))), Missing(Field::Signature)),
        (with_signature(Some(wrap(4, &[vec![0; 128]]))), Invalid(Field::Signature)),
        (with_signature(Some(wrap(3, &[vec![0; 1026]]))), TooLong(Field::Signature)),
        (with_signature(Some(wrap(3, &[vec![0; 129]]))), Invalid(Field::Signature)),
        (
            with_part(VALIDITY, &validity("200101000000Z", "199901000000Z")),
            CertificateFault::Date { from: "?".into(), until: "?".into() },
        ),
        (
            with_part(VALIDITY, &validity("040101000000Z", "030101000000Z")),
            CertificateFault::Date { from: "2004-01-01".into(), until: "2003-01-01".into() },
        ),
        (
            with_part(VALIDITY, &validity("440101000000Z", "450101000000Z")),
            CertificateFault::Date { from: "2044-01-01".into(), until: "2045-01-01".into() },
        ),
        (
            with_part(VALIDITY, &validity("990101000000Z", "001231000000Z")),
            CertificateFault::Expired { until: "2000-12-31".into() },
        ),
    ];
    for (der, fault) in cases {
        let found = check::server_certificate(&der, today(), Keys::RsaOnly);
        assert_eq!(found, Err(fault.clone()));
        for language in Language::ALL {
            assert!(!fault.explain(language).text.contains('{'), "{fault:?}");
        }
    }
    // What just fits is not too long. (Only a self-signed certificate can be verified alone.)
    let check = |der: &[u8]| check::server_certificate(der, today(), Keys::RsaOnly);
    check(&with_part(SUBJECT, fitting_name.der())).unwrap();
    let fitting_key = with_part(PUBLIC_KEY, &spki(rsa_key(384)));
    assert_eq!(check(&fitting_key), Err(Invalid(Field::Signature)));
    let mut unknown = children(&with_part(INNER_ALGORITHM, &md5));
    unknown[1] = md5;
    assert_eq!(
        check::server_certificate(&wrap(0x30, &unknown), today(), Keys::RsaOnly),
        Err(CertificateFault::SignatureAlgorithm("1.2.840.113549.1.1.4".into()))
    );
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
