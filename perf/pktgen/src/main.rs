//! `ringfence-pktgen`: RTP and SRTP from inside the kernel, and what becomes of it.

use std::net::SocketAddrV4;
use std::thread;
use std::time::Duration;

use ::srtp::{Keying, MasterKey, Suite};
use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, Parser};
use ringfence_pktgen::{Content, Kit, Latencies, Order, Role, Stream, srtp};

/// Sends RTP or SRTP at a steady pace, or counts what arrives. Needs root.
#[derive(Parser)]
enum Task {
    /// Send the packets of many flows through an interface
    Send(Send),
    /// Count and drop the RTP that an interface receives
    Sink(Sink),
}

#[derive(Args)]
struct Send {
    /// Interface the packets leave through
    interface: String,
    /// Where flow 0 goes; flow N goes 2 N ports above
    #[arg(long)]
    to: SocketAddrV4,
    /// Where all flows come from
    #[arg(long)]
    from: SocketAddrV4,
    /// MAC address of the next hop
    #[arg(long, value_parser = mac)]
    to_mac: [u8; 6],
    /// MAC address of the interface
    #[arg(long, value_parser = mac)]
    from_mac: [u8; 6],
    /// How many flows
    #[arg(long, default_value_t = 1)]
    flows: u16,
    /// Packets per second of all flows together; without it as many as possible
    #[arg(long)]
    rate: Option<f64>,
    /// How long
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Another interface of this namespace where the packets arrive at last: counts and times them
    #[arg(long)]
    sink: Option<String>,
    /// Send SRTP under this key and salt (hexadecimal), the same for all flows; needs --rate
    #[arg(long, requires = "rate")]
    key_salt: Option<String>,
    /// SRTP suite, by its RFC 4568 name
    #[arg(long, default_value = "AES_CM_128_HMAC_SHA1_80", requires = "key_salt")]
    suite: String,
}

#[derive(Args)]
struct Sink {
    /// Interface the packets arrive at
    interface: String,
    /// How long
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Send(args) => send(&args),
        Task::Sink(args) => sink(&args),
    }
}

fn send(args: &Send) -> Result<()> {
    let keying = args.key_salt.as_deref().map(|hex| keying(&args.suite, hex)).transpose()?;
    let count = match (&keying, args.rate) {
        (Some(_), Some(rate)) => (rate * args.seconds) as u32,
        _ => 0,
    };
    let mut kit = Kit::load(count as usize)?;
    let tag_len = keying.as_ref().map_or(0, |keying| keying.suite().rtp_tag_len());
    let stream = Stream {
        source_mac: args.from_mac,
        destination_mac: args.to_mac,
        source: args.from,
        destination: args.to,
        flows: args.flows,
        payload_len: Stream::G711 + tag_len,
    };
    let mut content = Content::Rtp;
    if let Some(keying) = keying {
        srtp::prepare(
            kit.prepared(),
            &stream,
            count,
            |_| keying.clone(),
            |flow| stream.port(flow),
        )?;
        content = Content::Prepared;
    }
    let _sink = args.sink.as_deref().map(|sink| kit.attach(sink, Role::Sink)).transpose()?;
    let order = Order {
        interface: args.interface.clone(),
        content,
        first: 0,
        rate: args.rate,
        duration: Duration::from_secs_f64(args.seconds),
    };
    let sent = kit.send(&stream, &order)?;
    let seconds = sent.elapsed.as_secs_f64();
    println!(
        "sent {} packets in {seconds:.3} s, {:.0} a second",
        sent.frames,
        sent.frames as f64 / seconds
    );
    if sent.missed > 0 {
        println!("{} more were due while the processor was taken by others", sent.missed);
    }
    if args.sink.is_some() {
        let seen = kit.seen()?;
        println!("seen {seen}, lost {}", sent.frames.saturating_sub(seen));
        print_latencies(&kit.latencies()?);
    }
    Ok(())
}

fn sink(args: &Sink) -> Result<()> {
    let mut kit = Kit::load(0)?;
    let _sink = kit.attach(&args.interface, Role::Sink)?;
    thread::sleep(Duration::from_secs_f64(args.seconds));
    let seen = kit.seen()?;
    println!("seen {seen} packets, {:.0} a second", seen as f64 / args.seconds);
    Ok(())
}

fn print_latencies(latencies: &Latencies) {
    let microseconds = |share| latencies.quantile(share).map(|ns| ns as f64 / 1e3);
    if let (Some(p50), Some(p99)) = (microseconds(0.5), microseconds(0.99)) {
        println!("latency p50 {p50:.1} µs, p99 {p99:.1} µs ({} samples)", latencies.samples());
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
