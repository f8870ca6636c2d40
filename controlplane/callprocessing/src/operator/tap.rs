//! What is said, for those who look for a fault: the trace, the ladders of calls, and captures.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use callmanager::exchange::ConnectionId;
use callmanager::security::Security;
use callmanager::switchboard::{DeviceName, LegId};
use capture::{Protocol, Record};
use sccp::phone::ConnectionStatisticsRes;
use sccp::{Decoded, Message, MessageId, Pdu};

use super::Operator;
use crate::ladder::{Direction, Step};
use crate::trace::Level;

impl Operator {
    /// A phone said what is at the beginning of the buffer.
    pub(super) fn tap_heard(&mut self, connection: ConnectionId, length: usize) {
        let Some(line) = self.lines.get_mut(&connection) else { return };
        let mut bytes = &self.buffer[..length];
        let (mut heard, mut pdus) = (Vec::new(), Vec::new());
        let captured = self.with.tap.is_on();
        // What is no message ends the connection, not here.
        while let Ok(Some(pdu)) = line.heard.next_pdu(&mut bytes) {
            let decoded = line.heard.decode(&pdu).decoded;
            pdus.extend(captured.then_some(pdu));
            match decoded {
                Ok(Decoded { message, .. }) => heard.push(message),
                Err(error) => {
                    self.with.trace.tell(Level::Detail, || format!("{} {error}", line.peer))
                }
            }
        }
        for pdu in pdus {
            self.capture(connection, Direction::FromPhone, pdu);
        }
        for message in heard {
            self.tap(connection, Direction::FromPhone, &message);
        }
    }

    /// A phone is told something.
    pub(super) fn tap_sent(&mut self, connection: ConnectionId, pdu: &Pdu) {
        if self.with.tap.is_on() {
            self.capture(connection, Direction::ToPhone, pdu.clone());
        }
        let Some((header, body)) = pdu.split_at_checked(HEADER) else { return };
        let id = MessageId(u32::from_le_bytes([header[8], header[9], header[10], header[11]]));
        let Some(line) = self.lines.get(&connection) else { return };
        if let Ok(decoded) = Message::decode(id, body, line.version) {
            self.tap(connection, Direction::ToPhone, &decoded.message);
        }
    }

    /// Hands a message in, if its phone is captured.
    fn capture(&self, connection: ConnectionId, direction: Direction, pdu: Pdu) {
        let Some(line) = self.lines.get(&connection) else { return };
        let Some((device, ..)) = &line.device else { return };
        if !self.with.tap.wants(&device.to_string()) {
            return;
        }
        let from_device = direction == Direction::FromPhone;
        let ends = [line.peer, line.local.unwrap_or_else(|| self.in_the_cell(line.peer))];
        let [source, destination] = if from_device { ends } else { [ends[1], ends[0]] };
        self.with.tap.take(Record {
            at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            device: device.to_string(),
            source,
            destination,
            protocol: match line.proof {
                Some(_) => Protocol::SccpOverTls,
                None => Protocol::Sccp,
            },
            from_device,
            message: pdu,
        });
    }

    /// Our end where the cell has it: the port is known, the address is one of this node's.
    fn in_the_cell(&self, peer: SocketAddr) -> SocketAddr {
        let port = self.doors.secure_port();
        match peer {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, port).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, port).into(),
        }
    }

    fn tap(&mut self, connection: ConnectionId, direction: Direction, message: &Message) {
        let Some(line) = self.lines.get(&connection) else { return };
        let leg = leg(message);
        let call = leg.and_then(|leg| self.ladders.call_of(&self.exchange, leg));
        let detailed = self.with.trace.tells(Level::Detail);
        if call.is_none() && !detailed {
            return;
        }
        let view = call.and_then(|call| self.exchange.switchboard().call(call));
        let speaking = view.is_some_and(|view| view.answered.is_some());
        // What somebody types into a voicemail system is his business.
        let text = match is_digit(message) && (speaking || leg.is_none()) {
            true => format!("{} (not shown)", message.id()),
            false => message.to_string(),
        };
        let device = line.device.as_ref().map(|(device, ..)| device.to_string());
        if detailed {
            let arrow = match direction {
                Direction::FromPhone => '>',
                Direction::ToPhone => '<',
            };
            let device = device.as_deref().unwrap_or("?");
            self.with.trace.note(&format!("{} {device} {arrow} {text}", line.peer));
        }
        if let (Some(call), Some(device)) = (call, device) {
            let step = Step { at: SystemTime::now(), device, direction, message: text };
            self.ladders.add(call, step);
        }
    }

    pub(super) fn tap_statistics(
        &mut self,
        device: Option<DeviceName>,
        statistics: &ConnectionStatisticsRes,
    ) {
        self.with.trace.tell(Level::Notice, || {
            let device = device.map_or_else(|| "?".to_owned(), |device| device.to_string());
            format!("{device} statistics{statistics}")
        });
    }

    pub(super) fn note_registered(&self, connection: ConnectionId, security: Security) {
        let Some(line) = self.lines.get(&connection) else { return };
        self.with.trace.tell(Level::Notice, || {
            let device = line.device.as_ref().map(|(device, ..)| device.to_string());
            let over = line.proof.as_ref().map_or_else(
                || "TCP".to_owned(),
                |proof| {
                    let again = if proof.resumed { ", resumed" } else { "" };
                    format!("{} by {:?}{again}", proof.cipher, proof.client.kind)
                },
            );
            let device = device.unwrap_or_default();
            format!("{} {device} registered: {security} over {over}", line.peer)
        });
    }

    pub(super) fn note_end(&self, connection: ConnectionId, why: &str) {
        let Some(line) = self.lines.get(&connection) else { return };
        // Strangers come and go at any rate.
        let level = if line.device.is_some() { Level::Notice } else { Level::Detail };
        self.with.trace.tell(level, || {
            let device = line.device.as_ref().map(|(device, ..)| device.to_string());
            format!("{} {} has gone: {why}", line.peer, device.as_deref().unwrap_or("?"))
        });
    }
}

/// Bytes before a message's body.
const HEADER: usize = 12;

/// The leg that a message is about.
fn leg(message: &Message) -> Option<LegId> {
    use Message as M;
    let call = match message {
        M::KeypadButton(it) => it.call,
        M::OffHook(it) => it.call,
        M::OnHook(it) => it.call,
        M::SoftKeyEvent(it) => it.call,
        M::OpenReceiveChannelAck(it) => it.call,
        M::StartMediaTransmissionAck(it) => it.call,
        M::ConnectionStatisticsRes(it) => it.call,
        M::CallState(it) => it.call,
        M::CallInfo(it) => it.call,
        M::DialedNumber(it) => it.call,
        M::OpenReceiveChannel(it) => it.call,
        M::CloseReceiveChannel(it) => it.call,
        M::StartMediaTransmission(it) => it.call,
        M::StopMediaTransmission(it) => it.call,
        M::StartTone(it) => it.call,
        M::StopTone(it) => it.call,
        M::SetRinger(it) => it.call,
        _ => return None,
    };
    (call.0 != 0).then_some(LegId(call.0))
}

/// Whether it holds a digit that somebody pressed.
fn is_digit(message: &Message) -> bool {
    matches!(
        message,
        Message::KeypadButton(_) | Message::NotifyDtmfTone(_) | Message::SendDtmfTone(_)
    )
}
