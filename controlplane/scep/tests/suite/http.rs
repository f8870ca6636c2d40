//! The blocking client over HTTP, with servers of every kind behind a socket.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use messages::Explain;
use ringfence_authority::{Answer, Asked, page, serve};
use ringfence_scep::client::{Client, Config, Pause};
use ringfence_scep::survey::{Survey, survey};
use ringfence_scep::transport::Http;
use ringfence_scep::{Fault, Floor, Polling, Product, Server};

use crate::support::{authority, certificate, id, phone, pin, proxy};

const JURISDICTION: &str = "ABCDEF0123456789ABCDEF0123456789ABCDEF01";

/// A web server of a test's own: its port, and what it was asked.
fn web(answer: impl FnMut(&Asked) -> Vec<u8> + Send + 'static) -> (u16, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap().port(), serve(listener, answer))
}

/// As servers of 2003 answer: HTTP/1.0, no length, the connection's end is the body's.
fn old(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.0 200 OK\r\nContent-Type: x-pki-message\r\n\r\n", body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(500) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

fn config(product: Product, port: u16, floor: Floor) -> Config {
    let soon = Duration::from_millis(5);
    Config {
        server: Server::new(&product, "127.0.0.1", Some(port), "").unwrap(),
        pin: Some(pin()),
        challenge: None,
        floor,
        polling: Polling { first: soon, most: soon, limit: Duration::from_secs(60) },
        trusted: vec![certificate("ca")],
    }
}

fn client(product: Product, port: u16, floor: Floor) -> Client {
    Client::new(config(product, port, floor), proxy())
}

fn generic() -> Product {
    Product::Generic { path: None }
}

fn look(port: u16) -> Result<Survey, Fault> {
    survey(&Http::new(), &config(generic(), port, Floor::Modern).server)
}

fn never(_: Pause<'_>) -> ControlFlow<()> {
    panic!("there is nothing to wait for")
}

/// A server in front of an authority, in the shape and with the abilities of a product.
fn responder(capabilities: &'static [u8], shape: fn(&[u8]) -> Vec<u8>) -> (u16, Receiver<Asked>) {
    let ca = authority();
    let certificates = ca.certificates(&["ra-sign", "ca", "ra-enc"]);
    let mut pending = VecDeque::from([true, true, false]);
    let mut request = Vec::new();
    web(move |asked| {
        let path = asked.path();
        if path.contains("GetCACaps") {
            return shape(capabilities);
        }
        if path.contains("GetCACert") {
            return shape(&certificates);
        }
        let message = ca.open(&asked.message(), "ra-enc").unwrap();
        if message.kind == "19" {
            request = message.plain.clone();
        }
        shape(&ca.sign(&match pending.pop_front() {
            Some(true) => Answer::pending(&message),
            _ => ca.success_with(&message, &[ca.issue(&request).der()]),
        }))
    })
}

// R: CAPF-03
#[test]
fn microsoft_by_post_in_chunks() {
    let (port, asked) = responder(b"SHA-256\r\nDES3\r\nPOSTPKIOperation\r\n", chunked);
    let client = client(Product::Microsoft, port, Floor::Transitional);
    let mut pauses = 0;
    let issued = client.enrol(phone(), None, |pause| {
        assert!(pause.pending().is_some());
        pauses += 1;
        ringfence_scep::client::sleep(pause)
    });
    assert_eq!(issued.unwrap().issuer, certificate("ca"));
    assert_eq!(pauses, 2);
    let asked: Vec<_> = asked.try_iter().take(5).collect();
    let lines: Vec<_> = asked.iter().map(|asked| &*asked.line).collect();
    let path = "/certsrv/mscep/mscep.dll?operation=";
    let post = format!("POST {path}PKIOperation HTTP/1.1");
    let get = |operation| format!("GET {path}{operation}&message= HTTP/1.1");
    let expected = [get("GetCACert"), get("GetCACaps"), post.clone(), post.clone(), post];
    assert_eq!(lines, expected);
    let head = asked[2].head.to_lowercase();
    assert!(head.contains("content-type: application/x-pki-message\r\n"), "{head}");
    assert!(head.contains("connection: close\r\n"), "{head}");
}

// R: CAPF-03, CAPF-11
#[test]
fn keon_by_get_from_an_old_server() {
    let (port, asked) = responder(b"", old);
    let keon = Product::Keon { jurisdiction: JURISDICTION.into() };
    let client = client(keon, port, Floor::Legacy);
    client.enrol(phone(), None, ringfence_scep::client::sleep).unwrap();
    // What is known of the authority is kept.
    client.enrol(phone(), None, ringfence_scep::client::sleep).unwrap();
    let asked: Vec<_> = asked.try_iter().take(6).collect();
    let cert = format!("/{JURISDICTION}?operation=GetCACert&message={JURISDICTION}");
    assert_eq!(asked[0].path(), cert);
    for asked in &asked[2..] {
        let base = format!("/{JURISDICTION}?operation=PKIOperation&message=");
        assert!(asked.path().starts_with(&base), "{}", asked.line);
    }
    assert_eq!(asked.len(), 6);
}

#[test]
fn an_authority_has_to_be_confirmed() {
    let (port, _asked) = responder(b"SCEPStandard", old);
    let mut config = config(generic(), port, Floor::Modern);
    config.pin = None;
    let shown = survey(&Http::new(), &config.server).unwrap();
    assert_eq!(shown.certificate, certificate("ca"));
    assert_eq!(shown.fingerprints.sha256, certificate("ca").fingerprint());
    assert_eq!((shown.best.to_string(), shown.best.post), ("SHA-256, AES-128".into(), true));
    let client = Client::new(config.clone(), proxy());
    assert_eq!(id(client.enrol(phone(), None, never)), "SCEP_CA_NOT_CONFIRMED");
    config.pin = ringfence_scep::Pin::fingerprint(&"0".repeat(40));
    let client = Client::new(config, proxy());
    assert_eq!(id(client.enrol(phone(), None, never)), "SCEP_CA_CHANGED");
}

#[test]
fn an_untrusted_issuer_gives_nothing_to_phones() {
    let (port, _asked) = responder(b"SCEPStandard", old);
    let mut config = config(generic(), port, Floor::Modern);
    config.trusted.clear();
    let client = Client::new(config, proxy());
    let result = client.enrol(phone(), None, ringfence_scep::client::sleep);
    assert_eq!(id(result), "SCEP_ISSUER_NOT_TRUSTED");
}

#[test]
fn stripped_abilities_are_refused() {
    for stripped in [page("200 OK", b"SHA-1\nDES3"), page("404 Not Found", b"SCEPStandard")] {
        let ca = authority();
        let certificates = ca.certificates(&["ca", "ra-enc", "ra-sign"]);
        let (port, _asked) = web(move |asked| match asked.path().contains("GetCACert") {
            true => page("200 OK", &certificates),
            false => stripped.clone(),
        });
        let client = client(generic(), port, Floor::Modern);
        assert_eq!(id(client.enrol(phone(), None, never)), "SCEP_OFFER_TOO_WEAK");
    }
}

#[test]
fn a_waiting_request_can_be_given_up_and_taken_up_again() {
    let (port, _asked) = responder(b"SCEPStandard", old);
    let client = client(generic(), port, Floor::Modern);
    let request = phone();
    let mut stored = None;
    let abandoned = client.enrol(request.clone(), None, |pause| {
        stored = pause.pending();
        ControlFlow::Break(())
    });
    assert_eq!(id(abandoned), "SCEP_ABANDONED");
    let issued = client.resume(&stored.unwrap(), ringfence_scep::client::sleep);
    assert_eq!(*issued.unwrap().certificate.public_key(), request.public_key);
}

#[test]
fn endless_answers_end() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"]
    {
        let (port, _asked) = web(move |_| [head.as_bytes(), &vec![0x30; 3 << 20]].concat());
        assert_eq!(id(look(port)), "SCEP_ANSWER_TOO_LARGE", "{head}");
    }
}

