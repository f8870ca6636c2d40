//! What administrators should know of calls.

use messages::{Explain, Message, calls};

use super::event::{MediaRefused, RelayRefused};
use super::id::{CallId, DeviceName};

/// Something is wrong with the media of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAlarm {
    /// A device, or a media resource, does not answer when it is to open a stream.
    MediaUnanswered {
        /// Which; `None` is a media resource.
        device: Option<DeviceName>,
    },
    /// A device, or a media resource, cannot open a stream.
    MediaRefused {
        /// Which; `None` is a media resource.
        device: Option<DeviceName>,
        /// Why.
        refused: MediaRefused,
    },
    /// A device cannot send.
    MediaFailed {
        /// Which.
        device: DeviceName,
    },
    /// The two ends have no codec in common that their regions allow.
    NoCodec {
        /// Whose ends.
        call: CallId,
    },
    /// The two ends have addresses of different IP versions, and no relay may be in between.
    Unreachable {
        /// Whose ends.
        call: CallId,
    },
    /// Media should go through a relay, and none can be had.
    NoRelay {
        /// For which call.
        call: CallId,
        /// Why.
        refused: RelayRefused,
    },
    /// There are no random numbers to make keys of.
    NoRandomness {
        /// For which call.
        call: CallId,
        /// What the operating system says.
        error: String,
    },
}

impl Explain for CallAlarm {
    fn message(&self) -> &'static Message {
        match self {
            Self::MediaUnanswered { .. } => &calls::MEDIA_UNANSWERED,
            Self::MediaRefused {
                refused: MediaRefused::Encryption | MediaRefused::KeysWithheld,
                ..
            } => &calls::MEDIA_NOT_ENCRYPTED,
            Self::MediaRefused { .. } => &calls::MEDIA_REFUSED,
            Self::MediaFailed { .. } => &calls::MEDIA_FAILED,
            Self::NoCodec { .. } => &calls::NO_CODEC,
            Self::Unreachable { .. } => &calls::UNREACHABLE,
            Self::NoRelay { refused: RelayRefused::NoneInService, .. } => &calls::NO_RELAY,
            Self::NoRelay { refused: RelayRefused::Code(_), .. } => &calls::RELAY_REFUSED,
            Self::NoRelay { refused: RelayRefused::NoAnswer, .. } => &calls::RELAY_UNANSWERED,
            Self::NoRandomness { .. } => &calls::NO_RANDOMNESS,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let named = |device: &Option<DeviceName>| {
            let name =
                device.as_ref().map_or_else(|| "media-resource".to_owned(), |d| d.to_string());
            ("device", name)
        };
        match self {
            Self::MediaUnanswered { device } => vec![named(device)],
            Self::MediaRefused { device, refused } => {
                let mut values = vec![named(device)];
                if let MediaRefused::Status(status) = refused {
                    values.push(("status", status.to_string()));
                }
                values
            }
            Self::MediaFailed { device } => vec![("device", device.to_string())],
            Self::NoCodec { call } | Self::Unreachable { call } => vec![("call", call.to_string())],
            Self::NoRelay { call, refused } => {
                let mut values = vec![("call", call.to_string())];
                if let RelayRefused::Code(code) = refused {
                    values.push(("code", code.to_string()));
                }
                values
            }
            Self::NoRandomness { call, error } => {
                vec![("call", call.to_string()), ("error", error.clone())]
            }
        }
    }
}
