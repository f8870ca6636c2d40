//! Over TLS as it was spoken then.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use capf::codec::{CertificateType, KeySpec};
use capf::phone::Credential;
use capf::server::{AuthMode, Operation};
use openssl::ssl::{Ssl, SslContext, SslFiletype, SslMethod, SslStream, SslVersion};
use pki::PrivateKey;
use ringfence_phone::capf::{
    Caller, Enrolment, Habits, Manufacturer, Patience, Plan, Ram, Stopper, TlsManner, Trust,
    Verdict, Wallet, Workshop, run, run_until,
};
use ringfence_phone::{Conclusion, Model, SecurityMode};
use tftp::DeviceName;
use tlv::{Record, Role};

use crate::common::{Cluster, configuration};
use crate::office::{Office, at, device};

/// A service that listens.
pub struct Desk {
    office: Arc<Mutex<Office>>,
    pub address: SocketAddr,
    /// Connections that break before their first byte is answered.
    breaks: Arc<AtomicUsize>,
    /// Versions and suites of handshakes.
    spoken: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    pub fn open(office: Office) -> Self {
        Self::open_with(office, SslVersion::TLS1, "AES128-SHA")
    }

    fn open_with(office: Office, version: SslVersion, suites: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("capf.pem");
        office.key.save(&file, Some(office.authority.certificate())).unwrap();
        let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
        context.set_security_level(0);
        context.set_min_proto_version(Some(version)).unwrap();
        context.set_max_proto_version(Some(version)).unwrap();
        context.set_cipher_list(suites).unwrap();
        context.set_private_key_file(&file, SslFiletype::PEM).unwrap();
        context.set_certificate_file(&file, SslFiletype::PEM).unwrap();
        let (context, office) = (context.build(), Arc::new(Mutex::new(office)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let desk = Self {
            office,
            address: listener.local_addr().unwrap(),
            breaks: Arc::default(),
            spoken: Arc::default(),
        };
        let (office, breaks, spoken) =
            (desk.office.clone(), desk.breaks.clone(), desk.spoken.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let ssl = Ssl::new(&context).unwrap();
                let (office, breaks, spoken) = (office.clone(), breaks.clone(), spoken.clone());
                thread::spawn(move || {
                    let Ok(stream) = ssl.accept(stream.unwrap()) else { return };
                    let name = stream.ssl().current_cipher().unwrap().name().to_owned();
                    let line = format!("{} {name}", stream.ssl().version_str());
                    spoken.lock().unwrap().push(line);
                    let left = |left: usize| left.checked_sub(1);
                    let breaks =
                        breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok();
                    attend(stream, &office, breaks);
                });
            }
        });
        desk
    }

    pub fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn certificate(&self) -> Vec<u8> {
        self.office().authority.certificate().der().to_vec()
    }
}

fn attend(mut stream: SslStream<TcpStream>, office: &Mutex<Office>, breaks: bool) {
    let mut session = office.lock().unwrap().session(Instant::now());
    let mut buffer = [0; 4096];
    loop {
        let (sent, ended) = office.lock().unwrap().serve(Instant::now(), &mut session);
        for message in sent {
            if stream.write_all(&message).is_err() {
                return;
            }
        }
        if ended.is_some() {
            let _ = stream.shutdown();
            return;
        }
        match stream.read(&mut buffer) {
            // Killed: nobody says goodbye.
            Ok(_) if breaks => return,
            Ok(0) | Err(_) => return,
            Ok(length) => session.handle_bytes(at(Instant::now()), &buffer[..length]),
        }
    }
}

fn soon() -> Patience {
    Patience { interval: Duration::from_millis(200), ..Patience::default() }
}

fn caller(device: DeviceName, credential: Credential, desk: &Desk) -> Caller<Ram> {
    let habits = Habits::of(Model::M7960);
    Caller {
        enrolment: Enrolment::start(
            device,
            habits.manner,
            soon(),
            1,
            credential,
            Wallet::default(),
            Ram,
        ),
        servers: vec![desk.address],
        trust: Trust::OneOf(vec![desk.certificate()]),
        tls: habits.tls,
        source: None,
    }
}

