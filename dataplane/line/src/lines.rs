//! All lines of a gateway.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::command::{Event, LineId, Order, addresses, of_address};
use crate::control::{Action, Refusal, State};
use crate::telephone::{LONGEST, Telephone};

/// Time of a step.
const STEP: Duration = Duration::from_millis(10);
/// What was not done in time by so much is not made up for.
const LATEST: Duration = Duration::from_millis(200);

/// The telephones behind the voice endpoints of a gateway.
///
/// Orders, packets and what people do go in; events, packets and what people are told come out.
pub struct Lines {
    names: Vec<String>,
    telephones: Vec<Telephone>,
    announcements: HashMap<String, Vec<i16>>,
    events: VecDeque<(LineId, Event)>,
    packets: VecDeque<Packet>,
    /// When time passes next; none while nobody is busy.
    next: Option<Instant>,
    rng: StdRng,
}

/// A packet of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The line's address.
    pub from: SocketAddr,
    /// The relay's.
    pub to: SocketAddr,
    /// RTP.
    pub rtp: Vec<u8>,
}

impl Lines {
    /// A telephone for each of these endpoints, on-hook. Announcements are known by their names.
    pub fn new(names: Vec<String>, announcements: HashMap<String, Vec<i16>>, seed: u64) -> Self {
        Self {
            telephones: names.iter().map(|_| Telephone::default()).collect(),
            names,
            announcements,
            events: VecDeque::new(),
            packets: VecDeque::new(),
            next: None,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// The line of an endpoint.
    pub fn find(&self, endpoint: &str) -> Option<LineId> {
        let at = self.names.iter().position(|name| name.eq_ignore_ascii_case(endpoint))?;
        Some(LineId(at as u32))
    }

    /// The states of all lines.
    pub fn states(&self) -> Vec<State> {
        self.telephones.iter().zip(&self.names).map(|(t, name)| t.state(name)).collect()
    }

    /// The state of one.
    pub fn state(&self, line: LineId) -> Option<State> {
        let at = line.0 as usize;
        Some(self.telephones.get(at)?.state(self.names.get(at)?))
    }

    /// Takes an order of the gateway.
    pub fn handle_order(&mut self, now: Instant, line: LineId, order: Order) {
        let Some(telephone) = self.telephones.get_mut(line.0 as usize) else { return };
        if let Some(event) = telephone.obey(order, &self.announcements, &mut self.rng) {
            self.events.push_back((line, event));
        }
        self.wake(now);
    }

    /// Takes a packet that a relay has sent from this address.
    pub fn handle_packet(&mut self, relay: SocketAddr, rtp: &[u8]) {
        let Some((line, slot)) = of_address(relay) else { return };
        if let Some(telephone) = self.telephones.get_mut(line.0 as usize) {
            telephone.hear(slot, rtp);
        }
    }

    /// Does what somebody at the telephone does; the samples are of a recording that ends.
    pub fn act(
        &mut self,
        now: Instant,
        line: LineId,
        action: Action,
    ) -> Result<Option<Vec<i16>>, Refusal> {
        let telephone = self.telephones.get_mut(line.0 as usize).ok_or(Refusal::NoSuchLine)?;
        let off_hook = telephone.is_off_hook();
        let lifted = if off_hook { Ok(()) } else { Err(Refusal::OnHook) };
        let mut recorded = None;
        let event = match action {
            Action::OffHook => telephone.hook(true),
            Action::OnHook => telephone.hook(false),
            Action::Flash => lifted.map(|()| Some(Event::Flash))?,
            Action::Digits(digits) => {
                lifted?;
                if !telephone.press(&digits) {
                    return Err(Refusal::NoSuchKey);
                }
                None
            }
            Action::Say { samples, again } => {
                lifted?;
                if samples.len() > LONGEST {
                    return Err(Refusal::TooLong);
                }
                telephone.say(samples, again);
                None
            }
            Action::BeSilent => {
                telephone.be_silent();
                None
            }
            Action::Record => {
                telephone.record();
                None
            }
            Action::StopRecording => {
                recorded = Some(telephone.recorded().ok_or(Refusal::NotRecording)?);
                None
            }
        };
        self.events.extend(event.map(|event| (line, event)));
        self.wake(now);
        Ok(recorded)
    }

    /// What the gateway is to be told.
    pub fn poll_event(&mut self) -> Option<(LineId, Event)> {
        self.events.pop_front()
    }

    /// A packet for a relay.
    pub fn poll_packet(&mut self) -> Option<Packet> {
        self.packets.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// Lets time pass on busy lines.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(at) = self.next.filter(|at| *at <= now) {
            self.step();
            let busy = self.telephones.iter().any(Telephone::is_busy);
            let next = if now > at + LATEST { now } else { at } + STEP;
            self.next = busy.then_some(next);
        }
    }

    fn step(&mut self) {
        for (telephone, line) in self.telephones.iter_mut().zip((0..).map(LineId)) {
            if !telephone.is_busy() {
                continue;
            }
            let step = telephone.step();
            self.events.extend(step.events.into_iter().map(|event| (line, event)));
            self.packets.extend(step.packets.into_iter().map(|(slot, rtp)| {
                let (to, from) = addresses(line, slot);
                Packet { from, to, rtp }
            }));
        }
    }

    fn wake(&mut self, now: Instant) {
        if self.next.is_none() && self.telephones.iter().any(Telephone::is_busy) {
            self.next = Some(now + STEP);
        }
    }
}
