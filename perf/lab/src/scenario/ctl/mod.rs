//! A cluster becomes secure and stays so.
//!
//! A publisher makes its CTL file with two PKCS#11 tokens; phones of two models fetch and verify
//! it. A subscriber with a replica of the database joins. A rogue server offers tampered files.
//! Then what can go wrong goes wrong: a server is away during a push, a path belongs to another
//! cluster, a new token tries to sign, phones would be stranded, one token is lost, all are.

mod firmware;
mod phones;
mod rogue;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Stage;
use super::cluster::{Desk, Site, serial_of};
use crate::program::poll;
use crate::report::{Failed, Report};
use phones::Phone;
use rogue::{Rogue, served, tampered};

/// How long a change may take to reach the subscriber.
const PATIENCE: Duration = Duration::from_secs(20);

/// What every part of the play needs.
struct Play {
    site: Site,
    desk: Desk,
    /// A 7970, to be encrypted.
    p7970: Phone,
    /// A 7960, to be authenticated.
    p7960: Phone,
}

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let site = report.step("network", || {
        let site = Site::build(lab, programs, dir)?;
        Ok((site, "administrator, two nodes, another cluster, a rogue, phones on one network"))
    })?;
    let mut play = report.step("publisher", || {
        let desk = Desk::new(&site, programs)?;
        let p7970 = Phone::new(&site, programs, "SEP0000000070A1", "7970");
        let p7960 = Phone::new(&site, programs, "SEP0000000060B2", "7960");
        let mut play = Play { site, desk, p7970, p7960 };
        let seen = play.start_publisher()?;
        Ok((play, seen))
    })?;
    play.before(report)?;
    play.create(report)?;
    play.tamper(report)?;
    play.join(report)?;
    play.edit(report)?;
    play.share(report)?;
    play.fail(report)?;
    play.switch(report)?;
    play.lose(report)?;
    play.end(report)
}

impl Play {
    fn start_publisher(&mut self) -> Result<String> {
        self.site.start_publishers_database()?;
        self.site.start(|site| &mut site.cm1)?;
        self.desk.found(&self.site.cm1)?;
        let user = self.site.cm1.runs_as()?;
        ensure!(!user.split(' ').any(|uid| uid == "0"), "the daemon runs as {user}");
        Ok(format!("PostgreSQL and ringfence-controld as user {user}"))
    }

    /// A fresh cluster is open to everybody and says so.
    // R: GEN-01, GEN-06, AUTH-02
    fn before(&self, report: &mut Report) -> Result<(), Failed> {
        let (desk, cm1) = (&self.desk, &self.site.cm1);
        report.step("a fresh cluster is non-secure", || {
            desk.tell(
                cm1,
                &format!("device add {} 7970 --security-mode encrypted", self.p7970.name),
            )?;
            let authenticated = "7960 --security-mode authenticated";
            desk.tell(cm1, &format!("device add {} {authenticated}", self.p7960.name))?;
            let status = desk.tell(cm1, "status")?;
            ensure!(status["security_mode"] == Value::Null, "a mode is shown: {status}");
            for phone in [&self.p7970, &self.p7960] {
                let started = phone.registers(cm1.address, "non-secure")?;
                ensure!(!started.asked(&format!("{}.cnf.xml.sgn", phone.name)), "it asks for .sgn");
            }
            Ok(((), "no mode shown; both phones ask for unsigned files and register non-secure"))
        })?;
        report.step("tokens", || {
            for token in ["hsm1", "hsm2", "soft1"] {
                desk.make_token(token)?;
            }
            Ok(((), "two in SoftHSM by PKCS#11, one encrypted file"))
        })
    }

