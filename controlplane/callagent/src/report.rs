//! What comes of orders, and what administrators should know of relays.

use std::fmt;
use std::net::SocketAddr;

use callmanager::switchboard::{CallId, LinkId, RelayRefused, RelayedBy, StreamId};
use messages::{Explain, Message, relays};

use crate::relay::RelayState;

/// What comes of orders.
#[derive(Debug)]
pub enum Report {
    /// A stream passes, or no relay takes it:
    /// [`Exchange::relay_answered`](callmanager::exchange::Exchange::relay_answered).
    Opened {
        /// Which.
        link: LinkId,
        /// Through which relay, and where it receives from either end.
        result: Result<RelayedBy, RelayRefused>,
    },
    /// A stream passes no longer, or should not:
    /// [`Exchange::relay_lost`](callmanager::exchange::Exchange::relay_lost).
    Lost {
        /// Which.
        link: LinkId,
    },
    /// A stream was closed, as ordered: for the record of its call.
    Closed {
        /// The call it was opened for.
        call: CallId,
        /// The name of the relay.
        relay: String,
        /// What the relay has counted, by end; `None` if it did not say.
        ends: [Option<EndStatistics>; 2],
    },
    /// An administrator should know.
    Alarm(RelayAlarm),
}

/// What a relay has counted on the way to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndStatistics {
    /// The stream as the device knows it.
    pub stream: StreamId,
    /// Packets to the device.
    pub packets_sent: u32,
    /// Octets of speech to the device.
    pub octets_sent: u32,
    /// Packets from the device.
    pub packets_received: u32,
    /// Octets of speech from the device.
    pub octets_received: u32,
    /// Packets that were lost on the way from the device.
    pub packets_lost: u32,
    /// Interarrival jitter of those from the device, in milliseconds.
    pub jitter_ms: u32,
}

impl fmt::Display for EndStatistics {
    /// For traces, behind something else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, packets_sent, packets_received, packets_lost, jitter_ms, .. } = self;
        write!(
            f,
            "; stream {stream}: {packets_sent} packets to the device, {packets_received} from it, \
             {packets_lost} lost, jitter {jitter_ms} ms"
        )
    }
}

/// Something about relays that an administrator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayAlarm {
    /// A relay does not answer.
    Down {
        /// Which.
        relay: String,
    },
    /// It answers again.
    Up {
        /// Which.
        relay: String,
    },
    /// It goes out of service, or has gone.
    Leaving {
        /// Which.
        relay: String,
    },
    /// It has restarted; its streams are opened anew.
    Restarted {
        /// Which.
        relay: String,
        /// How many streams it has lost.
        streams: usize,
    },
    /// It does something else than it was told.
    Unfit {
        /// Which.
        relay: String,
        /// What.
        what: &'static str,
    },
    /// Nothing comes from a device that should send.
    Silent {
        /// Through which relay.
        relay: String,
        /// In which call.
        call: CallId,
        /// The stream, as the device knows it.
        stream: StreamId,
    },
}

impl Explain for RelayAlarm {
    fn message(&self) -> &'static Message {
        match self {
            Self::Down { .. } => &relays::RELAY_DOWN,
            Self::Up { .. } => &relays::RELAY_UP,
            Self::Leaving { .. } => &relays::RELAY_LEAVING,
            Self::Restarted { .. } => &relays::RELAY_RESTARTED,
            Self::Unfit { .. } => &relays::RELAY_UNFIT,
            Self::Silent { .. } => &relays::MEDIA_SILENT,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let (Self::Down { relay }
        | Self::Up { relay }
        | Self::Leaving { relay }
        | Self::Restarted { relay, .. }
        | Self::Unfit { relay, .. }
        | Self::Silent { relay, .. }) = self;
        let mut values = vec![("relay", relay.clone())];
        match self {
            Self::Restarted { streams, .. } => values.push(("streams", streams.to_string())),
            Self::Unfit { what, .. } => values.push(("what", (*what).to_owned())),
            Self::Silent { call, stream, .. } => {
                values.extend([("call", call.to_string()), ("stream", stream.to_string())]);
            }
            _ => {}
        }
        values
    }
}

/// A relay, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayView {
    /// Its name.
    pub name: String,
    /// Where it is commanded.
    pub address: SocketAddr,
    /// Its state.
    pub state: RelayState,
    /// Streams through it.
    pub streams: usize,
    /// Streams of an earlier run that still go through it.
    pub orphans: usize,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Streams that were opened.
    pub opened: u64,
    /// Orders to open a stream that no relay took.
    pub refused: u64,
    /// Times another relay was tried.
    pub failed_over: u64,
    /// Streams that were lost.
    pub lost: u64,
    /// Openings that came too late and were taken back.
    pub late: u64,
    /// Endpoints of earlier runs that were deleted.
    pub orphans_deleted: u64,
    /// Datagrams from who is no relay of ours.
    pub strangers: u64,
    /// Commands of the relays themselves.
    pub commands: u64,
}
