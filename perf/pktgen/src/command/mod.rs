//! One file for each command, and the options that several of them share.

pub mod export;
pub mod search;
pub mod send;
pub mod sink;

use std::net::{IpAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use lang::Text;
use port::{Pool, Port};
use port_socket::SocketPort;
use port_xdp::{PortConfig, Program, ProgramConfig, XdpPort};
use ringfence_pktgen::Stream;
use ringfence_pktgen::sink::{LatencyReport, Report};
use signal_hook::consts::SIGINT;
use srtp::{Keying, MasterKey, Suite};

use crate::Style;

/// Chunks of a port's memory, and their size.
const CHUNKS: (usize, usize) = (8192, 2048);

/// Who makes or takes packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// XDP programs inside the kernel
    Xdp,
    /// AF_XDP, packet by packet from here
    AfXdp,
    /// UDP sockets (sendmmsg, recvmmsg)
    Socket,
}

/// Which packets.
#[derive(Args)]
pub struct StreamArgs {
    /// Where flow 0 goes; flow N goes 2 N ports above.
    #[arg(long)]
    to: SocketAddrV4,
    /// Where all flows come from.
    #[arg(long)]
    from: SocketAddrV4,
    /// MAC address of the next hop; sockets need none.
    #[arg(long, value_parser = mac, default_value = "ff:ff:ff:ff:ff:ff")]
    to_mac: [u8; 6],
    /// MAC address of the interface; sockets need none.
    #[arg(long, value_parser = mac, default_value = "02:00:00:00:00:01")]
    from_mac: [u8; 6],
    /// How many flows.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    flows: u16,
}

/// The key of SRTP.
#[derive(Args)]
pub struct KeyArgs {
    /// SRTP instead of RTP, under this key and salt (hexadecimal), the same for all flows.
    #[arg(long)]
    key_salt: Option<String>,
    /// SRTP suite, by its RFC 4568 name.
    #[arg(long, default_value = "AES_CM_128_HMAC_SHA1_80", requires = "key_salt")]
    suite: String,
}

impl StreamArgs {
    /// The packets, with room for the tag of SRTP.
    fn stream(&self, keying: Option<&Keying>) -> Result<Stream> {
        check_ports(self.to, self.flows)?;
        let tag_len = keying.map_or(0, |keying| keying.suite().rtp_tag_len());
        Ok(Stream {
            source_mac: self.from_mac,
            destination_mac: self.to_mac,
            source: self.from,
            destination: self.to,
            flows: self.flows,
            payload_len: Stream::G711 + tag_len,
        })
    }
}

impl KeyArgs {
    fn keying(&self) -> Result<Option<Keying>> {
        self.key_salt.as_deref().map(|hex| keying(&self.suite, hex)).transpose()
    }
}

/// Whether so many flows have ports from `first` on.
fn check_ports(first: SocketAddrV4, flows: u16) -> Result<()> {
    let last = u32::from(first.port()) + 2 * (u32::from(flows) - 1);
    ensure!(
        last <= u32::from(u16::MAX),
        "{flows} flows from port {} on end at {last}, and ports end at 65535; begin lower or send fewer",
        first.port()
    );
    Ok(())
}

/// Set when the user has had enough (Ctrl-C).
fn interrupted() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGINT, Arc::clone(&stop)).context("cannot wait for Ctrl-C")?;
    Ok(stop)
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse()?;
    Duration::try_from_secs_f64(seconds).map_err(|_| anyhow!("no time that can pass"))
}

fn rate(text: &str) -> Result<f64> {
    let rate: f64 = text.parse()?;
    ensure!(rate.is_finite() && rate > 0.0, "a rate is more than 0 packets a second");
    Ok(rate)
}

/// A port and its memory. Closed by the end of the process.
struct Opened {
    pool: Pool,
    port: Box<dyn Port>,
}

impl Opened {
    /// A port for the media addresses from `first` on, every second port. `interface` is for AF_XDP.
    fn new(engine: Engine, interface: &str, first: SocketAddrV4, count: u16) -> Result<Self> {
        let mut pool = Pool::new(CHUNKS.0, CHUNKS.1)?;
        let last = first.port() + 2 * (count - 1);
        let mut port: Box<dyn Port> = match engine {
            Engine::Xdp => return Err(anyhow!("the engine xdp has no ports")),
            Engine::Socket => Box::new(SocketPort::new("asked for")?),
            Engine::AfXdp => {
                let mut config = ProgramConfig::new(interface);
                config.media.push((IpAddr::V4(*first.ip()), first.port()..=last));
                let program = Arc::new(Program::attach(&config)?);
                Box::new(XdpPort::open(&mut pool, program, &PortConfig::default(), None)?)
            }
        };
        for at in (first.port()..=last).step_by(2) {
            let local = SocketAddrV4::new(*first.ip(), at);
            port.open_media(local.into())?;
        }
        Ok(Self { pool, port })
    }
}

