//! Files made by other software, and lengths from published listings.

mod common;

use common::{hex, text, unhex};
use ringfence_tlv::{
    CtlFile, DigestAlgorithm, FileKind, PublicKey, Record, Role, Serial, SignatureModulus,
    SignedFile, SignerId, Signing, Strictness, Trust, Version,
};

fn genuine_ctl() -> CtlFile {
    let file = unhex(include_str!("data/ctl-two-records.hex"));
    CtlFile::parse_with(file, Strictness::Strict).unwrap()
}

// R: CTL-01
#[test]
fn a_ctl_made_elsewhere_says_what_it_should() {
    let ctl = genuine_ctl();
    let header = ctl.header();
    assert_eq!(header.version, Version::TRUST_LIST);
    assert_eq!(header.signer_version, None);
    assert_eq!(
        header.signer.to_string(),
        "CN=sast-1;OU=Lab;O=Example, serial 6A0001 of CN=sast-1;OU=Lab;O=Example"
    );
    assert_eq!(header.digest, DigestAlgorithm::Sha1);
    assert_eq!(header.modulus, SignatureModulus::Bits1024);
    assert_eq!(header.file_name, text("CTLFile.tlv"));
    assert_eq!(header.timestamp, Some(1_100_000_000));

    let [token, node] = ctl.records() else { panic!("two records") };
    assert_eq!((token.role, node.role), (Role::Sast, Role::CcmTftp));
    assert!(token.dns_name.as_ref().unwrap().is_empty());
    assert_eq!(node.dns_name, Some(text("cm1")));
    assert_eq!(node.subject, Some(text("CN=ccm-1;OU=Lab;O=Example")));
    assert_eq!(node.issuer, node.subject);
    assert_eq!(node.serial.as_ref().unwrap().to_string(), "C0FFEE01");
    assert_eq!(node.public_key.as_ref().unwrap().as_bytes().len(), 140);
    assert_eq!(node.signature.as_ref().unwrap().len(), 128);
    assert_eq!(node.certificate.as_ref().unwrap().len(), 500);
    assert_eq!(node.address.unwrap().to_string(), "192.0.2.10");
    assert!(ctl.wants_signed_files() && ctl.has_call_manager_certificate());
}

// R: CTL-17
#[test]
fn digests_of_the_whole_file_are_those_a_phone_shows() {
    let ctl = genuine_ctl();
    assert_eq!(hex(&ctl.md5()), "910f8e420915a235e1df88aac45e105b");
    assert_eq!(hex(&ctl.sha1()), "e20a3e98f8be80ff963514232b324f3c8ab28cb1");
}

#[test]
fn our_builder_makes_the_same_ctl_byte_for_byte() {
    let ctl = genuine_ctl();
    let header = ctl.header().clone();
    let signing = Signing {
        signer: header.signer,
        digest: header.digest,
        modulus: header.modulus,
        timestamp: header.timestamp.unwrap(),
        signer_version: header.signer_version,
    };
    let unsigned = CtlFile::unsigned(signing, ctl.records()).unwrap();
    assert_eq!(unsigned.to_be_signed().len(), 1851);
    assert_eq!(unsigned.signed_len(), 1982);
    // the signature is deterministic, so the original one fits what we built
    let rebuilt = unsigned.attach(&ctl.as_bytes()[0x64..0xE4]).unwrap();
    assert_eq!(rebuilt.as_bytes(), ctl.as_bytes());
}

#[test]
fn signed_and_encrypted_files_made_elsewhere_verify_with_the_node_key() {
    let ctl = genuine_ctl();
    let key = ctl.records()[1].public_key.clone().unwrap();

    let config = unhex(include_str!("data/config.sgn.hex"));
    let config = SignedFile::parse_with(config, Strictness::Strict).unwrap();
    let config = config.verify_with("SEP001122334455.cnf.xml.sgn", &key).unwrap();
    assert_eq!(config.header().version, Version::SIGNED_FILE);
    assert_eq!(config.payload(), b"<device><fullConfig>true</fullConfig></device>\r\n");

    let encrypted = unhex(include_str!("data/config.enc.sgn.hex"));
    let encrypted = SignedFile::parse_with(encrypted, Strictness::Strict).unwrap();
    let encrypted = encrypted.verify_with("SEP001122334455.cnf.xml.enc.sgn", &key).unwrap();
    assert_eq!(encrypted.header().version, Version::ENCRYPTED);
    assert_eq!(encrypted.payload().len(), 352);
}

