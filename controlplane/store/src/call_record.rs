use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::sql::{Row, values};
use crate::store::{millis, time};
use crate::words::words;
use crate::{EffectiveMode, Error, Result, View, parameter};

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Its number, set by the store: later records have higher ones.
    pub number: u64,
    /// The node that served it.
    pub node: String,
    /// What that node knew it by.
    pub call: u32,
    /// Who began it.
    pub calling: CallParty,
    /// What was dialled.
    pub dialled: String,
    /// Who answered, at last.
    pub called: Option<CallParty>,
    /// When it began.
    pub began: SystemTime,
    /// When it was answered.
    pub answered: Option<SystemTime>,
    /// When it ended.
    pub ended: SystemTime,
    /// The status shown last; absent where nobody was shown any.
    pub security: Option<EffectiveMode>,
    /// How it ended.
    pub ending: CallEnding,
    /// The gateway that its media went through, if it did.
    pub relay: Option<String>,
}

/// Somebody in a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallParty {
    /// The number.
    pub number: String,
    /// The name that others were shown.
    pub name: String,
}

words! {
    /// How a call ended.
    pub enum CallEnding {
        /// Somebody hung up.
        HungUp = "hung-up",
        /// The called one was busy.
        Busy = "busy",
        /// There is no such number.
        NoSuchNumber = "no-such-number",
        /// Nobody answered, or it could not be carried on.
        Failed = "failed",
        /// It went on in another call.
        Transferred = "transferred",
    }
}

/// So many old records at most are deleted for each one that is written: what was kept for long is
/// not deleted in one long breath.
const DELETED_EACH: u64 = 8;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const COLUMNS: &str = "number, node, call, calling_number, calling_name, dialled, called_number, \
    called_name, began_at, answered_at, ended_at, security, ending, relay";

fn read(mut row: Row) -> Result<CallRecord> {
    let number = row.next()?;
    let node = row.next()?;
    let call = u32::try_from(row.next::<u64>()?)
        .map_err(|_| Error::Corrupt("the number of a call".into()))?;
    let calling = CallParty { number: row.next()?, name: row.next()? };
    let dialled = row.next()?;
    let called: (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let called = called.0.zip(called.1).map(|(number, name)| CallParty { number, name });
    let began = time(row.next()?);
    let answered = row.next::<Option<u64>>()?.map(time);
    let ended = time(row.next()?);
    let security: Option<String> = row.next()?;
    let security = security.map(|word| word.parse()).transpose()?;
    let (ending, relay) = (row.parse()?, row.next()?);
    Ok(CallRecord {
        number,
        node,
        call,
        calling,
        dialled,
        called,
        began,
        answered,
        ended,
        security,
        ending,
        relay,
    })
}

impl View<'_> {
    /// The newest `limit` records before `before`, newest first, of calls from or to a number if
    /// one is given.
    pub fn call_records(
        &mut self,
        before: Option<u64>,
        limit: u32,
        of: Option<&str>,
    ) -> Result<Vec<CallRecord>> {
        let rows = self.sql.query(
            &format!(
                "SELECT {COLUMNS} FROM call_record WHERE number < $1
                    AND ($2 = '' OR calling_number = $2 OR called_number = $2 OR dialled = $2)
                    ORDER BY number DESC LIMIT $3"
            ),
            values![before.unwrap_or(i64::MAX as u64), of.unwrap_or_default(), u64::from(limit)],
        )?;
        rows.into_iter().map(read).collect()
    }

    fn last_call_record(&mut self) -> Result<u64> {
        let mut rows = self.sql.query("SELECT COALESCE(MAX(number), 0) FROM call_record", &[])?;
        rows[0].next()
    }
}

impl Change<'_> {
    /// Writes down calls that have ended; their numbers are given here. Forgets old ones beyond
    /// what the parameters Call Records say. Makes no revision: nobody administers calls.
    pub fn record_calls(&mut self, records: &[CallRecord]) -> Result<()> {
        let mut number = self.last_call_record()?;
        for record in records {
            number += 1;
            let called = record.called.as_ref();
            self.view.sql.execute(
                &format!(
                    "INSERT INTO call_record ({COLUMNS}) VALUES \
                        ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
                ),
                values![
                    number,
                    &*record.node,
                    u64::from(record.call),
                    &*record.calling.number,
                    &*record.calling.name,
                    &*record.dialled,
                    called.map(|party| &*party.number),
                    called.map(|party| &*party.name),
                    millis(record.began),
                    record.answered.map(millis),
                    millis(record.ended),
                    record.security.map(EffectiveMode::as_str),
                    record.ending.as_str(),
                    record.relay.as_deref(),
                ],
            )?;
        }
        self.forget_calls(number, DELETED_EACH * records.len() as u64)
    }

    fn forget_calls(&mut self, last: u64, most: u64) -> Result<()> {
        let kept: u64 = self.parameter(None, parameter::CALL_RECORDS)?.integer()?;
        let days: u32 = self.parameter(None, parameter::CALL_RECORD_DAYS)?.integer()?;
        let oldest = self.at.saturating_sub((DAY * days).as_millis() as u64);
        self.view.sql.execute(
            "DELETE FROM call_record WHERE number IN (SELECT number FROM call_record
                WHERE number <= $1 OR ended_at < $2 ORDER BY number LIMIT $3)",
            values![last.saturating_sub(kept), oldest, most],
        )?;
        Ok(())
    }
}
