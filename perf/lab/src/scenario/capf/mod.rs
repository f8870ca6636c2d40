//! Certificates for phones: 200 of two models against one publisher.
//!
//! They get certificates by each mode and lose them, show them, get better ones. Somebody guesses
//! strings, an order expires, the server is killed while they are there, CAPF gets a new key, data
//! of CAPF 1.0 is taken over.

mod orders;
mod phones;

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ringfence_authority::{Authority, reluctant};
use serde_json::Value;

use super::Stage;
use super::cluster::{Desk, Site, address};
use crate::program::{Program, poll};
use crate::report::{Failed, Report};
use orders::Orders;
use phones::{Phone, Proof, Room, Visited};

/// How long it may take until what happened is written down.
const PATIENCE: Duration = Duration::from_secs(20);
/// The machine of the administrator, where the other authority is.
const ADMIN: u8 = 9;
/// Phones of each kind.
const BY_STRING: usize = 60;
const BY_NULL: usize = 60;
const BY_MIC: usize = 80;

/// What every part of the play needs.
struct Play {
    site: Site,
    desk: Desk,
    room: Room,
    orders: Orders,
    /// 7960: no manufactured certificate.
    by_string: Vec<Phone>,
    /// 7960.
    by_null: Vec<Phone>,
    /// 7970, each with one.
    by_mic: Vec<Phone>,
}

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let mut play = report.step("publisher", || {
        let site = Site::build(lab, programs, dir)?;
        let desk = Desk::new(&site, programs)?;
        let room = Room::new(&site, programs, dir);
        let orders = Orders::new(&site);
        let phones = |model: &'static str, tens: u32, count: usize| -> Vec<Phone> {
            let name = |n| format!("SEP0000{model}{tens:02}{n:02}");
            (0..count).map(|n| Phone { name: name(n), model }).collect()
        };
        let mut play = Play {
            site,
            desk,
            room,
            orders,
            by_string: phones("7960", 1, BY_STRING),
            by_null: phones("7960", 2, BY_NULL),
            by_mic: phones("7970", 3, BY_MIC),
        };
        play.start_publisher()?;
        Ok((play, "SQLite, ringfence-controld, ringfence-legacytls"))
    })?;
    play.activate(report)?;
    play.install(report)?;
    play.ladder(report)?;
    play.guess(report)?;
    play.expire(report)?;
    play.show_and_delete(report)?;
    play.upgrade(report)?;
    play.elsewhere(report)?;
    play.die(report)?;
    play.renew(report)?;
    play.import(report)?;
    play.end(report)
}

impl Play {
    fn start_publisher(&mut self) -> Result<()> {
        self.site.cm1.serves_old_tls = true;
        self.site.start(|site| &mut site.cm1)?;
        self.desk.found(&self.site.cm1)?;
        for phone in self.by_string.iter().chain(&self.by_null).chain(&self.by_mic) {
            self.tell(&format!("device add {} {}", phone.name, phone.model))?;
        }
        Ok(())
    }

    /// CAPF before the CTL file: no update is needed later.
    // R: CAPF-01
    fn activate(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("CAPF is activated, then the CTL file made", || {
            ensure!(self.tell("capf status")?["node"] == Value::Null, "it is active by itself");
            self.tell("capf activate")?;
            self.site.cm1.wait_for_capf()?;
            let files = fs::read_dir(self.site.cm1.dir.join("certs"))?;
            let names: Vec<_> = files
                .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
                .collect::<Result<_>>()?;
            ensure!(names.iter().any(|name| name == "CAPF.cer"), "no CAPF.cer: {names:?}");
            ensure!(names.iter().any(|name| name.ends_with(".0")), "no file .0: {names:?}");
            for token in ["soft1", "soft2"] {
                self.desk.make_token(token)?;
            }
            self.desk.done("create --yes", &["soft1", "soft2"])?;
            let status = self.desk.status()?;
            let entries = status["entries"].as_array().context("no entries")?;
            let capf = entries.iter().any(|entry| entry["function"] == "CAPF");
            ensure!(capf, "the CTL file does not name CAPF: {status}");
            Ok(((), names.join(", ")))
        })
    }

