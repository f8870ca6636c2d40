//! The server's end of one telephone's connection: SCCP on one side, the events and actions of a
//! [`Switchboard`](crate::switchboard::Switchboard) on the other.
//!
//! ```text
//!  bytes ─▶ handle_bytes ─▶ Output::Event ─▶ Switchboard::handle
//!  bytes ◀─ Output::Send ◀─ handle_order, handle_media ◀─ Action
//! ```
//!
//! A [`Station`] answers a telephone's questions in whatever order they come: loads differ. Who
//! may register is not its business: it asks ([`Output::Register`]) and is told.
//!
//! It speaks protocol version 11 at most, to which every telephone comes down: its messages have
//! a fixed form that all of them read.
//!
//! | file | holds |
//! |---|---|
//! | `register` | the way to [`Event::DeviceArrived`](crate::switchboard::Event), and away |
//! | `inventory` | answers about lines, buttons, servers, the time |
//! | `soft_keys` | soft keys: template, sets, and what they mean |
//! | `press` | what users do |
//! | `display` | what telephones show, ring and sound |
//! | `media` | streams |
//! | `guard` | bounds for telephones that misbehave |
//!
//! Invariants:
//! - Nothing a telephone sends makes it panic, grow without bound, or touch another device's call.
//! - A media key is only written for a device that is encrypted; [`sccp::Session`] holds it to it.
//! - Text of telephones reaches logs and other telephones without control characters.

mod clock;
mod display;
mod equipment;
mod guard;
mod inventory;
mod media;
mod press;
mod register;
mod soft_keys;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use sccp::codes::ResetKind;
use sccp::{
    Decoded, LineInstance, Message, Pdu, Received, Secrecy, Sender, Session, Stream, Version,
};

pub use equipment::{Equipment, Server, SpeedDial};
pub use guard::Close;
pub use register::Application;

use crate::codec::Codec;
use crate::switchboard::{DeviceName, Event, KeySet, LegId};
use guard::Guard;

/// The time, twice.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For timers.
    pub instant: Instant,
    /// For displays.
    pub wall: SystemTime,
}

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// These bytes are to be sent, with one call.
    Send(Pdu),
    /// A device wants to register. Answered with [`Station::admit`] or [`Station::refuse`].
    Register(Application),
    /// For the switchboard.
    Event(Event),
    /// The telephone has something to tell its administrator; without control characters.
    PhoneAlarm(String),
    /// How well a stream was heard.
    Statistics(Box<sccp::phone::ConnectionStatisticsRes>),
    /// The connection is to be closed, once everything was sent.
    Close(Close),
}

/// A connection, from the moment it was accepted.
#[derive(Debug)]
pub struct Station {
    peer: IpAddr,
    session: Session,
    stream: Stream,
    guard: Guard,
    phase: Phase,
    /// To be closed at the end of the call, or then: it was told to start anew.
    resets: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    /// It stands by, or is about to register.
    ExpectRegister,
    /// May it?
    ExpectDecision(Application),
    Registered(Box<Registered>),
    Closed,
}

/// A telephone that is served.
#[derive(Debug)]
struct Registered {
    device: DeviceName,
    highest: Version,
    equipment: Equipment,
    codecs: Option<Vec<Codec>>,
    knows_buttons: bool,
    knows_time: bool,
    /// When it is called although it has not asked for everything.
    patience: Instant,
    /// Whether the switchboard knows it.
    arrived: bool,
    legs: BTreeMap<LegId, Shown>,
    /// Its lines that messages wait for.
    waiting: BTreeSet<u32>,
    /// The button about whose feature it has asked.
    privacy_button: Option<u32>,
}

/// What it shows of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    line: LineInstance,
    /// Its number among those of the line, from 1: shown with the call.
    instance: u32,
    keys: KeySet,
    /// It had media, about which there are statistics.
    media: bool,
}

impl Registered {
    /// Whether it is in a call itself, not only another telephone of its line.
    fn is_in_call(&self) -> bool {
        let elsewhere = [KeySet::InUseRemote, KeySet::Stealable, KeySet::OnHook];
        self.legs.values().any(|leg| !elsewhere.contains(&leg.keys))
    }

    /// A leg is shown from now on.
    fn add_leg(&mut self, leg: LegId, line: LineInstance, keys: KeySet) {
        let taken = |instance: &u32| {
            self.legs.values().any(|leg| leg.line == line && leg.instance == *instance)
        };
        let instance = (1..).find(|instance| !taken(instance)).unwrap_or(1);
        self.legs.insert(leg, Shown { line, instance, keys, media: false });
    }
}

impl Station {
    /// A connection from an address.
    pub fn new(now: Now, peer: IpAddr) -> Self {
        Self {
            peer: peer.to_canonical(),
            session: Session { version: Version::V11, secrecy: Secrecy::Exposed },
            stream: Stream::new(),
            guard: Guard::new(now.instant),
            phase: Phase::ExpectRegister,
            resets: None,
        }
    }

    /// Takes in bytes.
    pub fn handle_bytes(&mut self, now: Now, mut bytes: &[u8], out: &mut Vec<Output>) {
        self.guard.heard(now.instant);
        while !matches!(self.phase, Phase::Closed) {
            match self.stream.next(&mut bytes) {
                Ok(Some(received)) => self.receive(now, received, out),
                Ok(None) => break,
                Err(error) => self.close(Close::Stream(error), out),
            }
        }
        self.guard.unfinished(now.instant, self.stream.is_within_message());
    }

