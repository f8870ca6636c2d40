//! Who gets in, and who does not.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use pki::{Certificate, Hash};
use ringfence_capf::codec::{
    AuthRes, Body, CertificateEntry, CertificateType, Digest, Message, Password, Reason, SessionId,
    Text,
};
use ringfence_capf::phone::{Conclusion, Credential, Holding};
use ringfence_capf::server::{
    Assignment, AuthMode, AuthenticationString, CertificateRefusal, ChainFault, Ended, Level,
    Lockout, LockoutRule, Operation, Place, Profile, Refusal, Settings, StringFault, StringRefusal,
};
use ringfence_capf::{Now, proof};

use crate::support::{
    CAPF, DEVICE, MANUFACTURER, Office, Status, Telephone, WIRE, YEAR, assignment, authority,
    holding, install, lsc, mic, now, settings, talk,
};

fn wrong(failures: u32) -> Ended {
    Ended::Refused(Refusal::String(StringRefusal::Wrong { failures }))
}

// R: CAPF-04, CAPF-05
#[test]
fn a_string_installs_and_deletes_once() {
    let mut office = Office::with_string(install());
    let talked = talk(&mut office, &mut Telephone::typed("1234567"), now(), WIRE);
    assert_eq!((talked.server, office.status()), (Ended::Done, Status::Success));
    assert!(office.row().lsc.is_some());
    // It is spent: nothing is to be had for it any more.
    let talked = talk(&mut office, &mut Telephone::typed("1234567"), now(), WIRE);
    assert_eq!(talked.server, Ended::NothingScheduled);
    office.row().assignment = assignment(Operation::Delete, AuthMode::String);
    let mut phone = Telephone::typed("1234567");
    phone.lsc = Some(lsc());
    let talked = talk(&mut office, &mut phone, now(), WIRE);
    let none = Ended::Refused(Refusal::String(StringRefusal::NoneValid));
    assert_eq!((talked.server, phone.lsc.is_some()), (none, true));
    // With a new one the same is revoked.
    office.row().string = Some(AuthenticationString::parse("0000").unwrap());
    phone.credential = Credential::String(Password::new("0000").unwrap());
    let talked = talk(&mut office, &mut phone, now(), WIRE);
    assert_eq!((talked.server, phone.lsc.is_some()), (Ended::Done, false));
}

// R: CAPF-05
#[test]
fn wrong_and_missing_strings_are_refused() {
    let mut office = Office::with_string(install());
    for (typed, failures) in [("7654321", 1), ("123456", 2), ("12345678", 3)] {
        let talked = talk(&mut office, &mut Telephone::typed(typed), now(), WIRE);
        assert_eq!(
            (talked.server, talked.phone),
            (wrong(failures), Conclusion::Refused(Reason::INVALID))
        );
    }
    let missing = Ended::Refused(Refusal::String(StringRefusal::Missing));
    let talked = talk(&mut office, &mut Telephone::new(Credential::NullString), now(), WIRE);
    assert_eq!(talked.server, missing);
    let mut session = office.session(now());
    office.serve(now(), &mut session);
    let answer = AuthRes { password: None, ..auth_res() };
    send(&mut session, Body::AuthRes(Box::new(answer)));
    assert_eq!(office.serve(now(), &mut session).1, Some(missing));
    // Who said nothing has guessed nothing.
    let talked = talk(&mut office, &mut Telephone::typed("1111"), now(), WIRE);
    assert_eq!(talked.server, wrong(4));
    assert_eq!((office.issued, office.status()), (0, Status::Pending));
}

