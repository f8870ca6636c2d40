//! A whole estate: a secure cluster with CAPF and CallManager, a branch behind a relay, and
//! telephones in both places.
//!
//! The way there is the administrator's: tokens, CTL file, certificates for phones, lines, modes.

mod phones;

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Stage;
use super::cluster::{Branch, Desk, Site};
use crate::relay::Relay;
use crate::report::{Failed, Report};
pub use phones::{Mode, Phone, Phones, Place, key_logs};

/// Everything that runs.
pub struct Estate {
    pub site: Site,
    pub desk: Desk,
    pub relay: Relay,
    pub phones: Phones,
}

impl Estate {
    /// Builds it, step by step, until every telephone has registered as it is set.
    ///
    /// `before` is done when all is configured and no telephone is switched on yet.
    pub fn open(
        stage: &mut Stage,
        all: &[&Phone],
        before: impl FnOnce(&Site, &Branch) -> Result<()>,
    ) -> Result<Self, Failed> {
        let Stage { lab, report, programs, dir } = stage;
        let (mut site, branch) = report.step("network", || {
            let site = Site::build(lab, programs, dir)?;
            let branch = Branch::build(lab, &site)?;
            Ok(((site, branch), "a cluster's network, a branch behind a gateway"))
        })?;
        let relay = report.step("the gateway's relay", || {
            let relay = branch.start_relay(programs, site.cm1.address, dir)?;
            let ports = relay.report()?.ports;
            let paths: Vec<_> = ports.iter().map(|port| port.path.clone()).collect();
            ensure!(paths == ["afxdp-copy", "afxdp-copy"], "its paths are {paths:?}");
            Ok((relay, paths.join(", ")))
        })?;
        site.cm1.relays = vec![("relay1", Branch::relay_address())];
        let desk = found(&mut site, programs, report)?;
        report.step("lines, pools, modes", || {
            enter(&desk, &site, all)?;
            before(&site, &branch)?;
            Ok(((), format!("{} telephones", all.len())))
        })?;
        let phones = report.step("telephones start: files, CAPF, registration", || {
            let mut phones = Phones::new(all, (&site, Some(&branch)), programs, dir)?;
            phones.start(all)?;
            for phone in all {
                came_as_set(&desk, &site, phone)?;
            }
            let seen = "at 2000 by TCP; at 2443 by TLS 1.0, NULL-SHA or AES128-SHA, with their LSC";
            Ok((phones, seen))
        })?;
        Ok(Self { site, desk, relay, phones })
    }

    /// Asks the publisher for something that it must do.
    pub fn tell(&self, words: &str) -> Result<Value> {
        self.desk.tell(&self.site.cm1, words)
    }
}

/// The cluster: CAPF first, so that the CTL file names it at once.
pub fn found(site: &mut Site, programs: &Path, report: &mut Report) -> Result<Desk, Failed> {
    let mut desk = report.step("publisher with CAPF, CallManager and the cell", || {
        let mut desk = Desk::new(site, programs)?;
        site.cm1.serves_old_tls = true;
        site.start(|site| &mut site.cm1)?;
        desk.found(&site.cm1)?;
        desk.tell(&site.cm1, "capf activate")?;
        site.cm1.wait_for_capf()?;
        desk.tell(&site.cm1, "node activate cm1 call-manager")?;
        site.cm1.wait_for_call_manager()?;
        Ok((desk, "non-secure at first"))
    })?;
    report.step("tokens, CTL file, mixed mode", || {
        for token in ["soft1", "soft2"] {
            desk.make_token(token)?;
        }
        desk.done("create --yes", &["soft1", "soft2"])?;
        desk.tell(&site.cm1, "service restart call-manager")?;
        desk.tell(&site.cm1, "service restart tftp")?;
        site.cm1.wait_for_call_manager()?;
        desk.approve(&site.cm1)?;
        Ok(((), "two tokens; CallManager and TFTP restarted"))
    })?;
    Ok(desk)
}

/// Enters telephones, their lines and what CAPF is to do for them.
pub fn enter(desk: &Desk, site: &Site, all: &[&Phone]) -> Result<()> {
    let tell = |words: String| desk.tell(&site.cm1, &words).map(drop);
    // Barge goes by the bridges in telephones.
    tell("param set call-manager.built-in-bridge-enable true".to_owned())?;
    for (pool, media) in [("centre", "when-needed"), ("branch", "always")] {
        tell(format!("pool add {pool} --media {media}"))?;
    }
    for Phone { device, model, mode, number, place } in all {
        let pool = match place {
            Place::Centre => "centre",
            Place::Branch => "branch",
        };
        tell(format!("phone add {device} {model}"))?;
        tell(format!("phone set {device} --security-mode {mode} --pool {pool}"))?;
        tell(format!("phone line add {device} {number}"))?;
        if *mode != Mode::NonSecure {
            tell(format!("device capf set {device} --operation install --auth null-string"))?;
        }
    }
    Ok(())
}

/// CallManager says of a telephone that it came as it is set.
// R: GEN-03, AUTH-05, AUTH-06, AUTH-07, CAPF-13
pub fn came_as_set(desk: &Desk, site: &Site, phone: &Phone) -> Result<()> {
    let shown = desk.tell(&site.cm1, &format!("phone show {}", phone.device))?;
    let registration = &shown["registration"];
    ensure!(registration["security"] == phone.mode.to_string(), "{phone:?}: {registration}");
    let suite = match phone.mode {
        Mode::NonSecure => Value::Null,
        Mode::Authenticated => "TLS_RSA_WITH_NULL_SHA".into(),
        Mode::Encrypted => "TLS_RSA_WITH_AES_128_CBC_SHA".into(),
    };
    ensure!(registration["suite"] == suite, "{phone:?} came by another suite: {registration}");
    Ok(())
}
