//! What is said to relays and gateways and by them, for captures.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use capture::{Protocol, Record, Tap};
use mgcp::{Message, datagram};
use zeroize::Zeroizing;

/// Transactions whose endpoint is remembered for the answer.
const MOST: usize = 4096;

/// Hands in the datagrams of endpoints that are captured.
#[derive(Debug)]
pub(crate) struct Taps {
    tap: Arc<dyn Tap>,
    own: SocketAddr,
    /// Endpoints that commands were about, by who was told and the transaction.
    asked: HashMap<(SocketAddr, u32), String>,
}

impl Taps {
    pub(crate) fn new(tap: Arc<dyn Tap>, own: SocketAddr) -> Self {
        Self { tap, own, asked: HashMap::new() }
    }

    /// A relay or a gateway said something.
    pub(crate) fn heard(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.take(from, datagram, true);
    }

    /// One is told something.
    pub(crate) fn said(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.take(to, datagram, false);
    }

    fn take(&mut self, relay: SocketAddr, octets: &[u8], from_device: bool) {
        if !self.tap.is_on() {
            return self.asked.clear();
        }
        let Some(device) = self.captured(relay, octets) else { return };
        let ends = [relay, self.own];
        let [source, destination] = if from_device { ends } else { [ends[1], ends[0]] };
        self.tap.take(Record {
            at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            device,
            source,
            destination,
            protocol: Protocol::Mgcp,
            from_device,
            message: Zeroizing::new(octets.to_vec()),
        });
    }

    /// The endpoint that a datagram is about, if it is captured.
    fn captured(&mut self, relay: SocketAddr, octets: &[u8]) -> Option<String> {
        let mut captured = None;
        for message in datagram::split(octets, octets.len()).ok()? {
            let names = match Message::parse(message) {
                Ok(Message::Command(transaction, command)) => {
                    let name = command.endpoint.to_string();
                    if self.asked.len() >= MOST {
                        self.asked.clear();
                    }
                    self.asked.insert((relay, transaction.value()), name.clone());
                    vec![name]
                }
                Ok(Message::Response(transaction, response)) => {
                    let asked = self.asked.get(&(relay, transaction.value())).cloned();
                    let told = response.params.endpoints.iter().map(ToString::to_string);
                    told.chain(asked).collect()
                }
                Err(_) => continue,
            };
            captured = captured.or_else(|| names.into_iter().find(|name| self.tap.wants(name)));
        }
        captured
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use capture::Device;

    use super::*;

    #[derive(Debug)]
    struct Taken(Device, Mutex<Vec<Record>>);

    impl Tap for Taken {
        fn is_on(&self) -> bool {
            true
        }

        fn wants(&self, device: &str) -> bool {
            self.0.is_endpoint(device)
        }

        fn take(&self, record: Record) {
            self.1.lock().unwrap().push(record);
        }
    }

    // R: CAP-03
    #[test]
    fn commands_of_an_endpoint_are_captured_with_their_answers() {
        let [relay, own] = ["10.0.0.9:2427", "10.0.0.1:2727"].map(|end| end.parse().unwrap());
        for (device, expected) in [("pr/1@relay1", 2), ("*@relay1", 4), ("*@relay2", 0)] {
            let taken = Arc::new(Taken(device.parse().unwrap(), Mutex::default()));
            let mut taps = Taps::new(Arc::clone(&taken) as _, own);
            taps.said(relay, b"MDCX 1 pr/1@relay1 MGCP 1.0\r\nC: A1\r\nI: 1\r\nM: sendrecv\r\n");
            taps.said(relay, b"MDCX 2 pr/2@relay1 MGCP 1.0\r\nC: A2\r\nI: 2\r\nM: sendrecv\r\n");
            taps.heard(relay, b"200 2 OK\r\n");
            taps.heard(relay, b"200 1 OK\r\n");
            taps.heard(relay, b"no MGCP at all");
            let records = taken.1.lock().unwrap();
            assert_eq!(records.len(), expected, "{device}");
            if let [first, .., last] = &records[..] {
                assert_eq!(
                    (first.source, first.destination, first.from_device),
                    (own, relay, false)
                );
                assert_eq!((last.source, last.from_device), (relay, true));
                assert_eq!(&**last.message, b"200 1 OK\r\n");
            }
        }
    }
}
