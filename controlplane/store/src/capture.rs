use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::sql::{Row, values};
use crate::store::{millis, time};
use crate::words::words;
use crate::{AdministratorRole, DeviceName, Error, Invalid, Result, View};

words! {
    /// Signal Packet Capture Mode: what becomes of the signalling of a device.
    pub enum CaptureMode {
        /// Nothing.
        None = "none",
        /// It is sent to tools that are attached.
        RealTime = "real-time",
        /// It is written to the file of the day.
        Batch = "batch",
    }
}

/// A device whose signalling is captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedDevice {
    /// A phone, or MGCP endpoints: `ENDPOINT@GATEWAY`, `*@GATEWAY`.
    pub device: String,
    /// Where it goes; never [`CaptureMode::None`].
    pub mode: CaptureMode,
    /// Packet Capture Duration.
    pub minutes: u16,
    /// Since when.
    pub started: SystemTime,
}

/// A tool that may attach to the stream of what is captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTool {
    /// What people call it.
    pub name: String,
    /// The administrator it belongs to.
    pub owner: String,
    /// SHA-256 of its certificate, in lower-case hexadecimal.
    pub sha256: String,
}

impl CapturedDevice {
    /// Longest Packet Capture Duration.
    pub const MAX_MINUTES: u16 = 300;

    /// When it ends by itself.
    pub fn ends(&self) -> SystemTime {
        self.started + Duration::from_secs(60 * u64::from(self.minutes))
    }
}

fn captured(mut row: Row) -> Result<CapturedDevice> {
    let corrupt = |_| Error::Corrupt("a capture lasts longer than any can".into());
    Ok(CapturedDevice {
        device: row.next()?,
        mode: row.parse()?,
        minutes: row.next::<u64>()?.try_into().map_err(corrupt)?,
        started: time(row.next()?),
    })
}

impl View<'_> {
    /// The devices that are captured, by name; those whose time is over too, until somebody stops
    /// them.
    pub fn captured_devices(&mut self) -> Result<Vec<CapturedDevice>> {
        let query = "SELECT device, mode, minutes, started_at FROM capture ORDER BY device";
        self.sql.query(query, &[])?.into_iter().map(captured).collect()
    }

    /// The tools that may attach, by name.
    pub fn capture_tools(&mut self) -> Result<Vec<CaptureTool>> {
        let rows =
            self.sql.query("SELECT name, owner, sha256 FROM capture_tool ORDER BY name", &[])?;
        rows.into_iter()
            .map(|mut row| {
                Ok(CaptureTool { name: row.next()?, owner: row.next()?, sha256: row.next()? })
            })
            .collect()
    }

    /// The tools that may attach now: those whose owners may capture.
    pub fn allowed_capture_tools(&mut self) -> Result<Vec<CaptureTool>> {
        let administrators = self.administrators()?;
        let may = |tool: &CaptureTool| {
            let owner = administrators.iter().find(|known| known.name == tool.owner);
            owner.is_some_and(|owner| owner.role == AdministratorRole::Capture)
        };
        Ok(self.capture_tools()?.into_iter().filter(may).collect())
    }
}

impl Change<'_> {
    /// Captures a device from now on, for so many minutes; what was captured of it so far ends.
    /// [`CaptureMode::None`] and a duration of 0 end it only.
    pub fn set_capture(&mut self, device: &str, mode: CaptureMode, minutes: u16) -> Result<()> {
        if minutes > CapturedDevice::MAX_MINUTES {
            let (given, max) = (minutes.to_string(), CapturedDevice::MAX_MINUTES.into());
            return Err(Invalid::Range { given, min: 0, max }.into());
        }
        if mode == CaptureMode::None || minutes == 0 {
            return self.stop_capture(device, "it was stopped");
        }
        if !device.contains('@') {
            self.device(&device.parse::<DeviceName>()?)?;
        }
        let old = self.captured_devices()?.into_iter().find(|old| old.device == device);
        let new =
            CapturedDevice { device: device.to_owned(), mode, minutes, started: time(self.at) };
        self.view.sql.execute("DELETE FROM capture WHERE device = $1", values![device])?;
        self.view.sql.execute(
            "INSERT INTO capture (device, mode, minutes, started_at) VALUES ($1, $2, $3, $4)",
            values![device, mode.as_str(), u64::from(minutes), millis(new.started)],
        )?;
        self.record("capture", device, old.as_ref().and_then(json), json(&new));
        Ok(())
    }

    /// Captures a device no more; the history says why. One that is not captured stays so.
    pub fn stop_capture(&mut self, device: &str, why: &str) -> Result<()> {
        let old = self.captured_devices()?.into_iter().find(|old| old.device == device);
        let Some(old) = old else { return Ok(()) };
        self.view.sql.execute("DELETE FROM capture WHERE device = $1", values![device])?;
        let new = serde_json::json!({ "mode": CaptureMode::None, "why": why });
        self.record("capture", device, json(&old), Some(new));
        Ok(())
    }

    /// Lets a tool attach, for as long as its owner may capture.
    pub fn put_capture_tool(&mut self, tool: &CaptureTool) -> Result<()> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._@".contains(c);
        if tool.name.is_empty() || tool.name.len() > 64 || !tool.name.chars().all(allowed) {
            return Err(Invalid::UserName(tool.name.clone()).into());
        }
        let tools = self.capture_tools()?;
        let same = |known: &&CaptureTool| known.sha256 == tool.sha256 && known.name != tool.name;
        if let Some(known) = tools.iter().find(same) {
            return Err(Error::Exists { object: "capture tool", name: known.name.clone() });
        }
        let old = tools.into_iter().find(|known| known.name == tool.name);
        self.view.sql.execute("DELETE FROM capture_tool WHERE name = $1", values![&*tool.name])?;
        self.view.sql.execute(
            "INSERT INTO capture_tool (name, owner, sha256) VALUES ($1, $2, $3)",
            values![&*tool.name, &*tool.owner, &*tool.sha256],
        )?;
        self.record("capture-tool", &tool.name, old.as_ref().and_then(json), json(tool));
        Ok(())
    }

    /// Lets a tool attach no more.
    pub fn remove_capture_tool(&mut self, name: &str) -> Result<()> {
        let old = self.capture_tools()?.into_iter().find(|tool| tool.name == name);
        let unknown = || Error::Unknown { object: "capture tool", name: name.to_owned() };
        let old = old.ok_or_else(unknown)?;
        self.view.sql.execute("DELETE FROM capture_tool WHERE name = $1", values![name])?;
        self.record("capture-tool", name, json(&old), None);
        Ok(())
    }
}
