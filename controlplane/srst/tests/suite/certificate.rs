//! A certificate on its way from the gateway to the administrator.

use std::net::TcpListener;
use std::time::SystemTime;

use pki::issue::{self, Template, Usage};
use pki::key::PrivateKey;
use pki::name::{Attribute, Name};
use pki::{Hash, Identity, KeyKind};
use ringfence_srst::certificate::{FetchFault, fetch};
use ringfence_srst::provider;
use ringfence_srst::tls::Own;
use std::time::Duration;

use crate::site::{Party, listener};

fn root(name: &str) -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa2048);
    let certificate = issue::self_signed(&template(name, Usage::Authority), Hash::Sha256, &key);
    Identity::new(certificate.unwrap(), key).unwrap()
}

fn template(name: &str, usage: Usage) -> Template {
    Template {
        subject: Name::new([(Attribute::CommonName, name)]),
        not_before: SystemTime::now() - Duration::from_secs(3600),
        validity: Duration::from_secs(30 * 86_400),
        usage,
        alternative_names: Vec::new(),
    }
}

/// A party whose certificate is of an authority.
fn issued_by(authority: &Identity, issuer: &Identity) -> (Party, Own) {
    let party = Party::new("gw");
    let public = pki::Signer::public_key(&*party.identity);
    let template = template("gw", Usage::Server);
    let certificate = issue::issued(&template, public, Hash::Sha256, authority).unwrap();
    let key = party.dir.path().join(pki::node::KEY_FILE);
    let own = Own::new(&certificate, Some(issuer.certificate().clone()), &key);
    (party, own)
}

// R: SRST-02, SRST-08
#[test]
fn what_a_gateway_shows_is_fetched() {
    let gateway = Party::new("gw");
    let provider = provider::start(listener(), &gateway.own).unwrap();
    for _ in 0..3 {
        let shown = fetch(provider.address(), SystemTime::now()).unwrap();
        assert_eq!(shown.certificate, *gateway.identity.certificate());
        assert_eq!(shown.issuer, None);
    }
    let authority = root("authority");
    let (_party, own) = issued_by(&authority, &authority);
    let provider = provider::start(listener(), &own).unwrap();
    let shown = fetch(provider.address(), SystemTime::now()).unwrap();
    assert_eq!(shown.certificate, own.certificate);
    assert_eq!(shown.issuer.as_ref(), Some(authority.certificate()));
}

// R: SRST-02
#[test]
fn more_than_one_issuer_is_refused() {
    let authority = root("authority");
    let key = PrivateKey::generate(KeyKind::Rsa2048);
    let public = pki::Signer::public_key(&key);
    let template = template("middle", Usage::Authority);
    let middle = issue::issued(&template, public, Hash::Sha256, &authority).unwrap();
    let middle = Identity::new(middle, key).unwrap();
    let (_party, own) = issued_by(&middle, &middle);
    let provider = provider::start(listener(), &own).unwrap();
    let fault = fetch(provider.address(), SystemTime::now()).unwrap_err();
    assert_eq!(fault, FetchFault::TooLong { issuers: 2 });
}

// R: SRST-02
#[test]
fn a_gateway_without_credentials_service_is_away() {
    // Nobody listens, somebody speaks no TLS, the provider has ended.
    let address = listener().local_addr().unwrap();
    let away = |fault| matches!(fault, FetchFault::Away { .. });
    assert!(away(fetch(address, SystemTime::now()).unwrap_err()));
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let talker = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = mute.accept().unwrap();
        stream.write_all(b"220 this is no TLS\r\n").unwrap();
    });
    assert!(away(fetch(address, SystemTime::now()).unwrap_err()));
    talker.join().unwrap();
    let gateway = Party::new("gw");
    let provider = provider::start(listener(), &gateway.own).unwrap();
    let address = provider.address();
    drop(provider);
    assert!(away(fetch(address, SystemTime::now()).unwrap_err()));
}
