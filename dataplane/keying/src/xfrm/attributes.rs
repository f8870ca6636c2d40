//! Attributes behind a message's fixed part.

use super::u16_at;

pub(super) const AUTH: u16 = 1;
pub(super) const CRYPT: u16 = 2;
pub(super) const ENCAPSULATION: u16 = 4;
pub(super) const TEMPLATES: u16 = 5;
pub(super) const SA: u16 = 6;
pub(super) const POLICY: u16 = 7;
pub(super) const AEAD: u16 = 18;
pub(super) const AUTH_TRUNCATED: u16 = 20;
pub(super) const TRAFFIC_PADDING: u16 = 22;
pub(super) const REPLAY: u16 = 23;

/// All attributes of a message: length, kind, value, each on a boundary of four.
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of that kind.
    pub(super) fn find(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.0;
        loop {
            let len = usize::from(u16_at(rest, 0)?);
            let kind = u16_at(rest, 2)?;
            let value = rest.get(4..len)?;
            if kind == wanted {
                return Some(value);
            }
            rest = rest.get(len.next_multiple_of(4)..)?;
        }
    }
}
