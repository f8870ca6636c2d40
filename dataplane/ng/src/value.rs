//! What a message says, whichever way it is encoded.

use std::fmt;

use zeroize::Zeroizing;

use crate::limits;

/// A value of either encoding.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Octets. They may hold keys: erased on drop.
    Text(Zeroizing<Vec<u8>>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Dictionary(Dictionary),
}

/// Values by name, in the order in which they were said; of two with one name the first counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dictionary(Vec<(Zeroizing<Vec<u8>>, Value)>);

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends before it is complete.
    #[error("incomplete")]
    Incomplete,
    /// It does not follow the grammar of its encoding.
    #[error("malformed")]
    Grammar,
    /// Deeper, longer or of more values than [`limits`] allow.
    #[error("too large")]
    TooLarge,
    /// Complete, and something follows.
    #[error("something follows the message")]
    Trailing,
    /// Not a dictionary.
    #[error("not a dictionary")]
    NoDictionary,
}

impl Value {
    /// Text.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(Zeroizing::new(text.as_ref().to_vec()))
    }

    /// A number; what is too large for one is the largest.
    pub fn number(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// The octets, if it is text.
    pub fn as_octets(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_octets()?).ok()
    }

    /// The number, also where it was written as text.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(_) => self.as_str()?.parse().ok(),
            _ => None,
        }
    }

    /// The items of a list; text alone is a list of one.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            Self::Text(_) => Some(std::slice::from_ref(self)),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    pub fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    /// Whether it is within the limits of [`limits`].
    pub(crate) fn check(&self) -> Result<(), Malformed> {
        let mut room = limits::VALUES;
        self.take_room(&mut room, limits::DEPTH)
    }

    fn take_room(&self, room: &mut usize, depth: usize) -> Result<(), Malformed> {
        *room = room.checked_sub(1).ok_or(Malformed::TooLarge)?;
        let inside = |depth: usize| depth.checked_sub(1).ok_or(Malformed::TooLarge);
        match self {
            Self::Integer(_) | Self::Text(_) => Ok(()),
            Self::List(items) => {
                let depth = inside(depth)?;
                items.iter().try_for_each(|item| item.take_room(room, depth))
            }
            Self::Dictionary(dictionary) => {
                let depth = inside(depth)?;
                dictionary.iter().try_for_each(|(_, value)| value.take_room(room, depth))
            }
        }
    }
}

impl Dictionary {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// Adds a value.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: Value) {
        self.0.push((Zeroizing::new(name.as_ref().to_vec()), value));
    }

    /// The same with one more.
    pub fn with(mut self, name: impl AsRef<[u8]>, value: Value) -> Self {
        self.push(name, value);
        self
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Dictionary> for Value {
    fn from(dictionary: Dictionary) -> Self {
        Self::Dictionary(dictionary)
    }
}

/// The shape only: texts may hold keys.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "Text({} octets)", text.len()),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Dictionary(dictionary) => dictionary.fmt(f),
        }
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.iter().map(|(name, value)| (String::from_utf8_lossy(name), value));
        f.debug_map().entries(entries).finish()
    }
}
