//! What call processing needs of the store, kept in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::capf::fingerprint;
use crate::cluster::SecurityMode;
use crate::device::{BridgeMedia, Device, EffectiveMode};
use crate::gateway::Gateway;
use crate::latest::State;
use crate::line::Line;
use crate::number::Number;
use crate::pool::{DEFAULT_POOL, Pool};
use crate::route::Route;
use crate::{
    AutoRegistration, DeviceName, Parameter, Result, Revision, Service, View, VoicemailPort,
    parameter,
};

/// Everything that call processing needs of the store, at one moment: telephones, lines, where
/// numbers lead, and settings. Kept by a [`Latest`](crate::Latest), so that a look-up costs no
/// query.
#[derive(Clone, Debug)]
pub struct Roster {
    revision: Revision,
    forward_change: u64,
    waiting_change: u64,
    mode: SecurityMode,
    default_mode: EffectiveMode,
    built_in_bridge: bool,
    settings: CallSettings,
    auto_registration: AutoRegistration,
    limits: BTreeMap<(u16, u16), u32>,
    routes: Vec<Route>,
    places: HashMap<String, Arc<Place>>,
    phones: HashMap<String, Arc<Device>>,
    lines: BTreeMap<Number, Arc<Line>>,
    ports: HashMap<String, Arc<VoicemailPort>>,
    /// The numbers that messages wait for.
    waiting: BTreeSet<Number>,
    /// LSCs that prove nothing any more, by their phones.
    withdrawn: HashMap<String, Vec<String>>,
    gateways: Vec<Gateway>,
}

/// A telephone with all that it is told when it registers.
#[derive(Clone, Debug)]
pub struct Telephone {
    /// As it is set: its model, speed dials, load, user, and whether it is private.
    pub device: Arc<Device>,
    /// The mode in force.
    pub mode: EffectiveMode,
    /// Its lines, by their buttons.
    pub lines: Vec<Arc<Line>>,
    /// Its built-in bridge, if it has one and it is on.
    pub bridge: Option<BridgeMedia>,
    /// What its pool adds.
    pub place: Arc<Place>,
    /// Seconds that its local time is ahead of UTC.
    pub utc_offset: i32,
}

/// A voicemail port with all that it is told when it registers.
#[derive(Clone, Debug)]
pub struct Port {
    /// As it is set.
    pub port: Arc<VoicemailPort>,
    /// The mode in force.
    pub mode: EffectiveMode,
    /// Its line.
    pub line: Arc<Line>,
    /// What its pool adds.
    pub place: Arc<Place>,
    /// Seconds that its local time is ahead of UTC.
    pub utc_offset: i32,
}

/// A pool as its telephones see it.
#[derive(Clone, Debug)]
pub struct Place {
    /// As it is set.
    pub pool: Pool,
    /// Number of its region.
    pub region: u16,
    /// The servers, the one to try first in front.
    pub servers: Vec<CallServer>,
}

/// A node that runs CallManager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallServer {
    /// Its host name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// The port of plain SCCP.
    pub port: u16,
    /// The port of SCCP over TLS.
    pub secure_port: u16,
}

/// CallManager's service parameters as they are in force on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// The port of plain SCCP.
    pub port: u16,
    /// The port of SCCP over TLS.
    pub secure_port: u16,
    /// Whether telephones of today are served by TLS of today, or all of them like old ones.
    pub modern_tls: bool,
    /// Until when a manufacturer's certificate that has expired still proves who a telephone is;
    /// absent: it proves nothing.
    pub expired_mic_until: Option<SystemTime>,
    /// Between two signs of life of a telephone.
    pub keep_alive: Duration,
    /// How long a user may think before the first digit.
    pub first_digit: Duration,
    /// How long between digits.
    pub inter_digit: Duration,
    /// How long it rings where nobody forwards.
    pub no_answer: Duration,
    /// How long it rings before a call is forwarded.
    pub forward_no_answer: Duration,
    /// How many may speak in a conference.
    pub max_conference: usize,
    /// What those on hold hear; absent is what the program brings.
    pub music: Option<PathBuf>,
    /// Whether those on hold hear music, or else a tone.
    pub music_on_hold: bool,
    /// Whether a call goes on without encryption if a telephone cannot use its key.
    pub plain_fallback: bool,
    /// Whether a call that should go through a relay goes without one if none is to be had.
    pub relay_fallback: bool,
    /// How many connections there may be.
    pub max_connections: usize,
    /// How many of telephones that have not registered.
    pub max_half_open: usize,
    /// The same, of one address.
    pub max_half_open_per_address: usize,
    /// How much its trace says: `detail`, `notice` or `alarm`.
    pub trace_level: String,
}

