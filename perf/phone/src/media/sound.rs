//! Telling what is to be heard.

use std::f64::consts::TAU;
use std::fmt;

use serde::Serialize;
use speech::{RATE, tone};

use super::Track;

/// What is to be heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// No packets come.
    Nothing,
    /// Packets come, and there is nothing in them.
    Silence,
    /// A track that is known, by its name.
    Track(String),
    /// One frequency or two, always the same, in Hertz.
    Tone(Vec<u32>),
    /// Tones that change: a melody.
    Music,
    /// Something else: a voice, or noise as from a wrong key.
    Other,
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Silence => f.write_str("silence"),
            Self::Track(name) => f.write_str(name),
            Self::Tone(hertz) => {
                let hertz: Vec<_> = hertz.iter().map(u32::to_string).collect();
                write!(f, "tone of {} Hz", hertz.join(" and "))
            }
            Self::Music => f.write_str("music"),
            Self::Other => f.write_str("something unknown"),
        }
    }
}

/// Root mean square under which nothing is heard.
const QUIET: f64 = 150.0;

/// Audio looked at together: 128 ms. Frequencies are 7.8 Hz apart then.
const FRAME: usize = 1024;

/// From one frame to the next.
const HOP: usize = FRAME / 2;

/// Audio looked for in a track together: 50 ms, and how often.
const PIECE: usize = RATE / 20;
const PIECES: usize = 3;

/// Half a frame: so many frequencies can be told apart.
const BINS: usize = FRAME / 2;

/// What a Hann window leaves of a pure tone beside its bin.
const SPREAD: usize = 2;

/// How much of the energy its loudest frequencies must have, for a frame to be tonal.
const TONAL: f64 = 0.85;

/// Tells what a second of audio is: one of the known tracks if it can be found there, otherwise
/// what its frequencies say.
pub fn recognise(samples: &[i16], known: &[Track]) -> Sound {
    if tone::loudness(samples) < QUIET {
        return Sound::Silence;
    }
    let track = known.iter().find(|track| is_of(samples, track));
    track.map_or_else(|| by_frequencies(samples), |track| Sound::Track(track.name().to_owned()))
}

/// Whether its loudest pieces are found in a track, wherever that was begun. One may have been
/// spoilt by a lost packet.
fn is_of(samples: &[i16], track: &Track) -> bool {
    let mut pieces: Vec<&[i16]> = samples.chunks_exact(PIECE).collect();
    pieces.sort_by(|a, b| tone::loudness(b).total_cmp(&tone::loudness(a)));
    pieces.truncate(PIECES);
    let said = track.first(track.period() + PIECE);
    let found = pieces.iter().filter(|piece| speech::compare(&said, piece).recognised > 0).count();
    found * 2 > pieces.len()
}

fn by_frequencies(samples: &[i16]) -> Sound {
    let frames = (0..samples.len().saturating_sub(FRAME - 1)).step_by(HOP);
    let frames = frames.map(|at| &samples[at..at + FRAME]);
    let frames = frames.filter(|frame| tone::loudness(frame) >= QUIET);
    let peaks: Vec<Option<Vec<usize>>> = frames.map(peaks).collect();
    let tonal: Vec<&Vec<usize>> = peaks.iter().flatten().collect();
    if tonal.is_empty() || tonal.len() * 4 < peaks.len() * 3 {
        return Sound::Other;
    }
    let near = |a: &[usize], b: &[usize]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1)
    };
    let steady = tonal.iter().filter(|peaks| near(peaks, tonal[0])).count();
    if steady * 5 >= tonal.len() * 4 {
        Sound::Tone(tonal[0].iter().map(|&bin| exact_frequency(samples, bin)).collect())
    } else {
        Sound::Music
    }
}

/// The one or two frequencies that make up a frame, lowest first; `None` if there are more, or none.
fn peaks(frame: &[i16]) -> Option<Vec<usize>> {
    let mut energy = spectrum(frame);
    let total: f64 = energy.iter().sum();
    let (mut found, mut held) = (Vec::new(), 0.0);
    while held < TONAL * total {
        if found.len() == 2 {
            return None;
        }
        let loudest = energy.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?.0;
        let around = loudest.saturating_sub(SPREAD)..(loudest + SPREAD + 1).min(BINS);
        held += energy[around.clone()].iter().sum::<f64>();
        energy[around].fill(0.0);
        found.push(loudest);
    }
    found.sort_unstable();
    Some(found)
}

