//! A bundle becomes a store: call processing at a gateway runs on it as it does at the centre.

use std::collections::BTreeSet;
use std::time::SystemTime;

use pki::certificate::hex;
use store::{
    Author, CertificateRole, Change, DEFAULT_POOL, DEFAULT_REGION, Node, NodeRole, Result,
    SecurityMode, Service, Store,
};

use crate::bundle::{Bundle, Issuer};

/// What a gateway cannot do, whatever the centre can: it has no music, and relays none.
const OWN_PARAMETERS: [(&str, &str); 2] =
    [("call-manager.music-on-hold", "false"), ("call-manager.relay-fallback", "true")];

/// Makes the store say what the bundle says, and nothing else, in one revision. `node` is what the
/// gateway calls itself.
pub fn apply(store: &Store, bundle: &Bundle, node: &str, now: SystemTime) -> Result<()> {
    let author = Author::new("srst", format!("reference {}", bundle.reference));
    let changed = store.change(&author, now, |change| {
        if change.cluster()?.is_none() {
            change.create_cluster(&bundle.cluster)?;
        }
        let services = vec![Service::CallManager];
        let own = Node::new(node, bundle.address, NodeRole::Publisher);
        match change.nodes()?.into_iter().find(|known| known.name == node) {
            Some(known) => change.put_node(&Node { address: bundle.address, services, ..known })?,
            None => change.put_node(&Node { services, ..own })?,
        }
        change.set_security_mode(SecurityMode::from_number(bundle.mode).unwrap_or_default())?;
        parameters(change, bundle)?;
        issuers(change, &bundle.issuers)?;
        forget(change, bundle)?;
        enter(change, bundle)
    });
    changed.map(drop)
}

fn parameters(change: &mut Change<'_>, bundle: &Bundle) -> Result<()> {
    let ports =
        [("call-manager.port", bundle.port), ("call-manager.secure-port", bundle.port + 443)];
    for (name, port) in ports {
        change.set_parameter(None, name, &port.to_string())?;
    }
    let given = bundle.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in given.chain(OWN_PARAMETERS) {
        if change.parameter(None, name)?.value != value {
            change.set_parameter(None, name, value)?;
        }
    }
    Ok(())
}

/// The issuers of now; those that were there before are not trusted any more.
fn issuers(change: &mut Change<'_>, given: &[Issuer]) -> Result<()> {
    let wanted: Vec<_> = given.iter().filter_map(entry).collect();
    for old in change.certificates()? {
        let is_issuer = matches!(old.role, CertificateRole::LscIssuer | CertificateRole::MicIssuer);
        if is_issuer && !wanted.iter().any(|new| (new.role, &new.der) == (old.role, &old.der)) {
            change.remove_certificate(&old)?;
        }
    }
    wanted.iter().try_for_each(|certificate| change.put_certificate(certificate))
}

fn entry(issuer: &Issuer) -> Option<store::Certificate> {
    let certificate = issuer.parse()?;
    Some(store::Certificate {
        role: issuer.role,
        owner: "centre".to_owned(),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: hex(certificate.serial()),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        der: certificate.der().to_vec(),
    })
}

/// What is not in the bundle any more, from what needs something to what is needed.
fn forget(change: &mut Change<'_>, bundle: &Bundle) -> Result<()> {
    let devices: BTreeSet<_> = bundle.devices.iter().map(|it| &it.name).collect();
    for old in change.devices()? {
        if !devices.contains(&old.name) {
            change.remove_device(&old.name)?;
        }
    }
    Ok(())
}

fn enter(change: &mut Change<'_>, bundle: &Bundle) -> Result<()> {
    let known: BTreeSet<_> = change.regions()?.into_iter().map(|it| it.name).collect();
    for region in bundle.regions.iter().filter(|it| !known.contains(&it.name)) {
        change.add_region(&region.name)?;
    }
    for region in &bundle.regions {
        for (other, kbit_s) in &region.limits {
            change.limit_region(&region.name, other, Some(*kbit_s))?;
        }
    }
    bundle.pools.iter().try_for_each(|pool| change.put_pool(pool))?;
    bundle.lines.iter().try_for_each(|line| change.put_line(line))?;
    bundle.devices.iter().try_for_each(|device| change.put_device(device))?;
    let lines: BTreeSet<_> = bundle.lines.iter().map(|it| &it.number).collect();
    for old in change.lines()?.iter().filter(|it| !lines.contains(&it.number)) {
        change.remove_line(&old.number)?;
    }
    let pools: BTreeSet<_> = bundle.pools.iter().map(|it| it.name.as_str()).collect();
    for old in change.pools()?.iter().filter(|it| !pools.contains(it.name.as_str())) {
        if old.name != DEFAULT_POOL {
            change.remove_pool(&old.name)?;
        }
    }
    let regions: BTreeSet<_> = bundle.regions.iter().map(|it| it.name.as_str()).collect();
    for old in change.regions()?.iter().filter(|it| !regions.contains(it.name.as_str())) {
        if old.name != DEFAULT_REGION && change.pools()?.iter().all(|it| it.region != old.name) {
            change.remove_region(&old.name)?;
        }
    }
    Ok(())
}
