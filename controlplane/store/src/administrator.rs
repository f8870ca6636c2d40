use std::fmt;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::change::{Change, json};
use crate::sql::values;
use crate::store::Store;
use crate::words::words;
use crate::{Error, Invalid, Refusal, Result, View};

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Administrator {
    /// The name to log in with, on every node.
    pub name: String,
    /// What for.
    pub role: AdministratorRole,
}

words! {
    /// What an administrator may do.
    pub enum AdministratorRole {
        /// Everything.
        Administrator = "administrator",
        /// Everything but accounts; may run the CTL client. The guide calls it a power user.
        Operator = "operator",
        /// Look, and capture calls.
        Capture = "capture",
        /// Look, at the record of changes and the audit log too.
        Auditor = "auditor",
        /// Look.
        Monitor = "monitor",
    }
}

impl AdministratorRole {
    /// Whether the CTL Provider accepts this role's login.
    pub fn may_run_ctl_client(self) -> bool {
        matches!(self, Self::Administrator | Self::Operator)
    }
}

/// A password in the clear, wiped when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes over the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one who checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// What is kept of a password: an argon2id hash with its own salt.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Fewest characters of a password.
    pub const MIN_LENGTH: usize = 8;

    /// Hashes a password. This takes some ten milliseconds: do it outside of a change.
    pub fn new(password: &Password) -> Result<Self> {
        let min = Self::MIN_LENGTH;
        if password.expose().chars().count() < min {
            return Err(Invalid::PasswordTooShort { min }.into());
        }
        let hash = Argon2::default()
            .hash_password(password.expose().as_bytes())
            .map_err(|error| Error::Database(format!("argon2: {error}")))?;
        Ok(Self(hash.to_string()))
    }

    /// Tells one password from the next without telling anything of either: the salt differs.
    fn stamp(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    fn fits(&self, password: &Password) -> bool {
        phc::PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok()
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl Store {
    /// Who this is, if name and password fit. A wrong name takes as long as a wrong password.
    pub fn authenticate(&self, name: &str, password: &Password) -> Result<Option<Administrator>> {
        // The hash of a password nobody has; its only use is to take time.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let known = self.read(|view| view.login(name))?;
        match known {
            Some((administrator, hash)) => Ok(hash.fits(password).then_some(administrator)),
            None => {
                PasswordHash(NOBODY.to_owned()).fits(password);
                Ok(None)
            }
        }
    }
}

impl View<'_> {
    /// All administrators, by name.
    pub fn administrators(&mut self) -> Result<Vec<Administrator>> {
        let rows = self.sql.query("SELECT name, role FROM administrator ORDER BY name", &[])?;
        rows.into_iter()
            .map(|mut row| Ok(Administrator { name: row.next()?, role: row.parse()? }))
            .collect()
    }

    /// An administrator, and what changes with the password: who logged in with another one has to
    /// log in again.
    pub fn account(&mut self, name: &str) -> Result<Option<(Administrator, [u8; 32])>> {
        let known = self.login(name)?;
        Ok(known.map(|(administrator, hash)| (administrator, hash.stamp())))
    }

    fn login(&mut self, name: &str) -> Result<Option<(Administrator, PasswordHash)>> {
        let rows = self.sql.query(
            "SELECT name, role, password_hash FROM administrator WHERE name = $1",
            values![name],
        )?;
        rows.into_iter()
            .next()
            .map(|mut row| {
                let administrator = Administrator { name: row.next()?, role: row.parse()? };
                Ok((administrator, PasswordHash(row.next()?)))
            })
            .transpose()
    }
}

impl Change<'_> {
    /// Adds an administrator, or gives one another role or password.
    pub fn put_administrator(
        &mut self,
        administrator: &Administrator,
        hash: &PasswordHash,
    ) -> Result<()> {
        let name = &*administrator.name;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._@".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(Invalid::UserName(name.to_owned()).into());
        }
        let old = self.login(name)?;
        self.keep_one_administrator(name, administrator.role == AdministratorRole::Administrator)?;
        self.view.sql.execute(
            "INSERT INTO administrator (name, role, password_hash) VALUES ($1, $2, $3)
                ON CONFLICT (name) DO UPDATE SET
                role = excluded.role, password_hash = excluded.password_hash",
            values![name, administrator.role.as_str(), &*hash.0],
        )?;
        let new = json(administrator);
        let password_changed = old.as_ref().is_some_and(|(_, was)| was != hash);
        self.record("administrator", name, old.and_then(|(old, _)| json(&old)), new);
        if password_changed {
            self.record("password", name, None, json(&"changed"));
        }
        Ok(())
    }

    /// Removes an administrator; one always remains.
    pub fn remove_administrator(&mut self, name: &str) -> Result<()> {
        let unknown = || Error::Unknown { object: "administrator", name: name.to_owned() };
        let (old, _) = self.login(name)?.ok_or_else(unknown)?;
        self.keep_one_administrator(name, false)?;
        for token in self.api_tokens()?.into_iter().filter(|token| token.owner == name) {
            self.remove_api_token(&token.name)?;
        }
        self.view.sql.execute("DELETE FROM administrator WHERE name = $1", values![name])?;
        self.record("administrator", name, json(&old), None);
        Ok(())
    }

    fn keep_one_administrator(&mut self, name: &str, is_one_after: bool) -> Result<()> {
        let full = |a: &&Administrator| a.role == AdministratorRole::Administrator;
        let before = self.administrators()?;
        let was_one = before.iter().filter(full).any(|a| a.name == name);
        let others = before.iter().filter(full).filter(|a| a.name != name).count();
        if was_one && !is_one_after && others == 0 {
            return Err(Refusal::LastAdministrator.into());
        }
        Ok(())
    }
}
