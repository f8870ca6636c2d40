//! Phones.

mod button;
mod hardening;
mod mode;
mod model;
mod name;

use serde::{Deserialize, Serialize};

use crate::change::{Change, Revision, json};
use crate::cluster::SecurityMode;
use crate::consequence::Trigger;
use crate::number::Number;
use crate::pool::DEFAULT_POOL;
use crate::sql::{Row, values};
use crate::{Error, Invalid, Refusal, Result, View, parameter};

pub use button::{MAX_BUTTONS, SpeedDial};
pub use hardening::Hardening;
pub use mode::{BuiltInBridge, DeviceSecurityMode, EffectiveMode};
pub use model::{BridgeMedia, Capability, Model, Support};
pub use name::DeviceName;

/// A phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// `SEP` and its MAC address.
    pub name: DeviceName,
    /// What it is.
    pub model: Model,
    /// For people.
    pub description: String,
    /// Who uses it.
    pub owner: String,
    /// The numbers it is called by, in the order of its line buttons. A number that other phones
    /// have too is a shared line.
    pub lines: Vec<Number>,
    /// The buttons that dial, which follow those of its lines.
    pub speed_dials: Vec<SpeedDial>,
    /// The pool it belongs to.
    pub pool: String,
    /// Whether others can be mixed into its calls by itself.
    pub built_in_bridge: BuiltInBridge,
    /// Whether its calls are hidden from others on shared lines.
    pub private: bool,
    /// The mode it is set to. What is in force also depends on the cluster: see [`EffectiveMode`].
    pub security_mode: DeviceSecurityMode,
    /// Name of its firmware load; empty keeps what it has.
    pub load_information: String,
    /// Directory of its words; empty is built-in English.
    pub user_locale: String,
    /// Directory of its tones; empty is the built-in ones.
    pub network_locale: String,
    /// What of it is open to the network and its user.
    pub hardening: Hardening,
    /// The revision that last touched it; set by the store.
    #[serde(default)]
    pub revision: Revision,
}

impl Device {
    /// A new phone with everything at its default.
    pub fn new(name: DeviceName, model: Model) -> Self {
        Self {
            name,
            model,
            description: String::new(),
            owner: String::new(),
            lines: Vec::new(),
            speed_dials: Vec::new(),
            pool: DEFAULT_POOL.to_owned(),
            built_in_bridge: BuiltInBridge::UseSystemDefault,
            private: false,
            security_mode: DeviceSecurityMode::UseSystemDefault,
            load_information: String::new(),
            user_locale: String::new(),
            network_locale: String::new(),
            hardening: Hardening::default(),
            revision: Revision::default(),
        }
    }

    /// The number on its first button.
    pub fn directory_number(&self) -> Option<&Number> {
        self.lines.first()
    }

    /// Puts a number on its first button, or takes it away: the next line moves up.
    pub fn set_directory_number(&mut self, number: Option<Number>) {
        if !self.lines.is_empty() {
            self.lines.remove(0);
        }
        if let Some(number) = number {
            self.lines.retain(|line| *line != number);
            self.lines.insert(0, number);
        }
    }

    /// The mode in force: the cluster's mode and the system default decide with the device's own.
    pub fn effective_mode(&self, cluster: SecurityMode, default: EffectiveMode) -> EffectiveMode {
        match cluster {
            SecurityMode::NonSecure => EffectiveMode::NonSecure,
            SecurityMode::Mixed => self.configured_mode(default),
        }
    }

    /// The mode that is in force once the cluster is in mixed mode.
    pub fn configured_mode(&self, default: EffectiveMode) -> EffectiveMode {
        if !self.model.is_securable() {
            return EffectiveMode::NonSecure;
        }
        self.security_mode.configured(default)
    }

    /// Its built-in bridge, if it has one and it is on: `default` is the service parameter Built
    /// In Bridge Enable.
    pub fn bridge(&self, default: bool) -> Option<BridgeMedia> {
        let on = match self.built_in_bridge {
            BuiltInBridge::UseSystemDefault => default,
            BuiltInBridge::On => true,
            BuiltInBridge::Off => false,
        };
        self.model.bridge().filter(|_| on)
    }

    fn check(&self) -> Result<()> {
        let texts = [
            ("description", &self.description, 128),
            ("owner", &self.owner, 128),
            ("load", &self.load_information, 64),
            ("user-locale", &self.user_locale, 64),
            ("network-locale", &self.network_locale, 64),
        ];
        for (field, text, max) in texts {
            if text.chars().count() > max {
                return Err(Invalid::TooLong { field, max }.into());
            }
        }
        if !self.model.modes().contains(&self.security_mode) {
            return Err(Refusal::ModeNotSupported.into());
        }
        self.check_buttons()
    }
}

