//! All nodes are lost, and come back out of a backup: the publisher first.
//!
//! ```text
//!   cm1 (publisher, PostgreSQL) ─┐
//!   cm2 (subscriber, a replica) ─┼─ voice ─ phones of every mode
//!   vault (a directory) ─────────┘  holds the only thing that survives
//! ```
//!
//! The publisher has its keys back, so that phones find it as they left it; the subscriber has new
//! ones, so that the CTL file has to be signed anew, by a token that phones know.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Stage;
use super::cluster::{Branch, Desk, Ended, Site, empty_disk};
use super::estate::{Mode, Phone, Phones, Place, came_as_set, enter, found};
use crate::program::poll;
use crate::report::{Failed, Report};

/// How long phones and daemons may take for something.
const PATIENCE: Duration = Duration::from_secs(60);

static ALICE: Phone =
    Phone::known("SEP000079700001", "7970", Mode::Encrypted, "1001", Place::Centre);
static BOB: Phone = Phone::known("SEP000079600002", "7960", Mode::Encrypted, "1002", Place::Centre);
static CAROL: Phone =
    Phone::known("SEP000079700003", "7970", Mode::Authenticated, "1003", Place::Centre);
static DAVE: Phone =
    Phone::known("SEP000079600004", "7960", Mode::NonSecure, "1004", Place::Centre);
static ALL: [&Phone; 4] = [&ALICE, &BOB, &CAROL, &DAVE];
/// A phone that was added after the backup was made.
const TOO_LATE: &str = "SEP00000000DEAD";

/// Everything that runs, and what is known of the backup.
struct Play {
    site: Site,
    desk: Desk,
    phones: Phones,
    /// Where backups are.
    vault: PathBuf,
    /// The backup, and SHA-256 of the certificate that it is signed with.
    backup: (String, String),
    /// The list that phones have.
    list: Vec<u8>,
}

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let mut play = open(stage)?;
    let report = &mut stage.report;
    lose(&mut play, report)?;
    refuse(&mut play, report)?;
    restore_publisher(&mut play, report)?;
    restore_subscriber(&mut play, report)?;
    report.step("everything stops", || {
        play.phones.go_home()?;
        play.site.cm2.stop()?;
        play.site.cm1.stop()?;
        Ok(((), "phones unregister, both nodes end"))
    })
}

fn open(stage: &mut Stage) -> Result<Play, Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let (mut site, branch) = report.step("network", || {
        let mut site = Site::build(lab, programs, dir)?;
        let branch = Branch::build(lab, &site)?;
        site.start_publishers_database()?;
        Ok(((site, branch), "two nodes, phones, and a vault"))
    })?;
    let mut desk = found(&mut site, programs, report)?;
    report.step("lines, pools, modes", || {
        enter(&desk, &site, &ALL)?;
        // So that phones notice soon that they are alone.
        desk.tell(&site.cm1, "param set call-manager.keep-alive-seconds 10")?;
        Ok(((), format!("{} phones", ALL.len())))
    })?;
    report.step("a subscriber joins", || {
        desk.tell(&site.cm1, &format!("node add cm2 {}", site.cm2.address))?;
        let path = site.cm2.tftp().display().to_string();
        desk.tell(&site.cm1, &format!("param set --node cm2 tftp.file-location {path}"))?;
        start_subscriber(&mut site, &mut desk)?;
        desk.done("update", &["soft1"])?;
        restart_services(&site, &desk)?;
        Ok(((), "the CTL file names both"))
    })?;
    let phones = report.step("phones start; A calls B with the lock", || {
        let mut phones = Phones::new(&ALL, (&site, Some(&branch)), programs, dir)?;
        phones.start(&ALL)?;
        for phone in ALL {
            came_as_set(&desk, &site, phone)?;
        }
        phones.call(&ALICE, &BOB)?;
        phones.speak([&ALICE, &BOB], "lock")?;
        phones.hang_up(&[&ALICE, &BOB])?;
        Ok((phones, "over TLS with their LSC, and one without"))
    })?;
    // R: BAK-01
    let (vault, backup, list) = report.step("a backup is made, and checked", || {
        let vault = site.state.path().join("vault");
        empty_disk(&vault)?;
        let key = desk.file("backup.key").display().to_string();
        let made = desk.tell(&site.cm1, &format!("backup keygen {key}"))?;
        let recipient = made["recipient"].as_str().context("no key")?;
        let at = format!("--at {}", vault.display());
        let words = format!("backup create --recipient {recipient} --key-recipient {recipient}");
        let made = desk.tell(&site.cm1, &format!("{words} {at}"))?;
        let name = made["backup"]["name"].as_str().context("no backup")?.to_owned();
        let verified = format!("backup verify {name} {at} --identity {key}");
        let detail = desk.tell(&site.cm1, &verified)?["backup"]["detail"].clone();
        ensure!(detail["keys"] == true && detail["nodes"][1] == "cm2", "{detail}");
        let signer = detail["signer_sha256"].as_str().context("not signed")?.to_owned();
        let list = std::fs::read(site.cm1.tftp().join("CTLFile.tlv"))?;
        Ok(((vault, (name, signer), list), "private keys in it, for a key that is nowhere here"))
    })?;
    Ok(Play { site, desk, phones, vault, backup, list })
}

fn lose(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("both nodes are lost with their disks", || {
        play.desk.tell(&play.site.cm1, &format!("device add {TOO_LATE} 7960"))?;
        play.site.cm2.lose()?;
        play.site.cm1.lose()?;
        for phone in ALL {
            play.phones.expect(phone, "not registered within 60s")?;
        }
        Ok(((), "phones are alone"))
    })
}

