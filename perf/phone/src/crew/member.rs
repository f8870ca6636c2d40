//! A telephone of a crew, and how it starts.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use capf::codec::Password;
use capf::phone::Credential;
use tftp::{DeviceName, Tuning};

use super::SyntaxError;
use super::background::{Enrolling, JobResult, Starting};
use crate::capf::{Habits, Verdict};
use crate::connection::Server;
use crate::media::Track;
use crate::office::{Manners, Setup, SetupError, TlsStyle};
use crate::station::{Outage, Profile};
use crate::{Flash, FlashError, Identity, Model, Phone, PhoneError, SecurityMode};

/// How a telephone is defined: `phone NAME KEY=VALUE…`.
#[derive(Clone, Debug, Default)]
pub struct Home {
    device: Option<DeviceName>,
    model: Option<Model>,
    flash: Option<PathBuf>,
    tftp: Vec<SocketAddr>,
    servers: Vec<SocketAddr>,
    source: Option<IpAddr>,
    tls: Option<TlsStyle>,
    says: Option<Track>,
    typed: Option<Password>,
}

/// A telephone.
pub struct Member {
    kind: Kind,
    device: DeviceName,
    model: Model,
    manners: Manners,
    source: Option<IpAddr>,
    /// What it says in calls.
    pub(super) says: Track,
    /// What its user has typed as authentication string.
    pub(super) typed: Option<Password>,
    /// Why it does not start.
    pub(super) trouble: Option<String>,
    /// Why it was away.
    pub(super) last: Outage,
    /// What it does at CAPF once it is registered.
    enrols: Option<Credential>,
}

enum Kind {
    /// With files from a TFTP server, and a flash.
    Whole(Arc<Phone>),
    /// Non-secure, with servers that it was told.
    Bare(Vec<SocketAddr>),
}

/// Why a telephone cannot be as it is defined.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Something is missing.
    #[error("{0}")]
    Missing(&'static str),
    /// Its flash fails.
    #[error(transparent)]
    Flash(#[from] FlashError),
}

/// What a start begins with.
pub(super) enum Beginning {
    Job(super::background::Job),
    Setup(Box<Setup>),
}

/// What follows from what was done in the background.
pub(super) enum Next {
    SwitchOn(Box<Setup>),
    StartAgain,
    Stay(String),
    GoOn,
}

impl Home {
    /// Reads `KEY=VALUE` words.
    pub fn parse(words: &[&str]) -> Result<Self, SyntaxError> {
        let mut home = Self::default();
        for word in words {
            home.set(word)?;
        }
        Ok(home)
    }

    fn set(&mut self, word: &str) -> Result<(), SyntaxError> {
        let wrong = |why: &str| SyntaxError(format!("{word:?}: {why}"));
        let (key, value) = word.split_once('=').ok_or_else(|| wrong("write KEY=VALUE"))?;
        match key {
            "device" => {
                let device = DeviceName::parse(value);
                self.device = Some(
                    device.ok_or_else(|| wrong("a name is SEP and twelve hexadecimal digits"))?,
                );
            }
            "model" => self.model = Some(value.parse().map_err(|why: String| wrong(&why))?),
            "flash" => self.flash = Some(value.into()),
            "tftp" => self.tftp.push(address(value, 69).ok_or_else(|| wrong(NO_ADDRESS))?),
            "server" => self.servers.push(address(value, 2000).ok_or_else(|| wrong(NO_ADDRESS))?),
            "source" => self.source = Some(value.parse().map_err(|_| wrong("no IP address"))?),
            "tls" => {
                self.tls = Some(match value {
                    "old" => TlsStyle::Legacy,
                    "modern" => TlsStyle::Modern,
                    _ => return Err(wrong("old or modern")),
                });
            }
            "says" => {
                let track = value.parse();
                self.says = Some(track.map_err(|error| wrong(&format!("{error}")))?);
            }
            "string" => {
                let typed = Password::new(value);
                self.typed = Some(typed.ok_or_else(|| wrong("at most 63 characters"))?);
            }
            _ => {
                let keys =
                    "there are device, model, flash, tftp, server, source, tls, says, string";
                return Err(wrong(keys));
            }
        }
        Ok(())
    }

    /// The telephone, with its flash opened.
    pub fn member(&self, manners: &Manners) -> Result<Member, MemberError> {
        let missing = |what| MemberError::Missing(what);
        let device = self.device.ok_or(missing("device=SEP… is missing"))?;
        let model = self.model.unwrap_or(Model::M7970);
        let kind = match (&self.flash, self.tftp.is_empty(), self.servers.is_empty()) {
            (Some(flash), false, true) => Kind::Whole(Arc::new(Phone {
                identity: Identity { device, model, has_certificate: false, image_key: None },
                flash: Flash::open(flash)?,
                servers: self.tftp.clone(),
                tuning: Tuning::default(),
            })),
            (_, true, false) => Kind::Bare(self.servers.clone()),
            _ => return Err(missing("give tftp=… with flash=…, or server=… alone")),
        };
        let style = self.tls.unwrap_or(manners.style);
        Ok(Member {
            kind,
            device,
            model,
            manners: Manners { style, ..manners.clone() },
            source: self.source,
            says: self.says.clone().unwrap_or_else(|| voice_of(device)),
            typed: self.typed.clone(),
            trouble: None,
            last: Outage::Initialized,
            enrols: None,
        })
    }
}

const NO_ADDRESS: &str = "a server is an IP address, or address:port";

/// Everybody has his own voice.
fn voice_of(device: DeviceName) -> Track {
    let [a, b, c, d, e, f] = device.mac();
    Track::voice(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = || text.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, port));
    text.parse().ok().or_else(bare)
}

