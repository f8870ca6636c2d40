//! Phones, their lines and where they stand; records of calls; what call processing keeps of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringfence_store::{
    Action, BridgeMedia, BuiltInBridge, CallEnding, CallParty, CallRecord, DEFAULT_POOL,
    DEFAULT_REGION, Destination, Device, DeviceName, DeviceSecurityMode, EffectiveMode, Error,
    Invalid, Latest, Line, MediaPolicy, Model, Node, NodeRole, Number, Pool, Refusal, Roster,
    Route, SecurityMode, Service, SpeedDial, State, Warning,
};

use crate::database::{Database, NOW};

crate::over_both! {
    a_number_on_several_phones_is_a_shared_line,
    lines_are_kept_as_they_were_put,
    users_forward_without_a_revision,
    pools_and_regions_hold_together,
    a_node_has_settings_of_its_own,
    routes_are_patterns,
    strangers_get_the_next_free_number_in_non_secure_mode,
    old_call_records_are_forgotten,
    encryption_and_the_bridge_do_not_go_together,
    shared_lines_are_encrypted_on_all_phones_or_warned_of,
    the_roster_follows_every_change,
}

fn number(digits: &str) -> Number {
    digits.parse().unwrap()
}

fn name(last: u8) -> DeviceName {
    format!("SEP0000000000{last:02X}").parse().unwrap()
}

fn phone(last: u8, model: Model, lines: &[&str]) -> Device {
    let lines = lines.iter().map(|digits| number(digits)).collect();
    Device { lines, ..Device::new(name(last), model) }
}

fn cluster(db: &Database) {
    db.change(|c| {
        c.create_cluster("lab")?;
        c.put_node(&Node::new("cm1", [192, 0, 2, 10].into(), NodeRole::Publisher))?;
        c.put_node(&Node::new("cm2", [192, 0, 2, 11].into(), NodeRole::Subscriber))
    })
    .unwrap();
}

fn set(db: &Database, name: &str, value: &str) -> Vec<Warning> {
    db.change(|c| c.set_parameter(None, name, value)).unwrap().warnings
}

fn a_number_on_several_phones_is_a_shared_line(db: &Database) {
    db.change(|c| {
        c.put_device(&phone(1, Model::M7960, &["1001", "1000"]))?;
        c.put_device(&phone(2, Model::M7970, &["1000"]))
    })
    .unwrap();
    let read = |digits| db.store.read(|v| v.phones_of_line(&number(digits))).unwrap();
    assert_eq!(read("1000"), [name(1), name(2)]);
    assert_eq!(read("1001"), [name(1)]);
    let in_use = db.change(|c| c.remove_line(&number("1000"))).unwrap_err();
    assert!(matches!(&in_use, Error::InUse { by, .. } if by == name(2).as_str()), "{in_use}");

    db.change(|c| c.remove_device(&name(1))).unwrap();
    assert_eq!(read("1001"), []);
    db.change(|c| c.remove_line(&number("1001"))).unwrap();
    let left = db.store.read(|v| v.lines()).unwrap();
    assert_eq!(left, [Line::new(number("1000"))]);

    let refused = |device: &Device| db.change(|c| c.put_device(device)).unwrap_err();
    let model = Model::M7912;
    assert_eq!(
        refused(&phone(3, model, &["1", "2"])),
        Refusal::TooManyLines { model, max: 1 }.into()
    );
    let twice = Error::Exists { object: "line", name: "7".into() };
    assert_eq!(refused(&phone(3, Model::M7960, &["7", "7"])), twice);
    let dial = SpeedDial { number: number("0"), label: "exchange".into() };
    let many = Device { speed_dials: vec![dial; 42], ..phone(3, Model::M7960, &["7"]) };
    assert_eq!(refused(&many), Refusal::TooManyButtons.into());
    let nowhere = Device { pool: "Nowhere".into(), ..phone(3, Model::M7960, &[]) };
    assert!(matches!(refused(&nowhere), Error::Unknown { object: "pool", .. }));
    for wrong in ["", "12 34", "ext", "+44-20", &"1".repeat(25)] {
        assert_eq!(wrong.parse::<Number>(), Err(Invalid::Number(wrong.into()).into()));
    }
}

