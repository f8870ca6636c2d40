//! Messages as they stand in captures, both ways.

use std::net::Ipv4Addr;

use ringfence_sccp::codes::*;
use ringfence_sccp::phone::*;
use ringfence_sccp::server::*;
use ringfence_sccp::*;

use crate::common::{confidential, hex, read};

/// The bytes are the message, and the message is the bytes.
fn both_ways(version: u8, bytes: &str, message: impl Into<Message>) {
    let (version, bytes, message) = (Version::of(version), hex(bytes), message.into());
    assert_eq!(read(version, &bytes), message);
    assert_eq!(**confidential(version).encode(&message).unwrap(), bytes);
}

fn bytes<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|index| first + index as u8)
}

fn encryption() -> EncryptionInfo {
    EncryptionInfo::keyed(Keying {
        algorithm: SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32,
        key: MasterKey::new(&bytes(0x10)),
        salt: MasterSalt::new(&bytes(0xa0)),
    })
}

#[test]
fn keep_alive() {
    both_ways(5, "04 00*11", KeepAlive);
}

#[test]
fn register() {
    both_ways(
        5,
        "48000000 00000000 01000000 53455030 30313132 32333334 343535 00*9 0a010203 07 00*11
         05006085 00*9 11223344 55 00*10",
        Register {
            device_name: "SEP001122334455".into(),
            address: Ip4(Ipv4Addr::new(10, 1, 2, 3)),
            device_type: DeviceType::CISCO_7960,
            protocol_version: 5,
            features: Features([0x00, 0x60, 0x85]),
            // One byte late, as it is in the capture.
            mac_address: Bytes([0, 0x11, 0x22, 0x33, 0x44, 0x55]),
            ..Register::default()
        },
    );
}

#[test]
fn register_ack() {
    both_ways(
        5,
        "18000000 00000000 81000000 1e000000 4d2f442f 59000000 3c000000 0520f1fe",
        RegisterAck {
            keep_alive_interval: 30,
            date_template: "M/D/Y".into(),
            secondary_keep_alive_interval: 60,
            protocol_version: 5,
            features: Features::of_server(Version::of(5)),
        },
    );
}

#[test]
fn capabilities() {
    let entry = |codec, max_ms_per_packet| AudioCapability {
        codec,
        max_ms_per_packet,
        ..AudioCapability::default()
    };
    both_ways(
        5,
        "38000000 00000000 10000000 03000000 04000000 28 00*11 02000000 28 00*11 0c000000 3c 00*11",
        CapabilitiesRes {
            audio: List(vec![
                entry(Codec::G711_ULAW_64K, 40),
                entry(Codec::G711_ALAW_64K, 40),
                entry(Codec::G729A, 60),
            ]),
        },
    );
}

fn open_receive_channel() -> OpenReceiveChannel {
    OpenReceiveChannel {
        conference: ConferenceId(0x1234),
        party: PassThruPartyId(0x0100_0011),
        ms_per_packet: 20,
        codec: Codec::G711_ULAW_64K,
        call: CallRef(0x77),
        encryption: encryption(),
        dtmf_type: 10,
        ..OpenReceiveChannel::default()
    }
}

// R: MED-02
#[test]
fn open_receive_channel_with_key() {
    both_ways(
        5,
        "60000000 00000000 05010000 34120000 11000001 14000000 04 00*11 77000000 01000000 10000e00
         10111213 14151617 18191a1b 1c1d1e1f a0a1a2a3 a4a5a6a7 a8a9aaab acad 00*22 0a000000",
        open_receive_channel(),
    );
    both_ways(
        17,
        "88000000 11000000 05010000 34120000 11000001 14000000 04 00*11 77000000 01000000 10000e00
         10111213 14151617 18191a1b 1c1d1e1f a0a1a2a3 a4a5a6a7 a8a9aaab acad 00*18 65000000 0a 00*15
         0a010204 00*12 a00f 00*10",
        OpenReceiveChannel {
            rfc2833_payload_type: 101,
            source: Address::V4(Ipv4Addr::new(10, 1, 2, 4)),
            source_port: Port(4000),
            ..open_receive_channel()
        },
    );
}

