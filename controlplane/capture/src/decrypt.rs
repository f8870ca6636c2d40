//! From signalling and SRTP to RTP that anybody can play.

use std::io::{Read, Write};

use messages::{Explain, Message, capture};
use mgcp::datagram as mgcp_datagram;
use sccp::{EncryptionInfo, Message as Sccp, Secrecy, Session};
use wire::datagram::Datagram;
use zeroize::Zeroizing;

use crate::conversation::{Conversation, datagram};
use crate::keys::{Keyring, decode};
use crate::link;
use crate::media::{Listener, Opened, Opener, StreamCount, StreamId, Track};
use crate::pcapng::{LinkType, Packet, ReadError, Reader, Writer};
use crate::record::{Protocol, Record};

/// What became of it.
#[derive(Debug)]
pub struct Decryption {
    /// Media keys that signalling told.
    pub keys: usize,
    /// Streams with a packet that verified, or that was not protected.
    pub opened: Vec<Stream>,
    /// Streams that are protected by keys that signalling does not tell.
    pub closed: Vec<Stream>,
    /// What was said, where it can be heard.
    pub tracks: Vec<Track>,
    /// Whether the media file ends in the middle of a packet.
    pub media_cut_off: bool,
}

/// A stream and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Which.
    pub id: StreamId,
    /// How many of its packets.
    pub count: StreamCount,
    /// Whose the key was and in which message it came.
    pub key: Option<(String, &'static str)>,
    /// Suite of the key.
    pub suite: Option<&'static str>,
}

/// Why nothing could be opened.
#[derive(Debug, thiserror::Error)]
pub enum DecryptError {
    /// Signalling without a key.
    #[error("the signalling holds no media key")]
    NoKeys {
        /// Messages that were read.
        messages: u64,
        /// Keys that cannot be used, and why.
        unusable: String,
    },
    /// No RTP at all.
    #[error("the recording holds no RTP")]
    NoMedia {
        /// Packets that were read.
        packets: u64,
    },
    /// Keys and SRTP that do not fit.
    #[error("no key of the signalling fits the recording")]
    NoKeyFits {
        /// How many keys there are.
        keys: usize,
        /// Where media goes that cannot be opened.
        streams: String,
        /// Where the keys are for.
        meant: String,
    },
    /// The recording cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The result cannot be written.
    #[error("the result cannot be written: {0}")]
    Write(std::io::Error),
}

impl Explain for DecryptError {
    fn message(&self) -> &'static Message {
        match self {
            Self::NoKeys { .. } => &capture::CAPTURE_NO_KEYS,
            Self::NoMedia { .. } => &capture::CAPTURE_NO_MEDIA,
            Self::NoKeyFits { .. } => &capture::CAPTURE_NO_KEY_FITS,
            Self::Read(_) => &capture::CAPTURE_UNREADABLE,
            Self::Write(_) => &capture::CAPTURE_UNWRITABLE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoKeys { messages, unusable } => {
                vec![("messages", messages.to_string()), ("unusable", unusable.clone())]
            }
            Self::NoMedia { packets } => vec![("packets", packets.to_string())],
            Self::NoKeyFits { keys, streams, meant } => vec![
                ("keys", keys.to_string()),
                ("streams", streams.clone()),
                ("meant", meant.clone()),
            ],
            Self::Read(error) => vec![("why", error.to_string())],
            Self::Write(error) => vec![("why", error.to_string())],
        }
    }
}

/// What the interface of the result is called.
const INTERFACE: &str = "decrypted";
/// Streams that an error names.
const NAMED: usize = 8;
/// Packets from which on something on an unknown port is taken for media.
const SUSPICIOUS: u64 = 10;

/// Opens the media of a recording with the keys in signalling. What is written holds the signalling
/// without keys, and the media that could be opened, in order of time.
pub fn decrypt<M: Read, W: Write>(
    signalling: &[Record],
    media: Reader<M>,
    out: W,
) -> Result<Decryption, DecryptError> {
    let mut keyring = Keyring::default();
    signalling.iter().for_each(|record| keyring.hear(record));
    if keyring.keys().is_empty() {
        let unusable = keyring.unusable().iter().map(|key| format!("{}: {}", key.device, key.why));
        return Err(DecryptError::NoKeys {
            messages: keyring.messages(),
            unusable: shortened(unusable),
        });
    }
    let mut out = Writer::new(out, LinkType::RAW, INTERFACE).map_err(DecryptError::Write)?;
    let mut said = signalling.iter().peekable();
    let mut conversation = Conversation::default();
    let mut opener = Opener::new(&keyring);
    let mut listener = Listener::default();
    let (mut packets, mut media_cut_off) = (0, false);
    for packet in media {
        let packet = match packet {
            Ok(packet) => packet,
            // What is whole is worth having.
            Err(ReadError::CutOff) if packets > 0 => {
                media_cut_off = true;
                break;
            }
            Err(error) => return Err(error.into()),
        };
        packets += 1;
        while let Some(record) = said.next_if(|record| record.at <= packet.at) {
            tell(&mut conversation, &mut out, record)?;
        }
        if let Some(opened) = open(&mut opener, &mut listener, packet) {
            let (at, octets) = opened;
            out.packet(at, &octets, None).map_err(DecryptError::Write)?;
        }
    }
    for record in said {
        tell(&mut conversation, &mut out, record)?;
    }
    out.flush().map_err(DecryptError::Write)?;
    let found = streams(&opener, &keyring);
    if found.is_empty() {
        return Err(DecryptError::NoMedia { packets });
    }
    let (opened, closed): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|stream| stream.count.opened + stream.count.clear > 0);
    if opened.iter().all(|stream| stream.count.opened == 0) {
        let meant = keyring.keys().iter().map(|key| match (key.towards, key.from) {
            (Some(towards), _) => format!("→ {towards} ({})", key.device),
            (None, Some(from)) => format!("{from} → ({})", key.device),
            (None, None) => format!("? ({})", key.device),
        });
        return Err(DecryptError::NoKeyFits {
            keys: keyring.keys().len(),
            streams: shortened(
                closed.iter().map(|it| format!("{} → {}", it.id.source, it.id.destination)),
            ),
            meant: shortened(meant),
        });
    }
    let keys = keyring.keys().len();
    Ok(Decryption { keys, opened, closed, tracks: listener.tracks(), media_cut_off })
}

