//! Lists on their way: to every server, in part, after a crash, past the pre-flight.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Office, now, token};
use messages::{Explain, trust_list};
use ringfence_cluster::client::{OperationFault, Stranding, TransportFault};
use ringfence_cluster::list::{Draft, present_list};
use ringfence_cluster::locations::Locations;
use ringfence_cluster::preflight::{Verdict, Why};
use store::{Guid, SecurityMode};
use tlv::Trust;

// R: CTL-09
#[test]
fn a_push_that_fails_in_part_is_finished_later() {
    let office = Office::new(3);
    office.activate_capf();
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
    for token in [&a, &b] {
        draft.add_token(token.certificate()).unwrap();
    }
    office.cut("cm2");
    let (new, report) = cluster.finish(&draft, &b, Stranding::Refused, now()).unwrap();
    assert_eq!(report.failed(), ["cm2"]);
    assert_eq!(cluster.preflight(&new.list).unwrap().silent, ["cm2"]);
    assert_eq!(report.message(), &trust_list::FAILED_ON_SERVERS);
    let bytes = Some(new.list.as_bytes());
    let files = office.files();
    assert_eq!((files["cm1"].as_deref(), files["cm2"].as_deref()), (bytes, None));
    assert_eq!(files["cm3"].as_deref(), bytes);
    // Not every server has the list: the mode waits.
    assert_eq!(office.mode(), SecurityMode::NonSecure);

    let still = office.connect().push_again().unwrap();
    assert_eq!(still.failed(), ["cm2"]);
    office.mend("cm2");
    let done = office.connect().push_again().unwrap();
    assert!(done.is_complete(), "{done:?}");
    assert_eq!(office.files()["cm2"].as_deref(), bytes);
    assert_eq!(office.mode(), SecurityMode::Mixed);
    assert!(office.machines[1].certificates.join("CAPF-5d9e2b.0").exists());
    // Again is harmless, and no new version.
    office.connect().push_again().unwrap();
    assert_eq!(office.store.read(|view| view.ctl_versions()).unwrap().len(), 1);
}

// R: CTL-09
#[test]
fn a_node_that_goes_away_during_a_push_is_waited_for_once() {
    let office = Office::new(2);
    office.activate_capf();
    let [a, b] = ["sast-1", "sast-2"].map(token);
    office.create(SecurityMode::Mixed, [&a, &b]);
    let cluster = office.connect();
    let tries = Arc::new(AtomicUsize::new(0));
    let tried = Arc::clone(&tries);
    office.intercept(move |server, request| {
        (server.name == "cm2" && request.method != "GET").then(|| {
            tried.fetch_add(1, Ordering::Relaxed);
            Err(TransportFault::Connect("connection timed out".into()))
        })
    });
    let report = cluster.push_again().unwrap();
    let away = report.results.iter().filter(|result| result.server == "cm2");
    let faults: Vec<_> = away.map(|result| result.fault.as_ref().unwrap().id.as_str()).collect();
    // The list and CAPF's certificate, and one connection that was tried for both.
    assert_eq!((faults.len(), faults[0]), (2, faults[1]));
    assert_eq!(tries.load(Ordering::Relaxed), 1);
}

