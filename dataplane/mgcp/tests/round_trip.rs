//! Whatever the writer writes, the parser reads, and reads the same.

use std::fmt::Debug;
use std::str::FromStr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use ringfence_mgcp::event::{
    Action, ConnectionRef, Embedded, EventName, EventSpec, RequestedEvent,
};
use ringfence_mgcp::message::{Extension, ParamCode};
use ringfence_mgcp::options::{LocalOption, LocalOptions, Network, Reservation, Span};
use ringfence_mgcp::sdp::{
    Attribute, Codec, CryptoAttribute, CryptoForm, CryptoSuite, KeySalt, KeyTerms, Media, Mki,
    Origin, Profile, SessionDescription, SessionParameter, StreamDirection,
};
use ringfence_mgcp::value::{
    AckRange, Bearer, Capabilities, ConnectionMode, Package, Quarantine, Reason, RestartMethod,
    Statistics,
};
use ringfence_mgcp::{
    Command, Message, Params, Response, ReturnCode, TransactionId, ValueError, Verb, Version,
    datagram,
};

fn hex<T: FromStr<Err = ValueError> + Debug>() -> impl Strategy<Value = T> {
    "[0-9a-fA-F]{1,32}".prop_map(|text| text.parse().unwrap())
}

fn transaction() -> impl Strategy<Value = TransactionId> {
    (1..=999_999_999u32).prop_map(|n| TransactionId::new(n).unwrap())
}

fn text(pattern: &'static str) -> impl Strategy<Value = Box<str>> {
    pattern.prop_map(Into::into)
}

fn event_name() -> impl Strategy<Value = EventName> {
    let connection = prop_oneof![
        hex().prop_map(ConnectionRef::Id),
        Just(ConnectionRef::Current),
        Just(ConnectionRef::All)
    ];
    let id = prop_oneof![text("[a-z0-9]{1,8}"), text("\\*|#|\\[[0-9]-[0-9]\\*#T\\]")];
    (option::of(text("[A-Z]{1,4}|\\*")), id, option::of(connection))
        .prop_map(|(package, id, connection)| EventName { package, id, connection })
}

fn event_spec() -> impl Strategy<Value = EventSpec> {
    let params = text("[a-z0-9+]{0,6}|L/rg\\([0-9]{1,3}\\)|\"[ )(,]{0,4}\"|a,,b=2");
    (event_name(), option::of(params)).prop_map(|(name, params)| EventSpec { name, params })
}

fn plain_actions() -> impl Strategy<Value = Vec<Action>> {
    prop_oneof![
        Just(vec![]),
        Just(vec![Action::Notify]),
        Just(vec![Action::Accumulate, Action::KeepSignals]),
        Just(vec![Action::DigitMap]),
        Just(vec![Action::Swap, Action::Notify]),
    ]
}

fn requested(actions: impl Strategy<Value = Vec<Action>>) -> impl Strategy<Value = RequestedEvent> {
    (event_name(), actions, option::of(text("[0-9a-z]{1,4}"))).prop_map(
        |(name, mut actions, params)| {
            if params.is_some() && actions.is_empty() {
                // Parameters need the first parentheses.
                actions.push(Action::Notify);
            }
            RequestedEvent { name, actions, params }
        },
    )
}

fn digit_map() -> impl Strategy<Value = ringfence_mgcp::digitmap::DigitMap> {
    "\\((0T|[1-7]xxx|9x\\.T)(\\|[0-9xX#*]{1,5}){0,3}\\)|[0-9]{1,6}"
        .prop_map(|text: String| text.replace("1-7", "[1-7]").parse().unwrap())
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let embedded = (
        option::of(vec(requested(plain_actions()), 1..3)),
        option::of(vec(event_spec(), 1..3)),
        option::of(digit_map()),
    )
        .prop_filter("an embedded request says something", |(r, s, d)| {
            r.is_some() || s.is_some() || d.is_some()
        })
        .prop_map(|(requested, signals, digit_map)| Embedded { requested, signals, digit_map });
    prop_oneof![
        3 => plain_actions(),
        1 => embedded.prop_map(|e| vec![Action::Embed(Box::new(e)), Action::KeepSignals])
    ]
}

