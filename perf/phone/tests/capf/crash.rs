//! The phone is killed at every step of what it writes into its flash.

use std::path::Path;

use capf::phone::Holding;
use crashtest::{Ended, at_every_step};
use pki::issue::{Usage, issued};
use pki::{Certificate, Hash, PrivateKey, Signer};
use ringfence_phone::Flash;
use ringfence_phone::capf::{Pending, Wallet};

use crate::ladder::string;
use crate::office::{DEVICE, Office, template};

/// A phone with an LSC, that has made the key for the next one; and that one, in a file.
fn prepare(home: &Path) {
    let office = Office::install(capf::server::AuthMode::String);
    let certify = |key: &PrivateKey| {
        let template = template(DEVICE, Usage::Phone);
        issued(&template, key.public_key(), Hash::Sha256, &office.authority).unwrap()
    };
    let [old, new] = [(); 2].map(|()| PrivateKey::generate_legacy_rsa(512).unwrap());
    std::fs::write(home.join("next.cer"), certify(&new).der()).unwrap();
    let lsc = Some(Holding { certificate: certify(&old), key: old });
    let pending = Some(Pending { credential: string("1234567"), key: Some(new) });
    let wallet = Wallet { lsc, mic: None, pending };
    flash(home).write_wallet(&Wallet::default(), &wallet).unwrap();
}

fn flash(home: &Path) -> Flash {
    Flash::open(&home.join("flash")).unwrap()
}

fn next(home: &Path) -> Certificate {
    Certificate::parse(&std::fs::read(home.join("next.cer")).unwrap()).unwrap()
}

/// The certificate comes, and with it the end of the operation.
fn work(home: &Path) {
    let flash = flash(home);
    let begun = flash.read_wallet().unwrap();
    let key = begun.pending.clone().unwrap().key.unwrap();
    let lsc = Some(Holding { certificate: next(home), key });
    let stored = Wallet { lsc, ..begun.clone() };
    flash.write_wallet(&begun, &stored).unwrap();
    let done = Wallet { pending: None, ..stored.clone() };
    flash.write_wallet(&stored, &done).unwrap();
}

// R: CAPF-12
#[test]
fn a_phone_that_is_killed_while_it_writes_has_the_old_certificate_or_the_new_one() {
    let name =
        "crash::a_phone_that_is_killed_while_it_writes_has_the_old_certificate_or_the_new_one";
    at_every_step(name, prepare, work, |home, ended| {
        let wallet = flash(home).read_wallet().unwrap();
        let lsc = wallet.lsc.expect("there is one at all times");
        assert_eq!(lsc.certificate.public_key(), lsc.key.public_key(), "{ended:?}");
        let new = lsc.certificate == next(home);
        match wallet.pending {
            // What is begun can be gone on with.
            Some(Pending { credential, key }) => {
                assert_eq!(credential, string("1234567"), "{ended:?}");
                let fits = |key: &PrivateKey| key.public_key() == next(home).public_key();
                assert!(key.as_ref().is_some_and(fits) || new, "{ended:?}");
            }
            None => assert!(new, "{ended:?}"),
        }
        assert!(ended != Ended::Finished || new);
    });
}
