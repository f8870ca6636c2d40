//! Connections of ports, and the keys of their media.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use callmanager::codec::Codec;
use callmanager::keys::MasterKey;
use callmanager::switchboard::{
    CallId, DeviceName, Event, LegId, MediaCommand, MediaOrder, MediaPort, MediaRefused, Owner,
    Sends, StreamId,
};
use mgcp::{ConnectionId, ConnectionMode, Response};

use super::agent::{Agent, Asked};
use super::message::{self, Described, Fault, Protection, Wanted};
use super::path::Verdict;
use super::port::Port;
use super::report::{GatewayAlarm, Report};

/// The media of a leg.
#[derive(Debug, Default)]
pub(super) struct Media {
    connection: Option<Connection>,
    stream: Option<Stream>,
}

/// A connection that the gateway has.
#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    call: mgcp::CallId,
    address: SocketAddr,
    mode: ConnectionMode,
    /// The stream that it was made for: of that one it knows what to send with.
    made_for: StreamId,
}

/// A stream that the switchboard wants.
#[derive(Debug)]
struct Stream {
    id: StreamId,
    call: CallId,
    codec: Codec,
    /// What the other side encrypts with; until the gateway knows it.
    receive: Option<Arc<MasterKey>>,
    /// The same for what the gateway sends.
    sends: Sends,
    /// It has keys, here or there.
    secure: bool,
    to: Option<SocketAddr>,
    /// The switchboard knows where it receives.
    opened: bool,
    /// The gateway sends.
    started: bool,
    /// It does not come to be.
    failed: bool,
}

/// What is done about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is made for a stream, under this name of a call.
    Create { stream: StreamId, call: mgcp::CallId },
    /// It sends.
    Start { stream: StreamId },
    /// It neither sends nor receives.
    Quiet,
    /// It is deleted.
    Delete,
}

impl Media {
    pub(super) fn connection_id(&self) -> Option<ConnectionId> {
        self.connection.as_ref().map(|connection| connection.id)
    }

    /// Whether there are keys for it.
    pub(super) fn is_secure(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.secure && !stream.failed)
    }

    pub(super) fn forget_connection(&mut self) {
        self.connection = None;
    }

    /// What ends or interrupts media, which goes before anything else.
    fn to_stop(&self, over: bool) -> Option<Step> {
        let connection = self.connection.as_ref()?;
        if over {
            return Some(Step::Delete);
        }
        let quiet = connection.mode == ConnectionMode::Inactive;
        match &self.stream {
            None => (!quiet).then_some(Step::Quiet),
            Some(stream) if stream.id == connection.made_for || stream.started || stream.failed => {
                None
            }
            // It comes from somebody who is not described to the gateway.
            Some(Stream { sends: Sends::Nothing, .. }) => Some(Step::Delete),
            // It is to make a key before it hears from whom it receives.
            Some(Stream { sends: Sends::OwnKey, .. }) => Some(Step::Delete),
            // Nothing goes out under the old rules while the new ones are agreed.
            Some(_) => (!quiet).then_some(Step::Quiet),
        }
    }

    fn stream(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.stream.as_mut().filter(|stream| stream.id == id)
    }
}

impl Stream {
    fn wanted(&self) -> Wanted<'_> {
        let send = match &self.sends {
            Sends::Encrypted(key) => Protection::Under(key),
            Sends::OwnKey => Protection::OwnKey,
            Sends::Nothing | Sends::Plain => Protection::Clear,
        };
        Wanted { codec: self.codec, send }
    }
}

