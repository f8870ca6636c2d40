//! The media of one connection: samples to packets, packets to samples.

use std::collections::VecDeque;

use rand::Rng;
use speech::RATE;
use wire::rtp::Packet;

use crate::command::Connection;
use crate::events::{Hearing, Sending, Telling};
use crate::sound::{DIGIT_ON, dtmf};

/// Most that waits to be heard: what comes faster than it is heard gives way.
const BUFFER_MAX: usize = RATE / 5;
/// What must be there before anything is heard, so that jitter is not.
const BUFFER_MIN: usize = RATE / 25;
const HEADER: usize = 12;
/// A packet that is not the next, but not so far off, is late or early.
const REORDER: i16 = 64;

/// One connection of a line.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) connection: Connection,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    marked: bool,
    /// Samples on their way into a packet.
    outgoing: Vec<i16>,
    /// Samples on their way to the ear.
    incoming: VecDeque<i16>,
    buffering: bool,
    last_heard: Option<u16>,
    /// A key that is down.
    event: Option<Sending>,
    hearing: Hearing,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Stream {
    pub(crate) fn new(connection: Connection, rng: &mut impl Rng) -> Self {
        Self {
            connection,
            ssrc: rng.random(),
            sequence: rng.random(),
            timestamp: rng.random(),
            marked: false,
            outgoing: Vec::new(),
            incoming: VecDeque::new(),
            buffering: true,
            last_heard: None,
            event: None,
            hearing: Hearing::default(),
            sent: 0,
            received: 0,
        }
    }

    /// The connection has changed. A fresh one has nothing in common with what was before.
    pub(crate) fn change(&mut self, connection: Connection, rng: &mut impl Rng) {
        if connection.fresh {
            let (sent, received) = (self.sent, self.received);
            *self = Self { sent, received, ..Self::new(connection, rng) };
        }
        self.connection = connection;
    }

    /// Takes a packet of the other end; a digit when it tells of one first.
    pub(crate) fn hear(&mut self, packet: &[u8]) -> Option<char> {
        let rtp = Packet::new_checked(packet).ok()?;
        let payload_type = rtp.payload_type().0;
        let is_event = self.connection.events == Some(payload_type);
        if !is_event && payload_type != self.connection.payload_type {
            return None;
        }
        let sequence = rtp.seq_no().0;
        let ahead = self.last_heard.map(|last| sequence.wrapping_sub(last) as i16);
        if ahead.is_some_and(|ahead| (-REORDER..=0).contains(&ahead)) {
            // Late, or twice: its place is taken.
            return None;
        }
        self.last_heard = Some(sequence);
        self.received += 1;
        let digit = match is_event {
            true => self.hearing.hear(rtp.timestamp(), rtp.payload()),
            false => None,
        };
        if !is_event {
            self.incoming.extend(self.connection.law.decode(rtp.payload()));
        } else if let Some(tone) = digit.and_then(dtmf) {
            // It does not wait for jitter to be over: there is none in it. The pause comes by itself.
            self.incoming.extend(&tone[..DIGIT_ON]);
            self.buffering = false;
        }
        let excess = self.incoming.len().saturating_sub(BUFFER_MAX);
        self.incoming.drain(..excess);
        self.buffering &= self.incoming.len() < BUFFER_MIN;
        digit
    }

    /// What is heard next.
    pub(crate) fn take(&mut self, to: &mut [i16]) {
        to.fill(0);
        if self.buffering {
            return;
        }
        let len = to.len().min(self.incoming.len());
        to.iter_mut().zip(self.incoming.drain(..len)).for_each(|(to, sample)| *to = sample);
        self.buffering = self.incoming.is_empty();
    }

    /// Whether a key that is pressed goes as an event, and not as its tone.
    pub(crate) fn sends_events(&self) -> bool {
        self.connection.sends && self.connection.events.is_some()
    }

    /// Says something while a key is down, or none; packets when they are full.
    pub(crate) fn say(&mut self, samples: &[i16], key: Option<char>) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let Some(payload_type) = self.connection.events.filter(|_| self.connection.sends) else {
            self.event = None;
            packets.extend(self.say_audio(samples));
            return packets;
        };
        let goes_on = |event: &mut Sending| key.is_none_or(|key| !event.is_of(key));
        if let Some(event) = self.event.take_if(goes_on) {
            packets.extend(event.ends().map(|telling| self.tell(payload_type, telling)));
        }
        let Some(key) = key else {
            packets.extend(self.say_audio(samples));
            return packets;
        };
        // What was to be said before is too short for a packet now.
        let unsaid = self.outgoing.drain(..).len() as u32;
        self.timestamp = self.timestamp.wrapping_add(unsaid);
        let between = self.packet_len();
        let began = self.timestamp;
        self.event = self.event.take().or_else(|| Sending::new(key, began));
        let telling = self.event.as_mut().and_then(|event| event.lasts(samples.len(), between));
        packets.extend(telling.map(|telling| self.tell(payload_type, telling)));
        self.timestamp = self.timestamp.wrapping_add(samples.len() as u32);
        packets
    }

    fn say_audio(&mut self, samples: &[i16]) -> Option<Vec<u8>> {
        if !self.connection.sends {
            self.outgoing.clear();
            self.timestamp = self.timestamp.wrapping_add(samples.len() as u32);
            return None;
        }
        self.outgoing.extend_from_slice(samples);
        let len = self.packet_len();
        if self.outgoing.len() < len {
            return None;
        }
        let marker = !std::mem::replace(&mut self.marked, true);
        let mut packet = self.header(marker, self.connection.payload_type, self.timestamp);
        let law = self.connection.law;
        packet.extend(self.outgoing.drain(..len).map(|sample| law.encode_sample(sample)));
        self.timestamp = self.timestamp.wrapping_add(len as u32);
        Some(packet)
    }

    fn tell(&mut self, payload_type: u8, telling: Telling) -> Vec<u8> {
        let mut packet = self.header(telling.marker, payload_type, telling.began);
        packet.extend(telling.payload);
        packet
    }

    /// The header of the next packet.
    fn header(&mut self, marker: bool, payload_type: u8, timestamp: u32) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER + self.packet_len());
        packet.extend_from_slice(&[0x80, if marker { 0x80 } else { 0 } | payload_type]);
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        self.sent += 1;
        packet
    }

    /// Samples of a packet.
    fn packet_len(&self) -> usize {
        self.connection.packet_ms as usize * RATE / 1000
    }
}
