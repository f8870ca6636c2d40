//! Messages and their bytes.

use proptest::prelude::*;
use ringfence_capf::codec::{
    AuthRes, AuthType, Body, CertificateEntry, CertificateType, Command, Curve, DecodeError,
    Decoder, Digest, Element, EncodeError, KeyAnswer, KeySpec, Message, Password, Reason,
    RetryDelay, SessionId, Signed, Sudi, Tag, Text,
};

/// Recorded messages: who sent them, what they are, their bytes.
pub fn recorded() -> Vec<(String, String, Vec<u8>)> {
    let lines = include_str!("../data/sessions.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let [from, command, bytes]: [&str; 3] =
                line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            (from.to_owned(), command.to_owned(), unhex(bytes))
        })
        .collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.trim().chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Everything that the bytes hold, cut into pieces of this size.
fn decode(bytes: &[u8], piece: usize) -> Result<Vec<Message>, DecodeError> {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            if let Some(frame) = decoder.read(&mut piece)? {
                messages.push(Message::read(&frame)?);
            }
        }
    }
    assert!(!decoder.is_amid_frame());
    Ok(messages)
}

fn one(bytes: &[u8]) -> Result<Message, DecodeError> {
    decode(bytes, bytes.len()).map(|messages| messages.into_iter().next().unwrap())
}

fn frame(command: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x55, command, 0, 0, 0, 1], &length[..], body].concat()
}

#[test]
fn recorded_messages_are_read_and_written_byte_by_byte() {
    let recorded = recorded();
    assert_eq!(recorded.len(), 43);
    for (_, command, bytes) in &recorded {
        let message = one(bytes).unwrap();
        assert_eq!(message.body.command().to_string(), *command);
        assert_eq!(message.others, []);
        assert_eq!(*message.to_bytes().unwrap(), *bytes, "{message}");
    }
    // However TLS cuts them, they are the same.
    let stream: Vec<u8> = recorded.iter().flat_map(|(_, _, bytes)| bytes.clone()).collect();
    let whole = decode(&stream, stream.len()).unwrap();
    assert_eq!(whole.len(), recorded.len());
    for piece in [1, 2, 7, 8, 9, 1000] {
        assert_eq!(decode(&stream, piece).unwrap(), whole);
    }
}

#[test]
fn recorded_values_are_understood() {
    let find = |session: u32, command: Command| {
        let mut messages = recorded().into_iter().map(|(_, _, bytes)| one(&bytes).unwrap());
        messages
            .find(|it| it.session == SessionId(session) && it.body.command() == command)
            .unwrap()
    };
    let asked = find(1, Command::AUTH_REQ).body;
    let expected = Body::AuthReq { version: Some(3), auth_type: Some(AuthType::UNDECIDED) };
    assert_eq!(asked, expected);
    let Body::AuthRes(answer) = find(2, Command::AUTH_RES).body else { panic!() };
    let password = answer.password.as_ref().unwrap();
    assert!(password.is("1234567") && !password.is("123456") && !password.is("7654321"));
    assert_eq!(answer.device_name.as_ref().unwrap().as_str(), Some("SEP001122334455"));
    let Body::AuthRes(answer) = find(4, Command::AUTH_RES).body else { panic!() };
    let [entry] = &answer.certificates[..] else { panic!() };
    assert_eq!((entry.kind, entry.der.len()), (CertificateType::LSC, 732));
    let sudi = answer.sudi.unwrap();
    assert_eq!(sudi.certificate, entry.der);
    assert_eq!((sudi.sha1.len(), sudi.sha512.len()), (128, 128));
    let signed = answer.sha2_signed_data.unwrap();
    assert_eq!((signed.digest, signed.signature.len()), (Digest::SHA512, 128));
    assert!(answer.password.unwrap().is_null());
    let asked = find(5, Command::KEY_GEN_REQ).body;
    assert_eq!(asked, Body::KeyGenReq { key: KeySpec::Ec(Curve::P256), typed: true });
    let asked = find(1, Command::KEY_GEN_REQ).body;
    assert_eq!(asked, Body::KeyGenReq { key: KeySpec::Rsa(1024), typed: true });
}