    /// The CTL file is made, and phones take it.
    // R: CTL-01, CTL-02, CTL-04, AUTH-04, AUTH-06, GEN-03
    fn create(&self, report: &mut Report) -> Result<(), Failed> {
        let (desk, cm1) = (&self.desk, &self.site.cm1);
        report.step("create the CTL file, mixed mode", || {
            desk.done("create", &["hsm1", "hsm2"])?;
            let status = desk.status()?;
            ensure!(status["security_mode"] == 1, "{status}");
            let functions: Vec<_> = entries(&status).map(|e| text(&e["function"])).collect();
            ensure!(functions == ["SAST", "SAST", "CCM+TFTP"], "entries are {functions:?}");
            Ok(((), format!("entries {}, signed by {}", functions.join(" "), status["signer"])))
        })?;
        report.step("phones fetch, verify and keep it", || {
            let md5 = text(&desk.tell(cm1, "ctl md5")?["md5"]);
            for (phone, mode) in [(&self.p7970, "encrypted"), (&self.p7960, "authenticated")] {
                let started = phone.registers(cm1.address, mode)?;
                ensure!(started.said("CTL installed"), "the phone did not install it");
                ensure!(started.asked(&format!("{}.cnf.xml.sgn", phone.name)), "no .sgn");
                ensure!(started.ctl_md5() == md5, "it has {}, not {md5}", started.ctl_md5());
            }
            let log = desk.tell(cm1, &format!("device log {}", self.p7970.name))?;
            let signed = |row: &Value| {
                text(&row["file"]).ends_with(".cnf.xml.sgn") && row["signer"].is_string()
            };
            ensure!(rows(&log).any(signed), "the request log has no signed file: {log}");
            Ok(((), format!("7970 encrypted, 7960 authenticated, both with {md5}")))
        })?;
        report.step("a mode of a device takes effect in its file", || {
            let to = |mode| format!("device set {} --security-mode {mode}", self.p7960.name);
            desk.tell(cm1, &to("non-secure"))?;
            self.p7960.registers(cm1.address, "non-secure")?;
            desk.tell(cm1, &to("authenticated"))?;
            self.p7960.registers(cm1.address, "authenticated")?;
            Ok(((), "non-secure beside encrypted phones, and back"))
        })
    }

    /// A rogue offers tampered files.
    // R: AUTH-01, AUTH-04, CTL-18
    fn tamper(&mut self, report: &mut Report) -> Result<(), Failed> {
        let rogue = report.step("rogue TFTP server", || {
            Ok((Rogue::start(&self.site)?, self.site.rogue_address()))
        })?;
        let (desk, site) = (&self.desk, &self.site);
        let list = format!("CTL{}.tlv", self.p7970.name);
        report.step("tampered CTL file is refused", || {
            rogue.plant(&list, &tampered(served(&site.cm1, "CTLFile.tlv")?))?;
            let before = self.p7970.registers(site.cm1.address, "encrypted")?;
            let started = self.p7970.start(site.rogue_address())?;
            ensure!(started.said("CTL update failed"), "no alarm: {}", started.alarms());
            ensure!(started.ctl_md5() == before.ctl_md5(), "the phone keeps another list");
            Ok(((), started.alarms()))
        })?;
        report.step("tampered configuration is refused", || {
            let name = format!("{}.cnf.xml.sgn", self.p7970.name);
            // Without caching the signed file lies on disk, where it can be stolen.
            desk.tell(&site.cm1, "param set tftp.caching off")?;
            self.p7970.registers(site.cm1.address, "encrypted")?;
            rogue.plant(&list, &served(&site.cm1, "CTLFile.tlv")?)?;
            rogue.plant(&name, &tampered(served(&site.cm1, &name)?))?;
            let started =
                rogue.impersonate(site, &site.cm1, || self.p7970.start(site.cm1.address))?;
            ensure!(started.said("File Auth Failed"), "no alarm: {}", started.alarms());
            desk.tell(&site.cm1, "param set tftp.caching on")?;
            self.p7970.registers(site.cm1.address, "encrypted")?;
            Ok(((), started.alarms()))
        })?;
        report.step("tampered firmware is refused", || {
            let firmware = firmware::make(site.state.path())?;
            for (name, file) in &firmware.files {
                std::fs::write(site.cm1.tftp().join(name), file)?;
            }
            self.p7970.image_key = Some(firmware.key.clone());
            let load =
                format!("device set {} --load-information {}", self.p7970.name, firmware.load);
            desk.tell(&site.cm1, &load)?;
            let (name, image) = &firmware.files[1];
            std::fs::write(site.cm1.tftp().join(name), tampered(image.clone()))?;
            let started = self.p7970.start(site.cm1.address)?;
            ensure!(started.said("Load Auth Failed"), "no alarm: {}", started.alarms());
            std::fs::write(site.cm1.tftp().join(name), image)?;
            let good = self.p7970.registers(site.cm1.address, "encrypted")?;
            ensure!(good.said("Load installed"), "the sound image is not installed");
            Ok(((), format!("{}; the sound one is installed", started.alarms())))
        })?;
        report.step("a corrupt file on the server is noticed and repaired", || {
            let file = site.cm1.tftp().join("CTLFile.tlv");
            std::fs::write(&file, tampered(served(&site.cm1, "CTLFile.tlv")?))?;
            let problem = text(&desk.status()?["problem"]);
            ensure!(problem.contains("signature is invalid"), "status says {problem:?}");
            desk.done("push", &[])?;
            ensure!(desk.status()?["problem"].is_null(), "it is still there");
            Ok(((), problem))
        })
    }

