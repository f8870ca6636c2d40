mod call_manager;
mod capture;
mod definitions;

use std::path::{Component, Path};
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lang::Text;

use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::sql::values;
use crate::warning::Warning;
use crate::{Error, Invalid, Refusal, Result, SecurityMode, Service, View};

pub(crate) use call_manager::{
    AUTO_REGISTRATION_FIRST, AUTO_REGISTRATION_LAST, BUILT_IN_BRIDGE, CALL_RECORD_DAYS,
    CALL_RECORDS, SCCP_PORT, SECURE_SCCP_PORT,
};
pub use capture::CaptureSettings;
pub(crate) use definitions::{
    AUTO_REGISTRATION, CAPF_KEY_SIZE, CTL_PROVIDER_PORT, DEVICE_SECURITY_MODE,
};
use definitions::{CLUSTER_SECURITY_MODE, SERVE};

/// What there is to know of a parameter before anybody sets it.
#[derive(Debug)]
pub struct Definition {
    /// `enterprise.…` or `SERVICE.…`.
    pub name: &'static str,
    /// What administrators call it.
    pub title: Text,
    /// Whose it is.
    pub scope: Scope,
    /// What values it takes.
    pub kind: Kind,
    /// Its value until somebody sets another.
    pub default: &'static str,
    /// What it does.
    pub help: Text,
    /// What has to follow a change of it.
    pub trigger: Option<Trigger>,
}

/// Whose a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One value for the cluster.
    Enterprise,
    /// One value for the cluster, and another for a node where one is set there.
    Service(Service),
}

/// What values a parameter takes. Values are kept as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// An absolute path.
    Path,
    /// An absolute path, or nothing.
    OptionalPath,
    /// A host name or an address, or nothing.
    OptionalHost,
    /// A day, as 2026-12-31, or nothing.
    OptionalDate,
    /// A line of printable ASCII, or nothing.
    Text {
        /// Most characters.
        max: usize,
    },
    /// Shown, and set elsewhere.
    ReadOnly,
}

/// A parameter with the value in force.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// What it is.
    pub definition: &'static Definition,
    /// The value.
    pub value: String,
    /// Whether that is the default because nobody set another.
    pub is_default: bool,
}

impl Parameter {
    /// The value of an [`Kind::Integer`] parameter; its range fits.
    pub fn integer<T: TryFrom<i64>>(&self) -> Result<T> {
        let corrupt = || Error::Corrupt(format!("{} is {:?}", self.definition.name, self.value));
        let number: i64 = self.value.parse().map_err(|_| corrupt())?;
        number.try_into().map_err(|_| corrupt())
    }

    /// When the day of a [`Kind::OptionalDate`] parameter ends, in UTC; `None` if there is none.
    pub fn end_of_day(&self) -> Option<SystemTime> {
        let next = self.value.parse::<Date>().ok()?.tomorrow().ok()?;
        Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
    }

    /// The value of a [`Kind::Flag`] parameter.
    pub fn flag(&self) -> bool {
        self.value == "true"
    }
}

/// All parameters, enterprise first.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    definitions::DEFINITIONS.iter().chain(call_manager::DEFINITIONS).chain(capture::DEFINITIONS)
}

/// One parameter.
pub fn definition(name: &str) -> Result<&'static Definition> {
    let unknown = || Error::Unknown { object: "parameter", name: name.to_owned() };
    definitions().find(|definition| definition.name == name).ok_or_else(unknown)
}

impl Kind {
    /// The one way to write a value that a person wrote somehow.
    fn parse(self, given: &str) -> Result<String> {
        let given = given.trim();
        let choice = |choices: &[&'static str]| {
            let lower = given.to_ascii_lowercase();
            let invalid = || Invalid::Choice { given: given.to_owned(), choices: choices.to_vec() };
            choices.iter().find(|c| **c == lower).map(|c| c.to_string()).ok_or_else(invalid)
        };
        match self {
            Self::Integer { min, max } => {
                let digits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
                let number = given.parse::<i64>().ok().filter(|_| digits);
                let number = number.filter(|number| (min..=max).contains(number));
                let invalid = || Invalid::Range { given: given.to_owned(), min, max }.into();
                number.map(|number| number.to_string()).ok_or_else(invalid)
            }
            Self::Flag => Ok(match &*given.to_ascii_lowercase() {
                "on" | "yes" => "true".to_owned(),
                "off" | "no" => "false".to_owned(),
                _ => choice(&["true", "false"])?,
            }),
            Self::Choice(choices) => Ok(choice(choices)?),
            Self::OptionalPath if given.is_empty() => Ok(String::new()),
            Self::Path | Self::OptionalPath => {
                let path = Path::new(given);
                let climbs = path.components().any(|part| part == Component::ParentDir);
                if !path.is_absolute() || climbs || given.contains('\0') {
                    return Err(Invalid::Path(given.to_owned()).into());
                }
                Ok(given.to_owned())
            }
            Self::OptionalHost => {
                let host = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
                if given.len() > 253 || !given.chars().all(host) {
                    return Err(Invalid::Host(given.to_owned()).into());
                }
                Ok(given.to_owned())
            }
            Self::OptionalDate if given.is_empty() => Ok(String::new()),
            Self::OptionalDate => match given.parse::<Date>() {
                Ok(date) => Ok(date.to_string()),
                Err(_) => Err(Invalid::Date(given.to_owned()).into()),
            },
            Self::Text { max } => {
                if given.len() > max || given.chars().any(|c| !matches!(c, ' '..='~')) {
                    return Err(Invalid::Text { given: given.to_owned(), max }.into());
                }
                Ok(given.to_owned())
            }
            Self::ReadOnly => Err(Refusal::SecurityModeIsTheCtlClients.into()),
        }
    }
}

