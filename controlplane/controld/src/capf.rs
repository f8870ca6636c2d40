//! CAPF, put together out of this node's settings.

use std::fs::File;
use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::capf::server::{AdmissionLimits, Level, Settings, Timers};
use cluster::provider::NodeFiles;
use enrolment::authority;
use enrolment::desk::Desk;
use enrolment::issuer::{Issuer, OwnIssuer, ScepIssuer, Terms};
use enrolment::service::{self, Entrance, ModernTls, Running, Setup};
use enrolment::trace::Trace;
use legacytls::client::Cell;
use legacytls::link::{Clients, Der, Limits, Protection, TlsVersion};
use pki::capf::KEY_FILE;
use pki::{Certificate, Identity};
use scep::{Floor, Product};
use store::{DeviceName, Node, Store, View};

use crate::config::Config;
use crate::phones::Phones;

/// Where this node keeps keys and certificates.
pub fn files(config: &Config) -> NodeFiles {
    NodeFiles {
        keys: config.key_directory.clone(),
        certificates: config.certificate_directory.clone(),
    }
}

/// What CAPF's parameters say.
struct Parameters {
    port: u16,
    issuer: String,
    jurisdiction: String,
    ca_address: String,
    ca_fingerprint: String,
    /// Absent: the product's own.
    scep_port: Option<u16>,
    scep_algorithms: String,
    scep_polling_seconds: u64,
    years: u64,
    key_minutes: u64,
    key_attempts: u32,
}

impl Parameters {
    fn read(view: &mut View<'_>) -> store::Result<Self> {
        let port = view.capf_parameter("capf.scep-port")?;
        Ok(Self {
            jurisdiction: view.capf_parameter("capf.keon-jurisdiction-id")?.value,
            ca_address: view.capf_parameter("capf.certificate-authority-address")?.value,
            ca_fingerprint: view.capf_parameter("capf.certificate-authority-fingerprint")?.value,
            scep_port: if port.is_default { None } else { Some(port.integer()?) },
            scep_algorithms: view.capf_parameter("capf.scep-algorithms")?.value,
            scep_polling_seconds: view.capf_parameter("capf.scep-polling-seconds")?.integer()?,
            port: view.parameter(None, "enterprise.capf-phone-port")?.integer()?,
            issuer: view.capf_parameter("capf.certificate-issuer")?.value,
            years: view.capf_parameter("capf.certificate-validity-years")?.integer()?,
            key_minutes: view.capf_parameter("capf.key-generation-minutes")?.integer()?,
            key_attempts: view.capf_parameter("capf.key-generation-attempts")?.integer()?,
        })
    }
}

/// Starts CAPF, making its key and certificate when it is new here. Failure is told in English, for
/// logs and alarms.
pub fn start(
    config: &Config,
    store: &Arc<Store>,
    phones: &Arc<Phones>,
    cell: Option<&Cell>,
    me: &Node,
    now: SystemTime,
) -> Result<Running, String> {
    let told = |error: &dyn ToString| error.to_string();
    let files = files(config);
    let identity = authority::open(&files, store, &me.name, now).map_err(|fault| told(&fault))?;
    let (parameters, anchors) = store
        .read(|view| Ok((Parameters::read(view)?, authority::anchors(view)?)))
        .map_err(|error| told(&error))?;
    let trace = Trace::open(&config.trace_directory(), Level::Notice)
        .map_err(|error| format!("{}: {error}", config.trace_directory().display()))?;
    let key_generation = Duration::from_secs(60 * parameters.key_minutes);
    let trusted = anchors.lsc.clone();
    let timers = Timers {
        key_generation,
        // An authority elsewhere may take its time before it says that it will take more.
        issue: Duration::from_secs(60),
        // All attempts, and time for the rest.
        session: key_generation * parameters.key_attempts + Duration::from_secs(600),
        ..Timers::default()
    };
    let settings =
        Settings { timers, key_attempts: parameters.key_attempts, anchors, ..Settings::default() };
    let listener = TcpListener::bind((config.capf, parameters.port))
        .map_err(|error| format!("cannot listen on port {}: {error}", parameters.port))?;
    let own = identity.certificate();
    let limits = AdmissionLimits::default();
    let entrance = entrance(cell, limits, listener, own, &files.keys.join(KEY_FILE))?;
    let issuer = issuer(&parameters, identity, trusted, &files.keys, now)?;
    let phones = Arc::clone(phones);
    let home = Box::new(move |device: &DeviceName| home(&phones, device));
    let desk = Desk::new(Arc::clone(store), issuer, Arc::new(trace), home);
    service::start(Setup { entrance, desk, settings, limits }).map_err(|error| told(&error))
}

/// Through the cell where there is one: it knows the TLS of old phones and of new ones.
fn entrance(
    cell: Option<&Cell>,
    admission: AdmissionLimits,
    listener: TcpListener,
    certificate: &Certificate,
    key: &Path,
) -> Result<Entrance, String> {
    let Some(cell) = cell else {
        let terminator = ModernTls::new(certificate, key).map_err(|fault| fault.to_string())?;
        return Ok(Entrance::Here { listener, terminator: Box::new(terminator) });
    };
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let key = File::open(key).map_err(|error| format!("{}: {error}", key.display()))?;
    let service = legacytls::link::Service {
        name: "capf".into(),
        certificate: Der(certificate.der().to_vec()),
        clients: Clients::Anybody,
        protection: Protection::Encrypted,
        newest: TlsVersion::Tls13,
        // Many phones come at once after a bulk order, some of them behind one translator.
        limits: Limits {
            per_address: admission.per_address as u32,
            half_open_per_address: admission.per_address as u32,
            handshake: Duration::from_secs(20),
            ..Limits::default()
        },
    };
    Ok(Entrance::Cell { serving: cell.serve(service, listener, key), address })
}

fn issuer(
    parameters: &Parameters,
    identity: Identity,
    trusted: Vec<Certificate>,
    keys: &Path,
    now: SystemTime,
) -> Result<Box<dyn Issuer>, String> {
    let validity = Duration::from_secs(parameters.years * 365 * 24 * 3600);
    let product = match &*parameters.issuer {
        "microsoft" => Product::Microsoft,
        "keon" => Product::Keon { jurisdiction: parameters.jurisdiction.clone() },
        _ => return Ok(Box::new(OwnIssuer::new(identity, validity))),
    };
    let terms = Terms {
        product,
        address: parameters.ca_address.clone(),
        port: parameters.scep_port,
        fingerprint: parameters.ca_fingerprint.clone(),
        floor: match &*parameters.scep_algorithms {
            "ancient" => Floor::Ancient,
            "legacy" => Floor::Legacy,
            "modern" => Floor::Modern,
            _ => Floor::Transitional,
        },
        validity,
        polling: Duration::from_secs(parameters.scep_polling_seconds),
        trusted,
    };
    let issuer = ScepIssuer::new(terms, keys, identity.certificate().subject(), now);
    Ok(Box::new(issuer.map_err(|fault| fault.to_string())?))
}

/// The address a phone fetched its last file from.
fn home(phones: &Phones, device: &DeviceName) -> Option<IpAddr> {
    let phone = tftp::DeviceName::parse(device.as_str())?;
    phones.requests(phone).last().map(|record| record.from.ip())
}
