//! Media streams: what a server orders, what a telephone can do of it, and what it answers.

use std::net::SocketAddr;

use sccp::codes::{Codec, MediaStatus, ProcessingMode, SrtpAlgorithm};
use sccp::phone::{
    MediaTransmissionFailure, MulticastMediaReceptionAck, OpenReceiveChannelAck,
    StartMediaTransmissionAck,
};
use sccp::server::{OpenReceiveChannel, StartMediaTransmission};
use sccp::{
    Address, CallRef, ConferenceId, EncryptionInfo, Keying, Message, Number, PassThruPartyId, Port,
    Secrecy, Version,
};

use super::{Event, Station};
use crate::SecurityMode;

/// An order for whoever plays and records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Open a port and receive there; answered with [`Station::handle_opened`].
    Open(Receive),
    /// Receive no more.
    Close(StreamId),
    /// Send; [`Station::handle_unsendable`] if that is not possible.
    Start(Transmit),
    /// Send no more.
    Stop(StreamId),
    /// Say how a call was heard, which may be over by now; answered with
    /// [`Station::handle_statistics`].
    Report {
        /// Repeated in the answer.
        number: Number,
        /// Which call.
        call: CallRef,
        /// Whether the counters go on.
        mode: ProcessingMode,
    },
}

/// A stream of a telephone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// The call it belongs to. Of two streams in the same call each hears the other: the telephone
    /// is a bridge then.
    pub call: CallRef,
    /// The stream.
    pub party: PassThruPartyId,
}

/// What is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receive {
    /// Which stream.
    pub stream: StreamId,
    /// How speech is coded.
    pub codec: Codec,
    /// Milliseconds in a packet.
    pub ms_per_packet: u32,
    /// How it is decrypted; `None`: it is plain.
    pub keying: Option<Keying>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Which stream.
    pub stream: StreamId,
    /// Where to.
    pub to: SocketAddr,
    /// How speech is coded.
    pub codec: Codec,
    /// Milliseconds in a packet.
    pub ms_per_packet: u32,
    /// How it is encrypted; `None`: it is plain.
    pub keying: Option<Keying>,
    /// Type of service of the packets.
    pub precedence: u8,
}

/// How a call was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// RTP packets sent.
    pub packets_sent: u32,
    /// Bytes of their payloads.
    pub octets_sent: u32,
    /// RTP packets received.
    pub packets_received: u32,
    /// Bytes of their payloads.
    pub octets_received: u32,
    /// RTP packets that did not come.
    pub packets_lost: u32,
    /// Milliseconds.
    pub jitter_ms: u32,
    /// Milliseconds.
    pub latency_ms: u32,
}

/// Those that are open.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Open>);

#[derive(Debug)]
struct Open {
    id: StreamId,
    receive: Option<Receiving>,
    /// Whether it is encrypted.
    transmit: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Receiving {
    codec: Codec,
    encrypted: bool,
    answered: bool,
}

/// A conversation, and whoever barges into it.
const MOST: usize = 2;

impl Streams {
    /// Whether its user speaks with somebody.
    pub(super) fn speaks(&self) -> bool {
        self.0.iter().any(|open| open.transmit.is_some())
    }

    fn find(&mut self, party: PassThruPartyId) -> Option<&mut Open> {
        self.0.iter_mut().find(|open| open.id.party == party)
    }

