//! What became of media streams.

use std::fmt;

use crate::body::{Field, Input, Output};
use crate::codes::{MediaStatus, ProcessingMode};
use crate::layout::message;
use crate::list::Data;
use crate::number::{CallRef, ConferenceId, Number, PassThruPartyId};
use crate::version::Version;
use crate::{Address, Port};

message! {
    /// The answer to [`OpenReceiveChannel`](crate::server::OpenReceiveChannel).
    0x0022 OpenReceiveChannelAck from Phone, at least 16, wide from 32 {
        /// Whether it is open.
        0  status: MediaStatus,
        /// Where the station receives.
        4  address: Address,
        /// On which port.
        8  port: Port,
        /// As in the command.
        12 party: PassThruPartyId,
        /// As in the command; not sent in version 3.
        16 call: CallRef,
    }
}

message! {
    /// The answer of newer loads to
    /// [`StartMediaTransmission`](crate::server::StartMediaTransmission). Nobody waits for it.
    0x0154 StartMediaTransmissionAck from Phone, at least 24, wide from 36 {
        /// As in the command.
        0  conference: ConferenceId,
        /// As in the command.
        4  party: PassThruPartyId,
        /// As in the command.
        8  call: CallRef,
        /// From where the station sends.
        12 address: Address,
        /// From which port.
        16 port: Port,
        /// Whether it sends.
        20 status: MediaStatus,
    }
}

message! {
    /// The far end refuses media, or it cannot be sent.
    0x002a MediaTransmissionFailure from Phone, at least 16, wide from 32 {
        /// As in the command that began it.
        0  conference: ConferenceId,
        /// As in the command that began it.
        4  party: PassThruPartyId,
        /// Where media was sent.
        8  address: Address,
        /// To which port.
        12 port: Port,
        /// As in the command that began it.
        16 call: CallRef,
    }
}

message! {
    /// The answer to
    /// [`StartMulticastMediaReception`](crate::server::StartMulticastMediaReception).
    0x0021 MulticastMediaReceptionAck from Phone, at least 8 {
        /// 0, or 1 for an error.
        0 status: u32,
        /// As in the command.
        4 party: PassThruPartyId,
        /// As in the command.
        8 call: CallRef,
    }
}

message! {
    /// The answer to [`ConnectionStatisticsReq`](crate::server::ConnectionStatisticsReq). The
    /// layout from version 18 on is uncertain.
    0x0023 ConnectionStatisticsRes from Phone, at least 60 {
        /// As in the question.
        0  directory_number: Number [then 3 zero since 18],
        /// As in the question.
        24 call: CallRef,
        /// As in the question.
        28 mode: StatisticsMode,
        /// RTP packets sent.
        32 packets_sent: u32,
        /// Bytes of their payloads.
        36 octets_sent: u32,
        /// RTP packets received.
        40 packets_received: u32,
        /// Bytes of their payloads.
        44 octets_received: u32,
        /// RTP packets that did not come.
        48 packets_lost: u32,
        /// In milliseconds or in units of timestamps: loads differ.
        52 jitter: u32,
        /// Milliseconds.
        56 latency: u32 [then length of quality],
        /// `KEY=value;…`, from newer loads.
        64 quality: Data<600>,
    }
}

/// Four bytes; one in messages of some stations from version 18 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatisticsMode(pub ProcessingMode);

impl Field for StatisticsMode {
    fn read(input: &mut Input<'_>) -> Self {
        // If four bytes make no mode, three of them belong to the counter behind it.
        match *input.remaining() {
            [mode @ 0..=1, a, b, c, ..]
                if input.version >= Version::of(18) && [a, b, c] != [0; 3] =>
            {
                input.take(1);
                Self(ProcessingMode(mode.into()))
            }
            _ => Self(Field::read(input)),
        }
    }

    fn write(&self, output: &mut Output) {
        self.0.write(output);
    }
}

impl fmt::Display for StatisticsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
