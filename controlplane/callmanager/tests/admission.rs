//! Who may register, and which alarm tells of those who may not.

use std::net::IpAddr;

use lang::Language;
use messages::testing::Provoked;
use messages::{Explain, Message, registration};
use ringfence_callmanager::admission::{
    Admitted, Applicant, Configured, Refused, Standing, Suite, Transport, admit,
};
use ringfence_callmanager::security::Security::{self, Authenticated, Encrypted, NonSecure};

const NAME: &str = "SEP001122334455";
const TYPE: u32 = 7;

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn applicant(transport: Transport<'static>) -> Applicant<'static> {
    Applicant { name: NAME, device_type: TYPE, told: address(1), peer: address(1), transport }
}

fn over_tls(suite: Suite, title: &'static str) -> Applicant<'static> {
    applicant(Transport::Tls { suite, title, standing: Standing::Good })
}

fn ask(applicant: &Applicant<'_>, mode: Security) -> Result<Admitted, Refused> {
    admit(applicant, Some(&Configured { device_type: TYPE, mode }))
}

// R: AUTH-05, AUTH-07, GEN-01, GEN-03
#[test]
fn devices_register_as_their_mode_says() {
    for (mode, applicant) in [
        (NonSecure, applicant(Transport::Plain)),
        (Authenticated, over_tls(Suite::Null, NAME)),
        (Authenticated, over_tls(Suite::Integrity, NAME)),
        (Authenticated, over_tls(Suite::Modern, NAME)),
        (Encrypted, over_tls(Suite::Aes128Sha, NAME)),
        (Encrypted, over_tls(Suite::Modern, "CP-7960G-sep001122334455")),
    ] {
        let admitted = ask(&applicant, mode).unwrap();
        assert_eq!(admitted, Admitted { security: mode, warning: None }, "{applicant:?}");
    }
}

// R: ALM-01
#[test]
fn whoever_may_not_register_raises_an_alarm_that_says_why() {
    let mut provoked = Provoked::default();
    let mut refused = |applicant: Applicant<'_>, mode: Option<Security>, expected: &Message| {
        let configured = mode.map(|mode| Configured { device_type: TYPE, mode });
        let refused = admit(&applicant, configured.as_ref()).unwrap_err();
        assert_eq!(refused.message(), expected);
        provoked.note(&refused);
        refused.explain(Language::English).text
    };
    let plain = applicant(Transport::Plain);
    for mode in [Authenticated, Encrypted] {
        let alarm = refused(plain, Some(mode), &registration::NOT_OVER_TLS);
        assert_eq!(
            alarm,
            "Authenticated device SEP001122334455 registers over a non-TLS connection"
        );
    }
    let tls = over_tls(Suite::Null, NAME);
    refused(tls, Some(NonSecure), &registration::NOT_AUTHENTICATED_OVER_TLS);
    refused(tls, Some(Encrypted), &registration::TLS_INCOMPATIBLE);
    let readable = over_tls(Suite::Integrity, NAME);
    refused(readable, Some(Encrypted), &registration::TLS_INCOMPATIBLE);
    refused(readable, Some(NonSecure), &registration::NOT_AUTHENTICATED_OVER_TLS);
    let legacy = over_tls(Suite::Aes128Sha, NAME);
    refused(legacy, Some(Authenticated), &registration::TLS_INCOMPATIBLE);
    for title in ["SEP665544332211", "SEP00112233445", "", "SEP001122334455-", "XSEP001122334455"] {
        let other = over_tls(Suite::Modern, title);
        refused(other, Some(Encrypted), &registration::CERTIFICATE_OF_ANOTHER);
    }
    let shown =
        |standing| applicant(Transport::Tls { suite: Suite::Modern, title: NAME, standing });
    let withdrawn = shown(Standing::Withdrawn);
    refused(withdrawn, Some(Encrypted), &registration::CERTIFICATE_WITHDRAWN);
    let stranger = shown(Standing::OfAnotherIssuer);
    refused(stranger, Some(Encrypted), &registration::CERTIFICATE_OF_ANOTHER_ISSUER);
    refused(stranger, None, &registration::DEVICE_UNKNOWN);
    let old = shown(Standing::IssuerEnded);
    refused(old, Some(Encrypted), &registration::CERTIFICATE_ISSUER_ENDED);
    refused(plain, None, &registration::DEVICE_UNKNOWN);
    let other_type = Applicant { device_type: 8, ..plain };
    refused(other_type, Some(NonSecure), &registration::DEVICE_TYPE_DIFFERS);
    for name in ["", "SEP0011223344556", "SEP 01122334455", "SEP00112233445\u{e9}"] {
        let nobody = Applicant { name, ..plain };
        let alarm = refused(nobody, Some(NonSecure), &registration::DEVICE_NAME_INVALID);
        assert!(name.is_empty() || !alarm.contains(name), "{alarm}");
    }
    let behind = Applicant { told: address(7), ..plain };
    provoked.note(&ask(&behind, NonSecure).unwrap().warning.unwrap());
    assert_eq!(provoked.missing(registration::ALL), Vec::<&str>::new());
}

// R: GEN-08
#[test]
fn address_translation_is_noticed() {
    let behind = Applicant { told: address(7), ..applicant(Transport::Plain) };
    let warning = ask(&behind, NonSecure).unwrap().warning.unwrap();
    let said = warning.explain(Language::English);
    assert!(said.cause.contains("192.0.2.7") && said.cause.contains("from 192.0.2.1;"), "{said:#}");
    // An IPv4 address in the form of IPv6 is the same address.
    let mapped =
        Applicant { peer: "::ffff:192.0.2.1".parse().unwrap(), told: address(1), ..behind };
    assert_eq!(ask(&mapped, NonSecure).unwrap().warning, None);
}
