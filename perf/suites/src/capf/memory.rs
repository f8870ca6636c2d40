//! What the daemon's memory does while phones enrol.

use anyhow::Result;

use super::daemon::Daemon;
use crate::report::{Better, Report, Row};

/// Of the memory after half of the phones against that after all of them. By then the caches of the
/// store's connections are full; what grows on grows with the phones.
const TARGET: f64 = 0.95;

/// Memory in MB after so many phones.
#[derive(Default)]
pub(super) struct Memory {
    enrolled: usize,
    after: Vec<(usize, f64)>,
}

impl Memory {
    /// So many more phones have enrolled.
    pub fn look(&mut self, enrolled: usize, daemon: &Daemon) -> Result<()> {
        self.enrolled += enrolled;
        self.after.push((self.enrolled, daemon.memory()?));
        Ok(())
    }

    pub fn tell(&self, report: &mut Report) {
        let half = self.after.len().div_ceil(2).saturating_sub(1);
        let (Some((some, before)), Some((all, after))) = (self.after.get(half), self.after.last())
        else {
            return;
        };
        let name = format!("memory of the daemon after {all} phones, against that after {some}");
        let row = Row::compared(name, "MB", Better::Lower, vec![*after], ("before", vec![*before]));
        report.rows.push(row.promised(TARGET));
        let tenths = self.after.iter().map(|(_, memory)| *memory).collect();
        report.rows.push(Row::informing("memory of the daemon, tenth by tenth", "MB", tenths));
    }
}
