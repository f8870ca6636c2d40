//! What comes of orders, and what administrators should know of gateways.

use callmanager::switchboard::{CallId, DeviceName, Event};
use messages::{Explain, Message, gateways};
use mgcp::value::Statistics;

use super::path::Verdict;

/// What comes of orders, and what happens at ports.
#[derive(Debug)]
pub enum Report {
    /// For the switchboard:
    /// [`Exchange::port_says`](callmanager::exchange::Exchange::port_says).
    Event(Event),
    /// Keys were sent, or held back: for the audit log.
    Keys {
        /// To which port.
        port: DeviceName,
        /// Of which call.
        call: CallId,
        /// What protects the way.
        verdict: Verdict,
    },
    /// A connection has ended, for those who look for a fault.
    Closed {
        /// Of which port.
        port: DeviceName,
        /// What the gateway has counted.
        statistics: Statistics,
    },
    /// A message that a captured port's calls are made of, without keys.
    Captured {
        /// Of which port.
        port: DeviceName,
        /// What was said, on one line.
        text: String,
    },
    /// An administrator should know.
    Alarm(GatewayAlarm),
}

/// Something about gateways that an administrator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayAlarm {
    /// A gateway does not answer.
    Lost {
        /// Which.
        gateway: String,
    },
    /// It has registered.
    Registered {
        /// Which.
        gateway: String,
    },
    /// It has restarted: its calls are over.
    Restarted {
        /// Which.
        gateway: String,
        /// How many ports were in calls.
        calls: usize,
    },
    /// It goes out of service.
    Leaving {
        /// Which.
        gateway: String,
    },
    /// A port that is configured here is not known there, or does not work.
    Port {
        /// Which.
        port: String,
        /// What the gateway says.
        code: u16,
    },
    /// The way to it is not covered.
    Uncovered {
        /// Which.
        gateway: String,
        /// Why.
        reason: String,
        /// Whether keys go over it nevertheless.
        keys_go: bool,
    },
    /// Its encrypted calls were ended, as is set for the case that the way is not covered.
    CallsEnded {
        /// Which.
        gateway: String,
        /// How many ports were in one.
        calls: usize,
    },
    /// The way to it is covered again.
    Covered {
        /// Which.
        gateway: String,
    },
    /// It is believed to be protected because the operator says so.
    Trusted {
        /// Which.
        gateway: String,
    },
    /// It does something else than it was told.
    Unfit {
        /// Which port.
        port: String,
        /// What.
        what: &'static str,
    },
}

impl Explain for GatewayAlarm {
    fn message(&self) -> &'static Message {
        match self {
            Self::Lost { .. } => &gateways::GATEWAY_LOST,
            Self::Registered { .. } => &gateways::GATEWAY_REGISTERED,
            Self::Restarted { .. } => &gateways::GATEWAY_RESTARTED,
            Self::Leaving { .. } => &gateways::GATEWAY_LEAVING,
            Self::Port { .. } => &gateways::GATEWAY_PORT_FAILS,
            Self::Uncovered { keys_go: false, .. } => &gateways::KEYS_HELD_BACK,
            Self::Uncovered { keys_go: true, .. } => &gateways::KEYS_IN_CLEAR,
            Self::CallsEnded { .. } => &gateways::SECURE_CALLS_ENDED,
            Self::Covered { .. } => &gateways::GATEWAY_PATH_COVERED,
            Self::Trusted { .. } => &gateways::GATEWAY_PATH_TRUSTED,
            Self::Unfit { .. } => &gateways::GATEWAY_UNFIT,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Lost { gateway }
            | Self::Registered { gateway }
            | Self::Leaving { gateway }
            | Self::Covered { gateway }
            | Self::Trusted { gateway } => vec![("gateway", gateway.clone())],
            Self::Restarted { gateway, calls } | Self::CallsEnded { gateway, calls } => {
                vec![("gateway", gateway.clone()), ("calls", calls.to_string())]
            }
            Self::Port { port, code } => vec![("port", port.clone()), ("code", code.to_string())],
            Self::Uncovered { gateway, reason, .. } => {
                vec![("gateway", gateway.clone()), ("reason", reason.clone())]
            }
            Self::Unfit { port, what } => {
                vec![("port", port.clone()), ("what", (*what).to_owned())]
            }
        }
    }
}

/// What is known of a gateway, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: GatewayState,
    /// What protects the way to it; `None` before that was looked at.
    pub path: Option<Verdict>,
    /// Its ports.
    pub ports: Vec<PortView>,
}

/// The state of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayState {
    /// Nothing was heard of it yet.
    Unknown,
    /// It has registered here.
    Registered,
    /// It goes out of service when its calls have ended.
    Leaving,
    /// It does not answer, or has gone.
    Lost,
}

impl GatewayState {
    /// Its name, for people and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Registered => "registered",
            Self::Leaving => "leaving",
            Self::Lost => "lost",
        }
    }
}

/// What is known of a port, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortView {
    /// What stands before the `@`.
    pub name: String,
    /// Whether it can be called.
    pub in_service: bool,
    /// What the gateway last refused when it was asked about it.
    pub refusal: Option<u16>,
    /// Whether the gateway says that it does SRTP.
    pub srtp: bool,
    /// Whether it is given keys at present.
    pub secure: bool,
    /// Whether what is said about its calls is reported.
    pub capture: bool,
    /// Calls that it is in.
    pub calls: usize,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Times that keys were put into a message.
    pub keys_sent: u64,
    /// Of these, over a way that nothing covered.
    pub keys_in_clear: u64,
    /// Times that keys were held back.
    pub keys_refused: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Registrations of gateways.
    pub registrations: u64,
    /// Notifications.
    pub notifications: u64,
    /// Datagrams from who is no gateway of ours.
    pub strangers: u64,
    /// Commands for endpoints that the sender does not have.
    pub foreign: u64,
}