// R: CAPF-06
#[test]
fn ten_wrong_strings_in_a_row_lock_for_ten_minutes_across_a_restart() {
    let mut office = Office::with_string(install());
    let start = now();
    let guess = |office: &mut Office, at: Now, typed: &str| {
        talk(office, &mut Telephone::typed(typed), at, WIRE).server
    };
    for failures in 1..10 {
        assert_eq!(guess(&mut office, start, "1111"), wrong(failures));
    }
    let locked = StringRefusal::NowLocked { failures: 10 };
    assert_eq!(guess(&mut office, start, "1111"), Ended::Refused(locked.clone().into()));
    assert_eq!(Refusal::from(locked).level(), Level::Alarm);
    // The right one comes too early, also when the service was started again meanwhile.
    let kept = serde_json::to_string(&office.row().lockout).unwrap();
    office.row().lockout = serde_json::from_str(&kept).unwrap();
    let early = start.after(Duration::from_secs(599));
    let refused = guess(&mut office, early, "1234567");
    let left = StringRefusal::Locked { remaining: Duration::from_secs(1) };
    assert_eq!(refused, Ended::Refused(left.into()));
    let later = start.after(Duration::from_secs(600));
    assert_eq!(guess(&mut office, later, "1234567"), Ended::Done);
    assert!(office.row().lockout.is_clear());
}

#[test]
fn nine_wrong_strings_and_a_right_one_start_a_new_row() {
    let mut office = Office::with_string(install());
    for typed in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        talk(&mut office, &mut Telephone::typed(typed), now(), WIRE);
    }
    // The phone refuses the certificate, so the string stays valid.
    let mut phone = Telephone::typed("1234567");
    phone.flash_fails = true;
    talk(&mut office, &mut phone, now(), WIRE);
    let talked = talk(&mut office, &mut Telephone::typed("1"), now(), WIRE);
    assert_eq!(talked.server, wrong(1));
}

