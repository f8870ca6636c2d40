use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ::srtp::Keying;
use anyhow::{Result, anyhow, ensure};
use lang::Text;
use ringfence_pktgen::search::{End, Goal, Search, Trial};
use ringfence_pktgen::sink::{Report, Sink};
use ringfence_pktgen::source::Source;
use ringfence_pktgen::{Content, Kit, Order, Role, Sent, Stream, drive};
use serde_json::json;

use super::{Engine, KeyArgs, Opened, StreamArgs};
use crate::Style;

#[derive(clap::Args)]
pub struct Args {
    /// Interface the packets leave through.
    interface: String,
    /// Interface where they arrive in the end.
    sink: String,
    #[command(flatten)]
    stream: StreamArgs,
    /// Where flow 0 arrives in the end, if what is measured gives packets other addresses [default:
    /// that of --to].
    #[arg(long)]
    at: Option<SocketAddrV4>,
    #[command(flatten)]
    key: KeyArgs,
    /// Who makes and takes the packets.
    #[arg(long, value_enum, default_value_t = Engine::Xdp)]
    engine: Engine,
    /// Packets per second of the first trial.
    #[arg(long, value_parser = super::rate)]
    most: f64,
    /// How closely the rate shall be known, in percent of it.
    #[arg(long, default_value_t = 1.0)]
    resolution: f64,
    /// How many percent of the packets may be lost. RFC 2544 has none.
    #[arg(long, default_value_t = 0.0)]
    tolerated: f64,
    /// How long one trial is. RFC 2544 wants 60 s for a result that counts.
    #[arg(long, default_value = "2", value_parser = super::seconds)]
    seconds: Duration,
    /// How long after each trial late packets are waited for. RFC 2544 has 2 s.
    #[arg(long, default_value = "0.5", value_parser = super::seconds)]
    settle: Duration,
}

const TRIAL: Text = Text::new(
    "{offered} packets a second: {sent} sent, {received} received",
    "毎秒 {offered} パケット:送信 {sent}、受信 {received}",
);
const FOUND: Text =
    Text::new("no loss up to {rate} packets a second", "毎秒 {rate} パケットまで損失なし");
const NOTHING: Text = Text::new(
    "packets were lost at whatever rate; look whether they arrive at all, with the command sink",
    "どの速度でも損失がありました。そもそも届いているかを sink コマンドで確かめてください",
);
const GENERATOR: Text = Text::new(
    "this is the most that the generator makes; what is measured may carry more",
    "これは生成側の上限です。測定対象はさらに多く運べる可能性があります",
);
const MOST: Text = Text::new(
    "this is the most that was asked for; look further with a higher --most",
    "これは指定した上限です。さらに調べるには --most を大きくしてください",
);

/// One trial at a rate.
type Try<'a> = dyn FnMut(f64) -> Result<(Trial, Option<Report>)> + 'a;

pub fn run(args: &Args, style: Style) -> Result<()> {
    ensure!(args.resolution >= 0.01, "a rate is not known to less than 0.01 percent");
    let keying = args.key.keying()?;
    let stream = args.stream.stream(keying.as_ref())?;
    match args.engine {
        Engine::Xdp => {
            ensure!(keying.is_none(), "a search with SRTP needs the engine af-xdp or socket");
            let mut kit = Kit::load(0)?;
            let _sink = kit.attach(&args.sink, Role::Sink)?;
            search(args, style, &mut |rate| try_in_kernel(&mut kit, &stream, args, rate))
        }
        Engine::AfXdp | Engine::Socket => {
            let at = args.at.unwrap_or(stream.destination);
            super::check_ports(at, stream.flows)?;
            let mut near = Opened::new(args.engine, &args.interface, stream.source, 1)?;
            let mut far = Opened::new(args.engine, &args.sink, at, stream.flows)?;
            search(args, style, &mut |rate| {
                try_on_ports(&mut near, &mut far, &stream, keying.as_ref(), args, rate)
            })
        }
    }
}

