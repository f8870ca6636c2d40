//! One line: its hook, what it plays and hears, its connections.

use std::collections::{HashMap, VecDeque};

use rand::Rng;
use speech::RATE;

use crate::command::{Connection, Event, Mixing, Order, SLOTS, SignalName, Slot};
use crate::control::State;
use crate::detector::Detector;
use crate::sound::{DIGIT_ON, Sound, dtmf};
use crate::stream::Stream;

/// Samples of a step: 10 ms.
pub(crate) const STEP: usize = RATE / 100;
/// Longest audio to be said, and longest recording: ten minutes.
pub(crate) const LONGEST: usize = 600 * RATE;

/// One line.
#[derive(Default)]
pub(crate) struct Telephone {
    off_hook: bool,
    streams: [Option<Stream>; SLOTS],
    sounds: Vec<Sounding>,
    caller: Option<Box<str>>,
    /// What is said into the receiver.
    saying: VecDeque<i16>,
    /// Keys that are pressed in it: in how many samples they go down, or how long ago they have.
    keys: VecDeque<(isize, char)>,
    /// What is said again and again, when nothing else is.
    refrain: Option<Refrain>,
    recording: Option<Vec<i16>>,
    digits_heard: String,
    digits_received: String,
    detector: Detector,
}

/// A signal that goes on.
struct Sounding {
    signal: SignalName,
    on: Option<Slot>,
    sound: Sound,
}

struct Refrain {
    samples: Vec<i16>,
    at: usize,
}

/// What a step leads to.
pub(crate) struct Step {
    pub(crate) events: Vec<Event>,
    pub(crate) packets: Vec<(Slot, Vec<u8>)>,
}

impl Telephone {
    /// Whether time passes here: else there is nothing to hear or to say.
    pub(crate) fn is_busy(&self) -> bool {
        self.off_hook || self.streams.iter().any(Option::is_some) || self.announces()
    }

    fn announces(&self) -> bool {
        self.sounds.iter().any(|sounding| sounding.signal.package == "A")
    }

    pub(crate) fn obey(
        &mut self,
        order: Order,
        announcements: &HashMap<String, Vec<i16>>,
        rng: &mut impl Rng,
    ) -> Option<Event> {
        match order {
            Order::Connect { slot, connection } => self.connect(slot, connection, rng),
            Order::Disconnect { slot } => {
                *self.streams.get_mut(usize::from(slot.0))? = None;
                self.sounds.retain(|sounding| sounding.on != Some(slot));
            }
            Order::Stop { signal, on } => {
                self.sounds.retain(|known| (known.signal, known.on) != (signal, on));
            }
            Order::Start { signal, params, on } => {
                return self.begin(signal, params.as_deref(), on, announcements);
            }
        }
        None
    }

    fn connect(&mut self, slot: Slot, connection: Connection, rng: &mut impl Rng) {
        match self.streams.get_mut(usize::from(slot.0)) {
            Some(Some(stream)) => stream.change(connection, rng),
            Some(empty) => *empty = Some(Stream::new(connection, rng)),
            None => {}
        }
    }

    fn begin(
        &mut self,
        signal: SignalName,
        params: Option<&str>,
        on: Option<Slot>,
        announcements: &HashMap<String, Vec<i16>>,
    ) -> Option<Event> {
        let sound = match (signal.package, signal.id) {
            ("L", "ci") => {
                self.caller = params.map(Into::into);
                return None;
            }
            ("A", "ann") => match announcements.get(announced(params.unwrap_or_default())) {
                Some(samples) => Sound::recording(samples.clone()),
                None => return Some(Event::Failed(signal)),
            },
            _ => Sound::of(signal, params),
        };
        self.sounds.push(Sounding { signal, on, sound });
        None
    }

    pub(crate) fn hear(&mut self, slot: Slot, packet: &[u8]) {
        if let Some(Some(stream)) = self.streams.get_mut(usize::from(slot.0)) {
            self.digits_received.extend(stream.hear(packet));
        }
    }

