//! The publisher of three nodes is killed in mid-call, a subscriber takes its place, and it returns.
//!
//! ```text
//!   cm1 (publisher)  ─┐  original ──▶ copy, copy     killed; comes back; is a copy
//!   cm2 (subscriber) ─┼─ voice ─ phones of every mode: cm1, else cm2, else cm3
//!   cm3 (subscriber) ─┘              └▶ becomes the original of both
//! ```
//!
//! Each node runs a PostgreSQL of its own. Calls and registrations go on with what the copies have;
//! changes are refused, and said to be, until there is a publisher again.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Stage;
use super::cluster::{Desk, Ended, Node, Site};
use super::estate::{Mode, Phone, Phones, Place, came_as_set, enter, found};
use crate::program::poll;
use crate::report::{Failed, Report};

/// How long phones, daemons and databases may take for something.
const PATIENCE: Duration = Duration::from_secs(60);

static ALICE: Phone =
    Phone::known("SEP000079700001", "7970", Mode::Encrypted, "1001", Place::Centre);
static BOB: Phone = Phone::known("SEP000079600002", "7960", Mode::Encrypted, "1002", Place::Centre);
static CAROL: Phone =
    Phone::known("SEP000079700003", "7970", Mode::Authenticated, "1003", Place::Centre);
static DAVE: Phone =
    Phone::known("SEP000079600004", "7960", Mode::NonSecure, "1004", Place::Centre);
static ALL: [&Phone; 4] = [&ALICE, &BOB, &CAROL, &DAVE];
/// A phone that is entered when the publisher is another one.
const LATER: &str = "SEP00000000BEEF";

/// Everything that runs.
struct Play {
    site: Site,
    desk: Desk,
    phones: Phones,
}

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let mut play = open(stage)?;
    let report = &mut stage.report;
    lose_the_publisher(&mut play, report)?;
    do_without(&mut play, report)?;
    promote(&mut play, report)?;
    return_as_subscriber(&mut play, report)?;
    renew_the_list(&mut play, report)?;
    report.step("everything stops", || {
        play.phones.go_home()?;
        for node in [&mut play.site.cm3, &mut play.site.cm1, &mut play.site.cm2] {
            node.stop()?;
        }
        Ok(((), "phones unregister, all nodes end"))
    })
}

fn open(stage: &mut Stage) -> Result<Play, Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let mut site = report.step("network", || {
        let mut site = Site::build(lab, programs, dir)?;
        for node in [&mut site.cm1, &mut site.cm2, &mut site.cm3] {
            (node.runs_its_database, node.serves_old_tls) = (true, true);
        }
        site.file_servers = vec![site.cm1.address, site.cm2.address];
        Ok((site, "three nodes, each with a database of its own"))
    })?;
    let mut desk = found(&mut site, programs, report)?;
    report.step("lines, pools, modes", || {
        enter(&desk, &site, &ALL)?;
        // So that phones notice soon that they are alone.
        desk.tell(&site.cm1, "param set call-manager.keep-alive-seconds 10")?;
        Ok(((), format!("{} phones", ALL.len())))
    })?;
    // R: BAK-03
    report.step("two subscribers join: copies of the database, by TLS both ways", || {
        let publisher = site.cm1.address;
        let stranger = join(&mut site, &desk, |site| &mut site.cm2, publisher)?;
        let stranger = stranger.complaint(1)?;
        ensure!(stranger.contains("no subscriber of this cluster"), "{stranger}");
        let new: [fn(&mut Site) -> &mut Node; 2] = [|site| &mut site.cm2, |site| &mut site.cm3];
        for node in new {
            let Node { name, address, .. } = *node(&mut site);
            desk.tell(&site.cm1, &format!("node add {name} {address}"))?;
            let path = node(&mut site).tftp().display().to_string();
            desk.tell(&site.cm1, &format!("param set --node {name} tftp.file-location {path}"))?;
            join(&mut site, &desk, node, publisher)?.json(0)?;
            site.start(node)?;
            node(&mut site).wait_for_provider()?;
            desk.approve(node(&mut site))?;
        }
        desk.tell(&site.cm1, "pool set centre --call-managers cm1,cm2,cm3")?;
        desk.done("update", &["soft1"])?;
        for node in [&site.cm1, &site.cm2, &site.cm3] {
            restart_services(node, &desk)?;
        }
        Ok(((), "the CTL file names all three"))
    })?;
    let phones = report.step("phones start; A calls B with the lock", || {
        let mut phones = Phones::new(&ALL, (&site, None), programs, dir)?;
        phones.start(&ALL)?;
        for phone in ALL {
            phones.expect(phone, "registered 1")?;
            came_as_set(&desk, &site, phone)?;
        }
        phones.call(&ALICE, &BOB)?;
        phones.speak([&ALICE, &BOB], "lock")?;
        Ok((phones, "at the publisher"))
    })?;
    Ok(Play { site, desk, phones })
}

