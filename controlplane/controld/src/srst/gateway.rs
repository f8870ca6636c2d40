//! A gateway at a branch: `ringfence-controld --role srst`.
//!
//! While the centre is there it follows what the centre says of its phones. When the centre is
//! gone, phones come by themselves and are served with what was said last; when it is back they are
//! sent home in order. Whoever may register is let in at any time: a phone that comes here has
//! found no CallManager, whatever this gateway sees of the centre.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ::srst::agent::{self, CentreAddress, CentreFault, News};
use ::srst::branch;
use ::srst::bundle::{Bundle, Signed};
use ::srst::homecoming::{Homecoming, Order};
use ::srst::link::Report;
use ::srst::provider::{self, Provider};
use ::srst::tls::Own;
use ::srst::vault::{Vault, VaultFault};
use ::srst::watch::{Centre, Watch};
use anyhow::{Context, Error, Result, anyhow};
use console::{PerStatusView, SrstOwnView, SrstStatusView};
use lang::{Language, Say};
use messages::{Explain, srst};
use pki::node::{self, NodeName};
use pki::{Certificate, KeyKind};
use store::{Author, Guid, PhoneOrderKind, Store};

use super::{Survival, explain, rfc3339};
use crate::callmanager::{self, CallManager, Extent};
use crate::config::{Config, Survive};
use crate::services::Services;

/// How often it looks whether something is to be done.
const TURN: Duration = Duration::from_millis(500);

/// A gateway.
pub struct Gateway {
    store: Arc<Store>,
    services: Arc<Services>,
    config: Config,
    node: String,
    own: Own,
    vault: Vault,
    centres: Vec<CentreAddress>,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    /// What it was given last.
    kept: Option<Kept>,
    /// Why the centre does not answer.
    fault: Option<CentreFault>,
    /// Why what it was given is of no use.
    refused: Option<String>,
    /// Why what it had kept is of no use.
    unreadable: Option<VaultFault>,
    provider: Option<Provider>,
    /// Why its certificate is not shown.
    unshown: Option<String>,
    calls: Option<Serving>,
    /// Why calls are not served.
    unserved: Option<String>,
    homecoming: Homecoming,
    sent_home: u64,
}

/// What it was given.
struct Kept {
    digest: String,
    reference: String,
    port: u16,
    phones: usize,
    /// When it came; absent: it was kept from before the start.
    at: Option<SystemTime>,
}

/// Call processing while it runs, and the port that it was started on.
struct Serving {
    _running: CallManager,
    port: u16,
}

impl Gateway {
    /// Opens what it has: its key, and what it was given before. From now on it can be asked how it
    /// stands.
    pub fn open(
        config: &Config,
        store: &Arc<Store>,
        services: &Arc<Services>,
    ) -> Result<Arc<Self>> {
        let survive = &config.srst;
        let node = config.node_name();
        let own = own(config, &node)?;
        let state = config.srst_directory();
        std::fs::create_dir_all(&state).with_context(|| state.display().to_string())?;
        let centres = survive.centre.iter().map(|centre| CentreAddress {
            address: centre.address,
            fingerprint: centre.sha256.to_lowercase().replace(':', ""),
        });
        let order = Order {
            settled: Duration::from_secs(survive.settled_seconds),
            per_second: survive.return_per_second,
        };
        let gateway = Self {
            store: Arc::clone(store),
            services: Arc::clone(services),
            vault: Vault::new(&state, &config.key_directory),
            centres: centres.collect(),
            config: config.clone(),
            node,
            own,
            state: Mutex::new(State {
                watch: Watch::new(Instant::now()),
                kept: None,
                fault: None,
                refused: None,
                unreadable: None,
                provider: None,
                unshown: None,
                calls: None,
                unserved: None,
                homecoming: Homecoming::new(order),
                sent_home: 0,
            }),
        };
        gateway.recall();
        let gateway = Arc::new(gateway);
        services.set_survival(Some(Arc::clone(&gateway) as _));
        Ok(gateway)
    }

    /// Works until `ended`.
    pub fn run(self: &Arc<Self>, ended: &AtomicBool) -> Result<()> {
        let (reporting, hearing) = (Arc::clone(self), Arc::clone(self));
        let agent = agent::start(
            self.own.clone(),
            self.centres.clone(),
            move || reporting.report(),
            move |news| hearing.hear(news),
        )?;
        while !ended.load(Ordering::Acquire) {
            self.show_certificate();
            self.serve();
            self.send_home();
            thread::sleep(TURN);
        }
        drop(agent);
        self.services.set_survival(None);
        self.services.set_telephony(None);
        let (calls, provider) = {
            let mut state = self.state();
            (state.calls.take(), state.provider.take())
        };
        // Their threads end here, which takes its time.
        drop((calls, provider));
        Ok(())
    }

