use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::consequence::{Action, Trigger};
use crate::sql::{Row, values};
use crate::store::time;
use crate::warning::Warning;
use crate::{Result, View};

/// Who makes a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Author {
    /// Name of the administrator or service.
    pub who: String,
    /// The way it came: `command line`, `CTL client 192.0.2.7`.
    pub origin: String,
}

impl Author {
    /// An author.
    pub fn new(who: impl Into<String>, origin: impl Into<String>) -> Self {
        Self { who: who.into(), origin: origin.into() }
    }
}

/// Number of a change; the first is 1, and there are no gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revision(pub u64);

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<T> {
    /// What the caller's function returned.
    pub value: T,
    /// The revision it made; `None` if all was so already.
    pub revision: Option<Revision>,
    /// What has to be restarted or reset before it takes effect, in the order to do it.
    pub actions: Vec<Action>,
    /// What does not go together.
    pub warnings: Vec<Warning>,
}

impl<T> Changed<T> {
    /// The value, and the rest.
    pub fn split(self) -> (T, Changed<()>) {
        let Self { value, revision, actions, warnings } = self;
        (value, Changed { value: (), revision, actions, warnings })
    }
}

/// A revision as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionLog {
    /// Its number.
    pub revision: Revision,
    /// When.
    pub at: SystemTime,
    /// Who, and from where.
    pub author: Author,
    /// What, in order.
    pub entries: Vec<Entry>,
}

/// One object that a revision touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Kind of object: `node`, `device`, `parameter`, …
    pub object: String,
    /// Which one.
    pub subject: String,
    /// How it was; `None` if it is new. Passwords never show.
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub old: Option<Json>,
    /// How it is now; `None` if it is gone.
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub new: Option<Json>,
}

/// A revision in the making. Reads, through [`View`], see what was done so far.
pub struct Change<'a> {
    pub(crate) view: View<'a>,
    author: &'a Author,
    pub(crate) at: u64,
    pub(crate) revision: Revision,
    entries: Vec<Entry>,
    actions: Vec<Action>,
    warnings: Vec<Warning>,
}

impl<'a> Change<'a> {
    pub(crate) fn begin(mut view: View<'a>, author: &'a Author, at: u64) -> Result<Self> {
        let revision = Revision(view.revision()?.0 + 1);
        let (entries, actions, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { view, author, at, revision, entries, actions, warnings })
    }

    pub(crate) fn author(&self) -> &'a Author {
        self.author
    }

    /// The number this change will have.
    pub fn number(&self) -> Revision {
        self.revision
    }

    /// Notes that something happened that needs restarts or resets, as [`Trigger`] says. The
    /// store's own changes do so by themselves.
    pub fn trigger(&mut self, trigger: &Trigger) {
        for action in trigger.actions() {
            if !self.actions.contains(&action) {
                self.actions.push(action);
            }
        }
    }

    /// Notes that what was set does not go together with something else.
    pub(crate) fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Notes what was done to an object. Nothing is noted if it is as it was.
    pub(crate) fn record(
        &mut self,
        object: &str,
        subject: &str,
        old: Option<Json>,
        new: Option<Json>,
    ) {
        if old != new {
            let (object, subject) = (object.to_owned(), subject.to_owned());
            self.entries.push(Entry { object, subject, old, new });
        }
    }

    pub(crate) fn end<T>(mut self, value: T) -> Result<Changed<T>> {
        self.actions.sort();
        let revision = (!self.entries.is_empty()).then_some(self.revision);
        if revision.is_some() {
            self.write_revision()?;
        }
        self.view.write_due(&self.actions, self.at)?;
        Ok(Changed { value, revision, actions: self.actions, warnings: self.warnings })
    }

    fn write_revision(&mut self) -> Result<()> {
        let number = self.revision.0;
        let sql = &mut *self.view.sql;
        sql.execute(
            "INSERT INTO revision (number, made_at, who, origin) VALUES ($1, $2, $3, $4)",
            values![number, self.at, &*self.author.who, &*self.author.origin],
        )?;
        for (position, entry) in (1u64..).zip(&self.entries) {
            let [old, new] =
                [&entry.old, &entry.new].map(|side| side.as_ref().map(Json::to_string));
            sql.execute(
                "INSERT INTO revision_entry
                    (revision, position, object, subject, old_value, new_value)
                    VALUES ($1, $2, $3, $4, $5, $6)",
                values![number, position, &*entry.object, &*entry.subject, old, new],
            )?;
        }
        let detail = self.view.revision_digest(number)?;
        self.view.append_audit(self.author, self.at, "change", &detail)
    }
}

impl View<'_> {
    /// The newest revision; 0 before the first change.
    pub fn revision(&mut self) -> Result<Revision> {
        let mut rows = self.sql.query("SELECT COALESCE(MAX(number), 0) FROM revision", &[])?;
        Ok(Revision(rows[0].next()?))
    }

    /// The newest `limit` revisions before `before`, newest first, with what they did.
    pub fn revisions(&mut self, before: Option<Revision>, limit: u32) -> Result<Vec<RevisionLog>> {
        let rows = self.sql.query(
            "SELECT number, made_at, who, origin FROM revision
                WHERE number < $1 ORDER BY number DESC LIMIT $2",
            values![before.map_or(i64::MAX as u64, |r| r.0), u64::from(limit)],
        )?;
        rows.into_iter().map(|row| self.revision_log(row)).collect()
    }

    /// The objects that revisions after `seen` touched, as kind and name, each of them once; `None`
    /// if there are more than `most`.
    pub fn touched_since(
        &mut self,
        seen: Revision,
        most: u32,
    ) -> Result<Option<Vec<(String, String)>>> {
        let rows = self.sql.query(
            "SELECT DISTINCT object, subject FROM revision_entry WHERE revision > $1 LIMIT $2",
            values![seen.0, u64::from(most) + 1],
        )?;
        if rows.len() > most as usize {
            return Ok(None);
        }
        let objects = rows.into_iter().map(|mut row| Ok((row.next()?, row.next()?)));
        objects.collect::<Result<_>>().map(Some)
    }

    fn revision_log(&mut self, mut row: Row) -> Result<RevisionLog> {
        let revision = Revision(row.next()?);
        let at = time(row.next()?);
        let author = Author { who: row.next()?, origin: row.next()? };
        let entries = self.sql.query(
            "SELECT object, subject, old_value, new_value FROM revision_entry
                WHERE revision = $1 ORDER BY position",
            values![revision.0],
        )?;
        let entries = entries.into_iter().map(entry).collect::<Result<_>>()?;
        Ok(RevisionLog { revision, at, author, entries })
    }
}

fn entry(mut row: Row) -> Result<Entry> {
    let (object, subject) = (row.next()?, row.next()?);
    let mut json = || -> Result<Option<Json>> {
        let text: Option<String> = row.next()?;
        let parse = |text: String| {
            serde_json::from_str(&text).map_err(|error| crate::Error::Corrupt(error.to_string()))
        };
        text.map(parse).transpose()
    };
    Ok(Entry { object, subject, old: json()?, new: json()? })
}

/// What a revision remembers of an object.
pub(crate) fn json(value: &impl Serialize) -> Option<Json> {
    Some(serde_json::to_value(value).expect("our types have string keys and no failing parts"))
}
