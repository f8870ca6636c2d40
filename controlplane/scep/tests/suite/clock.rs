//! Waiting, polling, trying again, going on after a restart: on a virtual clock.

use std::cell::Cell;
use std::time::Duration;

use ringfence_authority::{Answer, Message};
use ringfence_scep::enrolment::{Enrolment, RETRIES};
use ringfence_scep::transport::{Answer as HttpAnswer, TransportFault};

use crate::support::{Event, Run, authority, id, link, ok, phone};

const SECOND: Duration = Duration::from_secs(1);

fn lost() -> Result<HttpAnswer, TransportFault> {
    Err(TransportFault::Unreachable("connection reset".into()))
}

#[test]
fn a_request_is_polled_until_it_is_approved() {
    let (ca, mut run) = (authority(), Run::new());
    let mut asked: Vec<Message> = Vec::new();
    let issued = run.enrol(phone(), link(), |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        asked.push(message.clone());
        match asked.len() {
            ..4 => ok(ca.sign(&Answer::pending(&message))),
            _ => {
                let request = &asked[0].plain;
                let issued = ca.issue(request);
                ok(ca.sign(&ca.success_with(&message, &[issued.der()])))
            }
        }
    });
    issued.unwrap();
    let kinds: Vec<_> = asked.iter().map(|message| &*message.kind).collect();
    assert_eq!(kinds, ["19", "20", "20", "20"]);
    for (index, message) in asked.iter().enumerate() {
        assert_eq!(message.transaction, asked[0].transaction);
        assert!(asked[..index].iter().all(|earlier| earlier.nonce != message.nonce));
    }
    // IssuerAndSubject
    assert!(asked[1].plain.ends_with(b"SEP001122334455"));
    for (wait, middle) in run.waits().iter().zip([10, 20, 40]) {
        let near = middle * 8 / 10..=middle * 12 / 10;
        assert!(near.contains(&wait.as_secs()), "{wait:?} is not near {middle} s");
    }
}

#[test]
fn nobody_approves_forever() {
    let (ca, mut run) = (authority(), Run::new());
    let begin = run.now;
    let refused = run.enrol(phone(), link(), |message| {
        ok(ca.sign(&Answer::pending(&ca.open(message, "ra-enc").unwrap())))
    });
    assert_eq!(id(refused), "SCEP_WAITS_FOR_APPROVAL");
    assert_eq!(run.now.duration_since(begin).unwrap(), 600 * SECOND);
    assert!(run.waits().iter().all(|wait| *wait <= 72 * SECOND));
}

#[test]
fn a_lost_answer_does_not_make_two_certificates() {
    let (ca, mut run) = (authority(), Run::new());
    let transactions = Cell::new(Vec::new());
    let mut first = None;
    let issued = run.enrol(phone(), link(), |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        let mut all = transactions.take();
        all.push(message.transaction.clone());
        transactions.set(all);
        match &first {
            None => {
                first = Some(ca.issue(&message.plain));
                lost()
            }
            Some(issued) => ok(ca.sign(&ca.success_with(&message, &[issued.der()]))),
        }
    });
    assert_eq!(Some(issued.unwrap().certificate), first);
    let transactions = transactions.take();
    assert_eq!(transactions.len(), 2);
    assert_eq!(transactions[0], transactions[1]);
    assert_eq!(run.waits(), RETRIES[..1]);
}

#[test]
fn a_silent_server_is_given_up() {
    let mut run = Run::new();
    assert_eq!(id(run.enrol(phone(), link(), |_| lost())), "SCEP_UNREACHABLE");
    assert_eq!(run.waits(), RETRIES);
    let mut run = Run::new();
    let busy = run.enrol(phone(), link(), |_| Ok(HttpAnswer { status: 503, body: vec![] }));
    assert_eq!(id(busy), "SCEP_STATUS");
    assert_eq!(run.waits(), RETRIES);
}

#[test]
fn polling_goes_on_after_a_restart() {
    let (ca, request) = (authority(), phone());
    let mut before = Run::new();
    before.stop_after_waits = Some(2);
    let mut first = None;
    let start = Enrolment::start(request.clone(), None, &*link().proxy, link(), before.now);
    let stopped = before.finish(start.unwrap(), |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        first.get_or_insert(message.clone());
        ok(ca.sign(&Answer::pending(&message)))
    });
    assert!(stopped.is_none());
    let stored = serde_json::to_string(&before.stored.unwrap()).unwrap();

    let first = first.unwrap();
    let mut after = Run::new();
    let stored: ringfence_scep::Pending = serde_json::from_str(&stored).unwrap();
    let resumed = Enrolment::resume(&stored, link(), after.now).unwrap();
    let issued = after.finish(resumed, |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        assert_eq!((&*message.kind, &message.transaction), ("20", &first.transaction));
        let issued = ca.issue(&first.plain);
        ok(ca.sign(&ca.success_with(&message, &[issued.der()])))
    });
    let issued = issued.unwrap().unwrap();
    assert_eq!(*issued.certificate.public_key(), request.public_key);
    assert_eq!(after.events, [Event::Asked]);

    // It waits for approval still, whatever becomes of a poll.
    let mut away = Run::new();
    away.stop_after_waits = Some(1);
    let resumed = Enrolment::resume(&stored, link(), away.now).unwrap();
    assert!(resumed.waits_for_approval());
    assert!(away.finish(resumed, |_| lost()).is_none());
    assert_eq!(away.stored.unwrap().transaction(), stored.transaction());

    // Another proxy could not read the answer.
    let directory = tempfile::tempdir().unwrap();
    let name = pki::Name::common("CAPF-NEW");
    let other = ringfence_scep::Proxy::open_or_create(directory.path(), &name, after.now);
    let other = ringfence_scep::enrolment::Link { proxy: other.unwrap().into(), ..link() };
    assert_eq!(id(Enrolment::resume(&stored, other, after.now)), "SCEP_CANNOT_RESUME");
}

#[test]
fn servers_that_forget_or_know_no_polls_get_the_request_again() {
    for (info, expected) in [
        // It forgot: the request once more, then polls again.
        ("4", &["19", "20", "19", "20"][..]),
        // It knows no polls: the request instead, ever after.
        ("2", &["19", "20", "19", "19"]),
    ] {
        let (ca, mut run) = (authority(), Run::new());
        let mut kinds = Vec::new();
        let mut request = None;
        let issued = run.enrol(phone(), link(), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            kinds.push(message.kind.clone());
            let request = request.get_or_insert(message.plain.clone());
            match kinds.len() {
                2 => ok(ca.sign(&Answer::failure(&message, info))),
                ..4 => ok(ca.sign(&Answer::pending(&message))),
                _ => {
                    let issued = ca.issue(request);
                    ok(ca.sign(&ca.success_with(&message, &[issued.der()])))
                }
            }
        });
        issued.unwrap();
        assert_eq!(kinds, expected);
    }
}

#[test]
fn a_refusal_while_polling_is_final() {
    for (info, expected) in [("1", "SCEP_BAD_MESSAGE_CHECK"), ("3", "SCEP_BAD_TIME")] {
        let (ca, mut run) = (authority(), Run::new());
        let refused = run.enrol(phone(), link(), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            match &*message.kind {
                "19" => ok(ca.sign(&Answer::pending(&message))),
                _ => ok(ca.sign(&Answer::failure(&message, info))),
            }
        });
        assert_eq!(id(refused), expected);
        assert_eq!(run.events.iter().filter(|event| **event == Event::Asked).count(), 2);
    }
}
