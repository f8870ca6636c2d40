//! Tokens that speak PKCS#11.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{
    Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle,
};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use der::Tag;
use der::asn1::ObjectIdentifier;

use super::ledger::TryError;
use super::{
    Ledger, MAX_WRONG_PASSWORDS, Password, Pkcs11Uri, Token, TokenAuthority, TokenError, TokenInfo,
};
use crate::asn1;
use crate::certificate::Certificate;
use crate::key::{self, Hash, KeyKind, PublicKey};
use crate::signer::{Identity, SignError, Signer};

/// What a new PKCS#11 token gets.
#[derive(Clone, Copy, Debug)]
pub struct Pkcs11Init<'a> {
    /// Its label.
    pub label: &'a str,
    /// The kind of its key; RSA.
    pub kind: KeyKind,
    /// The security officer's password.
    pub so_password: &'a Password,
    /// The user's password.
    pub password: &'a Password,
}

/// A token that was found in a slot.
pub(super) struct Pkcs11Token {
    module: Module,
    slot: Slot,
    uri: Pkcs11Uri,
}

/// Finds the one token that the URI names.
pub(super) fn find(uri: &Pkcs11Uri) -> Result<Pkcs11Token, TokenError> {
    let module = Module::load(uri)?;
    let slot = module.only_slot(uri, Wanted::Initialized)?;
    Ok(Pkcs11Token { module, slot, uri: uri.clone() })
}

/// A URI for each token that `uri` fits.
pub(super) fn tokens(uri: &Pkcs11Uri) -> Result<Vec<Pkcs11Uri>, TokenError> {
    let found = Module::load(uri)?.slots(uri, Wanted::Initialized)?;
    let named = |slot: Slot| Pkcs11Uri { slot_id: Some(slot.id()), ..uri.clone() };
    Ok(found.into_iter().map(named).collect())
}

/// See [`super::init_pkcs11`].
pub(super) fn init(
    uri: &Pkcs11Uri,
    init: &Pkcs11Init<'_>,
    authority: &TokenAuthority,
    now: SystemTime,
) -> Result<Certificate, TokenError> {
    let module = Module::load(uri)?;
    let Some(bits) = init.kind.rsa_bits() else {
        return Err(module.error("trust lists are signed with RSA keys only"));
    };
    let names_a_token = uri.token.is_some() || uri.serial.is_some() || uri.slot_id.is_some();
    let wanted = if names_a_token { Wanted::Any } else { Wanted::Blank };
    let slot = module.only_slot(uri, wanted)?;
    let failed = |error: Error| module.error(error);
    let pins = [pin(init.so_password), pin(init.password)];
    module.context.init_token(slot, &pins[0], init.label).map_err(failed)?;
    let session = module.context.open_rw_session(slot).map_err(failed)?;
    session.login(UserType::So, Some(&pins[0])).map_err(failed)?;
    session.init_pin(&pins[1]).map_err(failed)?;
    session.logout().map_err(failed)?;
    session.login(UserType::User, Some(&pins[1])).map_err(failed)?;
    let (public, id) = generate_key(&session, init.label, bits).map_err(failed)?;
    let public = read_public(&session, public)
        .ok_or_else(|| module.error("the new key cannot be read back"))?;
    let certificate = authority.certify(init.label, &public, now)?;
    let object = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(init.label.into()),
        Attribute::Id(id),
        Attribute::Subject(certificate.subject().der().to_vec()),
        Attribute::Issuer(certificate.issuer().der().to_vec()),
        Attribute::SerialNumber(asn1::unsigned(certificate.serial())),
        Attribute::Value(certificate.der().to_vec()),
    ];
    session.create_object(&object).map_err(failed)?;
    Ok(certificate)
}

impl Token for Pkcs11Token {
    fn info(&self, ledger: &Ledger) -> Result<TokenInfo, TokenError> {
        let token = self.device()?;
        let (certificate, _) = self.certificate(&self.session()?)?;
        let id = self.id()?;
        let wrong_passwords = ledger.wrong_passwords(&id)?;
        Ok(TokenInfo {
            label: token.label().trim_end().into(),
            id,
            certificate,
            wrong_passwords,
            locked: token.user_pin_locked() || wrong_passwords > MAX_WRONG_PASSWORDS,
        })
    }

    fn login(&self, password: &Password, ledger: &Ledger) -> Result<Identity, TokenError> {
        let session = self.session()?;
        let (certificate, id) = self.certificate(&session)?;
        let label = certificate.subject().trust_list_form();
        ledger.attempt(&self.id()?, 0, |_| self.judge(log_in(&session, password)))?;
        let (key, public) = self
            .private_key(&session, &id)?
            .ok_or_else(|| TokenError::NoCertificate(label.clone()))?;
        let signer = Pkcs11Signer { session: Mutex::new(session), key, public };
        Identity::new(certificate, signer).ok_or(TokenError::NoCertificate(label))
    }

