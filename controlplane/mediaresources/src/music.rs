//! What those on hold hear: an endless loop, coded once in both laws.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use speech::g711::Law;
use speech::wav::{Recording, WavError};
use thiserror::Error;

use crate::FRAME;
use crate::melody::melody;

/// The longest file that is read: half an hour of what a studio delivers.
const LONGEST: u64 = 512 << 20;

/// An endless loop of telephone audio.
#[derive(Clone, Debug)]
pub struct Music {
    mu: Vec<u8>,
    a: Vec<u8>,
    len: usize,
}

/// A file of which no music can be made.
#[derive(Debug, Error)]
pub enum MusicError {
    /// It cannot be read.
    #[error("cannot read the music on hold {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is too long to be kept in memory.
    #[error("the music on hold {} has {len} bytes; at most {LONGEST} are read: cut it", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// How many bytes it has.
        len: u64,
    },
    /// It is no WAV file that can be used.
    #[error("the music on hold {} cannot be used: {source}", path.display())]
    Wav {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: WavError,
    },
}

impl Music {
    /// The built-in melody.
    pub fn melody() -> Self {
        Self::new(&melody())
    }

    /// A WAV file: PCM or G.711, any rate from 8 kHz, any number of channels.
    pub fn read(path: &Path) -> Result<Self, MusicError> {
        let path = || path.to_owned();
        let read = |source| MusicError::Read { path: path(), source };
        let len = fs::metadata(path()).map_err(read)?.len();
        if len > LONGEST {
            return Err(MusicError::TooLong { path: path(), len });
        }
        let file = fs::read(path()).map_err(read)?;
        let wav = |source| MusicError::Wav { path: path(), source };
        let samples = Recording::read(&file).map_err(wav)?.telephone();
        if samples.is_empty() {
            return Err(wav(WavError::Empty));
        }
        Ok(Self::new(&samples))
    }

    /// Telephone audio, played again and again.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(samples: &[i16]) -> Self {
        assert!(!samples.is_empty(), "music is some audio");
        // What a packet needs lies in one piece, also where the end meets the beginning.
        let around = samples.iter().cycle().take(samples.len() + FRAME - 1);
        let around: Vec<i16> = around.copied().collect();
        Self { mu: Law::Mu.encode(&around), a: Law::A.encode(&around), len: samples.len() }
    }

    /// A packet's worth from a place on that is counted from the beginning, however often it has
    /// been played.
    pub(crate) fn payload(&self, law: Law, place: u64) -> &[u8] {
        let octets = match law {
            Law::Mu => &self.mu,
            Law::A => &self.a,
        };
        let at = (place % self.len as u64) as usize;
        &octets[at..at + FRAME]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_leads_into_the_beginning() {
        for len in [1, 159, 160, 161, 1000] {
            let samples: Vec<i16> = (0..len).map(|n| n * 30).collect();
            let music = Music::new(&samples);
            for law in [Law::Mu, Law::A] {
                let heard: Vec<u8> =
                    (0..20).flat_map(|n| music.payload(law, n * FRAME as u64)).copied().collect();
                let expected = law.encode(&samples).into_iter().cycle().take(heard.len());
                assert!(heard == expected.collect::<Vec<u8>>(), "{len}");
            }
        }
    }

    #[test]
    fn the_melody_is_loud_and_never_clipped() {
        let melody = melody();
        assert_eq!(melody.len(), (14 * 8 - 2) * 3000);
        let loudest = melody.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((8_000..30_000).contains(&loudest), "{loudest}");
        assert!(melody.chunks(8000).all(|second| speech::tone::loudness(second) > 150.0));
    }

    #[test]
    fn files_that_are_none_say_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("music.wav");
        let complaint = Music::read(&path).unwrap_err().to_string();
        assert!(
            complaint.contains("music.wav") && complaint.contains("No such file"),
            "{complaint}"
        );
        fs::write(&path, b"ID3").unwrap();
        let complaint = Music::read(&path).unwrap_err().to_string();
        assert!(complaint.contains("it is no WAV file"), "{complaint}");
    }
}
