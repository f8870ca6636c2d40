use postgres::Client;
use postgres::types::PgLsn;

use crate::sql::postgres::connect;
use crate::{PostgresUrl, Result};

/// A PostgreSQL server as those see it who run it, or who want to know what it is.
pub struct Server(Client);

/// What a server is at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPlace {
    /// Which database it is: all copies of one say the same.
    pub system: u64,
    /// Whether it is a copy that follows.
    pub follows: bool,
    /// How often a copy became the original before what it has was written.
    pub timeline: u32,
    /// How much it has, in bytes since the beginning.
    pub has: u64,
}

impl Server {
    /// Connects to it.
    pub fn connect(url: &PostgresUrl) -> Result<Self> {
        connect(url).map(Self)
    }

    /// What it is.
    pub fn place(&mut self) -> Result<ServerPlace> {
        // On a copy what was received may not show yet, and what was restored was never received.
        let asked = "SELECT system_identifier, pg_is_in_recovery(),
            CASE WHEN pg_is_in_recovery()
                THEN GREATEST((SELECT received_tli FROM pg_stat_wal_receiver), timeline_id)
                ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
            CASE WHEN pg_is_in_recovery()
                THEN GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                ELSE pg_current_wal_lsn() END
            FROM pg_control_system(), pg_control_checkpoint()";
        let row = self.0.query_one(asked, &[])?;
        let has: Option<PgLsn> = row.get(3);
        Ok(ServerPlace {
            system: row.get::<_, i64>(0).cast_unsigned(),
            follows: row.get(1),
            timeline: row.get::<_, i32>(2).cast_unsigned(),
            has: has.map_or(0, u64::from),
        })
    }

    /// Makes a copy the original, and returns when it takes changes.
    pub fn promote(&mut self) -> Result<()> {
        let done = self.0.query_one("SELECT pg_promote(true, 60)", &[])?;
        match done.get(0) {
            true => Ok(()),
            false => Err(crate::Error::Database("it still follows after a minute".into())),
        }
    }

    /// Whether it takes changes from whoever begins to make one now.
    pub fn takes_changes(&mut self) -> Result<bool> {
        let row = self.0.query_one("SHOW transaction_read_only", &[])?;
        Ok(row.get::<_, &str>(0) == "off")
    }

    /// Has it read its configuration files again.
    pub fn reload(&mut self) -> Result<()> {
        Ok(self.0.batch_execute("SELECT pg_reload_conf()")?)
    }

    /// Keeps what the copies with these names have not fetched yet, and nothing for any others.
    pub fn keep_for(&mut self, copies: &[String]) -> Result<()> {
        let rows = self.0.query("SELECT slot_name::text, active FROM pg_replication_slots", &[])?;
        let kept: Vec<(String, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for copy in copies.iter().filter(|copy| kept.iter().all(|(name, _)| name != *copy)) {
            self.0.execute("SELECT pg_create_physical_replication_slot($1, true)", &[copy])?;
        }
        for (name, active) in kept {
            if !active && !copies.contains(&name) {
                self.0.execute("SELECT pg_drop_replication_slot($1)", &[&name])?;
            }
        }
        Ok(())
    }
}
