//! Files that are wrong in every way the format allows.

mod common;

use common::{cluster, node, text, token};
use proptest::prelude::*;
use ringfence_tlv::{
    BuildError, CtlFile, Defect, FieldError, PublicKey, Record, RecordField, Role, Serial,
    SignedFile, Strictness, Text,
};

fn ctl() -> Vec<u8> {
    token(1).sign_ctl(&cluster()).as_bytes().to_vec()
}

fn defect(bytes: Vec<u8>, strictness: Strictness) -> Option<Defect> {
    CtlFile::parse_with(bytes, strictness).err().map(|error| error.defect)
}

/// The file with `bytes` in front of offset `at` of the header, and HEADER_LENGTH to match.
fn with_header_element(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = ctl();
    file.splice(at..at, bytes.iter().copied());
    let len = u16::from_be_bytes([file[8], file[9]]) + bytes.len() as u16;
    file[8..10].copy_from_slice(&len.to_be_bytes());
    file
}

/// Offset of the first occurrence.
fn find(file: &[u8], wanted: &[u8]) -> usize {
    file.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

#[test]
fn every_cut_of_a_list_is_refused() {
    let file = ctl();
    let records = CtlFile::parse(file.clone()).unwrap();
    let mut ends = vec![];
    let mut at = usize::from(u16::from_be_bytes([file[8], file[9]]));
    for _ in records.records() {
        ends.push(at);
        at += usize::from(u16::from_be_bytes([file[at + 3], file[at + 4]]));
    }
    for cut in 0..file.len() {
        let parsed = CtlFile::parse(file[..cut].to_vec());
        match ends.contains(&cut) {
            // whole records are missing: that parses, and the signature says so
            true => drop(parsed.unwrap().leap_of_faith().unwrap_err()),
            false => drop(parsed.unwrap_err()),
        }
    }
}

#[test]
fn each_defect_is_named() {
    use Defect::*;
    use Strictness::{Lenient, Strict};
    let changed = |at: usize, byte: u8| {
        let mut file = ctl();
        file[at] = byte;
        file
    };
    let file = ctl();
    let info = find(&file, &[0x07, 0x00, 0x0F]);
    let file_name = find(&file, b"\x0E\x00\x0CCTLFile.tlv\0");
    let body = usize::from(u16::from_be_bytes([file[8], file[9]]));

    for strictness in [Lenient, Strict] {
        let is = |file: Vec<u8>, expected| {
            assert_eq!(defect(file, strictness), Some(expected));
        };
        is(vec![], TooShort);
        is(b"<html>404 not found</html>".to_vec(), NoPreamble);
        is(changed(0, 2), NoPreamble);
        is(changed(5, 3), NoPreamble);
        is(changed(2, 3), NoPreamble);
        is(changed(8, 0xFF), HeaderLength);
        is([&file[..8], &[0, 9], &file[10..]].concat(), HeaderLength);
        is(changed(11, 0xFF), Overrun(3));
        // a child longer than its container, though not longer than the header
        is(changed(15, 0x70), Overrun(4));
        is(changed(info + 6, 9), DigestAlgorithm(9));
        is(changed(info + 13, 1), SignatureAlgorithm(1));
        is(changed(info + 17, 9), SignatureModulus(9));
        is(changed(info + 17, 2), SignatureLength);
        is(with_header_element(file_name, &[0x0F, 0, 4, 0, 0, 0, 0]), Duplicate(0x0F));
        is(with_header_element(10, &[0x1C, 0, 1, 1]), Length(0x1C));
        is(changed(body, 2), RecordLength);
        is(changed(body + 3, 0xFF), RecordLength);
        is([&file[..], &[1, 0, 2, 0, 4]].concat(), RecordLength);
        is([&file[..], &[1, 0, 2, 0, 5]].concat(), Missing(4));
        is([&file[..], &[1, 0, 2, 0, 11, 10, 0, 3, 1, 2, 3]].concat(), Length(10));
        is([&file[..], &[1, 0, 2, 0, 13, 2, 0, 5, b'a', 0, b'b', 0, 0]].concat(), Unterminated(2));
        is([&file[..], &[0]].concat(), RecordLength);
        is(vec![0; 75 * 1024 + 1], TooLarge);
    }
}

#[test]
fn what_phones_overlook_only_a_strict_reader_refuses() {
    let file = ctl();
    let timestamp = find(&file, &[0x0F, 0x00, 0x04]);
    let unknown_in_header = with_header_element(timestamp, &[0x40, 0, 1, 7]);
    let junk_after_pad = with_header_element(timestamp + 7, &[0x0D, 0xFF, 0xFF]);
    let unknown_in_record = [&file[..], &[1, 0, 2, 0, 14, 4, 0, 2, 0, 9, 0x20, 0, 1, 7]].concat();
    let no_nul = [&file[..], &[1, 0, 2, 0, 14, 4, 0, 2, 0, 9, 2, 0, 1, b'h']].concat();
    let cases = [
        (unknown_in_header, Defect::UnknownTag(0x40)),
        (junk_after_pad, Defect::Padding),
        (unknown_in_record, Defect::UnknownTag(0x20)),
        (no_nul, Defect::Unterminated(2)),
    ];
    for (file, expected) in cases {
        assert_eq!(defect(file.clone(), Strictness::Lenient), None, "{expected}");
        assert_eq!(defect(file, Strictness::Strict), Some(expected));
    }
}

// R: CTL-08
#[test]
fn a_list_holds_100_records_and_75_kilobytes() {
    let mut records = vec![token(1).record(Role::Sast)];
    records.resize(100, Record::bare(Role::Tftp));
    let full = token(1).sign_ctl(&records);
    assert_eq!(full.records().len(), 100);

    records.push(Record::bare(Role::Tftp));
    let refused = CtlFile::unsigned(token(1).signing(), &records).unwrap_err();
    assert_eq!(refused, BuildError::TooManyRecords(101));
    let one_more = [full.as_bytes(), &[1, 0, 2, 0, 10, 4, 0, 2, 0, 3]].concat();
    assert_eq!(defect(one_more, Strictness::Lenient), Some(Defect::TooManyRecords));

    let server = |len| Record { certificate: Some(vec![0x30; len]), ..Record::bare(Role::Tftp) };
    let mut records = vec![token(1).record(Role::Sast)];
    records.resize(11, server(8000));
    let len = match CtlFile::unsigned(token(1).signing(), &records).unwrap_err() {
        BuildError::TooLarge(len) => len,
        other => panic!("{other}"),
    };
    records[10] = server(8000 - (len - 75 * 1024));
    assert_eq!(token(1).sign_ctl(&records).as_bytes().len(), 75 * 1024);
    records[10] = server(8000 - (len - 75 * 1024) + 1);
    let refused = CtlFile::unsigned(token(1).signing(), &records).unwrap_err();
    assert_eq!(refused, BuildError::TooLarge(75 * 1024 + 1));
}

#[test]
fn fields_have_the_limits_of_the_client() {
    assert_eq!(Text::new("n".repeat(257)), Err(FieldError::TooLong { limit: 256 }));
    assert_eq!(Text::new("a\0b"), Err(FieldError::Nul));
    assert_eq!(Serial::new(vec![1; 257]), Err(FieldError::TooLong { limit: 256 }));
    assert_eq!(PublicKey::new(vec![1; 513]), Err(FieldError::TooLong { limit: 512 }));
    let long = Record { signature: Some(vec![0; 1025]), ..node().record(Role::CcmTftp) };
    let refused = CtlFile::unsigned(token(1).signing(), &[token(1).record(Role::Sast), long]);
    let expected = BuildError::Field {
        record: 1,
        field: RecordField::Signature,
        error: FieldError::TooLong { limit: 1024 },
    };
    assert_eq!(refused.unwrap_err(), expected);
}

#[test]
fn text_from_a_file_cannot_command_a_terminal() {
    assert_eq!(text("a\x1b[2Jb").to_string(), "a\\u{1b}[2Jb");
}

prop_compose! {
    fn any_record()(
        role in 0u16..25,
        host in proptest::option::of("[a-z0-9.]{0,40}"),
        names in proptest::option::of(("[ -~]{0,256}", "[ -~]{0,256}")),
        serial in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..32)),
        key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        signature in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        certificate in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..900)),
        address in proptest::option::of(any::<std::net::IpAddr>()),
    ) -> Record {
        let (subject, issuer) = names.unzip();
        Record {
            dns_name: host.map(|host| text(&host)),
            subject: subject.map(|name| text(&name)),
            issuer: issuer.map(|name| text(&name)),
            serial: serial.map(|serial| Serial::new(serial).unwrap()),
            public_key: key.map(|key| PublicKey::new(key).unwrap()),
            signature,
            certificate,
            address,
            ..Record::bare(Role::from_code(role))
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(records in proptest::collection::vec(any_record(), 0..20)) {
        let mut records = records;
        records.push(token(1).record(Role::Sast));
        let ctl = token(1).sign_ctl(&records);
        prop_assert_eq!(ctl.records(), &records[..]);
        let again = CtlFile::parse_with(ctl.to_bytes(), Strictness::Strict).unwrap();
        prop_assert_eq!(&again, &*ctl);
    }

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = CtlFile::parse(noise.clone());
        let _ = SignedFile::parse(noise);
    }

    #[test]
    fn a_damaged_list_never_panics(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut file = token(1).sign_ctl(&cluster()).as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(list) = CtlFile::parse(file) {
            let _ = list.leap_of_faith();
        }
    }
}
