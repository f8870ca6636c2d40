use abi::lab::{Generator, TEMPLATE_LEN, maps, programs};
use anyhow::{Context, Result, anyhow, bail};
use aya::maps::{Array, DevMap, Map, MapData, MapError, PerCpuArray};
use aya::programs::tc::SchedClassifierLink;
use aya::programs::xdp::{XdpLink, XdpMode};
use aya::programs::{Program, ProgramError, SchedClassifier, TcAttachType, Xdp};
use aya::{Ebpf, EbpfLoader};
use rustix::net::{AddressFamily, SocketType, netdevice, socket};

use crate::latency::Latencies;
use crate::pace::{self, Content, Order, Sent};
use crate::prepared::Prepared;
use crate::stream::Stream;

/// The object file, or nothing if it was not there at build time.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/object.o"));

/// The programs of the laboratory, loaded.
pub struct Kit {
    generator: Array<MapData, [u64; 8]>,
    template: Array<MapData, [u8; TEMPLATE_LEN]>,
    exit: DevMap<MapData>,
    seen: PerCpuArray<MapData, u64>,
    latency: PerCpuArray<MapData, u64>,
    prepared: Prepared,
    ebpf: Ebpf,
}

/// What an interface does with frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Counts and times RTP, drops it, and lets the rest pass.
    Sink,
    /// The same behind the driver, on socket buffers: on a veth the cheaper place for what comes
    /// from an AF_XDP socket at the other end.
    BufferSink,
    /// Sends everything back: the least an XDP program can do with a frame it keeps.
    Bounce,
    /// The same by way of a table of interfaces, as between two of them.
    Redirect,
}

/// A program on an interface; dropping it takes it off.
pub struct Attached {
    _link: AnyLink,
}

/// Held for its `Drop`.
enum AnyLink {
    Xdp { _link: XdpLink },
    Classifier { _link: SchedClassifierLink },
}

impl Kit {
    /// Loads the programs, with room for `prepared` payloads.
    pub fn load(prepared: usize) -> Result<Self> {
        if OBJECT.is_empty() {
            bail!(
                "this binary was built without the programs of the laboratory; run `cargo xtask \
                 setup` and build it again"
            );
        }
        // A mapping has whole pages.
        let entries = prepared.max(1).next_multiple_of(16);
        let mut ebpf = EbpfLoader::new()
            .map_max_entries(maps::PREPARED, entries as u32)
            .load(OBJECT)
            .context("cannot load the programs of the laboratory (this needs root)")?;
        for (name, program) in ebpf.programs_mut() {
            let loaded = match program {
                Program::Xdp(program) => program.load(),
                Program::SchedClassifier(program) => program.load(),
                _ => bail!("{name} is a program of an unknown kind"),
            };
            loaded.with_context(|| format!("the kernel refuses the program {name}"))?;
        }
        let Some(Map::Array(array)) = ebpf.take_map(maps::PREPARED) else {
            bail!("no array `{}`", maps::PREPARED)
        };
        Ok(Self {
            generator: take(&mut ebpf, maps::GENERATOR)?,
            template: take(&mut ebpf, maps::TEMPLATE)?,
            exit: take(&mut ebpf, maps::EXIT)?,
            seen: take(&mut ebpf, maps::SEEN)?,
            latency: take(&mut ebpf, maps::LATENCY)?,
            prepared: Prepared::map(array.fd(), entries)?,
            ebpf,
        })
    }

    /// Puts a program on an interface of the calling thread's namespace, in native mode.
    pub fn attach(&mut self, interface: &str, role: Role) -> Result<Attached> {
        let link = match role {
            Role::Sink => self.attach_xdp(interface, programs::SINK),
            Role::Bounce => self.attach_xdp(interface, programs::BOUNCE),
            Role::Redirect => self.attach_redirect(interface),
            Role::BufferSink => self.attach_classifier(interface, programs::SINK_BUFFERS),
        };
        let link = link.with_context(|| format!("cannot make {interface} a {role:?}"))?;
        Ok(Attached { _link: link })
    }

    fn attach_redirect(&mut self, interface: &str) -> Result<AnyLink> {
        let index = interface_index(interface)?;
        self.exit.set(0, index, None, 0)?;
        self.attach_xdp(interface, programs::REDIRECT)
    }

    fn attach_xdp(&mut self, interface: &str, name: &str) -> Result<AnyLink> {
        let program: &mut Xdp = program(&mut self.ebpf, name)?;
        let link = program.attach(interface, XdpMode::Driver)?;
        Ok(AnyLink::Xdp { _link: program.take_link(link)? })
    }

    fn attach_classifier(&mut self, interface: &str, name: &str) -> Result<AnyLink> {
        let program: &mut SchedClassifier = program(&mut self.ebpf, name)?;
        let link = program.attach(interface, TcAttachType::Ingress)?;
        Ok(AnyLink::Classifier { _link: program.take_link(link)? })
    }

    /// The payloads for [`Content::Prepared`].
    pub fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }

    /// Sends; returns when it is done. The calling thread's processor is busy with it.
    pub fn send(&mut self, stream: &Stream, order: &Order) -> Result<Sent> {
        let ifindex = interface_index(&order.interface)?;
        let (name, count) = match order.content {
            Content::Rtp => (programs::GENERATE, stream.flows.into()),
            Content::Prepared => (programs::GENERATE_PREPARED, self.prepared.len() as u64),
        };
        let generator = Generator {
            ifindex: ifindex.into(),
            count,
            first: order.first,
            first_port: stream.destination.port().into(),
            rate_q32: order.rate_q32(),
            began: 0,
            sent: 0,
            missed: 0,
        };
        self.generator.set(0, generator.to_words(), 0)?;
        let frame = stream.template();
        let headers = frame.first_chunk::<TEMPLATE_LEN>().context("the packets are no RTP")?;
        self.template.set(0, headers, 0)?;
        let program: &mut Xdp = program(&mut self.ebpf, name)?;
        let elapsed = pace::run(program, &frame, ifindex, order.duration)?;
        let generator = Generator::from_words(self.generator.get(&0, 0)?);
        Ok(Sent { frames: generator.sent, missed: generator.missed, elapsed })
    }

    /// Packets that sinks have seen since the programs were loaded.
    pub fn seen(&self) -> Result<u64> {
        Ok(self.seen.get(&0, 0)?.iter().sum())
    }

    /// How long sampled packets took, since the programs were loaded.
    pub fn latencies(&self) -> Result<Latencies> {
        let counts = self.latency.iter().map(|per_cpu| Ok(per_cpu?.iter().sum()));
        Ok(Latencies::new(counts.collect::<Result<_, MapError>>()?))
    }
}

fn program<'e, P>(ebpf: &'e mut Ebpf, name: &str) -> Result<&'e mut P>
where
    &'e mut P: TryFrom<&'e mut Program, Error = ProgramError>,
{
    let program = ebpf.program_mut(name).with_context(|| format!("no program `{name}`"))?;
    Ok(program.try_into()?)
}

fn take<M: TryFrom<Map, Error = MapError>>(ebpf: &mut Ebpf, name: &str) -> Result<M> {
    let map = ebpf.take_map(name).with_context(|| format!("no map `{name}`"))?;
    Ok(M::try_from(map)?)
}

fn interface_index(name: &str) -> Result<u32> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    netdevice::name_to_index(any, name)
        .map_err(|_| anyhow!("there is no network interface `{name}` here"))
}