    /// Takes up what it had before it was stopped, if it can still be believed.
    fn recall(&self) {
        match self.vault.open() {
            Ok(None) => {}
            Ok(Some(signed)) => {
                if let Err(why) = self.take(&signed, None) {
                    self.state().refused = Some(why);
                }
            }
            Err(fault) => self.state().unreadable = Some(fault),
        }
    }

    fn hear(&self, news: News) {
        match news {
            News::Failed(fault) => self.state().fault = Some(fault),
            News::Good => self.answered(),
            News::Take(signed) => {
                self.answered();
                let taken = self.take(&signed, Some(SystemTime::now()));
                let kept = taken
                    .and_then(|()| self.vault.keep(&signed).map_err(|fault| fault.to_string()));
                let mut state = self.state();
                state.refused = kept.err();
                if state.refused.is_none() {
                    state.unreadable = None;
                }
            }
        }
    }

    fn answered(&self) {
        let mut state = self.state();
        state.watch.handle_answer(Instant::now());
        state.fault = None;
    }

    /// Serves by this from now on; or the reason, in English, why not.
    fn take(&self, signed: &Signed, at: Option<SystemTime>) -> Result<(), String> {
        let known: Vec<_> = self.centres.iter().map(|it| it.fingerprint.clone()).collect();
        let bundle = signed.verify(&known).map_err(|refused| refused.to_string())?;
        let now = SystemTime::now();
        branch::apply(&self.store, &bundle, &self.node, now)
            .map_err(|error| error.say(Language::English))?;
        let Bundle { reference, port, devices, .. } = bundle;
        let (digest, phones) = (signed.digest(), devices.len());
        self.state().kept = Some(Kept { digest, reference, port, phones, at });
        Ok(())
    }

    fn report(&self) -> Report {
        let (phones, calls) = self.counts();
        Report { have: self.state().kept.as_ref().map(|it| it.digest.clone()), phones, calls }
    }

    fn counts(&self) -> (u32, u32) {
        let counters = self.services.telephony().map(|it| it.counters()).unwrap_or_default();
        let sum = |it: PerStatusView| it.non_secure + it.authenticated + it.encrypted;
        let small = |count| u32::try_from(sum(count)).unwrap_or(u32::MAX);
        (small(counters.phones_registered), small(counters.calls_active))
    }

    /// A port that is taken may be free again.
    fn show_certificate(&self) {
        if self.state().provider.is_some() {
            return;
        }
        let address = self.config.srst.provider;
        let listener = TcpListener::bind(address).map_err(|error| error.to_string());
        let started = listener.and_then(|listener| {
            provider::start(listener, &self.own).map_err(|fault| fault.to_string())
        });
        let mut state = self.state();
        state.unshown = started.as_ref().err().cloned();
        state.provider = started.ok();
    }

    fn serve(&self) {
        let port = match &*self.state() {
            State { kept: Some(kept), calls, .. }
                if calls.as_ref().is_none_or(|it| it.port != kept.port) =>
            {
                kept.port
            }
            _ => return,
        };
        self.services.set_telephony(None);
        let old = self.state().calls.take();
        drop(old);
        let started = self.start_calls();
        let mut state = self.state();
        match started {
            Ok(running) => {
                self.services.set_telephony(Some(Arc::new(running.desk.clone())));
                state.calls = Some(Serving { _running: running, port });
                state.unserved = None;
            }
            Err(why) => state.unserved = Some(why),
        }
    }

    fn start_calls(&self) -> Result<CallManager, String> {
        let me = self.store.read(|view| view.node(&self.node));
        let me = me.map_err(|error| error.say(Language::English))?;
        let address = self.config.sccp.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let (config, cell) = (&self.config, self.services.cell());
        let extent = Extent::CallsAlone;
        callmanager::start(config, &self.store, address, cell, &me, SystemTime::now(), extent)
    }

