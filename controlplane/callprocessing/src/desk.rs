//! Who may register: decided in a thread of its own, by what the database says.
//!
//! The same thread follows the database: whose certificates are good, how loud the trace is.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use callmanager::admission::{self, Applicant, Standing, Transport};
use callmanager::exchange::ConnectionId;
use callmanager::station::{Application, Equipment};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use lang::{Language, Say};
use legacytls::client::Serving;
use legacytls::link::{CertificateKind, Client};
use messages::{Explain, registration, signalling};
use store::{Author, DeviceName, Latest, Model, Revision, Roster, Store};

use crate::alarms::{Alarms, Known};
use crate::handle::Which;
use crate::operator::{Mail, News};
use crate::proof::Proof;
use crate::roster::{self, Entry, Told};
use crate::trace::{Level, Trace};
use crate::trust::{Trust, TrustInForce};

/// How often the database is looked at for what others changed.
const GLANCE: Duration = Duration::from_millis(500);

/// A device that asks to register.
pub(crate) struct Question {
    pub(crate) connection: ConnectionId,
    pub(crate) application: Application,
    pub(crate) peer: IpAddr,
    pub(crate) proof: Option<Arc<Proof>>,
}

/// The answer.
pub(crate) enum Decision {
    /// It may, with this.
    Admit(Box<Equipment>),
    /// It may not; the phone shows the text.
    Refuse(&'static str),
}

/// Decides.
pub(crate) struct Desk {
    pub(crate) store: Arc<Store>,
    pub(crate) roster: Latest<Roster>,
    /// What the service was started with.
    pub(crate) first: Arc<Roster>,
    /// This node's name.
    pub(crate) node: String,
    /// Its number in the cluster.
    pub(crate) number: u8,
    /// The cluster's name.
    pub(crate) cluster: String,
    pub(crate) trust: TrustInForce,
    /// The cell has to know whom we trust, too.
    pub(crate) cell: Option<Arc<Serving>>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) trace: Arc<Trace>,
    pub(crate) mail: Mail,
}

/// Opens the desk; it closes when nobody can ask any more.
pub(crate) fn start(desk: Desk) -> io::Result<(Sender<Question>, JoinHandle<()>)> {
    let (sender, questions) = unbounded();
    let thread =
        thread::Builder::new().name("cm-desk".into()).spawn(move || desk.run(&questions))?;
    Ok((sender, thread))
}

