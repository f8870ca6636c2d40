//! What is ordered for phones: sheets for `capf bulk`, and the strings that came of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use super::phones::Phone;
use crate::scenario::cluster::Site;

/// Writes orders, and remembers every string there ever was.
pub struct Orders {
    directory: PathBuf,
    seen: RefCell<BTreeSet<String>>,
}

impl Orders {
    pub fn new(site: &Site) -> Self {
        Self { directory: site.state.path().to_owned(), seen: RefCell::default() }
    }

    /// A sheet that orders certificates for phones: mode and string of each.
    pub fn sheet(&self, name: &str, bits: &str, orders: &[(&Phone, &str, &str)]) -> Result<String> {
        let mut sheet = String::from("device,operation,auth_mode,auth_string,key_size\n");
        for (phone, mode, string) in orders {
            writeln!(sheet, "{},install,{mode},{string},{bits}", phone.name)?;
        }
        let file = self.directory.join(format!("{name}.csv"));
        fs::write(&file, sheet)?;
        Ok(file.display().to_string())
    }

    /// The strings in CAPF's report, by phone.
    pub fn strings(&self, report: &Value) -> Result<BTreeMap<String, String>> {
        let phones = report.as_array().context("no phones in the report")?;
        let strings = phones.iter().filter_map(|phone| {
            let (device, digits) = (phone["device"].as_str()?, phone["auth_string"].as_str()?);
            Some((device.to_owned(), digits.to_owned()))
        });
        let strings: BTreeMap<_, _> = strings.collect();
        self.seen.borrow_mut().extend(strings.values().cloned());
        Ok(strings)
    }

    /// Every string there ever was.
    pub fn all_strings(&self) -> BTreeSet<String> {
        self.seen.borrow().clone()
    }
}
