//! The server is killed in the middle of a call.

use anyhow::{Context, Result, ensure};

use super::{ALICE, ALL, BOB, PATIENCE};
use crate::program::poll;
use crate::report::{Failed, Report};
use crate::scenario::estate::Estate;

pub fn play(estate: &mut Estate, report: &mut Report) -> Result<(), Failed> {
    report.step("CallManager is killed: a relayed call goes on", || {
        estate.phones.call(&ALICE, &BOB)?;
        estate.phones.converse(&ALICE, &BOB, 7)?;
        estate.site.cm1.kill();
        let heard = estate.phones.converse(&ALICE, &BOB, 9)?;
        let flows = estate.relay.report()?.flows.len();
        ensure!(flows == 2, "the relay has {flows} flows");
        Ok(((), heard))
    })?;
    report.step("it is back: so are all telephones, by themselves", || {
        let since: Vec<_> = ALL.iter().map(|phone| estate.phones.now(phone)).collect();
        estate.site.start(|site| &mut site.cm1)?;
        estate.phones.hang_up(&[&ALICE, &BOB])?;
        for (phone, since) in ALL.into_iter().zip(since) {
            estate.phones.registered(phone, since)?;
        }
        estate.phones.call(&BOB, &ALICE)?;
        let heard = estate.phones.converse(&BOB, &ALICE, 11)?;
        estate.phones.hang_up(&[&ALICE, &BOB])?;
        let gone = || estate.relay.report().ok()?.flows.is_empty().then_some(());
        poll(3 * PATIENCE, gone).context("the relay keeps flows of calls that have ended")?;
        Ok(((), format!("{} registered; a call: {heard}; no flow is left", ALL.len())))
    })
}
