//! The media of one connection: samples to packets, packets to samples.

use std::collections::VecDeque;

use rand::Rng;
use speech::RATE;
use wire::rtp::Packet;

use crate::command::Connection;

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

    /// Takes a packet of the other end.
    pub(crate) fn hear(&mut self, packet: &[u8]) {
        let Ok(rtp) = Packet::new_checked(packet) else { return };
        if rtp.payload_type().0 != self.connection.payload_type {
            return;
        }
        let sequence = rtp.seq_no().0;
        let ahead = self.last_heard.map(|last| sequence.wrapping_sub(last) as i16);
        if ahead.is_some_and(|ahead| (-REORDER..=0).contains(&ahead)) {
            // Late, or twice: its place is taken.
            return;
        }
        self.last_heard = Some(sequence);
        self.received += 1;
        self.incoming.extend(self.connection.law.decode(rtp.payload()));
        let excess = self.incoming.len().saturating_sub(BUFFER_MAX);
        self.incoming.drain(..excess);
        self.buffering &= self.incoming.len() < BUFFER_MIN;
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

    /// Says something; a packet when one is full.
    pub(crate) fn say(&mut self, samples: &[i16]) -> Option<Vec<u8>> {
        if !self.connection.sends {
            self.outgoing.clear();
            self.timestamp = self.timestamp.wrapping_add(samples.len() as u32);
            return None;
        }
        self.outgoing.extend_from_slice(samples);
        let len = self.connection.packet_ms as usize * RATE / 1000;
        if self.outgoing.len() < len {
            return None;
        }
        let mut packet = Vec::with_capacity(HEADER + len);
        let marker = if std::mem::replace(&mut self.marked, true) { 0 } else { 0x80 };
        packet.extend_from_slice(&[0x80, marker | self.connection.payload_type]);
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        let law = self.connection.law;
        packet.extend(self.outgoing.drain(..len).map(|sample| law.encode_sample(sample)));
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(len as u32);
        self.sent += 1;
        Some(packet)
    }
}
