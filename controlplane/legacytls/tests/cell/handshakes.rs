//! Who gets in, how, and who does not.

use std::io::{Read, Write};

use ringfence_legacytls::link::{CertificateKind, Clients, Protection, Reason, TlsVersion};

use crate::certificates::{Days, ENDED, Identity, TO_COME, VALID, now};
use crate::house::{House, PATIENCE, Phone, certified, client, server, talk};

const DEVICE: &str = "SEP001122334455";

// R: AUTH-05
// R: AUTH-07
#[test]
fn telephones_old_and_new_are_served() {
    use TlsVersion::*;
    let (house, capf) = (House::new(), Identity::issuer("CAPF-1", VALID));
    let served = house.serve(&server(), |service| service.clients = certified(&capf));
    let lsc = capf.issue(DEVICE, VALID);
    for (arguments, version, suite, encrypted) in [
        (&["-tls1", "-cipher", "NULL-SHA:@SECLEVEL=0"][..], Tls10, "TLS_RSA_WITH_NULL_SHA", false),
        (
            &["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
            Tls10,
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            true,
        ),
        (
            &["-tls1_1", "-cipher", "AES256-SHA:NULL-SHA:@SECLEVEL=0"],
            Tls11,
            "TLS_RSA_WITH_AES_256_CBC_SHA",
            true,
        ),
        (
            &["-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0"],
            Tls12,
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            true,
        ),
        (&["-tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0"], Tls13, "TLS_AES_256_GCM_SHA384", true),
    ] {
        let mut phone = house.phone(served.address, Some(&lsc), arguments);
        let mut connection = served.connection();
        assert_eq!(connection.tls.version, version);
        assert_eq!((connection.tls.suite.as_str(), connection.tls.encrypted), (suite, encrypted));
        assert_eq!(client(&connection), Some((CertificateKind::Lsc, DEVICE)));
        assert_eq!(connection.tls.client.as_ref().unwrap().certificate, lsc.der());
        assert_eq!(connection.tls.local, served.address);
        assert!(connection.tls.peer.ip().is_loopback() && !connection.tls.resumed);
        talk(&mut phone, &mut connection);
        // What controld wrote last arrives although it closes at once.
        connection.stream.write_all(b"farewell\n").unwrap();
        drop(connection);
        phone.hears(b"farewell\n");
        phone.end();
    }
}

#[test]
fn a_telephone_that_goes_is_noticed() {
    let house = House::new();
    let served = house.serve(&server(), |_| {});
    let mut phone = house.phone(served.address, None, &[]);
    let mut connection = served.connection();
    phone.say(b"last words\n");
    drop(phone.input.take());
    let mut heard = String::new();
    connection.stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "last words\n");
    assert_eq!(client(&connection), None);
}

// R: AUTH-05
#[test]
fn certificates_that_are_not_good_are_refused() {
    let house = House::new();
    let [old, new, other, maker] =
        ["CAPF-1", "CAPF-2", "CAPF-3", "Maker"].map(|name| Identity::issuer(name, VALID));
    let served = house.serve(&server(), |service| {
        service.clients = Clients::Certified {
            lsc_issuers: vec![new.der(), old.der()],
            mic_issuers: vec![maker.der()],
            voicemail_roots: Vec::new(),
            expired_mics_until: None,
        };
    });
    let forged = Identity::issuer("CAPF-1", VALID).issue(DEVICE, VALID);
    for (identity, reason) in [
        (None, Reason::NoCertificate),
        (Some(other.issue(DEVICE, VALID)), Reason::UnknownIssuer),
        (Some(forged), Reason::UnknownIssuer),
        (Some(Identity::issuer(DEVICE, VALID)), Reason::UnknownIssuer),
        (Some(new.clone()), Reason::UnknownIssuer),
        (Some(new.issue(DEVICE, ENDED)), Reason::Expired),
        (Some(maker.issue("CP-7970G-SEP001122334455", ENDED)), Reason::Expired),
        (Some(new.issue(DEVICE, TO_COME)), Reason::NotYetValid),
        (Some(new.issue("not a device", VALID)), Reason::NoDevice),
    ] {
        for version in ["-tls1", "-tls1_3"] {
            let arguments = [version, "-cipher", "AES128-SHA:@SECLEVEL=0"];
            let phone = house.phone(served.address, identity.as_ref(), &arguments);
            let refused = served.refusal();
            assert_eq!(refused.reason, reason, "{version}: {}", refused.detail);
            assert_eq!(refused.service, "sccp");
            phone.end();
        }
    }
    // CAPF's former certificate is as good as the present one.
    for issuer in [&old, &new] {
        let lsc = issuer.issue(DEVICE, VALID);
        let _phone = house.phone(served.address, Some(&lsc), &["-cipher", "ALL:@SECLEVEL=0"]);
        assert_eq!(client(&served.connection()), Some((CertificateKind::Lsc, DEVICE)));
    }
}

