use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::sql::values;
use crate::{Error, Invalid, Result, View};

/// Where numbers lead that are no lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Route {
    /// The numbers, as a pattern of the dial plan. Only its signs are checked here.
    pub pattern: String,
    /// Where they lead.
    pub destination: Destination,
}

/// Where a route leads, written as a word: `meet-me`, `message-waiting-on`, `message-waiting-off`,
/// or `gateway:` and the name of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// To the meet-me conference under that number.
    MeetMe,
    /// Out, by the first trunk of this gateway that is free.
    Gateway(String),
    /// To the lamp of the one who calls: messages wait for him.
    MessageWaitingOn,
    /// To the lamp of the one who calls: no messages wait for him any more.
    MessageWaitingOff,
}

const MEET_ME: &str = "meet-me";
const GATEWAY: &str = "gateway:";
const WAITING_ON: &str = "message-waiting-on";
const WAITING_OFF: &str = "message-waiting-off";

impl FromStr for Destination {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match (word, word.strip_prefix(GATEWAY)) {
            (MEET_ME, _) => Ok(Self::MeetMe),
            (WAITING_ON, _) => Ok(Self::MessageWaitingOn),
            (WAITING_OFF, _) => Ok(Self::MessageWaitingOff),
            (_, Some(name)) if !name.is_empty() => Ok(Self::Gateway(name.to_owned())),
            _ => {
                let choices = vec![MEET_ME, WAITING_ON, WAITING_OFF, "gateway:NAME"];
                Err(Invalid::Choice { given: word.to_owned(), choices }.into())
            }
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = Error;

    fn try_from(word: String) -> Result<Self> {
        word.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Destination {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <String as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Destination {}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MeetMe => f.pad(MEET_ME),
            Self::MessageWaitingOn => f.pad(WAITING_ON),
            Self::MessageWaitingOff => f.pad(WAITING_OFF),
            Self::Gateway(name) => f.pad(&format!("{GATEWAY}{name}")),
        }
    }
}

const MAX_PATTERN: usize = 128;

impl Route {
    fn check(&self) -> Result<()> {
        let sign = |c: char| c.is_ascii_digit() || "*#ABCD+X[]^-!.".contains(c);
        let length = 1..=MAX_PATTERN;
        match length.contains(&self.pattern.len()) && self.pattern.chars().all(sign) {
            true => Ok(()),
            false => Err(Invalid::Pattern(self.pattern.clone()).into()),
        }
    }
}

impl View<'_> {
    /// All routes, by pattern.
    pub fn routes(&mut self) -> Result<Vec<Route>> {
        let rows =
            self.sql.query("SELECT pattern, destination FROM route ORDER BY pattern", &[])?;
        let route = |mut row: crate::sql::Row| {
            Ok(Route { pattern: row.next()?, destination: row.parse()? })
        };
        rows.into_iter().map(route).collect()
    }

    /// One route.
    pub fn route(&mut self, pattern: &str) -> Result<Route> {
        let unknown = || Error::Unknown { object: "route", name: pattern.to_owned() };
        self.routes()?.into_iter().find(|route| route.pattern == pattern).ok_or_else(unknown)
    }
}

impl Change<'_> {
    /// Adds a route, or replaces the one of the same pattern. It holds at once.
    pub fn put_route(&mut self, route: &Route) -> Result<()> {
        route.check()?;
        if let Destination::Gateway(name) = &route.destination {
            self.gateway(name)?;
        }
        let old = self.routes()?.into_iter().find(|old| old.pattern == route.pattern);
        self.view.sql.execute(
            "INSERT INTO route (pattern, destination) VALUES ($1, $2)
                ON CONFLICT (pattern) DO UPDATE SET destination = excluded.destination",
            values![&*route.pattern, route.destination.to_string()],
        )?;
        self.record("route", &route.pattern, old.as_ref().and_then(json), json(route));
        Ok(())
    }

    /// Removes a route.
    pub fn remove_route(&mut self, pattern: &str) -> Result<()> {
        let route = self.route(pattern)?;
        self.view.sql.execute("DELETE FROM route WHERE pattern = $1", values![pattern])?;
        self.record("route", pattern, json(&route), None);
        Ok(())
    }
}
