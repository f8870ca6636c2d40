//! What archives are encrypted under: a passphrase (scrypt), or public keys (X25519), as `age` has
//! them. Who has only the public key can make backups and read none.

use std::fmt;
use std::io::{self, Read, Write};

use age::secrecy::{ExposeSecret, SecretString};
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use zeroize::Zeroizing;

use crate::Fault;

/// Work for a passphrase, as a power of two: 128 MiB and a third of a second.
const WORK: u8 = 17;
/// Most work that is done to open an archive: somebody else may have made it.
const MOST_WORK: u8 = 20;

/// What to encrypt for.
#[derive(Clone)]
pub enum Lock {
    /// Whoever knows the passphrase.
    Passphrase(Zeroizing<String>),
    /// The owners of these keys.
    Recipients(Vec<x25519::Recipient>),
}

/// What to decrypt with.
#[derive(Clone)]
pub enum Unlock {
    /// A passphrase.
    Passphrase(Zeroizing<String>),
    /// Private keys.
    Identities(Vec<x25519::Identity>),
}

impl Lock {
    /// For the owners of public keys, each written `age1…`.
    pub fn recipients<'a>(given: impl IntoIterator<Item = &'a str>) -> Result<Self, Fault> {
        let parse = |text: &str| text.trim().parse().map_err(|_| Fault::NotAKey(text.to_owned()));
        let all = given.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() { Err(Fault::WithoutLock) } else { Ok(Self::Recipients(all)) }
    }

    /// For who knows a passphrase.
    pub fn passphrase(passphrase: &str) -> Result<Self, Fault> {
        match passphrase.is_empty() {
            true => Err(Fault::WithoutLock),
            false => Ok(Self::Passphrase(Zeroizing::new(passphrase.to_owned()))),
        }
    }

    /// A writer that encrypts; to be finished.
    pub fn close<W: Write>(&self, output: W) -> io::Result<StreamWriter<W>> {
        let encryptor = match self {
            Self::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(secret(passphrase));
                recipient.set_work_factor(WORK);
                Encryptor::with_recipients(std::iter::once(&recipient as _))
            }
            Self::Recipients(all) => Encryptor::with_recipients(all.iter().map(|one| one as _)),
        };
        encryptor.map_err(io::Error::other)?.wrap_output(output)
    }
}

impl Unlock {
    /// With the private keys in a file as `age-keygen` and [`keygen`] write it.
    pub fn identities(file: &str) -> Result<Self, Fault> {
        let keys = file.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let parse = |line: &str| line.trim().parse().map_err(|_| not_a_key());
        let all = keys.map(parse).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() { Err(not_a_key()) } else { Ok(Self::Identities(all)) }
    }

    /// With a passphrase.
    pub fn passphrase(passphrase: &str) -> Self {
        Self::Passphrase(Zeroizing::new(passphrase.to_owned()))
    }

    /// A reader that decrypts. The error says what would open it, or that it is not encrypted as
    /// it should be.
    pub fn open<R: Read>(&self, input: R) -> Result<StreamReader<R>, Shut> {
        let decryptor = Decryptor::new(input).map_err(|error| Shut::Damaged(error.to_string()))?;
        let lock = if decryptor.is_scrypt() { "passphrase" } else { "age-key" };
        let opened = match self {
            Self::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(secret(passphrase));
                identity.set_max_work_factor(MOST_WORK);
                decryptor.decrypt(std::iter::once(&identity as _))
            }
            Self::Identities(all) => decryptor.decrypt(all.iter().map(|one| one as _)),
        };
        opened.map_err(|error| match error {
            DecryptError::Io(error) => Shut::Damaged(error.to_string()),
            DecryptError::InvalidMac | DecryptError::InvalidHeader => {
                Shut::Damaged("its head was altered".into())
            }
            _ => Shut::Locked(lock),
        })
    }
}

/// Why something does not open.
#[derive(Debug)]
pub enum Shut {
    /// It wants another key; what it is locked with.
    Locked(&'static str),
    /// It was altered.
    Damaged(String),
}

/// Makes a key: the text of its file, and the recipient that backups are made for.
pub fn keygen() -> (Zeroizing<String>, String) {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    let file = format!("# public key: {recipient}\n{}\n", secret.expose_secret());
    (Zeroizing::new(file), recipient)
}

fn secret(passphrase: &Zeroizing<String>) -> SecretString {
    SecretString::from(passphrase.as_str().to_owned())
}

/// Nothing of a private key is repeated.
fn not_a_key() -> Fault {
    Fault::NotAKey("what the key file holds".into())
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlock")
    }
}
