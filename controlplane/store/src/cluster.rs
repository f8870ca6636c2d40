use std::fmt;
use std::str::FromStr;

use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::sql::values;
use crate::{Error, Result, View, parameter};

/// The cluster as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cluster {
    /// What tells it from every other cluster: TFTP paths are marked with it.
    pub guid: Guid,
    /// What people call it.
    pub name: String,
    /// The cluster security mode; `None` until a CTL client has set it, which means non-secure.
    pub security_mode: Option<SecurityMode>,
}

/// The cluster security mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SecurityMode {
    /// 0: no device is secure, whatever its settings say.
    #[default]
    NonSecure,
    /// 1: secure and non-secure devices side by side.
    Mixed,
}

impl SecurityMode {
    /// The number that administrators and the CTL Provider know it by.
    pub fn number(self) -> u8 {
        match self {
            Self::NonSecure => 0,
            Self::Mixed => 1,
        }
    }

    /// The mode of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::NonSecure),
            1 => Some(Self::Mixed),
            _ => None,
        }
    }
}

/// A globally unique identifier, `{8-4-4-4-12}` without the braces, lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Guid(String);

impl Guid {
    /// A new one, by chance (RFC 9562 version 4).
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = crate::audit::hex(&bytes);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Self(parts.join("-"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Guid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lengths = text.split('-').map(str::len);
        let hex = |c: char| c == '-' || matches!(c, '0'..='9' | 'a'..='f');
        if lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Corrupt(format!("{text:?} is no GUID")))
        }
    }
}

impl TryFrom<String> for Guid {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Guid> for String {
    fn from(guid: Guid) -> Self {
        guid.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl View<'_> {
    /// The cluster; `None` before [`Change::create_cluster`].
    pub fn cluster(&mut self) -> Result<Option<Cluster>> {
        let rows = self.sql.query("SELECT guid, name, security_mode FROM cluster", &[])?;
        rows.into_iter()
            .next()
            .map(|mut row| {
                let (guid, name) = (row.parse()?, row.next()?);
                let mode: Option<u64> = row.next()?;
                let known = |number: u64| {
                    u8::try_from(number)
                        .ok()
                        .and_then(SecurityMode::from_number)
                        .ok_or_else(|| Error::Corrupt(format!("unknown security mode {number}")))
                };
                Ok(Cluster { guid, name, security_mode: mode.map(known).transpose()? })
            })
            .transpose()
    }

    /// The security mode in force: non-secure until a CTL client has set another.
    pub fn security_mode(&mut self) -> Result<SecurityMode> {
        Ok(self.cluster()?.and_then(|cluster| cluster.security_mode).unwrap_or_default())
    }
}

impl Change<'_> {
    /// Gives a fresh database its cluster.
    pub fn create_cluster(&mut self, name: &str) -> Result<Cluster> {
        if let Some(cluster) = self.cluster()? {
            return Err(Error::Exists { object: "cluster", name: cluster.name });
        }
        let cluster = Cluster { guid: Guid::random(), name: name.to_owned(), security_mode: None };
        self.view.sql.execute(
            "INSERT INTO cluster (only_one, guid, name) VALUES (1, $1, $2)",
            values![cluster.guid.as_str(), name],
        )?;
        self.record("cluster", name, None, json(&cluster));
        Ok(cluster)
    }

    /// Sets the cluster security mode. Only the CTL client does this, through the CTL Provider.
    /// Mixed mode turns auto-registration off in the same revision.
    pub fn set_security_mode(&mut self, mode: SecurityMode) -> Result<()> {
        let unknown = || Error::Unknown { object: "cluster", name: String::new() };
        let old = self.cluster()?.ok_or_else(unknown)?;
        let new = Cluster { security_mode: Some(mode), ..old.clone() };
        self.view
            .sql
            .execute("UPDATE cluster SET security_mode = $1", values![u64::from(mode.number())])?;
        self.record("cluster", &old.name, json(&old), json(&new));
        if old.security_mode.unwrap_or_default() != mode {
            self.trigger(&Trigger::ClusterMode);
        }
        if mode == SecurityMode::Mixed {
            self.write_parameter(None, parameter::AUTO_REGISTRATION, "false")?;
        }
        Ok(())
    }
}