fn span() -> impl Strategy<Value = Span> {
    (0..9999u32, 0..9999u32).prop_map(|(a, b)| Span { low: a.min(b), high: a.max(b) })
}

fn value_text() -> impl Strategy<Value = String> {
    "[ -~]{0,20}"
}

fn local_option() -> impl Strategy<Value = LocalOption> {
    prop_oneof![
        span().prop_map(LocalOption::Packetization),
        vec(option::of(span()), 1..4).prop_map(LocalOption::PacketizationList),
        vec(text("[A-Za-z0-9.-]{1,10}"), 1..4).prop_map(LocalOption::Codecs),
        span().prop_map(LocalOption::Bandwidth),
        any::<bool>().prop_map(LocalOption::EchoCancellation),
        option::of(-9999..=9999i16).prop_map(LocalOption::Gain),
        any::<bool>().prop_map(LocalOption::SilenceSuppression),
        any::<u8>().prop_map(LocalOption::TypeOfService),
        Just(LocalOption::Reservation(Reservation::ControlledLoad)),
        Just(LocalOption::Network(Network::Local)),
        value_text().prop_map(|t| LocalOption::EncryptionKey(t.as_str().into())),
        value_text().prop_map(|t| LocalOption::Fmtp(t.into())),
        (text("x[-+][a-z]{1,32}|fxr/fx"), option::of(value_text())).prop_map(|(name, value)| {
            LocalOption::Extension(name, value.as_deref().map(Into::into))
        }),
    ]
}

fn extension() -> impl Strategy<Value = Extension> {
    ("[Xx][-+][A-Z0-9]{1,6}|SRTP/[A-Z]{1,5}", "[!-~]([ -~]{0,18}[!-~])?|")
        .prop_map(|(name, value)| Extension { name: name.into(), value: value.as_str().into() })
}

fn statistics() -> impl Strategy<Value = Statistics> {
    let number = || option::of(0..=999_999_999u32);
    (
        (number(), number(), number(), number(), number(), number(), number()),
        vec(text("[0-9]{1,3}"), 0..2),
    )
        .prop_map(|((ps, os, pr, or, pl, ji, la), more)| Statistics {
            packets_sent: ps,
            octets_sent: os,
            packets_received: pr,
            octets_received: or,
            packets_lost: pl,
            jitter_ms: ji,
            latency_ms: la,
            extensions: more.into_iter().map(|v| ("X-V".into(), v)).collect(),
        })
}

fn keyword<T: Copy + Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

prop_compose! {
    /// What may ride on a CRCX: most value types there are.
    fn request_params()(
        call in hex(),
        request_id in hex(),
        mode in keyword(ConnectionMode::ALL),
        options in option::of(vec(local_option(), 0..6)),
        requested in option::of(vec(requested(actions()), 0..4)),
        signals in option::of(vec(event_spec(), 0..4)),
        detect in option::of(vec(event_spec(), 0..3)),
        digit_map in option::of(digit_map()),
        quarantine in option::of((option::of(any::<bool>()), option::of(any::<bool>()))),
        bearer in option::of(prop_oneof![Just(Bearer::ALaw), Just(Bearer::MuLaw)]),
        notified in option::of(option::of("ca[0-9]@cm[0-9](:2427)?|\\[10\\.0\\.0\\.[1-9]\\]:2427")),
        acks in option::of(vec((transaction(), transaction()), 0..4)),
        extensions in vec(extension(), 0..3),
    ) -> Params {
        Params {
            call: Some(call),
            request_id: Some(request_id),
            mode: Some(mode),
            options: options.map(LocalOptions),
            requested,
            signals,
            detect,
            digit_map,
            quarantine: quarantine.map(|(discard, repeat)| Quarantine { discard, repeat }),
            bearer: bearer.map(|b| vec![b]),
            notified: notified.map(|n| n.map(|n| n.parse().unwrap())),
            acknowledged: acks.map(|acks| {
                acks.into_iter().map(|(a, b)| AckRange { low: a.min(b), high: a.max(b) }).collect()
            }),
            extensions,
            ..Params::default()
        }
    }
}

