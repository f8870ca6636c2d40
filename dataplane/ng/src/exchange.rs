//! Offers and answers (RFC 3264): what they make of a call.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use engine::command::{Command, LegId};
use mgcp::sdp::{self, Profile, SessionDescription};
use zeroize::Zeroizing;

use crate::call::{Call, End, Party, Stream};
use crate::front::{Asked, Ng};
use crate::job::Work;
use crate::limits;
use crate::options::Options;
use crate::request::{Refused, Session, Warnings};
use crate::sdp::{Line, rewrite};
use crate::security::Security;
use crate::value::{Dictionary, Value};

/// A change of a call that waits for the engine.
pub(crate) struct Exchange {
    /// The call when it has taken effect.
    call: Call,
    opened: Vec<LegId>,
    /// Ends that were told anew, each with its party.
    modified: Vec<(usize, LegId)>,
    /// Streams that are not any more.
    closed: Vec<Stream>,
    /// What the other party is to be told.
    sdp: Zeroizing<String>,
}

/// Addresses that were taken for a change that may not come about.
type Taken = Vec<(usize, SocketAddr)>;

impl Ng {
    pub(crate) fn offer(&mut self, now: Instant, mut asked: Asked, session: &Session) {
        let mut taken = Taken::new();
        match self.plan_offer(now, session, &mut asked.warnings, &mut taken) {
            Ok(exchange) => {
                self.counters.offers += 1;
                self.carry_out(now, asked, session, exchange);
            }
            Err(Failed::NoRoom) if session.options.knows_load_limit => {
                self.counters.no_room += 1;
                let answer = Dictionary::new().with("result", "load limit".into());
                self.say(&asked, answer.with("message", NO_ROOM.into()));
            }
            Err(failed) => {
                taken.iter().for_each(|&(network, local)| self.ports.give_back(network, local));
                self.counters.no_room += u64::from(matches!(failed, Failed::NoRoom));
                self.refuse(&asked, &failed.into());
            }
        }
    }

    pub(crate) fn answer(&mut self, now: Instant, asked: Asked, session: &Session) {
        match self.plan_answer(now, session) {
            Ok(exchange) => {
                self.counters.answers += 1;
                self.carry_out(now, asked, session, exchange);
            }
            Err(refused) => self.refuse(&asked, &refused),
        }
    }

    fn carry_out(&mut self, now: Instant, asked: Asked, session: &Session, exchange: Exchange) {
        let mut commands = Vec::new();
        for stream in exchange.call.streams.iter().flatten() {
            for (party, end) in stream.ends.iter().enumerate() {
                let leg = end.leg;
                let mut spec = || exchange.call.spec(&self.config, &mut *self.rng, party, end);
                if exchange.opened.contains(&leg) {
                    commands.push(Command::Open { leg, relay: stream.relay, spec: spec() });
                } else if exchange.modified.contains(&(party, leg)) {
                    commands.push(Command::Modify { leg, spec: spec() });
                }
            }
        }
        let work = Work::Exchange(Box::new(exchange));
        self.start(now, Some(asked), Some(session.call.clone()), work, commands);
    }

    /// The engine has done it.
    pub(crate) fn commit(&mut self, now: Instant, asked: Option<Asked>, exchange: Exchange) {
        let Exchange { call, closed, sdp, .. } = exchange;
        let number = match self.numbers.get(&call.id) {
            Some(number) => *number,
            None => {
                self.counters.calls_created += 1;
                let number = self.serial();
                self.numbers.insert(call.id.clone(), number);
                number
            }
        };
        self.calls.insert(number, call);
        self.plan_look(number);
        if let Some(asked) = asked {
            let sdp = Value::text(sdp.as_bytes());
            self.succeed(&asked, Dictionary::new().with("sdp", sdp));
        }
        self.close(now, closed.iter().flat_map(|stream| &stream.ends));
    }

    /// The engine has refused a part of it: everything is as before.
    pub(crate) fn undo(&mut self, now: Instant, exchange: Exchange) {
        let Exchange { call, opened, modified, .. } = exchange;
        let new = call.ends().filter(|(_, end)| opened.contains(&end.leg)).map(|(_, end)| end);
        self.close(now, new);
        let Some(number) = self.numbers.get(&call.id) else { return };
        let Some(before) = self.calls.get(number) else { return };
        let modified = before.ends().filter(|(party, end)| modified.contains(&(*party, end.leg)));
        let commands = modified.map(|(party, end)| {
            let spec = before.spec(&self.config, &mut *self.rng, party, end);
            Command::Modify { leg: end.leg, spec }
        });
        let commands: Vec<_> = commands.collect();
        self.start(now, None, None, Work::Tidy(Vec::new()), commands);
    }

