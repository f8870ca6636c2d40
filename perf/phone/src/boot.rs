//! The order in which a phone asks for files, and what it makes of them.

use std::net::IpAddr;

use tftp::{DeviceName, ErrorCode, Failure};
use tlv::{FileKind, Itl, Kind, PublicKey, SignedFile, Trust, TrustList, Verified};

use crate::configuration::Srst;
use crate::load::files_of;
use crate::{Configuration, Event, Installed, Model, SecurityMode};

/// Who the phone is, and what was built into it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name.
    pub device: DeviceName,
    /// Its model.
    pub model: Model,
    /// It holds a certificate, also if there is none in its flash.
    pub has_certificate: bool,
    /// Verifies firmware. Without it the phone keeps the firmware it has.
    pub image_key: Option<PublicKey>,
}

/// How the phone goes on after its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// It registers with these call managers.
    Register {
        /// [`SecurityMode::NonSecure`] over TCP, the others over TLS.
        mode: SecurityMode,
        /// Address and clear SCCP port, in order of preference.
        call_managers: Vec<(String, u16)>,
        /// Where it goes when none of them answers.
        srst: Option<Fallback>,
    },
    /// It stays unregistered, and says why.
    Stay(&'static str),
}

/// An SRST gateway that a phone of its mode may speak to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Where it is.
    pub address: String,
    /// Its clear SCCP port.
    pub port: u16,
    /// The certificate that it must show over TLS; `None` is TCP.
    pub certificate: Option<Vec<u8>>,
}

impl Fallback {
    /// What a phone of this mode makes of a gateway: TLS needs a mode that asks for it, a gateway
    /// that is secure, and its certificate. Without the certificate a secure gateway is left alone.
    fn of(srst: Srst, mode: SecurityMode) -> Option<Self> {
        let Srst { address, port, secure, certificate } = srst;
        let speaks_tls = secure && mode != SecurityMode::NonSecure;
        match (speaks_tls, certificate) {
            (false, _) => Some(Self { address, port, certificate: None }),
            (true, None) => None,
            (true, certificate) => Some(Self { address, port, certificate }),
        }
    }
}

/// A phone that starts. Ask it for the next file until there is none.
#[derive(Debug)]
pub struct Boot {
    identity: Identity,
    server: IpAddr,
    state: State,
    installed: Installed,
    events: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    ExpectCtl,
    ExpectOwnItl,
    ExpectItl,
    ExpectConfiguration,
    ExpectDefaultConfiguration,
    /// The manifest of the load that the configuration names.
    ExpectLoad(String),
    /// The parts of the load that are still to come, last one first.
    ExpectParts(String, Vec<String>),
    Finished(Conclusion),
}

const NO_CONFIGURATION: &str = "no configuration that it may use";

impl Boot {
    /// A phone with this flash, that asks `server`.
    pub fn new(identity: Identity, installed: Installed, server: IpAddr) -> Self {
        Self { identity, server, state: State::ExpectCtl, installed, events: Vec::new() }
    }

    /// The file it asks for next; `None` when it has started.
    pub fn wants(&self) -> Option<String> {
        let device = self.identity.device;
        match &self.state {
            State::ExpectCtl => Some(format!("CTL{device}.tlv")),
            State::ExpectOwnItl => Some(format!("ITL{device}.tlv")),
            State::ExpectItl => Some(Itl::FILE_NAME.to_owned()),
            State::ExpectConfiguration => Some(self.maybe_signed(format!("{device}.cnf.xml"))),
            State::ExpectDefaultConfiguration => {
                Some(self.maybe_signed("XMLDefault.cnf.xml".to_owned()))
            }
            State::ExpectLoad(load) => Some(format!("{load}.loads")),
            State::ExpectParts(_, parts) => parts.last().cloned(),
            State::Finished(_) => None,
        }
    }

    /// Takes the answer to what it asked for.
    pub fn handle(&mut self, answer: Result<Vec<u8>, Failure>) {
        let Some(name) = self.wants() else { return };
        let file = match answer {
            Ok(file) => Some(file),
            Err(failure) => {
                self.note_failure(&name, failure);
                None
            }
        };
        self.state = match std::mem::replace(&mut self.state, State::ExpectCtl) {
            State::ExpectCtl => {
                self.take_ctl(file);
                self.after_ctl()
            }
            State::ExpectOwnItl if file.is_none() => State::ExpectItl,
            State::ExpectOwnItl | State::ExpectItl => {
                self.take_itl(file);
                State::ExpectConfiguration
            }
            State::ExpectConfiguration if file.is_none() => State::ExpectDefaultConfiguration,
            State::ExpectConfiguration | State::ExpectDefaultConfiguration => {
                self.take_configuration(&name, file)
            }
            State::ExpectLoad(load) => self.take_manifest(load, file),
            State::ExpectParts(load, parts) => self.take_part(load, parts, file),
            finished @ State::Finished(_) => finished,
        };
    }