    fn change_password(
        &self,
        old: &Password,
        new: &Password,
        ledger: &Ledger,
    ) -> Result<(), TokenError> {
        let session =
            self.module.context.open_rw_session(self.slot).map_err(|e| self.module.error(e))?;
        ledger.attempt(&self.id()?, 0, |_| self.judge(log_in(&session, old)))?;
        session.set_pin(&pin(old), &pin(new)).map_err(|error| self.module.error(error))
    }
}

impl Pkcs11Token {
    fn device(&self) -> Result<cryptoki::slot::TokenInfo, TokenError> {
        self.module.context.get_token_info(self.slot).map_err(|error| self.module.error(error))
    }

    /// Manufacturer and serial number: what the ledger knows a device by.
    fn id(&self) -> Result<String, TokenError> {
        let token = self.device()?;
        let [maker, serial] = [token.manufacturer_id(), token.serial_number()].map(str::trim_end);
        Ok(format!("{maker}-{serial}"))
    }

    fn session(&self) -> Result<Session, TokenError> {
        self.module.context.open_ro_session(self.slot).map_err(|error| self.module.error(error))
    }

    /// What a try to log in means.
    fn judge(&self, result: Result<(), Error>) -> Result<(), TryError> {
        match result {
            Ok(()) => Ok(()),
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                _,
            )) => Err(TryError::WrongPassword),
            Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(TryError::Other(TokenError::Locked)),
            Err(other) => Err(TryError::Other(self.module.error(other))),
        }
    }

    /// The certificate the URI names and its CKA_ID.
    fn certificate(&self, session: &Session) -> Result<(Certificate, Vec<u8>), TokenError> {
        let failed = |error: Error| self.module.error(error);
        let template = self.objects(ObjectClass::CERTIFICATE, None);
        let found = session.find_objects(&template).map_err(failed)?;
        let object = match found.as_slice() {
            [] => {
                let label = self.device()?.label().trim_end().into();
                return Err(TokenError::NoCertificate(label));
            }
            [one] => *one,
            several => {
                let many = format!(
                    "it holds {} certificates: name one with object= or id=",
                    several.len()
                );
                return Err(self.module.error(many));
            }
        };
        let wanted = [AttributeType::Value, AttributeType::Id];
        let (mut der, mut id) = (Vec::new(), Vec::new());
        for attribute in session.get_attributes(object, &wanted).map_err(failed)? {
            match attribute {
                Attribute::Value(value) => der = value,
                Attribute::Id(value) => id = value,
                _ => {}
            }
        }
        let certificate = Certificate::parse(&der).map_err(TokenError::Certificate)?;
        Ok((certificate, id))
    }

    /// The private key with this CKA_ID, once logged in.
    fn private_key(
        &self,
        session: &Session,
        id: &[u8],
    ) -> Result<Option<(ObjectHandle, PublicKey)>, TokenError> {
        let mut template = self.objects(ObjectClass::PRIVATE_KEY, Some(id));
        template.push(Attribute::KeyType(KeyType::RSA));
        let found = session.find_objects(&template).map_err(|error| self.module.error(error))?;
        let keys = found.into_iter().filter_map(|key| Some((key, read_public(session, key)?)));
        Ok(keys.take(1).next())
    }

    fn objects(&self, class: ObjectClass, id: Option<&[u8]>) -> Vec<Attribute> {
        let mut template = vec![Attribute::Class(class), Attribute::Token(true)];
        let label = self.uri.object.as_ref().map(|label| label.as_bytes().to_vec());
        template.extend(label.map(Attribute::Label));
        template.extend(id.or(self.uri.id.as_deref()).map(|id| Attribute::Id(id.to_vec())));
        template
    }
}

/// A key inside a token, for as long as its session lives.
struct Pkcs11Signer {
    session: Mutex<Session>,
    key: ObjectHandle,
    public: PublicKey,
}

impl Signer for Pkcs11Signer {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let signature = session
            .sign(&Mechanism::RsaPkcs, self.key, &digest_info(hash, message))
            .map_err(|error| SignError::Refused(error.to_string()))?;
        let holds = self.public.verify(hash, message, &signature);
        holds.then_some(signature).ok_or(SignError::DoesNotVerify)
    }
}

/// A loaded PKCS#11 module.
#[derive(Clone)]
struct Module {
    context: Pkcs11,
    path: PathBuf,
}

/// Which tokens of a module are meant.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Initialized,
    Blank,
    Any,
}