    // R: CAPF-02, CAPF-03, CAPF-04, CAPF-05, CAPF-10, CAPF-16, CAPF-17
    fn install(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("makers equip the 7970", || {
            let mut authority = String::new();
            for phone in &self.by_mic {
                authority = self.room.equip(phone)?;
            }
            let file = self.site.state.path().join("maker-ca.pem");
            fs::write(&file, authority)?;
            let trusted = self.tell(&format!("capf trust mic {}", file.display()))?;
            ensure!(
                trusted.to_string().contains("restart-capf"),
                "no restart is asked for: {trusted}"
            );
            self.restart_capf()?;
            Ok(((), format!("{} MICs of one authority, which is trusted", self.by_mic.len())))
        })?;
        report.step("200 orders from one file", || {
            let orders = [
                self.by_string.iter().map(|p| (p, "authentication-string", "generate")).collect(),
                self.by_null.iter().map(|p| (p, "null-string", "")).collect(),
                self.by_mic.iter().map(|p| (p, "existing-mic", "")).collect::<Vec<_>>(),
            ]
            .concat();
            let sheet = self.orders.sheet("install", "1024", &orders)?;
            let would = self.tell(&format!("capf bulk {sheet} --dry-run"))?;
            ensure!(would["failed"] == Value::Array(vec![]), "it would fail: {would}");
            ensure!(self.count("operation-pending")? == 0, "a dry run orders");
            self.tell(&format!("capf bulk {sheet}"))?;
            self.expect_count("operation-pending", 200)?;
            Ok(((), "a dry run first; then all are pending"))
        })?;
        report.step("install: by string, by null string, by MIC", || {
            let strings = self.orders.strings(&self.tell("capf report")?)?;
            let by_string = self.by_string.iter().map(|phone| {
                let digits = strings.get(&phone.name).cloned().unwrap_or_default();
                (phone, Proof::string(&digits))
            });
            let by_null = self.by_null.iter().map(|phone| (phone, Proof::by("null")));
            let by_mic = self.by_mic.iter().map(|phone| (phone, Proof::by("mic")));
            let visited = self.room.visit(by_string.chain(by_null).chain(by_mic))?;
            let count = visited.all("Success").with_context(|| self.failures())?;
            self.expect_count("upgrade-success", 200)?;
            let left = self.orders.strings(&self.tell("capf report")?)?;
            ensure!(left.is_empty(), "strings can be used again: {left:?}");
            Ok((
                (),
                format!("{count} phones have an LSC of 1024 bits, by TLS 1.0; strings are gone"),
            ))
        })
    }

    /// A whole start: trust list, configuration, CAPF, start again.
    // R: CAPF-13
    fn ladder(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("a secure phone enrols before it registers", || {
            let phone = &self.by_mic[0];
            self.tell(&format!("device set {} --security-mode encrypted", phone.name))?;
            self.order(phone, "--operation install --auth existing-lsc")?;
            let started = self.room.start(phone)?;
            ensure!(started["capf"]["verdict"] == "Success", "{started}");
            ensure!(started["mode"] == "encrypted", "it registers otherwise: {started}");
            Ok(((), "CTL, configuration, CAPF by its LSC, again; registers encrypted"))
        })
    }

    // R: CAPF-06
    fn guess(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("ten wrong strings lock", || {
            let phone = &self.by_string[0].clone();
            self.order(
                phone,
                "--operation install --auth authentication-string --generate-string",
            )?;
            let strings = self.orders.strings(&self.tell("capf report")?)?;
            let right = strings.get(&phone.name).context("no string was made")?.clone();
            let wrong = if right.starts_with('1') { "2222" } else { "1111" };
            for _ in 0..10 {
                let visited = self.room.visit([(phone, Proof::string(wrong))])?;
                ensure!(visited.verdict(phone).starts_with("Failed"), "{visited:?}");
            }
            let visited = self.room.visit([(phone, Proof::string(&right))])?;
            ensure!(
                visited.verdict(phone).starts_with("Failed"),
                "the right one opens: {visited:?}"
            );
            self.expect(phone, "reason", "locked")?;
            // The lock outlives the server.
            self.restart(None)?;
            let visited = self.room.visit([(phone, Proof::string(&right))])?;
            ensure!(visited.verdict(phone).starts_with("Failed"), "a restart opens: {visited:?}");
            self.restart(Some("+11m"))?;
            let visited = self.room.visit([(phone, Proof::string(&right))])?;
            ensure!(visited.verdict(phone) == "Success", "it stays locked: {visited:?}");
            self.restart(None)?;
            Ok(((), "the right one fails then, after a restart too; eleven minutes later it opens"))
        })
    }

