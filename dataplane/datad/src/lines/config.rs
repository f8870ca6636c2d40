//! Settings of voice endpoints and of the telephones behind them.

use std::path::PathBuf;

use gateway::{VoiceEndpoint, VoiceKind};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A voice endpoint, or a row of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceConfig {
    /// What stands before the `@`: `aaln/S1/SU0/0`, `S0/SU0/DS1-0/1`; `S0/SU0/DS1-0/[1-24]` is a
    /// row.
    pub name: Names,
    /// What is behind it; absent: a line if the name begins with `aaln`, else a trunk.
    pub kind: Option<Kind>,
}

/// What is behind a voice endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A telephone on an analog line.
    Line,
    /// A channel of a digital trunk.
    Trunk,
}

/// Names that one setting stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

/// Settings of the emulated telephones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinesConfig {
    /// Where `ringfence-datad line` asks.
    pub socket: PathBuf,
    /// Where announcements are: `NAME.wav` is what `A/ann(…/NAME)` plays; absent: there are none.
    pub announcements: Option<PathBuf>,
}

impl Default for LinesConfig {
    fn default() -> Self {
        Self { socket: DEFAULT_SOCKET.into(), announcements: None }
    }
}

/// Where telephones are used, unless configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/ringfence/lines.sock";
/// Longest row.
const MAX_ROW: u32 = 1000;

impl VoiceConfig {
    /// The endpoints it stands for.
    pub fn endpoints(&self) -> impl Iterator<Item = VoiceEndpoint> {
        self.name.0.iter().map(|name| VoiceEndpoint {
            name: name.clone(),
            kind: match self.kind {
                Some(Kind::Line) => VoiceKind::Line,
                Some(Kind::Trunk) => VoiceKind::Trunk,
                None => VoiceKind::of_name(name),
            },
        })
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some((stem, range)) = text.split_once('[') else { return Ok(Self(vec![text])) };
        let bounds = range.strip_suffix(']').and_then(|range| range.split_once('-'));
        let bounds = bounds.and_then(|(first, last)| {
            Some((first.parse::<u32>().ok()?, last.parse::<u32>().ok()?))
        });
        match bounds {
            Some((first, last)) if first <= last && last - first < MAX_ROW => {
                Ok(Self((first..=last).map(|number| format!("{stem}{number}")).collect()))
            }
            _ => Err(D::Error::custom(format!(
                "`{text}` is no row of voice endpoints: end it like S0/SU0/DS1-0/[1-24], with at \
                 most {MAX_ROW} of them"
            ))),
        }
    }
}
