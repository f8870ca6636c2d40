//! A whole office behind such a path: telephones, CallManager as call agent, strongSwan beside it,
//! and the gateway with voice lines that do SRTP.
//!
//! ```text
//!   tel (telephones) ─ SCCP/TLS ─ cm1: controld, strongSwan ═ MGCP in ESP ═ vgw: datad ─ lines
//!        └───────────────────────────── SRTP ──────────────────────────────────┘
//! ```
//!
//! The lock is there exactly while both legs are under keys, keys move exactly while an association
//! covers the way, and none of those that telephones were given is on the wire.

mod gateway;
mod line;
mod wire;

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::site::PATIENCE;
use super::tunnel::{CHILD, IDENTITIES};
use crate::ike::Daemon;
use crate::program::poll;
use crate::report::{Failed, Report};
use crate::scenario::Stage;
use crate::scenario::cluster::{Desk, Site};
use crate::scenario::estate::{Mode, Phone, Phones, Place, came_as_set, enter, found};
use gateway::{Gateway, LINES, Settings};
use line::Telephone;
use wire::Wire;

static ALICE: Phone = phone("SEP000079700001", "7970", Mode::Encrypted, "1001");
static BOB: Phone = phone("SEP000079600002", "7960", Mode::Encrypted, "1002");
/// Without any security.
static CAROL: Phone = phone("SEP000079600003", "7960", Mode::NonSecure, "1003");
static ALL: [&Phone; 3] = [&ALICE, &BOB, &CAROL];

/// The number of the gateway's first line.
const FRED: &str = "1006";
/// What is said into it.
const VOICE: u64 = 6;
/// The number of the second line.
const GINA: &str = "1007";
/// Times that keys are sent for a connection: what it sends under, and what it receives under.
const BOTH_WAYS: usize = 2;
/// Calls while associations are replaced, at least.
const CALLS: usize = 4;
/// How often they are.
const REPLACEMENTS: usize = 6;
/// Before each replacement.
const PAUSE: Duration = Duration::from_millis(300);

const fn phone(
    device: &'static str,
    model: &'static str,
    mode: Mode,
    number: &'static str,
) -> Phone {
    let place = Place::Centre;
    Phone { device: Cow::Borrowed(device), model, mode, number: Cow::Borrowed(number), place }
}

/// Everything that runs.
struct Office {
    site: Site,
    desk: Desk,
    phones: Phones,
    gateway: Gateway,
    fred: Telephone,
    settings: Settings,
    agents_daemon: Option<Daemon>,
    gateways_daemon: Daemon,
}

/// Takes the steps.
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let mut wire = None;
    let mut office = open(stage, &mut wire)?;
    let report = &mut stage.report;
    speak(&mut office, report)?;
    transfer(&mut office, report)?;
    between_lines(&mut office, report)?;
    rekey(&mut office, report)?;
    lose_cover(&mut office, report)?;
    report.step("everything stops", || {
        let Office { mut site, phones, gateway, .. } = office;
        phones.go_home()?;
        gateway.stop()?;
        site.cm1.stop()?;
        Ok(((), "telephones unregister, datad and controld end"))
    })?;
    match wire {
        Some(wire) => wire.judge(report),
        None => Ok(()),
    }
}

