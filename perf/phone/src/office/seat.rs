//! A telephone and its connections.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use mio::{Registry, Token};

use super::media::{Answer, Media};
use super::{Happening, PhoneId, Setup, What};
use crate::connection::{Connection, News, Server, Way};
use crate::station::{LinkId, Outage, Output, Station};

/// A telephone at its place.
pub(super) struct Seat {
    pub(super) station: Station,
    /// As in the office's list of who wants to be called.
    pub(super) deadline: Option<Instant>,
    servers: Arc<[Arc<Server>]>,
    way: Way,
    source: Option<IpAddr>,
    lines: [Option<(LinkId, Connection)>; LINES],
    /// Where it is, as its last connection showed.
    at: IpAddr,
}

/// To the server that serves it, and to one that it would like better.
const LINES: usize = 2;

/// Telephone and line of a token.
pub(super) fn place(Token(token): Token) -> (usize, usize) {
    (token / LINES, token % LINES)
}

impl Seat {
    pub(super) fn new(setup: Setup) -> Self {
        let Setup { profile, servers, way, source } = setup;
        let at = source.unwrap_or(Ipv4Addr::LOCALHOST.into());
        Self {
            station: Station::new(profile),
            deadline: None,
            servers,
            way,
            source,
            lines: [None, None],
            at,
        }
    }

    /// A socket can do something.
    pub(super) fn handle_ready(&mut self, slot: usize, buffer: &mut [u8]) {
        let Some((link, mut connection)) = self.lines[slot].take() else { return };
        let now = Instant::now();
        let mut open = true;
        let (station, at) = (&mut self.station, &mut self.at);
        let local = connection.local_address();
        connection.handle_ready(buffer, |news| match news {
            News::Connected(secrecy) => {
                if let Some(local) = local {
                    *at = local;
                }
                if let IpAddr::V4(address) = at.to_canonical() {
                    station.profile_mut().address = address;
                }
                station.handle_connected(now, link, secrecy);
            }
            News::Bytes(bytes) => station.handle_bytes(now, link, bytes),
            News::Closed(why) => {
                open = false;
                station.handle_closed(now, link, why);
            }
        });
        if open {
            self.lines[slot] = Some((link, connection));
        }
    }

    /// Carries out what the telephone wants.
    pub(super) fn drive<M: Media>(
        &mut self,
        phone: PhoneId,
        registry: &Registry,
        media: &mut M,
        happenings: &mut VecDeque<Happening>,
    ) {
        loop {
            while let Some(output) = self.station.poll_output() {
                let mut note = |what| {
                    happenings.push_back(Happening { at: Instant::now(), phone, what });
                };
                match output {
                    Output::Connect(link, server) => self.connect(phone, registry, link, server),
                    Output::Send(link, pdu) => {
                        if let Some(connection) = self.line(link) {
                            connection.queue(&pdu);
                        }
                    }
                    Output::Disconnect(link) => {
                        let line = self.lines.iter_mut();
                        let mut line = line.filter(|it| matches!(it, Some((id, _)) if *id == link));
                        if let Some((_, connection)) = line.next().and_then(Option::take) {
                            connection.close();
                        }
                    }
                    Output::Media(order) => {
                        let answer = media.obey(phone, self.at, &order);
                        match answer {
                            Answer::Nothing => {}
                            Answer::Opened(stream, result) => {
                                self.station.handle_opened(stream, result);
                            }
                            Answer::Unsendable(stream) => self.station.handle_unsendable(stream),
                            Answer::Statistics(statistics) => {
                                self.station.handle_statistics(&order, &statistics);
                            }
                        }
                    }
                    Output::Event(event) => note(What::Event(event)),
                    Output::Restart(kind) => note(What::Restart(kind)),
                }
            }
            if !self.flush() {
                return;
            }
        }
    }

    fn line(&mut self, link: LinkId) -> Option<&mut Connection> {
        let found = self.lines.iter_mut().flatten().find(|(id, _)| *id == link);
        found.map(|(_, connection)| connection)
    }

    fn connect(&mut self, phone: PhoneId, registry: &Registry, link: LinkId, server: usize) {
        let free = self.lines.iter().position(Option::is_none);
        let opened = free.zip(self.servers.get(server)).and_then(|(slot, server)| {
            let token = Token(phone.0 * LINES + slot);
            let server = Arc::clone(server);
            let connection = Connection::open(registry, token, &self.way, server, self.source);
            Some((slot, connection.ok()?))
        });
        match opened {
            Some((slot, connection)) => self.lines[slot] = Some((link, connection)),
            None => self.station.handle_closed(Instant::now(), link, Outage::Unreachable),
        }
    }

    /// Sends what waits; says whether a connection broke, so that there is more to do.
    fn flush(&mut self) -> bool {
        let mut broken = false;
        for line in &mut self.lines {
            let Some((link, connection)) = line else { continue };
            if let Err(why) = connection.flush() {
                let link = *link;
                *line = None;
                self.station.handle_closed(Instant::now(), link, why);
                broken = true;
            }
        }
        broken
    }
}
