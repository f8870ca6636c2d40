//! What telephones send to media resources, and files of music.

use std::net::SocketAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use callmanager::codec::Codec;
use callmanager::switchboard::{CallId, MediaCommand, MediaOrder, MediaPort, Sends, StreamId};
use mediaresources::music::Music;
use mediaresources::resources::{Channel, Limits, Output, Resources, Statistics};
use rand::SeedableRng;
use rand::rngs::StdRng;
use speech::wav::Recording;

/// Two in a conference. A packet is two bytes and as many as the second says; the first says who
/// sends it, to which port, and how long after the last. Each packet is counted once, and both get
/// theirs every 20 ms whatever comes in.
pub fn conference(input: &[u8]) {
    let mut now = Instant::now();
    let began = now;
    let (rng, music) = (StdRng::seed_from_u64(1), Music::new(&[0]));
    let mut resources = Resources::new(now, UNIX_EPOCH, rng, music, Limits::default());
    let mut out = Vec::new();
    for stream in STREAMS {
        let codec = Codec::G711_ULAW;
        let commands = [
            MediaCommand::OpenReceive { codec, key: None, sends: Sends::Plain },
            MediaCommand::StartTransmit { to: phone(stream), codec, key: None },
        ];
        for command in commands {
            let order = MediaOrder { port: MediaPort::Bridge, call: CallId(1), stream, command };
            resources.handle_order(now, &order, &mut out);
        }
    }
    let (mut rest, mut packets, mut sent) = (input, 0, 0);
    while let [how, len, bytes @ ..] = rest {
        let (packet, after) = bytes.split_at(bytes.len().min(usize::from(*len) * 2));
        rest = after;
        let stream = STREAMS[usize::from(how & 1)];
        let from = phone(STREAMS[usize::from(how >> 1 & 1)]);
        let channel = if how & 4 == 0 { Channel::Rtp } else { Channel::Rtcp };
        for _ in 0..how >> 3 {
            now += Duration::from_millis(1);
            resources.handle_timeout(now, &mut out);
        }
        resources.handle_packet(now, stream, channel, from, packet);
        packets += 1;
        let rtp = |output: &Output| match output {
            Output::Send(packet) => packet.channel == Channel::Rtp,
            _ => false,
        };
        sent += out.drain(..).filter(rtp).count() as u128;
    }
    let Statistics { heard, late, from_strangers, malformed, no_speech, .. } =
        resources.statistics();
    assert_eq!(heard + late + from_strangers + malformed + no_speech, packets);
    let expected = (now - began).as_millis() / 20 * 2;
    assert!(sent.abs_diff(expected) <= 2, "{sent} of {expected}");
}

const STREAMS: [StreamId; 2] = [StreamId(1), StreamId(2)];

fn phone(stream: StreamId) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, stream.0 as u8], 20_000))
}

/// A file of music: what can be read can be played on a telephone.
pub fn music_file(file: &[u8]) {
    if let Ok(recording) = Recording::read(file) {
        assert!(recording.samples.len() <= file.len());
        let telephone = recording.telephone();
        assert!(telephone.len() <= recording.samples.len());
    }
}
