use std::collections::HashSet;

use crate::change::Change;
use crate::number::Number;
use crate::{
    Device, DeviceName, Error, Line, Model, Refusal, Result, SecurityMode, View, parameter,
};

/// Where automatic registration takes its numbers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoRegistration {
    /// Whether phones that nobody added may register. Never in mixed mode.
    pub on: bool,
    /// The first number.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

impl View<'_> {
    /// How phones that nobody added may register.
    pub fn auto_registration(&mut self) -> Result<AutoRegistration> {
        let on = self.parameter(None, parameter::AUTO_REGISTRATION)?.flag();
        Ok(AutoRegistration {
            on: on && self.security_mode()? == SecurityMode::NonSecure,
            first: self.parameter(None, parameter::AUTO_REGISTRATION_FIRST)?.integer()?,
            last: self.parameter(None, parameter::AUTO_REGISTRATION_LAST)?.integer()?,
        })
    }

    /// The first number of its range that is no line.
    pub fn next_auto_number(&mut self) -> Result<Option<Number>> {
        let AutoRegistration { first, last, .. } = self.auto_registration()?;
        let rows = self.sql.query("SELECT number FROM line", &[])?;
        let taken =
            rows.into_iter().map(|mut row| row.next::<String>()).collect::<Result<HashSet<_>>>()?;
        let free = (first..=last).map(|number| number.to_string()).find(|n| !taken.contains(n));
        free.map(|number| number.parse()).transpose()
    }
}

impl Change<'_> {
    /// Enters a phone that nobody added, with the next free number. Refused unless the cluster is
    /// in non-secure mode and the parameter Auto-Registration is on.
    pub fn auto_register(&mut self, name: &DeviceName, model: Model) -> Result<Device> {
        if self.find_device(name)?.is_some() {
            return Err(Error::Exists { object: "device", name: name.to_string() });
        }
        if self.security_mode()? == SecurityMode::Mixed {
            return Err(Refusal::AutoRegistrationInMixedMode.into());
        }
        if !self.auto_registration()?.on {
            return Err(Refusal::NoAutoRegistration.into());
        }
        let number = self.next_auto_number()?.ok_or(Refusal::NoFreeNumber)?;
        self.put_line(&Line { display: number.to_string(), ..Line::new(number.clone()) })?;
        let mut device = Device::new(name.clone(), model);
        device.description = format!("Auto {number}");
        device.lines.push(number);
        self.put_device(&device)?;
        self.device(name)
    }
}
