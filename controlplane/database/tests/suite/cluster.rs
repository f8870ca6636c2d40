//! What becomes of originals and copies.

use std::fs;
use std::time::SystemTime;

use ringfence_database::{Fault, Instance, Keeper, Member, Standing};
use store::{Error, PostgresUrl, Server, Store};

use crate::site::{Site, eventually, members, set, shows, standings, until};

/// An original with a database that is in use.
fn founded(node: &Instance) -> (Keeper, Store) {
    node.found(SystemTime::now()).unwrap();
    let keeper = Keeper::start(node.clone()).unwrap();
    assert_eq!(keeper.standing(), Standing::Publisher);
    let store = Store::open(&node.url()).unwrap();
    (keeper, store)
}

/// A node joins: the original is told of it, then it fetches its copy.
fn joins(node: &Instance, original: &Keeper, all: &[Member]) -> (Keeper, Store) {
    original.set_members(all).unwrap();
    original.look().unwrap();
    let of = all.iter().find(|member| member.name == original.instance().node()).unwrap();
    node.follow(of, all).unwrap();
    let keeper = Keeper::start(node.clone()).unwrap();
    assert_eq!(keeper.standing(), Standing::Subscriber(of.name.clone()));
    (keeper, copy(node))
}

fn copy(node: &Instance) -> Store {
    Store::open_copy(&node.url(), node.original_url().unwrap()).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

// R: BAK-02
#[test]
fn a_lost_publisher_is_replaced_and_comes_back_as_a_subscriber() {
    let site = Site::new();
    let [one, two, three] = [1, 2, 3].map(|number| site.node(number));
    let all = members(&[&one, &two, &three]);
    let (first, publisher) = founded(&one);
    let (second, at_two) = joins(&two, &first, &all[..2]);
    let (third, at_three) = joins(&three, &first, &all);
    second.set_members(&all).unwrap();
    at_two.set_original(two.original_url().unwrap());

    // Subscribers look at their copies and make changes at the publisher.
    set(&at_two, 3001).unwrap();
    for store in [&publisher, &at_two, &at_three] {
        shows(store, 3001);
    }

    // The publisher is lost: nothing is changed, everything is seen.
    drop((publisher, first));
    assert!(matches!(set(&at_two, 3002), Err(Error::PublisherAway(_))));
    shows(&at_two, 3001);
    assert_eq!(second.promote(&[]), Err(Fault::Unheard(names(&["cm1"]))));
    second.promote(&names(&["cm1"])).unwrap();
    assert_eq!(second.promote(&[]), Err(Fault::IsPublisher));
    until(&[&second, &third], "the other subscriber follows", || {
        standings(&[&second, &third])
            == [Standing::Publisher, Standing::Subscriber("cm2".to_owned())]
    });
    assert_eq!(third.promote(&[]), Err(Fault::PublisherThere("cm2".to_owned())));
    for (store, port) in [(&at_two, 3003), (&at_three, 3004)] {
        set(store, port).unwrap();
        [&at_two, &at_three].into_iter().for_each(|store| shows(store, port));
    }

    // It comes back, and is no second publisher, however often it is started.
    for _ in 0..2 {
        let back = Keeper::start(one.clone()).unwrap();
        assert_eq!(back.standing(), Standing::Yielded("cm2".to_owned()));
        let old = Store::open(&one.url()).unwrap();
        assert_eq!(set(&old, 3005), Err(Error::ReadOnly));
        shows(&old, 3001);
    }

    // The new one may be started anew, and remembers whom it was told not to wait for.
    drop(second);
    let second = Keeper::start(two.clone()).unwrap();
    assert_eq!(second.standing(), Standing::Publisher);

    one.follow(&all[1], &all).unwrap();
    let back = Keeper::start(one.clone()).unwrap();
    assert_eq!(back.standing(), Standing::Subscriber("cm2".to_owned()));
    let at_one = copy(&one);
    shows(&at_one, 3004);
    set(&at_one, 3006).unwrap();
    [&at_one, &at_two, &at_three].into_iter().for_each(|store| shows(store, 3006));
}

// R: BAK-02
#[test]
fn a_publisher_that_starts_takes_no_changes_before_it_has_heard_everybody() {
    let site = Site::new();
    let [one, two] = [1, 2].map(|number| site.node(number));
    let all = members(&[&one, &two]);
    let (first, store) = founded(&one);
    drop(joins(&two, &first, &all));
    set(&store, 3001).unwrap();
    drop((store, first));

    let first = Keeper::start(one.clone()).unwrap();
    let store = Store::open(&one.url()).unwrap();
    assert_eq!(first.standing(), Standing::Waiting(names(&["cm2"])));
    assert_eq!(set(&store, 3002), Err(Error::ReadOnly));
    shows(&store, 3001);
    let second = Keeper::start(two.clone()).unwrap();
    until(&[&first], "it has heard everybody", || first.standing() == Standing::Publisher);
    set(&store, 3002).unwrap();
    shows(&copy(&two), 3002);

    // A node that is away later does not stop it; one that never comes back can be given up.
    drop((second, store));
    first.look().unwrap();
    assert_eq!(first.standing(), Standing::Publisher);
    drop(first);
    let first = Keeper::start(one.clone()).unwrap();
    assert_eq!(first.promote(&[]), Err(Fault::Unheard(names(&["cm2"]))));
    first.promote(&names(&["cm2"])).unwrap();
    assert_eq!(first.standing(), Standing::Publisher);
    set(&Store::open(&one.url()).unwrap(), 3003).unwrap();
}

#[test]
fn a_server_that_dies_is_started_again() {
    let site = Site::new();
    let node = site.node(1);
    let (keeper, store) = founded(&node);
    let pid = fs::read_to_string(node.settings().directory.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().parse().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::KILL).unwrap();
    eventually("it stays away", || {
        // While it goes, it is not to be looked at.
        let _ = keeper.look();
        set(&store, 3001).is_ok()
    });
    shows(&store, 3001);
}

#[test]
fn only_nodes_are_let_in() {
    let site = Site::new();
    let [one, stranger] = [1, 2].map(|number| site.node(number));
    let (keeper, _store) = founded(&one);
    let all = members(&[&one, &stranger]);
    // He knows whom he talks to, and shows a certificate that is on no list.
    let refused = stranger.follow(&all[0], &all).unwrap_err();
    assert!(
        matches!(&refused, Fault::Program { words, .. } if words.contains("unknown ca")),
        "{refused}"
    );
    assert!(!stranger.exists().unwrap());
    let url = |text: &str| match text.parse().unwrap() {
        store::StoreUrl::Postgres(url) => *url,
        store::StoreUrl::Sqlite(_) => unreachable!("it is not asked for"),
    };
    let address = one.settings().address;
    let roots = one.settings().directory.join("roots.pem");
    let verified = format!("sslmode=verify-full&sslrootcert={}", roots.display());
    let anonymous = format!("postgresql://ringfence@{address}:5443/ringfence?{verified}");
    let refused = Server::connect(&url(&anonymous)).err().unwrap().to_string();
    assert!(refused.contains("certificate"), "{refused}");

    // Once he is on the list he is let in, as the role of nodes only.
    keeper.set_members(&all).unwrap();
    let identity = stranger.settings().directory.join("identity.pem");
    let shown = format!("{verified}&sslcert={0}&sslkey={0}", identity.display());
    let of = |role: &str| -> PostgresUrl {
        url(&format!("postgresql://{role}@{address}:5443/ringfence?{shown}"))
    };
    eventually("he is not let in", || Server::connect(&of("ringfence")).is_ok());
    assert!(Server::connect(&of("postgres")).is_err());
}

#[test]
fn what_was_interrupted_is_finished_or_begun_anew() {
    let site = Site::new();
    let node = site.node(1);
    let directory = node.settings().directory.clone();
    node.identity(SystemTime::now()).unwrap();
    // Half of a copy.
    fs::create_dir(directory.join("data.new")).unwrap();
    fs::write(directory.join("data.new/PG_VERSION"), "15\n").unwrap();
    assert!(!node.exists().unwrap());
    node.found(SystemTime::now()).unwrap();
    assert!(!directory.join("data.new").exists() && node.exists().unwrap());
    // One that is whole, with what it is to replace partly removed.
    fs::rename(directory.join("data"), directory.join("data.ready")).unwrap();
    fs::create_dir(directory.join("data")).unwrap();
    assert!(node.exists().unwrap());
    let keeper = Keeper::start(node.clone()).unwrap();
    assert_eq!(keeper.standing(), Standing::Publisher);
}
