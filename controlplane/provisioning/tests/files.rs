//! What a phone gets under each name, in both modes, with and without caching.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pki::node::{self, NodeName};
use pki::{Identity, KeyKind};
use ringfence_provisioning::signing::FileSigner;
use ringfence_provisioning::{Provisioning, Snapshot, Snapshots};
use store::{
    Author, Capf, CapfAuthMode, CapfOperation, CapfReason, CapfResult, Change, Device, DeviceName,
    DeviceSecurityMode, Model, Node, NodeRole, PhoneCertificate, PhoneCertificateKind, Pool,
    SecurityMode, Service, Store, StoreUrl,
};
use tempfile::TempDir;
use tftp::{FileName, FileRequest, FileSource, Location, Protocol, Refusal, Served};
use tlv::{FileKind, PublicKey, SignedFile, VerifyError};

const PHONE: &str = "SEP001122334455.cnf.xml";
const NOW: SystemTime = UNIX_EPOCH;

fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_100_000_000)
}

struct Site {
    dir: TempDir,
    store: Arc<Store>,
    source: Provisioning,
    key: PublicKey,
}

impl Site {
    fn new(mode: SecurityMode, caching: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreUrl::Sqlite(dir.path().join("ringfence.db"))).unwrap();
        let address = IpAddr::from([192, 0, 2, 10]);
        let me = Node::new("cm1", address, NodeRole::Publisher);
        store
            .change(&Author::new("test", "test"), NOW, |change| {
                change.create_cluster("lab")?;
                change.put_node(&me)?;
                change.put_device(&phone())?;
                change.set_parameter(None, "tftp.caching", &caching.to_string())?;
                change.set_security_mode(mode)
            })
            .unwrap();
        let identity = identity(dir.path(), &me);
        let key = identity.certificate().public_key().trust_list_form();
        let files = dir.path().join("tftp");
        let locations = vec![Location::claim(&files, "lab").unwrap()];
        let store = Arc::new(store);
        let source =
            Provisioning::new(Arc::clone(&store), "cm1", locations, Arc::new(identity), clock)
                .unwrap();
        Self { dir, store, source, key: PublicKey::new(key).unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("tftp").join(name)
    }

    fn change(&self, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
        self.store.change(&Author::new("test", "test"), NOW, make).unwrap();
    }

    fn get(&self, name: &str) -> Result<Served, Refusal> {
        let from = SocketAddr::from(([192, 0, 2, 99], 50_000));
        let name = FileName::parse(name.as_bytes()).unwrap();
        self.source.open(&FileRequest { name, from, protocol: Protocol::Tftp })
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.get(name).unwrap().bytes.to_vec()).unwrap()
    }

    /// What a phone reads out of a signed file, after checking it.
    fn verified(&self, name: &str) -> Vec<u8> {
        let file = SignedFile::parse(self.get(name).unwrap().bytes).unwrap();
        file.verify_with(name, &self.key).unwrap().payload().to_vec()
    }
}

fn phone() -> Device {
    let mode = DeviceSecurityMode::Encrypted;
    Device { security_mode: mode, ..Device::new(PHONE[..15].parse().unwrap(), Model::M7970) }
}

fn identity(dir: &Path, me: &Node) -> Identity {
    let name = NodeName {
        server: me.name.clone(),
        guid: me.guid.to_string(),
        addresses: vec![me.address],
    };
    let keys = dir.join("keys");
    fs::create_dir_all(&keys).unwrap();
    node::open_or_create(&keys, &name, KeyKind::Rsa1024, SystemTime::now()).unwrap()
}

// R: AUTH-02, GEN-05
#[test]
fn non_secure_mode_signs_nothing() {
    for caching in [true, false] {
        let site = Site::new(SecurityMode::NonSecure, caching);
        fs::write(site.file("RINGLIST.XML"), "<rings/>").unwrap();
        assert!(site.text(PHONE).contains("<deviceSecurityMode>1</deviceSecurityMode>"));
        assert_eq!(site.text("RINGLIST.XML"), "<rings/>");
        for name in [PHONE, "RINGLIST.XML", "XMLDefault.cnf.xml"] {
            assert_eq!(site.get(&format!("{name}.sgn")).unwrap_err(), Refusal::NotFound);
        }
    }
}

