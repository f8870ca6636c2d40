use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use abi::{Address, FlowCounters, Limits, MediaKey, PortRange, Rewrite, Route, XdpReason, maps};
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, XskMap};
use aya::programs::xdp::{XdpLink, XdpLinkId};
use aya::programs::{ProgramError, Xdp, XdpMode as AttachMode};
use aya::{Ebpf, EbpfLoader};
use rustix::net::{AddressFamily, SocketType, netdevice, socket};

use crate::error::{XdpError, os_error};
use crate::flows::Flows;
use crate::left::{Left, OpenMedia};
use crate::pins::Pins;
use crate::signalling::Signalling;

/// The object file, or nothing if it was not there at build time.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/object.o"));

/// The XDP program of one interface, with maps of its own.
///
/// Sockets of all queues share it. It is detached, and its maps are gone, when the last owner drops
/// it, also when the process is killed; but if there are [pins](ProgramConfig::pins), it stays until
/// somebody [retires](Program::retire) it, and the next process finds what this one has left.
pub struct Program {
    interface: String,
    index: u32,
    attachment: Attachment,
    pins: Option<Result<Pins, String>>,
    maps: Mutex<Maps>,
    counters: PerCpuArray<MapData, u64>,
    /// Holds program and link.
    _ebpf: Ebpf,
}

/// What a program is attached to, and what it shall take from there.
#[derive(Clone, Debug)]
pub struct ProgramConfig {
    /// Name of the interface, in the network namespace of the calling thread.
    pub interface: String,
    /// Where in the kernel it may run.
    pub mode: XdpMode,
    /// The addresses media is received on and which of their UDP ports are for media: what comes to
    /// one of those and nobody waits for is dropped.
    pub media: Vec<(IpAddr, RangeInclusive<u16>)>,
    /// Most media ports that are open at a time.
    pub max_open: u32,
    /// Most legs, which is also the most flows of the fast tier.
    pub max_legs: u32,
    /// How much may pass to the sockets.
    pub limits: Limits,
    /// A directory of a BPF file system, of this process alone, for what shall outlive it when it
    /// crashes: the program, and flows of the fast tier. None: nothing does.
    pub pins: Option<PathBuf>,
}

/// Where in the kernel an XDP program may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver if it can, otherwise after it.
    #[default]
    Auto,
    /// In the driver or not at all.
    Native,
    /// After the driver, on the socket buffers of the kernel: slow, but works with any driver.
    Generic,
}

/// Where the program runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attachment {
    Native,
    /// And why.
    Generic(String),
}

/// linux/bpf.h, `BPF_NOEXIST`: an entry that is there stays.
const NO_EXIST: u64 = 1;

/// How long the kernel may take to detach a program that was retired.
const RELEASE_PATIENCE: Duration = Duration::from_secs(2);
const RELEASE_STEP: Duration = Duration::from_millis(5);

struct Maps {
    open_media: OpenMedia,
    left: Left,
    sockets: XskMap<MapData>,
    flows: Flows,
    signalling: Signalling,
}

impl ProgramConfig {
    /// A configuration for `interface` in [`XdpMode::Auto`], without media addresses.
    pub fn new(interface: impl Into<String>) -> Self {
        Self {
            interface: interface.into(),
            mode: XdpMode::Auto,
            media: Vec::new(),
            max_open: abi::sizes::OPEN_MEDIA,
            max_legs: abi::sizes::FLOWS,
            limits: Limits::default(),
            pins: None,
        }
    }
}

impl Program {
    /// Loads the program and attaches it to an interface.
    ///
    /// An XDP program that is there already is never replaced, but for one that an earlier process has
    /// left in the same [pins](ProgramConfig::pins).
    pub fn attach(config: &ProgramConfig) -> Result<Self, XdpError> {
        let index = interface_index(&config.interface)?;
        let mut pins = config.pins.as_deref().map(|root| Pins::of(root, index));
        let usable = pins.as_ref().and_then(|pins| pins.as_ref().ok());
        let mut ebpf = load(config.max_open, config.max_legs, usable)?;
        fill_media_addresses(&mut ebpf, &config.media)?;
        set_limits(&mut ebpf, config.limits)?;
        let mut open_media = take(&mut ebpf, maps::OPEN_MEDIA)?;
        let (left, first) = Left::find(&mut open_media, config.max_legs)?;
        let program = program(&mut ebpf)?;
        let attachment = match usable.and_then(|pins| take_over(program, pins, config.mode)) {
            Some(attachment) => attachment,
            None => {
                let (attachment, kept) = attach_and_keep(program, config, index, usable)?;
                if let Err(why) = kept {
                    pins = Some(Err(why));
                }
                attachment
            }
        };
        let maps = Maps {
            open_media,
            left,
            sockets: take(&mut ebpf, maps::SOCKETS)?,
            flows: Flows::take(&mut ebpf, config.max_legs, first)?,
            signalling: Signalling::take(&mut ebpf)?,
        };
        Ok(Self {
            interface: config.interface.clone(),
            index,
            attachment,
            pins,
            maps: Mutex::new(maps),
            counters: take(&mut ebpf, maps::COUNTERS)?,
            _ebpf: ebpf,
        })
    }

