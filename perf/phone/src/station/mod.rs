//! A telephone at its CallManager, without sockets, sound and clock: it registers, shows what it is
//! told, says what its user does, and orders media.
//!
//! ```text
//!                    ┌──────────── Station ───────────┐
//!  bytes ──────────▶ │ fail-over, registration        │ ──▶ Output::{Connect, Send, Disconnect}
//!  Press of a user ▶ │ Display: lines, calls, lamps   │ ──▶ Output::Event
//!  media's answers ▶ │ streams                        │ ──▶ Output::Media
//!                    └────────────────────────────────┘
//! ```
//!
//! It is an independent reading of the protocol: with the server it shares the codec alone.
//!
//! | file | holds |
//! |---|---|
//! | `name` | the names of phones and voicemail ports |
//! | `profile` | who the telephone is, and what its model can do |
//! | `link` | connections: fail-over, the way back, signs of life, starting anew |
//! | `register` | registration, and the questions after it |
//! | `display` | what is shown: lines, calls, the icon, soft keys, lamps |
//! | `obey` | the server's orders about that |
//! | `press` | what its user does |
//! | `streams` | media: what is opened with which key, and why not |
//! | `event` | what those who watch are told |
//!
//! Invariants:
//! - A key that came over a connection which others can read is refused, and never passed on.
//! - Nothing a server sends makes it panic or grow without bound.
//! - Each order to open media is answered once, and nothing is left open when its calls are over.

mod caption;
mod display;
mod event;
mod link;
mod name;
mod obey;
mod press;
mod profile;
mod register;
mod soft_keys;
mod streams;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use sccp::codes::{MediaStatus, ResetKind, Severity};
use sccp::phone::{Alarm, ConnectionStatisticsRes, StatisticsMode};
use sccp::{CallRef, Ip4, Message, Pdu, Secrecy, Text};

pub use caption::Caption;
pub use display::{
    Call, Display, Icon, Info, Lamp, Line, Notice, Party, Registration, SpeedDial, Time,
};
pub use event::{Event, Outage};
pub use link::{LinkId, Patience};
pub use name::{Name, PortName};
pub use press::{Key, NotPossible, Press};
pub use profile::{Capability, Profile, Questions};
pub use soft_keys::{SoftKey, SoftKeys};
pub use streams::{Order, Receive, Statistics, StreamId, Transmit};

use link::{Links, Phase};
use streams::Streams;

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// Connect to the server with this index in [`Profile::servers`]; then
    /// [`Station::handle_connected`] or [`Station::handle_closed`].
    Connect(LinkId, usize),
    /// Send these bytes with one call.
    Send(LinkId, Pdu),
    /// Close a connection once everything was sent. Nothing more is said of it.
    Disconnect(LinkId),
    /// An order for whoever plays and records; not answered for streams that are closed meanwhile.
    Media(Order),
    /// For those who watch.
    Event(Event),
    /// It has left its server to start anew, and waits for [`Station::start`]: with its files
    /// fetched again after [`ResetKind::RESET`], which also looks for firmware.
    Restart(ResetKind),
}

/// A telephone. It does nothing before [`Station::start`].
#[derive(Debug)]
pub struct Station {
    profile: Profile,
    links: Links,
    display: Display,
    soft_keys: SoftKeys,
    streams: Streams,
    outputs: VecDeque<Output>,
}

impl Station {
    /// A telephone that is switched off.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            links: Links::default(),
            display: Display::default(),
            soft_keys: SoftKeys::default(),
            streams: Streams::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Who it is.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Who it is, to be changed before it starts again.
    pub fn profile_mut(&mut self) -> &mut Profile {
        &mut self.profile
    }

    /// What it shows.
    pub fn display(&self) -> &Display {
        &self.display
    }

    /// The soft keys that are shown with a call; [`CallRef`] 0 is the telephone at rest.
    pub fn soft_keys(&self, call: CallRef) -> impl Iterator<Item = &SoftKey> {
        let shown = match self.display.call(call) {
            Some(call) => call.keys,
            None => self.display.keys,
        };
        self.soft_keys.shown(shown)
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Station::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.links.due().into_iter().chain(self.display.due()).min()
    }

