//! What a session waits for.

use std::sync::Arc;

use pki::Certificate;

use super::{Assignment, Authenticated, CheckedKey, Ended, Phase};
use crate::codec::{AuthRes, Reason, Text};
use crate::{DeviceName, Now};

#[derive(Debug)]
pub(super) enum State {
    ExpectAuthRes,
    /// What is to be done with the device?
    ExpectAssignment(Box<Claimant>),
    /// Is it its string?
    ExpectStringVerdict(DeviceName, Box<Assignment>),
    ExpectKey(Box<Granted>),
    ExpectCertificate(Box<Granted>, CheckedKey),
    ExpectStored(Box<Granted>, Box<Certificate>),
    ExpectDeleted(Box<Granted>),
    ExpectShown(Box<Granted>),
    /// Has the result been kept?
    ExpectRecorded(Then),
    /// Has a failed attempt been kept? Then the key is asked for again.
    ExpectAttemptRecorded(Box<Granted>),
    ExpectAborted,
    Ended,
}

/// A phone that has said who it is.
#[derive(Debug)]
pub(super) struct Claimant {
    pub device: DeviceName,
    /// Its name as it travelled.
    pub name: Text,
    pub answer: AuthRes,
}

/// A phone that has shown who it is, and what is to be done with it.
#[derive(Debug)]
pub(super) struct Granted {
    pub authenticated: Arc<Authenticated>,
    pub assignment: Assignment,
}

/// How the session ends when the result is kept.
#[derive(Debug)]
pub(super) struct Then(pub Reason, pub Ended);

impl State {
    pub fn phase(&self) -> Phase {
        match self {
            Self::ExpectAuthRes | Self::ExpectAssignment(_) | Self::ExpectStringVerdict(..) => {
                Phase::Authentication
            }
            Self::ExpectKey(_) => Phase::KeyGeneration,
            Self::ExpectCertificate(..) => Phase::Issuing,
            Self::ExpectStored(..) => Phase::Storing,
            Self::ExpectDeleted(_) => Phase::Deleting,
            Self::ExpectShown(_) => Phase::Troubleshooting,
            Self::ExpectRecorded(_) | Self::ExpectAttemptRecorded(_) => Phase::Recording,
            Self::ExpectAborted => Phase::Aborting,
            Self::Ended => Phase::Ended,
        }
    }

    /// Whether the phone may say that it is at work: it was asked something.
    pub fn phone_is_at_work(&self) -> bool {
        matches!(
            self,
            Self::ExpectKey(_)
                | Self::ExpectCertificate(..)
                | Self::ExpectStored(..)
                | Self::ExpectDeleted(_)
                | Self::ExpectShown(_)
                | Self::ExpectAttemptRecorded(_)
        )
    }
}

impl Assignment {
    pub(super) fn is_expired(&self, now: Now) -> bool {
        self.complete_by.is_some_and(|until| now.wall >= until)
    }
}
