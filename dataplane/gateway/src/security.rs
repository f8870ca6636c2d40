//! Whether a connection is SRTP, and with which keys (RFC 4568, and what MGCP adds to it).

use engine::command::{LegId, Protection};
use media::{are_terms_supported, fresh_key, keying, same_key};
use mgcp::sdp::{self, CryptoAttribute, CryptoForm, CryptoSuite};
use mgcp::{ReturnCode, ValueError};
use rand::CryptoRng;
use srtp::Suite;

use crate::config::{AttributeForm, SrtpConfig};
use crate::keys::{KeyPair, KeyRegistry, Way};
use crate::options::{Orders, SrtpWish};

/// How a connection is protected.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    Plain,
    Srtp(Box<Secured>),
}

/// The keys of an SRTP connection.
#[derive(Clone, Debug)]
pub(crate) struct Secured {
    pub(crate) suite: Suite,
    /// What we send with, as it stands in our session description.
    pub(crate) transmit: CryptoAttribute,
    /// What the peer sends with; not known while our offer is open.
    pub(crate) receive: Option<CryptoAttribute>,
}

impl Security {
    pub(crate) fn secured(&self) -> Option<&Secured> {
        match self {
            Self::Plain => None,
            Self::Srtp(secured) => Some(secured),
        }
    }

    pub(crate) fn keys(&self) -> KeyPair<'_> {
        match self {
            Self::Plain => KeyPair::default(),
            Self::Srtp(s) => KeyPair { receive: s.receive.as_ref(), transmit: Some(&s.transmit) },
        }
    }

    /// What the engine is told: protection of what arrives and of what leaves.
    pub(crate) fn protections(&self, rng: &mut dyn CryptoRng) -> (Protection, Protection) {
        let Some(secured) = self.secured() else {
            return (Protection::Plain, Protection::Plain);
        };
        let receive = match &secured.receive {
            Some(key) => keying(secured.suite, key),
            // Nobody has this key: until the peer's is known, nothing it sends can be believed.
            None => keying(secured.suite, &fresh_key(secured.suite, rng)),
        };
        let send = keying(secured.suite, &secured.transmit);
        (Protection::Srtp(receive), Protection::Srtp(send))
    }

    /// Whether our session description says the same of both.
    pub(crate) fn announces_same(&self, other: &Self) -> bool {
        match (self.secured(), other.secured()) {
            (None, None) => true,
            (Some(a), Some(b)) => a.transmit == b.transmit,
            _ => false,
        }
    }
}

/// What an agreement is made from.
pub(crate) struct Agreement<'a> {
    pub(crate) config: &'a SrtpConfig,
    pub(crate) registry: &'a KeyRegistry,
    pub(crate) leg: LegId,
    /// Before the command.
    pub(crate) old: Option<&'a Security>,
    pub(crate) orders: &'a mut Orders,
}

fn conflict(what: &'static str) -> ValueError {
    ValueError::new(ReturnCode::OPTIONS_CONFLICT, what)
}

