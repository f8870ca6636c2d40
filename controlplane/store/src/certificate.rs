use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::{Change, json};
use crate::sql::values;
use crate::store::{millis, time};
use crate::words::words;
use crate::{Result, View};

/// A certificate in the inventory. The key that belongs to it is elsewhere, always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// What it is for.
    pub role: CertificateRole,
    /// Whose it is: a node, a device, a token, an SRST reference.
    pub owner: String,
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
    /// The certificate itself.
    #[serde(skip)]
    pub der: Vec<u8>,
}

impl Certificate {
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        crate::audit::hex(&Sha256::digest(&self.der))
    }
}

words! {
    /// What a certificate is for.
    pub enum CertificateRole {
        /// A node's own: signalling, and signing files.
        CallManager = "call-manager",
        /// The one that signs phones' certificates.
        Capf = "capf",
        /// An issuer of phones' LSCs that is trusted: CAPF's own certificate, those it had before,
        /// those of CAPF 1.0, a third party's.
        LscIssuer = "lsc-issuer",
        /// A manufacturer whose certificates in phones are trusted.
        MicIssuer = "mic-issuer",
        /// A security token's.
        Sast = "sast",
        /// An alternate TFTP server's.
        AlternateTftp = "alternate-tftp",
        /// A manufacturer that tokens are trusted from.
        TokenIssuer = "token-issuer",
        /// A gateway's that serves phones while the centre is away; its owner is an SRST reference.
        SrstGateway = "srst-gateway",
        /// Of a voicemail server, by which those of its ports are issued; its owner is the server.
        VoicemailRoot = "voicemail-root",
        /// Of a node's own database, for the ways between databases.
        Database = "database",
    }
}

/// A place a certificate was copied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateCopy {
    /// Node it was copied to.
    pub node: String,
    /// Where there.
    pub path: String,
    /// When.
    pub at: SystemTime,
}

impl View<'_> {
    /// The inventory, by role and owner.
    pub fn certificates(&mut self) -> Result<Vec<Certificate>> {
        let rows = self.sql.query(
            "SELECT role, owner, subject, issuer, serial, not_before, not_after, der
                FROM certificate ORDER BY role, owner, not_before",
            &[],
        )?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Certificate {
                    role: row.parse()?,
                    owner: row.next()?,
                    subject: row.next()?,
                    issuer: row.next()?,
                    serial: row.next()?,
                    not_before: time(row.next()?),
                    not_after: time(row.next()?),
                    der: row.next()?,
                })
            })
            .collect()
    }

    /// Where a certificate was copied to.
    pub fn certificate_copies(&mut self, fingerprint: &str) -> Result<Vec<CertificateCopy>> {
        let rows = self.sql.query(
            "SELECT node, path, copied_at FROM certificate_copy
                WHERE fingerprint = $1 ORDER BY node, path",
            values![fingerprint],
        )?;
        rows.into_iter()
            .map(|mut row| {
                Ok(CertificateCopy { node: row.next()?, path: row.next()?, at: time(row.next()?) })
            })
            .collect()
    }
}

impl Change<'_> {
    /// Takes a certificate into the inventory. Taking it twice is harmless.
    pub fn put_certificate(&mut self, certificate: &Certificate) -> Result<()> {
        let fingerprint = certificate.fingerprint();
        let key = [certificate.role.as_str(), &*certificate.owner, &*fingerprint];
        let taken = self.view.sql.execute(
            "INSERT INTO certificate (role, owner, fingerprint, subject, issuer, serial,
                not_before, not_after, der) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (role, owner, fingerprint) DO NOTHING",
            values![
                key[0],
                key[1],
                key[2],
                &*certificate.subject,
                &*certificate.issuer,
                &*certificate.serial,
                millis(certificate.not_before),
                millis(certificate.not_after),
                &*certificate.der,
            ],
        )?;
        if taken > 0 {
            self.record("certificate", &key.join(" "), None, json(certificate));
        }
        Ok(())
    }

    /// Takes a certificate out of the inventory.
    pub fn remove_certificate(&mut self, certificate: &Certificate) -> Result<()> {
        let fingerprint = certificate.fingerprint();
        let key = [certificate.role.as_str(), &*certificate.owner, &*fingerprint];
        let gone = self.view.sql.execute(
            "DELETE FROM certificate WHERE role = $1 AND owner = $2 AND fingerprint = $3",
            values![key[0], key[1], key[2]],
        )?;
        if gone > 0 {
            self.record("certificate", &key.join(" "), json(certificate), None);
        }
        Ok(())
    }

    /// Notes that a certificate was copied to a node.
    pub fn put_certificate_copy(
        &mut self,
        fingerprint: &str,
        node: &str,
        path: &str,
    ) -> Result<()> {
        let at = self.at;
        self.node(node)?;
        self.view.sql.execute(
            "INSERT INTO certificate_copy (fingerprint, node, path, copied_at)
                VALUES ($1, $2, $3, $4)
                ON CONFLICT (fingerprint, node, path) DO UPDATE SET copied_at = excluded.copied_at",
            values![fingerprint, node, path, at],
        )?;
        self.record("certificate-copy", &format!("{fingerprint} {node}"), None, json(&path));
        Ok(())
    }
}
