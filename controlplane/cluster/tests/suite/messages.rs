//! Every message of the CTL client, provoked. Those about certificates, keys and tokens alone are
//! provoked by the tests of `pki`, the request for another token by those of `cli`.

use std::fs;

use crate::support::{Office, author, credentials, now, self_signed, template, token};
use lang::Language;
use messages::testing::Provoked;
use messages::{Explain, certificate, input, provider, token, trust_list};
use pki::check::{self, Keys, ServerCertificate};
use pki::issue::{self, Usage};
use pki::{Hash, Identity, KeyKind, PrivateKey, PublicKey, SignError, Signer};
use ringfence_cluster::client::{
    Cluster, Credentials, KnownServers, Remote, Server, Settings, TlsTransport, Trace,
    TransportFault,
};
use ringfence_cluster::http::{self, Request, Response};
use ringfence_cluster::inventory;
use ringfence_cluster::list::{
    Draft, ListFault, issuer_shown, present_list, read_list, subject_shown,
};
use ringfence_cluster::preflight::{Held, Preflight};
use ringfence_cluster::provider::api::{API_VERSION, Bytes, CapfCertificates, NodeList, Operation};
use ringfence_cluster::provider::{Problem, ProblemBody, tls};
use ringfence_cluster::required::{Inventory, update_required};
use store::{SecurityMode, Service};
use tlv::Role;

// R: MSG-01
#[test]
fn every_message_is_provoked() {
    let mut provoked = Provoked::default();
    typed_input(&mut provoked);
    logins(&mut provoked);
    drafts(&mut provoked);
    files(&mut provoked);
    pushes(&mut provoked);
    nodes(&mut provoked);
    clients(&mut provoked);
    connections(&mut provoked);
    answers(&mut provoked);
    databases(&mut provoked);

    let about_lists = [
        &certificate::NO_VALID_SERVER_CERTIFICATE,
        &token::COULD_NOT_SIGN_FILE,
        &token::COULD_NOT_VERIFY,
        &token::NEW_TOKEN_CANNOT_SIGN,
        &token::TOKEN_ALREADY_IN_FILE,
        &token::TOKEN_CANNOT_SIGN,
    ];
    let ours = [input::ALL, trust_list::ALL, provider::ALL].concat();
    assert_eq!(provoked.missing(ours.iter().chain(&about_lists)), [] as [&str; 0]);
}

fn typed_input(provoked: &mut Provoked) {
    for text in ["cm1:port", "cm1:80", "192.0.2.300", "not a host"] {
        provoked.fails(Server::parse(text));
    }
    provoked.fails(Settings::fresh().save("/nowhere/settings.json".as_ref()));
    provoked.fails(Trace::open("/nowhere/trace.log".as_ref()));
}

fn logins(provoked: &mut Provoked) {
    let office = Office::new(1);
    let login = |user: &str, password: &str| {
        let credentials = Credentials {
            user: user.into(),
            password: store::Password::new(password),
            client: "c".into(),
        };
        Remote::login(&office, office.server(), &credentials)
    };
    provoked.fails(login("admin", "wrong"));
    provoked.fails(login("", "Correct-Horse-9"));
    provoked.fails(login("admin", ""));
    provoked.fails(login("guest", "Correct-Horse-9"));
    let lost = Request {
        method: "GET".into(),
        path: "/v2".into(),
        bearer: None,
        body: Default::default(),
    };
    let answer = office.machines[0].provider.handle(&lost, office.machines[0].address, now());
    let body: ProblemBody = serde_json::from_slice(&answer.body).unwrap();
    provoked.note(&body.error);
    let newer = Problem { id: "OF_A_NEWER_RELEASE".into(), values: Default::default() };
    assert!(newer.to_string().contains("OF_A_NEWER_RELEASE"));
}

