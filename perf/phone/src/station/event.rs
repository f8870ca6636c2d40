//! What those who watch a telephone are told.

use std::fmt;

use sccp::codes::{
    ButtonType, CallStatus, Codec, LampMode, MediaStatus, ResetKind, RingMode, SoftKeySetIndex,
    Tone,
};
use sccp::{CallRef, LineInstance, PassThruPartyId};

use super::{Caption, Icon, Info};

/// Something happened, or is shown differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It connects to the server with this index.
    Connecting(usize),
    /// A server serves it, and it has asked everything it wanted to know.
    Registered(usize),
    /// A server does not want it.
    Rejected(Caption),
    /// It has no server any more.
    Lost(Outage),
    /// It has left.
    Unregistered,
    /// It is told to start anew, and will when its calls are over.
    Reset(ResetKind),
    /// What a call does.
    State {
        /// Which.
        call: CallRef,
        /// On which line.
        line: LineInstance,
        /// What.
        state: CallStatus,
    },
    /// Who speaks with whom.
    Info {
        /// In which call.
        call: CallRef,
        /// Who.
        info: Box<Info>,
    },
    /// The icon beside a call is another one now.
    Icon {
        /// Which call.
        call: CallRef,
        /// The icon.
        icon: Icon,
    },
    /// The text with a call, or with none.
    Prompt {
        /// Which call; 0 is none.
        call: CallRef,
        /// The text, empty if it is taken away.
        text: Caption,
    },
    /// A notice across the display.
    Notice(Caption),
    /// Which soft keys are shown.
    Keys {
        /// With which call; 0 is the telephone at rest.
        call: CallRef,
        /// The set.
        set: SoftKeySetIndex,
    },
    /// What its user hears; `None` is nothing any more.
    Tone {
        /// In which call.
        call: CallRef,
        /// The tone.
        tone: Option<Tone>,
    },
    /// How it rings.
    Ring {
        /// For which call.
        call: CallRef,
        /// How.
        mode: RingMode,
    },
    /// A lamp shines differently.
    Lamp {
        /// Of buttons with which function.
        button: ButtonType,
        /// Which one of them; 0 with [`ButtonType::VOICEMAIL`] is the lamp of the handset.
        instance: u32,
        /// How.
        mode: LampMode,
    },
    /// The loudspeaker is on, or off.
    Speaker(bool),
    /// Where all calls to a line go; empty: nowhere else.
    Forward {
        /// Which line.
        line: u32,
        /// The number.
        to: String,
    },
    /// The number that was dialled.
    Dialled {
        /// In which call.
        call: CallRef,
        /// The number.
        number: String,
    },
    /// A receiving port was ordered, and has been answered with this status.
    Opened {
        /// In which call.
        call: CallRef,
        /// Which stream.
        party: PassThruPartyId,
        /// For which codec.
        codec: Codec,
        /// Whether there is a key.
        encrypted: bool,
        /// The answer.
        status: MediaStatus,
    },
    /// It was ordered to send, and does if the status is good.
    Sending {
        /// In which call.
        call: CallRef,
        /// Which stream.
        party: PassThruPartyId,
        /// With which codec.
        codec: Codec,
        /// Whether there is a key.
        encrypted: bool,
        /// Whether it does.
        status: MediaStatus,
    },
    /// A stream is over in both directions.
    Closed {
        /// In which call.
        call: CallRef,
        /// Which stream.
        party: PassThruPartyId,
    },
    /// It has told its server something.
    Alarm(String),
    /// A server sent what nobody can use.
    Unusable(String),
}

/// Why a telephone was away, as it says in its alarm when it is back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outage {
    /// It was switched on.
    #[default]
    Initialized,
    /// It was told to start from the beginning.
    Reset,
    /// It was told to register again.
    Restart,
    /// Nobody answered when it wanted to connect.
    Unreachable,
    /// TLS could not be agreed on.
    Handshake,
    /// The server showed another certificate than the CTL has for it.
    Untrusted,
    /// The server closed the connection.
    Closed,
    /// The connection broke.
    Aborted,
    /// The server gave no sign of life.
    KeepAlive,
    /// The server did not answer the registration.
    NoAnswer,
    /// The server refused the registration.
    Rejected,
    /// The server that it prefers is back.
    FailBack,
    /// Its user wanted it.
    Keypad,
    /// The server sent what is no message.
    Protocol,
}

impl Outage {
    /// Number and name in the alarm. Servers of different makers agree on a few of the numbers
    /// only, and nothing depends on them.
    pub fn code(self) -> (u8, &'static str) {
        match self {
            Self::Initialized => (25, "Initialized"),
            Self::Reset => (22, "Reset-Reset"),
            Self::Restart => (23, "Reset-Restart"),
            Self::Unreachable => (8, "TCP-timeout"),
            Self::Handshake => (8, "TLS-handshake"),
            Self::Untrusted => (8, "TLS-certificate"),
            Self::Closed => (10, "CM-closed-TCP"),
            Self::Aborted => (12, "CM-aborted-TCP"),
            Self::KeepAlive => (14, "KeepaliveTO"),
            Self::NoAnswer => (16, "Phone-Reg-Timeout"),
            Self::Rejected => (19, "Phone-Reg-Rej"),
            Self::FailBack => (15, "Failback"),
            Self::Keypad => (17, "Phone-Keypad"),
            Self::Protocol => (16, "Protocol"),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().1)
    }
}
