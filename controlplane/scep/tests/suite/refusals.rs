//! Answers that say no, each with its reason.

use std::sync::Arc;

use lang::Language;
use messages::Explain;
use ringfence_authority::Answer;
use ringfence_scep::Fault;
use ringfence_scep::reply::FailInfo;
use ringfence_scep::transport::Answer as HttpAnswer;

use crate::support::{Event, Run, authority, id, link, link_with, ok, phone};

#[test]
fn every_reason_is_explained() {
    let ca = authority();
    for (info, expected) in [
        (Some("0"), "SCEP_BAD_ALG"),
        (Some("1"), "SCEP_BAD_MESSAGE_CHECK"),
        (Some("2"), "SCEP_BAD_REQUEST"),
        (Some("3"), "SCEP_BAD_TIME"),
        (Some("4"), "SCEP_BAD_CERT_ID"),
        (Some("9"), "SCEP_UNSPECIFIED"),
        (None, "SCEP_UNSPECIFIED"),
    ] {
        let mut run = Run::new();
        run.refresh = Box::new(|| Ok(Arc::clone(&link().authority)));
        let refused = run.enrol(phone(), link(), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            let fail_text = Some("challenge\r\n rejected");
            let refusal = Answer { fail_info: info, fail_text, ..Answer::of(&message, "2") };
            ok(ca.sign(&refusal))
        });
        let fault = refused.unwrap_err();
        assert_eq!(fault.message().id, expected);
        for language in Language::ALL {
            let said = fault.explain(language);
            assert!(said.cause.contains("challenge rejected"), "{said:#}");
            assert!(!said.cause.contains('{') && !said.action.contains('{'), "{said:#}");
        }
        let Fault::Refused { refusal, .. } = fault else { panic!("{fault}") };
        if info == Some("9") {
            assert_eq!(refusal.info, FailInfo::Unspecified(Some("9".into())));
        }
        // Only an integrity check may fail because certificates were renewed.
        let refreshed = run.events.contains(&Event::Refreshed);
        assert_eq!(refreshed, info == Some("1"));
    }
}

#[test]
fn an_answer_without_content_may_have_an_empty_one() {
    let ca = authority();
    for content in [None, Some(vec![]), Some(vec![b' '])] {
        let refused = Run::new().enrol(phone(), link(), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            let content = content.clone();
            ok(ca.sign(&Answer { content, ..Answer::failure(&message, "2") }))
        });
        assert_eq!(id(refused), "SCEP_BAD_REQUEST");
    }
}

#[test]
fn http_refuses_in_its_own_words() {
    let status = |status, capabilities: &str| {
        let link = link_with(capabilities, ringfence_scep::Floor::Legacy);
        let body = b"<html>".to_vec();
        id(Run::new().enrol(phone(), link, |_| Ok(HttpAnswer { status, body: body.clone() })))
    };
    let (post, get) = ("SCEPStandard", "");
    assert_eq!(status(403, post), "SCEP_FORBIDDEN");
    assert_eq!(status(404, post), "SCEP_NOT_FOUND");
    assert_eq!(status(302, post), "SCEP_STATUS");
    assert_eq!(status(400, post), "SCEP_STATUS");
    for too_long in [400, 404, 414] {
        assert_eq!(status(too_long, get), "SCEP_REQUEST_TOO_LONG");
    }
}
