//! What there is to be shown.

use std::time::Instant;

use tlv::Role;

use crate::media::Statistics;
use crate::network::Hardening;
use crate::station::Station;
use crate::{CapfMode, Configuration, Flash, FlashError, SecurityMode};

/// Everything that a screen can show.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The telephone at its server.
    pub station: &'a Station,
    /// What its settings menu shows.
    pub settings: &'a Settings,
    /// What it said about its start and its connections, the oldest first.
    pub messages: &'a [StatusMessage],
    /// How its latest call is heard.
    pub statistics: Option<&'a Statistics>,
    /// The time.
    pub now: Instant,
}

/// A line of the page of status messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusMessage {
    /// The time of day.
    pub at: String,
    /// What happened, in English as telephones say it.
    pub text: String,
}

/// What is in the flash of a telephone, as its menu shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Its mode, as the configuration file has it.
    pub mode: SecurityMode,
    /// What an administrator has taken away.
    pub hardening: Hardening,
    /// TFTP servers.
    pub tftp: Vec<String>,
    /// CallManagers, the preferred one first.
    pub call_managers: Vec<String>,
    /// The firmware it runs.
    pub load: String,
    /// The CTL, if there is one.
    pub ctl: Option<TrustListSummary>,
    /// Subject and issuer of its locally significant certificate.
    pub lsc: Option<[String; 2]>,
    /// Those of its manufactured certificate.
    pub mic: Option<[String; 2]>,
    /// Where CAPF is.
    pub capf: Vec<String>,
    /// How CAPF wants it to prove itself, if there is something to be done.
    pub capf_mode: CapfMode,
    /// Whether it has begun something with CAPF and not ended it.
    pub capf_begun: bool,
}

/// A trust list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustListSummary {
    /// MD5 of the file.
    pub md5: [u8; 16],
    /// Who is in it.
    pub authorities: Vec<Authority>,
}

/// An entry of a trust list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// For what it is trusted.
    pub role: Role,
    /// Its name or address.
    pub name: String,
}

impl Settings {
    /// Reads them. `tftp` are the servers that it asks.
    pub fn read(flash: &Flash, tftp: Vec<String>) -> Result<Self, FlashError> {
        let (installed, _) = flash.read()?;
        let wallet = flash.read_wallet()?;
        let file = installed.configuration.as_deref();
        let configuration = file.and_then(|file| Configuration::parse(file).ok());
        let configuration = configuration.unwrap_or_default();
        let names = |servers: &[(String, u16)]| -> Vec<String> {
            servers.iter().map(|(name, port)| format!("{name}:{port}")).collect()
        };
        let certificate = |holding: &capf::phone::Holding| {
            [&holding.certificate.subject(), &holding.certificate.issuer()].map(|n| n.to_string())
        };
        Ok(Self {
            mode: configuration.mode,
            hardening: Hardening::of(&configuration),
            tftp,
            call_managers: names(&configuration.call_managers),
            load: installed.load,
            ctl: installed.ctl.map(|ctl| TrustListSummary {
                md5: ctl.md5(),
                authorities: ctl.records().iter().map(Authority::of).collect(),
            }),
            lsc: wallet.lsc.as_ref().map(certificate),
            mic: wallet.mic.as_ref().map(certificate),
            capf: names(&configuration.capf_servers),
            capf_mode: configuration.capf_mode,
            capf_begun: wallet.pending.is_some(),
        })
    }
}

impl Authority {
    fn of(record: &tlv::Record) -> Self {
        let text = |text: &tlv::Text| String::from_utf8_lossy(text.as_bytes()).into_owned();
        let name = record.dns_name.as_ref().map(text).filter(|name| !name.is_empty());
        let address = || record.address.map(|address| address.to_string());
        let subject = || record.subject.as_ref().map(text);
        let name = name.or_else(address).or_else(subject).unwrap_or_default();
        Self { role: record.role, name }
    }
}