    fn close<'e>(&mut self, now: Instant, ends: impl Iterator<Item = &'e End>) {
        let ends: Vec<_> = ends.collect();
        let closes = ends.iter().map(|end| Command::Close { leg: end.leg }).collect();
        let addresses = ends.iter().map(|end| (end.network, end.local)).collect();
        self.start(now, None, None, Work::Tidy(addresses), closes);
    }

    fn plan_offer(
        &mut self,
        now: Instant,
        session: &Session,
        warnings: &mut Warnings,
        taken: &mut Taken,
    ) -> Result<Exchange, Failed> {
        let Session { options, .. } = session;
        let description = describe(session)?;
        let before = self.find(&session.call).map(|(_, call)| call.clone());
        let (mut call, speaker) = self.parties_of_offer(now, session, before.as_ref())?;
        let hearer = 1 - speaker;
        call.parties[speaker].label = options.label.clone().or(call.parties[speaker].label.take());
        call.parties[hearer].dscp = options.dscp;
        call.last_signal = self.unix(now);

        let networks = self.networks_of_offer(&call, speaker, options, &description)?;
        let mut streams: Vec<Option<Stream>> = Vec::new();
        let (mut opened, mut modified, mut closed) = (Vec::new(), Vec::new(), Vec::new());
        let mut old_streams = std::mem::take(&mut call.streams).into_iter();
        for (number, media) in (1..).zip(&description.media) {
            let old = old_streams.next().flatten();
            let Some(remote) = relayable(&description, media, options) else {
                if media.port != 0 {
                    let (kind, profile) = (&media.kind, &media.profile);
                    warnings.add(format!(
                        "stream {number} ({kind}, {profile}) cannot be relayed and is refused"
                    ));
                }
                closed.extend(old);
                streams.push(None);
                continue;
            };
            let stream = match old {
                Some(old) => old,
                None => {
                    let in_use = self.stream_count() + opened.len() / 2;
                    if in_use >= self.config.streams {
                        return Err(Failed::NoRoom);
                    }
                    let stream =
                        self.make_stream(media, remote, &networks, speaker, options, taken)?;
                    opened.extend(stream.ends.iter().map(|end| end.leg));
                    stream
                }
            };
            let is_new = opened.contains(&stream.ends[0].leg);
            let stream =
                self.offered(stream, is_new, speaker, (&description, media, remote), options)?;
            if !is_new {
                modified
                    .extend(stream.ends.iter().enumerate().map(|(party, end)| (party, end.leg)));
            }
            streams.push(Some(stream));
        }
        closed.extend(old_streams.flatten());
        if before.is_none() && streams.iter().flatten().next().is_none() {
            return Err(Refused::new("the description has no stream that can be relayed").into());
        }
        call.streams = streams;
        let sdp = rewrite(&session.sdp.0, &lines(&call, hearer), options);
        Ok(Exchange { call, opened, modified, closed, sdp })
    }

    /// The call of an offer, and who of its parties speaks.
    fn parties_of_offer(
        &self,
        now: Instant,
        session: &Session,
        before: Option<&Call>,
    ) -> Result<(Call, usize), Refused> {
        let created = self.unix(now);
        let party =
            |tag: Option<&Vec<u8>>| Party { tag: tag.cloned(), created, ..Party::default() };
        let Some(before) = before else {
            let call = Call {
                id: session.call.clone(),
                created,
                last_signal: created,
                parties: [party(Some(&session.from)), party(session.to.as_ref())],
                streams: Vec::new(),
                blocked: false,
                pulse: self.pulse(now),
            };
            return Ok((call, 0));
        };
        let mut call = before.clone();
        let speaker = match call.party_of(&session.from) {
            Some(speaker) => speaker,
            // Who has not answered yet may offer.
            None => match call.parties.iter().position(|party| party.tag.is_none()) {
                Some(nameless) => {
                    call.parties[nameless].tag = Some(session.from.clone());
                    nameless
                }
                None => return Err(Refused::new("the from-tag is of neither party of the call")),
            },
        };
        if let Some(to) = &session.to {
            call.parties[1 - speaker].tag = Some(to.clone());
        }
        Ok((call, speaker))
    }

    /// Media networks of both parties, by party.
    fn networks_of_offer(
        &self,
        call: &Call,
        speaker: usize,
        options: &Options,
        description: &SessionDescription,
    ) -> Result<[usize; 2], Refused> {
        let networks = &self.config.networks;
        let named = |name: &String| {
            let place = networks.iter().position(|n| n.name.eq_ignore_ascii_case(name));
            place.ok_or_else(|| {
                let names: Vec<_> = networks.iter().map(|network| network.name.as_str()).collect();
                Refused(format!(
                    "`direction` names no media network; there are {}",
                    names.join(", ")
                ))
            })
        };
        let first = call.streams.iter().flatten().next();
        let addresses = description.media.iter();
        let mut addresses = addresses.filter_map(|m| relayable(description, m, options));
        let leading = addresses
            .next()
            .and_then(|remote| networks.iter().position(|network| network.leads_to(remote.ip())));
        let mut chosen = [0; 2];
        for party in 0..2 {
            let said = options.direction.as_ref();
            let said =
                said.map(|names| named(&names[usize::from(party != speaker)])).transpose()?;
            let before = first.map(|stream| stream.ends[party].network);
            let guessed = leading.filter(|_| party == speaker);
            chosen[party] = said.or(before).or(guessed).unwrap_or(0);
        }
        Ok(chosen)
    }

    fn make_stream(
        &mut self,
        media: &sdp::Media,
        remote: SocketAddr,
        networks: &[usize; 2],
        speaker: usize,
        options: &Options,
        taken: &mut Taken,
    ) -> Result<Stream, Failed> {
        let mut end = |ng: &mut Self, party: usize| {
            let network = networks[party];
            let like = match party == speaker {
                true => Some(remote.ip()),
                false => options.family.or(Some(remote.ip())),
            };
            let has = |like: &IpAddr| ng.ports.has_family(network, *like);
            if like.is_some_and(|like| !has(&like))
                && (party == speaker || options.family.is_some())
            {
                let name = &ng.config.networks[network].name;
                let what = format!("media network `{name}` has no address of that family");
                return Err(Failed::Refused(Refused(what)));
            }
            let local = ng.ports.take(network, like.filter(has)).ok_or(Failed::NoRoom)?;
            taken.push((network, local));
            Ok(End {
                leg: ng.next_leg(),
                network,
                local,
                remote: None,
                remote_rtcp: None,
                profile: Profile::Avp,
                security: Security::Plain,
                clock_hz: 8000,
            })
        };
        let ends = [end(self, 0)?, end(self, 1)?];
        Ok(Stream { kind: media.kind.to_string(), relay: self.next_relay(), ends })
    }

    /// A stream after its speaker has offered it.
    fn offered(
        &mut self,
        mut stream: Stream,
        is_new: bool,
        speaker: usize,
        (description, media, remote): (&SessionDescription, &sdp::Media, SocketAddr),
        options: &Options,
    ) -> Result<Stream, Refused> {
        let hearer = 1 - speaker;
        let [of_speaker, of_hearer] = {
            let [first, second] = &stream.ends;
            if speaker == 0 { [first, second] } else { [second, first] }
        };
        let profile = options.transport.clone().unwrap_or_else(|| media.profile.clone());
        let before = |end: &End| (!is_new).then(|| end.security.clone());
        let (mut heard, mut told) = (of_speaker.clone(), of_hearer.clone());
        heard.security = Security::of_offerer(
            media,
            before(of_speaker).as_ref(),
            &options.sdes,
            &mut *self.rng,
        )?;
        told.security = Security::to_offer(
            &profile,
            before(of_hearer).as_ref(),
            &media.crypto,
            &options.sdes,
            &mut *self.rng,
        )?;
        heard.profile = media.profile.clone();
        told.profile = profile;
        heard.point_to(description, media, remote)?;
        told.clock_hz = heard.clock_hz;
        stream.ends[speaker] = heard;
        stream.ends[hearer] = told;
        Ok(stream)
    }

    fn plan_answer(&self, now: Instant, session: &Session) -> Result<Exchange, Refused> {
        let description = describe(session)?;
        let unknown = Refused::new("unknown call-id");
        let (_, before) = self.find(&session.call).ok_or(unknown)?;
        let mut call = before.clone();
        let nobody = Refused::new("the from-tag is of neither party of the call");
        let offerer = call.party_of(&session.from).ok_or(nobody)?;
        let answerer = 1 - offerer;
        let tag = session.to.clone().ok_or(Refused::new("no `to-tag`"))?;
        if tag == session.from {
            return Err(Refused::new("`from-tag` and `to-tag` are the same"));
        }
        call.parties[answerer].tag = Some(tag);
        call.parties[offerer].dscp = session.options.dscp;
        let label = session.options.label.clone();
        call.parties[answerer].label = label.or(call.parties[answerer].label.take());
        call.last_signal = self.unix(now);
        let (answered, offered) = (description.media.len(), call.streams.len());
        if answered != offered {
            return Err(Refused(format!("the answer has {answered} streams, the offer {offered}")));
        }
        let (mut modified, mut closed) = (Vec::new(), Vec::new());
        for (slot, media) in call.streams.iter_mut().zip(&description.media) {
            let Some(stream) = slot else { continue };
            let Some(remote) = relayable(&description, media, &session.options) else {
                closed.extend(slot.take());
                continue;
            };
            let end = &mut stream.ends[answerer];
            end.security = end.security.answered(media)?;
            end.profile = media.profile.clone();
            end.point_to(&description, media, remote)?;
            modified.push((answerer, end.leg));
        }
        let sdp = rewrite(&session.sdp.0, &lines(&call, offerer), &session.options);
        Ok(Exchange { call, opened: Vec::new(), modified, closed, sdp })
    }
}