impl View<'_> {
    /// A parameter as it is in force: for `node` if one is given and has its own value, else for
    /// the cluster.
    pub fn parameter(&mut self, node: Option<&str>, name: &str) -> Result<Parameter> {
        let definition = definition(name)?;
        if name == CLUSTER_SECURITY_MODE {
            let mode = self.cluster()?.and_then(|cluster| cluster.security_mode);
            let value = mode.map_or(String::new(), |mode| mode.number().to_string());
            return Ok(Parameter { definition, value, is_default: mode.is_none() });
        }
        let mut set = None;
        if let Some(node) = node {
            self.node(node)?;
            set = self.stored_parameter(Some(node), name)?;
        }
        if set.is_none() {
            set = self.stored_parameter(None, name)?;
        }
        let is_default = set.is_none();
        let value = set.unwrap_or_else(|| definition.default.to_owned());
        Ok(Parameter { definition, value, is_default })
    }

    /// All parameters as they are in force. The cluster security mode is among them only once a
    /// CTL client has set it.
    pub fn parameters(&mut self, node: Option<&str>) -> Result<Vec<Parameter>> {
        let mut parameters = Vec::new();
        for definition in definitions() {
            let parameter = self.parameter(node, definition.name)?;
            if definition.kind != Kind::ReadOnly || !parameter.is_default {
                parameters.push(parameter);
            }
        }
        Ok(parameters)
    }

    fn stored_parameter(&mut self, node: Option<&str>, name: &str) -> Result<Option<String>> {
        let rows = match node {
            Some(node) => self.sql.query(
                "SELECT value FROM node_parameter WHERE node = $1 AND name = $2",
                values![node, name],
            ),
            None => {
                self.sql.query("SELECT value FROM cluster_parameter WHERE name = $1", values![name])
            }
        }?;
        rows.into_iter().next().map(|mut row| row.next()).transpose()
    }
}

impl Change<'_> {
    /// Sets a parameter, for one node or for the cluster, after checking its range.
    pub fn set_parameter(&mut self, node: Option<&str>, name: &str, value: &str) -> Result<()> {
        let definition = definition(name)?;
        if node.is_some() && definition.scope == Scope::Enterprise {
            return Err(Refusal::NotPerNode.into());
        }
        let value = definition.kind.parse(value)?;
        let mixed = self.security_mode()? == SecurityMode::Mixed;
        if name == AUTO_REGISTRATION && value == "true" && mixed {
            return Err(Refusal::AutoRegistrationInMixedMode.into());
        }
        if name.starts_with(SERVE) && value == "false" {
            self.warn(Warning::SurfaceSwitchedOff { parameter: name.to_owned() });
        }
        self.write_parameter(node, name, &value)
    }

    /// Writes a checked value.
    pub(crate) fn write_parameter(
        &mut self,
        node: Option<&str>,
        name: &str,
        value: &str,
    ) -> Result<()> {
        let before = self.parameter(node, name)?;
        let stored = self.stored_parameter(node, name)?;
        match node {
            Some(node) => self.view.sql.execute(
                "INSERT INTO node_parameter (node, name, value) VALUES ($1, $2, $3)
                    ON CONFLICT (node, name) DO UPDATE SET value = excluded.value",
                values![node, name, value],
            ),
            None => self.view.sql.execute(
                "INSERT INTO cluster_parameter (name, value) VALUES ($1, $2)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                values![name, value],
            ),
        }?;
        self.note_parameter(node, name, stored, Some(value), &before.value)
    }

    /// Forgets what was set, for one node or for the cluster.
    pub fn unset_parameter(&mut self, node: Option<&str>, name: &str) -> Result<()> {
        if definition(name)?.kind == Kind::ReadOnly {
            return Err(Refusal::SecurityModeIsTheCtlClients.into());
        }
        let before = self.parameter(node, name)?;
        let stored = self.stored_parameter(node, name)?;
        match node {
            Some(node) => self.view.sql.execute(
                "DELETE FROM node_parameter WHERE node = $1 AND name = $2",
                values![node, name],
            ),
            None => self
                .view
                .sql
                .execute("DELETE FROM cluster_parameter WHERE name = $1", values![name]),
        }?;
        self.note_parameter(node, name, stored, None, &before.value)
    }

    fn note_parameter(
        &mut self,
        node: Option<&str>,
        name: &str,
        old: Option<String>,
        new: Option<&str>,
        was_in_force: &str,
    ) -> Result<()> {
        let subject = node.map_or(name.to_owned(), |node| format!("{name} {node}"));
        self.record(
            "parameter",
            &subject,
            old.as_ref().and_then(json),
            new.as_ref().and_then(json),
        );
        let now = self.parameter(node, name)?;
        if now.value != was_in_force
            && let Some(trigger) = &now.definition.trigger
        {
            self.trigger(trigger);
        }
        match [DEVICE_SECURITY_MODE, BUILT_IN_BRIDGE].contains(&name) {
            true => self.warn_of_defaults(),
            false => Ok(()),
        }
    }
}
