//! WAV files: RIFF chunks around PCM or G.711.

use thiserror::Error;

use crate::RATE;
use crate::g711::Law;
use crate::resample::resample;

/// Audio out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Samples of one channel in a second.
    pub rate: u32,
    /// Channels; their samples take turns.
    pub channels: u16,
    /// All samples.
    pub samples: Vec<i16>,
}

/// A file that gives no audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WavError {
    /// Another kind of file.
    #[error("it is no WAV file: RIFF and WAVE are missing at its beginning")]
    NotWav,
    /// It ends before its audio begins.
    #[error("it has no chunk `{0}`; it may be cut off")]
    NoChunk(&'static str),
    /// Nobody here can read what is in it.
    #[error(
        "its format is {format} with {bits} bits; PCM with 8, 16 or 24 bits, G.711 A-law and \
         µ-law can be read: ffmpeg -i OLD -c:a pcm_s16le NEW.wav"
    )]
    Format {
        /// Format tag: 1 PCM, 3 floating point, 6 A-law, 7 µ-law.
        format: u16,
        /// Bits of a sample.
        bits: u16,
    },
    /// Too few samples a second for a telephone, or too many to believe.
    #[error("it has {0} samples a second; 8000 to 192000 can be used")]
    Rate(u32),
    /// More channels than anybody has ears, or none.
    #[error("it has {0} channels; 1 to 8 can be used")]
    Channels(u16),
    /// There is nothing in it.
    #[error("there is no audio in it")]
    Empty,
}

const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
/// The format proper stands in the first two octets of a GUID.
const EXTENSIBLE: u16 = 0xfffe;

impl Recording {
    /// Reads a file. One that was cut off gives what is left of it.
    pub fn read(file: &[u8]) -> Result<Self, WavError> {
        if file.get(..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
            return Err(WavError::NotWav);
        }
        let form = chunk(file, b"fmt ").ok_or(WavError::NoChunk("fmt "))?;
        let data = chunk(file, b"data").ok_or(WavError::NoChunk("data"))?;
        let field = |at: usize| form.get(at..at + 2).map(|f| u16::from_le_bytes([f[0], f[1]]));
        let (Some(mut format), Some(channels), Some(low), Some(high), Some(bits)) =
            (field(0), field(2), field(4), field(6), field(14))
        else {
            return Err(WavError::NoChunk("fmt "));
        };
        if format == EXTENSIBLE {
            format = field(24).ok_or(WavError::NoChunk("fmt "))?;
        }
        let rate = u32::from(high) << 16 | u32::from(low);
        if !(RATE as u32..=192_000).contains(&rate) {
            return Err(WavError::Rate(rate));
        }
        if !(1..=8).contains(&channels) {
            return Err(WavError::Channels(channels));
        }
        let samples: Vec<i16> = match (format, bits) {
            (PCM, 8) => data.iter().map(|&octet| (i16::from(octet) - 128) << 8).collect(),
            (PCM, 16) => samples_of(data),
            (PCM, 24) => data.chunks_exact(3).map(|s| i16::from_le_bytes([s[1], s[2]])).collect(),
            (A_LAW, 8) => Law::A.decode(data),
            (MU_LAW, 8) => Law::Mu.decode(data),
            _ => return Err(WavError::Format { format, bits }),
        };
        if samples.len() < channels.into() {
            return Err(WavError::Empty);
        }
        Ok(Self { rate, channels, samples })
    }

    /// As a telephone has it: one channel, [`RATE`] samples a second, nothing above 4 kHz.
    pub fn telephone(&self) -> Vec<i16> {
        let channels = usize::from(self.channels);
        let mean = |frame: &[i16]| {
            let sum: i32 = frame.iter().map(|&sample| i32::from(sample)).sum();
            (sum / channels as i32) as i16
        };
        let mono: Vec<i16> = self.samples.chunks_exact(channels).map(mean).collect();
        resample(&mono, self.rate)
    }
}

/// A file of telephone audio that any player plays.
pub fn write(samples: &[i16]) -> Vec<u8> {
    write_at(RATE as u32, samples)
}

