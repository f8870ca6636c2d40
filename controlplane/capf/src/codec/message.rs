//! Typed messages.

use zeroize::Zeroizing;

use super::element::{Elements, Writer};
use super::value::{read_certificates, write_certificates};
use super::{
    AuthType, CertificateEntry, CertificateType, Command, DecodeError, Element, EncodeError, Frame,
    HEADER, KeySpec, MAX_BODY, PROTOCOL_ID, Password, Reason, RetryDelay, SessionId, Signed, Sudi,
    Tag, Text,
};

/// The version of the protocol that phones speak.
pub const VERSION: u8 = 3;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The session it belongs to.
    pub session: SessionId,
    /// What it says.
    pub body: Body,
    /// Elements that its command is not known to have, in the order of their coming. Nobody
    /// interprets them. Empty for [`Body::Opaque`].
    pub others: Vec<Element>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The server asks who is there. Old servers send one of the two elements.
    AuthReq {
        /// Protocol version.
        version: Option<u8>,
        /// How to authenticate.
        auth_type: Option<AuthType>,
    },
    /// The phone's answer.
    AuthRes(Box<AuthRes>),
    /// The server asks for a fresh key pair.
    KeyGenReq {
        /// Of what kind.
        key: KeySpec,
        /// Whether KEY_TYPE is there; always so for EC. Old phones get KEY_SIZE only.
        typed: bool,
    },
    /// The phone's new public key, or none.
    KeyGenRes(KeyAnswer),
    /// The server delivers a certificate.
    StoreCertReq {
        /// In which place it shall be kept.
        kind: CertificateType,
        /// The certificate: one, as far as is known.
        certificates: Vec<CertificateEntry>,
    },
    /// Whether the phone kept it.
    StoreCertRes(Reason),
    /// The server asks for the phone's certificates.
    FetchCertReq,
    /// Certificates, if it has any.
    FetchCertRes {
        /// How it went.
        reason: Reason,
        /// What it has.
        certificates: Vec<CertificateEntry>,
    },
    /// The server has the locally significant certificate deleted.
    DeleteCertReq,
    /// Whether there was one to delete.
    DeleteCertRes(Reason),
    /// The server ends the session.
    EndSession {
        /// How it went.
        reason: Reason,
        /// The same in words.
        info: Option<Text>,
    },
    /// The server has no time, or no certificate yet. The body is inferred.
    RetryLater(Option<RetryDelay>),
    /// The phone is still working on the last request.
    RequestInProgress(Option<RetryDelay>),
    /// A command whose body is not known: STATUS, ABORT, SIGN_CERT, ENCRYPT, DECRYPT, and every
    /// number without a name.
    Opaque(Command, Vec<u8>),
}

/// Who the phone is, and why that may be believed. All of it is optional to the codec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthRes {
    /// 1 as far as is known.
    pub reason: Option<Reason>,
    /// Certificates that prove who it is: one, as far as is known.
    pub certificates: Vec<CertificateEntry>,
    /// A proof made with SHA-1.
    pub signed_data: Option<Vec<u8>>,
    /// Protocol version.
    pub version: Option<u8>,
    /// The authentication string; the null string is there, and empty.
    pub password: Option<Password>,
    /// The phone's name.
    pub device_name: Option<Text>,
    /// A manufactured certificate, with proofs bound to this session.
    pub sudi: Option<Sudi>,
    /// A proof made with SHA-512.
    pub sha2_signed_data: Option<Signed>,
}

/// What came of a key generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAnswer {
    /// The public key: DER SubjectPublicKeyInfo, undecoded.
    PublicKey(Vec<u8>),
    /// None.
    Failed(Option<Reason>),
}

impl Message {
    /// A message of known elements only.
    pub fn new(session: SessionId, body: Body) -> Self {
        Self { session, body, others: Vec::new() }
    }

    /// Reads the elements of a frame. Elements that its command is not known to have are kept
    /// aside; broken known ones are errors.
    pub fn read(frame: &Frame) -> Result<Self, DecodeError> {
        let command = frame.command;
        if is_opaque(command) {
            let body = Body::Opaque(command, frame.body.clone());
            return Ok(Self::new(frame.session, body));
        }
        let mut elements = Elements::read(&frame.body)?;
        let body = Body::read(command, &mut elements)?;
        Ok(Self { session: frame.session, body, others: elements.rest() })
    }