// R: CAPF-03
#[test]
fn many_phones_of_one_thread_get_their_certificates_over_tls_1_0() {
    let mut office = Office::install(AuthMode::NullString);
    office.for_all = true;
    let desk = Desk::open(office);
    let callers = (0..60u8).map(|number| {
        let device = DeviceName::from_mac([0, 1, 2, 3, 4, number]);
        caller(device, Credential::NullString, &desk)
    });
    // Half of them with keys that were made before.
    let stock = (0..4).map(|_| PrivateKey::generate_legacy_rsa(512).unwrap()).collect();
    for workshop in [Workshop::new(2).unwrap(), Workshop::with_stock(0, stock).unwrap()] {
        let finished = run(callers.clone(), 20, &workshop).unwrap();
        assert_eq!(finished.len(), 60);
        for one in finished {
            assert_eq!(one.verdict, Verdict::Updated);
            let lsc = one.enrolment.wallet().lsc.as_ref().unwrap();
            let name = lsc.certificate.subject().common_name().unwrap().to_owned();
            assert_eq!(name, one.enrolment.device().as_str());
        }
    }
    assert_eq!(desk.office().installed, 120);
    let spoken = desk.spoken.lock().unwrap();
    assert!(spoken.iter().all(|line| line == "TLSv1 AES128-SHA"), "{spoken:?}");
}

#[test]
fn a_phone_of_our_days_speaks_tls_of_our_days() {
    let office = Office::install(AuthMode::NullString);
    let desk = Desk::open_with(office, SslVersion::TLS1_2, "ECDHE+AESGCM");
    let mut modern = caller(device(), Credential::NullString, &desk);
    modern.tls = TlsManner::modern();
    let workshop = Workshop::new(1).unwrap();
    let finished = run([modern], 1, &workshop).unwrap();
    assert_eq!(finished[0].verdict, Verdict::Updated);
    // One of the old days finds no common language there.
    let old = caller(device(), Credential::NullString, &desk);
    let finished = run([old], 1, &workshop).unwrap();
    assert_eq!(finished[0].verdict.to_string(), "Failed: no connection to the CAPF server");
}

// R: LOG-02
#[test]
fn a_server_with_another_certificate_than_the_ctl_has_hears_nothing() {
    let desk = Desk::open(Office::install(AuthMode::NullString));
    let workshop = Workshop::new(1).unwrap();
    for known in [vec![], vec![b"another".to_vec()]] {
        let mut suspicious = caller(device(), Credential::NullString, &desk);
        suspicious.trust = Trust::OneOf(known);
        let finished = run([suspicious], 1, &workshop).unwrap();
        let said = finished[0].verdict.to_string();
        assert_eq!(said, "Failed: the server's certificate is not in the CTL");
    }
    assert_eq!(desk.office().installed, 0);
}

// R: CAPF-12
#[test]
fn a_server_that_is_killed_in_mid_enrolment_is_found_again() {
    let desk = Desk::open(Office::install(AuthMode::NullString));
    desk.breaks.store(3, Ordering::SeqCst);
    let workshop = Workshop::new(1).unwrap();
    let finished = run([caller(device(), Credential::NullString, &desk)], 1, &workshop).unwrap();
    assert_eq!(finished[0].verdict, Verdict::Updated);
    assert!(finished[0].took >= Duration::from_millis(600));
    assert_eq!(desk.office().sessions, 4);
}

#[test]
fn stop_is_heard_while_a_key_is_made() {
    let desk = Desk::open(Office::install(AuthMode::NullString));
    // Nobody makes keys there.
    let idle = Workshop::new(0).unwrap();
    let stopper = Stopper::default();
    let one = caller(device(), Credential::NullString, &desk);
    let finished = run_until([one], 1, &idle, &stopper, |_, notice| {
        if notice.to_string().contains("> REQUEST_IN_PROGRESS") {
            stopper.stop();
        }
    });
    assert_eq!(finished.unwrap()[0].verdict, Verdict::Stopped);
    let office = desk.office();
    assert_eq!((office.installed, office.operation), (0, Operation::Install(KeySpec::Rsa(512))));
}

#[test]
fn a_phone_calls_from_its_own_address() {
    let desk = Desk::open(Office::install(AuthMode::NullString));
    let mut one = caller(device(), Credential::NullString, &desk);
    one.source = Some("127.0.0.77".parse().unwrap());
    let finished = run([one], 1, &Workshop::new(1).unwrap()).unwrap();
    assert_eq!(finished[0].verdict, Verdict::Updated);
}

