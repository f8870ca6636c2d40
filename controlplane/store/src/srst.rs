//! Gateways that serve the phones of a place while the centre is away.

use std::net::IpAddr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateRole};
use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::pool::check_name;
use crate::sql::values;
use crate::store::{millis, time};
use crate::{Error, Invalid, Refusal, Result, View};

/// An SRST reference: where phones of the pools that name it go when no CallManager answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrstReference {
    /// What administrators call it.
    pub name: String,
    /// Where the gateway is.
    pub address: IpAddr,
    /// Its port of plain SCCP; phones add 443 to it for TLS.
    pub port: u16,
    /// Where it shows its certificate to those who ask.
    pub provider_port: u16,
    /// Is SRST Secure? Phones speak TLS to it, if they have its certificate.
    pub secure: bool,
    /// When the certificate was accepted that phones are given; absent: they are given none.
    pub fetched_at: Option<SystemTime>,
}

/// SRST Certificate Provider Port, as gateways have it.
pub const DEFAULT_PROVIDER_PORT: u16 = 2445;

const DEFAULT_PORT: u16 = 2000;
/// Ports below belong to the system, those above are given out to clients.
const PORTS: std::ops::RangeInclusive<u16> = 1024..=49151;
/// The last one to which 443 can be added.
const SCCP_PORTS: std::ops::RangeInclusive<u16> = 1024..=(49151 - 443);

impl SrstReference {
    /// A reference with everything at its default: not secure.
    pub fn new(name: impl Into<String>, address: IpAddr) -> Self {
        Self {
            name: name.into(),
            address,
            port: DEFAULT_PORT,
            provider_port: DEFAULT_PROVIDER_PORT,
            secure: false,
            fetched_at: None,
        }
    }

    /// Reads an SRST Certificate Provider Port as an administrator typed it.
    pub fn parse_port(given: &str) -> Result<u16> {
        if given.is_empty() || !given.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Invalid::PortDigits.into());
        }
        let port = given.parse().ok().filter(|port| PORTS.contains(port));
        port.ok_or_else(|| out_of(&PORTS, given))
    }

    fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        for (port, range) in [(self.port, SCCP_PORTS), (self.provider_port, PORTS)] {
            if !range.contains(&port) {
                return Err(out_of(&range, port));
            }
        }
        match self.address.is_unspecified() || self.address.is_multicast() {
            true => Err(Invalid::Address(self.address.to_string()).into()),
            false => Ok(()),
        }
    }
}

fn out_of(range: &std::ops::RangeInclusive<u16>, given: impl ToString) -> Error {
    let (min, max) = (i64::from(*range.start()), i64::from(*range.end()));
    Invalid::Range { given: given.to_string(), min, max }.into()
}

impl View<'_> {
    /// All references, by name.
    pub fn srst_references(&mut self) -> Result<Vec<SrstReference>> {
        let rows = self.sql.query(
            "SELECT name, address, port, provider_port, secure, fetched_at FROM srst_reference
                ORDER BY name",
            &[],
        )?;
        let port = |number: u64| {
            u16::try_from(number).map_err(|_| Error::Corrupt(format!("a port {number}")))
        };
        rows.into_iter()
            .map(|mut row| {
                Ok(SrstReference {
                    name: row.next()?,
                    address: row.parse()?,
                    port: port(row.next()?)?,
                    provider_port: port(row.next()?)?,
                    secure: row.next()?,
                    fetched_at: row.next::<Option<u64>>()?.map(time),
                })
            })
            .collect()
    }

    /// One reference.
    pub fn srst_reference(&mut self, name: &str) -> Result<SrstReference> {
        let unknown = || Error::Unknown { object: "srst-reference", name: name.to_owned() };
        self.srst_references()?.into_iter().find(|it| it.name == name).ok_or_else(unknown)
    }

    /// The certificate that phones are given for a reference; `None` until one was accepted.
    pub fn srst_certificate(&mut self, name: &str) -> Result<Option<Certificate>> {
        let ours = |it: &Certificate| it.role == CertificateRole::SrstGateway && it.owner == name;
        Ok(self.certificates()?.into_iter().find(ours))
    }
}