prop_compose! {
    fn answer_params()(
        connections in vec(hex(), 0..3),
        second_connection in option::of(hex()),
        endpoints in vec("pr/[0-9]{1,4}@gw", 0..3),
        statistics in option::of(statistics()),
        packages in option::of(vec((text("[A-Z]{1,4}"), option::of(0..99u32)), 0..3)),
        max_datagram in option::of(0..99_999u32),
        restart_method in option::of(keyword(RestartMethod::ALL)),
        restart_delay in option::of(0..999_999u32),
        reason in option::of((900..906u16, option::of(text("[A-Z]{1,3}")), option::of(text("[a-z]{1,9}( [a-z]{1,5})?")))),
        observed in option::of(vec(event_spec(), 0..3)),
        event_states in option::of(vec(event_spec(), 0..3)),
        info in option::of(vec(keyword(ParamCode::ALL), 0..5)),
        capabilities in vec(vec((text("[a-z]{1,3}"), text("[A-Za-z0-9;.-]{1,12}")), 1..4), 0..3),
    ) -> Params {
        Params {
            connections,
            second_connection,
            endpoints: endpoints.iter().map(|name| name.parse().unwrap()).collect(),
            statistics,
            packages: packages.map(|list| {
                list.into_iter().map(|(name, version)| Package { name, version }).collect()
            }),
            max_datagram,
            restart_method,
            restart_delay,
            reason: reason.map(|(code, package, text)| Reason { code, package, text }),
            observed,
            event_states,
            requested_info: info,
            capabilities: capabilities
                .into_iter()
                .map(|items| Capabilities { as_options: false, items })
                .collect(),
            ..Params::default()
        }
    }
}

fn crypto() -> impl Strategy<Value = CryptoAttribute> {
    let form = prop_oneof![
        (1..999_999_999u32).prop_map(|tag| CryptoForm::Crypto { tag }),
        Just(CryptoForm::XCrypto)
    ];
    let lifetime = prop_oneof![(0..=48u32).prop_map(|n| 1u64 << n), 1..1u64 << 48];
    let mki = (1..=u64::MAX, 8..=128u8).prop_map(|(value, len)| Mki { value, len });
    let session = prop_oneof![
        (0..=24u8).prop_map(SessionParameter::Kdr),
        Just(SessionParameter::UnencryptedSrtcp),
        (64..9999u32).prop_map(SessionParameter::WindowSizeHint),
        any::<bool>().prop_map(SessionParameter::FecFirst),
        text("[a-zA-Z_]{1,9}(=[0-9]{1,3})?").prop_map(SessionParameter::Optional),
    ];
    (
        prop::sample::select(&CryptoSuite::KNOWN[..]),
        form,
        vec(any::<u8>(), 46),
        option::of(lifetime),
        option::of(mki),
        vec(session, 0..3),
    )
        .prop_map(|(suite, form, octets, lifetime, mki, session)| {
            let (key, salt) = suite.key_and_salt_len().unwrap();
            let key = KeySalt::new(&octets[..key + salt]).unwrap();
            let attribute = CryptoAttribute { form, ..CryptoAttribute::new(suite, key) };
            attribute.with_terms(KeyTerms { lifetime, mki, session })
        })
}

