//! What is said into a telephone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use speech::wav::{Recording, WavError};
use speech::{RATE, tone};

/// Audio with a name. It repeats itself as long as somebody listens.
///
/// Written `voice:7` (a speaker of his own, the seventh), `tone:440` (Hertz), `silence`, or the
/// name of a WAV file.
#[derive(Clone, PartialEq, Eq)]
pub struct Track {
    name: String,
    /// Never empty.
    samples: Arc<[i16]>,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// `voice:` without a number, `tone:` without a frequency.
    #[error("{0:?} is none of voice:NUMBER, tone:HERTZ (up to 3400), silence, or a WAV file")]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the kernel says.
        error: std::io::Error,
    },
    /// There is no audio in the file.
    #[error("cannot use {}: {error}", path.display())]
    Wav {
        /// Which.
        path: PathBuf,
        /// What it has instead.
        error: WavError,
    },
}

/// How long a voice speaks before it begins anew.
const VOICE_SECONDS: usize = 10;

impl Track {
    /// Audio of [`RATE`] samples a second. None at all is silence.
    pub fn new(name: impl Into<String>, samples: impl Into<Arc<[i16]>>) -> Self {
        let samples = Some(samples.into()).filter(|samples| !samples.is_empty());
        Self { name: name.into(), samples: samples.unwrap_or_else(|| [0; RATE / 50].into()) }
    }

    /// Nothing to be heard.
    pub fn silence() -> Self {
        Self::new("silence", [])
    }

    /// A speaker, told from the others by his number.
    pub fn voice(number: u64) -> Self {
        Self::new(format!("voice:{number}"), speech::speak(number, VOICE_SECONDS))
    }

    /// A tone of so many Hertz.
    pub fn tone(hertz: u32) -> Self {
        // A second has a whole number of periods, so it can be repeated without a click.
        Self::new(format!("tone:{hertz}"), tone::sine(hertz.into(), 8000.0, RATE))
    }

    /// A WAV file, its channels mixed, at whatever rate.
    pub fn read(path: &Path) -> Result<Self, TrackError> {
        let file = std::fs::read(path)
            .map_err(|error| TrackError::File { path: path.to_owned(), error })?;
        let recording = Recording::read(&file)
            .map_err(|error| TrackError::Wav { path: path.to_owned(), error })?;
        Ok(Self::new(path.display().to_string(), recording.telephone()))
    }

    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many samples there are before it begins anew.
    pub fn period(&self) -> usize {
        self.samples.len()
    }

    /// The first `len` samples, repeated as needed: what somebody hears who listens that long.
    pub fn first(&self, len: usize) -> Vec<i16> {
        self.samples.iter().copied().cycle().take(len).collect()
    }

    /// Its samples from any time on.
    pub(super) fn from(&self, at: u64) -> impl Iterator<Item = i16> + '_ {
        let start = (at % self.samples.len() as u64) as usize;
        self.samples.iter().copied().cycle().skip(start)
    }
}

impl FromStr for Track {
    type Err = TrackError;

    fn from_str(text: &str) -> Result<Self, TrackError> {
        let unknown = || TrackError::Unknown(text.to_owned());
        match text.split_once(':') {
            None if text == "silence" => Ok(Self::silence()),
            Some(("voice", number)) => Ok(Self::voice(number.parse().map_err(|_| unknown())?)),
            Some(("tone", hertz)) => match hertz.parse() {
                Ok(hertz @ 20..=3400) => Ok(Self::tone(hertz)),
                _ => Err(unknown()),
            },
            _ => Self::read(Path::new(text)),
        }
    }
}

impl fmt::Debug for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Track({}, {} samples)", self.name, self.samples.len())
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_written_as_text() {
        let track = |text: &str| text.parse::<Track>();
        assert_eq!(track("silence").unwrap().first(4), [0; 4]);
        assert_eq!(track("voice:3").unwrap(), Track::voice(3));
        assert_ne!(track("voice:3").unwrap(), Track::voice(4));
        assert_eq!(track("tone:440").unwrap().period(), RATE);
        for wrong in ["voice:x", "tone:", "tone:5000"] {
            assert!(matches!(track(wrong), Err(TrackError::Unknown(_))), "{wrong}");
        }
        let missing = track("/nowhere/music.wav").unwrap_err().to_string();
        assert!(missing.contains("/nowhere/music.wav"), "{missing}");
    }

    #[test]
    fn a_file_repeats_itself() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), speech::wav::write(&[1, 2, 3])).unwrap();
        let track: Track = file.path().to_str().unwrap().parse().unwrap();
        assert_eq!(track.first(7), [1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(track.from(8).take(2).collect::<Vec<_>>(), [3, 1]);
    }
}
