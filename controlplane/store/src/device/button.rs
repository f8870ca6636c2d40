//! The buttons of a phone: lines, and numbers to dial.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Device;
use crate::change::Change;
use crate::number::Number;
use crate::sql::values;
use crate::{DeviceName, Error, Invalid, Refusal, Result, View};

/// Most buttons that a phone is told of.
pub const MAX_BUTTONS: usize = 42;

/// A button that dials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpeedDial {
    /// What it dials.
    pub number: Number,
    /// What stands beside it.
    pub label: String,
}

impl Device {
    pub(super) fn check_buttons(&self) -> Result<()> {
        let max = self.model.max_lines();
        if self.lines.len() > max {
            return Err(Refusal::TooManyLines { model: self.model, max }.into());
        }
        if self.lines.len() + self.speed_dials.len() > MAX_BUTTONS {
            return Err(Refusal::TooManyButtons.into());
        }
        for (place, number) in self.lines.iter().enumerate() {
            if self.lines[..place].contains(number) {
                return Err(Error::Exists { object: "line", name: number.to_string() });
            }
        }
        match self.speed_dials.iter().any(|dial| dial.label.chars().count() > MAX_LABEL) {
            true => Err(Invalid::TooLong { field: "label", max: MAX_LABEL }.into()),
            false => Ok(()),
        }
    }
}

/// What a telephone's messages have room for.
const MAX_LABEL: usize = 40;

impl View<'_> {
    /// The phones that have a number, by name.
    pub fn phones_of_line(&mut self, number: &Number) -> Result<Vec<DeviceName>> {
        let rows = self.sql.query(
            "SELECT device FROM phone_line WHERE number = $1 ORDER BY device",
            values![number.as_str()],
        )?;
        rows.into_iter().map(|mut row| row.parse()).collect()
    }

    /// `devices` are all there are.
    pub(super) fn read_buttons(&mut self, devices: &mut [Device]) -> Result<()> {
        let places: HashMap<String, usize> =
            devices.iter().zip(0..).map(|(device, n)| (device.name.to_string(), n)).collect();
        let mut of = |device: String, add: &mut dyn FnMut(&mut Device)| {
            if let Some(place) = places.get(&device) {
                add(&mut devices[*place]);
            }
        };
        let lines = "SELECT device, number FROM phone_line ORDER BY device, button";
        for mut row in self.sql.query(lines, &[])? {
            let (device, number) = (row.next()?, row.parse::<Number>()?);
            of(device, &mut |device| device.lines.push(number.clone()));
        }
        let dials = "SELECT device, number, label FROM speed_dial ORDER BY device, position";
        for mut row in self.sql.query(dials, &[])? {
            let device = row.next()?;
            let dial = SpeedDial { number: row.parse()?, label: row.next()? };
            of(device, &mut |device| device.speed_dials.push(dial.clone()));
        }
        Ok(())
    }

    pub(super) fn read_buttons_of(&mut self, device: &mut Device) -> Result<()> {
        let of = values![device.name.as_str()];
        let lines = "SELECT number FROM phone_line WHERE device = $1 ORDER BY button";
        for mut row in self.sql.query(lines, of)? {
            device.lines.push(row.parse()?);
        }
        let dials = "SELECT number, label FROM speed_dial WHERE device = $1 ORDER BY position";
        for mut row in self.sql.query(dials, of)? {
            device.speed_dials.push(SpeedDial { number: row.parse()?, label: row.next()? });
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Those of a device that has none yet.
    pub(super) fn write_buttons(&mut self, device: &Device) -> Result<()> {
        let name = device.name.as_str();
        for (button, number) in (1u64..).zip(&device.lines) {
            self.is_no_voicemail_port(number)?;
            self.have_line(number)?;
            self.view.sql.execute(
                "INSERT INTO phone_line (device, button, number) VALUES ($1, $2, $3)",
                values![name, button, number.as_str()],
            )?;
        }
        for (position, dial) in (1u64..).zip(&device.speed_dials) {
            self.view.sql.execute(
                "INSERT INTO speed_dial (device, position, number, label) VALUES ($1, $2, $3, $4)",
                values![name, position, dial.number.as_str(), &*dial.label],
            )?;
        }
        Ok(())
    }
}
