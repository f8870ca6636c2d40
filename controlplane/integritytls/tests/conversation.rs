//! Two peers that rustls drives, and somebody between them.

use std::io::{Read, Write};
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use proptest::prelude::*;
use ringfence_integritytls::{TLS_SHA256_SHA256, TLS13_SHA256_SHA256, encrypts, offer, prefer};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, Connection, Error, RootCertStore, ServerConfig,
    ServerConnection,
};

/// Octets of a record's header, of its type, and of a tag.
const HEADER: usize = 5;
const TYPE: usize = 1;
const TAG: usize = 32;

/// Somebody with a certificate.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new(name: &str) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(10).unwrap()).unwrap();
        let context = builder.x509v3_context(None, None);
        let names = SubjectAlternativeName::new().dns(name).build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build().to_der().unwrap().into();
        Self { certificate, key: key.private_key_to_pkcs8().unwrap().try_into().unwrap() }
    }

    /// Believes this one and nobody else.
    fn alone(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

/// A telephone and its server, who believe each other.
struct Configs(Arc<ClientConfig>, Arc<ServerConfig>);

impl Configs {
    fn new(client: CryptoProvider, server: CryptoProvider) -> Self {
        let (phone, cm) = (Identity::new("SEP001122334455"), Identity::new("cm1"));
        let server = Arc::new(server);
        let phones = Arc::new(phone.alone());
        let verifier = WebPkiClientVerifier::builder_with_provider(phones, server.clone());
        let versions = &[&rustls::version::TLS13];
        let server = ServerConfig::builder_with_provider(server)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![cm.certificate.clone()], cm.key.clone_key())
            .unwrap();
        let client = ClientConfig::builder_with_provider(client.into())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(cm.alone())
            .with_client_auth_cert(vec![phone.certificate.clone()], phone.key.clone_key())
            .unwrap();
        Self(client.into(), server.into())
    }
}

/// Those who speak.
struct Pair {
    client: Connection,
    server: Connection,
}

impl Pair {
    fn new(Configs(client, server): &Configs) -> Self {
        let name = ServerName::try_from("cm1").unwrap();
        Self {
            client: ClientConnection::new(client.clone(), name).unwrap().into(),
            server: ServerConnection::new(server.clone()).unwrap().into(),
        }
    }

    /// After the handshake, and what follows it.
    fn connected(configs: &Configs) -> Self {
        let mut pair = Self::new(configs);
        pair.shake_hands().unwrap();
        assert_eq!(hear(&mut pair.server, &say(&mut pair.client, b"")).unwrap(), b"");
        pair
    }

    fn shake_hands(&mut self) -> Result<(), Error> {
        loop {
            let forth = say(&mut self.client, b"");
            hear(&mut self.server, &forth)?;
            let back = say(&mut self.server, b"");
            hear(&mut self.client, &back)?;
            if forth.is_empty() && back.is_empty() {
                assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
                return Ok(());
            }
        }
    }
}

/// The records in which something is said.
fn say(connection: &mut Connection, text: &[u8]) -> Vec<u8> {
    connection.writer().write_all(text).unwrap();
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records).unwrap();
    }
    records
}

/// What is made of records.
fn hear(connection: &mut Connection, mut records: &[u8]) -> Result<Vec<u8>, Error> {
    let mut heard = Vec::new();
    while !records.is_empty() {
        connection.read_tls(&mut records).unwrap();
        let state = connection.process_new_packets()?;
        let mut text = vec![0; state.plaintext_bytes_to_read()];
        connection.reader().read_exact(&mut text).unwrap();
        heard.extend(text);
    }
    Ok(heard)
}

/// Knows nothing else.
fn phone() -> CryptoProvider {
    let cipher_suites = vec![*TLS13_SHA256_SHA256];
    CryptoProvider { cipher_suites, ..ring::default_provider() }
}

fn server() -> CryptoProvider {
    offer(ring::default_provider())
}

