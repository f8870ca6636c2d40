use std::time::Duration;

use anyhow::Result;
use lang::Text;
use ringfence_pktgen::sink::LatencyReport;
use ringfence_pktgen::source::Source;
use ringfence_pktgen::{Content, Kit, Order, Role, Sent, Stream, drive, srtp};
use serde_json::json;

use super::{Engine, KeyArgs, Opened, StreamArgs};
use crate::Style;

#[derive(clap::Args)]
pub struct Args {
    /// Interface the packets leave through; sockets leave that to the routes.
    interface: String,
    #[command(flatten)]
    stream: StreamArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Who makes the packets.
    #[arg(long, value_enum, default_value_t = Engine::Xdp)]
    engine: Engine,
    /// Packets per second of all flows together; without it as many as possible.
    #[arg(long, value_parser = super::rate)]
    rate: Option<f64>,
    /// How long.
    #[arg(long, default_value = "10", value_parser = super::seconds)]
    seconds: Duration,
    /// Another interface of this namespace where the packets arrive at last: counts and times them;
    /// with the engine xdp.
    #[arg(long)]
    sink: Option<String>,
}

const SENT: Text = Text::new(
    "sent {packets} packets in {seconds} s, {rate} a second",
    "{seconds} 秒間に {packets} パケットを送信、毎秒 {rate} パケット",
);
const MISSED: Text = Text::new(
    "{missed} more were due while the processor was taken by others",
    "ほかの処理に CPU を取られている間に、さらに {missed} パケットの送信時刻が過ぎました",
);
const SEEN: Text = Text::new("seen {seen}, lost {lost}", "到着 {seen}、損失 {lost}");

pub fn run(args: &Args, style: Style) -> Result<()> {
    let keying = args.key.keying()?;
    let stream = args.stream.stream(keying.as_ref())?;
    if args.engine == Engine::Xdp {
        return send_from_kernel(args, stream, keying, style);
    }
    anyhow::ensure!(args.sink.is_none(), "--sink is for the engine xdp; run the command sink");
    let mut opened = Opened::new(args.engine, &args.interface, stream.source, 1)?;
    let mut source = Source::new(stream, opened.port.medium(), keying.as_ref())?;
    let stop = super::interrupted()?;
    let Opened { pool, port } = &mut opened;
    let sent = drive::send(port.as_mut(), pool, &mut source, args.rate, args.seconds, &stop)?;
    print(&sent, None, style);
    Ok(())
}

fn send_from_kernel(
    args: &Args,
    stream: Stream,
    keying: Option<::srtp::Keying>,
    style: Style,
) -> Result<()> {
    let count = match (&keying, args.rate) {
        (Some(_), Some(rate)) => (rate * args.seconds.as_secs_f64()) as u32,
        (Some(_), None) => anyhow::bail!(
            "the engine xdp sends SRTP that was made before, so it must know how much: give --rate"
        ),
        (None, _) => 0,
    };
    let mut kit = Kit::load(count as usize)?;
    let mut content = Content::Rtp;
    if let Some(keying) = keying {
        let port = |flow| stream.port(flow);
        srtp::prepare(kit.prepared(), &stream, count, |_| keying.clone(), port)?;
        content = Content::Prepared;
    }
    let _sink = args.sink.as_deref().map(|sink| kit.attach(sink, Role::Sink)).transpose()?;
    let order = Order {
        interface: args.interface.clone(),
        content,
        first: 0,
        rate: args.rate,
        duration: args.seconds,
    };
    let sent = kit.send(&stream, &order)?;
    let seen = match &args.sink {
        Some(_) => Some((kit.seen()?, LatencyReport::of(&kit.latencies()?))),
        None => None,
    };
    print(&sent, seen, style);
    Ok(())
}

fn print(sent: &Sent, seen: Option<(u64, Option<LatencyReport>)>, style: Style) {
    let seconds = sent.elapsed.as_secs_f64();
    let rate = sent.frames as f64 / seconds;
    if style.json {
        let (arrived, latency) = seen.map_or((None, None), |(seen, latency)| (Some(seen), latency));
        let report = json!({
            "sent": sent.frames, "missed": sent.missed, "seconds": seconds, "rate": rate,
            "received": arrived, "latency": latency,
        });
        println!("{report}");
        return;
    }
    let (elapsed, rate) = (format!("{seconds:.3}"), format!("{rate:.0}"));
    let values: [(&str, &dyn std::fmt::Display); 3] =
        [("packets", &sent.frames), ("seconds", &elapsed), ("rate", &rate)];
    println!("{}", SENT.fill(style.language, &values));
    if sent.missed > 0 {
        println!("{}", MISSED.fill(style.language, &[("missed", &sent.missed)]));
    }
    if let Some((seen, latency)) = seen {
        let lost = sent.frames.saturating_sub(seen);
        println!("{}", SEEN.fill(style.language, &[("seen", &seen), ("lost", &lost)]));
        if let Some(latency) = latency {
            super::print_latency(&latency, style);
        }
    }
}
