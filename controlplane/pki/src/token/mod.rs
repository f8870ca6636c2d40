//! Security tokens: what signs trust lists.
//!
//! A token holds one RSA key, which cannot be taken out, and a certificate that an authority the
//! cluster trusts issued for it. Two kinds exist: whatever speaks PKCS#11, named by an RFC 7512
//! URI, and an encrypted file for laboratories. One is presented at a time.
//!
//! Wrong passwords are counted before they are tried, in the [`Ledger`] of the machine and, for
//! files, in the file too; the larger number counts. So neither a power cut in the middle of a try
//! nor an old copy of a file gives tries back on this machine. A copy carried to another machine
//! is a matter of the password and argon2 alone: for that, use hardware.

mod authority;
mod error;
mod ledger;
mod password;
mod pkcs11;
mod software;
mod uri;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use authority::{Authorities, TokenAuthority};
pub use error::TokenError;
pub use ledger::{Ledger, MAX_WRONG_PASSWORDS};
pub use password::{DEFAULT_PASSWORD, Password, PasswordPolicy};
pub use pkcs11::Pkcs11Init;
pub use software::{Cost, FILE_SUFFIX};
pub use uri::{Pkcs11Uri, UriError};

use crate::certificate::Certificate;
use crate::key::KeyKind;
use crate::signer::Identity;

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A token file, or a directory with one in it.
    Software(PathBuf),
    /// A token that a PKCS#11 module knows.
    Pkcs11(Pkcs11Uri),
}

impl Location {
    /// Reads what a person typed: `pkcs11:…` or a path.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        match text.starts_with("pkcs11:") {
            true => text.parse().map(Self::Pkcs11),
            false => Ok(Self::Software(text.into())),
        }
    }

    /// Every token there is: those of a directory, those of a module that the URI fits.
    pub fn tokens(&self) -> Result<Vec<Self>, TokenError> {
        Ok(match self {
            Self::Software(path) => {
                software::files(path)?.into_iter().map(Self::Software).collect()
            }
            Self::Pkcs11(uri) => pkcs11::tokens(uri)?.into_iter().map(Self::Pkcs11).collect(),
        })
    }

    /// The file that holds the password, where the location names one.
    pub fn pin_source(&self) -> Option<&Path> {
        match self {
            Self::Software(_) => None,
            Self::Pkcs11(uri) => uri.pin_source.as_deref(),
        }
    }
}

/// What can be known of a token without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its name.
    pub label: String,
    /// Number of the device or file, unique among its kind.
    pub id: String,
    /// The certificate of its key.
    pub certificate: Certificate,
    /// Wrong passwords in a row so far.
    pub wrong_passwords: u32,
    /// Whether too many of them locked it.
    pub locked: bool,
}

/// How a reader treats the tokens presented to it.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Where wrong passwords are counted.
    pub ledger: Ledger,
    /// Whose tokens are taken.
    pub authorities: Authorities,
    /// Whether the default password is good enough.
    pub policy: PasswordPolicy,
}

impl Reader {
    /// Looks at the token at `location`: exactly one must be there, and its certificate must come
    /// from a trusted authority.
    pub fn present(&self, location: &Location, now: SystemTime) -> Result<Presented, TokenError> {
        let token = find(location)?;
        let info = token.info(&self.ledger)?;
        self.authorities.check(&info.certificate, now)?;
        let (ledger, location) = (self.ledger.clone(), location.clone());
        Ok(Presented { token, location, info, ledger, policy: self.policy })
    }
}

/// A token that is there, recognised and trusted, and not logged in to.
pub struct Presented {
    token: Box<dyn Token>,
    location: Location,
    info: TokenInfo,
    ledger: Ledger,
    policy: PasswordPolicy,
}

impl Presented {
    /// What is known of it.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Gives the password and gets what signs.
    pub fn login(&self, password: &Password) -> Result<Identity, TokenError> {
        let identity = self.token.login(password, &self.ledger)?;
        // Only who knows the password may learn that it is the default one.
        self.policy.check(password)?;
        Ok(identity)
    }

    /// Changes the password.
    pub fn change_password(&self, old: &Password, new: &Password) -> Result<(), TokenError> {
        new.check_as_new()?;
        self.token.change_password(old, new, &self.ledger)
    }
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({:?})", self.info)
    }
}

/// Makes a new token file: a fresh key that `authority` certifies.
pub fn init_software(
    file: &Path,
    label: &str,
    kind: KeyKind,
    password: &Password,
    cost: Cost,
    authority: &TokenAuthority,
    now: SystemTime,
) -> Result<Certificate, TokenError> {
    software::init(file, label, kind, password, cost, authority, now)
}

/// Initialises a PKCS#11 token: erases it, sets its passwords, makes a key in it and stores the
/// certificate that `authority` issues.
pub fn init_pkcs11(
    uri: &Pkcs11Uri,
    init: &Pkcs11Init<'_>,
    authority: &TokenAuthority,
    now: SystemTime,
) -> Result<Certificate, TokenError> {
    pkcs11::init(uri, init, authority, now)
}

/// What the two kinds of tokens do.
trait Token: Send {
    fn info(&self, ledger: &Ledger) -> Result<TokenInfo, TokenError>;

    fn login(&self, password: &Password, ledger: &Ledger) -> Result<Identity, TokenError>;

    fn change_password(
        &self,
        old: &Password,
        new: &Password,
        ledger: &Ledger,
    ) -> Result<(), TokenError>;
}

fn find(location: &Location) -> Result<Box<dyn Token>, TokenError> {
    Ok(match location {
        Location::Software(path) => Box::new(software::find(path)?),
        Location::Pkcs11(uri) => Box::new(pkcs11::find(uri)?),
    })
}
