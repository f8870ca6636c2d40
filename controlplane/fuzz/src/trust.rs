//! Trust lists, signed files, certificates.

use pki::Certificate;
use tlv::{
    BuildError, CtlFile, Record, Role, SignatureModulus, SignedFile, Signing, Strictness, Trust,
};

/// A CTL file. A strict reader accepts nothing that a lenient one refuses, and the entries of
/// whatever was read can be written and read again.
pub fn list(bytes: &[u8]) {
    let strict = CtlFile::parse_with(bytes, Strictness::Strict);
    let Ok(list) = CtlFile::parse(bytes) else {
        assert!(strict.is_err(), "what is strictly right is right");
        return;
    };
    assert!(strict.is_err() || strict.as_ref() == Ok(&list));
    assert_eq!(list.as_bytes(), bytes);
    assert!(list.clone().verify(Trust::default()).is_err(), "nobody vouches for it");
    rewrite(&list);
    // Takes the whole way of a verification, whatever comes of it.
    let _ = list.leap_of_faith();
}

/// Builds the list anew. The signature is wrong, but the builder reads its file back before it
/// looks at that.
fn rewrite(list: &CtlFile) {
    let header = list.header();
    let modulus = SignatureModulus::Bits1024;
    let signing = Signing {
        signer: header.signer.clone(),
        digest: header.digest,
        modulus,
        timestamp: header.timestamp.unwrap_or_default(),
        signer_version: header.signer_version,
    };
    let mut records: Vec<Record> = list.records().to_vec();
    records.truncate(tlv::MAX_RECORDS - 1);
    let mut token = Record::bare(Role::Sast);
    token.serial = Some(header.signer.serial.clone());
    token.issuer = Some(header.signer.issuer.clone());
    records.push(token);
    match CtlFile::unsigned(signing, &records) {
        Err(error) => assert!(matches!(error, BuildError::TooLarge(_)), "{error}"),
        Ok(unsigned) => {
            let attached = unsigned.attach(&vec![0x5A; modulus.signature_len()]);
            assert!(matches!(attached, Err(BuildError::BadSignature(_))));
        }
    }
}

/// A `.sgn` file: header and payload are the file.
pub fn signed_file(bytes: &[u8]) {
    let strict = SignedFile::parse_with(bytes, Strictness::Strict);
    let Ok(file) = SignedFile::parse(bytes) else {
        assert!(strict.is_err(), "what is strictly right is right");
        return;
    };
    assert!(bytes.ends_with(file.payload()));
    assert!(file.verify("SEP001122334455.cnf.xml.sgn", Trust::default()).is_err());
}

/// A DER certificate. What decodes is kept byte for byte.
pub fn certificate(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::parse(bytes) {
        assert_eq!(certificate.der(), bytes);
        let _ = certificate.subject().trust_list_form();
        let _ = certificate.is_issued_by(&certificate);
    }
}