    // R: CAPF-09
    fn expire(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("an order expires", || {
            let phone = &self.by_null[0].clone();
            self.order(phone, "--operation install --auth null-string")?;
            self.restart(Some("+11d"))?;
            let visited = self.room.visit([(phone, Proof::by("null"))])?;
            ensure!(visited.verdict(phone) != "Success", "it is carried out: {visited:?}");
            self.expect(phone, "status", "upgrade-failed")?;
            self.expect(phone, "reason", "expired")?;
            self.restart(None)?;
            Ok(((), "after the ten days of the parameter: Upgrade Failed, the LSC stays"))
        })
    }

    // R: CAPF-02, CAPF-07, CAPF-15
    fn show_and_delete(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("troubleshoot", || {
            let phone = &self.by_mic[1];
            self.order(phone, "--operation troubleshoot --auth existing-mic")?;
            let visited = self.room.visit([(phone, Proof::by("mic"))])?;
            visited.all("Success: certificates shown")?;
            let traces = fs::read_dir(self.site.cm1.dir.join("trace"))?;
            let mut traces: Vec<_> = traces
                .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
                .collect::<Result<_>>()?;
            traces.retain(|name| name.contains(&phone.name));
            ensure!(traces.len() == 2, "one file each for LSC and MIC: {traces:?}");
            self.expect(phone, "status", "troubleshoot-success")?;
            Ok(((), traces.join(", ")))
        })?;
        report.step("delete: without a MIC only from a non-secure phone", || {
            let (old, new) = (&self.by_null[1], &self.by_mic[2]);
            for phone in [old, new] {
                self.tell(&format!("device set {} --security-mode authenticated", phone.name))?;
            }
            let delete = |phone: &Phone| {
                format!("device capf set {} --operation delete --auth existing-lsc", phone.name)
            };
            let refused = self.desk.ask(&self.site.cm1, &delete(old))?;
            ensure!(refused.code != 0, "a 7960 may lose its only certificate");
            self.tell(&format!("device set {} --security-mode non-secure", old.name))?;
            for phone in [old, new] {
                self.tell(&delete(phone))?;
            }
            let visited = self.room.visit([(old, Proof::by("lsc")), (new, Proof::by("lsc"))])?;
            visited.all("Success")?;
            for phone in [old, new] {
                ensure!(visited.key(phone).is_empty(), "{} has its LSC still", phone.name);
                self.expect(phone, "status", "delete-success")?;
            }
            Ok(((), refused.complained.lines().next().unwrap_or_default().to_owned()))
        })
    }

    // R: CAPF-04, CAPF-08
    fn upgrade(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("upgrade to 2048 bits by existing LSC", || {
            let phones = &self.by_null[2..22];
            let orders: Vec<_> = phones.iter().map(|p| (p, "existing-lsc", "")).collect();
            let sheet = self.orders.sheet("upgrade", "2048", &orders)?;
            self.tell(&format!("capf bulk {sheet}"))?;
            let visited = self.room.visit(phones.iter().map(|p| (p, Proof::by("lsc"))))?;
            visited.all("Success")?;
            for phone in phones {
                ensure!(visited.key(phone).contains("2048"), "{}", visited.key(phone));
            }
            // Without any certificate a precedence mode fails.
            let bare = &self.by_null[1];
            self.order(bare, "--operation install --auth existing-lsc")?;
            let visited = self.room.visit([(bare, Proof::by("lsc"))])?;
            ensure!(visited.verdict(bare).starts_with("Failed"), "{visited:?}");
            Ok(((), format!("{} phones; one without any certificate fails", phones.len())))
        })
    }

