//! What matters of a machine, read once.

use std::collections::BTreeSet;

use netdev::Features;
use serde::Deserialize;

use crate::cores::CoreSet;
use crate::drivers;
use crate::machine::Machine;

/// What the relay uses of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Its interfaces; empty: every card that is hardware.
    pub interfaces: Vec<String>,
    /// The core of the packet worker, `core` in `[datad]`.
    pub worker: Option<usize>,
}

impl Scope {
    /// What a configuration file says of it. Whether the rest is right is not looked at.
    pub fn of_configuration(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let Datad { core, media } = file.datad.unwrap_or_default();
        let interfaces: BTreeSet<_> = media.into_iter().filter_map(|one| one.interface).collect();
        Ok(Self { interfaces: interfaces.into_iter().collect(), worker: core })
    }
}

#[derive(Deserialize)]
struct File {
    datad: Option<Datad>,
}

#[derive(Default, Deserialize)]
struct Datad {
    core: Option<usize>,
    #[serde(default)]
    media: Vec<Media>,
}

#[derive(Deserialize)]
struct Media {
    interface: Option<String>,
}

/// A machine at one moment. `None` is what could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Release of the kernel.
    pub kernel: String,
    /// What runs.
    pub online: CoreSet,
    /// Cores without other work.
    pub isolated: CoreSet,
    /// The packet worker's.
    pub worker: Option<usize>,
    /// Of 2 MiB each: set aside, and of these free.
    pub huge_pages: Option<(u64, u64)>,
    /// Groups of cores that change their frequency together.
    pub governors: Vec<Governor>,
    /// What time is read from.
    pub clock_source: Option<ClockSource>,
    /// Whether something sets the clock.
    pub time_is_set: Option<bool>,
    /// 0 off, 1 on, 2 with traces.
    pub bpf_jit: Option<u8>,
    /// Of ringfence-datad, or else of who asks.
    pub limits: Limits,
    /// Whether a daemon distributes interrupts anew all the time.
    pub irqbalance: bool,
    /// Network cards.
    pub cards: Vec<Card>,
}

/// Who decides about the frequency of some cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governor {
    /// Name of their directory, such as `policy0`.
    pub policy: String,
    /// Such as `powersave`.
    pub current: String,
    /// Whether `performance` is to be had.
    pub can_perform: bool,
}

/// What time is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockSource {
    /// Such as `tsc`.
    pub current: String,
    /// Others.
    pub available: Vec<String>,
}

/// Limits of a process; `None` in one: there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether they are the daemon's.
    pub of_datad: bool,
    /// Octets that it may lock.
    pub locked_memory: Option<u64>,
    /// Files it may open.
    pub open_files: Option<u64>,
}

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its interface.
    pub name: String,
    /// Its driver.
    pub driver: Option<String>,
    /// What that does for XDP.
    pub features: Features,
    /// Whether the kernel said so; if not, drivers are known by name.
    pub features_are_told: bool,
    /// Octets.
    pub mtu: u32,
    /// Whether a cable is in.
    pub carrier: bool,
    /// Receive queues in use.
    pub queues: usize,
    /// Most queues it could have.
    pub most_queues: Option<usize>,
    /// Whether UDP over IPv4 is spread over queues by ports; `None`: the card does not tell.
    pub spreads_by_port: Option<bool>,
    /// Whether it joins TCP segments before anybody sees them.
    pub lro: Option<bool>,
    /// Interrupts of its queues.
    pub interrupts: Vec<Interrupt>,
}

/// An interrupt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Its number.
    pub number: u32,
    /// Cores that may take it.
    pub cores: CoreSet,
}

impl Snapshot {
    /// Reads a machine.
    pub fn take(machine: &dyn Machine, scope: &Scope) -> Self {
        let cores = |name: &str| {
            let text = machine.read(&format!("sys/devices/system/cpu/{name}"))?;
            CoreSet::parse(&text)
        };
        let interfaces = match scope.interfaces.is_empty() {
            true => hardware(machine),
            false => scope.interfaces.clone(),
        };
        Self {
            kernel: machine.read("proc/sys/kernel/osrelease").unwrap_or_default(),
            online: cores("online").unwrap_or_default(),
            isolated: cores("isolated").unwrap_or_default(),
            worker: scope.worker,
            huge_pages: huge_pages(machine),
            governors: governors(machine),
            clock_source: clock_source(machine),
            time_is_set: time_is_set(machine),
            bpf_jit: number(machine, "proc/sys/net/core/bpf_jit_enable"),
            limits: limits(machine),
            irqbalance: !machine.list("run/irqbalance").is_empty(),
            cards: interfaces.iter().filter_map(|name| card(machine, name)).collect(),
        }
    }
}

/// Only hardware has a device behind it.
fn hardware(machine: &dyn Machine) -> Vec<String> {
    let mut names = machine.list("sys/class/net");
    names.retain(|name| machine.link(&format!("sys/class/net/{name}/device")).is_some());
    names
}

fn number<T: std::str::FromStr>(machine: &dyn Machine, path: &str) -> Option<T> {
    machine.read(path)?.trim().parse().ok()
}

/// Where the number of huge pages is set.
pub(crate) const HUGE_PAGES: &str = "sys/kernel/mm/hugepages/hugepages-2048kB";

fn huge_pages(machine: &dyn Machine) -> Option<(u64, u64)> {
    let file = |name: &str| number(machine, &format!("{HUGE_PAGES}/{name}"));
    Some((file("nr_hugepages")?, file("free_hugepages")?))
}

