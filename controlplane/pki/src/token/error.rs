//! What can go wrong with a token.

use lang::Language;
use messages::{Explain, Message, input, token};

use crate::fault::CertificateFault;
use crate::signer::SignError;

/// Why a token cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// None is there.
    Absent,
    /// More than one is there.
    Several(usize),
    /// The module or file cannot be used.
    Store {
        /// Which.
        store: String,
        /// Why.
        detail: String,
    },
    /// There is no certificate for its key; its label.
    NoCertificate(String),
    /// Its certificate cannot be used.
    Certificate(CertificateFault),
    /// Its certificate was issued by somebody else.
    NotTrusted {
        /// Who issued it.
        issuer: String,
    },
    /// Not its password.
    WrongPassword {
        /// How many more wrong ones lock it.
        left: u32,
    },
    /// Locked for good.
    Locked,
    /// The default password is not allowed here.
    PasswordChange,
    /// Something that can be no password.
    InvalidPassword,
    /// It did not sign.
    Sign(SignError),
}

impl TokenError {
    pub(super) fn store(store: impl ToString, detail: impl ToString) -> Self {
        Self::Store { store: store.to_string(), detail: detail.to_string() }
    }
}

impl From<SignError> for TokenError {
    fn from(error: SignError) -> Self {
        Self::Sign(error)
    }
}

impl Explain for TokenError {
    fn message(&self) -> &'static Message {
        match self {
            Self::Absent => &token::INSERT_TOKEN,
            Self::Several(_) => &token::SEVERAL_TOKENS,
            Self::Store { .. } => &token::TOKEN_STORE,
            Self::NoCertificate(_) => &token::NO_CERTIFICATE_IN_TOKEN,
            Self::Certificate(fault) => fault.message(),
            Self::NotTrusted { .. } => &token::TOKEN_NOT_TRUSTED,
            Self::WrongPassword { .. } => &token::WRONG_TOKEN_PASSWORD,
            Self::Locked => &token::TOKEN_LOCKED,
            Self::PasswordChange => &token::TOKEN_PASSWORD_CHANGE,
            Self::InvalidPassword => &input::INVALID_PASSWORD,
            Self::Sign(error) => error.message(),
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Absent | Self::Locked | Self::PasswordChange | Self::InvalidPassword => {
                Vec::new()
            }
            Self::Several(count) => vec![("count", count.to_string())],
            Self::Store { store, detail } => {
                vec![("store", store.clone()), ("detail", detail.clone())]
            }
            Self::NoCertificate(token) => vec![("token", token.clone())],
            Self::Certificate(fault) => fault.values(),
            Self::NotTrusted { issuer } => vec![("issuer", issuer.clone())],
            Self::WrongPassword { left } => vec![("left", left.to_string())],
            Self::Sign(error) => error.values(),
        }
    }
}

crate::fault::error_by_message!(TokenError);
