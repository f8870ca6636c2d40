//! All messages as one type.

use std::fmt;

use crate::body::{Defect, Field, Input, Output};
use crate::number::hexadecimal;
use crate::phone::*;
use crate::server::*;
use crate::version::Version;

/// Number of a kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u32);

/// Who sends messages of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Telephones and other stations.
    Phone,
    /// CallManager.
    Server,
    /// Both.
    Either,
}

/// What is known of a kind of message besides its fields.
pub(crate) trait Kind: Field {
    const NAME: &'static str;
    const SENDER: Sender;
    /// Bytes of body without which it is useless.
    const MINIMUM: usize;
    /// Bytes of body from which on its addresses are in the long form.
    const WIDE_FROM: usize;
}

/// A message whose layout is not known, or not needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Its number.
    pub id: MessageId,
    /// Its body.
    pub body: Vec<u8>,
}

/// A message, and what was not right with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The message.
    pub message: Message,
    /// A count in it was above its limit, and what is above it is lost.
    pub excess: bool,
}

/// A body that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id} cannot be used: {defect}")]
pub struct BodyError {
    /// What the message was to be.
    pub id: MessageId,
    /// What is wrong with it.
    pub defect: Defect,
}

/// Lists all messages that have a layout.
macro_rules! messages {
    ($($name:ident)*) => {
        /// A message.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "messages are short-lived and not collected")]
        pub enum Message {
            $(
                #[doc = concat!("[`", stringify!($name), "`]")]
                $name($name),
            )*
            /// Any other.
            Opaque(Opaque),
        }

        impl Message {
            /// The number of its kind.
            pub fn id(&self) -> MessageId {
                match self {
                    $(Self::$name(_) => $name::ID,)*
                    Self::Opaque(opaque) => opaque.id,
                }
            }

            /// Reads a body.
            pub fn decode(
                id: MessageId,
                body: &[u8],
                version: Version,
            ) -> Result<Decoded, BodyError> {
                let mut input = Input::new(body, version);
                let read = match id {
                    $($name::ID => read_kind(&mut input).map(Self::$name),)*
                    _ => Ok(Self::Opaque(Opaque { id, body: body.to_vec() })),
                };
                match input.defect.map_or(read, Err) {
                    Ok(message) => Ok(Decoded { message, excess: input.excess }),
                    Err(defect) => Err(BodyError { id, defect }),
                }
            }

            /// Appends its body.
            pub(crate) fn write(&self, output: &mut Output) {
                match self {
                    $(Self::$name(message) => message.write(output),)*
                    Self::Opaque(opaque) => output.put(&opaque.body),
                }
            }
        }

        impl MessageId {
            /// Its name; `None` if nothing is known of it.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $($name::ID => Some($name::NAME),)*
                    _ => WITHOUT_LAYOUT.iter().find(|(id, ..)| *id == self.0).map(|row| row.1),
                }
            }

            /// Who sends it; `None` if nothing is known of it.
            pub fn sender(self) -> Option<Sender> {
                match self {
                    $($name::ID => Some($name::SENDER),)*
                    _ => WITHOUT_LAYOUT.iter().find(|(id, ..)| *id == self.0).map(|row| row.2),
                }
            }
        }

        impl fmt::Display for Message {
            /// Its name, and the fields that are not zero. Keys are not shown.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.id().fmt(f)?;
                match self {
                    $(Self::$name(message) => message.fmt(f),)*
                    Self::Opaque(opaque) => {
                        f.write_str(" ")?;
                        hexadecimal(&opaque.body, f)
                    }
                }
            }
        }

        $(
            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*

        /// What holds for the tables of each message.
        #[cfg(test)]
        pub(crate) const TABLES: &[(MessageId, fn(Version))] =
            &[$(($name::ID, crate::tests::offsets_are_true::<$name>)),*];
    };
}