impl Port {
    /// An order for a stream.
    pub(super) fn stream(&mut self, order: MediaOrder) {
        let MediaOrder { port: MediaPort::Device { leg, .. }, call, stream, command } = order
        else {
            return;
        };
        if !self.announced {
            return;
        }
        match command {
            MediaCommand::OpenReceive { codec, key, sends } => {
                self.legs.entry(leg).or_default().media.stream = Some(Stream {
                    id: stream,
                    call,
                    codec,
                    receive: key,
                    secure: matches!(sends, Sends::Encrypted(_) | Sends::OwnKey),
                    sends,
                    to: None,
                    opened: false,
                    started: false,
                    failed: false,
                });
            }
            MediaCommand::StartTransmit { to, .. } => {
                let found = self.legs.get_mut(&leg).and_then(|leg| leg.media.stream(stream));
                if let Some(found) = found {
                    found.to = Some(to);
                }
            }
            MediaCommand::CloseReceive | MediaCommand::StopTransmit => {
                if let Some(leg) = self.legs.get_mut(&leg)
                    && leg.media.stream(stream).is_some()
                {
                    leg.media.stream = None;
                }
            }
        }
    }

    /// Media that is to be ended or interrupted.
    pub(super) fn media_to_stop(&self) -> Option<(LegId, Step)> {
        self.legs.iter().find_map(|(id, leg)| Some((*id, leg.media.to_stop(leg.over)?)))
    }

    fn media(&mut self, leg: LegId) -> Option<&mut Media> {
        self.legs.get_mut(&leg).map(|leg| &mut leg.media)
    }
}

impl Agent {
    pub(super) fn stop_media(&mut self, now: Instant, name: &DeviceName, leg: LegId, step: Step) {
        let port = &self.ports[name];
        let endpoint = self.gateways[&port.gateway].endpoint(&port.config.local);
        let Some(connection) = &port.legs[&leg].media.connection else { return };
        let (call, id) = (connection.call, connection.id);
        let command = match step {
            Step::Delete => message::delete(endpoint, Some(call), id),
            _ => message::modify(endpoint, call, id, ConnectionMode::Inactive),
        };
        self.ask(now, name, command, Asked::Media { leg, step });
    }

    /// Makes or starts what a port's streams need next.
    pub(super) fn open_media(&mut self, now: Instant, name: &DeviceName) {
        let legs: Vec<_> = self.ports[name].legs.keys().copied().collect();
        for leg in legs {
            if self.open_leg(now, name, leg) {
                return;
            }
        }
    }

    /// Whether the port was asked for something.
    fn open_leg(&mut self, now: Instant, name: &DeviceName, leg: LegId) -> bool {
        let Some(media) = self.ports.get_mut(name).and_then(|port| port.media(leg)) else {
            return false;
        };
        let Some(stream) = media.stream.as_mut().filter(|stream| !stream.failed) else {
            return false;
        };
        let Some(connection) = &media.connection else {
            return self.create_connection(now, name, leg);
        };
        if !stream.opened {
            stream.opened = true;
            let (stream, address) = (stream.id, connection.address);
            self.opened(name, stream, Ok(address));
        }
        self.start_sending(now, name, leg)
    }

    fn create_connection(&mut self, now: Instant, name: &DeviceName, leg: LegId) -> bool {
        let stream = self.stream_of(name, leg).expect("the caller looked");
        let (id, call, secure) = (stream.id, stream.call, stream.secure);
        let given = matches!(stream.sends, Sends::Encrypted(_));
        if given && self.ports[name].makes_keys {
            self.fail_stream(name, leg);
            self.opened(name, id, Err(MediaRefused::OwnKeysOnly));
            return false;
        }
        if secure && !self.may_send_keys(now, name, call) {
            self.fail_stream(name, leg);
            self.opened(name, id, Err(MediaRefused::KeysWithheld));
            return false;
        }
        let attempt = self.names.next_attempt();
        let own_call = self.names.call(attempt);
        let port = &self.ports[name];
        let endpoint = self.gateways[&port.gateway].endpoint(&port.config.local);
        let stream = port.legs[&leg].media.stream.as_ref().expect("looked up above");
        let command = message::create(endpoint, own_call, &stream.wanted());
        let step = Step::Create { stream: id, call: own_call };
        self.ask(now, name, command, Asked::Media { leg, step });
        true
    }

