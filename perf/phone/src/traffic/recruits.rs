//! Who the telephones of a fleet are.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tftp::DeviceName;
use tlv::VerifiedCtl;

use crate::connection::{Legacy, LegacyManner, Modern, ModernManner, Server, TlsIdentity, Way};
use crate::office::{Manners, Setup, SetupError, TlsStyle, servers_by};
use crate::station::Profile;
use crate::{Flash, Model, SecurityMode};

/// A telephone of a list: `DEVICE,MODEL,MODE[,NUMBER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recruit {
    /// Its name.
    pub device: DeviceName,
    /// Its model.
    pub model: Model,
    /// Its mode.
    pub mode: SecurityMode,
    /// The number that leads to it, for those who call it.
    pub number: Option<String>,
}

/// A list that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecruitError {
    /// A line that says nothing.
    #[error("line {line}: {cause}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A telephone that cannot register.
    #[error("{device}: {error}")]
    Setup {
        /// Which.
        device: DeviceName,
        /// Why not.
        error: SetupError,
    },
}

/// What all telephones of a fleet have in common.
pub struct Recruits<'a> {
    /// Their servers, the preferred one first: clear ports, from which secure ones follow.
    pub servers: &'a [SocketAddr],
    /// How they speak TLS.
    pub manners: &'a Manners,
    /// The directory with a flash directory for each secure one of them.
    pub flash: Option<&'a Path>,
    /// The CTL of all of them; `None`: each has its own in its flash.
    pub ctl: Option<&'a VerifiedCtl>,
    /// The address they call from; `None`: the kernel chooses.
    pub source: Option<IpAddr>,
}

impl Recruit {
    /// Reads a list, a telephone per line; `#` begins a comment.
    pub fn list(text: &str) -> Result<Vec<Self>, RecruitError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        lines
            .map(|(line, text)| {
                Self::parse(text).map_err(|cause| RecruitError::Line { line, cause })
            })
            .collect()
    }

    fn parse(line: &str) -> Result<Self, String> {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        let (device, model, mode, number) = match fields[..] {
            [device, model, mode] => (device, model, mode, None),
            [device, model, mode, number] => (device, model, mode, Some(number.to_owned())),
            _ => return Err("a line is DEVICE,MODEL,MODE[,NUMBER]".to_owned()),
        };
        let modes = [SecurityMode::NonSecure, SecurityMode::Authenticated, SecurityMode::Encrypted];
        let named = modes.into_iter().find(|known| known.to_string() == mode);
        Ok(Self {
            device: DeviceName::parse(device)
                .ok_or("a name is SEP and twelve hexadecimal digits")?,
            model: model.parse()?,
            mode: named.ok_or("a mode is non-secure, authenticated or encrypted")?,
            number,
        })
    }
}

impl Recruits<'_> {
    /// Sets all of them up. What they have in common is there once.
    pub fn setups(&self, list: &[Recruit]) -> Result<Vec<Setup>, RecruitError> {
        let mut shared = Shared::default();
        let setup = |recruit: &Recruit| {
            let device = recruit.device;
            let setup = self.setup(recruit, &mut shared);
            setup.map_err(|error| RecruitError::Setup { device, error })
        };
        list.iter().map(setup).collect()
    }

    fn setup(&self, recruit: &Recruit, shared: &mut Shared) -> Result<Setup, SetupError> {
        let Recruit { device, model, mode, .. } = *recruit;
        let flash = match (mode, self.flash) {
            (SecurityMode::NonSecure, _) => None,
            (_, None) => return Err(SetupError::NoCertificate(mode)),
            (_, Some(flash)) => Some(Flash::open(&flash.join(device.to_string()))?),
        };
        let own = match (&flash, self.ctl) {
            (Some(flash), None) => flash.read()?.0.ctl,
            _ => None,
        };
        let names = self.servers.iter().map(|it| (it.ip().to_string(), it.port()));
        let names: Vec<_> = names.collect();
        let servers = shared.servers(servers_by(&names, mode, self.ctl.or(own.as_ref())));
        let identity = flash.map(|flash| flash.tls_identity()).transpose()?.flatten();
        let way = match identity {
            None if mode == SecurityMode::NonSecure => Way::Plain,
            None => return Err(SetupError::NoCertificate(mode)),
            Some(identity) => shared.way(self.manners, mode, &servers, &identity)?,
        };
        let mut profile = Profile::new(device, model);
        (profile.mode, profile.servers) = (mode, servers.len());
        Ok(Setup { profile, servers, way, source: self.source })
    }
}

/// What telephones share.
#[derive(Default)]
struct Shared {
    servers: Vec<Arc<[Arc<Server>]>>,
    legacy: BTreeMap<String, LegacyManner>,
    modern: BTreeMap<String, ModernManner>,
}

impl Shared {
    fn servers(&mut self, servers: Vec<Arc<Server>>) -> Arc<[Arc<Server>]> {
        let known = self.servers.iter().find(|known| known[..] == servers[..]);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        // Whoever knows other servers cannot share what knows them.
        self.modern.clear();
        let servers: Arc<[_]> = servers.into();
        self.servers.push(Arc::clone(&servers));
        servers
    }

    fn way(
        &mut self,
        manners: &Manners,
        mode: SecurityMode,
        servers: &[Arc<Server>],
        identity: &TlsIdentity,
    ) -> Result<Way, SetupError> {
        let log = manners.log.as_ref();
        Ok(match manners.style {
            TlsStyle::Legacy => {
                let manner = match self.legacy.get(&mode.to_string()) {
                    Some(manner) => manner.clone(),
                    None => Legacy::manner(mode, log)?,
                };
                self.legacy.insert(mode.to_string(), manner.clone());
                Way::Legacy(Arc::new(Legacy::new(&manner, identity)))
            }
            TlsStyle::Modern => {
                let manner = self.modern.entry(mode.to_string());
                let manner = manner.or_insert_with(|| Modern::manner(mode, servers, log));
                Way::Modern(Arc::new(Modern::new(manner, identity)?))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_telephone_per_line() {
        let list =
            "# a fleet\nSEP001122334455,7960,encrypted,1001\n\nSEP001122334456,7970,non-secure\n";
        let list = Recruit::list(list).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(
            (list[0].mode, list[0].number.as_deref()),
            (SecurityMode::Encrypted, Some("1001"))
        );
        for (line, expected) in [
            ("SEP1,7960,encrypted", "line 1: a name is SEP"),
            ("SEP001122334455,7911,encrypted", "no model 7911"),
            ("SEP001122334455,7960,open", "a mode is"),
            ("SEP001122334455", "a line is"),
        ] {
            let error = Recruit::list(line).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_secure_telephone_needs_something_to_show() {
        let list = Recruit::list("SEP001122334455,7960,encrypted").unwrap();
        let servers = [SocketAddr::from(([192, 0, 2, 1], 2000))];
        let manners = Manners::default();
        let common = |flash| Recruits {
            servers: &servers,
            manners: &manners,
            flash,
            ctl: None,
            source: None,
        };
        assert!(common(None).setups(&list).is_err());
        let empty = tempfile::tempdir().unwrap();
        let error = common(Some(empty.path())).setups(&list).unwrap_err().to_string();
        assert!(error.contains("no certificate"), "{error}");
    }
}
