//! Every message of a diagnosis, provoked.

use messages::diagnosis;
use messages::testing::Provoked;
use ringfence_diagnosis::Finding;
use ringfence_diagnosis::finding::Trouble;
use store::CapfReason;

use crate::support::{PHONE, address};

// R: MSG-01
#[test]
fn every_message_is_provoked() {
    let text = String::from;
    let node = || text("cm1");
    let file = || text("x.cnf.xml");
    let detail = || text("more of it");
    let mut troubles = vec![
        Trouble::NotConfigured,
        Trouble::NoTftpHere { node: node() },
        Trouble::NeverAsked { node: node(), servers: vec![address()] },
        Trouble::FellSilent { file: file(), from: address() },
        Trouble::RefusedFile { file: file(), detail: detail() },
        Trouble::NotServed { file: file(), detail: detail() },
        Trouble::NoConfiguration { file: file() },
        Trouble::AsksSigned { file: file() },
        Trouble::LoadMissing { file: file() },
        Trouble::CannotAuthenticateCtl { tokens: vec![] },
        Trouble::CtlUnknown,
        Trouble::CtlOld { asked: text("2026-01-01T00:00:00Z") },
        Trouble::TftpNotAuthorized { node: node(), address: address() },
        Trouble::CannotAuthenticateFiles { node: node() },
        Trouble::AsksUnsigned,
        Trouble::CallManagerDiffers { servers: vec![node()] },
        Trouble::WrongCapf { server: node() },
        Trouble::NoCertificate { mode: text("encrypted"), model: text("7960") },
        Trouble::CapfNotActive,
        Trouble::CapfWaitsForUser,
        Trouble::CapfWaitsForPhone,
        Trouble::LscOtherIssuer { issuer: text("CN=CAPF") },
        Trouble::CapfCertificateMissing { node: node() },
        Trouble::LscExpired { until: text("2026-01-01") },
    ];
    for reason in [
        CapfReason::Expired,
        CapfReason::WrongString,
        CapfReason::Locked,
        CapfReason::Certificate,
        CapfReason::Key,
        CapfReason::Phone,
        CapfReason::AuthorityPending,
        CapfReason::Authority,
        CapfReason::Connection,
        CapfReason::Protocol,
    ] {
        troubles.push(Trouble::CapfFailed { reason, detail: String::new() });
    }
    let mut provoked = Provoked::default();
    for trouble in troubles {
        provoked.note(&Finding { phone: PHONE.into(), trouble });
    }
    assert_eq!(provoked.missing(diagnosis::ALL), [] as [&str; 0]);
}
