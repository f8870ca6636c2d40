//! What the database says of phones, lines and calls, in the words of `callmanager`.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::SystemTime;

use callmanager::admission::Configured;
use callmanager::codec::Codec;
use callmanager::dialplan::Pattern;
use callmanager::security::{Bridge, Security};
use callmanager::station::{Equipment, Server, SpeedDial};
use callmanager::switchboard::{
    Destination, DeviceName, Forwards, Kind, LineProfile, Party, Profile, Regions, RelayPolicy,
    Settings,
};
use sccp::codes::DeviceType;
use store::{BridgeMedia, EffectiveMode, MediaPolicy, Number, Place, Roster, Telephone};

use crate::census::Limits;

/// What a phone is to be admitted with.
pub(crate) struct Entry {
    /// What it must be.
    pub(crate) configured: Configured,
    /// What it is told.
    pub(crate) equipment: Equipment,
}

/// A station by its name; `None` if nobody has entered it.
pub(crate) fn find(roster: &Roster, cluster: &str, name: &str, now: SystemTime) -> Option<Entry> {
    let phone = || roster.telephone(name, now).map(|phone| of_phone(roster, cluster, &phone));
    let port = || roster.port(name, now).map(|port| of_port(roster, cluster, &port));
    phone().or_else(port)
}

fn of_phone(roster: &Roster, cluster: &str, phone: &Telephone) -> Entry {
    let Telephone { device, mode, lines, bridge, place, utc_offset } = phone;
    let mode = security(*mode);
    let dial = |dial: &store::SpeedDial| SpeedDial {
        number: dial.number.to_string(),
        label: dial.label.clone(),
    };
    let equipment = Equipment {
        encrypts_wideband: device.model.encrypts_wideband(),
        bridge: bridge.map(|media| match media {
            BridgeMedia::Plain => Bridge::Plain,
            BridgeMedia::Encrypted => Bridge::Encrypted,
        }),
        private: device.private,
        lines: lines.iter().map(|found| line(found)).collect(),
        speed_dials: device.speed_dials.iter().map(dial).collect(),
        load: device.load_information.clone(),
        user: device.owner.clone(),
        messages: roster.voicemail_pilot().map(ToString::to_string),
        ..common(roster, cluster, place, mode, *utc_offset)
    };
    Entry { configured: Configured { device_type: device.model.load_id(), mode }, equipment }
}

/// A port has one line, and no bridge: it takes one call at a time.
fn of_port(roster: &Roster, cluster: &str, found: &store::Port) -> Entry {
    let mode = security(found.mode);
    let (mut profile, all) = line(&found.line);
    profile.busy_trigger = 1;
    let equipment = Equipment {
        lines: vec![(profile, all)],
        voicemail: true,
        ..common(roster, cluster, &found.place, mode, found.utc_offset)
    };
    let device_type = DeviceType::VOICEMAIL_PORT.0;
    Entry { configured: Configured { device_type, mode }, equipment }
}

/// What each station at a place is told.
fn common(
    roster: &Roster,
    cluster: &str,
    place: &Place,
    mode: Security,
    utc_offset: i32,
) -> Equipment {
    let server = |server: &store::CallServer| Server {
        name: server.name.clone(),
        address: server.address,
        port: if mode == Security::NonSecure { server.port } else { server.secure_port },
    };
    Equipment {
        security: mode,
        encrypts_wideband: true,
        bridge: None,
        private: false,
        region: place.region,
        media_elsewhere: false,
        relay: relay(place.pool.media),
        lines: Vec::new(),
        speed_dials: Vec::new(),
        voicemail: false,
        messages: None,
        load: String::new(),
        user: String::new(),
        server_name: cluster.to_owned(),
        servers: place.servers.iter().map(server).collect(),
        date_template: place.pool.date_template.clone(),
        utc_offset,
        keep_alive: roster.settings().keep_alive,
    }
}

fn line(line: &store::Line) -> (LineProfile, Option<String>) {
    let party = Party { number: line.number.to_string(), name: line.display.clone() };
    let profile = LineProfile { party, busy_trigger: line.busy_trigger.into() };
    (profile, line.forward_all.as_ref().map(ToString::to_string))
}