fn lines_are_kept_as_they_were_put(db: &Database) {
    let line = Line {
        display: "Reception".into(),
        forward_all: Some(number("2000")),
        forward_busy: Some(number("2001")),
        forward_no_answer: Some(number("2002")),
        busy_trigger: 4,
        ..Line::new(number("1000"))
    };
    db.change(|c| c.put_line(&line)).unwrap();
    assert_eq!(db.store.read(|v| v.line(&line.number)).unwrap(), line);
    assert_eq!(db.change(|c| c.put_line(&line)).unwrap().revision, None);
    db.change(|c| c.put_device(&phone(1, Model::M7960, &["1000"]))).unwrap();

    // A telephone is told its name when it registers; forwards hold at once.
    let named = Line { display: "受付".into(), ..line.clone() };
    let done = db.change(|c| c.put_line(&named)).unwrap();
    assert_eq!(done.actions, [Action::ResetDevice(name(1))]);
    let forwarded = Line { forward_all: None, forward_busy: None, ..named };
    assert_eq!(db.change(|c| c.put_line(&forwarded)).unwrap().actions, []);
    assert_eq!(db.store.read(|v| v.line(&line.number)).unwrap(), forwarded);

    let refused = |line: Line| db.change(|c| c.put_line(&line)).unwrap_err();
    let circle = Line { forward_busy: Some(number("1000")), ..forwarded.clone() };
    assert_eq!(refused(circle), Refusal::ForwardToItself.into());
    let never = Line { busy_trigger: 0, ..forwarded.clone() };
    assert_eq!(refused(never), Invalid::Range { given: "0".into(), min: 1, max: 200 }.into());
    let long = Line { display: "x".repeat(31), ..forwarded };
    assert_eq!(refused(long), Invalid::TooLong { field: "display", max: 30 }.into());
}

fn users_forward_without_a_revision(db: &Database) {
    let own = number("1000");
    db.change(|c| c.put_line(&Line::new(own.clone()))).unwrap();
    let target = number("2000");
    let done = db.change(|c| c.set_forward_all(&own, Some(&target))).unwrap();
    assert_eq!(done.revision, None);
    let line = db.store.read(|v| v.line(&own)).unwrap();
    assert_eq!(line.forward_all, Some(target.clone()));
    let audit = db.store.read(|v| v.audit(None, 10)).unwrap();
    assert_eq!((&*audit[0].action, &*audit[0].author.who), ("forward-all", "alice"));
    assert!(audit[0].detail.contains("2000"), "{}", audit[0].detail);

    // The same again says nothing new.
    db.change(|c| c.set_forward_all(&own, Some(&target))).unwrap();
    assert_eq!(db.store.read(|v| v.audit(None, 10)).unwrap().len(), audit.len());
    db.change(|c| c.set_forward_all(&own, None)).unwrap();
    assert_eq!(db.store.read(|v| v.line(&own)).unwrap().forward_all, None);
    let circle = db.change(|c| c.set_forward_all(&own, Some(&own))).unwrap_err();
    assert_eq!(circle, Refusal::ForwardToItself.into());
    let nobody = db.change(|c| c.set_forward_all(&target, None)).unwrap_err();
    assert!(matches!(nobody, Error::Unknown { object: "line", .. }));
    db.store.read(|v| v.verify_audit()).unwrap();
}

