//! Captures that somebody hands in: files, sealed days, signalling and media together.

use capture::decrypt::decrypt;
use capture::pcapng::Reader;
use capture::reassembly::Reassembly;
use capture::sealed::{DayKey, Opener, whole_length};

/// A key of nothing.
const KEY: &str = "ringfence-capture-key-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// What files sealed with that begin with.
const START: &[u8] = b"RFCAP-1\n11-23-2026\x66\x68\x7a\xad\xf8\x62\xbd\x77";

/// A capture: no packet is longer than the file.
pub fn file(input: &[u8]) {
    let Ok(reader) = Reader::new(input) else { return };
    let octets: usize = reader.map_while(Result::ok).map(|packet| packet.octets.len()).sum();
    assert!(octets <= input.len());
}

/// The file of a day, behind a header that is right.
pub fn day(input: &[u8]) {
    let key = DayKey::from_text(KEY).expect("it is a key");
    let file = [START, input].concat();
    let opener = Opener::new(&file[..], &key).expect("the header is right");
    assert_eq!(opener.map_while(Result::ok).count(), 0, "nobody has sealed anything");
    let whole = whole_length(&file[..]).expect("memory can be read");
    assert!(whole.is_some_and(|whole| whole <= file.len() as u64));
}

/// A capture as signalling and as media.
pub fn decrypted(input: &[u8]) {
    let Ok(signalling) = Reader::new(input) else { return };
    let mut reassembly = Reassembly::default();
    let packets = signalling.map_while(Result::ok);
    let records: Vec<_> = packets.flat_map(|packet| reassembly.take(&packet)).collect();
    let Ok(media) = Reader::new(input) else { return };
    let _ = decrypt(&records, media, Vec::new());
}
