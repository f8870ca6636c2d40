//! Voicemail servers, their ports, and for whom messages wait.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateRole};
use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::device::DeviceSecurityMode;
use crate::line::Line;
use crate::number::Number;
use crate::sql::{Row, values};
use crate::{Error, Invalid, Result, View};

/// A voicemail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailServer {
    /// Its name, which those of its ports begin with.
    pub name: String,
    /// What the ports that are added to it are set to.
    pub security_mode: DeviceSecurityMode,
}

/// A port of a voicemail server: a station with one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailPort {
    /// Its name.
    pub name: PortName,
    /// The number it is called by.
    pub number: Number,
    /// The pool it belongs to.
    pub pool: String,
    /// The mode it is set to.
    pub security_mode: DeviceSecurityMode,
}

/// `SERVER-VI` and the port's number, from 1: `CiscoUM1-VI1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortName {
    server: String,
    position: u8,
}

// The derived one would show its parts.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for PortName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for PortName {}

/// A name of a station has 15 characters at most, and `-VI99` is five of them.
const MAX_SERVER_NAME: usize = 10;
const INFIX: &str = "-VI";

impl PortName {
    /// Most ports of a server.
    pub const MAX: u8 = 99;

    /// A port of a server.
    pub fn new(server: &str, position: u8) -> Result<Self> {
        check_name(server)?;
        match (1..=Self::MAX).contains(&position) {
            true => Ok(Self { server: server.to_owned(), position }),
            false => {
                let (given, max) = (position.to_string(), Self::MAX.into());
                Err(Invalid::Range { given, min: 1, max }.into())
            }
        }
    }

    /// Its server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Its number among those of its server, from 1.
    pub fn position(&self) -> u8 {
        self.position
    }
}

impl FromStr for PortName {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self> {
        let (server, position) = given.rsplit_once(INFIX).unwrap_or_default();
        let number = position.parse().ok().filter(|number: &u8| number.to_string() == position);
        let name = number.and_then(|number| Self::new(server, number).ok());
        name.ok_or_else(|| Invalid::VoicemailPort(given.to_owned()).into())
    }
}

impl TryFrom<String> for PortName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PortName> for String {
    fn from(name: PortName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{INFIX}{}", self.server, self.position))
    }
}

fn check_name(server: &str) -> Result<()> {
    let sound = server.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match sound && (1..=MAX_SERVER_NAME).contains(&server.len()) {
        true => Ok(()),
        false => Err(Invalid::VoicemailServer(server.to_owned()).into()),
    }
}