impl CallSettings {
    /// Those of a node; of the cluster if there is no such node.
    pub fn read(view: &mut View<'_>, node: &str) -> Result<Self> {
        let known = view.nodes()?.iter().any(|known| known.name == node);
        let mut get = |name| view.parameter(known.then_some(node), name);
        let seconds = |parameter: Parameter| parameter.integer().map(Duration::from_secs);
        let music = get("call-manager.music-on-hold-file")?.value;
        Ok(Self {
            port: get(parameter::SCCP_PORT)?.integer()?,
            secure_port: get(parameter::SECURE_SCCP_PORT)?.integer()?,
            modern_tls: get("call-manager.modern-tls")?.flag(),
            expired_mic_until: get("call-manager.expired-mic-until")?.end_of_day(),
            keep_alive: seconds(get("call-manager.keep-alive-seconds")?)?,
            first_digit: seconds(get("call-manager.first-digit-seconds")?)?,
            inter_digit: seconds(get("call-manager.inter-digit-seconds")?)?,
            no_answer: seconds(get("call-manager.no-answer-seconds")?)?,
            forward_no_answer: seconds(get("call-manager.forward-no-answer-seconds")?)?,
            max_conference: get("call-manager.max-conference")?.integer()?,
            music: (!music.is_empty()).then(|| PathBuf::from(music)),
            music_on_hold: get("call-manager.music-on-hold")?.flag(),
            plain_fallback: get("call-manager.plain-fallback")?.flag(),
            relay_fallback: get("call-manager.relay-fallback")?.flag(),
            max_connections: get("call-manager.max-connections")?.integer()?,
            max_half_open: get("call-manager.max-half-open")?.integer()?,
            max_half_open_per_address: get("call-manager.max-half-open-per-address")?.integer()?,
            trace_level: get("call-manager.trace-level")?.value,
        })
    }
}

impl Roster {
    /// A telephone, by the name that it gives itself; `None` if nobody added it.
    pub fn telephone(&self, name: &str, now: SystemTime) -> Option<Telephone> {
        let device = Arc::clone(self.phones.get(name)?);
        let place = Arc::clone(self.place(&device.pool)?);
        let lines = device.lines.iter().filter_map(|number| self.lines.get(number)).cloned();
        Some(Telephone {
            mode: device.effective_mode(self.mode, self.default_mode),
            lines: lines.collect(),
            bridge: device.bridge(self.built_in_bridge),
            utc_offset: place.pool.utc_offset(now),
            place,
            device,
        })
    }

