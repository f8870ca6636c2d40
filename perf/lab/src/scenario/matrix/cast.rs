//! Who plays: telephones of each kind, in each part.

use super::table::{Auth, E60, E70, KINDS, Kind, Plain};
use crate::scenario::estate::{Mode, Phone, Place};

impl Kind {
    fn model(self) -> &'static str {
        match self {
            E60 => "7960",
            E70 | Auth | Plain => "7970",
        }
    }

    fn mode(self) -> Mode {
        match self {
            E70 | E60 => Mode::Encrypted,
            Auth => Mode::Authenticated,
            Plain => Mode::NonSecure,
        }
    }
}

/// The cast.
pub struct Cast {
    /// One of each kind at the centre, with numbers of their own.
    pub callers: [Phone; 4],
    /// One of each kind at the branch: calls to them go through the relay.
    pub callees: [Phone; 4],
    /// One of each kind at the centre: calls to them go directly.
    pub thirds: [Phone; 4],
    /// For each caller, one of each kind on its line.
    pub sharers: [[Phone; 4]; 4],
}

impl Cast {
    pub fn new() -> Self {
        let one = |kind: Kind, number: String, device: String, place: Place| Phone {
            device: device.into(),
            model: kind.model(),
            mode: kind.mode(),
            number: number.into(),
            place,
        };
        let row = |group: u8, place: Place| {
            KINDS.map(|kind| {
                let column = kind as u8;
                one(
                    kind,
                    format!("{group}0{column}"),
                    format!("SEP0000{group}00000{column}"),
                    place,
                )
            })
        };
        let sharer = |line: Kind, kind: Kind| {
            let (line, column) = (line as u8, kind as u8);
            let device = format!("SEP00002300{line}00{column}");
            one(kind, format!("200{line}"), device, Place::Centre)
        };
        Self {
            callers: row(20, Place::Centre),
            callees: row(21, Place::Branch),
            thirds: row(22, Place::Centre),
            sharers: KINDS.map(|line| KINDS.map(|kind| sharer(line, kind))),
        }
    }

    pub fn everybody(&self) -> Vec<&Phone> {
        let rows = [&self.callers, &self.callees, &self.thirds];
        rows.into_iter().chain(&self.sharers).flatten().collect()
    }
}