fn pools_and_regions_hold_together(db: &Database) {
    cluster(db);
    let pools = db.store.read(|v| v.pools()).unwrap();
    assert_eq!(pools, [Pool::new(DEFAULT_POOL)]);
    db.change(|c| c.add_region("Tokyo")).unwrap();
    let tokyo = Pool {
        region: "Tokyo".into(),
        date_template: "Y.M.D".into(),
        time_zone: "Asia/Tokyo".into(),
        call_managers: vec!["cm2".into(), "cm1".into()],
        media: MediaPolicy::Always,
        ..Pool::new("Tokyo office")
    };
    db.change(|c| c.put_pool(&tokyo)).unwrap();
    assert_eq!(db.store.read(|v| v.pool("Tokyo office")).unwrap(), tokyo);
    assert_eq!(tokyo.utc_offset(NOW), 9 * 3600);
    let berlin = Pool { time_zone: "Europe/Berlin".into(), ..tokyo.clone() };
    let summer = UNIX_EPOCH + Duration::from_secs(1_785_000_000);
    assert_eq!(berlin.utc_offset(summer), 2 * 3600);
    let moved = Pool { region: DEFAULT_REGION.into(), ..tokyo.clone() };
    let done = db.change(|c| c.put_pool(&moved)).unwrap();
    assert_eq!(done.actions, [Action::ResetPool("Tokyo office".into())]);
    db.change(|c| c.put_pool(&tokyo)).unwrap();

    db.change(|c| c.limit_region("Tokyo", DEFAULT_REGION, Some(8))).unwrap();
    db.change(|c| c.limit_region("Tokyo", "Tokyo", Some(256))).unwrap();
    let regions = db.store.read(|v| v.regions()).unwrap();
    assert_eq!(regions[0].limits, [("Tokyo".to_owned(), 8)].into());
    let expected = [(DEFAULT_REGION.to_owned(), 8), ("Tokyo".to_owned(), 256)];
    assert_eq!(regions[1].limits, expected.into());
    assert_ne!(regions[0].number, regions[1].number);
    db.change(|c| c.limit_region(DEFAULT_REGION, "Tokyo", None)).unwrap();
    assert_eq!(db.store.read(|v| v.region(DEFAULT_REGION)).unwrap().limits, [].into());
    let fast = db.change(|c| c.limit_region("Tokyo", "Tokyo", Some(257))).unwrap_err();
    assert_eq!(fast, Invalid::Range { given: "257".into(), min: 8, max: 256 }.into());

    let refused = |pool: Pool| db.change(|c| c.put_pool(&pool)).unwrap_err();
    for wrong in ["", "M/D", "M/D.Y", "MDY", "D/D/Y", "M/D/YB"] {
        let pool = Pool { date_template: wrong.into(), ..tokyo.clone() };
        assert_eq!(refused(pool), Invalid::DateTemplate(wrong.into()).into());
    }
    let atlantis = Pool { time_zone: "Atlantis/Capital".into(), ..tokyo.clone() };
    assert_eq!(refused(atlantis), Invalid::TimeZone("Atlantis/Capital".into()).into());
    let nowhere = Pool { region: "Nowhere".into(), ..tokyo.clone() };
    assert!(matches!(refused(nowhere), Error::Unknown { object: "region", .. }));
    let nameless = Pool { name: " x".into(), ..tokyo.clone() };
    assert_eq!(refused(nameless), Invalid::Name { given: " x".into(), max: 50 }.into());
    db.change(|c| {
        let cm2 = c.node("cm2")?;
        c.put_node(&Node { services: vec![Service::Tftp], ..cm2 })
    })
    .unwrap();
    assert_eq!(refused(tokyo), Refusal::NoCallManager.into());

    db.change(|c| {
        c.put_device(&Device { pool: "Tokyo office".into(), ..phone(1, Model::M7960, &[]) })
    })
    .unwrap();
    let remove = |name| db.change(|c| c.remove_pool(name)).map(|_| ());
    assert!(matches!(remove("Tokyo office"), Err(Error::InUse { .. })));
    assert_eq!(remove(DEFAULT_POOL), Err(Refusal::DefaultStays.into()));
    let remove_region = |name| db.change(|c| c.remove_region(name)).map(|_| ());
    assert!(matches!(remove_region("Tokyo"), Err(Error::InUse { .. })));
    assert_eq!(remove_region(DEFAULT_REGION), Err(Refusal::DefaultStays.into()));
    db.change(|c| c.remove_device(&name(1))).unwrap();
    remove("Tokyo office").unwrap();
    remove_region("Tokyo").unwrap();
}

fn a_node_has_settings_of_its_own(db: &Database) {
    db.change(|c| {
        c.put_node(&Node::new("cm1", [192, 0, 2, 1].into(), NodeRole::Publisher))?;
        c.put_node(&Node::new("cm2", [192, 0, 2, 2].into(), NodeRole::Subscriber))?;
        c.set_parameter(None, "call-manager.max-half-open", "100")?;
        c.set_parameter(Some("cm1"), "call-manager.max-half-open", "200")?;
        c.set_parameter(Some("cm1"), "call-manager.built-in-bridge-enable", "true")?;
        c.put_device(&phone(1, Model::M7970, &[]))
    })
    .unwrap();
    let of = |node: &str| {
        let roster = db.store.read(|v| Roster::read(v, node)).unwrap();
        let telephone = roster.telephone(name(1).as_str(), NOW).unwrap();
        (roster.settings().max_half_open, telephone.bridge.is_some())
    };
    assert_eq!((of("cm1"), of("cm2")), ((200, true), (100, false)));
}