    fn find_or_add(&mut self, id: StreamId) -> &mut Open {
        let index = self.0.iter().position(|open| open.id.party == id.party);
        let index = index.unwrap_or_else(|| {
            self.0.push(Open { id, receive: None, transmit: None });
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

impl Open {
    fn is_encrypted(&self) -> bool {
        self.receive.is_some_and(|receive| receive.encrypted) || self.transmit == Some(true)
    }
}

impl Station {
    pub(super) fn media_said(&mut self, message: Message) {
        match message {
            Message::OpenReceiveChannel(open) => self.open_channel(&open),
            Message::StartMediaTransmission(start) => self.start_transmission(&start),
            Message::CloseReceiveChannel(close) => {
                if let Some(open) = self.streams.find(close.party)
                    && open.receive.take().is_some()
                {
                    let id = open.id;
                    self.media(Order::Close(id));
                    self.forget_closed();
                }
            }
            Message::StopMediaTransmission(stop) => {
                if let Some(open) = self.streams.find(stop.party)
                    && open.transmit.take().is_some()
                {
                    let id = open.id;
                    self.media(Order::Stop(id));
                    self.forget_closed();
                }
            }
            Message::StartMulticastMediaReception(start) => {
                // It has music from one sender for one listener only.
                let (party, call) = (start.party, start.call);
                self.send(MulticastMediaReceptionAck { status: 1, party, call });
            }
            Message::ConnectionStatisticsReq(question) => {
                let (number, call, mode) =
                    (question.directory_number, question.call, question.mode);
                self.media(Order::Report { number, call, mode });
            }
            _ => {}
        }
    }

    fn open_channel(&mut self, open: &OpenReceiveChannel) {
        let OpenReceiveChannel { party, codec, ms_per_packet, call, .. } = *open;
        let id = StreamId { call, party };
        let receives = self.streams.find(party).is_some_and(|open| open.receive.is_some());
        let checked = match receives {
            true => Err(MediaStatus::INVALID_PARTY_ID),
            false => self.check(id, codec, ms_per_packet, &open.encryption),
        };
        match checked {
            Err(status) => self.acknowledge(id, codec, false, Err(status)),
            Ok(keying) => {
                let encrypted = keying.is_some();
                self.streams.find_or_add(id).receive =
                    Some(Receiving { codec, encrypted, answered: false });
                self.media(Order::Open(Receive { stream: id, codec, ms_per_packet, keying }));
            }
        }
    }

    pub(super) fn opened(&mut self, id: StreamId, result: Result<SocketAddr, MediaStatus>) {
        let Some(open) = self.streams.find(id.party) else { return };
        let Some(receiving) = open.receive.as_mut().filter(|it| !it.answered) else { return };
        receiving.answered = true;
        let Receiving { codec, encrypted, .. } = *receiving;
        if result.is_err() {
            open.receive = None;
            self.forget_closed();
        }
        self.acknowledge(id, codec, encrypted, result);
    }

    fn acknowledge(
        &mut self,
        StreamId { call, party }: StreamId,
        codec: Codec,
        encrypted: bool,
        result: Result<SocketAddr, MediaStatus>,
    ) {
        // Versions before 17 have no words for IPv6.
        let version = self.links.serving().map_or(Version::MIN, |link| link.session.version);
        let speakable = |address: &SocketAddr| address.is_ipv4() || version >= Version::of(17);
        let result = match result {
            Ok(address) if !speakable(&address) => Err(MediaStatus::ADDRESS_TYPE_UNAVAILABLE),
            other => other,
        };
        let ack = match result {
            Ok(address) => OpenReceiveChannelAck {
                status: MediaStatus::OK,
                address: Address::from(address.ip()),
                port: Port::from(address.port()),
                party,
                call,
            },
            Err(status) => OpenReceiveChannelAck { status, party, call, ..Default::default() },
        };
        let status = ack.status;
        self.send(ack);
        self.event(Event::Opened { call, party, codec, encrypted, status });
    }

    fn start_transmission(&mut self, start: &StartMediaTransmission) {
        let StartMediaTransmission { party, codec, ms_per_packet, call, .. } = *start;
        let id = StreamId { call, party };
        let sends = self.streams.find(party).is_some_and(|open| open.transmit.is_some());
        let checked = match sends {
            true => Err(MediaStatus::INVALID_PARTY_ID),
            false => self.check(id, codec, ms_per_packet, &start.encryption),
        };
        let to = start.remote.usable().zip(start.remote_port.number()).map(SocketAddr::from);
        let checked = checked.and_then(|keying| match to {
            Some(to) => Ok((to, keying)),
            None => Err(MediaStatus::UNKNOWN_ERROR),
        });
        let status = checked.as_ref().err().copied().unwrap_or(MediaStatus::OK);
        let encrypted = checked.as_ref().is_ok_and(|(_, keying)| keying.is_some());
        if let Ok((to, keying)) = checked {
            self.streams.find_or_add(id).transmit = Some(encrypted);
            let precedence = u8::try_from(start.precedence).unwrap_or_default();
            let stream = id;
            self.media(Order::Start(Transmit {
                stream,
                to,
                codec,
                ms_per_packet,
                keying,
                precedence,
            }));
        }
        if self.profile.acknowledges_transmission() {
            let conference = start.conference;
            let ack = StartMediaTransmissionAck {
                conference,
                party,
                call,
                status,
                ..StartMediaTransmissionAck::default()
            };
            self.send(ack);
        } else if status != MediaStatus::OK {
            self.cannot_send(id, start.conference);
        }
        self.event(Event::Sending { call, party, codec, encrypted, status });
    }

    pub(super) fn unsendable(&mut self, id: StreamId) {
        if self.streams.find(id.party).is_some_and(|open| open.transmit.is_some()) {
            self.cannot_send(id, ConferenceId::default());
        }
    }

    fn cannot_send(&mut self, StreamId { call, party }: StreamId, conference: ConferenceId) {
        self.send(MediaTransmissionFailure { conference, party, call, ..Default::default() });
    }

    /// Whether it can do what is ordered, and with which key.
    fn check(
        &mut self,
        id: StreamId,
        codec: Codec,
        ms_per_packet: u32,
        encryption: &EncryptionInfo,
    ) -> Result<Option<Keying>, MediaStatus> {
        if self.display.call(id.call).is_none() {
            return Err(MediaStatus::INVALID_CALL_REF);
        }
        let known = self.profile.codecs.iter().find(|known| known.codec == codec);
        let known = known.ok_or(MediaStatus::INVALID_CODEC)?;
        if ms_per_packet == 0 || ms_per_packet > known.max_ms || !ms_per_packet.is_multiple_of(10) {
            return Err(MediaStatus::INVALID_PACKET_SIZE);
        }
        let keying = self.accept_key(encryption, codec)?;
        let others = || self.streams.0.iter().filter(|open| open.id.party != id.party);
        if others().count() >= MOST {
            return Err(MediaStatus::NO_CHANNELS);
        }
        let mixes_secrets = keying.is_some() || others().any(Open::is_encrypted);
        if others().next().is_some() && mixes_secrets && !self.profile.model.mixes_encrypted() {
            return Err(MediaStatus::ENCRYPTION_FAILED);
        }
        Ok(keying)
    }

    /// A key that it may and can use.
    fn accept_key(
        &mut self,
        encryption: &EncryptionInfo,
        codec: Codec,
    ) -> Result<Option<Keying>, MediaStatus> {
        let refused = Err(MediaStatus::ENCRYPTION_FAILED);
        let keying = match encryption.keying() {
            Ok(None) => return Ok(None),
            Ok(Some(keying)) => keying,
            Err(_) => return refused,
        };
        let exposed = |link: &super::link::Link| link.session.secrecy == Secrecy::Exposed;
        if self.links.serving().is_none_or(exposed) {
            self.alarm("Media key over a connection without encryption");
            return refused;
        }
        let wideband = codec == Codec::WIDEBAND_256K;
        let able = self.profile.mode == SecurityMode::Encrypted
            && keying.algorithm == SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32
            && (!wideband || self.profile.model.encrypts_wideband());
        if able { Ok(Some(keying)) } else { refused }
    }

    /// Closes what a call has left open.
    pub(super) fn close_streams(&mut self, call: CallRef) {
        self.close_where(|open| open.id.call == call);
    }

    pub(super) fn close_all_streams(&mut self) {
        self.close_where(|_| true);
    }

    fn close_where(&mut self, which: impl Fn(&Open) -> bool) {
        let mut orders = Vec::new();
        for open in self.streams.0.iter_mut().filter(|open| which(open)) {
            orders.extend(open.receive.take().map(|_| Order::Close(open.id)));
            orders.extend(open.transmit.take().map(|_| Order::Stop(open.id)));
        }
        for order in orders {
            self.media(order);
        }
        self.forget_closed();
    }

    fn forget_closed(&mut self) {
        let over = |open: &Open| open.receive.is_none() && open.transmit.is_none();
        let closed: Vec<_> =
            self.streams.0.iter().filter(|open| over(open)).map(|open| open.id).collect();
        self.streams.0.retain(|open| !over(open));
        for StreamId { call, party } in closed {
            self.event(Event::Closed { call, party });
        }
    }
}
