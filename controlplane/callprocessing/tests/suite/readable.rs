//! Phones that are authenticated by TLS of today and choose not to be encrypted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use callmanager::security::Security;
use integritytls::TLS13_SHA256_SHA256;
use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use ringfence_callprocessing::service::Running;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use store::{Certificate, CertificateRole, DeviceSecurityMode, SecurityMode};

use crate::phone::{M7970, Phone, connect};
use crate::site::{ALICE, Site, await_alarm};

/// A site in mixed mode that trusts an issuer of certificates, and Alice's phone with one.
struct Secure {
    site: Site,
    config: Arc<ClientConfig>,
}

impl Secure {
    fn new(mode: DeviceSecurityMode) -> Self {
        let site = Site::new();
        let template = |name: &str, usage| Template {
            subject: Name::common(name),
            not_before: SystemTime::now() - Duration::from_secs(3600),
            validity: Duration::from_secs(86_400),
            usage,
            alternative_names: Vec::new(),
        };
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let authority = template("CAPF", Usage::PhoneAuthority);
        let authority = self_signed(&authority, Hash::Sha256, &key).unwrap();
        let trusted = Certificate {
            role: CertificateRole::LscIssuer,
            owner: "cm1".into(),
            subject: authority.subject().to_string(),
            issuer: authority.issuer().to_string(),
            serial: "01".into(),
            not_before: authority.not_before(),
            not_after: authority.not_after(),
            der: authority.der().to_vec(),
        };
        let authority = Identity::new(authority, key).unwrap();
        site.change(|change| {
            change.put_certificate(&trusted)?;
            change.set_security_mode(SecurityMode::Mixed)?;
            let mut alice = change.device(&ALICE.parse()?)?;
            alice.security_mode = mode;
            change.put_device(&alice)?;
            Ok(())
        });

        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let phone = template(ALICE, Usage::Phone);
        let phone = issued(&phone, key.public_key(), Hash::Sha256, &authority).unwrap();
        let file = site.dir.path().join("phone.pem");
        key.save(&file, Some(&phone)).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(site.identity.certificate().der().to_vec().into()).unwrap();
        let cipher_suites = vec![*TLS13_SHA256_SHA256];
        let provider = CryptoProvider { cipher_suites, ..ring::default_provider() };
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(&file).unwrap()],
                PrivateKeyDer::from_pem_file(&file).unwrap(),
            )
            .unwrap();
        Self { site, config: config.into() }
    }

    fn phone(&self, running: &Running) -> Phone {
        let name = ServerName::try_from("cm1").unwrap();
        let tls = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let stream = connect(running.secure_address());
        Phone::on(Box::new(StreamOwned::new(tls, stream)), ALICE, M7970)
    }
}

// R: AUTH-05, AUTH-07
#[test]
fn an_authenticated_phone_may_be_readable() {
    let secure = Secure::new(DeviceSecurityMode::Authenticated);
    let running = secure.site.serve();
    let mut phone = secure.phone(&running);
    phone.register();
    let registered = running.handle().registered();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].security, Security::Authenticated);
    assert_eq!(registered[0].suite.as_deref(), Some("TLS_SHA256_SHA256"));
}

// R: AUTH-07, ALM-01
#[test]
fn an_encrypted_phone_may_not() {
    let secure = Secure::new(DeviceSecurityMode::Encrypted);
    let running = secure.site.serve();
    secure.phone(&running).refusal();
    let alarm = await_alarm(running.handle(), "TLS_INCOMPATIBLE");
    assert!(format!("{alarm:?}").contains("TLS_SHA256_SHA256"), "{alarm:?}");
    assert!(running.handle().registered().is_empty());
}
