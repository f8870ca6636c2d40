//! CAPF, put together out of this node's settings.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::capf::server::{AdmissionLimits, Level, Settings, Timers};
use cluster::provider::NodeFiles;
use enrolment::authority;
use enrolment::desk::Desk;
use enrolment::issuer::{Issuer, OwnIssuer};
use enrolment::service::{self, ModernTls, Running, Setup};
use enrolment::trace::Trace;
use pki::Identity;
use pki::capf::KEY_FILE;
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
    years: u64,
    key_minutes: u64,
    key_attempts: u32,
}

impl Parameters {
    fn read(view: &mut View<'_>) -> store::Result<Self> {
        Ok(Self {
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
    let terminator = ModernTls::new(identity.certificate(), &files.keys.join(KEY_FILE))
        .map_err(|fault| told(&fault))?;
    let key_generation = Duration::from_secs(60 * parameters.key_minutes);
    let timers = Timers {
        key_generation,
        // All attempts, and time for the rest.
        session: key_generation * parameters.key_attempts + Duration::from_secs(600),
        ..Timers::default()
    };
    let settings =
        Settings { timers, key_attempts: parameters.key_attempts, anchors, ..Settings::default() };
    let listener = TcpListener::bind((config.capf, parameters.port))
        .map_err(|error| format!("cannot listen on port {}: {error}", parameters.port))?;
    let issuer = issuer(&parameters, identity)?;
    let phones = Arc::clone(phones);
    let home = Box::new(move |device: &DeviceName| home(&phones, device));
    let desk = Desk::new(Arc::clone(store), issuer, Arc::new(trace), home);
    let limits = AdmissionLimits::default();
    service::start(Setup { listener, terminator: Box::new(terminator), desk, settings, limits })
        .map_err(|error| told(&error))
}

fn issuer(parameters: &Parameters, identity: Identity) -> Result<Box<dyn Issuer>, String> {
    if parameters.issuer != "capf" {
        return Err(format!(
            "certificates of {} by SCEP cannot be had yet: set capf.certificate-issuer to capf",
            parameters.issuer
        ));
    }
    let validity = Duration::from_secs(parameters.years * 365 * 24 * 3600);
    Ok(Box::new(OwnIssuer::new(identity, validity)))
}

/// The address a phone fetched its last file from.
fn home(phones: &Phones, device: &DeviceName) -> Option<IpAddr> {
    let phone = tftp::DeviceName::parse(device.as_str())?;
    phones.requests(phone).last().map(|record| record.from.ip())
}
