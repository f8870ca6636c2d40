//! What is configured for a telephone.

use std::net::IpAddr;
use std::time::Duration;

use sccp::codes::ButtonType;
use sccp::server::Button;

use crate::security::{Bridge, Security};
use crate::switchboard::{LineProfile, RelayPolicy};

/// What is configured for a telephone, as the one who admits it knows.
#[derive(Clone, Debug)]
pub struct Equipment {
    /// How well it is protected, as it was admitted. [`Security::Encrypted`] promises that nobody
    /// can read the connection, that the device is who it says, and that its model does SRTP.
    pub security: Security,
    /// Whether it can do wideband in an encrypted call: 7940 and 7960 cannot.
    pub encrypts_wideband: bool,
    /// Its built-in bridge, if it has one and may use it.
    pub bridge: Option<Bridge>,
    /// Whether its calls are hidden from others on shared lines.
    pub private: bool,
    /// Where it stands.
    pub region: u16,
    /// Whether its media may come from another address than its signalling.
    pub media_elsewhere: bool,
    /// Whether its media goes through a relay, as its device pool says.
    pub relay: RelayPolicy,
    /// Its lines, by their buttons, and where all calls to each are forwarded.
    pub lines: Vec<(LineProfile, Option<String>)>,
    /// Its speed dials, by their buttons, which follow those of the lines.
    pub speed_dials: Vec<SpeedDial>,
    /// Whether it is a port of a voicemail server, which begins calls in the name of others.
    pub voicemail: bool,
    /// The number that its key for messages dials.
    pub messages: Option<String>,
    /// The firmware load it should have; empty keeps what it has.
    pub load: String,
    /// Who uses it.
    pub user: String,
    /// Name of this cluster.
    pub server_name: String,
    /// The servers that may serve it, the first one first.
    pub servers: Vec<Server>,
    /// Order and separators of dates: `M/D/Y`; an `A` at the end is the 12-hour clock.
    pub date_template: String,
    /// Seconds of its local time ahead of UTC.
    pub utc_offset: i32,
    /// Between two signs of life.
    pub keep_alive: Duration,
}

/// A button that dials a number.
#[derive(Clone, Debug)]
pub struct SpeedDial {
    /// The number.
    pub number: String,
    /// What is shown with it.
    pub label: String,
}

/// A server of the cluster.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// The port for this telephone.
    pub port: u16,
}

impl Equipment {
    /// Its buttons.
    pub(super) fn buttons(&self) -> Vec<Button> {
        let of = |kind, count: usize| {
            let numbers = (1..=u8::MAX).take(count);
            numbers.map(move |instance| Button { instance, kind })
        };
        let lines = of(ButtonType::LINE, self.lines.len());
        lines.chain(of(ButtonType::SPEED_DIAL, self.speed_dials.len())).collect()
    }

    /// A line by its button, counted from 1.
    pub(super) fn line(&self, instance: u32) -> Option<&(LineProfile, Option<String>)> {
        self.lines.get(usize::try_from(instance).ok()?.checked_sub(1)?)
    }
}