// R: CTL-09, CTL-18
#[test]
fn a_file_that_cannot_be_opened_is_not_taken_for_a_bad_one() {
    let office = Office::new(2);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (new, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let machine = &office.machines[1];
    fs::rename(&machine.tftp, machine.tftp.with_extension("away")).unwrap();
    fs::write(&machine.tftp, "no directory").unwrap();
    let cluster = office.connect();
    let subscriber = cluster.node("cm2").unwrap().unwrap();
    let failures = [
        subscriber.ctl_file().map(drop),
        subscriber.post_ctl_file(new.list.as_bytes(), false).map(drop),
    ];
    for fault in failures.map(Result::unwrap_err) {
        assert_eq!(fault.message(), &trust_list::CANNOT_OPEN_FILE, "{fault}");
        assert!(fault.to_string().contains(machine.tftp.to_str().unwrap()), "{fault}");
    }

    fs::remove_file(&machine.tftp).unwrap();
    fs::rename(machine.tftp.with_extension("away"), &machine.tftp).unwrap();
    assert!(office.connect().push_again().unwrap().is_complete());
    assert_eq!(fs::read(machine.ctl_file()).unwrap(), new.list.as_bytes());
}

// R: CTL-10, GEN-07
#[test]
fn every_location_gets_the_file_and_no_other_clusters_does() {
    let office = Office::new(1);
    let [ours, theirs, unknown] = ["ours", "theirs", "unknown"].map(|name| {
        let path = office.dir.join(name);
        fs::create_dir(&path).unwrap();
        path
    });
    for (number, path) in [&ours, &theirs, &unknown].into_iter().enumerate() {
        let name = format!("tftp.alternate-file-location-{}", number + 1);
        office.set_parameter(None, &name, path.to_str().unwrap());
    }
    let [a, b, x, y] = ["sast-1", "sast-2", "x", "y"].map(token);
    let foreign = Office::new(1);
    let (their_list, _) = foreign.create(SecurityMode::Mixed, [&x, &y]);
    let other = Locations::new(Guid::random(), theirs.clone(), Vec::new());
    assert!(other.write(&their_list.list).iter().all(|(_, result)| result.is_ok()));
    fs::write(unknown.join("CTLFile.tlv"), their_list.list.as_bytes()).unwrap();

    let (new, report) = office.create(SecurityMode::Mixed, [&a, &b]);
    let paths: Vec<_> = report.results.iter().map(|r| (r.path.as_deref(), &r.fault)).collect();
    assert_eq!(paths.len(), 4);
    for (path, fault) in paths {
        let foreign = [&theirs, &unknown].map(|p| p.to_str()).contains(&path);
        let id = fault.as_ref().map(|fault| fault.id.as_str());
        assert_eq!(id, foreign.then_some("PATH_OF_ANOTHER_CLUSTER"), "{path:?}");
    }
    assert_eq!(fs::read(ours.join("CTLFile.tlv")).unwrap(), new.list.as_bytes());
    for path in [&theirs, &unknown] {
        assert_eq!(fs::read(path.join("CTLFile.tlv")).unwrap(), their_list.list.as_bytes());
    }
    assert_eq!(office.connect().publisher().paths().unwrap().alternates.len(), 3);
}

// R: CTL-05
#[test]
fn the_preflight_names_the_phones_that_would_be_stranded() {
    let office = Office::new(2);
    let [a, b, c, d] = ["sast-1", "sast-2", "sast-3", "sast-4"].map(token);
    let (first, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let fetched = |machine: usize, phone: &str, list, millis: u64| {
        let at = now() + Duration::from_millis(millis);
        office.machines[machine].phones.lock().unwrap().fetched(phone, list, at);
    };
    fetched(0, "SEP000000000001", Some(&first.list), 1);
    fetched(1, "SEP000000000002", None, 1);
    fetched(1, "SEP000000000001", None, 0);
    fetched(0, "SEP000000000003", None, 0);
    fetched(1, "SEP000000000003", Some(&first.list), 1);

    // A list from scratch, by tokens nobody knows.
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
    for token in [&c, &d] {
        draft.add_token(token.certificate()).unwrap();
    }
    let refused = cluster.finish(&draft, &d, Stranding::Refused, now()).unwrap_err();
    let OperationFault::WouldStrand(stranded) = refused else { panic!("{refused:?}") };
    let why = Why::UnknownSigner(vec!["CN=sast-1".into(), "CN=sast-2".into()]);
    // What a phone asked last counts, wherever it asked.
    let expected = ["SEP000000000001", "SEP000000000003"].map(|phone| (phone.into(), why.clone()));
    assert_eq!(stranded.phones, expected);
    assert_eq!(office.files()["cm1"].as_deref(), Some(first.list.as_bytes()));

    let (second, report) = cluster.finish(&draft, &d, Stranding::Accepted, now()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    // The telephone fetches it and must refuse it: it is known to hold the first one still.
    fetched(0, "SEP000000000001", Some(&second.list), 5);
    fetched(1, "SEP000000000002", Some(&second.list), 5);
    let preflight = cluster.preflight(&second.list).unwrap();
    let verdicts: Vec<_> = preflight.phones.values().cloned().collect();
    assert!(matches!(verdicts[0], Verdict::Stranded(_)));
    assert_eq!(verdicts[1], Verdict::Accepts);
    // Erased by hand, it takes what comes.
    for machine in &office.machines {
        for phone in ["SEP000000000001", "SEP000000000003"] {
            machine.phones.lock().unwrap().forget(phone);
        }
    }
    cluster.preflight(&second.list).unwrap().check().unwrap();
}

// R: CTL-15, CTL-16
#[test]
fn all_tokens_lost_means_starting_over() {
    let office = Office::new(2);
    let [a, b, c, d] = ["sast-1", "sast-2", "sast-3", "sast-4"].map(token);
    let (first, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    office.cut("cm2");
    let partial = office.connect().forget_all().unwrap();
    assert_eq!(partial.failed(), ["cm2"]);
    assert_eq!(office.files()["cm1"], None);
    // Mixed mode without a list is reported.
    let missing = office.connect().present().unwrap_err();
    assert_eq!(missing.message(), &trust_list::NO_FILE_IN_MIXED_MODE);
    office.mend("cm2");
    let report = office.connect().forget_all().unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(office.mode(), SecurityMode::NonSecure);
    assert!(office.files().values().all(Option::is_none));
    assert!(office.connect().present().unwrap().is_none());
    let (second, report) = office.create(SecurityMode::Mixed, [&c, &d]);
    assert!(report.is_complete());
    assert!((*second.list).clone().verify(Trust::in_ctl(&first.list)).is_err());
}

#[test]
fn after_the_database_was_restored_the_newer_file_is_updated() {
    let office = Office::new(1);
    let [a, b, c] = ["sast-1", "sast-2", "sast-3"].map(token);
    office.create(SecurityMode::Mixed, [&a, &b]);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::update(cluster.present_for_update().unwrap(), &found).unwrap();
    draft.add_token(c.certificate()).unwrap();
    // The file is from after the backup that the database was restored from.
    let newer = draft.finish(&a, now()).unwrap();
    fs::write(office.machines[0].ctl_file(), newer.list.as_bytes()).unwrap();
    let present = cluster.present_for_update().unwrap();
    assert_eq!(present.as_bytes(), newer.list.as_bytes());
    let draft = Draft::set_mode(present, SecurityMode::NonSecure, &found).unwrap();
    let (_, report) = cluster.finish(&draft, &c, Stranding::Refused, now()).unwrap();
    assert!(report.is_complete(), "{report:?}");
}

// R: CTL-09
#[test]
fn a_node_finishes_what_a_crash_interrupted_and_leaves_the_unknown_alone() {
    let office = Office::new(1);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (first, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let present = cluster.present_for_update().unwrap();
    let draft = Draft::set_mode(present, SecurityMode::NonSecure, &found).unwrap();
    let (second, _) = cluster.finish(&draft, &a, Stranding::Refused, now()).unwrap();

    let machine = &office.machines[0];
    // The database has the second list, the directory still the first, or none.
    fs::write(machine.ctl_file(), first.list.as_bytes()).unwrap();
    assert_eq!(machine.provider.recover().unwrap().len(), 1);
    assert_eq!(fs::read(machine.ctl_file()).unwrap(), second.list.as_bytes());
    fs::remove_file(machine.ctl_file()).unwrap();
    machine.provider.recover().unwrap();
    assert_eq!(fs::read(machine.ctl_file()).unwrap(), second.list.as_bytes());
    // A list the database never saw: one of the two was restored.
    let [x, y] = ["x", "y"].map(token);
    let (foreign, _) = Office::new(1).create(SecurityMode::Mixed, [&x, &y]);
    fs::write(machine.ctl_file(), foreign.list.as_bytes()).unwrap();
    assert!(machine.provider.recover().unwrap().is_empty());
    assert_eq!(fs::read(machine.ctl_file()).unwrap(), foreign.list.as_bytes());
    assert!(present_list(foreign.list.as_bytes()).is_ok());
}
