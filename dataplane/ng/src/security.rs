//! Keys of a stream's two ends (RFC 4568): what is offered, what is chosen.

use engine::command::Protection;
use media::{are_terms_supported, fresh_key, keying, same_key};
use mgcp::sdp::{self, CryptoAttribute, CryptoForm, KeyTerms};
use rand::CryptoRng;
use srtp::Suite;

use crate::options::Sdes;
use crate::request::Refused;

/// How the end of a stream is protected.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// RTP in clear.
    Plain,
    /// SRTP, offered with these keys of ours; the peer has not chosen.
    Offered(Vec<CryptoAttribute>),
    /// SRTP.
    Agreed(Box<Agreed>),
}

/// The keys of an end.
#[derive(Clone, Debug)]
pub(crate) struct Agreed {
    pub(crate) suite: Suite,
    /// What we send with, as our description says it.
    transmit: [CryptoAttribute; 1],
    receive: CryptoAttribute,
}

impl Security {
    /// For who has offered `media`; `before` is what was in force.
    pub(crate) fn of_offerer(
        media: &sdp::Media,
        before: Option<&Self>,
        sdes: &Sdes,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Refused> {
        if !media.profile.is_secure() {
            return Ok(Self::Plain);
        }
        let usable = || media.crypto.iter().filter_map(|line| Some((usable_suite(line)?, line)));
        if let Some(Self::Agreed(old)) = before
            && usable().any(|(_, line)| is_unchanged(line, &old.receive))
        {
            return Ok(Self::Agreed(old.clone()));
        }
        let preferred = sdes.offerer_pref.iter();
        let chosen = preferred
            .filter_map(|suite| usable().find(|(usable, _)| usable == suite))
            .chain(usable())
            .next();
        let nothing = "SRTP is offered without a crypto attribute that can be used here";
        let (suite, receive) = chosen.ok_or(Refused::new(nothing))?;
        let mut transmit = fresh_key(suite, rng);
        transmit.form = receive.form;
        Ok(Self::Agreed(Box::new(Agreed { suite, transmit: [transmit], receive: receive.clone() })))
    }

    /// For who is to be offered a stream in `profile`, when `offered` are the offerer's keys.
    pub(crate) fn to_offer(
        profile: &sdp::Profile,
        before: Option<&Self>,
        offered: &[CryptoAttribute],
        sdes: &Sdes,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Refused> {
        if !profile.is_secure() {
            return Ok(Self::Plain);
        }
        if let Some(before @ (Self::Offered(_) | Self::Agreed(_))) = before {
            return Ok(before.clone());
        }
        if sdes.off {
            return Err(Refused::new("SRTP without SDES is not available here: there is no DTLS"));
        }
        let suites = choose_suites(offered, sdes);
        if suites.is_empty() {
            return Err(Refused::new("the SDES options leave no crypto suite to offer"));
        }
        let terms =
            KeyTerms { lifetime: sdes.lifetime.then_some(USUAL_LIFETIME), ..KeyTerms::default() };
        let keys = suites.into_iter().zip(1..).map(|(suite, tag)| CryptoAttribute {
            form: CryptoForm::Crypto { tag },
            ..fresh_key(suite, rng).with_terms(terms.clone())
        });
        Ok(Self::Offered(keys.collect()))
    }

    /// After the answer `media` to what was offered.
    pub(crate) fn answered(&self, media: &sdp::Media) -> Result<Self, Refused> {
        let ours = self.announced();
        match (ours.is_empty(), media.profile.is_secure()) {
            (true, false) => return Ok(Self::Plain),
            (true, true) => return Err(Refused::new("the answer is SRTP, but RTP was offered")),
            (false, false) => return Err(Refused::new("the answer is RTP, but SRTP was offered")),
            (false, true) => {}
        }
        let chosen = media.crypto.iter().find_map(|line| {
            let suite = usable_suite(line)?;
            let offered = ours.iter().find(|our| our.form == line.form && our.suite == line.suite);
            Some((suite, offered?, line))
        });
        let nothing = "the answer has no crypto attribute with a tag and suite that were offered";
        let (suite, transmit, receive) = chosen.ok_or(Refused::new(nothing))?;
        if transmit.key == receive.key {
            return Err(Refused::new("the answer repeats the key that was offered"));
        }
        let transmit = [transmit.clone()];
        Ok(Self::Agreed(Box::new(Agreed { suite, transmit, receive: receive.clone() })))
    }

    /// What our description says.
    pub(crate) fn announced(&self) -> &[CryptoAttribute] {
        match self {
            Self::Plain => &[],
            Self::Offered(keys) => keys,
            Self::Agreed(agreed) => &agreed.transmit,
        }
    }

    /// The suite in force.
    pub(crate) fn suite(&self) -> Option<Suite> {
        match self {
            Self::Agreed(agreed) => Some(agreed.suite),
            Self::Plain | Self::Offered(_) => None,
        }
    }

    /// What the engine is told: protection of what arrives and of what leaves.
    pub(crate) fn protections(&self, rng: &mut dyn CryptoRng) -> (Protection, Protection) {
        match self {
            Self::Plain => (Protection::Plain, Protection::Plain),
            Self::Offered(keys) => {
                let first = keys.first().expect("something was offered");
                let suite = usable_suite(first).expect("we offer what we have");
                // Nobody has this key: until the peer's is known, nothing it sends can be believed.
                let nobodys = keying(suite, &fresh_key(suite, rng));
                (Protection::Srtp(nobodys), Protection::Srtp(keying(suite, first)))
            }
            Self::Agreed(agreed) => {
                let receive = keying(agreed.suite, &agreed.receive);
                let send = keying(agreed.suite, &agreed.transmit[0]);
                (Protection::Srtp(receive), Protection::Srtp(send))
            }
        }
    }

    /// Whether it is SRTP.
    pub(crate) fn is_secure(&self) -> bool {
        !matches!(self, Self::Plain)
    }
}

/// What a key of ours may protect, where a lifetime is wanted.
const USUAL_LIFETIME: u64 = 1 << 31;

fn is_unchanged(line: &CryptoAttribute, before: &CryptoAttribute) -> bool {
    line.form == before.form && same_key(line, before)
}

fn usable_suite(line: &CryptoAttribute) -> Option<Suite> {
    let suite = Suite::from_name(line.suite.name()).filter(|suite| !suite.is_null())?;
    are_terms_supported(line).then_some(suite)
}

fn choose_suites(offered: &[CryptoAttribute], sdes: &Sdes) -> Vec<Suite> {
    let mut suites: Vec<Suite> = offered.iter().filter_map(usable_suite).collect();
    if !sdes.nonew {
        let all = Suite::ALL.into_iter().filter(|suite| !suite.is_null());
        for suite in all {
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        match sdes.only.as_slice() {
            [] => suites.retain(|suite| !sdes.no.contains(suite)),
            only => suites.retain(|suite| only.contains(suite)),
        }
    }
    let place = |suite: &Suite| sdes.order.iter().position(|other| other == suite);
    suites.sort_by_key(|suite| place(suite).unwrap_or(usize::MAX));
    suites
}
