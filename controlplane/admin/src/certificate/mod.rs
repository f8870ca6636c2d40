//! The certificate that browsers are shown.
//!
//! One file holds key and certificates together, so that they cannot come apart. It is made at the
//! first start, signed by itself, and replaced when an authority's answer to our request is
//! imported. The key of a request waits in a file of its own until then.

pub mod view;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use lang::{Language, Say, Text};
use pki::issue::{self, AlternativeName, Template, Usage};
use pki::{Certificate, Hash, KeyKind, Name, PrivateKey, export, purpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

const FILE: &str = "https.pem";
const REQUEST_KEY: &str = "https-request.pem";
/// Every browser of the last twelve years takes it, and a handshake costs little.
const KIND: KeyKind = KeyKind::EcP256;
/// Browsers refuse longer ones.
const VALIDITY: Duration = Duration::from_secs(397 * 24 * 3600);
/// Longest file: a dozen certificates.
const MAX_BYTES: u64 = 256 * 1024;

/// Names under which browsers reach this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNames {
    /// The host's name.
    pub host: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl ServerNames {
    fn alternative_names(&self) -> Vec<AlternativeName> {
        let hosts = [&*self.host, "localhost"];
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let addresses = self.addresses.iter().filter(|address| !loopback.contains(address));
        let hosts = hosts.map(|host| AlternativeName::Host(host.to_owned()));
        hosts
            .into_iter()
            .chain(addresses.chain(&loopback).map(|address| AlternativeName::Address(*address)))
            .collect()
    }

    /// What is wrong with the names, in the reader's language.
    pub fn warnings(&self, language: Language) -> Vec<String> {
        let underscore = self.host.contains('_');
        underscore.then(|| UNDERSCORE.fill(language, &[("host", &self.host)])).into_iter().collect()
    }
}

/// Why a certificate is not taken, or cannot be kept.
#[derive(Debug)]
pub enum Fault {
    /// It is no certificate in PEM.
    Unreadable(String),
    /// It is for another key than the one that was requested for.
    OtherKey,
    /// A certificate of the chain was not issued by the next one.
    Chain {
        /// Which.
        subject: String,
    },
    /// It is not valid now.
    Date {
        /// From when on.
        from: String,
        /// Until when.
        until: String,
    },
    /// It says that it is not for servers.
    Purpose,
    /// The file cannot be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Say for Fault {
    fn say(&self, language: Language) -> String {
        match self {
            Self::Unreadable(why) => UNREADABLE.fill(language, &[("why", why)]),
            Self::OtherKey => OTHER_KEY.say(language),
            Self::Chain { subject } => CHAIN.fill(language, &[("subject", subject)]),
            Self::Date { from, until } => DATE.fill(language, &[("from", from), ("until", until)]),
            Self::Purpose => PURPOSE.say(language),
            Self::File { path, source } => {
                FILE_FAULT.fill(language, &[("path", &path.display()), ("why", source)])
            }
        }
    }
}

/// Keeps the certificate, and shows it to who connects.
#[derive(Debug)]
pub struct Keeper {
    directory: PathBuf,
    names: ServerNames,
    shown: RwLock<Shown>,
    /// One change at a time.
    changing: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Shown {
    chain: Vec<Certificate>,
    key: Arc<CertifiedKey>,
}

impl Keeper {
    /// Opens the certificate in `directory`, or makes one.
    pub fn open(directory: &Path, names: ServerNames, now: SystemTime) -> Result<Self, Fault> {
        fs::create_dir_all(directory).map_err(|source| fault(directory, source))?;
        let file = directory.join(FILE);
        let shown = match read(&file)? {
            Some(shown) => shown,
            None => self_signed(&file, &names, now)?,
        };
        let (shown, changing) = (RwLock::new(shown), Mutex::default());
        Ok(Self { directory: directory.to_owned(), names, shown, changing })
    }

    /// The certificate, and those above it.
    pub fn chain(&self) -> Vec<Certificate> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).chain.clone()
    }

    /// The names it is for.
    pub fn names(&self) -> &ServerNames {
        &self.names
    }

    /// Whether an authority's answer is waited for.
    pub fn is_requested(&self) -> bool {
        self.directory.join(REQUEST_KEY).exists()
    }

    /// Makes a request for an authority, in PEM. The certificate in use stays until the answer
    /// is imported; a request that was made before is answered no more.
    pub fn request(&self) -> Result<String, Fault> {
        let _changing = self.change();
        let file = self.directory.join(REQUEST_KEY);
        let key = PrivateKey::generate(KIND);
        key.save(&file, None).map_err(|source| fault(&file, source))?;
        let subject = Name::common(&self.names.host);
        let names = self.names.alternative_names();
        let der = issue::requested(&subject, &Usage::Server, &names, Hash::Sha256, &key)
            .expect("a key in memory signs");
        Ok(export::pem_of("CERTIFICATE REQUEST", &der))
    }

    /// Takes an authority's answer: our certificate first, then the one that issued it, and so on
    /// up to the root, which may be missing.
    pub fn import(&self, pem: &str, now: SystemTime) -> Result<(), Fault> {
        let _changing = self.change();
        let chain = read_chain(pem)?;
        check(&chain, now)?;
        let request = self.directory.join(REQUEST_KEY);
        let file = self.directory.join(FILE);
        let wanted = chain[0].public_key();
        let key = [&request, &file]
            .into_iter()
            .filter_map(|file| PrivateKey::read(file).ok())
            .find(|key| pki::Signer::public_key(key) == wanted)
            .ok_or(Fault::OtherKey)?;
        key.save(&file, &chain).map_err(|source| fault(&file, source))?;
        durable::remove(&request).map_err(|source| fault(&request, source))?;
        self.show(read(&file)?.ok_or(Fault::OtherKey)?);
        Ok(())
    }

    /// Removes the certificate and makes a new one, signed by itself, for the names of today.
    pub fn recreate(&self, now: SystemTime) -> Result<(), Fault> {
        let _changing = self.change();
        let request = self.directory.join(REQUEST_KEY);
        durable::remove(&request).map_err(|source| fault(&request, source))?;
        self.show(self_signed(&self.directory.join(FILE), &self.names, now)?);
        Ok(())
    }

    fn show(&self, shown: Shown) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Keeper {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

fn self_signed(file: &Path, names: &ServerNames, now: SystemTime) -> Result<Shown, Fault> {
    let key = PrivateKey::generate(KIND);
    let template = Template {
        subject: Name::common(&names.host),
        not_before: now,
        validity: VALIDITY,
        usage: Usage::Server,
        alternative_names: names.alternative_names(),
    };
    let certificate =
        issue::self_signed(&template, Hash::Sha256, &key).expect("a key in memory signs");
    key.save(file, [&certificate]).map_err(|source| fault(file, source))?;
    read(file)?.ok_or(Fault::OtherKey)
}

/// What a file holds; `None` if there is none.
fn read(file: &Path) -> Result<Option<Shown>, Fault> {
    let pem = durable::read(file, MAX_BYTES).map_err(|source| fault(file, source))?;
    let Some(pem) = pem.map(zeroize::Zeroizing::new) else { return Ok(None) };
    let garbled = |why: String| fault(file, io::Error::new(io::ErrorKind::InvalidData, why));
    let text = std::str::from_utf8(&pem).map_err(|error| garbled(error.to_string()))?;
    let chain = read_chain(text)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| garbled(error.to_string()))?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key)
        .map_err(|error| garbled(error.to_string()))?;
    let certificates = chain.iter().map(|it| CertificateDer::from(it.der().to_vec())).collect();
    let key = CertifiedKey::new(certificates, key);
    key.keys_match().map_err(|error| garbled(error.to_string()))?;
    Ok(Some(Shown { chain, key: Arc::new(key) }))
}