impl End {
    /// Notes where the party's media are.
    fn point_to(
        &mut self,
        description: &SessionDescription,
        media: &sdp::Media,
        remote: SocketAddr,
    ) -> Result<(), Refused> {
        if remote.is_ipv4() != self.local.is_ipv4() {
            return Err(Refused::new("the address is of another family than ours for this stream"));
        }
        // An old way to say hold.
        let known = Some(remote).filter(|remote| !remote.ip().is_unspecified());
        let rtcp = description.rtcp_address(media).map(|rtcp| match rtcp.ip() {
            // What stands for the one address stands for the other.
            ip if description.rtp_address(media).is_some_and(|rtp| rtp.ip() == ip) => {
                SocketAddr::new(remote.ip(), rtcp.port())
            }
            _ => rtcp,
        });
        // One port for both cannot be: the relay does not say `rtcp-mux`.
        self.remote_rtcp = rtcp.filter(|rtcp| known.is_some() && *rtcp != remote);
        self.remote = known;
        let clock = media.payloads.iter().find_map(|codec| Some(codec.encoding.as_ref()?.clock));
        self.clock_hz = clock.filter(|clock| *clock != 0).unwrap_or(8000);
        Ok(())
    }
}

/// Why there is no exchange.
enum Failed {
    NoRoom,
    Refused(Refused),
}

