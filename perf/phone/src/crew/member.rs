//! A telephone of a crew, and how it starts.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use capf::codec::Password;
use capf::phone::Credential;
use tftp::Tuning;

use super::SyntaxError;
use super::background::{Enrolling, JobResult, Starting};
use crate::capf::{Habits, Verdict};
use crate::connection::{Server, TlsIdentity};
use crate::media::Track;
use crate::office::{Manners, Setup, SetupError, TlsStyle};
use crate::station::{Name, Outage, Profile};
use crate::{Flash, FlashError, Identity, Model, Phone, PhoneError, SecurityMode};

/// How a telephone is defined: `phone NAME KEY=VALUE…`.
#[derive(Clone, Debug, Default)]
pub struct Home {
    device: Option<Name>,
    model: Option<Model>,
    flash: Option<PathBuf>,
    tftp: Vec<SocketAddr>,
    servers: Vec<SocketAddr>,
    source: Option<IpAddr>,
    tls: Option<TlsStyle>,
    says: Option<Track>,
    typed: Option<Password>,
    mode: Option<SecurityMode>,
    identity: Option<PathBuf>,
    trusts: Option<PathBuf>,
    lamp: Option<LampNumbers>,
}

/// The numbers that switch the lamps of mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LampNumbers {
    pub(super) on: String,
    pub(super) off: String,
}

/// A telephone, or a voicemail port.
pub struct Member {
    kind: Kind,
    device: Name,
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
    /// A voicemail port.
    Port(Port),
}

/// How a voicemail server has set one of its ports.
struct Port {
    mode: SecurityMode,
    servers: Vec<SocketAddr>,
    /// Its key and certificate, PEM.
    identity: Option<PathBuf>,
    /// The certificate of its server, DER.
    trusts: Option<PathBuf>,
    lamp: Option<LampNumbers>,
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
    /// Not at all.
    Stay(String),
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
                let device = Name::parse(value);
                self.device = Some(device.ok_or_else(|| {
                    wrong(
                        "a name is SEP and twelve hexadecimal digits, or that of a voicemail port",
                    )
                })?);
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
            "mode" => {
                let modes =
                    [SecurityMode::NonSecure, SecurityMode::Authenticated, SecurityMode::Encrypted];
                let mode = modes.into_iter().find(|mode| mode.to_string() == value);
                self.mode = Some(mode.ok_or_else(|| wrong("no security mode"))?);
            }
            "identity" => self.identity = Some(value.into()),
            "trusts" => self.trusts = Some(value.into()),
            "lamp" => {
                let (on, off) = value.split_once(',').ok_or_else(|| wrong("write ON,OFF"))?;
                self.lamp = Some(LampNumbers { on: on.to_owned(), off: off.to_owned() });
            }
            _ => {
                let keys = "there are device, model, flash, tftp, server, source, tls, says, \
                            string, and mode, identity, trusts, lamp for voicemail ports";
                return Err(wrong(keys));
            }
        }
        Ok(())
    }

    /// The telephone, with its flash opened.
    pub fn member(&self, manners: &Manners) -> Result<Member, MemberError> {
        let missing = |what| MemberError::Missing(what);
        let name = self.device.ok_or(missing("device=SEP… is missing"))?;
        let model = match name {
            Name::Phone(_) => self.model.unwrap_or(Model::M7970),
            Name::Port(_) => Model::Port,
        };
        let sources = (&self.flash, self.tftp.is_empty(), self.servers.is_empty());
        let kind = match (name, sources) {
            (Name::Port(_), (None, true, false)) => Kind::Port(Port {
                mode: self.mode.unwrap_or(SecurityMode::NonSecure),
                servers: self.servers.clone(),
                identity: self.identity.clone(),
                trusts: self.trusts.clone(),
                lamp: self.lamp.clone(),
            }),
            (Name::Port(_), _) => return Err(missing("give server=… to a voicemail port")),
            (Name::Phone(device), (Some(flash), false, true)) => Kind::Whole(Arc::new(Phone {
                identity: Identity { device, model, has_certificate: false, image_key: None },
                flash: Flash::open(flash)?,
                servers: self.tftp.clone(),
                tuning: Tuning::default(),
            })),
            (Name::Phone(_), (_, true, false)) => Kind::Bare(self.servers.clone()),
            _ => return Err(missing("give tftp=… with flash=…, or server=… alone")),
        };
        let style = self.tls.unwrap_or(manners.style);
        Ok(Member {
            kind,
            device: name,
            model,
            manners: Manners { style, ..manners.clone() },
            source: self.source,
            says: self.says.clone().unwrap_or_else(|| voice_of(name)),
            typed: self.typed.clone(),
            trouble: None,
            last: Outage::Initialized,
            enrols: None,
        })
    }
}

const NO_ADDRESS: &str = "a server is an IP address, or address:port";

/// Everybody has his own voice.
fn voice_of(name: Name) -> Track {
    let [a, b, c, d, e, f] = name.mac();
    let voice = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    Track::voice(if voice == 0 { name.share().into() } else { voice })
}

fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = || text.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, port));
    text.parse().ok().or_else(bare)
}

impl Member {
    /// Its name.
    pub fn device(&self) -> Name {
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
            Kind::Bare(_) | Kind::Port(_) => None,
        }
    }

    /// Its voicemail server, if it is a port, and the numbers that switch lamps, if it knows them.
    pub(super) fn voicemail(&self) -> Option<(String, Option<LampNumbers>)> {
        match (&self.kind, self.device) {
            (Kind::Port(port), Name::Port(name)) => {
                Some((name.server().to_owned(), port.lamp.clone()))
            }
            _ => None,
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
            Kind::Port(port) => match port.setup(self.device, &self.manners) {
                Ok(setup) => Beginning::Setup(Box::new(Setup { source: self.source, ..setup })),
                Err(error) => Beginning::Stay(error.to_string()),
            },
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

impl Port {
    fn setup(&self, name: Name, manners: &Manners) -> Result<Setup, SetupError> {
        let trusted = match (self.mode, &self.trusts) {
            (SecurityMode::NonSecure, _) | (_, None) => Vec::new(),
            (_, Some(file)) => vec![durable::read(file, MAX_CERTIFICATE)?.unwrap_or_default()],
        };
        let server = |address: &SocketAddr| {
            let port = match self.mode {
                SecurityMode::NonSecure => address.port(),
                _ => address.port() + SECURE,
            };
            Arc::new(Server::new(SocketAddr::new(address.ip(), port), trusted.clone()))
        };
        let servers: Vec<_> = self.servers.iter().map(server).collect();
        let identity = self.identity.as_deref().map(TlsIdentity::read).transpose()?.flatten();
        let way = manners.way(self.mode, &servers, identity.as_ref())?;
        let mut setup = Setup::empty(name, Model::Port);
        (setup.profile.mode, setup.profile.servers) = (self.mode, servers.len());
        Ok(Setup { servers: servers.into(), way, ..setup })
    }
}

/// How far the secure port is from the clear one.
const SECURE: u16 = 443;
/// Longest certificate.
const MAX_CERTIFICATE: u64 = 16 << 10;

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
    pub fn empty(device: impl Into<Name>, model: Model) -> Self {
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