    /// A subscriber joins a secure cluster.
    // R: BAK-03, CTL-05, CTL-09, CTL-14
    fn join(&mut self, report: &mut Report) -> Result<(), Failed> {
        let cm2 = self.site.cm2.address;
        report.step("a subscriber joins", || {
            let (desk, cm1) = (&self.desk, &self.site.cm1);
            desk.tell(cm1, &format!("node add cm2 {cm2}"))?;
            desk.tell(cm1, "node activate cm1 capf")?;
            let path = self.site.cm2.tftp().display().to_string();
            desk.tell(cm1, &format!("param set --node cm2 tftp.file-location {path}"))?;
            self.site.start_subscribers_database()?;
            self.site.start(|site| &mut site.cm2)?;
            self.site.cm2.wait_for_provider()?;
            self.desk.approve(&self.site.cm2)?;
            let refused = self.desk.ask(&self.site.cm2, "param set tftp.caching off")?;
            ensure!(refused.complaint(1)?.contains("read-only copy"), "{}", refused.complained);
            Ok(((), "with a replica of the database, which refuses changes"))
        })?;
        let (desk, site) = (&self.desk, &self.site);
        report.step("an update is required", || {
            let status = desk.status()?;
            let reasons: Vec<_> = rows(&status["update_required"]).map(text).collect();
            let of = |what: &str| reasons.iter().any(|reason| reason.contains(what));
            ensure!(of("cm2 was added") && of("CAPF cm1 was added"), "{reasons:?}");
            let alarms = desk.tell(&site.cm1, "status")?["alarms"].to_string();
            ensure!(alarms.contains("cm2"), "`ringfence status` does not say so: {alarms}");
            Ok(((), reasons.join("; ")))
        })?;
        report.step("a new token cannot sign", || {
            desk.make_token("soft2")?;
            let refused = desk.ctl("update", &["soft2"])?.complaint(3)?;
            ensure!(refused.contains("must already exist in the CTL file"), "{refused}");
            Ok(((), first_line(&refused)))
        })?;
        report.step("a known token signs", || {
            desk.done("update", &["hsm1"])?;
            let status = desk.status()?;
            let states: Vec<_> = rows(&status["servers"]).map(|s| text(&s["state"])).collect();
            ensure!(states == ["current", "current"], "servers have {states:?}");
            ensure!(rows(&status["update_required"]).next().is_none(), "{status}");
            let copy = std::fs::read_dir(site.cm2.dir.join("certs"))?.count();
            ensure!(copy == 2, "the subscriber has {copy} files of CAPF's certificate");
            for server in [site.cm1.address, site.cm2.address] {
                self.p7970.registers(server, "encrypted")?;
                self.p7960.registers(server, "authenticated")?;
            }
            Ok(((), "both nodes have the file, CAPF.cer and its .0; phones take it from either"))
        })
    }

    /// Entries come and go.
    // R: CTL-03, CTL-07
    fn edit(&self, report: &mut Report) -> Result<(), Failed> {
        let desk = &self.desk;
        report.step("entries that may be deleted, and that may not", || {
            desk.done(&format!("add-token {}", desk.token("soft1")), &["hsm2"])?;
            for own in ["cm2", "CAPF cm1"] {
                let words = own.split(' ').next_back().unwrap_or(own);
                let refused = desk.ctl(&format!("delete {words}"), &["hsm1"])?.complaint(3)?;
                ensure!(refused.contains("You cannot delete this item"), "{own}: {refused}");
            }
            let serial = serial_of(&desk.status()?, "soft1")?;
            desk.done(&format!("delete-token {serial}"), &["hsm1"])?;
            let serial = serial_of(&desk.status()?, "hsm2")?;
            let refused = desk.ctl(&format!("delete-token {serial}"), &["hsm1"])?.complaint(3)?;
            ensure!(refused.contains("at least 2 security tokens"), "{refused}");
            Ok(((), "a third token comes and goes; servers, and the second token, stay"))
        })
    }

