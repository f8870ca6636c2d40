//! What a gateway needs to serve phones without the centre: who they are, their lines, and whose
//! certificates prove it. Signed by the centre.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use base64ct::{Base64, Encoding};
use pki::{Certificate, Hash, Identity, SignError, Signer};
use serde::{Deserialize, Serialize};
use store::{CertificateRole, Device, Line, Pool, Region, SrstReference, View};

/// Number of the form; a gateway of another release refuses what it does not know.
pub const FORMAT: u32 = 1;

/// What is signed begins with it, so that no other signature of the node can stand for one.
const CONTEXT: &[u8] = b"ringfence SRST bundle\0";

/// Settings of the centre that hold at the gateway too.
const PARAMETERS: [&str; 11] = [
    "enterprise.device-security-mode",
    "call-manager.built-in-bridge-enable",
    "call-manager.expired-mic-until",
    "call-manager.first-digit-seconds",
    "call-manager.forward-no-answer-seconds",
    "call-manager.inter-digit-seconds",
    "call-manager.keep-alive-seconds",
    "call-manager.modern-tls",
    "call-manager.no-answer-seconds",
    "call-manager.plain-fallback",
    "call-manager.trace-level",
];

/// Everything that one gateway is given. It is the same as long as nothing in it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// See [`FORMAT`].
    pub format: u32,
    /// What people call the cluster.
    pub cluster: String,
    /// The reference whose gateway it is for.
    pub reference: String,
    /// Where phones look for the gateway.
    pub address: IpAddr,
    /// Its port of plain SCCP.
    pub port: u16,
    /// The cluster's security mode, as trust lists number it.
    pub mode: u8,
    /// Settings, by name.
    pub parameters: BTreeMap<String, String>,
    /// Whose certificates are good.
    pub issuers: Vec<Issuer>,
    /// The regions of its pools.
    pub regions: Vec<Region>,
    /// The pools that name the reference.
    pub pools: Vec<Pool>,
    /// The lines of its phones.
    pub lines: Vec<Line>,
    /// The phones of its pools.
    pub devices: Vec<Device>,
}

/// An issuer of phones' certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Of which certificates.
    pub role: CertificateRole,
    /// Its certificate, DER in base64.
    pub certificate: String,
}

impl Bundle {
    /// What the gateway of a secure reference is to know now.
    pub fn read(view: &mut View<'_>, reference: &SrstReference) -> store::Result<Self> {
        let mut pools = view.pools()?;
        pools.retain(|pool| pool.srst.as_ref() == Some(&reference.name));
        let names: BTreeSet<_> = pools.iter().map(|pool| pool.name.clone()).collect();
        let mut devices = view.devices()?;
        devices.retain(|device| names.contains(&device.pool));
        let numbers: BTreeSet<_> = devices.iter().flat_map(|device| device.lines.clone()).collect();
        let mut lines = view.lines()?;
        lines.retain(|line| numbers.contains(&line.number));
        let places: BTreeSet<_> = pools.iter().map(|pool| pool.region.clone()).collect();
        let mut regions = view.regions()?;
        regions.retain(|region| places.contains(&region.name));
        for region in &mut regions {
            region.limits.retain(|other, _| places.contains(other));
        }
        // The gateway serves them alone.
        for pool in &mut pools {
            (pool.call_managers, pool.srst) = (Vec::new(), None);
        }
        let mut parameters = BTreeMap::new();
        for name in PARAMETERS {
            parameters.insert(name.to_owned(), view.parameter(None, name)?.value);
        }
        Ok(Self {
            format: FORMAT,
            cluster: view.cluster()?.map(|cluster| cluster.name).unwrap_or_default(),
            reference: reference.name.clone(),
            address: reference.address,
            port: reference.port,
            mode: view.security_mode()?.number(),
            parameters,
            issuers: issuers(view)?,
            regions,
            pools,
            lines,
            devices,
        })
    }

