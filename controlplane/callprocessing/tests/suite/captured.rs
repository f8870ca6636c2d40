//! What phones say is captured where somebody asks for it.

use std::sync::{Arc, Mutex};

use capture::{Protocol, Record, Tap};

use crate::phone::{M7960, M7970, Phone};
use crate::site::{ALICE, BOB, Site};

/// Captures one phone.
#[derive(Debug)]
struct Taken {
    device: &'static str,
    records: Mutex<Vec<Record>>,
}

impl Tap for Taken {
    fn is_on(&self) -> bool {
        true
    }

    fn wants(&self, device: &str) -> bool {
        device == self.device
    }

    fn take(&self, record: Record) {
        self.records.lock().unwrap().push(record);
    }
}

// R: CAP-03
#[test]
fn a_call_of_a_captured_phone_is_there_message_by_message() {
    let site = Site::new();
    let taken = Arc::new(Taken { device: ALICE, records: Mutex::default() });
    let tap = Arc::clone(&taken);
    let running = site.serve_with(|setup| setup.tap = tap);
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    let mut bob = Phone::plain(running.plain_address(), BOB, M7960);
    alice.register();
    bob.register();
    alice.dial("1002");
    bob.answer();
    alice.open();
    bob.open();
    alice.await_name("StartMediaTransmission");
    drop(running);

    let records = taken.records.lock().unwrap();
    assert!(records.iter().all(|record| record.device == ALICE));
    assert!(records.iter().all(|record| record.protocol == Protocol::Sccp));
    for record in records.iter() {
        let server = if record.from_device { record.destination } else { record.source };
        let phone = if record.from_device { record.source } else { record.destination };
        assert!(!server.ip().is_unspecified() && server.port() != phone.port());
        // Each is whole: its length says so.
        let length = u32::from_le_bytes(*record.message.first_chunk().unwrap());
        assert_eq!(length as usize + 8, record.message.len());
    }
    let has = |id: u32, from_device: bool| {
        let is = |record: &&Record| record.message[8..12] == id.to_le_bytes();
        records.iter().filter(is).any(|record| record.from_device == from_device)
    };
    // OpenReceiveChannel, its answer, StartMediaTransmission.
    assert!(has(0x0105, false) && has(0x0022, true) && has(0x008a, false));
    assert!(!has(0x0022, false));
}