/// A cluster whose list names the desk, and the phone's configuration with this mode for CAPF.
fn cluster(desk: &Desk, security: u8, capf: u8) -> Cluster {
    let cluster = Cluster::new();
    let mut records = cluster.records();
    let record = Record { certificate: Some(desk.certificate()), ..Record::bare(Role::Capf) };
    records.push(record);
    cluster.publish_ctl(&cluster.tokens[0], &records);
    let (address, port) = (desk.address.ip(), desk.address.port());
    let elements = format!(
        "<capfAuthMode>{capf}</capfAuthMode><capfList><capf><phonePort>{port}</phonePort>\
         <processNodeName>{address}</processNodeName></capf></capfList></device>"
    );
    let file = configuration(security, "").replace("</device>", &elements);
    let name = format!("{}.cnf.xml", crate::common::DEVICE);
    cluster.publish_signed(&name, file.as_bytes());
    cluster
}

fn registers(conclusion: &Conclusion) -> bool {
    matches!(conclusion, Conclusion::Register { mode: SecurityMode::Encrypted, .. })
}

// R: CAPF-13
#[test]
fn a_secure_phone_does_not_register_before_capf_has_ended() {
    let desk = Desk::open(Office::install(AuthMode::NullString));
    let cluster = cluster(&desk, 3, 2);
    let phone = cluster.phone(Model::M7960);
    let habits = Habits { patience: soon(), ..Habits::of(Model::M7960) };
    let mut said = vec![];
    let started =
        phone.start(None, &habits, &Stopper::default(), |it| said.push(it.to_string())).unwrap();
    let without = Conclusion::Stay("its mode is secure, and it has no certificate");
    assert_eq!((started.boot.conclusion, started.verdict), (without, Some(Verdict::Updated)));
    assert!(registers(&started.again.unwrap().conclusion));
    assert!(said.iter().any(|line| line.starts_with("LSC: stored, issued by CN=CAPF-test")));
    // The next morning it has its certificate, and finds nothing to do at CAPF.
    let started = phone.start(None, &habits, &Stopper::default(), |_| ()).unwrap();
    assert_eq!(started.verdict, Some(Verdict::Unchanged));
    assert!(registers(&started.boot.conclusion) && started.again.is_none());
}

// R: CAPF-13
#[test]
fn without_the_string_its_user_has_to_type_a_secure_phone_stays_out() {
    let desk = Desk::open(Office::install(AuthMode::String));
    let cluster = cluster(&desk, 3, 1);
    let phone = cluster.phone(Model::M7960);
    let habits = Habits { patience: soon(), ..Habits::of(Model::M7960) };
    let started = phone.start(None, &habits, &Stopper::default(), |_| ()).unwrap();
    assert_eq!((started.plan, started.verdict), (Plan::AwaitString, None));
    assert!(matches!(started.boot.conclusion, Conclusion::Stay(_)));
}

// R: CAPF-13, CAPF-04
#[test]
fn a_7970_shows_its_mic_and_then_its_lsc() {
    let mut office = Office::install(AuthMode::ExistingLsc);
    let now = std::time::SystemTime::now();
    let home = tempfile::tempdir().unwrap();
    let maker = Manufacturer::open(&home.path().join("maker.pem"), now).unwrap();
    office.settings.anchors.mic = vec![maker.certificate().clone()];
    let desk = Desk::open(office);
    let cluster = cluster(&desk, 3, 3);
    let phone = cluster.phone_with(Model::M7970, false);
    // The same maker again, as another program would open him.
    let maker = Manufacturer::open(&home.path().join("maker.pem"), now).unwrap();
    let mic = maker.equip(Model::M7970, phone.identity.device, now).unwrap();
    let wallet = Wallet { mic, ..Wallet::default() };
    phone.flash.write_wallet(&Wallet::default(), &wallet).unwrap();
    let habits = Habits { patience: soon(), ..Habits::of(Model::M7970) };
    let started = phone.start(None, &habits, &Stopper::default(), |_| ()).unwrap();
    assert!(registers(&started.boot.conclusion), "with its MIC it may register");
    assert_eq!(started.verdict, Some(Verdict::Updated));
    let wallet = phone.flash.read_wallet().unwrap();
    assert!(wallet.lsc.is_some() && wallet.mic.is_some());
    // From now on the MIC does not matter.
    desk.office().operation = Operation::Delete;
    desk.office().settings.anchors.mic.clear();
    let credential = Credential::Existing(CertificateType::LSC);
    let verdict =
        phone.enrol(credential, vec![desk.address], &habits, &Stopper::default(), |_| ()).unwrap();
    assert_eq!(verdict, Verdict::Updated);
    assert!(phone.flash.read_wallet().unwrap().lsc.is_none());
}