messages! {
    KeepAlive Register IpPort KeypadButton EnblocCall Stimulus OffHook OnHook HookFlash
    ForwardStatReq SpeedDialStatReq LineStatReq ConfigStatReq TimeDateReq ButtonTemplateReq
    VersionReq CapabilitiesRes ServerReq Alarm MulticastMediaReceptionAck OpenReceiveChannelAck
    ConnectionStatisticsRes OffHookWithCgpn SoftKeySetReq SoftKeyEvent Unregister
    SoftKeyTemplateReq RegisterTokenReq MediaTransmissionFailure HeadsetStatus
    MediaResourceNotification RegisterAvailableLines DeviceToUserData DeviceToUserDataResponse
    UpdateCapabilities ServiceUrlStatReq FeatureStatReq DeviceToUserDataVersion1
    DeviceToUserDataResponseVersion1 UpdateCapabilitiesV2 UpdateCapabilitiesV3
    SubscriptionStatReq MediaPathEvent MediaPathCapability MwiNotification
    StartMediaTransmissionAck

    RegisterAck StartTone StopTone SetRinger SetLamp SetHookFlashDetect SetSpeakerMode
    SetMicroMode StartMediaTransmission StopMediaTransmission CallInfo ForwardStat SpeedDialStat
    LineStat ConfigStat DefineTimeDate ButtonTemplate VersionRes DisplayText ClearDisplay
    CapabilitiesReq RegisterReject ServerRes Reset KeepAliveAck StartMulticastMediaReception
    StartMulticastMediaTransmission StopMulticastMediaReception StopMulticastMediaTransmission
    OpenReceiveChannel CloseReceiveChannel ConnectionStatisticsReq SoftKeyTemplateRes
    SoftKeySetRes SelectSoftKeys CallState DisplayPromptStatus ClearPromptStatus DisplayNotify
    ClearNotify ActivateCallPlane DeactivateCallPlane UnregisterAck BackSpace RegisterTokenAck
    RegisterTokenReject StartMediaFailureDetection DialedNumber UserToDeviceData FeatureStat
    DisplayPriNotify ClearPriNotify NotifyDtmfTone SendDtmfTone SubscribeDtmfPayloadReq
    SubscribeDtmfPayloadRes SubscribeDtmfPayloadErr UnSubscribeDtmfPayloadReq
    UnSubscribeDtmfPayloadRes UnSubscribeDtmfPayloadErr ServiceUrlStat CallSelectStat
    UserToDeviceDataVersion1 ConfigStatV2 DisplayNotifyV2 DisplayPriNotifyV2
    DisplayPromptStatusV2 FeatureStatV2 LineStatV2 ServiceUrlStatV2 SpeedDialStatV2 CallInfoV2
    CallHistoryInfo MwiResponse
}

/// Messages of video, conference bridges, announcements and newer telephones: known by name only.
const WITHOUT_LAYOUT: &[(u32, &str, Sender)] = &[
    (0x0031, "OpenMultiMediaReceiveChannelAck", Sender::Phone),
    (0x0035, "CreateConferenceRes", Sender::Phone),
    (0x0036, "DeleteConferenceRes", Sender::Phone),
    (0x0037, "ModifyConferenceRes", Sender::Phone),
    (0x0038, "AddParticipantRes", Sender::Phone),
    (0x0039, "AuditConferenceRes", Sender::Phone),
    (0x0040, "AuditParticipantRes", Sender::Phone),
    (0x0045, "PortRes", Sender::Phone),
    (0x0122, "StartAnnouncement", Sender::Server),
    (0x0123, "StopAnnouncement", Sender::Server),
    (0x0124, "AnnouncementFinish", Sender::Either),
    (0x0131, "OpenMultiMediaReceiveChannel", Sender::Server),
    (0x0132, "StartMultiMediaTransmission", Sender::Server),
    (0x0133, "StopMultiMediaTransmission", Sender::Server),
    (0x0134, "MiscellaneousCommand", Sender::Server),
    (0x0135, "FlowControlCommand", Sender::Server),
    (0x0136, "CloseMultiMediaReceiveChannel", Sender::Server),
    (0x0137, "CreateConferenceReq", Sender::Server),
    (0x0138, "DeleteConferenceReq", Sender::Server),
    (0x0139, "ModifyConferenceReq", Sender::Server),
    (0x013a, "AddParticipantReq", Sender::Server),
    (0x013b, "DropParticipantReq", Sender::Server),
    (0x013c, "AuditConferenceReq", Sender::Server),
    (0x013d, "AuditParticipantReq", Sender::Server),
    (0x013e, "ChangeParticipantReq", Sender::Server),
    (0x014b, "PortReq", Sender::Server),
    (0x014c, "PortClose", Sender::Server),
    (0x0152, "SubscriptionStat", Sender::Server),
    (0x0153, "Notification", Sender::Server),
    (0x0155, "StartMultiMediaTransmissionAck", Sender::Phone),
    (0x0157, "LocationInfo", Sender::Phone),
    (0x015a, "XmlAlarm", Sender::Phone),
];

fn read_kind<T: Kind>(input: &mut Input<'_>) -> Result<T, Defect> {
    let found = input.length();
    if found < T::MINIMUM {
        return Err(Defect::TooShort { found, minimum: T::MINIMUM });
    }
    input.wide = found >= T::WIDE_FROM;
    Ok(T::read(input))
}

impl fmt::Display for MessageId {
    /// Its name, or its number if it has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "message {:#06x}", self.0),
        }
    }
}