    /// Lets what was to happen by now happen.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.display.expire(now);
        self.links_due(now);
    }

    /// Begins to connect to the first server. `last` is the reason that it gives for having been
    /// away, like `Initialized`.
    pub fn start(&mut self, now: Instant, last: Outage) {
        self.power_off();
        self.begin(now, last);
    }

    /// Leaves its server, and stays away.
    pub fn stop(&mut self, now: Instant) {
        self.leave(now, None);
    }

    /// The plug is pulled: no goodbye.
    pub fn power_off(&mut self) {
        self.links.cut(&mut self.outputs);
        self.end_calls();
        self.display.clear();
    }

    /// It is connected, with a handshake if the server is a secure one.
    pub fn handle_connected(&mut self, now: Instant, link: LinkId, secrecy: Secrecy) {
        self.connected(now, link, secrecy);
    }

    /// Bytes have come.
    pub fn handle_bytes(&mut self, now: Instant, link: LinkId, mut bytes: &[u8]) {
        while let Some(from) = self.links.stream(link) {
            match from.next(&mut bytes) {
                Ok(None) => break,
                Ok(Some(received)) => match received.decoded {
                    Ok(decoded) => self.receive(now, link, decoded.message),
                    Err(error) => self.event(Event::Unusable(error.to_string())),
                },
                Err(error) => {
                    self.event(Event::Unusable(error.to_string()));
                    self.outputs.push_back(Output::Disconnect(link));
                    self.closed(now, link, Outage::Protocol);
                }
            }
        }
    }

    /// A connection is lost, or could not be made: `why` says it in its words.
    pub fn handle_closed(&mut self, now: Instant, link: LinkId, why: Outage) {
        self.closed(now, link, why);
    }

    /// The port of [`Order::Open`] is open, or not.
    pub fn handle_opened(&mut self, stream: StreamId, result: Result<SocketAddr, MediaStatus>) {
        self.opened(stream, result);
    }

    /// Media of [`Order::Start`] cannot be sent.
    pub fn handle_unsendable(&mut self, stream: StreamId) {
        self.unsendable(stream);
    }

    /// How a call was heard: the answer to [`Order::Report`].
    pub fn handle_statistics(&mut self, question: &Order, statistics: &Statistics) {
        if let Order::Report { number, call, mode, .. } = question {
            self.send(ConnectionStatisticsRes {
                directory_number: number.clone(),
                call: *call,
                mode: StatisticsMode(*mode),
                packets_sent: statistics.packets_sent,
                octets_sent: statistics.octets_sent,
                packets_received: statistics.packets_received,
                octets_received: statistics.octets_received,
                packets_lost: statistics.packets_lost,
                jitter: statistics.jitter_ms,
                latency: statistics.latency_ms,
                ..Default::default()
            });
        }
    }

    /// Tells the server something, as an alarm.
    pub fn alarm(&mut self, text: &str) {
        self.send(Alarm {
            severity: Severity::WARNING,
            text: Text::from(text),
            parameter2: Ip4(self.profile.address),
            ..Alarm::default()
        });
        self.event(Event::Alarm(text.to_owned()));
    }

    /// A message of a server.
    fn receive(&mut self, now: Instant, link: LinkId, message: Message) {
        use Message as M;
        if !self.links.is_serving(link) {
            return self.answer_of_preferred(now, message);
        }
        let id = message.id();
        match message {
            M::RegisterAck(_)
            | M::RegisterReject(_)
            | M::KeepAliveAck(_)
            | M::UnregisterAck(_)
            | M::Reset(_) => self.session_said(now, message),
            M::CapabilitiesReq(_)
            | M::ButtonTemplate(_)
            | M::SoftKeyTemplateRes(_)
            | M::SoftKeySetRes(_)
            | M::LineStat(_)
            | M::LineStatV2(_)
            | M::SpeedDialStat(_)
            | M::SpeedDialStatV2(_)
            | M::ForwardStat(_)
            | M::ConfigStat(_)
            | M::DefineTimeDate(_) => self.learn(message),
            M::OpenReceiveChannel(_)
            | M::CloseReceiveChannel(_)
            | M::StartMediaTransmission(_)
            | M::StopMediaTransmission(_)
            | M::StartMulticastMediaReception(_)
            | M::ConnectionStatisticsReq(_) => self.media_said(message),
            _ => self.obey(now, message),
        }
        // Behind what was learned: that can raise more questions.
        self.progress(id);
        self.settle(now);
    }

    /// Says something to the server that serves it; nothing if there is none.
    fn send(&mut self, message: impl Into<Message>) {
        let Some(link) = self.links.serving() else { return };
        match link.encode(message) {
            Ok(pdu) => self.outputs.push_back(Output::Send(link.id, pdu)),
            Err(error) => self.event(Event::Unusable(error.to_string())),
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn media(&mut self, order: Order) {
        self.outputs.push_back(Output::Media(order));
    }

    /// Whether it is in a call that a server must not interrupt.
    fn is_in_call(&self) -> bool {
        self.display.calls.iter().any(Call::is_own)
    }

    /// The phase it is in.
    fn phase(&self) -> &Phase {
        &self.links.phase
    }
}