    /// The gateways, by name.
    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }

    /// A line, by its number.
    pub fn line(&self, number: &Number) -> Option<&Line> {
        self.lines.get(number).map(|line| &**line)
    }

    /// A voicemail port, by the name that it gives itself; `None` if nobody added it.
    pub fn port(&self, name: &str, now: SystemTime) -> Option<Port> {
        let port = Arc::clone(self.ports.get(name)?);
        let place = Arc::clone(self.place(&port.pool)?);
        let mode = match self.mode {
            SecurityMode::NonSecure => EffectiveMode::NonSecure,
            SecurityMode::Mixed => port.security_mode.configured(self.default_mode),
        };
        Some(Port {
            mode,
            line: Arc::clone(self.lines.get(&port.number)?),
            utc_offset: place.pool.utc_offset(now),
            place,
            port,
        })
    }

    /// The number under which voicemail answers: that of the first port there is.
    pub fn voicemail_pilot(&self) -> Option<&Number> {
        let first = self.ports.values().min_by(|a, b| a.name.cmp(&b.name));
        first.map(|port| &port.number)
    }

    /// The numbers that messages wait for.
    pub fn waiting(&self) -> &BTreeSet<Number> {
        &self.waiting
    }

    /// What a pool adds to those that belong to it: it cannot be removed while there are such.
    pub fn place(&self, pool: &str) -> Option<&Arc<Place>> {
        let of = |pool: &str| self.places.get(pool);
        of(pool).or_else(|| of(DEFAULT_POOL))
    }

    /// How many telephones there are.
    pub fn telephones(&self) -> usize {
        self.phones.len()
    }

    /// Whether a certificate of a telephone was replaced, deleted or revoked. One that nobody has
    /// noted is as good as its issuer.
    pub fn is_withdrawn(&self, name: &str, certificate: &[u8]) -> bool {
        // Most telephones have had one only.
        self.withdrawn
            .get(name)
            .is_some_and(|withdrawn| withdrawn.contains(&fingerprint(certificate)))
    }

    /// All lines, by number.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values().map(|line| &**line)
    }

    /// Where numbers lead that are no lines.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The bit rates between regions that somebody set, in kbit/s, the lesser number first; others
    /// have [`DEFAULT_KBIT_S`](crate::DEFAULT_KBIT_S).
    pub fn limits(&self) -> &BTreeMap<(u16, u16), u32> {
        &self.limits
    }

    /// CallManager's service parameters.
    pub fn settings(&self) -> &CallSettings {
        &self.settings
    }

    /// How telephones that nobody added may register.
    pub fn auto_registration(&self) -> AutoRegistration {
        self.auto_registration
    }

    /// The security mode of the cluster.
    pub fn security_mode(&self) -> SecurityMode {
        self.mode
    }
}

/// So many objects are looked at one by one; when more have changed, everything is read anew.
const FEW: u32 = 256;
/// Of those it looks at these, as the store calls them.
const OURS: [&str; 3] = ["device", "line", "phone-certificate"];
/// What call processing does not look at, as the store calls it.
const ELSEWHERE: [&str; 11] = [
    "administrator",
    "api-token",
    "authentication-string",
    "capf",
    "certificate",
    "certificate-copy",
    "ctl",
    "due-action",
    "password",
    "phone-order",
    "srst-reference",
];

impl State for Roster {
    fn read(view: &mut View<'_>, node: &str) -> Result<Self> {
        let phones = view.devices()?.into_iter();
        let lines = view.lines()?.into_iter();
        let ports = view.voicemail_ports()?.into_iter();
        let waiting = view.waiting_since(0)?.into_iter();
        Ok(Self {
            revision: view.revision()?,
            forward_change: view.forward_change()?,
            waiting_change: view.waiting_change()?,
            mode: view.security_mode()?,
            default_mode: view.default_device_mode()?,
            built_in_bridge: built_in_bridge(view, node)?,
            settings: CallSettings::read(view, node)?,
            auto_registration: view.auto_registration()?,
            limits: limits(view)?,
            routes: view.routes()?,
            places: places(view)?,
            phones: phones.map(|phone| (phone.name.to_string(), Arc::new(phone))).collect(),
            lines: lines.map(|line| (line.number.clone(), Arc::new(line))).collect(),
            ports: ports.map(|port| (port.name.to_string(), Arc::new(port))).collect(),
            waiting: waiting.filter(|(_, waits)| *waits).map(|(number, _)| number).collect(),
            withdrawn: by_phone(view.withdrawn_lscs(None)?),
            gateways: view.gateways()?,
        })
    }

    fn revision(&self) -> Revision {
        self.revision
    }

    fn is_current(&self, view: &mut View<'_>) -> Result<bool> {
        Ok(view.revision()? == self.revision
            && view.forward_change()? == self.forward_change
            && view.waiting_change()? == self.waiting_change)
    }

