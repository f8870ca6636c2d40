//! Every pair of device modes in every kind of call, against a table.
//!
//! Four kinds of telephones call four others: directly, and through the relay. Calls are held,
//! transferred, forwarded, made conferences, taken over on shared lines and barged into; after each
//! change the icons and the protection of media must be those of the table.

mod cast;
mod table;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Stage;
use super::estate::{Estate, Phone, Phones};
use crate::report::{Failed, Report};
use cast::Cast;
use table::{Barge, KINDS, Kind};

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let cast = Cast::new();
    let estate = Estate::open(stage, &cast.everybody(), |_, _| Ok(()))?;
    let everybody = cast.everybody();
    let mut matrix =
        Matrix { phones: &estate.phones, everybody: &everybody, report: &mut stage.report };
    // One failed table does not hide the others.
    let played = [
        matrix.direct(&cast),
        matrix.relayed(&cast, &estate),
        matrix.held(&cast),
        matrix.transferred(&cast),
        matrix.forwarded(&cast),
        matrix.conferred(&cast),
        matrix.taken_over(&cast),
        matrix.barged(&cast),
        matrix.barged_by_conference(&cast),
    ];
    played.into_iter().collect()
}

struct Matrix<'m> {
    phones: &'m Phones,
    everybody: &'m [&'m Phone],
    report: &'m mut Report,
}