fn keying(suite: &str, hex: &str) -> Result<Keying> {
    let suite = Suite::from_name(suite).with_context(|| {
        let names: Vec<_> = Suite::ALL.iter().map(|suite| suite.name()).collect();
        format!("no suite `{suite}`; there are: {}", names.join(", "))
    })?;
    ensure!(hex.len().is_multiple_of(2) && hex.is_ascii(), "key and salt are not hexadecimal");
    let octets = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16))
        .collect::<Result<Vec<_>, _>>()
        .context("key and salt are not hexadecimal")?;
    Ok(Keying::new(suite, MasterKey::from_key_salt(suite, &octets)?))
}

fn mac(text: &str) -> Result<[u8; 6]> {
    let octets = text.split(':').map(|octet| u8::from_str_radix(octet, 16));
    let octets = octets.collect::<Result<Vec<_>, _>>().unwrap_or_default();
    octets.try_into().map_err(|_| anyhow!("a MAC address is six octets, 02:00:00:00:00:01"))
}

const ARRIVED: Text = Text::new(
    "{packets} packets of {flows} flows came, {rate} a second",
    "{flows} 本のフローから {packets} パケットを受信、毎秒 {rate} パケット",
);
const LOST: Text = Text::new(
    "lost {lost} ({percent} %), twice {duplicated}, reordered {reordered} (by {by} at most)",
    "損失 {lost}({percent} %)、重複 {duplicated}、順序逆転 {reordered}(最大 {by} 個遅れ)",
);
const JITTER: Text = Text::new(
    "jitter (RFC 3550) {mean} µs on average, {max} µs at most",
    "ジッター(RFC 3550)平均 {mean} µs、最大 {max} µs",
);
const LATENCY: Text = Text::new(
    "latency in µs: p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, at most {max}; {samples} packets timed",
    "遅延(µs):p50 {p50}、p90 {p90}、p99 {p99}、p99.9 {p999}、最大 {max}。{samples} パケットを計測",
);
const STRAYS: Text = Text::new(
    "besides: {not_rtp} not RTP, {refused} refused as SRTP, {beyond} of too many flows",
    "その他:RTP 以外 {not_rtp}、SRTP として拒否 {refused}、フロー数の上限超過 {beyond}",
);

fn print_report(report: &Report, style: Style) -> Result<()> {
    if style.json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    let Report { packets, flows, lost, duplicated, reordered, strays, .. } = report;
    let say = |text: Text, values: &[(&str, &dyn std::fmt::Display)]| {
        println!("{}", text.fill(style.language, values));
    };
    let rate = format!("{:.0}", report.rate);
    say(ARRIVED, &[("packets", packets), ("flows", flows), ("rate", &rate)]);
    let percent = format!("{:.4}", report.loss * 100.0);
    let (by, order) = (&report.reordered_by, reordered);
    say(
        LOST,
        &[
            ("lost", lost),
            ("percent", &percent),
            ("duplicated", duplicated),
            ("reordered", order),
            ("by", by),
        ],
    );
    let (mean, max) = (format!("{:.1}", report.jitter.mean), format!("{:.1}", report.jitter.max));
    say(JITTER, &[("mean", &mean), ("max", &max)]);
    if let Some(latency) = &report.latency {
        print_latency(latency, style);
    }
    if *strays != Default::default() {
        let (not_rtp, refused, beyond) = (&strays.not_rtp, &strays.refused, &strays.beyond);
        say(STRAYS, &[("not_rtp", not_rtp), ("refused", refused), ("beyond", beyond)]);
    }
    Ok(())
}

fn print_latency(latency: &LatencyReport, style: Style) {
    let LatencyReport { samples, p50, p90, p99, p999, max } = latency;
    let values: [(&str, &dyn std::fmt::Display); 6] = [
        ("p50", p50),
        ("p90", p90),
        ("p99", p99),
        ("p999", p999),
        ("max", max),
        ("samples", samples),
    ];
    println!("{}", LATENCY.fill(style.language, &values));
}
