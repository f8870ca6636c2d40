//! A call agent: commands a media gateway by MGCP, as CallManager would.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mgcp::options::{LocalOption, LocalOptions, Span};
use mgcp::sdp::{Codec, CryptoAttribute, CryptoSuite, KeySalt, Media, Profile, SessionDescription};
use mgcp::transaction::{Config, Indication, Transactions};
use mgcp::value::Statistics;
use mgcp::{
    CallId, Command, ConnectionId, ConnectionMode, EndpointName, Response, ReturnCode, Verb,
};
use srtp::Suite;

use crate::key::Key;
use crate::net::Namespace;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest sleep before the transactions' timers are looked at again.
const TICK: Duration = Duration::from_millis(20);

/// A call agent in a namespace.
pub struct CallAgent {
    socket: UdpSocket,
    gateway: SocketAddr,
    transactions: Transactions,
    /// How often it has forgotten everything.
    generation: u64,
    /// What the gateway sent by itself and nobody looked at yet.
    heard: Vec<Command>,
}

/// One side of a call, as the call agent describes it to the gateway.
pub struct Party<'k> {
    /// Where its telephone is.
    pub address: SocketAddr,
    /// What its telephone protects with; `None` is RTP in clear.
    pub key: Option<&'k Key>,
    /// What the gateway is told to protect with; `None` leaves the choice to the gateway.
    pub gateway_key: Option<&'k Key>,
}

/// A connection the gateway made.
#[derive(Clone, Debug)]
pub struct Connection {
    /// On which endpoint.
    pub endpoint: EndpointName,
    /// Its identifier.
    pub id: ConnectionId,
    /// Where the telephone is to send to.
    pub address: SocketAddr,
    /// What the gateway protects with.
    pub key: Option<Key>,
}

impl CallAgent {
    /// Opens it at an address of the namespace, to command the gateway at another.
    pub fn open(namespace: &Namespace, address: SocketAddr, gateway: SocketAddr) -> Result<Self> {
        let socket = namespace.udp(address)?;
        socket.set_read_timeout(Some(TICK)).context("cannot set a time-out")?;
        let transactions = Transactions::new(Config::default(), seed(0));
        Ok(Self { socket, gateway, transactions, generation: 0, heard: Vec::new() })
    }

