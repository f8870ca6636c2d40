//! What is heard on a line: digits, fax machines, modems.

use std::collections::VecDeque;

use speech::tone::{level, loudness};

use crate::command::Event;
use crate::sound::{COLUMNS, ROWS, key};

/// Samples that are looked at together: 30 ms tell the frequencies of keys apart.
const WINDOW: usize = 240;
/// What is softer than this is silence.
const SOFTEST: f64 = 300.0;
/// How much of the energy must be in the tones, so that speech is no digit.
const PURITY: f64 = 0.8;
/// Looks in a row that must agree before a digit counts, and that must not before it is over.
const AGREE: u32 = 2;
const OVER: u32 = 2;
/// Looks that a fax machine's or modem's tone must last: 300 ms.
const LASTING: u32 = 30;
/// A calling fax machine, and an answering modem (ITU-T T.30, V.25).
const CALLING: f64 = 1100.0;
const ANSWERING: f64 = 2100.0;

/// Listens to one line.
#[derive(Debug, Default)]
pub(crate) struct Detector {
    window: VecDeque<i16>,
    candidate: Option<char>,
    seen: u32,
    missed: u32,
    /// The digit that was reported and is still heard.
    reported: Option<char>,
    calling: u32,
    answering: u32,
}

impl Detector {
    /// Hears the next samples, 10 ms of them.
    pub(crate) fn hear(&mut self, samples: &[i16]) -> Option<Event> {
        self.window.extend(samples);
        let excess = self.window.len().saturating_sub(WINDOW);
        self.window.drain(..excess);
        let heard = self.window.make_contiguous();
        let loudness = loudness(heard);
        if loudness < SOFTEST || heard.len() < WINDOW {
            (self.calling, self.answering) = (0, 0);
            return self.digit(None);
        }
        let share = |amplitudes: &[f64]| {
            amplitudes.iter().map(|a| a * a / 2.0).sum::<f64>() / (loudness * loudness)
        };
        let is_tone = |frequency| share(&[level(heard, frequency)]) > PURITY;
        let digit = loudest(heard, ROWS).zip(loudest(heard, COLUMNS));
        let digit = digit
            .filter(|((_, a), (_, b))| share(&[*a, *b]) > PURITY && *a < 3.0 * b && *b < 3.0 * a);
        let digit = digit.and_then(|((row, _), (column, _))| key(row, column));
        self.calling = if is_tone(CALLING) { self.calling + 1 } else { 0 };
        self.answering = if is_tone(ANSWERING) { self.answering + 1 } else { 0 };
        if self.calling == LASTING {
            return Some(Event::Fax);
        }
        if self.answering == LASTING {
            return Some(Event::Modem);
        }
        self.digit(digit)
    }

    /// A digit is reported when it has begun, once.
    fn digit(&mut self, heard: Option<char>) -> Option<Event> {
        if heard.is_some() && heard == self.candidate {
            self.seen += 1;
        } else {
            (self.candidate, self.seen) = (heard, u32::from(heard.is_some()));
        }
        self.missed = if heard.is_some() { 0 } else { self.missed + 1 };
        if self.missed >= OVER {
            self.reported = None;
        }
        let digit = heard.filter(|_| self.seen >= AGREE && self.reported != heard)?;
        self.reported = Some(digit);
        Some(Event::Digit(digit))
    }
}

/// The place and the amplitude of the loudest of these frequencies.
fn loudest(samples: &[i16], frequencies: [f64; 4]) -> Option<(usize, f64)> {
    let levels = frequencies.map(|frequency| level(samples, frequency));
    levels.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use speech::tone::sine;

    use super::*;
    use crate::sound::dtmf;

    fn heard(samples: &[i16]) -> Vec<Event> {
        let mut detector = Detector::default();
        samples.chunks(80).filter_map(|chunk| detector.hear(chunk)).collect()
    }

    #[test]
    fn every_key_is_heard_once() {
        let keys = "1234567890*#ABCD11";
        let samples: Vec<i16> = keys.chars().flat_map(|key| dtmf(key).unwrap()).collect();
        let expected: Vec<Event> = keys.chars().map(Event::Digit).collect();
        assert_eq!(heard(&samples), expected);
        assert_eq!(dtmf('x'), None);
    }

    #[test]
    fn speech_is_no_digit() {
        for speaker in 0..4 {
            assert_eq!(heard(&speech::speak(speaker, 10)), []);
        }
    }

    #[test]
    fn machines_are_heard_by_their_tones() {
        assert_eq!(heard(&sine(1100.0, 4000.0, 4000)), [Event::Fax]);
        assert_eq!(heard(&sine(2100.0, 4000.0, 8000)), [Event::Modem]);
        assert_eq!(heard(&sine(1100.0, 4000.0, 1600)), [], "too short");
    }
}
