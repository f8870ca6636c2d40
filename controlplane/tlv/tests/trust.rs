//! Who may replace a list, sign a file, and what any change to a file does.

mod common;

use common::{cluster, image, node, token};
use ringfence_tlv::{
    BuildError, CtlFile, DigestAlgorithm, FileKind, ItlFile, Record, Role, SignedFile, Signing,
    Trust, VerifyError,
};

const CONFIG: &str = "SEP0011223344AA.cnf.xml.sgn";

// R: CTL-05
#[test]
fn a_list_is_replaced_only_by_one_that_a_known_token_signed() {
    let first = token(1).sign_ctl(&cluster());
    let trust = Trust::in_ctl(&first);

    let by_second_token = token(2).sign_ctl(&cluster()).into_inner();
    by_second_token.verify(trust).unwrap();

    let mut with_new_token = cluster();
    with_new_token.push(token(3).record(Role::Sast));
    let by_known_token = token(1).sign_ctl(&with_new_token).into_inner();
    by_known_token.verify(trust).unwrap();

    // intact, signed by one of its own tokens, but that token is new
    let by_new_token = token(3).sign_ctl(&with_new_token).into_inner();
    let refused = by_new_token.verify(trust).unwrap_err();
    assert_eq!(refused, VerifyError::UnknownSigner(token(3).id()));
}

#[test]
fn a_node_cannot_sign_lists_and_a_token_cannot_sign_files() {
    let ctl = token(1).sign_ctl(&cluster());
    let mut promoted = cluster();
    promoted.push(node().record(Role::Sast));
    let by_node = node().sign_ctl(&promoted).into_inner();
    let refused = by_node.verify(Trust::in_ctl(&ctl)).unwrap_err();
    assert_eq!(refused, VerifyError::UnknownSigner(node().id()));

    let by_token = token(1).sign_file(FileKind::Provisioning, CONFIG, b"<device/>").into_inner();
    let refused = by_token.verify(CONFIG, Trust::in_ctl(&ctl)).unwrap_err();
    assert_eq!(refused, VerifyError::UnknownSigner(token(1).id()));
}

#[test]
fn an_itl_is_trusted_through_the_ctl_and_then_speaks_for_itself() {
    let ctl = token(1).sign_ctl(&cluster());
    let records =
        [token(1).record(Role::Sast), node().record(Role::Sast), node().record(Role::Tftp)];
    let unsigned = ItlFile::unsigned(token(1).signing(), &records).unwrap();
    let signature = token(1).sign(unsigned.digest(), unsigned.to_be_signed());
    let file = unsigned.attach(&signature).unwrap().into_inner();
    let itl = file.verify(Trust::in_ctl(&ctl)).unwrap();

    let next = node().sign_ctl(&records).into_inner();
    next.clone().verify(Trust::in_ctl(&ctl)).unwrap_err();
    next.verify(Trust { ctl: Some(&ctl), itl: Some(&itl) }).unwrap();
}

// R: CTL-18
#[test]
fn one_changed_bit_anywhere_makes_a_list_corrupt() {
    let ctl = token(1).sign_ctl(&cluster());
    for at in 0..ctl.as_bytes().len() {
        let mut bytes = ctl.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        // a changed length or tag may already fail to parse; what parses must not verify
        if let Ok(list) = CtlFile::parse(bytes) {
            assert!(list.clone().verify(Trust::in_ctl(&ctl)).is_err(), "offset {at:#x}");
            assert!(list.leap_of_faith().is_err(), "offset {at:#x}");
        }
    }
}

// R: AUTH-04
#[test]
fn a_signed_file_verifies_only_untouched_and_under_its_own_name() {
    let ctl = token(1).sign_ctl(&cluster());
    let trust = Trust::in_ctl(&ctl);
    let file = node().sign_file(FileKind::Provisioning, CONFIG, b"<device/>\r\n");
    assert_eq!(file.payload(), b"<device/>\r\n");

    let again = SignedFile::parse(file.to_bytes()).unwrap();
    again.clone().verify(CONFIG, trust).unwrap();
    let other = again.verify("SEP0011223344BB.cnf.xml.sgn", trust).unwrap_err();
    assert!(matches!(other, VerifyError::FileName { .. }), "{other}");

    for at in 0..file.as_bytes().len() {
        let mut bytes = file.as_bytes().to_vec();
        bytes[at] ^= 0x10;
        let accepted =
            SignedFile::parse(bytes).is_ok_and(|file| file.verify(CONFIG, trust).is_ok());
        assert!(!accepted, "offset {at:#x}");
    }
}

// R: CTL-06
#[test]
fn entries_without_certificates_end_the_request_for_signed_files() {
    let mut records = cluster();
    records[2] = records[2].without_certificate();
    let ctl = token(1).sign_ctl(&records);
    assert!(!ctl.wants_signed_files() && !ctl.has_call_manager_certificate());
    assert_eq!(ctl.records()[2].dns_name, node().record(Role::CcmTftp).dns_name);

    // yet the tokens stay complete: the next list is still accepted
    token(2).sign_ctl(&cluster()).into_inner().verify(Trust::in_ctl(&ctl)).unwrap();

    // and what the node signs is refused for want of a key, not taken on faith
    let mut named = cluster();
    named[2].public_key = None;
    let ctl = token(1).sign_ctl(&named);
    let file = node().sign_file(FileKind::Provisioning, CONFIG, b"").into_inner();
    let refused = file.verify(CONFIG, Trust::in_ctl(&ctl)).unwrap_err();
    assert_eq!(refused, VerifyError::NoPublicKey(node().id()));
}

// R: AUTH-01
#[test]
fn firmware_is_checked_with_the_key_built_into_the_phone() {
    let name = "SCCP70.lab.loads";
    let signed = image().sign_file(FileKind::Image, name, b"jar70sccp.lab.sbn\r\n").into_inner();
    assert_eq!(signed.header().timestamp, None);
    signed.clone().verify_with(name, &image().public_key()).unwrap();
    let other_key = signed.verify_with(name, &node().public_key()).unwrap_err();
    assert_eq!(other_key, VerifyError::BadSignature);
}

#[test]
fn every_digest_and_no_other_signs() {
    for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        let signing = Signing { digest, ..token(1).signing() };
        let unsigned = CtlFile::unsigned(signing, &cluster()).unwrap();
        for used in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let signature = token(1).sign(used, unsigned.to_be_signed());
            let attached = unsigned.clone().attach(&signature);
            match used == digest {
                true => assert_eq!(attached.unwrap().header().digest, digest),
                false => assert_eq!(attached.unwrap_err(), BuildError::BadSignature(digest)),
            }
        }
    }
}

#[test]
fn a_list_without_its_signer_is_not_built() {
    let records: Vec<Record> = vec![token(2).record(Role::Sast), node().record(Role::CcmTftp)];
    let refused = CtlFile::unsigned(token(1).signing(), &records).unwrap_err();
    assert_eq!(refused, BuildError::SignerNotListed(token(1).id()));
}

#[test]
fn a_signature_of_the_wrong_size_or_key_is_not_attached() {
    let unsigned = CtlFile::unsigned(token(1).signing(), &cluster()).unwrap();
    let long = unsigned.clone().attach(&[0; 256]).unwrap_err();
    assert_eq!(long, BuildError::SignatureLength { expected: 128, found: 256 });
    let foreign = token(2).sign(unsigned.digest(), unsigned.to_be_signed());
    let foreign = unsigned.attach(&foreign).unwrap_err();
    assert_eq!(foreign, BuildError::BadSignature(DigestAlgorithm::Sha1));
}