fn routes_are_patterns(db: &Database) {
    let route = Route { pattern: "5[0-4]XX".into(), destination: Destination::MeetMe };
    db.change(|c| c.put_route(&route)).unwrap();
    assert_eq!(db.change(|c| c.put_route(&route)).unwrap().revision, None);
    assert_eq!(db.store.read(|v| v.routes()).unwrap(), std::slice::from_ref(&route));
    for wrong in ["", "5 0", "5Y", "5x"] {
        let route = Route { pattern: wrong.into(), ..route.clone() };
        let refused = db.change(|c| c.put_route(&route)).unwrap_err();
        assert_eq!(refused, Invalid::Pattern(wrong.into()).into());
    }
    db.change(|c| c.remove_route("5[0-4]XX")).unwrap();
    assert_eq!(db.store.read(|v| v.routes()).unwrap(), []);
}

// R: GEN-01, GEN-04
fn strangers_get_the_next_free_number_in_non_secure_mode(db: &Database) {
    cluster(db);
    set(db, "call-manager.auto-registration-first", "1000");
    set(db, "call-manager.auto-registration-last", "1002");
    let register = |last| db.change(|c| c.auto_register(&name(last), Model::M7960));
    assert_eq!(register(1).unwrap_err(), Refusal::NoAutoRegistration.into());
    set(db, "enterprise.auto-registration", "on");
    db.change(|c| c.put_line(&Line::new(number("1001")))).unwrap();
    let first = register(1).unwrap().value;
    assert_eq!((&*first.lines, first.model), (&[number("1000")][..], Model::M7960));
    assert_eq!(register(2).unwrap().value.lines, [number("1002")]);
    assert_eq!(register(3).unwrap_err(), Refusal::NoFreeNumber.into());
    assert!(matches!(register(2).unwrap_err(), Error::Exists { object: "device", .. }));

    db.change(|c| c.set_security_mode(SecurityMode::Mixed)).unwrap();
    assert_eq!(register(3).unwrap_err(), Refusal::AutoRegistrationInMixedMode.into());
    assert!(db.store.read(|v| v.find_device(&name(3))).unwrap().is_none());
}

fn old_call_records_are_forgotten(db: &Database) {
    let party = |number: &str| CallParty { number: number.into(), name: "名前".into() };
    let record = |call: u32, seconds: u64| CallRecord {
        number: 0,
        node: "cm1".into(),
        call,
        calling: party("1000"),
        dialled: "1001".into(),
        called: call.is_multiple_of(2).then(|| party("1001")),
        began: UNIX_EPOCH + Duration::from_secs(seconds),
        answered: call.is_multiple_of(2).then(|| UNIX_EPOCH + Duration::from_secs(seconds + 1)),
        ended: UNIX_EPOCH + Duration::from_secs(seconds + 2),
        security: Some(EffectiveMode::Encrypted),
        ending: CallEnding::HungUp,
        relay: Some("relay1".into()),
    };
    let write = |now: SystemTime, records: &[CallRecord]| {
        let author = crate::database::author();
        let done = db.store.change(&author, now, |c| c.record_calls(records)).unwrap();
        assert_eq!(done.revision, None);
    };
    let calls = |of| -> Vec<u32> {
        let found = db.store.read(|v| v.call_records(None, 100, of)).unwrap();
        found.into_iter().map(|record| record.call).collect()
    };
    write(NOW, &(1..=20).map(|call| record(call, 0)).collect::<Vec<_>>());
    assert_eq!(calls(None), (1..=20).rev().collect::<Vec<_>>());
    let kept = db.store.read(|v| v.call_records(Some(3), 1, None)).unwrap();
    assert_eq!(kept, [CallRecord { number: 2, ..record(2, 0) }]);
    assert_eq!((calls(Some("1000")).len(), calls(Some("1002")).len()), (20, 0));

    // At most eight go for each that is written.
    set(db, "call-manager.call-records", "10");
    write(NOW, &[record(21, 0)]);
    assert_eq!(calls(None), (9..=21).rev().collect::<Vec<_>>());
    write(NOW, &[record(22, 0)]);
    assert_eq!(calls(None), (13..=22).rev().collect::<Vec<_>>());
    let day = 24 * 3600;
    set(db, "call-manager.call-record-days", "1");
    write(UNIX_EPOCH + Duration::from_secs(2 * day), &[record(23, 2 * day), record(24, 2 * day)]);
    assert_eq!(calls(None), [24, 23]);
}

