use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::change::{Change, Revision, json};
use crate::cluster::SecurityMode;
use crate::consequence::Trigger;
use crate::sql::{Row, values};
use crate::words::words;
use crate::{Error, Invalid, Refusal, Result, View, parameter};

/// A phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `SEP` and its MAC address.
    pub name: DeviceName,
    /// What it is.
    pub model: Model,
    /// For people.
    pub description: String,
    /// Who uses it.
    pub owner: String,
    /// The number it is called by.
    pub directory_number: String,
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

/// What of a phone is open to the network and its user. All is enabled at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardening {
    /// Believes gratuitous ARP.
    pub gratuitous_arp: bool,
    /// Serves web pages.
    pub web_access: bool,
    /// Lets a PC behind it into the voice VLAN.
    pub pc_voice_vlan_access: bool,
    /// Shows its settings.
    pub settings_access: bool,
    /// Serves the port for a PC.
    pub pc_port: bool,
}

impl Default for Hardening {
    fn default() -> Self {
        Self {
            gratuitous_arp: true,
            web_access: true,
            pc_voice_vlan_access: true,
            settings_access: true,
            pc_port: true,
        }
    }
}

words! {
    /// The security mode a device is set to.
    pub enum DeviceSecurityMode {
        /// As the enterprise parameter Device Security Mode says.
        UseSystemDefault = "use-system-default",
        /// Plain TCP.
        NonSecure = "non-secure",
        /// TLS with authentication, without encryption.
        Authenticated = "authenticated",
        /// TLS with encryption; media is encrypted where the other side can.
        Encrypted = "encrypted",
    }
}

words! {
    /// The security mode that is in force for a device.
    pub enum EffectiveMode {
        /// Plain TCP.
        NonSecure = "non-secure",
        /// TLS with authentication, without encryption.
        Authenticated = "authenticated",
        /// TLS with encryption.
        Encrypted = "encrypted",
    }
}

impl EffectiveMode {
    /// The number in `deviceSecurityMode` of a configuration file.
    pub fn number(self) -> u8 {
        match self {
            Self::NonSecure => 1,
            Self::Authenticated => 2,
            Self::Encrypted => 3,
        }
    }
}

/// `SEP` and the twelve upper-case hexadecimal digits of a MAC address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The MAC address: twelve upper-case hexadecimal digits.
    pub fn mac(&self) -> &str {
        &self.0[3..]
    }
}

impl FromStr for DeviceName {
    type Err = Error;

    /// Takes upper and lower case, with or without `SEP`, with or without `:`, `-` and `.` between
    /// the digits.
    fn from_str(given: &str) -> Result<Self> {
        let invalid = || Invalid::DeviceName(given.to_owned()).into();
        if given.len() > 32 || !given.is_ascii() {
            return Err(invalid());
        }
        let upper = given.to_ascii_uppercase();
        let mac = upper.strip_prefix("SEP").unwrap_or(&upper).replace([':', '-', '.'], "");
        if mac.len() == 12 && mac.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Self(format!("SEP{mac}")))
        } else {
            Err(invalid())
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A model of phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Model {
    /// 7902.
    #[serde(rename = "7902")]
    M7902,
    /// 7905G.
    #[serde(rename = "7905")]
    M7905,
    /// 7910.
    #[serde(rename = "7910")]
    M7910,
    /// 7912.
    #[serde(rename = "7912")]
    M7912,
    /// 7940.
    #[serde(rename = "7940")]
    M7940,
    /// 7960.
    #[serde(rename = "7960")]
    M7960,
    /// 7970.
    #[serde(rename = "7970")]
    M7970,
    /// 7971.
    #[serde(rename = "7971")]
    M7971,
}

impl Model {
    /// Every model we know.
    pub const ALL: [Self; 8] = [
        Self::M7902,
        Self::M7905,
        Self::M7910,
        Self::M7912,
        Self::M7940,
        Self::M7960,
        Self::M7970,
        Self::M7971,
    ];

    /// The four digits.
    pub fn name(self) -> &'static str {
        match self {
            Self::M7902 => "7902",
            Self::M7905 => "7905",
            Self::M7910 => "7910",
            Self::M7912 => "7912",
            Self::M7940 => "7940",
            Self::M7960 => "7960",
            Self::M7970 => "7970",
            Self::M7971 => "7971",
        }
    }

    /// The number after `loadInformation` in `XMLDefault.cnf.xml`.
    pub fn load_id(self) -> u32 {
        match self {
            Self::M7902 => 30008,
            Self::M7905 => 20000,
            Self::M7910 => 6,
            Self::M7912 => 30007,
            Self::M7940 => 8,
            Self::M7960 => 7,
            Self::M7970 => 30006,
            Self::M7971 => 119,
        }
    }

    /// Whether its manufacturer installed a certificate in it.
    pub fn has_mic(self) -> bool {
        matches!(self, Self::M7970 | Self::M7971)
    }

    /// Whether its signalling can be authenticated and encrypted.
    pub fn is_securable(self) -> bool {
        matches!(self, Self::M7940 | Self::M7960 | Self::M7970 | Self::M7971)
    }
}

