//! Every message about a certificate authority elsewhere, provoked.

use std::time::SystemTime;

use messages::scep;
use messages::testing::Provoked;
use pki::{Certificate, KeyKind, Name, PrivateKey, SignError};
use ringfence_scep::algorithm::{Cipher, Digest, Profile};
use ringfence_scep::authority::AuthorityFault;
use ringfence_scep::issued::IssuedFault;
use ringfence_scep::reply::{
    EnvelopeFault, FailInfo, Malformed, Refusal, ReplyFault, SignatureFault,
};
use ringfence_scep::{Difference, Fault, Floor, Product, Proxy, Server};

use crate::support::certificate;

// R: MSG-01
#[test]
fn every_message_is_provoked() {
    let mut provoked = Provoked::default();
    servers(&mut provoked);
    http(&mut provoked);
    authorities(&mut provoked);
    replies(&mut provoked);
    issued(&mut provoked);
    assert_eq!(provoked.missing(scep::ALL), [] as [&str; 0]);
}

fn servers(provoked: &mut Provoked) {
    let keon = Product::Keon { jurisdiction: "x".into() };
    let generic = Product::Generic { path: Some("x".into()) };
    provoked.fails(Server::new(&Product::Microsoft, "http://x", None, ""));
    provoked.fails(Server::new(&Product::Microsoft, "x", Some(0), ""));
    provoked.fails(Server::new(&generic, "x", None, ""));
    provoked.fails(Server::new(&keon, "x", None, ""));
    let key = PrivateKey::generate(KeyKind::EcP256);
    provoked.fails(Proxy::new(certificate("proxy"), key));
    let nowhere = "/dev/null/x".as_ref();
    provoked.fails(Proxy::open_or_create(nowhere, &Name::common("x"), SystemTime::now()));
}

fn http(provoked: &mut Provoked) {
    let server = || "ca:80".to_owned();
    let status = |status, url| Fault::Status { server: server(), status, url };
    provoked.note(&Fault::Unreachable { server: server(), detail: "reset".into() });
    provoked.note(&Fault::TooLarge { server: server() });
    provoked.note(&Fault::NotScep { server: server(), start: "<html>".into() });
    for fault in [status(403, None), status(404, None), status(414, Some(9)), status(500, None)] {
        provoked.note(&fault);
    }
}

fn authorities(provoked: &mut Provoked) {
    let profile = Profile { digest: Digest::Sha1, cipher: Cipher::Des, post: false };
    provoked.note(&Fault::Offer { offered: profile, floor: Floor::Modern });
    let changed = AuthorityFault::Changed { found: "a".into(), expected: "b".into() };
    let unreadable = Certificate::parse(b"x").unwrap_err();
    for fault in [
        changed,
        AuthorityFault::Malformed(Malformed("x")),
        AuthorityFault::Certificate(unreadable.clone()),
        AuthorityFault::Dates(unreadable),
        AuthorityFault::NoAuthority,
        AuthorityFault::Recipient("EC 256".into()),
        AuthorityFault::NotConfirmed(Box::new(certificate("ca"))),
    ] {
        provoked.note(&fault);
        provoked.note(&Fault::Authority(fault));
    }
}

fn replies(provoked: &mut Provoked) {
    for fault in [
        ReplyFault::Malformed(Malformed("x")),
        ReplyFault::Replay("recipientNonce"),
        ReplyFault::Signature(SignatureFault::Algorithm("1.2.3".into())),
        ReplyFault::Signature(SignatureFault::BelowFloor(Digest::Md5)),
        ReplyFault::Signature(SignatureFault::Signer),
        ReplyFault::Signature(SignatureFault::Content),
        ReplyFault::Signature(SignatureFault::Signature),
        ReplyFault::Envelope(EnvelopeFault::BelowFloor(Cipher::Des)),
        ReplyFault::Envelope(EnvelopeFault::Key),
    ] {
        provoked.note(&Fault::Reply { fault, floor: Floor::Legacy });
    }
    let profile = Profile { digest: Digest::Sha256, cipher: Cipher::Aes128, post: true };
    for info in [
        FailInfo::BadAlg,
        FailInfo::BadMessageCheck,
        FailInfo::BadRequest,
        FailInfo::BadTime,
        FailInfo::BadCertId,
        FailInfo::Unspecified(None),
    ] {
        provoked.note(&Fault::Refused { refusal: Refusal { info, text: None }, profile });
    }
    provoked.note(&Fault::NotApproved(600));
    provoked.note(&Fault::Abandoned);
    provoked.note(&Fault::CannotResume);
    provoked.note(&Fault::Sign(SignError::DoesNotVerify));
}

fn issued(provoked: &mut Provoked) {
    let text = String::from;
    for fault in [
        IssuedFault::OtherKey(2),
        IssuedFault::OtherName { found: text("a"), expected: text("b") },
        IssuedFault::OtherIssuer(text("CN=a")),
        IssuedFault::Dates { from: text("2026-01-01"), until: text("2027-01-01") },
        IssuedFault::NotUsable { issued: text("CA"), needed: "signing certificates" },
        IssuedFault::TooLarge(5000),
        IssuedFault::IssuerNotTrusted(text("CN=a")),
    ] {
        provoked.note(&Fault::Issued(fault));
    }
    provoked.note(&Difference { field: "validity", asked: text("1 d"), issued: text("2 d") });
}
