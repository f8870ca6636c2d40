use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::pool::check_name;
use crate::sql::values;
use crate::{Error, Invalid, Refusal, Result, View};

/// A place, as far as the bit rate of calls from and to it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Region {
    /// What administrators call it.
    pub name: String,
    /// What call processing knows it by; set by the store.
    pub number: u16,
    /// The bit rate of a stream to another region, or within this one, in kbit/s. Those not named
    /// have [`DEFAULT_KBIT_S`].
    pub limits: BTreeMap<String, u32>,
}

/// The bit rate of a stream between regions that nobody set one for: G.711.
pub const DEFAULT_KBIT_S: u32 = 64;

/// The region that is always there.
pub const DEFAULT_REGION: &str = "Default";

/// 8 is G.729, 64 is G.711, 256 is wideband.
const KBIT_S: std::ops::RangeInclusive<u32> = 8..=256;

impl View<'_> {
    /// All regions, by name.
    pub fn regions(&mut self) -> Result<Vec<Region>> {
        let rows = self.sql.query("SELECT name, number FROM region ORDER BY name", &[])?;
        let mut regions = BTreeMap::new();
        for mut row in rows {
            let name: String = row.next()?;
            let number = u16::try_from(row.next::<u64>()?)
                .map_err(|_| Error::Corrupt(format!("the number of region {name}")))?;
            let limits = BTreeMap::new();
            regions.insert(name.clone(), Region { name, number, limits });
        }
        for mut row in self.sql.query("SELECT one, other, kbit_s FROM region_limit", &[])? {
            let (one, other): (String, String) = (row.next()?, row.next()?);
            let limit = u32::try_from(row.next::<u64>()?).unwrap_or(DEFAULT_KBIT_S);
            for (of, to) in [(&one, &other), (&other, &one)] {
                if let Some(region) = regions.get_mut(of) {
                    region.limits.insert(to.clone(), limit);
                }
            }
        }
        Ok(regions.into_values().collect())
    }

    /// One region.
    pub fn region(&mut self, name: &str) -> Result<Region> {
        let unknown = || Error::Unknown { object: "region", name: name.to_owned() };
        self.regions()?.into_iter().find(|region| region.name == name).ok_or_else(unknown)
    }
}

impl Change<'_> {
    /// Adds a region.
    pub fn add_region(&mut self, name: &str) -> Result<()> {
        check_name(name)?;
        let regions = self.regions()?;
        if regions.iter().any(|region| region.name == name) {
            return Err(Error::Exists { object: "region", name: name.to_owned() });
        }
        let free = (0..=u16::MAX).find(|n| regions.iter().all(|region| region.number != *n));
        let number = free.ok_or(Refusal::TooManyRegions)?;
        self.view.sql.execute(
            "INSERT INTO region (name, number) VALUES ($1, $2)",
            values![name, u64::from(number)],
        )?;
        let region = Region { name: name.to_owned(), number, limits: BTreeMap::new() };
        self.record("region", name, None, json(&region));
        Ok(())
    }

    /// Sets the bit rate of streams between two regions, or within one; `None` forgets what was
    /// set. It holds for new streams at once.
    pub fn limit_region(&mut self, one: &str, other: &str, kbit_s: Option<u32>) -> Result<()> {
        if let Some(given) = kbit_s.filter(|kbit_s| !KBIT_S.contains(kbit_s)) {
            let (min, max) = (i64::from(*KBIT_S.start()), i64::from(*KBIT_S.end()));
            return Err(Invalid::Range { given: given.to_string(), min, max }.into());
        }
        let old = self.region(one)?;
        self.region(other)?;
        let pair = values![one.min(other), one.max(other)];
        self.view.sql.execute("DELETE FROM region_limit WHERE one = $1 AND other = $2", pair)?;
        if let Some(kbit_s) = kbit_s {
            self.view.sql.execute(
                "INSERT INTO region_limit (one, other, kbit_s) VALUES ($1, $2, $3)",
                values![one.min(other), one.max(other), u64::from(kbit_s)],
            )?;
        }
        let new = self.region(one)?;
        self.record("region", one, json(&old), json(&new));
        Ok(())
    }

    /// Removes a region that no pool is in.
    pub fn remove_region(&mut self, name: &str) -> Result<()> {
        let region = self.region(name)?;
        if name == DEFAULT_REGION {
            return Err(Refusal::DefaultStays.into());
        }
        if let Some(pool) = self.pools()?.into_iter().find(|pool| pool.region == name) {
            let name = name.to_owned();
            return Err(Error::InUse { object: "region", name, by: pool.name });
        }
        self.view.sql.execute("DELETE FROM region WHERE name = $1", values![name])?;
        self.record("region", name, json(&region), None);
        Ok(())
    }
}