/// Between bins: where a tone near a bin is loudest.
fn exact_frequency(samples: &[i16], bin: usize) -> u32 {
    let width = RATE as f64 / FRAME as f64;
    let (low, high) = ((bin as f64 - 1.0) * width, (bin as f64 + 1.0) * width);
    let candidates = (low.max(1.0) as u32)..=(high as u32);
    let level = |hertz: &u32| tone::level(samples, f64::from(*hertz));
    candidates.max_by(|a, b| level(a).total_cmp(&level(b))).unwrap_or_default()
}

/// Energy by frequency, of a frame under a Hann window.
fn spectrum(frame: &[i16]) -> Vec<f64> {
    let window = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / FRAME as f64).cos();
    let mut wave: Vec<Complex> = frame
        .iter()
        .enumerate()
        .map(|(n, &sample)| Complex(f64::from(sample) * window(n), 0.0))
        .collect();
    transform(&mut wave);
    wave[..BINS].iter().map(|Complex(re, im)| re * re + im * im).collect()
}

#[derive(Clone, Copy, Debug)]
struct Complex(f64, f64);

/// Fourier transform of a power of two samples, by halves.
fn transform(wave: &mut [Complex]) {
    let len = wave.len();
    if len == 1 {
        return;
    }
    let mut even: Vec<_> = wave.iter().step_by(2).copied().collect();
    let mut odd: Vec<_> = wave.iter().skip(1).step_by(2).copied().collect();
    transform(&mut even);
    transform(&mut odd);
    for (n, (Complex(a, b), Complex(c, d))) in even.into_iter().zip(odd).enumerate() {
        let (sin, cos) = (-TAU * n as f64 / len as f64).sin_cos();
        let (c, d) = (c * cos - d * sin, c * sin + d * cos);
        wave[n] = Complex(a + c, b + d);
        wave[n + len / 2] = Complex(a - c, b - d);
    }
}

#[cfg(test)]
mod tests {
    use speech::g711::Law;

    use super::*;

    /// As G.711 leaves it.
    fn coded(samples: &[i16]) -> Vec<i16> {
        Law::A.decode(&Law::A.encode(samples))
    }

    fn melody() -> Vec<i16> {
        let notes = [262.0, 330.0, 392.0, 523.0, 440.0, 349.0, 294.0, 494.0];
        notes.iter().flat_map(|note| tone::sine(*note, 6000.0, RATE / 8)).collect()
    }

    #[test]
    fn each_sound_is_told() {
        let recognise = |samples: &[i16]| recognise(&coded(samples), &[]);
        assert_eq!(recognise(&[0; RATE]), Sound::Silence);
        assert_eq!(recognise(&[]), Sound::Silence);
        assert_eq!(recognise(&tone::sine(425.0, 6000.0, RATE)), Sound::Tone(vec![425]));
        let low = tone::sine(440.0, 6000.0, RATE);
        let both: Vec<_> =
            low.iter().zip(tone::sine(480.0, 6000.0, RATE)).map(|(a, b)| a + b).collect();
        assert_eq!(recognise(&both), Sound::Tone(vec![440, 480]));
        assert_eq!(recognise(&melody()), Sound::Music);
        let busy = [&low[..RATE / 2], &[0; RATE / 2]].concat();
        assert_eq!(recognise(&busy), Sound::Tone(vec![440]));
        for voice in 1..20 {
            assert_eq!(recognise(&speech::speak(voice, 1)), Sound::Other, "voice {voice}");
        }
    }

    #[test]
    fn a_known_track_is_found_wherever_it_is() {
        let tracks = [Track::voice(1), Track::voice(2), Track::new("melody", melody())];
        for track in &tracks {
            let heard = coded(&track.first(track.period() + 3 * RATE / 4)[track.period() / 2..]);
            let sound = recognise(&heard[heard.len() - RATE..], &tracks);
            assert_eq!(sound, Sound::Track(track.name().to_owned()));
        }
        let stranger = coded(&speech::speak(3, 1));
        assert_eq!(recognise(&stranger, &tracks), Sound::Other);
    }
}
