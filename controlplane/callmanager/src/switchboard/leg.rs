//! Legs: the part of a device in a call.

use super::action::{Lamp, Party};
use super::id::{CallId, DeviceName, LegId};
use super::show::View;
use crate::security::Security;

/// A device's part in a call.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) device: DeviceName,
    /// The device's line, counted from 1.
    pub(super) line: u32,
    pub(super) party: Party,
    pub(super) security: Security,
    pub(super) call: CallId,
    /// It is on a port of a gateway that a route leads to: its party's number is what was dialled,
    /// and no directory number.
    pub(super) routed: bool,
    /// Whether it called.
    pub(super) outbound: bool,
    pub(super) state: LegState,
    /// Set on the second leg of a transfer or conference.
    pub(super) consult: Option<Consult>,
    /// Its device lost its connection, but not its media: nothing can be said to it any more.
    pub(super) preserved: bool,
    /// What its device was told.
    pub(super) shown: Option<View>,
}

/// What a leg is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LegState {
    /// Waits for digits.
    Collecting(Collecting),
    /// Waits for somebody to answer.
    Calling,
    /// Rings.
    Ringing,
    /// Speaks.
    Connected,
    /// Was put on hold by its own user.
    Held,
    /// Hears why it cannot speak.
    Failed { failure: Failure, howls: bool },
    /// Shows that another telephone of its line is in the call.
    Remote,
}

/// Digits, and what they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Collecting {
    pub(super) digits: String,
    pub(super) purpose: Purpose,
}

/// What digits are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Call,
    ForwardAll,
    MeetMe,
}

/// Why a leg cannot speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Busy,
    NoSuchNumber,
    Congestion,
}

/// The leg that waits until its user has asked somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Consult {
    pub(super) first: LegId,
    pub(super) purpose: ConsultPurpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConsultPurpose {
    Transfer,
    Conference,
}

impl LegState {
    pub(super) fn collecting(purpose: Purpose) -> Self {
        Self::Collecting(Collecting { digits: String::new(), purpose })
    }

    /// Whether it has the handset: one leg of a device at most does.
    pub(super) fn is_active(&self) -> bool {
        match self {
            Self::Collecting(_) | Self::Calling | Self::Connected | Self::Failed { .. } => true,
            Self::Ringing | Self::Held | Self::Remote => false,
        }
    }

    pub(super) fn lamp(&self) -> Lamp {
        match self {
            Self::Ringing => Lamp::Blink,
            Self::Held => Lamp::Wink,
            _ => Lamp::On,
        }
    }
}
