//! What the store says of phones, kept until it says something else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use store::{Device, Revision, SecurityMode, Store, View};

use crate::configuration::{Certificates, Common, default_file, of_device};

/// How long a change that another process made may go unseen. A phone that has just been told of
/// a new mode asks for its files at once, and must not meet the old one.
const GLANCE: Duration = Duration::from_millis(2);
/// The same after the database could not be read, so that phones do not wait for it.
const GLANCE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// The store at one revision.
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
        let md5 = Md5::digest(&lsc.der).iter().map(|b| format!("{b:02x}")).collect();
        certificates.entry(lsc.device.into()).or_default().lsc_md5 = Some(md5);
    }
    Ok(certificates)
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
        if self.store.read(|view| view.revision())? != state.newest.revision {
            state.newest = Arc::new(Snapshot::read(&self.store, &self.node)?);
        }
        Ok(())
    }
}
