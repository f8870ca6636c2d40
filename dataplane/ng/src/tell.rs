//! What is told of calls and of the front: `query`, `delete`, `statistics`, and who may be blocked.

use std::net::SocketAddr;
use std::time::Instant;

use engine::command::{Command, LegStats};

use crate::call::{Call, End};
use crate::front::{Asked, Ng};
use crate::job::{Stats, Work, queries};
use crate::request::{Refused, Who};
use crate::value::{Dictionary, Value};

/// What somebody is told who asks for a call that is not here.
const UNKNOWN: &str = "unknown call-id, or tags of nobody in the call";

impl Ng {
    pub(crate) fn delete(&mut self, now: Instant, mut asked: Asked, who: &Who, fatal: bool) {
        match self.find(&who.call).filter(|(_, call)| call.has_tags(who)) {
            Some((number, _)) => {
                self.counters.calls_deleted += 1;
                self.end(now, Some(asked), number);
            }
            None if fatal => self.refuse(&asked, &Refused::new(UNKNOWN)),
            None => {
                asked.warnings.add(UNKNOWN.into());
                self.succeed(&asked, Dictionary::new());
            }
        }
    }

    pub(crate) fn query(&mut self, now: Instant, asked: Asked, who: Who) {
        let Some((_, call)) = self.find(&who.call).filter(|(_, call)| call.has_tags(&who)) else {
            return self.refuse(&asked, &Refused::new(UNKNOWN));
        };
        let queries = queries(call);
        self.start(now, Some(asked), Some(who.call.clone()), Work::Query(who), queries);
    }

    /// Keeps media of a call or of one party from the other, or lets them pass.
    pub(crate) fn block(&mut self, now: Instant, asked: Asked, who: &Who, blocked: bool) {
        let Some((_, call)) = self.find(&who.call) else {
            return self.refuse(&asked, &Refused::new(UNKNOWN));
        };
        let mut call = call.clone();
        if who.names_party() {
            let parties = call.parties_of(who);
            if parties.is_empty() {
                return self.refuse(&asked, &Refused::new(UNKNOWN));
            }
            parties.into_iter().for_each(|party| call.parties[party].blocked = blocked);
        } else {
            call.blocked = blocked;
            if who.all {
                call.parties.iter_mut().for_each(|party| party.blocked = blocked);
            }
        }
        let modify = |(party, end): (usize, &End)| Command::Modify {
            leg: end.leg,
            spec: call.spec(&self.config, &mut *self.rng, party, end),
        };
        let commands = call.ends().map(modify).collect();
        self.start(now, Some(asked), Some(who.call.clone()), Work::Block(Box::new(call)), commands);
    }

    pub(crate) fn forward(&mut self, asked: Asked, who: &Who) {
        let known = self.find(&who.call).is_some_and(|(_, call)| !call.parties_of(who).is_empty());
        match known {
            true => self.succeed(&asked, Dictionary::new()),
            false => self.refuse(&asked, &Refused::new(UNKNOWN)),
        }
    }

    /// A call and what passed in it.
    pub(crate) fn tell(&self, now: Instant, call: &Call, stats: &Stats) -> Dictionary {
        let mut tags = Dictionary::new();
        for (number, party) in call.parties.iter().enumerate() {
            let tag = party.tag.clone().unwrap_or_default();
            let mut told = Dictionary::new()
                .with("tag", Value::text(&tag))
                .with("created", Value::number(party.created));
            if let Some(label) = &party.label {
                told.push("label", Value::text(label));
            }
            if let Some(other) = &call.parties[1 - number].tag {
                told.push("in dialogue with", Value::text(other));
            }
            let medias = (1..).zip(&call.streams).filter_map(|(index, stream)| {
                let stream = stream.as_ref()?;
                let end = &stream.ends[number];
                let stats = stats.get(&end.leg).copied().unwrap_or_default();
                Some(media(index, &stream.kind, end, &stats).into())
            });
            told.push("medias", Value::List(medias.collect()));
            tags.push(tag, told.into());
        }
        let sum = |count: fn(&LegStats) -> u64| stats.values().map(count).sum();
        let totals = Dictionary::new()
            .with(
                "RTP",
                counts(sum(|s| s.packets_received), sum(|s| s.octets_received), sum(|s| s.dropped)),
            )
            .with("RTCP", counts(sum(|s| s.rtcp_received), 0, 0));
        Dictionary::new()
            .with("created", Value::number(call.created))
            .with("last signal", Value::number(call.last_signal))
            .with("duration", Value::number(self.unix(now).saturating_sub(call.created)))
            .with("tags", tags.into())
            .with("totals", totals.into())
    }

