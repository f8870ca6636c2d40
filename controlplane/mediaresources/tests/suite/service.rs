//! Through real sockets, in real time.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use callmanager::switchboard::{
    CallId, MediaCommand, MediaOrder, MediaPort, MediaRefused, StreamId,
};
use ringfence_mediaresources::music::Music;
use ringfence_mediaresources::resources::Limits;
use ringfence_mediaresources::service::{Config, MediaResources, StartError};
use speech::g711::Law;
use speech::{compare, speak, tone, wav};

use crate::hall::{FRAME, Voice, receive, speech_of, transmit};

const PATIENCE: Duration = Duration::from_secs(20);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

type Opened = (StreamId, Result<SocketAddr, MediaRefused>);

/// The service, and what it answers.
fn start(music: Music, ports: std::ops::RangeInclusive<u16>) -> (MediaResources, Receiver<Opened>) {
    let (answers, opened) = channel();
    let config = Config { address: HERE, ports, music, limits: Limits::default() };
    let answer = move |stream, result| {
        let _ = answers.send((stream, result));
    };
    (MediaResources::start(config, answer).unwrap(), opened)
}

fn order(port: MediaPort, call: u32, stream: u32, command: MediaCommand) -> MediaOrder {
    MediaOrder { port, call: CallId(call), stream: StreamId(stream), command }
}

/// A telephone that speaks and listens on one socket, as real ones do.
struct Telephone {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    speaks: JoinHandle<()>,
    hears: JoinHandle<Vec<i16>>,
}

