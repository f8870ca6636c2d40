//! A branch whose centre is cut off.
//!
//! ```text
//!   voice (cm1) ─╳─ gw (the SRST gateway) ─── branch (50 phones)
//! ```
//!
//! Calls that go on are heard further, phones go to the gateway and to nobody who shows another
//! certificate than theirs, call each other there under keys, and go back when the centre is back.

mod certificate;
mod telephones;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Stage;
use super::cluster::{Branch, Desk, Outpost, Site};
use super::estate::{Mode, Phone, Phones, came_as_set, enter, found};
use crate::program::poll;
use crate::report::{Failed, Report};
use telephones::Branchful;

/// How long phones, daemons and networks may take for something.
const PATIENCE: Duration = Duration::from_secs(150);

/// Everything that runs.
struct Play {
    site: Site,
    desk: Desk,
    outpost: Outpost,
    phones: Phones,
    logs: PathBuf,
}

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let all = Branchful::new();
    let mut play = open(stage, &all)?;
    let report = &mut stage.report;
    cut_off(&mut play, &all, report)?;
    survive(&mut play, &all, report)?;
    come_back(&mut play, &all, report)?;
    certificate::renew(&mut play, &all, report)?;
    report.step("everything stops", || {
        play.phones.go_home()?;
        play.outpost.stop()?;
        play.site.cm1.stop()?;
        Ok(((), "phones unregister, gateway and centre end"))
    })
}

fn open(stage: &mut Stage, all: &Branchful) -> Result<Play, Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let (mut site, branch) = report.step("network", || {
        let site = Site::build(lab, programs, dir)?;
        let branch = Branch::build(lab, &site)?;
        Ok(((site, branch), "a centre, a branch, and a machine between them"))
    })?;
    site.cm1.waits_for_gateways = true;
    let desk = found(&mut site, programs, report)?;
    report.step("lines, pools, modes", || {
        enter(&desk, &site, &all.phones())?;
        // So that phones notice soon that they are alone.
        desk.tell(&site.cm1, "param set call-manager.keep-alive-seconds 10")?;
        Ok(((), format!("{} phones at the branch", all.len())))
    })?;
    let outpost = report.step("the branch's gateway shows its certificate", || {
        let status = desk.tell(&site.cm1, "status")?;
        let centre = status["certificate_sha256"].as_str().context("no certificate")?;
        let state = site.state.path();
        let address = Branch::gateway_address();
        let centre = (site.cm1.address, centre);
        let mut outpost =
            Outpost::settle(&branch.gateway, address, state, centre, (programs, dir))?;
        outpost.start()?;
        Ok((outpost, format!("{address}, port 2445")))
    })?;
    certificate::accept(&site, &desk, &outpost, report)?;
    let phones = report.step("phones start: files, CAPF, registration at the centre", || {
        let all = all.phones();
        let mut phones = Phones::new(&all, (&site, Some(&branch)), programs, dir)?;
        phones.start(&all)?;
        for phone in &all {
            came_as_set(&desk, &site, phone)?;
            phones.expect(phone, "registered 1")?;
        }
        Ok((phones, format!("{} with their LSC over TLS 1.0", all.len() - 1)))
    })?;
    Ok(Play { site, desk, outpost, phones, logs: dir.clone() })
}

// R: SRST-05, SRST-08
fn cut_off(play: &mut Play, all: &Branchful, report: &mut Report) -> Result<(), Failed> {
    let [a, b, ..] = all.encrypted();
    report.step("A calls B, both at the branch, with the lock", || {
        play.phones.call(a, b)?;
        play.phones.speak([a, b], "lock")?;
        Ok(((), "media goes directly, under keys of the centre"))
    })?;
    let away = play.site.state.path().join("certificate");
    report.step("an impostor takes the gateway's place, with all that it knows", || {
        std::fs::create_dir(&away)?;
        play.outpost.stop()?;
        play.outpost.lose_certificate(&away)?;
        play.outpost.start()?;
        let own = play.status_at_gateway()?;
        ensure!(own["reference"] == "branch", "it does not know the phones: {own}");
        Ok(((), "only its certificate is another"))
    })?;
    report.step("the link to the centre is cut in mid-call", || {
        play.site.plug_machine("gw", false)?;
        play.phones.speak([a, b], "lock")?;
        Ok(((), "A and B hear each other further, encrypted"))
    })?;
    report.step("phones refuse the impostor", || {
        let secure = all.secure_and_idle();
        let refused = || play.refused().ok().filter(|phones| phones.len() >= secure);
        let refused = poll(PATIENCE, refused);
        let refused = refused.with_context(|| format!("{:?} have refused it", play.refused()))?;
        let own = play.status_at_gateway()?;
        let few = own["phones"].as_u64().is_some_and(|phones| phones <= 1);
        ensure!(few, "phones are registered at it: {own}");
        Ok(((), format!("{} did, for its certificate is not that of their files", refused.len())))
    })?;
    report.step("the gateway itself is back; A and B still speak", || {
        play.outpost.stop()?;
        play.outpost.find_certificate(&away)?;
        play.outpost.start()?;
        play.phones.speak([a, b], "lock")?;
        Ok(((), "with the keys that they had"))
    })
}

