use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use srtp::Suite;

use crate::key::Key;
use crate::net::Namespace;

/// Octets of an RTP header and 20 ms of G.711.
const RTP_PACKET: usize = 12 + 160;

/// What ffmpeg reserves of a packet for the SRTP trailer.
const SRTP_TRAILER: usize = 14;

/// Says a WAV file as G.711 µ-law, 20 ms a packet, in real time.
pub fn speaker(namespace: &Namespace, wav: &Path, to: SocketAddr, key: Option<&Key>) -> Command {
    let mut command = ffmpeg(namespace);
    command.arg("-i").arg(wav);
    command.args(["-af", "asetnsamples=n=160:p=0,arealtime", "-c:a", "pcm_mulaw", "-f", "rtp"]);
    match key {
        Some(key) => command
            .args(["-srtp_out_suite", suite_name(key), "-srtp_out_params", &key.base64()])
            .arg(format!("srtp://{to}?pkt_size={}", RTP_PACKET + SRTP_TRAILER)),
        None => command.arg(format!("rtp://{to}?pkt_size={RTP_PACKET}")),
    };
    command
}

/// Hears what the session description says and writes raw samples as they come.
pub fn listener(namespace: &Namespace, description: &Path, recording: &Path) -> Command {
    let mut command = ffmpeg(namespace);
    command.args(["-y", "-protocol_whitelist", "file,udp,rtp,srtp", "-i"]).arg(description);
    command.args(["-c:a", "pcm_s16le", "-f", "s16le", "-flush_packets", "1"]).arg(recording);
    command
}

/// The session that a listener at this loopback port takes part in.
pub fn description(port: u16, key: Option<&Key>) -> String {
    let (profile, crypto) = match key {
        Some(key) => {
            ("RTP/SAVP", format!("a=crypto:1 {} inline:{}\r\n", suite_name(key), key.base64()))
        }
        None => ("RTP/AVP", String::new()),
    };
    format!(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=lab\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{crypto}"
    )
}

/// What ffmpeg calls the suite of a key. By the name of RFC 4568, AES_CM_128_HMAC_SHA1_32 would cut
/// SRTCP's tags to 32 bits too, which that RFC (§6.2.2) forbids; by that of DTLS-SRTP it does not.
fn suite_name(key: &Key) -> &'static str {
    match key.suite() {
        Suite::AesCm128HmacSha1_32 => "SRTP_AES128_CM_HMAC_SHA1_32",
        suite => suite.name(),
    }
}

fn ffmpeg(namespace: &Namespace) -> Command {
    let mut command = namespace.command("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-nostats"]);
    command
}