    /// Lets what was to happen by now happen.
    pub fn handle_timeout(&mut self, now: Now, out: &mut Vec<Output>) {
        if let Some(reason) = self.guard.too_late(now.instant) {
            return self.close(reason, out);
        }
        if let Phase::Registered(registered) = &mut self.phase {
            if registered.patience <= now.instant {
                registered.knows_buttons = true;
            }
            if self.resets.is_some_and(|due| due <= now.instant) {
                if !registered.is_in_call() {
                    return self.close(Close::Reset, out);
                }
                self.resets = Some(now.instant + GRACE);
            }
        }
        self.arrive(out);
    }

    /// When [`Station::handle_timeout`] is to be called next.
    pub fn next_timeout(&self) -> Option<Instant> {
        let waits = match &self.phase {
            Phase::Closed => return None,
            Phase::Registered(registered) if !registered.knows_buttons => Some(registered.patience),
            _ => None,
        };
        [self.guard.next_timeout(), waits, self.resets].into_iter().flatten().min()
    }

    /// Tells the telephone to start anew when its call has ended. One that does not go is cut off.
    pub fn reset(&mut self, now: Now, kind: ResetKind, out: &mut Vec<Output>) {
        if matches!(self.phase, Phase::Registered(_)) {
            self.send(sccp::server::Reset { kind }, out);
            self.resets = Some(now.instant + GRACE);
        }
    }

    /// The connection is lost, or the server stops.
    pub fn lost(&mut self, out: &mut Vec<Output>) {
        self.leave(out);
        self.phase = Phase::Closed;
    }

    /// The device has registered on another connection, and this one is to be closed.
    pub fn superseded(&mut self, out: &mut Vec<Output>) {
        self.close(Close::Superseded, out);
    }

    /// The device about which [`Output::Register`] asked.
    pub fn applicant(&self) -> Option<DeviceName> {
        match &self.phase {
            Phase::ExpectDecision(application) => Some(application.name.as_str().into()),
            _ => None,
        }
    }

    /// Messages that were not right: for a counter of what telephones do wrong.
    pub fn violations(&self) -> u64 {
        self.guard.violations()
    }

    fn receive(&mut self, now: Now, received: Received, out: &mut Vec<Output>) {
        let registered = matches!(self.phase, Phase::Registered(_));
        if !received.is_header_known() && !registered {
            return self.close(Close::Header(received.header_version), out);
        }
        if let Err(reason) = self.guard.count(now.instant, received.is_header_known()) {
            return self.close(reason, out);
        }
        let sound = received.decoded.map(|Decoded { message, excess }| {
            if excess {
                self.guard.violation();
            }
            message
        });
        let from_phone = |message: &Message| {
            matches!(message.id().sender(), Some(Sender::Phone | Sender::Either))
        };
        let counted = match sound {
            Ok(message) if message.id().sender().is_none() => self.guard.unknown(now.instant),
            Ok(message) if from_phone(&message) => {
                if registered {
                    return self.serve(now, message, out);
                }
                self.receive_stranger(now, message, out)
            }
            _ => {
                self.guard.violation();
                Ok(())
            }
        };
        if let Err(reason) = counted {
            self.close(reason, out);
        }
    }

    /// A message of a telephone that is served.
    fn serve(&mut self, now: Now, message: Message, out: &mut Vec<Output>) {
        use Message as M;
        match message {
            M::KeepAlive(_) => self.send(sccp::server::KeepAliveAck, out),
            M::Register(_) | M::RegisterTokenReq(_) | M::Unregister(_) => {
                self.change_registration(now, message, out);
            }
            M::Alarm(alarm) => self.phone_alarm(&alarm, out),
            M::CapabilitiesRes(_)
            | M::UpdateCapabilities(_)
            | M::UpdateCapabilitiesV2(_)
            | M::UpdateCapabilitiesV3(_) => self.learn_codecs(&message, out),
            M::ButtonTemplateReq(_)
            | M::SoftKeyTemplateReq(_)
            | M::SoftKeySetReq(_)
            | M::LineStatReq(_)
            | M::ForwardStatReq(_)
            | M::SpeedDialStatReq(_)
            | M::FeatureStatReq(_)
            | M::ServiceUrlStatReq(_)
            | M::ConfigStatReq(_)
            | M::VersionReq(_)
            | M::ServerReq(_)
            | M::TimeDateReq(_) => self.answer_question(now, message, out),
            M::KeypadButton(_)
            | M::EnblocCall(_)
            | M::Stimulus(_)
            | M::OffHook(_)
            | M::OffHookWithCgpn(_)
            | M::OnHook(_)
            | M::HookFlash(_)
            | M::SoftKeyEvent(_) => self.pressed(message, out),
            M::OpenReceiveChannelAck(_)
            | M::StartMediaTransmissionAck(_)
            | M::MediaTransmissionFailure(_) => self.media_said(message, out),
            M::ConnectionStatisticsRes(statistics) => {
                out.push(Output::Statistics(Box::new(statistics)));
            }
            // What it has besides: noted by nobody.
            _ => {}
        }
        self.arrive(out);
    }

    fn send(&mut self, message: impl Into<Message>, out: &mut Vec<Output>) {
        match self.session.encode(&message.into()) {
            Ok(pdu) => out.push(Output::Send(pdu)),
            Err(error) => self.close(Close::Unspeakable(error), out),
        }
    }

    fn close(&mut self, reason: Close, out: &mut Vec<Output>) {
        self.leave(out);
        self.phase = Phase::Closed;
        out.push(Output::Close(reason));
    }

    /// The switchboard does not know the device any more.
    fn leave(&mut self, out: &mut Vec<Output>) {
        if let Phase::Registered(registered) = &mut self.phase
            && std::mem::take(&mut registered.arrived)
        {
            let device = registered.device.clone();
            out.push(Output::Event(Event::DeviceGone { device }));
        }
    }
}

/// How long a telephone has to go when it was told to.
const GRACE: Duration = Duration::from_secs(10);