    /// Another cluster shares TFTP.
    // R: GEN-07
    fn share(&mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("TFTP of another cluster is listed", || {
            self.site.start(|site| &mut site.other)?;
            let (desk, other) = (&self.desk, &self.site.other);
            let init = format!(
                "cluster init other --address {} --password-file {}",
                other.address,
                desk.password()
            );
            desk.tell(other, &init)?;
            self.desk.set_up_tftp(other)?;
            other.wait_for_provider()?;
            self.desk.approve(other)?;
            let add = format!("add-tftp oth {0} --provider {0}", other.address);
            let refused = self.desk.ctl(&add, &["hsm2"])?.complaint(1)?;
            ensure!(refused.contains("other security mode"), "{refused}");
            for token in ["oth1", "oth2"] {
                self.desk.make_token(token)?;
            }
            let server = other.address.to_string();
            let made = self.desk.ctl_at(&server, "create", &["oth1", "oth2"])?.json(0)?;
            ensure!(made["complete"] == true, "{made}");
            self.desk.done(&add, &["hsm2"])?;
            let status = self.desk.status()?;
            let listed = entries(&status).any(|e| e["function"] == "TFTP" && e["name"] == "oth");
            ensure!(listed, "it is not in the list: {status}");
            Ok((
                (),
                "refused while it is non-secure; its certificate came from its own CTL Provider",
            ))
        })?;
        let (desk, site) = (&self.desk, &self.site);
        report.step("a path of another cluster is left alone", || {
            let name = "tftp.alternate-file-location-1";
            let path = site.other.tftp().display().to_string();
            let theirs = served(&site.other, "CTLFile.tlv")?;
            desk.tell(&site.cm1, &format!("param set --node cm1 {name} {path}"))?;
            let pushed = desk.ctl("push", &[])?.json(4)?;
            let refused = rows(&pushed["results"]).find(|row| row["ok"] == false);
            let refused = refused.context("nothing was refused")?;
            ensure!(refused["path"] == path.as_str(), "{refused}");
            ensure!(served(&site.other, "CTLFile.tlv")? == theirs, "their file was overwritten");
            desk.tell(&site.cm1, &format!("param set --node cm1 {name} --default"))?;
            desk.done("push", &[])?;
            Ok(((), text(&refused["detail"])))
        })
    }

    /// Things go wrong.
    // R: CTL-09
    fn fail(&self, report: &mut Report) -> Result<(), Failed> {
        let (desk, site) = (&self.desk, &self.site);
        report.step("a server away during the push: done in part, then finished", || {
            let add = format!("add-token {}", desk.token("soft1"));
            // The administrator types the token's password when all servers have been asked.
            let pushed = desk.ctl_meanwhile(&add, "hsm1", || site.plug(&site.cm2, false));
            site.plug(&site.cm2, true)?;
            let pushed = pushed?.json(4)?;
            let failed: Vec<_> =
                rows(&pushed["results"]).filter(|row| row["ok"] == false).collect();
            ensure!(!failed.is_empty(), "{pushed}");
            ensure!(failed.iter().all(|row| row["server"] == "cm2"), "{pushed}");
            desk.done("push", &[])?;
            serial_of(&desk.status()?, "soft1")?;
            self.p7970.registers(site.cm2.address, "encrypted")?;
            Ok(((), format!("4, cm2: {}; then all", text(&failed[0]["detail"]))))
        })?;
        report.step("a directory that cannot be written: the same", || {
            let tftp = site.cm2.tftp();
            let aside = tftp.with_extension("aside");
            std::fs::rename(&tftp, &aside)?;
            std::fs::write(&tftp, "in the way")?;
            let serial = serial_of(&desk.status()?, "soft1")?;
            let pushed = desk.ctl(&format!("delete-token {serial}"), &["hsm1"]);
            std::fs::remove_file(&tftp)?;
            std::fs::rename(&aside, &tftp)?;
            let pushed = pushed?.json(4)?;
            let failed: Vec<_> =
                rows(&pushed["results"]).filter(|row| row["ok"] == false).collect();
            ensure!(failed.len() == 1 && failed[0]["server"] == "cm2", "{pushed}");
            let status = desk.status()?;
            let states: Vec<_> = rows(&status["servers"]).map(|s| text(&s["state"])).collect();
            ensure!(states == ["current", "other"], "servers have {states:?}");
            desk.done("push", &[])?;
            self.p7970.registers(site.cm2.address, "encrypted")?;
            Ok(((), format!("4, {}; then all", text(&failed[0]["detail"]))))
        })?;
        report.step("phones would be stranded", || {
            desk.make_token("soft3")?;
            let refused = desk.ctl("create --yes", &["soft2", "soft3"])?.complaint(3)?;
            ensure!(refused.contains("Phones would refuse the new CTL File"), "{refused}");
            ensure!(refused.contains(self.p7970.name), "it does not name the phone: {refused}");
            self.p7970.registers(site.cm1.address, "encrypted")?;
            Ok(((), first_line(&refused)))
        })
    }