fn drafts(provoked: &mut Provoked) {
    let office = Office::new(1);
    let cluster = office.connect();
    let found = cluster.discover(now()).unwrap();
    let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
    let [a, b, c, x] = ["sast-1", "sast-2", "sast-3", "x"].map(token);
    draft.add_token(a.certificate()).unwrap();
    provoked.fails(draft.finish(&a, now()));
    provoked.fails(draft.add_token(a.certificate()));
    draft.add_token(b.certificate()).unwrap();
    provoked.note(&draft.delete(Some(0)).unwrap());
    provoked.fails(draft.delete(None));
    provoked.fails(draft.delete(Some(2)));
    provoked.note(&draft.close().unwrap());
    provoked.fails(draft.finish(&x, now()));
    let alternate = checked("tftp.example");
    let address = "198.51.100.7".parse().unwrap();
    draft.add_alternate_tftp("tftp.example", address, &alternate).unwrap();
    provoked.fails(draft.add_alternate_tftp("tftp.example", address, &checked("other")));
    let elsewhere = "198.51.100.8".parse().unwrap();
    provoked.fails(draft.add_alternate_tftp("other.example", elsewhere, &alternate));
    let new = draft.finish(&b, now()).unwrap();

    let mut update = Draft::update(new.list.clone(), &found).unwrap();
    update.add_token(c.certificate()).unwrap();
    provoked.fails(update.finish(&c, now()));

    // Certificates of alternate servers do not survive Non-Secure mode.
    let plain = Draft::set_mode(new.list, SecurityMode::NonSecure, &found).unwrap();
    let plain = plain.finish(&a, now()).unwrap();
    let entry = plain.list.with_role(Role::CcmTftp).next().unwrap();
    for language in Language::ALL {
        let labels = [&trust_list::LABEL_NO_SUBJECT_NAME, &trust_list::LABEL_NO_ISSUER_NAME];
        assert_eq!(subject_shown(entry, language), labels[0].text.get(language));
        assert_eq!(issuer_shown(entry, language), labels[1].text.get(language));
        labels.iter().for_each(|label| provoked.note(label));
    }
    let back = Draft::set_mode(plain.list, SecurityMode::Mixed, &found).unwrap();
    provoked.fails(back.finish(&a, now()));

    office.set_services(0, vec![Service::CtlProvider]);
    let nobody = office.connect().discover(now()).unwrap();
    provoked.fails(Draft::create(SecurityMode::Mixed, &nobody));

    let signers = [
        broken_token(KeyKind::Rsa1024, None),
        broken_token(KeyKind::Rsa1024, Some(vec![0; 128])),
        broken_token(KeyKind::Rsa3072, None),
    ];
    for signer in signers {
        let mut draft = Draft::create(SecurityMode::Mixed, &found).unwrap();
        draft.add_token(signer.certificate()).unwrap();
        draft.add_token(a.certificate()).unwrap();
        provoked.fails(draft.finish(&signer, now()));
    }

    let mut full = Draft::create(SecurityMode::Mixed, &found).unwrap();
    let many: Vec<_> = (0..100).map(|number| token(&format!("sast-{number}"))).collect();
    many[..99].iter().for_each(|token| full.add_token(token.certificate()).unwrap());
    provoked.fails(full.finish(&many[0], now()));
    provoked.fails(full.add_token(many[99].certificate()));
}

fn files(provoked: &mut Provoked) {
    let office = Office::new(1);
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (new, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    let bytes = new.list.as_bytes();
    provoked.fails(present_list(b""));
    provoked.fails(present_list(&[7; 64]));
    let mut tampered = bytes.to_vec();
    *tampered.last_mut().unwrap() ^= 1;
    provoked.fails(present_list(&tampered));

    let header = bytes.len() - records(bytes).concat().len();
    let with = |records: &[Vec<u8>]| [&bytes[..header], &records.concat()].concat();
    let all = records(bytes);
    provoked.fails(present_list(&with(&[])));
    provoked.fails(present_list(&with(&all[2..])));
    provoked.fails(present_list(&with(&all[..1])));

    let file = office.dir.join("file");
    fs::write(&file, "").unwrap();
    provoked.fails(read_list(&file.join("CTLFile.tlv")));
    provoked.fails(read_list(&office.dir));
}

/// The records of a list, each with its length.
fn records(list: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &list[usize::from(u16::from_be_bytes([list[8], list[9]]))..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (record, more) = rest.split_at(usize::from(u16::from_be_bytes([rest[3], rest[4]])));
        records.push(record.to_vec());
        rest = more;
    }
    records
}

fn pushes(provoked: &mut Provoked) {
    let mut office = Office::new(2);
    let [a, b, x, y] = ["sast-1", "sast-2", "x", "y"].map(token);
    let (first, report) = office.create(SecurityMode::Mixed, [&a, &b]);
    provoked.note(&report);
    provoked.note(&report.follow_up().unwrap());
    office.cut("cm2");
    provoked.note(&office.connect().push_again().unwrap());
    office.mend("cm2");

    let held = Held::List(first.list.clone());
    let (foreign, _) = Office::new(1).create(SecurityMode::Mixed, [&x, &y]);
    let stranded = Preflight::of(&foreign.list, [("SEP000000000001", &held)]);
    provoked.fails(stranded.check());
    office.add_node(KeyKind::Rsa1024);
    let inventory = Inventory::of_store(&office.store).unwrap();
    provoked.note(&update_required(&first.list, &inventory)[0]);
    provoked.note(&office.connect().paths_that_differ().unwrap()[0]);

    let theirs = office.dir.join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("CTLFile.tlv"), foreign.list.as_bytes()).unwrap();
    office.set_parameter(None, "tftp.alternate-file-location-1", theirs.to_str().unwrap());
    let report = office.connect().push_again().unwrap();
    report.results.iter().filter_map(|r| r.fault.as_ref()).for_each(|f| provoked.note(f));

    office.set_parameter(None, "tftp.alternate-file-location-1", "");
    office.intercept(|_, request| refuse(request, Operation::SetClusterSecurityMode));
    provoked.note(&office.connect().push_again().unwrap());
    *office.intercept.lock().unwrap() = None;

    fs::remove_file(office.machines[0].ctl_file()).unwrap();
    provoked.fails(office.connect().present());
    fs::write(office.machines[1].ctl_file(), "nonsense, nonsense").unwrap();
    let cluster = office.connect();
    let node = cluster.node("cm2").unwrap().unwrap();
    provoked.fails(node.post_ctl_file(foreign.list.as_bytes(), false));
}

