//! The MGCP gateway on one core: calls made, changed and ended, and what IPsec adds to setting one up.
//!
//! The gateway has an engine beside it that carries out what it is told, as in the daemon; packets of
//! media do not pass. A call agent asks in datagrams it wrote before, and only reads codes and what
//! it needs for the next: what is measured is the gateway.

mod callagent;
mod ipsec;
mod sockets;
mod subject;

use std::time::Duration;

use anyhow::Result;

use crate::cpu::thread_time;
use crate::report::{Better, Report, Row};

use callagent::{CallAgent, succeeded};
use subject::{Kind, Subject};

const ROUNDS: usize = 7;
/// Calls of a round.
const CALLS: usize = 4000;
/// Calls that are up at a time.
const AT_ONCE: usize = 100;
/// CRCX, MDCX and DLCX a second, on one core and without sockets (issue of the MGCP gateway).
const PROMISED: f64 = 20_000.0;
/// Time between two hundred calls on the gateway's clock, at the promised rate: what it keeps of
/// answered commands is what it would keep then.
const BETWEEN: Duration = Duration::from_millis(5);
const PROMISE: &str = "what is promised";

/// Measures everything.
pub fn run() -> Result<Report> {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied()) {
        core_affinity::set_for_current(core);
    }
    let mut report = Report::new("mgcp");
    for kind in Kind::ALL {
        let mut rates = Vec::new();
        for round in 0..=ROUNDS {
            let rate = triples(kind)?;
            // The first round warms up.
            if round > 0 {
                rates.push(rate);
            }
        }
        let promise = (PROMISE, vec![PROMISED; rates.len()]);
        let name = format!("CRCX, MDCX, DLCX without sockets, {}", kind.name());
        let row = Row::compared(name, "/s", Better::Higher, rates, promise);
        report.rows.push(row.promised(1.0));
    }
    let through = (0..ROUNDS).map(|_| sockets::triples(Kind::Srtp)).collect::<Result<Vec<_>>>()?;
    let name = "the same through UDP sockets, SRTP, a hundred calls at a time";
    report.rows.push(Row::informing(name, "/s", through));
    report.rows.extend(ipsec::rows()?);
    Ok(report)
}

/// Calls a second, by processor time of the gateway and the engine alone.
fn triples(kind: Kind) -> Result<f64> {
    let mut subject = Subject::new()?;
    let mut agent = CallAgent::new(kind);
    let mut busy = Duration::ZERO;
    for _ in 0..CALLS / AT_ONCE {
        let created = ask(&mut subject, &agent.create(AT_ONCE), &mut busy);
        let calls = agent.created(&created)?;
        succeeded(&ask(&mut subject, &agent.modify(&calls), &mut busy), AT_ONCE)?;
        succeeded(&ask(&mut subject, &agent.delete(&calls), &mut busy), AT_ONCE)?;
        subject.let_pass(BETWEEN, &mut busy);
    }
    Ok(CALLS as f64 / busy.as_secs_f64())
}

/// The answers, and the time that they took.
fn ask(subject: &mut Subject, datagrams: &[Vec<u8>], busy: &mut Duration) -> Vec<String> {
    let start = thread_time();
    datagrams.iter().for_each(|datagram| subject.ask(datagram));
    *busy += thread_time() - start;
    subject.answers()
}