fn security(mode: EffectiveMode) -> Security {
    match mode {
        EffectiveMode::NonSecure => Security::NonSecure,
        EffectiveMode::Authenticated => Security::Authenticated,
        EffectiveMode::Encrypted => Security::Encrypted,
    }
}

/// What holds for all calls. `node` is its number in the cluster.
pub(crate) fn settings(roster: &Roster, node: u8) -> Settings {
    let given = roster.settings();
    Settings {
        node,
        first_digit: given.first_digit,
        inter_digit: given.inter_digit,
        no_answer: given.no_answer,
        forward_no_answer: given.forward_no_answer,
        max_conference: given.max_conference,
        music_on_hold: given.music_on_hold,
        plain_fallback: given.plain_fallback,
        relay_fallback: given.relay_fallback,
        regions: Regions { default: store::DEFAULT_KBIT_S, between: roster.limits().clone() },
        ..Settings::default()
    }
}

/// What an administrator has changed.
#[derive(Default)]
pub(crate) struct Plan {
    /// Where calls to lines go; `None` if the line is no more.
    pub(crate) lines: Vec<(String, Option<Forwards>)>,
    /// For which numbers messages wait, or no longer.
    pub(crate) waiting: Vec<(String, bool)>,
    /// All patterns.
    pub(crate) routes: Option<Vec<(Pattern, Destination)>>,
    /// What holds for all calls.
    pub(crate) settings: Option<Settings>,
    /// How many connections there may be.
    pub(crate) limits: Option<Limits>,
    /// What those on hold hear; `None` within is what the program brings.
    pub(crate) music: Option<Option<PathBuf>>,
    /// The gateways.
    pub(crate) gateways: Option<GatewayPlan>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        let Self { lines, waiting, routes, settings, limits, music, gateways } = self;
        let nothing =
            lines.is_empty() && waiting.is_empty() && routes.is_none() && settings.is_none();
        nothing && limits.is_none() && music.is_none() && gateways.is_none()
    }
}

/// The gateways that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayPlan {
    /// By name.
    pub gateways: Vec<GatewaySetup>,
    /// Whether the cluster is in mixed mode: else nothing is encrypted.
    pub mixed_mode: bool,
}

/// A gateway as call processing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySetup {
    /// As it is administered.
    pub gateway: store::Gateway,
    /// This node's place among its call agents, from 0; `None` if it is none of them.
    pub rank: Option<usize>,
    /// Its ports.
    pub ports: Vec<PortSetup>,
}

/// A port as call processing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSetup {
    /// As it is administered.
    pub port: store::GatewayPort,
    /// What the switchboard knows of it; that it may be given keys is yet to be found out.
    pub profile: Profile,
}

fn gateways(roster: &Roster, node: &str) -> GatewayPlan {
    let setup = |gateway: &store::Gateway| {
        let place = roster.place(&gateway.pool)?;
        let port = |port: &store::GatewayPort| {
            let line = port.number.as_ref().and_then(|number| roster.line(number));
            let party = Party {
                number: port.number.as_ref().map(ToString::to_string).unwrap_or_default(),
                name: line.map_or_else(|| gateway.description.clone(), |line| line.display.clone()),
            };
            let profile = Profile {
                kind: if port.number.is_some() { Kind::Line } else { Kind::Trunk },
                security: Security::NonSecure,
                // A secure DSP has these.
                codecs: vec![Codec::G711_ULAW, Codec::G711_ALAW],
                encrypts_wideband: false,
                bridge: None,
                private: false,
                region: place.region,
                relay: relay(place.pool.media),
                media_elsewhere: false,
                lines: vec![LineProfile {
                    party,
                    busy_trigger: line.map_or(1, |line| line.busy_trigger.into()),
                }],
            };
            PortSetup { port: port.clone(), profile }
        };
        Some(GatewaySetup {
            rank: place.servers.iter().position(|server| server.name == node),
            ports: gateway.ports.iter().map(port).collect(),
            gateway: gateway.clone(),
        })
    };
    GatewayPlan {
        gateways: roster.gateways().iter().filter_map(setup).collect(),
        mixed_mode: roster.security_mode() == store::SecurityMode::Mixed,
    }
}

