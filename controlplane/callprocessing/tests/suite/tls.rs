//! Phones with TLS, and those whom it keeps out. OpenSSL shakes hands for the phones, so that the
//! other side is not of our making.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use callmanager::security::Security;
use legacytls::cell::{self, Config};
use legacytls::client::Cell;
use legacytls::link::CertificateKind;
use messages::Explain;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslSession, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use sccp::phone::{KeepAlive, OnHook};
use sccp::{CallRef, LineInstance, Message};
use store::{CertificateRole, Device, DeviceSecurityMode, SecurityMode};

use crate::phone::{M7960, M7970, Phone, connect};
use crate::site::{ALICE, BOB, CAROL, PATIENCE, Site, await_alarm, until};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Who issues certificates to phones.
pub struct Issuer(Identity);

/// A phone's certificate and its key.
#[derive(Clone)]
pub struct Holding(pub Certificate, pub PrivateKey);

fn template(subject: &str, usage: Usage, from: SystemTime) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: from,
        validity: 2 * YEAR,
        usage,
        alternative_names: Vec::new(),
    }
}

impl Issuer {
    fn new(name: &str) -> Self {
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let template = template(name, Usage::Authority, SystemTime::now() - YEAR);
        let own = self_signed(&template, Hash::Sha256, &key).unwrap();
        Self(Identity::new(own, key).unwrap())
    }

    /// As CAPF does by default: with 1024 bits.
    pub fn issue(&self, subject: &str) -> Holding {
        self.issue_from(subject, SystemTime::now() - YEAR)
    }

    fn issue_from(&self, subject: &str, from: SystemTime) -> Holding {
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        let template = template(subject, Usage::Server, from);
        let made = issued(&template, key.public_key(), Hash::Sha256, &self.0).unwrap();
        Holding(made, key)
    }

    fn entry(&self, role: CertificateRole) -> store::Certificate {
        let own = self.0.certificate();
        store::Certificate {
            role,
            owner: "issuer".into(),
            subject: own.subject().to_string(),
            issuer: own.issuer().to_string(),
            serial: pki::certificate::hex(own.serial()),
            not_before: own.not_before(),
            not_after: own.not_after(),
            der: own.der().to_vec(),
        }
    }
}

/// A site in mixed mode: Alice encrypted, Bob as given, Carol non-secure.
pub fn mixed(bob: DeviceSecurityMode) -> (Site, Issuer) {
    let site = Site::new();
    let capf = Issuer::new("CAPF-1");
    site.change(|change| {
        change.set_security_mode(SecurityMode::Mixed)?;
        change.put_certificate(&capf.entry(CertificateRole::LscIssuer))?;
        change.set_parameter(None, "call-manager.trace-level", "detail")?;
        for (name, mode) in [(ALICE, DeviceSecurityMode::Encrypted), (BOB, bob)] {
            let device = change.device(&name.parse()?)?;
            change.put_device(&Device { security_mode: mode, ..device })?;
        }
        Ok(())
    });
    (site, capf)
}

/// What a phone offers.
#[derive(Clone, Copy)]
pub struct Offer {
    version: SslVersion,
    suites: &'static str,
}

pub const TODAY: Offer = Offer { version: SslVersion::TLS1_3, suites: "ALL" };
pub const YESTERDAY: Offer =
    Offer { version: SslVersion::TLS1_2, suites: "ECDHE-RSA-AES128-GCM-SHA256" };
pub const ENCRYPTED: Offer = Offer { version: SslVersion::TLS1, suites: "AES128-SHA" };
const AUTHENTICATED: Offer = Offer { version: SslVersion::TLS1, suites: "NULL-SHA" };