impl Agreement<'_> {
    /// With a remote description in the command.
    pub(crate) fn with_remote(
        mut self,
        remote: &sdp::Media,
        rng: &mut dyn CryptoRng,
    ) -> Result<Security, ValueError> {
        if !remote.profile.is_secure() {
            return self.plain_remote();
        }
        if !self.config.enabled {
            let code = ReturnCode::UNSUPPORTED_REMOTE;
            return Err(ValueError::new(code, "SRTP is not available here"));
        }
        if self.orders.srtp == Some(SrtpWish::Off) {
            return Err(conflict("x-srtp:off with a remote description of RTP/SAVP"));
        }
        let transmit = self.ordered_transmit()?;
        let old = self.old.and_then(Security::secured);
        // Our offer is open: the remote description is its answer.
        let offer = old.filter(|old| old.receive.is_none() && transmit.is_none());
        let wanted = transmit.as_ref().map(|(suite, _)| *suite).or(offer.map(|o| o.suite));
        let (suite, receive) = self.choose(remote, wanted, offer)?;
        let kept = old.filter(|old| {
            let unchanged = old.receive.as_ref().is_none_or(|key| same_key(key, &receive));
            unchanged && old.suite == suite
        });
        let mut transmit = match (transmit, kept) {
            (Some((_, ordered)), _) => ordered,
            (None, Some(kept)) => kept.transmit.clone(),
            (None, None) => fresh_key(suite, rng),
        };
        if transmit.key == receive.key {
            return Err(bad_remote("one key for both directions"));
        }
        transmit.form = self.form(&receive);
        Ok(Security::Srtp(Box::new(Secured { suite, transmit, receive: Some(receive) })))
    }

    /// Without one: `remote` is the profile in force, if there is any.
    pub(crate) fn without_remote(
        mut self,
        secure: Option<bool>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Security, ValueError> {
        let wish = self.orders.srtp;
        match secure {
            Some(false) => self.plain_remote(),
            Some(true) if wish == Some(SrtpWish::Off) => {
                Err(conflict("x-srtp:off while the remote description is RTP/SAVP"))
            }
            Some(true) => self.replace_transmit(),
            None => {
                let old = self.old.and_then(Security::secured);
                let wanted = match wish {
                    Some(SrtpWish::Off) => false,
                    Some(SrtpWish::On) if !self.config.enabled => {
                        let code = ReturnCode::OPTION_VALUE;
                        return Err(ValueError::new(code, "SRTP is not available here"));
                    }
                    Some(SrtpWish::On) => true,
                    Some(SrtpWish::Optional) => self.config.enabled,
                    None => old.is_some() || self.orders.transmit.is_some(),
                };
                match (wanted, self.ordered_transmit()?, old) {
                    (false, Some(_), _) => Err(conflict("x-srtp:off with a key to send with")),
                    (false, None, _) => Ok(Security::Plain),
                    (true, Some((suite, transmit)), _) => Ok(offer(suite, transmit, self.config)),
                    (true, None, Some(old)) => Ok(Security::Srtp(Box::new(old.clone()))),
                    (true, None, None) => {
                        let suite = self.config.suites[0];
                        Ok(offer(suite, fresh_key(suite, rng), self.config))
                    }
                }
            }
        }
    }

    fn plain_remote(&self) -> Result<Security, ValueError> {
        if self.orders.transmit.is_some() || self.orders.srtp == Some(SrtpWish::On) {
            return Err(conflict("SRTP wanted, but the remote description is RTP/AVP"));
        }
        Ok(Security::Plain)
    }

    /// A new key to send with, while the remote description stays.
    fn replace_transmit(&mut self) -> Result<Security, ValueError> {
        let ordered = self.ordered_transmit()?;
        let old = self.old.and_then(Security::secured);
        let mut secured = old.cloned().ok_or(conflict("no keys for RTP/SAVP"))?;
        if let Some((suite, mut transmit)) = ordered {
            if suite != secured.suite {
                return Err(conflict("key to send with is of another suite than the peer's"));
            }
            if secured.receive.as_ref().is_some_and(|key| key.key == transmit.key) {
                return Err(used());
            }
            transmit.form = secured.transmit.form;
            secured.transmit = transmit;
        }
        Ok(Security::Srtp(Box::new(secured)))
    }

    /// The key of `x+srtptx`, if it may be used.
    fn ordered_transmit(&mut self) -> Result<Option<(Suite, CryptoAttribute)>, ValueError> {
        let Some(key) = self.orders.transmit.take() else { return Ok(None) };
        let code = ReturnCode::OPTION_VALUE;
        let suite = supported(&key.suite, self.config)
            .ok_or(ValueError::new(code, "suite of the key to send with is not supported"))?;
        if !self.registry.is_free(self.leg, Way::Transmit, &key, self.keys().transmit) {
            return Err(used());
        }
        Ok(Some((suite, key)))
    }

    /// The first crypto line that can be used.
    fn choose(
        &self,
        remote: &sdp::Media,
        wanted: Option<Suite>,
        offer: Option<&Secured>,
    ) -> Result<(Suite, CryptoAttribute), ValueError> {
        let mut fault = None;
        for line in &remote.crypto {
            match self.judge(line, wanted, offer) {
                Ok(suite) => return Ok((suite, line.clone())),
                // The gravest counts: an error, then a conflict, then what is only unsupported.
                Err(new) => match (&fault, new.code) {
                    (None, _) | (_, ReturnCode::BAD_REMOTE) => fault = Some(new),
                    (Some(old), ReturnCode::OPTIONS_CONFLICT)
                        if old.code == ReturnCode::UNSUPPORTED_REMOTE =>
                    {
                        fault = Some(new);
                    }
                    _ => {}
                },
            }
        }
        let unusable = bad_remote("RTP/SAVP without a usable crypto attribute");
        Err(match fault {
            Some(fault) if remote.skipped_crypto == 0 => fault,
            _ => unusable,
        })
    }

    fn judge(
        &self,
        line: &CryptoAttribute,
        wanted: Option<Suite>,
        offer: Option<&Secured>,
    ) -> Result<Suite, ValueError> {
        let unsupported = |what| ValueError::new(ReturnCode::UNSUPPORTED_REMOTE, what);
        let suite = supported(&line.suite, self.config)
            .ok_or(unsupported("crypto suite is not supported"))?;
        if !are_terms_supported(line) {
            return Err(unsupported("SRTP session parameter is not supported"));
        }
        if let (Some(offer), CryptoForm::Crypto { tag }) = (offer, line.form)
            && let CryptoForm::Crypto { tag: offered } = offer.transmit.form
            && tag != offered
        {
            return Err(bad_remote("crypto tag was not offered"));
        }
        match wanted {
            Some(wanted) if wanted != suite && offer.is_some() => {
                return Err(bad_remote("crypto suite was not offered"));
            }
            Some(wanted) if wanted != suite => {
                return Err(conflict("key to send with is of another suite than the peer's"));
            }
            _ => {}
        }
        if !self.registry.is_free(self.leg, Way::Receive, line, self.keys().receive) {
            return Err(bad_remote("key is or was in use"));
        }
        Ok(suite)
    }

    /// Those before the command.
    fn keys(&self) -> KeyPair<'_> {
        self.old.map(Security::keys).unwrap_or_default()
    }

    /// The form we write: the tag is the peer's.
    fn form(&self, receive: &CryptoAttribute) -> CryptoForm {
        match (self.config.form, receive.form) {
            (AttributeForm::XCrypto, _) => CryptoForm::XCrypto,
            (AttributeForm::Crypto, CryptoForm::XCrypto) => CryptoForm::Crypto { tag: 1 },
            (AttributeForm::Crypto, tagged) => tagged,
        }
    }
}

fn bad_remote(what: &'static str) -> ValueError {
    ValueError::new(ReturnCode::BAD_REMOTE, what)
}

fn used() -> ValueError {
    ValueError::new(ReturnCode::OPTION_VALUE, "key to send with is or was in use")
}

fn offer(suite: Suite, mut transmit: CryptoAttribute, config: &SrtpConfig) -> Security {
    transmit.form = match config.form {
        AttributeForm::Crypto => CryptoForm::Crypto { tag: 1 },
        AttributeForm::XCrypto => CryptoForm::XCrypto,
    };
    Security::Srtp(Box::new(Secured { suite, transmit, receive: None }))
}

fn supported(suite: &CryptoSuite, config: &SrtpConfig) -> Option<Suite> {
    Suite::from_name(suite.name()).filter(|suite| config.suites.contains(suite))
}
