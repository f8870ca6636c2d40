//! A file of records under a key of its own.
//!
//! ```text
//! magic 8 │ day 10 │ key's number 8 │ frames …
//! frame: kind 1 │ length 4 │ octets
//! ```
//!
//! A frame begins a segment (a salt, in clear), holds a record, or ends the segment; the latter two
//! are sealed with AES-256-GCM. Each segment has a key of its own, derived from the day's key and
//! its salt, and nonces that count up from 0: whoever goes on with a file begins a segment, so that no
//! nonce is used twice whatever a crash left behind. What is sealed is bound to the file, its kind and
//! its place in the segment. A segment without end was cut off, or is still being written.

use std::fmt;
use std::io::{self, Read, Write};

use base64ct::{Base64, Encoding};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest;
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::record::{MAX_MESSAGE, Record};

const MAGIC: &[u8; 8] = b"RFCAP-1\n";
const DAY: usize = 10;
const NUMBER: usize = 8;
const HEADER: usize = MAGIC.len() + DAY + NUMBER;
const SALT: usize = 32;
/// Longest frame that is believed.
const MAX_FRAME: usize = MAX_MESSAGE + 1024;

const BEGIN: u8 = 1;
const RECORD: u8 = 2;
const END: u8 = 3;

/// What files of keys begin with.
const KEY_FILE: &str = "ringfence-capture-key-1";

/// The key of a day. `Debug` shows its number only, which tells nothing of it.
pub struct DayKey {
    key: Zeroizing<[u8; 32]>,
}

/// Why a file does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// Another kind of file.
    #[error("it is no file of captured signalling")]
    NotSealed,
    /// Another kind of file where a key should be.
    #[error("it is no key of captured signalling")]
    NotAKey,
    /// The key of another day.
    #[error("it needs the key {needed}, and that is the key {given}")]
    OtherKey {
        /// Number of the key it was sealed with.
        needed: String,
        /// Number of the key at hand.
        given: String,
    },
    /// It was changed after it was written.
    #[error("it is damaged: record {0} does not open")]
    Damaged(u64),
    /// It ends within a segment.
    #[error(
        "it ends before it was finished, after record {0}: it is still being written, or was cut off"
    )]
    Unfinished(u64),
    /// The operating system gives no random numbers, or no file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl DayKey {
    /// A new key.
    pub fn fresh() -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key)?;
        Ok(Self { key })
    }

    /// The key as a line of text, for its file.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut encoded = Zeroizing::new([0; 44]);
        let encoded =
            Base64::encode(&*self.key, &mut *encoded).expect("44 octets take 32 in base64");
        Zeroizing::new(format!("{KEY_FILE} {encoded}\n"))
    }

    /// Reads what [`DayKey::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self, SealedError> {
        let encoded = text.trim().strip_prefix(KEY_FILE).map(str::trim);
        let mut key = Zeroizing::new([0; 32]);
        let decoded = Base64::decode(encoded.ok_or(SealedError::NotAKey)?, &mut *key);
        match decoded {
            Ok(octets) if octets.len() == 32 => Ok(Self { key }),
            _ => Err(SealedError::NotAKey),
        }
    }

    /// What files say which key they need by.
    pub fn number(&self) -> String {
        hex(&self.fingerprint())
    }

    fn fingerprint(&self) -> [u8; NUMBER] {
        let digest = digest::digest(&digest::SHA256, &*self.key);
        *digest.as_ref().first_chunk().expect("SHA-256 has 32 octets")
    }

    fn segment(&self, salt: &[u8; SALT]) -> LessSafeKey {
        let derived = Salt::new(HKDF_SHA256, salt).extract(&*self.key);
        let derived = derived.expand(&[b"ringfence capture"], &AES_256_GCM);
        let key = UnboundKey::from(derived.expect("a key is shorter than HKDF's longest output"));
        LessSafeKey::new(key)
    }
}

impl fmt::Debug for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DayKey({})", self.number())
    }
}

/// Writes records into a segment of their own. Dropped without [`Sealer::finish`], the segment has no
/// end, and readers are told so.
pub struct Sealer<W> {
    out: W,
    key: LessSafeKey,
    header: [u8; HEADER],
    count: u64,
}

impl<W: Write> Sealer<W> {
    /// Begins a file for a day, `mm-dd-yyyy`.
    pub fn begin(mut out: W, key: &DayKey, day: &str) -> io::Result<Self> {
        out.write_all(&header(key, day))?;
        Self::go_on(out, key, day)
    }

    /// Goes on with a file that was begun and holds whole frames only: see [`whole_length`].
    pub fn go_on(mut out: W, key: &DayKey, day: &str) -> io::Result<Self> {
        let mut salt = [0; SALT];
        random(&mut salt)?;
        out.write_all(&frame_head(BEGIN, SALT))?;
        out.write_all(&salt)?;
        Ok(Self { out, key: key.segment(&salt), header: header(key, day), count: 0 })
    }

    /// Writes a record and returns how many octets that took.
    pub fn append(&mut self, record: &Record) -> io::Result<u64> {
        self.seal(RECORD, record.to_bytes())
    }

