//! The tap of one call: its packets as they are on the wire.
//!
//! A socket of its own, for root only, which there is if the configuration names it. A client sends
//! one line with a JSON [`TapWish`] and gets one line with a JSON [`TapAnswer`]; if it says yes,
//! packets follow, each behind its time in nanoseconds since the Unix epoch (8 octets) and its length
//! (4), big-endian, from the IP header on, until the time or the size is over.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::AskError;

/// Longest packet.
pub const MAX_PACKET: usize = 65_536;

/// Which packets, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapWish {
    /// The endpoint, `pr/1`, with or without the gateway's name.
    pub endpoint: String,
    /// Most seconds.
    pub seconds: u32,
    /// Most octets.
    pub octets: u64,
}

/// Whether they come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TapAnswer {
    /// Packets follow.
    Taken,
    /// None do, and why.
    Refused(String),
}

/// Packets that come.
pub struct Tapped {
    input: BufReader<UnixStream>,
}

/// Asks the daemon for the packets of a call. `Err` within: it refuses, and says why.
pub fn tap(socket: &Path, wish: &TapWish) -> Result<Result<Tapped, String>, AskError> {
    let connect = |source| AskError::Connect { socket: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(connect)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut line = serde_json::to_vec(wish)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut input = BufReader::new(stream);
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    match serde_json::from_str(&answer)? {
        TapAnswer::Refused(why) => Ok(Err(why)),
        TapAnswer::Taken => {
            // Between two packets there may be any silence; the end comes by itself.
            input.get_ref().set_read_timeout(None)?;
            Ok(Ok(Tapped { input }))
        }
    }
}

impl Iterator for Tapped {
    type Item = io::Result<(Duration, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut head = [0; 12];
        match self.input.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(error)),
            Ok(()) => {}
        }
        let [a, b, c, d, e, f, g, h, length @ ..] = head;
        let at = Duration::from_nanos(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_PACKET {
            return Some(Err(io::ErrorKind::InvalidData.into()));
        }
        let mut octets = vec![0; length];
        Some(self.input.read_exact(&mut octets).map(|()| (at, octets)))
    }
}

/// Writes a packet as [`Tapped`] reads it.
pub fn write(out: &mut impl Write, at: Duration, octets: &[u8]) -> io::Result<()> {
    let nanoseconds = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
    let mut packet = nanoseconds.to_be_bytes().to_vec();
    packet.extend((octets.len() as u32).to_be_bytes());
    packet.extend(octets);
    out.write_all(&packet)
}