impl Telephone {
    fn call(law: Law, frequency: f64, socket: UdpSocket, bridge: SocketAddr) -> Self {
        let address = socket.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (ear, done) = (socket.try_clone().unwrap(), over.clone());
        let hears = thread::spawn(move || {
            let (mut heard, mut datagram) = (Vec::new(), [0; 1500]);
            while !done.load(Ordering::Relaxed) {
                if let Ok((len, from)) = ear.recv_from(&mut datagram) {
                    assert_eq!(from, bridge, "media comes from where it is sent to");
                    heard.extend(speech_of(&datagram[..len]));
                }
            }
            heard
        });
        let done = over.clone();
        let speaks = thread::spawn(move || {
            let mut voice = Voice::new(address, law, tone::sine(frequency, 6000.0, 8000 * 60));
            let began = Instant::now();
            for n in 1.. {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                let _ = socket.send_to(&voice.packet(), bridge);
                let next = began + n * Duration::from_millis(20);
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        Self { address, over, speaks, hears }
    }

    fn hang_up(self) -> Vec<i16> {
        self.over.store(true, Ordering::Relaxed);
        self.speaks.join().unwrap();
        self.hears.join().unwrap()
    }
}

#[test]
fn three_telephones_confer() {
    let (resources, opened) = start(Music::melody(), 30_000..=30_999);
    let tones = [(Law::Mu, 440.0), (Law::A, 660.0), (Law::Mu, 1000.0)];
    let telephones: Vec<Telephone> = (1..)
        .zip(tones)
        .map(|(stream, (law, frequency))| {
            resources.order(order(MediaPort::Bridge, 7, stream, receive(law)));
            let (answered, bridge) = opened.recv_timeout(PATIENCE).unwrap();
            assert_eq!(answered, StreamId(stream));
            let bridge = bridge.unwrap();
            assert!(bridge.port() % 2 == 0 && (30_000..30_999).contains(&bridge.port()));
            let socket = UdpSocket::bind((HERE, 0)).unwrap();
            let telephone = Telephone::call(law, frequency, socket, bridge);
            let start = transmit(law, telephone.address);
            resources.order(order(MediaPort::Bridge, 7, stream, start));
            telephone
        })
        .collect();
    let deadline = Instant::now() + PATIENCE;
    while resources.statistics().heard < 450 {
        assert!(Instant::now() < deadline, "{:?}", resources.statistics());
        thread::sleep(Duration::from_millis(50));
    }
    let statistics = resources.statistics();
    assert_eq!((statistics.speakers, statistics.conferences), (3, 1));
    for stream in 1..=3 {
        resources.order(order(MediaPort::Bridge, 7, stream, MediaCommand::CloseReceive));
        resources.order(order(MediaPort::Bridge, 7, stream, MediaCommand::StopTransmit));
    }
    let heard: Vec<Vec<i16>> = telephones.into_iter().map(Telephone::hang_up).collect();
    for (n, heard) in heard.iter().enumerate() {
        assert!(heard.len() > 8000, "{n} heard {} samples", heard.len());
        // The last second: all are there.
        let heard = &heard[heard.len() - 8000..];
        for (speaker, (_, frequency)) in tones.into_iter().enumerate() {
            let level = tone::level(heard, frequency);
            // A machine that is busy loses some.
            let right = if speaker == n { level < 600.0 } else { level > 3000.0 };
            assert!(right, "{n} hears {speaker} at {level}");
        }
    }
}

#[test]
fn ports_are_not_used_again_at_once_and_not_others() {
    // One of the four pairs belongs to somebody else.
    let (other, base) = loop {
        let other = UdpSocket::bind((HERE, 0)).unwrap();
        let port = other.local_addr().unwrap().port() & !7;
        let free = (port..port + 8).filter(|p| UdpSocket::bind((HERE, *p)).is_ok()).count();
        if free == 7 {
            break (other, port);
        }
    };
    let others = other.local_addr().unwrap().port() & !1;
    let (resources, opened) = start(Music::melody(), base..=base + 7);
    let mut last = 0;
    for stream in 1..=20 {
        resources.order(order(MediaPort::Bridge, 1, stream, receive(Law::Mu)));
        let port = opened.recv_timeout(PATIENCE).unwrap().1.unwrap().port();
        assert!(port != last && port != others && port % 2 == 0, "{port}");
        last = port;
        resources.order(order(MediaPort::Bridge, 1, stream, MediaCommand::CloseReceive));
    }
    for stream in 21..=24 {
        resources.order(order(MediaPort::Bridge, 1, stream, receive(Law::Mu)));
        let answer = opened.recv_timeout(PATIENCE).unwrap().1;
        let no_sockets = MediaRefused::Status(sccp::codes::MediaStatus::NO_SOCKETS.0);
        assert_eq!(answer.err(), (stream == 24).then_some(no_sockets));
    }
    drop(resources);
    // It ended and let go of its ports.
    assert!(UdpSocket::bind((HERE, last)).is_ok());
}

#[test]
fn what_cannot_work_is_said_at_the_start() {
    let start = |address: &str, ports| {
        let address = address.parse().unwrap();
        let config = Config { address, ports, music: Music::melody(), limits: Limits::default() };
        MediaResources::start(config, |_, _| {}).unwrap_err()
    };
    assert!(matches!(start("0.0.0.0", 30_000..=30_999), StartError::Unspecified(_)));
    assert!(matches!(start("127.0.0.1", 30_001..=30_002), StartError::NoPorts { .. }));
    assert!(matches!(start("127.0.0.1", 65_535..=65_535), StartError::NoPorts { .. }));
    let complaint = start("192.0.2.1", 30_000..=30_999).to_string();
    assert!(complaint.contains("192.0.2.1") && complaint.contains("ip address"), "{complaint}");
}

/// ffmpeg as a telephone on hold: it decodes what the file had.
#[test]
#[ignore = "needs ffmpeg: cargo xtask test"]
fn ffmpeg_hears_the_music() {
    for (law, payload) in [(Law::Mu, "0"), (Law::A, "8")] {
        let dir = tempfile::tempdir().unwrap();
        let (file, description, recording) =
            (dir.path().join("music.wav"), dir.path().join("sdp"), dir.path().join("heard"));
        let said = speak(11, 6);
        fs::write(&file, wav::write(&said)).unwrap();
        let (resources, _opened) = start(Music::read(&file).unwrap(), 31_000..=31_999);

        let socket = UdpSocket::bind((HERE, 0)).unwrap();
        let to = SocketAddr::new(HERE, socket.local_addr().unwrap().port() & !1);
        drop(socket);
        let session = format!(
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=hold\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} RTP/AVP {payload}\r\n",
            to.port()
        );
        fs::write(&description, session).unwrap();
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]);
        ffmpeg.args(["-protocol_whitelist", "file,udp,rtp", "-i"]).arg(&description);
        ffmpeg.args(["-t", "5", "-c:a", "pcm_s16le", "-f", "s16le"]).arg(&recording);
        let mut ffmpeg = Guard(ffmpeg.stdout(Stdio::null()).spawn().expect("ffmpeg is installed"));
        let deadline = Instant::now() + PATIENCE;
        // Whether somebody has the port is seen by trying to take it.
        while UdpSocket::bind(to).is_ok() {
            assert!(Instant::now() < deadline, "ffmpeg does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        resources.order(order(MediaPort::Music, 1, 1, transmit(law, to)));
        assert!(ffmpeg.0.wait().unwrap().success());
        let heard = wav::samples_of(&fs::read(&recording).unwrap());
        // A busy machine leaves out what is overdue and says so; nothing else is missing.
        let skipped = resources.statistics().skipped as usize * FRAME;
        let comparison = compare(&said[..5 * speech::RATE], &heard);
        assert!(comparison.recognised * 100 >= heard.len() * 95, "{law:?}: {comparison}");
        assert!(heard.len() + skipped >= 240 * FRAME, "{law:?}, {skipped} skipped: {comparison}");
    }
}

/// A program that ends with the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