// R: PHN-04, HRD-01
#[test]
fn what_changes_of_a_phone_or_its_pool_is_in_its_next_file() {
    let site = Site::new(SecurityMode::Mixed, true);
    let has = |element: &str, value: &str| {
        let text = String::from_utf8(site.verified(&format!("{PHONE}.sgn"))).unwrap();
        assert!(text.contains(&format!("<{element}>{value}</{element}>")), "{element}: {text}");
    };
    let set = |change: &dyn Fn(&mut Device)| {
        let mut device = phone();
        change(&mut device);
        site.change(|change| change.put_device(&device));
    };
    has("deviceSecurityMode", "3");
    for (mode, number) in
        [(DeviceSecurityMode::Authenticated, "2"), (DeviceSecurityMode::NonSecure, "1")]
    {
        set(&|device| device.security_mode = mode);
        has("deviceSecurityMode", number);
    }
    set(&|device| device.hardening.web_access = false);
    has("webAccess", "1");
    has("deviceSecurityMode", "3");

    let members = || site.text(PHONE).matches("<member ").count();
    site.change(|change| {
        let address = IpAddr::from([192, 0, 2, 11]);
        change.put_node(&Node::new("cm2", address, NodeRole::Subscriber))?;
        change.set_parameter(Some("cm2"), "call-manager.secure-port", "2543")
    });
    assert_eq!(members(), 2);
    let first = |address: &str| {
        let text = site.text(PHONE);
        let at = |text: &str, what: &str| text.find(what).unwrap();
        let rest = &text[at(&text, "<member priority=\"0\">")..];
        assert!(at(rest, address) < rest.find("priority=\"1\"").unwrap_or(rest.len()), "{text}");
    };
    first("192.0.2.10");
    site.change(|change| {
        change.put_pool(&Pool {
            call_managers: vec!["cm2".into()],
            date_template: "Y.M.D".into(),
            time_zone: "Asia/Tokyo".into(),
            ..Pool::new("Tokyo")
        })
    });
    set(&|device| device.pool = "Tokyo".into());
    assert_eq!(members(), 1);
    first("192.0.2.11");
    has("securedEthernetPhonePort", "2543");
    has("dateTemplate", "Y.M.D");
    has("timeZone", "Tokyo Standard Time");
}

// R: AUTH-02
#[test]
fn mixed_mode_signs_configurations_and_static_files() {
    for caching in [true, false] {
        let site = Site::new(SecurityMode::Mixed, caching);
        fs::create_dir(site.file("United_States")).unwrap();
        for name in ["RINGLIST.XML", "ring.wav", "United_States/g3-tones.xml"] {
            fs::write(site.file(name), format!("content of {name}")).unwrap();
        }
        let names =
            [PHONE, "XMLDefault.cnf.xml", "RINGLIST.XML", "ring.wav", "United_States/g3-tones.xml"];
        for name in names {
            let plain = site.get(name).unwrap().bytes;
            assert_eq!(site.verified(&format!("{name}.sgn")), *plain, "{name}");
        }
        let signed = site.get(&format!("{PHONE}.sgn")).unwrap();
        assert!(signed.signer.is_some_and(|signer| signer.contains("cm1")));
        assert_eq!(site.get("nothing.xml.sgn").unwrap_err(), Refusal::NotFound);
    }
}

// R: AUTH-02
#[test]
fn changed_data_is_signed_anew_and_only_then() {
    for caching in [true, false] {
        let site = Site::new(SecurityMode::Mixed, caching);
        let name = format!("{PHONE}.sgn");
        let first = site.get(&name).unwrap();
        let again = site.get(&name).unwrap();
        assert_eq!(first.bytes, again.bytes);
        assert_eq!((&*first.rule, &*again.rule), ("signed now", "signed before"));

        site.change(|change| {
            change.put_device(&Device { user_locale: "Japanese_Japan".into(), ..phone() })
        });
        let changed = site.get(&name).unwrap();
        assert_eq!(changed.rule, "signed now");
        assert!(String::from_utf8(site.verified(&name)).unwrap().contains("Japanese_Japan"));
        site.change(|change| change.remove_device(&phone().name));
        assert_eq!(site.get(&name).unwrap_err(), Refusal::NotFound);
    }
}

// R: AUTH-03
#[test]
fn without_caching_signed_files_are_on_disk_and_follow_it() {
    let site = Site::new(SecurityMode::Mixed, false);
    fs::write(site.file("RINGLIST.XML"), "one").unwrap();
    assert_eq!(site.verified("RINGLIST.XML.sgn"), b"one");
    let stored = fs::read(site.file("RINGLIST.XML.sgn")).unwrap();
    assert_eq!(stored, *site.get("RINGLIST.XML.sgn").unwrap().bytes);

    // Changed on disk: signed again, and the new one replaces the old one.
    fs::write(site.file("RINGLIST.XML"), "two").unwrap();
    assert_eq!(site.verified("RINGLIST.XML.sgn"), b"two");
    assert_ne!(fs::read(site.file("RINGLIST.XML.sgn")).unwrap(), stored);

    // Somebody meddled with the signed one, or put another's in its place.
    let mut meddled = fs::read(site.file("RINGLIST.XML.sgn")).unwrap();
    *meddled.last_mut().unwrap() ^= 1;
    for wrong in [&meddled, &stored, &Vec::new()] {
        fs::write(site.file("RINGLIST.XML.sgn"), wrong).unwrap();
        assert_eq!(site.verified("RINGLIST.XML.sgn"), b"two");
    }
    // Back in non-secure mode what lies there is history.
    site.change(|change| change.set_security_mode(SecurityMode::NonSecure));
    assert!(site.file("RINGLIST.XML.sgn").exists());
    assert_eq!(site.get("RINGLIST.XML.sgn").unwrap_err(), Refusal::NotFound);
}