// R: SRST-08
fn survive(play: &mut Play, all: &Branchful, report: &mut Report) -> Result<(), Failed> {
    let [a, b, c, d] = all.encrypted();
    report.step("phones register at the gateway, over TLS", || {
        play.phones.hang_up(&[a, b])?;
        for phone in all.phones() {
            play.phones.expect(phone, "registered 2 within 120s")?;
        }
        let shown = play.at_gateway(&format!("phone show {}", c.device))?;
        let registration = &shown["registration"];
        ensure!(registration["security"] == "encrypted", "{registration}");
        ensure!(registration["suite"] == "TLS_RSA_WITH_AES_128_CBC_SHA", "{registration}");
        ensure!(registration["certificate"] == "lsc", "{registration}");
        Ok(((), format!("{} phones, each as it is set", all.len())))
    })?;
    report.step("C calls D at the gateway, with the lock", || {
        play.phones.call(c, d)?;
        play.phones.speak([c, d], "lock")?;
        let calls = play.at_gateway("call list")?;
        ensure!(calls[0]["security"] == "encrypted", "{calls}");
        play.phones.hang_up(&[c, d])?;
        Ok(((), "keys from the gateway, as from the centre"))
    })?;
    report.step("both sides know", || {
        let own = play.status_at_gateway()?;
        ensure!(own["centre"] == "away" && own["phones"] == all.len(), "{own}");
        let alarms = play.at_gateway("status")?["alarms"].to_string();
        ensure!(alarms.contains("The centre is away since"), "{alarms}");
        let silent = poll(PATIENCE, || {
            let alarms = play.at_centre("status").ok()?["alarms"].to_string();
            alarms.contains("has not been heard of since").then_some(())
        });
        silent.context("the centre does not miss its gateway")?;
        let refused = play.desk.tell_at(&play.outpost.socket(), "line add 9999");
        ensure!(refused.is_err(), "the gateway lets its knowledge be changed");
        Ok(((), own.to_string()))
    })?;
    report.step("on the gateway's disk nothing can be read", || {
        for text in ["SEP0000", "branch", "2001"] {
            ensure!(!play.outpost.keeps_readable(text)?, "{text} can be read");
        }
        ensure!(play.outpost.memory().starts_with("/dev/shm"), "its database is on a disk");
        Ok(((), "AES-256-GCM; its database is in memory"))
    })
}

// R: SRST-08
fn come_back(play: &mut Play, all: &Branchful, report: &mut Report) -> Result<(), Failed> {
    let [a, b, ..] = all.encrypted();
    report.step("the centre is back: phones go home in order", || {
        play.site.plug_machine("gw", true)?;
        for phone in all.phones() {
            play.phones.expect(phone, "registered 1 within 120s")?;
        }
        let empty = || {
            let own = play.status_at_gateway().ok()?;
            (own["phones"] == 0 && own["centre"] == "here").then_some(own)
        };
        let own = poll(PATIENCE, empty).context("phones stay at the gateway")?;
        Ok(((), format!("{} were told by the gateway, 20 a second at most", own["sent_home"])))
    })?;
    report.step("A calls B at the centre", || {
        play.phones.call(a, b)?;
        play.phones.speak([a, b], "lock")?;
        play.phones.hang_up(&[a, b])?;
        // It reports every few seconds.
        let well = || {
            let gateway = play.at_centre("srst status").ok()?["gateways"][0].clone();
            let well = gateway["connected"] == true && gateway["synchronised"] == true;
            (well && gateway["phones"] == 0).then_some(gateway)
        };
        let gateway = poll(PATIENCE, well);
        let gateway = gateway.with_context(|| format!("{:?}", play.at_centre("srst status")))?;
        Ok(((), gateway.to_string()))
    })
}

impl Play {
    fn at_centre(&self, words: &str) -> Result<Value> {
        self.desk.tell(&self.site.cm1, words)
    }

    fn at_gateway(&self, words: &str) -> Result<Value> {
        self.desk.tell_at(&self.outpost.socket(), words)
    }

    fn status_at_gateway(&self) -> Result<Value> {
        self.at_gateway("srst status")
    }

    /// Phones that have refused a server for its certificate.
    fn refused(&self) -> Result<std::collections::BTreeSet<String>> {
        let log = std::fs::read_to_string(self.logs.join("phones-branch.log"))?;
        let happened = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let refusals = happened.filter(|it| it["why"] == "TLS-certificate");
        Ok(refusals.filter_map(|it| Some(it["phone"].as_str()?.to_owned())).collect())
    }

    /// What the flash of a phone holds of its configuration.
    fn file_of(&self, phone: &Phone) -> Result<String> {
        let flash: &Path = self.site.state.path();
        let file = flash.join("flash").join(&*phone.device).join("configuration.cnf.xml");
        std::fs::read_to_string(&file).with_context(|| file.display().to_string())
    }
}

/// The mode of the phone with this place in the branch: most are encrypted.
fn mode_of(place: usize) -> Mode {
    match place {
        telephones::NON_SECURE => Mode::NonSecure,
        telephones::AUTHENTICATED => Mode::Authenticated,
        _ => Mode::Encrypted,
    }
}
