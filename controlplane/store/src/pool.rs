use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::region::DEFAULT_REGION;
use crate::sql::values;
use crate::words::words;
use crate::{Error, Invalid, Refusal, Result, Service, View};

/// What phones of one place have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pool {
    /// What administrators call it.
    pub name: String,
    /// The region it is in.
    pub region: String,
    /// Order and separators of dates: `M/D/Y`; an `A` at the end is the 12-hour clock.
    pub date_template: String,
    /// A name of the time zone database, such as `Asia/Tokyo`.
    pub time_zone: String,
    /// Its CallManager group: names of nodes, the one to try first in front. Empty is all nodes
    /// that run CallManager, the publisher first.
    pub call_managers: Vec<String>,
    /// Which way its phones' media takes.
    pub media: MediaPolicy,
    /// The SRST reference that its phones go to when no CallManager answers.
    pub srst: Option<String>,
}

words! {
    /// When media goes through a relay.
    pub enum MediaPolicy {
        /// Never: from telephone to telephone.
        Never = "never",
        /// Where the telephones could not reach each other.
        WhenNeeded = "when-needed",
        /// Always.
        Always = "always",
    }
}

/// The pool that is always there.
pub const DEFAULT_POOL: &str = "Default";

/// Servers that telephones have room for.
const MAX_CALL_MANAGERS: usize = 5;
const MAX_NAME: usize = 50;

impl Pool {
    /// A new pool with everything at its default.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            region: DEFAULT_REGION.to_owned(),
            date_template: "M/D/Y".to_owned(),
            time_zone: "UTC".to_owned(),
            call_managers: Vec::new(),
            media: MediaPolicy::WhenNeeded,
            srst: None,
        }
    }

    /// Seconds that its local time is ahead of UTC at a moment.
    pub fn utc_offset(&self, now: SystemTime) -> i32 {
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        Timestamp::try_from(now).map_or(0, |now| zone.to_offset(now).seconds())
    }

    fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        if !is_date_template(&self.date_template) {
            return Err(Invalid::DateTemplate(self.date_template.clone()).into());
        }
        if TimeZone::get(&self.time_zone).is_err() {
            return Err(Invalid::TimeZone(self.time_zone.clone()).into());
        }
        match self.call_managers.len() > MAX_CALL_MANAGERS {
            true => Err(Refusal::TooManyCallManagers.into()),
            false => Ok(()),
        }
    }
}

/// The name of a pool or a region.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || " -._".contains(c);
    let sound = name.trim() == name && !name.is_empty() && name.chars().all(allowed);
    match sound && name.chars().count() <= MAX_NAME {
        true => Ok(()),
        false => Err(Invalid::Name { given: name.to_owned(), max: MAX_NAME }.into()),
    }
}

/// `D`, `M` and `Y` in any order with one separator, and perhaps an `A`.
fn is_date_template(text: &str) -> bool {
    let fields = text.strip_suffix('A').unwrap_or(text);
    let mut letters: Vec<char> = fields.chars().filter(char::is_ascii_alphabetic).collect();
    let separators: Vec<char> = fields.chars().filter(|c| "./-".contains(*c)).collect();
    letters.sort_unstable();
    fields.len() == 5
        && letters == ['D', 'M', 'Y']
        && separators.len() == 2
        && fields.chars().step_by(2).all(|c| c.is_ascii_alphabetic())
        && separators[0] == separators[1]
}

impl View<'_> {
    /// All pools, by name.
    pub fn pools(&mut self) -> Result<Vec<Pool>> {
        let rows = self.sql.query(
            "SELECT name, region, date_template, time_zone, media, srst FROM pool ORDER BY name",
            &[],
        )?;
        let mut pools = Vec::with_capacity(rows.len());
        for mut row in rows {
            pools.push(Pool {
                name: row.next()?,
                region: row.next()?,
                date_template: row.next()?,
                time_zone: row.next()?,
                call_managers: Vec::new(),
                media: row.parse()?,
                srst: row.next()?,
            });
        }
        let members = "SELECT pool, node FROM pool_node ORDER BY pool, priority";
        for mut row in self.sql.query(members, &[])? {
            let (name, node): (String, String) = (row.next()?, row.next()?);
            if let Some(pool) = pools.iter_mut().find(|pool| pool.name == name) {
                pool.call_managers.push(node);
            }
        }
        Ok(pools)
    }

    /// One pool.
    pub fn pool(&mut self, name: &str) -> Result<Pool> {
        let unknown = || Error::Unknown { object: "pool", name: name.to_owned() };
        self.pools()?.into_iter().find(|pool| pool.name == name).ok_or_else(unknown)
    }
}

impl Change<'_> {
    /// Adds a pool, or replaces the one of the same name.
    pub fn put_pool(&mut self, pool: &Pool) -> Result<()> {
        pool.check()?;
        self.region(&pool.region)?;
        for (place, name) in pool.call_managers.iter().enumerate() {
            if !self.node(name)?.services.contains(&Service::CallManager) {
                return Err(Refusal::NoCallManager.into());
            }
            if pool.call_managers[..place].contains(name) {
                return Err(Error::Exists { object: "node", name: name.clone() });
            }
        }
        if let Some(srst) = &pool.srst {
            self.srst_reference(srst)?;
        }
        let old = self.pools()?.into_iter().find(|old| old.name == pool.name);
        if old.as_ref() == Some(pool) {
            return Ok(());
        }
        self.view.sql.execute(
            "INSERT INTO pool (name, region, date_template, time_zone, media, srst)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (name) DO UPDATE SET
                region = excluded.region, date_template = excluded.date_template,
                time_zone = excluded.time_zone, media = excluded.media,
                srst = excluded.srst",
            values![
                &*pool.name,
                &*pool.region,
                &*pool.date_template,
                &*pool.time_zone,
                pool.media.as_str(),
                pool.srst.as_deref(),
            ],
        )?;
        self.view.sql.execute("DELETE FROM pool_node WHERE pool = $1", values![&*pool.name])?;
        for (priority, node) in (0u64..).zip(&pool.call_managers) {
            self.view.sql.execute(
                "INSERT INTO pool_node (pool, priority, node) VALUES ($1, $2, $3)",
                values![&*pool.name, priority, &**node],
            )?;
        }
        if old.is_some() {
            self.trigger(&Trigger::Pool(pool.name.clone()));
        }
        self.record("pool", &pool.name, old.as_ref().and_then(json), json(pool));
        Ok(())
    }

    /// Removes a pool that no phone, no gateway and no voicemail port belongs to.
    pub fn remove_pool(&mut self, name: &str) -> Result<()> {
        let pool = self.pool(name)?;
        if name == DEFAULT_POOL {
            return Err(Refusal::DefaultStays.into());
        }
        let rows =
            self.view.sql.query("SELECT MIN(name) FROM device WHERE pool = $1", values![name])?;
        let device: Option<String> =
            rows.into_iter().next().map_or(Ok(None), |mut row| row.next())?;
        let gateways = self.gateways()?.into_iter();
        let gateway = gateways.filter(|it| it.pool == name).map(|it| it.name).next();
        let ports = self.voicemail_ports()?.into_iter();
        let port = ports.filter(|port| port.pool == name).map(|port| port.name.to_string()).next();
        if let Some(by) = device.or(gateway).or(port) {
            return Err(Error::InUse { object: "pool", name: name.to_owned(), by });
        }
        self.view.sql.execute("DELETE FROM pool WHERE name = $1", values![name])?;
        self.record("pool", name, json(&pool), None);
        Ok(())
    }
}
