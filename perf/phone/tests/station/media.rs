//! Orders to open media that a telephone carries out, and those that it refuses.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ringfence_phone::station::{Event, LinkId, Order, Outage, Output, Profile, Station};
use ringfence_phone::{Model, SecurityMode};
use sccp::codes::{CallStatus, Codec, MediaStatus, SrtpAlgorithm};
use sccp::phone::OpenReceiveChannelAck;
use sccp::server::{CallState, OpenReceiveChannel, RegisterAck, StartMediaTransmission};
use sccp::{
    Address, CallRef, EncryptionInfo, Keying, MasterKey, MasterSalt, Message, PassThruPartyId,
    Port, Secrecy, Session, Stream, Version,
};

use crate::site::{A, B, Site, profile};

/// A telephone that is told what a test likes.
struct Puppet {
    station: Station,
    link: LinkId,
    now: Instant,
    orders: Vec<Order>,
    said: Vec<Message>,
    heard: Stream,
}

const CALL: CallRef = CallRef(7);

impl Puppet {
    /// Registered, and with a call.
    fn new(model: Model, mode: SecurityMode, secrecy: Secrecy) -> Self {
        Self::of(profile(1, model, mode), secrecy)
    }

    fn of(profile: Profile, secrecy: Secrecy) -> Self {
        let now = Instant::now();
        let mut station = Station::new(profile);
        station.start(now, Outage::Initialized);
        let link = loop {
            if let Some(Output::Connect(link, 0)) = station.poll_output() {
                break link;
            }
        };
        station.handle_connected(now, link, secrecy);
        let mut heard = Stream::new();
        heard.set_version(Version::V11);
        let mut puppet = Self { station, link, now, orders: Vec::new(), said: Vec::new(), heard };
        puppet.tell(RegisterAck {
            keep_alive_interval: 30,
            protocol_version: 11,
            ..Default::default()
        });
        puppet.tell(CallState { state: CallStatus::CONNECTED, call: CALL, ..Default::default() });
        puppet.said.clear();
        puppet
    }

    fn tell(&mut self, message: impl Into<Message>) {
        let session = Session { version: Version::V11, secrecy: Secrecy::Confidential };
        let pdu = session.encode(&message.into()).unwrap();
        self.bytes(&pdu);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.station.handle_bytes(self.now, self.link, bytes);
        while let Some(output) = self.station.poll_output() {
            match output {
                Output::Media(order) => self.orders.push(order),
                Output::Send(_, pdu) => {
                    let mut bytes = &pdu[..];
                    // What it says before it is served is in a version of its own.
                    while let Ok(Some(received)) = self.heard.next(&mut bytes) {
                        self.said.extend(received.decoded.map(|decoded| decoded.message));
                    }
                }
                _ => {}
            }
        }
    }

    fn status(&mut self, open: OpenReceiveChannel) -> Option<MediaStatus> {
        self.said.clear();
        self.tell(open);
        self.said.iter().find_map(|message| match message {
            Message::OpenReceiveChannelAck(OpenReceiveChannelAck { status, .. }) => Some(*status),
            _ => None,
        })
    }
}

fn open(party: u32, codec: Codec, encryption: EncryptionInfo) -> OpenReceiveChannel {
    OpenReceiveChannel {
        party: PassThruPartyId(party),
        ms_per_packet: 20,
        codec,
        call: CALL,
        encryption,
        ..Default::default()
    }
}

fn keyed(algorithm: SrtpAlgorithm) -> EncryptionInfo {
    let (key, salt) = (MasterKey::new(&[1; 16]), MasterSalt::new(&[2; 14]));
    EncryptionInfo::keyed(Keying { algorithm, key, salt })
}

const SHA1_32: SrtpAlgorithm = SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32;