impl Desk {
    fn run(self, questions: &Receiver<Question>) {
        let mut seen = None;
        let mut told = Told::of(&self.first, self.number);
        let mut next_look = Instant::now();
        loop {
            if Instant::now() >= next_look {
                self.follow(&mut seen, &mut told);
                next_look = Instant::now() + GLANCE;
            }
            match questions.recv_timeout(next_look.saturating_duration_since(Instant::now())) {
                Ok(question) => {
                    let decision = self.decide(&question);
                    if !self.mail.post(News::Decided(question.connection, Box::new(decision))) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn decide(&self, question: &Question) -> Decision {
        let Question { application, peer, proof, .. } = question;
        let roster = self.roster.newest();
        let (name, now) = (&application.name, SystemTime::now());
        let entry = match roster::find(&roster, &self.cluster, name, now) {
            None if proof.is_none() && roster.auto_registration().on => self.enter(application),
            found => found,
        };
        let transport = match proof.as_deref() {
            None => Transport::Plain,
            Some(Proof { suite, client, .. }) => Transport::Tls {
                suite: *suite,
                title: &client.device,
                standing: self.standing(&roster, name, client, now),
            },
        };
        let applicant = Applicant {
            name: &application.name,
            device_type: application.device_type,
            told: application.told,
            peer: *peer,
            transport,
        };
        let configured = entry.as_ref().map(|entry| entry.configured);
        match (admission::admit(&applicant, configured.as_ref()), entry) {
            (Ok(admitted), Some(entry)) => {
                let behind = admitted.warning.is_some();
                if let Some(warning) = admitted.warning {
                    self.alarms.raise(&warning);
                }
                let equipment = Equipment {
                    security: admitted.security,
                    media_elsewhere: behind || entry.equipment.media_elsewhere,
                    ..entry.equipment
                };
                Decision::Admit(Box::new(equipment))
            }
            (Ok(_), None) => unreachable!("nobody is admitted who is not configured"),
            (Err(refused), _) => {
                self.alarms.raise(&refused);
                Decision::Refuse(shown(&refused))
            }
        }
    }

    /// What a certificate is worth when this device shows it.
    fn standing(&self, roster: &Roster, name: &str, client: &Client, now: SystemTime) -> Standing {
        let certificate = &client.certificate.0;
        match (client.kind, roster.port(name, now)) {
            (CertificateKind::Lsc, None) if roster.is_withdrawn(name, certificate) => {
                Standing::Withdrawn
            }
            (CertificateKind::Lsc | CertificateKind::Mic, None) => Standing::Good,
            (CertificateKind::Voicemail, Some(found)) => {
                let trust = self.trust.now();
                match trust.voicemail_root(found.port.name.server(), certificate) {
                    None => Standing::OfAnotherIssuer,
                    Some(root) if root.not_after() < now => Standing::IssuerEnded,
                    Some(_) => Standing::Good,
                }
            }
            (CertificateKind::Voicemail, None)
            | (CertificateKind::Lsc | CertificateKind::Mic, Some(_)) => Standing::OfAnotherIssuer,
        }
    }

    /// Enters a phone that nobody has entered, as far as that is wanted.
    fn enter(&self, application: &Application) -> Option<Entry> {
        let name = application.name.parse::<DeviceName>().ok()?;
        // Phones write their names in one way.
        let model = Model::of_load_id(application.device_type)
            .filter(|_| name.as_str() == application.name)?;
        let now = SystemTime::now();
        let author = Author::new("auto-registration", &*self.node);
        match self.store.change(&author, now, |change| change.auto_register(&name, model)) {
            Ok(_) => {
                self.trace.tell(Level::Notice, || format!("{name} is entered as a {model}"));
                roster::find(&self.roster.newest(), &self.cluster, name.as_str(), now)
            }
            Err(error) => {
                let why = error.say(Language::English);
                let values = vec![("device", name.to_string()), ("why", why)];
                self.alarms.raise(&Known { message: &signalling::NOT_ENTERED, values });
                None
            }
        }
    }

    /// Takes over what has changed in the database.
    fn follow(&self, seen: &mut Option<Revision>, told: &mut Told) {
        let roster = self.roster.newest();
        if let Some(plan) = told.news(&roster, &self.node) {
            self.mail.post(News::Plan(Box::new(plan)));
            self.trace.tell(Level::Notice, || "what was changed holds from now on".to_owned());
        }
        self.trace.set_level(Level::of_word(&roster.settings().trace_level));
        // While the database is away everything stays as it is.
        let Ok(revision) = self.store.read(|view| view.revision()) else { return };
        if *seen == Some(revision) {
            return;
        }
        let until = roster.settings().expired_mic_until;
        let Ok(trust) = self.store.read(|view| Trust::read(view, until)) else { return };
        if trust != *self.trust.now() {
            if let Some(cell) = &self.cell {
                cell.change(|service| service.clients = trust.clients());
            }
            self.trust.set(trust);
            self.trace.tell(Level::Notice, || "issuers of certificates have changed".to_owned());
        }
        if self.obey(*seen).is_ok() {
            *seen = Some(revision);
        }
    }

    /// Does what other nodes have ordered of phones since then. Those that came to this node later
    /// than it started have heard of what was before.
    fn obey(&self, seen: Option<Revision>) -> store::Result<()> {
        let Some(seen) = seen else { return Ok(()) };
        let orders = self.store.read(|view| view.phone_orders_since(seen))?;
        for order in orders.into_iter().filter(|order| order.node != self.node) {
            let which = Which::Named(order.devices);
            self.mail.post(News::Ask(Box::new(move |operator| {
                operator.order(&which, order.kind);
            })));
        }
        Ok(())
    }
}

/// What a phone shows that may not register. It says no more than its user can do something with.
fn shown(refused: &admission::Refused) -> &'static str {
    let message = refused.message();
    let known = |one: &messages::Message| message == one;
    if known(&registration::DEVICE_UNKNOWN) || known(&registration::DEVICE_TYPE_DIFFERS) {
        "Error DBConfig"
    } else if known(&registration::DEVICE_NAME_INVALID) {
        "Error: invalid name"
    } else {
        "Security Error"
    }
}
