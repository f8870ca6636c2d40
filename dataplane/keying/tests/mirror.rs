//! What a kernel has said, repeated. `linux-6.1.hex` was recorded.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use esp::{
    Action, Config, Direction, Encapsulation, Flow, Gap, Ipsec, Limits, Mode, RequestId, SaState,
    Suite,
};
use ringfence_keying::xfrm::{Message, messages};
use ringfence_keying::{Mirror, Origin, Outcome};

/// The recorded datagrams: where they come from, and their octets.
fn recorded() -> Vec<(Origin, Vec<u8>)> {
    let text = include_str!("linux-6.1.hex");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(origin, digits)| {
            let origin = match origin {
                "M" => Origin::Announced,
                "D" => Origin::Found,
                _ => return None,
            };
            let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            Some((origin, (0..digits.len()).step_by(2).map(octet).collect()))
        })
        .collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A mirror at 192.0.2.1, and what it mirrors into.
struct End {
    now: Instant,
    mirror: Mirror,
    ipsec: Ipsec,
}

impl End {
    fn new() -> Self {
        let mirror = Mirror::new(vec![ip("192.0.2.1"), ip("2001:db8::1")]);
        Self { now: Instant::now(), mirror, ipsec: Ipsec::new(Config::default()) }
    }

    fn hears(&mut self, origin: Origin, datagram: &[u8]) -> Vec<Outcome> {
        messages(datagram)
            .map(|message| self.mirror.apply(self.now, origin, message, &mut self.ipsec, [1; 16]))
            .collect()
    }

    /// Hears the first announcements.
    fn after(announcements: usize) -> Self {
        let mut end = Self::new();
        for (origin, datagram) in recorded().iter().take(announcements) {
            for outcome in end.hears(*origin, datagram) {
                let fine =
                    matches!(outcome, Outcome::Added(_) | Outcome::Policies | Outcome::Nothing);
                assert!(fine, "{outcome:?}");
            }
        }
        end
    }
}

#[test]
fn associations_are_repeated_with_all_that_was_agreed() {
    let end = End::after(3);
    let sas: Vec<_> = end.ipsec.sas().collect();
    let [transport, tunnel, null] = &sas[..] else { panic!("{sas:?}") };

    assert_eq!((transport.direction, transport.spi), (Direction::Outbound, 0x1001));
    assert_eq!((transport.mode, transport.suite), (Mode::Transport, Suite::AesCbc128Sha1));
    assert_eq!(transport.request, RequestId(7));
    assert_eq!(transport.selectors[0].to_string(), "192.0.2.1:2427 <-> 192.0.2.2:2427 protocol 17");

    assert_eq!((tunnel.direction, tunnel.spi), (Direction::Inbound, 0x4004));
    assert_eq!((tunnel.mode, tunnel.suite), (Mode::Tunnel, Suite::AesGcm256));
    assert!(tunnel.extended_sequence);
    let ports = Encapsulation { local_port: 4500, remote_port: 4501 };
    assert_eq!(tunnel.encapsulation, Some(ports));
    assert_eq!(tunnel.selectors.len(), 2, "everything, of both families");

    assert_eq!((null.direction, null.suite), (Direction::Outbound, Suite::NullSha256));
    assert_eq!((null.source, null.destination), (ip("2001:db8::1"), ip("2001:db8::2")));
}

#[test]
fn limits_come_along() {
    let datagram = &recorded()[1].1;
    let Some(Message::State(state)) = messages(datagram).next() else { panic!() };
    let spec = state.spec(Direction::Inbound, [0; 16]);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let soft = Limits { time: seconds(3600), octets: Some(1_000_000_000), packets: None };
    let hard = Limits { time: seconds(3960), octets: None, packets: Some(1_000_000) };
    assert_eq!((spec.lifetime.soft, spec.lifetime.hard), (soft, hard));
    assert_eq!((spec.window, spec.traffic_padding), (128, 600));
}

