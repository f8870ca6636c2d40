//! What hardening changes at a telephone's network side.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use provisioning::configuration::{Certificates, Common, of_device};
use ringfence_phone::network::{
    Hardening, Neighbours, Passage, Port, SettingsAccess, Switch, WebAccess,
};
use ringfence_phone::{Configuration, Model};
use store::{Device, EffectiveMode, SecurityMode};
use wire::ethernet::{Header, IPV4, MacAddr, SERVICE_VLAN, VLAN, VlanTag};

const PHONE: MacAddr = MacAddr([0, 0x11, 0x22, 0x33, 0x44, 0x55]);
const PC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const VOICE: u16 = 110;
const DATA: u16 = 20;

/// What a telephone reads of the file that the server writes for these settings.
fn read(hardening: store::Hardening) -> Hardening {
    let name = "SEP001122334455".parse().unwrap();
    let device = Device { hardening, ..Device::new(name, store::Model::M7970) };
    let common = Common {
        pools: HashMap::new(),
        capf: None,
        capf_port: 3804,
        mode: SecurityMode::Mixed,
        default_mode: EffectiveMode::Encrypted,
        auto_registration: false,
    };
    let file = of_device(&device, &Certificates::default(), &common);
    Hardening::of(&Configuration::parse(file.as_bytes()).unwrap())
}

fn frame(source: MacAddr, destination: MacAddr, tag: Option<(u16, u16)>) -> Vec<u8> {
    let tag = tag.map(|(protocol, vlan)| VlanTag { protocol, control: 5 << 13 | vlan });
    let header = Header { destination, source, tags: [tag, None], ether_type: IPV4 };
    let mut frame = vec![0; 64];
    header.emit(&mut frame);
    frame
}

fn switch(model: Model, hardening: Hardening) -> Switch {
    Switch { mac: PHONE, model, hardening, voice_vlan: Some(VOICE) }
}

// R: HRD-01, HRD-02
#[test]
fn each_setting_closes_one_thing() {
    let open = store::Hardening::default();
    assert_eq!(read(open), Hardening::default());
    let closed = [
        (
            store::Hardening { gratuitous_arp: false, ..open },
            Hardening { gratuitous_arp: false, ..Hardening::default() },
        ),
        (
            store::Hardening { web_access: false, ..open },
            Hardening { web: WebAccess::Closed, ..Hardening::default() },
        ),
        (
            store::Hardening { pc_voice_vlan_access: false, ..open },
            Hardening { pc_voice_vlan: false, ..Hardening::default() },
        ),
        (
            store::Hardening { settings_access: false, ..open },
            Hardening { settings: SettingsAccess::None, ..Hardening::default() },
        ),
        (
            store::Hardening { pc_port: false, ..open },
            Hardening { pc_port: false, ..Hardening::default() },
        ),
    ];
    for (ordered, expected) in closed {
        assert_eq!(read(ordered), expected);
    }
}

// R: HRD-02
#[test]
fn web_and_settings_are_closed_when_they_are_said_to_be() {
    let open = Hardening::default();
    assert!(open.answers(80) && !open.answers(22) && open.saves_volume());
    let closed = Hardening {
        web: WebAccess::Closed,
        settings: SettingsAccess::None,
        ..Hardening::default()
    };
    assert!(!closed.answers(80) && !closed.saves_volume());
    let restricted = Hardening {
        web: WebAccess::ReadOnly,
        settings: SettingsAccess::Restricted,
        ..Hardening::default()
    };
    assert!(restricted.answers(80) && restricted.saves_volume());
}

// R: HRD-02
#[test]
fn the_pc_port_passes_what_it_may() {
    let through = Passage { to_phone: false, through: true };
    let nothing = Passage::default();
    let tags = [None, Some((VLAN, VOICE)), Some((SERVICE_VLAN, VOICE)), Some((VLAN, DATA))];
    let barred = Hardening { pc_voice_vlan: false, ..Hardening::default() };
    let closed = Hardening { pc_port: false, ..Hardening::default() };
    for (model, hardening, expected) in [
        (Model::M7960, Hardening::default(), [through; 4]),
        (Model::M7970, Hardening::default(), [through; 4]),
        (Model::M7940, barred, [through, nothing, nothing, through]),
        (Model::M7960, barred, [through, nothing, nothing, through]),
        (Model::M7970, barred, [through, nothing, through, nothing]),
        (Model::M7971, barred, [through, nothing, through, nothing]),
        (Model::M7960, closed, [nothing; 4]),
        (Model::M7970, closed, [nothing; 4]),
    ] {
        let switch = switch(model, hardening);
        for (tag, expected) in tags.into_iter().zip(expected) {
            let to_pc = switch.pass(Port::Network, &frame(OTHER, PC, tag)).unwrap();
            let from_pc = switch.pass(Port::Pc, &frame(PC, OTHER, tag)).unwrap();
            assert_eq!([to_pc, from_pc], [expected; 2], "{model} {hardening:?} {tag:?}");
        }
    }
}

