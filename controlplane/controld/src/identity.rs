//! This node's own certificate: made once, shown in the inventory.

use std::path::Path;
use std::time::SystemTime;

use lang::{Language, Say};
use messages::Explain;
use pki::node::{self, NodeName};
use pki::{Identity, KeyKind};
use store::{Author, CertificateRole, Node, Store};

/// Opens the node's identity, or makes it when the node is new. Failure is told in English, for
/// logs and alarms.
pub fn open(
    directory: &Path,
    me: &Node,
    store: &Store,
    now: SystemTime,
) -> Result<Identity, String> {
    std::fs::create_dir_all(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let name = NodeName {
        server: me.name.clone(),
        guid: me.guid.to_string(),
        addresses: vec![me.address],
    };
    // The most that 79xx phones take.
    let identity = node::open_or_create(directory, &name, KeyKind::Rsa2048, now)
        .map_err(|fault| fault.explain(Language::English).to_string())?;
    let entry =
        cluster::inventory::entry(CertificateRole::CallManager, &me.name, identity.certificate());
    let author = Author::new("ringfence-controld", &me.name);
    match store.change(&author, now, |change| change.put_certificate(&entry)) {
        // A subscriber cannot write: the publisher learns its certificate from the CTL Provider.
        Ok(_) => Ok(identity),
        Err(error) if error.is_of_a_copy() => Ok(identity),
        Err(error) => Err(error.say(Language::English)),
    }
}