#[test]
fn what_is_not_http_is_not_reachable() {
    let (port, _asked) = web(|_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
    assert_eq!(id(look(port)), "SCEP_UNREACHABLE");

    // Nobody listens there: tried again, and again, and again.
    let port = 1;
    let silent = client(generic(), port, Floor::Modern);
    let mut spans = Vec::new();
    let result = silent.enrol(phone(), None, |pause| {
        assert!(pause.pending().is_none());
        spans.push(pause.span);
        ControlFlow::Continue(())
    });
    let fault = result.unwrap_err();
    assert_eq!(fault.message().id, "SCEP_UNREACHABLE");
    assert!(fault.to_string().contains(&format!("127.0.0.1:{port}")), "{fault}");
    assert_eq!(spans, ringfence_scep::enrolment::RETRIES);
}

#[test]
fn a_server_that_never_ends_its_answer_is_given_up() {
    // A byte now and then keeps no connection alive.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dripping = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The end of the request's head.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").unwrap();
        while stream.write_all(b"0").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let transport = Http::within(Duration::from_secs(60), Duration::from_secs(2));
    let server = config(generic(), port, Floor::Modern).server;
    assert_eq!(id(survey(&transport, &server)), "SCEP_UNREACHABLE");
    dripping.join().unwrap();
}

#[test]
fn redirects_are_not_followed() {
    let (port, asked) = web(|_| {
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    assert_eq!(id(look(port)), "SCEP_STATUS");
    assert_eq!(asked.try_iter().count(), 1);
}
