//! Who a telephone is, and what its model can do.

use std::net::Ipv4Addr;
use std::time::Duration;

use sccp::codes::{Codec, DeviceType};
use sccp::{Charset, Features, Version};

use super::{Name, Patience};
use crate::{Model, SecurityMode};

/// A telephone, as its factory and its configuration made it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub device: Name,
    /// Its model.
    pub model: Model,
    /// Its mode: it accepts media keys only if that is [`SecurityMode::Encrypted`].
    pub mode: SecurityMode,
    /// Its firmware.
    pub load: String,
    /// What it takes for its address.
    pub address: Ipv4Addr,
    /// How many servers it has; they are called by their place, the first is preferred.
    pub servers: usize,
    /// The highest version of the protocol that it knows.
    pub version: Version,
    /// The codecs it knows, in the order of its preference.
    pub codecs: Vec<Capability>,
    /// How it asks its questions after registration.
    pub questions: Questions,
    /// How long it waits for what.
    pub patience: Patience,
    /// What it has to tell its server as soon as it is served: `TFTP Not Authorized: …`.
    pub alarms: Vec<String>,
}

/// A codec that a telephone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Which.
    pub codec: Codec,
    /// The longest packet.
    pub max_ms: u32,
}

/// How a telephone asks its questions after registration: loads differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Questions {
    /// One, its answer, the next one.
    OneByOne,
    /// As many at once as it can ask.
    Together,
}

impl Profile {
    /// A telephone as its model leaves the factory, with one server.
    pub fn new(device: impl Into<Name>, model: Model) -> Self {
        let early = matches!(model, Model::M7940 | Model::M7960 | Model::Port);
        Self {
            device: device.into(),
            model,
            mode: SecurityMode::NonSecure,
            load: if early { "P0030801SR02" } else { "SCCP70.9-4-2SR3-1S" }.to_owned(),
            address: Ipv4Addr::LOCALHOST,
            servers: 1,
            version: if early { Version::V11 } else { Version::of(17) },
            codecs: capabilities(model),
            questions: if early { Questions::OneByOne } else { Questions::Together },
            patience: Patience::default(),
            alarms: Vec::new(),
        }
    }

    /// How it reads and writes text.
    pub fn charset(&self) -> Charset {
        Charset::of_phone(self.version)
    }

    pub(super) fn server_count(&self) -> u32 {
        u32::try_from(self.servers.max(1)).unwrap_or(u32::MAX)
    }

    /// Whether it tells what became of [`sccp::server::StartMediaTransmission`].
    pub(super) fn acknowledges_transmission(&self) -> bool {
        self.version > Version::V11
    }
}

impl Model {
    /// Its number in SCCP.
    pub fn device_type(self) -> DeviceType {
        match self {
            Self::M7940 => DeviceType::CISCO_7940,
            Self::M7960 => DeviceType::CISCO_7960,
            Self::M7970 => DeviceType::CISCO_7970,
            Self::M7971 => DeviceType::CISCO_7971,
            Self::Port => DeviceType::VOICEMAIL_PORT,
        }
    }

    /// Its buttons for lines and speed dials.
    pub fn buttons(self) -> u32 {
        match self {
            Self::Port => 1,
            Self::M7940 => 2,
            Self::M7960 => 6,
            Self::M7970 | Self::M7971 => 8,
        }
    }

    /// Whether its built-in bridge mixes encrypted media.
    pub fn mixes_encrypted(self) -> bool {
        matches!(self, Self::M7970 | Self::M7971)
    }

    /// Whether it has the power to encrypt wideband.
    pub fn encrypts_wideband(self) -> bool {
        matches!(self, Self::M7970 | Self::M7971 | Self::Port)
    }

    /// RTP streams that it says it can have: old loads say nothing.
    pub(super) fn max_streams(self) -> u32 {
        match self {
            Self::M7940 | Self::M7960 | Self::Port => 0,
            Self::M7970 | Self::M7971 => 5,
        }
    }

    /// What it says of itself when it registers.
    pub(super) fn features(self) -> Features {
        match self {
            Self::M7940 | Self::M7960 | Self::Port => Features([0x00, 0x60, 0x85]),
            Self::M7970 | Self::M7971 => Features([0x00, 0x72, 0x85]),
        }
    }
}

fn capabilities(model: Model) -> Vec<Capability> {
    let compressed = [Codec::G729B, Codec::G729AB, Codec::G729, Codec::G729A];
    let clear = [Codec::WIDEBAND_256K, Codec::G711_ULAW_64K, Codec::G711_ALAW_64K];
    let of = |codecs: &[Codec], max_ms| {
        let capability = |codec: &Codec| Capability { codec: *codec, max_ms };
        codecs.iter().map(capability).collect::<Vec<_>>()
    };
    let digits = match model {
        Model::Port => return of(&[Codec::G711_ULAW_64K, Codec::G711_ALAW_64K], 40),
        Model::M7940 | Model::M7960 => Vec::new(),
        Model::M7970 | Model::M7971 => of(&[Codec::RFC2833], 1),
    };
    [of(&clear, 40), of(&compressed, 60), digits].concat()
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(30),
            answer: seconds(10),
            rest: seconds(5),
            longest_rest: seconds(60),
            fail_back: seconds(30),
        }
    }
}
