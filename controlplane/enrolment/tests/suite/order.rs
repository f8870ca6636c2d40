//! What administrators may order.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use lang::Language;
use messages::testing::Provoked;
use messages::{Explain, Message, capf as said};
use ringfence_enrolment::order::{
    Facts, Order, OrderFault, StringWish, Warning, Wish, parse_deadline, write_deadline,
};
use store::{Capf, CapfAuthMode, CapfOperation, CapfStatus, Device, EffectiveMode, KeySize, Model};

use crate::site::device;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// 31 March 2005, 17:20 UTC.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_112_289_600)
}

fn facts(model: Model) -> Facts {
    Facts {
        device: Device::new(device(), model),
        capf: Capf::new(device(), KeySize::Rsa1024),
        has_lsc: false,
        mode: EffectiveMode::NonSecure,
        third_party: false,
        expires: 10 * DAY,
    }
}

fn typed(digits: &str) -> Option<StringWish> {
    Some(StringWish::Typed(digits.into()))
}

fn install() -> Wish {
    let operation = Some(CapfOperation::Install);
    Wish { operation, auth_string: typed("12345"), ..Wish::default() }
}

fn order(facts: &Facts, wish: &Wish) -> Result<Order, OrderFault> {
    facts.order(wish, now(), &TimeZone::UTC)
}

fn refused(facts: &Facts, wish: &Wish) -> &'static Message {
    order(facts, wish).unwrap_err().message()
}

// R: CAPF-21, MSG-01
#[test]
fn every_mistake_has_its_message() {
    let mut provoked = Provoked::default();
    let plain = facts(Model::M7960);
    let mut deadline = |given: &str, expected: &'static Message, text: &str| {
        let wish = Wish { complete_by: Some(given.into()), ..install() };
        let fault = order(&plain, &wish).unwrap_err();
        assert_eq!(fault.message(), expected, "{given}");
        assert_eq!(fault.explain(Language::English).text, text);
        assert!(!fault.explain(Language::Japanese).text.is_ascii());
        assert!(!fault.is_refusal());
        provoked.note(&fault);
    };
    let characters = "Operation Completes By contains one or more invalid characters. Valid \
        characters for Operation Completes By are numbers.";
    for given in ["2005:03:31:xx", "2005:03:31", "2005-03-31 17", "-2005:03:31:17", "tomorrow"] {
        deadline(given, &said::COMPLETES_BY_CHARACTERS, characters);
    }
    deadline(
        "2004:12:31:23",
        &said::COMPLETES_BY_PAST_YEAR,
        "Invalid Year. Please enter a value equal to or greater than the current year.",
    );
    for given in ["2005:00:31:17", "2005:13:31:17"] {
        let text = "Invalid Month. Please adjust your entry to continue.";
        deadline(given, &said::COMPLETES_BY_MONTH, text);
    }
    for given in ["2005:03:30:23", "2005:02:28:23"] {
        let text = "Invalid Date. Please enter a value equal to or greater than the current date.";
        deadline(given, &said::COMPLETES_BY_PAST_DATE, text);
    }
    for given in ["2005:04:31:17", "2006:02:29:00", "2005:04:00:17", "2005:04:400:17"] {
        let text = "Invalid Date. Please adjust your entry to continue.";
        deadline(given, &said::COMPLETES_BY_DATE, text);
    }
    deadline(
        "2005:03:31:16",
        &said::COMPLETES_BY_PAST_TIME,
        "Invalid Time. Please enter a value equal to or greater than current time (hours).",
    );
    deadline(
        "2005-03-31T17:19:59Z",
        &said::COMPLETES_BY_PAST_TIME,
        said::COMPLETES_BY_PAST_TIME.text.en,
    );
    for given in ["2005:03:31:24", "2005:04:01:99"] {
        let text = "Invalid Time. Please adjust your entry to continue.";
        deadline(given, &said::COMPLETES_BY_TIME, text);
    }
    let mut string = |digits: &str, expected: &'static Message, text: &str| {
        let fault = order(&plain, &Wish { auth_string: typed(digits), ..install() }).unwrap_err();
        assert_eq!(fault.message(), expected, "{digits}");
        assert_eq!(fault.explain(Language::English).text, text);
        provoked.note(&fault);
    };
    let characters = "Authentication String contains one or more invalid characters. Valid \
        characters for Authentication String are numbers.";
    string("12a45", &said::AUTHENTICATION_STRING_CHARACTERS, characters);
    let length = "CAPF Authentication String length should be between 4 and 10.";
    for digits in ["", "123", "12345678901"] {
        string(digits, &said::AUTHENTICATION_STRING_LENGTH, length);
    }
    let expected = [
        &said::COMPLETES_BY_CHARACTERS,
        &said::COMPLETES_BY_PAST_YEAR,
        &said::COMPLETES_BY_MONTH,
        &said::COMPLETES_BY_PAST_DATE,
        &said::COMPLETES_BY_DATE,
        &said::COMPLETES_BY_PAST_TIME,
        &said::COMPLETES_BY_TIME,
        &said::AUTHENTICATION_STRING_CHARACTERS,
        &said::AUTHENTICATION_STRING_LENGTH,
    ];
    assert_eq!(provoked.missing(&expected), Vec::<&str>::new());
}

