//! What signals sound like: tones with their rhythm (as North America has them), and recordings.

use std::f64::consts::TAU;

use speech::RATE;

use crate::command::SignalName;

/// Loudness of each frequency of a tone.
const AMPLITUDE: f64 = 4000.0;
/// Frequencies of the rows and columns of a telephone's keys.
pub(crate) const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
pub(crate) const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// The keys, row by row.
const KEYS: [&str; 4] = ["123A", "456B", "789C", "*0#D"];

/// Samples while a key is pressed, and while it is left alone: 80 ms.
pub(crate) const DIGIT_ON: usize = RATE * 80 / 1000;
pub(crate) const DIGIT_OFF: usize = RATE * 80 / 1000;

/// Steps of a tone, over and over: frequencies, and for how many milliseconds.
type Rhythm = &'static [(&'static [f64], u32)];

/// A sound that goes on.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    kind: Kind,
    at: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Rhythm { steps: Rhythm, again: bool },
    Recording(Vec<i16>),
    Silence,
}

const DIAL: &[f64] = &[350.0, 440.0];
const BUSY: &[f64] = &[480.0, 620.0];
const RINGBACK: &[f64] = &[440.0, 480.0];
const QUIET: &[f64] = &[];
const EVER: u32 = 60_000;

impl Sound {
    /// What a signal sounds like; a signal that is no sound is silence.
    pub(crate) fn of(signal: SignalName, params: Option<&str>) -> Self {
        if let Some(rhythm) = rhythm(signal) {
            return Self::from(Kind::Rhythm { steps: rhythm, again: !is_brief(signal) });
        }
        let digit = match (signal.package, signal.id) {
            ("D", "DD" | "DO") => params.and_then(digit_of),
            ("D", id) => id.chars().next(),
            _ => None,
        };
        match digit.and_then(dtmf) {
            Some(tone) => Self::from(Kind::Recording(tone)),
            None => Self::from(Kind::Silence),
        }
    }

    /// A recording, once.
    pub(crate) fn recording(samples: Vec<i16>) -> Self {
        Self::from(Kind::Recording(samples))
    }

    /// Adds the next samples to `to`; false when it has come to its end.
    pub(crate) fn mix(&mut self, to: &mut [i32]) -> bool {
        let begin = self.at;
        self.at += to.len();
        match &self.kind {
            Kind::Silence => true,
            Kind::Recording(samples) => {
                let rest = samples.get(begin..).unwrap_or_default();
                to.iter_mut().zip(rest).for_each(|(sum, &sample)| *sum += i32::from(sample));
                self.at < samples.len()
            }
            Kind::Rhythm { steps, again } => {
                let len: usize = steps.iter().map(|step| samples_of(step.1)).sum();
                for (index, sum) in (begin..).zip(to) {
                    if *again || index < len {
                        *sum += sample(steps, index % len) as i32;
                    }
                }
                *again || self.at < len
            }
        }
    }
}

impl From<Kind> for Sound {
    fn from(kind: Kind) -> Self {
        Self { kind, at: 0 }
    }
}

fn rhythm(signal: SignalName) -> Option<Rhythm> {
    Some(match signal.id {
        "dl" => &[(DIAL, EVER)],
        "sl" | "mwi" => &[(DIAL, 100), (QUIET, 100)],
        "bz" | "nbz" => &[(BUSY, 500), (QUIET, 500)],
        "ro" | "cg" | "e" => &[(BUSY, 250), (QUIET, 250)],
        "rt" | "rbk" | "v" => &[(RINGBACK, 2000), (QUIET, 4000)],
        "wt" | "wt1" | "wt2" | "wt3" | "wt4" => &[(&[440.0], 300), (QUIET, 9700)],
        "ot" => &[(&[1400.0, 2060.0, 2450.0, 2600.0], 100), (QUIET, 100)],
        "sit" | "it" | "zz" => &[(&[913.8], 274), (&[1370.6], 274), (&[1776.7], 380), (QUIET, 72)],
        "cf" => &[(&[350.0], 100), (QUIET, 100), (&[440.0], 100)],
        "p" | "z" => &[(&[941.0, 1477.0], 60), (DIAL, 940)],
        "pt" => &[(BUSY, 900), (QUIET, 100)],
        "y" => &[(&[1400.0], 500), (QUIET, 14_500)],
        "aw" => &[(&[2100.0], EVER)],
        "ht" => &[(&[440.0], 500), (QUIET, 9500)],
        "co1" => &[(&[2010.0], EVER)],
        "co2" => &[(&[1780.0], EVER)],
        "mm" | "om" | "nm" | "tp" => &[(&[1004.0], EVER)],
        _ => return None,
    })
}

fn is_brief(signal: SignalName) -> bool {
    matches!(signal.id, "cf" | "p" | "z")
}

/// A sample of a rhythm.
fn sample(steps: Rhythm, mut at: usize) -> f64 {
    for (frequencies, milliseconds) in steps {
        let len = samples_of(*milliseconds);
        if at < len {
            let step = TAU * at as f64 / RATE as f64;
            return frequencies.iter().map(|f| AMPLITUDE * (f * step).sin()).sum();
        }
        at -= len;
    }
    0.0
}

fn samples_of(milliseconds: u32) -> usize {
    milliseconds as usize * RATE / 1000
}

/// `dg=5`
fn digit_of(params: &str) -> Option<char> {
    params.split(',').find_map(|param| param.trim().strip_prefix("dg="))?.chars().next()
}

/// A key pressed and released.
pub(crate) fn dtmf(digit: char) -> Option<Vec<i16>> {
    let digit = digit.to_ascii_uppercase();
    let (row, keys) = KEYS.iter().enumerate().find(|(_, keys)| keys.contains(digit))?;
    let column = keys.find(digit)?;
    let mut samples: Vec<i16> = speech::tone::sine(ROWS[row], AMPLITUDE, DIGIT_ON)
        .into_iter()
        .zip(speech::tone::sine(COLUMNS[column], AMPLITUDE, DIGIT_ON))
        .map(|(a, b)| a + b)
        .collect();
    samples.resize(DIGIT_ON + DIGIT_OFF, 0);
    Some(samples)
}

/// The key of a row and a column.
pub(crate) fn key(row: usize, column: usize) -> Option<char> {
    KEYS.get(row)?.chars().nth(column)
}
