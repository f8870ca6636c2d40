//! Order among clients: up to five enter their configurations at once, one at a time writes, and
//! what the others entered is kept.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use messages::{Explain, Message, provider};

use super::api::Configuration;

/// Most clients that configure at once.
pub const MAX_CLIENTS: usize = 5;
/// How long an unfinished configuration is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a client that fell silent may hold the right to write.
pub const TURN: Duration = Duration::from_secs(10 * 60);

/// What the clients entered, and whose turn it is.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    seats: BTreeMap<String, Seat>,
    turn: Option<Turn>,
}

#[derive(Clone, Debug)]
struct Seat {
    user: String,
    entered: Configuration,
    last: SystemTime,
}

#[derive(Clone, Debug)]
struct Turn {
    client: String,
    user: String,
    until: SystemTime,
}

/// Why a client must wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskFault {
    /// Five others configure.
    TooManyClients,
    /// This user writes.
    Busy(String),
    /// The list is not the one the changes were made on.
    ListChanged,
}

impl Explain for DeskFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::TooManyClients => &provider::TOO_MANY_CLIENTS,
            Self::Busy(_) => &provider::CONFIGURATION_BUSY,
            Self::ListChanged => &provider::LIST_CHANGED,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Busy(user) => vec![("user", user.clone())],
            Self::TooManyClients | Self::ListChanged => Vec::new(),
        }
    }
}

crate::error_by_message!(DeskFault);

impl Desk {
    /// Keeps what a client entered.
    pub fn keep(
        &mut self,
        client: &str,
        user: &str,
        entered: Configuration,
        now: SystemTime,
    ) -> Result<(), DeskFault> {
        self.seats.retain(|_, seat| now.duration_since(seat.last).unwrap_or_default() < KEPT);
        if !self.seats.contains_key(client) && self.seats.len() >= MAX_CLIENTS {
            return Err(DeskFault::TooManyClients);
        }
        self.seats.insert(client.to_owned(), Seat { user: user.to_owned(), entered, last: now });
        Ok(())
    }

    /// What a client entered before.
    pub fn entered(&self, client: &str) -> Configuration {
        self.seats.get(client).map(|seat| seat.entered.clone()).unwrap_or_default()
    }

    /// Forgets what a client entered.
    pub fn forget(&mut self, client: &str) {
        self.seats.remove(client);
    }

    /// Users with entries that nobody signed.
    pub fn unsigned(&self) -> impl Iterator<Item = &str> {
        let entered = |seat: &&Seat| seat.entered != Configuration::default();
        self.seats.values().filter(entered).map(|seat| seat.user.as_str())
    }

    /// Gives a client the right to write, if nobody has it and the list (SHA-256 in hex) is still
    /// the one its changes were made on. Asking again is harmless.
    pub fn take_turn(
        &mut self,
        client: &str,
        user: &str,
        base: Option<&str>,
        present: Option<&str>,
        now: SystemTime,
    ) -> Result<(), DeskFault> {
        if let Some(turn) = self.others_turn(client, now) {
            return Err(DeskFault::Busy(turn.user.clone()));
        }
        if base != present {
            return Err(DeskFault::ListChanged);
        }
        let (client, user) = (client.to_owned(), user.to_owned());
        self.turn = Some(Turn { client, user, until: now + TURN });
        Ok(())
    }

    /// Whether a client may write now.
    pub fn has_turn(&self, client: &str, now: SystemTime) -> Result<(), DeskFault> {
        match &self.turn {
            Some(turn) if turn.client == client && now < turn.until => Ok(()),
            _ => match self.others_turn(client, now) {
                Some(turn) => Err(DeskFault::Busy(turn.user.clone())),
                // Its own turn ran out: what happened since is not known.
                None => Err(DeskFault::ListChanged),
            },
        }
    }

    /// Takes the right back.
    pub fn end_turn(&mut self, client: &str) {
        self.turn.take_if(|turn| turn.client == client);
    }

    fn others_turn(&self, client: &str, now: SystemTime) -> Option<&Turn> {
        self.turn.as_ref().filter(|turn| turn.client != client && now < turn.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    // R: CTL-11
    #[test]
    fn five_configure_one_writes_and_nothing_entered_is_lost() {
        let mut desk = Desk::default();
        let entry = |n: usize| Configuration {
            deletions: vec![format!("entry {n}")],
            ..Configuration::default()
        };
        let clients: Vec<_> = (0..MAX_CLIENTS).map(|n| format!("client-{n}")).collect();
        for (n, client) in clients.iter().enumerate() {
            desk.keep(client, "admin", entry(n), UNIX_EPOCH).unwrap();
        }
        let sixth = desk.keep("client-6", "admin", entry(6), UNIX_EPOCH);
        assert_eq!(sixth, Err(DeskFault::TooManyClients));

        desk.take_turn(&clients[0], "anna", Some("a"), Some("a"), UNIX_EPOCH).unwrap();
        let busy = desk.take_turn(&clients[1], "bert", Some("a"), Some("a"), UNIX_EPOCH);
        assert_eq!(busy, Err(DeskFault::Busy("anna".into())));
        assert_eq!(desk.has_turn(&clients[1], UNIX_EPOCH), busy);
        desk.has_turn(&clients[0], UNIX_EPOCH).unwrap();
        desk.end_turn(&clients[1]);
        desk.has_turn(&clients[0], UNIX_EPOCH).unwrap();
        desk.end_turn(&clients[0]);
        desk.forget(&clients[0]);

        let late = desk.take_turn(&clients[1], "bert", Some("a"), Some("b"), UNIX_EPOCH);
        assert_eq!(late, Err(DeskFault::ListChanged));
        desk.take_turn(&clients[1], "bert", Some("b"), Some("b"), UNIX_EPOCH).unwrap();
        for (n, client) in clients.iter().enumerate().skip(1) {
            assert_eq!(desk.entered(client), entry(n));
        }
        desk.keep("client-6", "admin", entry(6), UNIX_EPOCH).unwrap();

        // A client that died gives its turn and seat back in time.
        let later = UNIX_EPOCH + TURN;
        assert_eq!(desk.has_turn(&clients[1], later), Err(DeskFault::ListChanged));
        desk.take_turn(&clients[2], "cleo", None, None, later).unwrap();
        desk.keep("client-7", "admin", entry(7), UNIX_EPOCH + KEPT).unwrap();
        assert_eq!(desk.entered(&clients[1]), Configuration::default());
    }
}