fn lose_the_publisher(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    let Play { site, phones, .. } = play;
    report.step("the publisher is killed in mid-call: A and B go on talking", || {
        site.cm1.switch_off();
        phones.pass(Place::Centre, "3s")?;
        phones.speak([&ALICE, &BOB], "lock")?;
        phones.hang_up(&[&ALICE, &BOB])?;
        Ok(((), "media goes from phone to phone, under the keys it had"))
    })?;
    report.step("all phones come to the next node of their group", || {
        let start = Instant::now();
        for phone in ALL {
            phones.expect(phone, "registered 2 within 60s")?;
        }
        let took = start.elapsed().as_secs_f64();
        phones.call(&CAROL, &ALICE)?;
        phones.speak([&CAROL, &ALICE], "shield")?;
        phones.hang_up(&[&CAROL, &ALICE])?;
        phones.call(&BOB, &ALICE)?;
        phones.speak([&BOB, &ALICE], "lock")?;
        phones.hang_up(&[&BOB, &ALICE])?;
        Ok(((), format!("in {took:.1} s after the call; new calls with their icons")))
    })
}

fn do_without(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("without a publisher everything is served and nothing is changed", || {
        let Play { site, desk, phones } = play;
        for node in [&site.cm2, &site.cm3] {
            let refused = desk.ask(node, &format!("device add {LATER} 7960"))?.complaint(1)?;
            ensure!(refused.contains("nothing was changed"), "{refused}");
            desk.tell(node, &format!("phone show {}", ALICE.device))?;
            said(desk, node, "the publisher's does not answer")?;
        }
        // Its files come from the next server of its list.
        phones.does(&DAVE, "loses power")?;
        phones.does(&DAVE, "starts")?;
        phones.expect(&DAVE, "registered 2 within 60s")?;
        Ok(((), "a change says why; a phone that starts gets its files"))
    })
}

// R: BAK-02
fn promote(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("a subscriber becomes the publisher, by an administrator's word", || {
        let Play { site, desk, .. } = play;
        let refused = desk.ask(&site.cm2, "cluster promote")?.complaint(3)?;
        ensure!(refused.contains("Not heard: cm1"), "{refused}");
        desk.tell(&site.cm2, "cluster promote --lost cm1")?;
        let nodes = desk.tell(&site.cm2, "node list")?;
        ensure!(nodes[0]["name"] == "cm2" && nodes[0]["role"] == "publisher", "{nodes}");
        let second = desk.ask(&site.cm3, "cluster promote --lost cm1")?.complaint(3)?;
        ensure!(second.contains("cm2 answers"), "{second}");
        Ok(((), "not before cm1 was given up; the other one is refused"))
    })?;
    report.step("changes are made again, at every node, and seen at every node", || {
        let Play { site, desk, .. } = play;
        let add = || desk.ask(&site.cm3, &format!("device add {LATER} 7960")).ok();
        let added = poll(PATIENCE, || add().filter(|added| added.code == 0));
        ensure!(added.is_some(), "cm3 changes nothing");
        for node in [&site.cm2, &site.cm3] {
            let seen = || desk.tell(node, &format!("device show {LATER}")).ok();
            poll(PATIENCE, seen).with_context(|| format!("{} does not see it", node.name))?;
        }
        Ok(((), "the third node follows the second"))
    })
}

