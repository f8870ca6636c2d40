//! A phone with a flash and a network.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tftp::{Failure, FetchError, Options, Tuning, fetch};

use crate::{Boot, Conclusion, Event, Flash, FlashError, Identity};

/// Most bytes a phone takes for one file.
pub const MOST: usize = 2 << 20;

/// One phone.
pub struct Phone {
    /// Who it is.
    pub identity: Identity,
    /// What it keeps.
    pub flash: Flash,
    /// Its TFTP servers, in the order in which it asks them.
    pub servers: Vec<SocketAddr>,
    /// How patient it is.
    pub tuning: Tuning,
}

/// How a start went.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The server that answered.
    pub server: SocketAddr,
    /// What it asked for, in order.
    pub files: Vec<Fetched>,
    /// What it said.
    pub events: Vec<Event>,
    /// How it goes on.
    pub conclusion: Conclusion,
    /// MD5 of its CTL, if it has one.
    pub ctl_md5: Option<[u8; 16]>,
}

/// One file it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its name.
    pub name: String,
    /// How large it was, or that it did not come.
    pub size: Option<usize>,
    /// How long it took.
    pub took: Duration,
}

/// The phone cannot do its work at all.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// Its flash fails.
    #[error(transparent)]
    Flash(#[from] FlashError),
    /// The network fails.
    #[error(transparent)]
    Network(FetchError),
    /// There is no way to speak to CAPF at all.
    #[error("cannot speak to CAPF: {0}")]
    Capf(std::io::Error),
    /// It has no TFTP server.
    #[error("no TFTP server: name one with --tftp")]
    NoServer,
}

impl Phone {
    /// Starts once: asks the first server that answers, and keeps what it installed.
    pub fn boot(&self) -> Result<Report, PhoneError> {
        let (installed, damage) = self.flash.read()?;
        let (mut server, mut others) = self.first_server()?;
        let mut identity = self.identity.clone();
        identity.has_certificate |= self.flash.read_wallet()?.has_certificate();
        let mut boot = Boot::new(identity.clone(), installed.clone(), server.ip());
        let (mut files, mut silent) = (Vec::new(), Vec::new());
        while let Some(name) = boot.wants() {
            let (fetched, answer) = self.fetch(server, &name)?;
            files.push(fetched);
            // Only the first question tells whether a server is there at all.
            if answer == Err(Failure::TimedOut)
                && files.len() == silent.len() + 1
                && let Some((next, rest)) = others.split_first()
            {
                silent.push(Event::TftpTimeout(name));
                (server, others) = (*next, rest);
                boot = Boot::new(identity.clone(), installed.clone(), server.ip());
                continue;
            }
            boot.handle(answer);
        }
        self.flash.write(&installed, boot.installed())?;
        let conclusion = boot.conclusion().cloned().unwrap_or(Conclusion::Stay("interrupted"));
        let events = damage.into_iter().chain(silent).chain(boot.events().iter().cloned());
        Ok(Report {
            server,
            files,
            events: events.collect(),
            conclusion,
            ctl_md5: boot.installed().ctl.as_ref().map(|ctl| ctl.md5()),
        })
    }

    /// Fetches a file on demand, verifies it if the phone can, and gives its contents. The second
    /// part says what went wrong.
    pub fn get(&self, name: &str) -> Result<(Option<Vec<u8>>, Vec<Event>), PhoneError> {
        let (installed, mut events) = self.flash.read()?;
        let (server, _) = self.first_server()?;
        let mut boot = Boot::new(self.identity.clone(), installed, server.ip());
        let asked = boot.maybe_signed(name.to_owned());
        let file = match self.fetch(server, &asked)?.1 {
            Ok(file) => boot.verify(&asked, file),
            Err(failure) => {
                events.push(Event::TftpError(asked, failure.to_string()));
                None
            }
        };
        events.extend_from_slice(boot.events());
        Ok((file, events))
    }

    fn first_server(&self) -> Result<(SocketAddr, &[SocketAddr]), PhoneError> {
        let (first, others) = self.servers.split_first().ok_or(PhoneError::NoServer)?;
        Ok((*first, others))
    }

    fn fetch(
        &self,
        server: SocketAddr,
        name: &str,
    ) -> Result<(Fetched, Result<Vec<u8>, Failure>), PhoneError> {
        let started = Instant::now();
        // The loads of these models are served without any option.
        let answer = match fetch(server, name, Options::default(), MOST, self.tuning.clone()) {
            Ok(file) => Ok(file),
            Err(FetchError::Failure(failure)) => Err(failure),
            Err(error) => return Err(PhoneError::Network(error)),
        };
        let size = answer.as_ref().ok().map(Vec::len);
        Ok((Fetched { name: name.to_owned(), size, took: started.elapsed() }, answer))
    }
}
