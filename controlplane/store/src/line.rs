use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::number::Number;
use crate::sql::{Row, values};
use crate::{Error, Invalid, Refusal, Result, View};

/// A directory number, and what becomes of calls to it. Which phones have it stands with them:
/// [`Device::lines`](crate::Device::lines).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Line {
    /// The number.
    pub number: Number,
    /// The name that others are shown.
    pub display: String,
    /// Where all calls to it go. Users change that on their telephones.
    pub forward_all: Option<Number>,
    /// Where calls go while all its telephones are busy.
    pub forward_busy: Option<Number>,
    /// Where calls go that nobody answers, or while no telephone is there.
    pub forward_no_answer: Option<Number>,
    /// With so many calls a telephone is busy, 1 to 200.
    pub busy_trigger: u8,
}

impl Line {
    /// A new line that forwards nothing.
    pub fn new(number: Number) -> Self {
        Self {
            number,
            display: String::new(),
            forward_all: None,
            forward_busy: None,
            forward_no_answer: None,
            busy_trigger: 2,
        }
    }

    fn check(&self) -> Result<()> {
        if self.display.chars().count() > MAX_DISPLAY {
            return Err(Invalid::TooLong { field: "display", max: MAX_DISPLAY }.into());
        }
        if !(1..=MAX_CALLS).contains(&self.busy_trigger) {
            let given = self.busy_trigger.to_string();
            return Err(Invalid::Range { given, min: 1, max: MAX_CALLS.into() }.into());
        }
        let forwards = [&self.forward_all, &self.forward_busy, &self.forward_no_answer];
        match forwards.into_iter().flatten().any(|target| *target == self.number) {
            true => Err(Refusal::ForwardToItself.into()),
            false => Ok(()),
        }
    }
}

const MAX_DISPLAY: usize = 30;
const MAX_CALLS: u8 = 200;

const COLUMNS: &str = "SELECT line.number, display, target, forward_busy, forward_no_answer, \
    busy_trigger FROM line LEFT JOIN forward_all ON forward_all.number = line.number";

fn read(mut row: Row) -> Result<Line> {
    Ok(Line {
        number: row.parse()?,
        display: row.next()?,
        forward_all: optional(&mut row)?,
        forward_busy: optional(&mut row)?,
        forward_no_answer: optional(&mut row)?,
        busy_trigger: u8::try_from(row.next::<u64>()?).unwrap_or(MAX_CALLS),
    })
}

fn optional(row: &mut Row) -> Result<Option<Number>> {
    let text: Option<String> = row.next()?;
    text.map(|text| text.parse()).transpose()
}

impl View<'_> {
    /// All lines, by number.
    pub fn lines(&mut self) -> Result<Vec<Line>> {
        let rows = self.sql.query(&format!("{COLUMNS} ORDER BY line.number"), &[])?;
        rows.into_iter().map(read).collect()
    }

    /// One line.
    pub fn line(&mut self, number: &Number) -> Result<Line> {
        let unknown = || Error::Unknown { object: "line", name: number.to_string() };
        self.find_line(number)?.ok_or_else(unknown)
    }

    /// One line, if it exists.
    pub fn find_line(&mut self, number: &Number) -> Result<Option<Line>> {
        let sql = format!("{COLUMNS} WHERE line.number = $1");
        self.sql.query(&sql, values![number.as_str()])?.pop().map(read).transpose()
    }

    /// The last change of where all calls to a number go. It is above 0 once there was one.
    pub(crate) fn forward_change(&mut self) -> Result<u64> {
        let mut rows = self.sql.query("SELECT COALESCE(MAX(change), 0) FROM forward_all", &[])?;
        rows[0].next()
    }

    /// Where all calls go, for the numbers where that changed since.
    pub(crate) fn forwards_since(&mut self, seen: u64) -> Result<HashMap<Number, Option<Number>>> {
        let rows = self
            .sql
            .query("SELECT number, target FROM forward_all WHERE change > $1", values![seen])?;
        rows.into_iter().map(|mut row| Ok((row.parse()?, optional(&mut row)?))).collect()
    }
}