#[test]
fn everybody_can_read_what_is_said_and_nobody_can_change_it() {
    let configs = Configs::new(phone(), server());
    let mut pair = Pair::connected(&configs);
    for connection in [&pair.client, &pair.server] {
        let suite = connection.negotiated_cipher_suite().unwrap();
        assert_eq!(suite.suite(), TLS_SHA256_SHA256);
        assert!(!encrypts(suite));
    }
    // The server knows who it is all the same.
    assert_eq!(pair.server.peer_certificates().unwrap().len(), 1);

    let text = b"KeypadButton 1";
    let records = say(&mut pair.client, text);
    assert_eq!(records.len(), HEADER + text.len() + TYPE + TAG);
    assert_eq!(&records[HEADER..][..text.len()], text);
    assert_eq!(hear(&mut pair.server, &records).unwrap(), text);
    let answer = say(&mut pair.server, b"StartTone");
    assert_eq!(hear(&mut pair.client, &answer).unwrap(), b"StartTone");

    for at in 0..HEADER + text.len() + TYPE + TAG {
        let mut pair = Pair::connected(&configs);
        let mut records = say(&mut pair.client, text);
        records[at] ^= 1;
        // A length that is too great is waited for.
        let heard = hear(&mut pair.server, &records);
        assert!(heard.is_err() || at == 3 && heard.unwrap().is_empty(), "octet {at}");
    }
}

#[test]
fn records_are_read_once_and_in_their_order() {
    let configs = Configs::new(phone(), server());
    let mut pair = Pair::connected(&configs);
    let [first, second] = [&b"first"[..], b"second"].map(|text| say(&mut pair.client, text));
    assert_eq!(hear(&mut pair.server, &second).unwrap_err(), Error::DecryptError);

    let mut pair = Pair::connected(&configs);
    let again = say(&mut pair.client, b"first");
    assert_eq!(hear(&mut pair.server, &again).unwrap(), b"first");
    assert_eq!(hear(&mut pair.server, &again).unwrap_err(), Error::DecryptError);
    // Nor are those of another connection.
    let mut pair = Pair::connected(&configs);
    assert_eq!(hear(&mut pair.server, &first).unwrap_err(), Error::DecryptError);
    // Nor one's own.
    let mut pair = Pair::connected(&configs);
    let own = say(&mut pair.client, b"first");
    assert_eq!(hear(&mut pair.client, &own).unwrap_err(), Error::DecryptError);
}

#[test]
fn whoever_does_not_prefer_it_encrypts() {
    let all = || offer(ring::default_provider());
    for (client, server, encrypted) in [
        (all(), all(), true),
        (ring::default_provider(), all(), true),
        (phone(), all(), false),
        (prefer(ring::default_provider()), all(), false),
        (prefer(ring::default_provider()), ring::default_provider(), true),
        (all(), phone(), false),
    ] {
        let pair = Pair::connected(&Configs::new(client, server));
        assert_eq!(encrypts(pair.server.negotiated_cipher_suite().unwrap()), encrypted);
    }
    let mut pair = Pair::new(&Configs::new(phone(), ring::default_provider()));
    assert!(pair.shake_hands().is_err(), "a server that was not asked to offer it does not");
}

#[test]
fn keys_can_be_renewed_and_sessions_resumed() {
    let configs = Configs::new(phone(), server());
    for _ in 0..3 {
        let mut pair = Pair::connected(&configs);
        let heard = hear(&mut pair.client, &say(&mut pair.server, b"ticket before it"));
        assert_eq!(heard.unwrap(), b"ticket before it");
        pair.client.refresh_traffic_keys().unwrap();
        let records = say(&mut pair.client, b"under new keys");
        assert_eq!(hear(&mut pair.server, &records).unwrap(), b"under new keys");
        let records = say(&mut pair.server, b"and the other way");
        assert_eq!(hear(&mut pair.client, &records).unwrap(), b"and the other way");
        assert!(!encrypts(pair.server.negotiated_cipher_suite().unwrap()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_in_any_pieces_arrives(texts in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..40_000), 1..4)
    ) {
        let mut pair = Pair::connected(&Configs::new(phone(), server()));
        for text in texts {
            let records = say(&mut pair.client, &text);
            prop_assert_eq!(hear(&mut pair.server, &records).unwrap(), text);
        }
    }
}