#[test]
fn certificates_of_manufacturers_may_have_ended_for_a_while() {
    let house = House::new();
    let root = Identity::issuer("Maker", Days(-10, -1));
    let between = root.issue_issuer("Maker's factory");
    let served = house.serve(&server(), |service| {
        service.clients = Clients::Certified {
            lsc_issuers: Vec::new(),
            mic_issuers: vec![between.der()],
            voicemail_roots: Vec::new(),
            expired_mics_until: Some(now() + 3600),
        };
    });
    let mic = between.issue("CP-7970G-SEP001122334455", ENDED);
    let arguments = ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"];
    let _phone = house.phone(served.address, Some(&mic), &arguments);
    let connection = served.connection();
    assert_eq!(client(&connection), Some((CertificateKind::Mic, DEVICE)));
    assert!(connection.tls.client.unwrap().expired);

    // The day comes.
    served.serving.change(|service| {
        let Clients::Certified { expired_mics_until, .. } = &mut service.clients else { panic!() };
        *expired_mics_until = Some(now() - 1);
    });
    let phone = house.phone(served.address, Some(&mic), &arguments);
    assert_eq!(served.refusal().reason, Reason::Expired);
    assert!(phone.end().contains("certificate expired"), "the telephone is told why");
}

#[test]
fn where_encryption_is_demanded_authentication_is_not_enough() {
    let house = House::new();
    let served = house.serve(&server(), |service| service.protection = Protection::Encrypted);
    let phone = house.phone(served.address, None, &["-tls1", "-cipher", "NULL-SHA:@SECLEVEL=0"]);
    assert_eq!(served.refusal().reason, Reason::NothingInCommon);
    phone.end();
    let arguments = ["-tls1", "-cipher", "NULL-SHA:AES128-SHA:@SECLEVEL=0"];
    let _phone = house.phone(served.address, None, &arguments);
    assert_eq!(served.connection().tls.suite, "TLS_RSA_WITH_AES_128_CBC_SHA");
}

#[test]
fn downgrades_and_renegotiation_are_refused() {
    let house = House::new();
    let served = house.serve(&server(), |_| {});
    let arguments = ["-tls1_1", "-fallback_scsv", "-cipher", "ALL:@SECLEVEL=0"];
    house.phone(served.address, None, &arguments).end();
    assert_eq!(served.refusal().reason, Reason::Downgrade);

    let mut command = std::process::Command::new("openssl");
    let address = served.address.to_string();
    command.args(["s_client", "-tls1_2", "-legacy_renegotiation", "-connect", &address]);
    let mut phone = Phone::start(&mut command);
    let _connection = served.connection();
    phone.say(b"R\n");
    assert!(phone.end().contains("no renegotiation"));
}

#[test]
fn sessions_are_taken_up_again_and_the_telephone_is_still_known() {
    let (house, capf) = (House::new(), Identity::issuer("CAPF-1", VALID));
    let served = house.serve(&server(), |service| service.clients = certified(&capf));
    let lsc = capf.issue(DEVICE, VALID);
    let file = house.directory.path().join("session.pem");
    for (option, resumed) in [("-sess_out", false), ("-sess_in", true)] {
        let file = file.to_str().unwrap();
        let arguments = ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0", option, file];
        let mut phone = house.phone(served.address, Some(&lsc), &arguments);
        let mut connection = served.connection();
        assert_eq!(connection.tls.resumed, resumed);
        assert_eq!(client(&connection), Some((CertificateKind::Lsc, DEVICE)));
        talk(&mut phone, &mut connection);
        drop(connection);
        phone.end();
    }
}

#[test]
fn much_goes_through_both_ways_at_once() {
    let house = House::new();
    let served = house.serve(&server(), |_| {});
    let mut phone = house.phone(served.address, None, &["-tls1_2"]);
    let connection = served.connection();
    // `s_client` reads lines as commands: none begins with a letter.
    let much: Vec<u8> = (0..3_000_000u32).map(|n| b"0123456789\n"[n as usize % 11]).collect();
    let mut input = phone.input.take().unwrap();
    let (mut from, mut to) = (&connection.stream, &connection.stream);
    std::thread::scope(|scope| {
        scope.spawn(|| input.write_all(&much).unwrap());
        scope.spawn(|| to.write_all(&much).unwrap());
        scope.spawn(|| {
            let mut heard = vec![0; much.len()];
            from.read_exact(&mut heard).unwrap();
            assert!(heard == much);
        });
        phone.hears(&much);
    });
    assert_eq!(served.serving.accept_within(PATIENCE / 600).map(drop), None);
}