#[test]
fn strangers_cannot_lock_out_a_device_at_its_known_address() {
    let mut office = Office::with_string(install());
    for _ in 0..30 {
        talk(&mut office, &mut Telephone::typed("1111"), now(), WIRE);
    }
    let rule = LockoutRule::default();
    let lockout = office.row().lockout.clone();
    assert_eq!(lockout.remaining(now().wall, rule, Place::Elsewhere).unwrap().as_secs(), 600);
    assert_eq!(lockout.remaining(now().wall, rule, Place::Home), None);
    office.row().place = Place::Home;
    let talked = talk(&mut office, &mut Telephone::typed("1234567"), now(), WIRE);
    assert_eq!(talked.server, Ended::Done);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_a_lock_longer() {
    let mut office = Office::with_string(install());
    for _ in 0..10 {
        talk(&mut office, &mut Telephone::typed("1111"), now(), WIRE);
    }
    let (rule, lockout) = (LockoutRule::default(), office.row().lockout.clone());
    let back = lockout.remaining(now().wall - YEAR, rule, Place::Elsewhere);
    assert_eq!(back, Some(rule.lasts));
}

// R: CAPF-05
#[test]
fn strings_are_four_to_ten_digits() {
    for good in ["0000", "1234567890"] {
        assert_eq!(AuthenticationString::parse(good).unwrap().digits(), good);
    }
    assert_eq!(AuthenticationString::parse("123"), Err(StringFault::Length(3)));
    assert_eq!(AuthenticationString::parse("12345678901"), Err(StringFault::Length(11)));
    for bad in ["12a4", "１２３４", "12 34", "-123"] {
        assert_eq!(AuthenticationString::parse(bad), Err(StringFault::NotDigits));
    }
    let mut bytes = [255, 250, 7, 13, 249, 0].into_iter();
    let made = AuthenticationString::generate(4, || bytes.next().unwrap()).unwrap();
    assert_eq!(made.digits(), "7390");
    assert!(AuthenticationString::generate(3, || 0).is_err());
    assert!(!format!("{made:?}").contains("7390"));
}

// R: CAPF-04
#[test]
fn the_preferred_certificate_goes_first_and_the_other_will_do() {
    let cases = [
        (AuthMode::ExistingLsc, CertificateType::LSC, true, true, Some("LSC")),
        (AuthMode::ExistingLsc, CertificateType::LSC, false, true, Some("MIC")),
        (AuthMode::ExistingMic, CertificateType::MIC, true, true, Some("MIC")),
        (AuthMode::ExistingMic, CertificateType::MIC, true, false, Some("LSC")),
        (AuthMode::ExistingLsc, CertificateType::LSC, false, false, None),
        (AuthMode::ExistingMic, CertificateType::MIC, false, false, None),
    ];
    for (mode, preferred, has_lsc, has_mic, shown) in cases {
        let mut office = Office::of(assignment(install(), mode));
        let mut phone = Telephone::new(Credential::Existing(preferred));
        phone.lsc = has_lsc.then(lsc);
        phone.mic = has_mic.then(mic);
        let talked = talk(&mut office, &mut phone, now(), WIRE);
        match shown {
            Some(shown) => {
                assert_eq!(talked.server, Ended::Done, "{mode:?}");
                let by =
                    |line: &String| line.contains(&format!("authenticated by {}", which(shown)));
                assert!(office.trace.iter().any(by), "{shown}: {:#?}", office.trace);
            }
            None => {
                let none = Refusal::Certificate(CertificateRefusal::NoCertificate);
                assert_eq!(talked.server, Ended::Refused(none));
                assert_eq!((office.issued, office.status()), (0, Status::Pending));
            }
        }
    }
}

fn which(kind: &str) -> String {
    match kind {
        "LSC" => CertificateType::LSC.to_string(),
        _ => CertificateType::MIC.to_string(),
    }
}

#[test]
fn a_message_with_both_certificates_is_judged_by_the_preferred_one() {
    let mut office = Office::of(assignment(Operation::Delete, AuthMode::ExistingMic));
    let (mic, lsc) = (mic(), lsc());
    let mut answer = auth_res();
    answer.certificates =
        vec![entry(CertificateType::LSC, &lsc), entry(CertificateType::MIC, &mic)];
    let name = answer.device_name.clone().unwrap();
    let (sha1, sha512) = proof::prove_device(&name, &mic.certificate, &mic.key).unwrap();
    (answer.signed_data, answer.sha2_signed_data) = (Some(sha1), sha512);
    let mut session = office.session(now());
    office.serve(now(), &mut session);
    send(&mut session, Body::AuthRes(Box::new(answer)));
    let (sent, ended) = office.serve(now(), &mut session);
    assert!(ended.is_none() && sent[0][1] == 13);
}

fn auth_res() -> AuthRes {
    AuthRes {
        reason: Some(Reason::SUCCESS),
        version: Some(3),
        password: Some(Password::null()),
        device_name: Text::new(DEVICE),
        ..AuthRes::default()
    }
}

fn entry(kind: CertificateType, holding: &Holding) -> CertificateEntry {
    CertificateEntry { kind, der: holding.certificate.der().to_vec() }
}

fn send(session: &mut ringfence_capf::server::Session, body: Body) {
    let bytes = Message::new(session.id(), body).to_bytes().unwrap();
    session.handle_bytes(now(), &bytes);
}

/// An answer that proves everything that can be proven with this certificate, in this session.
fn proven(session: SessionId, kind: CertificateType, holding: &Holding) -> AuthRes {
    let mut answer = auth_res();
    let name = answer.device_name.clone().unwrap();
    let (sha1, sha512) = proof::prove_device(&name, &holding.certificate, &holding.key).unwrap();
    answer.certificates = vec![entry(kind, holding)];
    (answer.signed_data, answer.sha2_signed_data) = (Some(sha1), sha512);
    let mic = mic();
    answer.sudi = Some(proof::prove_session(session, &mic.certificate, &mic.key).unwrap());
    answer
}

/// What the server says to an answer in LSC mode; `None` if it goes on.
fn judge_with(
    settings: Settings,
    assignment: Assignment,
    answer: impl FnOnce(SessionId) -> AuthRes,
) -> Option<CertificateRefusal> {
    let mut office = Office::with(assignment, settings);
    let mut session = office.session(now());
    office.serve(now(), &mut session);
    let answer = answer(session.id());
    send(&mut session, Body::AuthRes(Box::new(answer)));
    let (sent, ended) = office.serve(now(), &mut session);
    match ended {
        None => {
            assert_eq!(sent[0][1], 3, "asked for a key");
            None
        }
        Some(Ended::Refused(Refusal::Certificate(refusal))) => {
            assert_eq!(sent[0][8..], [1, 0, 1, 7], "END_SESSION with 7");
            Some(refusal)
        }
        other => panic!("{other:?}"),
    }
}

fn judge(answer: impl FnOnce(SessionId) -> AuthRes) -> Option<CertificateRefusal> {
    judge_with(settings(), assignment(install(), AuthMode::ExistingLsc), answer)
}

/// The good answer, spoiled.
fn spoiled(spoil: impl FnOnce(&mut AuthRes)) -> Option<CertificateRefusal> {
    judge(|session| {
        let mut answer = proven(session, CertificateType::LSC, &lsc());
        spoil(&mut answer);
        answer
    })
}

#[test]
fn proofs_are_checked_to_the_last_bit() {
    use CertificateRefusal as No;
    assert_eq!(spoiled(|_| {}), None);
    let flip = |bytes: &mut Vec<u8>| bytes[20] ^= 1;
    assert_eq!(spoiled(|it| flip(it.signed_data.as_mut().unwrap())), Some(No::BadSignedData));
    let sha2 = |it: &mut AuthRes| flip(&mut it.sha2_signed_data.as_mut().unwrap().signature);
    assert_eq!(spoiled(sha2), Some(No::BadSha2SignedData));
    let digest = |it: &mut AuthRes| it.sha2_signed_data.as_mut().unwrap().digest = Digest::SHA256;
    assert_eq!(spoiled(digest), Some(No::Digest(Digest::SHA256)));
    assert_eq!(spoiled(|it| flip(&mut it.sudi.as_mut().unwrap().sha1)), Some(No::BadSudi));
    assert_eq!(spoiled(|it| flip(&mut it.sudi.as_mut().unwrap().sha512)), Some(No::BadSudi));
    assert_eq!(spoiled(|it| it.certificates.clear()), Some(No::NoCertificate));
    assert_eq!(spoiled(|it| it.signed_data = None), Some(No::NoSignedData));
    assert_eq!(spoiled(|it| it.sha2_signed_data = None), Some(No::NoSha2SignedData));
    assert_eq!(spoiled(|it| it.sudi = None), None);
    let garbage = |it: &mut AuthRes| it.certificates[0].der.truncate(100);
    assert!(matches!(spoiled(garbage), Some(No::Unreadable(_))));
    // The proofs are over the name as it travels.
    let bare = |it: &mut AuthRes| {
        let data = [DEVICE.as_bytes(), lsc().certificate.der()].concat();
        it.signed_data = Some(lsc().key.sign_bare(Hash::LegacySha1, &data).unwrap());
    };
    assert_eq!(spoiled(bare), Some(No::BadSignedData));
    // With the usual DigestInfo around the hash it is another block.
    let usual = |it: &mut AuthRes| {
        let data = proof::device_data(it.device_name.as_ref().unwrap(), lsc().certificate.der());
        let signature = pki::Signer::sign(&lsc().key, Hash::LegacySha1, &data).unwrap();
        it.signed_data = Some(signature);
    };
    assert_eq!(spoiled(usual), Some(No::BadSignedData));
}

#[test]
fn proofs_of_another_session_are_worth_nothing() {
    let replayed = judge(|session| {
        let mut answer = proven(session, CertificateType::LSC, &lsc());
        answer.sudi = proven(SessionId(session.0 + 1), CertificateType::LSC, &lsc()).sudi;
        answer
    });
    assert_eq!(replayed, Some(CertificateRefusal::BadSudi));
    // The number is written with its low byte first.
    let big_endian = judge(|session| {
        let swapped = SessionId(session.0.swap_bytes());
        let mut answer = proven(session, CertificateType::LSC, &lsc());
        answer.sudi = proven(swapped, CertificateType::LSC, &lsc()).sudi;
        answer
    });
    assert_eq!(big_endian, Some(CertificateRefusal::BadSudi));
    // Where the settings ask for it, proofs that could be replayed are not enough.
    let mut strict = settings();
    strict.proofs.sudi = true;
    let row = || assignment(install(), AuthMode::ExistingLsc);
    let replayable =
        |session| AuthRes { sudi: None, ..proven(session, CertificateType::LSC, &lsc()) };
    let refusal = judge_with(strict.clone(), row(), replayable);
    assert_eq!(refusal, Some(CertificateRefusal::NoSudi));
    let bound = |session| proven(session, CertificateType::LSC, &lsc());
    assert_eq!(judge_with(strict, row(), bound), None);
    // A whole message of another session is none of this one's.
    let mut office = Office::of(row());
    let mut session = office.session(now());
    office.serve(now(), &mut session);
    let body = Body::AuthRes(Box::new(proven(session.id(), CertificateType::LSC, &lsc())));
    let recorded = Message::new(SessionId(77), body).to_bytes().unwrap();
    session.handle_bytes(now(), &recorded);
    let (_, ended) = office.serve(now(), &mut session);
    assert_eq!(ended, Some(Ended::Refused(Refusal::WrongSession(SessionId(77)))));
}

#[test]
fn proofs_with_a_certificate_that_was_replaced_are_worth_nothing() {
    let mut row = assignment(install(), AuthMode::ExistingLsc);
    row.withdrawn = vec![lsc().certificate.fingerprint()];
    let refusal =
        judge_with(settings(), row, |session| proven(session, CertificateType::LSC, &lsc()));
    assert_eq!(refusal, Some(CertificateRefusal::Withdrawn));
}

#[test]
fn a_certificate_speaks_for_its_own_device_only() {
    use ChainFault as No;
    let judge_one = |kind, holding: &Holding| match judge(|id| proven(id, kind, holding)) {
        None => None,
        Some(CertificateRefusal::Chain(fault)) => Some(fault),
        other => panic!("{other:?}"),
    };
    let of = |authority: &_, subject: &str| holding(authority, subject, 1024);
    let (lsc_kind, mic_kind) = (CertificateType::LSC, CertificateType::MIC);
    let other = of(&CAPF, "SEP00112233FFFF");
    let name = "SEP00112233FFFF".to_owned();
    assert_eq!(judge_one(lsc_kind, &other), Some(No::OtherDevice(name)));
    for bad in ["", "SEP001122334455x", "XSEP001122334455", "sep001122334455"] {
        let other = of(&CAPF, bad);
        assert_eq!(judge_one(lsc_kind, &other), Some(No::OtherDevice(bad.to_owned())));
    }
    assert_eq!(judge_one(lsc_kind, &of(&CAPF, &format!("CP-7970G-{DEVICE}"))), None);
    // Anybody can call himself something.
    let stranger = authority("CAPF-91d43ef6");
    let unknown = |fault| matches!(fault, Some(No::UnknownIssuer(_)));
    assert!(unknown(judge_one(lsc_kind, &of(&stranger, DEVICE))));
    // Makers do not issue LSCs, nor does CAPF make MICs.
    assert!(unknown(judge_one(lsc_kind, &of(&MANUFACTURER, DEVICE))));
    assert!(unknown(judge_one(mic_kind, &of(&CAPF, DEVICE))));
    // SUDI_DATA of another phone.
    let borrowed = holding(&MANUFACTURER, "CP-7970G-SEP00112233FFFF", 1024);
    let refusal = judge(|session| {
        let mut answer = proven(session, lsc_kind, &lsc());
        let Holding { certificate, key } = &borrowed;
        answer.sudi = Some(proof::prove_session(session, certificate, key).unwrap());
        answer
    });
    let Some(CertificateRefusal::SudiChain(No::OtherDevice(_))) = refusal else { panic!() };
}

#[test]
fn an_lsc_has_dates_and_a_mic_has_none() {
    let judge_at = |at: SystemTime, kind, holding: Holding| {
        let mut office = Office::of(assignment(install(), AuthMode::ExistingLsc));
        let at = Now { wall: at, ..now() };
        let mut session = office.session(at);
        office.serve(at, &mut session);
        let body = Body::AuthRes(Box::new(proven(session.id(), kind, &holding)));
        session.handle_bytes(at, &Message::new(session.id(), body).to_bytes().unwrap());
        office.serve(at, &mut session).1
    };
    let chain = |fault| Some(Ended::Refused(CertificateRefusal::Chain(fault).into()));
    let (late, early) = (now().wall + 3 * YEAR, now().wall - 2 * YEAR);
    assert_eq!(judge_at(late, CertificateType::LSC, lsc()), chain(ChainFault::Expired));
    assert_eq!(judge_at(early, CertificateType::LSC, lsc()), chain(ChainFault::NotYetValid));
    assert_eq!(judge_at(late, CertificateType::MIC, mic()), None);
}

// R: CAPF-18
#[test]
fn an_lsc_of_a_former_issuer_is_good_while_that_is_trusted() {
    let former = authority("CAPF-00000000");
    let old = holding(&former, DEVICE, 1024);
    let row = || assignment(install(), AuthMode::ExistingLsc);
    let shown = |session| proven(session, CertificateType::LSC, &old);
    let mut settings = settings();
    settings.anchors.lsc.push(former.certificate().clone());
    assert_eq!(judge_with(settings.clone(), row(), shown), None);
    settings.anchors.lsc.pop();
    let refusal = judge_with(settings, row(), shown);
    assert!(matches!(refusal, Some(CertificateRefusal::Chain(ChainFault::UnknownIssuer(_)))));
}

#[test]
fn short_keys_and_early_phones_are_forgiven_what_they_cannot_do() {
    // 512 bits cannot hold a SHA-512 hash.
    let short = holding(&CAPF, DEVICE, 512);
    let (_, sha512) =
        proof::prove_device(&Text::new(DEVICE).unwrap(), &short.certificate, &short.key).unwrap();
    assert_eq!(sha512, None);
    assert_eq!(judge(|session| proven(session, CertificateType::LSC, &short)), None);
    let mut row = assignment(install(), AuthMode::ExistingLsc);
    row.profile = Profile::Legacy;
    let legacy = |session| {
        let answer = proven(session, CertificateType::LSC, &lsc());
        AuthRes { sha2_signed_data: None, sudi: None, version: None, ..answer }
    };
    assert_eq!(judge_with(settings(), row, legacy), None);
}

#[test]
fn ec_certificates_prove_by_ecdsa_and_their_sudi_is_ignored() {
    let key = pki::PrivateKey::generate(pki::KeyKind::EcP256);
    let template = crate::support::template(DEVICE, pki::issue::Usage::Server);
    let certificate =
        pki::issue::issued(&template, pki::Signer::public_key(&key), Hash::Sha256, &CAPF).unwrap();
    let certificate = Certificate::parse(certificate.der()).unwrap();
    let ec = Holding { certificate, key };
    let answer = |session| {
        let mut answer = proven(session, CertificateType::LSC, &ec);
        let Holding { certificate, key } = &ec;
        answer.sudi = Some(proof::prove_session(session, certificate, key).unwrap());
        answer
    };
    assert_eq!(judge(answer), None);
    let mut strict = settings();
    strict.proofs.sudi = true;
    let row = assignment(install(), AuthMode::ExistingLsc);
    assert_eq!(judge_with(strict, row, answer), Some(CertificateRefusal::NoSudi));
}

#[test]
fn a_claim_says_where_it_comes_from() {
    let mut office = Office::with_string(install());
    let mut session = office.session(now());
    office.serve(now(), &mut session);
    let answer = AuthRes { password: Password::new("1"), ..auth_res() };
    send(&mut session, Body::AuthRes(Box::new(answer)));
    let mut claims = vec![];
    while let Some(output) = session.poll_output() {
        use ringfence_capf::server::{Answer, LookedUp, Output};
        match output {
            Output::LookUp(_) => {
                let row = Box::new(office.row().assignment.clone());
                session.handle_answer(now(), Answer::Device(LookedUp::Known(row)));
            }
            Output::CheckString(claim) => claims.push(claim),
            _ => {}
        }
    }
    let [claim] = &claims[..] else { panic!() };
    assert_eq!(claim.from, IpAddr::from([192, 0, 2, 55]));
    assert!(!format!("{claim:?}").contains("\"1\""));
    assert!(Lockout::default().is_clear());
}
