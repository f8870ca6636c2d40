//! `srtp_backend`.

use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use srtp::BackendChoice;

/// Who computes SRTP: `best` is the fastest that the processor has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SrtpBackend(pub BackendChoice);

impl FromStr for SrtpBackend {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        BackendChoice::from_name(name).map(Self).ok_or_else(|| {
            let all = [BackendChoice::Best].into_iter().chain(BackendChoice::ALL);
            format!("`{name}` is no SRTP backend; there are {}", names(all))
        })
    }
}

impl<'de> Deserialize<'de> for SrtpBackend {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl SrtpBackend {
    pub(super) fn check(self, runs_here: impl Fn(BackendChoice) -> bool) -> Result<(), String> {
        if runs_here(self.0) {
            return Ok(());
        }
        let here = BackendChoice::ALL.into_iter().filter(|&choice| runs_here(choice));
        Err(format!(
            "this processor cannot run the SRTP backend `{}`: set `srtp_backend` to `best`, or to \
             one of those it has: {}",
            self.0.name(),
            names(here)
        ))
    }
}

fn names(choices: impl Iterator<Item = BackendChoice>) -> String {
    choices.map(|choice| format!("`{}`", choice.name())).collect::<Vec<_>>().join(", ")
}
