//! Gateways that CallManager commands by MGCP, and their voice ports.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::number::Number;
use crate::pool::DEFAULT_POOL;
use crate::sql::{Row, values};
use crate::words::words;
use crate::{Error, Invalid, Result, View};

/// A gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gateway {
    /// What stands behind the `@` in names of its endpoints: its host name with the domain it is
    /// configured with, or an address in brackets.
    pub name: String,
    /// For people.
    pub description: String,
    /// Where it listens for MGCP, in order of preference.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub addresses: Vec<SocketAddr>,
    /// What it speaks.
    pub dialect: Dialect,
    /// Whether keys of calls may go to it.
    pub key_policy: KeyPolicy,
    /// Where it is known whether IPsec protects the way to it.
    pub path: PathKind,
    /// Who it must have proven to be to the IKE daemon: `gw1.example` or a distinguished name.
    /// Empty is anybody whom that daemon trusts.
    pub identity: String,
    /// The pool it belongs to: its region, whether its media goes through a relay, and its call
    /// agents in order, which are those of the pool.
    pub pool: String,
    /// How it collects digits, as in `D:` of MGCP; empty: it tells of each digit.
    pub digit_map: String,
    /// Whether encrypted calls end when IPsec no longer covers the way and the policy is
    /// [`KeyPolicy::Require`]; else they go on under the keys that they have.
    pub drop_secure_calls: bool,
    /// Its voice ports.
    pub ports: Vec<GatewayPort>,
}

/// A voice port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayPort {
    /// What stands before the `@`: `aaln/S1/SU0/0`, `S0/SU0/DS1-0/1`.
    pub name: String,
    /// The number of the telephone on it; none is a trunk, which routes lead to.
    pub number: Option<Number>,
    /// Which calls it takes.
    pub direction: Direction,
    /// Where calls that come in by a trunk go; without it their digits are waited for.
    pub attendant: Option<Number>,
    /// Whether what is said with it about calls is written to the trace.
    pub capture: bool,
}

words! {
    /// What a gateway speaks.
    pub enum Dialect {
        /// MGCP 0.1, as gateways of the manufacturer under CallManager.
        Mgcp01 = "mgcp-0.1",
        /// MGCP 1.0 (RFC 3435).
        Mgcp10 = "mgcp-1.0",
    }
}

words! {
    /// Whether keys of calls may go to a gateway.
    pub enum KeyPolicy {
        /// Only while IPsec covers the way: else its calls are made without encryption.
        Require = "require",
        /// Always, with an alarm where IPsec does not cover the way.
        Prefer = "prefer",
        /// Always: the operator vouches for the way.
        TrustedPath = "trusted-path",
    }
}

words! {
    /// Where it is known whether IPsec protects the way to a gateway.
    pub enum PathKind {
        /// On this node: its IKE daemon is asked.
        Here = "here",
        /// In another box, which nobody can ask.
        Elsewhere = "elsewhere",
    }
}

words! {
    /// Which calls a port takes, as seen from the cluster.
    pub enum Direction {
        /// All.
        Both = "both",
        /// Those that come in.
        In = "in",
        /// Those that go out.
        Out = "out",
    }
}

/// Ports of a gateway.
const MAX_PORTS: usize = 1024;
const MAX_ADDRESSES: usize = 4;
const MAX_TEXT: usize = 128;
const MAX_DIGIT_MAP: usize = 2048;

