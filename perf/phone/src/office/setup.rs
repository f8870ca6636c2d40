//! How a telephone is configured.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tlv::VerifiedCtl;

use crate::connection::{
    IdentityError, KeyLog, Legacy, Modern, Server, TlsError, TlsIdentity, Way,
};
use crate::station::Profile;
use crate::{Conclusion, Event, Fallback, Flash, FlashError, Identity, SecurityMode};

/// A telephone that can be started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who it is, with as many servers as there are here.
    pub profile: Profile,
    /// Its servers, the preferred one first.
    pub servers: Arc<[Arc<Server>]>,
    /// How it speaks to them.
    pub way: Way,
    /// The address it calls from; `None`: the kernel chooses.
    pub source: Option<IpAddr>,
}

/// Why a telephone cannot register.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Its start ended without a server.
    #[error("it stays unregistered: {0}")]
    Stays(&'static str),
    /// Nothing is known of its servers.
    #[error("none of its servers has an address: {0}")]
    NoServer(String),
    /// Its mode needs TLS, and it has nothing to show.
    #[error("its mode is {0}, and it has no certificate")]
    NoCertificate(SecurityMode),
    /// A certificate cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Its flash fails.
    #[error(transparent)]
    Flash(#[from] FlashError),
    /// A file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Which TLS a telephone speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsStyle {
    /// As phones of the 79xx family.
    #[default]
    Legacy,
    /// As phones of our days.
    Modern,
}

/// How telephones of a site speak TLS.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// Which.
    pub style: TlsStyle,
    /// Where the secrets of their sessions are written.
    pub log: Option<KeyLog>,
}

/// How far the secure port is from the clear one; telephones know that.
const SECURE: u16 = 443;

impl Manners {
    /// The way of one telephone, which has this certificate if its mode needs one.
    pub fn way(
        &self,
        mode: SecurityMode,
        servers: &[Arc<Server>],
        shown: Option<&TlsIdentity>,
    ) -> Result<Way, SetupError> {
        if mode == SecurityMode::NonSecure {
            return Ok(Way::Plain);
        }
        let shown = shown.ok_or(SetupError::NoCertificate(mode))?;
        let log = self.log.as_ref();
        Ok(match self.style {
            TlsStyle::Legacy => {
                let manner = Legacy::manner(mode, log)?;
                Way::Legacy(Arc::new(Legacy::new(&manner, shown)))
            }
            TlsStyle::Modern => {
                let manner = Modern::manner(mode, servers, log);
                Way::Modern(Arc::new(Modern::new(&manner, shown)?))
            }
        })
    }
}

impl Setup {
    /// A telephone after its start: what it is to do, with what its flash holds.
    pub fn after_start(
        identity: &Identity,
        flash: &Flash,
        conclusion: &Conclusion,
        events: &[Event],
        manners: &Manners,
    ) -> Result<Self, SetupError> {
        let (mode, call_managers, srst) = match conclusion {
            Conclusion::Stay(why) => return Err(SetupError::Stays(why)),
            Conclusion::Register { mode, call_managers, srst } => (*mode, call_managers, srst),
        };
        let (installed, _) = flash.read()?;
        let mut servers = servers_by(call_managers, mode, installed.ctl.as_ref());
        if servers.is_empty() {
            let names: Vec<_> = call_managers.iter().map(|(name, _)| name.as_str()).collect();
            return Err(SetupError::NoServer(names.join(", ")));
        }
        // The last resort.
        servers.extend(srst.as_ref().and_then(gateway));
        let mut profile = Profile::new(identity.device, identity.model);
        profile.mode = mode;
        profile.servers = servers.len();
        if !installed.load.is_empty() {
            profile.load = installed.load;
        }
        let alarms = events.iter().filter(|event| event.is_alarm());
        profile.alarms = alarms.map(Event::alarm).collect();
        let shown = flash.tls_identity()?;
        let way = manners.way(mode, &servers, shown.as_ref())?;
        Ok(Self { profile, servers: servers.into(), way, source: None })
    }
}

/// The servers of a configuration whose names can be resolved, with what the CTL has for each.
pub fn servers_by(
    call_managers: &[(String, u16)],
    mode: SecurityMode,
    ctl: Option<&VerifiedCtl>,
) -> Vec<Arc<Server>> {
    let server = |(name, port): &(String, u16)| {
        let port = match mode {
            SecurityMode::NonSecure => *port,
            SecurityMode::Authenticated | SecurityMode::Encrypted => port.saturating_add(SECURE),
        };
        let address = (name.as_str(), port).to_socket_addrs().ok()?.next()?;
        Some(Arc::new(Server::new(address, certificates(ctl, name, address))))
    };
    call_managers.iter().filter_map(server).collect()
}

/// An SRST gateway; `None` if its name cannot be resolved.
fn gateway(srst: &Fallback) -> Option<Arc<Server>> {
    let port = match srst.certificate {
        None => srst.port,
        Some(_) => srst.port.saturating_add(SECURE),
    };
    let address = (srst.address.as_str(), port).to_socket_addrs().ok()?.next()?;
    Some(Arc::new(match &srst.certificate {
        None => Server::without_tls(address),
        Some(certificate) => Server::new(address, vec![certificate.clone()]),
    }))
}

/// What the CTL has for the server itself, by name or by address.
fn certificates(ctl: Option<&VerifiedCtl>, name: &str, address: SocketAddr) -> Vec<Vec<u8>> {
    let records = ctl.into_iter().flat_map(|ctl| ctl.records());
    let its = records.filter(|record| {
        record.role.is_call_manager()
            && (record.address == Some(address.ip())
                || record.dns_name.as_ref().is_some_and(|other| *other == *name))
    });
    its.filter_map(|record| record.certificate.clone()).collect()
}
