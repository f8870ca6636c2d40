//! Keys that call agents and gateways tell each other.
//!
//! A session description has the key that its writer sends with (RFC 4568 §6.1); where from is the
//! address in it. `x+srtptx` orders a gateway to send with a key, from wherever that will be.

use std::net::SocketAddr;

use mgcp::message::Params;
use mgcp::sdp::{CryptoAttribute, Media, SessionDescription, SessionParameter, parse_key_params};
use mgcp::{Message, datagram};
use srtp::{Keying, MasterKey, Suite};

use super::{Coding, Found, MediaKey, Unusable};
use crate::record::Record;

/// MGCP needs no memory: what belongs together stands in one message.
#[derive(Debug, Default)]
pub(super) struct Conversations;

impl Conversations {
    pub(super) fn hear(&mut self, record: &Record) -> Found {
        let mut found = Found::default();
        let Ok(messages) = datagram::split(&record.message, record.message.len()) else {
            return found;
        };
        for message in messages {
            let (params, bodies) = match Message::parse(message) {
                Ok(Message::Command(_, command)) => {
                    (command.params, command.body.into_iter().collect())
                }
                Ok(Message::Response(_, response)) => (response.params, response.bodies),
                Err(_) => continue,
            };
            found.ordered(record, &params);
            for body in &bodies {
                if let Ok(description) = SessionDescription::parse(body.expose()) {
                    found.described(record, &description);
                }
            }
        }
        found
    }
}

impl Found {
    fn ordered(&mut self, record: &Record, params: &Params) {
        let options = params.options.as_ref();
        let Some(value) = options.and_then(|options| options.extension("x+srtptx")) else { return };
        let mut words = value.split_ascii_whitespace();
        let (Some(suite), Some(key)) = (words.next(), words.next()) else { return };
        if let Ok(key) = parse_key_params(suite, key) {
            self.key(record, "x+srtptx", &key, None, None);
        }
    }

    fn described(&mut self, record: &Record, description: &SessionDescription) {
        let Ok(media) = description.audio() else { return };
        let from = description.rtp_address(media).filter(|from| !from.ip().is_unspecified());
        if !media.profile.is_secure() {
            self.clear.extend(from.map(|from| (record.at, from)));
            return;
        }
        for key in &media.crypto {
            self.key(record, "a=crypto", key, from, coding(media));
        }
    }

    fn key(
        &mut self,
        record: &Record,
        told_in: &'static str,
        key: &CryptoAttribute,
        from: Option<SocketAddr>,
        coding: Option<Coding>,
    ) {
        let (at, device) = (record.at, record.device.clone());
        match keying(key) {
            Ok(keying) => self.keys.push(MediaKey {
                at,
                device,
                told_in,
                towards: None,
                from,
                keying,
                coding,
            }),
            Err(why) => self.unusable.push(Unusable { device, why }),
        }
    }
}

fn keying(key: &CryptoAttribute) -> Result<Keying, String> {
    let name = key.suite.name();
    let suite = Suite::from_name(name).ok_or_else(|| format!("{name} cannot be opened here"))?;
    let told = |error: srtp::KeyError| error.to_string();
    let master = MasterKey::from_key_salt(suite, key.key.expose()).map_err(told)?;
    let mut keying = Keying::new(suite, master);
    if let Some(mki) = key.mki() {
        let mut octets = vec![0; usize::from(mki.len)];
        for (octet, value) in octets.iter_mut().rev().zip(mki.value.to_le_bytes()) {
            *octet = value;
        }
        keying = keying.with_mki(&octets).map_err(told)?;
    }
    for parameter in key.session() {
        match parameter {
            SessionParameter::Kdr(rate) => {
                keying = keying.with_derivation_rate(*rate).map_err(told)?;
            }
            SessionParameter::UnencryptedSrtp
            | SessionParameter::UnencryptedSrtcp
            | SessionParameter::UnauthenticatedSrtp
            | SessionParameter::FecKey => {
                return Err(format!("streams with {parameter} cannot be opened here"));
            }
            _ => {}
        }
    }
    Ok(keying)
}

fn coding(media: &Media) -> Option<Coding> {
    let codec = media.payloads.first()?;
    Some(match codec.payload_type {
        0 => Coding::MuLaw,
        8 => Coding::ALaw,
        _ => Coding::Other,
    })
}
