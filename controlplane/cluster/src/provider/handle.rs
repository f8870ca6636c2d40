//! Answers to requests, one function an operation.

mod databases;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use messages::{Explain, Message, input, provider, trust_list};
use pki::CertificateFault;
use pki::certificate::hex;
use pki::check::{self, Keys};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{
    Author, CertificateRole, CtlVersion, NodeRole, Password, SecurityMode, Service, Store,
};
use tlv::{CtlFile, Trust, VerifiedCtl};

use super::api::{self, Bytes, Operation};
use super::desk::Desk;
use super::session::{Seated, Sessions};
use super::{NodeFiles, Problem, ProblemBody};
use crate::http::{Request, Response};
use crate::inventory;
use crate::list::{ListFault, mode_of, present_list};
use crate::locations::{LocationFault, Locations};
use crate::preflight::{Held, PhoneLists};

/// Longest user name and password that are looked at.
const MAX_CREDENTIAL: usize = 256;

/// The provider of one node.
pub struct Provider {
    store: Arc<Store>,
    node: String,
    files: NodeFiles,
    phones: Arc<Mutex<PhoneLists>>,
    sessions: Mutex<Sessions>,
    desk: Mutex<Desk>,
}

/// What is known when an operation begins.
struct Call<'a> {
    body: &'a [u8],
    token: &'a str,
    seated: Seated,
    author: Author,
    now: SystemTime,
}

/// What an operation answers with.
type Answer = Result<Response, Refused>;

/// An error with its status code.
struct Refused {
    status: u16,
    problem: Problem,
}

impl Refused {
    fn new(status: u16, error: &dyn Explain) -> Self {
        Self { status, problem: Problem::of(error) }
    }
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        let detail = error.to_string();
        Self::new(500, &Detailed(&provider::DATABASE_EXCEPTION, vec![("detail", detail)]))
    }
}

/// A message with its values.
struct Detailed(&'static Message, Vec<(&'static str, String)>);

impl Explain for Detailed {
    fn message(&self) -> &'static Message {
        self.0
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        self.1.clone()
    }
}

impl Provider {
    /// The provider of `node`.
    pub fn new(
        store: Arc<Store>,
        node: impl Into<String>,
        files: NodeFiles,
        phones: Arc<Mutex<PhoneLists>>,
    ) -> Self {
        let node = node.into();
        let (sessions, desk) = (Mutex::default(), Mutex::default());
        Self { store, node, files, phones, sessions, desk }
    }

    /// Users whose entries nobody has signed yet, for the status page.
    pub fn unsigned(&self) -> Vec<String> {
        lock(&self.desk).unsigned().map(str::to_owned).collect()
    }

    /// Answers a request from `peer`.
    pub fn handle(&self, request: &Request, peer: IpAddr, now: SystemTime) -> Response {
        self.answer(request, peer, now).unwrap_or_else(|Refused { status, mut problem }| {
            problem.values.entry("server".into()).or_insert_with(|| self.node.clone());
            json(status, &ProblemBody { error: problem })
        })
    }

    fn answer(&self, request: &Request, peer: IpAddr, now: SystemTime) -> Answer {
        let operation = Operation::of(&request.method, &request.path).ok_or_else(|| {
            let detail = format!("there is no {} {}", request.method, request.path);
            Refused::new(404, &Detailed(&input::UNKNOWN_CTL_ERROR, vec![("detail", detail)]))
        })?;
        if operation.is_public() {
            return match operation {
                Operation::AuthenticateUser => self.authenticate(&request.body, peer, now),
                Operation::GetDocument => {
                    Ok(Response { status: 200, body: api::OPENAPI.as_bytes().to_vec() })
                }
                _ => ok(&api::Version {
                    api: api::API_VERSION,
                    release: env!("CARGO_PKG_VERSION").into(),
                }),
            };
        }
        let token = request.bearer.as_deref().unwrap_or_default();
        let seated = lock(&self.sessions).find(token, now);
        let seated = seated.ok_or_else(|| Refused::new(401, &&input::USER_NOT_AUTHENTICATED))?;
        let author = Author::new(&seated.user, format!("CTL client {peer}"));
        let call = Call { body: &request.body, token, seated, author, now };
        self.perform(operation, &call)
    }

