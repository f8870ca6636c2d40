//! The public face.

use std::collections::HashMap;
use std::net::IpAddr;
use std::slice;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use crate::associations::Associations;
use crate::covering::{Cover, Uncovered, covers};
use crate::encapsulation::{self, Kind};
use crate::event::{Event, Events};
use crate::inbound::{self, Arrived, Opening};
use crate::inner_fragments::InnerFragments;
use crate::ip::{self, Ip, Part};
use crate::outbound::{self, Sealing};
use crate::packet::Work;
use crate::policy::{Action, Policies, Policy, RequestId};
use crate::report::SaReport;
use crate::sa::{SaError, SaSpec};
use crate::selector::{Direction, Flow};
use crate::transform::{self, BURST, Job};
use crate::verdict::Drops;
use crate::{DropReason, Packet, Verdict, icmp};

/// Handle of an association. After [`Ipsec::remove_sa`] it is an error, never another association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SaId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Sizes, fixed at start.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Associations there may be at a time, both directions counted.
    pub max_sas: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_sas: 4096 }
    }
}

/// What became of packets, all associations together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sealed, or opened with success.
    pub protected: u64,
    /// Let pass as they were, by policy.
    pub bypassed: u64,
    /// Keepalives and dummy packets.
    pub consumed: u64,
    /// For the IKE daemon.
    pub ike: u64,
    /// Given back to be cut, joined or answered.
    pub returned: u64,
    /// Dropped, by reason.
    pub drops: Drops,
}

/// IPsec for one worker: associations and policies, packets in place.
///
/// Nothing is shared, locked or allocated per packet.
pub struct Ipsec {
    pub(crate) associations: Associations,
    policies: Policies,
    events: Events,
    counters: Counters,
    fragments: InnerFragments,
    /// When an association was asked for last.
    asked: HashMap<RequestId, Instant>,
}

/// Between the steps of a burst nobody removes an association.
const STAYS: &str = "associations stay while a burst is worked on";

