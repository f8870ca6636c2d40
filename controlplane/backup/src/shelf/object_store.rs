//! A bucket of an object store that speaks S3.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::{Agent, SendBody};

use super::{Kept, Shelf, checked, in_order};
use crate::archive::new_private_file;
use crate::fault::Fault;

/// How long a signature is good for, and the patience with the server.
const VALID: Duration = Duration::from_secs(15 * 60);
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// Longest list that is taken, in bytes; a server gives a thousand archives at once.
const MAX_LIST: u64 = 4 << 20;

/// Where a bucket is, and who asks.
#[derive(Clone)]
pub struct Place {
    /// `https://s3.example.com`, or `http://` in a network of one's own.
    pub endpoint: String,
    /// What the store calls its region; any word where it has none.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of objects begin with.
    pub prefix: String,
    /// The access key.
    pub access_key: String,
    /// The secret that belongs to it.
    pub secret_key: zeroize::Zeroizing<String>,
    /// A PEM file with the authorities that servers' certificates come from.
    pub authorities: PathBuf,
}

/// A bucket.
pub struct ObjectStore {
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    agent: Agent,
}

impl ObjectStore {
    /// A bucket; nothing is asked yet.
    pub fn new(place: &Place) -> Result<Self, Fault> {
        let wrong = |detail: &dyn ToString| Fault::Failed {
            place: format!("{}/{}", place.endpoint, place.bucket),
            detail: detail.to_string(),
        };
        let endpoint = place.endpoint.parse().map_err(|_| wrong(&"the endpoint is no URL"))?;
        let (name, region) = (place.bucket.clone(), place.region.clone());
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name, region);
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER));
        let config = match place.endpoint.starts_with("https:") {
            true => config.tls_config(tls(&place.authorities)?),
            false => config,
        };
        Ok(Self {
            bucket: bucket.map_err(|error| wrong(&error))?,
            credentials: Credentials::new(place.access_key.clone(), &**place.secret_key),
            prefix: place.prefix.clone(),
            agent: config.build().into(),
        })
    }

    fn object(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn failed(&self, detail: impl ToString) -> Fault {
        Fault::Failed { place: self.place(), detail: detail.to_string() }
    }

    fn lost(&self, error: ureq::Error, name: &str) -> Fault {
        match error {
            ureq::Error::StatusCode(404) => {
                Fault::Unknown { name: name.to_owned(), shelf: self.place() }
            }
            error => self.failed(error),
        }
    }
}

fn tls(authorities: &Path) -> Result<TlsConfig, Fault> {
    let failed = Fault::at(authorities);
    let pem = durable::read(authorities, 16 << 20).map_err(&failed)?;
    let pem = pem.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    let roots = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let roots = RootCerts::Specific(Arc::new(roots.collect()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder().root_certs(roots);
    Ok(config.unversioned_rustls_crypto_provider(provider).build())
}

impl Shelf for ObjectStore {
    fn place(&self) -> String {
        format!("{}{}", self.bucket.base_url(), self.prefix)
    }

    fn list(&self) -> Result<Vec<Kept>, Fault> {
        let mut kept = Vec::new();
        let mut more = None;
        loop {
            let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
            action.with_prefix(&*self.prefix);
            if let Some(token) = more.take() {
                action.with_continuation_token(token);
            }
            let mut answer =
                self.agent.get(action.sign(VALID).as_str()).call().map_err(|e| self.failed(e))?;
            let text = answer.body_mut().with_config().limit(MAX_LIST).read_to_string();
            let text = text.map_err(|error| self.failed(error))?;
            let listed = ListObjectsV2::parse_response(&text).map_err(|e| self.failed(e))?;
            kept.extend(listed.contents.iter().filter_map(|object| {
                Kept::of(object.key.strip_prefix(&self.prefix)?, object.size?)
            }));
            match listed.next_continuation_token {
                Some(token) => more = Some(token),
                None => return Ok(in_order(kept)),
            }
        }
    }

    fn put(&self, archive: &Path) -> Result<(), Fault> {
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        let object = self.object(&name);
        let url = self.bucket.put_object(Some(&self.credentials), &object).sign(VALID);
        let file = File::open(archive).map_err(Fault::at(archive))?;
        let length = file.metadata().map_err(Fault::at(archive))?.len();
        // An object shows when all of it has come.
        let sent = self
            .agent
            .put(url.as_str())
            .header("Content-Length", length.to_string())
            .send(SendBody::from_owned_reader(file));
        sent.map(drop).map_err(|error| self.failed(error))
    }

    fn fetch(&self, name: &str, into: &Path) -> Result<PathBuf, Fault> {
        let object = self.object(checked(name, self)?);
        let url = self.bucket.get_object(Some(&self.credentials), &object).sign(VALID);
        let mut answer =
            self.agent.get(url.as_str()).call().map_err(|error| self.lost(error, name))?;
        let path = into.join(name);
        let mut file = new_private_file(&path).map_err(Fault::at(&path))?;
        let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
        io::copy(&mut body, &mut file).map_err(|error| self.failed(error))?;
        Ok(path)
    }

    fn remove(&self, name: &str) -> Result<(), Fault> {
        let object = self.object(checked(name, self)?);
        let url = self.bucket.delete_object(Some(&self.credentials), &object).sign(VALID);
        let removed = self.agent.delete(url.as_str()).call();
        removed.map(drop).map_err(|error| self.lost(error, name))
    }
}