    /// Name of the interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Frames counted under each reason since the program was attached.
    pub fn counters(&self) -> io::Result<Vec<(XdpReason, u64)>> {
        let read = |reason| {
            let per_cpu = self.counters.get(&(reason as u32), 0).map_err(io::Error::other)?;
            Ok((reason, per_cpu.iter().sum()))
        };
        XdpReason::ALL.into_iter().map(read).collect()
    }

    /// Why nothing outlives the process, though that was asked for.
    pub fn why_mortal(&self) -> Option<&str> {
        self.pins.as_ref()?.as_ref().err().map(String::as_str)
    }

    /// Where the flows arrive that an earlier process has left, and that have not ended.
    pub fn left(&self) -> Vec<SocketAddr> {
        self.maps().left.locals()
    }

    /// How many there are.
    pub(crate) fn left_count(&self) -> usize {
        self.maps().left.count()
    }

    /// Ends those of them in which nothing has come for so long; where they arrived.
    pub fn end_silent(&self, patience: Duration) -> Vec<SocketAddr> {
        let Maps { open_media, left, flows, .. } = &mut *self.maps();
        left.end_silent(open_media, flows, patience)
    }

    /// Lets nothing outlive the process any more. The kernel detaches the program a moment after it has
    /// been dropped.
    pub fn retire(&self) {
        if let Some(Ok(pins)) = &self.pins {
            pins.remove();
        }
    }

