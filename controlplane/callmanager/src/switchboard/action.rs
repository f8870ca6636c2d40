//! What a switchboard wants done.

use std::net::SocketAddr;
use std::sync::Arc;

use super::alarm::CallAlarm;
use super::id::{CallId, DeviceName, LegId, LinkId, StreamId};
use super::record::CallRecord;
use crate::codec::Codec;
use crate::keys::MasterKey;
use crate::security::Security;

/// Something to be done.
#[derive(Debug)]
pub enum Action {
    /// A telephone shows, rings or sounds.
    Telephone {
        /// Which.
        device: DeviceName,
        /// What.
        order: Order,
    },
    /// An end of a stream is opened or closed.
    Media(MediaOrder),
    /// A stream passes through a relay, or no longer.
    Relay(RelayOrder),
    /// A user has changed where calls to a number go: to be kept.
    Forwarded {
        /// Whose calls.
        number: String,
        /// Where all of them go.
        all: Option<String>,
    },
    /// Messages wait for a number, or no longer: to be kept.
    MessageWaiting {
        /// For which.
        number: String,
        /// Whether they do.
        waits: bool,
    },
    /// A call has ended.
    Record(CallRecord),
    /// An administrator should know.
    Alarm(CallAlarm),
}

/// What a telephone shows, rings or sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Something about one of its legs.
    Leg {
        /// The line it is on.
        line: u32,
        /// Which.
        leg: LegId,
        /// What.
        change: Change,
    },
    /// Rings for a leg, or stops.
    Ring {
        /// The line it is on.
        line: u32,
        /// Which.
        leg: LegId,
        /// How.
        ring: Ring,
    },
    /// Opens or closes the loudspeaker and its microphone.
    Speaker(bool),
    /// Lights the lamp of a line.
    Lamp {
        /// Which line.
        line: u32,
        /// How.
        lamp: Lamp,
    },
    /// Shows whether messages wait for a line.
    MessageWaiting {
        /// Which line.
        line: u32,
        /// Whether they do.
        waits: bool,
    },
    /// Shows where calls to a line go.
    Forward {
        /// Which line.
        line: u32,
        /// Where all of them go.
        all: Option<String>,
    },
    /// Shows whether its calls are hidden from the other telephones of its lines.
    Privacy(bool),
}

/// What changes at a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its state.
    State(CallState),
    /// The soft keys shown with it. Follows each change of its state.
    Keys(KeySet),
    /// The line of text shown with it; `None` is none.
    Prompt(Option<Prompt>),
    /// What is heard until it changes; `None` is nothing, or speech.
    Tone(Option<Tone>),
    /// What is heard once.
    Sound(Tone),
    /// Who speaks with whom, and how secure it is.
    Info(CallInfo),
    /// The number that was dialled, for the telephone's lists.
    Dialled(String),
    /// The last digit does not count.
    Backspace,
    /// Text that is shown for a while.
    Notice(Notice),
}

/// What a leg is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// The handset is up.
    OffHook,
    /// It is over; nothing more is said of the leg.
    OnHook,
    /// Somebody is called.
    RingOut,
    /// It rings.
    RingIn,
    /// They speak.
    Connected,
    /// It is on hold, here or elsewhere on a shared line.
    Hold,
    /// Another telephone of the shared line speaks.
    InUseRemote,
    /// The same, and it is nobody else's business.
    InUsePrivately,
    /// The called one is busy.
    Busy,
    /// The call cannot be made, or not go on.
    Congestion,
    /// There is no such number.
    InvalidNumber,
}

/// Soft keys that are shown together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySet {
    /// When nothing goes on.
    OnHook,
    /// With a call.
    Connected,
    /// The same on a shared line, where calls can be hidden.
    ConnectedShared,
    /// With a call on hold.
    OnHold,
    /// When it rings.
    RingIn,
    /// Before the first digit.
    OffHook,
    /// With the second leg of a transfer.
    ConnectedTransfer,
    /// From the first digit on.
    Digits,
    /// With the second leg of a conference.
    ConnectedConference,
    /// Where nothing but ending the call is possible.
    RingOut,
    /// Before the first digit of a second leg.
    OffHookFeature,
    /// With a call elsewhere on the shared line.
    InUseRemote,
    /// With a call on hold elsewhere on the shared line.
    Stealable,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Asks for digits.
    EnterNumber,
    /// It rings there.
    RingOut,
    /// Somebody calls.
    From(Party),
    /// They speak.
    Connected,
    /// The same, and the other telephones of the line are not shown it.
    Private,
    /// It is on hold.
    Hold,
    /// The called one is busy.
    Busy,
    /// There is no such number.
    UnknownNumber,
    /// It cannot be done at present.
    TemporaryFailure,
    /// Another telephone of the shared line speaks.
    InUseRemote,
}

/// Text that is shown for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The transfer cannot be completed.
    CannotTransfer,
    /// The conference cannot be made.
    CannotConfer,
    /// The conference has as many parties as it may have.
    TooManyParties,
    /// Barge failed.
    BargeFailed,
    /// Somebody else has barged in.
    AnotherBarge,
    /// The telephone barged into cannot do it.
    IncompatibleDevice,
    /// There is no call like that to be continued.
    KeyNotActive,
}

/// A tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Dial.
    Dial,
    /// It rings there.
    Alerting,
    /// Busy.
    Busy,
    /// It cannot be done.
    Reorder,
    /// There is no such number.
    NoSuchNumber,
    /// Put the handset down.
    Howler,
    /// It was done.
    Confirmation,
    /// On hold without music.
    Hold,
    /// Somebody barged in.
    BargeIn,
    /// A digit that the other side pressed.
    Dtmf(char),
}