fn context(site: &Site, holding: Option<&Holding>, offer: Offer) -> SslContext {
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_security_level(0);
    context.set_min_proto_version(Some(offer.version)).unwrap();
    context.set_max_proto_version(Some(offer.version)).unwrap();
    context.set_cipher_list(&format!("{}:@SECLEVEL=0", offer.suites)).unwrap();
    context.set_verify(SslVerifyMode::NONE);
    if let Some(Holding(certificate, key)) = holding {
        let file = site.dir.path().join(format!("{}.pem", certificate.fingerprint()));
        key.save(&file, None).unwrap();
        let key = PKey::private_key_from_pem(&std::fs::read(&file).unwrap()).unwrap();
        context.set_certificate(&X509::from_der(certificate.der()).unwrap()).unwrap();
        context.set_private_key(&key).unwrap();
    }
    context.build()
}

/// Shakes hands; the server may still say no in its next message.
fn shake(context: &SslContext, to: SocketAddr) -> Result<SslStream<TcpStream>, String> {
    let mut tls = SslStream::new(Ssl::new(context).unwrap(), connect(to)).unwrap();
    match tls.connect() {
        Ok(()) => Ok(tls),
        Err(error) => Err(error.to_string()),
    }
}

impl Site {
    pub fn phone(
        &self,
        to: SocketAddr,
        holding: &Holding,
        offer: Offer,
        name: &str,
        kind: u32,
    ) -> Phone {
        let tls = shake(&context(self, Some(holding), offer), to).unwrap();
        let shown = tls.ssl().peer_certificate().unwrap().to_der().unwrap();
        assert_eq!(shown, self.identity.certificate().der(), "another server");
        Phone::on(Box::new(tls), name, kind)
    }

