//! What the store promises, over SQLite and over PostgreSQL alike.

mod administered;
mod capf;
mod capture;
mod copy;
mod crash;
mod database;
mod gateways;
mod history;
mod postgres;
mod random;
mod srst;
mod telephones;
mod upgrade;
mod voicemail;

use database::Database;

/// Makes every function of a module a test over each database.
macro_rules! over_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&crate::Database::sqlite()) })*
        }
        mod postgresql {
            $(#[test] fn $name() { super::$name(&crate::Database::postgres()) })*
        }
    };
}
pub(crate) use over_both;