impl View<'_> {
    /// All voicemail servers, by name.
    pub fn voicemail_servers(&mut self) -> Result<Vec<VoicemailServer>> {
        let all = "SELECT name, security_mode FROM voicemail_server ORDER BY name";
        let server =
            |mut row: Row| Ok(VoicemailServer { name: row.next()?, security_mode: row.parse()? });
        self.sql.query(all, &[])?.into_iter().map(server).collect()
    }

    /// One server.
    pub fn voicemail_server(&mut self, name: &str) -> Result<VoicemailServer> {
        let unknown = || Error::Unknown { object: "voicemail-server", name: name.to_owned() };
        self.voicemail_servers()?.into_iter().find(|it| it.name == name).ok_or_else(unknown)
    }

    /// All ports, by server and number.
    pub fn voicemail_ports(&mut self) -> Result<Vec<VoicemailPort>> {
        let all = "SELECT server, position, number, pool, security_mode FROM voicemail_port
            ORDER BY server, position";
        let port = |mut row: Row| {
            let (server, position): (String, u64) = (row.next()?, row.next()?);
            let corrupt = || Error::Corrupt(format!("a voicemail port {server} {position}"));
            let position = u8::try_from(position).map_err(|_| corrupt())?;
            Ok(VoicemailPort {
                name: PortName { server, position },
                number: row.parse()?,
                pool: row.next()?,
                security_mode: row.parse()?,
            })
        };
        self.sql.query(all, &[])?.into_iter().map(port).collect()
    }

    /// One port.
    pub fn voicemail_port(&mut self, name: &PortName) -> Result<VoicemailPort> {
        let unknown = || Error::Unknown { object: "voicemail-port", name: name.to_string() };
        self.voicemail_ports()?.into_iter().find(|it| it.name == *name).ok_or_else(unknown)
    }

    /// The ports of a server.
    pub fn ports_of(&mut self, server: &str) -> Result<Vec<VoicemailPort>> {
        let mut ports = self.voicemail_ports()?;
        ports.retain(|port| port.name.server == server);
        Ok(ports)
    }

    /// The root certificate of a server; `None` until it was copied.
    pub fn voicemail_root(&mut self, server: &str) -> Result<Option<Certificate>> {
        let its =
            |it: &Certificate| it.role == CertificateRole::VoicemailRoot && it.owner == server;
        Ok(self.certificates()?.into_iter().find(its))
    }

    /// The last change of what messages wait. It is above 0 once there was one.
    pub(crate) fn waiting_change(&mut self) -> Result<u64> {
        let last = "SELECT COALESCE(MAX(change), 0) FROM message_waiting";
        self.sql.query(last, &[])?[0].next()
    }

    /// Whether messages wait, for the numbers where that changed since.
    pub(crate) fn waiting_since(&mut self, seen: u64) -> Result<Vec<(Number, bool)>> {
        let changed = "SELECT number, waiting FROM message_waiting WHERE change > $1";
        let rows = self.sql.query(changed, values![seen])?;
        rows.into_iter().map(|mut row| Ok((row.parse()?, row.next()?))).collect()
    }

    /// Whether a message waits for a number.
    pub fn message_waits(&mut self, number: &Number) -> Result<bool> {
        let found = "SELECT waiting FROM message_waiting WHERE number = $1";
        let mut rows = self.sql.query(found, values![number.as_str()])?;
        Ok(rows.pop().map(|mut row| row.next()).transpose()?.unwrap_or(false))
    }
}