impl Gateway {
    /// A new gateway without ports, with everything else at its default.
    pub fn new(name: impl Into<String>, addresses: Vec<SocketAddr>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            addresses,
            dialect: Dialect::Mgcp01,
            key_policy: KeyPolicy::Require,
            path: PathKind::Here,
            identity: String::new(),
            pool: DEFAULT_POOL.to_owned(),
            digit_map: String::new(),
            drop_secure_calls: false,
            ports: Vec::new(),
        }
    }

    /// A port, by its name.
    pub fn port(&self, name: &str) -> Option<&GatewayPort> {
        self.ports.iter().find(|port| port.name.eq_ignore_ascii_case(name))
    }

    fn check(&self) -> Result<()> {
        let host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        let bracketed = self.name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let sound = match bracketed {
            Some(address) => address.parse::<std::net::IpAddr>().is_ok(),
            None => (1..=255).contains(&self.name.len()) && self.name.chars().all(host),
        };
        if !sound {
            return Err(Invalid::Host(self.name.clone()).into());
        }
        for address in &self.addresses {
            if address.ip().is_unspecified() || address.ip().is_multicast() || address.port() == 0 {
                return Err(Invalid::Address(address.to_string()).into());
            }
        }
        if !(1..=MAX_ADDRESSES).contains(&self.addresses.len()) {
            return Err(range(self.addresses.len(), 1, MAX_ADDRESSES));
        }
        if self.ports.len() > MAX_PORTS {
            return Err(range(self.ports.len(), 0, MAX_PORTS));
        }
        for (field, text, max) in [
            ("description", &self.description, MAX_TEXT),
            ("identity", &self.identity, MAX_TEXT),
            ("digit-map", &self.digit_map, MAX_DIGIT_MAP),
        ] {
            if text.chars().count() > max || text.contains(char::is_control) {
                return Err(Invalid::TooLong { field, max }.into());
            }
        }
        for (index, port) in self.ports.iter().enumerate() {
            port.check()?;
            if self.ports[..index].iter().any(|it| it.name.eq_ignore_ascii_case(&port.name)) {
                return Err(Error::Exists { object: "port", name: port.name.clone() });
            }
        }
        Ok(())
    }
}

fn range(given: usize, min: i64, max: usize) -> Error {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    Invalid::Range { given: given.to_string(), min, max }.into()
}

impl GatewayPort {
    /// A trunk port, or, with a number, the port of a telephone.
    pub fn new(name: impl Into<String>, number: Option<Number>) -> Self {
        let (direction, attendant, capture) = (Direction::Both, None, false);
        Self { name: name.into(), number, direction, attendant, capture }
    }

    fn check(&self) -> Result<()> {
        let sign = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        let terms = self.name.split('/').all(|term| !term.is_empty());
        match terms && self.name.len() <= MAX_TEXT && self.name.chars().all(sign) {
            true => Ok(()),
            false => Err(Invalid::Name { given: self.name.clone(), max: MAX_TEXT }.into()),
        }
    }
}

const COLUMNS: &str = "name, description, addresses, dialect, key_policy, path, identity, pool,
    digit_map, drop_secure_calls";

fn read(mut row: Row) -> Result<Gateway> {
    let (name, description) = (row.next()?, row.next()?);
    let addresses: String = row.next()?;
    let address = |text: &str| {
        let corrupt = |_| Error::Corrupt(format!("address of gateway {name}: {text}"));
        text.parse().map_err(corrupt)
    };
    Ok(Gateway {
        addresses: addresses.split(' ').map(address).collect::<Result<_>>()?,
        description,
        dialect: row.parse()?,
        key_policy: row.parse()?,
        path: row.parse()?,
        identity: row.next()?,
        pool: row.next()?,
        digit_map: row.next()?,
        drop_secure_calls: row.next()?,
        ports: Vec::new(),
        name,
    })
}

fn read_port(mut row: Row) -> Result<(String, GatewayPort)> {
    let gateway = row.next()?;
    let name = row.next()?;
    let number: Option<String> = row.next()?;
    let direction = row.parse()?;
    let attendant: Option<String> = row.next()?;
    let number_of = |text: Option<String>| text.map(|text| text.parse()).transpose();
    let (number, attendant) = (number_of(number)?, number_of(attendant)?);
    Ok((gateway, GatewayPort { name, number, direction, attendant, capture: row.next()? }))
}

