use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::cluster::Guid;
use crate::sql::values;
use crate::words::words;
use crate::{Error, Invalid, Refusal, Result, View, parameter};

/// A CallManager server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Node {
    /// Its host name.
    pub name: String,
    /// What its certificate names beside the host name.
    pub guid: Guid,
    /// Its address.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: IpAddr,
    /// Its place in the cluster.
    pub role: NodeRole,
    /// The services that are active on it.
    pub services: Vec<Service>,
}

words! {
    /// A node's place in the cluster.
    pub enum NodeRole {
        /// The node with the writable database.
        Publisher = "publisher",
        /// Any other.
        Subscriber = "subscriber",
    }
}

words! {
    /// A service that can be active on a node.
    pub enum Service {
        /// Call processing.
        CallManager = "call-manager",
        /// Serving files to phones.
        Tftp = "tftp",
        /// What the CTL client talks to; active on every node of a secure cluster.
        CtlProvider = "ctl-provider",
        /// Certificates for phones; on the publisher only.
        Capf = "capf",
    }
}

impl Node {
    /// A new node with all services but CAPF.
    pub fn new(name: impl Into<String>, address: IpAddr, role: NodeRole) -> Self {
        let services = vec![Service::CallManager, Service::Tftp, Service::CtlProvider];
        Self { name: name.into(), guid: Guid::random(), address, role, services }
    }

    fn check(&self) -> Result<()> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if self.name.is_empty() || self.name.len() > 255 || !self.name.chars().all(allowed) {
            return Err(Invalid::NodeName(self.name.clone()).into());
        }
        if self.address.is_unspecified() || self.address.is_multicast() {
            return Err(Invalid::Address(self.address.to_string()).into());
        }
        if self.services.contains(&Service::Capf) && self.role != NodeRole::Publisher {
            return Err(Refusal::CapfOnPublisherOnly.into());
        }
        Ok(())
    }
}

impl View<'_> {
    /// All nodes, the publisher first, then by name.
    pub fn nodes(&mut self) -> Result<Vec<Node>> {
        let rows = self
            .sql
            .query("SELECT name, guid, address, role FROM node ORDER BY role, name", &[])?;
        let mut nodes = Vec::with_capacity(rows.len());
        for mut row in rows {
            let name: String = row.next()?;
            let (guid, address, role) = (row.parse()?, row.parse()?, row.parse()?);
            let services = self.services(&name)?;
            nodes.push(Node { name, guid, address, role, services });
        }
        Ok(nodes)
    }

    /// One node.
    pub fn node(&mut self, name: &str) -> Result<Node> {
        let unknown = || Error::Unknown { object: "node", name: name.to_owned() };
        self.nodes()?.into_iter().find(|node| node.name == name).ok_or_else(unknown)
    }

    fn services(&mut self, node: &str) -> Result<Vec<Service>> {
        let rows =
            self.sql.query("SELECT service FROM node_service WHERE node = $1", values![node])?;
        let mut services: Vec<Service> =
            rows.into_iter().map(|mut row| row.parse()).collect::<Result<_>>()?;
        services.sort();
        Ok(services)
    }
}

impl Change<'_> {
    /// Adds a node, or replaces the one of the same name. A cluster has exactly one publisher.
    pub fn put_node(&mut self, node: &Node) -> Result<()> {
        node.check()?;
        let nodes = self.nodes()?;
        let old = nodes.iter().find(|old| old.name == node.name);
        let others = || nodes.iter().filter(|other| other.name != node.name);
        if let Some(twin) = others().find(|o| o.address == node.address || o.guid == node.guid) {
            return Err(Error::Exists { object: "node", name: twin.name.clone() });
        }
        let publisher = |node: &Node| node.role == NodeRole::Publisher;
        if publisher(node) && others().any(publisher) {
            return Err(Refusal::SecondPublisher.into());
        }
        if old.is_some_and(publisher) && !publisher(node) {
            return Err(Refusal::PublisherStays.into());
        }
        self.view.sql.execute(
            "INSERT INTO node (name, guid, address, role) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name) DO UPDATE SET
                guid = excluded.guid, address = excluded.address, role = excluded.role",
            values![&*node.name, node.guid.as_str(), node.address.to_string(), node.role.as_str()],
        )?;
        self.view.sql.execute("DELETE FROM node_service WHERE node = $1", values![&*node.name])?;
        let mut node = node.clone();
        node.services.sort();
        node.services.dedup();
        for service in &node.services {
            self.view.sql.execute(
                "INSERT INTO node_service (node, service) VALUES ($1, $2)",
                values![&*node.name, service.as_str()],
            )?;
        }
        self.record("node", &node.name, old.and_then(json), json(&node));
        let had_provider = old.is_some_and(|old| old.services.contains(&Service::CtlProvider));
        if node.services.contains(&Service::CtlProvider) && !had_provider {
            self.reset_provider_port(&node.name)?;
        }
        Ok(())
    }

    /// A subscriber takes the publisher's place, which becomes a subscriber. CAPF, which runs on the
    /// publisher only, ends where it was, and has to be activated where the publisher is now.
    pub fn make_publisher(&mut self, name: &str) -> Result<()> {
        let next = self.node(name)?;
        if next.role == NodeRole::Publisher {
            return Ok(());
        }
        let last = self.nodes()?.into_iter().find(|node| node.role == NodeRole::Publisher);
        let last = last.map(|node| (node, NodeRole::Subscriber));
        for (node, role) in last.into_iter().chain([(next, NodeRole::Publisher)]) {
            let mut changed = Node { role, ..node.clone() };
            changed.services.retain(|service| *service != Service::Capf);
            self.view.sql.execute(
                "UPDATE node SET role = $2 WHERE name = $1",
                values![&*node.name, role.as_str()],
            )?;
            self.view.sql.execute(
                "DELETE FROM node_service WHERE node = $1 AND service = $2",
                values![&*node.name, Service::Capf.as_str()],
            )?;
            self.record("node", &node.name, json(&node), json(&changed));
        }
        Ok(())
    }

    /// Activating the CTL Provider resets its port to the default.
    fn reset_provider_port(&mut self, node: &str) -> Result<()> {
        let port = self.parameter(Some(node), parameter::CTL_PROVIDER_PORT)?;
        if port.value != port.definition.default {
            self.write_parameter(Some(node), port.definition.name, port.definition.default)?;
        }
        Ok(())
    }

    /// Removes a subscriber with its parameters.
    pub fn remove_node(&mut self, name: &str) -> Result<()> {
        let node = self.node(name)?;
        if node.role == NodeRole::Publisher {
            return Err(Refusal::PublisherStays.into());
        }
        self.view.sql.execute("DELETE FROM node WHERE name = $1", values![name])?;
        self.record("node", name, json(&node), None);
        Ok(())
    }
}
