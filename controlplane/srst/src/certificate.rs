//! A gateway's certificate: fetched for a person to look at.
//!
//! Whoever asks learns nothing but what everybody may see, and believes none of it: a person
//! compares the fingerprint. So TLS of any age will do; gateways of the time know TLS 1.0 only.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime};

use messages::{Explain, Message, srst};
use openssl::error::ErrorStack;
use openssl::ssl::{HandshakeError, Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion};
use pki::check::{self, Keys};
use pki::{Certificate, CertificateFault};

/// How long a gateway may take to connect, and for each of its answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// More certificates than anybody shows.
const MOST: usize = 16;

/// A certificate that a gateway has shown, fit to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The gateway's own.
    pub certificate: Certificate,
    /// Its authority's, if it was shown too and is another one.
    pub issuer: Option<Certificate>,
}

/// Why there is no certificate of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchFault {
    /// Nobody answers, or with something else than TLS.
    Away {
        /// Where.
        address: SocketAddr,
        /// What happened.
        detail: String,
    },
    /// More than one issuer above it.
    TooLong {
        /// How many.
        issuers: usize,
    },
    /// The issuer that is shown is not the issuer.
    Broken {
        /// Whose key does not verify it.
        issuer: String,
    },
    /// Not what phones can use, or not today.
    Unusable(CertificateFault),
}

/// A fault with the reference that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFault {
    /// The reference.
    pub reference: String,
    /// What is wrong.
    pub fault: FetchFault,
}

impl FetchFault {
    /// The same, for messages.
    pub fn of(self, reference: &str) -> ReferenceFault {
        ReferenceFault { reference: reference.to_owned(), fault: self }
    }
}

impl Explain for ReferenceFault {
    fn message(&self) -> &'static Message {
        match self.fault {
            FetchFault::Away { .. } => &srst::SRST_PROVIDER_AWAY,
            FetchFault::TooLong { .. } => &srst::SRST_CHAIN_TOO_LONG,
            FetchFault::Broken { .. } => &srst::SRST_CHAIN_BROKEN,
            FetchFault::Unusable(_) => &srst::SRST_CERTIFICATE_UNUSABLE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![("reference", self.reference.clone())];
        match &self.fault {
            FetchFault::Away { address, detail } => {
                values.extend([("address", address.to_string()), ("detail", detail.clone())]);
            }
            FetchFault::TooLong { issuers } => values.push(("issuers", issuers.to_string())),
            FetchFault::Broken { issuer } => values.push(("issuer", issuer.clone())),
            FetchFault::Unusable(fault) => values.push(("detail", fault.to_string())),
        }
        values
    }
}

/// Asks the certificate provider of a gateway. It takes some seconds if nobody answers.
pub fn fetch(address: SocketAddr, now: SystemTime) -> Result<Shown, FetchFault> {
    let away = |detail: String| FetchFault::Away { address, detail };
    let chain = shown_at(address).map_err(|error| away(error.to_string()))?;
    if chain.is_empty() {
        return Err(away("it shows no certificate".to_owned()));
    }
    judge(&chain, now)
}

/// What is made of the certificates that a gateway shows, its own first, all in DER.
pub fn judge(chain: &[Vec<u8>], now: SystemTime) -> Result<Shown, FetchFault> {
    let mut parsed = Vec::with_capacity(chain.len());
    for der in chain.iter().take(MOST) {
        let certificate = Certificate::parse(der).map_err(FetchFault::Unusable)?;
        // Some send their authority's twice.
        if !parsed.contains(&certificate) {
            parsed.push(certificate);
        }
    }
    let [own, issuers @ ..] = &parsed[..] else {
        return Err(FetchFault::Unusable(CertificateFault::NotACertificate("there is none")));
    };
    let root_is_missing = issuers.last().is_some_and(|last| !last.is_self_issued());
    let above = issuers.len() + usize::from(root_is_missing);
    if above > 1 {
        return Err(FetchFault::TooLong { issuers: above });
    }
    if let Some(issuer) = issuers.first()
        && !own.is_issued_by(issuer)
    {
        return Err(FetchFault::Broken { issuer: issuer.subject().to_string() });
    }
    for issuer in issuers {
        check::sound(issuer.der(), now).map_err(FetchFault::Unusable)?;
    }
    let checked = check::server_certificate(own.der(), now, Keys::RsaOnly);
    let certificate = checked.map_err(FetchFault::Unusable)?.into();
    Ok(Shown { certificate, issuer: issuers.first().cloned() })
}

