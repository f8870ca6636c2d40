//! `ringfence phone bulk`: phones to add and to change, a row each.

use std::path::Path;

use console::sheet::read_phones;
use console::{ImportPhones, PhoneImport, PhoneImported, PhonesImported};

use crate::Style;
use crate::daemon::Daemon;
use crate::failure::Result;

/// Does it.
pub fn run(daemon: &Daemon, file: &Path, dry_run: bool, style: Style) -> Result {
    let order = |phone: PhoneImport| ImportPhones { phones: vec![phone], dry_run };
    let fault = |imported: PhonesImported| match imported.phones.into_iter().next() {
        Some(PhoneImported::Failed(text)) => Some(text),
        _ => None,
    };
    crate::bulk::run(daemon, file, read_phones, order, fault, dry_run, style)
}
