//! Digits in media. Telephones of the 79xx family do not use these: their digits are
//! [`KeypadButton`](crate::phone::KeypadButton) and [`StartTone`](crate::server::StartTone).

use crate::codes::Tone;
use crate::layout::message;
use crate::number::{ConferenceId, PassThruPartyId};

message! {
    /// A media device heard a digit.
    0x0127 NotifyDtmfTone from Either {
        /// Which.
        0 tone: Tone,
        /// In which conference.
        4 conference: ConferenceId,
        /// On which stream.
        8 party: PassThruPartyId,
    }
}

message! {
    /// A media device is to send a digit.
    0x0128 SendDtmfTone from Either {
        /// Which.
        0 tone: Tone,
        /// In which conference.
        4 conference: ConferenceId,
        /// On which stream.
        8 party: PassThruPartyId,
    }
}

message! {
    /// A media device is to tell of digits in RTP (RFC 2833).
    0x0129 SubscribeDtmfPayloadReq from Either {
        /// Their payload type.
        0  payload_type: u32,
        /// In which conference.
        4  conference: ConferenceId,
        /// On which stream.
        8  party: PassThruPartyId,
        /// How they are sent.
        12 dtmf_type: u32,
    }
}

message! {
    /// The answer to [`SubscribeDtmfPayloadReq`]: yes.
    0x012a SubscribeDtmfPayloadRes from Either {
        /// As in the question.
        0 payload_type: u32,
        /// As in the question.
        4 conference: ConferenceId,
        /// As in the question.
        8 party: PassThruPartyId,
    }
}

message! {
    /// The answer to [`SubscribeDtmfPayloadReq`]: no.
    0x012b SubscribeDtmfPayloadErr from Either {
        /// As in the question.
        0 payload_type: u32,
        /// As in the question.
        4 conference: ConferenceId,
        /// As in the question.
        8 party: PassThruPartyId,
    }
}

message! {
    /// A media device is to tell of digits no more.
    0x012c UnSubscribeDtmfPayloadReq from Either {
        /// Their payload type.
        0  payload_type: u32,
        /// In which conference.
        4  conference: ConferenceId,
        /// On which stream.
        8  party: PassThruPartyId,
        /// How they are sent.
        12 dtmf_type: u32,
    }
}

message! {
    /// The answer to [`UnSubscribeDtmfPayloadReq`]: yes.
    0x012d UnSubscribeDtmfPayloadRes from Either {
        /// As in the question.
        0 payload_type: u32,
        /// As in the question.
        4 conference: ConferenceId,
        /// As in the question.
        8 party: PassThruPartyId,
    }
}

message! {
    /// The answer to [`UnSubscribeDtmfPayloadReq`]: no.
    0x012e UnSubscribeDtmfPayloadErr from Either {
        /// As in the question.
        0 payload_type: u32,
        /// As in the question.
        4 conference: ConferenceId,
        /// As in the question.
        8 party: PassThruPartyId,
    }
}