    fn perform(&self, operation: Operation, call: &Call<'_>) -> Answer {
        match operation {
            Operation::GetCtlVersion | Operation::GetDocument | Operation::AuthenticateUser => {
                unreachable!("public operations are answered before")
            }
            Operation::Leave => {
                lock(&self.sessions).end(call.token);
                no_content()
            }
            Operation::GetCcmList => self.nodes(),
            Operation::GetCcmCertificate => self.call_manager_certificate(call.now),
            Operation::GetCapfCertificate => self.capf_certificates(call.now),
            Operation::GetCapfFile => self.capf_file(call.now),
            Operation::PostCapfFile => self.post_capf_file(call),
            Operation::GetCtlFile => self.ctl_file(),
            Operation::GetAcceptedCtlFile => {
                let accepted = self.store.read(|view| view.ctl())?;
                let accepted = accepted.ok_or_else(|| Refused::new(404, &ListFault::NoFile))?;
                ok(&api::CtlFileBody { file: Bytes(accepted.file) })
            }
            Operation::PostCtlFile => self.post_ctl_file(call),
            Operation::DeleteCtlFile => self.delete_ctl_file(call),
            Operation::GetClusterSecurityMode => {
                let mode = self.store.read(|view| view.security_mode())?.number();
                ok(&api::Mode { mode })
            }
            Operation::SetClusterSecurityMode => self.set_mode(call),
            Operation::GetAlternatePaths => {
                let locations = self.locations()?;
                ok(&api::Paths {
                    primary: shown(&locations.primary),
                    alternates: locations.alternates.iter().map(|path| shown(path)).collect(),
                })
            }
            Operation::GetPhones => ok(&encode_phones(&lock(&self.phones))),
            Operation::GetConfiguration => ok(&lock(&self.desk).entered(&call.seated.client)),
            Operation::PutConfiguration => {
                let Seated { user, client } = &call.seated;
                let entered = parse(call.body)?;
                let kept = lock(&self.desk).keep(client, user, entered, call.now);
                kept.map_err(|fault| Refused::new(409, &fault))?;
                no_content()
            }
            Operation::DeleteConfiguration => {
                lock(&self.desk).forget(&call.seated.client);
                no_content()
            }
            Operation::TakeTurn => self.take_turn(call),
            Operation::EndTurn => {
                lock(&self.desk).end_turn(&call.seated.client);
                no_content()
            }
            Operation::JoinDatabase => self.join_database(call),
        }
    }

    fn authenticate(&self, body: &[u8], peer: IpAddr, now: SystemTime) -> Answer {
        let mut login: api::Login = parse(body)?;
        let fits = |text: &str| {
            !text.is_empty() && text.len() <= MAX_CREDENTIAL && !text.chars().any(char::is_control)
        };
        if !fits(&login.user) {
            return Err(Refused::new(400, &&input::INVALID_USER_NAME));
        }
        if !fits(&login.password) {
            return Err(Refused::new(400, &&input::INVALID_PASSWORD));
        }
        if !fits(&login.client) {
            return Err(malformed("the client has no name"));
        }
        if !lock(&self.sessions).may_try(&login.user, now) {
            return Err(Refused::new(429, &&input::USER_NOT_AUTHENTICATED));
        }
        let password = Password::new(std::mem::take(&mut *login.password));
        let found = self.store.authenticate(&login.user, &password)?;
        let Some(administrator) = found else {
            lock(&self.sessions).failed(&login.user, now);
            return Err(Refused::new(401, &&input::USER_NOT_AUTHENTICATED));
        };
        if !administrator.role.may_run_ctl_client() {
            let values = vec![("user", login.user)];
            return Err(Refused::new(403, &Detailed(&input::INVALID_GROUP_NAME, values)));
        }
        let seated = Seated { user: administrator.name, client: login.client };
        let author = Author::new(&seated.user, format!("CTL client {peer}"));
        let token = lock(&self.sessions).begin(seated, now);
        self.audit(&author, now, "ctl-login", &self.node);
        ok(&api::Session { token })
    }