    /// Lifts the receiver or puts it back; none if it is there already.
    pub(crate) fn hook(&mut self, off: bool) -> Option<Event> {
        if std::mem::replace(&mut self.off_hook, off) == off {
            return None;
        }
        self.be_silent();
        self.digits_heard.clear();
        self.digits_received.clear();
        self.detector = Detector::default();
        if off {
            // Ringing is over when somebody answers, whoever knows of it.
            self.sounds.retain(|sounding| !rings(sounding.signal));
        } else {
            self.caller = None;
        }
        Some(if off { Event::OffHook } else { Event::OnHook })
    }

    pub(crate) fn is_off_hook(&self) -> bool {
        self.off_hook
    }

    /// Presses keys; false if one of them does not exist.
    pub(crate) fn press(&mut self, digits: &str) -> bool {
        let tones: Option<Vec<Vec<i16>>> = digits.chars().map(dtmf).collect();
        let Some(tones) = tones else { return false };
        for (key, tone) in digits.chars().zip(tones) {
            self.keys.push_back((self.saying.len() as isize, key));
            self.saying.extend(tone);
        }
        true
    }

    pub(crate) fn say(&mut self, samples: Vec<i16>, again: bool) {
        if again {
            self.refrain = Some(Refrain { samples, at: 0 }).filter(|r| !r.samples.is_empty());
        } else {
            self.saying.extend(samples);
        }
        self.saying.truncate(LONGEST);
    }

    pub(crate) fn be_silent(&mut self) {
        self.saying.clear();
        self.keys.clear();
        self.refrain = None;
    }

    pub(crate) fn record(&mut self) {
        self.recording = Some(Vec::new());
    }

    /// What was recorded, if anything is.
    pub(crate) fn recorded(&mut self) -> Option<Vec<i16>> {
        self.recording.take()
    }

    /// Lets 10 ms pass.
    pub(crate) fn step(&mut self) -> Step {
        let mut events = Vec::new();
        let key = self.key_down();
        let said = self.next_said();
        if self.off_hook
            && let Some(event) = self.detector.hear(&said)
        {
            if let Event::Digit(digit) = event {
                self.digits_heard.push(digit);
            }
            events.push(event);
        }
        let mut heard = [[0i16; STEP]; SLOTS];
        for (stream, heard) in self.streams.iter_mut().zip(&mut heard) {
            stream.iter_mut().for_each(|stream| stream.take(heard));
        }
        let mut ear = [0i32; STEP];
        let mut sent = [[0i32; STEP]; SLOTS];
        self.mix(&said, key, &heard, &mut ear, &mut sent);
        self.play(&mut ear, &mut sent, &mut events);
        if let Some(recording) = self.recording.as_mut().filter(|r| r.len() < LONGEST) {
            recording.extend(ear.map(clip));
        }
        let mut packets = Vec::new();
        for (index, (stream, sent)) in self.streams.iter_mut().zip(&sent).enumerate() {
            let Some(stream) = stream else { continue };
            let said = stream.say(&sent.map(clip), key);
            packets.extend(said.into_iter().map(|packet| (Slot(index as u8), packet)));
        }
        Step { events, packets }
    }

    /// The key that is down in the step that comes, which passes.
    fn key_down(&mut self) -> Option<char> {
        const ON: isize = DIGIT_ON as isize;
        let step = STEP as isize;
        let down = self.keys.front().filter(|(begins, _)| *begins < step).map(|(_, key)| *key);
        self.keys.iter_mut().for_each(|(begins, _)| *begins -= step);
        if self.keys.front().is_some_and(|(begins, _)| *begins <= -ON) {
            self.keys.pop_front();
        }
        down
    }