impl Module {
    /// Loads the module of the URI. A module is initialised once in a process.
    fn load(uri: &Pkcs11Uri) -> Result<Self, TokenError> {
        static LOADED: LazyLock<Mutex<HashMap<PathBuf, Pkcs11>>> = LazyLock::new(Mutex::default);
        let Some(path) = uri.module_path.clone() else {
            return Err(TokenError::store(uri, "add ?module-path=FILE, the module of the token"));
        };
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let context = match loaded.get(&path) {
            Some(context) => context.clone(),
            None => {
                let context = open_module(&path)?;
                loaded.insert(path.clone(), context.clone());
                context
            }
        };
        Ok(Self { context, path })
    }

    fn only_slot(&self, uri: &Pkcs11Uri, wanted: Wanted) -> Result<Slot, TokenError> {
        match self.slots(uri, wanted)?.as_slice() {
            [] => Err(TokenError::Absent),
            [one] => Ok(*one),
            several => Err(TokenError::Several(several.len())),
        }
    }

    fn slots(&self, uri: &Pkcs11Uri, wanted: Wanted) -> Result<Vec<Slot>, TokenError> {
        let slots = self.context.get_slots_with_token().map_err(|error| self.error(error))?;
        let mut found = Vec::new();
        for slot in slots {
            let token = self.context.get_token_info(slot).map_err(|error| self.error(error))?;
            let matches = |wanted: &Option<String>, is: &str| {
                wanted.as_ref().is_none_or(|wanted| wanted == is.trim_end())
            };
            let meant = match wanted {
                Wanted::Initialized => token.token_initialized(),
                Wanted::Blank => !token.token_initialized(),
                Wanted::Any => true,
            };
            if meant
                && uri.slot_id.is_none_or(|id| id == slot.id())
                && matches(&uri.token, token.label())
                && matches(&uri.manufacturer, token.manufacturer_id())
                && matches(&uri.model, token.model())
                && matches(&uri.serial, token.serial_number())
            {
                found.push(slot);
            }
        }
        Ok(found)
    }

    fn error(&self, detail: impl ToString) -> TokenError {
        TokenError::store(self.path.display(), detail)
    }
}

fn open_module(path: &Path) -> Result<Pkcs11, TokenError> {
    let failed = |error: Error| TokenError::store(path.display(), error);
    let context = Pkcs11::new(path).map_err(failed)?;
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(context),
        Err(error) => Err(failed(error)),
    }
}

/// Logs in, judging the password even if another session of this process is logged in already.
fn log_in(session: &Session, password: &Password) -> Result<(), Error> {
    match session.login(UserType::User, Some(&pin(password))) {
        Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
            session.logout()?;
            session.login(UserType::User, Some(&pin(password)))
        }
        other => other,
    }
}

fn pin(password: &Password) -> AuthPin {
    AuthPin::new(password.as_str().into())
}

/// Makes a key pair that never leaves the token; the public half's handle and the CKA_ID.
fn generate_key(
    session: &Session,
    label: &str,
    bits: u32,
) -> Result<(ObjectHandle, Vec<u8>), Error> {
    let mut id = vec![0; 8];
    openssl::rand::rand_bytes(&mut id).expect("the system has random numbers");
    let common =
        [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(id.clone())];
    let public = [
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::ModulusBits(u64::from(bits).into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ];
    let private = [
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ];
    let with_common = |own: &[Attribute]| [&common[..], own].concat();
    let mechanism = Mechanism::RsaPkcsKeyPairGen;
    let (handle, _) =
        session.generate_key_pair(&mechanism, &with_common(&public), &with_common(&private))?;
    Ok((handle, id))
}

/// The public key of an RSA key object.
fn read_public(session: &Session, key: ObjectHandle) -> Option<PublicKey> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
    for attribute in session.get_attributes(key, &wanted).ok()? {
        match attribute {
            Attribute::Modulus(value) => modulus = value,
            Attribute::PublicExponent(value) => exponent = value,
            _ => {}
        }
    }
    key::rsa_public(&modulus, &exponent)
}

/// RFC 8017 §9.2: what RSASSA-PKCS1-v1_5 pads.
fn digest_info(hash: Hash, message: &[u8]) -> Vec<u8> {
    let dotted = match hash {
        Hash::LegacySha1 => "1.3.14.3.2.26",
        Hash::Sha256 => "2.16.840.1.101.3.4.2.1",
        Hash::Sha384 => "2.16.840.1.101.3.4.2.2",
        Hash::Sha512 => "2.16.840.1.101.3.4.2.3",
    };
    let oid = asn1::oid(ObjectIdentifier::new_unwrap(dotted));
    let algorithm = asn1::sequence(&[&oid, &asn1::element(Tag::Null, [])]);
    asn1::sequence(&[&algorithm, &asn1::element(Tag::OctetString, hash.of(message))])
}