fn search(args: &Args, style: Style, trial: &mut Try<'_>) -> Result<()> {
    let goal = Goal {
        most: args.most,
        resolution: args.resolution / 100.0,
        tolerated: args.tolerated / 100.0,
    };
    let mut search = Search::new(goal);
    let mut best = None;
    while let Some(rate) = search.next_rate() {
        let before = search.rate();
        let (outcome, report) = trial(rate)?;
        search.record(outcome);
        if search.rate() > before {
            best = report;
        }
        if !style.json {
            let offered = format!("{:.0}", outcome.offered);
            let values: [(&str, &dyn std::fmt::Display); 3] =
                [("offered", &offered), ("sent", &outcome.sent), ("received", &outcome.received)];
            println!("{}", TRIAL.fill(style.language, &values));
        }
    }
    print(&search, best.as_ref(), style)
}

fn print(search: &Search, best: Option<&Report>, style: Style) -> Result<()> {
    if style.json {
        let trials: Vec<_> = search.trials().iter().map(trial_json).collect();
        let end = search.end().map(End::name);
        let report = json!({
            "rate": search.rate(), "end": end, "trials": trials, "best": best,
        });
        println!("{report}");
        return Ok(());
    }
    if search.end() == Some(End::Nothing) {
        println!("{}", NOTHING.get(style.language));
        return Ok(());
    }
    let rate = format!("{:.0}", search.rate());
    println!("{}", FOUND.fill(style.language, &[("rate", &rate)]));
    match search.end() {
        Some(End::Generator) => println!("{}", GENERATOR.get(style.language)),
        Some(End::Most) => println!("{}", MOST.get(style.language)),
        _ => {}
    }
    best.map_or(Ok(()), |report| super::print_report(report, style))
}

fn trial_json(trial: &Trial) -> serde_json::Value {
    let Trial { wanted, offered, sent, received } = trial;
    json!({
        "wanted": wanted, "offered": offered, "sent": sent, "received": received,
        "loss": trial.loss(),
    })
}

fn try_in_kernel(
    kit: &mut Kit,
    stream: &Stream,
    args: &Args,
    rate: f64,
) -> Result<(Trial, Option<Report>)> {
    let before = kit.seen()?;
    let order = Order {
        interface: args.interface.clone(),
        content: Content::Rtp,
        first: 0,
        rate: Some(rate),
        duration: args.seconds,
    };
    let sent = kit.send(stream, &order)?;
    thread::sleep(args.settle);
    Ok((trial(rate, &sent, kit.seen()? - before), None))
}

fn try_on_ports(
    near: &mut Opened,
    far: &mut Opened,
    stream: &Stream,
    keying: Option<&Keying>,
    args: &Args,
    rate: f64,
) -> Result<(Trial, Option<Report>)> {
    let mut source = Source::new(stream.clone(), near.port.medium(), keying)?;
    let mut sink = Sink::new(far.port.medium(), keying)?;
    let (over, never) = (AtomicBool::new(false), AtomicBool::new(false));
    let sent = thread::scope(|scope| {
        let Opened { pool, port } = far;
        let (sink, over) = (&mut sink, &over);
        let taker =
            scope.spawn(move || drive::receive(port.as_mut(), pool, sink, Duration::MAX, over));
        let Opened { pool, port } = near;
        let sent = drive::send(port.as_mut(), pool, &mut source, Some(rate), args.seconds, &never);
        thread::sleep(args.settle);
        over.store(true, Ordering::Relaxed);
        taker.join().map_err(|_| anyhow!("the sink panicked"))??;
        sent
    })?;
    let report = sink.report();
    Ok((trial(rate, &sent, report.received), Some(report)))
}

fn trial(wanted: f64, sent: &Sent, received: u64) -> Trial {
    let offered = sent.frames as f64 / sent.elapsed.as_secs_f64();
    Trial { wanted, offered, sent: sent.frames, received }
}
