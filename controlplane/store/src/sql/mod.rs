//! The one door to both databases: statements, values, rows, transactions.

pub(crate) mod afar;
pub(crate) mod postgres;
pub(crate) mod readers;
pub(crate) mod sqlite;
pub(crate) mod together;

use crate::{Error, Replica, Result};

/// A value as both databases know it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// One consistent snapshot, no changes.
    Read,
    /// Changes, one writer at a time in the whole cluster.
    Write,
}

/// A connection to a database: it runs one transaction at a time.
pub(crate) trait Backend: Sql + Send {
    /// Begins a transaction.
    fn begin(&mut self, access: Access) -> Result<()>;

    /// Makes what was done since lasting. If that fails, the transaction is still open.
    fn commit(&mut self) -> Result<()>;

    /// Ends the transaction without trace, if one is open.
    fn roll_back(&mut self);
}

/// Does something in a transaction: committed if `work` succeeds, without trace otherwise.
pub(crate) fn transaction<T>(
    backend: &mut dyn Backend,
    access: Access,
    work: impl FnOnce(&mut dyn Sql) -> Result<T>,
) -> Result<T> {
    backend.begin(access)?;
    let undone = Undone(backend);
    let value = work(&mut *undone.0)?;
    undone.0.commit()?;
    Ok(value)
}

/// What is left open is undone when this is dropped, also by a caller's panic.
struct Undone<'a>(&'a mut dyn Backend);

impl Drop for Undone<'_> {
    fn drop(&mut self) {
        self.0.roll_back();
    }
}

/// Statements inside a transaction. Parameters are written `$1`, `$2`, … in the text.
pub(crate) trait Sql {
    /// Runs one statement and returns how many rows it touched.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64>;

    /// Runs one query.
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>>;

    /// Runs statements without parameters.
    fn batch(&mut self, sql: &str) -> Result<()>;

    /// How far it follows another database; `None` if it is nobody's copy.
    fn replica(&mut self) -> Result<Option<Replica>>;

    /// Whether a table of this name exists.
    fn has_table(&mut self, table: &str) -> Result<bool>;
}

/// One row of an answer, its columns taken from left to right.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn new(columns: Vec<Value>) -> Self {
        Self(columns.into_iter())
    }

    /// The columns that are left.
    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.0
    }

    /// The next column, as the type that the schema gives it.
    pub(crate) fn next<T: FromValue>(&mut self) -> Result<T> {
        let value = self.0.next().unwrap_or(Value::Null);
        T::from_value(value).ok_or_else(|| Error::Corrupt("a column has an unexpected type".into()))
    }

    /// The next column, parsed from its text.
    pub(crate) fn parse<T>(&mut self) -> Result<T>
    where
        T: std::str::FromStr,
    {
        let text: String = self.next()?;
        text.parse().map_err(|_| Error::Corrupt(format!("unknown value {text:?}")))
    }
}

/// A Rust type that a column can hold.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(int) = value { Some(int) } else { None }
    }
}

impl FromValue for u64 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        Some(i64::from_value(value)? != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<u64> for Value {
    /// Numbers and milliseconds that we count ourselves stay far below 2^63.
    fn from(int: u64) -> Self {
        Self::Int(int as i64)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(flag.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Value::from($value)),*] };
}
pub(crate) use values;
