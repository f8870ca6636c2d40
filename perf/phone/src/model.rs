//! The models that are emulated.

use std::fmt;
use std::str::FromStr;

/// A model of phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// 7940.
    M7940,
    /// 7960.
    M7960,
    /// 7970.
    M7970,
    /// 7971.
    M7971,
    /// No phone: a port of a voicemail server.
    Port,
}

impl Model {
    /// All models of phones.
    pub const ALL: [Self; 4] = [Self::M7940, Self::M7960, Self::M7970, Self::M7971];

    /// Whether its firmware asks for ITL files.
    pub fn knows_itl(self) -> bool {
        matches!(self, Self::M7970 | Self::M7971)
    }

    /// Whether it speaks CAPF as early loads do, and knows no SHA-2.
    pub fn speaks_early_capf(self) -> bool {
        matches!(self, Self::M7940 | Self::M7960)
    }

    /// Whether it left the factory with a certificate.
    pub fn has_manufactured_certificate(self) -> bool {
        matches!(self, Self::M7970 | Self::M7971)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::M7940 => "7940",
            Self::M7960 => "7960",
            Self::M7970 => "7970",
            Self::M7971 => "7971",
            Self::Port => "port",
        })
    }
}

impl FromStr for Model {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|model| model.to_string() == name);
        found.ok_or_else(|| format!("no model {name}: there are 7940, 7960, 7970, 7971"))
    }
}