    fn next_said(&mut self) -> [i16; STEP] {
        let mut said = [0; STEP];
        for sample in &mut said {
            *sample = match (self.saying.pop_front(), &mut self.refrain) {
                (Some(sample), _) => sample,
                (None, Some(refrain)) => {
                    let sample = refrain.samples[refrain.at];
                    refrain.at = (refrain.at + 1) % refrain.samples.len();
                    sample
                }
                (None, None) => 0,
            };
        }
        said
    }

    /// RFC 3435 §2.3.5: who hears whom.
    fn mix(
        &self,
        said: &[i16; STEP],
        key: Option<char>,
        heard: &[[i16; STEP]; SLOTS],
        ear: &mut [i32; STEP],
        sent: &mut [[i32; STEP]; SLOTS],
    ) {
        let mixings = self.streams.each_ref().map(|stream| stream.as_ref().map(mixing_of));
        let looped = |mixing| matches!(mixing, Some(Mixing::Loopback | Mixing::ContinuityTest));
        if mixings.iter().any(|mixing| looped(*mixing)) {
            add(ear, said);
        } else {
            heard.iter().for_each(|heard| add(ear, heard));
        }
        for (index, sent) in sent.iter_mut().enumerate() {
            let as_event = |stream: &Stream| key.is_some() && stream.sends_events();
            if !self.streams[index].as_ref().is_some_and(as_event) {
                add(sent, said);
            }
            if mixings[index] != Some(Mixing::Conference) {
                continue;
            }
            for (other, heard) in heard.iter().enumerate() {
                if other != index && mixings[other] == Some(Mixing::Conference) {
                    add(sent, heard);
                }
            }
        }
    }

    fn play(
        &mut self,
        ear: &mut [i32; STEP],
        sent: &mut [[i32; STEP]; SLOTS],
        events: &mut Vec<Event>,
    ) {
        self.sounds.retain_mut(|Sounding { signal, on, sound }| {
            let to = match on {
                Some(slot) => sent.get_mut(usize::from(slot.0)),
                None => Some(&mut *ear),
            };
            let goes_on = to.is_some_and(|to| sound.mix(to));
            if !goes_on && signal.package == "A" {
                events.push(Event::Ended(*signal));
            }
            goes_on
        });
    }

    /// Everything that can be told of it.
    pub(crate) fn state(&self, endpoint: &str) -> State {
        let streams = || self.streams.iter().flatten();
        State {
            endpoint: endpoint.to_owned(),
            off_hook: self.off_hook,
            ringing: !self.off_hook && self.sounds.iter().any(|s| rings(s.signal)),
            signals: self.sounds.iter().map(|s| s.signal.to_string()).collect(),
            caller: self.caller.as_deref().map(str::to_owned),
            connections: streams().count(),
            digits: self.digits_heard.clone(),
            digits_received: self.digits_received.clone(),
            saying_ms: (self.saying.len() / (RATE / 1000)) as u64,
            recorded_ms: self.recording.as_ref().map(|r| (r.len() / (RATE / 1000)) as u64),
            packets_sent: streams().map(|stream| stream.sent).sum(),
            packets_received: streams().map(|stream| stream.received).sum(),
        }
    }
}

fn mixing_of(stream: &Stream) -> Mixing {
    stream.connection.mixing
}

/// Whether a signal is one that makes a telephone ring.
fn rings(signal: SignalName) -> bool {
    let cadence = signal.id.strip_prefix('r').is_some_and(|rest| {
        matches!(rest, "g" | "s") || rest.parse::<u8>().is_ok_and(|number| number <= 7)
    });
    signal.package == "L" && cadence
}

/// The recording that an announcement's URL means: its last part, without a suffix.
fn announced(params: &str) -> &str {
    let url = params.split(',').next().unwrap_or_default().trim();
    let file = url.rsplit('/').next().unwrap_or_default();
    file.split('.').next().unwrap_or_default()
}

fn add(sum: &mut [i32; STEP], samples: &[i16; STEP]) {
    sum.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += i32::from(sample));
}

fn clip(sample: i32) -> i16 {
    sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
