//! Speech in order and in time: what comes too soon waits, what does not come is made up.
//!
//! Samples lie in a ring by their timestamps. The place where it is played moves on 20 ms with every
//! packet that leaves. It lies behind what comes in by as much as the network needs: a packet that is
//! too late moves it back, and when all have been early for a while it moves forth again.

use speech::g711::Law;

use super::conceal::Concealer;
use crate::{FRAME, Frame};

/// Samples in the ring: 256 ms.
const CAPACITY: usize = 2048;

/// How far behind the first packet playing begins: 40 ms.
const DELAY: u32 = 320;

/// How far it may move back in all: 160 ms.
const LONGEST_DELAY: u32 = 1280;

/// What it moves by: 10 ms.
const STEP: u32 = 80;

/// How early even the latest packet should be. Time goes by in frames, so that it is also that
/// much by itself.
const MARGIN: i32 = 2 * FRAME as i32;

/// Frames after which it is looked whether all came early: 4 s.
const LOOK: u32 = 200;

/// So many packets in a row that fit nowhere mean that time has jumped, not they.
const JUMPS: u32 = 3;

/// Frames without anything after which the next packet begins anew: 100 ms.
const DRY: u32 = 5;

#[derive(Debug)]
pub(crate) struct JitterBuffer {
    samples: Box<[Option<i16>; CAPACITY]>,
    /// The timestamp to be played next; `None` while there is nothing.
    place: Option<u32>,
    /// How far it was put back.
    delay: u32,
    /// How early the latest packet was, in samples, since it was looked last.
    least: i32,
    looked: u32,
    misfits: u32,
    dry: u32,
    concealer: Concealer,
}

/// It came when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

/// What was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Played {
    /// Nothing: nobody speaks.
    Silence,
    /// What came.
    Speech,
    /// Something of it was made up.
    Concealed,
}

impl JitterBuffer {
    pub(crate) fn new() -> Self {
        Self {
            samples: Box::new([None; CAPACITY]),
            place: None,
            delay: DELAY,
            least: i32::MAX,
            looked: 0,
            misfits: 0,
            dry: 0,
            concealer: Concealer::new(),
        }
    }

    /// Speech that begins at a timestamp.
    pub(crate) fn insert(&mut self, timestamp: u32, law: Law, speech: &[u8]) -> Result<(), Late> {
        let place = *self.place.get_or_insert(timestamp.wrapping_sub(self.delay));
        let mut early = timestamp.wrapping_sub(place) as i32;
        if early < 0 {
            early += self.move_back(early.unsigned_abs());
        }
        if early < -(speech.len() as i32) || early > (CAPACITY - speech.len()) as i32 {
            self.misfits += 1;
            if self.misfits < JUMPS {
                return Err(Late);
            }
            self.begin(timestamp);
            early = self.delay as i32;
        }
        self.misfits = 0;
        self.least = self.least.min(early);
        for (offset, &octet) in (early..).zip(speech).filter(|(offset, _)| *offset >= 0) {
            let at = timestamp.wrapping_add((offset - early) as u32);
            self.samples[at as usize % CAPACITY] = Some(law.decode_sample(octet));
        }
        if early < 0 { Err(Late) } else { Ok(()) }
    }

    /// Plays the next 20 ms.
    pub(crate) fn play(&mut self, frame: &mut Frame) -> Played {
        let Some(place) = self.place else {
            frame.fill(0);
            return Played::Silence;
        };
        let mut missing = 0;
        for (offset, sample) in (0..).zip(frame.iter_mut()) {
            let there = self.samples[place.wrapping_add(offset) as usize % CAPACITY].take();
            missing += usize::from(there.is_none());
            *sample = self.concealer.next(there);
        }
        self.place = Some(place.wrapping_add(FRAME as u32));
        self.dry = if missing == FRAME { self.dry + 1 } else { 0 };
        if self.dry >= DRY && self.samples.iter().all(Option::is_none) {
            self.place = None;
        }
        self.look();
        match missing {
            0 => Played::Speech,
            // Before the first packet's turn, and after the last.
            FRAME if frame.iter().all(|&sample| sample == 0) => Played::Silence,
            _ => Played::Concealed,
        }
    }

    /// Begins with the next packet at this timestamp.
    fn begin(&mut self, timestamp: u32) {
        self.samples.fill(None);
        self.delay = DELAY;
        self.place = Some(timestamp.wrapping_sub(DELAY));
        self.least = i32::MAX;
        self.looked = 0;
        self.concealer.splice();
    }

    /// Waits longer, for a packet that is so late, if that is not too long. Gives how much.
    fn move_back(&mut self, late: u32) -> i32 {
        let by = late.div_ceil(STEP) * STEP;
        if by > LONGEST_DELAY - self.delay {
            return 0;
        }
        self.delay += by;
        self.place = self.place.map(|place| place.wrapping_sub(by));
        // What was early by then is early by more now.
        self.least = self.least.saturating_add_unsigned(by);
        by as i32
    }

    /// Waits less if nothing has needed it for a while.
    fn look(&mut self) {
        self.looked += 1;
        if self.looked < LOOK {
            return;
        }
        let spare = std::mem::replace(&mut self.least, i32::MAX);
        self.looked = 0;
        let Some(place) = self.place.filter(|_| spare != i32::MAX && spare > MARGIN) else {
            return;
        };
        let by = STEP.min((spare - MARGIN) as u32);
        for at in 0..by {
            self.samples[place.wrapping_add(at) as usize % CAPACITY] = None;
        }
        self.place = Some(place.wrapping_add(by));
        self.delay = self.delay.saturating_sub(by);
        self.concealer.splice();
    }
}
