//! Building the configuration of every phone.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use provisioning::Snapshots;

use super::site::{DEVICES, NODE, Site};
use crate::report::{Better, Report, Row};

const ROUNDS: usize = 5;
const BUDGET: f64 = 5.0;

pub(super) fn measure(site: &Site, report: &mut Report) -> Result<()> {
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        // From the database on: a node that starts has nothing in memory.
        let snapshot = Snapshots::new(Arc::clone(&site.store), NODE)?.newest();
        let built = snapshot.configurations().filter(|(_, xml)| xml.contains("</device>")).count();
        seconds.push(start.elapsed().as_secs_f64());
        ensure!(built == DEVICES, "{built} of {DEVICES} configurations were built");
    }
    let budget = ("a budget of 5 s", vec![BUDGET; ROUNDS]);
    let name = format!("configurations of {DEVICES} phones");
    report.rows.push(Row::compared(name, "s", Better::Lower, seconds, budget).promised(1.0));
    Ok(())
}