const BARGE: &str = "If you configure encryption for Cisco IP Phone models 7960 and 7940, those \
    encrypted devices cannot accept a barge request when they are participating in an encrypted \
    call. When the call is encrypted, the barge attempt fails.";

// R: GEN-17
fn encryption_and_the_bridge_do_not_go_together(db: &Database) {
    let warned = [Warning::EncryptedCannotBeBarged];
    assert_eq!(Warning::EncryptedCannotBeBarged.to_string(), BARGE);
    let encrypted = |last, model| Device {
        security_mode: DeviceSecurityMode::Encrypted,
        built_in_bridge: BuiltInBridge::On,
        ..phone(last, model, &[])
    };
    let put = |device: &Device| db.change(|c| c.put_device(device)).unwrap().warnings;
    // The phone's page: inserted, updated.
    for model in Model::ALL.into_iter().filter(|model| model.is_securable()) {
        let old = [Model::M7940, Model::M7960].contains(&model);
        let expected = if old { &warned[..] } else { &[] };
        assert_eq!(put(&encrypted(1, model)), expected, "{model}");
    }
    let silent = Device { built_in_bridge: BuiltInBridge::Off, ..encrypted(1, Model::M7960) };
    assert_eq!(put(&silent), []);
    assert_eq!(put(&Device { built_in_bridge: BuiltInBridge::On, ..silent.clone() }), warned);
    let shown = Device { security_mode: DeviceSecurityMode::Authenticated, ..silent };
    assert_eq!(put(&Device { built_in_bridge: BuiltInBridge::On, ..shown }), []);

    // The two parameters, whichever comes last.
    let (mode, bridge) = ("enterprise.device-security-mode", "call-manager.built-in-bridge-enable");
    assert_eq!(set(db, mode, "encrypted"), []);
    assert_eq!(set(db, bridge, "on"), warned);
    assert_eq!(set(db, mode, "authenticated"), []);
    assert_eq!(set(db, mode, "encrypted"), warned);
    // A phone that follows both.
    assert_eq!(put(&phone(2, Model::M7940, &[])), warned);
    // One that follows one of them.
    assert_eq!(set(db, bridge, "off"), []);
    let own_bridge = Device { built_in_bridge: BuiltInBridge::On, ..phone(2, Model::M7940, &[]) };
    assert_eq!(put(&own_bridge), warned);
    assert_eq!(set(db, mode, "non-secure"), []);
    assert_eq!(set(db, mode, "encrypted"), warned);
}

// R: GEN-19
fn shared_lines_are_encrypted_on_all_phones_or_warned_of(db: &Database) {
    let encrypted = |last, model, lines: &[&str]| Device {
        security_mode: DeviceSecurityMode::Encrypted,
        ..phone(last, model, lines)
    };
    let put = |device: &Device| db.change(|c| c.put_device(device)).unwrap().warnings;
    let warned = |phones: &[u8]| {
        let phones = phones.iter().map(|last| name(*last)).collect();
        [Warning::SharedLineNotEncrypted { number: number("1000"), phones }]
    };
    assert_eq!(put(&encrypted(1, Model::M7970, &["1000", "1001"])), []);
    assert_eq!(put(&phone(2, Model::M7960, &["1000"])), warned(&[2]));
    assert_eq!(put(&phone(3, Model::M7912, &["1000"])), warned(&[2, 3]));
    assert_eq!(put(&encrypted(2, Model::M7960, &["1000"])), warned(&[3]));
    db.change(|c| c.remove_device(&name(3))).unwrap();
    assert_eq!(put(&encrypted(2, Model::M7960, &["1000"])), []);
    assert_eq!(put(&phone(1, Model::M7970, &["1000"])), warned(&[1]));
    assert_eq!(put(&phone(2, Model::M7960, &["1000"])), []);
    let told = warned(&[1, 2])[0].to_string();
    assert!(told.contains("1000") && told.contains("SEP000000000002"), "{told}");
}

