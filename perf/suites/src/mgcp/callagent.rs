//! A call agent that costs little: it writes datagrams beforehand and reads as few octets as it can.

use anyhow::{Context, Result, ensure};

use super::subject::{DOMAIN, Kind};

/// A call that is up.
#[derive(Clone, Debug)]
pub(super) struct Call {
    endpoint: String,
    id: String,
    call: usize,
}

/// Makes commands.
#[derive(Debug)]
pub(super) struct CallAgent {
    kind: Kind,
    transaction: usize,
    /// So many calls were made.
    calls: usize,
}

impl CallAgent {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, transaction: 0, calls: 0 }
    }

    fn command(&mut self, verb: &str, endpoint: &str, lines: &str) -> Vec<u8> {
        self.transaction += 1;
        let id = self.transaction;
        format!("{verb} {id} {endpoint}@{DOMAIN} MGCP 1.0\r\n{lines}").into_bytes()
    }

    /// Makes `count` connections.
    pub(super) fn create(&mut self, count: usize) -> Vec<Vec<u8>> {
        let one = |number: usize| {
            let call = self.calls + number;
            let endpoint = self.kind.endpoint(number);
            let options = self.kind.options(call);
            let lines = format!("C: {call:X}\r\nL: p:20, a:PCMU{options}\r\nM: recvonly\r\n");
            (endpoint, lines)
        };
        let commands: Vec<_> = (1..=count).map(one).collect();
        self.calls += count;
        commands.iter().map(|(endpoint, lines)| self.command("CRCX", endpoint, lines)).collect()
    }

    /// The calls that were just created, by their answers.
    pub(super) fn created(&self, answers: &[String]) -> Result<Vec<Call>> {
        let first = self.calls - answers.len();
        let call = |(number, answer): (usize, &String)| {
            let value = |key| answer.lines().find_map(|line| line.strip_prefix(key));
            let endpoint = value("Z: ").map(|name| name.split('@').next().unwrap_or_default());
            Ok(Call {
                endpoint: endpoint.map_or_else(|| self.kind.endpoint(number), str::to_owned),
                id: value("I: ").with_context(|| format!("no connection: {answer}"))?.to_owned(),
                call: first + number,
            })
        };
        (1..).zip(answers).map(call).collect()
    }

    /// Tells connections their peers.
    pub(super) fn modify(&mut self, calls: &[Call]) -> Vec<Vec<u8>> {
        let of = |Call { endpoint, id, call }: &Call| {
            let sdp = self.kind.description(*call);
            let lines = format!("C: {call:X}\r\nI: {id}\r\nM: sendrecv\r\n\r\n{sdp}");
            (endpoint.clone(), lines)
        };
        let commands: Vec<_> = calls.iter().map(of).collect();
        commands.iter().map(|(endpoint, lines)| self.command("MDCX", endpoint, lines)).collect()
    }

    /// Ends them.
    pub(super) fn delete(&mut self, calls: &[Call]) -> Vec<Vec<u8>> {
        let lines = |Call { id, call, .. }: &Call| format!("C: {call:X}\r\nI: {id}\r\n");
        calls.iter().map(|call| self.command("DLCX", &call.endpoint, &lines(call))).collect()
    }
}

/// Whether so many commands have succeeded.
pub(super) fn succeeded(answers: &[String], count: usize) -> Result<()> {
    let bad = answers.iter().find(|answer| !answer.starts_with('2'));
    ensure!(bad.is_none() && answers.len() == count, "{} answers, {bad:?}", answers.len());
    Ok(())
}
