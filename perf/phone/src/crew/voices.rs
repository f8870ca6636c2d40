//! The media of a crew.

use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use sccp::CallRef;
use serde_json::{Value, json};

use crate::media::{self, Habits, Sound, Statistics, StreamId, Track};
use crate::office::{Answer, Media, PhoneId};
use crate::station::Order;

/// What everybody says and hears.
pub struct Voices {
    media: media::Media,
    habits: Vec<Habits>,
}

impl Voices {
    /// Silence, with these ports.
    pub fn new(ports: RangeInclusive<u16>) -> io::Result<Self> {
        Ok(Self { media: media::Media::start(ports)?, habits: Vec::new() })
    }

    pub(super) fn add(&mut self, name: &str, says: Track, records: Duration) {
        self.habits.push(Habits { name: name.to_owned(), says, records, ..Habits::default() });
    }

    /// What was said to a telephone in a call, as long as it records.
    pub(super) fn recorded(&self, phone: PhoneId, call: CallRef) -> Vec<i16> {
        let streams = self.streams(phone, call).into_iter();
        streams.flat_map(|(stream, _)| self.media.recorded(stream)).collect()
    }

    /// What a telephone says.
    pub(super) fn says(&self, phone: PhoneId) -> String {
        self.habits[phone.0].says.name().to_owned()
    }

    /// Says something else from now on.
    pub(super) fn say(&mut self, phone: PhoneId, call: Option<CallRef>, track: Track) {
        for (stream, _) in call.into_iter().flat_map(|call| self.streams(phone, call)) {
            self.media.say(stream, track.clone());
        }
        self.habits[phone.0].says = track;
    }

    /// What a telephone hears in a call: of several streams, as in a conference of its own, the
    /// latest that is not silent. `also` may be said by somebody who is not of this crew.
    pub(super) fn hears(&self, phone: PhoneId, call: CallRef, also: Option<&Track>) -> Sound {
        let own = self.habits.iter().map(|habits| &habits.says);
        let known: Vec<_> = also.into_iter().chain(own).cloned().collect();
        let streams = self.streams(phone, call).into_iter();
        let sounds = streams.map(|(stream, _)| self.media.hears(stream, &known));
        let loudness = |sound: &Sound| match sound {
            Sound::Nothing => 0,
            Sound::Silence => 1,
            _ => 2,
        };
        sounds.max_by_key(loudness).unwrap_or(Sound::Nothing)
    }

    /// Whether all media of a call that flows is encrypted, or none; `None` if there is none, or
    /// both, or some that is not authentic.
    pub(super) fn security(&self, phone: PhoneId, call: CallRef) -> Option<bool> {
        let streams = self.media.running(number(phone), call);
        let sound = |statistics: &Statistics| statistics.received.rejected.authentication == 0;
        if !streams.iter().all(|(_, statistics)| sound(statistics)) {
            return None;
        }
        let directions = streams.iter().flat_map(|(_, statistics)| {
            let sent = (statistics.sent.packets, statistics.sent.suite);
            [sent, (statistics.received.packets, statistics.received.suite)]
        });
        let mut flowing =
            directions.filter(|(packets, _)| *packets > 0).map(|(_, suite)| suite.is_some());
        let first = flowing.next()?;
        flowing.all(|other| other == first).then_some(first)
    }

    /// What was sent and received in the latest stream of a call.
    pub(super) fn statistics(&self, phone: PhoneId, call: CallRef) -> Option<Statistics> {
        self.streams(phone, call).pop().map(|(_, statistics)| statistics)
    }

    /// What was sent and received in all calls that are remembered.
    pub(super) fn to_json(&self, phone: PhoneId) -> impl Fn(CallRef) -> Value {
        move |call| {
            let streams = self.streams(phone, call).into_iter();
            streams.map(|(_, statistics)| json!(statistics)).collect()
        }
    }

    fn streams(&self, phone: PhoneId, call: CallRef) -> Vec<(StreamId, Statistics)> {
        self.media.of_call(number(phone), call)
    }
}

impl Media for Voices {
    fn obey(&mut self, phone: PhoneId, at: IpAddr, order: &Order) -> Answer {
        let answer = self.media.obey(number(phone), at, &self.habits[phone.0], order);
        match answer {
            None => Answer::Nothing,
            Some(media::Answer::Opened(stream, result)) => {
                Answer::Opened(stream, result.map_err(|refused| refused.status()))
            }
            Some(media::Answer::Unsendable(stream, _)) => Answer::Unsendable(stream),
            Some(media::Answer::Statistics(statistics)) => Answer::Statistics(statistics),
        }
    }
}

fn number(phone: PhoneId) -> u32 {
    u32::try_from(phone.0).expect("nobody has four billion telephones")
}