    // R: CAPF-03, CAPF-11, CAPF-14
    fn elsewhere(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("an authority elsewhere approves after a while", || {
            let phone = &self.by_null[22].clone();
            let authority = Authority::new();
            let certificate = authority.certificate();
            let file = self.site.state.path().join("authority.pem");
            fs::write(&file, pki::export::pem(&certificate))?;
            let listen = || TcpListener::bind((address(ADMIN), 0));
            let listener = self.site.admin.enter(listen)??;
            let port = listener.local_addr()?.port().to_string();
            let asked = reluctant(authority, listener);
            self.tell(&format!("capf trust lsc {}", file.display()))?;
            let fingerprint = certificate.fingerprint();
            let parameters = [
                ("certificate-issuer", "microsoft"),
                ("certificate-authority-address", &*address(ADMIN).to_string()),
                ("certificate-authority-fingerprint", &fingerprint),
                ("scep-port", &port),
                ("scep-polling-seconds", "1"),
            ];
            for (name, value) in parameters {
                self.tell(&format!("param set capf.{name} {value}"))?;
            }
            self.restart_capf()?;
            self.order(phone, "--operation install --auth null-string")?;
            let visited = self.room.visit([(phone, Proof::by("null"))])?;
            visited.all("Success")?;
            ensure!(visited.issuer(phone) == "CN=Authority", "{}", visited.issuer(phone));
            let asked: Vec<_> = asked.try_iter().map(|asked| asked.line).collect();
            let messages = asked.iter().filter(|line| line.contains("PKIOperation")).count();
            let trace = fs::read_to_string(self.site.cm1.dir.join("trace/capf.log"))?;
            let about: Vec<_> = trace.lines().filter(|line| line.contains(&*phone.name)).collect();
            ensure!(messages == 2, "a request and a reminder, not {messages} messages: {about:#?}");
            let waited = trace.contains(&format!("{}: its certificate came", phone.name));
            ensure!(waited, "the phone did not have to wait");

            for (name, _) in parameters {
                self.tell(&format!("param set capf.{name} --default"))?;
            }
            self.restart_capf()?;
            self.order(phone, "--operation install --auth existing-lsc")?;
            let visited = self.room.visit([(phone, Proof::by("lsc"))])?;
            visited.all("Success")?;
            ensure!(visited.issuer(phone).contains("CN=CAPF-"), "{}", visited.issuer(phone));
            Ok(((), "PENDING, then issued by OpenSSL; that LSC opens CAPF's own issuing again"))
        })
    }

    // R: CAPF-12
    fn die(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("the server is killed while 80 phones enrol", || {
            let (there, begun) = self.enrolling()?;
            self.site.cm1.kill();
            self.site.start(|site| &mut site.cm1)?;
            self.site.cm1.wait_for_capf()?;
            let visited = Visited::of(there)?;
            let count = visited.all("Success")?;
            self.expect_count("operation-pending", 0)?;
            Ok((
                (),
                format!("after {begun} of {count}; all have their certificates by their retries"),
            ))
        })
    }

    /// Sends phones to CAPF again, and returns when some are served and some are not: how many are.
    fn enrolling(&self) -> Result<(Program, usize)> {
        let orders: Vec<_> = self.by_mic.iter().map(|p| (p, "existing-mic", "")).collect();
        let sheet = self.orders.sheet("again", "1024", &orders)?;
        // On a fast machine they may all be served between two looks.
        for _ in 0..10 {
            self.tell(&format!("capf bulk {sheet}"))?;
            let guests = self.by_mic.iter().map(|phone| (phone, Proof::by("mic")));
            let there = self.room.send("phones", guests)?;
            let begun = poll(phones::VISIT, || {
                let pending = self.count("operation-pending").ok()?;
                (pending < BY_MIC).then_some(BY_MIC - pending)
            });
            match begun.context("nobody enrols")? {
                BY_MIC => drop(Visited::of(there)?),
                begun => return Ok((there, begun)),
            }
        }
        bail!("they are always served before anybody can look")
    }

    // R: CAPF-18
    fn renew(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("CAPF gets a new key, then the CTL file", || {
            let before = self.tell("capf status")?["certificate"].clone();
            self.tell("capf renew")?;
            self.site.cm1.wait_for_capf()?;
            let after = self.tell("capf status")?;
            ensure!(after["certificate"] != before, "the certificate stays: {after}");
            let trusted = after["trusted"].as_array().context("nobody is trusted")?;
            let old = trusted.iter().find(|issuer| issuer["fingerprint"] == before);
            ensure!(old.is_some(), "LSCs of the old key are not believed any more: {after}");
            let due = self.tell("status")?.to_string();
            ensure!(due.contains("CTL"), "no CTL update is asked for: {due}");
            self.desk.done("update", &["soft1"])?;
            let phone = &self.by_mic[0];
            self.order(phone, "--operation install --auth existing-lsc")?;
            let started = self.room.start(phone)?;
            ensure!(started["capf"]["verdict"] == "Success", "{started}");
            Ok(((), "an LSC of the old key proves its phone, the new one comes from the new key"))
        })
    }