// R: AUTH-03
#[test]
fn a_file_that_many_phones_ask_for_at_once_is_signed_once() {
    for caching in [false, true] {
        let site = Site::new(SecurityMode::Mixed, caching);
        for round in 0..20 {
            fs::write(site.file("RINGLIST.XML"), format!("round {round}")).unwrap();
            let rules = thread::scope(|scope| {
                let ask = || scope.spawn(|| site.get("RINGLIST.XML.sgn").unwrap().rule);
                let phones: Vec<_> = (0..8).map(|_| ask()).collect();
                phones.into_iter().map(|phone| phone.join().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(rules.iter().filter(|rule| *rule == "signed now").count(), 1);
        }
    }
}

// R: AUTH-03
#[test]
fn with_caching_signed_files_are_in_memory_only() {
    let site = Site::new(SecurityMode::Mixed, true);
    fs::write(site.file("RINGLIST.XML"), "one").unwrap();
    assert_eq!(site.verified("RINGLIST.XML.sgn"), b"one");
    site.verified(&format!("{PHONE}.sgn"));
    let left: Vec<_> = fs::read_dir(site.file("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(left, ["RINGLIST.XML"]);
    fs::write(site.file("RINGLIST.XML"), "two").unwrap();
    assert_eq!(site.verified("RINGLIST.XML.sgn"), b"two");
}

// R: AUTH-01
#[test]
fn images_are_signed_by_their_maker_and_served_as_they_are() {
    let maker_dir = tempfile::tempdir().unwrap();
    let maker = Node::new("maker", IpAddr::from([192, 0, 2, 1]), NodeRole::Publisher);
    let maker = Arc::new(identity(maker_dir.path(), &maker));
    let name = "P0030801SR02.sbn";
    let image = FileSigner::new(Arc::clone(&maker)).unwrap();
    let image = image.sign(FileKind::Image, name, b"firmware", clock()).unwrap().to_bytes();
    let key = PublicKey::new(maker.certificate().public_key().trust_list_form()).unwrap();
    for mode in [SecurityMode::NonSecure, SecurityMode::Mixed] {
        let site = Site::new(mode, true);
        fs::write(site.file(name), &image).unwrap();
        let served = site.get(name).unwrap().bytes;
        let check = |bytes: &[u8]| SignedFile::parse(bytes).unwrap().verify_with(name, &key);
        assert_eq!(check(&served).unwrap().payload(), b"firmware");
        let mut tampered = served.to_vec();
        *tampered.last_mut().unwrap() ^= 1;
        assert_eq!(check(&tampered), Err(VerifyError::BadSignature));

        // One whose name ends in .sgn is not signed a second time.
        fs::write(site.file("cmterm.bin.sgn"), &image).unwrap();
        assert_eq!(site.get("cmterm.bin.sgn").unwrap().bytes, image);
    }
}

#[test]
fn names_are_found_as_phones_spell_them() {
    let site = Site::new(SecurityMode::NonSecure, true);
    assert_eq!(site.text("sep001122334455.cnf.xml"), site.text(PHONE));
    assert_eq!(site.text("XmlDefault.cnf.xml"), site.text("XMLDefault.cnf.xml"));
    assert_eq!(site.get("SEP00112233FFFF.cnf.xml").unwrap_err(), Refusal::NotFound);
    fs::write(site.file("CTLFile.tlv"), "a list").unwrap();
    let list = site.get("CTLSEP001122334455.tlv").unwrap();
    assert_eq!(*list.bytes, *b"a list");
    // The MD5 of "a list".
    assert_eq!(list.ctl_version.as_deref().map(str::len), Some(32));
}

#[test]
fn changes_of_another_process_are_seen() {
    let site = Site::new(SecurityMode::NonSecure, true);
    let other = Store::open(&StoreUrl::Sqlite(site.dir.path().join("ringfence.db"))).unwrap();
    other
        .change(&Author::new("test", "elsewhere"), NOW, |change| {
            change.remove_device(&phone().name)
        })
        .unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while site.get(PHONE).is_ok() {
        assert!(std::time::Instant::now() < deadline, "the change is never seen");
        thread::yield_now();
    }
}

#[test]
fn a_large_cluster_is_built_in_time() {
    let site = Site::new(SecurityMode::Mixed, true);
    site.change(|change| {
        (0..500u32).try_for_each(|n| {
            let name = format!("SEP{n:012X}").parse().unwrap();
            change.put_device(&Device::new(name, Model::M7960))
        })
    });
    let all: Vec<_> = site.source.newest().configurations().map(|(_, xml)| xml.len()).collect();
    assert_eq!(all.len(), 501);
    assert!(all.iter().all(|len| *len > 500));
}

// R: CAPF-13
#[test]
fn an_operation_of_capf_changes_the_signed_file_and_its_end_too() {
    let site = Site::new(SecurityMode::Mixed, true);
    let signed = format!("{PHONE}.sgn");
    let text = || String::from_utf8(site.verified(&signed)).unwrap();
    assert!(text().contains("<capfAuthMode>0</capfAuthMode>"));
    site.change(|change| {
        let mut me = change.node("cm1")?;
        me.services.push(Service::Capf);
        change.put_node(&me)
    });
    let mut capf = site.store.read(|view| view.capf(&phone().name)).unwrap();
    capf.operation = CapfOperation::Install;
    capf.auth_mode = CapfAuthMode::NullString;
    site.change(|change| change.order_capf(&capf));
    assert!(text().contains("<capfAuthMode>2</capfAuthMode>"), "{}", text());
    assert!(text().contains("<phonePort>3804</phonePort>"), "{}", text());
    let result = CapfResult { at: NOW, reason: CapfReason::Success, detail: String::new() };
    capf.end(true, result);
    site.change(|change| {
        change.note_capf(&capf)?;
        change.put_phone_certificate(&lsc(phone().name, b"abc"))
    });
    assert!(text().contains("<capfAuthMode>0</capfAuthMode>"), "{}", text());
    // MD5 of `abc`, RFC 1321.
    assert!(text().contains("<certHash>900150983cd24fb0d6963f7d28e17f72<"), "{}", text());
}

// R: CAPF-22
#[test]
fn enrolments_that_are_followed_lead_to_what_is_read_anew() {
    let site = Site::new(SecurityMode::NonSecure, true);
    let names: Vec<DeviceName> =
        (0..300).map(|n| format!("SEP{n:012X}").parse().unwrap()).collect();
    site.change(|change| {
        let me = change.node("cm1")?;
        change.put_node(&Node { services: vec![Service::Capf], ..me })?;
        names
            .iter()
            .try_for_each(|name| change.put_device(&Device::new(name.clone(), Model::M7970)))
    });
    let agrees = || {
        let sorted = |snapshot: &Snapshot| -> BTreeMap<_, _> {
            snapshot.configurations().map(|(name, xml)| (name.to_owned(), xml)).collect()
        };
        let anew = Snapshots::new(Arc::clone(&site.store), "cm1").unwrap().newest();
        let followed = sorted(&site.source.newest());
        assert_eq!(followed, sorted(&anew));
        followed
    };
    let start = agrees();
    let order = |names: &[DeviceName], operation| {
        site.change(|change| {
            names.iter().try_for_each(|name| {
                let capf = change.capf(name)?;
                change.order_capf(&Capf { operation, auth_mode: CapfAuthMode::NullString, ..capf })
            })
        });
    };
    // Some, and more than are followed.
    for names in [&names[..3], &names[..]] {
        order(names, CapfOperation::Install);
        assert_ne!(agrees(), start);
        for der in [&b"abc"[..], b"def"] {
            site.change(|change| {
                let put = |name: &DeviceName| change.put_phone_certificate(&lsc(name.clone(), der));
                names.iter().try_for_each(put)
            });
            agrees();
        }
        site.change(|change| {
            let gone = PhoneCertificateKind::Lsc;
            names.iter().try_for_each(|name| change.phone_certificate_gone(name, gone))
        });
        order(names, CapfOperation::None);
        assert_eq!(agrees(), start);
    }
    site.change(|change| change.remove_device(&names[0]));
    assert_eq!(agrees().len(), start.len() - 1);
}

fn lsc(device: DeviceName, der: &[u8]) -> PhoneCertificate {
    PhoneCertificate {
        device,
        kind: PhoneCertificateKind::Lsc,
        subject: String::new(),
        issuer: String::new(),
        serial: String::new(),
        not_before: NOW,
        not_after: NOW,
        issued_by: None,
        noted_at: NOW,
        present: true,
        revoked_at: None,
        der: der.to_vec(),
    }
}
