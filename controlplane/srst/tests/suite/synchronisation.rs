//! What a gateway is given, by whom, and what it makes of it.

use std::fs;
use std::time::SystemTime;

use ringfence_srst::agent::{CentreFault, News};
use ringfence_srst::branch;
use ringfence_srst::bundle::{Bundle, Refused, Signed};
use ringfence_srst::vault::Vault;
use store::{CertificateRole, EffectiveMode, Latest, Roster, SecurityMode, SrstReference};

use crate::site::{Gateway, Party, centre_store, change, listener, open, phone, start_centre};

fn take(news: News) -> Option<Signed> {
    match news {
        News::Take(signed) => Some(*signed),
        _ => None,
    }
}

fn good(news: News) -> Option<()> {
    (news == News::Good).then_some(())
}

// R: SRST-08
#[test]
fn a_gateway_is_given_its_own_phones_and_follows_what_changes() {
    let (one, gw) = (Party::new("cm1"), Party::new("gw"));
    let store = centre_store(&one, gw.identity.certificate());
    let centre = start_centre(&one, store.clone(), listener());
    let gateway = Gateway::start(&gw, &[(centre.address(), one.fingerprint())]);

    let signed = gateway.hears(take);
    let bundle = signed.verify(&[one.fingerprint()]).unwrap();
    let names: Vec<_> = bundle.devices.iter().map(|it| it.name.to_string()).collect();
    assert_eq!(names, ["SEP000000000001"]);
    assert_eq!(bundle.lines.len(), 1);
    assert_eq!((bundle.issuers.len(), bundle.port), (1, 2000));

    let mut report = gateway.report.lock().unwrap();
    (report.have, report.phones) = (Some(signed.digest()), 7);
    drop(report);
    gateway.hears(good);
    let known = centre.gateways();
    assert_eq!((&*known[0].reference, known[0].phones, known[0].connected), ("branch", 7, true));
    assert!(known[0].synchronised);

    // Nothing of its own has changed, and then something has.
    change(&store, |c| c.put_device(&phone(9, "Osaka", "1009")));
    gateway.hears(good);
    change(&store, |c| c.put_device(&phone(3, "Kyoto", "1003")));
    let bundle = gateway.hears(take).verify(&[one.fingerprint()]).unwrap();
    assert_eq!(bundle.devices.len(), 2);

    // Without its certificate it is nobody's gateway.
    change(&store, |c| c.withdraw_srst_certificate("branch"));
    gateway.hears(|news| matches!(news, News::Failed(CentreFault::Away { .. })).then_some(()));
    assert!(centre.strangers().iter().any(|it| it.fingerprint == gw.fingerprint()));
}

// R: SRST-08
#[test]
fn strangers_are_given_nothing() {
    let (one, gw, thief) = (Party::new("cm1"), Party::new("gw"), Party::new("thief"));
    let store = centre_store(&one, gw.identity.certificate());
    let centre = start_centre(&one, store, listener());
    let gateway = Gateway::start(&thief, &[(centre.address(), one.fingerprint())]);
    gateway.hears(|news| match news {
        News::Failed(_) => Some(()),
        other => panic!("{other:?}"),
    });
    assert_eq!(centre.strangers()[0].fingerprint, thief.fingerprint());
    assert_eq!(centre.gateways(), []);
}

// R: SRST-08
#[test]
fn a_centre_that_is_another_is_told_nothing_and_the_next_one_is_asked() {
    let (one, other, gw) = (Party::new("cm1"), Party::new("cm2"), Party::new("gw"));
    let store = centre_store(&one, gw.identity.certificate());
    let impostor = start_centre(&other, store.clone(), listener());
    let centre = start_centre(&one, store, listener());
    let centres = [(impostor.address(), one.fingerprint()), (centre.address(), one.fingerprint())];
    let gateway = Gateway::start(&gw, &centres);
    gateway.hears(|news| match news {
        News::Failed(CentreFault::Untrusted(it)) => {
            assert_eq!(it.found, other.fingerprint());
            Some(())
        }
        news => panic!("{news:?}"),
    });
    gateway.hears(take);
    assert_eq!(impostor.gateways(), []);
}

// R: SRST-08
#[test]
fn a_gateway_that_lost_its_centre_finds_it_again() {
    let (one, gw) = (Party::new("cm1"), Party::new("gw"));
    let store = centre_store(&one, gw.identity.certificate());
    let centre = start_centre(&one, store.clone(), listener());
    let address = centre.address();
    let gateway = Gateway::start(&gw, &[(address, one.fingerprint())]);
    gateway.hears(take);
    drop(centre);
    gateway.hears(|news| matches!(news, News::Failed(_)).then_some(()));
    let _centre = start_centre(&one, store, std::net::TcpListener::bind(address).unwrap());
    gateway.hears(take);
}

fn signed(one: &Party, gw: &Party) -> Signed {
    let store = centre_store(one, gw.identity.certificate());
    let bundle = store.read(|view| {
        let reference = view.srst_reference("branch")?;
        Bundle::read(view, &reference)
    });
    bundle.unwrap().sign(&one.identity).unwrap()
}

