//! Clients: logins, turns, what they leave behind.

use std::fs;

use crate::support::{Office, credentials, now, token};
use messages::{Explain, trust_list};
use ringfence_cluster::client::{Cluster, RELEASE, Settings, Stranding};
use ringfence_cluster::list::Draft;
use ringfence_cluster::provider::api::Configuration;
use store::SecurityMode;
use tlv::Role;

// R: CTL-11
#[test]
fn one_client_writes_at_a_time_and_nobody_overwrites_what_it_has_not_seen() {
    let office = Office::new(1);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    office.create(SecurityMode::Mixed, [&a, &b]);
    let one = office.connect();
    let two = Cluster::connect(&office, office.server(), &credentials("client-2")).unwrap();
    let base = office.files()["cm1"].clone().unwrap();
    one.publisher().take_turn(Some(&base)).unwrap();
    let busy = two.publisher().take_turn(Some(&base)).unwrap_err();
    assert_eq!(busy.message(), &messages::provider::CONFIGURATION_BUSY);
    let refused = two.publisher().post_ctl_file(&base, false).unwrap_err();
    assert_eq!(refused.message(), &messages::provider::CONFIGURATION_BUSY);
    one.publisher().end_turn().unwrap();
    let late = two.publisher().take_turn(Some(b"something older")).unwrap_err();
    assert_eq!(late.message(), &messages::provider::LIST_CHANGED);
    two.publisher().take_turn(Some(&base)).unwrap();
    // Without the turn the mode cannot be set either.
    let refused = one.publisher().set_mode(SecurityMode::NonSecure).unwrap_err();
    assert_eq!(refused.message(), &messages::provider::CONFIGURATION_BUSY);
}

// R: CTL-11
#[test]
fn a_draft_of_an_older_list_is_refused_and_kept() {
    let office = Office::new(1);
    let [a, b, c, d] = ["sast-1", "sast-2", "sast-3", "sast-4"].map(token);
    office.create(SecurityMode::Mixed, [&a, &b]);
    let clients = ["client-1", "client-2"]
        .map(|client| Cluster::connect(&office, office.server(), &credentials(client)).unwrap());
    let drafts = [&c, &d].map(|new| {
        let found = clients[0].discover(now()).unwrap();
        let mut draft = Draft::update(clients[0].present_for_update().unwrap(), &found).unwrap();
        draft.add_token(new.certificate()).unwrap();
        draft
    });
    let entered = Configuration { deletions: vec!["x".into()], ..Configuration::default() };
    clients[1].publisher().keep(&entered).unwrap();
    clients[0].finish(&drafts[0], &a, Stranding::Refused, now()).unwrap();
    let late = clients[1].finish(&drafts[1], &a, Stranding::Refused, now()).unwrap_err();
    assert_eq!(late.message(), &messages::provider::LIST_CHANGED);
    assert_eq!(clients[1].publisher().configuration().unwrap(), entered);
    assert_eq!(clients[0].present().unwrap().unwrap().with_role(Role::Sast).count(), 3);
}

// R: GEN-06, CTL-12
#[test]
fn without_a_list_there_is_no_mixed_mode_and_without_a_login_nothing() {
    let office = Office::new(1);
    let cluster = office.connect();
    cluster.publisher().take_turn(None).unwrap();
    let refused = cluster.publisher().set_mode(SecurityMode::Mixed).unwrap_err();
    assert_eq!(refused.message(), &trust_list::NO_FILE_IN_MIXED_MODE);
    cluster.leave();
    let gone = cluster.publisher().nodes().unwrap_err();
    assert_eq!(gone.message(), &messages::input::USER_NOT_AUTHENTICATED);
}

// R: CTL-20
#[test]
fn a_client_that_goes_leaves_list_and_mode_behind() {
    let office = Office::new(1);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (new, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let settings = office.dir.join("settings.json");
    Settings::fresh().save(&settings).unwrap();
    office.connect().leave();
    fs::remove_file(&settings).unwrap();
    assert_eq!(office.files()["cm1"].as_deref(), Some(new.list.as_bytes()));
    assert_eq!(office.mode(), SecurityMode::Mixed);
    let version = RELEASE.split('.').map(str::parse::<u32>);
    assert_eq!(version.filter(Result::is_ok).count(), 3, "{RELEASE}");
}