const NO_ROOM: &str = "no room for another stream";

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NoRoom => Self::new(NO_ROOM),
            Failed::Refused(refused) => refused,
        }
    }
}

fn describe(session: &Session) -> Result<SessionDescription, Refused> {
    let description = SessionDescription::parse(&session.sdp.0)
        .map_err(|error| Refused(format!("`sdp`: {}", error.what)))?;
    match description.media.len() {
        0 => Err(Refused::new("`sdp`: no stream")),
        count if count > limits::STREAMS => {
            Err(Refused(format!("`sdp`: {count} streams, {} at most", limits::STREAMS)))
        }
        _ => Ok(description),
    }
}

/// Where the media of a stream that can be relayed come from.
fn relayable(
    description: &SessionDescription,
    media: &sdp::Media,
    options: &Options,
) -> Option<SocketAddr> {
    let is_rtp = match &media.profile {
        Profile::Avp | Profile::Savp | Profile::Savpf => true,
        Profile::Other(name) => name.eq_ignore_ascii_case("RTP/AVPF"),
    };
    if !is_rtp || media.port == 0 {
        return None;
    }
    let remote = description.rtp_address(media);
    match options.address_instead() {
        // A stream on hold by its address stays so.
        Some(_) if remote.is_some_and(|remote| remote.ip().is_unspecified()) => remote,
        Some(instead) => Some(SocketAddr::new(instead, media.port)),
        None => remote,
    }
}

/// What the description for a party says of our streams.
fn lines(call: &Call, party: usize) -> Vec<Option<Line<'_>>> {
    call.streams.iter().map(|stream| Some(stream.as_ref()?.ends[party].line())).collect()
}