prop_compose! {
    fn description()(
        address in any::<[u8; 4]>().prop_filter("unicast", |a| !(224..240).contains(&a[0])),
        v6 in any::<bool>(),
        port in any::<u16>(),
        profile in prop_oneof![Just(Profile::Avp), Just(Profile::Savp), Just(Profile::Savpf)],
        payloads in prop::collection::btree_set(0..=127u8, 1..6),
        fmtp in option::of(text("[!-~]{1,12}( [!-~]{1,3})?")),
        ptime in option::of(0..9999u32),
        rtcp in option::of((1..=65535u16, any::<bool>())),
        direction in option::of(Just(StreamDirection::SendOnly)),
        crypto in option::of(crypto()),
        attributes in vec(("[a-z]{1,3}-x", option::of(text("[!-~]{1,9}"))), 0..3),
        origin in option::of((any::<u64>(), any::<u64>())),
        name in option::of(text("[!-~]{1,9}( [!-~]{1,9})?")),
        at_media in any::<bool>(),
    ) -> SessionDescription {
        let address = match v6 {
            true => std::net::Ipv4Addr::from(address).to_ipv6_mapped().into(),
            false => std::net::IpAddr::from(address),
        };
        let payloads = payloads.into_iter().map(Codec::of_payload_type).collect();
        let mut media = Media::audio(port, profile.clone(), payloads);
        media.payloads[0].fmtp = fmtp;
        media.ptime = ptime;
        media.rtcp = rtcp.map(|(port, with)| (port, with.then_some(address)));
        media.direction = direction;
        media.crypto = crypto.filter(|_| profile.is_secure()).into_iter().collect();
        media.attributes = attributes
            .into_iter()
            .map(|(name, value)| Attribute { name: name.into(), value })
            .collect();
        media.connection = at_media.then_some(address);
        SessionDescription {
            origin: origin.map(|(session_id, version)| Origin {
                username: "-".into(),
                session_id,
                version,
                address: "10.0.0.1".into(),
            }),
            session_name: name,
            connection: Some(address),
            attributes: Vec::new(),
            media: vec![media],
        }
    }
}

fn reread(message: &Message) -> Message {
    let octets = message.to_bytes();
    Message::parse(&octets).unwrap_or_else(|e| {
        panic!("{e}: {}", String::from_utf8_lossy(&octets));
    })
}

proptest! {
    #[test]
    fn commands(
        id in transaction(),
        params in request_params(),
        body in option::of(description()),
        version in prop_oneof![Just(Version::V0_1), Just(Version::V1_0)],
        profile in option::of(text("[A-Z]{1,5}( [0-9.]{1,3})?")),
    ) {
        let command = Command {
            version,
            profile,
            params,
            body: body.as_ref().map(SessionDescription::to_body),
            ..Command::new(Verb::Crcx, "pr/$@relay1".parse().unwrap())
        };
        let message = Message::Command(id, command);
        prop_assert_eq!(&reread(&message), &message);
        let octets = message.to_bytes();
        let twice = datagram::join([octets.as_slice(), octets.as_slice()]);
        prop_assert_eq!(datagram::split(&twice, 65_507).unwrap(), [octets.as_slice(); 2]);
    }

    #[test]
    fn responses(
        id in transaction(),
        code in 0..999u16,
        text in option::of(text("[a-zA-Z]{1,9}( [!-~]{1,9})?")),
        params in answer_params(),
        bodies in vec(description(), 0..=2),
    ) {
        let response = Response {
            text,
            params,
            bodies: bodies.iter().map(SessionDescription::to_body).collect(),
            ..Response::new(ReturnCode::new(code).unwrap())
        };
        let message = Message::Response(id, response);
        prop_assert_eq!(&reread(&message), &message);
    }

    #[test]
    fn session_descriptions(description in description()) {
        let mut read = SessionDescription::parse(description.to_body().expose()).unwrap();
        // Left-out lines are written all the same.
        read.origin = read.origin.filter(|_| description.origin.is_some());
        read.session_name = read.session_name.filter(|_| description.session_name.is_some());
        prop_assert_eq!(read, description);
    }

    #[test]
    fn any_octets_do_no_harm(octets in vec(any::<u8>(), 0..400)) {
        let _ = Message::parse(&octets);
        let _ = datagram::split(&octets, 300);
        if let Ok(text) = std::str::from_utf8(&octets) {
            let _ = SessionDescription::parse(text);
        }
    }

    #[test]
    fn almost_right_text_does_no_harm(
        params in request_params(),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let id = TransactionId::new(1).unwrap();
        let command = Command { params, ..Command::new(Verb::Crcx, "pr/$@g".parse().unwrap()) };
        let mut octets = Message::Command(id, command).to_bytes().to_vec();
        let at = at.index(octets.len());
        octets[at] = with;
        if let Ok(message) = Message::parse(&octets) {
            prop_assert_eq!(&reread(&message), &message);
        }
    }
}