/// How a telephone rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Not.
    Off,
    /// Normally.
    Inside,
    /// Softly: its user is speaking.
    Waiting,
}

/// How a lamp shines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    /// Not: idle.
    Off,
    /// Steadily: in use.
    On,
    /// On hold.
    Wink,
    /// It rings.
    Blink,
}

/// Somebody with a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The directory number.
    pub number: String,
    /// The name shown with it.
    pub name: String,
}

/// Who speaks with whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// Whether this telephone called.
    pub outbound: bool,
    /// The one who called.
    pub calling: Party,
    /// The one who was called.
    pub called: Party,
    /// How the call came to where it is.
    pub redirected: Option<Redirected>,
    /// The other side is a conference.
    pub conference: bool,
    /// The call's status, by which the telephone shows a lock, a shield or nothing. `None` while
    /// it is not known.
    pub security: Option<Security>,
}

/// A call went elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirected {
    /// Whom it was for at first.
    pub from: Party,
    /// Why he does not have it.
    pub reason: Reason,
    /// Who sent it where it is.
    pub last: Party,
    /// Why he did.
    pub last_reason: Reason,
}

impl Redirected {
    /// Somebody has sent a call elsewhere that was for him, or had come to him from others.
    pub(super) fn on(before: Option<Self>, by: Party, why: Reason) -> Self {
        let (from, reason) = match before {
            Some(before) => (before.from, before.reason),
            None => (by.clone(), why),
        };
        Self { from, reason, last: by, last_reason: why }
    }
}

/// Why a call went elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The line forwards all calls.
    ForwardAll,
    /// It was busy.
    Busy,
    /// Nobody answered, or no telephone was there.
    NoAnswer,
    /// It was transferred.
    Transfer,
}

/// An order for one end of a stream. What an end receives is never encrypted otherwise than what
/// it sends.
#[derive(Debug)]
pub struct MediaOrder {
    /// Whose end.
    pub port: MediaPort,
    /// The call whose stream it was when it was opened.
    pub call: CallId,
    /// Which stream.
    pub stream: StreamId,
    /// What.
    pub command: MediaCommand,
}

/// Who has an end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaPort {
    /// A leg's device.
    Device {
        /// Which.
        device: DeviceName,
        /// The leg.
        leg: LegId,
    },
    /// Music on hold: it sends only. Its port is opened where a relay is in the way, which takes
    /// plain packets only from the address that it was told.
    Music,
    /// The conference bridge of the call: it gives each what all others say.
    Bridge,
}

/// What happens to an end of a stream.
#[derive(Debug)]
pub enum MediaCommand {
    /// Opens a port to receive; answered by
    /// [`Event::MediaOpened`](super::Event::MediaOpened).
    OpenReceive {
        /// How speech is coded.
        codec: Codec,
        /// What it is decrypted with; `None`: it is plain.
        key: Option<Arc<MasterKey>>,
        /// What the end is going to send.
        sends: Sends,
    },
    /// Closes it.
    CloseReceive,
    /// Sends.
    StartTransmit {
        /// Where to.
        to: SocketAddr,
        /// How speech is coded.
        codec: Codec,
        /// What it is encrypted with; `None`: it is plain.
        key: Option<Arc<MasterKey>>,
    },
    /// Sends no more.
    StopTransmit,
}

/// What an end is going to send, as far as it is known before it is known where to. Telephones need
/// not know; gateways are told of both keys at once.
#[derive(Clone, Debug)]
pub enum Sends {
    /// Nothing: it hears music.
    Nothing,
    /// Plain media.
    Plain,
    /// Media under this key.
    Encrypted(Arc<MasterKey>),
    /// Media under a key that the end makes and tells
    /// ([`Event::KeyMade`](super::Event::KeyMade)).
    OwnKey,
}

/// An order for whoever commands the relays.
#[derive(Debug)]
pub enum RelayOrder {
    /// Lets a stream pass; answered by [`Event::RelayOpened`](super::Event::RelayOpened).
    Open(RelayedLink),
    /// Lets it pass no longer, opened or not.
    Close {
        /// Which.
        link: LinkId,
    },
}

/// A stream through a relay: what comes from one end goes to the other.
#[derive(Debug)]
pub struct RelayedLink {
    /// Its name.
    pub link: LinkId,
    /// The call it was opened for.
    pub call: CallId,
    /// How speech is coded, at both ends.
    pub codec: Codec,
    /// The ends.
    pub ends: [RelayedEnd; 2],
}

/// An end of a stream as a relay sees it.
#[derive(Debug)]
pub struct RelayedEnd {
    /// The stream as its device knows it.
    pub stream: StreamId,
    /// Where its device receives, and sends from.
    pub address: SocketAddr,
    /// Whether it sends; who hears music does not.
    pub sends: bool,
    /// Whether it receives; music does not.
    pub receives: bool,
    /// What protects the way between device and relay; `None`: it is plain. Both ends are alike.
    pub keys: Option<RelayedKeys>,
}

/// The keys between a device and a relay. They serve nowhere else.
#[derive(Debug)]
pub struct RelayedKeys {
    /// What the device encrypts with.
    pub from_device: Arc<MasterKey>,
    /// What the relay encrypts with.
    pub to_device: Arc<MasterKey>,
}