/// Where governors are set.
pub(crate) const GOVERNORS: &str = "sys/devices/system/cpu/cpufreq";

fn governors(machine: &dyn Machine) -> Vec<Governor> {
    let policies = machine.list(GOVERNORS).into_iter().filter(|name| name.starts_with("policy"));
    let governor = |policy: String| {
        let file = |name: &str| machine.read(&format!("{GOVERNORS}/{policy}/{name}"));
        let current = file("scaling_governor")?;
        let all = file("scaling_available_governors").unwrap_or_default();
        let can_perform = all.split_whitespace().any(|name| name == "performance");
        Some(Governor { policy, current, can_perform })
    };
    policies.filter_map(governor).collect()
}

/// Where it is set what time is read from.
pub(crate) const CLOCK_SOURCE: &str = "sys/devices/system/clocksource/clocksource0";

fn clock_source(machine: &dyn Machine) -> Option<ClockSource> {
    let file = |name: &str| machine.read(&format!("{CLOCK_SOURCE}/{name}"));
    let available = file("available_clocksource").unwrap_or_default();
    Some(ClockSource {
        current: file("current_clocksource")?,
        available: available.split_whitespace().map(str::to_owned).collect(),
    })
}

fn time_is_set(machine: &dyn Machine) -> Option<bool> {
    let told = machine.run("timedatectl", &["show", "--property=NTPSynchronized", "--value"])?;
    match told.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn limits(machine: &dyn Machine) -> Limits {
    let is_datad = |process: &String| {
        let is_number = process.bytes().all(|digit| digit.is_ascii_digit());
        // The kernel keeps 15 octets of a name.
        let name = || machine.read(&format!("proc/{process}/comm"));
        is_number && name().is_some_and(|name| name == "ringfence-datad")
    };
    let datad = machine.list("proc").into_iter().find(is_datad);
    let process = datad.as_deref().unwrap_or("self");
    let text = machine.read(&format!("proc/{process}/limits")).unwrap_or_default();
    let limit = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Limits {
        of_datad: datad.is_some(),
        locked_memory: limit("Max locked memory"),
        open_files: limit("Max open files"),
    }
}

fn card(machine: &dyn Machine, name: &str) -> Option<Card> {
    let path = |file: &str| format!("sys/class/net/{name}/{file}");
    let index = number(machine, &path("ifindex"))?;
    let driver = machine.link(&path("device/driver")).or_else(|| driver(machine, name));
    let told = machine.features(index);
    let known = || driver.as_deref().map_or(Features(0), drivers::known);
    let queues = machine.list(&path("queues"));
    Some(Card {
        features: told.unwrap_or_else(known),
        features_are_told: told.is_some(),
        mtu: number(machine, &path("mtu")).unwrap_or(1500),
        carrier: number(machine, &path("carrier")) == Some(1_u8),
        queues: queues.iter().filter(|queue| queue.starts_with("rx-")).count(),
        most_queues: most_queues(machine, name),
        spreads_by_port: spreads_by_port(machine, name),
        lro: lro(machine, name),
        interrupts: interrupts(machine, name),
        name: name.to_owned(),
        driver,
    })
}

fn driver(machine: &dyn Machine, name: &str) -> Option<String> {
    let told = machine.run("ethtool", &["-i", name])?;
    Some(told.lines().find_map(|line| line.strip_prefix("driver: "))?.to_owned())
}

/// `ethtool -l` lists what is possible first.
fn most_queues(machine: &dyn Machine, name: &str) -> Option<usize> {
    let told = machine.run("ethtool", &["-l", name])?;
    let numbers = |kind: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(kind));
        line.and_then(|rest| rest.trim().parse::<usize>().ok()).filter(|most| *most > 0)
    };
    numbers("Combined:").or_else(|| numbers("RX:"))
}

fn spreads_by_port(machine: &dyn Machine, name: &str) -> Option<bool> {
    let told = machine.run("ethtool", &["-n", name, "rx-flow-hash", "udp4"])?;
    told.contains("IP SA").then(|| told.contains("L4 bytes 2 & 3"))
}

fn lro(machine: &dyn Machine, name: &str) -> Option<bool> {
    let told = machine.run("ethtool", &["-k", name])?;
    let line = told.lines().find_map(|line| line.strip_prefix("large-receive-offload: "))?;
    Some(line.starts_with("on"))
}

/// Those that have a name, without the ones that no packet raises.
fn interrupts(machine: &dyn Machine, name: &str) -> Vec<Interrupt> {
    // A virtual card's are its PCI device's, one above.
    let places = ["device/msi_irqs", "device/../msi_irqs"];
    let places = places.map(|place| machine.list(&format!("sys/class/net/{name}/{place}")));
    let numbers = places.into_iter().find(|numbers| !numbers.is_empty()).unwrap_or_default();
    let interrupt = |number: String| {
        let actions = machine.read(&format!("sys/kernel/irq/{number}/actions"))?;
        let is_of_queue = !actions.is_empty()
            && !["config", "async", "misc", "admin", "fdir"].iter().any(|no| actions.contains(no));
        let cores = machine.read(&format!("proc/irq/{number}/smp_affinity_list"))?;
        let cores = CoreSet::parse(&cores)?;
        is_of_queue.then(|| Some(Interrupt { number: number.parse().ok()?, cores }))?
    };
    let mut all: Vec<_> = numbers.into_iter().filter_map(interrupt).collect();
    all.sort_by_key(|interrupt| interrupt.number);
    all
}
