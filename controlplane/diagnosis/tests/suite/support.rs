//! A small cluster, its trust lists, and a phone in good health, to be spoiled by tests.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster::inventory;
use cluster::list::{Discovery, Draft, FoundCapf, FoundServer};
use cluster::preflight::{Held, PhoneList};
use cluster::required::Inventory;
use lang::{Language, Say};
use messages::Explain;
use pki::check::{self, Keys};
use pki::issue::{self, Template, Usage};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey};
use ringfence_diagnosis::{Diagnosis, Records, Stage, State, diagnose};
use store::{
    CertificateRole, Device, EffectiveMode, Model, Node, NodeRole, PhoneCertificate,
    PhoneCertificateKind, SecurityMode, Service,
};
use tftp::{DeviceName, Outcome, Protocol, Record, Refusal};
use tlv::VerifiedCtl;

pub const PHONE: &str = "SEP001122334455";

pub fn now() -> SystemTime {
    static NOW: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);
    *NOW
}

pub struct World {
    pub tokens: [Identity; 3],
    pub node: Identity,
    pub capf: Identity,
}

/// Made once: keys take their time.
pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| World {
        tokens: ["sast-1", "sast-2", "sast-3"].map(|name| identity(name, Usage::Signing)),
        node: identity("cm1", Usage::Server),
        capf: identity("CAPF-1", Usage::Server),
    });
    &WORLD
}

pub fn identity(name: &str, usage: Usage) -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = Template {
        subject: Name::common(name),
        not_before: now() - Duration::from_secs(3600),
        validity: Duration::from_secs(10 * 365 * 24 * 3600),
        usage,
        alternative_names: Vec::new(),
    };
    let certificate = issue::self_signed(&template, Hash::Sha256, &key).unwrap();
    Identity::new(certificate, key).unwrap()
}

pub fn address() -> IpAddr {
    [192, 0, 2, 11].into()
}

/// What a list is made of: tokens, the last of which signs; the node; CAPF.
pub struct List<'a> {
    pub mode: SecurityMode,
    pub tokens: [&'a Identity; 2],
    pub node: (&'a str, IpAddr, &'a Certificate),
    pub capf: Option<&'a Certificate>,
}

impl<'a> List<'a> {
    pub fn right() -> List<'static> {
        let World { tokens, node, capf } = world();
        List {
            mode: SecurityMode::Mixed,
            tokens: [&tokens[0], &tokens[1]],
            node: ("cm1", address(), node.certificate()),
            capf: Some(capf.certificate()),
        }
    }

    pub fn sign(&self) -> VerifiedCtl {
        let checked = |certificate: &Certificate| {
            check::server_certificate(certificate.der(), now(), Keys::RsaOnly).unwrap()
        };
        let (name, address, certificate) = self.node;
        let found = Discovery {
            servers: vec![FoundServer {
                name: name.into(),
                address,
                call_manager: true,
                tftp: true,
                certificate: checked(certificate),
            }],
            capf: self
                .capf
                .map(|capf| FoundCapf { server: name.into(), address, certificate: checked(capf) })
                .into_iter()
                .collect(),
        };
        let mut draft = Draft::create(self.mode, &found).unwrap();
        for token in self.tokens {
            draft.add_token(token.certificate()).unwrap();
        }
        draft.finish(self.tokens[1], now()).unwrap().list
    }
}

/// A phone of which all is well: it fetched everything and holds the present list.
pub fn healthy() -> Records {
    let list = List::right().sign();
    let World { node, capf, .. } = world();
    let discovery = Discovery {
        servers: vec![FoundServer {
            name: "cm1".into(),
            address: address(),
            call_manager: true,
            tftp: true,
            certificate: check::server_certificate(node.certificate().der(), now(), Keys::RsaOnly)
                .unwrap(),
        }],
        capf: vec![FoundCapf {
            server: "cm1".into(),
            address: address(),
            certificate: check::server_certificate(capf.certificate().der(), now(), Keys::RsaOnly)
                .unwrap(),
        }],
    };
    let mut cm1 = Node::new("cm1", address(), NodeRole::Publisher);
    cm1.services.push(Service::Capf);
    let md5 = pki::certificate::hex(&list.md5());
    let mut records = Records {
        phone: PHONE.parse().unwrap(),
        now: now(),
        device: Some((Device::new(PHONE.parse().unwrap(), Model::M7970), EffectiveMode::Encrypted)),
        mode: SecurityMode::Mixed,
        nodes: vec![cm1],
        node: "cm1".into(),
        inventory: Inventory::of_discovery(&discovery),
        held: Some(PhoneList { held: Held::List(list.clone()), asked: now() }),
        list: Some(list),
        requests: Vec::new(),
        capf: None,
        certificates: vec![lsc(capf, now() + Duration::from_secs(365 * 24 * 3600))],
        lsc_issuers: vec![inventory::entry(CertificateRole::LscIssuer, "cm1", capf.certificate())],
        has_capf_certificate: true,
    };
    records.requests = vec![
        Record { ctl_version: Some(md5), ..asked(0, &format!("CTL{PHONE}.tlv")) },
        Record {
            outcome: Outcome::Refused(Refusal::NotFound),
            ..asked(1, &format!("ITL{PHONE}.tlv"))
        },
        Record { signer: Some("CN=cm1".into()), ..asked(2, &format!("{PHONE}.cnf.xml.sgn")) },
    ];
    records
}

/// A file that was fetched so many seconds after the phone began.
pub fn asked(second: u64, name: &str) -> Record {
    Record {
        at: now() - Duration::from_secs(60 - second),
        took: Duration::from_millis(5),
        device: DeviceName::parse(PHONE),
        from: ([192, 0, 2, 99], 50_000).into(),
        protocol: Protocol::Tftp,
        name: name.into(),
        rule: Some("static file".into()),
        size: Some(1234),
        signer: None,
        ctl_version: None,
        outcome: Outcome::Completed,
    }
}

/// The phone's LSC, by an issuer.
pub fn lsc(issuer: &Identity, until: SystemTime) -> PhoneCertificate {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let not_before = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let template = Template {
        subject: Name::common(PHONE),
        not_before,
        validity: until.duration_since(not_before).unwrap(),
        usage: Usage::Server,
        alternative_names: Vec::new(),
    };
    let key = pki::Signer::public_key(&key).clone();
    let certificate = issue::issued(&template, &key, Hash::Sha256, issuer).unwrap();
    PhoneCertificate {
        device: PHONE.parse().unwrap(),
        kind: PhoneCertificateKind::Lsc,
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: pki::certificate::hex(certificate.serial()),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        issued_by: Some(issuer.certificate().fingerprint()),
        noted_at: now() - Duration::from_secs(1800),
        present: true,
        revoked_at: None,
        der: certificate.der().to_vec(),
    }
}

/// Ids of what was found, what to look at first first. Every text is whole in both languages.
pub fn found(records: &Records) -> Vec<&'static str> {
    let Diagnosis { timeline, findings } = diagnose(records);
    for language in Language::ALL {
        for finding in &findings {
            let said = finding.explain(language);
            for text in [said.text, said.cause, said.action] {
                assert!(!text.contains('{'), "{text}");
            }
        }
        for event in &timeline {
            assert!(!event.say(language).contains('{'), "{}", event.say(language));
        }
    }
    findings.iter().map(|finding| finding.message().id).collect()
}

/// Step, state and words of the time line.
pub fn told(records: &Records) -> Vec<(Stage, State, String)> {
    let timeline = diagnose(records).timeline.into_iter();
    timeline.map(|event| (event.stage, event.state, event.say(Language::English))).collect()
}
