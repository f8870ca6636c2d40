use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::{Change, json};
use crate::sql::{Row, values};
use crate::store::{millis, time};
use crate::words::words;
use crate::{DeviceName, Result, View};

/// A certificate of a phone, as CAPF issued or saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneCertificate {
    /// Whose it is.
    pub device: DeviceName,
    /// Who made it.
    pub kind: PhoneCertificateKind,
    /// Subject name.
    pub subject: String,
    /// Issuer name.
    pub issuer: String,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Valid from.
    pub not_before: SystemTime,
    /// Valid until.
    pub not_after: SystemTime,
    /// Fingerprint of the certificate that issued it, where it is known.
    pub issued_by: Option<String>,
    /// When CAPF issued it or saw it first.
    pub noted_at: SystemTime,
    /// Whether the phone has it, as far as is known. One that was replaced or deleted stays in the
    /// inventory.
    pub present: bool,
    /// When an administrator declared it worthless, if he did. The phone may still have it.
    pub revoked_at: Option<SystemTime>,
    /// The certificate itself.
    #[serde(skip)]
    pub der: Vec<u8>,
}

words! {
    /// Who made a phone's certificate.
    pub enum PhoneCertificateKind {
        /// This cluster: locally significant.
        Lsc = "lsc",
        /// The phone's manufacturer.
        Mic = "mic",
    }
}

impl PhoneCertificate {
    /// Whether it proves nothing any more: CAPF replaced or deleted it, or it was revoked.
    pub fn is_withdrawn(&self) -> bool {
        !self.present || self.revoked_at.is_some()
    }

    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.der)
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    crate::audit::hex(&Sha256::digest(der))
}

const COLUMNS: &str = "device, kind, subject, issuer, serial, not_before, not_after, issued_by, \
    noted_at, present, revoked_at, der";

const WITHDRAWN_LSC: &str = "kind = 'lsc' AND (present = 0 OR revoked_at IS NOT NULL)";

fn read(mut row: Row) -> Result<PhoneCertificate> {
    Ok(PhoneCertificate {
        device: row.parse()?,
        kind: row.parse()?,
        subject: row.next()?,
        issuer: row.next()?,
        serial: row.next()?,
        not_before: time(row.next()?),
        not_after: time(row.next()?),
        issued_by: row.next()?,
        noted_at: time(row.next()?),
        present: row.next()?,
        revoked_at: row.next::<Option<u64>>()?.map(time),
        der: row.next()?,
    })
}

impl View<'_> {
    /// The certificates of one phone, oldest first.
    pub fn phone_certificates(&mut self, device: &DeviceName) -> Result<Vec<PhoneCertificate>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM phone_certificate WHERE device = $1
                ORDER BY noted_at, not_before, fingerprint"
        );
        self.sql.query(&sql, values![device.as_str()])?.into_iter().map(read).collect()
    }

    /// The LSCs that phones have, by device.
    pub fn present_lscs(&mut self) -> Result<Vec<PhoneCertificate>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM phone_certificate WHERE kind = 'lsc' AND present = 1
                ORDER BY device, noted_at"
        );
        self.sql.query(&sql, &[])?.into_iter().map(read).collect()
    }

    /// The LSC that a phone has, if it has one.
    pub fn present_lsc(&mut self, device: &DeviceName) -> Result<Option<PhoneCertificate>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM phone_certificate
                WHERE device = $1 AND kind = 'lsc' AND present = 1 ORDER BY noted_at"
        );
        self.sql.query(&sql, values![device.as_str()])?.pop().map(read).transpose()
    }

    /// Fingerprints of LSCs that prove nothing any more, by device: of one phone, or of all.
    pub fn withdrawn_lscs(
        &mut self,
        device: Option<&DeviceName>,
    ) -> Result<Vec<(DeviceName, String)>> {
        let sql = format!(
            "SELECT device, fingerprint FROM phone_certificate
                WHERE {WITHDRAWN_LSC} AND ($1 = '' OR device = $1)"
        );
        let device = device.map(DeviceName::as_str).unwrap_or_default();
        let rows = self.sql.query(&sql, values![device])?;
        rows.into_iter().map(|mut row| Ok((row.parse()?, row.next()?))).collect()
    }
}

impl Change<'_> {
    /// Takes a phone's certificate into the inventory. One that is present takes the place of the
    /// present one of its kind.
    pub fn put_phone_certificate(&mut self, certificate: &PhoneCertificate) -> Result<()> {
        self.device(&certificate.device)?;
        if certificate.present {
            self.forget_present(&certificate.device, certificate.kind)?;
        }
        let fingerprint = certificate.fingerprint();
        self.view.sql.execute(
            &format!(
                "INSERT INTO phone_certificate (fingerprint, {COLUMNS})
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                    ON CONFLICT (device, kind, fingerprint) DO UPDATE SET
                    present = excluded.present, noted_at = excluded.noted_at,
                    issued_by = excluded.issued_by"
            ),
            values![
                &*fingerprint,
                certificate.device.as_str(),
                certificate.kind.as_str(),
                &*certificate.subject,
                &*certificate.issuer,
                &*certificate.serial,
                millis(certificate.not_before),
                millis(certificate.not_after),
                certificate.issued_by.as_deref(),
                millis(certificate.noted_at),
                certificate.present,
                certificate.revoked_at.map(millis),
                &*certificate.der,
            ],
        )?;
        let subject = format!("{} {} {fingerprint}", certificate.device, certificate.kind);
        self.record("phone-certificate", &subject, None, json(certificate));
        Ok(())
    }

    /// Notes that a phone has no certificate of a kind any more. The inventory keeps it.
    pub fn phone_certificate_gone(
        &mut self,
        device: &DeviceName,
        kind: PhoneCertificateKind,
    ) -> Result<()> {
        if self.forget_present(device, kind)? > 0 {
            let subject = format!("{device} {kind}");
            self.record("phone-certificate", &subject, None, json(&"gone"));
        }
        Ok(())
    }

    /// Declares the LSC that a phone has worthless. Nothing happens if it has none, or has been so
    /// declared before.
    pub fn revoke_lsc(&mut self, device: &DeviceName) -> Result<()> {
        self.device(device)?;
        let Some(lsc) = self.present_lsc(device)?.filter(|lsc| lsc.revoked_at.is_none()) else {
            return Ok(());
        };
        let (fingerprint, at) = (lsc.fingerprint(), self.at);
        self.view.sql.execute(
            "UPDATE phone_certificate SET revoked_at = $1
                WHERE device = $2 AND kind = 'lsc' AND fingerprint = $3",
            values![at, device.as_str(), &*fingerprint],
        )?;
        let subject = format!("{device} lsc {fingerprint}");
        self.record("phone-certificate", &subject, None, json(&"revoked"));
        Ok(())
    }

    /// Forgets those of a phone that is removed, but for [`View::withdrawn_lscs`].
    pub(super) fn forget_phone_certificates(&mut self, device: &DeviceName) -> Result<()> {
        let sql =
            format!("DELETE FROM phone_certificate WHERE device = $1 AND NOT ({WITHDRAWN_LSC})");
        self.view.sql.execute(&sql, values![device.as_str()])?;
        Ok(())
    }

    fn forget_present(&mut self, device: &DeviceName, kind: PhoneCertificateKind) -> Result<u64> {
        self.view.sql.execute(
            "UPDATE phone_certificate SET present = 0
                WHERE device = $1 AND kind = $2 AND present = 1",
            values![device.as_str(), kind.as_str()],
        )
    }
}