// R: CTL-14, CTL-15
fn renew_the_list(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("CAPF anew, the CTL file signed: phones take it", || {
        let Play { site, desk, phones } = play;
        desk.tell(&site.cm2, "capf activate")?;
        site.cm2.wait_for_capf()?;
        let publisher = site.cm2.address.to_string();
        let pushed = desk.ctl_at(&publisher, "update", &["soft1"])?.json(0)?;
        ensure!(pushed["complete"] == true, "{pushed}");
        for node in [&site.cm1, &site.cm2, &site.cm3] {
            restart_services(node, desk)?;
        }
        let list = std::fs::read(site.cm2.tftp().join("CTLFile.tlv"))?;
        phones.registered(&ALL)?;
        desk.tell(&site.cm2, "device reset --all")?;
        for phone in ALL.into_iter().filter(|phone| phone.mode != Mode::NonSecure) {
            let kept = site.state.path().join("flash").join(&*phone.device);
            let taken = || (std::fs::read(kept.join("CTLFile.tlv")).ok()? == list).then_some(());
            poll(PATIENCE, taken).with_context(|| format!("{phone:?} has the old list"))?;
        }
        phones.registered(&ALL)?;
        phones.call(&ALICE, &BOB)?;
        phones.speak([&ALICE, &BOB], "lock")?;
        phones.hang_up(&[&ALICE, &BOB])?;
        Ok(((), "by a token that they know; nobody is stranded"))
    })
}

// R: BAK-02, BAK-03
fn return_as_subscriber(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("the old publisher comes back, and is no second one", || {
        let Play { site, desk, .. } = play;
        site.start(|site| &mut site.cm1)?;
        said(desk, &site.cm1, "cm2 has become the publisher")?;
        let refused = desk.ask(&site.cm1, &format!("device remove {LATER}"))?;
        ensure!(refused.code != 0, "it takes changes");
        ensure!(site.cm1.serves_nobody()?, "it serves phones with what is of the past");
        Ok(((), "it has heard of the later one: no changes, no services"))
    })?;
    report.step("it joins as a subscriber; phones come back to it", || {
        let Play { site, desk, phones } = play;
        let publisher = site.cm2.address;
        let runs = join(site, desk, |site| &mut site.cm1, publisher)?.complaint(3)?;
        ensure!(runs.contains("stop it first"), "{runs}");
        site.cm1.stop()?;
        join(site, desk, |site| &mut site.cm1, publisher)?.json(0)?;
        site.start(|site| &mut site.cm1)?;
        site.cm1.wait_for_provider()?;
        site.cm1.wait_for_call_manager()?;
        for phone in ALL {
            phones.expect(phone, "registered 1 within 120s")?;
        }
        let seen = desk.tell(&site.cm1, &format!("device show {LATER}"))?;
        ensure!(seen != Value::Null, "it has old data");
        phones.call(&ALICE, &BOB)?;
        phones.speak([&ALICE, &BOB], "lock")?;
        phones.hang_up(&[&ALICE, &BOB])?;
        Ok(((), "by themselves, as their group says; with a call under keys"))
    })
}

/// Gives a node a copy of the publisher's database.
fn join(
    site: &mut Site,
    desk: &Desk,
    node: fn(&mut Site) -> &mut Node,
    publisher: IpAddr,
) -> Result<Ended> {
    let settings = site.configure(node)?;
    desk.join(node(site), &settings, publisher)
}

/// Waits until an alarm of a node says this.
fn said(desk: &Desk, node: &Node, words: &str) -> Result<()> {
    let alarms = || Some(desk.tell(node, "status").ok()?["alarms"].to_string());
    let found = poll(PATIENCE, || alarms().filter(|said| said.contains(words)));
    found.map(drop).with_context(|| format!("{} does not say {words:?}: {:?}", node.name, alarms()))
}

/// What a new CTL file demands.
fn restart_services(node: &Node, desk: &Desk) -> Result<()> {
    for service in ["call-manager", "tftp"] {
        desk.tell(node, &format!("service restart {service}"))?;
    }
    node.wait_for_call_manager()
}
