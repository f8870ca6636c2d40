//! Numbers that travel, with the names of those that are known. Others are kept as they came.

use std::fmt;

/// A byte on the wire whose values are an open list.
macro_rules! code {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$doc:meta])* $value:ident = $number:literal => $text:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$doc])* pub const $value: Self = Self($number);)*

            fn known(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

code! {
    /// What a message is.
    pub struct Command {
        /// Server: who are you?
        AUTH_REQ = 1 => "AUTH_REQ",
        /// Phone: this is who I am, and here is why you may believe it.
        AUTH_RES = 2 => "AUTH_RES",
        /// Server: make a key pair.
        KEY_GEN_REQ = 3 => "KEY_GEN_REQ",
        /// Phone: its public half.
        KEY_GEN_RES = 4 => "KEY_GEN_RES",
        /// Body unknown. The only public list numbers request and response against the pattern
        /// of all others.
        ENCRYPT_A = 5 => "ENCRYPT (5)",
        /// Body unknown.
        ENCRYPT_B = 6 => "ENCRYPT (6)",
        /// Body unknown.
        DECRYPT_REQ = 7 => "DECRYPT_REQ",
        /// Body unknown.
        DECRYPT_RES = 8 => "DECRYPT_RES",
        /// Server: keep this certificate.
        STORE_CERT_REQ = 9 => "STORE_CERT_REQ",
        /// Phone: kept, or not.
        STORE_CERT_RES = 10 => "STORE_CERT_RES",
        /// Server: show your certificates.
        FETCH_CERT_REQ = 11 => "FETCH_CERT_REQ",
        /// Phone: here they are.
        FETCH_CERT_RES = 12 => "FETCH_CERT_RES",
        /// Server: forget your locally significant certificate.
        DELETE_CERT_REQ = 13 => "DELETE_CERT_REQ",
        /// Phone: forgotten, or not.
        DELETE_CERT_RES = 14 => "DELETE_CERT_RES",
        /// Server: that was all.
        END_SESSION = 15 => "END_SESSION",
        /// Server: not now. The body is inferred.
        RETRY_LATER = 16 => "RETRY_LATER",
        /// Phone: I am at it.
        REQUEST_IN_PROGRESS = 17 => "REQUEST_IN_PROGRESS",
        /// How far are you? Body unknown.
        STATUS_REQ = 18 => "STATUS_REQ",
        /// The answer. Body unknown.
        STATUS_RES = 19 => "STATUS_RES",
        /// Either: I give up. Body unknown.
        ABORT_REQ = 20 => "ABORT_REQ",
        /// The answer. Body unknown.
        ABORT_RES = 21 => "ABORT_RES",
        /// Body unknown.
        SIGN_CERT_REQ = 22 => "SIGN_CERT_REQ",
        /// Body unknown.
        SIGN_CERT_RES = 23 => "SIGN_CERT_RES",
    }
}

code! {
    /// What an element is.
    pub struct Tag {
        /// How something went.
        REASON = 1 => "REASON",
        /// The same in words.
        REASON_INFO = 2 => "REASON_INFO",
        /// Which certificate is meant.
        CERTIFICATE_TYPE = 3 => "CERTIFICATE_TYPE",
        /// A list of certificates.
        CERTIFICATE = 4 => "CERTIFICATE",
        /// Unknown.
        CERTIFICATE_ID = 5 => "CERTIFICATE_ID",
        /// A proof made with SHA-1.
        SIGNED_DATA = 6 => "SIGNED_DATA",
        /// The protocol's version.
        VERSION = 7 => "VERSION",
        /// How the phone shall authenticate.
        AUTH_TYPE = 8 => "AUTH_TYPE",
        /// A DER SubjectPublicKeyInfo.
        PUBLIC_KEY = 9 => "PUBLIC_KEY",
        /// Bits of an RSA modulus.
        KEY_SIZE = 10 => "KEY_SIZE",
        /// An authentication string.
        PASSWORD = 11 => "PASSWORD",
        /// Unit and width unknown.
        RETRY_DELAY = 12 => "RETRY_DELAY",
        /// The phone's name.
        DEVICE_NAME = 13 => "DEVICE_NAME",
        /// A manufactured certificate with proofs that are bound to the session.
        SUDI_DATA = 16 => "SUDI_DATA",
        /// RSA or EC.
        KEY_TYPE = 17 => "KEY_TYPE",
        /// Which curve.
        CURVE = 18 => "CURVE",
        /// Unknown where it is used.
        DIGEST_TYPE = 19 => "DIGEST_TYPE",
        /// A proof made with SHA-512.
        SHA2_SIGNED_DATA = 20 => "SHA2_SIGNED_DATA",
    }
}

code! {
    /// How something went. Values other than the named ones exist and mean failure.
    pub struct Reason {
        /// Nothing is scheduled; also the end of a fetch.
        NO_ACTION = 0 => "no action",
        /// It went well.
        SUCCESS = 1 => "success",
        /// Refused, wrong, or not to be had.
        INVALID = 7 => "invalid element or failure",
        /// Nobody by that name is administered here.
        UNKNOWN_DEVICE = 9 => "unknown device",
    }
}

code! {
    /// How a phone authenticates, as AUTH_REQ and `capfAuthMode` number it.
    pub struct AuthType {
        /// The server does not know yet whom it talks to.
        UNDECIDED = 0 => "undecided",
        /// By authentication string.
        STRING = 1 => "authentication string",
        /// By null string.
        NULL_STRING = 2 => "null string",
        /// By existing certificate, the locally significant one first.
        LSC_FIRST = 3 => "existing certificate (LSC first)",
        /// By existing certificate, the manufactured one first.
        MIC_FIRST = 4 => "existing certificate (MIC first)",
    }
}

code! {
    /// A phone's kinds of certificate.
    pub struct CertificateType {
        /// Locally significant.
        LSC = 1 => "LSC",
        /// Manufactured.
        MIC = 2 => "MIC",
    }
}

code! {
    /// Hash functions.
    pub struct Digest {
        /// SHA-1.
        SHA1 = 1 => "SHA-1",
        /// SHA-256.
        SHA256 = 2 => "SHA-256",
        /// SHA-512.
        SHA512 = 3 => "SHA-512",
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(name) => f.write_str(name),
            None => write!(f, "command {}", self.0),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(name) => f.write_str(name),
            None => write!(f, "element {}", self.0),
        }
    }
}

/// Number first: that is what other logs show.
macro_rules! numbered {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.known() {
                    Some(name) => write!(f, "{} ({name})", self.0),
                    None => write!(f, "{} (not documented)", self.0),
                }
            }
        }
    )*};
}
numbered!(Reason, AuthType, CertificateType, Digest);