    /// The frame, header and body in one piece: phones stall on a header that comes alone, so
    /// write it with one TLS write. Wiped when dropped, since it may hold a password.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        let command = self.body.command();
        let certificates = self.body.certificates().len();
        if certificates > usize::from(u8::MAX) {
            return Err(EncodeError::TooManyCertificates(certificates));
        }
        let mut writer = Writer::default();
        self.body.write(&mut writer);
        self.others.iter().for_each(|other| {
            writer.put(other.tag, &other.value);
        });
        let body = Zeroizing::new(writer.0);
        let too_long = EncodeError::TooLong { command, length: body.len() };
        let length = u16::try_from(body.len()).map_err(|_| too_long)?;
        if body.len() > MAX_BODY {
            return Err(too_long);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER + body.len()));
        bytes.extend_from_slice(&[PROTOCOL_ID, command.0]);
        bytes.extend_from_slice(&self.session.0.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }
}

/// Commands whose bodies are not known to be elements.
fn is_opaque(command: Command) -> bool {
    !matches!(
        command,
        Command::AUTH_REQ
            | Command::AUTH_RES
            | Command::KEY_GEN_REQ
            | Command::KEY_GEN_RES
            | Command::STORE_CERT_REQ
            | Command::STORE_CERT_RES
            | Command::FETCH_CERT_REQ
            | Command::FETCH_CERT_RES
            | Command::DELETE_CERT_REQ
            | Command::DELETE_CERT_RES
            | Command::END_SESSION
            | Command::RETRY_LATER
            | Command::REQUEST_IN_PROGRESS
    )
}

impl Body {
    /// The command it travels under.
    pub fn command(&self) -> Command {
        match self {
            Self::AuthReq { .. } => Command::AUTH_REQ,
            Self::AuthRes(_) => Command::AUTH_RES,
            Self::KeyGenReq { .. } => Command::KEY_GEN_REQ,
            Self::KeyGenRes(_) => Command::KEY_GEN_RES,
            Self::StoreCertReq { .. } => Command::STORE_CERT_REQ,
            Self::StoreCertRes(_) => Command::STORE_CERT_RES,
            Self::FetchCertReq => Command::FETCH_CERT_REQ,
            Self::FetchCertRes { .. } => Command::FETCH_CERT_RES,
            Self::DeleteCertReq => Command::DELETE_CERT_REQ,
            Self::DeleteCertRes(_) => Command::DELETE_CERT_RES,
            Self::EndSession { .. } => Command::END_SESSION,
            Self::RetryLater(_) => Command::RETRY_LATER,
            Self::RequestInProgress(_) => Command::REQUEST_IN_PROGRESS,
            Self::Opaque(command, _) => *command,
        }
    }

    fn certificates(&self) -> &[CertificateEntry] {
        match self {
            Self::AuthRes(answer) => &answer.certificates,
            Self::StoreCertReq { certificates, .. } | Self::FetchCertRes { certificates, .. } => {
                certificates
            }
            _ => &[],
        }
    }

