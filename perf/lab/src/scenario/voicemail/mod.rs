//! Voicemail that is as secure as the phones.
//!
//! ```text
//!   cm1 ─┬─ voice ─┬─ tel (phones)
//!        │         └─ um (a voicemail server with its own root certificate)
//! ```
//!
//! A message is left and heard under keys, the lamp follows, and ports that are not what they should
//! be stay away: without the root certificate, with that of another one, in another mode.

mod server;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Stage;
use super::cluster::{Branch, Desk, Site};
use super::estate::{Mode, Phone, Phones, Place, came_as_set, enter, found};
use crate::program::poll;
use crate::report::{Failed, Report};
use server::{LAMPS, NAME, Server, port_name};

/// How long phones and daemons may take for something.
const PATIENCE: Duration = Duration::from_secs(60);

static ALICE: Phone =
    Phone::known("SEP000079700001", "7970", Mode::Encrypted, "1001", Place::Centre);
static BOB: Phone = Phone::known("SEP000079600002", "7960", Mode::Encrypted, "1002", Place::Centre);
static CAROL: Phone =
    Phone::known("SEP000079600003", "7960", Mode::NonSecure, "1003", Place::Centre);
static ALL: [&Phone; 3] = [&ALICE, &BOB, &CAROL];

/// Everything that runs.
struct Play {
    site: Site,
    desk: Desk,
    phones: Phones,
    server: Server,
    /// What the two ports are called by.
    ports: Vec<String>,
}

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let mut play = open(stage)?;
    let report = &mut stage.report;
    join(&mut play, report)?;
    leave_a_message(&mut play, report)?;
    retrieve_it(&mut play, report)?;
    mismatch(&mut play, report)?;
    report.step("everything stops", || {
        play.phones.go_home()?;
        play.server.go_home()?;
        play.site.cm1.stop()?;
        Ok(((), "phones and ports unregister, controld ends"))
    })
}

fn open(stage: &mut Stage) -> Result<Play, Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let (mut site, branch) = report.step("network", || {
        let site = Site::build(lab, programs, dir)?;
        let branch = Branch::build(lab, &site)?;
        Ok(((site, branch), "a cluster, phones, and a machine for voicemail"))
    })?;
    let desk = found(&mut site, programs, report)?;
    report.step("lines, modes, numbers that switch lamps", || {
        enter(&desk, &site, &ALL)?;
        let tell = |words: &str| desk.tell(&site.cm1, words);
        tell("param set call-manager.forward-no-answer-seconds 2")?;
        let [on, off] = LAMPS;
        tell(&format!("route add {on} message-waiting-on"))?;
        tell(&format!("route add {off} message-waiting-off"))?;
        Ok(((), format!("{on} and {off}")))
    })?;
    let server = report.step("a voicemail server with a root of its own", || {
        let server = Server::settle(lab, &site, programs, dir)?;
        server.make_root("root", 1..=2)?;
        server.make_root("other", 1..=1)?;
        Ok((server, "two ports, each with a certificate of the root"))
    })?;
    // R: VM-04, VM-05
    report.step(
        "the wizard: a server, and one port more, in the mode that the others have",
        || {
            let tell = |words: &str| desk.tell(&site.cm1, words);
            tell(&format!("voicemail add {NAME} --security-mode encrypted --first-number 5001"))?;
            tell(&format!("voicemail add-ports {NAME} --first-number 5002"))?;
            let chosen =
                format!("voicemail add-ports {NAME} --first-number 5003 --security-mode x");
            ensure!(desk.ask(&site.cm1, &chosen)?.code == 2, "the mode can be chosen");
            let encrypted = tell("voicemail ports --security-mode encrypted")?;
            let names: Vec<_> = encrypted
                .as_array()
                .into_iter()
                .flatten()
                .map(|port| port["name"].clone())
                .collect();
            ensure!(names == [port_name(1), port_name(2)], "{encrypted}");
            let others = tell("voicemail ports --security-mode non-secure")?;
            ensure!(others == Value::Array(Vec::new()), "{others}");
            tell("line set 1002 --forward-no-answer 5001 --forward-busy 5001")?;
            Ok(((), "5001, and 5002 where 5001 is busy"))
        },
    )?;
    let phones = report.step("phones start", || {
        let mut phones = Phones::new(&ALL, (&site, Some(&branch)), programs, dir)?;
        phones.start(&ALL)?;
        for phone in ALL {
            came_as_set(&desk, &site, phone)?;
        }
        Ok((phones, "two encrypted, one not"))
    })?;
    Ok(Play { site, desk, phones, server, ports: Vec::new() })
}

// R: VM-01, VM-02, GEN-20
fn join(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("without the root certificate no port registers, and it is said why", || {
        let first = play.server.start(1, Mode::Encrypted, "root")?;
        play.said("has secure ports, which cannot register without its root certificate")?;
        play.said("is of no trusted issuer")?;
        play.server.refused(&first)?;
        play.ports.push(first);
        Ok(((), "the alarms name the server, and where the stranger came from"))
    })?;
    report.step("the root certificate is copied: ports register over TLS", || {
        let root = play.server.root("root");
        let copied = play.tell(&format!("voicemail certificate {NAME} {}", root.display()))?;
        let due = copied["actions"].to_string();
        ensure!(due.contains("restart-call-manager"), "nobody says what is due: {copied}");
        play.restart_call_manager()?;
        let second = play.server.start(2, Mode::Encrypted, "root")?;
        play.ports.push(second);
        for port in &play.ports {
            play.server.expect(port, "registered within 60s")?;
        }
        play.phones.registered(&ALL)?;
        let ports = play.tell("voicemail ports")?;
        let registration = &ports[0]["registration"];
        ensure!(registration["security"] == "encrypted", "{ports}");
        ensure!(registration["suite"] == "TLS_RSA_WITH_AES_128_CBC_SHA", "{ports}");
        ensure!(registration["certificate"] == "voicemail", "{ports}");
        Ok(((), "TLS 1.0 with AES128-SHA"))
    })
}