impl Matrix<'_> {
    fn direct(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("direct calls", pairs(), |phones, (from, to)| {
            let (caller, third) = (&cast.callers[from as usize], &cast.thirds[to as usize]);
            phones.call(caller, third)?;
            both_show(phones, [caller, third], table::icon(from, to))?;
            phones.converse(caller, third, 1).map(drop)
        })
    }

    fn relayed(&mut self, cast: &Cast, estate: &Estate) -> Result<(), Failed> {
        self.table("calls through the relay", pairs(), |phones, (from, to)| {
            let (caller, callee) = (&cast.callers[from as usize], &cast.callees[to as usize]);
            phones.call(caller, callee)?;
            both_show(phones, [caller, callee], table::icon(from, to))?;
            let flows = estate.relay.report()?.flows.len();
            ensure!(flows == 2, "the relay has {flows} flows");
            phones.converse(caller, callee, 1).map(drop)
        })
    }

    fn held(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("hold with music, resume", pairs(), |phones, (from, to)| {
            let (caller, callee) = (&cast.callers[from as usize], &cast.callees[to as usize]);
            phones.call(caller, callee)?;
            phones.key(caller, "hold")?;
            shows(phones, callee, "none")?;
            phones.key(caller, "resume")?;
            both_show(phones, [caller, callee], table::icon(from, to))
        })
    }

    fn transferred(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("transfer", triples(), |phones, (from, over, to)| {
            let caller = &cast.callers[from as usize];
            let (callee, third) = (&cast.callees[over as usize], &cast.thirds[to as usize]);
            phones.call(caller, callee)?;
            phones.key(callee, "transfer")?;
            phones.call(callee, third)?;
            phones.key(callee, "transfer")?;
            both_show(phones, [caller, third], table::icon(from, to))
        })
    }

    fn forwarded(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("forward all", pairs(), |phones, (from, to)| {
            let (caller, callee) = (&cast.callers[from as usize], &cast.callees[from as usize]);
            let third = &cast.thirds[to as usize];
            phones.of(callee).order(&format!("forward-all {}", third.number))?;
            phones.dial(caller, &callee.number, third)?;
            phones.answer(caller, third)?;
            both_show(phones, [caller, third], table::icon(from, to))?;
            phones.of(callee).order("forward-all").map(drop)
        })
    }

    // R: GEN-09
    fn conferred(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("ad-hoc conference: never secure", pairs(), |phones, (from, to)| {
            let caller = &cast.callers[from as usize];
            let (callee, third) = (&cast.callees[from as usize], &cast.thirds[to as usize]);
            phones.call(caller, callee)?;
            phones.key(caller, "conference")?;
            phones.call(caller, third)?;
            phones.key(caller, "conference")?;
            for party in [caller, callee, third] {
                shows(phones, party, "none")?;
            }
            Ok(())
        })
    }

    // R: GEN-10
    fn taken_over(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("held here, resumed on the shared line", triples(), |phones, (from, by, to)| {
            let (caller, sharer) = (&cast.callers[from as usize], sharer(cast, from, by));
            let callee = &cast.callees[to as usize];
            phones.call(caller, callee)?;
            phones.key(caller, "hold")?;
            phones.key(sharer, "resume 1")?;
            both_show(phones, [sharer, callee], table::icon(by, to))
        })
    }

    fn barged(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("barge", triples(), |phones, (from, by, to)| {
            let (caller, sharer) = (&cast.callers[from as usize], sharer(cast, from, by));
            let callee = &cast.callees[to as usize];
            phones.call(caller, callee)?;
            let icon = table::icon(from, to);
            let since = phones.now(sharer);
            phones.of(sharer).order("key barge 1")?;
            match table::barge(icon, from, by) {
                Barge::Refused(tone) => {
                    let heard = |event: &Value| event["event"] == "tone" && event["tone"] == tone;
                    phones.of(sharer).wait(since, tone, heard)?;
                    both_show(phones, [caller, callee], icon)
                }
                Barge::Shown(theirs, own) => {
                    both_show(phones, [caller, callee], theirs)?;
                    shows(phones, sharer, own)
                }
            }
        })
    }

    // R: GEN-16
    fn barged_by_conference(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("cBarge: always, never secure", triples(), |phones, (from, by, to)| {
            let (caller, sharer) = (&cast.callers[from as usize], sharer(cast, from, by));
            let callee = &cast.callees[to as usize];
            phones.call(caller, callee)?;
            phones.of(sharer).order("key cbarge 1")?;
            for party in [caller, callee, sharer] {
                shows(phones, party, "none")?;
            }
            Ok(())
        })
    }

    /// Plays each row of a table; those that come out otherwise are named, all of them.
    fn table<R: Copy + std::fmt::Debug>(
        &mut self,
        name: &str,
        rows: Vec<R>,
        play: impl Fn(&Phones, R) -> Result<()>,
    ) -> Result<(), Failed> {
        let (phones, everybody) = (self.phones, self.everybody);
        self.report.step(name, || {
            let mut wrong = Vec::new();
            for row in &rows {
                let came = play(phones, *row);
                // Nothing of a row may be left for the next.
                let ended = phones.hang_up(everybody);
                if let Err(error) = came.and(ended) {
                    wrong.push(format!("{row:?}: {error:#}"));
                }
            }
            ensure!(wrong.is_empty(), "{} of {}: {}", wrong.len(), rows.len(), wrong.join("; "));
            Ok(((), format!("{} of {}", rows.len(), rows.len())))
        })
    }
}

/// Waits until the only connected call of a telephone shows this icon, with media protected as it
/// says.
fn shows(phones: &Phones, phone: &Phone, icon: &str) -> Result<()> {
    phones.settles(phone, |call| {
        call["icon"] == icon && Phones::encrypts(call) == Some(icon == "lock")
    })
}

fn both_show(phones: &Phones, both: [&Phone; 2], icon: &str) -> Result<()> {
    both.into_iter().try_for_each(|phone| shows(phones, phone, icon))
}

fn sharer(cast: &Cast, line: Kind, kind: Kind) -> &Phone {
    &cast.sharers[line as usize][kind as usize]
}

fn pairs() -> Vec<(Kind, Kind)> {
    KINDS.into_iter().flat_map(|one| KINDS.map(|other| (one, other))).collect()
}

fn triples() -> Vec<(Kind, Kind, Kind)> {
    pairs().into_iter().flat_map(|(a, b)| KINDS.map(|c| (a, b, c))).collect()
}
