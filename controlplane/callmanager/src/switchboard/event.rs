//! What a switchboard is told.

use std::net::SocketAddr;
use std::sync::Arc;

use super::device::Profile;
use super::id::{DeviceName, LegId, LinkId, StreamId};
use crate::keys::MasterKey;
use crate::security::Security;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A device can be called. One that was there before has lost its calls.
    DeviceArrived {
        /// Its name.
        device: DeviceName,
        /// What is known of it.
        profile: Profile,
    },
    /// A device lost its connection.
    DeviceGone {
        /// Its name.
        device: DeviceName,
    },
    /// A user did something.
    Pressed {
        /// On this device.
        device: DeviceName,
        /// On this of its lines, counted from 1; `None` if it did not say.
        line: Option<u32>,
        /// With this leg; `None` is the one that the key makes sense for.
        leg: Option<LegId>,
        /// What.
        key: Key,
    },
    /// Messages wait for a number, or no longer: an administrator's database says so.
    MessageWaiting {
        /// For which.
        number: String,
        /// Whether they do.
        waits: bool,
    },
    /// The key that an end has made for what it is going to send; before it is open.
    KeyMade {
        /// Who has made it.
        by: Owner,
        /// Which stream.
        stream: StreamId,
        /// The key.
        key: Arc<MasterKey>,
    },
    /// A stream's receiving end is open, or cannot be opened.
    MediaOpened {
        /// Who says so.
        by: Owner,
        /// Which stream.
        stream: StreamId,
        /// Where it receives.
        result: Result<SocketAddr, MediaRefused>,
    },
    /// A port of a gateway sends as it was told, or does not.
    MediaStarted {
        /// Who says so.
        by: Owner,
        /// Which stream.
        stream: StreamId,
        /// Whether it sends.
        result: Result<(), MediaRefused>,
    },
    /// A port of a gateway may be given keys from now on, or no longer. Streams that are open stay
    /// as they are.
    PortSecurity {
        /// Its name.
        device: DeviceName,
        /// As in [`Profile::security`].
        security: Security,
    },
    /// A device cannot send a stream.
    MediaFailed {
        /// Who says so.
        by: Owner,
        /// Which stream.
        stream: StreamId,
    },
    /// A stream passes through a relay, or none can be had.
    RelayOpened {
        /// Which passage.
        link: LinkId,
        /// Which relay, and where it receives from either end.
        result: Result<RelayedBy, RelayRefused>,
    },
    /// A passage has ended by itself: its relay has gone, or its keys are spent.
    RelayLost {
        /// Which.
        link: LinkId,
    },
}

/// Who has an end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A device.
    Device(DeviceName),
    /// A media resource: music on hold, a conference bridge.
    Resource,
}

/// Why a stream could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRefused {
    /// The device cannot use the key it was given.
    Encryption,
    /// The keys of a port were not sent: nothing protects the way to its gateway. Whoever holds
    /// them back has told the administrator.
    KeysWithheld,
    /// A port sends under keys of its own only. It is opened anew, so that it makes one.
    OwnKeysOnly,
    /// Another status, as SCCP numbers them.
    Status(u32),
}

/// A relay that a stream passes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedBy {
    /// Its name.
    pub relay: Arc<str>,
    /// Where it receives from either end, in the order of the ends.
    pub addresses: [SocketAddr; 2],
}

/// Why a stream cannot pass through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayRefused {
    /// None is configured, or none is in service.
    NoneInService,
    /// All that were asked refused; the last one with this MGCP return code.
    Code(u16),
    /// None answered in time.
    NoAnswer,
}

/// What users do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Lifts the handset: answers what rings, or begins a call.
    OffHook,
    /// Puts the handset down: ends the active call.
    OnHook,
    /// Begins a call in the name of another number: a voicemail port is about to switch a lamp.
    OffHookFor(String),
    /// Presses a line button: answers, resumes or begins a call there.
    Line,
    /// Begins a call.
    NewCall,
    /// Answers.
    Answer,
    /// Ends a call.
    EndCall,
    /// Dials a digit, or presses one while speaking.
    Digit(char),
    /// Dials a whole number.
    Number(String),
    /// Takes the last digit back.
    Backspace,
    /// Holds a call; resumes one that is held.
    Hold,
    /// Resumes a call.
    Resume,
    /// Transfers: first to dial the new party, then to complete.
    Transfer,
    /// Confers: first to dial the new party, then to bring it in.
    Conference,
    /// Opens a conference that others dial into.
    MeetMe,
    /// Barges into a call of a shared line by the built-in bridge of its telephone.
    Barge,
    /// Barges into a call of a shared line by making it a conference.
    ConferenceBarge,
    /// Dials the last number again.
    Redial,
    /// Forwards all calls of the line, or no longer.
    ForwardAll,
    /// Hides the telephone's calls from others on its shared lines, or no longer.
    Privacy,
}
