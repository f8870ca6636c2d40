//! `ringfence-controld`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use ::database::Keeper;
use anyhow::{Context, Error, Result};
use clap::Parser;
use metrics::MetricsServer;
use ringfence_controld::activation::Passed;
use ringfence_controld::administration;
use ringfence_controld::archivist::{self, Archivist};
use ringfence_controld::config::{Config, File, Role};
use ringfence_controld::database;
use ringfence_controld::metrics::collect;
use ringfence_controld::office::Office;
use ringfence_controld::phones::Phones;
use ringfence_controld::privilege;
use ringfence_controld::services::{Services, Sockets};
use ringfence_controld::socket::AdminSocket;
use ringfence_controld::srst::gateway::Gateway;
use ringfence_controld::srst::memory;
use ringfence_controld::syslog::AuditFeed;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use store::{Revision, Store};

/// The control-plane daemon of ringfence.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/ringfence/ringfence.toml")]
    config: PathBuf,
    /// What it is for: a node of the cluster, or the gateway of a branch.
    #[arg(long, value_enum, default_value_t)]
    role: Role,
    /// Read the configuration, say what is wrong with it, and end.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringfence-controld: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let config = settings::load::<File>(&args.config)?.controld;
    let role = args.role;
    if role == Role::Srst {
        config.srst.check()?;
    }
    if args.check {
        return Ok(());
    }
    let mut sockets = sockets(&config, role)?;
    let https = sockets.take_https();
    let metrics = config.metrics.map(MetricsServer::bind).transpose();
    let metrics = metrics.context("cannot listen on the `metrics` address in [controld]")?;
    privilege::give_up(&config, role)?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    let node = config.node_name();
    let (store, keeper) = open_store(&config, role, &node)?;
    let (store, keeper) = (Arc::new(store), keeper.map(Arc::new));
    if role == Role::Centre {
        archivist::finish_interrupted(&config, &store)?;
    }
    let phones = Phones::open(&config.phone_directory, Arc::clone(&store), &node)
        .with_context(|| format!("cannot use {}", config.phone_directory.display()))?;
    let path = config.admin_socket.clone();
    let socket = AdminSocket::bind(&path)
        .with_context(|| format!("cannot listen on {}: set admin_socket", path.display()))?;
    let stopper = socket.stopper();
    let phones = Arc::new(phones);
    let now = SystemTime::now();
    let mut services = Services::new(Arc::clone(&store), config.clone(), sockets, phones, now);
    if let Some(keeper) = &keeper {
        services.set_database(Arc::clone(keeper));
    }
    let services = Arc::new(services);
    let (office, gateway) = match role {
        Role::Centre => (Office::new(Arc::clone(&store), node, Arc::clone(&services)), None),
        Role::Srst => {
            let gateway = Gateway::open(&config, &store, &services)?;
            let office = Office::of_gateway(Arc::clone(&store), node, Arc::clone(&services));
            (office, Some(gateway))
        }
    };
    let office = Arc::new(office);
    let _served = match https.is_empty() {
        true => None,
        false => Some(
            administration::start(https, &config, &store, Arc::clone(&office))
                .map_err(|why| Error::msg(format!("administration over HTTPS: {why}")))?,
        ),
    };
    if let Some(metrics) = metrics {
        tell_metrics(metrics, &services)?;
    }
    let feed = |syslog| AuditFeed::start(syslog, config.node_name());
    let mut feed = config.syslog.as_ref().map(feed).transpose().context("[controld.syslog]")?;
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| socket.run(&office));
        if let Some(keeper) = &keeper {
            scope.spawn(|| database::keep(keeper, &store, &ended));
        }
        match &gateway {
            None => {
                let archivist = office.archivist();
                let feed = feed.take();
                let (store, services, ended) = (&store, &services, &ended);
                drop(scope.spawn(move || keep_running(store, services, archivist, feed, ended)));
            }
            Some(gateway) => drop(scope.spawn(|| survive(gateway, &ended))),
        }
        sd_notify::notify(&[NotifyState::Ready])?;
        signals.forever().next();
        sd_notify::notify(&[NotifyState::Stopping])?;
        stopper.stop();
        ended.store(true, Ordering::Release);
        Ok(())
    })
}

/// Opens the database; who runs it, if it is the node's own.
fn open_store(config: &Config, role: Role, node: &str) -> Result<(Store, Option<Keeper>)> {
    Ok(match (role, &config.database) {
        (Role::Srst, _) => (Store::open(&memory::fresh(&config.srst.memory)?)?, None),
        (Role::Centre, None) => (Store::open(&config.store)?, None),
        (Role::Centre, Some(settings)) => {
            let (store, keeper) = database::open(settings, node)?;
            (store, Some(keeper))
        }
    })
}

/// A gateway serves no files.
fn sockets(config: &Config, role: Role) -> Result<Sockets> {
    match role {
        Role::Srst => Ok(Sockets::none()),
        Role::Centre => {
            let passed = Passed::take().map_err(Error::msg)?;
            Sockets::complete(passed, config).map_err(Error::msg)
        }
    }
}

fn survive(gateway: &Arc<Gateway>, ended: &AtomicBool) {
    if let Err(error) = gateway.run(ended) {
        eprintln!("ringfence-controld: {error:#}");
    }
}

/// Tells metrics for as long as the services are there.
fn tell_metrics(metrics: MetricsServer, services: &Arc<Services>) -> Result<()> {
    let services = Arc::downgrade(services);
    thread::Builder::new().name("metrics".into()).spawn(move || {
        let told = metrics.run(|| services.upgrade().map(|services| collect(&services)));
        if let Err(error) = told {
            eprintln!("ringfence-controld: no metrics are served: {error}");
        }
    })?;
    Ok(())
}

/// Follows the database: at once what is changed through this daemon, a little later what others
/// change or what could not be started before.
fn keep_running(
    store: &Store,
    services: &Services,
    archivist: &Archivist,
    mut feed: Option<AuditFeed>,
    ended: &AtomicBool,
) {
    let mut seen = Revision(0);
    while !ended.load(Ordering::Acquire) {
        services.reconcile(SystemTime::now());
        archivist.keep_schedule(SystemTime::now());
        services.note_trends(SystemTime::now());
        if let Some(feed) = &mut feed {
            feed.follow(store);
        }
        // What changes in the meantime is looked at together: phones that enrol change something
        // hundreds of times a second.
        thread::sleep(TOGETHER);
        seen = store.wait(seen, GLANCE);
    }
}

/// How long changes may wait for each other.
const TOGETHER: Duration = Duration::from_millis(20);

/// How often the database is looked at for what others changed.
const GLANCE: Duration = Duration::from_secs(1);
