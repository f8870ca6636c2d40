use crate::change::Change;
use crate::sql::values;
use crate::{DeviceName, Result, View};

impl View<'_> {
    /// The wrong authentication strings of a phone, in CAPF's form; `None` if there are none.
    pub fn capf_lockout(&mut self, device: &DeviceName) -> Result<Option<String>> {
        let rows = self.sql.query(
            "SELECT lockout FROM capf_lockout WHERE device = $1",
            values![device.as_str()],
        )?;
        rows.into_iter().next().map(|mut row| row.next()).transpose()
    }
}

impl Change<'_> {
    /// Remembers the wrong authentication strings of a phone, or forgets them. Makes no revision.
    pub fn put_capf_lockout(&mut self, device: &DeviceName, lockout: Option<&str>) -> Result<()> {
        self.view
            .sql
            .execute("DELETE FROM capf_lockout WHERE device = $1", values![device.as_str()])?;
        if let Some(lockout) = lockout {
            self.device(device)?;
            self.view.sql.execute(
                "INSERT INTO capf_lockout (device, lockout) VALUES ($1, $2)",
                values![device.as_str(), lockout],
            )?;
        }
        Ok(())
    }
}
