//! Wrong passwords, counted on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use durable::{Lock, Readers};

use super::TokenError;

/// Wrong passwords in a row that a token bears; one more locks it for good.
pub const MAX_WRONG_PASSWORDS: u32 = 15;

/// A directory with one small file a token: how many wrong passwords in a row it was given here.
#[derive(Clone, Debug)]
pub struct Ledger {
    directory: PathBuf,
}

/// How a try ended, if not well.
pub(super) enum TryError {
    /// The password is another one.
    WrongPassword,
    /// The password was never judged: nothing is counted.
    Other(TokenError),
}

impl Ledger {
    /// Keeps its files in `directory`, which is made if need be.
    pub fn open(directory: &Path) -> Result<Self, TokenError> {
        fs::create_dir_all(directory)
            .map_err(|error| TokenError::store(directory.display(), error))?;
        Ok(Self { directory: directory.into() })
    }

    /// Wrong passwords in a row that token `id` was given on this machine.
    pub(super) fn wrong_passwords(&self, id: &str) -> Result<u32, TokenError> {
        let file = self.file(id);
        let Some(content) = durable::read(&file, 16).map_err(|error| self.failed(error))? else {
            return Ok(0);
        };
        let text = String::from_utf8_lossy(&content);
        text.trim().parse().map_err(|_| TokenError::store(file.display(), "it holds no number"))
    }

    /// Tries a password. `remembered` is what the token itself counts; the larger number is
    /// believed. The try is written down as a wrong one before it is made, and `attempt` is told
    /// the number it has, so that being killed in the middle gives nothing back.
    pub(super) fn attempt<T>(
        &self,
        id: &str,
        remembered: u32,
        attempt: impl FnOnce(u32) -> Result<T, TryError>,
    ) -> Result<T, TokenError> {
        let lock = self.file(id).with_extension("lock");
        let _one_at_a_time = Lock::wait(&lock).map_err(|error| self.failed(error))?;
        let before = self.wrong_passwords(id)?.max(remembered);
        if before > MAX_WRONG_PASSWORDS {
            return Err(TokenError::Locked);
        }
        let now = before + 1;
        self.write(id, now)?;
        match attempt(now) {
            Ok(value) => self.write(id, 0).map(|()| value),
            Err(TryError::WrongPassword) if now > MAX_WRONG_PASSWORDS => Err(TokenError::Locked),
            Err(TryError::WrongPassword) => {
                Err(TokenError::WrongPassword { left: MAX_WRONG_PASSWORDS + 1 - now })
            }
            Err(TryError::Other(error)) => self.write(id, before).and(Err(error)),
        }
    }

    fn write(&self, id: &str, count: u32) -> Result<(), TokenError> {
        durable::replace(&self.file(id), format!("{count}\n").as_bytes(), Readers::Owner)
            .map_err(|error| self.failed(error))
    }

    /// Ids come from devices: what does not belong into a file name becomes hex.
    fn file(&self, id: &str) -> PathBuf {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let name: String = id
            .bytes()
            .map(|b| if safe(b) { char::from(b).to_string() } else { format!("_{b:02x}") })
            .collect();
        self.directory.join(format!("{name}.tries"))
    }

    fn failed(&self, error: std::io::Error) -> TokenError {
        TokenError::store(self.directory.display(), error)
    }
}