fn open(stage: &mut Stage, wire: &mut Option<Wire>) -> Result<Office, Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let (mut site, settings) = report.step("an office and a gateway", || {
        let mut site = Site::build(lab, programs, dir)?;
        let settings = Settings::build(lab, &site, programs, dir)?;
        site.cm1.gateways = Some(settings.agents_end());
        Ok(((site, settings), "one network, which nobody trusts"))
    })?;
    let desk = found(&mut site, programs, report)?;
    report.step("telephones, the gateway and its ports are entered", || {
        enter(&desk, &site, &ALL)?;
        administer(&desk, &site)?;
        let steps = check(&desk, &site)?;
        ensure!(steps["ipsec"] == "open" && steps["verified"] == "open", "{steps}");
        Ok(((), "key policy: require; nothing is verified yet"))
    })?;
    report.step("somebody records everything that CallManager sends", || {
        *wire = Some(Wire::record(&site, dir)?);
        Ok(((), "dumpcap at its interface"))
    })?;
    let (gateway, daemons) = report.step("the gateway registers through IPsec", || {
        settings.configure_daemons()?;
        let daemons = (Some(settings.agents_daemon(&site)?), settings.gateways_daemon()?);
        let gateway = settings.start()?;
        let verified = || check(&desk, &site).ok().filter(|steps| steps["verified"] == "done");
        let Some(_) = poll(PATIENCE, verified) else { bail!("{}", check(&desk, &site)?) };
        let shown = show(&desk, &site)?;
        ensure!(shown["status"]["path"] == "covered", "{shown}");
        Ok(((gateway, daemons), shown["status"]["detail"].to_string()))
    })?;
    let phones = report.step("telephones register", || {
        let mut phones = Phones::new(&ALL, (&site, None), programs, dir)?;
        phones.start(&ALL)?;
        for phone in ALL {
            came_as_set(&desk, &site, phone)?;
        }
        Ok((phones, "two encrypted, one not secure"))
    })?;
    let fred = gateway.line(LINES[0], VOICE);
    let (agents_daemon, gateways_daemon) = daemons;
    Ok(Office { site, desk, phones, gateway, fred, settings, agents_daemon, gateways_daemon })
}

// R: MGCP-06
fn administer(desk: &Desk, site: &Site) -> Result<()> {
    let tell = |words: &str| desk.tell(&site.cm1, words).map(drop);
    let name = IDENTITIES[1];
    let at = super::site::GATEWAY[0];
    tell(&format!("gateway add {name} {at}:2427 --key-policy require --identity {name}"))?;
    tell(&format!("gateway port {name} {} --number {FRED}", LINES[0]))?;
    tell(&format!("gateway port {name} {} --number {GINA}", LINES[1]))
}

/// The state of each step of the guide, by its name.
// R: MGCP-07
fn check(desk: &Desk, site: &Site) -> Result<Value> {
    let ended = desk.ask(&site.cm1, &format!("gateway check {}", IDENTITIES[1]))?;
    let code = ended.code;
    let steps = ended.json(code)?;
    let steps = steps.as_array().context("no steps")?.iter();
    let state = |step: &Value| Some((step["id"].as_str()?.to_owned(), step["state"].clone()));
    let states: serde_json::Map<_, _> = steps.filter_map(state).collect();
    ensure!((code == 0) == states.values().all(|state| state == "done"), "it ended with {code}");
    Ok(states.into())
}

fn show(desk: &Desk, site: &Site) -> Result<Value> {
    desk.tell(&site.cm1, &format!("gateway show {}", IDENTITIES[1]))
}

// R: GEN-09, GEN-10, GEN-11, MED-01, MED-02, MGCP-03, MGCP-04
fn speak(office: &mut Office, report: &mut Report) -> Result<(), Failed> {
    report.step("a line calls a secure telephone: the lock, speech both ways", || {
        office.fred.lift()?;
        office.fred.waits_for_signal("L/dl")?;
        office.fred.dial(&ALICE.number)?;
        office.phones.does(&ALICE, "answers")?;
        office.phones.expect(&ALICE, "connected")?;
        let heard = office.hear(&ALICE, "lock")?;
        Ok(((), heard))
    })?;
    report.step("the audit log says what covered the keys", || {
        let written = || office.keys().ok().filter(|sent| sent.len() >= BOTH_WAYS);
        let sent = poll(PATIENCE, written).context("it says nothing of keys")?;
        let covered = |text: &String| text.contains(" sent to ") && text.contains("cm1-gw1/mgcp");
        ensure!(sent.iter().all(covered), "{sent:?}");
        Ok(((), sent[0].clone()))
    })?;
    report.step("both sides show which calls an association protects", || {
        let shown = office.gateway.ipsec()?;
        let calls = shown["paths"][0]["calls"].as_array().map_or(0, Vec::len);
        ensure!(calls == 1, "the gateway's side: {shown}");
        let shown = show(&office.desk, &office.site)?;
        ensure!(shown["status"]["ports"][0]["calls"] == 1, "the agent's side: {shown}");
        Ok(((), format!("one call, {}", shown["status"]["detail"])))
    })
}

