//! What holds for all messages.

use crate::body::Output;
use crate::message::{Kind, TABLES};
use crate::session::{HEADER, Secrecy, Session};
use crate::version::Version;

/// The rows of a message's table.
pub(crate) trait Table {
    fn rows() -> Vec<Row>;
}

/// A field in a table.
pub(crate) struct Row {
    pub name: &'static str,
    pub offset: Option<usize>,
    pub since: Version,
}

/// Fields stand where the table says: in version 11, or in that in which they came.
pub(crate) fn offsets_are_true<T: Kind + Table>(version: Version) {
    let mut output = Output::new(Session { version, secrecy: Secrecy::Confidential });
    output.zeros(HEADER);
    let outer = output.starts.len();
    T::default().write(&mut output);
    // Blocks inside the message note their own fields, behind that which they are.
    let starts = output.starts.split_off(outer);
    let mut starts = starts.into_iter().map(|start| start - HEADER);
    for Row { name, offset, since } in T::rows() {
        let Some(offset) = offset else { continue };
        if since.max(Version::V11) == version {
            assert!(starts.any(|start| start == offset), "{name} is not at {offset} in {version}");
        }
    }
}

#[test]
fn fields_stand_where_their_tables_say() {
    for (_, offsets_are_true) in TABLES {
        for version in Version::MIN.number()..=Version::MAX.number() {
            offsets_are_true(Version::of(version));
        }
    }
}
