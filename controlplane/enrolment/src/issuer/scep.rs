//! A certification authority elsewhere, asked by SCEP.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use messages::Explain;
use pki::{Certificate, Name, PublicKey, capf};
use scep::{
    Challenge, Client, Config, Fault, Floor, Issued, Pause, Pending, Pin, Polling, Product, Proxy,
    Purpose, Request, Server,
};
use store::{CapfRequest, DeviceName};

use super::{Issuer, Verdict};

/// File beside the proxy's key whose first line is the password that an authority demands.
const CHALLENGE_FILE: &str = "scep.challenge";
/// How long a worker waits for an authority that does not answer at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// What CAPF's parameters say of the authority.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Which product.
    pub product: Product,
    /// Host name or address.
    pub address: String,
    /// Port; absent: the product's own.
    pub port: Option<u16>,
    /// Fingerprint of its certificate, as an administrator compared it.
    pub fingerprint: String,
    /// The weakest algorithms that are used.
    pub floor: Floor,
    /// How long certificates should be valid.
    pub validity: Duration,
    /// How often it is asked for what is pending there.
    pub polling: Duration,
    /// Issuers of LSCs that are trusted.
    pub trusted: Vec<Certificate>,
}

/// Why an authority cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsFault(String);

impl std::fmt::Display for TermsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TermsFault {}

/// An authority elsewhere: it may take days, and may say no.
pub struct ScepIssuer {
    client: Client,
    /// What names of phones end with.
    issuer: Name,
    validity: Duration,
    polling: Duration,
}

impl ScepIssuer {
    /// Deals with an authority on these terms. The key that signs requests is in `keys`, and made
    /// when it is not there; `own` is CAPF's name.
    pub fn new(terms: Terms, keys: &Path, own: &Name, now: SystemTime) -> Result<Self, TermsFault> {
        let told = |fault: &dyn Explain| {
            let said = fault.explain(lang::Language::English);
            TermsFault(format!("{}: {}. {}", said.text, said.cause, said.action))
        };
        let server = Server::new(&terms.product, &terms.address, terms.port, "")
            .map_err(|fault| told(&fault))?;
        let pin = Pin::fingerprint(&terms.fingerprint).ok_or_else(|| {
            TermsFault(
                "nobody has confirmed the certification authority: compare the fingerprint of its \
                 certificate and set capf.certificate-authority-fingerprint"
                    .into(),
            )
        })?;
        let challenge = durable::read(&keys.join(CHALLENGE_FILE), 1024)
            .map_err(|error| TermsFault(format!("{CHALLENGE_FILE}: {error}")))?
            .and_then(|bytes| Some(String::from_utf8(bytes).ok()?.lines().next()?.to_owned()))
            .map(Challenge::new);
        let proxy = Proxy::open_or_create(keys, &Name::common("CAPF-SCEP"), now)
            .map_err(|fault| told(&fault))?;
        let config = Config {
            server,
            pin: Some(pin),
            challenge,
            floor: terms.floor,
            polling: Polling {
                first: terms.polling,
                most: Duration::from_secs(3600),
                // Operation Completes By ends it before.
                limit: Duration::from_secs(365 * 24 * 3600),
            },
            trusted: terms.trusted,
        };
        let client = Client::new(config, proxy);
        let Terms { validity, polling, .. } = terms;
        Ok(Self { client, issuer: own.clone(), validity, polling })
    }

    /// Asks, and says what came of it. `ask` calls what it is given whenever it has to wait.
    fn verdict(
        &self,
        device: &DeviceName,
        key: &[u8],
        ask: impl FnOnce(&mut dyn FnMut(Pause<'_>) -> ControlFlow<()>) -> Result<Issued, Fault>,
    ) -> Verdict {
        let mut waiting: Option<Pending> = None;
        let mut slept = Duration::ZERO;
        let mut pause = |pause: Pause<'_>| {
            waiting = pause.enrolment.filter(|it| it.waits_for_approval()).map(|it| it.pending());
            if waiting.is_some() || slept + pause.span > PATIENCE {
                return ControlFlow::Break(());
            }
            slept += pause.span;
            std::thread::sleep(pause.span);
            ControlFlow::Continue(())
        };
        let answer = ask(&mut pause);
        match (answer, waiting) {
            (Ok(issued), _) => Verdict::Issued {
                notes: issued
                    .differences
                    .iter()
                    .map(|it| format!("{}: asked {}, issued {}", it.field, it.asked, it.issued))
                    .collect(),
                certificate: Box::new(issued.certificate),
            },
            (Err(Fault::Abandoned), Some(pending)) => Verdict::Pending(Box::new(CapfRequest {
                device: device.clone(),
                public_key: key.to_vec(),
                transaction_id: pending.transaction().to_owned(),
                asked_at: pending.since(),
                request: serde_json::to_vec(&pending).expect("it has string keys"),
                certificate: None,
            })),
            (Err(Fault::Abandoned), None) => {
                Verdict::Refused("the certification authority does not answer".into())
            }
            (Err(fault), _) => Verdict::Refused(fault.to_string()),
        }
    }
}

impl Issuer for ScepIssuer {
    fn issue(&self, device: &DeviceName, key: &PublicKey, _: SystemTime) -> Verdict {
        let request = Request {
            subject: capf::phone_subject(device.as_str(), &self.issuer),
            public_key: key.clone(),
            purpose: Purpose::Phone,
            validity: Some(self.validity),
        };
        self.verdict(device, key.spki(), |pause| self.client.enrol(request, None, pause))
    }

    fn resume(&self, request: &CapfRequest, now: SystemTime) -> Verdict {
        match serde_json::from_slice::<Pending>(&request.request) {
            Ok(pending) => {
                let (device, key) = (&request.device, &request.public_key);
                let mut silent = false;
                let verdict = self.verdict(device, key, |pause| {
                    let answer = self.client.resume(&pending, pause);
                    silent = answer.as_ref().is_err_and(Fault::is_silence);
                    answer
                });
                match verdict {
                    // Nobody said no.
                    Verdict::Refused(_) if silent => Verdict::Pending(Box::new(request.clone())),
                    verdict => verdict,
                }
            }
            // Of an issuer that was in charge before.
            Err(_) => match PublicKey::from_spki(&request.public_key) {
                Some(key) => self.issue(&request.device, &key, now),
                None => Verdict::Refused("the key of the request cannot be read".into()),
            },
        }
    }

    fn polling(&self) -> Duration {
        self.polling
    }
}