// R: GEN-10, GEN-11, MGCP-01, MGCP-02
fn transfer(office: &mut Office, report: &mut Report) -> Result<(), Failed> {
    report.step("transferred to a telephone without security: no lock, in clear", || {
        office.give(&ALICE, &CAROL)?;
        let heard = office.hear(&CAROL, "none")?;
        Ok(((), heard))
    })?;
    report.step("transferred to a secure telephone: the lock is back, under new keys", || {
        let before = office.keys()?.len();
        office.give(&CAROL, &BOB)?;
        let heard = office.hear(&BOB, "lock")?;
        // Both come in one message, for the connection is there.
        let new = || office.keys().ok().filter(|now| now.len() > before);
        poll(PATIENCE, new).context("no key has moved")?;
        Ok(((), heard))
    })?;
    report.step("they hang up: nothing is left", || {
        office.phones.hang_up(&[&BOB])?;
        office.fred.hang_up()?;
        let flows = || office.gateway.flows().ok().filter(|flows| *flows == 0);
        poll(PATIENCE, flows).context("the gateway keeps a connection")?;
        Ok(((), "no connection at the gateway"))
    })
}

// R: MGCP-03, MED-02
fn between_lines(office: &mut Office, report: &mut Report) -> Result<(), Failed> {
    report.step("two lines of the gateway call each other: under keys, speech both ways", || {
        let (fred, gina) = (&office.fred, office.gateway.line(LINES[1], VOICE + 1));
        fred.lift()?;
        fred.waits_for_signal("L/dl")?;
        fred.dial(GINA)?;
        gina.rings()?;
        gina.lift()?;
        fred.says()?;
        gina.says()?;
        let heard = fred.hears(&gina.voice())?;
        gina.hears(&fred.voice())?;
        let suites = office.gateway.suites()?;
        let secure = suites.iter().all(|suite| suite == "AES_CM_128_HMAC_SHA1_32");
        ensure!(suites.len() == 2 * BOTH_WAYS && secure, "{suites:?}");
        fred.hang_up()?;
        gina.hang_up()?;
        fred.is_disconnected()?;
        gina.is_disconnected()?;
        Ok(((), heard))
    })
}

// R: MGCP-05
fn rekey(office: &mut Office, report: &mut Report) -> Result<(), Failed> {
    report.step("calls while both sides replace their associations", || {
        // What CallManager had to say before there were associations is not meant.
        let before = office.gateway.came_in_clear()?;
        let Office { phones, fred, agents_daemon, gateways_daemon, .. } = office;
        let agents_daemon = agents_daemon.as_ref().context("it does not run")?;
        let daemons = [agents_daemon, &*gateways_daemon];
        let made = thread::scope(|scope| {
            let replacing = scope.spawn(move || {
                daemons.into_iter().cycle().take(REPLACEMENTS).try_for_each(|daemon| {
                    thread::sleep(PAUSE);
                    daemon.rekey(CHILD)
                })
            });
            let mut made = 0;
            while made < CALLS || !replacing.is_finished() {
                call(phones, fred)?;
                made += 1;
            }
            let replaced = replacing.join().unwrap_or_else(|panic| resume_unwind(panic));
            replaced.map(|()| made)
        })?;
        let clear = office.gateway.came_in_clear()? - before;
        ensure!(clear == 0, "{clear} datagrams came in clear");
        let detail =
            format!("{made} calls with the lock, {REPLACEMENTS} replacements, none in clear");
        Ok(((), detail))
    })
}

/// Bob calls the line, they have the lock, he hears it, and they hang up.
fn call(phones: &mut Phones, fred: &Telephone) -> Result<()> {
    phones.does(&BOB, &format!("dials {FRED}"))?;
    fred.rings()?;
    fred.lift()?;
    phones.expect(&BOB, "connected")?;
    phones.shows(&BOB, "lock")?;
    // CallManager sends away who calls a hundred times a second.
    fred.says()?;
    phones.expect(&BOB, &format!("hears {}", fred.voice()))?;
    phones.hang_up(&[&BOB])?;
    fred.hang_up()?;
    fred.is_disconnected()
}