// R: HRD-02
#[test]
fn the_telephone_itself_is_in_its_vlan() {
    for hardening in [
        Hardening::default(),
        Hardening { pc_voice_vlan: false, pc_port: false, ..Hardening::default() },
    ] {
        let switch = switch(Model::M7970, hardening);
        let own = switch.pass(Port::Network, &frame(OTHER, PHONE, Some((VLAN, VOICE)))).unwrap();
        assert_eq!(own, Passage { to_phone: true, through: false });
        let foreign = switch.pass(Port::Network, &frame(OTHER, PHONE, None)).unwrap();
        assert_eq!(foreign, Passage::default());
        let all = MacAddr([0xff; 6]);
        let to_all = switch.pass(Port::Network, &frame(OTHER, all, Some((VLAN, VOICE)))).unwrap();
        assert_eq!(to_all, Passage { to_phone: true, through: hardening.pc_port });
        // A computer that pretends to be in the voice VLAN.
        let spoofed = switch.pass(Port::Pc, &frame(PC, PHONE, Some((VLAN, VOICE)))).unwrap();
        assert_eq!(spoofed.to_phone, hardening.pc_port);
    }
    let untagged = Switch { voice_vlan: None, ..switch(Model::M7960, Hardening::default()) };
    // Priority without a VLAN.
    let passage = untagged.pass(Port::Network, &frame(OTHER, PHONE, Some((VLAN, 0)))).unwrap();
    assert!(passage.to_phone);
}

const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const ROUTER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 1, 1]);
const ATTACKER: MacAddr = MacAddr([2, 0, 0, 0, 6, 6]);

/// Somebody else with his own table, who can be asked and can ask.
fn host(ip: Ipv4Addr, mac: MacAddr) -> Neighbours {
    Neighbours::new(ip, mac, &Hardening::default())
}

// R: HRD-02
#[test]
fn gratuitous_arp_is_ignored_and_the_router_found() {
    for accepts in [true, false] {
        let hardening = Hardening { gratuitous_arp: accepts, ..Hardening::default() };
        let mut phone = Neighbours::new(OWN, PHONE, &hardening);
        assert_eq!(phone.mac(ROUTER), None);
        let question = phone.ask(ROUTER);
        let answer = host(ROUTER, ROUTER_MAC).handle(&question).unwrap();
        assert_eq!(phone.handle(&answer), None);
        assert_eq!(phone.mac(ROUTER), Some(ROUTER_MAC));

        // Somebody says that he is the router: by an answer that nobody asked for,
        let lie = host(ROUTER, ATTACKER).handle(&phone_question()).unwrap();
        phone.handle(&lie);
        // and as Windows says that its address is its own.
        phone.handle(&host(ROUTER, ATTACKER).ask(ROUTER));
        let believed = if accepts { ATTACKER } else { ROUTER_MAC };
        assert_eq!(phone.mac(ROUTER), Some(believed), "accepts: {accepts}");

        // Asked, it answers in any case, and knows who asked.
        let stranger = Ipv4Addr::new(10, 0, 0, 9);
        let answer = phone.handle(&host(stranger, OTHER).ask(OWN)).unwrap();
        let mut asking = host(stranger, OTHER);
        asking.ask(OWN);
        asking.handle(&answer);
        assert_eq!((asking.mac(OWN), phone.mac(stranger)), (Some(PHONE), Some(OTHER)));
        // Under the router's address a question changes nothing.
        let before = phone.mac(ROUTER);
        phone.handle(&host(ROUTER, OTHER).ask(OWN));
        assert_eq!(phone.mac(ROUTER), before);
    }
}

/// What the telephone asks when it looks for its router; here nobody waits for the answer.
fn phone_question() -> [u8; 28] {
    host(OWN, PHONE).ask(ROUTER)
}

proptest! {
    #[test]
    fn nothing_that_arrives_does_harm(
        octets in proptest::collection::vec(any::<u8>(), 0..80), pc: bool, open: bool,
    ) {
        let hardening = Hardening { pc_voice_vlan: open, ..Hardening::default() };
        let port = if pc { Port::Pc } else { Port::Network };
        let passage = switch(Model::M7970, hardening).pass(port, &octets);
        prop_assert_eq!(passage.is_err(), Header::parse(&octets).is_err());
        let mut phone = Neighbours::new(OWN, PHONE, &hardening);
        phone.handle(&octets);
        prop_assert_eq!(phone.mac(OWN), None);
    }
}