    /// Waits until the gateway sends such a command; it was answered 200.
    pub fn hear(&mut self, verb: Verb) -> Result<Command> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.heard.iter().position(|command| command.verb == verb) {
                return Ok(self.heard.remove(at));
            }
            if Instant::now() > deadline {
                bail!("the gateway sent no {} within {PATIENCE:?}", verb.as_str());
            }
            self.turn()?;
        }
    }

    /// Gives up commands that were not answered, and forgets what was heard.
    pub fn forget(&mut self) {
        self.generation += 1;
        self.transactions = Transactions::new(Config::default(), seed(self.generation));
        self.heard.clear();
    }

    /// Gives a command and waits for its answer, whatever it is.
    pub fn command(&mut self, command: Command) -> Result<Response> {
        let verb = command.verb.as_str();
        let sent = self.transactions.send(Instant::now(), &[self.gateway], command);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            for indication in self.turn()? {
                match indication {
                    Indication::Response { id, response, .. } if id == sent => {
                        return Ok(response);
                    }
                    Indication::Failed { id } if id == sent => break,
                    _ => {}
                }
            }
        }
        bail!("the gateway did not answer {verb}")
    }

    /// CRCX: a connection for a party on an endpoint, or on any with `pr/$`.
    pub fn create(
        &mut self,
        endpoint: &EndpointName,
        call: CallId,
        party: &Party<'_>,
        mode: ConnectionMode,
    ) -> Result<Connection> {
        let mut command = Command::new(Verb::Crcx, endpoint.clone());
        command.params.call = Some(call);
        command.params.mode = Some(mode);
        command.params.options = Some(options(party));
        command.body = Some(description(party).to_body());
        let response = self.successful(command)?;
        let endpoint = response.params.endpoints.first().unwrap_or(endpoint).clone();
        let id = *response.params.connections.first().context("CRCX: no connection identifier")?;
        let (address, key) = read_answer(&response)?;
        if key.as_ref().map(Key::suite) != party.key.map(Key::suite) {
            bail!("CRCX: the gateway's description has another profile or suite than asked for");
        }
        Ok(Connection { endpoint, id, address, key })
    }

    /// MDCX: changes the mode of a connection.
    pub fn set_mode(
        &mut self,
        call: CallId,
        connection: &Connection,
        mode: ConnectionMode,
    ) -> Result<()> {
        let mut command = Command::new(Verb::Mdcx, connection.endpoint.clone());
        command.params.call = Some(call);
        command.params.connections = vec![connection.id];
        command.params.mode = Some(mode);
        self.successful(command).map(drop)
    }

    /// DLCX: ends a connection and gives its statistics.
    pub fn delete(&mut self, call: CallId, connection: &Connection) -> Result<Statistics> {
        let mut command = Command::new(Verb::Dlcx, connection.endpoint.clone());
        command.params.call = Some(call);
        command.params.connections = vec![connection.id];
        self.successful(command)?.params.statistics.context("DLCX: no statistics")
    }

    /// Sends a datagram as it is, and gives the code of the answer, if one comes in time.
    pub fn blurt(&mut self, datagram: &[u8]) -> Result<Option<u16>> {
        self.socket.send_to(datagram, self.gateway).context("cannot send to the gateway")?;
        let deadline = Instant::now() + Duration::from_millis(500);
        while Instant::now() < deadline {
            if let Some((_, datagram)) = self.receive()? {
                let code = datagram.get(..3).and_then(|code| str::from_utf8(code).ok());
                return Ok(code.and_then(|code| code.parse().ok()));
            }
        }
        Ok(None)
    }

    fn successful(&mut self, command: Command) -> Result<Response> {
        let verb = command.verb.as_str();
        let response = self.command(command)?;
        if !response.code.is_success() {
            let text = response.text.as_deref().unwrap_or_default();
            bail!("{verb} was refused: {} {text}", response.code.value());
        }
        Ok(response)
    }

    /// Sends what is due, receives once, answers what the gateway commands.
    fn turn(&mut self) -> Result<Vec<Indication>> {
        self.flush()?;
        if let Some((from, datagram)) = self.receive()? {
            self.transactions.handle_input(Instant::now(), from, &datagram);
        }
        let now = Instant::now();
        self.transactions.handle_timeout(now);
        let mut indications = Vec::new();
        while let Some(indication) = self.transactions.poll_indication() {
            match indication {
                Indication::Command { key, command } => {
                    self.transactions.respond(now, key, Response::new(ReturnCode::OK));
                    self.heard.push(command);
                }
                other => indications.push(other),
            }
        }
        self.flush()?;
        Ok(indications)
    }

    fn receive(&mut self) -> Result<Option<(SocketAddr, Vec<u8>)>> {
        let mut buffer = vec![0; 65_536];
        match self.socket.recv_from(&mut buffer) {
            Ok((len, from)) => {
                buffer.truncate(len);
                Ok(Some((from, buffer)))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            // ICMP: the gateway is not there, perhaps not yet. The transactions will try again.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(None),
            Err(error) => Err(error).context("cannot receive"),
        }
    }

    fn flush(&mut self) -> Result<()> {
        while let Some((to, datagram)) = self.transactions.poll_output() {
            self.socket.send_to(&datagram, to).with_context(|| format!("cannot send to {to}"))?;
        }
        Ok(())
    }
}

/// Where transaction identifiers begin: elsewhere in every process and generation.
fn seed(generation: u64) -> u64 {
    generation << 32 | u64::from(std::process::id())
}

/// What the gateway is to know of a party beside its description.
fn options(party: &Party<'_>) -> LocalOptions {
    let mut options = vec![
        LocalOption::Packetization(Span { low: 20, high: 20 }),
        LocalOption::Codecs(vec!["PCMU".into()]),
    ];
    if let Some(key) = party.gateway_key {
        let value = format!("{} inline:{}", key.suite(), key.base64());
        options.push(LocalOption::Extension("x+srtptx".into(), Some(value.as_str().into())));
    }
    LocalOptions(options)
}

/// The description of a party's telephone.
fn description(party: &Party<'_>) -> SessionDescription {
    let profile = if party.key.is_some() { Profile::Savp } else { Profile::Avp };
    let mut media = Media::audio(party.address.port(), profile, vec![Codec::of_payload_type(0)]);
    media.ptime = Some(20);
    media.crypto.extend(party.key.map(|key| {
        let octets = KeySalt::new(key.octets()).expect("a key fits an attribute");
        CryptoAttribute::new(CryptoSuite::from_name(key.suite().name()), octets)
    }));
    SessionDescription {
        origin: None,
        session_name: None,
        connection: Some(party.address.ip()),
        attributes: Vec::new(),
        media: vec![media],
    }
}

/// Where the gateway receives, and what it protects with.
fn read_answer(response: &Response) -> Result<(SocketAddr, Option<Key>)> {
    let body = response.bodies.first().context("the gateway described no session")?;
    let session = SessionDescription::parse(body.expose()).context("the gateway's description")?;
    let media = session.audio().context("the gateway's description")?;
    let address = session.rtp_address(media).context("the gateway's description: no address")?;
    let key = match media.crypto.as_slice() {
        [] if media.profile.is_secure() => bail!("the gateway described SRTP without a key"),
        [] => None,
        [crypto, ..] => {
            let name = crypto.suite.name();
            let suite = Suite::from_name(name).with_context(|| format!("the suite {name}"))?;
            Some(Key::new(suite, crypto.key.expose())?)
        }
    };
    Ok((address, key))
}
