//! What the store says of phones, kept until it says something else.

use std::collections::{BTreeSet, HashMap};

use md5::{Digest, Md5};
use store::{
    CapfOperation, Device, DeviceName, PhoneCertificate, Revision, SecurityMode, State, View,
};

use crate::configuration::{Certificates, Common, default_file, of_device};

/// So many objects are looked at one by one, or one for every so many phones that there are; when
/// more have changed, everything is read anew, which is less work then.
const FEW: u32 = 256;
const ONE_IN: usize = 4;
/// What the store calls the objects of which an enrolment, or a change of one phone, changes some.
const OF_PHONES: [&str; 4] = ["device", "capf", "authentication-string", "phone-certificate"];
/// What is in no file.
const ELSEWHERE: [&str; 5] = ["line", "route", "region", "due-action", "phone-order"];

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

impl State for Snapshot {
    fn read(view: &mut View<'_>, node: &str) -> store::Result<Self> {
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
    }

    fn revision(&self) -> Revision {
        self.revision
    }

    /// Thousands of phones that enrol or are entered must not make each file wait for all of them
    /// to be read.
    fn follow(&mut self, view: &mut View<'_>) -> store::Result<bool> {
        let revision = view.revision()?;
        let few = u32::try_from(self.devices.len() / ONE_IN).unwrap_or(u32::MAX).max(FEW);
        let Some(touched) = view.touched_since(self.revision, few)? else { return Ok(false) };
        // An older database was restored, or something else has changed.
        let known = |object: &str| OF_PHONES.contains(&object) || ELSEWHERE.contains(&object);
        if revision < self.revision || !touched.iter().all(|(object, _)| known(object)) {
            return Ok(false);
        }
        let of_phones = touched.iter().filter(|(object, _)| OF_PHONES.contains(&&**object));
        let phones: BTreeSet<_> = of_phones.filter_map(|(_, of)| of.split(' ').next()).collect();
        for phone in phones {
            let name: DeviceName = phone.parse()?;
            let Some(device) = view.find_device(&name)? else {
                self.devices.remove(phone);
                self.certificates.remove(phone);
                continue;
            };
            self.devices.insert(phone.to_owned(), device);
            let certificates = certificates_of(view, &name)?;
            match certificates == Certificates::default() {
                true => drop(self.certificates.remove(phone)),
                false => drop(self.certificates.insert(phone.to_owned(), certificates)),
            }
        }
        self.revision = revision;
        Ok(true)
    }
}

impl Snapshot {
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

/// The newest snapshot there is.
pub type Snapshots = store::Latest<Snapshot>;