/// What must not be restored is not, and the machine stays as empty as it was.
// R: BAK-02
fn refuse(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("a new machine; what does not fit is refused", || {
        play.site.start_publishers_database()?;
        play.site.start(|site| &mut site.cm1)?;
        let (name, signer) = play.backup.clone();
        let key = play.key();
        let stranger = play.recover(&name, &key, &"0".repeat(64))?.complaint(3)?;
        ensure!(stranger.contains("is signed by"), "{stranger}");
        let other = play.desk.file("other.key").display().to_string();
        play.desk.tell(&play.site.cm1, &format!("backup keygen {other}"))?;
        let closed = play.recover(&name, &other, &signer)?.complaint(1)?;
        ensure!(closed.contains("does not open"), "{closed}");
        let whole = std::fs::read(play.vault.join(&name))?;
        let half = format!("half-{name}");
        std::fs::write(play.vault.join(&half), &whole[..whole.len() / 2])?;
        let broken = play.recover(&half, &key, &signer)?.complaint(1)?;
        ensure!(broken.contains("is incomplete"), "{broken}");
        let status = play.desk.tell(&play.site.cm1, "status")?;
        ensure!(status["cluster"] == Value::Null, "something was restored: {status}");
        Ok(((), "an unknown signer, a wrong key, half a backup: the machine is as empty as before"))
    })
}

// R: BAK-01, BAK-02
fn restore_publisher(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("the publisher first: phones come back by themselves", || {
        let start = Instant::now();
        let (name, signer) = play.backup.clone();
        let told = play.recover(&name, &play.key(), &signer)?.json(4)?;
        ensure!(told["missing"] == json!(["cm2"]), "{told}");
        let restored = start.elapsed();
        play.phones.registered(&ALL)?;
        for phone in ALL {
            came_as_set(&play.desk, &play.site, phone)?;
        }
        let back = start.elapsed();
        play.phones.call(&ALICE, &BOB)?;
        play.phones.speak([&ALICE, &BOB], "lock")?;
        play.phones.hang_up(&[&ALICE, &BOB])?;
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        Ok(((), format!("restored in {}, all phones in {}", seconds(restored), seconds(back))))
    })?;
    report.step("it has what the backup had, and says what is due", || {
        let gone = play.desk.ask(&play.site.cm1, &format!("device show {TOO_LATE}"))?;
        gone.complaint(1).context("a phone that came after the backup")?;
        let alarms = play.desk.tell(&play.site.cm1, "status")?["alarms"].to_string();
        ensure!(alarms.contains("the data was restored"), "{alarms}");
        Ok(((), "the CTL file has to be signed again"))
    })
}

// R: BAK-02, BAK-03, CTL-14
fn restore_subscriber(play: &mut Play, report: &mut Report) -> Result<(), Failed> {
    report.step("the subscriber anew, with other keys; the CTL file is signed", || {
        start_subscriber(&mut play.site, &mut play.desk)?;
        let (name, signer) = play.backup.clone();
        let alone = play.desk.recover(&play.site.cm1, "cluster", &["soft1"])?.complaint(3)?;
        ensure!(alone.contains("2 tokens"), "{alone}");
        let pushed = play.recover(&name, &play.key(), &signer)?.json(0)?;
        ensure!(pushed["complete"] == true, "{pushed}");
        restart_services(&play.site, &play.desk)?;
        let alarms = play.desk.tell(&play.site.cm1, "status")?["alarms"].to_string();
        ensure!(!alarms.contains("the data was restored"), "{alarms}");
        Ok(((), "by a token that phones know; the mode was not asked for again"))
    })?;
    report.step("phones are reset: they take the new list and stay", || {
        let list = std::fs::read(play.site.cm1.tftp().join("CTLFile.tlv"))?;
        ensure!(list != play.list, "the list is the old one");
        // CallManager was restarted, and tells those only that have come back.
        play.phones.registered(&ALL)?;
        play.desk.tell(&play.site.cm1, "device reset --all")?;
        for phone in ALL.into_iter().filter(|phone| phone.mode != Mode::NonSecure) {
            let kept = play.site.state.path().join("flash").join(&*phone.device);
            let taken = || (std::fs::read(kept.join("CTLFile.tlv")).ok()? == list).then_some(());
            poll(PATIENCE, taken).with_context(|| format!("{phone:?} has the old list"))?;
        }
        play.phones.registered(&ALL)?;
        play.phones.call(&BOB, &ALICE)?;
        play.phones.speak([&BOB, &ALICE], "lock")?;
        play.phones.hang_up(&[&ALICE, &BOB])?;
        Ok(((), "nobody is stranded"))
    })
}

/// A new machine for the subscriber, with a replica of the publisher's database.
fn start_subscriber(site: &mut Site, desk: &mut Desk) -> Result<()> {
    site.start_subscribers_database()?;
    site.start(|site| &mut site.cm2)?;
    site.cm2.wait_for_provider()?;
    desk.approve(&site.cm2)
}

/// What a new CTL file demands.
fn restart_services(site: &Site, desk: &Desk) -> Result<()> {
    for (node, service) in [(&site.cm1, "call-manager"), (&site.cm1, "tftp"), (&site.cm2, "tftp")] {
        desk.tell(node, &format!("service restart {service}"))?;
    }
    site.cm1.wait_for_call_manager()
}

impl Play {
    /// The file with the key that opens backups.
    fn key(&self) -> String {
        self.desk.file("backup.key").display().to_string()
    }

    /// Brings the cluster back, out of this backup, with both tokens.
    fn recover(&self, name: &str, key: &str, signer: &str) -> Result<Ended> {
        let what = format!(
            "cluster --backup {name} --at {} --identity {key} --key-identity {key} \
             --approve-signer {signer}",
            self.vault.display()
        );
        self.desk.recover(&self.site.cm1, &what, &["soft1", "soft2"])
    }
}
