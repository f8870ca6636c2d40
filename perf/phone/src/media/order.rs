//! What the station is ordered, in the words of media.

use std::net::SocketAddr;

use sccp::Keying as Given;
use sccp::codes::{Codec, MediaStatus, SrtpAlgorithm};
use speech::g711::Law;
use srtp::{Keying, MasterKey, Suite};

use super::Coding;
use crate::station::{Receive, Transmit};

/// How speech is cut into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How it is coded.
    pub coding: Coding,
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
    /// An algorithm for which telephones have no cipher.
    #[error("telephones do not know {0}")]
    Algorithm(SrtpAlgorithm),
    /// All ports are taken, or the kernel gives none.
    #[error("no port for media: {0}")]
    NoPort(String),
}

impl Refused {
    /// What the telephone answers.
    pub fn status(&self) -> MediaStatus {
        match self {
            Self::Codec(_) => MediaStatus::INVALID_CODEC,
            Self::PacketTime(_) => MediaStatus::INVALID_PACKET_SIZE,
            Self::Algorithm(_) => MediaStatus::ENCRYPTION_FAILED,
            Self::NoPort(_) => MediaStatus::NO_SOCKETS,
        }
    }
}

impl TryFrom<&Receive> for Reception {
    type Error = Refused;

    fn try_from(order: &Receive) -> Result<Self, Refused> {
        let key = order.keying.as_ref().map(key).transpose()?;
        Ok(Self { format: Format::of(order.codec, order.ms_per_packet)?, key })
    }
}

impl TryFrom<&Transmit> for Transmission {
    type Error = Refused;

    fn try_from(order: &Transmit) -> Result<Self, Refused> {
        Ok(Self {
            format: Format::of(order.codec, order.ms_per_packet)?,
            key: order.keying.as_ref().map(key).transpose()?,
            to: order.to,
            service: order.precedence,
        })
    }
}

impl Format {
    /// 20 ms of G.711.
    pub fn g711(law: Law) -> Self {
        Self { coding: Coding::G711(law), milliseconds: 20 }
    }

    fn of(codec: Codec, milliseconds: u32) -> Result<Self, Refused> {
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
        Ok(Self { coding, milliseconds })
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
fn key(given: &Given) -> Result<Keying, Refused> {
    let suite = match given.algorithm {
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32 => Suite::AesCm128HmacSha1_32,
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_80 => Suite::AesCm128HmacSha1_80,
        other => return Err(Refused::Algorithm(other)),
    };
    let master = MasterKey::new(suite, given.key.as_bytes(), given.salt.as_bytes())
        .expect("both suites have a key of 16 and a salt of 14 octets");
    Ok(Keying::new(suite, master))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::StreamId;

    fn given(algorithm: SrtpAlgorithm) -> Option<Given> {
        let (key, salt) = (sccp::MasterKey::new(&[7; 16]), sccp::MasterSalt::new(&[9; 14]));
        Some(Given { algorithm, key, salt })
    }

    fn receive(codec: Codec, ms_per_packet: u32, keying: Option<Given>) -> Receive {
        Receive { stream: StreamId::default(), codec, ms_per_packet, keying }
    }

    // R: MED-01
    #[test]
    fn orders_with_and_without_keys() {
        let plain = Reception::try_from(&receive(Codec::G711_ULAW_64K, 20, None)).unwrap();
        assert_eq!(plain, Reception { format: Format::g711(Law::Mu), key: None });
        for (algorithm, suite) in [
            (SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32, Suite::AesCm128HmacSha1_32),
            (SrtpAlgorithm::AES_CM_128_HMAC_SHA1_80, Suite::AesCm128HmacSha1_80),
        ] {
            let order = receive(Codec::G711_ALAW_64K, 20, given(algorithm));
            let key = Reception::try_from(&order).unwrap().key.unwrap();
            let master = MasterKey::new(suite, &[7; 16], &[9; 14]).unwrap();
            assert_eq!(key, Keying::new(suite, master));
        }
    }

    #[test]
    fn what_a_telephone_cannot_do_it_says() {
        let status = |codec, milliseconds, keying| {
            Reception::try_from(&receive(codec, milliseconds, keying)).unwrap_err().status()
        };
        let mu = Codec::G711_ULAW_64K;
        for algorithm in [SrtpAlgorithm::F8_128_HMAC_SHA1_32, SrtpAlgorithm(9)] {
            assert_eq!(status(mu, 20, given(algorithm)), MediaStatus::ENCRYPTION_FAILED);
        }
        assert_eq!(status(Codec::G723_1, 20, None), MediaStatus::INVALID_CODEC);
        for milliseconds in [0, 15, 70, u32::MAX] {
            assert_eq!(status(mu, milliseconds, None), MediaStatus::INVALID_PACKET_SIZE);
        }
    }
}
