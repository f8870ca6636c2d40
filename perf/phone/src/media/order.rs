//! What the station is ordered, in the words of media.

use std::net::SocketAddr;

use sccp::codes::{Codec, MediaStatus, SrtpAlgorithm};
use sccp::server::{OpenReceiveChannel, StartMediaTransmission};
use sccp::{EncryptionInfo, KeyingError};
use speech::g711::Law;
use srtp::{Keying, MasterKey, Suite};

use super::Coding;

/// How speech is cut into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How it is coded.
    pub coding: Coding,
    /// RTP payload type.
    pub payload_type: u8,
    /// Milliseconds of speech in a packet.
    pub milliseconds: u32,
}

/// What is to be received: OpenReceiveChannel.
#[derive(Clone, Debug, PartialEq)]
pub struct Reception {
    /// In which form.
    pub format: Format,
    /// What verifies and decrypts it; `None`: it is plain.
    pub key: Option<Keying>,
}

/// What is to be sent: StartMediaTransmission.
#[derive(Clone, Debug, PartialEq)]
pub struct Transmission {
    /// In which form.
    pub format: Format,
    /// What encrypts it; `None`: it is plain.
    pub key: Option<Keying>,
    /// Where to: an RTP port, with RTCP one above.
    pub to: SocketAddr,
    /// Type of service of the packets, 0xb8 for expedited forwarding.
    pub service: u8,
}

/// Why a telephone does not do as it is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not have the codec.
    #[error("codec {0} is not one of this telephone's")]
    Codec(Codec),
    /// Packets too short or too long.
    #[error("packets of {0} ms: 10, 20, 30 to 60 are possible")]
    PacketTime(u32),
    /// A key that cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(#[from] KeyingError),
    /// An algorithm for which telephones have no cipher.
    #[error("telephones do not know {0}")]
    Algorithm(SrtpAlgorithm),
    /// Nobody can be reached there.
    #[error("media cannot be sent to {0} port {1}")]
    Address(sccp::Address, u32),
    /// All ports are taken, or the kernel gives none.
    #[error("no port for media: {0}")]
    NoPort(String),
    /// What was not opened cannot be used.
    #[error("there is no such stream")]
    NoStream,
}

impl Refused {
    /// What the telephone answers.
    pub fn status(&self) -> MediaStatus {
        match self {
            Self::Codec(_) => MediaStatus::INVALID_CODEC,
            Self::PacketTime(_) => MediaStatus::INVALID_PACKET_SIZE,
            Self::Key(_) | Self::Algorithm(_) => MediaStatus::ENCRYPTION_FAILED,
            Self::Address(..) => MediaStatus::ADDRESS_TYPE_UNAVAILABLE,
            Self::NoPort(_) => MediaStatus::NO_SOCKETS,
            Self::NoStream => MediaStatus::INVALID_PARTY_ID,
        }
    }
}

impl TryFrom<&OpenReceiveChannel> for Reception {
    type Error = Refused;

    fn try_from(order: &OpenReceiveChannel) -> Result<Self, Refused> {
        let dynamic = order.codec_parameters.dynamic_payload;
        Ok(Self {
            format: Format::of(order.codec, order.ms_per_packet, dynamic)?,
            key: key(&order.encryption)?,
        })
    }
}

impl TryFrom<&StartMediaTransmission> for Transmission {
    type Error = Refused;

    fn try_from(order: &StartMediaTransmission) -> Result<Self, Refused> {
        let dynamic = order.codec_parameters.dynamic_payload;
        let nowhere = Refused::Address(order.remote, order.remote_port.0);
        let to = match (order.remote, order.remote_port.number()) {
            (sccp::Address::V4(ip), Some(port)) => SocketAddr::new(ip.into(), port),
            (sccp::Address::V6(ip), Some(port)) => SocketAddr::new(ip.into(), port),
            _ => return Err(nowhere),
        };
        if to.ip().is_unspecified() || to.ip().is_multicast() {
            return Err(nowhere);
        }
        Ok(Self {
            format: Format::of(order.codec, order.ms_per_packet, dynamic)?,
            key: key(&order.encryption)?,
            to,
            service: order.precedence as u8,
        })
    }
}

impl Format {
    /// 20 ms of G.711.
    pub fn g711(law: Law) -> Self {
        let coding = Coding::G711(law);
        Self { coding, payload_type: coding.payload_type(), milliseconds: 20 }
    }

    fn of(codec: Codec, milliseconds: u32, dynamic: u8) -> Result<Self, Refused> {
        let coding = match codec {
            Codec::G711_ULAW_64K => Coding::G711(Law::Mu),
            Codec::G711_ALAW_64K => Coding::G711(Law::A),
            Codec::WIDEBAND_256K => Coding::Wideband,
            Codec::G729 | Codec::G729A | Codec::G729B | Codec::G729AB => Coding::G729,
            other => return Err(Refused::Codec(other)),
        };
        if !(10..=60).contains(&milliseconds) || !milliseconds.is_multiple_of(10) {
            return Err(Refused::PacketTime(milliseconds));
        }
        let payload_type = match coding {
            Coding::Wideband if (96..128).contains(&dynamic) => dynamic,
            _ => coding.payload_type(),
        };
        Ok(Self { coding, payload_type, milliseconds })
    }

