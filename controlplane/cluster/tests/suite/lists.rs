//! What stands in a list, and who may change it.

use std::fs;

use crate::support::{Office, now, self_signed, token};
use messages::{Explain, trust_list};
use pki::check::{self, Keys};
use pki::{KeyKind, export};
use ringfence_cluster::client::{Stranding, What};
use ringfence_cluster::list::{Draft, ListFault, mode_of};
use ringfence_cluster::provider::api::Configuration;
use ringfence_cluster::required::{Inventory, Reason, restored, update_required};
use store::{Action, CertificateRole, SecurityMode, Service};
use tlv::{CtlFile, Role, Trust};

fn parse(file: &[u8]) -> CtlFile {
    CtlFile::parse(file).unwrap()
}

// R: CTL-01, CTL-02, CTL-03, CTL-04, CTL-09, GEN-01, GEN-02, GEN-04
#[test]
fn a_list_is_created_and_reaches_every_server() {
    let office = Office::new(3);
    office.activate_capf();
    assert_eq!(office.mode(), SecurityMode::NonSecure);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (new, report) = office.create(SecurityMode::Mixed, [&a, &b]);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.message(), &trust_list::CREATED);
    assert_eq!(report.follow_up(), Some(&trust_list::RESTART_NODES));
    assert_eq!(
        report.actions,
        [Action::RestartCallManager, Action::RestartTftp, Action::ResetAllDevices]
    );

    let roles: Vec<_> = new.list.records().iter().map(|record| record.role.code()).collect();
    assert_eq!(roles, [0, 0, 2, 2, 2, 4]);
    let server = &new.list.records()[2];
    assert_eq!(server.dns_name.as_ref().unwrap().to_string(), "cm1");
    assert_eq!(server.address, Some(office.machines[0].address));
    for part in [server.certificate.is_some(), server.public_key.is_some(), server.serial.is_some()]
    {
        assert!(part);
    }
    assert_eq!(new.list.header().signer.name.to_string(), "CN=sast-2");

    for (machine, file) in office.files() {
        assert_eq!(file.as_deref(), Some(new.list.as_bytes()), "{machine}");
    }
    let capf = fs::read(office.machines[0].certificates.join("CAPF.cer")).unwrap();
    for machine in &office.machines[1..] {
        assert_eq!(fs::read(machine.certificates.join("CAPF.cer")).unwrap(), capf);
        let pem = fs::read_to_string(machine.certificates.join("CAPF-5d9e2b.0")).unwrap();
        assert_eq!(export::read_pem(&pem).unwrap(), std::slice::from_ref(&capf));
    }
    let of = |what| report.results.iter().filter(|r| r.what == what).count();
    assert_eq!((of(What::CtlFile), of(What::CapfCertificate), of(What::Mode)), (3, 4, 1));
    assert_eq!(office.mode(), SecurityMode::Mixed);
    let version = office.store.read(|view| view.ctl()).unwrap().unwrap();
    assert_eq!(version.file, new.list.as_bytes());
}

#[test]
fn the_inventory_learns_the_certificates_of_the_list() {
    let office = Office::new(2);
    office.activate_capf();
    let fingerprint = |name: &str| {
        let nodes = office.connect().publisher().nodes().unwrap();
        nodes.into_iter().find(|node| node.name == name).unwrap().fingerprint
    };
    assert_eq!(fingerprint("cm2"), None);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    office.create(SecurityMode::Mixed, [&a, &b]);
    let own = pki::node::open(&office.machines[1].keys, now()).unwrap();
    assert_eq!(fingerprint("cm2"), Some(own.certificate().fingerprint()));
    let certificates = office.store.read(|view| view.certificates()).unwrap();
    let tokens = certificates.iter().filter(|c| c.role == CertificateRole::Sast);
    assert_eq!(tokens.map(|c| &*c.owner).collect::<Vec<_>>(), ["CN=sast-1", "CN=sast-2"]);
    let capf = certificates.iter().find(|c| c.role == CertificateRole::Capf).unwrap();
    let copies = office.store.read(|view| view.certificate_copies(&capf.fingerprint())).unwrap();
    let copies: Vec<_> = copies.iter().map(|copy| (&*copy.node, &*copy.path)).collect();
    let [pem, der] = ["CAPF-5d9e2b.0", "CAPF.cer"]
        .map(|file| office.machines[1].certificates.join(file).display().to_string());
    assert_eq!(copies, [("cm2", &*pem), ("cm2", &*der)]);
}

