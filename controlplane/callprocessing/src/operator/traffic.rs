//! Bytes that come and go, and connections that end.

use std::io;
use std::time::{Duration, Instant};

use callmanager::exchange::ConnectionId;

use super::{Operator, now};

/// Portions read of one phone before others have their turn.
const TURN: usize = 8;
/// How long a phone may take to read our last words.
const FAREWELL: Duration = Duration::from_secs(2);

impl Operator {
    /// Reads what a phone says.
    pub(super) fn read(&mut self, connection: ConnectionId) {
        for _ in 0..TURN {
            let Some(line) = self.lines.get_mut(&connection) else { return };
            match line.wire.read(&mut self.buffer) {
                Ok(0) => return self.lose(connection),
                // It was told farewell.
                Ok(_) if line.closing.is_some() => {}
                Ok(length) => {
                    self.tap_heard(connection, length);
                    let bytes = &self.buffer[..length];
                    self.exchange.received(now(), connection, bytes, &mut self.effects);
                    self.carry_out();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.lose(connection),
            }
        }
        self.busy.push_back(connection);
    }

    /// Writes what waits for a phone.
    pub(super) fn flush(&mut self, connection: ConnectionId) {
        let Some(line) = self.lines.get_mut(&connection) else { return };
        match line.wire.flush() {
            Ok(true) if line.closing.is_some() => line.wire.end(),
            Ok(_) => {}
            Err(_) => self.lose(connection),
        }
    }

    pub(super) fn flush_all(&mut self) {
        while let Some(connection) = self.dirty.pop() {
            self.flush(connection);
        }
    }

    /// A connection broke, or has to go at once.
    pub(super) fn lose(&mut self, connection: ConnectionId) {
        let Some(line) = self.lines.get(&connection) else { return };
        let is_over = line.closing.is_some();
        if !is_over {
            self.note_end(connection, "the connection is lost");
        }
        self.forget(connection);
        if !is_over {
            self.act(|exchange, now, effects| exchange.lost(now, connection, effects));
        }
    }

    /// The exchange has nothing more to say to a phone: it is told farewell, and the connection
    /// ends when it has read it. Closing at once would tear up what is under way.
    pub(super) fn say_farewell(&mut self, connection: ConnectionId) {
        let Some(line) = self.lines.get_mut(&connection) else { return };
        let until = Instant::now() + FAREWELL;
        line.closing = Some(until);
        line.wire.farewell();
        self.closing.insert((until, connection));
        self.dirty.push(connection);
    }

    /// Closes a connection.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        if let Some(mut line) = self.lines.remove(&connection) {
            line.wire.unwatch(self.poll.registry());
            if let Some(until) = line.closing {
                self.closing.remove(&(until, connection));
            }
        }
        self.census.leave(connection);
    }

    /// The service stops: phones go to the next server at once.
    pub(super) fn close_all(&mut self) {
        for line in self.lines.values_mut() {
            line.wire.farewell();
            let _ = line.wire.flush();
            line.wire.end();
        }
        self.lines.clear();
    }
}
