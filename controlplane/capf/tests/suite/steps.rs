//! The first steps of a session, for tests of the later ones.

use pki::{PrivateKey, Signer};
use ringfence_capf::Now;
use ringfence_capf::codec::{AuthRes, Body, KeyAnswer, Message, Password, Reason, Text};
use ringfence_capf::phone::Credential;
use ringfence_capf::server::{AuthMode, Ended, Operation, Refusal, Session};

use crate::support::{DEVICE, Office, Talk, Telephone, WIRE, assignment, now, talk};

pub fn null_string(operation: Operation) -> Office {
    Office::of(assignment(operation, AuthMode::NullString))
}

pub fn phone() -> Telephone {
    Telephone::new(Credential::NullString)
}

pub fn meet(office: &mut Office, phone: &mut Telephone) -> Talk {
    talk(office, phone, now(), WIRE)
}

/// A session that has been asked for a key, and the moment of that.
pub fn asked_for_key(office: &mut Office) -> (Session, Now) {
    let now = now();
    let mut session = office.session(now);
    send(&mut session, now, auth_res());
    let (sent, ended) = office.serve(now, &mut session);
    assert!(ended.is_none() && sent.len() == 2 && sent[1][1] == 3);
    (session, now)
}

pub fn auth_res() -> Body {
    Body::AuthRes(Box::new(AuthRes {
        reason: Some(Reason::SUCCESS),
        version: Some(3),
        password: Some(Password::null()),
        device_name: Text::new(DEVICE),
        ..AuthRes::default()
    }))
}

pub fn send(session: &mut Session, now: Now, body: Body) {
    let bytes = Message::new(session.id(), body).to_bytes().unwrap();
    session.handle_bytes(now, &bytes);
}

pub fn key(bits: u32) -> Body {
    let key = PrivateKey::generate_legacy_rsa(bits).unwrap();
    Body::KeyGenRes(KeyAnswer::PublicKey(key.public_key().spki().to_vec()))
}

pub fn refusal(ended: Option<Ended>) -> Refusal {
    match ended {
        Some(Ended::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}