#[test]
fn messages_of_early_phones_have_the_sizes_that_were_measured() {
    let length = |body| Message::new(SessionId(1), body).to_bytes().unwrap().len();
    assert_eq!(length(Body::AuthReq { version: Some(3), auth_type: None }), 12);
    assert_eq!(length(Body::KeyGenReq { key: KeySpec::Rsa(1024), typed: false }), 13);
    assert_eq!(length(Body::DeleteCertReq), 8);
    assert_eq!(length(Body::DeleteCertRes(Reason::SUCCESS)), 12);
    assert_eq!(length(Body::RequestInProgress(None)), 8);
    let answer = AuthRes {
        reason: Some(Reason::SUCCESS),
        password: Some(Password::null()),
        device_name: Text::new("SEP001122334455"),
        ..AuthRes::default()
    };
    assert_eq!(length(Body::AuthRes(Box::new(answer))), 35);
}

// R: LOG-01
#[test]
fn a_trace_names_secrets_and_does_not_show_them() {
    for (_, _, bytes) in recorded() {
        let message = one(&bytes).unwrap();
        for text in [message.to_string(), format!("{message:?}")] {
            assert!(!text.contains("1234567") && !text.contains("7654321"), "{text}");
        }
        assert!(message.to_string().len() < 300, "a line for a trace: {message}");
    }
    let messages = recorded().into_iter().map(|(_, _, bytes)| one(&bytes).unwrap().to_string());
    let lines: Vec<_> = messages.collect();
    let expected = "AUTH_RES session 00000002: DEVICE_NAME SEP001122334455, REASON 1 (success), \
                    VERSION 3, PASSWORD hidden";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    // Nor where nobody expects one.
    let stray = one(&frame(10, b"\x01\0\x01\x01\x0b\0\x0588888")).unwrap();
    assert_eq!(stray.others.len(), 1);
    for text in [stray.to_string(), format!("{stray:?}")] {
        assert!(text.contains("PASSWORD [5 bytes]") && !text.contains("88888"), "{text}");
    }
}

