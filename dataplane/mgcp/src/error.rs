//! Why something could not be read, and what its sender is to be told.

use std::fmt::Write as _;

use arrayvec::ArrayString;

use crate::{ReturnCode, TransactionId};

/// A value that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {what}")]
pub struct ValueError {
    /// What the sender of a command is answered.
    pub code: ReturnCode,
    /// What is wrong; never quotes the input.
    pub what: &'static str,
}

impl ValueError {
    /// A fault of the given code.
    pub fn new(code: ReturnCode, what: &'static str) -> Self {
        Self { code, what }
    }

    /// A fault for which no code is better than 510.
    pub(crate) fn protocol(what: &'static str) -> Self {
        Self::new(ReturnCode::PROTOCOL_ERROR, what)
    }
}

/// A message that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ParseError {
    /// What is wrong with it.
    pub fault: ValueError,
    /// Where it is wrong.
    pub place: Place,
    /// The digits an answer would have to echo. None: nothing is answered.
    echo: Option<ArrayString<20>>,
}

/// The part of a message that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first line.
    Header,
    /// A parameter, or what is missing among them.
    Body,
}

impl ParseError {
    pub(crate) fn unanswerable(what: &'static str) -> Self {
        Self { fault: ValueError::protocol(what), place: Place::Header, echo: None }
    }

    pub(crate) fn in_header(fault: ValueError, digits: &str) -> Self {
        Self { fault, place: Place::Header, echo: ArrayString::from(digits).ok() }
    }

    pub(crate) fn in_body(fault: ValueError, transaction: TransactionId) -> Self {
        let mut digits = ArrayString::new();
        write!(digits, "{transaction}").expect("nine digits fit");
        Self { fault, place: Place::Body, echo: Some(digits) }
    }

    /// The transaction that failed, if its number is a legal one.
    pub fn transaction(&self) -> Option<TransactionId> {
        self.echo.as_ref()?.parse().ok()
    }

    /// The line to answer with. None: there is nothing to correlate an answer with.
    pub fn answer(&self) -> Option<String> {
        let digits = self.echo.as_ref()?;
        Some(format!("{} {digits} {}\r\n", self.fault.code, self.fault.what))
    }
}