const COLUMNS: &str = "name, model, description, owner, pool, built_in_bridge, private, \
    security_mode, load_information, user_locale, network_locale, gratuitous_arp, web_access, \
    pc_voice_vlan_access, settings_access, pc_port, revision";

/// A device without its buttons.
fn read(mut row: Row) -> Result<Device> {
    Ok(Device {
        name: row.parse()?,
        model: row.parse()?,
        description: row.next()?,
        owner: row.next()?,
        lines: Vec::new(),
        speed_dials: Vec::new(),
        pool: row.next()?,
        built_in_bridge: row.parse()?,
        private: row.next()?,
        security_mode: row.parse()?,
        load_information: row.next()?,
        user_locale: row.next()?,
        network_locale: row.next()?,
        hardening: Hardening {
            gratuitous_arp: row.next()?,
            web_access: row.next()?,
            pc_voice_vlan_access: row.next()?,
            settings_access: row.next()?,
            pc_port: row.next()?,
        },
        revision: Revision(row.next()?),
    })
}

impl View<'_> {
    /// All devices, by name.
    pub fn devices(&mut self) -> Result<Vec<Device>> {
        let rows = self.sql.query(&format!("SELECT {COLUMNS} FROM device ORDER BY name"), &[])?;
        let mut devices = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        self.read_buttons(&mut devices)?;
        Ok(devices)
    }

    /// One device.
    pub fn device(&mut self, name: &DeviceName) -> Result<Device> {
        let unknown = || Error::Unknown { object: "device", name: name.to_string() };
        self.find_device(name)?.ok_or_else(unknown)
    }

    /// One device, if it exists.
    pub fn find_device(&mut self, name: &DeviceName) -> Result<Option<Device>> {
        let sql = format!("SELECT {COLUMNS} FROM device WHERE name = $1");
        let mut rows = self.sql.query(&sql, values![name.as_str()])?;
        let mut found = rows.pop().map(read).transpose()?;
        if let Some(device) = &mut found {
            self.read_buttons_of(device)?;
        }
        Ok(found)
    }

    /// The system default of the device security mode.
    pub fn default_device_mode(&mut self) -> Result<EffectiveMode> {
        self.parameter(None, parameter::DEVICE_SECURITY_MODE)?.value.parse()
    }
}

impl Change<'_> {
    /// Adds a device, or replaces the one of the same name. Numbers that no line has yet become
    /// lines.
    pub fn put_device(&mut self, device: &Device) -> Result<()> {
        device.check()?;
        self.pool(&device.pool)?;
        let old = self.find_device(&device.name)?;
        let revision = old.as_ref().map_or(self.revision, |old| old.revision);
        let mut new = Device { revision, ..device.clone() };
        if old.as_ref() == Some(&new) {
            return self.warn_of_device(&new);
        }
        new.revision = self.revision;
        let h = &new.hardening;
        // Its buttons go with it.
        self.view.sql.execute("DELETE FROM device WHERE name = $1", values![new.name.as_str()])?;
        self.view.sql.execute(
            &format!(
                "INSERT INTO device ({COLUMNS}) VALUES \
                    ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
            ),
            values![
                new.name.as_str(),
                new.model.name(),
                &*new.description,
                &*new.owner,
                &*new.pool,
                new.built_in_bridge.as_str(),
                new.private,
                new.security_mode.as_str(),
                &*new.load_information,
                &*new.user_locale,
                &*new.network_locale,
                h.gratuitous_arp,
                h.web_access,
                h.pc_voice_vlan_access,
                h.settings_access,
                h.pc_port,
                new.revision.0,
            ],
        )?;
        self.write_buttons(&new)?;
        if let Some(old) = &old {
            let name = new.name.clone();
            self.trigger(&if old.security_mode == new.security_mode {
                Trigger::DeviceConfiguration(name)
            } else {
                Trigger::DeviceMode(name)
            });
        }
        self.record("device", new.name.as_str(), old.as_ref().and_then(json), json(&new));
        self.warn_of_device(&new)
    }

    /// Removes a device. Its lines stay.
    pub fn remove_device(&mut self, name: &DeviceName) -> Result<()> {
        let device = self.device(name)?;
        self.view.sql.execute("DELETE FROM device WHERE name = $1", values![name.as_str()])?;
        self.record("device", name.as_str(), json(&device), None);
        self.remove_capf(name)
    }
}
