//! Transactions while something else happens.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mgcp::{Command, EndpointName, Verb};

use crate::agent::CallAgent;

/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(2);
/// Transactions before and after.
const AROUND: usize = 100;
/// Nothing is sent again before this (RFC 3435 §3.5.2 begins with 200 ms, some stacks with less).
const FIRST_RESEND: Duration = Duration::from_millis(100);

/// How they went.
pub struct Load {
    answered: usize,
    slowest: Duration,
}

/// Asks the gateway again and again until `event` has happened and some time longer. Every question
/// must be answered.
pub fn during(agent: &mut CallAgent, event: impl FnOnce() -> Result<()> + Send) -> Result<Load> {
    let mut load = Load { answered: 0, slowest: Duration::ZERO };
    thread::scope(|scope| {
        load.ask(agent, AROUND)?;
        let happening = scope.spawn(event);
        while !happening.is_finished() {
            load.ask(agent, 1)?;
        }
        let happened = happening.join();
        happened.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        load.ask(agent, AROUND)?;
        Ok(load)
    })
}

impl Load {
    fn ask(&mut self, agent: &mut CallAgent, times: usize) -> Result<()> {
        for _ in 0..times {
            let begun = Instant::now();
            let endpoint: EndpointName = "pr/1@gw1".parse().context("an endpoint name")?;
            let answer = agent.command(Command::new(Verb::Auep, endpoint))?;
            ensure!(answer.code.is_success(), "AUEP was refused: {}", answer.code.value());
            self.answered += 1;
            self.slowest = self.slowest.max(begun.elapsed());
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slowest = self.slowest.as_micros() as f64 / 1000.0;
        let again = if self.slowest < FIRST_RESEND { ", none sent twice" } else { "" };
        write!(
            f,
            "{} transactions answered{again}, the slowest after {slowest:.1} ms",
            self.answered
        )
    }
}
