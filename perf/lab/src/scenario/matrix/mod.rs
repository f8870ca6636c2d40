//! Every pair of device modes in every kind of call, against a table.
//!
//! Four kinds of telephones call four others: directly, and through the relay. Calls are held,
//! transferred, forwarded, made conferences, taken over on shared lines and barged into; after each
//! change the icons and the protection of media must be those of the table.

mod cast;
mod table;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Stage;
use super::estate::{Estate, Phone, Phones};
use crate::relay::Relay;
use crate::report::{Failed, Report};
use cast::Cast;
use table::{Barge, KINDS, Kind};

/// Users take this long at least for a row: who sends more than 50 messages a second is cut off.
const PACE: Duration = Duration::from_millis(100);
/// So many wrong rows are enough to know.
const MANY: usize = 5;

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let cast = Cast::new();
    let mut estate = Estate::open(stage, &cast.everybody(), |_, _| Ok(()))?;
    let everybody = cast.everybody();
    let Estate { phones, relay, .. } = &mut estate;
    let mut matrix = Matrix { phones, everybody: &everybody, report: &mut stage.report };
    // One failed table does not hide the others.
    let played = [
        matrix.direct(&cast),
        matrix.relayed(&cast, relay),
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
    phones: &'m mut Phones,
    everybody: &'m [&'m Phone],
    report: &'m mut Report,
}

impl Matrix<'_> {
    fn direct(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("direct calls", pairs(), |phones, (from, to)| {
            let (caller, third) = (&cast.callers[from as usize], &cast.thirds[to as usize]);
            phones.call(caller, third)?;
            phones.speak([caller, third], table::icon(from, to))
        })
    }

    fn relayed(&mut self, cast: &Cast, relay: &Relay) -> Result<(), Failed> {
        self.table("calls through the relay", pairs(), |phones, (from, to)| {
            let (caller, callee) = (&cast.callers[from as usize], &cast.callees[to as usize]);
            phones.call(caller, callee)?;
            phones.speak([caller, callee], table::icon(from, to))?;
            let flows = relay.report()?.flows.len();
            ensure!(flows == 2, "the relay has {flows} flows");
            Ok(())
        })
    }

    fn held(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("hold with music, resume", pairs(), |phones, (from, to)| {
            let (caller, callee) = (&cast.callers[from as usize], &cast.callees[to as usize]);
            phones.call(caller, callee)?;
            phones.does(caller, "holds")?;
            phones.shows(callee, "none")?;
            phones.does(caller, "resumes")?;
            both_show(phones, [caller, callee], table::icon(from, to))
        })
    }

    fn transferred(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("transfer", triples(), |phones, (from, over, to)| {
            let caller = &cast.callers[from as usize];
            let (callee, third) = (&cast.callees[over as usize], &cast.thirds[to as usize]);
            phones.call(caller, callee)?;
            phones.does(callee, "transfers")?;
            phones.call(callee, third)?;
            phones.does(callee, "transfers")?;
            both_show(phones, [caller, third], table::icon(from, to))
        })
    }

    fn forwarded(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("forward all", pairs(), |phones, (from, to)| {
            let (caller, callee) = (&cast.callers[from as usize], &cast.callees[from as usize]);
            let third = &cast.thirds[to as usize];
            phones.does(callee, "presses CFwdAll")?;
            phones.does(callee, &format!("types {}", third.number))?;
            phones.does(caller, &format!("dials {}", callee.number))?;
            phones.answer(caller, third)?;
            both_show(phones, [caller, third], table::icon(from, to))?;
            phones.does(callee, "presses CFwdAll")
        })
    }

    // R: GEN-09
    fn conferred(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("ad-hoc conference: never secure", pairs(), |phones, (from, to)| {
            let caller = &cast.callers[from as usize];
            let (callee, third) = (&cast.callees[from as usize], &cast.thirds[to as usize]);
            phones.call(caller, callee)?;
            phones.does(caller, "confers")?;
            phones.call(caller, third)?;
            phones.does(caller, "confers")?;
            for party in [caller, callee, third] {
                phones.shows(party, "none")?;
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
            phones.does(caller, "holds")?;
            phones.does(sharer, "resumes")?;
            both_show(phones, [sharer, callee], table::icon(by, to))
        })
    }

    fn barged(&mut self, cast: &Cast) -> Result<(), Failed> {
        self.table("barge", triples(), |phones, (from, by, to)| {
            let (caller, sharer) = (&cast.callers[from as usize], sharer(cast, from, by));
            let callee = &cast.callees[to as usize];
            phones.call(caller, callee)?;
            let icon = table::icon(from, to);
            both_show(phones, [caller, callee], icon)?;
            phones.expect(sharer, "state in-use-remote")?;
            phones.does(sharer, "barges")?;
            match table::barge(icon, from, by) {
                Barge::Refused(tone) => {
                    phones.expect(sharer, &format!("tone {tone}"))?;
                    both_show(phones, [caller, callee], icon)
                }
                Barge::Shown(theirs, own) => {
                    both_show(phones, [caller, callee], theirs)?;
                    phones.shows(sharer, own)
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
            both_show(phones, [caller, callee], table::icon(from, to))?;
            phones.expect(sharer, "state in-use-remote")?;
            phones.does(sharer, "cbarges")?;
            for party in [caller, callee, sharer] {
                phones.shows(party, "none")?;
            }
            Ok(())
        })
    }

    /// Plays each row of a table; those that come out otherwise are named, as long as they are few.
    fn table<R: Copy + std::fmt::Debug>(
        &mut self,
        name: &str,
        rows: Vec<R>,
        play: impl Fn(&mut Phones, R) -> Result<()>,
    ) -> Result<(), Failed> {
        let (phones, everybody) = (&mut *self.phones, self.everybody);
        self.report.step(name, || {
            let mut wrong = Vec::new();
            for row in &rows {
                let next = Instant::now() + PACE;
                let came = play(phones, *row);
                // Nothing of a row may be left for the next.
                let ended = phones.hang_up(everybody);
                if let Err(error) = came.and(ended) {
                    wrong.push(format!("{row:?}: {error:#}"));
                }
                if wrong.len() == MANY {
                    break;
                }
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            ensure!(wrong.is_empty(), "{} of {}: {}", wrong.len(), rows.len(), wrong.join("; "));
            Ok(((), format!("{} of {}", rows.len(), rows.len())))
        })
    }
}

fn both_show(phones: &mut Phones, both: [&Phone; 2], icon: &str) -> Result<()> {
    both.into_iter().try_for_each(|phone| phones.shows(phone, icon))
}

fn sharer(cast: &Cast, line: Kind, kind: Kind) -> &Phone {
    &cast.sharers[line as usize][kind as usize]
}

/// All, such that the first one of each is another than the one before: each caller rests.
fn pairs() -> Vec<(Kind, Kind)> {
    KINDS.into_iter().flat_map(|to| KINDS.map(|from| (from, to))).collect()
}

fn triples() -> Vec<(Kind, Kind, Kind)> {
    pairs().into_iter().flat_map(|(by, to)| KINDS.map(|from| (from, by, to))).collect()
}