// R: MED-01, GEN-18
#[test]
fn keys_are_used_only_by_those_who_can_and_may() {
    use Model::{M7960, M7970};
    use SecurityMode::{Authenticated, Encrypted};
    let (secret, exposed) = (Secrecy::Confidential, Secrecy::Exposed);
    let ulaw = Codec::G711_ULAW_64K;
    let wideband = Codec::WIDEBAND_256K;
    for (model, mode, secrecy, codec, algorithm, works) in [
        (M7970, Encrypted, secret, ulaw, SHA1_32, true),
        (M7970, Encrypted, secret, wideband, SHA1_32, true),
        (M7960, Encrypted, secret, ulaw, SHA1_32, true),
        (M7960, Encrypted, secret, wideband, SHA1_32, false),
        (M7970, Authenticated, secret, ulaw, SHA1_32, false),
        (M7970, Encrypted, exposed, ulaw, SHA1_32, false),
        (M7970, Encrypted, secret, ulaw, SrtpAlgorithm::F8_128_HMAC_SHA1_32, false),
        (M7970, Encrypted, secret, ulaw, SrtpAlgorithm::AEAD_AES_256_GCM, false),
    ] {
        let mut puppet = Puppet::new(model, mode, secrecy);
        let status = puppet.status(open(1, codec, keyed(algorithm)));
        let refused = Some(MediaStatus::ENCRYPTION_FAILED);
        assert_eq!(
            status,
            if works { None } else { refused },
            "{model} {mode} {codec} {algorithm}"
        );
        assert_eq!(puppet.orders.len(), usize::from(works));
        let alarmed = puppet.said.iter().any(|message| matches!(message, Message::Alarm(_)));
        assert_eq!(alarmed, secrecy == exposed);
        if works {
            continue;
        }
        // Without a key everything goes.
        assert_eq!(puppet.status(open(2, codec, EncryptionInfo::none())), None);
    }
}

#[test]
fn what_it_cannot_open_it_says() {
    let mut puppet = Puppet::new(Model::M7970, SecurityMode::NonSecure, Secrecy::Exposed);
    let good = open(1, Codec::G711_ULAW_64K, EncryptionInfo::none());
    for (change, expected) in [
        (
            (|open| open.call = CallRef(9)) as fn(&mut OpenReceiveChannel),
            MediaStatus::INVALID_CALL_REF,
        ),
        (|open| open.codec = Codec::GSM_FR, MediaStatus::INVALID_CODEC),
        (|open| open.ms_per_packet = 0, MediaStatus::INVALID_PACKET_SIZE),
        (|open| open.ms_per_packet = 25, MediaStatus::INVALID_PACKET_SIZE),
        (|open| open.ms_per_packet = 50, MediaStatus::INVALID_PACKET_SIZE),
    ] {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(puppet.status(bad), Some(expected));
    }
    assert_eq!(puppet.status(good.clone()), None);
    assert_eq!(puppet.status(good), Some(MediaStatus::INVALID_PARTY_ID));
    let ulaw = |party| open(party, Codec::G711_ULAW_64K, EncryptionInfo::none());
    assert_eq!(puppet.status(ulaw(2)), None);
    assert_eq!(puppet.status(ulaw(3)), Some(MediaStatus::NO_CHANNELS));
    assert_eq!(puppet.orders.len(), 2);
}

// R: GEN-17
#[test]
fn an_old_telephone_does_not_mix_what_is_encrypted() {
    for (model, expected) in
        [(Model::M7960, Some(MediaStatus::ENCRYPTION_FAILED)), (Model::M7970, None)]
    {
        let mut puppet = Puppet::new(model, SecurityMode::Encrypted, Secrecy::Confidential);
        let ulaw = Codec::G711_ULAW_64K;
        assert_eq!(puppet.status(open(1, ulaw, keyed(SHA1_32))), None);
        assert_eq!(puppet.status(open(2, ulaw, keyed(SHA1_32))), expected);
        if expected.is_some() {
            assert_eq!(puppet.status(open(3, ulaw, EncryptionInfo::none())), expected);
        }
    }
}

