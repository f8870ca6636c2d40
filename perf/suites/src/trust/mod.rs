//! The trust core: files to a thousand phones at once, signatures, configurations.
//!
//! Transfers run over loopback between one thread of phones and a server; ours and tftpd-hpa serve
//! the same directory in turn. Phones ask as 79xx loads do: no options, 512 bytes a block, one
//! acknowledgement each, a second's patience.

mod building;
mod signing;
mod site;
mod transfers;

use anyhow::Result;

use crate::report::Report;
use site::Site;

/// Measures everything.
pub fn run() -> Result<Report> {
    let mut report = Report::new("trust");
    let site = Site::new()?;
    transfers::measure(&site, &mut report)?;
    signing::measure(&site, &mut report)?;
    building::measure(&site, &mut report)?;
    Ok(report)
}
