//! Streams: cut anywhere, cut short, lying.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ringfence_sccp::codes::*;
use ringfence_sccp::phone::*;
use ringfence_sccp::server::*;
use ringfence_sccp::*;

use crate::common::{confidential, hex, ids_with_layout, read_all, stream, versions};

const V5: Version = Version::of(5);

fn burst() -> Vec<Message> {
    vec![
        Alarm { text: "25: Name=SEP001122334455 Load=P003".into(), ..Alarm::default() }.into(),
        Register { protocol_version: 5, ..Register::default() }.into(),
        KeepAlive.into(),
        KeypadButton { button: Key::STAR, ..KeypadButton::default() }.into(),
        SoftKeySetRes::default().into(),
    ]
}

fn bytes_of(messages: &[Message]) -> Vec<u8> {
    messages.iter().flat_map(|message| confidential(V5).encode(message).unwrap().to_vec()).collect()
}

proptest! {
    #[test]
    fn segments_do_not_matter(cuts in vec(1usize..40, 1..200)) {
        let bytes = bytes_of(&burst());
        let mut stream = stream(V5);
        let mut received = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (mut segment, behind) = rest.split_at(cut.min(rest.len()));
            while let Some(message) = stream.next(&mut segment).unwrap() {
                received.push(message.decoded.unwrap().message);
            }
            prop_assert!(segment.is_empty());
            rest = behind;
        }
        prop_assert_eq!(received, burst());
        prop_assert!(!stream.is_within_message());
    }

    /// What is read from any bytes is written so that the same is read again: in every message, in
    /// every version.
    #[test]
    fn what_is_read_is_what_is_written(
        version in select(versions().collect::<Vec<_>>()),
        body in vec(prop_oneof![3 => Just(0), 1 => 0u8..=9, 2 => any::<u8>()], 340..2100),
        cut in 0usize..2100,
    ) {
        let body = if cut < 700 { &body[..cut.min(body.len())] } else { &body[..] };
        for id in ids_with_layout() {
            let body = without_wide_addresses(id, body, version);
            let Ok(first) = Message::decode(id, body, version) else { continue };
            let written = confidential(version).encode(&first.message).unwrap();
            let again = Message::decode(id, &written[12..], version).unwrap();
            // Of longer bodies only that part is kept that this version has.
            let part = &body[..body.len().min(written.len() - 12)];
            if let Ok(part) = Message::decode(id, part, version) {
                prop_assert_eq!(&again.message, &part.message, "in version {}", version);
                prop_assert!(!again.excess);
            }
            prop_assert!(!again.message.to_string().contains(char::is_control));
        }
    }
}

/// What of a body can be written in this version: longer ones are understood, with addresses in a
/// form that old versions do not have.
fn without_wide_addresses(id: MessageId, body: &[u8], version: Version) -> &[u8] {
    let with_addresses = [
        OpenReceiveChannelAck::ID,
        StartMediaTransmissionAck::ID,
        MediaTransmissionFailure::ID,
        ServerRes::ID,
        OpenReceiveChannel::ID,
        StartMediaTransmission::ID,
        StartMulticastMediaReception::ID,
        StartMulticastMediaTransmission::ID,
    ];
    if version >= Version::of(17) || !with_addresses.contains(&id) {
        return body;
    }
    let empty = Message::decode(id, &[0; 400], version).unwrap().message;
    let length = confidential(version).encode(&empty).unwrap().len() - 12;
    &body[..length.min(body.len())]
}

#[test]
fn every_prefix_is_read_or_refused() {
    for version in versions() {
        for id in ids_with_layout() {
            for length in 0..400 {
                match Message::decode(id, &[1; 400][..length], version) {
                    Err(BodyError { defect: Defect::TooShort { found, minimum }, .. }) => {
                        assert!(found == length && found < minimum);
                    }
                    Err(BodyError {
                        defect: Defect::DataLength { announced, possible }, ..
                    }) => {
                        assert!(announced as usize > possible && possible < length);
                    }
                    Ok(_) => {}
                }
            }
        }
    }
}

#[test]
fn shortest_bodies() {
    for (id, minimum) in [
        (0x01, 36),
        (0x03, 4),
        (0x04, 1),
        (0x05, 8),
        (0x06, 0),
        (0x07, 0),
        (0x08, 0),
        (0x09, 4),
        (0x0a, 4),
        (0x0b, 4),
        (0x26, 4),
        (0x10, 4),
        (0x20, 4),
        (0x21, 8),
        (0x22, 16),
        (0x23, 60),
        (0x24, 48),
        (0x29, 32),
        (0x2a, 16),
        (0x2b, 4),
        (0x2d, 4),
        (0x30, 328),
        (0x33, 4),
        (0x34, 4),
        (0x2e, 20),
        (0x41, 40),
        (0x154, 24),
        (0x4c, 54),
    ] {
        let decode = |length| Message::decode(MessageId(id), &vec![0; length], V5);
        assert!(decode(minimum).is_ok(), "{id:#x}");
        if minimum > 0 {
            let defect = Defect::TooShort { found: minimum - 1, minimum };
            assert_eq!(decode(minimum - 1).unwrap_err().defect, defect, "{id:#x}");
        }
    }
}

