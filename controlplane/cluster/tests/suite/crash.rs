//! A process killed at any moment of signing and pushing leaves the old list or the new one, in
//! the database and in every directory, and the push can be finished.

use std::fs;
use std::path::Path;

use crate::support::{Office, now};
use crashtest::{Ended, at_every_step};
use pki::token::{
    Authorities, Cost, Ledger, Location, Password, PasswordPolicy, Reader, TokenAuthority,
    init_software,
};
use pki::{Identity, KeyKind};
use ringfence_cluster::client::Stranding;
use ringfence_cluster::list::{Draft, present_list};
use store::SecurityMode;
use tlv::{Role, Trust, VerifiedCtl};

/// Two token files, besides a cluster of two nodes.
fn prepare(dir: &Path) {
    Office::make(dir, 2);
    let authority = TokenAuthority::open_or_create(dir, "Example", now()).unwrap();
    for name in ["sast-1", "sast-2", "sast-3"] {
        let file = dir.join(format!("{name}.token"));
        let (kind, default) = (KeyKind::Rsa1024, Password::default_one());
        init_software(&file, name, kind, &default, Cost::MINIMAL, &authority, now()).unwrap();
    }
}

fn prepare_with_list(dir: &Path) {
    prepare(dir);
    create(dir);
    fs::copy(dir.join("cm1/tftp/CTLFile.tlv"), dir.join("before.tlv")).unwrap();
}

fn token(dir: &Path, name: &str) -> Identity {
    let authority = TokenAuthority::open_or_create(dir, "Example", now()).unwrap();
    let reader = Reader {
        ledger: Ledger::open(&dir.join("tries")).unwrap(),
        authorities: Authorities::new([authority.certificate().clone()]),
        policy: PasswordPolicy::DefaultAllowed,
    };
    let location = Location::Software(dir.join(format!("{name}.token")));
    reader.present(&location, now()).unwrap().login(&Password::default_one()).unwrap()
}

fn create(dir: &Path) {
    let office = Office::reopen(dir);
    let tokens = ["sast-1", "sast-2"].map(|name| token(dir, name));
    let (_, report) = office.create(SecurityMode::Mixed, [&tokens[0], &tokens[1]]);
    assert!(report.is_complete());
}

fn update(dir: &Path) {
    let office = Office::reopen(dir);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::update(cluster.present_for_update().unwrap(), &found).unwrap();
    draft.add_token(token(dir, "sast-3").certificate()).unwrap();
    let signer = token(dir, "sast-1");
    let (_, report) = cluster.finish(&draft, &signer, Stranding::Refused, now()).unwrap();
    assert!(report.is_complete());
}

/// Everything there is to see of the list: each directory's, and the database's.
fn lists(office: &Office) -> Vec<Option<VerifiedCtl>> {
    let accepted = office.store.read(|view| view.ctl()).unwrap().map(|version| version.file);
    let files = office.files().into_values().chain([accepted]);
    files.map(|file| file.map(|file| present_list(&file).unwrap())).collect()
}

fn is_finished_by_a_push(office: &Office, ended: Ended) {
    for machine in &office.machines {
        machine.provider.recover().unwrap();
    }
    if office.store.read(|view| view.ctl()).unwrap().is_none() {
        return;
    }
    let report = office.connect().push_again().unwrap();
    assert!(report.is_complete(), "{ended:?}: {report:?}");
    let lists: Vec<_> = lists(office).into_iter().map(Option::unwrap).collect();
    assert!(lists.iter().all(|list| list.as_bytes() == lists[0].as_bytes()), "{ended:?}");
    assert_eq!(office.mode(), SecurityMode::Mixed);
}

// R: CTL-09
#[test]
fn a_creation_that_is_killed_leaves_no_list_or_a_whole_one() {
    at_every_step(
        "crash::a_creation_that_is_killed_leaves_no_list_or_a_whole_one",
        prepare,
        create,
        |dir, ended| {
            let office = Office::reopen(dir);
            let lists = lists(&office);
            assert!(ended != Ended::Finished || lists.iter().all(Option::is_some));
            is_finished_by_a_push(&office, ended);
            // Whatever was killed, the tokens sign.
            token(dir, "sast-1");
        },
    );
}

// R: CTL-09, CTL-05
#[test]
fn an_update_that_is_killed_leaves_the_old_list_or_the_new_one() {
    at_every_step(
        "crash::an_update_that_is_killed_leaves_the_old_list_or_the_new_one",
        prepare_with_list,
        update,
        |dir, ended| {
            let office = Office::reopen(dir);
            let before = present_list(&fs::read(dir.join("before.tlv")).unwrap()).unwrap();
            for list in lists(&office) {
                let list = list.expect("a list is never gone");
                let is_new = list.with_role(Role::Sast).count() == 3;
                let is_old = list.as_bytes() == before.as_bytes();
                assert!(is_old != is_new, "{ended:?}");
                assert!(ended != Ended::Finished || is_new);
                (*list).clone().verify(Trust::in_ctl(&before)).unwrap();
            }
            is_finished_by_a_push(&office, ended);
        },
    );
}
