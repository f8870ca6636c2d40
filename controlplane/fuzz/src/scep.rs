//! What a certificate authority answers.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pki::{Certificate, Name, PrivateKey};
use scep::algorithm::Profile;
use scep::capability::Capabilities;
use scep::enrolment::{Action, Enrolment, Input, Link, Step};
use scep::reply::open_envelope;
use scep::transport::Answer;
use scep::{Authority, Floor, Pin, Polling, Product, Proxy, Purpose, Request, Server};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../scep/tests/vectors/", $name, ".der")).as_slice()
    };
}

static LINK: LazyLock<Link> = LazyLock::new(|| {
    let authority = select(vector!("getcacert")).expect("the vectors fit together");
    let server = Server::new(&Product::Microsoft, "ca", None, "");
    Link {
        proxy: Arc::new(proxy()),
        authority: Arc::new(authority),
        server: server.expect("a host name"),
        profile: Profile::choose(&Capabilities::default(), Floor::Ancient)
            .expect("nothing is below this floor"),
        floor: Floor::Ancient,
        polling: Polling::default(),
        trusted: Arc::new([certificate(vector!("ca"))]),
    }
});

fn certificate(der: &[u8]) -> Certificate {
    Certificate::parse(der).expect("the vectors are certificates")
}

fn key() -> PrivateKey {
    PrivateKey::from_pkcs8(vector!("proxy-key")).expect("the vectors are keys")
}

fn proxy() -> Proxy {
    Proxy::new(certificate(vector!("proxy")), key()).expect("the vectors fit together")
}

fn now() -> SystemTime {
    // 2025-01-01
    UNIX_EPOCH + Duration::from_secs(1_735_689_600)
}

fn select(answer: &[u8]) -> Option<Authority> {
    let pin = Pin::Certificate(Box::new(certificate(vector!("ca"))));
    let certificates = Authority::certificates(answer).ok()?;
    Authority::select(&certificates, Some(&pin), now()).ok()
}

/// GetCACert and GetCACaps: whatever is in the answer, the authority is the confirmed one.
pub fn authority(bytes: &[u8]) {
    let _ = Capabilities::parse(bytes);
    if let Some(authority) = select(bytes) {
        assert_eq!(*authority.ca(), certificate(vector!("ca")));
        assert!(authority.recipient().public_key().is_rsa());
    }
}

/// PKIOperation: no answer that was made before the request gives a certificate.
pub fn answer(bytes: &[u8]) {
    let request = Request {
        subject: Name::common("SEP001122334455"),
        public_key: certificate(vector!("lsc")).public_key().clone(),
        purpose: Purpose::Phone,
        validity: None,
    };
    let signer = Arc::clone(&LINK.proxy);
    let enrolment = Enrolment::start(request, None, &*signer, LINK.clone(), now());
    let step = enrolment.expect("a key in memory signs").step(now(), Input::Time);
    let Step::Next(enrolment, Action::Ask(_)) = step else {
        panic!("first the authority is asked");
    };
    let answer = Answer { status: 200, body: bytes.to_vec() };
    match enrolment.step(now(), Input::Answer(Ok(answer))) {
        Step::Done(Ok(issued)) => panic!("{issued:?} out of nothing"),
        Step::Next(_, Action::Ask(_) | Action::Wait(_)) => panic!("nobody said to wait"),
        Step::Next(_, Action::Refresh) | Step::Done(Err(_)) => {}
    }
}

/// An envelope, which only the authority can have signed: it may still be anything.
pub fn envelope(bytes: &[u8]) {
    static PROXY: LazyLock<(Certificate, PrivateKey)> =
        LazyLock::new(|| (certificate(vector!("proxy")), key()));
    let (certificate, key) = &*PROXY;
    if let Ok(plain) = open_envelope(bytes, certificate, key, Floor::Ancient) {
        assert!(plain.len() < bytes.len());
        let _ = Authority::certificates(&plain);
    }
}