    fn nodes(&self) -> Answer {
        let (nodes, certificates, ports, restored) = self.store.read(|view| {
            let nodes = view.nodes()?;
            let mut ports = Vec::new();
            for node in &nodes {
                let port = view.parameter(Some(&node.name), "ctl-provider.port")?;
                ports.push(port.integer()?);
            }
            Ok((nodes, view.certificates()?, ports, view.restored_since_ctl()?))
        })?;
        let fingerprint = |name: &str| {
            let own =
                |c: &&store::Certificate| c.role == CertificateRole::CallManager && c.owner == name;
            certificates.iter().rfind(own).map(store::Certificate::fingerprint)
        };
        let nodes = nodes.iter().zip(ports).map(|(node, port)| {
            let runs = |service| node.services.contains(&service);
            api::NodeInfo {
                name: node.name.clone(),
                address: node.address,
                publisher: node.role == NodeRole::Publisher,
                call_manager: runs(Service::CallManager),
                tftp: runs(Service::Tftp),
                capf: runs(Service::Capf),
                provider_port: runs(Service::CtlProvider).then_some(port),
                fingerprint: fingerprint(&node.name),
            }
        });
        ok(&api::NodeList { nodes: nodes.collect(), restored })
    }

    fn call_manager_certificate(&self, now: SystemTime) -> Answer {
        let certificate = self.files.call_manager(now).map_err(|f| Refused::new(500, &f))?;
        ok(&api::CertificateBody { certificate: Bytes(certificate.der().to_vec()) })
    }

    fn capf_certificates(&self, now: SystemTime) -> Answer {
        let certificates = match self.runs_capf()? {
            true => vec![self.read_capf(now)?],
            false => Vec::new(),
        };
        ok(&api::CapfCertificates { certificates })
    }

    fn capf_file(&self, now: SystemTime) -> Answer {
        ok(&api::CapfFile { certificate: self.read_capf(now)? })
    }

    fn read_capf(&self, now: SystemTime) -> Result<Bytes, Refused> {
        match self.files.capf(now) {
            Ok(certificate) => Ok(Bytes(certificate.der().to_vec())),
            Err(CertificateFault::NoFile(_)) => {
                Err(Refused::new(500, &ListFault::NoCapfCertificate))
            }
            Err(fault) => Err(Refused::new(500, &fault)),
        }
    }

    fn post_capf_file(&self, call: &Call<'_>) -> Answer {
        let body: api::CapfFile = parse(call.body)?;
        let certificate = check::server_certificate(&body.certificate.0, call.now, Keys::RsaAndEc)
            .map_err(|fault| Refused::new(400, &fault))?;
        let paths = self.files.put_capf(&certificate).map_err(|error| {
            let values = vec![("detail", error.to_string())];
            Refused::new(500, &Detailed(&provider::DURING_GET_CAPF_FILE, values))
        })?;
        let fingerprint = certificate.fingerprint();
        let noted = self.store.change(&call.author, call.now, |change| {
            let mut paths = paths.iter();
            paths.try_for_each(|path| {
                change.put_certificate_copy(&fingerprint, &self.node, &shown(path))
            })
        });
        match noted {
            // A subscriber's database is a copy that cannot be written.
            Ok(_) => {}
            Err(error) if error.is_of_a_copy() => {}
            Err(error) => return Err(error.into()),
        }
        ok(&api::CapfFileWritten { paths: paths.iter().map(|path| shown(path)).collect() })
    }

    fn ctl_file(&self) -> Answer {
        // A damaged file is given out too: the client tells what is wrong with it.
        let primary = self.locations()?.primary.join(crate::locations::CTL_FILE);
        match durable::read(&primary, tlv::MAX_LIST_BYTES as u64 + 1) {
            Ok(Some(file)) if !file.is_empty() => ok(&api::CtlFileBody { file: Bytes(file) }),
            Ok(_) => Err(Refused::new(404, &ListFault::NoFile)),
            Err(error) => Err(Refused::new(500, &ListFault::of_file(&primary, &error))),
        }
    }

