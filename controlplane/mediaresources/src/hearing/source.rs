//! Whom to believe, as far as plain RTP allows to know.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use wire::rtp::Ssrc;

/// How long a speaker may be silent before somebody else of the same address is heard.
const SILENCE: Duration = Duration::from_millis(200);

/// One speaker at a time, at one address.
#[derive(Debug)]
pub(crate) struct Source {
    host: IpAddr,
    speaker: Option<(u16, Ssrc)>,
    heard: Option<Instant>,
}

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The one who spoke before.
    Same,
    /// Another one, after silence.
    New,
    /// Another one while somebody speaks.
    Stranger,
}

impl Source {
    pub(crate) fn new(host: IpAddr) -> Self {
        Self { host: host.to_canonical(), speaker: None, heard: None }
    }

    pub(crate) fn ssrc(&self) -> Option<u32> {
        self.speaker.map(|(_, Ssrc(ssrc))| ssrc)
    }

    pub(crate) fn lives_at(&self, from: SocketAddr) -> bool {
        from.ip().to_canonical() == self.host
    }

    pub(crate) fn admit(&mut self, now: Instant, from: SocketAddr, ssrc: Ssrc) -> Speaker {
        let speaker = Some((from.port(), ssrc));
        let silent = self.heard.is_none_or(|heard| now.saturating_duration_since(heard) > SILENCE);
        let admitted = match self.speaker == speaker {
            true => Speaker::Same,
            false if silent => Speaker::New,
            false => return Speaker::Stranger,
        };
        self.speaker = speaker;
        self.heard = Some(now);
        admitted
    }
}
