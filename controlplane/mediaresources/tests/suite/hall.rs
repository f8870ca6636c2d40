//! Media resources and telephones on a virtual clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use callmanager::codec::Codec;
use callmanager::switchboard::{
    CallId, MediaCommand, MediaOrder, MediaPort, MediaRefused, Sends, StreamId,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use ringfence_mediaresources::music::Music;
use ringfence_mediaresources::resources::{Channel, Limits, Output, Packet, Resources};
use speech::g711::Law;
use wire::{rtcp, rtp};

pub const FRAME: usize = 160;
pub const STEP: Duration = Duration::from_millis(1);

/// Resources whose outputs are carried out and held to what they promise.
pub struct Hall {
    pub resources: Resources,
    pub now: Instant,
    pub open: BTreeSet<StreamId>,
    pub refused: Vec<(StreamId, MediaRefused)>,
    /// What was sent to each address.
    pub sent: BTreeMap<SocketAddr, Vec<(Instant, Packet)>>,
}

impl Hall {
    pub fn new(music: Music, limits: Limits) -> Self {
        let now = Instant::now();
        let rng = StdRng::seed_from_u64(1);
        Self {
            resources: Resources::new(now, UNIX_EPOCH, rng, music, limits),
            now,
            open: BTreeSet::new(),
            refused: Vec::new(),
            sent: BTreeMap::new(),
        }
    }

    pub fn order(&mut self, port: MediaPort, call: u32, stream: u32, command: MediaCommand) {
        let (call, stream) = (CallId(call), StreamId(stream));
        let order = MediaOrder { port, call, stream, command };
        self.act(|resources, now, out| resources.handle_order(now, &order, out));
    }

    pub fn hear(&mut self, stream: u32, channel: Channel, from: SocketAddr, bytes: &[u8]) {
        self.resources.handle_packet(self.now, StreamId(stream), channel, from, bytes);
    }

    /// Lets a millisecond pass.
    pub fn step(&mut self) {
        self.now += STEP;
        self.act(|resources, now, out| resources.handle_timeout(now, out));
    }

    /// What was heard at an address.
    pub fn heard_at(&self, address: SocketAddr) -> Vec<i16> {
        let packets = self.sent.get(&address).into_iter().flatten();
        packets.flat_map(|(_, packet)| speech_of(&packet.bytes)).collect()
    }

    fn act(&mut self, act: impl FnOnce(&mut Resources, Instant, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.resources, self.now, &mut out);
        for output in out {
            match output {
                Output::Open { stream, .. } => drop(self.open.insert(stream)),
                Output::Close(stream) => assert!(self.open.remove(&stream), "it was open"),
                Output::Refuse(stream, refused) => self.refused.push((stream, refused)),
                Output::Send(packet) => {
                    assert!(self.open.contains(&packet.stream), "through a closed port");
                    match packet.channel {
                        Channel::Rtp => drop(rtp::Packet::new_checked(&packet.bytes).unwrap()),
                        Channel::Rtcp => rtcp::check_compound(&packet.bytes).unwrap(),
                    }
                    self.sent.entry(packet.to).or_default().push((self.now, packet));
                }
            }
        }
    }
}

/// A telephone's own packets.
pub struct Voice {
    pub address: SocketAddr,
    pub law: Law,
    pub samples: Vec<i16>,
    pub ssrc: u32,
    pub seq_no: u16,
    pub timestamp: u32,
    said: usize,
}

impl Voice {
    pub fn new(address: SocketAddr, law: Law, samples: Vec<i16>) -> Self {
        let ssrc = u32::from(address.port());
        Self { address, law, samples, ssrc, seq_no: 65_500, timestamp: u32::MAX - 10_000, said: 0 }
    }

    /// Its next packet, with silence when everything was said.
    pub fn packet(&mut self) -> Vec<u8> {
        let mut frame = [0; FRAME];
        let left = &self.samples[self.said.min(self.samples.len())..];
        for (to, sample) in frame.iter_mut().zip(left) {
            *to = *sample;
        }
        self.said += FRAME;
        let packet = packet(self.law, self.seq_no, self.timestamp, self.ssrc, &frame);
        self.seq_no = self.seq_no.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        packet
    }
}

pub fn packet(law: Law, seq_no: u16, timestamp: u32, ssrc: u32, samples: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0x80, law.payload_type()];
    bytes.extend(seq_no.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(law.encode(samples));
    bytes
}

/// The samples of a packet of G.711.
pub fn speech_of(bytes: &[u8]) -> Vec<i16> {
    let packet = rtp::Packet::new_checked(bytes).unwrap();
    match packet.payload_type().0 {
        0 => Law::Mu.decode(packet.payload()),
        8 => Law::A.decode(packet.payload()),
        other => panic!("payload type {other}"),
    }
}

pub fn codec(law: Law) -> Codec {
    match law {
        Law::Mu => Codec::G711_ULAW,
        Law::A => Codec::G711_ALAW,
    }
}

pub fn receive(law: Law) -> MediaCommand {
    MediaCommand::OpenReceive { codec: codec(law), key: None, sends: Sends::Plain }
}

pub fn transmit(law: Law, to: SocketAddr) -> MediaCommand {
    MediaCommand::StartTransmit { to, codec: codec(law), key: None }
}

pub fn phone(n: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n as u8], 20_000 + 2 * n))
}
