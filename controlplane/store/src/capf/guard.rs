use std::time::SystemTime;

use crate::change::Change;
use crate::sql::values;
use crate::store::{millis, time};
use crate::{DeviceName, Result, View};

/// Wrong authentication strings of one phone, in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapfGuard {
    /// How many.
    pub failures: u32,
    /// Until when no string is accepted.
    pub locked_until: Option<SystemTime>,
}

impl View<'_> {
    /// What is held against a phone.
    pub fn capf_guard(&mut self, device: &DeviceName) -> Result<CapfGuard> {
        let rows = self.sql.query(
            "SELECT failures, locked_until FROM capf_guard WHERE device = $1",
            values![device.as_str()],
        )?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(CapfGuard::default()) };
        let failures: u64 = row.next()?;
        let locked_until: Option<u64> = row.next()?;
        Ok(CapfGuard {
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            locked_until: locked_until.map(time),
        })
    }
}

impl Change<'_> {
    /// Notes what is held against a phone; the default forgets it. Makes no revision.
    pub fn put_capf_guard(&mut self, device: &DeviceName, guard: CapfGuard) -> Result<()> {
        if guard == CapfGuard::default() {
            let sql = "DELETE FROM capf_guard WHERE device = $1";
            self.view.sql.execute(sql, values![device.as_str()])?;
            return Ok(());
        }
        self.device(device)?;
        self.view.sql.execute(
            "INSERT INTO capf_guard (device, failures, locked_until) VALUES ($1, $2, $3)
                ON CONFLICT (device) DO UPDATE SET
                failures = excluded.failures, locked_until = excluded.locked_until",
            values![device.as_str(), u64::from(guard.failures), guard.locked_until.map(millis)],
        )?;
        Ok(())
    }
}