    /// Ends the segment.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(END, Zeroizing::default())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn seal(&mut self, kind: u8, mut octets: Zeroizing<Vec<u8>>) -> io::Result<u64> {
        let associated = associated(&self.header, kind);
        let sealed = self.key.seal_in_place_separate_tag(
            nonce(self.count),
            Aad::from(&associated),
            &mut octets,
        );
        let tag = sealed.map_err(|_| io::Error::other("a record cannot be sealed"))?;
        self.count += 1;
        // By one write, so that a crash leaves as little of it as can be.
        let length = octets.len() + tag.as_ref().len();
        let mut frame = frame_head(kind, length).to_vec();
        frame.extend_from_slice(&octets);
        frame.extend_from_slice(tag.as_ref());
        self.out.write_all(&frame)?;
        Ok(frame.len() as u64)
    }
}

/// Reads the records of a file, one after the other. After an error there are no more, but for
/// those of later segments if one was cut off: that is told at the end.
pub struct Opener<'k, R> {
    input: R,
    day_key: &'k DayKey,
    header: [u8; HEADER],
    segment: Option<(LessSafeKey, u64)>,
    /// Records so far.
    records: u64,
    unfinished: Option<u64>,
    ended: bool,
}

impl<'k, R: Read> Opener<'k, R> {
    /// Looks whether it is such a file, and whether the key is its key.
    pub fn new(mut input: R, day_key: &'k DayKey) -> Result<Self, SealedError> {
        let mut header = [0; HEADER];
        if !fill(&mut input, &mut header)? || !header.starts_with(MAGIC) {
            return Err(SealedError::NotSealed);
        }
        if header[HEADER - NUMBER..] != day_key.fingerprint() {
            let needed = hex(&header[HEADER - NUMBER..]);
            return Err(SealedError::OtherKey { needed, given: day_key.number() });
        }
        Ok(Self {
            input,
            day_key,
            header,
            segment: None,
            records: 0,
            unfinished: None,
            ended: false,
        })
    }

    /// The day it is of, `mm-dd-yyyy`.
    pub fn day(&self) -> String {
        String::from_utf8_lossy(&self.header[MAGIC.len()..][..DAY]).into_owned()
    }

    fn read(&mut self) -> Result<Option<Record>, SealedError> {
        loop {
            let (kind, mut octets) = match read_frame(&mut self.input)? {
                Frame::Whole(kind, octets) => (kind, octets),
                end @ (Frame::None | Frame::Part) => {
                    if matches!(end, Frame::Part) || self.segment.is_some() {
                        self.unfinished.get_or_insert(self.records);
                    }
                    return match self.unfinished {
                        Some(after) => Err(SealedError::Unfinished(after)),
                        None => Ok(None),
                    };
                }
            };
            if kind == BEGIN {
                let salt = octets.first_chunk().filter(|_| octets.len() == SALT);
                let key = self.day_key.segment(salt.ok_or(self.damaged())?);
                if self.segment.replace((key, 0)).is_some() {
                    self.unfinished.get_or_insert(self.records);
                }
                continue;
            }
            let damaged = self.damaged();
            let Some((key, count)) = &mut self.segment else { return Err(damaged) };
            let associated = associated(&self.header, kind);
            let opened = key.open_in_place(nonce(*count), Aad::from(&associated), &mut octets);
            let opened = opened.map_err(|_| self.records).map_err(SealedError::Damaged)?;
            *count += 1;
            match kind {
                RECORD => {
                    let record = Record::from_bytes(opened).ok_or(damaged)?;
                    self.records += 1;
                    return Ok(Some(record));
                }
                END => self.segment = None,
                _ => return Err(damaged),
            }
        }
    }

    fn damaged(&self) -> SealedError {
        SealedError::Damaged(self.records)
    }
}

impl<R: Read> Iterator for Opener<'_, R> {
    type Item = Result<Record, SealedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// How many octets of a file are whole: header and frames. What is behind them a crash left; it must
/// go before [`Sealer::go_on`]. `None` if it is no such file.
pub fn whole_length(mut input: impl Read) -> io::Result<Option<u64>> {
    let mut header = [0; HEADER];
    if !fill(&mut input, &mut header)? || !header.starts_with(MAGIC) {
        return Ok(None);
    }
    let mut whole = HEADER as u64;
    while let Frame::Whole(_, octets) = read_frame(&mut input)? {
        whole += frame_head(0, 0).len() as u64 + octets.len() as u64;
    }
    Ok(Some(whole))
}

enum Frame {
    Whole(u8, Zeroizing<Vec<u8>>),
    Part,
    None,
}

fn read_frame(input: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 5];
    let mut some = [0; 1];
    if !fill(input, &mut some)? {
        return Ok(Frame::None);
    }
    if !fill(input, &mut head[1..])? {
        return Ok(Frame::Part);
    }
    let [_, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Ok(Frame::Part);
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(length));
    let read = input.by_ref().take(length as u64).read_to_end(&mut octets)?;
    Ok(if read == length { Frame::Whole(some[0], octets) } else { Frame::Part })
}