/// Who may have a copy of the database.
// R: BAK-03
fn databases(provoked: &mut Provoked) {
    let office = Office::new(2);
    let joins = |server: &str, node: &str, name: &str| {
        let server = Server::parse(server).unwrap();
        let remote = Remote::login(&office, server, &credentials("c")).unwrap();
        remote.join_database(node, self_signed(name).der())
    };
    provoked.fails(joins("cm1", "cm2", "cm2"));
    let own = self_signed("cm1");
    let take = |change: &mut store::Change<'_>| inventory::put_database(change, "cm1", &own);
    office.store.change(&author(), now(), take).unwrap();
    provoked.fails(joins("cm2", "cm2", "cm2"));
    provoked.fails(joins("cm1", "cm9", "cm9"));
    provoked.fails(joins("cm1", "cm1", "cm1"));
    assert!(joins("cm1", "cm2", "cm1").is_err(), "another node's name");

    // One that joins again has a new certificate, and the old one is of no more use.
    for _ in 0..2 {
        let joined = joins("cm1", "cm2", "cm2").unwrap();
        let names: Vec<&str> = joined.iter().map(|database| &*database.node).collect();
        assert_eq!(names, ["cm1", "cm2"]);
        assert_eq!(joined[0].certificate.0, own.der());
    }
    let role = store::CertificateRole::Database;
    let kept = office.store.read(|view| view.certificates()).unwrap();
    assert_eq!(kept.iter().filter(|it| it.role == role && it.owner == "cm2").count(), 1);
}

fn nodes(provoked: &mut Provoked) {
    let office = Office::new(2);
    office.cut("cm2");
    provoked.fails(office.connect().discover(now()));
    office.mend("cm2");
    office.activate_capf();
    office.intercept(|_, request| {
        let nothing = CapfCertificates { certificates: vec![Bytes(b"nonsense".to_vec())] };
        answer(request, Operation::GetCapfCertificate, &nothing)
    });
    provoked.fails(office.connect().discover(now()));
    office.intercept(|_, request| {
        let mut list = NodeList::default();
        list.nodes.push(ringfence_cluster::provider::api::NodeInfo {
            name: "x".repeat(257),
            address: "192.0.2.1".parse().unwrap(),
            publisher: true,
            call_manager: true,
            tftp: true,
            capf: false,
            provider_port: None,
            fingerprint: None,
        });
        answer(request, Operation::GetCcmList, &list)
    });
    let connected = Cluster::connect(&office, office.server(), &credentials("c"));
    provoked.fails(connected);
    *office.intercept.lock().unwrap() = None;
    fs::remove_file(office.machines[0].certificates.join("CAPF.cer")).unwrap();
    provoked.fails(office.connect().discover(now()));

    let empty = Office::without_cluster();
    provoked.fails(empty.connect().publisher().paths());
}

fn clients(provoked: &mut Provoked) {
    let office = Office::new(1);
    let connect =
        |client: &str| Cluster::connect(&office, office.server(), &credentials(client)).unwrap();
    let entered = Default::default();
    for number in 0..5 {
        connect(&format!("client-{number}")).publisher().keep(&entered).unwrap();
    }
    provoked.fails(connect("client-5").publisher().keep(&entered));
    provoked.fails(connect("client-0").publisher().take_turn(Some(b"another")));
    connect("client-0").publisher().take_turn(None).unwrap();
    provoked.fails(connect("client-1").publisher().take_turn(None));
}

