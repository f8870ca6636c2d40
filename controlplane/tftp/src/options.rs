//! Options of a transfer: block size (RFC 2348), timeout and size (RFC 2349), window (RFC 7440).

use std::time::Duration;

use crate::PacketError;
use crate::packet::string;

/// The options of a request or of its acknowledgement. Absent means the RFC 1350 behaviour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// `blksize`: bytes of a block, 8 to 65464.
    pub block_size: Option<u16>,
    /// `timeout`: seconds before a packet is repeated, 1 to 255.
    pub timeout: Option<u8>,
    /// `tsize`: bytes of the file; 0 in a request.
    pub transfer_size: Option<u64>,
    /// `windowsize`: blocks per acknowledgement, 1 to 65535.
    pub window_size: Option<u16>,
}

impl Options {
    /// Reads name and value pairs. Options that are unknown, out of range or repeated are left
    /// out, as RFC 2347 asks; a pair that does not end is an error.
    pub(crate) fn parse(mut rest: &[u8]) -> Result<Self, PacketError> {
        let mut options = Self::default();
        while !rest.is_empty() {
            let (name, after_name) = string(rest)?;
            let (value, after_value) = string(after_name)?;
            options.set(name, value);
            rest = after_value;
        }
        Ok(options)
    }

    fn set(&mut self, name: &[u8], value: &[u8]) {
        let Some(value) = number(value) else { return };
        let is = |option: &str| name.eq_ignore_ascii_case(option.as_bytes());
        if is(BLOCK_SIZE) {
            let valid = u16::try_from(value).ok().filter(|size| (8..=65464).contains(size));
            self.block_size = self.block_size.or(valid);
        } else if is(TIMEOUT) {
            let valid = u8::try_from(value).ok().filter(|&seconds| seconds > 0);
            self.timeout = self.timeout.or(valid);
        } else if is(TRANSFER_SIZE) {
            self.transfer_size = self.transfer_size.or(Some(value));
        } else if is(WINDOW_SIZE) {
            let valid = u16::try_from(value).ok().filter(|&blocks| blocks > 0);
            self.window_size = self.window_size.or(valid);
        }
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let mut put = |name: &str, value: Option<u64>| {
            if let Some(value) = value {
                bytes.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
            }
        };
        put(BLOCK_SIZE, self.block_size.map(u64::from));
        put(TIMEOUT, self.timeout.map(u64::from));
        put(TRANSFER_SIZE, self.transfer_size);
        put(WINDOW_SIZE, self.window_size.map(u64::from));
    }

    /// True if nothing is asked or granted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What a server grants of a request for a file of `size` bytes.
    pub(crate) fn granted(&self, tuning: &Tuning, size: u64) -> Self {
        Self {
            block_size: self.block_size.map(|asked| asked.min(tuning.max_block_size)),
            timeout: self.timeout,
            transfer_size: self.transfer_size.map(|_| size),
            window_size: self.window_size.map(|asked| asked.min(tuning.max_window)),
        }
    }

    /// Bytes of a block under these options.
    pub(crate) fn block_len(&self) -> usize {
        usize::from(self.block_size.unwrap_or(512))
    }

    /// Blocks per acknowledgement under these options.
    pub(crate) fn window(&self) -> u64 {
        u64::from(self.window_size.unwrap_or(1))
    }
}

/// How a transfer is paced, and what of the options is granted.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Largest block size; 1428 avoids fragments even inside tunnels.
    pub max_block_size: u16,
    /// Most blocks per acknowledgement.
    pub max_window: u16,
    /// First wait for an acknowledgement, doubled at each repetition up to eight times; replaced
    /// by the `timeout` option.
    pub timeout: Duration,
    /// How often a packet is repeated before the peer is given up.
    pub max_repeats: u32,
    /// How often the first packet is repeated: nobody has proved yet that the peer exists.
    pub max_first_repeats: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            max_block_size: 1428,
            max_window: 16,
            timeout: Duration::from_secs(1),
            max_repeats: 5,
            max_first_repeats: 3,
        }
    }
}

impl Tuning {
    /// How long to wait for an answer to something sent `repeats` times before.
    pub(crate) fn wait(&self, options: &Options, repeats: u32) -> Duration {
        match options.timeout {
            Some(seconds) => Duration::from_secs(u64::from(seconds)),
            None => self.timeout * 2u32.pow(repeats.min(3)),
        }
    }
}

const BLOCK_SIZE: &str = "blksize";
const TIMEOUT: &str = "timeout";
const TRANSFER_SIZE: &str = "tsize";
const WINDOW_SIZE: &str = "windowsize";

/// A decimal number of at most 19 digits.
fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