/// How often an association is asked for while packets want one.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl Ipsec {
    /// Without associations and policies: everything is dropped.
    pub fn new(config: Config) -> Self {
        Self {
            associations: Associations::new(config.max_sas),
            policies: Policies::default(),
            events: Events::new(),
            counters: Counters::default(),
            fragments: InnerFragments::default(),
            asked: HashMap::new(),
        }
    }

    /// Adds an association. Outbound, packets go under it from now on; those that were added before
    /// it for the same policy remain, and inbound they still open packets.
    pub fn add_sa(&mut self, now: Instant, spec: SaSpec) -> Result<SaId, SaError> {
        self.associations.add(now, spec)
    }

    /// Ends an association and erases its keys. Gives its last figures.
    pub fn remove_sa(&mut self, id: SaId) -> Result<SaReport, SaError> {
        self.associations.remove(id).map(|sa| SaReport::of(&sa))
    }

    /// Changes where the peer of an association is, and its port if it encapsulates.
    pub fn set_peer(
        &mut self,
        id: SaId,
        address: IpAddr,
        port: Option<u16>,
    ) -> Result<(), SaError> {
        self.associations.set_peer(id, address, port)
    }

    /// Puts a list of policies in place of the one there was. The first that matches counts; what
    /// none matches is dropped.
    pub fn set_policies(&mut self, policies: Vec<Policy>) {
        self.policies.replace(policies);
        self.asked.clear();
    }

    /// The policies, in their order.
    pub fn policies(&self) -> &[Policy] {
        self.policies.all()
    }

    /// Figures of an association.
    pub fn sa(&self, id: SaId) -> Option<SaReport> {
        self.associations.get(id).map(SaReport::of)
    }

    /// Figures of all.
    pub fn sas(&self) -> impl Iterator<Item = SaReport> {
        self.associations.iter().map(SaReport::of)
    }

    /// The association with this number.
    pub fn find_sa(&mut self, direction: Direction, spi: u32, destination: IpAddr) -> Option<SaId> {
        self.associations.find_mut(direction, spi, destination).map(|sa| sa.id)
    }

    /// Whether a live association that encrypts is there for the flow, both ways, and policy sends
    /// it nowhere else.
    pub fn covers(&self, now: Instant, flow: &Flow) -> Result<Cover, Uncovered> {
        covers(now, &self.policies, &self.associations, flow)
    }

    /// IP packets in clear that want to leave: each is sealed in place, let pass or dropped, as its
    /// verdict says.
    pub fn outbound(&mut self, now: Instant, packets: &mut [Packet<'_>]) {
        for burst in packets.chunks_mut(BURST) {
            for packet in &mut *burst {
                let verdict = self.send(now, packet);
                self.settle(packet, verdict);
            }
            self.seal(burst);
        }
    }

    /// Seals packets under an association that policy has chosen for what they are parts of
    /// ([`Verdict::Fragment`]).
    pub fn protect(&mut self, now: Instant, id: SaId, packets: &mut [Packet<'_>]) {
        for burst in packets.chunks_mut(BURST) {
            for packet in &mut *burst {
                let verdict = self.send_under(now, id, packet);
                self.settle(packet, verdict);
            }
            self.seal(burst);
        }
    }

    /// Makes a dummy packet of `payload_len` octets in an empty packet with room on both sides.
    pub fn dummy(&mut self, now: Instant, id: SaId, payload_len: usize, packet: &mut Packet<'_>) {
        let verdict = match self.associations.get_mut(id) {
            Some(sa) => outbound::prepare_dummy(now, sa, payload_len, packet, &mut self.events),
            None => Err(DropReason::NoSa),
        };
        self.settle(packet, verdict);
        self.seal(slice::from_mut(packet));
    }

    /// IP packets for us as they came: ESP, ESP in UDP, others. Only packets to our own addresses
    /// belong here. What comes out of an association is not looked at again, whatever it is.
    pub fn inbound(&mut self, now: Instant, packets: &mut [Packet<'_>]) {
        for burst in packets.chunks_mut(BURST) {
            for packet in &mut *burst {
                match self.receive(now, packet) {
                    // What comes of it shows when its burst is opened.
                    Ok(None) => {}
                    Ok(Some(verdict)) => self.settle(packet, Ok(verdict)),
                    Err(why) => self.settle(packet, Err(why)),
                }
            }
            self.open(now, burst);
        }
    }

    /// An ICMP error for us: if it says that the path of an association takes only shorter packets
    /// now, and is plausible, that is believed for ten minutes. Which association it was.
    pub fn handle_icmp(&mut self, now: Instant, packet: &[u8]) -> Option<SaId> {
        let report = icmp::TooBig::parse(packet)?;
        let sa = self.associations.find_mut(Direction::Outbound, report.spi, report.destination)?;
        // Who only guesses knows neither the other end nor how far the numbers have come.
        let recent = (sa.sequence as u32).wrapping_sub(report.sequence) < 1 << 16;
        if sa.spec.source != report.source || !recent || sa.sequence == 0 {
            return None;
        }
        let mtu = sa.narrow(now, report.mtu)?;
        let sa = sa.id;
        self.events.tell(Event::PathMtu { sa, mtu });
        Some(sa)
    }

    /// When [`Ipsec::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.associations.iter().filter_map(|sa| sa.deadline()).min()
    }

    /// Does what is due: limits of time, keepalives.
    pub fn handle_timeout(&mut self, now: Instant) {
        for sa in self.associations.iter_mut() {
            sa.handle_timeout(now, &mut self.events);
        }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.next()
    }

    /// Events that were lost because nobody polled.
    pub fn events_lost(&self) -> u64 {
        self.events.lost()
    }

    /// What became of all packets so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn send(&mut self, now: Instant, packet: &mut Packet<'_>) -> Result<Verdict, DropReason> {
        let ip = Ip::parse(packet.bytes())?;
        packet.set_len(ip.total_len);
        let flow = ip.flow(packet.bytes(), Direction::Outbound)?;
        let request = match self.policies.find(Direction::Outbound, &flow) {
            Some(Action::Protect(request)) => request,
            Some(Action::Bypass) => return Ok(Verdict::Bypass),
            Some(Action::Discard) => return Err(DropReason::Discarded),
            None => return Err(DropReason::NoPolicy),
        };
        let id = self.associations.choose(now, request, &flow).inspect_err(|why| {
            if *why == DropReason::NoSa {
                acquire(&mut self.asked, &mut self.events, now, request, flow);
            }
        })?;
        let sa = self.associations.get_mut(id).ok_or(DropReason::NoSa)?;
        outbound::prepare(now, sa, &ip, packet, &mut self.events)
    }

    fn send_under(
        &mut self,
        now: Instant,
        id: SaId,
        packet: &mut Packet<'_>,
    ) -> Result<Verdict, DropReason> {
        let ip = Ip::parse(packet.bytes())?;
        packet.set_len(ip.total_len);
        let sa =
            self.associations.get_mut(id).filter(|sa| sa.spec.direction == Direction::Outbound);
        outbound::prepare(now, sa.ok_or(DropReason::NoSa)?, &ip, packet, &mut self.events)
    }

    /// The cryptography of packets that are prepared.
    fn seal(&self, packets: &mut [Packet<'_>]) {
        let jobs = packets.iter_mut().filter_map(|packet| {
            let Some(Work::Seal(Sealing { sa, esp_at, high })) = packet.work else { return None };
            let transform = &self.associations.get(sa).expect(STAYS).transform;
            Some(Job { transform, high, packet: &mut packet.bytes_mut()[esp_at..], good: false })
        });
        transform::seal(&mut jobs.collect::<ArrayVec<_, BURST>>());
        for packet in packets {
            if let Some(Work::Seal(sealing)) = packet.work.take() {
                let sa = self.associations.get(sealing.sa).expect(STAYS);
                outbound::finish(sa, &sealing, packet);
            }
        }
    }

    /// What comes of a packet, if that shows before it is opened.
    fn receive(
        &mut self,
        now: Instant,
        packet: &mut Packet<'_>,
    ) -> Result<Option<Verdict>, DropReason> {
        let ip = Ip::parse(packet.bytes())?;
        packet.set_len(ip.total_len);
        let whole = ip.part == Part::Whole;
        match ip.protocol {
            ip::ESP if whole => {
                let arrived = Arrived { ip, esp_at: ip.payload_at, port: None };
                self.receive_esp(now, arrived, packet).map(|()| None)
            }
            ip::UDP if whole => self.receive_udp(now, ip, packet),
            ip::ESP => Ok(Some(Verdict::Reassemble)),
            ip::UDP if self.associations.is_encapsulating(ip.source) => {
                Ok(Some(Verdict::Reassemble))
            }
            _ => self.receive_clear(&ip, packet).map(Some),
        }
    }

    fn receive_udp(
        &mut self,
        now: Instant,
        ip: Ip,
        packet: &mut Packet<'_>,
    ) -> Result<Option<Verdict>, DropReason> {
        let segment = &packet.bytes()[ip.payload_at..];
        let udp = wire::udp::Header::parse(segment).map_err(|_| DropReason::BadPacket)?;
        if udp.destination != encapsulation::PORT {
            return self.receive_clear(&ip, packet).map(Some);
        }
        let payload = &segment[wire::udp::HEADER_LEN..udp.total_len().into()];
        match encapsulation::classify(payload) {
            Kind::Keepalive => Ok(Some(Verdict::Consume)),
            Kind::Ike => Ok(Some(Verdict::Ike)),
            Kind::Bad => Err(DropReason::BadEncapsulation),
            Kind::Esp => {
                packet.set_len(ip.payload_at + usize::from(udp.total_len()));
                let esp_at = ip.payload_at + wire::udp::HEADER_LEN;
                let arrived = Arrived { ip, esp_at, port: Some(udp.source) };
                self.receive_esp(now, arrived, packet).map(|()| None)
            }
        }
    }

    fn receive_esp(
        &mut self,
        now: Instant,
        arrived: Arrived,
        packet: &mut Packet<'_>,
    ) -> Result<(), DropReason> {
        let spi = packet.bytes()[arrived.esp_at..].first_chunk().ok_or(DropReason::BadPacket)?;
        let spi = u32::from_be_bytes(*spi);
        let sa = self
            .associations
            .find_mut(Direction::Inbound, spi, arrived.ip.destination)
            .ok_or(DropReason::NoSa)?;
        inbound::prepare(now, sa, arrived, packet, &mut self.events)
            .inspect_err(|&why| sa.stats.drops.count(why))
    }

    /// Opens packets that may be opened, and says what comes of each, in their order.
    fn open(&mut self, now: Instant, packets: &mut [Packet<'_>]) {
        let mut good = self.verify(packets).into_iter();
        for packet in packets {
            if let Some(Work::Open(opening)) = packet.work.take() {
                let verified = good.next().expect("every opening was a job");
                let verdict = self.finish(now, &opening, verified, packet);
                self.settle(packet, verdict);
            }
        }
    }

    /// The cryptography of packets that may be opened: which of them verified, and so are in clear.
    fn verify(&self, packets: &mut [Packet<'_>]) -> ArrayVec<bool, BURST> {
        let jobs = packets.iter_mut().filter_map(|packet| {
            let Some(Work::Open(Opening { sa, high, arrived, .. })) = packet.work else {
                return None;
            };
            let transform = &self.associations.get(sa).expect(STAYS).transform;
            let packet = &mut packet.bytes_mut()[arrived.esp_at..];
            Some(Job { transform, high, packet, good: false })
        });
        let mut jobs: ArrayVec<_, BURST> = jobs.collect();
        transform::open(&mut jobs);
        jobs.iter().map(|job| job.good).collect()
    }

    fn finish(
        &mut self,
        now: Instant,
        opening: &Opening,
        verified: bool,
        packet: &mut Packet<'_>,
    ) -> Result<Verdict, DropReason> {
        let sa = self.associations.get_mut(opening.sa).expect(STAYS);
        let mut finished = || {
            if !verified {
                return Err(DropReason::AuthFailed);
            }
            let carried = inbound::finish(now, sa, opening, packet, &mut self.events)?;
            let Some(carried) = carried else {
                return Ok(Verdict::Consume);
            };
            carried.belongs(now, sa, &self.policies, &mut self.fragments, packet)?;
            Ok(Verdict::Protected(sa.id))
        };
        finished().inspect_err(|&why| sa.stats.drops.count(why))
    }

    fn receive_clear(&self, ip: &Ip, packet: &Packet<'_>) -> Result<Verdict, DropReason> {
        let flow = ip.flow(packet.bytes(), Direction::Inbound)?;
        match self.policies.find(Direction::Inbound, &flow) {
            Some(Action::Bypass) => Ok(Verdict::Bypass),
            Some(Action::Protect(_)) => Err(DropReason::ClearText),
            Some(Action::Discard) => Err(DropReason::Discarded),
            None => Err(DropReason::NoPolicy),
        }
    }

    fn settle(&mut self, packet: &mut Packet<'_>, verdict: Result<Verdict, DropReason>) {
        packet.verdict = verdict.unwrap_or_else(Verdict::Drop);
        let counters = &mut self.counters;
        match packet.verdict {
            Verdict::Protected(_) | Verdict::Split { .. } => counters.protected += 1,
            Verdict::Bypass => counters.bypassed += 1,
            Verdict::Consume => counters.consumed += 1,
            Verdict::Ike => counters.ike += 1,
            Verdict::Fragment { .. } | Verdict::TooBig { .. } | Verdict::Reassemble => {
                counters.returned += 1;
            }
            Verdict::Drop(why) => counters.drops.count(why),
        }
    }
}

fn acquire(
    asked: &mut HashMap<RequestId, Instant>,
    events: &mut Events,
    now: Instant,
    request: RequestId,
    flow: Flow,
) {
    let last = asked.entry(request).or_insert(now);
    if *last == now || now.saturating_duration_since(*last) >= ASK_EVERY {
        *last = now;
        events.tell(Event::Acquire { request, flow });
    }
}
