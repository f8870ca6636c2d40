//! Many phones at once.

mod common;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use common::{Cluster, configuration};
use ringfence_phone::fleet::{self, Manner, Member};
use ringfence_phone::{Boot, Conclusion, Identity, Installed, Model, SecurityMode};
use tftp::server::{Server, Service, request_socket};
use tftp::{
    Config, DeviceName, Failure, FileRequest, FileSource, Options, RateLimit, Refusal, RequestLog,
    Served, Tuning,
};

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

/// Files that tell their names.
struct Echo;

impl FileSource for Echo {
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
        Ok(Served::plain(content(request.name.as_str()), "test file"))
    }
}

/// A block, and six of them.
fn content(name: &str) -> Vec<u8> {
    name.repeat(if name.starts_with("short") { 1 } else { 250 }).into_bytes()
}

/// Wants a short file, then a long one.
struct Reader {
    number: usize,
    got: Vec<Result<Vec<u8>, Failure>>,
}

impl Member for Reader {
    fn wants(&self) -> Option<String> {
        let kind = ["short", "long"].get(self.got.len())?;
        Some(format!("{kind}-{:04}.xml", self.number))
    }

    fn handle(&mut self, answer: Result<Vec<u8>, Failure>) {
        self.got.push(answer);
    }
}

#[test]
fn a_thousand_phones_at_once_get_what_they_asked_for() {
    let socket = request_socket((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = socket.local_addr().unwrap();
    // They share an address, and the limit is per address.
    let rate = RateLimit { per_second: 1e9, burst: 1e9 };
    let service = Service { source: Arc::new(Echo), observer: Arc::new(RequestLog::new(10_000)) };
    let config = Config { rate, ..Config::default() };
    let _server = Server::tftp(&config, &[socket], 2, &service).unwrap();

    let (options, tuning) = (Options::default(), Tuning::default());
    let manner = Manner { server, options, tuning, at_once: 1000 };
    let readers = (0..1000).map(|number| Reader { number, got: Vec::new() });
    for one in fleet::run(readers, &manner).unwrap() {
        let name = |kind: &str| content(&format!("{kind}-{:04}.xml", one.member.number));
        assert_eq!(one.member.got, [Ok(name("short")), Ok(name("long"))]);
    }
}
