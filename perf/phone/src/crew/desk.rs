//! A desk with one telephone on it, for whoever sits there.

use std::time::Instant;

use capf::codec::Password;
use mio::Waker;
use sccp::CallRef;
use serde_json::Value;

use super::{Crew, Failure, Member, Settings};
use crate::media::Statistics;
use crate::office::PhoneId;
use crate::screen::{self, Act, StatusMessage, View};
use crate::station::{NotPossible, Outage, Registration};
use crate::{Flash, FlashError};

/// A telephone, and all that its screen can show.
pub struct Desk {
    crew: Crew,
    phone: PhoneId,
    settings: screen::Settings,
    messages: Vec<StatusMessage>,
    /// The call that was active last, and how it is or was heard.
    heard: Option<(CallRef, Statistics)>,
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The telephone says so.
    #[error(transparent)]
    NotPossible(#[from] NotPossible),
    /// Its flash fails.
    #[error(transparent)]
    Flash(#[from] FlashError),
    /// It has no flash.
    #[error("this phone was told its servers: it has no trust lists and no CAPF")]
    Bare,
}

/// Lines of the page of status messages.
const MESSAGES: usize = 100;

const NAME: &str = "phone";

impl Desk {
    /// A telephone that is switched off.
    pub fn new(settings: Settings, member: Member) -> Result<Self, Failure> {
        let mut crew = Crew::new(settings)?;
        let phone = crew.add(NAME, member)?;
        let settings = screen::Settings::default();
        let mut desk = Self { crew, phone, settings, messages: Vec::new(), heard: None };
        desk.read_settings();
        Ok(desk)
    }

    /// Ends a [`Desk::turn`] from another thread.
    pub fn waker(&self) -> std::sync::Arc<Waker> {
        self.crew.waker()
    }

    /// Switches it on.
    pub fn start(&mut self) {
        self.crew.start(self.phone, Outage::Initialized);
    }

    /// Waits until something happens, or until then.
    pub fn turn(&mut self, until: Instant) -> Result<(), Failure> {
        self.crew.turn(until)?;
        let news: Vec<Value> = self.crew.news().collect();
        let before = self.messages.len();
        self.messages.extend(news.iter().filter_map(message));
        if self.messages.len() > before {
            self.read_settings();
        }
        let surplus = self.messages.len().saturating_sub(MESSAGES);
        self.messages.drain(..surplus);
        self.listen();
        Ok(())
    }

    /// Whether it has left its server.
    pub fn is_off(&self) -> bool {
        self.crew.station(self.phone).display().registration == Registration::None
    }

    /// What there is to be shown.
    pub fn view(&self) -> View<'_> {
        View {
            station: self.crew.station(self.phone),
            settings: &self.settings,
            messages: &self.messages,
            statistics: self.heard.as_ref().map(|(_, statistics)| statistics),
            now: Instant::now(),
        }
    }

    /// Does what its user wants.
    pub fn act(&mut self, act: Act) -> Result<(), DeskError> {
        match act {
            Act::Press(press) => self.crew.office.press(self.phone, press)?,
            Act::EraseTrustLists => {
                self.flash()?.erase_lists()?;
                self.crew.start(self.phone, Outage::Keypad);
            }
            Act::Enrol(string) => {
                self.flash()?;
                self.crew.members[self.phone.0].typed = Password::new(&string);
                self.crew.start(self.phone, Outage::Keypad);
            }
            Act::Quit => self.crew.office.stop(self.phone),
        }
        self.crew.note();
        Ok(())
    }

    fn flash(&self) -> Result<&Flash, DeskError> {
        let phone = self.crew.member(self.phone).phone().ok_or(DeskError::Bare)?;
        Ok(&phone.flash)
    }

    /// A flash that cannot be read shows what was there before; its start has said so.
    fn read_settings(&mut self) {
        let Some(phone) = self.crew.member(self.phone).phone() else { return };
        let tftp = phone.servers.iter().map(|server| server.to_string()).collect();
        if let Ok(settings) = screen::Settings::read(&phone.flash, tftp) {
            self.settings = settings;
        }
    }

    fn listen(&mut self) {
        let active = self.crew.station(self.phone).display().active();
        let call = active.map(|call| call.call).or(self.heard.as_ref().map(|(call, _)| *call));
        let Some(call) = call else { return };
        if let Some(statistics) = self.crew.office.media().statistics(self.phone, call) {
            self.heard = Some((call, statistics));
        }
    }
}

/// The line of the status page about something that happened, if it has one.
fn message(happening: &Value) -> Option<StatusMessage> {
    let text = |key: &str| happening[key].as_str().unwrap_or_default().to_owned();
    let text = match happening["event"].as_str()? {
        "status" | "alarm" | "notice" => text("text"),
        "registered" => format!("Registered with CallManager {}", happening["server"]),
        "rejected" => format!("Registration rejected: {}", text("text")),
        "lost" => format!("CallManager lost: {}", text("why")),
        "stays" => text("why"),
        "unregistered" => "Unregistered".to_owned(),
        "reset" => format!("Reset: {}", text("kind")),
        _ => return None,
    };
    let seconds = happening["at"].as_f64().unwrap_or_default() as u64;
    let at = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(StatusMessage { at, text })
}