    fn send_home(&self) {
        let Some(telephony) = self.services.telephony() else { return };
        let centre = self.state().watch.centre(Instant::now());
        let here = match centre {
            Centre::Here { .. } => telephony.registered(),
            Centre::Unknown | Centre::Away { .. } => Vec::new(),
        };
        let registered: Vec<_> = here.into_iter().map(|phone| phone.device).collect();
        let whom = self.state().homecoming.whom(Instant::now(), centre, &registered);
        if whom.is_empty() {
            return;
        }
        // A reset, so that they read again where their CallManagers are.
        let told = telephony.order(&whom, PhoneOrderKind::Reset);
        self.state().sent_home += told.len() as u64;
        let author = Author::new("srst", &*self.node);
        let detail = format!("{} phones are sent home", told.len());
        // What is audited here is in memory only; it may be missing.
        let _ = self.store.audit(&author, SystemTime::now(), "homecoming", &detail);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment of the past on the clock of now, whatever was done to the clock since.
fn wall(past: Instant) -> SystemTime {
    SystemTime::now() - past.elapsed()
}

/// Its key and certificate, made at the first start; one of an authority is put in its place by
/// hand.
fn own(config: &Config, node: &str) -> Result<Own> {
    let directory = &config.key_directory;
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let name = NodeName {
        server: node.to_owned(),
        guid: Guid::random().to_string(),
        addresses: Vec::new(),
    };
    // The most that 79xx phones take.
    let identity = node::open_or_create(directory, &name, KeyKind::Rsa2048, SystemTime::now())
        .map_err(|fault| anyhow!("{:#}", fault.explain(Language::English)))?;
    let issuer = config.srst.issuer.as_deref().map(issuer).transpose()?;
    if let Some(issuer) = issuer.as_ref().filter(|it| !identity.certificate().is_issued_by(it)) {
        return Err(anyhow!(
            "`issuer` in [controld.srst] ({}) has not issued {}",
            issuer.subject(),
            directory.join(node::CERTIFICATE_FILE).display()
        ));
    }
    Ok(Own::new(identity.certificate(), issuer, &directory.join(node::KEY_FILE)))
}

fn issuer(path: &Path) -> Result<Certificate> {
    let told = || format!("`issuer` in [controld.srst]: {}", path.display());
    let text = std::fs::read_to_string(path).with_context(told)?;
    let der = pki::export::read_pem(&text).unwrap_or_default();
    let [der] = &der[..] else { return Err(anyhow!("{}: write one PEM certificate", told())) };
    Certificate::parse(der).map_err(Error::from).with_context(told)
}

impl Survival for Gateway {
    fn view(&self) -> SrstStatusView {
        let (phones, calls) = self.counts();
        let state = self.state();
        let (centre, since) = match state.watch.centre(Instant::now()) {
            Centre::Unknown => ("unknown", SystemTime::now()),
            Centre::Here { since } => ("here", wall(since)),
            Centre::Away { since } => ("away", wall(since)),
        };
        let kept = state.kept.as_ref();
        SrstStatusView::Gateway(SrstOwnView {
            reference: kept.map(|it| it.reference.clone()),
            certificate_sha256: self.own.certificate.fingerprint(),
            centre: centre.to_owned(),
            since: rfc3339(since),
            synchronised_at: kept.and_then(|it| it.at).map(rfc3339),
            known_phones: kept.map_or(0, |it| it.phones),
            phones,
            calls,
            sent_home: state.sent_home,
        })
    }

    fn alarms(&self, language: Language) -> Vec<String> {
        let state = self.state();
        let mut alarms = Vec::new();
        let fault = state.fault.as_ref().map(CentreFault::detail).unwrap_or_default();
        if let Centre::Away { since } = state.watch.centre(Instant::now()) {
            let values = [("since", rfc3339(wall(since))), ("detail", fault.clone())];
            alarms.push(explain(&srst::SRST_CENTRE_AWAY, &values, language));
        }
        if let Some(CentreFault::Untrusted(untrusted)) = &state.fault {
            alarms.push(untrusted.explain(language));
        }
        if state.kept.is_none() {
            let values = [("detail", fault)];
            alarms.push(explain(&srst::SRST_NOT_SYNCHRONISED, &values, language));
        }
        if let Some(why) = &state.refused {
            let addresses: Vec<_> = self.centres.iter().map(|it| it.address.to_string()).collect();
            let values = [("address", addresses.join(", ")), ("detail", why.clone())];
            alarms.push(explain(&srst::SRST_SYNCHRONISATION_REFUSED, &values, language));
        }
        alarms.extend(state.unreadable.as_ref().map(|fault| fault.explain(language)));
        if let Some(why) = &state.unshown {
            let values = [
                ("address", self.config.srst.provider.to_string()),
                ("detail", why.clone()),
                ("setting", "`provider` in [controld.srst]".to_owned()),
            ];
            alarms.push(explain(&srst::SRST_PORT_IN_USE, &values, language));
        }
        let alarms = alarms.into_iter().map(|said| format!("{} {}", said.text, said.cause));
        alarms.chain(state.unserved.clone()).collect()
    }
}

impl Survive {
    /// Whether there is anything to report to.
    pub fn check(&self) -> Result<()> {
        if self.centre.is_empty() {
            return Err(anyhow!(
                "no centre to report to: write [[controld.srst.centre]] with `address` and `sha256`"
            ));
        }
        for centre in &self.centre {
            let digits = centre.sha256.replace(':', "");
            if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(anyhow!(
                    "`sha256` of the centre {} is no SHA-256 fingerprint: copy `certificate_sha256` \
                     of `ringfence -o json status` there",
                    centre.address
                ));
            }
        }
        Ok(())
    }
}