    fn start_sending(&mut self, now: Instant, name: &DeviceName, leg: LegId) -> bool {
        let stream = self.stream_of(name, leg).expect("the caller looked");
        let Some(to) = stream.to.filter(|_| !stream.started) else { return false };
        let (id, call, secure) = (stream.id, stream.call, stream.receive.is_some());
        if secure && !self.may_send_keys(now, name, call) {
            self.fail_stream(name, leg);
            self.started(name, id, Err(MediaRefused::KeysWithheld));
            return false;
        }
        let port = &self.ports[name];
        let endpoint = self.gateways[&port.gateway].endpoint(&port.config.local);
        let media = &port.legs[&leg].media;
        let (Some(stream), Some(connection)) = (&media.stream, &media.connection) else {
            return false;
        };
        let command = message::start(
            endpoint,
            connection.call,
            connection.id,
            &stream.wanted(),
            (to, stream.receive.as_deref()),
            connection.made_for != id,
        );
        self.ask(now, name, command, Asked::Media { leg, step: Step::Start { stream: id } });
        true
    }

    /// A gateway has answered about a connection, or will not.
    pub(super) fn media_answered(
        &mut self,
        name: &DeviceName,
        leg: LegId,
        step: Step,
        response: Option<&Response>,
    ) {
        let Some(response) = response else { return };
        match step {
            Step::Create { stream, call } => self.created(name, leg, stream, call, response),
            Step::Start { stream } => self.sends(name, leg, stream, response),
            Step::Quiet => {
                let media = self.ports.get_mut(name).and_then(|port| port.media(leg));
                let Some(media) = media else { return };
                match &mut media.connection {
                    Some(connection) if response.code.is_success() => {
                        connection.mode = ConnectionMode::Inactive;
                    }
                    // What cannot be changed is deleted, and made anew if it is still needed.
                    connection => {
                        let lost = connection.take().map(|connection| connection.id);
                        let port = self.ports.get_mut(name).expect("looked up above");
                        port.stale.extend(lost);
                    }
                }
            }
            Step::Delete => {
                if let Some(statistics) = response.params.statistics.clone() {
                    self.reports.push_back(Report::Closed { port: name.clone(), statistics });
                }
                if let Some(media) = self.ports.get_mut(name).and_then(|port| port.media(leg)) {
                    media.connection = None;
                }
            }
        }
    }

    fn created(
        &mut self,
        name: &DeviceName,
        leg: LegId,
        id: StreamId,
        call: mgcp::CallId,
        response: &Response,
    ) {
        let made = response.params.connection().filter(|_| response.code.is_success());
        let port = self.ports.get_mut(name).expect("the caller looked");
        let Some(media) = port.legs.get_mut(&leg).map(|leg| &mut leg.media) else {
            port.stale.extend(made);
            return;
        };
        let Some(stream) = media.stream(id) else {
            // Another one is wanted by now, or none.
            port.stale.extend(made);
            return;
        };
        let read = message::read_described(response, &stream.wanted());
        let mut key = None;
        let result = match (made, read) {
            (Some(made), Ok(Some(Described { address, made: own }))) => {
                stream.opened = true;
                key = own.map(Arc::new);
                // It sends under that from now on.
                if let Some(key) = &key {
                    stream.sends = Sends::Encrypted(key.clone());
                }
                media.connection = Some(Connection {
                    id: made,
                    call,
                    address,
                    mode: ConnectionMode::RecvOnly,
                    made_for: id,
                });
                self.counters.connections += 1;
                Ok(address)
            }
            (made, read) => {
                stream.failed = true;
                port.stale.extend(made);
                Err(match read {
                    Err(fault) => fault,
                    Ok(_) => Fault::Unfit("it describes no session"),
                })
            }
        };
        if let Some(key) = key {
            self.tell(Event::KeyMade { by: Owner::Device(name.clone()), stream: id, key });
        }
        let result = result.map_err(|fault| self.refused(name, fault));
        self.opened(name, id, result);
    }