#[test]
fn open_receive_channel_ack() {
    both_ways(
        5,
        "18000000 00000000 22000000 00000000 0a010203 2c6a0000 11000001 77000000",
        OpenReceiveChannelAck {
            status: MediaStatus::OK,
            address: Address::V4(Ipv4Addr::new(10, 1, 2, 3)),
            port: Port(27180),
            party: PassThruPartyId(0x0100_0011),
            call: CallRef(0x77),
        },
    );
}

// R: MED-02
#[test]
fn start_media_transmission_with_key() {
    let command = StartMediaTransmission {
        conference: ConferenceId(0x1234),
        party: PassThruPartyId(0x0100_0011),
        remote: Address::V4(Ipv4Addr::new(10, 1, 2, 4)),
        remote_port: Port(27184),
        ms_per_packet: 20,
        codec: Codec::G711_ULAW_64K,
        precedence: 0xb8,
        call: CallRef(0x77),
        encryption: encryption(),
        dtmf_type: 10,
        ..StartMediaTransmission::default()
    };
    both_ways(
        5,
        "78000000 00000000 8a000000 34120000 11000001 0a010204 306a0000 14000000 04000000 b8 00*15
         77000000 01000000 10000e00 10111213 14151617 18191a1b 1c1d1e1f a0a1a2a3 a4a5a6a7 a8a9aaab
         acad 00*22 0a 00*11",
        command.clone(),
    );
    both_ways(
        17,
        "88000000 11000000 8a000000 34120000 11000001 00000000 0a010204 00*12 306a0000 14000000
         04000000 b8 00*15 77000000 01000000 10000e00 10111213 14151617 18191a1b 1c1d1e1f a0a1a2a3
         a4a5a6a7 a8a9aaab acad 00*18 65000000 0a 00*11",
        StartMediaTransmission { rfc2833_payload_type: 101, ..command },
    );
}

#[test]
fn call_state() {
    both_ways(
        5,
        "1c000000 00000000 11010000 05000000 01000000 77000000 00000000 04000000 00000000",
        CallState {
            state: CallStatus::CONNECTED,
            line: LineInstance(1),
            call: CallRef(0x77),
            precedence_level: 4,
            ..CallState::default()
        },
    );
}

#[test]
fn call_info() {
    both_ways(
        5,
        "84010000 00000000 8f000000 416c6963 65 00*35 31303031 00*20 426f62 00*37 31303032 00*20
         01000000 77000000 02000000 426f62 00*37 31303032 00*188 01000000 03000000 00000000",
        CallInfo {
            calling_party_name: "Alice".into(),
            calling_party: "1001".into(),
            called_party_name: "Bob".into(),
            called_party: "1002".into(),
            line: LineInstance(1),
            call: CallRef(0x77),
            call_type: CallType::OUTBOUND,
            original_called_party_name: "Bob".into(),
            original_called_party: "1002".into(),
            call_instance: 1,
            security: SecurityStatus::ENCRYPTED,
            ..CallInfo::default()
        },
    );
}

