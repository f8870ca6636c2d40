use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::sql::values;
use crate::words::words;
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

words! {
    /// Where a route leads.
    pub enum Destination {
        /// To the meet-me conference under that number.
        MeetMe = "meet-me",
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
        let old = self.routes()?.into_iter().find(|old| old.pattern == route.pattern);
        self.view.sql.execute(
            "INSERT INTO route (pattern, destination) VALUES ($1, $2)
                ON CONFLICT (pattern) DO UPDATE SET destination = excluded.destination",
            values![&*route.pattern, route.destination.as_str()],
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