#[test]
fn unknown_elements_and_commands_are_carried_and_never_interpreted() {
    let bytes = frame(15, b"\x7f\0\x03abc\x01\0\x01\x09\x05\0\0");
    let message = one(&bytes).unwrap();
    assert_eq!(message.body, Body::EndSession { reason: Reason::UNKNOWN_DEVICE, info: None });
    let others =
        [(0x7f, b"abc".to_vec()), (5, vec![])].map(|(tag, value)| Element { tag: Tag(tag), value });
    assert_eq!(message.others, others);
    assert_eq!(one(&message.to_bytes().unwrap()).unwrap(), message);
    for command in [0, 5, 6, 7, 8, 18, 19, 20, 21, 22, 23, 24, 255] {
        // Not even elements.
        let bytes = frame(command, b"\x01\xff");
        let message = one(&bytes).unwrap();
        assert_eq!(message.body, Body::Opaque(Command(command), b"\x01\xff".to_vec()));
        assert_eq!(*message.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn malformed_bytes_are_named_errors() {
    let wrong = |command: Command, body: &[u8], expected: DecodeError| {
        assert_eq!(one(&frame(command.0, body)), Err(expected), "{expected}");
    };
    assert_eq!(one(b"GET / HTTP/1.1"), Err(DecodeError::ProtocolId(b'G')));
    let too_long = [&frame(1, b"")[..6], &[0x40, 0x01]].concat();
    assert_eq!(one(&too_long), Err(DecodeError::BodyTooLong(0x4001)));
    wrong(Command::AUTH_RES, b"\x0d\0", DecodeError::Truncated(Tag::DEVICE_NAME));
    wrong(Command::AUTH_RES, b"\x0d\0\x10SEP", DecodeError::Overrun(Tag::DEVICE_NAME));
    let length = DecodeError::Length { tag: Tag::REASON, found: 2 };
    wrong(Command::END_SESSION, b"\x01\0\x02\0\x01", length);
    let reason = b"\x01\0\x01\x01\x01\0\x01\x01";
    wrong(Command::END_SESSION, reason, DecodeError::Duplicate(Tag::REASON));
    let missing = |command, tag| DecodeError::Missing { command, tag };
    for command in [
        Command::END_SESSION,
        Command::STORE_CERT_RES,
        Command::FETCH_CERT_RES,
        Command::DELETE_CERT_RES,
    ] {
        wrong(command, b"", missing(command, Tag::REASON));
    }
    let store = Command::STORE_CERT_REQ;
    wrong(store, b"\x03\0\x01\x01", missing(store, Tag::CERTIFICATE));
    wrong(Command::KEY_GEN_REQ, b"", missing(Command::KEY_GEN_REQ, Tag::KEY_SIZE));
    wrong(Command::KEY_GEN_REQ, b"\x11\0\x01\x01", missing(Command::KEY_GEN_REQ, Tag::CURVE));
    let value = |tag, value| DecodeError::Value { tag, value };
    wrong(Command::KEY_GEN_REQ, b"\x11\0\x01\x02", value(Tag::KEY_TYPE, 2));
    wrong(Command::KEY_GEN_REQ, b"\x11\0\x01\x01\x12\0\x01\x03", value(Tag::CURVE, 3));
    let parts = DecodeError::Parts;
    for list in [
        &b"\x04\0\x00"[..],
        b"\x04\0\x01\x01",
        b"\x04\0\x05\x01\0\x01\0\x01",
        b"\x04\0\x05\x01\0\x09\0\x01",
        b"\x04\0\x06\x01\0\x02\0\x01\0",
        b"\x04\0\x05\x02\0\x02\0\x01",
    ] {
        wrong(Command::AUTH_RES, list, parts(Tag::CERTIFICATE));
    }
    for signed in [&b"\x14\0\x00"[..], b"\x14\0\x02\x03\0", b"\x14\0\x04\x03\0\0\0"] {
        wrong(Command::AUTH_RES, signed, parts(Tag::SHA2_SIGNED_DATA));
    }
    for sudi in [&b"\x10\0\x03\0\0\0"[..], b"\x10\0\x0c\0\0\0\x01\0\0\x03\0\0\x03\0\0"] {
        wrong(Command::AUTH_RES, sudi, parts(Tag::SUDI_DATA));
    }
    let endless = [b"\x0b\x01\x00".to_vec(), vec![b'1'; 256]].concat();
    let length = DecodeError::Length { tag: Tag::PASSWORD, found: 256 };
    wrong(Command::AUTH_RES, &endless, length);
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let entry = |length| CertificateEntry { kind: CertificateType::LSC, der: vec![0; length] };
    let store = |certificates| {
        let kind = CertificateType::LSC;
        Message::new(SessionId(1), Body::StoreCertReq { kind, certificates }).to_bytes()
    };
    assert!(store(vec![entry(16_000)]).is_ok());
    for length in [16_384, 65_533, 70_000, 200_000] {
        assert!(matches!(store(vec![entry(length)]), Err(EncodeError::TooLong { .. })));
    }
    assert_eq!(store(vec![entry(1); 256]), Err(EncodeError::TooManyCertificates(256)));
}

#[test]
fn retry_delays_are_seconds_as_far_as_one_can_tell() {
    assert_eq!(RetryDelay::seconds(600).as_seconds(), Some(600));
    assert_eq!(RetryDelay(vec![5]).as_seconds(), Some(5));
    assert_eq!(RetryDelay(vec![0, 0, 1, 0]).as_seconds(), Some(256));
    assert_eq!(RetryDelay(vec![]).as_seconds(), None);
    assert_eq!(RetryDelay(vec![0; 5]).as_seconds(), None);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn certificates() -> impl Strategy<Value = Vec<CertificateEntry>> {
    let kind = prop_oneof![Just(CertificateType::LSC), Just(CertificateType::MIC)];
    let entry = (kind, bytes()).prop_map(|(kind, der)| CertificateEntry { kind, der });
    prop::collection::vec(entry, 0..4)
}

fn auth_res() -> impl Strategy<Value = AuthRes> {
    let sudi = (bytes(), bytes(), bytes());
    let sudi = sudi.prop_map(|(certificate, sha1, sha512)| Sudi { certificate, sha1, sha512 });
    let signed = (any::<u8>(), bytes());
    let signed =
        signed.prop_map(|(digest, signature)| Signed { digest: Digest(digest), signature });
    let text = "[A-Z0-9]{0,20}";
    let optional = (
        prop::option::of(any::<u8>().prop_map(Reason)),
        prop::option::of(bytes()),
        prop::option::of(any::<u8>()),
        prop::option::of("[0-9]{0,16}".prop_map(|digits| Password::new(&digits).unwrap())),
        prop::option::of(text.prop_map(|text| Text::new(&text).unwrap())),
        prop::option::of(sudi),
        prop::option::of(signed),
    );
    (certificates(), optional).prop_map(|(certificates, optional)| {
        let (reason, signed_data, version, password, device_name, sudi, sha2_signed_data) =
            optional;
        AuthRes {
            reason,
            certificates,
            signed_data,
            version,
            password,
            device_name,
            sudi,
            sha2_signed_data,
        }
    })
}

/// Anything that can be said.
pub fn body() -> impl Strategy<Value = Body> {
    let reason = || any::<u8>().prop_map(Reason);
    let delay = || prop::option::of(bytes().prop_map(RetryDelay));
    let kind = any::<u8>().prop_map(CertificateType);
    let some = certificates().prop_filter("a store has one", |entries| !entries.is_empty());
    prop_oneof![
        (prop::option::of(any::<u8>()), prop::option::of(any::<u8>().prop_map(AuthType)))
            .prop_map(|(version, auth_type)| Body::AuthReq { version, auth_type }),
        auth_res().prop_map(|answer| Body::AuthRes(Box::new(answer))),
        (any::<u16>(), any::<bool>())
            .prop_map(|(bits, typed)| Body::KeyGenReq { key: KeySpec::Rsa(bits), typed }),
        prop::sample::select(vec![Curve::P256, Curve::P384, Curve::P521])
            .prop_map(|curve| Body::KeyGenReq { key: KeySpec::Ec(curve), typed: true }),
        bytes().prop_map(|key| Body::KeyGenRes(KeyAnswer::PublicKey(key))),
        prop::option::of(reason()).prop_map(|it| Body::KeyGenRes(KeyAnswer::Failed(it))),
        (kind, some).prop_map(|(kind, certificates)| Body::StoreCertReq { kind, certificates }),
        (reason(), certificates())
            .prop_map(|(reason, certificates)| Body::FetchCertRes { reason, certificates }),
        reason().prop_map(Body::StoreCertRes),
        reason().prop_map(Body::DeleteCertRes),
        (reason(), prop::option::of("[ -~]{0,40}")).prop_map(|(reason, info)| Body::EndSession {
            reason,
            info: info.map(|text| Text::new(&text).unwrap())
        }),
        delay().prop_map(Body::RetryLater),
        delay().prop_map(Body::RequestInProgress),
        Just(Body::FetchCertReq),
        Just(Body::DeleteCertReq),
        (18u8..=24, bytes()).prop_map(|(command, bytes)| Body::Opaque(Command(command), bytes)),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(session: u32, bodies in prop::collection::vec(body(), 1..6), piece in 1usize..50) {
        let messages: Vec<_> =
            bodies.into_iter().map(|body| Message::new(SessionId(session), body)).collect();
        let stream: Vec<u8> =
            messages.iter().flat_map(|message| message.to_bytes().unwrap().to_vec()).collect();
        prop_assert_eq!(decode(&stream, piece).unwrap(), messages);
    }

    #[test]
    fn any_bytes_are_messages_or_errors(command in 0u8..26, body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = one(&frame(command, &body)) {
            let _ = (message.to_string(), format!("{message:?}"));
            let written = message.to_bytes().unwrap();
            prop_assert_eq!(one(&written).unwrap(), message);
        }
    }
}