#[test]
fn soft_key_template() {
    let short = hex("4c000000 00000000 08010000 00000000 03000000 03000000 8001 00*14 01000000
                     8002 00*14 02000000 8003 00*14 03000000");
    let keys = [Phrase::REDIAL, Phrase::NEW_CALL, Phrase::HOLD];
    let keys = keys.map(|phrase| SoftKey { label: phrase.into(), event: phrase.0.into() });
    let message = Message::from(SoftKeyTemplateRes { keys: Table::whole(keys) });
    assert_eq!(read(Version::of(5), &short), message);
    // What we write has all places of the array.
    let full = confidential(Version::of(5)).encode(&message).unwrap();
    assert_eq!(full.len(), 12 + 652);
    assert_eq!(full[12..short.len()], short[12..]);
    assert!(full[short.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn start_tone() {
    both_ways(
        5,
        "14000000 00000000 82000000 23000000 00000000 01000000 77000000",
        StartTone {
            tone: Tone::BUSY,
            direction: ToneDirection::USER,
            line: LineInstance(1),
            call: CallRef(0x77),
        },
    );
}

#[test]
fn set_lamp() {
    both_ways(
        5,
        "10000000 00000000 86000000 0f000000 00000000 02000000",
        SetLamp { stimulus: ButtonType::VOICEMAIL, instance: LineInstance(0), mode: LampMode::ON },
    );
}

// R: MED-03
// R: LOG-01
#[test]
fn a_trace_shows_what_matters_and_no_key() {
    let shown = Message::from(open_receive_channel()).to_string();
    assert_eq!(
        shown,
        "OpenReceiveChannel conference=4660 party=16777233 ms_per_packet=20 codec=G.711-µ-law \
         call=119 encryption=AES_CM_128_HMAC_SHA1_32 dtmf_type=10"
    );
    let secrets = format!("{:?}", open_receive_channel());
    assert!(secrets.contains("key: MasterKey, salt: MasterSalt"), "{secrets}");
}

// R: MED-01
#[test]
fn keys_are_not_written_where_others_read() {
    let exposed = Session { version: Version::of(5), secrecy: Secrecy::Exposed };
    let keyed = Message::from(open_receive_channel());
    assert_eq!(exposed.encode(&keyed), Err(EncodeError::KeyExposed));
    let plain = OpenReceiveChannel { encryption: EncryptionInfo::none(), ..open_receive_channel() };
    let plain = exposed.encode(&plain.into()).unwrap();
    // The place of the key is there, and empty.
    assert_eq!(plain.len(), 12 + 92);
    assert_eq!(plain[12 + 28..12 + 76], [0; 48]);
}

#[test]
fn an_address_needs_a_version_that_has_room_for_it() {
    let ack = OpenReceiveChannelAck {
        address: Address::V6("2001:db8::1".parse().unwrap()),
        ..OpenReceiveChannelAck::default()
    };
    let ack = Message::from(ack);
    let [old, new] = [11, 17].map(|version| confidential(Version::of(version)).encode(&ack));
    assert_eq!(old, Err(EncodeError::AddressFamily));
    assert_eq!(read(Version::of(17), &new.unwrap()), ack);
}

#[test]
fn acknowledgements_are_understood_by_their_length() {
    // A new telephone in an old session, and the other way round.
    let ack = |version| {
        let ack = OpenReceiveChannelAck {
            address: Address::V4(Ipv4Addr::new(10, 1, 2, 3)),
            port: Port(27180),
            party: PassThruPartyId(7),
            call: CallRef(9),
            ..OpenReceiveChannelAck::default()
        };
        (Message::from(ack.clone()), confidential(version).encode(&ack.into()).unwrap())
    };
    for (written, read_as) in [(17, 11), (11, 17)] {
        let (message, bytes) = ack(Version::of(written));
        assert_eq!(read(Version::of(read_as), &bytes), message);
    }
}

#[test]
fn lengths_by_version() {
    let lengths = |message: Message| {
        [3, 5, 11, 15, 16, 17, 20, 22]
            .map(|version| confidential(Version::of(version)).encode(&message).unwrap().len() - 12)
    };
    let open = OpenReceiveChannel::default();
    assert_eq!(lengths(open.into()), [24, 92, 92, 108, 112, 132, 168, 168]);
    let start = StartMediaTransmission::default();
    assert_eq!(lengths(start.into()), [40, 116, 116, 116, 116, 132, 168, 168]);
    let register = Register::default();
    assert_eq!(lengths(register.into()), [40, 68, 68, 68, 68, 124, 172, 172]);
    assert_eq!(lengths(StopTone::default().into()), [8, 8, 12, 12, 12, 12, 12, 12]);
    assert_eq!(lengths(EnblocCall::default().into()), [28, 28, 28, 28, 28, 28, 32, 32]);
    assert_eq!(lengths(ForwardStat::default().into()), [92, 92, 92, 92, 92, 92, 95, 95]);
    assert_eq!(lengths(ServerRes::default().into()), [280, 280, 280, 280, 280, 360, 360, 360]);
    assert_eq!(lengths(ButtonTemplate::default().into()), [96; 8]);
    assert_eq!(lengths(SoftKeySetRes::default().into()), [780; 8]);
    assert_eq!(lengths(MwiNotification::default().into()), [88; 8]);
    let mut capabilities = MultimediaCapabilities::default();
    capabilities.rest.0.resize(1240, 0);
    assert_eq!(lengths(UpdateCapabilities { capabilities }.into()), [1840; 8]);
}