// R: GEN-05
fn the_roster_follows_every_change(db: &Database) {
    cluster(db);
    let store = Arc::new(db.open_again());
    let change =
        |make: &dyn Fn(&mut ringfence_store::Change<'_>) -> ringfence_store::Result<()>| {
            store.change(&crate::database::author(), NOW, |c| make(c)).unwrap();
        };
    let latest = Latest::<Roster>::new(Arc::clone(&store), "cm1").unwrap();
    let find = || latest.newest().telephone(name(1).as_str(), NOW);
    assert!(find().is_none());

    let device = Device {
        security_mode: DeviceSecurityMode::Encrypted,
        built_in_bridge: BuiltInBridge::On,
        ..phone(1, Model::M7970, &["1000", "1001"])
    };
    change(&|c| c.put_device(&device));
    let found = find().unwrap();
    assert_eq!(
        (found.mode, found.bridge),
        (EffectiveMode::NonSecure, Some(BridgeMedia::Encrypted))
    );
    let digits: Vec<_> = found.lines.iter().map(|line| line.number.as_str()).collect();
    assert_eq!(digits, ["1000", "1001"]);
    let ports: Vec<_> = found
        .place
        .servers
        .iter()
        .map(|server| (&*server.name, server.port, server.secure_port))
        .collect();
    assert_eq!(ports, [("cm1", 2000, 2443), ("cm2", 2000, 2443)]);

    change(&|c| c.set_security_mode(SecurityMode::Mixed));
    assert_eq!(find().unwrap().mode, EffectiveMode::Encrypted);
    change(&|c| c.put_line(&Line { display: "Bob".into(), ..Line::new(number("1000")) }));
    assert_eq!(find().unwrap().lines[0].display, "Bob");
    change(&|c| {
        c.add_region("Tokyo")?;
        c.limit_region("Tokyo", DEFAULT_REGION, Some(8))?;
        c.put_pool(&Pool {
            region: "Tokyo".into(),
            time_zone: "Asia/Tokyo".into(),
            call_managers: vec!["cm2".into()],
            media: MediaPolicy::Never,
            ..Pool::new("Tokyo")
        })?;
        c.put_device(&Device { pool: "Tokyo".into(), ..device.clone() })?;
        c.set_parameter(Some("cm2"), "call-manager.port", "2100")
    });
    let found = find().unwrap();
    assert_eq!((found.utc_offset, found.place.pool.media), (32_400, MediaPolicy::Never));
    assert_eq!((found.place.servers.len(), found.place.servers[0].port), (1, 2100));
    let limits = latest.newest().limits().clone();
    assert_eq!(limits, [((0, found.place.region), 8)].into());
    change(&|c| c.set_parameter(Some("cm1"), "call-manager.max-conference", "5"));
    change(&|c| c.set_parameter(None, "call-manager.expired-mic-until", "2030-01-31"));
    let settings = latest.newest().settings().clone();
    assert_eq!(settings.max_conference, 5);
    let end = UNIX_EPOCH + Duration::from_secs(1_896_134_400);
    assert_eq!(settings.expired_mic_until, Some(end));
    change(&|c| c.put_route(&Route { pattern: "5XXX".into(), destination: Destination::MeetMe }));
    assert_eq!(latest.newest().routes().len(), 1);

    // What users do, and other processes, is seen soon.
    let own = number("1001");
    let target = number("2000");
    db.change(|c| c.set_forward_all(&own, Some(&target))).unwrap();
    eventually(|| find().unwrap().lines[1].forward_all.as_ref() == Some(&target));
    db.change(|c| c.remove_device(&name(1))).unwrap();
    eventually(|| find().is_none());
    assert_eq!(latest.newest().lines().count(), 2);
}

fn eventually(so: impl Fn() -> bool) {
    let patience = std::time::Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(std::time::Instant::now() < patience, "it is never seen");
        std::thread::yield_now();
    }
}
