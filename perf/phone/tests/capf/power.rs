//! The power fails at the worst moments.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use capf::phone::Credential;
use capf::server::{AuthMode, Operation};
use pki::Signer;
use ringfence_phone::capf::{Memory, Output, Verdict, Wallet};
use ringfence_phone::{Flash, FlashError};

use crate::ladder::{Weather, begin, make, string, travel};
use crate::office::{Office, at};

/// A flash that survives, and counts how often it was written.
#[derive(Clone, Default)]
struct Chip(Rc<RefCell<(Wallet, usize)>>);

impl Memory for Chip {
    fn keep(&mut self, _: &Wallet, after: &Wallet) -> Result<(), FlashError> {
        let mut chip = self.0.borrow_mut();
        chip.0 = after.clone();
        chip.1 += 1;
        Ok(())
    }
}

impl Chip {
    fn wallet(&self) -> Wallet {
        self.0.borrow().0.clone()
    }
}

/// Runs until so many things were done, then pulls the plug. True if it came to its end before.
fn run_for(office: &mut Office, chip: &Chip, credential: Credential, mut steps: usize) -> bool {
    let now = Instant::now();
    let mut enrolment = begin(credential, chip.wallet(), chip.clone());
    let mut session = None;
    loop {
        while let Some(output) = enrolment.poll_output(now) {
            if steps == 0 {
                return false;
            }
            steps -= 1;
            match output {
                Output::Connect(_) => {
                    session = Some(office.session(now));
                    enrolment.handle_connected(now);
                }
                Output::Send(bytes) => {
                    session.as_mut().unwrap().handle_bytes(at(now), &bytes);
                }
                Output::MakeKey(number, spec) => enrolment.handle_key(now, number, make(spec)),
                Output::Finished(verdict) => {
                    assert!(matches!(verdict, Verdict::Updated | Verdict::Unchanged));
                    return true;
                }
                Output::Disconnect | Output::Notice(_) => {}
            }
        }
        let session = session.as_mut().unwrap();
        for message in office.serve(now, session).0 {
            if steps == 0 {
                return false;
            }
            steps -= 1;
            enrolment.handle_bytes(now, &message);
        }
    }
}

// R: CAPF-12
#[test]
fn after_any_power_failure_the_phone_goes_on_with_what_its_flash_holds() {
    let mut failures = 0;
    for steps in 0.. {
        let mut office = Office::install(AuthMode::String);
        let chip = Chip::default();
        if run_for(&mut office, &chip, string("1234567"), steps) {
            break;
        }
        failures += 1;
        let kept = chip.wallet();
        if let Some(lsc) = &kept.lsc {
            assert_eq!(lsc.certificate.public_key(), lsc.key.public_key());
        }
        // The user does not type his string again: it is in the flash with the mode.
        let Some(pending) = kept.pending else {
            assert_eq!(kept.lsc.map(|lsc| lsc.certificate), office.lsc, "it was all over");
            assert!(office.lsc.is_some());
            continue;
        };
        assert_eq!(pending.credential, string("1234567"));
        let credential = pending.credential;
        let mut enrolment = begin(credential, chip.wallet(), chip.clone());
        let journey = travel(&mut office, &mut enrolment, &[Weather::Fair], None);
        assert!(matches!(journey.verdict, Verdict::Updated | Verdict::Unchanged), "{steps}");
        let kept = chip.wallet();
        assert!(kept.pending.is_none(), "cleared when done");
        assert_eq!(office.operation, Operation::None);
        assert_eq!(kept.lsc.map(|lsc| lsc.certificate), office.lsc, "{steps}");
    }
    assert!(failures > 15, "there were {failures} moments");
}

// R: CAPF-12
#[test]
fn what_is_in_the_flash_is_read_back_as_it_was_kept() {
    let home = tempfile::tempdir().unwrap();
    let flash = Flash::open(home.path()).unwrap();
    assert!(flash.read_wallet().unwrap().pending.is_none());
    let mut office = Office::install(AuthMode::String);
    let mut enrolment = begin(string("1234567"), flash.read_wallet().unwrap(), flash.clone());
    let pending = flash.read_wallet().unwrap().pending.unwrap();
    assert!(pending.credential == string("1234567") && pending.key.is_none());
    let modes: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|file| {
            std::os::unix::fs::PermissionsExt::mode(
                &file.unwrap().metadata().unwrap().permissions(),
            )
        })
        .collect();
    assert!(modes.iter().all(|mode| mode & 0o077 == 0), "{modes:?}");
    let journey = travel(&mut office, &mut enrolment, &[Weather::Fair], None);
    assert_eq!(journey.verdict, Verdict::Updated);
    let read = flash.read_wallet().unwrap();
    let lsc = read.lsc.unwrap();
    assert_eq!(Some(&lsc.certificate), office.lsc.as_ref());
    assert_eq!(lsc.certificate.public_key(), lsc.key.public_key());
    assert!(read.pending.is_none() && read.mic.is_none());
    // Another one in its place, then none.
    office.operation = Operation::Install(capf::codec::KeySpec::Rsa(1024));
    let mut enrolment = begin(string("1234567"), flash.read_wallet().unwrap(), flash.clone());
    travel(&mut office, &mut enrolment, &[Weather::Fair], None);
    let lsc = flash.read_wallet().unwrap().lsc.unwrap();
    assert_eq!((Some(&lsc.certificate), lsc.key.public_key().bits()), (office.lsc.as_ref(), 1024));
    office.operation = Operation::Delete;
    let mut enrolment = begin(string("1234567"), flash.read_wallet().unwrap(), flash.clone());
    travel(&mut office, &mut enrolment, &[Weather::Fair], None);
    assert!(!flash.read_wallet().unwrap().has_certificate());
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "nothing of it is left: {left:?}");
}