#[test]
fn policies_are_ordered_by_priority() {
    let end = End::after(8);
    let policies: Vec<_> = end
        .ipsec
        .policies()
        .iter()
        .map(|policy| (policy.selector.to_string(), policy.direction, policy.action))
        .collect();
    let (inbound, outbound) = (Some(Direction::Inbound), Some(Direction::Outbound));
    assert_eq!(
        policies,
        [
            ("192.0.2.1:500 <-> 192.0.2.2:500 protocol 17".into(), inbound, Action::Bypass),
            (
                "192.0.2.1:2427 <-> 192.0.2.2:2427 protocol 17".into(),
                inbound,
                Action::Protect(RequestId(7))
            ),
            ("10.1.0.0-10.1.0.255 <-> 10.2.0.1".into(), outbound, Action::Protect(RequestId(9))),
            (
                "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff <-> \
                 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
                    .into(),
                inbound,
                Action::Discard
            ),
        ]
    );
}

/// To the end of the recording: changed, deleted, expired, flushed.
#[test]
fn what_goes_is_forgotten() {
    let mut end = End::after(8);
    let rest = recorded().split_off(8);
    let outcomes: Vec<_> =
        rest.iter().map(|(origin, datagram)| end.hears(*origin, datagram)).collect();
    assert_eq!(outcomes[0], [Outcome::Nothing], "an update changes no number");
    assert_eq!(outcomes[1], [Outcome::Policies]);
    assert_eq!(outcomes[2], [Outcome::Removed]);
    // Added with a second to live, and expired: twice.
    assert!(matches!(outcomes[3][..], [Outcome::Added(_)]), "{:?}", outcomes[3]);
    assert_eq!(outcomes[4], [Outcome::Removed]);
    let last = outcomes.last().unwrap();
    assert_eq!(last[..], [Outcome::Policies]);
    assert_eq!(end.ipsec.sas().count(), 0);
    assert_eq!(end.ipsec.policies(), []);
}

/// Its numbers are not known, so it must not be used; and it covers nothing.
// R: MGCP-04
#[test]
fn what_was_there_before_us_is_not_used() {
    let mut end = End::new();
    let recorded = recorded();
    for (_, datagram) in &recorded[3..8] {
        end.hears(Origin::Found, datagram);
    }
    let [Outcome::Older(key)] = end.hears(Origin::Found, &recorded[1].1)[..] else { panic!() };
    assert_eq!((key.spi, key.destination), (0x4004, ip("192.0.2.1")));
    assert_eq!(end.ipsec.sas().count(), 0);
    let flow = Flow::udp((ip("10.1.0.9"), 2427), (ip("10.2.0.1"), 2427));
    assert_eq!(end.ipsec.covers(end.now, &flow).unwrap_err().why, Gap::NoSa);
    // Its successor is announced.
    assert!(matches!(end.hears(Origin::Announced, &recorded[1].1)[..], [Outcome::Added(_)]));
    assert_eq!(end.ipsec.sas().next().unwrap().state, SaState::Live);
}

#[test]
fn associations_of_others_are_theirs() {
    let mut end = End::new();
    end.mirror = Mirror::new(vec![ip("203.0.113.1")]);
    for (origin, datagram) in recorded().iter().take(3) {
        assert_eq!(end.hears(*origin, datagram), [Outcome::Nothing]);
    }
}

#[test]
fn algorithms_that_we_do_not_have_are_named() {
    let mut end = End::new();
    let mut datagram = recorded()[1].1.clone();
    let name = b"rfc4106(gcm(aes))";
    let at = datagram.windows(name.len()).position(|part| part == name).unwrap();
    datagram[at..at + name.len()].copy_from_slice(b"rfc7539esp(chach)");
    let [Outcome::Unusable(_, why)] = &end.hears(Origin::Announced, &datagram)[..] else {
        panic!()
    };
    assert!(why.to_string().contains("rfc7539esp(chach) with 128 bits"), "{why}");
    assert!(why.to_string().contains("aes128gcm16"), "{why}");
}

#[test]
fn cut_datagrams_say_nothing_and_do_no_harm() {
    // The answers to questions have several messages in a datagram.
    let announced = recorded().into_iter().filter(|(origin, _)| *origin == Origin::Announced);
    for (origin, datagram) in announced {
        let mut end = End::new();
        for len in 0..datagram.len() {
            let mut cut = datagram[..len].to_vec();
            assert_eq!(end.hears(origin, &cut), [], "{len}");
            // And one that says that it is so short.
            if len >= 16 {
                cut[..4].copy_from_slice(&(len as u32).to_ne_bytes());
                end.hears(origin, &cut);
            }
        }
    }
}