    /// Non-secure and back.
    // R: CTL-06, GEN-04, GEN-05, AUTH-04
    fn switch(&self, report: &mut Report) -> Result<(), Failed> {
        let (desk, site) = (&self.desk, &self.site);
        report.step("switch to non-secure", || {
            let serial = serial_of(&desk.status()?, "hsm1")?;
            // Alternate servers lose their certificate in this mode, and cannot get it back.
            desk.done("delete oth", &["hsm1"])?;
            desk.done("mode non-secure", &["hsm1"])?;
            ensure!(serial_of(&desk.status()?, "hsm1")? == serial, "the token lost its entry");
            self.wait_for_mode(0)?;
            for phone in [&self.p7970, &self.p7960] {
                phone.registers(site.cm1.address, "non-secure")?;
                let started = phone.registers(site.cm2.address, "non-secure")?;
                let asks = started.asked(&format!("{}.cnf.xml.sgn", phone.name));
                ensure!(!asks, "{} still asks for signed files", phone.name);
            }
            let device = desk.tell(&site.cm1, &format!("device show {}", self.p7970.name))?;
            ensure!(device["security_mode"] == "encrypted", "the setting is lost: {device}");
            desk.tell(&site.cm1, "param set enterprise.auto-registration on")?;
            Ok(((), "certificates gone, phones ask unsigned, settings kept"))
        })?;
        report.step("and back to mixed", || {
            desk.done("mode mixed", &["hsm2"])?;
            self.wait_for_mode(1)?;
            let parameter = desk.tell(&site.cm1, "param get enterprise.auto-registration")?;
            ensure!(parameter[0]["value"] == "false", "auto-registration stays on");
            self.p7970.registers(site.cm1.address, "encrypted")?;
            self.p7960.registers(site.cm2.address, "authenticated")?;
            Ok(((), "signed by the other token; auto-registration is off again"))
        })
    }

    /// The subscriber's replica follows a moment later.
    fn wait_for_mode(&self, mode: u8) -> Result<()> {
        let seen = poll(PATIENCE, || {
            let status = self.desk.tell(&self.site.cm2, "status").ok()?;
            (status["security_mode"] == mode).then_some(())
        });
        seen.context("the subscriber does not follow")
    }

    /// Tokens are lost.
    // R: CTL-15, CTL-19
    fn lose(&self, report: &mut Report) -> Result<(), Failed> {
        let (desk, site) = (&self.desk, &self.site);
        report.step("one token is lost", || {
            let lost = serial_of(&desk.status()?, "hsm1")?;
            let new = desk.token("soft2");
            desk.done(&format!("replace-token {lost} {new}"), &["hsm2"])?;
            self.p7970.registers(site.cm1.address, "encrypted")?;
            self.p7960.registers(site.cm2.address, "authenticated")?;
            desk.done(&format!("add-token {}", desk.token("soft1")), &["soft2"])?;
            Ok(((), "replaced with the remaining one; phones follow, and the new one signs next"))
        })?;
        report.step("all tokens are lost", || {
            desk.done("lost-all", &[])?;
            ensure!(!site.cm1.tftp().join("CTLFile.tlv").exists(), "cm1 still has the file");
            ensure!(!site.cm2.tftp().join("CTLFile.tlv").exists(), "cm2 still has the file");
            desk.make_token("soft4")?;
            let refused = desk.ctl("create", &["soft3", "soft4"])?.complaint(3)?;
            ensure!(refused.contains(self.p7970.name), "{refused}");
            for phone in [&self.p7970, &self.p7960] {
                phone.erase()?;
                for node in [&site.cm1, &site.cm2] {
                    desk.tell(node, &format!("device erased {}", phone.name))?;
                }
            }
            desk.done("create", &["soft3", "soft4"])?;
            self.wait_for_mode(1)?;
            let started = self.p7970.registers(site.cm1.address, "encrypted")?;
            ensure!(started.said("CTL installed"), "the phone did not take the new file");
            self.p7960.registers(site.cm2.address, "authenticated")?;
            Ok(((), "file and mode gone, phones erased, made anew with two new tokens"))
        })
    }

    fn end(mut self, report: &mut Report) -> Result<(), Failed> {
        report.step("the publisher is away", || {
            self.site.cm1.stop()?;
            self.p7970.registers(self.site.cm2.address, "encrypted")?;
            self.p7960.registers(self.site.cm2.address, "authenticated")?;
            Ok(((), "the subscriber still serves signed files from its replica"))
        })?;
        report.step("everything stops cleanly", || {
            self.site.cm2.stop()?;
            self.site.other.stop()?;
            Ok(((), "SIGTERM, exit 0"))
        })
    }
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn entries(status: &Value) -> impl Iterator<Item = &Value> {
    rows(&status["entries"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
