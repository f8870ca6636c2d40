//! Presenting security tokens, one at a time.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cluster::client::Stranding;
use cluster::list::ListFault;
use lang::Text;
use messages::{Explain, token as messages_token};
use pki::token::{Location, Presented, TokenError};
use pki::{Certificate, Identity};

use super::session::Session;
use crate::ask;
use crate::failure::Failure;
use crate::noun::token::{location, password};
use crate::secret::PasswordSource;
use crate::token_home::TokenHome;

/// Which token signs, and what may come of it.
#[derive(Clone, Default, clap::Args)]
pub struct Signing {
    /// Token to present, a file or PKCS#11 URI; the last one signs. Without it, it is asked for.
    #[arg(long = "token", value_name = "LOCATION", value_parser = location)]
    tokens: Vec<Location>,
    /// File whose first line is the password of the token that signs [default: ask for it].
    #[arg(long, value_name = "FILE")]
    token_password_file: Option<PathBuf>,
    /// Go on though phones would refuse the new file: they will be erased by hand.
    #[arg(long)]
    strand_phones: bool,
    /// Sign and say what phones would do with the file, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to what is asked before something is given up.
    #[arg(long)]
    pub yes: bool,
}

impl Signing {
    /// What happens to phones that would refuse the file.
    pub fn stranding(&self) -> Stranding {
        match self.strand_phones {
            true => Stranding::Accepted,
            false => Stranding::Refused,
        }
    }

    /// Presents the tokens of a new file: each gives its certificate to `add`, and the last one is
    /// returned, to sign. Asks for more until there are two and nobody has another.
    pub fn present_all(
        &self,
        session: &Session<'_>,
        home: &TokenHome,
        mut add: impl FnMut(&Certificate) -> Result<(), Failure>,
    ) -> Result<Presented, Failure> {
        let mut last = None;
        for location in &self.tokens {
            let presented = present(session, home, location)?;
            add(&presented.info().certificate)?;
            last = Some(presented);
        }
        let mut count = self.tokens.len();
        if let Some(last) = last.take_if(|_| count >= 2) {
            return Ok(last);
        }
        loop {
            let language = session.style.language;
            let wanted = match count {
                0 => &messages_token::INSERT_TOKEN,
                _ => &messages_token::INSERT_ANOTHER_TOKEN,
            };
            let mut prompt = wanted.explain(language).text;
            if count >= 2 {
                prompt = ANOTHER.get(language).to_owned();
            }
            let typed = ask::line(&prompt, "--token", language)?;
            if let Some(last) = last.take_if(|_| typed.is_empty() && count >= 2) {
                return Ok(last);
            }
            let presented = Location::parse(&typed)
                .map_err(Failure::usage)
                .and_then(|location| present(session, home, &location))
                .and_then(|presented| add(&presented.info().certificate).map(|()| presented));
            match presented {
                Ok(presented) => {
                    println!("  {}", presented.info().certificate.subject());
                    last = Some(presented);
                    count += 1;
                }
                // Somebody typed it and can type another.
                Err(failure) => eprintln!("ringfence: {failure}"),
            }
        }
    }

    /// Those that are given on the command line, presented: each must be in `list`, so that phones
    /// know it. How many different ones they are.
    pub fn present_known(
        &self,
        session: &Session<'_>,
        home: &TokenHome,
        list: &tlv::CtlFile,
    ) -> Result<usize, Failure> {
        let mut known = BTreeSet::new();
        for location in &self.tokens {
            let presented = present(session, home, location)?;
            let certificate = &presented.info().certificate;
            let mut tokens = list.with_role(tlv::Role::Sast);
            if !tokens.any(|token| token.certificate.as_deref() == Some(certificate.der())) {
                let serial = pki::certificate::hex(certificate.serial());
                return session.done(Err(ListFault::TokenCannotSign(serial)));
            }
            known.insert(certificate.der().to_vec());
        }
        Ok(known.len())
    }

    /// The same with the last token only, which signs.
    pub fn with_last(&self) -> Self {
        let tokens = self.tokens.last().cloned().into_iter().collect();
        Self { tokens, ..self.clone() }
    }

    /// Presents the token that signs an update.
    pub fn present_signer(
        &self,
        session: &Session<'_>,
        home: &TokenHome,
    ) -> Result<Presented, Failure> {
        let language = session.style.language;
        match self.tokens.as_slice() {
            [] => {
                let prompt = messages_token::INSERT_TOKEN.text.get(language);
                let typed = ask::line(prompt, "--token", language)?;
                let location = Location::parse(&typed).map_err(Failure::usage)?;
                present(session, home, &location)
            }
            [location] => present(session, home, location),
            several => {
                let count = several.len();
                Err(Failure::explained(&TokenError::Several(count), language))
            }
        }
    }

    /// Logs in to the token. A person who mistypes may try again, as long as the token lets them.
    pub fn login(&self, session: &Session<'_>, presented: &Presented) -> Result<Identity, Failure> {
        let style = session.style;
        let prompt = PASSWORD.fill(style.language, &[("label", &presented.info().label)]);
        loop {
            let file = self.token_password_file.as_deref();
            let file = file.or_else(|| presented.location().pin_source());
            let source = file.map(|file| PasswordSource::file(file.into()));
            let typed = source.clone().unwrap_or_default().known(&prompt)?;
            match presented.login(&password(&typed, style)?) {
                Ok(identity) => return Ok(identity),
                Err(error @ TokenError::WrongPassword { .. })
                    if source.is_none() && std::io::IsTerminal::is_terminal(&std::io::stdin()) =>
                {
                    eprintln!("{:#}", error.explain(style.language));
                }
                Err(error) => return Err(Failure::explained(&error, style.language)),
            }
        }
    }
}

/// Looks at a token: one must be there, from an authority that is trusted.
pub fn present(
    session: &Session<'_>,
    home: &TokenHome,
    location: &Location,
) -> Result<Presented, Failure> {
    session.done(home.reader(session.style)?.present(location, session.now))
}

const ANOTHER: Text = Text::new(
    "Another security token, or nothing to go on",
    "別のセキュリティトークン (続行する場合は空のまま)",
);
const PASSWORD: Text = Text::new(
    "Password of the security token {label}",
    "セキュリティトークン {label} のパスワード",
);