    /// The front as a whole. What is not measured is absent.
    pub(crate) fn statistics(&self, now: Instant) -> Dictionary {
        let calls = Value::number(self.calls.len() as u64);
        let current = Dictionary::new()
            .with("sessionsown", calls.clone())
            .with("sessionsforeign", Value::Integer(0))
            .with("sessionstotal", calls)
            .with("transcodedmedia", Value::Integer(0));
        let count = &self.counters;
        let uptime = now.saturating_duration_since(self.start).as_secs().to_string();
        let total = Dictionary::new()
            .with("uptime", Value::text(uptime))
            .with("managedsessions", Value::number(count.calls_created))
            .with("rejectedsessions", Value::number(count.no_room))
            .with("timeoutsessions", Value::number(count.calls_timed_out))
            .with("regularterminatedsessions", Value::number(count.calls_deleted))
            .with("relayedpackets", Value::number(count.packets));
        Dictionary::new()
            .with("currentstatistics", current.into())
            .with("totalstatistics", total.into())
    }
}

fn media(index: u64, kind: &str, end: &End, stats: &LegStats) -> Dictionary {
    let rtcp = end.remote_rtcp.or(end.remote.map(above));
    let rtp_counts = counts(stats.packets_received, stats.octets_received, stats.dropped);
    let rtcp_counts = counts(stats.rtcp_received, 0, 0);
    let streams = [
        stream("RTP", end, end.local, end.remote, rtp_counts),
        stream("RTCP", end, above(end.local), rtcp, rtcp_counts),
    ];
    let flags = ["initialized"].into_iter().chain(end.security.is_secure().then_some("SDES"));
    Dictionary::new()
        .with("index", Value::number(index))
        .with("type", kind.into())
        .with("protocol", Value::text(end.profile.to_string()))
        .with("flags", Value::List(flags.map(Value::from).collect()))
        .with("streams", Value::List(streams.map(Value::from).into()))
}

fn stream(
    flag: &str,
    end: &End,
    local: SocketAddr,
    remote: Option<SocketAddr>,
    counts: Value,
) -> Dictionary {
    let mut told = Dictionary::new().with("local port", Value::number(local.port().into()));
    if let Some(remote) = remote {
        told.push("endpoint", endpoint(remote));
        told.push("advertised endpoint", endpoint(remote));
    }
    if let Some(suite) = end.security.suite() {
        told.push("crypto suite", suite.name().into());
    }
    let filled = remote.map(|_| "filled");
    let flags = [flag].into_iter().chain(filled).map(Value::from);
    told.with("flags", Value::List(flags.collect())).with("stats", counts)
}

fn endpoint(address: SocketAddr) -> Value {
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    Dictionary::new()
        .with("family", family.into())
        .with("address", Value::text(address.ip().to_string()))
        .with("port", Value::number(address.port().into()))
        .into()
}

fn counts(packets: u64, octets: u64, errors: u64) -> Value {
    Dictionary::new()
        .with("packets", Value::number(packets))
        .with("bytes", Value::number(octets))
        .with("errors", Value::number(errors))
        .into()
}

fn above(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().saturating_add(1))
}