    /// Takes off what an earlier process has left on an interface that is to be without a program.
    pub fn retire_left(pins: &Path, interface: &str) {
        // Without the interface, or the file system, there is nothing left.
        if let Ok(index) = interface_index(interface)
            && let Ok(pins) = Pins::of(pins, index)
        {
            pins.remove();
        }
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Whether it runs in the driver.
    pub fn is_native(&self) -> bool {
        self.attachment == Attachment::Native
    }

    pub(crate) fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    pub(crate) fn open_media(&self, local: SocketAddr) -> io::Result<()> {
        match self.set_route(local, &Route::to_socket(), NO_EXIST) {
            // It is open already, and perhaps it is known to whom.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            done => done,
        }
    }

    /// Gives what comes to a media port to the socket, and tells who its peer is, whose budget has this
    /// number.
    pub(crate) fn expect(
        &self,
        local: SocketAddr,
        peer: Option<SocketAddr>,
        budget: u32,
    ) -> io::Result<()> {
        let route = match peer {
            Some(peer) => Route::to_socket_from(peer, self.maps().flows.budget(budget)),
            None => Route::to_socket(),
        };
        self.set_route(local, &route, 0)
    }

    /// Opens a flow of the fast tier on a media port that is open.
    pub(crate) fn open_flow(&self, flow: &Rewrite) -> io::Result<()> {
        let route = self.maps().flows.prepare(flow)?;
        self.set_route(flow.arrived_at, &route, 0)
    }

    /// What all processors have counted of a flow.
    pub(crate) fn flow_counters(&self, number: u32) -> io::Result<FlowCounters> {
        self.maps().flows.counters(number)
    }

    pub(crate) fn set_hop(&self, hop: u32, address: Option<[u8; 6]>) -> io::Result<()> {
        self.maps().flows.set_hop(hop, address)
    }

    /// Tells which interfaces flows may leave through, by number. Flows that were left to leave through
    /// others end.
    pub(crate) fn set_devices(&self, devices: &[(u32, u32)]) -> io::Result<()> {
        let Maps { open_media, left, flows, .. } = &mut *self.maps();
        if flows.are_others(devices) {
            left.end_silent(open_media, flows, Duration::ZERO);
        }
        flows.set_devices(devices)
    }

    /// Gives ESP that comes to `address` under this SPI to the sockets, in UDP or not. What comes from
    /// elsewhere than `peer` is limited as strangers are.
    pub fn steer_esp(&self, address: IpAddr, spi: u32, peer: IpAddr) -> io::Result<()> {
        self.maps().signalling.steer(address, spi, peer)
    }

    /// Leaves that ESP to the kernel again. What was not steered is no error.
    pub fn unsteer_esp(&self, address: IpAddr, spi: u32) -> io::Result<()> {
        self.maps().signalling.unsteer(address, spi)
    }

    /// Gives everything that is about an address which the kernel does not have to the sockets: ARP,
    /// neighbour discovery, ICMP, fragments.
    pub fn own_address(&self, address: IpAddr) -> io::Result<()> {
        self.maps().signalling.own(address)
    }

    fn set_route(&self, local: SocketAddr, route: &Route, flags: u64) -> io::Result<()> {
        let done = self.maps().open_media.insert(key(local), route.to_bytes(), flags);
        done.map_err(|error| match os_error(&error) {
            Some(libc::EEXIST) => io::Error::from_raw_os_error(libc::EEXIST),
            Some(libc::E2BIG) => io::Error::other(format!(
                "all media ports that the XDP program of {} has room for are open",
                self.interface
            )),
            _ => io::Error::other(error),
        })
    }

    pub(crate) fn close_media(&self, local: SocketAddr) -> io::Result<()> {
        match self.maps().open_media.remove(&key(local)) {
            Err(error) if os_error(&error) == Some(libc::ENOENT) => Ok(()),
            done => done.map_err(io::Error::other),
        }
    }

    pub(crate) fn set_socket(&self, queue: u32, socket: &impl AsRawFd) -> Result<(), XdpError> {
        Ok(self.maps().sockets.set(queue, socket.as_raw_fd(), 0)?)
    }

    pub(crate) fn unset_socket(&self, queue: u32) {
        // The kernel takes a closed socket out of the map by itself as well.
        let _ = self.maps().sockets.unset(queue);
    }

    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.maps.lock().expect("nobody panics while holding it")
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({}, {:?})", self.interface, self.attachment)
    }
}

fn interface_index(name: &str) -> Result<u32, XdpError> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)
        .map_err(|error| XdpError::socket("make a socket", error))?;
    netdevice::name_to_index(any, name).map_err(|_| XdpError::NoInterface(name.to_owned()))
}

fn load(max_open: u32, max_legs: u32, pins: Option<&Pins>) -> Result<Ebpf, XdpError> {
    if OBJECT.is_empty() {
        return Err(XdpError::NoObject);
    }
    // What an earlier process has left has numbers of its own.
    let flows = if pins.is_some() { 2 * max_legs } else { max_legs };
    let sizes = [
        (maps::OPEN_MEDIA, max_open),
        (maps::FLOWS, flows),
        // Each leg may have two peers, of RTP and of RTCP.
        (maps::HOPS, 2 * flows),
    ];
    let mut loader = EbpfLoader::new();
    for (name, size) in sizes.into_iter().chain([(maps::BUDGETS, 2 * flows)]) {
        loader.map_max_entries(name, size);
    }
    if let Some(pins) = pins {
        pins.fit(&sizes).map_err(|cause| XdpError::socket("make the directory of pins", cause))?;
        for (name, file) in pins.maps() {
            loader.map_pin_path(name, file);
        }
    }
    loader.load(OBJECT).map_err(XdpError::load)
}

fn fill_media_addresses(
    ebpf: &mut Ebpf,
    media: &[(IpAddr, RangeInclusive<u16>)],
) -> Result<(), XdpError> {
    let map = ebpf.map_mut(maps::MEDIA_ADDRESSES).expect("the object has its maps");
    let mut addresses: HashMap<_, [u8; 16], [u16; 2]> = map.try_into()?;
    for (address, ports) in media {
        addresses.insert(Address::from(*address).0, PortRange::from(ports).to_words(), 0)?;
    }
    Ok(())
}

fn set_limits(ebpf: &mut Ebpf, limits: Limits) -> Result<(), XdpError> {
    let map = ebpf.map_mut(maps::LIMITS).expect("the object has its maps");
    let mut array: Array<_, [u64; 6]> = map.try_into()?;
    Ok(array.set(0, limits.to_words(), 0)?)
}

fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp, XdpError> {
    let program = ebpf.program_mut(abi::PROGRAM).expect("the object has its program");
    let program: &mut Xdp = program.try_into().map_err(XdpError::load_program)?;
    program.load().map_err(XdpError::load_program)?;
    Ok(program)
}

/// Puts the program in the place of one that an earlier process has left, if there is one that runs
/// where this one shall, and its interface still is. Otherwise that one goes.
fn take_over(program: &mut Xdp, pins: &Pins, mode: XdpMode) -> Option<Attachment> {
    let taken = pins.link().and_then(|(link, attachment)| {
        let suits = match (mode, &attachment) {
            (XdpMode::Auto, _) => true,
            (XdpMode::Native, other) => *other == Attachment::Native,
            (XdpMode::Generic, other) => *other != Attachment::Native,
        };
        let link = XdpLink::try_from(link).ok().filter(|_| suits)?;
        program.attach_to_link(link).ok()?;
        Some(attachment)
    });
    if taken.is_none() {
        pins.remove_link();
    }
    taken
}

/// Attaches the program, and has that outlive the process, unless there is a reason against it.
fn attach_and_keep(
    program: &mut Xdp,
    config: &ProgramConfig,
    index: u32,
    pins: Option<&Pins>,
) -> Result<(Attachment, Result<(), String>), XdpError> {
    let begin = Instant::now();
    let (attachment, link) = loop {
        match attach(program, &config.interface, index, config.mode) {
            // Perhaps by one of ours that was retired just now.
            Err(XdpError::Occupied(_)) if pins.is_some() && begin.elapsed() < RELEASE_PATIENCE => {
                thread::sleep(RELEASE_STEP);
            }
            attached => break attached?,
        }
    };
    let Some(pins) = pins else { return Ok((attachment, Ok(()))) };
    let link = program.take_link(link).map_err(XdpError::load_program)?;
    let kept = pins.keep(link, &attachment);
    if kept.is_err() {
        // The attempt has taken it off.
        attach(program, &config.interface, index, config.mode)?;
    }
    Ok((attachment, kept))
}

fn attach(
    program: &mut Xdp,
    interface: &str,
    index: u32,
    mode: XdpMode,
) -> Result<(Attachment, XdpLinkId), XdpError> {
    let mut attach_as = |mode| match program.attach_to_if_index(index, mode) {
        Ok(link) => Ok(Ok(link)),
        Err(error) => match os_error(&error) {
            Some(libc::EBUSY | libc::EEXIST) => Err(XdpError::Occupied(interface.to_owned())),
            Some(libc::EPERM | libc::EACCES) => Err(XdpError::NotPermitted {
                action: "attach an XDP program",
                capability: "CAP_NET_ADMIN",
            }),
            number => Ok(Err(describe(&error, number))),
        },
    };
    let refused = |modes| XdpError::Attach { interface: interface.to_owned(), modes };

    if mode == XdpMode::Generic {
        let asked_for = Attachment::Generic("generic XDP, as configured".into());
        return attach_as(AttachMode::Skb)?
            .map(|link| (asked_for, link))
            .map_err(|why| refused(format!("generic: {why}")));
    }
    let native = match attach_as(AttachMode::Driver)? {
        Ok(link) => return Ok((Attachment::Native, link)),
        Err(why) => why,
    };
    if mode == XdpMode::Native {
        return Err(refused(format!("native: {native}")));
    }
    attach_as(AttachMode::Skb)?
        .map(|link| {
            let why = format!("generic XDP: the driver refuses native XDP ({native})");
            (Attachment::Generic(why), link)
        })
        .map_err(|generic| refused(format!("native: {native}; generic: {generic}")))
}

fn describe(error: &ProgramError, number: Option<i32>) -> String {
    number.map_or_else(
        || error.to_string(),
        |number| io::Error::from_raw_os_error(number).to_string(),
    )
}

pub(crate) fn take<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &str,
) -> Result<M, XdpError> {
    let map = ebpf.take_map(name).expect("the object has its maps");
    Ok(M::try_from(map)?)
}

fn key(local: SocketAddr) -> [u8; 20] {
    MediaKey::new(local.ip().into(), local.port()).to_bytes()
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "forward_tests.rs"]
mod forward_tests;
