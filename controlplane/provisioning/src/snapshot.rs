//! What the store says of phones, kept until it says something else.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use store::{
    CapfOperation, Device, DeviceName, PhoneCertificate, Revision, SecurityMode, Store, View,
};

use crate::configuration::{Certificates, Common, default_file, of_device};

/// How long a change that another process made may go unseen. A phone that has just been told of
/// a new mode asks for its files at once, and must not meet the old one.
const GLANCE: Duration = Duration::from_millis(2);
/// The same after the database could not be read, so that phones do not wait for it.
const GLANCE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// So many objects are looked at one by one; when more have changed, everything is read anew.
const FEW: u32 = 256;
/// What the store calls the objects of which an enrolment changes some.
const OF_ENROLMENT: [&str; 3] = ["capf", "authentication-string", "phone-certificate"];

/// The store at one revision.
#[derive(Clone)]
pub struct Snapshot {
    revision: Revision,
    common: Common,
    devices: HashMap<String, Device>,
    /// Of those phones that CAPF knows something of.
    certificates: HashMap<String, Certificates>,
    caching: bool,
}

impl Snapshot {
    fn read(store: &Store, node: &str) -> store::Result<Self> {
        store.read(|view| {
            let known = view.nodes()?.iter().any(|known| known.name == node);
            let caching = view.parameter(known.then_some(node), "tftp.caching")?.flag();
            let devices = view.devices()?;
            let devices = devices.into_iter().map(|device| (device.name.to_string(), device));
            Ok(Self {
                revision: view.revision()?,
                common: Common::read(view)?,
                devices: devices.collect(),
                certificates: certificates(view)?,
                caching,
            })
        })
    }

    /// Takes over what changed since, if that was enrolments only: thousands of phones that enrol
    /// must not make each file wait for all of them to be read. Whether it was that.
    fn follow(&mut self, view: &mut View<'_>) -> store::Result<bool> {
        let revision = view.revision()?;
        let Some(touched) = view.touched_since(self.revision, FEW)? else { return Ok(false) };
        // An older database was restored, or something else has changed.
        let elsewhere = |(object, _): &(String, _)| !OF_ENROLMENT.contains(&&**object);
        if revision < self.revision || touched.iter().any(elsewhere) {
            return Ok(false);
        }
        let phones: BTreeSet<_> =
            touched.iter().filter_map(|(_, of)| of.split(' ').next()).collect();
        for phone in phones {
            let Some(device) = self.devices.get(phone) else { continue };
            let certificates = certificates_of(view, &device.name)?;
            match certificates == Certificates::default() {
                true => drop(self.certificates.remove(phone)),
                false => drop(self.certificates.insert(phone.to_owned(), certificates)),
            }
        }
        self.revision = revision;
        Ok(true)
    }

    /// Whether files are signed.
    pub fn signs(&self) -> bool {
        self.common.mode == SecurityMode::Mixed
    }

    /// Whether built and signed files stay in memory instead of going to disk.
    pub fn caching(&self) -> bool {
        self.caching
    }

    /// The configuration file of a phone, if it is known. `name` is upper-case.
    pub fn configuration(&self, name: &str) -> Option<String> {
        Some(self.file(name, self.devices.get(name)?))
    }

    /// The configuration files of all phones.
    pub fn configurations(&self) -> impl Iterator<Item = (&str, String)> {
        self.devices.iter().map(|(name, device)| (&**name, self.file(name, device)))
    }

    fn file(&self, name: &str, device: &Device) -> String {
        match self.certificates.get(name) {
            Some(certificates) => of_device(device, certificates, &self.common),
            None => of_device(device, &Certificates::default(), &self.common),
        }
    }

    /// The file for phones without one of their own.
    pub fn default_configuration(&self) -> String {
        let mut loads: Vec<_> = self
            .devices
            .values()
            .filter(|device| !device.load_information.is_empty())
            .map(|device| (device.model, device.load_information.clone()))
            .collect();
        loads.sort_by_key(|(model, load)| (model.load_id(), load.clone()));
        loads.dedup_by_key(|(model, _)| *model);
        default_file(&self.common, &loads)
    }
}

fn certificates(view: &mut View<'_>) -> store::Result<HashMap<String, Certificates>> {
    let mut certificates: HashMap<String, Certificates> = HashMap::new();
    for (device, mode) in view.capf_pending()? {
        certificates.entry(device.into()).or_default().pending = Some(mode);
    }
    for lsc in view.present_lscs()? {
        let md5 = Some(md5(&lsc));
        certificates.entry(lsc.device.into()).or_default().lsc_md5 = md5;
    }
    Ok(certificates)
}

/// The same of one phone.
fn certificates_of(view: &mut View<'_>, device: &DeviceName) -> store::Result<Certificates> {
    let capf = view.capf(device)?;
    let pending = (capf.operation != CapfOperation::None).then_some(capf.auth_mode);
    Ok(Certificates { pending, lsc_md5: view.present_lsc(device)?.as_ref().map(md5) })
}

fn md5(lsc: &PhoneCertificate) -> String {
    Md5::digest(&lsc.der).iter().map(|b| format!("{b:02x}")).collect()
}

/// The newest snapshot there is. When the database is away, the last one serves on.
pub struct Snapshots {
    store: Arc<Store>,
    node: String,
    state: Mutex<State>,
}

struct State {
    newest: Arc<Snapshot>,
    next_look: Instant,
}

impl Snapshots {
    /// Reads the first one.
    pub fn new(store: Arc<Store>, node: &str) -> store::Result<Self> {
        let newest = Arc::new(Snapshot::read(&store, node)?);
        let state = Mutex::new(State { newest, next_look: Instant::now() + GLANCE });
        Ok(Self { store, node: node.to_owned(), state })
    }

    /// The newest one.
    pub fn newest(&self) -> Arc<Snapshot> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let made_here = self.store.wait(Revision(0), Duration::ZERO) > state.newest.revision;
        if made_here || Instant::now() >= state.next_look {
            let looked = self.look(&mut state);
            let pause = if looked.is_ok() { GLANCE } else { GLANCE_AFTER_FAILURE };
            state.next_look = Instant::now() + pause;
        }
        Arc::clone(&state.newest)
    }

    fn look(&self, state: &mut State) -> store::Result<()> {
        let State { newest, .. } = state;
        let follows = self.store.read(|view| {
            Ok(view.revision()? == newest.revision || Arc::make_mut(newest).follow(view)?)
        })?;
        if !follows {
            *newest = Arc::new(Snapshot::read(&self.store, &self.node)?);
        }
        Ok(())
    }
}