    fn follow(&mut self, view: &mut View<'_>) -> Result<bool> {
        let (revision, forward_change) = (view.revision()?, view.forward_change()?);
        let waiting_change = view.waiting_change()?;
        let Some(touched) = view.touched_since(self.revision, FEW)? else { return Ok(false) };
        let is_known = |object: &str| OURS.contains(&object) || ELSEWHERE.contains(&object);
        let older = revision < self.revision
            || forward_change < self.forward_change
            || waiting_change < self.waiting_change;
        if older || !touched.iter().all(|(object, _)| is_known(object)) {
            return Ok(false);
        }
        for (object, subject) in touched {
            match &*object {
                "device" => match view.find_device(&subject.parse()?)? {
                    Some(phone) => drop(self.phones.insert(subject, Arc::new(phone))),
                    None => drop(self.phones.remove(&subject)),
                },
                "line" => {
                    let number = subject.parse()?;
                    match view.find_line(&number)? {
                        Some(line) => drop(self.lines.insert(number, Arc::new(line))),
                        None => drop(self.lines.remove(&number)),
                    }
                }
                "phone-certificate" => {
                    let phone = subject.split(' ').next().unwrap_or_default();
                    self.withdrawn.remove(phone);
                    self.withdrawn.extend(by_phone(view.withdrawn_lscs(Some(&phone.parse()?))?));
                }
                _ => {}
            }
        }
        for (number, target) in view.forwards_since(self.forward_change)? {
            if let Some(line) = self.lines.get_mut(&number) {
                Arc::make_mut(line).forward_all = target;
            }
        }
        for (number, waits) in view.waiting_since(self.waiting_change)? {
            match waits {
                true => self.waiting.insert(number),
                false => self.waiting.remove(&number),
            };
        }
        (self.revision, self.forward_change) = (revision, forward_change);
        self.waiting_change = waiting_change;
        Ok(true)
    }
}

fn built_in_bridge(view: &mut View<'_>, node: &str) -> Result<bool> {
    let known = view.nodes()?.iter().any(|known| known.name == node);
    Ok(view.parameter(known.then_some(node), parameter::BUILT_IN_BRIDGE)?.flag())
}

fn by_phone(withdrawn: Vec<(DeviceName, String)>) -> HashMap<String, Vec<String>> {
    let mut by_phone = HashMap::<String, Vec<String>>::new();
    for (phone, fingerprint) in withdrawn {
        by_phone.entry(phone.to_string()).or_default().push(fingerprint);
    }
    by_phone
}

fn limits(view: &mut View<'_>) -> Result<BTreeMap<(u16, u16), u32>> {
    let regions = view.regions()?;
    let numbers: HashMap<_, _> =
        regions.iter().map(|region| (&*region.name, region.number)).collect();
    let mut limits = BTreeMap::new();
    for region in &regions {
        for (other, kbit_s) in &region.limits {
            if let Some(other) = numbers.get(&**other) {
                let pair = (region.number.min(*other), region.number.max(*other));
                limits.insert(pair, *kbit_s);
            }
        }
    }
    Ok(limits)
}

fn places(view: &mut View<'_>) -> Result<HashMap<String, Arc<Place>>> {
    let regions: HashMap<String, u16> =
        view.regions()?.into_iter().map(|region| (region.name, region.number)).collect();
    let servers = view.call_servers()?;
    let place = |pool: Pool| {
        let region = regions.get(&pool.region).copied().unwrap_or_default();
        let servers = pool.servers(&servers);
        (pool.name.clone(), Arc::new(Place { pool, region, servers }))
    };
    Ok(view.pools()?.into_iter().map(place).collect())
}

impl Pool {
    /// Those of its group, of all `servers` that there are; all of them if it names none.
    pub fn servers(&self, servers: &[CallServer]) -> Vec<CallServer> {
        if self.call_managers.is_empty() {
            return servers.to_vec();
        }
        let named = |name: &String| servers.iter().find(|server| server.name == *name).cloned();
        self.call_managers.iter().filter_map(named).collect()
    }
}

impl View<'_> {
    /// The nodes that run CallManager, the publisher first, with their ports.
    pub fn call_servers(&mut self) -> Result<Vec<CallServer>> {
        let nodes = self.nodes()?.into_iter();
        let active = nodes.filter(|node| node.services.contains(&Service::CallManager));
        let server = |node: crate::Node| {
            let port = self.parameter(Some(&node.name), parameter::SCCP_PORT)?.integer()?;
            let secure = self.parameter(Some(&node.name), parameter::SECURE_SCCP_PORT)?;
            let secure_port = secure.integer()?;
            Ok(CallServer { name: node.name, address: node.address, port, secure_port })
        };
        active.map(server).collect()
    }
}