    fn post_ctl_file(&self, call: &Call<'_>) -> Answer {
        let body: api::PostCtlFile = parse(call.body)?;
        let list = present_list(&body.file.0).map_err(|fault| Refused::new(400, &fault))?;
        let locations = self.locations()?;
        if !body.recreate {
            succeeds(&list, locations.read())?;
        }
        if self.is_publisher()? {
            self.check_turn(call)?;
            let signer = list.header().signer.name.to_string();
            self.store.change(&call.author, call.now, |change| {
                for certificate in inventory::of_list(&list, &change.nodes()?) {
                    change.put_certificate(&certificate)?;
                }
                change.put_ctl(list.as_bytes(), &signer)
            })?;
        } else {
            self.audit(&call.author, call.now, "ctl-file-taken", &sha256(list.as_bytes()));
        }
        ok(&results(locations.write(&list)))
    }

    fn delete_ctl_file(&self, call: &Call<'_>) -> Answer {
        if self.is_publisher()? {
            self.check_turn(call)?;
            self.store.change(&call.author, call.now, |change| change.withdraw_ctl())?;
        } else {
            self.audit(&call.author, call.now, "ctl-file-removed", &self.node);
        }
        ok(&results(self.locations()?.remove()))
    }

    fn set_mode(&self, call: &Call<'_>) -> Answer {
        let body: api::Mode = parse(call.body)?;
        let mode = SecurityMode::from_number(body.mode)
            .ok_or_else(|| malformed("the mode is neither 0 nor 1"))?;
        let present = self.store.read(|view| view.ctl())?;
        if mode == SecurityMode::Mixed && !present.is_some_and(|list| is_for_mixed_mode(&list)) {
            return Err(Refused::new(409, &&trust_list::NO_FILE_IN_MIXED_MODE));
        }
        self.check_turn(call)?;
        let set =
            self.store.change(&call.author, call.now, |change| change.set_security_mode(mode));
        set.map_err(|error| {
            let values = vec![("detail", error.to_string())];
            Refused::new(500, &Detailed(&provider::MODE_NOT_SET, values))
        })?;
        no_content()
    }

    fn take_turn(&self, call: &Call<'_>) -> Answer {
        let body: api::TakeTurn = parse(call.body)?;
        let accepted = self.store.read(|view| view.ctl())?.map(|list| list.sha256);
        // After the database was restored the file may be the newer one: it can be updated too.
        let file = self.locations()?.read().ok().map(|list| sha256(list.as_bytes()));
        let present = if body.base.is_some() && body.base == file { file } else { accepted };
        let Seated { user, client } = &call.seated;
        lock(&self.desk)
            .take_turn(client, user, body.base.as_deref(), present.as_deref(), call.now)
            .map_err(|fault| Refused::new(409, &fault))?;
        no_content()
    }

    fn check_turn(&self, call: &Call<'_>) -> Result<(), Refused> {
        lock(&self.desk)
            .has_turn(&call.seated.client, call.now)
            .map_err(|fault| Refused::new(409, &fault))
    }

    /// Finishes what a crash interrupted: puts the list of the database to the directories that
    /// still hold one of its predecessors or none. A list the database does not know is left
    /// alone: one of the two was restored, and an administrator decides.
    pub fn recover(&self) -> store::Result<Vec<(PathBuf, Result<(), LocationFault>)>> {
        let versions = self.store.read(|view| view.ctl_versions())?;
        let Some(newest) = versions.first().filter(|version| !version.is_withdrawal()) else {
            return Ok(Vec::new());
        };
        let locations = self.store.read(|view| Locations::of_node(view, &self.node))?;
        let (Some(locations), Ok(list)) = (locations, present_list(&newest.file)) else {
            return Ok(Vec::new());
        };
        let behind = match locations.read() {
            Err(ListFault::NoFile) => true,
            Ok(held) => {
                let held = sha256(held.as_bytes());
                versions.iter().skip(1).any(|version| version.sha256 == held)
            }
            Err(_) => false,
        };
        Ok(if behind { locations.write(&list) } else { Vec::new() })
    }

