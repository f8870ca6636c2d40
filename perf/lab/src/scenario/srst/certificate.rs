//! The gateway's certificate: accepted, rejected, renewed.

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::telephones::Branchful;
use super::{PATIENCE, Play};
use crate::program::poll;
use crate::report::{Failed, Report};
use crate::scenario::cluster::{Desk, Outpost, Site};

// R: SRST-01, SRST-02, SRST-03, SRST-07
pub fn accept(
    site: &Site,
    desk: &Desk,
    outpost: &Outpost,
    report: &mut Report,
) -> Result<(), Failed> {
    let tell = |words: &str| desk.tell(&site.cm1, words);
    report.step("a reference: its certificate is fetched, shown, rejected, accepted", || {
        let address = outpost.address();
        tell(&format!("srst add branch {address} --secure true"))?;
        tell("pool set branch --media never --srst branch")?;
        // The gateway has just been started.
        let shown = poll(PATIENCE, || tell("srst update-certificate branch --reject").ok());
        let shown = shown.context("it shows no certificate")?;
        let sha256 = shown["shown"]["sha256"].as_str().context("nothing is shown")?;
        let own = desk.tell_at(&outpost.socket(), "srst status")?;
        ensure!(own["certificate_sha256"] == sha256, "it shows another: {shown}, {own}");
        let kept = tell("srst list")?[0]["certificate"].clone();
        ensure!(kept == Value::Null, "what was rejected is kept: {kept}");
        let done = tell(&format!("srst update-certificate branch --accept {sha256}"))?;
        let notes = done["notes"].to_string();
        ensure!(notes.contains("Reset the devices that depend"), "no reminder: {notes}");
        Ok(((), sha256.to_owned()))
    })?;
    report.step("the gateway is given its phones", || {
        let known = || {
            let own = desk.tell_at(&outpost.socket(), "srst status").ok()?;
            (own["reference"] == "branch").then_some(own)
        };
        let own = poll(PATIENCE, known).context("it is not synchronised")?;
        Ok(((), format!("{} phones", own["known_phones"])))
    })
}

// R: SRST-03, SRST-04, SRST-06, GEN-20
pub fn renew(play: &mut Play, all: &Branchful, report: &mut Report) -> Result<(), Failed> {
    let [a, ..] = all.encrypted();
    let stored = |play: &Play| -> Result<Value> {
        Ok(play.at_centre("srst list")?[0]["certificate"]["sha256"].clone())
    };
    let sha256 =
        report.step("the gateway's certificate is renewed; the update is rejected", || {
            let before = stored(play)?;
            let old = play.site.state.path().join("renewed");
            std::fs::create_dir(&old)?;
            play.outpost.stop()?;
            play.outpost.lose_certificate(&old)?;
            play.outpost.start()?;
            let shown =
                poll(PATIENCE, || play.at_centre("srst update-certificate branch --reject").ok());
            let shown = shown.context("it shows no certificate")?;
            let sha256 = shown["shown"]["sha256"].as_str().context("nothing is shown")?.to_owned();
            ensure!(before != *sha256 && shown["stored"]["sha256"] == before, "{shown}");
            ensure!(stored(play)? == before, "what was rejected is kept");
            Ok((sha256, "phones keep what they have"))
        })?;
    report.step("accepted, dependents reset: phones have it in their files", || {
        let [before, after] = [play.file_of(a)?, {
            play.at_centre(&format!("srst update-certificate branch --accept {sha256}"))?;
            ensure!(stored(play)? == *sha256, "it was not kept");
            let due = play.at_centre("status")?["due"].to_string();
            ensure!(due.contains("reset-dependents"), "no reset is asked for: {due}");
            let reset = play.at_centre("srst reset branch --yes")?;
            ensure!(reset["matched"] == all.len(), "not all of them: {reset}");
            let der = std::fs::read(play.outpost.certificate_file())?;
            let wanted = Base64::encode_string(&der);
            let fetched = || {
                let file = play.file_of(a).ok()?;
                file.contains(&wanted).then_some(file)
            };
            poll(PATIENCE, fetched).context("A does not have it")?
        }];
        ensure!(before != after, "nothing has changed in its file");
        for phone in all.phones() {
            play.phones.expect(phone, "registered 1 within 120s")?;
        }
        let due = play.at_centre("status")?["due"].to_string();
        ensure!(!due.contains("reset-dependents"), "the reset is still due: {due}");
        Ok(((), format!("{} phones read it", all.len())))
    })
}