// R: VM-01
fn leave_a_message(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    let Play { phones, .. } = play;
    report.step("B does not answer: A leaves a message, with the lock", || {
        phones.does(&ALICE, "dials 1002")?;
        phones.expect(&BOB, "ringing")?;
        phones.expect(&ALICE, "connected")?;
        phones.shows(&ALICE, "lock")?;
        phones.expect(&ALICE, "hears tone")?;
        phones.pass(Place::Centre, "3s")?;
        phones.hang_up(&[&ALICE])?;
        Ok(((), "SRTP to the port, which records"))
    })?;
    report.step("B's lamp shines, and nobody else's", || {
        phones.expect(&BOB, "messages")?;
        phones.expect(&ALICE, "not messages")?;
        Ok(((), format!("the port has called {} in the name of 1002", LAMPS[0])))
    })?;
    report.step("the lamp shines again after CallManager has been started anew", || {
        play.restart_call_manager()?;
        play.phones.registered(&ALL)?;
        play.phones.expect(&BOB, "messages")?;
        for port in &play.ports {
            play.server.expect(port, "registered within 60s")?;
        }
        Ok(((), "it is in the database"))
    })
}

// R: VM-01
fn retrieve_it(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    let Play { phones, .. } = play;
    report.step("B hears A's message, with the lock; then the lamp goes out", || {
        phones.does(&BOB, "dials 5001")?;
        phones.expect(&BOB, "connected")?;
        phones.shows(&BOB, "lock")?;
        phones.expect(&BOB, &format!("hears {}", ALICE.voice()))?;
        phones.hang_up(&[&BOB])?;
        phones.expect(&BOB, "not messages")?;
        Ok(((), "what A said is what B heard"))
    })?;
    report.step("C, who is not secure, leaves one without", || {
        phones.does(&CAROL, "dials 1002")?;
        phones.expect(&CAROL, "connected")?;
        phones.shows(&CAROL, "none")?;
        phones.expect(&CAROL, "hears tone")?;
        phones.pass(Place::Centre, "2s")?;
        phones.hang_up(&[&CAROL])?;
        phones.expect(&BOB, "messages")?;
        Ok(((), "RTP, and no lock"))
    })
}

/// What differs between the two sides keeps a port away, and it is said what.
// R: VM-02, VM-03, GEN-20
fn mismatch(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("modes that differ: refused, with the reason", || {
        play.tell(&format!("voicemail set-port {} --security-mode authenticated", port_name(1)))?;
        let due = play.tell("status")?["due"].to_string();
        ensure!(due.contains("reset-voicemail-ports"), "no reset is due: {due}");
        let reset = play.tell(&format!("voicemail reset {NAME}"))?;
        ensure!(reset["matched"] == 2, "{reset}");
        play.said("is incompatible with its configuration")?;
        let first = play.ports[0].clone();
        play.server.expect(&first, "rejected Security Error")?;
        play.server.switch_off(&first)?;
        play.tell(&format!("voicemail set-port {} --security-mode encrypted", port_name(1)))?;
        let plain = play.server.start(1, Mode::NonSecure, "root")?;
        play.said("registers over a non-TLS connection")?;
        play.server.expect(&plain, "rejected Security Error")?;
        play.server.switch_off(&plain)?;
        Ok(((), "authenticated here and encrypted there; encrypted here and TCP there"))
    })?;
    report.step("a certificate of another root: refused", || {
        let stranger = play.server.start(1, Mode::Encrypted, "other")?;
        play.server.refused(&stranger)?;
        play.server.switch_off(&stranger)?;
        let root = play.server.root("other");
        play.tell(&format!("voicemail certificate {NAME} {}", root.display()))?;
        play.restart_call_manager()?;
        let changed = play.server.start(1, Mode::Encrypted, "root")?;
        play.server.refused(&changed)?;
        play.server.switch_off(&changed)?;
        let shown = play.tell("voicemail list")?;
        ensure!(shown[0]["root"]["subject"] == "CN=other", "{shown}");
        Ok(((), "and so is one of the old root, after that was changed"))
    })
}

impl Play {
    fn tell(&self, words: &str) -> Result<Value> {
        self.desk.tell(&self.site.cm1, words)
    }

    /// What a copied root certificate demands.
    fn restart_call_manager(&self) -> Result<()> {
        self.tell("service restart call-manager")?;
        self.site.cm1.wait_for_call_manager()
    }

    /// Waits until an alarm says this.
    fn said(&self, words: &str) -> Result<()> {
        let alarms = || Some(self.tell("status").ok()?["alarms"].to_string());
        let found = poll(PATIENCE, || alarms().filter(|said| said.contains(words)));
        found.map(drop).with_context(|| format!("no alarm says {words:?}: {:?}", alarms()))
    }
}