impl Change<'_> {
    /// Adds a reference, or changes the one of the same name. Its certificate stays what it was;
    /// one that is not secure any more has none.
    pub fn put_srst_reference(&mut self, reference: &SrstReference) -> Result<()> {
        reference.check()?;
        let old = self.srst_references()?.into_iter().find(|old| old.name == reference.name);
        let fetched_at = old.as_ref().and_then(|old| old.fetched_at);
        let kept = fetched_at.filter(|_| reference.secure);
        let new = SrstReference { fetched_at: kept, ..reference.clone() };
        if !new.secure {
            self.forget_srst_certificates(&new.name)?;
        }
        self.write_srst_reference(old.as_ref(), &new)
    }

    /// Gives phones another certificate of a reference from now on: the one that a person has
    /// accepted. It replaces what was there.
    pub fn accept_srst_certificate(&mut self, name: &str, certificate: &Certificate) -> Result<()> {
        let old = self.srst_reference(name)?;
        if !old.secure {
            return Err(Refusal::SrstNotSecure.into());
        }
        let known = self.srst_certificate(name)?;
        if known.is_some_and(|known| known.der == certificate.der) {
            return Ok(());
        }
        self.forget_srst_certificates(name)?;
        let role = CertificateRole::SrstGateway;
        self.put_certificate(&Certificate { role, owner: name.to_owned(), ..certificate.clone() })?;
        let new = SrstReference { fetched_at: Some(time(self.at)), ..old.clone() };
        self.write_srst_reference(Some(&old), &new)
    }

    /// Takes the certificate of a reference from phones, since its gateway has none any more.
    pub fn withdraw_srst_certificate(&mut self, name: &str) -> Result<()> {
        let old = self.srst_reference(name)?;
        self.forget_srst_certificates(name)?;
        self.write_srst_reference(Some(&old), &SrstReference { fetched_at: None, ..old.clone() })
    }

    /// Removes a reference that no pool names, and its certificate.
    pub fn remove_srst_reference(&mut self, name: &str) -> Result<()> {
        let old = self.srst_reference(name)?;
        let uses = |pool: &crate::Pool| pool.srst.as_deref() == Some(name);
        if let Some(pool) = self.pools()?.into_iter().find(uses) {
            let (object, name) = ("srst-reference", name.to_owned());
            return Err(Error::InUse { object, name, by: pool.name });
        }
        self.forget_srst_certificates(name)?;
        self.view.sql.execute("DELETE FROM srst_reference WHERE name = $1", values![name])?;
        self.record("srst-reference", name, json(&old), None);
        Ok(())
    }

    fn write_srst_reference(
        &mut self,
        old: Option<&SrstReference>,
        new: &SrstReference,
    ) -> Result<()> {
        if old == Some(new) {
            return Ok(());
        }
        self.view.sql.execute(
            "INSERT INTO srst_reference (name, address, port, provider_port, secure, fetched_at)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (name) DO UPDATE SET
                address = excluded.address, port = excluded.port,
                provider_port = excluded.provider_port, secure = excluded.secure,
                fetched_at = excluded.fetched_at",
            values![
                &*new.name,
                new.address.to_string(),
                u64::from(new.port),
                u64::from(new.provider_port),
                new.secure,
                new.fetched_at.map(millis),
            ],
        )?;
        let seen_by_phones = |it: &SrstReference| (it.address, it.port, it.secure, it.fetched_at);
        if old.is_some_and(|old| seen_by_phones(old) != seen_by_phones(new)) {
            self.trigger(&Trigger::SrstSecurity(new.name.clone()));
        }
        self.record("srst-reference", &new.name, old.and_then(json), json(new));
        Ok(())
    }

    fn forget_srst_certificates(&mut self, name: &str) -> Result<()> {
        while let Some(certificate) = self.srst_certificate(name)? {
            self.remove_certificate(&certificate)?;
        }
        Ok(())
    }
}