#[test]
fn media_goes_only_where_it_can_go() {
    for (address, port, works) in [
        ([10, 0, 0, 2], 20_000, true),
        ([0, 0, 0, 0], 20_000, false),
        ([127, 0, 0, 1], 20_000, false),
        ([10, 0, 0, 2], 0, false),
        ([10, 0, 0, 2], 65_536, false),
    ] {
        for model in [Model::M7960, Model::M7970] {
            let mut puppet = Puppet::new(model, SecurityMode::NonSecure, Secrecy::Exposed);
            puppet.tell(StartMediaTransmission {
                party: PassThruPartyId(1),
                remote: Address::V4(Ipv4Addr::from(address)),
                remote_port: Port(port),
                ms_per_packet: 20,
                codec: Codec::G711_ULAW_64K,
                call: CALL,
                ..Default::default()
            });
            assert_eq!(puppet.orders.len(), usize::from(works));
            let failed = |message: &Message| match message {
                Message::MediaTransmissionFailure(_) => true,
                Message::StartMediaTransmissionAck(ack) => ack.status != MediaStatus::OK,
                _ => false,
            };
            assert_eq!(puppet.said.iter().any(failed), !works, "{:?}", puppet.said);
        }
    }
}

#[test]
fn a_call_without_its_media_ends() {
    for (refuses, deaf) in [(Some(MediaStatus::NO_SOCKETS), false), (None, true)] {
        let mut site = Site::office(&[
            (Model::M7970, SecurityMode::Encrypted),
            (Model::M7960, SecurityMode::Encrypted),
        ]);
        (site.phones[B].refuses, site.phones[B].deaf) = (refuses, deaf);
        site.dial(A, "1002");
        site.press(B, ringfence_phone::station::Key::OffHook);
        site.pass(Duration::from_secs(6));
        assert_eq!(site.active(A).state, CallStatus::CONGESTION);
        let opened = |event: &Event| matches!(event, Event::Opened { status, .. } if Some(*status) == refuses);
        assert_eq!(site.events(B).iter().any(opened), refuses.is_some());
        site.press(A, ringfence_phone::station::Key::OnHook);
        site.press(B, ringfence_phone::station::Key::OnHook);
        assert!(site.is_idle());
    }
}

#[test]
fn media_ends_with_its_call() {
    let mut puppet = Puppet::new(Model::M7970, SecurityMode::NonSecure, Secrecy::Exposed);
    puppet.status(open(1, Codec::G711_ULAW_64K, EncryptionInfo::none()));
    puppet.tell(CallState { state: CallStatus::ON_HOOK, call: CALL, ..Default::default() });
    assert!(matches!(puppet.orders[..], [Order::Open(_), Order::Close(_)]), "{:?}", puppet.orders);
    // An answer that comes late is nobody's.
    let Order::Close(stream) = puppet.orders[1] else { unreachable!() };
    puppet.station.handle_opened(stream, Ok(([10, 0, 0, 1], 20_000).into()));
    assert!(puppet.station.poll_output().is_none_or(|it| matches!(it, Output::Event(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Messages of any kind with any body.
    #[test]
    fn no_server_can_break_it(
        bodies in proptest::collection::vec(
            (0u32..0x160, proptest::collection::vec(any::<u8>(), 0..120)), 0..60),
        stream: bool,
    ) {
        let mut puppet =
            Puppet::new(Model::M7970, SecurityMode::Encrypted, Secrecy::Confidential);
        for (id, body) in bodies {
            let length = u32::try_from(body.len() + 4).unwrap();
            let header = [length, 0, id].map(u32::to_le_bytes).concat();
            puppet.bytes(&[header, body.clone()].concat());
            if stream {
                puppet.bytes(&body);
            }
        }
        puppet.now += Duration::from_secs(1000);
        puppet.station.handle_timeout(puppet.now);
        let display = puppet.station.display();
        prop_assert!(display.calls.len() <= 64 && display.lamps.len() <= 64);
        // Whatever was opened is closed when it is switched off.
        puppet.station.power_off();
        puppet.bytes(&[]);
        let mut open = std::collections::BTreeSet::new();
        for order in &puppet.orders {
            let (opens, end) = match order {
                Order::Open(receive) => (true, (receive.stream, 0)),
                Order::Start(transmit) => (true, (transmit.stream, 1)),
                Order::Close(stream) => (false, (*stream, 0)),
                Order::Stop(stream) => (false, (*stream, 1)),
                Order::Report { .. } => continue,
            };
            let changed = if opens { open.insert(end) } else { open.remove(&end) };
            prop_assert!(changed);
        }
        prop_assert!(open.is_empty());
    }
}
