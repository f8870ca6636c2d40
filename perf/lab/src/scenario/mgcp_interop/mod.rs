//! MGCP with others: our call agent commands osmo-mgw, and our gateway answers word for word what
//! other call agents say.

mod agent;
mod audio;
mod literal;
mod osmo;

use std::net::Ipv4Addr;

use anyhow::Result;

use super::Stage;
use crate::net::{Lab, Namespace};
use crate::report::Failed;

/// Addresses: the call agents and telephones, osmo-mgw, our gateway.
const OFFICE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const OSMO: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 3);

/// Plays it.
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let [office, gateways] = report.step("network", || {
        let namespaces = build(lab)?;
        Ok((namespaces, "an office with call agents and telephones, and two gateways"))
    })?;
    osmo::play(report, &office, &gateways, dir)?;
    literal::play(report, &office, &gateways, programs, dir)
}

fn build(lab: &Lab) -> Result<[Namespace; 2]> {
    let (office, gateways) = (lab.namespace("office")?, lab.namespace("gws")?);
    let (a, b) = lab.veth((&office, "eth0"), (&gateways, "eth0"))?;
    for link in [&a, &b] {
        link.finish_packets()?;
    }
    a.address(&format!("{OFFICE}/24"))?;
    b.address(&format!("{OSMO}/24"))?;
    b.address(&format!("{OURS}/24"))?;
    Ok([office, gateways])
}