/// The packet, opened; `None` if it is no media, or cannot be opened, or was there already.
fn open(
    opener: &mut Opener<'_>,
    listener: &mut Listener,
    packet: Packet,
) -> Option<(std::time::Duration, Zeroizing<Vec<u8>>)> {
    let ip = link::ip(packet.link, &packet.octets)?;
    let found = Datagram::parse_ip(ip).ok()?;
    let mut payload = ip.get(found.payload_at..)?.get(..found.payload_len)?.to_vec();
    let (source, destination) = (found.source, found.destination);
    let length = match opener.open(packet.at, source, destination, &mut payload) {
        Opened::Whole(length) => length,
        Opened::Clear => payload.len(),
        Opened::Repeated | Opened::Closed | Opened::NoMedia => return None,
    };
    let payload = &payload[..length];
    if let Ok(view) = wire::rtp::Packet::new_checked(payload)
        && !wire::rtp::looks_like_rtcp(payload)
    {
        let ssrc = view.ssrc().0;
        let id = StreamId { source, destination, ssrc, control: false };
        listener.hear(source, destination, payload, opener.coding(id));
    }
    Some((packet.at, datagram(source, destination, payload)))
}

/// Streams of media: those with a key, and those that look like it.
fn streams(opener: &Opener<'_>, keyring: &Keyring) -> Vec<Stream> {
    let is_media =
        |count: &StreamCount| count.opened + count.clear > 0 || count.closed >= SUSPICIOUS;
    let mut found: Vec<_> = opener
        .streams()
        .filter(|(_, count)| is_media(count))
        .map(|(id, count)| {
            let key = count.key.map(|key| &keyring.keys()[key]);
            Stream {
                id,
                count: count.clone(),
                key: key.map(|key| (key.device.clone(), key.told_in)),
                suite: key.map(|key| key.keying.suite().name()),
            }
        })
        .collect();
    found.sort_by_key(|stream| stream.id);
    found
}

/// Writes a message without the keys in it.
fn tell<W: Write>(
    conversation: &mut Conversation,
    out: &mut Writer<W>,
    record: &Record,
) -> Result<(), DecryptError> {
    match keyless(record) {
        Some(record) => conversation.write(out, &record).map_err(DecryptError::Write),
        None => Ok(()),
    }
}

/// A message as it is where media is not encrypted. `None` if it may hold a key that cannot be
/// taken out.
fn keyless(record: &Record) -> Option<Record> {
    let message = match record.protocol {
        Protocol::Sccp | Protocol::SccpOverTls => keyless_sccp(&record.message)?,
        Protocol::Mgcp => keyless_mgcp(&record.message)?,
        Protocol::MgcpBackhaul => record.message.clone(),
    };
    Some(Record { message, ..record.clone() })
}

fn keyless_sccp(message: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (version, decoded) = decode(message)?;
    let order = match decoded {
        Sccp::OpenReceiveChannel(mut order) => {
            order.encryption = EncryptionInfo::none();
            Sccp::OpenReceiveChannel(order)
        }
        Sccp::StartMediaTransmission(mut order) => {
            order.encryption = EncryptionInfo::none();
            Sccp::StartMediaTransmission(order)
        }
        // What nobody here knows may be anything.
        Sccp::Opaque(_) => return None,
        _ => return Some(Zeroizing::new(message.to_vec())),
    };
    // Whoever sees that it holds a key does not write it.
    Session { version, secrecy: Secrecy::Exposed }.encode(&order).ok()
}

/// Lines with keys are left out, and what was SAVP is AVP.
fn keyless_mgcp(datagram: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // What cannot be read may be anything.
    mgcp_datagram::split(datagram, datagram.len()).ok()?;
    let text = std::str::from_utf8(datagram).ok()?;
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.split_inclusive('\n') {
        let lower = Zeroizing::new(line.to_ascii_lowercase());
        let lower = lower.trim_start();
        let has_key = ["inline:", "srtptx", "crypto:"].iter().any(|sign| lower.contains(sign))
            || lower.starts_with("k=")
            || (lower.starts_with("l:") && lower.contains("k:"));
        if has_key {
            continue;
        }
        match lower.starts_with("m=") {
            true => kept.push_str(&line.replace("RTP/SAVP", "RTP/AVP")),
            false => kept.push_str(line),
        }
    }
    Some(Zeroizing::new(kept.as_bytes().to_vec()))
}

/// The first of them, and how many more there are.
fn shortened(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<_> = all.collect();
    all.dedup();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    let mut text = all.join(", ");
    if more > 0 {
        text.push_str(&format!(" +{more}"));
    }
    if text.is_empty() {
        text.push('-');
    }
    text
}
