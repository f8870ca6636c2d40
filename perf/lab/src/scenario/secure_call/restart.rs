//! The server is killed in the middle of a call.

use anyhow::{Context, Result, ensure};

use super::{ALICE, ALL, BOB, PATIENCE};
use crate::program::poll;
use crate::report::{Failed, Report};
use crate::scenario::estate::Estate;

/// Packets of a call in that time, both ways, at 20 ms each.
const TWO_SECONDS: u64 = 200;

pub fn play(estate: &mut Estate, report: &mut Report) -> Result<(), Failed> {
    report.step("CallManager is killed: a relayed call goes on", || {
        estate.phones.call(&ALICE, &BOB)?;
        estate.phones.speak([&ALICE, &BOB], "lock")?;
        estate.site.cm1.kill();
        let before = estate.relay.report()?.packets.forwarded;
        let moved = poll(PATIENCE, || {
            let moved = estate.relay.report().ok()?.packets.forwarded - before;
            (moved >= TWO_SECONDS).then_some(moved)
        });
        let moved = moved.context("the relay forwards no more")?;
        estate.phones.expect(&ALICE, &format!("hears {}", BOB.voice()))?;
        estate.phones.expect(&BOB, &format!("hears {}", ALICE.voice()))?;
        let flows = estate.relay.report()?.flows.len();
        ensure!(flows == 2, "the relay has {flows} flows");
        Ok(((), format!("{moved} packets more; they hear each other")))
    })?;
    report.step("it is back: so are all telephones, by themselves", || {
        estate.site.start(|site| &mut site.cm1)?;
        estate.phones.hang_up(&[&ALICE, &BOB])?;
        estate.phones.registered(&ALL)?;
        estate.phones.call(&BOB, &ALICE)?;
        estate.phones.speak([&BOB, &ALICE], "lock")?;
        estate.phones.hang_up(&[&ALICE, &BOB])?;
        let gone = || estate.relay.report().ok()?.flows.is_empty().then_some(());
        poll(3 * PATIENCE, gone).context("the relay keeps flows of calls that have ended")?;
        Ok(((), format!("{} registered; a call; no flow is left", ALL.len())))
    })
}
