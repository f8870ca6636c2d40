//! Nodes that ask for a copy of the database.

use messages::{Explain, provider};
use pki::check;
use store::NodeRole;

use super::{Answer, Call, Detailed, Provider, Refused, malformed, ok, parse};
use crate::inventory;
use crate::provider::api::{self, Bytes};

impl Provider {
    /// Takes the certificate of a subscriber's database into the inventory, by which the databases
    /// of all nodes let it in.
    pub(super) fn join_database(&self, call: &Call<'_>) -> Answer {
        let body: api::JoinDatabase = parse(call.body)?;
        let certificate = check::sound(&body.certificate.0, call.now)
            .map_err(|fault| Refused::new(400, &fault))?;
        if certificate.subject().common_name() != Some(&*body.node) {
            return Err(malformed("the certificate has another name than the node"));
        }
        self.may_join(&body.node)?;
        self.store.change(&call.author, call.now, |change| {
            inventory::put_database(change, &body.node, &certificate)
        })?;
        let databases = self.store.read(inventory::databases)?;
        let databases = databases.into_iter().map(|(node, certificate)| api::Database {
            node: node.name,
            address: node.address,
            certificate: Bytes(certificate.der),
        });
        ok(&api::Databases { databases: databases.collect() })
    }

    fn may_join(&self, name: &str) -> Result<(), Refused> {
        let refused =
            |message, values| Err(Refused::new(409, &Detailed(message, values) as &dyn Explain));
        let (nodes, databases) =
            self.store.read(|view| Ok((view.nodes()?, inventory::databases(view)?)))?;
        let publisher = nodes.iter().find(|node| node.role == NodeRole::Publisher);
        let publisher = publisher.map_or("-", |node| node.name.as_str());
        if publisher != self.node {
            let values = vec![("publisher", publisher.to_owned())];
            return refused(&provider::NOT_THE_PUBLISHER, values);
        }
        if databases.iter().all(|(node, _)| node.name != self.node) {
            return refused(&provider::DATABASE_IN_A_FILE, Vec::new());
        }
        if nodes.iter().all(|node| node.name != name || node.role == NodeRole::Publisher) {
            return refused(&provider::NODE_NOT_ADDED, vec![("node", name.to_owned())]);
        }
        Ok(())
    }
}
