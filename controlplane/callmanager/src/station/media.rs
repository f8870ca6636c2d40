//! Streams of a telephone.

use std::net::SocketAddr;

use sccp::codes::{Codec, MediaStatus, SrtpAlgorithm};
use sccp::server::{
    CloseReceiveChannel, OpenReceiveChannel, StartMediaTransmission, StopMediaTransmission,
};
use sccp::{
    Address, CallRef, ConferenceId, EncryptionInfo, Keying, MasterKey as Key, MasterSalt, Message,
    PassThruPartyId, Port,
};

use super::{Output, Phase, Station};
use crate::keys::MasterKey;
use crate::switchboard::{
    Event, MediaCommand, MediaOrder, MediaPort, MediaRefused, Owner, StreamId,
};

impl Station {
    /// An order of the switchboard for a stream of this device.
    pub fn handle_media(&mut self, order: &MediaOrder, out: &mut Vec<Output>) {
        let MediaPort::Device { leg, .. } = order.port else { return };
        let Phase::Registered(registered) = &mut self.phase else { return };
        let conference = ConferenceId(order.call.0);
        let (party, call) = (PassThruPartyId(order.stream.0), CallRef(leg.0));
        let port_handling = Default::default();
        match &order.command {
            MediaCommand::OpenReceive { codec, key, .. } => {
                if let Some(shown) = registered.legs.get_mut(&leg) {
                    shown.media = true;
                }
                let open = OpenReceiveChannel {
                    conference,
                    party,
                    ms_per_packet: MS_PER_PACKET,
                    codec: Codec(codec.0),
                    call,
                    encryption: encryption(key.as_deref()),
                    dtmf_type: DTMF_TYPE,
                    ..Default::default()
                };
                self.send(open, out);
            }
            MediaCommand::StartTransmit { to, codec, key } => {
                let start = StartMediaTransmission {
                    conference,
                    party,
                    remote: Address::from(to.ip()),
                    remote_port: Port::from(to.port()),
                    ms_per_packet: MS_PER_PACKET,
                    codec: Codec(codec.0),
                    precedence: EXPEDITED_FORWARDING,
                    call,
                    encryption: encryption(key.as_deref()),
                    dtmf_type: DTMF_TYPE,
                    ..Default::default()
                };
                self.send(start, out);
            }
            MediaCommand::CloseReceive => {
                self.send(CloseReceiveChannel { conference, party, call, port_handling }, out);
            }
            MediaCommand::StopTransmit => {
                self.send(StopMediaTransmission { conference, party, call, port_handling }, out);
            }
        }
    }

    /// What the telephone says of its streams.
    pub(super) fn media_said(&mut self, message: Message, out: &mut Vec<Output>) {
        let Phase::Registered(registered) = &self.phase else { return };
        let by = Owner::Device(registered.device.clone());
        let event = match message {
            Message::OpenReceiveChannelAck(ack) => {
                let stream = StreamId(ack.party.0);
                let elsewhere = registered.equipment.media_elsewhere;
                let own = |address: &SocketAddr| elsewhere || address.ip() == self.peer;
                let result = match ack.status {
                    MediaStatus::OK => ack
                        .address
                        .usable()
                        .zip(ack.port.number())
                        .map(SocketAddr::from)
                        // Nobody sends media to a third party because a telephone says so.
                        .filter(own)
                        .ok_or(MediaRefused::Status(MediaStatus::UNKNOWN_ERROR.0)),
                    MediaStatus::ENCRYPTION_FAILED => Err(MediaRefused::Encryption),
                    MediaStatus(status) => Err(MediaRefused::Status(status)),
                };
                Event::MediaOpened { by, stream, result }
            }
            Message::StartMediaTransmissionAck(ack) if ack.status != MediaStatus::OK => {
                Event::MediaFailed { by, stream: StreamId(ack.party.0) }
            }
            Message::MediaTransmissionFailure(failure) => {
                Event::MediaFailed { by, stream: StreamId(failure.party.0) }
            }
            _ => return,
        };
        out.push(Output::Event(event));
    }
}

fn encryption(key: Option<&MasterKey>) -> EncryptionInfo {
    match key {
        None => EncryptionInfo::none(),
        Some(MasterKey { key, salt }) => EncryptionInfo::keyed(Keying {
            algorithm: SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32,
            key: Key::new(key),
            salt: MasterSalt::new(salt),
        }),
    }
}

const MS_PER_PACKET: u32 = 20;
const EXPEDITED_FORWARDING: u32 = 0xb8;
/// What all servers send.
const DTMF_TYPE: u32 = 10;
