//! Many phones at once.

mod common;

use std::collections::BTreeSet;

use common::{Cluster, configuration};
use ringfence_phone::fleet::{self, Manner};
use ringfence_phone::{Boot, Conclusion, Identity, Installed, Model, SecurityMode};
use tftp::{DeviceName, Options, Tuning};

#[test]
fn every_phone_of_a_fleet_starts_with_its_own_configuration() {
    let cluster = Cluster::new();
    let ctl = cluster.tokens[0].sign_ctl(&cluster.records());
    let devices: Vec<_> =
        (0..150u8).map(|number| DeviceName::from_mac([0, 1, 2, 3, 4, number])).collect();
    for device in &devices {
        cluster.files.put(&format!("CTL{device}.tlv"), ctl.as_bytes());
        let load = format!("load-of-{device}");
        cluster.publish_signed(&format!("{device}.cnf.xml"), configuration(3, &load).as_bytes());
    }
    let phones = devices.iter().map(|&device| {
        let model = Model::M7971;
        let identity = Identity { device, model, has_certificate: true, image_key: None };
        Boot::new(identity, Installed::default(), cluster.address.ip())
    });
    let manner = Manner {
        server: cluster.address,
        options: Options::default(),
        tuning: Tuning::default(),
        at_once: 40,
    };
    let finished = fleet::run(phones, &manner).unwrap();
    assert_eq!(finished.len(), devices.len());
    let mut stamps = BTreeSet::new();
    for one in &finished {
        let conclusion = one.member.conclusion().unwrap();
        assert!(matches!(conclusion, Conclusion::Register { mode: SecurityMode::Encrypted, .. }));
        assert_eq!(one.files, 2);
        stamps.insert(one.member.installed().configuration.clone().unwrap());
    }
    assert_eq!(stamps.len(), devices.len());
}