impl Member {
    /// Its name.
    pub fn device(&self) -> DeviceName {
        self.device
    }

    /// Its model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Its flash and its servers, if it has files.
    pub(super) fn phone(&self) -> Option<&Phone> {
        match &self.kind {
            Kind::Whole(phone) => Some(phone),
            Kind::Bare(_) => None,
        }
    }

    /// Whether it has a certificate from CAPF.
    pub(super) fn has_lsc(&self) -> bool {
        let wallet = self.phone().map(|phone| phone.flash.read_wallet());
        wallet.is_some_and(|wallet| wallet.is_ok_and(|wallet| wallet.lsc.is_some()))
    }

    pub(super) fn begin(&mut self) -> Beginning {
        self.enrols = None;
        match &self.kind {
            Kind::Whole(phone) => Beginning::Job(super::background::Job::Start(Starting {
                phone: Arc::clone(phone),
                typed: self.typed.clone(),
                habits: self.habits(),
                manners: self.manners.clone(),
            })),
            Kind::Bare(servers) => {
                let server = |address: &SocketAddr| Arc::new(Server::new(*address, Vec::new()));
                let mut setup = Setup::empty(self.device, self.model);
                setup.profile.servers = servers.len();
                setup.servers = servers.iter().map(server).collect();
                setup.source = self.source;
                Beginning::Setup(Box::new(setup))
            }
        }
    }

    /// It is registered; perhaps it has still to go to CAPF.
    pub(super) fn registered(&mut self) -> Option<Enrolling> {
        let credential = self.enrols.take()?;
        let Kind::Whole(phone) = &self.kind else { return None };
        Some(Enrolling { phone: Arc::clone(phone), credential, habits: self.habits() })
    }

    pub(super) fn finish(&mut self, result: JobResult) -> Next {
        match result {
            JobResult::Started(Ok((mut setup, enrols))) => {
                setup.source = self.source;
                self.enrols = enrols;
                Next::SwitchOn(setup)
            }
            JobResult::Started(Err(why)) => Next::Stay(why.to_string()),
            JobResult::Enrolled(Ok(Verdict::Updated)) => Next::StartAgain,
            JobResult::Enrolled(Ok(_)) => Next::GoOn,
            JobResult::Enrolled(Err(error)) => Next::Stay(error.to_string()),
        }
    }

    fn habits(&self) -> Habits {
        Habits { source: self.source, ..Habits::of(self.model) }
    }
}

/// Why a telephone does not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Phone(#[from] PhoneError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("CAPF: {0}")]
    Capf(Verdict),
}

impl Setup {
    /// A telephone that has no server yet.
    pub fn empty(device: DeviceName, model: Model) -> Self {
        let mut profile = Profile::new(device, model);
        profile.mode = SecurityMode::NonSecure;
        Self {
            profile,
            servers: Vec::new().into(),
            way: crate::connection::Way::Plain,
            source: None,
        }
    }
}
