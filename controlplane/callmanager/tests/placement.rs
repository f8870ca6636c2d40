//! What telephones are told when media goes through a relay, and when their calls are hidden.

mod site;

use ringfence_callmanager::security::Security::Encrypted;
use ringfence_callmanager::station::Equipment;
use ringfence_callmanager::switchboard::{RelayOrder, RelayPolicy, RelayedBy};
use sccp::codes::{ButtonType, Phrase, SecurityStatus};
use sccp::phone::{EnblocCall, FeatureStatReq, OnHook, SoftKeyEvent, Stimulus};
use sccp::server::{OpenReceiveChannel, StartMediaTransmission};
use sccp::{Address, LineInstance, Message, Number, Port, Text};
use site::{Site, equipment};

const A: &str = "SEP000000000001";
const B: &str = "SEP000000000002";

/// A calls B, who answers; both open their ports as they are told.
fn speak(site: &mut Site, number: &str) -> [OpenReceiveChannel; 2] {
    let called_party = Number::new(number);
    site.say(A, EnblocCall { called_party, ..Default::default() });
    let answer = site.soft_key(B, 11);
    site.say(B, answer);
    let opens = [A, B].map(|name| site.opened(name));
    for (name, open) in [A, B].into_iter().zip(&opens) {
        site.acknowledge(name, open, [10, 0, 0, 1]);
    }
    opens
}

fn start(said: &[Message]) -> Option<&StartMediaTransmission> {
    said.iter().find_map(|message| match message {
        Message::StartMediaTransmission(start) => Some(start),
        _ => None,
    })
}

// R: MED-02, MED-03, GEN-09
#[test]
fn telephones_send_to_the_relay_under_the_keys_of_their_own_way() {
    let mut site = Site::default();
    for (name, number) in [(A, "1001"), (B, "1002")] {
        let relay = RelayPolicy::Always;
        site.register(name, Equipment { relay, ..equipment(Encrypted, number) });
    }
    let [OpenReceiveChannel { call, .. }, _] = speak(&mut site, "1002");
    let Some(RelayOrder::Open(link)) = site.relays.pop() else { panic!("{:?}", site.relays) };
    assert!([A, B].iter().all(|name| start(&site.heard(name)).is_none()), "not before it is there");
    assert!(link.ends.iter().all(|end| end.address == ([10, 0, 0, 1], 16_384).into()));
    let addresses = [20_000, 20_002].map(|port| ([10, 9, 0, 1], port).into());
    site.relay_answers(link.link, RelayedBy { relay: "relay1".into(), addresses });
    for (end, name) in [A, B].into_iter().enumerate() {
        let said = site.heard(name);
        let start = start(&said).unwrap_or_else(|| panic!("{name}: {said:?}"));
        assert_eq!(start.remote, Address::V4([10, 9, 0, 1].into()));
        assert_eq!(start.remote_port, Port::from([20_000, 20_002][end]));
        let keys = link.ends[end].keys.as_ref().unwrap();
        let told = start.encryption.keying().unwrap().unwrap();
        let expected = sccp::MasterKey::new(&keys.from_device.key);
        assert_eq!(
            (told.key, told.salt),
            (expected, sccp::MasterSalt::new(&keys.from_device.salt))
        );
        let icon = said.iter().rev().find_map(|message| match message {
            Message::CallInfo(info) => Some(info.security),
            _ => None,
        });
        assert_eq!(icon, Some(SecurityStatus::ENCRYPTED));
    }
    site.say(A, OnHook { line: LineInstance(1), call });
    let closed =
        matches!(site.relays[..], [RelayOrder::Close { link: closed }] if closed == link.link);
    assert!(closed, "{:?}", site.relays);
    assert!(site.is_idle());
}

#[test]
fn a_button_or_a_key_hides_calls_from_the_other_telephone_of_the_line() {
    let mut site = Site::default();
    site.register(A, equipment(Encrypted, "1001"));
    site.say(A, FeatureStatReq { index: 3, ..Default::default() });
    let stat = |said: &[Message]| {
        said.iter().find_map(|message| match message {
            Message::FeatureStat(stat) => Some((stat.index, stat.feature, stat.status)),
            _ => None,
        })
    };
    assert_eq!(stat(&site.heard(A)), Some((3, ButtonType::PRIVACY, 0)));
    let button =
        Stimulus { stimulus: ButtonType::PRIVACY, instance: LineInstance(3), ..Default::default() };
    for status in [1, 0] {
        site.say(A, button.clone());
        assert_eq!(stat(&site.heard(A)), Some((3, ButtonType::PRIVACY, status)));
    }
    // Alone on its line it is not offered the key; with another it is, and says so.
    site.register(B, equipment(Encrypted, "1003"));
    let opens = speak(&mut site, "1003");
    let key = SoftKeyEvent { event: 25, line: LineInstance(1), call: opens[0].call };
    let before = site.violations(A);
    site.heard(A);
    site.say(A, key.clone());
    assert_eq!((site.violations(A), stat(&site.heard(A))), (before + 1, None));
    site.register("SEP000000000003", equipment(Encrypted, "1001"));
    site.say(A, key);
    let said = site.heard(A);
    assert_eq!(stat(&said), Some((3, ButtonType::PRIVACY, 1)));
    let prompt = said.iter().rev().find_map(|message| match message {
        Message::DisplayPromptStatus(prompt) => Some(prompt.text.clone()),
        _ => None,
    });
    assert_eq!(prompt, Some(Text::from(Phrase::PRIVATE)));
}
