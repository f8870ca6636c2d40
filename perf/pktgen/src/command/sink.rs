use std::net::SocketAddrV4;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lang::Text;
use ringfence_pktgen::sink::Sink;
use ringfence_pktgen::{Kit, Role, drive};
use serde_json::json;

use super::{Engine, KeyArgs, Opened};
use crate::Style;

#[derive(clap::Args)]
pub struct Args {
    /// Interface the packets arrive at; sockets need none.
    #[arg(default_value = "")]
    interface: String,
    /// Where flow 0 arrives; flow N arrives 2 N ports above. The engine xdp takes all RTP.
    #[arg(long)]
    at: Option<SocketAddrV4>,
    /// How many flows.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    flows: u16,
    #[command(flatten)]
    key: KeyArgs,
    /// Who takes the packets; xdp only counts them.
    #[arg(long, value_enum, default_value_t = Engine::Xdp)]
    engine: Engine,
    /// How long; Ctrl-C ends it early.
    #[arg(long, default_value = "10", value_parser = super::seconds)]
    seconds: Duration,
}

const SEEN: Text = Text::new(
    "seen {seen} packets, {rate} a second",
    "{seen} パケットが到着、毎秒 {rate} パケット",
);

pub fn run(args: &Args, style: Style) -> Result<()> {
    if args.engine == Engine::Xdp {
        return count_in_kernel(args, style);
    }
    let at = args.at.context("where do the packets arrive? give --at ADDRESS:PORT")?;
    super::check_ports(at, args.flows)?;
    let keying = args.key.keying()?;
    let Opened { mut pool, mut port } = Opened::new(args.engine, &args.interface, at, args.flows)?;
    let mut sink = Sink::new(port.medium(), keying.as_ref())?;
    let stop = super::interrupted()?;
    drive::receive(port.as_mut(), &mut pool, &mut sink, args.seconds, &stop)?;
    super::print_report(&sink.report(), style)
}

fn count_in_kernel(args: &Args, style: Style) -> Result<()> {
    ensure!(!args.interface.is_empty(), "at which interface do the packets arrive?");
    let mut kit = Kit::load(0)?;
    let _sink = kit.attach(&args.interface, Role::Sink)?;
    thread::sleep(args.seconds);
    let seen = kit.seen()?;
    let rate = seen as f64 / args.seconds.as_secs_f64();
    if style.json {
        println!("{}", json!({ "received": seen, "rate": rate }));
        return Ok(());
    }
    let rate = format!("{rate:.0}");
    println!("{}", SEEN.fill(style.language, &[("seen", &seen), ("rate", &rate)]));
    Ok(())
}
