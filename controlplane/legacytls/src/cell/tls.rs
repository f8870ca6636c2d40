//! OpenSSL, set up for one service.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef, SslVerifyMode,
    SslVersion,
};
use openssl::x509::{X509, X509StoreContextRef, X509VerifyResult};
use zeroize::Zeroizing;

use crate::certificate::{Issuers, Policy};
use crate::link::{Client, Clients, Protection, Reason, Service, TlsVersion};

/// OpenSSL, set up for a service.
pub(super) struct Tls {
    pub context: SslContext,
    policy: Option<Arc<Policy>>,
}

/// Suites with encryption, the best first; the last are those of telephones of the 79xx family.
const ENCRYPTED: &str = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:AES128-GCM-SHA256:AES256-GCM-SHA384:\
                         AES128-SHA256:AES128-SHA:AES256-SHA";

/// Largest file of a key.
const MAX_KEY: usize = 64 * 1024;

impl Tls {
    /// Sets it up. The error is for the log.
    pub(super) fn new(service: &Service, key: &std::fs::File) -> Result<Self, String> {
        let key = read_key(key).map_err(|error| format!("the key cannot be read: {error}"))?;
        let key = PKey::private_key_from_pem(&key)
            .map_err(|error| format!("the key cannot be used: {error}"))?;
        let certificate = X509::from_der(&service.certificate.0)
            .map_err(|error| format!("the certificate cannot be used: {error}"))?;
        let policy = match &service.clients {
            Clients::Anybody => None,
            Clients::Certified {
                lsc_issuers,
                mic_issuers,
                voicemail_roots,
                expired_mics_until,
            } => {
                let issuers =
                    Issuers { lsc: lsc_issuers, mic: mic_issuers, voicemail: voicemail_roots };
                let policy = Policy::new(&issuers, *expired_mics_until)
                    .map_err(|error| format!("an issuer's certificate cannot be used: {error}"))?;
                Some(Arc::new(policy))
            }
        };
        let build = || -> Result<SslContext, ErrorStack> {
            let mut builder = SslContext::builder(SslMethod::tls_server())?;
            // Before the certificate: those of old clusters have short keys.
            set_strength(&mut builder, service)?;
            builder.set_certificate(&certificate)?;
            builder.set_private_key(&key)?;
            builder.check_private_key()?;
            builder.set_session_id_context(&session_context(service))?;
            if let Some(policy) = &policy {
                demand_certificate(&mut builder, Arc::clone(policy));
            }
            Ok(builder.build())
        };
        let context = build().map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(Self { context, policy })
    }

    /// Who shook hands. Asked again even though [`demand_certificate`] asked: in a session that is
    /// taken up again nobody else does.
    pub(super) fn client(&self, ssl: &SslRef) -> Result<Option<Client>, Reason> {
        let Some(policy) = &self.policy else { return Ok(None) };
        let certificate = ssl.peer_certificate().ok_or(Reason::NoCertificate)?;
        policy.judge(&certificate, ssl.peer_cert_chain(), now()).map(Some)
    }
}

/// The key's bytes, wherever the file was read to by others.
fn read_key(file: &std::fs::File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; MAX_KEY]);
    let mut length = 0;
    while length < MAX_KEY {
        match file.read_at(&mut bytes[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn set_strength(builder: &mut SslContextBuilder, service: &Service) -> Result<(), ErrorStack> {
    let suites = match service.protection {
        Protection::Encrypted => ENCRYPTED.to_owned(),
        Protection::Authenticated => format!("{ENCRYPTED}:NULL-SHA"),
    };
    builder.set_cipher_list(&format!("{suites}:@SECLEVEL=0"))?;
    builder.set_min_proto_version(Some(SslVersion::TLS1))?;
    builder.set_max_proto_version(Some(match service.newest {
        TlsVersion::Tls10 => SslVersion::TLS1,
        TlsVersion::Tls11 => SslVersion::TLS1_1,
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        TlsVersion::Tls13 => SslVersion::TLS1_3,
    }))?;
    builder.set_options(
        SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_COMPRESSION
            | SslOptions::CIPHER_SERVER_PREFERENCE,
    );
    builder.set_mode(
        SslMode::RELEASE_BUFFERS
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
    );
    Ok(())
}

/// Sessions are taken up again in the same service only.
fn session_context(service: &Service) -> [u8; 32] {
    openssl::sha::sha256(service.name.as_bytes())
}

/// Has the handshake fail, with an alert that says why, when the certificate is not good.
fn demand_certificate(builder: &mut SslContextBuilder, policy: Arc<Policy>) {
    let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    // OpenSSL's own verdict is by an empty store; it asks for each of its doubts, and at the end.
    builder.set_verify_callback(mode, move |_, context| match verdict(&policy, context) {
        Ok(_) => true,
        Err(Reason::UnknownIssuer) => false,
        // Borne until the doubt comes that becomes the fitting alert.
        Err(Reason::Expired | Reason::NotYetValid) => !is_about_time(context),
        Err(_) => {
            context.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
            false
        }
    });
}

/// Why a handshake failed, and what OpenSSL says of it.
pub(super) fn reason(error: &openssl::ssl::Error, ssl: &SslRef) -> (Reason, String) {
    // A signature that does not fit comes before the verdict that follows from it.
    let errors = error.ssl_error().map_or(&[][..], ErrorStack::errors);
    let texts = || errors.iter().filter_map(openssl::error::Error::reason);
    let known = texts().find_map(|text| Some((known_reason(text, ssl)?, text.to_owned())));
    known.unwrap_or_else(|| (Reason::Handshake, texts().next().unwrap_or_default().to_owned()))
}

fn known_reason(text: &str, ssl: &SslRef) -> Option<Reason> {
    match text {
        "certificate verify failed" => Some(match ssl.verify_result() {
            X509VerifyResult::APPLICATION_VERIFICATION => Reason::NoDevice,
            doubt if doubt.as_raw() == X509_V_ERR_CERT_NOT_YET_VALID => Reason::NotYetValid,
            doubt if doubt.as_raw() == X509_V_ERR_CERT_HAS_EXPIRED => Reason::Expired,
            _ => Reason::UnknownIssuer,
        }),
        "peer did not return a certificate" => Some(Reason::NoCertificate),
        "inappropriate fallback" => Some(Reason::Downgrade),
        "no shared cipher"
        | "unsupported protocol"
        | "no protocols available"
        | "no suitable key share"
        | "no suitable signature algorithm" => Some(Reason::NothingInCommon),
        _ => None,
    }
}

fn verdict(policy: &Policy, context: &X509StoreContextRef) -> Result<Client, Reason> {
    let chain = context.chain().ok_or(Reason::NoCertificate)?;
    let certificate = chain.get(0).ok_or(Reason::NoCertificate)?;
    policy.judge(certificate, Some(chain), now())
}

fn is_about_time(context: &X509StoreContextRef) -> bool {
    matches!(context.error().as_raw(), X509_V_ERR_CERT_NOT_YET_VALID | X509_V_ERR_CERT_HAS_EXPIRED)
}

/// OpenSSL's numbers, of which the crate has no names.
const X509_V_ERR_CERT_NOT_YET_VALID: i32 = 9;
const X509_V_ERR_CERT_HAS_EXPIRED: i32 = 10;

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