// R: MGCP-04, GEN-11
fn lose_cover(office: &mut Office, report: &mut Report) -> Result<(), Failed> {
    report.step("the association is lost in mid-call: the call keeps its keys", || {
        office.phones.does(&ALICE, &format!("dials {FRED}"))?;
        office.fred.rings()?;
        office.fred.lift()?;
        office.phones.expect(&ALICE, "connected")?;
        office.hear(&ALICE, "lock")?;
        office.agents_daemon = None;
        let open = || {
            let steps = check(&office.desk, &office.site).ok();
            steps.filter(|steps| steps["verified"] == "open")
        };
        poll(PATIENCE, open).context("the gateway is still given keys")?;
        ensure!(office.alarm("its calls are not encrypted"), "nobody says so");
        let heard = office.hear(&ALICE, "lock")?;
        Ok(((), format!("an alarm; {heard}")))
    })?;
    report.step("no key moves meanwhile", || {
        let (before, clear) = (office.keys_sent()?, office.gateway.came_in_clear()?);
        office.phones.does(&BOB, &format!("dials {GINA}"))?;
        // What CallManager says in clear is not heard at the gateway.
        let asked = || office.gateway.came_in_clear().ok().filter(|now| *now > clear);
        poll(PATIENCE, asked).context("the gateway was not asked")?;
        office.phones.hang_up(&[&BOB])?;
        let after = office.keys_sent()?;
        ensure!(after == before, "{} keys moved", after - before);
        let steps = check(&office.desk, &office.site)?;
        ensure!(steps["ipsec"] == "open" && steps["verified"] == "open", "{steps}");
        Ok(((), "a call to the other line: no key in it, and nobody heard it"))
    })?;
    report.step("covered again: new calls have the lock", || {
        office.agents_daemon = Some(office.settings.agents_daemon(&office.site)?);
        let verified = || {
            let steps = check(&office.desk, &office.site).ok();
            steps.filter(|steps| steps["verified"] == "done")
        };
        poll(PATIENCE, verified).context("the gateway is given no keys")?;
        ensure!(office.alarm("is protected again"), "nobody says so");
        office.phones.hang_up(&[&ALICE])?;
        office.fred.hang_up()?;
        office.fred.is_disconnected()?;
        call(&mut office.phones, &office.fred)?;
        Ok(((), "the old call has ended, a new one is encrypted"))
    })
}

impl Office {
    /// A telephone and the line hear each other, under the icon.
    fn hear(&mut self, phone: &Phone, icon: &str) -> Result<String> {
        self.phones.shows(phone, icon)?;
        self.fred.says()?;
        self.phones.expect(phone, &format!("hears {}", self.fred.voice()))?;
        self.fred.hears(&phone.voice())
    }

    /// A user transfers its call to somebody who answers.
    fn give(&mut self, from: &Phone, to: &Phone) -> Result<()> {
        self.phones.does(from, "transfers")?;
        self.phones.call(from, to)?;
        self.phones.does(from, "transfers")?;
        self.phones.expect(from, "idle")
    }

    /// What the audit log says of keys, the newest first.
    fn keys(&self) -> Result<Vec<String>> {
        let log = self.desk.tell(&self.site.cm1, "log audit --limit 1000")?;
        let records = log.as_array().context("no audit log")?;
        let of_keys = records.iter().filter(|record| record["action"] == "keys");
        Ok(of_keys.filter_map(|record| record["detail"].as_str().map(str::to_owned)).collect())
    }

    fn keys_sent(&self) -> Result<usize> {
        Ok(self.keys()?.iter().filter(|text| text.contains(" sent to ")).count())
    }

    /// Whether CallManager tells its administrators something.
    fn alarm(&self, words: &str) -> bool {
        let status = self.desk.tell(&self.site.cm1, "status").ok();
        status.is_some_and(|status| status["alarms"].to_string().contains(words))
    }
}

/// Where the recording of the office goes.
fn place(dir: &Path) -> (&Path, &'static str) {
    (dir, "office")
}