    fn locations(&self) -> Result<Locations, Refused> {
        let found = self.store.read(|view| Locations::of_node(view, &self.node))?;
        found.ok_or_else(|| {
            let detail = "there is no cluster yet: run `ringfence cluster init`".to_owned();
            Refused::new(409, &Detailed(&provider::DATABASE_EXCEPTION, vec![("detail", detail)]))
        })
    }

    fn is_publisher(&self) -> Result<bool, Refused> {
        let node = self.store.read(|view| view.node(&self.node))?;
        Ok(node.role == NodeRole::Publisher)
    }

    fn runs_capf(&self) -> Result<bool, Refused> {
        let node = self.store.read(|view| view.node(&self.node))?;
        Ok(node.services.contains(&Service::Capf))
    }

    /// On a subscriber the database is a copy that cannot be written; the publisher's log has the
    /// operation then.
    fn audit(&self, author: &Author, now: SystemTime, action: &str, detail: &str) {
        let _ = self.store.audit(author, now, action, detail);
    }
}

/// Whether a list may take the place of the present one: a token of that one signed it.
fn succeeds(new: &VerifiedCtl, present: Result<VerifiedCtl, ListFault>) -> Result<(), Refused> {
    let present = match present {
        Ok(present) => present,
        Err(ListFault::NoFile) => return Ok(()),
        // It may be a good one: nothing is to be recreated.
        Err(fault @ (ListFault::CannotOpen(..) | ListFault::CannotRead(..))) => {
            return Err(Refused::new(500, &fault));
        }
        Err(_) => return Err(Refused::new(409, &ListFault::MustRecreate)),
    };
    if new.as_bytes() == present.as_bytes() {
        return Ok(());
    }
    match (**new).clone().verify(Trust::in_ctl(&present)) {
        Ok(_) => Ok(()),
        Err(_) => {
            let serial = new.header().signer.serial.to_string();
            Err(Refused::new(409, &ListFault::TokenCannotSign(serial)))
        }
    }
}

fn is_for_mixed_mode(version: &CtlVersion) -> bool {
    CtlFile::parse(version.file.as_slice()).is_ok_and(|list| mode_of(&list) == SecurityMode::Mixed)
}

fn results(paths: Vec<(PathBuf, Result<(), LocationFault>)>) -> api::PathResults {
    let paths = paths.into_iter().map(|(path, result)| api::PathResult {
        path: shown(&path),
        problem: result.err().map(|fault| Problem::of(&fault)),
    });
    api::PathResults { paths: paths.collect() }
}

fn encode_phones(phones: &PhoneLists) -> api::Phones {
    let mut encoded = api::Phones::default();
    let mut seen = Vec::new();
    for (phone, list) in phones.iter() {
        let sha256 = match &list.held {
            Held::Nothing => None,
            Held::Lost(sha256) => Some(sha256.clone()),
            Held::List(list) => {
                let sha256 = sha256(list.as_bytes());
                if !seen.contains(&sha256) {
                    seen.push(sha256.clone());
                    encoded.lists.push(Bytes(list.as_bytes().to_vec()));
                }
                Some(sha256)
            }
        };
        let asked = list.asked_millis();
        encoded.phones.push(api::PhoneHolds { phone: phone.to_owned(), sha256, asked });
    }
    encoded
}

fn sha256(bytes: &[u8]) -> String {
    hex(&pki::Hash::Sha256.of(bytes))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))
}

fn malformed(detail: &str) -> Refused {
    let values = vec![("detail", format!("the request cannot be read: {detail}"))];
    Refused::new(400, &Detailed(&input::UNKNOWN_CTL_ERROR, values))
}

fn ok(value: &impl Serialize) -> Answer {
    Ok(json(200, value))
}

fn no_content() -> Answer {
    Ok(Response { status: 204, body: Vec::new() })
}

fn json(status: u16, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("our types have string keys and no failing parts");
    Response { status, body }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each guarded value is whole between its own calls.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