#[test]
fn lengths_that_lie_end_the_stream() {
    for (bytes, expected) in [
        ("00000000 00000000 00000000", StreamError::TooShort(0)),
        ("03000000 00000000 00000000", StreamError::TooShort(3)),
        ("ffffffff", StreamError::TooLong { length: u32::MAX, limit: LIMIT_BEFORE_REGISTER }),
        ("f9030000", StreamError::TooLong { length: 1017, limit: LIMIT_BEFORE_REGISTER }),
    ] {
        let (bytes, mut stream) = (hex(bytes), Stream::new());
        assert_eq!(stream.next(&mut &bytes[..]), Err(expected));
        assert_eq!(stream.next(&mut &b"anything"[..]), Err(expected), "an error is final");
    }
    // One less fits.
    assert_eq!(Stream::new().next(&mut &hex("f8030000")[..]), Ok(None));
}

#[test]
fn unknown_messages_are_carried_whole() {
    let bytes = hex("04000000 00000000 ffffffff 08000000 07000000 57010000 01020304");
    let received = read_all(stream(V5), &bytes);
    let opaque = |id, body: &[u8]| Decoded {
        message: Message::Opaque(Opaque { id: MessageId(id), body: body.to_vec() }),
        excess: false,
    };
    assert_eq!(received[0].decoded, Ok(opaque(u32::MAX, &[])));
    assert_eq!(received[1].decoded, Ok(opaque(0x157, &[1, 2, 3, 4])));
    assert_eq!((received[1].header_version, received[1].is_header_known()), (7, true));
    assert_eq!(MessageId(u32::MAX).name(), None);
    assert_eq!(MessageId(0x157).name(), Some("LocationInfo"));
    let shown = received[1].decoded.clone().unwrap().message.to_string();
    assert_eq!(shown, "LocationInfo 01020304");
}

#[test]
fn counts_that_lie_are_noted() {
    let bytes = hex("18000000 00000000 10000000 ffffffff 04000000 28 00*11");
    let received = read_all(stream(V5), &bytes).remove(0).decoded.unwrap();
    assert!(received.excess);
    let Message::CapabilitiesRes(CapabilitiesRes { audio }) = received.message else { panic!() };
    assert_eq!(audio.0.len(), 1);
    assert_eq!(audio.0[0].codec, Codec::G711_ULAW_64K);
}

#[test]
fn data_lengths_that_lie_lose_one_message() {
    let mut bytes = bytes_of(&[DeviceToUserData::default().into(), KeepAlive.into()]);
    bytes[12 + 16] = 1;
    let received = read_all(stream(V5), &bytes);
    let defect = Defect::DataLength { announced: 1, possible: 0 };
    assert_eq!(received[0].decoded, Err(BodyError { id: DeviceToUserData::ID, defect }));
    assert_eq!(received[1].decoded.clone().unwrap().message, KeepAlive.into());
}

#[test]
fn values_of_attackers_are_told_from_good_ones() {
    // A port that none is, and an address that is nobody's.
    for (port, expected) in [(0, None), (27180, Some(27180)), (65536, None)] {
        assert_eq!(Port(port).number(), expected);
    }
    for address in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"]
    {
        let address = Address::from(address.parse::<std::net::IpAddr>().unwrap());
        assert_eq!(address.usable(), None, "{address}");
    }
    let good = "10.1.2.3".parse().unwrap();
    assert_eq!(Address::from(good).usable(), Some(good));
    assert_eq!(Address::Other(3, [1; 16]).usable(), None);
    // A string without an end.
    let alarm = hex("60000000 00000000 20000000 00000000").into_iter();
    let alarm: Vec<_> = alarm.chain([b'A'; 80]).chain([0; 8]).collect();
    let received = read_all(stream(V5), &alarm).remove(0).decoded.unwrap().message;
    let Message::Alarm(alarm) = received else { panic!() };
    assert_eq!(alarm.text.as_bytes(), [b'A'; 80]);
}

#[test]
fn versions_are_agreed_on() {
    let phone = Register { protocol_version: 20, ..Register::default() };
    assert_eq!(phone.version().agreed(Version::V11), Version::V11);
    assert_eq!(Register::default().version(), Version::MIN);
    assert_eq!(Version::of(255), Version::MAX);
    assert_eq!([5, 11, 14, 15, 22].map(|v| Version::of(v).in_header()), [0, 0, 0, 15, 22]);
}