    fn sends(&mut self, name: &DeviceName, leg: LegId, id: StreamId, response: &Response) {
        let Some(media) = self.ports.get_mut(name).and_then(|port| port.media(leg)) else { return };
        let Some(connection) = &mut media.connection else { return };
        // Even if nobody wants it any more.
        if response.code.is_success() {
            connection.mode = ConnectionMode::SendRecv;
        }
        let address = connection.address;
        let Some(stream) = media.stream(id) else { return };
        let read = match message::read_described(response, &stream.wanted()) {
            Ok(Some(other)) if other.address != address => {
                Err(Fault::Unfit("it receives elsewhere now"))
            }
            read => read,
        };
        match read {
            Ok(_) => {
                stream.started = true;
                stream.receive = None;
                // The gateway has it: it is not needed here any more.
                stream.sends = Sends::Plain;
                self.started(name, id, Ok(()));
            }
            Err(fault) => {
                stream.failed = true;
                let refused = self.refused(name, fault);
                self.started(name, id, Err(refused));
            }
        }
    }

    /// A gateway has said what a connection is like.
    pub(super) fn checked(
        &mut self,
        name: &DeviceName,
        id: ConnectionId,
        response: Option<&Response>,
    ) {
        let Some(response) = response else { return };
        let port = self.ports.get_mut(name).expect("the caller looked");
        let mut all = port.legs.values_mut().filter_map(|leg| leg.media.connection.as_mut());
        let Some(connection) = all.find(|connection| connection.id == id) else { return };
        let others = response.params.call.is_some_and(|call| call != connection.call);
        if others || !response.code.is_success() {
            port.stale.extend(others.then_some(id));
            return self.connection_lost(name, id);
        }
        if let Some(mode) = response.params.mode {
            connection.mode = mode;
        }
    }

    /// What the switchboard is told of a fault.
    fn refused(&mut self, name: &DeviceName, fault: Fault) -> MediaRefused {
        match fault {
            Fault::NoSrtp => MediaRefused::Encryption,
            Fault::MakesKeys => {
                self.ports.get_mut(name).expect("the caller looked").makes_keys = true;
                MediaRefused::OwnKeysOnly
            }
            Fault::Code(code) => MediaRefused::Status(code.value().into()),
            Fault::Unfit(what) => {
                self.alarm(GatewayAlarm::Unfit { port: name.to_string(), what });
                MediaRefused::Status(UNKNOWN_ERROR)
            }
        }
    }

    /// Whether keys may go to a port's gateway at this moment. It is written down either way.
    fn may_send_keys(&mut self, now: Instant, name: &DeviceName, call: CallId) -> bool {
        let key = self.ports[name].gateway.clone();
        let verdict = self.verdict(now, &key);
        let may = verdict.lets_keys_go();
        match &verdict {
            Verdict::Refused { .. } => self.counters.keys_refused += 1,
            Verdict::InClear { .. } => self.counters.keys_in_clear += 1,
            Verdict::Covered { .. } | Verdict::Trusted { .. } => {}
        }
        self.counters.keys_sent += u64::from(may);
        self.reports.push_back(Report::Keys { port: name.clone(), call, verdict });
        may
    }

    fn stream_of(&mut self, name: &DeviceName, leg: LegId) -> Option<&mut Stream> {
        self.ports.get_mut(name)?.media(leg)?.stream.as_mut()
    }

    fn fail_stream(&mut self, name: &DeviceName, leg: LegId) {
        if let Some(stream) = self.stream_of(name, leg) {
            stream.failed = true;
        }
    }

    fn opened(
        &mut self,
        name: &DeviceName,
        stream: StreamId,
        result: Result<SocketAddr, MediaRefused>,
    ) {
        self.tell(Event::MediaOpened { by: Owner::Device(name.clone()), stream, result });
    }

    fn started(&mut self, name: &DeviceName, stream: StreamId, result: Result<(), MediaRefused>) {
        self.tell(Event::MediaStarted { by: Owner::Device(name.clone()), stream, result });
    }
}

/// As SCCP numbers the statuses of media.
const UNKNOWN_ERROR: u32 = 1;
