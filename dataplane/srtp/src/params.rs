//! Session parameters of SDP security descriptions, RFC 4568 §6.3.

use thiserror::Error;

use crate::keying::{KeyError, Keying, MAX_WINDOW, MIN_WINDOW, Services};
use crate::suite::{Cipher, Suite};

/// What a peer asks for beside suite and keys: the end of an `a=crypto` line.
///
/// ```
/// use ringfence_srtp::SessionParams;
///
/// let params = SessionParams::parse("KDR=16 WSH=256 -future".split(' '))?;
/// assert!(SessionParams::parse(["FUTURE"]).is_err());
/// # Ok::<(), ringfence_srtp::ParamError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionParams {
    derivation_rate: Option<u8>,
    window: Option<u16>,
    unencrypted_srtp: bool,
    unencrypted_srtcp: bool,
    unauthenticated_srtp: bool,
}

/// Which weakening parameters may be granted. By default none: a peer that asks gets a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParamPolicy {
    /// Danger: RTP payloads in the clear.
    pub danger_unencrypted_srtp: bool,
    /// Danger: RTCP in the clear.
    pub danger_unencrypted_srtcp: bool,
    /// Danger: RTP packets that anybody can forge and replay.
    pub danger_unauthenticated_srtp: bool,
}

/// Why session parameters were refused. The `a=crypto` line that has them must be declined.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamError {
    /// Nobody knows what it means, and it is not marked as optional by a `-`.
    #[error("unknown session parameter {0:?}")]
    Unknown(String),
    /// The value is missing, not a number or out of range.
    #[error("session parameter {0:?} has no usable value")]
    Value(String),
    /// Known, but not offered here: FEC_ORDER other than FEC_SRTP, FEC_KEY.
    #[error("session parameter {0:?} is not supported")]
    Unsupported(String),
    /// The same parameter twice.
    #[error("session parameter {0} is given twice")]
    Twice(&'static str),
    /// It would weaken the session, and policy does not allow that.
    #[error("policy refuses {0}")]
    Policy(&'static str),
    /// An AEAD suite cannot authenticate without encrypting, or the reverse.
    #[error("{suite} does not go with {param}")]
    Suite {
        /// The suite.
        suite: Suite,
        /// The parameter.
        param: &'static str,
    },
    /// The values together with the keying make no sense.
    #[error(transparent)]
    Keying(#[from] KeyError),
}

const UNENCRYPTED_SRTP: &str = "UNENCRYPTED_SRTP";
const UNENCRYPTED_SRTCP: &str = "UNENCRYPTED_SRTCP";
const UNAUTHENTICATED_SRTP: &str = "UNAUTHENTICATED_SRTP";

impl SessionParams {
    /// Reads the parameters, one token each.
    pub fn parse<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Self, ParamError> {
        let mut params = Self::default();
        for token in tokens.into_iter().filter(|token| !token.is_empty()) {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            let number = || value.parse().map_err(|_| ParamError::Value(token.into()));
            match name {
                "KDR" => set(&mut params.derivation_rate, number()?, "KDR")?,
                "WSH" => set(&mut params.window, value_of_wsh(token, value)?, "WSH")?,
                UNENCRYPTED_SRTP if value.is_empty() => params.unencrypted_srtp = true,
                UNENCRYPTED_SRTCP if value.is_empty() => params.unencrypted_srtcp = true,
                UNAUTHENTICATED_SRTP if value.is_empty() => params.unauthenticated_srtp = true,
                "FEC_ORDER" if value == "FEC_SRTP" => {}
                "FEC_ORDER" | "FEC_KEY" => return Err(ParamError::Unsupported(token.into())),
                _ if name.starts_with('-') => {}
                _ => return Err(ParamError::Unknown(token.into())),
            }
        }
        Ok(params)
    }

    /// Applies what policy allows to a keying, or says what it does not.
    pub fn apply(&self, keying: Keying, policy: ParamPolicy) -> Result<Keying, ParamError> {
        let aead = keying.suite().cipher() == Cipher::AesGcm;
        for (asked, allowed, fits, param) in [
            (self.unencrypted_srtp, policy.danger_unencrypted_srtp, !aead, UNENCRYPTED_SRTP),
            (self.unencrypted_srtcp, policy.danger_unencrypted_srtcp, true, UNENCRYPTED_SRTCP),
            (
                self.unauthenticated_srtp,
                policy.danger_unauthenticated_srtp,
                !aead,
                UNAUTHENTICATED_SRTP,
            ),
        ] {
            if asked && !fits {
                return Err(ParamError::Suite { suite: keying.suite(), param });
            }
            if asked && !allowed {
                return Err(ParamError::Policy(param));
            }
        }
        let mut keying = keying.with_services(Services {
            encrypt_rtp: !self.unencrypted_srtp,
            encrypt_rtcp: !self.unencrypted_srtcp,
            authenticate_rtp: !self.unauthenticated_srtp,
        });
        if let Some(window) = self.window {
            // A hint only: what cannot be had is met as nearly as possible.
            keying = keying.with_window(window.clamp(MIN_WINDOW, MAX_WINDOW))?;
        }
        if let Some(exponent) = self.derivation_rate {
            keying = keying.with_derivation_rate(exponent)?;
        }
        Ok(keying)
    }
}

fn set<T>(place: &mut Option<T>, value: T, name: &'static str) -> Result<(), ParamError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParamError::Twice(name)),
    }
}

/// At least 64, RFC 4568 §6.3.6.
fn value_of_wsh(token: &str, value: &str) -> Result<u16, ParamError> {
    match value.parse() {
        Ok(window) if window >= 64 => Ok(window),
        _ => Err(ParamError::Value(token.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keying::MasterKey;

    fn keying(suite: Suite) -> Keying {
        let octets = vec![5; suite.master_key_len() + suite.master_salt_len()];
        Keying::new(suite, MasterKey::from_key_salt(suite, &octets).unwrap())
    }

    #[test]
    fn known_parameters_reach_the_keying() {
        let params = SessionParams::parse(["KDR=20", "WSH=100", "FEC_ORDER=FEC_SRTP"]).unwrap();
        let plain = keying(Suite::AesCm128HmacSha1_80);
        let keying = params.apply(plain, ParamPolicy::default()).unwrap();
        assert_eq!((keying.derivation_rate(), keying.window()), (1 << 20, 128));
    }

    #[test]
    fn bad_parameters_are_named() {
        for (token, error) in [
            ("KDR=", ParamError::Value("KDR=".into())),
            ("KDR=x", ParamError::Value("KDR=x".into())),
            ("WSH=63", ParamError::Value("WSH=63".into())),
            ("WSH=70000", ParamError::Value("WSH=70000".into())),
            ("FEC_ORDER=SRTP_FEC", ParamError::Unsupported("FEC_ORDER=SRTP_FEC".into())),
            ("UNENCRYPTED_SRTP=1", ParamError::Unknown("UNENCRYPTED_SRTP=1".into())),
            ("kdr=1", ParamError::Unknown("kdr=1".into())),
        ] {
            assert_eq!(SessionParams::parse([token]), Err(error));
        }
        assert_eq!(SessionParams::parse(["KDR=1", "KDR=1"]), Err(ParamError::Twice("KDR")));
        let rate = SessionParams::parse(["KDR=25"]).unwrap();
        let refused = rate.apply(keying(Suite::AesCm128HmacSha1_80), ParamPolicy::default());
        assert_eq!(refused.unwrap_err(), ParamError::Keying(KeyError::DerivationRate(25)));
    }

    #[test]
    fn weakening_needs_leave() {
        let everything = ParamPolicy {
            danger_unencrypted_srtp: true,
            danger_unencrypted_srtcp: true,
            danger_unauthenticated_srtp: true,
        };
        for token in [UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP] {
            let params = SessionParams::parse([token]).unwrap();
            let keying = keying(Suite::AesCm128HmacSha1_80);
            let refused = params.apply(keying.clone(), ParamPolicy::default());
            assert_eq!(refused.unwrap_err(), ParamError::Policy(token));
            assert_ne!(params.apply(keying.clone(), everything).unwrap(), keying);
        }
        let params = SessionParams::parse([UNENCRYPTED_SRTP]).unwrap();
        let suite = Suite::AeadAes128Gcm;
        let refused = params.apply(keying(suite), everything);
        assert_eq!(refused.unwrap_err(), ParamError::Suite { suite, param: UNENCRYPTED_SRTP });
    }
}
