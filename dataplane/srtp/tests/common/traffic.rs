//! Traffic as networks and strangers make it, from a seed.

use super::rtp;

/// A small generator of random numbers.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        // xorshift64*, Vigna.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// A packet and its session's number.
#[derive(Clone, Debug)]
pub struct Packet {
    pub session: usize,
    pub octets: Vec<u8>,
}

/// Streams of several sessions, going on from call to call.
pub struct Streams {
    /// Next sequence numbers by session and SSRC.
    seqs: Vec<Vec<u16>>,
}

impl Streams {
    pub fn new(dice: &mut Dice, sessions: usize) -> Self {
        let seqs = (0..sessions)
            .map(|_| {
                (0..1 + dice.below(3)).map(|_| dice.pick(&[0, 1000, 32_700, 65_400])).collect()
            })
            .collect();
        Self { seqs }
    }

    /// The next packets: mostly in order, sometimes after a gap, sometimes out of order, sometimes
    /// twice.
    pub fn next(&mut self, dice: &mut Dice, count: usize) -> Vec<Packet> {
        let mut packets = Vec::with_capacity(count);
        for _ in 0..count {
            let session = dice.below(self.seqs.len());
            let stream = dice.below(self.seqs[session].len());
            let seq = &mut self.seqs[session][stream];
            let jump = match dice.below(100) {
                0 => dice.below(33_000),
                1..4 => dice.below(300),
                _ => 0,
            };
            *seq = seq.wrapping_add(jump as u16);
            let late = if dice.percent(3) { dice.below(200) } else { 0 };
            let ssrc = (session * 16 + stream) as u32;
            packets
                .push(Packet { session, octets: plain(dice, ssrc, seq.wrapping_sub(late as u16)) });
            if late == 0 {
                *seq = seq.wrapping_add(1);
            }
        }
        packets
    }
}

/// An RTP packet with any header and any length.
fn plain(dice: &mut Dice, ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = rtp(ssrc, seq, 0);
    if dice.percent(10) {
        let csrcs = dice.below(16);
        packet[0] |= csrcs as u8;
        packet.extend((0..4 * csrcs).map(|n| n as u8));
    }
    if dice.percent(10) {
        let words = dice.below(5);
        packet[0] |= 0x10;
        packet.extend([0xbe, 0xde, 0, words as u8]);
        packet.extend((0..4 * words).map(|n| n as u8));
    }
    let payload = match dice.below(10) {
        0 => dice.below(1400),
        1 | 2 => dice.below(70),
        _ => 160,
    };
    let start = dice.below(256);
    packet.extend((start..start + payload).map(|n| n as u8));
    packet
}

/// What a network and a stranger make of packets: loss, doubles, disorder, changed bits, rubbish.
pub fn wire(dice: &mut Dice, packets: &[Packet]) -> Vec<Packet> {
    let mut arrived = Vec::with_capacity(packets.len() + packets.len() / 4);
    for packet in packets {
        if dice.percent(3) {
            continue;
        }
        if dice.percent(4) {
            let mut forged = packet.clone();
            let bit = dice.below(8 * forged.octets.len());
            forged.octets[bit / 8] ^= 1 << (bit % 8);
            arrived.push(forged);
        }
        if dice.percent(2) {
            let mut cut = packet.clone();
            cut.octets.truncate(dice.below(cut.octets.len()));
            arrived.push(cut);
        }
        arrived.push(packet.clone());
        if dice.percent(5) {
            arrived.push(dice.pick(packets));
        }
    }
    for at in 0..arrived.len() {
        if dice.percent(10) {
            let other = (at + dice.below(20)).min(arrived.len() - 1);
            arrived.swap(at, other);
        }
    }
    arrived
}