impl Change<'_> {
    /// Adds a line, or replaces the one of the same number.
    pub fn put_line(&mut self, line: &Line) -> Result<()> {
        line.check()?;
        let old = self.find_line(&line.number)?;
        if old.as_ref() == Some(line) {
            return Ok(());
        }
        self.view.sql.execute(
            "INSERT INTO line (number, display, forward_busy, forward_no_answer, busy_trigger)
                VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (number) DO UPDATE SET
                display = excluded.display, forward_busy = excluded.forward_busy,
                forward_no_answer = excluded.forward_no_answer,
                busy_trigger = excluded.busy_trigger",
            values![
                line.number.as_str(),
                &*line.display,
                line.forward_busy.as_ref().map(Number::as_str),
                line.forward_no_answer.as_ref().map(Number::as_str),
                u64::from(line.busy_trigger),
            ],
        )?;
        if line.forward_all != old.as_ref().and_then(|old| old.forward_all.clone()) {
            self.write_forward_all(&line.number, line.forward_all.as_ref())?;
        }
        // Forwards are taken over at once; the rest is told to a telephone when it registers.
        let told = |line: &Line| (line.display.clone(), line.busy_trigger);
        if old.as_ref().is_some_and(|old| told(old) != told(line)) {
            for phone in self.phones_of_line(&line.number)? {
                self.trigger(&Trigger::DeviceConfiguration(phone));
            }
        }
        self.record("line", line.number.as_str(), old.as_ref().and_then(json), json(line));
        Ok(())
    }

    /// Makes a number a line if it is none.
    pub(crate) fn have_line(&mut self, number: &Number) -> Result<()> {
        match self.find_line(number)? {
            Some(_) => Ok(()),
            None => self.put_line(&Line::new(number.clone())),
        }
    }

    /// Removes a line that no phone, no port of a gateway and no voicemail port has.
    pub fn remove_line(&mut self, number: &Number) -> Result<()> {
        let line = self.line(number)?;
        if let Some(phone) = self.phones_of_line(number)?.pop() {
            return Err(Error::InUse {
                object: "line",
                name: number.to_string(),
                by: phone.to_string(),
            });
        }
        if let Some(by) = self.port_of_line(number)? {
            return Err(Error::InUse { object: "line", name: number.to_string(), by });
        }
        self.is_no_voicemail_port(number)?;
        self.view.sql.execute("DELETE FROM line WHERE number = $1", values![number.as_str()])?;
        self.record("line", number.as_str(), json(&line), None);
        Ok(())
    }

    /// Notes where a user wants all calls to a number to go. It is in the audit log, and makes no
    /// revision: nobody administers it.
    pub fn set_forward_all(&mut self, number: &Number, target: Option<&Number>) -> Result<()> {
        let line = self.line(number)?;
        if line.forward_all.as_ref() == target {
            return Ok(());
        }
        Line { forward_all: target.cloned(), ..line }.check()?;
        self.write_forward_all(number, target)?;
        let detail = match target {
            Some(target) => format!("calls to {number} go to {target}"),
            None => format!("calls to {number} are not forwarded any more"),
        };
        let (author, at) = (self.author(), self.at);
        self.view.append_audit(author, at, "forward-all", &detail)
    }

    fn write_forward_all(&mut self, number: &Number, target: Option<&Number>) -> Result<()> {
        let change = self.forward_change()? + 1;
        self.view.sql.execute(
            "INSERT INTO forward_all (number, target, change) VALUES ($1, $2, $3)
                ON CONFLICT (number) DO UPDATE SET
                target = excluded.target, change = excluded.change",
            values![number.as_str(), target.map(Number::as_str), change],
        )?;
        Ok(())
    }
}
