//! ffmpeg at the other end: it speaks to a telephone, and listens to one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use ringfence_phone::media::{Habits, Media, StreamId, Track};
use ringfence_phone::station;
use sccp::{CallRef, PassThruPartyId};
use srtp::Suite;

use crate::common::{key_salt, keying, mu, reception, transmission};

const STREAM: StreamId = StreamId {
    phone: 1,
    stream: station::StreamId { call: CallRef(1), party: PassThruPartyId(1) },
};
const SUITE: Suite = Suite::AesCm128HmacSha1_80;
const PATIENCE: Duration = Duration::from_secs(60);

/// Octets of RTP header and 20 ms of G.711, and what ffmpeg reserves for SRTP.
const PACKET: usize = 12 + 160 + 14;

/// A program that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]);
    command.stdin(Stdio::null());
    command
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what} takes too long");
        std::thread::sleep(Duration::from_millis(50));
    }
}

// R: MED-01
#[test]
fn ffmpeg_speaks_encrypted_to_a_telephone() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 2, 1));
    let media = Media::start(20_000..=20_099).unwrap();
    let habits = Habits { records: Duration::from_secs(30), ..Habits::default() };
    let order = reception(mu(), Some(keying(SUITE, 1)));
    let to = media.open(STREAM, at, &habits, &order).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("said.wav");
    std::fs::write(&wav, speech::wav::write(&speech::speak(5, 3))).unwrap();
    let mut command = ffmpeg();
    command.arg("-i").arg(&wav);
    command.args(["-af", "asetnsamples=n=160:p=0,arealtime", "-c:a", "pcm_mulaw", "-f", "rtp"]);
    command.args(["-srtp_out_suite", SUITE.name()]);
    command.args(["-srtp_out_params", &Base64::encode_string(&key_salt(1))]);
    command.arg(format!("srtp://{to}?pkt_size={PACKET}"));
    let status = command.status().expect("ffmpeg is installed: cargo xtask setup");
    assert!(status.success());

    until("3 s of speech", || media.statistics(STREAM).received.packets >= 145);
    let received = media.statistics(STREAM).received;
    assert_eq!(received.rejected, Default::default(), "{received:?}");
    let said = Track::new("said", speech::speak(5, 3));
    let comparison = media.compare(STREAM, &said);
    assert!(comparison.recognised * 20 >= comparison.heard * 19, "{comparison}");
}

// R: MED-01
#[test]
fn ffmpeg_hears_what_a_telephone_says_encrypted() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 2, 2));
    let ear = {
        // A pair that is free; ffmpeg takes it a moment later.
        let socket = UdpSocket::bind((at, 0)).unwrap();
        SocketAddr::new(at, socket.local_addr().unwrap().port() & !1)
    };
    let dir = tempfile::tempdir().unwrap();
    let [description, recording] = ["call.sdp", "heard.s16le"].map(|name| dir.path().join(name));
    let sdp = format!(
        "v=0\r\no=- 0 0 IN IP4 {at}\r\ns=call\r\nc=IN IP4 {at}\r\nt=0 0\r\n\
         m=audio {} RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\na=crypto:1 {SUITE} inline:{}\r\n",
        ear.port(),
        Base64::encode_string(&key_salt(2)),
    );
    std::fs::write(&description, sdp).unwrap();
    let mut command = ffmpeg();
    command.args(["-protocol_whitelist", "file,udp,rtp,srtp", "-i"]).arg(&description);
    command.args(["-c:a", "pcm_s16le", "-f", "s16le", "-flush_packets", "1"]).arg(&recording);
    let child = command.spawn().expect("ffmpeg is installed: cargo xtask setup");
    let _listener = Running(child);
    let bound = format!(":{:04X}", ear.port());
    until("ffmpeg", || {
        let table = std::fs::read_to_string("/proc/net/udp").unwrap();
        table.lines().filter_map(|row| row.split_whitespace().nth(1)).any(|a| a.ends_with(&bound))
    });

    let media = Media::start(20_000..=20_099).unwrap();
    let said = Track::voice(6);
    let habits = Habits { says: said.clone(), ..Habits::default() };
    let order = transmission(mu(), Some(keying(SUITE, 2)), ear);
    media.transmit(STREAM, at, &habits, &order).unwrap();
    let heard = || speech::wav::samples_of(&std::fs::read(&recording).unwrap_or_default());
    until("3 s of speech", || heard().len() >= 3 * 8000);
    let heard = heard();
    let comparison = speech::compare(&said.first(heard.len() + said.period()), &heard);
    assert!(comparison.recognised * 20 >= comparison.heard * 19, "{comparison}");
}
