//! All phones in memory, so that a list is found without a query for ten thousand of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use console::{PhoneFilter, PhoneRow, RegistrationView};
use lang::{Language, Say};
use store::{
    CapfStatus, Device, DeviceName, DeviceSecurityMode, EffectiveMode, Revision, SecurityMode,
    State, View,
};

/// Changes that are taken over one by one; after more, everything is read anew.
const FEW: u32 = 512;
/// What a list of phones does not depend on, as the store calls it.
const ELSEWHERE: [&str; 9] = [
    "administrator",
    "api-token",
    "authentication-string",
    "certificate",
    "certificate-copy",
    "ctl",
    "line",
    "password",
    "phone-certificate",
];

/// All phones.
#[derive(Clone, Debug)]
pub(super) struct Phonebook {
    revision: Revision,
    phones: BTreeMap<DeviceName, Arc<Device>>,
    /// What is looked at beside the phones themselves.
    pub facts: Facts,
}

impl State for Phonebook {
    fn read(view: &mut View<'_>, _: &str) -> store::Result<Self> {
        let phones = view.devices()?.into_iter();
        Ok(Self {
            revision: view.revision()?,
            phones: phones.map(|phone| (phone.name.clone(), Arc::new(phone))).collect(),
            facts: Facts::read(view)?,
        })
    }

    fn revision(&self) -> Revision {
        self.revision
    }

    fn follow(&mut self, view: &mut View<'_>) -> store::Result<bool> {
        let revision = view.revision()?;
        let Some(touched) = view.touched_since(self.revision, FEW)? else { return Ok(false) };
        if revision < self.revision {
            return Ok(false);
        }
        for (object, subject) in touched {
            match &*object {
                "device" => {
                    let name = subject.parse()?;
                    match view.find_device(&name)? {
                        Some(phone) => drop(self.phones.insert(name, Arc::new(phone))),
                        None => drop(self.phones.remove(&name)),
                    }
                }
                "capf" => {
                    let name: DeviceName = subject.parse()?;
                    let status = view.capf(&name)?.status;
                    self.facts.lsc.insert(name, status);
                }
                object if ELSEWHERE.contains(&object) => {}
                _ => return Ok(false),
            }
        }
        self.revision = revision;
        Ok(true)
    }
}

impl Phonebook {
    /// All phones, by name.
    pub fn phones(&self) -> impl Iterator<Item = &Device> {
        self.phones.values().map(|phone| &**phone)
    }
}

/// What a list of phones says beside the phones' own settings.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub mode: SecurityMode,
    pub default: EffectiveMode,
    lsc: HashMap<DeviceName, CapfStatus>,
    /// The SRST references of pools.
    srst: HashMap<String, String>,
}

impl Facts {
    /// As the store has them.
    pub fn read(view: &mut View<'_>) -> store::Result<Self> {
        let pools = view.pools()?.into_iter();
        Ok(Self {
            mode: view.security_mode()?,
            default: view.default_device_mode()?,
            lsc: view.capfs()?.into_iter().map(|capf| (capf.device, capf.status)).collect(),
            srst: pools.filter_map(|pool| Some((pool.name, pool.srst?))).collect(),
        })
    }

    /// What became of a phone's LSC.
    pub fn lsc_status(&self, name: &DeviceName) -> CapfStatus {
        self.lsc.get(name).copied().unwrap_or(CapfStatus::None)
    }
}

/// Looks for phones.
pub(super) struct Search<'a> {
    facts: &'a Facts,
    registered: Option<HashSet<&'a str>>,
    filter: &'a PhoneFilter,
    /// In lower case.
    find: Option<String>,
}

impl<'a> Search<'a> {
    /// For those that a filter matches. `registered`: those that are, where that is known.
    pub fn new(
        facts: &'a Facts,
        registered: Option<&'a [RegistrationView]>,
        filter: &'a PhoneFilter,
    ) -> Self {
        let names = |phones: &'a [RegistrationView]| {
            phones.iter().map(|phone| phone.device.as_str()).collect()
        };
        let find = filter.find.as_ref().map(|text| text.to_lowercase());
        Self { facts, registered: registered.map(names), filter, find }
    }

    /// Whether a phone is one of them.
    pub fn matches(&self, device: &Device) -> bool {
        let PhoneFilter { security_mode, lsc_status, registered, model, pool, srst, find: _ } =
            self.filter;
        let in_mode = |mode: &DeviceSecurityMode| {
            let configured = device.configured_mode(self.facts.default);
            device.security_mode == *mode || configured.as_str() == mode.as_str()
        };
        let is_found = |text: &String| {
            let texts = [device.name.as_str(), &device.description, &device.owner];
            let numbers = device.lines.iter().map(|number| number.as_str());
            texts.into_iter().chain(numbers).any(|it| it.to_lowercase().contains(text))
        };
        let is_registered = self.is_registered(&device.name).unwrap_or_default();
        security_mode.as_ref().is_none_or(in_mode)
            && lsc_status.is_none_or(|status| self.facts.lsc_status(&device.name) == status)
            && registered.is_none_or(|wanted| is_registered == wanted)
            && model.is_none_or(|model| device.model == model)
            && pool.as_ref().is_none_or(|pool| device.pool == *pool)
            && srst.as_ref().is_none_or(|srst| self.facts.srst.get(&device.pool) == Some(srst))
            && self.find.as_ref().is_none_or(is_found)
    }

    /// A phone as a list shows it.
    pub fn row(&self, device: &Device, language: Language) -> PhoneRow {
        let lsc_status = self.facts.lsc_status(&device.name);
        PhoneRow {
            registered: self.is_registered(&device.name),
            effective_mode: device.effective_mode(self.facts.mode, self.facts.default),
            directory_number: directory_number(device),
            lsc_status_text: lsc_status.say(language),
            lsc_status,
            name: device.name.clone(),
            model: device.model,
            security_mode: device.security_mode,
            owner: device.owner.clone(),
            description: device.description.clone(),
            pool: device.pool.clone(),
        }
    }

    fn is_registered(&self, name: &DeviceName) -> Option<bool> {
        Some(self.registered.as_ref()?.contains(name.as_str()))
    }
}

/// The number on the first button, for a list.
pub(super) fn directory_number(device: &Device) -> String {
    device.directory_number().map(ToString::to_string).unwrap_or_default()
}
