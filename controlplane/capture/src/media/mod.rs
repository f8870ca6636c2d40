//! SRTP that was captured, opened and heard.

mod audio;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use srtp::{Config, Direction, Error, Job, SessionId, Srtp};
use wire::rtp;

use crate::keys::{Coding, Keyring};

pub use audio::{Listener, Track};

/// Streams followed at a time; each has a session.
const MOST: usize = 4096;
/// Packets of a stream that are tried with every key before it is tried now and then only.
const TRIES: u64 = 16;
/// How often then: every so many packets.
const NOW_AND_THEN: u64 = 64;

/// A stream: from where, to where, and whose synchronization source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// From where.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// The source that its packets name.
    pub ssrc: u32,
    /// Whether it is RTCP.
    pub control: bool,
}

/// What became of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamCount {
    /// Packets that verified.
    pub opened: u64,
    /// Packets that had been there before: what is captured on two wires is there twice.
    pub repeated: u64,
    /// Packets that no key fits.
    pub closed: u64,
    /// Packets that were not protected.
    pub clear: u64,
    /// Position in [`Keyring::keys`] of the key that fitted last.
    pub key: Option<usize>,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is RTP or RTCP now, of this length.
    Whole(usize),
    /// It was there already.
    Repeated,
    /// It is not protected.
    Clear,
    /// No key fits.
    Closed,
    /// It is no RTP.
    NoMedia,
}

/// Opens packets with the keys of a capture.
///
/// Which key fits shows the packet's tag: those told for its addresses are tried first, then
/// those told lately, at last all. A stream that changes its key is followed.
pub struct Opener<'k> {
    keyring: &'k Keyring,
    srtp: Srtp,
    streams: HashMap<StreamId, Stream>,
}

#[derive(Default)]
struct Stream {
    session: Option<SessionId>,
    count: StreamCount,
}

impl<'k> Opener<'k> {
    /// An opener with these keys.
    pub fn new(keyring: &'k Keyring) -> Self {
        let config = Config { max_sessions: MOST + 1, ..Config::default() };
        Self { keyring, srtp: Srtp::new(config), streams: HashMap::new() }
    }

    /// Opens a packet in place.
    pub fn open(
        &mut self,
        at: Duration,
        source: SocketAddr,
        destination: SocketAddr,
        packet: &mut [u8],
    ) -> Opened {
        let control = rtp::looks_like_rtcp(packet);
        let Some(ssrc) = ssrc(packet, control) else { return Opened::NoMedia };
        let id = StreamId { source, destination, ssrc, control };
        if self.streams.len() >= MOST && !self.streams.contains_key(&id) {
            return Opened::Closed;
        }
        let mut stream = self.streams.remove(&id).unwrap_or_default();
        let opened = self.open_of(at, id, &mut stream, packet);
        let count = &mut stream.count;
        *match opened {
            Opened::Whole(_) => &mut count.opened,
            Opened::Repeated => &mut count.repeated,
            Opened::Clear => &mut count.clear,
            Opened::Closed | Opened::NoMedia => &mut count.closed,
        } += 1;
        self.streams.insert(id, stream);
        opened
    }

    fn open_of(
        &mut self,
        at: Duration,
        id: StreamId,
        stream: &mut Stream,
        packet: &mut [u8],
    ) -> Opened {
        // What fails leaves the packet useless.
        let sealed = packet.to_vec();
        if let Some(session) = stream.session {
            match self.unprotect(session, id.control, packet) {
                Ok(length) => return Opened::Whole(length),
                Err(Error::Replayed | Error::TooOld) => return Opened::Repeated,
                Err(_) => packet.copy_from_slice(&sealed),
            }
        }
        let candidates = self.candidates(at, id);
        let meant = candidates.first().is_some_and(|(meant, _)| *meant > Meant::Elsewhere);
        let failed = stream.count.closed + stream.count.clear;
        if meant || failed < TRIES || failed.is_multiple_of(NOW_AND_THEN) {
            for (_, key) in candidates {
                let keying = &self.keyring.keys()[key].keying;
                let Ok(session) = self.srtp.insert(Direction::Inbound, keying) else { break };
                if let Ok(length) = self.unprotect(session, id.control, packet) {
                    if let Some(old) = stream.session.replace(session) {
                        self.srtp.remove(old);
                    }
                    stream.count.key = Some(key);
                    return Opened::Whole(length);
                }
                self.srtp.remove(session);
                packet.copy_from_slice(&sealed);
            }
        }
        match self.keyring.is_clear(at, rtp_end(id.source, id), rtp_end(id.destination, id)) {
            true => Opened::Clear,
            false => Opened::Closed,
        }
    }

    fn unprotect(
        &mut self,
        session: SessionId,
        control: bool,
        packet: &mut [u8],
    ) -> Result<usize, Error> {
        let length = packet.len();
        let mut jobs = [Job::new(session, packet, length)];
        match control {
            true => self.srtp.unprotect_rtcp(&mut jobs),
            false => self.srtp.unprotect_rtp(&mut jobs),
        }
        let [job] = jobs;
        job.result.map(|()| job.len)
    }

    /// The keys, best first.
    fn candidates(&self, at: Duration, id: StreamId) -> Vec<(Meant, usize)> {
        let (source, destination) = (rtp_end(id.source, id), rtp_end(id.destination, id));
        let mut keys: Vec<_> = self
            .keyring
            .keys()
            .iter()
            .enumerate()
            .map(|(index, key)| {
                let meant = if key.towards == Some(destination) {
                    Meant::ForDestination
                } else if key.from == Some(source) {
                    Meant::ForSource
                } else {
                    Meant::Elsewhere
                };
                (meant, key.at <= at, key.at, index)
            })
            .collect();
        // The best first, and of those told before the packet the latest.
        keys.sort_by_key(|&(meant, before, told, index)| Reverse((meant, before, told, index)));
        keys.into_iter().map(|(meant, _, _, index)| (meant, index)).collect()
    }

    /// What became of each stream.
    pub fn streams(&self) -> impl Iterator<Item = (StreamId, &StreamCount)> {
        self.streams.iter().map(|(id, stream)| (*id, &stream.count))
    }

    /// How the speech of a stream is coded, as far as signalling says.
    pub fn coding(&self, id: StreamId) -> Option<Coding> {
        let key = self.streams.get(&id)?.count.key?;
        self.keyring.keys()[key].coding
    }
}

/// Whether a key is meant for a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meant {
    Elsewhere,
    ForSource,
    ForDestination,
}

/// The end of the RTP stream that a stream belongs to: RTCP has the port above it.
fn rtp_end(end: SocketAddr, id: StreamId) -> SocketAddr {
    match id.control {
        true => SocketAddr::new(end.ip(), end.port() & !1),
        false => end,
    }
}

fn ssrc(packet: &[u8], control: bool) -> Option<u32> {
    if !control {
        return Some(rtp::Packet::new_checked(packet).ok()?.ssrc().0);
    }
    let fixed = packet.first_chunk::<8>().filter(|fixed| fixed[0] >> 6 == 2)?;
    Some(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]))
}