#[test]
fn a_signer_written_with_other_separators_is_another_signer() {
    // names are opaque: the header's commas do not match the record's semicolons
    let ctl = genuine_ctl().leap_of_faith().unwrap();
    let config = SignedFile::parse(unhex(include_str!("data/config.sgn.hex"))).unwrap();
    let refused = config.verify("SEP001122334455.cnf.xml.sgn", Trust::in_ctl(&ctl)).unwrap_err();
    assert!(refused.to_string().contains("CN=ccm-1,OU=Lab,O=Example"), "{refused}");
}

/// Names and serials of the given lengths, as strings with their NUL count in a file.
fn signer(name: usize, serial: usize, issuer: usize) -> SignerId {
    SignerId {
        name: text(&"n".repeat(name - 1)),
        serial: Serial::new(vec![1; serial]).unwrap(),
        issuer: text(&"i".repeat(issuer - 1)),
    }
}

fn record(lengths: [Option<usize>; 8], address: bool) -> Record {
    let [dns, subject, issuer, serial, key, signature, certificate, _] = lengths;
    let string = |len: Option<usize>, fill: &str| len.map(|len| text(&fill.repeat(len - 1)));
    Record {
        dns_name: string(dns, "d"),
        subject: string(subject, "n"),
        issuer: string(issuer, "i"),
        serial: serial.map(|len| Serial::new(vec![1; len]).unwrap()),
        public_key: key.map(|len| PublicKey::new(vec![0x30; len]).unwrap()),
        signature: signature.map(|len| vec![0; len]),
        certificate: certificate.map(|len| vec![0x30; len]),
        address: address.then(|| [192, 0, 2, 1].into()),
        ..Record::bare(Role::Sast)
    }
}

fn len_of_ctl(signer: SignerId, records: &[Record]) -> usize {
    let signing = Signing {
        signer,
        digest: DigestAlgorithm::Sha1,
        modulus: SignatureModulus::Bits1024,
        timestamp: 0,
        signer_version: None,
    };
    CtlFile::unsigned(signing, records).unwrap().signed_len()
}

#[test]
fn lengths_are_those_of_published_listings() {
    // a list signed by a USB token: header 304, records without the certificate's signature
    let usb = [Some(1), Some(56), Some(42), Some(10), Some(140), None, Some(902), None];
    let tokens = [record(usb, true), record(usb, true)];
    assert_eq!(len_of_ctl(signer(56, 10, 42), &tokens), 304 + 1186 + 1186);

    let node = Record {
        dns_name: Some(text("192.168.1.10")),
        address: Some([192, 168, 1, 10].into()),
        ..Record::bare(Role::CcmTftp)
    };
    let capf = [Some(13), Some(60), Some(60), Some(16), Some(140), None, Some(680), None];
    let capf = Record { role: Role::Capf, ..record(capf, true) };
    let [first, second] = tokens;
    let records = [first, second, node.clone(), capf, node];
    assert_eq!(len_of_ctl(signer(56, 10, 42), &records), 3746);

    // a tokenless one: header 336, complete records
    let sast = [Some(16), Some(62), Some(62), Some(16), Some(140), Some(128), Some(694), None];
    assert_eq!(len_of_ctl(signer(62, 16, 62), &[record(sast, true)]), 336 + 1156);
}

#[test]
fn a_genuine_firmware_header_parses() {
    let mut file = unhex("0100020101 020002019C 03005B 040027");
    file.extend(b"CN=someSigner;OU=someOrgUnit;O=someOrg\0");
    file.extend(unhex("0500081234567890ABCDEF 060023"));
    file.extend(b"CN=someCA;OU=someOrgUnit;O=someOrg\0");
    file.extend(unhex("07000F 08000101 090008 0A000100 0B000102 0C0100"));
    file.extend([0x5A; 256]);
    file.extend(unhex("0E0019"));
    file.extend(b"SCCP70.9-4-2SR3-1S.loads\0\x0D\x0D\x0D");
    assert_eq!(file.len(), 412);
    file.extend(b"jar70sccp.9-4-2ES26.sbn\r\n");

    let image = SignedFile::parse_with(file, Strictness::Strict).unwrap();
    assert_eq!(image.header().version, FileKind::Image.version());
    assert_eq!(image.header().timestamp, None);
    assert_eq!(image.payload(), b"jar70sccp.9-4-2ES26.sbn\r\n");
}