/// The same of audio with so many samples a second.
pub fn write_at(rate: u32, samples: &[i16]) -> Vec<u8> {
    let data = 2 * samples.len() as u32;
    let mut file = Vec::with_capacity(44 + data as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel, samples and octets a second, octets and bits a sample.
    file.extend_from_slice(&[1, 0, 1, 0]);
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(2 * rate).to_le_bytes());
    file.extend_from_slice(&[2, 0, 16, 0]);
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// Raw little-endian octets as samples.
pub fn samples_of(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// What is in the first chunk of this name. Programs that write to pipes leave lengths that lie, so
/// the end of the file is believed more.
fn chunk<'a>(file: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = file.get(12..)?;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if &head[..4] == name {
            return Some(&body[..len.min(body.len())]);
        }
        // Chunks begin at even places.
        rest = body.get(len.checked_add(len % 2)?..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tone;

    fn file(form: [u16; 2], rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let [format, channels] = form;
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        file.extend_from_slice(&format.to_le_bytes());
        file.extend_from_slice(&channels.to_le_bytes());
        file.extend_from_slice(&rate.to_le_bytes());
        // Octets a second and a frame, which nobody needs.
        file.extend_from_slice(&[0; 6]);
        file.extend_from_slice(&bits.to_le_bytes());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&(data.len() as u32).to_le_bytes());
        file.extend_from_slice(data);
        file
    }

    #[test]
    fn what_was_written_is_read() {
        let samples = crate::speak(1, 1);
        let recording = Recording::read(&write(&samples)).unwrap();
        assert_eq!((recording.rate, recording.channels), (8000, 1));
        assert_eq!(recording.telephone(), samples);
    }

    #[test]
    fn formats() {
        let read = |form, bits, data: &[u8]| {
            Recording::read(&file(form, 16_000, bits, data)).map(|recording| recording.samples)
        };
        assert_eq!(read([1, 1], 8, &[0, 0x80, 0xff]).unwrap(), [-0x8000, 0, 0x7f00]);
        assert_eq!(read([1, 2], 16, &[1, 2, 3, 4]).unwrap(), [0x0201, 0x0403]);
        assert_eq!(read([1, 1], 24, &[9, 1, 2]).unwrap(), [0x0201]);
        assert_eq!(read([6, 1], 8, &[0xd5]).unwrap(), [8]);
        assert_eq!(read([7, 1], 8, &[0x80]).unwrap(), [32124]);
        assert_eq!(read([3, 1], 32, &[0; 4]), Err(WavError::Format { format: 3, bits: 32 }));
        assert_eq!(read([1, 0], 16, &[0; 4]), Err(WavError::Channels(0)));
        assert_eq!(read([1, 2], 16, &[0; 2]), Err(WavError::Empty));
        assert_eq!(Recording::read(&file([1, 1], 1, 16, &[0; 2])), Err(WavError::Rate(1)));
        assert_eq!(Recording::read(b"OggS"), Err(WavError::NotWav));
    }

    #[test]
    fn channels_become_one_and_rates_eight_kilohertz() {
        // A second of 440 Hz left and 660 Hz right; telephones cannot have the 6 kHz in both.
        for rate in [11_025, 16_000, 44_100, 48_000] {
            let frames = rate as usize;
            let [a, b, c] = [440.0, 660.0, 6000.0].map(|f| tone::sine_at(rate, f, 8000.0, frames));
            let high = if rate > 12_000 { 1 } else { 0 };
            let data: Vec<u8> = (0..frames)
                .flat_map(|n| [a[n] + high * c[n], b[n] + high * c[n]])
                .flat_map(i16::to_le_bytes)
                .collect();
            let samples = Recording::read(&file([1, 2], rate, 16, &data)).unwrap().telephone();
            assert_eq!(samples.len(), RATE, "{rate}");
            for wanted in [440.0, 660.0] {
                let level = tone::level(&samples[1000..7000], wanted);
                assert!((level - 4000.0).abs() < 80.0, "{rate}: {wanted} Hz at {level}");
            }
            // 6 kHz would come back as 2 kHz.
            let alias = tone::level(&samples[1000..7000], 2000.0);
            assert!(alias < 20.0, "{rate}: {alias}");
        }
    }

    proptest! {
        #[test]
        fn damaged_files_give_errors_or_less_audio(
            at in 0usize..52, to in any::<u8>(), len in 0usize..90
        ) {
            let mut damaged = file([1, 1], 8000, 16, &[7; 32]);
            damaged[at] = to;
            damaged.truncate(len);
            if let Ok(recording) = Recording::read(&damaged) {
                prop_assert!(!recording.samples.is_empty() && recording.samples.len() <= 32);
            }
        }
    }
}
