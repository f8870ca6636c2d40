//! What media resources cost: many on hold and many conferences through real sockets.
//!
//! ```sh
//! cargo run --release -p ringfence-mediaresources --example load -- 200 20 5 20
//! ```
//!
//! The arguments are streams of music, conferences, telephones in each, and seconds. The telephones
//! are threads of the same process; what is told is the time of the one thread that plays.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use callmanager::codec::Codec;
use callmanager::switchboard::{CallId, MediaCommand, MediaOrder, MediaPort, Sends, StreamId};
use ringfence_mediaresources::music::Music;
use ringfence_mediaresources::resources::Limits;
use ringfence_mediaresources::service::{Config, MediaResources};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PERIOD: Duration = Duration::from_millis(20);

fn main() {
    let numbers: Vec<u32> =
        std::env::args().skip(1).map(|n| n.parse().expect("a number")).collect();
    let [listeners, conferences, parties, seconds] = numbers.try_into().unwrap_or([200, 20, 5, 20]);
    let ear = UdpSocket::bind((HERE, 0)).expect("a port is free");
    let to = ear.local_addr().expect("it is bound");
    let (answers, opened) = channel();
    let config = Config {
        address: HERE,
        ports: 40_000..=49_999,
        music: Music::melody(),
        limits: Limits::default(),
    };
    let answer = move |_, address| {
        let _ = answers.send(address);
    };
    let resources = MediaResources::start(config, answer).expect("ports are free");

    let order = |port, call, stream, command| {
        resources.order(MediaOrder { port, call: CallId(call), stream: StreamId(stream), command });
    };
    let codec = Codec::G711_ULAW;
    let start = || MediaCommand::StartTransmit { to, codec, key: None };
    let mut bridges = Vec::new();
    for stream in 0..conferences * parties {
        let call = stream / parties;
        order(
            MediaPort::Bridge,
            call,
            stream,
            MediaCommand::OpenReceive { codec, key: None, sends: Sends::Plain },
        );
        bridges.push(opened.recv().expect("it answers").expect("a port is free"));
        order(MediaPort::Bridge, call, stream, start());
    }
    for stream in 0..listeners {
        order(MediaPort::Music, 1000, 100_000 + stream, start());
    }

    thread::spawn(move || speak(&bridges));
    thread::spawn(move || while ear.recv(&mut [0; 1500]).is_ok() {});
    // Everything is under way.
    thread::sleep(Duration::from_secs(1));
    let (before, busy, began) = (resources.statistics(), busy(), Instant::now());
    thread::sleep(Duration::from_secs(seconds.into()));
    let (after, busy, took) = (resources.statistics(), self::busy() - busy, began.elapsed());
    println!(
        "{listeners} on hold, {conferences} conferences of {parties}: {:.1} % of a processor, {:.0} \
         packets/s sent, {:.0} packets/s heard",
        100.0 * busy / took.as_secs_f64(),
        (after.sent - before.sent) as f64 / took.as_secs_f64(),
        (after.heard - before.heard) as f64 / took.as_secs_f64(),
    );
    println!("{after:?}");
}

/// All telephones of the conferences speak.
fn speak(bridges: &[SocketAddr]) {
    let sockets: Vec<UdpSocket> =
        bridges.iter().map(|_| UdpSocket::bind((HERE, 0)).expect("a port is free")).collect();
    let began = Instant::now();
    for n in 0u32.. {
        let mut packet = vec![0x80, 0];
        packet.extend((n as u16).to_be_bytes());
        packet.extend((n * 160).to_be_bytes());
        packet.extend([0, 0, 0, 1]);
        packet.extend((0..160u32).map(|octet| (octet * 7 + n) as u8));
        for (socket, bridge) in sockets.iter().zip(bridges) {
            let _ = socket.send_to(&packet, bridge);
        }
        thread::sleep((began + (n + 1) * PERIOD).saturating_duration_since(Instant::now()));
    }
}

/// Seconds that the thread which plays has worked.
fn busy() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    let nanoseconds = tasks.flatten().find_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let statistics = fs::read_to_string(task.path().join("schedstat")).ok()?;
        (name.trim() == "media").then(|| statistics.split(' ').next()?.parse::<f64>().ok())?
    });
    nanoseconds.expect("the thread lives") / 1e9
}
