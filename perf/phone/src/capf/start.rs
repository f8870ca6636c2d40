//! One phone with its flash: from its configuration to its certificate.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use capf::codec::Password;
use capf::phone::{Credential, Manner};

use super::{
    Caller, Enrolment, Notice, Patience, Plan, Stopper, TlsManner, Trust, Verdict, Workshop, plan,
    run_until,
};
use crate::phone::{Phone, PhoneError, Report};
use crate::{Configuration, Flash, Model};

/// How a phone goes to CAPF.
#[derive(Clone, Debug)]
pub struct Habits {
    /// How often it tries.
    pub patience: Patience,
    /// How it talks.
    pub manner: Manner,
    /// How it speaks TLS.
    pub tls: TlsManner,
    /// The address it calls from; `None`: the kernel chooses.
    pub source: Option<IpAddr>,
}

impl Habits {
    /// As the model has them.
    pub fn of(model: Model) -> Self {
        Self {
            patience: Patience::default(),
            manner: Manner { legacy: model.speaks_early_capf(), ..Manner::default() },
            tls: TlsManner::of(model),
            source: None,
        }
    }
}

/// How a start went, CAPF included.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    /// The start itself.
    pub boot: Report,
    /// What it meant to do about CAPF.
    pub plan: Plan,
    /// What came of that, if it went there.
    pub verdict: Option<Verdict>,
    /// The second start, after its certificate had changed.
    pub again: Option<Report>,
}

impl Phone {
    /// Starts; goes to CAPF if its configuration, or what it has in hand, says so; and starts again
    /// if that has changed its certificate. `typed` is what its user enters as authentication
    /// string.
    ///
    /// A non-secure phone would register in between; that is somebody else's business here.
    pub fn start(
        &self,
        typed: Option<&Password>,
        habits: &Habits,
        stopper: &Stopper,
        watch: impl FnMut(&Notice),
    ) -> Result<Started, PhoneError> {
        let boot = self.boot()?;
        let (installed, _) = self.flash.read()?;
        let configuration = installed.configuration.as_deref();
        let configuration = configuration.and_then(|file| Configuration::parse(file).ok());
        let configuration = configuration.unwrap_or_default();
        let plan = plan(&configuration, typed, self.flash.read_wallet()?.pending.as_ref());
        let Plan::Enrol(credential, _) = &plan else {
            return Ok(Started { boot, plan, verdict: None, again: None });
        };
        let servers = resolve(&configuration.capf_servers);
        let verdict = self.enrol(credential.clone(), servers, habits, stopper, watch)?;
        let again = if verdict == Verdict::Updated { Some(self.boot()?) } else { None };
        Ok(Started { boot, plan, verdict: Some(verdict), again })
    }

    /// Goes to one of these CAPF servers.
    pub fn enrol(
        &self,
        credential: Credential,
        servers: Vec<SocketAddr>,
        habits: &Habits,
        stopper: &Stopper,
        mut watch: impl FnMut(&Notice),
    ) -> Result<Verdict, PhoneError> {
        let (installed, _) = self.flash.read()?;
        let caller = Caller {
            enrolment: Enrolment::start(
                self.identity.device,
                habits.manner,
                habits.patience,
                servers.len(),
                credential,
                self.flash.read_wallet()?,
                self.flash.clone(),
            ),
            servers,
            trust: Trust::by(installed.ctl.as_ref()),
            tls: habits.tls.clone(),
            source: habits.source,
        };
        let verdict = self.call(caller, stopper, |_, notice| watch(notice));
        verdict.map_err(PhoneError::Capf)
    }

    fn call(
        &self,
        caller: Caller<Flash>,
        stopper: &Stopper,
        watch: impl FnMut(&capf::DeviceName, &Notice),
    ) -> io::Result<Verdict> {
        let workshop = Workshop::new(1)?;
        let finished = run_until([caller], 1, &workshop, stopper, watch)?;
        let verdict = finished.into_iter().next().map(|finished| finished.verdict);
        Ok(verdict.expect("every caller finishes"))
    }
}

/// Addresses of the servers whose names can be resolved.
pub(crate) fn resolve(servers: &[(String, u16)]) -> Vec<SocketAddr> {
    let addresses = |(name, port): &(String, u16)| {
        (name.as_str(), *port).to_socket_addrs().into_iter().flatten().next()
    };
    servers.iter().filter_map(addresses).collect()
}