    /// Samples of telephone audio in a packet.
    pub(super) fn samples(self) -> usize {
        self.milliseconds as usize * speech::RATE / 1000
    }

    /// Units of RTP timestamps in a packet.
    pub(super) fn timestamp_step(self) -> u32 {
        self.milliseconds * self.coding.clock_rate() / 1000
    }
}

/// The keys of a stream. Telephones of the 79xx family have AES in counter mode only.
fn key(encryption: &EncryptionInfo) -> Result<Option<Keying>, Refused> {
    let Some(keying) = encryption.keying()? else { return Ok(None) };
    let suite = match keying.algorithm {
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32 => Suite::AesCm128HmacSha1_32,
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_80 => Suite::AesCm128HmacSha1_80,
        other => return Err(Refused::Algorithm(other)),
    };
    let master = MasterKey::new(suite, keying.key.as_bytes(), keying.salt.as_bytes())
        .expect("both suites have a key of 16 and a salt of 14 octets");
    Ok(Some(Keying::new(suite, master)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use sccp::{Address, Port};

    use super::*;

    fn keyed(algorithm: SrtpAlgorithm) -> EncryptionInfo {
        EncryptionInfo::keyed(sccp::Keying {
            algorithm,
            key: sccp::MasterKey::new(&[7; 16]),
            salt: sccp::MasterSalt::new(&[9; 14]),
        })
    }

    fn open() -> OpenReceiveChannel {
        OpenReceiveChannel {
            ms_per_packet: 20,
            codec: Codec::G711_ULAW_64K,
            ..OpenReceiveChannel::default()
        }
    }

    fn start() -> StartMediaTransmission {
        StartMediaTransmission {
            remote: Address::V4(Ipv4Addr::new(10, 1, 2, 3)),
            remote_port: Port(27_180),
            ms_per_packet: 20,
            codec: Codec::G711_ALAW_64K,
            precedence: 0xb8,
            ..StartMediaTransmission::default()
        }
    }

    // R: MED-01
    #[test]
    fn orders_with_and_without_keys() {
        let plain = Reception::try_from(&open()).unwrap();
        assert_eq!(plain, Reception { format: Format::g711(Law::Mu), key: None });
        for (algorithm, suite) in [
            (SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32, Suite::AesCm128HmacSha1_32),
            (SrtpAlgorithm::AES_CM_128_HMAC_SHA1_80, Suite::AesCm128HmacSha1_80),
        ] {
            let order = OpenReceiveChannel { encryption: keyed(algorithm), ..open() };
            assert_eq!(Reception::try_from(&order).unwrap().key.unwrap().suite(), suite);
            let order = StartMediaTransmission { encryption: keyed(algorithm), ..start() };
            let transmission = Transmission::try_from(&order).unwrap();
            assert_eq!(transmission.key.unwrap().suite(), suite);
            assert_eq!(transmission.to, SocketAddr::from(([10, 1, 2, 3], 27_180)));
            assert_eq!(transmission.service, 0xb8);
        }
    }

    #[test]
    fn what_a_telephone_cannot_do_it_says() {
        let refused = |order: OpenReceiveChannel| Reception::try_from(&order).unwrap_err().status();
        let encryption = keyed(SrtpAlgorithm::F8_128_HMAC_SHA1_32);
        assert_eq!(
            refused(OpenReceiveChannel { encryption, ..open() }),
            MediaStatus::ENCRYPTION_FAILED
        );
        assert_eq!(
            refused(OpenReceiveChannel { encryption: keyed(SrtpAlgorithm(9)), ..open() }),
            MediaStatus::ENCRYPTION_FAILED
        );
        assert_eq!(
            refused(OpenReceiveChannel { codec: Codec::G723_1, ..open() }),
            MediaStatus::INVALID_CODEC
        );
        for ms_per_packet in [0, 15, 70, u32::MAX] {
            assert_eq!(
                refused(OpenReceiveChannel { ms_per_packet, ..open() }),
                MediaStatus::INVALID_PACKET_SIZE
            );
        }
        for (remote, port) in [
            (Address::V4(Ipv4Addr::UNSPECIFIED), 27_180),
            (Address::V4(Ipv4Addr::new(239, 1, 1, 1)), 27_180),
            (Address::Other(3, [0; 16]), 27_180),
            (Address::V4(Ipv4Addr::LOCALHOST), 0),
            (Address::V4(Ipv4Addr::LOCALHOST), 65_536),
        ] {
            let order = StartMediaTransmission { remote, remote_port: Port(port), ..start() };
            assert!(matches!(Transmission::try_from(&order), Err(Refused::Address(..))));
        }
    }
}
