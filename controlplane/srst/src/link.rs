//! What centre and gateway say to each other, in frames: a length of four bytes, big-endian, and
//! JSON. The gateway reports, the centre answers, and so on.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bundle::Signed;

/// Longest frame that either side takes.
pub const MAX_FRAME: usize = 32 << 20;
/// Between two reports.
pub const INTERVAL: Duration = Duration::from_secs(2);
/// Neither side waits longer for the other.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How a gateway is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The digest of the bundle that it has; absent: it has none.
    pub have: Option<String>,
    /// Phones that are registered there.
    pub phones: u32,
    /// Calls that go on there.
    pub calls: u32,
}

/// What the centre says to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer", content = "with")]
pub enum Answer {
    /// The centre is there, and the gateway has what it needs.
    Good,
    /// It is to have this from now on.
    Take(Box<Signed>),
}

/// Sends one.
pub(crate) fn write(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let content = serde_json::to_vec(what)?;
    let length = u32::try_from(content.len()).ok().filter(|it| *it as usize <= MAX_FRAME);
    let length = length.ok_or_else(|| io::Error::other("there is too much to say at once"))?;
    to.write_all(&[&length.to_be_bytes()[..], &content].concat())?;
    to.flush()
}

/// Receives one of at most `most` bytes.
pub(crate) fn read<T: DeserializeOwned>(from: &mut impl Read, most: usize) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it says too much at once"));
    }
    // Memory is used for what has come, not for what was announced.
    let mut content = Vec::new();
    from.take(length as u64).read_to_end(&mut content)?;
    if content.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&content)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let report = Report { have: Some("ab".into()), phones: 3, calls: 1 };
        let mut bytes = Vec::new();
        write(&mut bytes, &report).unwrap();
        write(&mut bytes, &Answer::Good).unwrap();
        let mut from = &bytes[..];
        assert_eq!(read::<Report>(&mut from, 4096).unwrap(), report);
        assert_eq!(read::<Answer>(&mut from, 4096).unwrap(), Answer::Good);
        assert!(read::<Answer>(&mut from, 4096).is_err());
    }

    #[test]
    fn what_strangers_send_is_an_error() {
        for bytes in [&[0xff; 8][..], &[0, 0, 0, 9, b'{'], &[0, 0, 0, 2, b'{', b'{'], &[0, 0]] {
            assert!(read::<Report>(&mut { bytes }, 4096).is_err(), "{bytes:?}");
        }
    }
}
