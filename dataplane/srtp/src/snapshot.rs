//! What a session remembers, without its keys: for hand-over to another node.

use thiserror::Error;

use crate::packet::Protocol;

/// What a session remembers of its SSRCs and of the use of its master keys, but no key.
///
/// See [`Srtp::export`](crate::Srtp::export) and [`Srtp::import`](crate::Srtp::import).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Packets counted under each agreed master key, by [`Protocol`].
    pub(crate) used: Vec<[u64; 2]>,
    pub(crate) contexts: Vec<ContextSnapshot>,
}

/// What is remembered of one SSRC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextSnapshot {
    pub(crate) protocol: Protocol,
    pub(crate) ssrc: u32,
    /// Position of its master key among the agreed ones.
    pub(crate) key: u8,
    pub(crate) highest: u64,
    /// The replay window: bit `n`, counted through the words, is the index `n` before the highest.
    pub(crate) seen: Vec<u64>,
}

/// Octets that are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Written by another version of this program.
    #[error("snapshot of version {0}, this program reads version {VERSION}")]
    Version(u8),
    /// Truncated, or with values that cannot be.
    #[error("damaged snapshot")]
    Damaged,
}

const VERSION: u8 = 1;
/// Words of the widest window.
const MOST_WORDS: u16 = 64;

impl Snapshot {
    /// The snapshot as octets: version, keys, contexts, each list after its length, all
    /// big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut octets = vec![VERSION];
        octets.extend((self.used.len() as u16).to_be_bytes());
        octets.extend(self.used.iter().flatten().flat_map(|count| count.to_be_bytes()));
        octets.extend((self.contexts.len() as u32).to_be_bytes());
        for context in &self.contexts {
            octets.extend([context.protocol as u8, context.key]);
            octets.extend(context.ssrc.to_be_bytes());
            octets.extend(context.highest.to_be_bytes());
            octets.extend((context.seen.len() as u16).to_be_bytes());
            octets.extend(context.seen.iter().flat_map(|word| word.to_be_bytes()));
        }
        octets
    }

    /// Reads what [`Snapshot::to_bytes`] wrote.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, SnapshotError> {
        let mut rest = octets;
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let keys = u16::from_be_bytes(take(&mut rest)?);
        let used = (0..keys)
            .map(|_| Ok([take(&mut rest)?, take(&mut rest)?].map(u64::from_be_bytes)))
            .collect::<Result<_, _>>()?;
        let contexts = u32::from_be_bytes(take(&mut rest)?);
        let contexts =
            (0..contexts).map(|_| ContextSnapshot::read(&mut rest)).collect::<Result<_, _>>()?;
        if rest.is_empty() { Ok(Self { used, contexts }) } else { Err(SnapshotError::Damaged) }
    }
}

impl ContextSnapshot {
    fn read(rest: &mut &[u8]) -> Result<Self, SnapshotError> {
        let [protocol, key] = take(rest)?;
        let protocol = Protocol::BOTH.into_iter().find(|&known| known as u8 == protocol);
        let protocol = protocol.ok_or(SnapshotError::Damaged)?;
        let ssrc = u32::from_be_bytes(take(rest)?);
        let highest = u64::from_be_bytes(take(rest)?);
        let words = u16::from_be_bytes(take(rest)?);
        if words > MOST_WORDS || highest > protocol.max_index() {
            return Err(SnapshotError::Damaged);
        }
        let seen =
            (0..words).map(|_| take(rest).map(u64::from_be_bytes)).collect::<Result<_, _>>()?;
        Ok(Self { protocol, ssrc, key, highest, seen })
    }

    pub(crate) fn seen_behind(&self, behind: u64) -> bool {
        let word = self.seen.get((behind / 64) as usize);
        word.is_none_or(|word| word >> (behind % 64) & 1 == 1)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SnapshotError> {
    let (&taken, remaining) = rest.split_first_chunk().ok_or(SnapshotError::Damaged)?;
    *rest = remaining;
    Ok(taken)
}