    /// How it ended; `None` while it still wants files.
    pub fn conclusion(&self) -> Option<&Conclusion> {
        match &self.state {
            State::Finished(conclusion) => Some(conclusion),
            _ => None,
        }
    }

    /// What it said so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What is installed now.
    pub fn installed(&self) -> &Installed {
        &self.installed
    }

    /// Verifies a file that it asked for on demand: a ring list, a locale, a picture. Without a
    /// trust list the file is taken as it is.
    pub fn verify(&mut self, asked: &str, file: Vec<u8>) -> Option<Vec<u8>> {
        if !self.trust().wants_signed_files() {
            return Some(file);
        }
        let signed = SignedFile::parse(file).map_err(|error| error.to_string());
        let trust = self.trust();
        let verified = signed.and_then(|it| it.verify(asked, trust).map_err(|e| e.to_string()));
        match verified {
            Ok(file) => Some(file.payload().to_vec()),
            Err(cause) => {
                self.events.push(Event::FileAuthFailed(asked.to_owned(), cause));
                None
            }
        }
    }

    /// The name to ask for: with `.sgn` if the trust lists can verify it.
    pub fn maybe_signed(&self, name: String) -> String {
        if self.trust().wants_signed_files() { format!("{name}.sgn") } else { name }
    }

    fn trust(&self) -> Trust<'_> {
        Trust { ctl: self.installed.ctl.as_ref(), itl: self.installed.itl.as_ref() }
    }

    fn note_failure(&mut self, name: &str, failure: Failure) {
        self.events.push(match failure {
            Failure::Refused { code: ErrorCode::FileNotFound, .. } => {
                Event::FileNotFound(name.to_owned())
            }
            Failure::TimedOut => Event::TftpTimeout(name.to_owned()),
            other => Event::TftpError(name.to_owned(), other.to_string()),
        });
    }

    fn take_ctl(&mut self, file: Option<Vec<u8>>) {
        let (list, event) = self.take_list("CTL", file, self.installed.ctl.as_deref());
        self.installed.ctl = list.or(self.installed.ctl.take());
        self.events.extend(event);
    }

    fn take_itl(&mut self, file: Option<Vec<u8>>) {
        let (list, event) = self.take_list("ITL", file, self.installed.itl.as_deref());
        self.installed.itl = list.or(self.installed.itl.take());
        self.events.extend(event);
    }

    /// A list that may replace the stored one. An empty file means that there is no list.
    fn take_list<K: Kind>(
        &self,
        kind: &'static str,
        file: Option<Vec<u8>>,
        stored: Option<&TrustList<K>>,
    ) -> (Option<Verified<TrustList<K>>>, Option<Event>) {
        let Some(file) = file.filter(|file| !file.is_empty()) else { return (None, None) };
        if stored.is_some_and(|stored| stored.as_bytes() == file) {
            return (None, None);
        }
        let trust = self.trust();
        let verified = TrustList::<K>::parse(file).map_err(|error| error.to_string());
        let verified = verified.and_then(|list| {
            let verified = if trust.is_empty() { list.leap_of_faith() } else { list.verify(trust) };
            verified.map_err(|error| error.to_string())
        });
        match verified {
            Ok(list) if stored.is_some() => (Some(list), Some(Event::ListUpdated(kind))),
            Ok(list) => (Some(list), Some(Event::ListInstalled(kind))),
            Err(cause) => (None, Some(Event::ListUpdateFailed(kind, cause))),
        }
    }

    /// A server without an entry in the list is not asked for anything that the list protects.
    fn after_ctl(&mut self) -> State {
        let Some(ctl) = &self.installed.ctl else { return self.after_authorization() };
        let address = self.server.to_string();
        let known = ctl.records().iter().filter(|record| record.role.signs_files()).any(|record| {
            record.address == Some(self.server)
                || record.dns_name.as_ref().is_some_and(|name| *name == *address)
        });
        if !known {
            self.events.push(Event::TftpNotAuthorized(self.server));
            // What it has it keeps, so that its CallManager hears of it.
            return match self.installed.configuration {
                Some(_) => self.finish(),
                None => State::Finished(Conclusion::Stay("its TFTP server is not in its CTL")),
            };
        }
        self.after_authorization()
    }

    fn after_authorization(&self) -> State {
        match self.identity.model.knows_itl() {
            true => State::ExpectOwnItl,
            false => State::ExpectConfiguration,
        }
    }

    fn take_configuration(&mut self, name: &str, file: Option<Vec<u8>>) -> State {
        let fresh = file.and_then(|file| self.verify(name, file));
        let fresh = fresh.and_then(|file| match Configuration::parse(&file) {
            Ok(configuration) => Some((file, configuration)),
            Err(cause) => {
                let event = Event::ConfigurationInvalid(name.to_owned(), cause.to_string());
                self.events.push(event);
                None
            }
        });
        if let Some((file, configuration)) = fresh {
            self.installed.configuration = Some(file);
            let wanted = configuration.load;
            if !wanted.is_empty()
                && wanted != self.installed.load
                && self.identity.image_key.is_some()
            {
                return State::ExpectLoad(wanted);
            }
        }
        self.finish()
    }

    fn take_manifest(&mut self, load: String, file: Option<Vec<u8>>) -> State {
        let name = format!("{load}.loads");
        let Some(manifest) = file.and_then(|file| self.verify_image(&name, file)) else {
            return self.finish();
        };
        let mut parts = files_of(&manifest);
        parts.reverse();
        self.next_part(load, parts)
    }

    fn take_part(&mut self, load: String, mut parts: Vec<String>, file: Option<Vec<u8>>) -> State {
        let Some(name) = parts.pop() else { return self.finish() };
        match file.and_then(|file| self.verify_image(&name, file)) {
            Some(_) => self.next_part(load, parts),
            None => self.finish(),
        }
    }

    fn next_part(&mut self, load: String, parts: Vec<String>) -> State {
        if !parts.is_empty() {
            return State::ExpectParts(load, parts);
        }
        self.events.push(Event::LoadInstalled(load.clone()));
        self.installed.load = load;
        self.finish()
    }

    /// Firmware is checked with the built-in key, whatever the trust lists say.
    fn verify_image(&mut self, name: &str, file: Vec<u8>) -> Option<Vec<u8>> {
        let key = self.identity.image_key.as_ref()?;
        let image = SignedFile::parse(file).map_err(|error| error.to_string());
        let image = image.and_then(|it| it.verify_with(name, key).map_err(|e| e.to_string()));
        match image {
            Ok(image) if image.header().version == FileKind::Image.version() => {
                Some(image.payload().to_vec())
            }
            Ok(_) => {
                let cause = "signed, but not as an image".to_owned();
                self.events.push(Event::LoadAuthFailed(name.to_owned(), cause));
                None
            }
            Err(cause) => {
                self.events.push(Event::LoadAuthFailed(name.to_owned(), cause));
                None
            }
        }
    }

    /// The configuration in force, new or kept, decides.
    fn finish(&self) -> State {
        let configuration = self.installed.configuration.as_deref();
        let configuration = configuration.and_then(|file| Configuration::parse(file).ok());
        State::Finished(match configuration {
            None => Conclusion::Stay(NO_CONFIGURATION),
            Some(configuration) => self.conclude(configuration),
        })
    }

    /// TLS needs a certificate, a CTL with the CallManager's certificate, and a mode that asks for
    /// it; a phone whose mode asks for TLS never falls back to TCP.
    fn conclude(&self, configuration: Configuration) -> Conclusion {
        let Configuration { mode, call_managers, srst, .. } = configuration;
        if call_managers.is_empty() {
            return Conclusion::Stay("its configuration names no CallManager");
        }
        if mode != SecurityMode::NonSecure {
            let Some(ctl) = &self.installed.ctl else {
                return Conclusion::Stay("its mode is secure, and it has no CTL");
            };
            if !ctl.has_call_manager_certificate() {
                return Conclusion::Stay("its mode is secure, and its CTL has no CallManager");
            }
            if !self.identity.has_certificate {
                return Conclusion::Stay("its mode is secure, and it has no certificate");
            }
        }
        let srst = srst.and_then(|srst| Fallback::of(srst, mode));
        Conclusion::Register { mode, call_managers, srst }
    }
}