impl View<'_> {
    /// All gateways with their ports, by name.
    pub fn gateways(&mut self) -> Result<Vec<Gateway>> {
        let rows = self.sql.query(&format!("SELECT {COLUMNS} FROM gateway ORDER BY name"), &[])?;
        let mut gateways: Vec<Gateway> = rows.into_iter().map(read).collect::<Result<_>>()?;
        let rows = self.sql.query(
            "SELECT gateway, name, number, direction, attendant, capture FROM gateway_port
                ORDER BY gateway, position",
            &[],
        )?;
        for row in rows {
            let (gateway, port) = read_port(row)?;
            if let Some(found) = gateways.iter_mut().find(|found| found.name == gateway) {
                found.ports.push(port);
            }
        }
        Ok(gateways)
    }

    /// One gateway.
    pub fn gateway(&mut self, name: &str) -> Result<Gateway> {
        let unknown = || Error::Unknown { object: "gateway", name: name.to_owned() };
        let same = |gateway: &Gateway| gateway.name.eq_ignore_ascii_case(name);
        self.gateways()?.into_iter().find(same).ok_or_else(unknown)
    }

    /// A port that has a number.
    pub(crate) fn port_of_line(&mut self, number: &Number) -> Result<Option<String>> {
        let rows = self.sql.query(
            "SELECT name, gateway FROM gateway_port WHERE number = $1",
            values![number.as_str()],
        )?;
        let name =
            |mut row: Row| Ok(format!("{}@{}", row.next::<String>()?, row.next::<String>()?));
        rows.into_iter().next().map(name).transpose()
    }
}

impl Change<'_> {
    /// Adds a gateway, or replaces the one of the same name. Numbers that no line has yet become
    /// lines.
    pub fn put_gateway(&mut self, gateway: &Gateway) -> Result<()> {
        gateway.check()?;
        self.pool(&gateway.pool)?;
        let all = self.gateways()?;
        let same = |old: &&Gateway| old.name.eq_ignore_ascii_case(&gateway.name);
        let old = all.iter().find(same);
        if let Some(old) = old.filter(|old| old.name != gateway.name) {
            return Err(Error::Exists { object: "gateway", name: old.name.clone() });
        }
        let others = all.iter().filter(|other| !same(other));
        for other in others {
            let shared = |address| other.addresses.iter().any(|theirs| theirs == address);
            if gateway.addresses.iter().any(shared) {
                return Err(Error::Exists { object: "gateway", name: other.name.clone() });
            }
        }
        self.view.sql.execute(
            &format!(
                "INSERT INTO gateway ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                    ON CONFLICT (name) DO UPDATE SET
                    description = excluded.description, addresses = excluded.addresses,
                    dialect = excluded.dialect, key_policy = excluded.key_policy,
                    path = excluded.path, identity = excluded.identity, pool = excluded.pool,
                    digit_map = excluded.digit_map,
                    drop_secure_calls = excluded.drop_secure_calls"
            ),
            values![
                &*gateway.name,
                &*gateway.description,
                gateway.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                gateway.dialect.as_str(),
                gateway.key_policy.as_str(),
                gateway.path.as_str(),
                &*gateway.identity,
                &*gateway.pool,
                &*gateway.digit_map,
                gateway.drop_secure_calls,
            ],
        )?;
        self.write_ports(gateway)?;
        self.record("gateway", &gateway.name, old.and_then(json), json(gateway));
        Ok(())
    }

    fn write_ports(&mut self, gateway: &Gateway) -> Result<()> {
        self.view
            .sql
            .execute("DELETE FROM gateway_port WHERE gateway = $1", values![&*gateway.name])?;
        for (position, port) in (1u64..).zip(&gateway.ports) {
            if let Some(number) = &port.number {
                self.is_no_voicemail_port(number)?;
                self.have_line(number)?;
            }
            self.view.sql.execute(
                "INSERT INTO gateway_port
                    (gateway, position, name, number, direction, attendant, capture)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)",
                values![
                    &*gateway.name,
                    position,
                    &*port.name,
                    port.number.as_ref().map(Number::as_str),
                    port.direction.as_str(),
                    port.attendant.as_ref().map(Number::as_str),
                    port.capture,
                ],
            )?;
        }
        Ok(())
    }

    /// Removes a gateway that no route leads to, with its ports. Its lines stay.
    pub fn remove_gateway(&mut self, name: &str) -> Result<()> {
        let gateway = self.gateway(name)?;
        let leads = |route: &crate::Route| match &route.destination {
            crate::Destination::Gateway(to) => to.eq_ignore_ascii_case(&gateway.name),
            _ => false,
        };
        if let Some(route) = self.routes()?.into_iter().find(leads) {
            let by = format!("route {}", route.pattern);
            return Err(Error::InUse { object: "gateway", name: gateway.name, by });
        }
        self.view.sql.execute("DELETE FROM gateway WHERE name = $1", values![&*gateway.name])?;
        self.record("gateway", &gateway.name, json(&gateway), None);
        Ok(())
    }
}