    // R: CAPF-20
    fn import(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("data of CAPF 1.0", || {
            // What is known here of the others is newer.
            let phone = Phone { name: "SEP00007960AAAA".into(), model: "7960" };
            self.tell(&format!("device add {} {}", phone.name, phone.model))?;
            let directory = self.site.state.path().join("capf-1.0");
            fs::create_dir(&directory)?;
            let maker = fs::read(self.site.state.path().join("maker-ca.pem"))?;
            fs::write(directory.join("7612ce4b.0"), maker)?;
            fs::write(directory.join("CAPF.phone"), format!("{} failed\n", phone.name))?;
            fs::write(directory.join("CAPF.config"), "CertValidity = 7\n")?;
            let taken = self.tell(&format!("capf import-1.0 {}", directory.display()))?;
            ensure!(taken["issuers"] == 1 && taken["phones"] == 1, "{taken}");
            self.expect(&phone, "status", "upgrade-failed")?;
            let years = self.tell("param get --node cm1 capf.certificate-validity-years")?;
            ensure!(years[0]["value"] == "7", "the validity is not taken over: {years}");
            Ok(((), format!("{taken}")))
        })
    }

    // R: LOG-01
    fn end(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("nothing secret was written down", || {
            let trace = fs::read_to_string(self.site.cm1.dir.join("trace/capf.log"))?;
            ensure!(trace.contains(&self.by_mic[0].name), "the trace tells nothing");
            for digits in self.orders.all_strings() {
                ensure!(!trace.contains(&format!("\"{digits}\"")), "a string is in the trace");
            }
            self.site.cm1.stop()?;
            Ok(((), format!("{} lines of trace; SIGTERM, exit 0", trace.lines().count())))
        })
    }

    /// Has CAPF see its parameters.
    fn restart_capf(&self) -> Result<()> {
        self.tell("service restart capf")?;
        self.site.cm1.wait_for_capf()
    }

    fn tell(&self, words: &str) -> Result<Value> {
        self.desk.tell(&self.site.cm1, words)
    }

    fn order(&self, phone: &Phone, words: &str) -> Result<()> {
        self.tell(&format!("device capf set {} {words}", phone.name)).map(drop)
    }

    /// Waits until CAPF knows this of a phone: it is written down when the phone has its answer.
    fn expect(&self, phone: &Phone, what: &str, value: &str) -> Result<()> {
        let show = format!("device capf show {}", phone.name);
        let known = || self.tell(&show).ok().filter(|known| known[what] == value).map(drop);
        poll(PATIENCE, known)
            .with_context(|| format!("{what} is not {value}: {:?}", self.tell(&show)))
    }

    /// Waits until so many phones have this status.
    fn expect_count(&self, status: &str, count: usize) -> Result<()> {
        let counted = poll(PATIENCE, || (self.count(status).ok()? == count).then_some(()));
        counted.with_context(|| format!("{status}: {:?}, not {count}", self.count(status)))
    }

    /// What CAPF says of phones it could not serve.
    fn failures(&self) -> String {
        let failed = self.tell("capf report --status upgrade-failed");
        failed.map_or_else(|error| error.to_string(), |failed| failed.to_string())
    }

    /// How many phones have this status.
    fn count(&self, status: &str) -> Result<usize> {
        let report = self.tell(&format!("capf report --status {status}"))?;
        Ok(report.as_array().context("no phones")?.len())
    }

    /// Starts the daemon again, with a clock that is later than it was.
    fn restart(&mut self, later: Option<&'static str>) -> Result<()> {
        self.site.cm1.stop()?;
        self.site.cm1.later = later;
        self.site.start(|site| &mut site.cm1)?;
        self.site.cm1.wait_for_capf()
    }
}