    fn read(command: Command, elements: &mut Elements<'_>) -> Result<Self, DecodeError> {
        let missing = |tag| DecodeError::Missing { command, tag };
        let reason = |elements: &mut Elements<'_>| {
            elements.u8(Tag::REASON)?.map(Reason).ok_or(missing(Tag::REASON))
        };
        Ok(match command {
            Command::AUTH_REQ => Self::AuthReq {
                version: elements.u8(Tag::VERSION)?,
                auth_type: elements.u8(Tag::AUTH_TYPE)?.map(AuthType),
            },
            Command::AUTH_RES => Self::AuthRes(Box::new(AuthRes::read(elements)?)),
            Command::KEY_GEN_REQ => {
                let (key, typed) = KeySpec::read(elements)?;
                Self::KeyGenReq { key, typed }
            }
            Command::KEY_GEN_RES => Self::KeyGenRes(match elements.bytes(Tag::PUBLIC_KEY)? {
                Some(key) => KeyAnswer::PublicKey(key),
                None => KeyAnswer::Failed(elements.u8(Tag::REASON)?.map(Reason)),
            }),
            Command::STORE_CERT_REQ => {
                let kind = elements.u8(Tag::CERTIFICATE_TYPE)?.map(CertificateType);
                let certificates = certificates(elements)?;
                if certificates.is_empty() {
                    return Err(missing(Tag::CERTIFICATE));
                }
                let kind = kind.ok_or(missing(Tag::CERTIFICATE_TYPE))?;
                Self::StoreCertReq { kind, certificates }
            }
            Command::STORE_CERT_RES => Self::StoreCertRes(reason(elements)?),
            Command::FETCH_CERT_REQ => Self::FetchCertReq,
            Command::FETCH_CERT_RES => Self::FetchCertRes {
                reason: reason(elements)?,
                certificates: certificates(elements)?,
            },
            Command::DELETE_CERT_REQ => Self::DeleteCertReq,
            Command::DELETE_CERT_RES => Self::DeleteCertRes(reason(elements)?),
            Command::END_SESSION => Self::EndSession {
                reason: reason(elements)?,
                info: elements.text(Tag::REASON_INFO)?,
            },
            Command::RETRY_LATER => Self::RetryLater(retry_delay(elements)?),
            Command::REQUEST_IN_PROGRESS => Self::RequestInProgress(retry_delay(elements)?),
            opaque => Self::Opaque(opaque, Vec::new()),
        })
    }

    /// Ascending by tag: the order in which real peers write.
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::AuthReq { version, auth_type } => {
                writer.byte(Tag::VERSION, *version);
                writer.byte(Tag::AUTH_TYPE, auth_type.map(|auth_type| auth_type.0));
            }
            Self::AuthRes(answer) => answer.write(writer),
            Self::KeyGenReq { key, typed } => key.write(*typed, writer),
            Self::KeyGenRes(KeyAnswer::PublicKey(key)) => {
                writer.put(Tag::PUBLIC_KEY, key);
            }
            Self::KeyGenRes(KeyAnswer::Failed(reason)) => {
                writer.byte(Tag::REASON, reason.map(|reason| reason.0));
            }
            Self::StoreCertReq { kind, certificates } => {
                writer.put(Tag::CERTIFICATE_TYPE, &[kind.0]);
                writer.put(Tag::CERTIFICATE, &write_certificates(certificates));
            }
            Self::FetchCertRes { reason, certificates } => {
                writer.put(Tag::REASON, &[reason.0]);
                if !certificates.is_empty() {
                    writer.put(Tag::CERTIFICATE, &write_certificates(certificates));
                }
            }
            Self::StoreCertRes(reason) | Self::DeleteCertRes(reason) => {
                writer.put(Tag::REASON, &[reason.0]);
            }
            Self::EndSession { reason, info } => {
                writer.put(Tag::REASON, &[reason.0]);
                writer.put_if(Tag::REASON_INFO, info.as_ref().map(Text::as_bytes));
            }
            Self::RetryLater(delay) | Self::RequestInProgress(delay) => {
                writer.put_if(Tag::RETRY_DELAY, delay.as_ref().map(|delay| &*delay.0));
            }
            Self::FetchCertReq | Self::DeleteCertReq => {}
            Self::Opaque(_, bytes) => writer.0.extend_from_slice(bytes),
        }
    }
}

impl AuthRes {
    fn read(elements: &mut Elements<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            reason: elements.u8(Tag::REASON)?.map(Reason),
            certificates: certificates(elements)?,
            signed_data: elements.bytes(Tag::SIGNED_DATA)?,
            version: elements.u8(Tag::VERSION)?,
            password: elements.password(Tag::PASSWORD)?,
            device_name: elements.text(Tag::DEVICE_NAME)?,
            sudi: elements.one(Tag::SUDI_DATA)?.map(Sudi::read).transpose()?,
            sha2_signed_data: elements.one(Tag::SHA2_SIGNED_DATA)?.map(Signed::read).transpose()?,
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.byte(Tag::REASON, self.reason.map(|reason| reason.0));
        if !self.certificates.is_empty() {
            writer.put(Tag::CERTIFICATE, &write_certificates(&self.certificates));
        }
        writer.put_if(Tag::SIGNED_DATA, self.signed_data.as_deref());
        writer.byte(Tag::VERSION, self.version);
        writer.put_if(Tag::PASSWORD, self.password.as_ref().map(Password::as_wire));
        writer.put_if(Tag::DEVICE_NAME, self.device_name.as_ref().map(Text::as_bytes));
        writer.put_if(Tag::SUDI_DATA, self.sudi.as_ref().map(Sudi::to_wire).as_deref());
        let sha2 = self.sha2_signed_data.as_ref().map(Signed::to_wire);
        writer.put_if(Tag::SHA2_SIGNED_DATA, sha2.as_deref());
    }
}

/// The certificates of all lists: one element with two entries and two elements with one are the
/// same to us.
fn certificates(elements: &mut Elements<'_>) -> Result<Vec<CertificateEntry>, DecodeError> {
    let lists = elements.all(Tag::CERTIFICATE).into_iter().map(read_certificates);
    Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
}

fn retry_delay(elements: &mut Elements<'_>) -> Result<Option<RetryDelay>, DecodeError> {
    Ok(elements.bytes(Tag::RETRY_DELAY)?.map(RetryDelay))
}
