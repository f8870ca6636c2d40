//! One provider, one method an operation.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::SecurityMode;
use zeroize::Zeroizing;

use super::{ClientFault, OperationFault, Server, Transport};
use crate::http::Request;
use crate::list::{ListFault, present_list};
use crate::preflight::{Held, PhoneList, PhoneLists};
use crate::provider::ProblemBody;
use crate::provider::api::{self, Bytes, Operation};

/// Longest name of a node.
const MAX_NAME: usize = 256;

/// Who logs in. The same on every node.
#[derive(Clone)]
pub struct Credentials {
    /// The administrator.
    pub user: String,
    /// The password.
    pub password: store::Password,
    /// This client's name for itself, from [`super::Settings`].
    pub client: String,
}

/// A provider, logged in to.
pub struct Remote<'a> {
    transport: &'a dyn Transport,
    server: Server,
    token: Option<String>,
}

impl<'a> Remote<'a> {
    /// Asks a provider for its version and logs in.
    pub fn login(
        transport: &'a dyn Transport,
        server: Server,
        credentials: &Credentials,
    ) -> Result<Self, ClientFault> {
        let mut remote = Self { transport, server, token: None };
        let version: api::Version = remote.get(Operation::GetCtlVersion)?;
        if version.api != api::API_VERSION {
            return Err(ClientFault::Version {
                server: remote.server.name,
                client: api::API_VERSION,
                provider: version.api,
            });
        }
        let login = api::Login {
            user: credentials.user.clone(),
            password: credentials.password.expose().to_owned().into(),
            client: credentials.client.clone(),
        };
        let session: api::Session = remote.ask(Operation::AuthenticateUser, &login)?;
        remote.token = Some(session.token);
        Ok(remote)
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The nodes of the cluster.
    pub fn nodes(&self) -> Result<Vec<api::NodeInfo>, ClientFault> {
        let list: api::NodeList = self.get(Operation::GetCcmList)?;
        match list.nodes.iter().map(|node| node.name.chars().count()).find(|n| *n > MAX_NAME) {
            Some(count) => Err(ClientFault::NameTooLong(count)),
            None => Ok(list.nodes),
        }
    }

    /// Whether the data was restored after the CTL file was signed.
    pub fn was_restored(&self) -> Result<bool, ClientFault> {
        let list: api::NodeList = self.get(Operation::GetCcmList)?;
        Ok(list.restored)
    }

    /// The node's certificate, DER.
    pub fn call_manager_certificate(&self) -> Result<Vec<u8>, ClientFault> {
        let body: api::CertificateBody = self.get(Operation::GetCcmCertificate)?;
        Ok(body.certificate.0)
    }

    /// The certificate of a TFTP server of another cluster, for a list of a cluster in `mode`:
    /// clusters that share TFTP run in the same one.
    pub fn alternate_tftp_certificate(
        &self,
        mode: SecurityMode,
    ) -> Result<Vec<u8>, OperationFault> {
        if self.mode()? != mode {
            let why = "its cluster runs in the other security mode";
            return Err(ListFault::AlternateTftp(self.server.name.clone(), why).into());
        }
        Ok(self.call_manager_certificate()?)
    }

    /// The certificates of the node's CAPF service, DER; none where it does not run.
    pub fn capf_certificates(&self) -> Result<Vec<Vec<u8>>, ClientFault> {
        let body: api::CapfCertificates = self.get(Operation::GetCapfCertificate)?;
        Ok(body.certificates.into_iter().map(|certificate| certificate.0).collect())
    }

    /// The content of CAPF.cer.
    pub fn capf_file(&self) -> Result<Vec<u8>, ClientFault> {
        let body: api::CapfFile = self.get(Operation::GetCapfFile)?;
        Ok(body.certificate.0)
    }

    /// Gives the node a copy of CAPF.cer; the files it wrote.
    pub fn post_capf_file(&self, certificate: &[u8]) -> Result<Vec<String>, ClientFault> {
        let body = api::CapfFile { certificate: Bytes(certificate.to_vec()) };
        let written: api::CapfFileWritten = self.ask(Operation::PostCapfFile, &body)?;
        Ok(written.paths)
    }

    /// The CTL file of the node's TFTP File Location, as it lies there.
    pub fn ctl_file(&self) -> Result<Option<Vec<u8>>, ClientFault> {
        self.file(Operation::GetCtlFile)
    }

    /// The CTL file that was accepted last.
    pub fn accepted_ctl_file(&self) -> Result<Option<Vec<u8>>, ClientFault> {
        self.file(Operation::GetAcceptedCtlFile)
    }

    fn file(&self, operation: Operation) -> Result<Option<Vec<u8>>, ClientFault> {
        match self.get::<api::CtlFileBody>(operation) {
            Ok(body) => Ok(Some(body.file.0)),
            Err(ClientFault::Refused(problem)) if problem.id == "NO_FILE" => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Gives the node a CTL file; each directory and what came of it.
    pub fn post_ctl_file(
        &self,
        file: &[u8],
        recreate: bool,
    ) -> Result<Vec<api::PathResult>, ClientFault> {
        let body = api::PostCtlFile { file: Bytes(file.to_vec()), recreate };
        let results: api::PathResults = self.ask(Operation::PostCtlFile, &body)?;
        Ok(results.paths)
    }

    /// Removes the node's CTL file.
    pub fn delete_ctl_file(&self) -> Result<Vec<api::PathResult>, ClientFault> {
        let results: api::PathResults = self.get(Operation::DeleteCtlFile)?;
        Ok(results.paths)
    }

    /// The cluster security mode.
    pub fn mode(&self) -> Result<SecurityMode, ClientFault> {
        let operation = Operation::GetClusterSecurityMode;
        let body: api::Mode = self.get(operation)?;
        SecurityMode::from_number(body.mode).ok_or_else(|| ClientFault::InvalidResponse {
            server: self.server.name.clone(),
            operation,
            detail: format!("there is no mode {}", body.mode),
        })
    }

    /// Sets the cluster security mode.
    pub fn set_mode(&self, mode: SecurityMode) -> Result<(), ClientFault> {
        self.tell(Operation::SetClusterSecurityMode, &api::Mode { mode: mode.number() })
    }

    /// The directories of the node.
    pub fn paths(&self) -> Result<api::Paths, ClientFault> {
        self.get(Operation::GetAlternatePaths)
    }

    /// Which telephone holds which list, as this node knows.
    pub fn phones(&self) -> Result<PhoneLists, ClientFault> {
        let body: api::Phones = self.get(Operation::GetPhones)?;
        let sha256 = |bytes: &[u8]| pki::certificate::hex(&pki::Hash::Sha256.of(bytes));
        let known: HashMap<_, _> = body
            .lists
            .iter()
            .filter_map(|list| Some((sha256(&list.0), present_list(&list.0).ok()?)))
            .collect();
        let mut phones = PhoneLists::default();
        for entry in body.phones {
            let held = match entry.sha256 {
                None => Held::Nothing,
                Some(sha256) => match known.get(&sha256) {
                    Some(list) => Held::List(list.clone()),
                    None => Held::Lost(sha256),
                },
            };
            phones.restore(entry.phone, PhoneList::asked_at(held, entry.asked));
        }
        Ok(phones)
    }

    /// What this client entered before.
    pub fn configuration(&self) -> Result<api::Configuration, ClientFault> {
        self.get(Operation::GetConfiguration)
    }

    /// Lets the provider keep what was entered.
    pub fn keep(&self, configuration: &api::Configuration) -> Result<(), ClientFault> {
        self.tell(Operation::PutConfiguration, configuration)
    }

    /// Lets the provider forget what was entered.
    pub fn forget(&self) -> Result<(), ClientFault> {
        self.tell(Operation::DeleteConfiguration, &())
    }

    /// Asks the publisher for a copy of its database, for a node whose database has this
    /// certificate: the databases of the cluster, the publisher's first.
    pub fn join_database(
        &self,
        node: &str,
        certificate: &[u8],
    ) -> Result<Vec<api::Database>, ClientFault> {
        let certificate = Bytes(certificate.to_vec());
        let question = api::JoinDatabase { node: node.to_owned(), certificate };
        let joined: api::Databases = self.ask(Operation::JoinDatabase, &question)?;
        Ok(joined.databases)
    }

    /// Asks for the right to write, `base` being the list the changes were made on.
    pub fn take_turn(&self, base: Option<&[u8]>) -> Result<(), ClientFault> {
        let sha256 = |bytes| pki::certificate::hex(&pki::Hash::Sha256.of(bytes));
        self.tell(Operation::TakeTurn, &api::TakeTurn { base: base.map(sha256) })
    }

    /// Gives it back.
    pub fn end_turn(&self) -> Result<(), ClientFault> {
        self.tell(Operation::EndTurn, &())
    }

    /// Ends the session.
    pub fn leave(&self) -> Result<(), ClientFault> {
        self.tell(Operation::Leave, &())
    }

    fn get<T: DeserializeOwned>(&self, operation: Operation) -> Result<T, ClientFault> {
        self.parse(operation, &self.send(operation, Zeroizing::default())?)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        operation: Operation,
        question: &impl Serialize,
    ) -> Result<T, ClientFault> {
        self.parse(operation, &self.send(operation, encode(question))?)
    }

    fn tell(&self, operation: Operation, news: &impl Serialize) -> Result<(), ClientFault> {
        self.send(operation, encode(news)).map(drop)
    }

    /// Sends a request and returns the body of an answer that is no error.
    fn send(&self, operation: Operation, body: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, ClientFault> {
        let (method, path) = operation.route();
        let request =
            Request { method: method.into(), path: path.into(), bearer: self.token.clone(), body };
        let server = || self.server.name.clone();
        let answer = self.transport.send(&self.server, &request);
        let answer = answer.map_err(|fault| ClientFault::Transport {
            server: server(),
            operation,
            fault,
        })?;
        if answer.status < 300 {
            return Ok(answer.body);
        }
        match serde_json::from_slice::<ProblemBody>(&answer.body) {
            Ok(body) => Err(ClientFault::Refused(body.error)),
            Err(_) => {
                Err(ClientFault::Failed { server: server(), operation, status: answer.status })
            }
        }
    }

    fn parse<T: DeserializeOwned>(
        &self,
        operation: Operation,
        body: &[u8],
    ) -> Result<T, ClientFault> {
        serde_json::from_slice(body).map_err(|error| {
            let (server, detail) = (self.server.name.clone(), error.to_string());
            match error.classify() {
                serde_json::error::Category::Data => {
                    ClientFault::InvalidResponse { server, operation, detail }
                }
                _ => ClientFault::NotJson { server, detail },
            }
        })
    }
}

fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let json = serde_json::to_vec(value);
    Zeroizing::new(json.expect("our types have string keys and no failing parts"))
}