// R: CTL-03
#[test]
fn two_tokens_and_a_call_manager_are_needed() {
    let office = Office::new(1);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
    let a = token("sast-1");
    draft.add_token(a.certificate()).unwrap();
    let one = draft.finish(&a, now()).unwrap_err();
    assert_eq!(one, ListFault::TwoTokensNeeded(1));
    assert_eq!(
        draft.add_token(a.certificate()),
        Err(ListFault::TokenExists(draft.entries()[0].serial.as_ref().unwrap().to_string()))
    );
    office.set_services(0, vec![Service::Tftp, Service::CtlProvider]);
    let found = office.connect().discover(now()).unwrap();
    let none = Draft::create(SecurityMode::Mixed, &found).unwrap_err();
    assert_eq!(none, ListFault::CallManagerNeeded);
}

// R: CTL-05, CTL-14, GEN-20, BAK-03
#[test]
fn a_node_is_added_by_an_update_that_a_known_token_signs() {
    let mut office = Office::new(2);
    let [a, b, c] = ["sast-1", "sast-2", "sast-3"].map(token);
    let (first, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let reasons = |office: &Office| {
        let list = parse(&office.files()["cm1"].clone().unwrap());
        update_required(&list, &Inventory::of_store(&office.store).unwrap())
    };
    assert_eq!(reasons(&office), []);
    office.add_node(KeyKind::Rsa1024);
    assert_eq!(reasons(&office), [Reason::Added(Role::CcmTftp, "cm3".into())]);

    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let present = cluster.present_for_update().unwrap();
    let mut draft = Draft::update(present, &found).unwrap();
    assert!(draft.is_changed());
    assert_eq!(draft.mode(), SecurityMode::Mixed);
    draft.add_token(c.certificate()).unwrap();
    assert_eq!(draft.may_sign(c.certificate()), Err(ListFault::NewTokenCannotSign));
    let stranger = token("stranger");
    let refused = draft.finish(&stranger, now()).unwrap_err();
    assert!(matches!(refused, ListFault::TokenCannotSign(_)), "{refused:?}");
    let (second, report) = cluster.finish(&draft, &a, Stranding::Refused, now()).unwrap();
    assert!(report.is_complete());
    assert_eq!(reasons(&office), []);
    assert_eq!(office.files()["cm3"].as_deref(), Some(second.list.as_bytes()));
    // A telephone with the first list accepts the second.
    (*second.list).clone().verify(Trust::in_ctl(&first.list)).unwrap();
}

// R: CTL-14
#[test]
fn every_change_of_the_cluster_asks_for_an_update() {
    let office = Office::new(2);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    office.create(SecurityMode::Mixed, [&a, &b]);
    let list = parse(&office.files()["cm1"].clone().unwrap());
    let inventory = || Inventory::of_store(&office.store).unwrap();
    let reasons = |inventory: &Inventory| update_required(&list, inventory);
    let good = inventory();
    assert_eq!(good, Inventory::of_discovery(&office.connect().discover(now()).unwrap()));

    let mut moved = good.clone();
    moved.servers[1].address = "192.0.2.77".parse().unwrap();
    assert_eq!(reasons(&moved), [Reason::Changed("cm2".into(), "cm2".into())]);
    let mut renamed = good.clone();
    renamed.servers[1].name = "cm2-new".into();
    assert_eq!(reasons(&renamed), [Reason::Changed("cm2".into(), "cm2-new".into())]);
    let mut reborn = good.clone();
    reborn.servers[0].certificate = Some(self_signed("cm1").der().to_vec());
    assert_eq!(reasons(&reborn), [Reason::Certificate("cm1".into())]);
    let mut fewer = good.clone();
    fewer.servers.pop();
    assert_eq!(reasons(&fewer), [Reason::Removed(Role::CcmTftp, "cm2".into())]);
    office.activate_capf();
    assert_eq!(reasons(&inventory()), [Reason::Added(Role::Capf, "cm1".into())]);

    let known = office.store.read(|view| view.ctl()).unwrap().unwrap().sha256;
    assert_eq!(restored("cm1", &list, &known), None);
    assert_eq!(restored("cm1", &list, "00"), Some(Reason::Restored("cm1".into())));

    // What somebody entered and nobody signed shows too.
    let cluster = office.connect();
    let entered =
        Configuration { deletions: vec!["SAST CN=sast-1".into()], ..Configuration::default() };
    cluster.publisher().keep(&entered).unwrap();
    assert_eq!(cluster.publisher().configuration().unwrap(), entered);
    assert_eq!(office.machines[0].provider.unsigned(), ["admin"]);
    cluster.publisher().forget().unwrap();
    assert_eq!(office.machines[0].provider.unsigned(), Vec::<String>::new());
}

// R: CTL-06, GEN-05, AUTH-04
#[test]
fn non_secure_mode_takes_the_certificates_and_keeps_the_tokens() {
    let office = Office::new(2);
    office.activate_capf();
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (mixed, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    assert!(mixed.list.wants_signed_files());
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let present = cluster.present_for_update().unwrap();
    let draft = Draft::set_mode(present, SecurityMode::NonSecure, &found).unwrap();
    assert!(draft.is_changed());
    let (plain, report) = cluster.finish(&draft, &a, Stranding::Refused, now()).unwrap();
    assert!(report.is_complete());
    assert_eq!(office.mode(), SecurityMode::NonSecure);
    assert!(!plain.list.wants_signed_files());
    for record in plain.list.records() {
        let has = record.certificate.is_some();
        assert_eq!(has, record.role == Role::Sast, "{record:?}");
    }
    let accepted = (*plain.list).clone().verify(Trust::in_ctl(&mixed.list)).unwrap();

    // And back: the certificates return, the telephone follows.
    let present = cluster.present_for_update().unwrap();
    assert_eq!(mode_of(&present), SecurityMode::NonSecure);
    let draft = Draft::set_mode(present, SecurityMode::Mixed, &found).unwrap();
    let (again, _) = cluster.finish(&draft, &b, Stranding::Refused, now()).unwrap();
    assert!(again.list.wants_signed_files());
    (*again.list).clone().verify(Trust::in_ctl(&accepted)).unwrap();
    assert_eq!(office.mode(), SecurityMode::Mixed);
}

// R: CTL-07
#[test]
fn only_tokens_and_alternate_servers_can_be_deleted() {
    let office = Office::new(1);
    office.activate_capf();
    let [a, b, c] = ["sast-1", "sast-2", "sast-3"].map(token);
    let found = office.connect().discover(now()).unwrap();
    let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
    for token in [&a, &b, &c] {
        draft.add_token(token.certificate()).unwrap();
    }
    let other = self_signed("tftp.example");
    let other = check::server_certificate(other.der(), now(), Keys::RsaOnly).unwrap();
    let add = |draft: &mut Draft, server: &str, address: &str| {
        draft.add_alternate_tftp(server, address.parse().unwrap(), &other)
    };
    add(&mut draft, "tftp.example", "198.51.100.7").unwrap();
    let twin = add(&mut draft, "tftp.example", "198.51.100.8").unwrap_err();
    assert_eq!(twin, ListFault::ServerExists("TFTP tftp.example".into()));
    let own = add(&mut draft, "other.example", "192.0.2.10").unwrap_err();
    assert_eq!(own, ListFault::ServerExists("CCM+TFTP cm1".into()));
    let certificate = add(&mut draft, "other.example", "198.51.100.9").unwrap_err();
    assert_eq!(certificate, ListFault::CertificateExists("other.example".into()));
    assert!(matches!(add(&mut draft, "x", "0.0.0.0"), Err(ListFault::AlternateTftp(..))));

    let roles: Vec<_> = draft.entries().iter().map(|entry| entry.role).collect();
    let sast = Role::Sast;
    assert_eq!(roles, [sast, sast, sast, Role::CcmTftp, Role::Capf, Role::Tftp]);
    assert_eq!(draft.delete(None), Err(ListFault::NothingSelected));
    assert_eq!(draft.delete(Some(6)), Err(ListFault::NothingSelected));
    for own in [3, 4] {
        assert!(matches!(draft.delete(Some(own)), Err(ListFault::CannotDelete(_))));
    }
    let question = draft.delete(Some(5)).unwrap();
    draft.confirm(&question);
    // The answer to an old question deletes nothing else.
    draft.confirm(&question);
    let question = draft.delete(Some(0)).unwrap();
    draft.confirm(&question);
    draft.confirm(&question);
    assert_eq!(draft.entries().len(), 4);
    assert!(draft.close().is_some());
    draft.finish(&b, now()).unwrap();
    assert!(matches!(draft.finish(&a, now()), Err(ListFault::TokenCannotSign(_))));
}

// R: CTL-08
#[test]
fn a_list_has_limits() {
    let office = Office::new(1);
    let found = office.connect().discover(now()).unwrap();
    let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
    let tokens: Vec<_> = (0..99).map(|number| token(&format!("sast-{number}"))).collect();
    for token in &tokens {
        draft.add_token(token.certificate()).unwrap();
    }
    let full = draft.add_token(token("one too many").certificate()).unwrap_err();
    assert_eq!(full, ListFault::TooManyRecords(101));
    assert!(matches!(draft.finish(&tokens[0], now()), Err(ListFault::TooLarge(_))));
}

// R: GEN-07
#[test]
fn clusters_that_share_tftp_run_in_the_same_mode() {
    let theirs = Office::new(1);
    let cluster = theirs.connect();
    let other = cluster.publisher();
    other.alternate_tftp_certificate(SecurityMode::NonSecure).unwrap();
    let refused = other.alternate_tftp_certificate(SecurityMode::Mixed).unwrap_err();
    assert_eq!(refused.message(), &trust_list::ALTERNATE_TFTP_INVALID);
    let [x, y] = ["x", "y"].map(token);
    theirs.create(SecurityMode::Mixed, [&x, &y]);
    other.alternate_tftp_certificate(SecurityMode::Mixed).unwrap();
}

// R: CTL-15
#[test]
fn one_lost_token_is_replaced_by_a_remaining_one() {
    let office = Office::new(1);
    let [a, lost, fresh] = ["sast-1", "sast-2", "sast-3"].map(token);
    let (first, _) = office.create(SecurityMode::Mixed, [&a, &lost]);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::update(cluster.present_for_update().unwrap(), &found).unwrap();
    let question = draft.delete(Some(1)).unwrap();
    draft.confirm(&question);
    draft.add_token(fresh.certificate()).unwrap();
    assert!(matches!(draft.may_sign(lost.certificate()), Err(ListFault::TokenCannotSign(_))));
    let (second, report) = cluster.finish(&draft, &a, Stranding::Refused, now()).unwrap();
    assert!(report.is_complete());
    let tokens: Vec<_> =
        second.list.with_role(Role::Sast).map(|t| t.subject.clone().unwrap().to_string()).collect();
    assert_eq!(tokens, ["CN=sast-1", "CN=sast-3"]);
    (*second.list).clone().verify(Trust::in_ctl(&first.list)).unwrap();
}

// R: CTL-18
#[test]
fn a_corrupt_list_is_not_used_and_a_good_copy_brings_it_back() {
    let office = Office::new(2);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (new, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let mut bad = new.list.as_bytes().to_vec();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(office.machines[0].ctl_file(), &bad).unwrap();
    let refused = office.connect().present_for_update().unwrap_err();
    assert_eq!(refused.message(), &trust_list::SIGNATURE_INVALID_OR_CORRUPT);
    let repaired = office.connect().push_again().unwrap();
    assert!(repaired.is_complete());
    assert_eq!(office.files()["cm1"].as_deref(), Some(new.list.as_bytes()));

    // No provider takes a list that does not verify, or that its own tokens did not sign.
    let cluster = office.connect();
    let subscriber = cluster.node("cm2").unwrap().unwrap();
    let corrupt = subscriber.post_ctl_file(&bad, true).unwrap_err();
    assert_eq!(corrupt.message(), &trust_list::SIGNATURE_INVALID_OR_CORRUPT);
    let [x, y] = ["x", "y"].map(token);
    let (foreign, _) = Office::new(1).create(SecurityMode::Mixed, [&x, &y]);
    let refused = subscriber.post_ctl_file(foreign.list.as_bytes(), false).unwrap_err();
    assert_eq!(refused.message(), &messages::token::TOKEN_CANNOT_SIGN);
    assert_eq!(office.files()["cm2"].as_deref(), Some(new.list.as_bytes()));
}