// R: SRST-08
#[test]
fn a_bundle_of_somebody_else_or_with_something_else_in_it_is_refused() {
    let (one, gw) = (Party::new("cm1"), Party::new("gw"));
    let signed = signed(&one, &gw);
    assert!(signed.verify(&[one.fingerprint()]).is_ok());
    assert_eq!(signed.verify(&[gw.fingerprint()]), Err(Refused::Signer(one.fingerprint())));

    let text = serde_json::to_string(&signed).unwrap();
    let altered: Signed = serde_json::from_str(&text.replace("1001", "6666")).unwrap();
    assert_eq!(altered.verify(&[one.fingerprint()]), Err(Refused::Signature));
}

// R: SRST-08
#[test]
fn what_is_kept_is_encrypted_and_noticed_when_it_is_altered() {
    let (one, gw) = (Party::new("cm1"), Party::new("gw"));
    let signed = signed(&one, &gw);
    let state = tempfile::tempdir().unwrap();
    let vault = Vault::new(state.path(), gw.dir.path());
    assert!(vault.open().unwrap().is_none());
    vault.keep(&signed).unwrap();
    assert_eq!(vault.open().unwrap(), Some(signed.clone()));
    let file = state.path().join("srst.vault");
    let kept = fs::read(&file).unwrap();
    for secret in [&b"SEP000000000001"[..], b"1001", b"Kyoto"] {
        assert!(!kept.windows(secret.len()).any(|window| window == secret));
    }
    // The same is never kept in the same bytes.
    vault.keep(&signed).unwrap();
    let again = fs::read(&file).unwrap();
    assert_ne!(kept, again);
    for at in [0, 9, kept.len() / 2, kept.len() - 1] {
        let mut altered = again.clone();
        altered[at] ^= 1;
        fs::write(&file, &altered).unwrap();
        assert!(vault.open().is_err(), "{at}");
    }
    fs::write(&file, &again[..7]).unwrap();
    assert!(vault.open().is_err());
    // Another machine's key does not open it.
    fs::write(&file, &again).unwrap();
    let elsewhere = Party::new("elsewhere");
    let fault = Vault::new(state.path(), elsewhere.dir.path()).open().unwrap_err();
    messages::testing::Provoked::default().note(&fault);
}

// R: SRST-08
#[test]
fn a_bundle_becomes_a_store_that_call_processing_runs_on() {
    let (one, gw) = (Party::new("cm1"), Party::new("gw"));
    let bundle = signed(&one, &gw).verify(&[one.fingerprint()]).unwrap();
    let memory = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(&memory.path().join("branch.db")));
    let now = SystemTime::now();
    branch::apply(&store, &bundle, "gw", now).unwrap();
    let latest = Latest::<Roster>::new(store.clone(), "gw").unwrap();
    let find = |name: &str| latest.newest().telephone(name, now);
    let phone = find("SEP000000000001").unwrap();
    assert_eq!((phone.mode, &*phone.lines[0].display), (EffectiveMode::NonSecure, "Ann"));
    assert!(find("SEP000000000002").is_none());
    assert_eq!(latest.newest().settings().port, 2000);
    assert!(!latest.newest().settings().music_on_hold);
    assert_eq!(phone.place.servers.len(), 1);

    // The same again changes nothing; what is new replaces what was there.
    let revision = store.read(|v| v.revision()).unwrap();
    branch::apply(&store, &bundle, "gw", now).unwrap();
    assert_eq!(store.read(|v| v.revision()).unwrap(), revision);
    let mut newer = bundle.clone();
    newer.devices[0].security_mode = store::DeviceSecurityMode::Encrypted;
    newer.devices[0].name = "SEP000000000005".parse().unwrap();
    newer.devices[0].lines = vec!["1005".parse().unwrap()];
    newer.lines = vec![store::Line::new("1005".parse().unwrap())];
    newer.devices[0].pool = "Default".into();
    (newer.pools, newer.regions, newer.issuers) = (Vec::new(), Vec::new(), Vec::new());
    newer.port = 2100;
    branch::apply(&store, &newer, "gw", now).unwrap();
    assert!(find("SEP000000000001").is_none());
    assert_eq!(find("SEP000000000005").unwrap().mode, EffectiveMode::Encrypted);
    store
        .read(|view| {
            assert_eq!(view.security_mode()?, SecurityMode::Mixed);
            assert_eq!(
                (view.pools()?.len(), view.regions()?.len(), view.lines()?.len()),
                (1, 1, 1)
            );
            let mut issuers = view.certificates()?.into_iter();
            assert!(!issuers.any(|it| it.role == CertificateRole::LscIssuer));
            assert_eq!(view.parameter(None, "call-manager.secure-port")?.value, "2543");
            Ok(())
        })
        .unwrap();
}

// R: SRST-05, GEN-05
#[test]
fn only_a_secure_reference_has_a_gateway_of_ours() {
    let (one, gw) = (Party::new("cm1"), Party::new("gw"));
    let store = centre_store(&one, gw.identity.certificate());
    let centre = start_centre(&one, store.clone(), listener());
    change(&store, |c| {
        let reference = c.srst_reference("branch")?;
        c.put_srst_reference(&SrstReference { secure: false, ..reference })
    });
    let gateway = Gateway::start(&gw, &[(centre.address(), one.fingerprint())]);
    gateway.hears(|news| matches!(news, News::Failed(_)).then_some(()));
    assert_eq!(centre.gateways(), []);
}
