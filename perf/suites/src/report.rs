//! What a suite found: rows of ours against a peer, with the raw samples.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// The report of a suite.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The suite's name.
    pub suite: &'static str,
    /// Where it was measured.
    pub machine: Machine,
    /// What was measured.
    pub rows: Vec<Row>,
}

/// Where something was measured: a figure without this means nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's model name.
    pub cpu: String,
    /// How many of its threads there are.
    pub cpus: usize,
    /// Those of its features that the kernels choose by.
    pub features: Vec<String>,
    /// The kernel's release.
    pub kernel: String,
}

/// One measured thing.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Of `ours` and `peer`.
    pub unit: &'static str,
    /// The median of our samples.
    pub ours: f64,
    /// The median of the peer's samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<f64>,
    /// Whom it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_name: Option<&'static str>,
    /// Ours against the peer, bigger is better: the median of the rounds' ratios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// What `ratio` is promised to be at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// Whether it is; absent where nothing is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
    /// The way packets took and why, where packets were moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Round by round.
    pub samples: Samples,
}

/// Raw samples of a row; with a peer, equal indices are of the same round.
#[derive(Clone, Debug, Serialize)]
pub struct Samples {
    /// Ours.
    pub ours: Vec<f64>,
    /// The peer's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peer: Vec<f64>,
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Packets per second, say.
    Higher,
    /// Nanoseconds, say.
    Lower,
}

impl Report {
    /// An empty report of `suite` on this machine.
    pub fn new(suite: &'static str) -> Self {
        Self { suite, machine: Machine::this(), rows: Vec::new() }
    }

    /// Whether every promise was kept.
    pub fn met(&self) -> bool {
        self.rows.iter().all(|row| row.met != Some(false))
    }

    /// Writes `SUITE.json` into `dir`.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(format!("{}.json", self.suite));
        fs::create_dir_all(dir)
            .and_then(|()| fs::write(&path, serde_json::to_vec_pretty(self)?))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Row {
    /// A row that only informs.
    pub fn informing(name: impl Into<String>, unit: &'static str, samples: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            unit,
            ours: median(&samples),
            peer: None,
            peer_name: None,
            ratio: None,
            target: None,
            met: None,
            path: None,
            samples: Samples { ours: samples, peer: Vec::new() },
        }
    }

    /// A row of ours against a peer: `ours[i]` and `peer[i]` were measured one right after the
    /// other, in round `i`.
    ///
    /// # Panics
    ///
    /// When the rounds are not paired.
    pub fn compared(
        name: impl Into<String>,
        unit: &'static str,
        better: Better,
        ours: Vec<f64>,
        (peer_name, peer): (&'static str, Vec<f64>),
    ) -> Self {
        assert_eq!(ours.len(), peer.len(), "rounds are measured in pairs");
        let ratio = |(ours, peer): (&f64, &f64)| match better {
            Better::Higher => ours / peer,
            Better::Lower => peer / ours,
        };
        let ratios: Vec<_> = ours.iter().zip(&peer).map(ratio).collect();
        Self {
            peer: Some(median(&peer)),
            peer_name: Some(peer_name),
            ratio: Some(median(&ratios)),
            samples: Samples { ours: ours.clone(), peer },
            ..Self::informing(name, unit, ours)
        }
    }

    /// Promises a ratio of at least `target`.
    pub fn promised(self, target: f64) -> Self {
        let met = self.ratio.map(|ratio| ratio >= target);
        Self { target: Some(target), met, ..self }
    }

    /// Says which way packets took.
    pub fn by_path(self, path: impl fmt::Display) -> Self {
        Self { path: Some(path.to_string()), ..self }
    }
}

impl Machine {
    /// What the kernel says of this machine.
    fn this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned())
        };
        let chosen_by = ["aes", "avx2", "avx512f", "avx512bw", "vaes", "vpclmulqdq", "sha_ni"];
        let flags = field("flags").unwrap_or_default();
        let flags: Vec<_> = flags.split(' ').collect();
        Self {
            cpu: field("model name").unwrap_or_else(|| "unknown".to_owned()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            features: chosen_by
                .into_iter()
                .filter(|a| flags.contains(a))
                .map(str::to_owned)
                .collect(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| "unknown".to_owned(), |release| release.trim().to_owned()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cpus, kernel, features } = &self.machine;
        writeln!(f, "{}: {cpu} ({cpus} CPUs: {}), Linux {kernel}", self.suite, features.join(" "))?;
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        for row in &self.rows {
            write!(f, "  {:<width$}  {:>10} {:<8}", row.name, figure(row.ours), row.unit)?;
            if let (Some(peer), Some(name), Some(ratio)) = (row.peer, row.peer_name, row.ratio) {
                write!(f, " {ratio:>6.2}x of {name} ({})", figure(peer))?;
            }
            if let (Some(target), Some(met)) = (row.target, row.met) {
                write!(f, ", promised {target:.2}x: {}", if met { "met" } else { "MISSED" })?;
            }
            if let Some(path) = &row.path {
                write!(f, "  [{path}]")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A figure with as many digits as it means.
fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        medium if medium >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// The middle one, or the mean of the middle two.
///
/// # Panics
///
/// Without samples.
pub fn median(samples: &[f64]) -> f64 {
    assert!(!samples.is_empty(), "something was measured");
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_and_bigger_is_better() {
        // The machine was twice as fast in the last round: the ratio does not care.
        let (ours, peer) = (vec![2.0, 2.2, 4.0], vec![1.0, 1.0, 2.0]);
        let row = Row::compared("a", "Mpps", Better::Higher, ours.clone(), ("b", peer.clone()));
        assert_eq!(row.ratio, Some(2.0));
        assert_eq!(row.clone().promised(2.0).met, Some(true));
        assert_eq!(row.promised(2.1).met, Some(false));
        let row = Row::compared("a", "ns", Better::Lower, peer, ("b", ours));
        assert_eq!(row.ratio, Some(2.0));
    }

    #[test]
    fn a_report_has_the_keys_that_readers_rely_on() {
        let mut report = Report::new("test");
        report.rows.push(Row::informing("alone", "ns", vec![3.0, 1.0]));
        report.rows.push(
            Row::compared("pair", "ns", Better::Lower, vec![1.0], ("peer", vec![2.0]))
                .promised(1.0),
        );
        let json = serde_json::to_value(&report).unwrap();
        let keys: Vec<_> = json["rows"][1].as_object().unwrap().keys().cloned().collect();
        for key in
            ["name", "unit", "ours", "peer", "peer_name", "ratio", "target", "met", "samples"]
        {
            assert!(keys.iter().any(|k| k == key), "{key} is missing in {keys:?}");
        }
        assert_eq!(json["rows"][0]["ours"], 2.0);
        assert!(json["rows"][0].get("target").is_none());
        assert!(json["machine"]["kernel"].is_string());
        assert!(report.met());
    }
}