    /// Signed by the centre.
    pub fn sign(&self, centre: &Identity) -> Result<Signed, SignError> {
        let bundle = serde_json::to_string(self).expect("a bundle has string keys");
        let signature = centre.sign(Hash::Sha256, &[CONTEXT, bundle.as_bytes()].concat())?;
        Ok(Signed {
            bundle,
            signature: Base64::encode_string(&signature),
            signer: Base64::encode_string(centre.certificate().der()),
        })
    }
}

fn issuers(view: &mut View<'_>) -> store::Result<Vec<Issuer>> {
    let mut inventory = view.certificates()?;
    inventory
        .retain(|it| matches!(it.role, CertificateRole::LscIssuer | CertificateRole::MicIssuer));
    let issuer = |it: store::Certificate| Issuer {
        role: it.role,
        certificate: Base64::encode_string(&it.der),
    };
    Ok(inventory.into_iter().map(issuer).collect())
}

/// A bundle as it travels and is kept, with the centre's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The bundle, JSON.
    bundle: String,
    /// Over the bundle: RSASSA-PKCS1-v1_5 with SHA-256, in base64.
    signature: String,
    /// The certificate of the node that signed it, DER in base64.
    signer: String,
}

/// Why a bundle is refused; in English, for messages' details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was not signed by a centre that the gateway knows.
    Signer(String),
    /// The signature does not verify.
    Signature,
    /// It is of another release.
    Format(u32),
    /// It makes no sense.
    Malformed(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signer(fingerprint) => write!(f, "nobody we know has signed it: {fingerprint}"),
            Self::Signature => f.write_str("its signature does not verify"),
            Self::Format(format) => write!(f, "it has the form {format} and not {FORMAT}"),
            Self::Malformed(cause) => write!(f, "it makes no sense: {cause}"),
        }
    }
}

impl std::error::Error for Refused {}

impl Signed {
    /// What tells it from another one: SHA-256 over the bundle, in hexadecimal.
    pub fn digest(&self) -> String {
        pki::certificate::hex(&Hash::Sha256.of(self.bundle.as_bytes()))
    }

    /// Whether this is the bundle in it.
    pub(crate) fn holds(&self, bundle: &Bundle) -> bool {
        serde_json::from_str::<Bundle>(&self.bundle).is_ok_and(|own| own == *bundle)
    }

    /// The bundle, if one of the centres with these fingerprints (SHA-256, lower-case
    /// hexadecimal) has signed it.
    pub fn verify(&self, centres: &[String]) -> Result<Bundle, Refused> {
        let malformed = |cause: &str| Refused::Malformed(cause.to_owned());
        let decode = |text: &str| Base64::decode_vec(text).map_err(|_| malformed("no base64"));
        let signer = Certificate::parse(&decode(&self.signer)?)
            .map_err(|fault| Refused::Malformed(fault.to_string()))?;
        let fingerprint = signer.fingerprint();
        if !centres.contains(&fingerprint) {
            return Err(Refused::Signer(fingerprint));
        }
        let message = [CONTEXT, self.bundle.as_bytes()].concat();
        let signature = decode(&self.signature)?;
        if !signer.public_key().verify(Hash::Sha256, &message, &signature) {
            return Err(Refused::Signature);
        }
        /// Of any form.
        #[derive(Deserialize)]
        struct Any {
            format: u32,
        }
        let read = |error: serde_json::Error| Refused::Malformed(error.to_string());
        let Any { format } = serde_json::from_str(&self.bundle).map_err(read)?;
        match format == FORMAT {
            true => serde_json::from_str(&self.bundle).map_err(read),
            false => Err(Refused::Format(format)),
        }
    }
}

impl Issuer {
    /// Its certificate; `None` if it is none.
    pub fn parse(&self) -> Option<Certificate> {
        Certificate::parse(&Base64::decode_vec(&self.certificate).ok()?).ok()
    }
}