fn connections(provoked: &mut Provoked) {
    let office = Office::new(1);
    provoked.fails(tls::server_config(&office.machines[0].keys, now()));
    let transport = TlsTransport::new(KnownServers::new(), |_, _| true);
    let login = |host: &str, port| {
        let server = Server { host: host.into(), port, ..office.server() };
        Remote::login(&transport, server, &credentials("c"))
    };
    provoked.fails(login("name.invalid", 2444));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let closing = std::thread::spawn(move || drop(listener.accept().unwrap()));
    provoked.fails(login("127.0.0.1", port));
    closing.join().unwrap();
    provoked.fails(login("127.0.0.1", port));
}

fn answers(provoked: &mut Provoked) {
    let office = Office::new(1);
    office.activate_capf();
    let [a, b] = ["sast-1", "sast-2"].map(token);
    let (new, _) = office.create(SecurityMode::Mixed, [&a, &b]);
    for (operation, ..) in Operation::ALL {
        if operation == Operation::GetDocument {
            continue;
        }
        // The provider fails without a word; its answer is JSON of something else.
        office.intercept(move |_, request| refuse(request, operation));
        attempt(&office, new.list.as_bytes(), provoked);
        office.intercept(move |_, request| answer(request, operation, &7));
        attempt(&office, new.list.as_bytes(), provoked);
    }
    let version = Operation::GetCtlVersion;
    let strange = |body: &'static [u8]| {
        move |_: &Server, request: &Request| {
            asks(request, version).then(|| Ok(Response { status: 200, body: body.to_vec() }))
        }
    };
    office.intercept(strange(br#"{"api":99,"release":"9.9"}"#));
    assert_ne!(API_VERSION, 99);
    attempt(&office, b"", provoked);
    office.intercept(strange(b"220 ready"));
    attempt(&office, b"", provoked);
    office.intercept(|_, _| {
        let long = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
        let fault = http::read_response(&mut long.as_slice()).unwrap_err();
        Some(Err(TransportFault::from(fault)))
    });
    attempt(&office, b"", provoked);
}

/// Asks everything once and notes what fails.
fn attempt(office: &Office, list: &[u8], provoked: &mut Provoked) {
    let mut note = |result: Result<(), ringfence_cluster::client::ClientFault>| {
        if let Err(fault) = result {
            provoked.note(&fault);
        }
    };
    let remote = match Remote::login(office, office.server(), &credentials("client-1")) {
        Ok(remote) => remote,
        Err(fault) => return provoked.note(&fault),
    };
    note(remote.take_turn(Some(list)));
    note(remote.nodes().map(drop));
    note(remote.call_manager_certificate().map(drop));
    note(remote.capf_certificates().map(drop));
    note(remote.capf_file().map(drop));
    note(remote.ctl_file().map(drop));
    note(remote.post_ctl_file(list, false).map(drop));
    note(remote.mode().map(drop));
    note(remote.set_mode(SecurityMode::Mixed));
    note(remote.paths().map(drop));
    note(remote.phones().map(drop));
    note(remote.end_turn());
}

fn asks(request: &Request, operation: Operation) -> bool {
    Operation::of(&request.method, &request.path) == Some(operation)
}

fn refuse(request: &Request, operation: Operation) -> Option<Result<Response, TransportFault>> {
    asks(request, operation).then(|| Ok(Response { status: 500, body: Vec::new() }))
}

fn answer(
    request: &Request,
    operation: Operation,
    value: &impl serde::Serialize,
) -> Option<Result<Response, TransportFault>> {
    let body = serde_json::to_vec(value).unwrap();
    asks(request, operation).then_some(Ok(Response { status: 200, body }))
}

fn checked(name: &str) -> ServerCertificate {
    check::server_certificate(self_signed(name).der(), now(), Keys::RsaOnly).unwrap()
}

/// A token that was pulled out, or whose chip is faulty.
struct Broken {
    key: PrivateKey,
    signature: Option<Vec<u8>>,
}

impl Signer for Broken {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, _: Hash, _: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature.clone().ok_or_else(|| SignError::Refused("it was removed".into()))
    }
}

fn broken_token(kind: KeyKind, signature: Option<Vec<u8>>) -> Identity {
    let key = PrivateKey::generate(kind);
    let template = template("broken", Usage::Signing);
    let certificate = issue::self_signed(&template, Hash::Sha256, &key).unwrap();
    Identity::new(certificate, Broken { key, signature }).unwrap()
}

#[test]
fn what_is_shown_of_a_fault_names_the_thing() {
    let fault = ListFault::ServerExists("CCM+TFTP cm1".into());
    assert_eq!(fault.message(), &trust_list::SERVER_EXISTS);
    assert!(fault.to_string().contains("cm1"));
    assert_eq!(Server::parse("cm1:80").unwrap_err().message(), &input::INVALID_PORT_RANGE);
}
