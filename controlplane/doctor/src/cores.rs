//! Sets of processor cores as the kernel writes them: `0-3,6`.

use std::collections::BTreeSet;
use std::fmt;

/// Numbers of cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreSet(pub BTreeSet<usize>);

impl CoreSet {
    /// What a file such as `/sys/devices/system/cpu/online` says; `None` if it is no such list.
    pub fn parse(text: &str) -> Option<Self> {
        let mut cores = BTreeSet::new();
        for part in text.trim().split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse().ok()?, last.parse::<usize>().ok()?);
            if last > MOST {
                return None;
            }
            cores.extend(first..=last);
        }
        Some(Self(cores))
    }

    /// All of these but one.
    pub fn without(&self, core: Option<usize>) -> Self {
        Self(self.0.iter().copied().filter(|each| Some(*each) != core).collect())
    }

    /// Whether it is in there.
    pub fn contains(&self, core: usize) -> bool {
        self.0.contains(&core)
    }
}

/// Far more than any kernel is built for.
const MOST: usize = 65_535;

impl fmt::Display for CoreSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for &core in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == core => *last = core,
                _ => runs.push((core, core)),
            }
        }
        for (n, (first, last)) in runs.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        for text in ["", "0", "0-3", "0,2-5,9"] {
            assert_eq!(CoreSet::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(CoreSet::parse("0-3\n").unwrap().without(Some(1)).to_string(), "0,2-3");
        for wrong in ["x", "1-", "0-99999999999"] {
            assert_eq!(CoreSet::parse(wrong), None, "{wrong}");
        }
    }
}