impl Change<'_> {
    /// Adds a server, or changes the mode that its ports are given: those that there are stay as
    /// they are.
    pub fn put_voicemail_server(&mut self, server: &VoicemailServer) -> Result<()> {
        check_name(&server.name)?;
        let old = self.voicemail_servers()?.into_iter().find(|old| old.name == server.name);
        self.view.sql.execute(
            "INSERT INTO voicemail_server (name, security_mode) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE SET security_mode = excluded.security_mode",
            values![&*server.name, server.security_mode.as_str()],
        )?;
        self.record("voicemail-server", &server.name, old.as_ref().and_then(json), json(server));
        Ok(())
    }

    /// Removes a server with its ports and its certificate. The lines stay.
    pub fn remove_voicemail_server(&mut self, name: &str) -> Result<()> {
        let old = self.voicemail_server(name)?;
        for port in self.ports_of(name)? {
            self.remove_voicemail_port(&port.name)?;
        }
        self.remove_voicemail_root(name)?;
        self.view.sql.execute("DELETE FROM voicemail_server WHERE name = $1", values![name])?;
        self.record("voicemail-server", name, json(&old), None);
        Ok(())
    }

    /// Adds ports to a server, in the mode of the server, with numbers from `first` on. A call
    /// that one does not take goes to the next one. Answers with their names.
    pub fn add_voicemail_ports(
        &mut self,
        server: &str,
        count: u8,
        first: &Number,
        pool: &str,
    ) -> Result<Vec<PortName>> {
        let mode = self.voicemail_server(server)?.security_mode;
        let last = self.ports_of(server)?.pop();
        let mut before = last.as_ref().map(|last| last.number.clone());
        let mut position = last.map_or(0, |last| last.name.position);
        let mut names = Vec::new();
        for number in first.following(count.into())? {
            position = position.saturating_add(1);
            let name = PortName::new(server, position)?;
            let (pool, security_mode) = (pool.to_owned(), mode);
            self.put_voicemail_port(&VoicemailPort {
                name: name.clone(),
                number: number.clone(),
                pool,
                security_mode,
            })?;
            if let Some(before) = before.replace(number.clone()) {
                let (busy, no_answer) = (Some(number.clone()), Some(number));
                let line = self.line(&before)?;
                self.put_line(&Line { forward_busy: busy, forward_no_answer: no_answer, ..line })?;
            }
            names.push(name);
        }
        Ok(names)
    }

    /// Adds a port, or changes it. Its number becomes a line if it is none.
    pub fn put_voicemail_port(&mut self, port: &VoicemailPort) -> Result<()> {
        let (name, server) = (port.name.to_string(), port.name.server());
        self.voicemail_server(server)?;
        self.pool(&port.pool)?;
        let ports = self.voicemail_ports()?;
        let old = ports.iter().find(|old| old.name == port.name);
        if old == Some(port) {
            return Ok(());
        }
        let of_port = |it: &&VoicemailPort| it.number == port.number && it.name != port.name;
        let by = match ports.iter().find(of_port) {
            Some(other) => Some(other.name.to_string()),
            None => match self.phones_of_line(&port.number)?.pop() {
                Some(phone) => Some(phone.to_string()),
                None => self.port_of_line(&port.number)?,
            },
        };
        if let Some(by) = by {
            return Err(Error::InUse { object: "line", name: port.number.to_string(), by });
        }
        self.have_line(&port.number)?;
        self.view.sql.execute(
            "INSERT INTO voicemail_port (server, position, number, pool, security_mode)
                VALUES ($1, $2, $3, $4, $5) ON CONFLICT (server, position) DO UPDATE SET
                number = excluded.number, pool = excluded.pool,
                security_mode = excluded.security_mode",
            values![
                server,
                u64::from(port.name.position),
                port.number.as_str(),
                &*port.pool,
                port.security_mode.as_str(),
            ],
        )?;
        if old.is_some() {
            self.trigger(&Trigger::VoicemailPorts(server.to_owned()));
        }
        self.record("voicemail-port", &name, old.and_then(json), json(port));
        Ok(())
    }

    /// Removes a port. Its line stays.
    pub fn remove_voicemail_port(&mut self, name: &PortName) -> Result<()> {
        let old = self.voicemail_port(name)?;
        self.view.sql.execute(
            "DELETE FROM voicemail_port WHERE server = $1 AND position = $2",
            values![name.server(), u64::from(name.position)],
        )?;
        self.record("voicemail-port", &name.to_string(), json(&old), None);
        Ok(())
    }

    /// Gives every node the root certificate of a server, in the place of the one before.
    pub fn put_voicemail_root(&mut self, server: &str, root: &Certificate) -> Result<()> {
        self.voicemail_server(server)?;
        if self.voicemail_root(server)?.is_some_and(|known| known.der == root.der) {
            return Ok(());
        }
        self.remove_voicemail_root(server)?;
        let (role, owner) = (CertificateRole::VoicemailRoot, server.to_owned());
        self.put_certificate(&Certificate { role, owner, ..root.clone() })?;
        self.trigger(&Trigger::VoicemailCertificate);
        Ok(())
    }

    /// Takes the root certificate of a server back.
    pub fn remove_voicemail_root(&mut self, server: &str) -> Result<()> {
        while let Some(root) = self.voicemail_root(server)? {
            self.remove_certificate(&root)?;
        }
        Ok(())
    }

    /// Notes whether a message waits for a number. It is in the audit log, and makes no revision:
    /// voicemail servers say so, and nobody administers it.
    pub fn set_message_waiting(&mut self, number: &Number, waiting: bool) -> Result<()> {
        self.line(number)?;
        if self.message_waits(number)? == waiting {
            return Ok(());
        }
        let change = self.waiting_change()? + 1;
        self.view.sql.execute(
            "INSERT INTO message_waiting (number, waiting, change) VALUES ($1, $2, $3)
                ON CONFLICT (number) DO UPDATE SET
                waiting = excluded.waiting, change = excluded.change",
            values![number.as_str(), waiting, change],
        )?;
        let detail = match waiting {
            true => format!("a message waits for {number}"),
            false => format!("no message waits for {number} any more"),
        };
        let (author, at) = (self.author(), self.at);
        self.view.append_audit(author, at, "message-waiting", &detail)
    }

    /// Refuses if a line is a port's.
    pub(crate) fn is_no_voicemail_port(&mut self, number: &Number) -> Result<()> {
        let ports = self.voicemail_ports()?;
        match ports.into_iter().find(|port| port.number == *number) {
            None => Ok(()),
            Some(port) => Err(Error::InUse {
                object: "line",
                name: number.to_string(),
                by: port.name.to_string(),
            }),
        }
    }
}