// R: CAPF-09
#[test]
fn deadlines_are_hours_on_the_publishers_clock() {
    let tokyo =
        TimeZone::get("Asia/Tokyo").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(9)));
    // 17:20 UTC is 02:20 on 1 April in Tokyo.
    let deadline = parse_deadline("2005:04:01:02", now(), &tokyo).unwrap();
    assert_eq!(deadline, now() + Duration::from_secs(40 * 60));
    assert!(parse_deadline("2005:03:31:23", now(), &tokyo).is_err());
    assert_eq!(write_deadline(deadline, &tokyo), "2005:04:01:02");
    let exact = now() + Duration::from_secs(61);
    assert_eq!(parse_deadline(&write_deadline(exact, &tokyo), now(), &tokyo), Ok(exact));

    // Without one it is so many days from now, to the end of the hour.
    let order = order(&facts(Model::M7960), &install()).unwrap();
    let default = order.capf.complete_by.unwrap();
    assert_eq!(write_deadline(default, &TimeZone::UTC), "2005:04:10:17");
    assert!(default >= now() + 10 * DAY);
}

// R: CAPF-07, CAPF-08, CAPF-10
#[test]
fn operations_are_ordered_and_cancelled() {
    let plain = facts(Model::M7960);
    let ordered = order(&plain, &install()).unwrap().capf;
    assert_eq!(ordered.status, CapfStatus::Pending);
    assert_eq!(ordered.key_size, KeySize::Rsa1024);
    let pending = Facts { capf: ordered.clone(), ..plain.clone() };
    // Ordered once more it is the same order.
    let again = Wish { auth_string: None, ..install() };
    assert_eq!(order(&pending, &again).unwrap().capf, ordered);
    let none = Wish { operation: Some(CapfOperation::None), ..Wish::default() };
    let cancelled = order(&pending, &none).unwrap().capf;
    assert_eq!((cancelled.status, cancelled.complete_by), (CapfStatus::None, None));

    for operation in [CapfOperation::Delete, CapfOperation::Troubleshoot] {
        let wish = Wish { operation: Some(operation), ..install() };
        assert_eq!(refused(&plain, &wish), &said::PHONE_HAS_NO_CERTIFICATE);
        assert!(order(&Facts { has_lsc: true, ..plain.clone() }, &wish).is_ok());
        // A MIC is a certificate to look at, and one to fall back on.
        assert!(order(&facts(Model::M7970), &wish).is_ok());
    }
    assert_eq!(refused(&facts(Model::M7912), &install()), &said::MODEL_HAS_NO_CERTIFICATES);
}

// R: CAPF-15
#[test]
fn the_last_certificate_of_a_secure_phone_stays() {
    let secure = |model| Facts {
        has_lsc: true,
        mode: EffectiveMode::Encrypted,
        third_party: true,
        ..facts(model)
    };
    let delete = Wish { operation: Some(CapfOperation::Delete), ..install() };
    let fault = order(&secure(Model::M7960), &delete).unwrap_err();
    assert!(fault.is_refusal());
    let told = fault.explain(Language::English);
    assert!(told.action.contains("--security-mode non-secure"), "{told:#}");
    let non_secure = Facts { mode: EffectiveMode::NonSecure, ..secure(Model::M7960) };
    let order_of = |facts: &Facts| order(facts, &delete).unwrap().warnings;
    assert!(order_of(&non_secure).contains(&Warning::RevokeAtAuthority));
    assert!(order_of(&secure(Model::M7970)).contains(&Warning::RevokeAtAuthority));
}

// R: CAPF-04, CAPF-05, CAPF-08, CAPF-13
#[test]
fn what_is_risky_or_slow_is_said() {
    let warn = |facts: &Facts, wish: &Wish| order(facts, wish).unwrap().warnings;
    let plain = facts(Model::M7960);
    assert_eq!(warn(&plain, &install()), []);
    let large = Wish { key_size: Some(KeySize::Rsa2048), ..install() };
    assert_eq!(warn(&plain, &large), [Warning::LargeKey]);
    let told = Warning::LargeKey.explain(Language::English).text;
    assert!(told.contains("60 seconds"), "{told}");
    let null = Wish { auth_mode: Some(CapfAuthMode::NullString), auth_string: None, ..install() };
    assert_eq!(warn(&plain, &null), [Warning::NullString(device())]);
    let secure = Facts { mode: EffectiveMode::Encrypted, ..plain.clone() };
    assert_eq!(warn(&secure, &install()), [Warning::StringOnSecurePhone(device())]);

    let useless = Wish { auth_string: typed("12345"), ..null };
    assert_eq!(refused(&plain, &useless), &said::AUTHENTICATION_STRING_NOT_USED);
    let without = Wish { auth_string: None, ..install() };
    assert_eq!(refused(&plain, &without), &said::AUTHENTICATION_STRING_MISSING);
    let generated = Wish { auth_string: Some(StringWish::Generated), ..install() };
    let made = order(&plain, &generated).unwrap().capf.auth_string.unwrap();
    assert!((4..=10).contains(&made.expose().len()));
    // A mode that uses none leaves none behind.
    let had = Facts { capf: order(&plain, &install()).unwrap().capf, ..plain };
    let null = Wish { auth_mode: Some(CapfAuthMode::NullString), ..Wish::default() };
    assert_eq!(order(&had, &null).unwrap().capf.auth_string, None);
}
