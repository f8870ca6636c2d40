//! Fields that repeat, and data of variable length.

use std::fmt;

use crate::body::{Defect, Field, Input, Output};
use crate::number::hexadecimal;

/// A field of fixed size that repeats.
pub(crate) trait Entry: Field {
    /// Its bytes.
    const SIZE: usize;

    /// What stands in a place that is not used.
    fn unused() -> Self {
        Self::default()
    }
}

/// Takes the entries that are wanted and there.
fn read_entries<T: Entry>(wanted: usize, input: &mut Input<'_>) -> Vec<T> {
    let there = wanted.min(input.remaining().len() / T::SIZE);
    (0..there).map(|_| T::read(input)).collect()
}

/// Takes what is there of a counted list, and notes a count above the limit.
fn read_counted<T: Entry>(count: u32, limit: usize, input: &mut Input<'_>) -> Vec<T> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    input.excess |= count > limit;
    read_entries(count.min(limit), input)
}

fn write_entries<T: Field>(entries: &[T], output: &mut Output) {
    entries.iter().for_each(|entry| entry.write(output));
}

fn write_unused<T: Entry>(count: usize, output: &mut Output) {
    (0..count).for_each(|_| T::unused().write(output));
}

fn display_entries<T: fmt::Display>(entries: &[T], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[")?;
    for (index, entry) in entries.iter().enumerate() {
        let entry = entry.to_string();
        write!(f, "{}{}", if index == 0 { "" } else { ", " }, entry.trim_start())?;
    }
    f.write_str("]")
}

/// A count, and so many entries: at most `MAX`, those behind are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Entry, const MAX: usize> Field for List<T, MAX> {
    fn read(input: &mut Input<'_>) -> Self {
        let count = u32::read(input);
        Self(read_counted(count, MAX, input))
    }

    fn write(&self, output: &mut Output) {
        let entries = &self.0[..self.0.len().min(MAX)];
        (entries.len() as u32).write(output);
        write_entries(entries, output);
    }
}

impl<T: fmt::Display, const MAX: usize> fmt::Display for List<T, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_entries(&self.0, f)
    }
}

/// Always `N` entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots<T, const N: usize>(pub [T; N]);

impl<T: Default, const N: usize> Default for Slots<T, N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| T::default()))
    }
}

impl<T: Field, const N: usize> Field for Slots<T, N> {
    fn read(input: &mut Input<'_>) -> Self {
        Self(std::array::from_fn(|_| T::read(input)))
    }

    fn write(&self, output: &mut Output) {
        write_entries(&self.0, output);
    }
}

impl<T: fmt::Display, const N: usize> fmt::Display for Slots<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_entries(&self.0, f)
    }
}

/// A part of a template: where it begins in the whole, and its entries. Written with `FULL`
/// places, as telephones expect; read with as many as are counted, up to `MAX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<T, const FULL: usize, const MAX: usize> {
    /// Entries of the whole before this part.
    pub offset: u32,
    /// Entries of the whole.
    pub total: u32,
    /// Entries of this part.
    pub entries: Vec<T>,
}

impl<T, const FULL: usize, const MAX: usize> Table<T, FULL, MAX> {
    /// A template that fits into one message.
    pub fn whole(entries: impl IntoIterator<Item = T>) -> Self {
        let entries: Vec<_> = entries.into_iter().take(FULL).collect();
        Self { offset: 0, total: entries.len() as u32, entries }
    }
}

impl<T, const FULL: usize, const MAX: usize> Default for Table<T, FULL, MAX> {
    fn default() -> Self {
        Self { offset: 0, total: 0, entries: Vec::new() }
    }
}

impl<T: Entry, const FULL: usize, const MAX: usize> Field for Table<T, FULL, MAX> {
    fn read(input: &mut Input<'_>) -> Self {
        let [offset, count, total] = [(); 3].map(|()| u32::read(input));
        Self { offset, total, entries: read_counted(count, MAX, input) }
    }

    fn write(&self, output: &mut Output) {
        let entries = &self.entries[..self.entries.len().min(MAX)];
        self.offset.write(output);
        (entries.len() as u32).write(output);
        self.total.write(output);
        write_entries(entries, output);
        write_unused::<T>(FULL.saturating_sub(entries.len()), output);
    }
}

impl<T: fmt::Display, const FULL: usize, const MAX: usize> fmt::Display for Table<T, FULL, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.offset, self.total)?;
        display_entries(&self.entries, f)
    }
}

/// Data whose length stands further ahead: at most `MAX` bytes, those behind are lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> Data<MAX> {
    fn bytes(&self) -> &[u8] {
        &self.0[..self.0.len().min(MAX)]
    }

    pub(crate) fn length(&self) -> u32 {
        self.bytes().len() as u32
    }
}

impl<const MAX: usize> Field for Data<MAX> {
    fn read(input: &mut Input<'_>) -> Self {
        let announced = input.announced;
        let possible = input.remaining().len().min(MAX);
        match usize::try_from(announced).ok().filter(|length| *length <= possible) {
            Some(length) => Self(input.take(length).to_vec()),
            None => {
                input.defect = Some(Defect::DataLength { announced, possible });
                Self::default()
            }
        }
    }

    fn write(&self, output: &mut Output) {
        output.put(self.bytes());
        output.align();
    }
}

impl<const MAX: usize> fmt::Display for Data<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.0.len())
    }
}

/// The rest of a body, which nobody here interprets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest(pub Vec<u8>);

impl Field for Rest {
    fn read(input: &mut Input<'_>) -> Self {
        Self(input.take(usize::MAX).to_vec())
    }

    fn write(&self, output: &mut Output) {
        output.put(&self.0);
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}