impl FromStr for Model {
    type Err = Error;

    /// Takes the digits with or without the letter that sales put behind them.
    fn from_str(given: &str) -> Result<Self> {
        let digits = given.trim_end_matches(['G', 'g']);
        let unknown = || Invalid::Model(given.to_owned()).into();
        Self::ALL.into_iter().find(|model| model.name() == digits).ok_or_else(unknown)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Device {
    /// A new phone with everything at its default.
    pub fn new(name: DeviceName, model: Model) -> Self {
        Self {
            name,
            model,
            description: String::new(),
            owner: String::new(),
            directory_number: String::new(),
            security_mode: DeviceSecurityMode::UseSystemDefault,
            load_information: String::new(),
            user_locale: String::new(),
            network_locale: String::new(),
            hardening: Hardening::default(),
            revision: Revision::default(),
        }
    }

    /// The mode in force: the cluster's mode and the system default decide with the device's own.
    pub fn effective_mode(&self, cluster: SecurityMode, default: EffectiveMode) -> EffectiveMode {
        if cluster == SecurityMode::NonSecure || !self.model.is_securable() {
            return EffectiveMode::NonSecure;
        }
        match self.security_mode {
            DeviceSecurityMode::UseSystemDefault => default,
            DeviceSecurityMode::NonSecure => EffectiveMode::NonSecure,
            DeviceSecurityMode::Authenticated => EffectiveMode::Authenticated,
            DeviceSecurityMode::Encrypted => EffectiveMode::Encrypted,
        }
    }

    fn check(&self) -> Result<()> {
        let texts = [
            ("description", &self.description, 128),
            ("owner", &self.owner, 128),
            ("directory-number", &self.directory_number, 50),
            ("load", &self.load_information, 64),
            ("user-locale", &self.user_locale, 64),
            ("network-locale", &self.network_locale, 64),
        ];
        for (field, text, max) in texts {
            if text.chars().count() > max {
                return Err(Invalid::TooLong { field, max }.into());
            }
        }
        let secure = [DeviceSecurityMode::Authenticated, DeviceSecurityMode::Encrypted];
        if secure.contains(&self.security_mode) && !self.model.is_securable() {
            return Err(Refusal::ModeNotSupported.into());
        }
        Ok(())
    }
}

const COLUMNS: &str = "name, model, description, owner, directory_number, security_mode, \
    load_information, user_locale, network_locale, gratuitous_arp, web_access, \
    pc_voice_vlan_access, settings_access, pc_port, revision";

fn read(mut row: Row) -> Result<Device> {
    Ok(Device {
        name: row.parse()?,
        model: row.parse()?,
        description: row.next()?,
        owner: row.next()?,
        directory_number: row.next()?,
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
        rows.into_iter().map(read).collect()
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
        rows.pop().map(read).transpose()
    }

    /// The system default of the device security mode.
    pub fn default_device_mode(&mut self) -> Result<EffectiveMode> {
        self.parameter(None, parameter::DEVICE_SECURITY_MODE)?.value.parse()
    }
}

impl Change<'_> {
    /// Adds a device, or replaces the one of the same name.
    pub fn put_device(&mut self, device: &Device) -> Result<()> {
        device.check()?;
        let old = self.find_device(&device.name)?;
        let revision = old.as_ref().map_or(self.revision, |old| old.revision);
        let mut new = Device { revision, ..device.clone() };
        if old.as_ref() == Some(&new) {
            return Ok(());
        }
        new.revision = self.revision;
        let h = &new.hardening;
        self.view.sql.execute("DELETE FROM device WHERE name = $1", values![new.name.as_str()])?;
        self.view.sql.execute(
            &format!(
                "INSERT INTO device ({COLUMNS}) VALUES \
                    ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
            ),
            values![
                new.name.as_str(),
                new.model.name(),
                &*new.description,
                &*new.owner,
                &*new.directory_number,
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
        if let Some(old) = &old {
            let name = new.name.clone();
            self.trigger(&if old.security_mode == new.security_mode {
                Trigger::DeviceConfiguration(name)
            } else {
                Trigger::DeviceMode(name)
            });
        }
        self.record("device", new.name.as_str(), old.as_ref().and_then(json), json(&new));
        Ok(())
    }

    /// Removes a device.
    pub fn remove_device(&mut self, name: &DeviceName) -> Result<()> {
        let device = self.device(name)?;
        self.view.sql.execute("DELETE FROM device WHERE name = $1", values![name.as_str()])?;
        self.record("device", name.as_str(), json(&device), None);
        self.remove_capf(name)
    }
}