/// The certificates that are shown there.
fn shown_at(address: SocketAddr) -> io::Result<Vec<Vec<u8>>> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let context = context()?;
    let ssl = Ssl::new(&context)?;
    let stream = match ssl.connect(stream) {
        Ok(stream) => stream,
        Err(HandshakeError::WouldBlock(_)) => return Err(io::ErrorKind::TimedOut.into()),
        Err(error) => return Err(io::Error::other(error.to_string())),
    };
    let ssl = stream.ssl();
    let chain = ssl.peer_cert_chain().into_iter().flatten().take(MOST + 1);
    chain.map(|certificate| Ok(certificate.to_der()?)).collect()
}

fn context() -> Result<SslContext, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1))?;
    context.set_cipher_list("ALL:!aNULL")?;
    context.set_verify(SslVerifyMode::NONE);
    Ok(context.build())
}

#[cfg(test)]
mod tests {
    use pki::issue::{self, Template, Usage};
    use pki::key::PrivateKey;
    use pki::name::{Attribute, Name};
    use pki::{Hash, Identity, KeyKind};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn template(name: &str, usage: Usage) -> Template {
        Template {
            subject: Name::new([(Attribute::CommonName, name)]),
            not_before: now() - DAY,
            validity: 30 * DAY,
            usage,
            alternative_names: Vec::new(),
        }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + 20_000 * DAY
    }

    fn root(name: &str) -> Identity {
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let certificate =
            issue::self_signed(&template(name, Usage::Authority), Hash::Sha256, &key).unwrap();
        Identity::new(certificate, key).unwrap()
    }

    fn issued(name: &str, usage: Usage, by: &Identity) -> Identity {
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let public = pki::Signer::public_key(&key);
        let certificate = issue::issued(&template(name, usage), public, Hash::Sha256, by).unwrap();
        Identity::new(certificate, key).unwrap()
    }

    fn chain(of: &[&Identity]) -> Vec<Vec<u8>> {
        of.iter().map(|identity| identity.certificate().der().to_vec()).collect()
    }

    // R: SRST-02
    #[test]
    fn one_issuer_is_the_most_that_may_stand_above() {
        let authority = root("authority");
        let gateway = issued("gw", Usage::Server, &authority);
        let alone = root("gw alone");
        let shown = judge(&chain(&[&alone]), now()).unwrap();
        assert_eq!((&shown.certificate, &shown.issuer), (alone.certificate(), &None));
        // Twice the same is one.
        assert_eq!(judge(&chain(&[&alone, &alone]), now()), Ok(shown));
        let shown = judge(&chain(&[&gateway, &authority]), now()).unwrap();
        assert_eq!(shown.issuer.as_ref(), Some(authority.certificate()));
        // An authority that is not shown may be the only one.
        assert!(judge(&chain(&[&gateway]), now()).is_ok());

        let middle = issued("middle", Usage::Authority, &authority);
        let deep = issued("deep", Usage::Server, &middle);
        for chain in [chain(&[&deep, &middle, &authority]), chain(&[&deep, &middle])] {
            assert_eq!(judge(&chain, now()), Err(FetchFault::TooLong { issuers: 2 }));
        }
        let broken = judge(&chain(&[&gateway, &alone]), now());
        assert!(matches!(broken, Err(FetchFault::Broken { .. })), "{broken:?}");
    }

    // R: SRST-02
    #[test]
    fn a_clock_that_jumped_is_told_by_its_dates() {
        let gateway = chain(&[&root("gw")]);
        for wrong in [now() - 365 * DAY, now() + 365 * DAY] {
            let fault = judge(&gateway, wrong).unwrap_err();
            assert!(matches!(fault, FetchFault::Unusable(_)), "{fault:?}");
        }
        assert!(judge(&[b"junk".to_vec()], now()).is_err() && judge(&[], now()).is_err());
    }

    #[test]
    fn every_fault_can_be_told() {
        let mut provoked = messages::testing::Provoked::default();
        let address = SocketAddr::from(([192, 0, 2, 1], 2445));
        for fault in [
            FetchFault::Away { address, detail: "refused".into() },
            FetchFault::TooLong { issuers: 2 },
            FetchFault::Broken { issuer: "CN=a".into() },
            FetchFault::Unusable(CertificateFault::Expired { until: "2004-11-09".into() }),
        ] {
            provoked.note(&fault.of("branch"));
        }
    }
}
