use std::fmt;
use std::time::SystemTime;

use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::change::{Change, json};
use crate::sql::{Row, values};
use crate::store::{millis, time};
use crate::{AdministratorRole, Error, Invalid, Result, View};

/// What a program shows instead of name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// What people call it.
    pub name: String,
    /// The administrator it acts for; it goes with them.
    pub owner: String,
    /// The most it may do; never more than its owner.
    pub role: AdministratorRole,
    /// Until when it is good; absent: until it is removed.
    pub expires: Option<SystemTime>,
}

/// The secret itself: 256 bits of chance as text, shown once and kept nowhere.
pub struct ApiTokenSecret(Zeroizing<String>);

impl ApiTokenSecret {
    /// What every one begins with, so that scanners for leaked secrets know it.
    pub const PREFIX: &'static str = "rf_";

    /// A new one.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(&mut *bytes);
        Self(Zeroizing::new(format!("{}{}", Self::PREFIX, crate::audit::hex(&*bytes))))
    }

    /// The text, for the one who is given it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of a secret. It has too many values to be guessed, so one round is enough.
    fn digest(secret: &str) -> String {
        crate::audit::hex(&Sha256::digest(secret))
    }
}

impl fmt::Debug for ApiTokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiTokenSecret")
    }
}

impl View<'_> {
    /// All tokens, by name.
    pub fn api_tokens(&mut self) -> Result<Vec<ApiToken>> {
        let rows = self
            .sql
            .query("SELECT name, owner, role, expires_at FROM api_token ORDER BY name", &[])?;
        rows.into_iter().map(token).collect()
    }

    /// The token that has this secret, expired or not.
    pub fn api_token(&mut self, secret: &str) -> Result<Option<ApiToken>> {
        let rows = self.sql.query(
            "SELECT name, owner, role, expires_at FROM api_token WHERE digest = $1",
            values![ApiTokenSecret::digest(secret)],
        )?;
        rows.into_iter().next().map(token).transpose()
    }
}

fn token(mut row: Row) -> Result<ApiToken> {
    Ok(ApiToken {
        name: row.next()?,
        owner: row.next()?,
        role: row.parse()?,
        expires: row.next::<Option<u64>>()?.map(time),
    })
}

impl Change<'_> {
    /// Adds a token.
    pub fn add_api_token(&mut self, token: &ApiToken, secret: &ApiTokenSecret) -> Result<()> {
        let name = &*token.name;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._@".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(Invalid::UserName(name.to_owned()).into());
        }
        if self.account(&token.owner)?.is_none() {
            return Err(Error::Unknown { object: "administrator", name: token.owner.clone() });
        }
        if self.api_tokens()?.iter().any(|known| known.name == name) {
            return Err(Error::Exists { object: "API token", name: name.to_owned() });
        }
        self.view.sql.execute(
            "INSERT INTO api_token (name, owner, role, expires_at, digest)
                VALUES ($1, $2, $3, $4, $5)",
            values![
                name,
                &*token.owner,
                token.role.as_str(),
                token.expires.map(millis),
                ApiTokenSecret::digest(secret.expose()),
            ],
        )?;
        self.record("api-token", name, None, json(token));
        Ok(())
    }

    /// Removes a token.
    pub fn remove_api_token(&mut self, name: &str) -> Result<()> {
        let known = self.api_tokens()?.into_iter().find(|token| token.name == name);
        let unknown = || Error::Unknown { object: "API token", name: name.to_owned() };
        let old = known.ok_or_else(unknown)?;
        self.view.sql.execute("DELETE FROM api_token WHERE name = $1", values![name])?;
        self.record("api-token", name, json(&old), None);
        Ok(())
    }
}
