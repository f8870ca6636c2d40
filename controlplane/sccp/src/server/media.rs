//! Media streams: opened, closed, encrypted.

use crate::codes::{Codec, PortHandling};
use crate::encryption::EncryptionInfo;
use crate::layout::{block, message};
use crate::number::{Bytes, CallRef, ConferenceId, PassThruPartyId};
use crate::{Address, Port};

block! {
    /// Details of a codec. Before version 11 the four bytes are a number, the bit rate of G.723.1:
    /// `mode` is 1 for 5.3 kbit/s, 2 for 6.4 kbit/s.
    CodecParameters {
        /// Mode or bit rate.
        0 mode: u8,
        /// RTP payload type of a codec that has no fixed one.
        1 dynamic_payload: u8,
        /// By codec.
        2 parameter1: u8,
        /// By codec.
        3 parameter2: u8,
    }
}

message! {
    /// The station opens a port and tells it: see
    /// [`OpenReceiveChannelAck`](crate::phone::OpenReceiveChannelAck).
    0x0105 OpenReceiveChannel from Server, wide from 128 {
        /// The streams of one call.
        0   conference: ConferenceId,
        /// This stream.
        4   party: PassThruPartyId,
        /// Milliseconds of speech in a packet.
        8   ms_per_packet: u32,
        /// How it is coded.
        12  codec: Codec,
        /// 1 if echo is cancelled.
        16  echo_cancellation: u32,
        /// More about the codec.
        20  codec_parameters: CodecParameters,
        /// Which call.
        24  call: CallRef [sent since 4],
        /// How the station decrypts what it receives.
        28  encryption: EncryptionInfo [sent since 4],
        /// 0
        76  stream_pass_through_id: u32 [sent since 4],
        /// 0
        80  associated_stream_id: u32 [sent since 4],
        /// RTP payload type of digits, 0 for none.
        84  rfc2833_payload_type: u32 [sent since 4],
        /// 10
        88  dtmf_type: u32 [sent since 4],
        /// 0
        92  mixing_mode: u32 [sent since 15],
        /// 0
        96  party_direction: u32 [sent since 15],
        /// From where media will come.
        100 source: Address [sent since 15],
        /// From which port.
        104 source_port: Port [sent since 15],
        /// Type of the address wanted.
        108 requested_address_type: u32 [sent since 16],
        /// 0
        128 audio_level_adjustment: u32 [sent since 17],
        /// What else the far end could do.
        132 latent_capabilities: Bytes<36> [since 20],
    }
}

message! {
    /// The station sends media.
    0x008a StartMediaTransmission from Server, wide from 132 {
        /// The streams of one call.
        0   conference: ConferenceId,
        /// This stream.
        4   party: PassThruPartyId,
        /// Where to.
        8   remote: Address,
        /// To which port.
        12  remote_port: Port,
        /// Milliseconds of speech in a packet.
        16  ms_per_packet: u32,
        /// How it is coded.
        20  codec: Codec,
        /// Type of service of the packets: 0xb8 is expedited forwarding.
        24  precedence: u32,
        /// 1 if silence is not sent.
        28  silence_suppression: u32,
        /// 0: by `ms_per_packet`.
        32  max_frames_per_packet: u16 [then 2 zero],
        /// More about the codec.
        36  codec_parameters: CodecParameters,
        /// Which call.
        40  call: CallRef [sent since 4],
        /// How the station encrypts what it sends.
        44  encryption: EncryptionInfo [sent since 4],
        /// 0
        92  stream_pass_through_id: u32 [sent since 4],
        /// 0
        96  associated_stream_id: u32 [sent since 4],
        /// RTP payload type of digits, 0 for none.
        100 rfc2833_payload_type: u32 [sent since 4],
        /// 10
        104 dtmf_type: u32 [sent since 4],
        /// 0
        108 mixing_mode: u32 [sent since 4],
        /// 0
        112 party_direction: u32 [sent since 4],
        /// What else the far end could do.
        132 latent_capabilities: Bytes<36> [since 20],
    }
}

message! {
    /// The station sends no more.
    0x008b StopMediaTransmission from Server {
        /// As when it began.
        0  conference: ConferenceId,
        /// As when it began.
        4  party: PassThruPartyId,
        /// As when it began.
        8  call: CallRef,
        /// What happens to the port.
        12 port_handling: PortHandling,
    }
}

message! {
    /// The station receives no more.
    0x0106 CloseReceiveChannel from Server {
        /// As when it began.
        0  conference: ConferenceId,
        /// As when it began.
        4  party: PassThruPartyId,
        /// As when it began.
        8  call: CallRef,
        /// What happens to the port.
        12 port_handling: PortHandling,
    }
}

message! {
    /// The station tells when media does not come any more.
    0x011c StartMediaFailureDetection from Server {
        /// As when it began.
        0  conference: ConferenceId,
        /// As when it began.
        4  party: PassThruPartyId,
        /// Milliseconds of speech in a packet.
        8  ms_per_packet: u32,
        /// How it is coded.
        12 codec: Codec,
        /// 1 if echo is cancelled.
        16 echo_cancellation: u32,
        /// More about the codec.
        20 codec_parameters: CodecParameters,
        /// Which call.
        24 call: CallRef,
    }
}

message! {
    /// The station listens to a group: music on hold. Answer:
    /// [`MulticastMediaReceptionAck`](crate::phone::MulticastMediaReceptionAck).
    0x0101 StartMulticastMediaReception from Server, wide from 52 {
        /// The streams of one call.
        0  conference: ConferenceId,
        /// This stream.
        4  party: PassThruPartyId,
        /// The group.
        8  group: Address,
        /// Its port.
        12 port: Port,
        /// Milliseconds of sound in a packet.
        16 ms_per_packet: u32,
        /// How it is coded.
        20 codec: Codec,
        /// 1 if echo is cancelled.
        24 echo_cancellation: u32,
        /// More about the codec.
        28 codec_parameters: CodecParameters,
        /// Which call.
        32 call: CallRef,
    }
}

message! {
    /// The station speaks to a group.
    0x0102 StartMulticastMediaTransmission from Server, wide from 60 {
        /// The streams of one call.
        0  conference: ConferenceId,
        /// This stream.
        4  party: PassThruPartyId,
        /// The group.
        8  group: Address,
        /// Its port.
        12 port: Port,
        /// Milliseconds of speech in a packet.
        16 ms_per_packet: u32,
        /// How it is coded.
        20 codec: Codec,
        /// Type of service of the packets.
        24 precedence: u32,
        /// 1 if silence is not sent.
        28 silence_suppression: u32,
        /// 0: by `ms_per_packet`.
        32 max_frames_per_packet: u16 [then 2 zero],
        /// More about the codec.
        36 codec_parameters: CodecParameters,
        /// Which call.
        40 call: CallRef,
    }
}

message! {
    /// The station listens to the group no more.
    0x0103 StopMulticastMediaReception from Server {
        /// As when it began.
        0 conference: ConferenceId,
        /// As when it began.
        4 party: PassThruPartyId,
        /// As when it began.
        8 call: CallRef,
    }
}

message! {
    /// The station speaks to the group no more.
    0x0104 StopMulticastMediaTransmission from Server {
        /// As when it began.
        0 conference: ConferenceId,
        /// As when it began.
        4 party: PassThruPartyId,
        /// As when it began.
        8 call: CallRef,
    }
}
