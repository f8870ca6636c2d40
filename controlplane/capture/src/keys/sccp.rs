//! Keys that CallManager tells phones.
//!
//! StartMediaTransmission says where to send and with which key. OpenReceiveChannel has the key to
//! receive with; where that is says the phone's answer.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use sccp::codes::{Codec, MediaStatus, SrtpAlgorithm};
use sccp::{Address, EncryptionInfo, Message, MessageId, Port, Version};
use srtp::{Keying, MasterKey, Suite};

use super::{Coding, Found, MediaKey, Unusable};
use crate::record::Record;

/// Octets of a message before its body.
const HEADER: usize = 12;
/// Channels that wait for the phone's answer.
const MOST: usize = 4096;

/// What of earlier messages later ones refer to.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    /// Channels that phones were told to open, by the phone's end, call and stream.
    opening: HashMap<(SocketAddr, u32), Opening>,
}

#[derive(Debug)]
struct Opening {
    encryption: EncryptionInfo,
    coding: Coding,
}

/// Reads a message as its header says.
pub(crate) fn decode(message: &[u8]) -> Option<(Version, Message)> {
    let (header, body) = message.split_at_checked(HEADER)?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    // Up to 11 the header says 0; the layouts of 11 hold all before it.
    let version = Version::of(u8::try_from(word(4)).unwrap_or(u8::MAX)).max(Version::V11);
    Some((version, Message::decode(MessageId(word(8)), body, version).ok()?.message))
}

impl Conversations {
    pub(super) fn hear(&mut self, record: &Record) -> Found {
        let mut found = Found::default();
        let Some((_, message)) = decode(&record.message) else { return found };
        let phone = if record.from_device { record.source } else { record.destination };
        match message {
            Message::OpenReceiveChannel(order) => {
                if self.opening.len() >= MOST {
                    self.opening.clear();
                }
                let coding = coding(order.codec);
                let opening = Opening { encryption: order.encryption, coding };
                self.opening.insert((phone, order.party.0), opening);
            }
            Message::OpenReceiveChannelAck(answer) => {
                let opening = self.opening.remove(&(phone, answer.party.0));
                let towards = socket(answer.address, answer.port);
                if let (Some(opening), Some(towards)) = (opening, towards)
                    && answer.status == MediaStatus::OK
                {
                    let told_in = "OpenReceiveChannel";
                    found.note(record, told_in, towards, &opening.encryption, opening.coding);
                }
            }
            Message::StartMediaTransmission(order) => {
                if let Some(towards) = socket(order.remote, order.remote_port) {
                    let (told_in, coding) = ("StartMediaTransmission", coding(order.codec));
                    found.note(record, told_in, towards, &order.encryption, coding);
                }
            }
            _ => {}
        }
        found
    }
}

impl Found {
    fn note(
        &mut self,
        record: &Record,
        told_in: &'static str,
        towards: SocketAddr,
        encryption: &EncryptionInfo,
        coding: Coding,
    ) {
        let (at, device) = (record.at, record.device.clone());
        match keying(encryption) {
            Ok(None) => self.clear.push((at, towards)),
            Ok(Some(keying)) => self.keys.push(MediaKey {
                at,
                device,
                told_in,
                towards: Some(towards),
                from: None,
                keying,
                coding: Some(coding),
            }),
            Err(why) => self.unusable.push(Unusable { device, why }),
        }
    }
}

fn keying(encryption: &EncryptionInfo) -> Result<Option<Keying>, String> {
    let told = encryption.keying().map_err(|error| error.to_string())?;
    let Some(told) = told else { return Ok(None) };
    let suite = match told.algorithm {
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32 => Suite::AesCm128HmacSha1_32,
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_80 => Suite::AesCm128HmacSha1_80,
        SrtpAlgorithm::AEAD_AES_128_GCM => Suite::AeadAes128Gcm,
        other => return Err(format!("{other} cannot be opened here")),
    };
    let salt = &told.salt.as_bytes()[..suite.master_salt_len()];
    let master = MasterKey::new(suite, told.key.as_bytes(), salt);
    Ok(Some(Keying::new(suite, master.map_err(|error| error.to_string())?)))
}

fn socket(address: Address, port: Port) -> Option<SocketAddr> {
    let ip = match address {
        Address::V4(ip) => IpAddr::V4(ip),
        Address::V6(ip) => IpAddr::V6(ip),
        Address::Other(..) => return None,
    };
    let port = port.number().filter(|_| !ip.is_unspecified())?;
    Some(SocketAddr::new(ip, port))
}

fn coding(codec: Codec) -> Coding {
    match codec {
        Codec::G711_ULAW_64K | Codec::G711_ULAW_56K => Coding::MuLaw,
        Codec::G711_ALAW_64K | Codec::G711_ALAW_56K => Coding::ALaw,
        Codec::WIDEBAND_256K => Coding::Wideband,
        _ => Coding::Other,
    }
}
