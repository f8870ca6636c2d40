use abi::lab::{Generator, maps, programs};
use anyhow::{Context, Result, anyhow, bail};
use aya::maps::{Array, Map, MapData, MapError, PerCpuArray};
use aya::programs::Xdp;
use aya::programs::xdp::{XdpLink, XdpMode};
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
    generator: Array<MapData, [u64; 6]>,
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
    /// Sends everything back: the least an XDP program can do with a frame it keeps.
    Bounce,
}

/// A program on an interface; dropping it takes it off.
pub struct Attached {
    _link: XdpLink,
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
            let program: &mut Xdp = program.try_into()?;
            program.load().with_context(|| format!("the kernel refuses the program {name}"))?;
        }
        let Some(Map::Array(array)) = ebpf.take_map(maps::PREPARED) else {
            bail!("no array `{}`", maps::PREPARED)
        };
        Ok(Self {
            generator: take(&mut ebpf, maps::GENERATOR)?,
            seen: take(&mut ebpf, maps::SEEN)?,
            latency: take(&mut ebpf, maps::LATENCY)?,
            prepared: Prepared::map(array.fd(), entries)?,
            ebpf,
        })
    }

    /// Puts a program on an interface of the calling thread's namespace, in native mode.
    pub fn attach(&mut self, interface: &str, role: Role) -> Result<Attached> {
        let name = match role {
            Role::Sink => programs::SINK,
            Role::Bounce => programs::BOUNCE,
        };
        let program = program(&mut self.ebpf, name)?;
        let link = program
            .attach(interface, XdpMode::Driver)
            .with_context(|| format!("cannot put the program `{name}` on {interface}"))?;
        Ok(Attached { _link: program.take_link(link)? })
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
            first_port: stream.destination.port().into(),
            rate_q32: order.rate_q32(),
            began: 0,
            sent: 0,
        };
        self.generator.set(0, generator.to_words(), 0)?;
        let program = program(&mut self.ebpf, name)?;
        let elapsed = pace::run(program, &stream.template(), ifindex, order.duration)?;
        let generator = Generator::from_words(self.generator.get(&0, 0)?);
        Ok(Sent { frames: generator.sent, elapsed })
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

fn program<'e>(ebpf: &'e mut Ebpf, name: &str) -> Result<&'e mut Xdp> {
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
