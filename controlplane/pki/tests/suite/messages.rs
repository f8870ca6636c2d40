//! Every message about certificates, keys and tokens, provoked.

use std::fs;

use crate::support::{broken_certificates, self_signed, template, today};
use messages::testing::Provoked;
use messages::{Message, certificate, token};
use ringfence_pki::check::{self, Keys};
use ringfence_pki::issue;
use ringfence_pki::node::{self, CERTIFICATE_FILE, KEY_FILE, NodeName};
use ringfence_pki::token::{
    Authorities, Cost, Ledger, Location, Password, PasswordPolicy, Reader, TokenAuthority,
    init_software,
};
use ringfence_pki::{Hash, KeyKind, Name, PrivateKey, PublicKey, SignError, Signer};

/// About lists and servers: provoked where these are known.
const ABOUT_LISTS: [&Message; 6] = [
    &certificate::NO_VALID_SERVER_CERTIFICATE,
    &token::INSERT_ANOTHER_TOKEN,
    &token::COULD_NOT_SIGN_FILE,
    &token::NEW_TOKEN_CANNOT_SIGN,
    &token::TOKEN_ALREADY_IN_FILE,
    &token::TOKEN_CANNOT_SIGN,
];
/// Needs a PKCS#11 token: provoked beside the other tests of these.
const OF_HARDWARE: &Message = &token::NO_CERTIFICATE_IN_TOKEN;

// R: MSG-01
#[test]
fn every_message_is_provoked() {
    let mut provoked = Provoked::default();
    certificates(&mut provoked);
    key_files(&mut provoked);
    tokens(&mut provoked);
    let all = certificate::ALL.iter().chain(token::ALL);
    let here = all.filter(|message| !ABOUT_LISTS.contains(message) && **message != OF_HARDWARE);
    assert_eq!(provoked.missing(here), [] as [&str; 0]);
}

fn certificates(provoked: &mut Provoked) {
    for (der, _) in broken_certificates() {
        provoked.fails(check::server_certificate(&der, today(), Keys::RsaOnly));
    }
    provoked.fails(check::server_certificate(b"nonsense", today(), Keys::RsaOnly));
    provoked.fails(check::read("/nowhere/ccmserver.cer".as_ref()));
    let (_, ec) = self_signed(KeyKind::EcP256, Hash::Sha256);
    provoked.fails(check::server_certificate(ec.der(), today(), Keys::RsaOnly));
    provoked.fails(check::thumbprint(&ec, "00:11:22"));
}

fn key_files(provoked: &mut Provoked) {
    let dir = tempfile::tempdir().unwrap();
    let name = NodeName { server: "cm1".into(), guid: "g".into(), addresses: Vec::new() };
    node::open_or_create(dir.path(), &name, KeyKind::EcP256, today()).unwrap();
    let key = dir.path().join(KEY_FILE);
    for content in ["nonsense", "-----BEGIN ENCRYPTED PRIVATE KEY-----"] {
        fs::write(&key, content).unwrap();
        provoked.fails(node::open(dir.path(), today()));
    }
    fs::remove_file(&key).unwrap();
    provoked.fails(node::open(dir.path(), today()));
    fs::remove_file(dir.path().join(CERTIFICATE_FILE)).unwrap();
    provoked.fails(node::open(dir.path(), today()));
}

fn tokens(provoked: &mut Provoked) {
    let dir = tempfile::tempdir().unwrap();
    let authority = TokenAuthority::open_or_create(dir.path(), "Example", today()).unwrap();
    let mut reader = Reader {
        ledger: Ledger::open(&dir.path().join("tries")).unwrap(),
        authorities: Authorities::new([authority.certificate().clone()]),
        policy: PasswordPolicy::ChangeRequired,
    };
    let slot = dir.path().join("slot");
    fs::create_dir(&slot).unwrap();
    let here = Location::Software(slot.clone());
    let default = Password::default_one();
    provoked.fails(reader.present(&here, today()));
    for name in ["a", "b"] {
        let file = slot.join(format!("{name}.token"));
        let kind = KeyKind::Rsa1024;
        init_software(&file, name, kind, &default, Cost::MINIMAL, &authority, today()).unwrap();
    }
    provoked.fails(reader.present(&here, today()));
    fs::remove_file(slot.join("b.token")).unwrap();
    let token = reader.present(&here, today()).unwrap();
    provoked.fails(token.login(&default));
    provoked.fails(Password::new(""));
    let wrong = Password::new("wrong").unwrap();
    for _ in 0..16 {
        provoked.fails(token.login(&wrong));
    }
    reader.authorities = Authorities::default();
    provoked.fails(reader.present(&here, today()));
    fs::write(slot.join("a.token"), "nonsense").unwrap();
    provoked.fails(reader.present(&here, today()));

    let template = template(Name::common("cm1"));
    for signature in [None, Some(vec![0; 128])] {
        let broken = Broken { key: PrivateKey::generate(KeyKind::Rsa1024), signature };
        provoked.fails(issue::self_signed(&template, Hash::Sha256, &broken));
    }
}

/// A token that was pulled out, or whose chip is faulty.
struct Broken {
    key: PrivateKey,
    signature: Option<Vec<u8>>,
}

impl Signer for Broken {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, _: Hash, _: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature.clone().ok_or_else(|| SignError::Refused("it was removed".into()))
    }
}