    /// The same of one that may come before the cell serves: it is sent away, and comes again.
    pub fn phone_in_time(
        &self,
        to: SocketAddr,
        holding: &Holding,
        offer: Offer,
        name: &str,
        kind: u32,
    ) -> Phone {
        let context = context(self, Some(holding), offer);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match shake(&context, to) {
                Ok(tls) => return Phone::on(Box::new(tls), name, kind),
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Somebody is kept out by TLS.
    fn is_kept_out(&self, to: SocketAddr, holding: Option<&Holding>, offer: Offer) {
        if let Ok(mut tls) = shake(&context(self, holding, offer), to) {
            assert!(!matches!(tls.read(&mut [0; 64]), Ok(1..)));
        }
    }
}

// R: GEN-03, AUTH-05, AUTH-07, MED-01, MED-02, MED-03, CNT-01, LOG-01
#[test]
fn encrypted_phones_get_keys_of_their_own_and_nobody_else_does() {
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    let running = site.serve();
    let (handle, to) = (running.handle(), running.secure_address());
    let mut alice = site.phone(to, &capf.issue(ALICE), TODAY, ALICE, M7970);
    let mut bob = site.phone(to, &capf.issue(BOB), YESTERDAY, BOB, M7960);
    let mut carol = Phone::plain(running.plain_address(), CAROL, M7960);
    for phone in [&mut alice, &mut bob, &mut carol] {
        phone.register();
    }
    let registered = handle.registered();
    let security: Vec<_> = registered.iter().map(|phone| phone.security).collect();
    use Security::{Encrypted, NonSecure};
    assert_eq!(security, [Encrypted, Encrypted, NonSecure]);
    assert!(registered[1].suite.as_deref().is_some_and(|suite| suite.contains("ECDHE")));
    assert_eq!(registered[0].certificate, Some(CertificateKind::Lsc));

    let leg = alice.dial("1002");
    bob.answer();
    let opens = [alice.open(), bob.open()];
    let start = |phone: &mut Phone| {
        phone.await_some(|message| match message {
            Message::StartMediaTransmission(start) => Some(start.clone()),
            _ => None,
        })
    };
    let starts = [start(&mut alice), start(&mut bob)];
    let received = [&opens[0], &opens[1]].map(|open| open.encryption.keying().unwrap().unwrap());
    let sent = [&starts[0], &starts[1]].map(|start| start.encryption.keying().unwrap().unwrap());
    // What the one sends with, the other receives with.
    assert!(sent[0] == received[1] && sent[1] == received[0] && sent[0] != sent[1]);
    assert_eq!(handle.counters().calls_active.encrypted, 1);
    alice.say(OnHook { line: LineInstance(1), call: leg });
    until(
        || handle.counters().calls_completed.encrypted == 1,
        || format!("{:?}", handle.counters()),
    );

    // With a phone that is not secure there are none.
    alice.dial("1003");
    carol.answer();
    assert!(alice.open().encryption.keying().unwrap().is_none());
    assert!(carol.open().encryption.keying().unwrap().is_none());

    let trace = site.trace();
    assert!(trace.contains("OpenReceiveChannel") && trace.contains("StartMediaTransmission"));
    for open in &opens {
        let keying = open.encryption.keying().unwrap().unwrap();
        let hex = pki::certificate::hex(keying.key.as_bytes());
        assert!(!trace.to_lowercase().contains(&hex), "a key is in the trace");
    }
    let ladders = format!("{:?}", (1..10).filter_map(|id| handle.call(id)).collect::<Vec<_>>());
    assert!(ladders.contains("OpenReceiveChannel"));
}

// R: ALM-01, AUTH-05, GEN-03
#[test]
fn who_comes_otherwise_than_configured_is_refused_and_named() {
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    let running = site.serve();
    let (handle, to) = (running.handle(), running.secure_address());
    let mut alice = site.phone(to, &capf.issue(ALICE), TODAY, ALICE, M7970);
    alice.register();
    // An encrypted device without TLS.
    assert_eq!(Phone::plain(running.plain_address(), BOB, M7960).refusal(), "Security Error");
    await_alarm(handle, "NOT_OVER_TLS");
    // A non-secure one with it.
    let carol = site.phone(to, &capf.issue(CAROL), TODAY, CAROL, M7960);
    assert_eq!(carol.refusal(), "Security Error");
    await_alarm(handle, "NOT_AUTHENTICATED_OVER_TLS");
    // One with the certificate of another.
    let impostor = site.phone(to, &capf.issue(BOB), TODAY, ALICE, M7970);
    assert_eq!(impostor.refusal(), "Security Error");
    let alarm = await_alarm(handle, "CERTIFICATE_OF_ANOTHER");
    assert!(alarm.values().contains(&("title", BOB.to_owned())));

    // Those whom TLS keeps out.
    let ended = capf.issue_from(BOB, SystemTime::now() - 3 * YEAR);
    let to_come = capf.issue_from(BOB, SystemTime::now() + YEAR);
    for (holding, alarm) in [
        (None, "CERTIFICATE_NOT_SHOWN"),
        (Some(Issuer::new("CAPF-1").issue(BOB)), "CERTIFICATE_NOT_TRUSTED"),
        (Some(ended), "CERTIFICATE_HAS_ENDED"),
        (Some(to_come), "CERTIFICATE_NOT_BEGUN"),
        (Some(capf.issue("not a device")), "CERTIFICATE_OF_NO_DEVICE"),
    ] {
        for offer in [TODAY, YESTERDAY] {
            site.is_kept_out(to, holding.as_ref(), offer);
        }
        await_alarm(handle, alarm);
    }
    // Old TLS, and nobody to serve it.
    site.is_kept_out(to, Some(&capf.issue(BOB)), ENCRYPTED);
    await_alarm(handle, "CELL_AWAY");
    // Nobody else is disturbed.
    alice.say(KeepAlive);
    alice.await_name("KeepAliveAck");
    let names: Vec<_> = handle.registered().into_iter().map(|phone| phone.device).collect();
    assert_eq!(names, [ALICE]);
    until(
        || {
            let audit = site.store.read(|view| view.audit(None, 100)).unwrap();
            audit.iter().any(|record| record.detail.contains("CERTIFICATE_OF_ANOTHER"))
        },
        String::new,
    );
}

// R: AUTH-05
#[test]
fn sessions_are_taken_up_again_only_while_their_issuer_is_trusted() {
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    let running = site.serve();
    let to = running.secure_address();
    let context = context(&site, Some(&capf.issue(BOB)), YESTERDAY);
    let session: Arc<Mutex<Option<SslSession>>> = Arc::default();
    let tls = shake(&context, to).unwrap();
    *session.lock().unwrap() = tls.ssl().session().map(ToOwned::to_owned);
    let mut bob = Phone::on(Box::new(tls), BOB, M7960);
    bob.register();
    let again = || {
        let mut ssl = Ssl::new(&context).unwrap();
        let session = session.lock().unwrap();
        // SAFETY: the session was made with this very context.
        unsafe { ssl.set_session(session.as_ref().unwrap()).unwrap() };
        let mut tls = SslStream::new(ssl, connect(to)).unwrap();
        tls.connect().map(|()| tls)
    };
    let tls = again().unwrap();
    assert!(tls.ssl().session_reused());
    let mut bob = Phone::on(Box::new(tls), BOB, M7960);
    bob.register();
    site.await_trace("resumed");

    site.change(|change| {
        let entry = capf.entry(CertificateRole::LscIssuer);
        change.remove_certificate(&entry)
    });
    site.await_trace("issuers of certificates have changed");
    if let Ok(mut tls) = again() {
        assert!(!matches!(tls.read(&mut [0; 64]), Ok(1..)));
    }
    await_alarm(running.handle(), "CERTIFICATE_NOT_TRUSTED");
}

// R: AUTH-05
#[test]
fn certificates_of_manufacturers_may_have_ended_for_a_while() {
    let (site, _) = mixed(DeviceSecurityMode::Encrypted);
    let maker = Issuer::new("Maker");
    site.change(|change| change.put_certificate(&maker.entry(CertificateRole::MicIssuer)));
    let running = site.serve();
    let to = running.secure_address();
    let mic = maker.issue_from(&format!("CP-7970G-{ALICE}"), SystemTime::now() - 3 * YEAR);
    site.is_kept_out(to, Some(&mic), TODAY);
    await_alarm(running.handle(), "CERTIFICATE_HAS_ENDED");
    let told = site.trace().matches("issuers of certificates have changed").count();
    site.change(|change| {
        change.set_parameter(None, "call-manager.expired-mic-until", "2199-12-31")
    });
    let changed = || site.trace().matches("issuers of certificates have changed").count() > told;
    until(changed, || site.trace());
    let mut alice = site.phone(to, &mic, TODAY, ALICE, M7970);
    alice.register();
    assert_eq!(running.handle().registered()[0].certificate, Some(CertificateKind::Mic));
}

/// Names the cell's socket in the process that becomes the cell.
const SOCKET: &str = "RINGFENCE_TEST_CELL";

/// The cell's process, until it is dropped.
pub struct Process(Child);

impl Process {
    pub fn start(socket: &std::path::Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tls::becomes_the_cell", "--nocapture"]).env(SOCKET, socket);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test by itself: the next one runs it in a process of its own.
#[test]
fn becomes_the_cell() {
    let Ok(socket) = std::env::var(SOCKET) else { return };
    let root = rustix::process::geteuid().is_root();
    let user = |name: &str| root.then(|| name.to_owned());
    let config =
        Config { socket: socket.into(), user: user("nobody"), controld_user: user("root") };
    cell::run(&config).unwrap();
}

// R: AUTH-05, AUTH-07, ALM-01, GEN-03
#[test]
fn old_phones_come_through_the_cell_each_with_the_suite_of_its_mode() {
    let (site, capf) = mixed(DeviceSecurityMode::Authenticated);
    let socket = site.dir.path().join("legacytls.sock");
    let process = Process::start(&socket);
    let cell = Cell::at(&socket);
    let running = site.serve_with(|setup| setup.cell = Some(&cell));
    let (handle, to) = (running.handle(), running.secure_address());
    let open = |holding: &Holding, offer, name: &str, kind| {
        site.phone_in_time(to, holding, offer, name, kind)
    };
    let (alices, bobs) = (capf.issue(ALICE), capf.issue(BOB));
    let mut alice = open(&alices, ENCRYPTED, ALICE, M7970);
    alice.register();
    let mut bob = open(&bobs, AUTHENTICATED, BOB, M7960);
    bob.register();
    let suites: BTreeSet<_> =
        handle.registered().into_iter().filter_map(|phone| phone.suite).collect();
    let expected = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_NULL_SHA"];
    assert_eq!(suites, expected.map(str::to_owned).into());
    let counters = handle.counters();
    assert_eq!((counters.registered.encrypted, counters.registered.authenticated), (1, 1));
    // Their call is authenticated and has no keys.
    alice.dial("1002");
    bob.answer();
    assert!(alice.open().encryption.keying().unwrap().is_none());
    bob.open();
    until(|| handle.counters().calls_active.authenticated == 1, || format!("{:?}", handle.calls()));
    alice.say(OnHook { line: LineInstance(1), call: CallRef(0) });
    // The suite of another mode.
    let weak = open(&alices, AUTHENTICATED, ALICE, M7970);
    assert_eq!(weak.refusal(), "Security Error");
    await_alarm(handle, "TLS_INCOMPATIBLE");
    // Somebody else's issuer, through the cell.
    site.is_kept_out(to, Some(&Issuer::new("CAPF-1").issue(BOB)), ENCRYPTED);
    await_alarm(handle, "CERTIFICATE_NOT_TRUSTED");
    // The cell dies: its phones are gone, and come back by themselves when it is there again.
    drop(process);
    until(|| handle.registered().is_empty(), || format!("{:?}", handle.registered()));
    let _process = Process::start(&socket);
    let mut alice = open(&alices, ENCRYPTED, ALICE, M7970);
    alice.register();
    assert_eq!(handle.registered().len(), 1);
}

#[test]
fn thousands_of_half_open_connections_keep_nobody_out() {
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    let running = site.serve_with(|setup| {
        setup.limits.half_open = 300;
        setup.limits.half_open_per_address = 200;
    });
    let (plain, secure) = (running.plain_address(), running.secure_address());
    let mut alice = site.phone(secure, &capf.issue(ALICE), TODAY, ALICE, M7970);
    alice.register();
    // Each has to go for the next after the first two hundred.
    for round in 0..10 {
        let strangers: Vec<_> =
            (0..200).map(|n| connect(if n % 2 == 0 { plain } else { secure })).collect();
        let accepted = || running.handle().counters().since_start.accepted;
        until(|| accepted() >= 200 * (round + 1), || accepted().to_string());
        drop(strangers);
    }
    let mut bob = site.phone(secure, &capf.issue(BOB), TODAY, BOB, M7960);
    bob.register();
    alice.say(KeepAlive);
    alice.await_name("KeepAliveAck");
    assert_eq!(running.handle().registered().len(), 2);
    assert!(running.handle().counters().half_open <= 200);
}

// R: AUTH-05, AUTH-07
#[test]
fn by_policy_all_phones_go_into_the_cell() {
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    site.change(|change| change.set_parameter(None, "call-manager.modern-tls", "false"));
    let (alices, bobs) = (capf.issue(ALICE), capf.issue(BOB));
    // Without one, nobody is served.
    let alone = site.serve();
    site.is_kept_out(alone.secure_address(), Some(&alices), TODAY);
    drop(alone);
    let socket = site.dir.path().join("legacytls.sock");
    let process = Process::start(&socket);
    let cell = Cell::at(&socket);
    let running = site.serve_with(|setup| setup.cell = Some(&cell));
    let (handle, to) = (running.handle(), running.secure_address());
    site.phone_in_time(to, &alices, TODAY, ALICE, M7970).register();
    let mut bob = site.phone_in_time(to, &bobs, ENCRYPTED, BOB, M7960);
    bob.register();
    let mut alice = site.phone_in_time(to, &alices, TODAY, ALICE, M7970);
    alice.register();
    let registered = handle.registered();
    assert_eq!(registered.len(), 2);
    assert!(registered.iter().all(|phone| phone.security == Security::Encrypted));
    // It is there that their TLS ends.
    drop(process);
    while alice.hear().is_some() {}
    until(|| handle.registered().is_empty(), || format!("{:?}", handle.registered()));
}