/// The ports of a gateway that a route leads to.
fn trunks(roster: &Roster, name: &str) -> Destination {
    let found = roster.gateways().iter().find(|it| it.name.eq_ignore_ascii_case(name));
    let leads_out = |port: &&store::GatewayPort| {
        port.number.is_none() && port.direction != store::Direction::In
    };
    let ports = found.into_iter().flat_map(|gateway| {
        let ports = gateway.ports.iter().filter(leads_out);
        ports.map(|port| DeviceName::from(&*format!("{}@{}", port.name, gateway.name)))
    });
    Destination::Ports(ports.collect())
}

fn relay(policy: MediaPolicy) -> RelayPolicy {
    match policy {
        MediaPolicy::Never => RelayPolicy::Never,
        MediaPolicy::WhenNeeded => RelayPolicy::WhenNeeded,
        MediaPolicy::Always => RelayPolicy::Always,
    }
}

/// What the switchboard has been told of.
pub(crate) struct Told {
    /// This node's number in the cluster.
    node: u8,
    lines: HashMap<String, Forwards>,
    waiting: BTreeSet<Number>,
    routes: Vec<store::Route>,
    settings: Settings,
    limits: Limits,
    music: Option<PathBuf>,
    gateways: Option<GatewayPlan>,
}

impl Told {
    /// It was started with what holds for all calls, and knows no number yet.
    pub(crate) fn of(roster: &Roster, node: u8) -> Self {
        let given = roster.settings();
        Self {
            node,
            lines: HashMap::new(),
            waiting: BTreeSet::new(),
            routes: Vec::new(),
            settings: settings(roster, node),
            limits: Limits::of(given),
            music: given.music.clone(),
            gateways: None,
        }
    }

    /// What it is to be told of now; `None` if nothing has changed.
    pub(crate) fn news(&mut self, roster: &Roster, node: &str) -> Option<Plan> {
        let text = |number: &Option<Number>| number.as_ref().map(ToString::to_string);
        let lines: HashMap<String, Forwards> = roster
            .lines()
            .map(|line| {
                let forwards = Forwards {
                    all: text(&line.forward_all),
                    busy: text(&line.forward_busy),
                    no_answer: text(&line.forward_no_answer),
                };
                (line.number.to_string(), forwards)
            })
            .collect();
        let mut plan = Plan::default();
        for (number, forwards) in &lines {
            if self.lines.get(number) != Some(forwards) {
                plan.lines.push((number.clone(), Some(forwards.clone())));
            }
        }
        let gone = self.lines.keys().filter(|number| !lines.contains_key(*number));
        plan.lines.extend(gone.map(|number| (number.clone(), None)));
        self.lines = lines;
        let waiting = roster.waiting();
        let changed_lamps = waiting.symmetric_difference(&self.waiting);
        let lamp = |number: &Number| (number.to_string(), waiting.contains(number));
        plan.waiting = changed_lamps.map(lamp).collect();
        self.waiting.clone_from(waiting);
        let plan_of_gateways = gateways(roster, node);
        let other_gateways = self.gateways.as_ref() != Some(&plan_of_gateways);
        if other_gateways {
            plan.gateways = Some(plan_of_gateways.clone());
            self.gateways = Some(plan_of_gateways);
        }
        if other_gateways || self.routes != roster.routes() {
            self.routes = roster.routes().to_vec();
            // The database takes patterns by their signs only; one that means nothing leads nowhere.
            let route = |route: &store::Route| {
                let destination = match &route.destination {
                    store::Destination::MeetMe => Destination::MeetMe,
                    store::Destination::Gateway(name) => trunks(roster, name),
                    store::Destination::MessageWaitingOn => Destination::MessageWaiting(true),
                    store::Destination::MessageWaitingOff => Destination::MessageWaiting(false),
                };
                Some((route.pattern.parse().ok()?, destination))
            };
            plan.routes = Some(self.routes.iter().filter_map(route).collect());
        }
        let given = roster.settings();
        plan.settings = changed(&mut self.settings, settings(roster, self.node));
        plan.limits = changed(&mut self.limits, Limits::of(given));
        plan.music = changed(&mut self.music, given.music.clone());
        (!plan.is_empty()).then_some(plan)
    }
}

/// Takes a new value over, and gives it if it is another one.
fn changed<T: Clone + PartialEq>(known: &mut T, now: T) -> Option<T> {
    if *known == now {
        return None;
    }
    known.clone_from(&now);
    Some(now)
}