fn header(key: &DayKey, day: &str) -> [u8; HEADER] {
    let mut header = [b' '; HEADER];
    header[..MAGIC.len()].copy_from_slice(MAGIC);
    for (place, octet) in header[MAGIC.len()..][..DAY].iter_mut().zip(day.bytes()) {
        *place = octet;
    }
    header[HEADER - NUMBER..].copy_from_slice(&key.fingerprint());
    header
}

fn frame_head(kind: u8, length: usize) -> [u8; 5] {
    let [a, b, c, d] = (length as u32).to_be_bytes();
    [kind, a, b, c, d]
}

fn associated(header: &[u8; HEADER], kind: u8) -> [u8; HEADER + 1] {
    let mut associated = [kind; HEADER + 1];
    associated[..HEADER].copy_from_slice(header);
    associated
}

fn nonce(count: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&count.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// Fills the buffer; `false` if there is too little.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn random(octets: &mut [u8]) -> io::Result<()> {
    let none = |_| io::Error::other("the operating system gives no random numbers");
    SystemRandom::new().fill(octets).map_err(none)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::record::Protocol;

    const DAY: &str = "11-23-2026";

    fn record(number: u8) -> Record {
        Record {
            at: Duration::from_secs(number.into()),
            device: "SEP001122334455".into(),
            source: "10.0.0.1:2443".parse().unwrap(),
            destination: "10.0.0.2:50000".parse().unwrap(),
            protocol: Protocol::SccpOverTls,
            from_device: false,
            message: Zeroizing::new(vec![number; 100]),
        }
    }

    fn file(key: &DayKey, records: u8) -> Vec<u8> {
        let mut sealer = Sealer::begin(Vec::new(), key, DAY).unwrap();
        for number in 0..records {
            sealer.append(&record(number)).unwrap();
        }
        sealer.finish().unwrap()
    }

    fn open(file: &[u8], key: &DayKey) -> (Vec<Record>, Option<SealedError>) {
        let mut records = Vec::new();
        match Opener::new(file, key) {
            Err(error) => (records, Some(error)),
            Ok(opener) => {
                for read in opener {
                    match read {
                        Ok(record) => records.push(record),
                        Err(error) => return (records, Some(error)),
                    }
                }
                (records, None)
            }
        }
    }

    // R: CAP-04
    #[test]
    fn a_day_is_sealed_and_opens_with_its_key_alone() {
        let key = DayKey::fresh().unwrap();
        let sealed = file(&key, 3);
        assert!(!sealed.windows(8).any(|window| window == [2; 8] || window == b"SEP00112"));
        let again = DayKey::from_text(&key.to_text()).unwrap();
        let (records, error) = open(&sealed, &again);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(records, [0, 1, 2].map(record));
        let other = DayKey::fresh().unwrap();
        assert!(matches!(open(&sealed, &other).1, Some(SealedError::OtherKey { .. })));
        assert!(matches!(open(b"RIFF", &key).1, Some(SealedError::NotSealed)));
        assert!(matches!(DayKey::from_text("key"), Err(SealedError::NotAKey)));
        assert!(!format!("{key:?}").contains(key.to_text().trim().split(' ').nth(1).unwrap()));
    }

    // R: CAP-04
    #[test]
    fn after_a_crash_it_goes_on_in_a_segment_of_its_own() {
        let key = DayKey::fresh().unwrap();
        let mut sealer = Sealer::begin(Vec::new(), &key, DAY).unwrap();
        for number in 0..3 {
            sealer.append(&record(number)).unwrap();
        }
        let mut crashed = sealer.out;
        crashed.truncate(crashed.len() - 5);
        assert!(
            matches!(open(&crashed, &key), (records, Some(SealedError::Unfinished(2))) if records.len() == 2)
        );
        let whole = whole_length(&crashed[..]).unwrap().unwrap();
        crashed.truncate(usize::try_from(whole).unwrap());
        let mut sealer = Sealer::go_on(crashed, &key, DAY).unwrap();
        sealer.append(&record(9)).unwrap();
        let (records, error) = open(&sealer.finish().unwrap(), &key);
        assert_eq!(records, [0, 1, 9].map(record));
        assert!(matches!(error, Some(SealedError::Unfinished(2))), "what is missing is told");
    }

    // R: CAP-04
    #[test]
    fn no_changed_bit_goes_unnoticed() {
        let key = DayKey::fresh().unwrap();
        let mut sealed = file(&key, 2);
        for bit in 0..sealed.len() * 8 {
            let (at, flip) = (bit / 8, 1 << (bit % 8));
            sealed[at] ^= flip;
            let (records, error) = open(&sealed, &key);
            assert!(error.is_some(), "bit {bit}");
            assert!(records.iter().zip([0, 1]).all(|(read, n)| *read == record(n)));
            sealed[at] ^= flip;
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_borne(bytes: Vec<u8>) {
            let key = DayKey::fresh().unwrap();
            let start = &file(&key, 0)[..HEADER];
            let _ = open(&[start, &bytes].concat(), &key);
            let _ = whole_length(&[start, &bytes].concat()[..]);
        }
    }
}