fn read_chain(pem: &str) -> Result<Vec<Certificate>, Fault> {
    let ders = export::read_pem(pem).filter(|ders| !ders.is_empty());
    let ders = ders.ok_or_else(|| Fault::Unreadable("PEM".into()))?;
    let parse = |der: Vec<u8>| {
        Certificate::parse(&der).map_err(|fault| Fault::Unreadable(fault.to_string()))
    };
    ders.into_iter().map(parse).collect()
}

fn check(chain: &[Certificate], now: SystemTime) -> Result<(), Fault> {
    let time = |at| humantime::format_rfc3339_seconds(at).to_string();
    for certificate in chain {
        if now < certificate.not_before() || certificate.not_after() < now {
            let (from, until) = (time(certificate.not_before()), time(certificate.not_after()));
            return Err(Fault::Date { from, until });
        }
    }
    if let Some(broken) = chain.windows(2).find(|pair| !pair[0].is_issued_by(&pair[1])) {
        return Err(Fault::Chain { subject: broken[0].subject().to_string() });
    }
    let purposes = chain[0].extended_key_usage();
    let serves = |purposes: &Vec<_>| {
        purposes.contains(&purpose::SERVER_AUTHENTICATION) || purposes.contains(&purpose::ANY)
    };
    if !purposes.as_ref().is_none_or(serves) {
        return Err(Fault::Purpose);
    }
    Ok(())
}

fn fault(path: &Path, source: io::Error) -> Fault {
    Fault::File { path: path.to_owned(), source }
}

const UNDERSCORE: Text = Text::new(
    "The host name {host} has an underscore: browsers refuse certificates for such names. Rename the server or use its address.",
    "ホスト名 {host} に下線が含まれています。ブラウザはこのような名前の証明書を拒否します。サーバ名を変更するか、アドレスを使用してください。",
);
const UNREADABLE: Text = Text::new(
    "That is no certificate in PEM form: {why}. Paste the certificate and those above it, each between its lines of dashes.",
    "PEM 形式の証明書ではありません: {why}。証明書とその上位の証明書を、それぞれ区切り行を含めて貼り付けてください。",
);
const OTHER_KEY: Text = Text::new(
    "The first certificate is for another key than the request. Send the newest request to the authority, and import its answer.",
    "先頭の証明書の鍵が要求の鍵と一致しません。最新の証明書要求を認証局に送り、その回答をインポートしてください。",
);
const CHAIN: Text = Text::new(
    "{subject} was not issued by the certificate behind it. The order is: the server's, its issuer's, and so on.",
    "{subject} は次の証明書によって発行されていません。サーバ証明書、その発行者の証明書、の順に並べてください。",
);
const DATE: Text = Text::new(
    "A certificate of the chain is valid from {from} until {until} only.",
    "チェーン内の証明書の有効期間は {from} から {until} までです。",
);
const PURPOSE: Text = Text::new(
    "The certificate is not for servers: ask the authority for server authentication.",
    "サーバ用の証明書ではありません。認証局にサーバ認証用の証明書を要求してください。",
);
const FILE_FAULT: Text = Text::new("{path}: {why}", "{path}: {why}");
