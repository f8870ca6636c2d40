//! A small telephone: it says what it is told to say.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use sccp::codes::{CallStatus, Codec, Key, MediaStatus};
use sccp::phone::*;
use sccp::server::OpenReceiveChannel;
use sccp::{
    Address, CallRef, Ip4, LIMIT_REGISTERED, LineInstance, List, Message, Port, Secrecy, Session,
    Stream, Text, Version,
};

use crate::site::{PATIENCE, address};

/// What SCCP goes through.
pub trait Plain: Read + Write + Send {}

impl<T: Read + Write + Send> Plain for T {}

/// A telephone.
pub struct Phone {
    pub plain: Box<dyn Plain>,
    stream: Stream,
    name: String,
    device_type: u32,
    told: Ipv4Addr,
    waiting: Vec<u8>,
}

/// As SCCP numbers the models.
pub const M7960: u32 = 7;
pub const M7970: u32 = 30006;

impl Phone {
    pub fn on(plain: Box<dyn Plain>, name: &str, device_type: u32) -> Self {
        let mut stream = Stream::new();
        stream.set_limit(LIMIT_REGISTERED);
        stream.set_version(Version::V11);
        let told = address();
        Self { plain, stream, name: name.into(), device_type, told, waiting: Vec::new() }
    }

    /// Connects without TLS.
    pub fn plain(to: SocketAddr, name: &str, device_type: u32) -> Self {
        Self::on(Box::new(connect(to)), name, device_type)
    }

    /// Says that it has this address.
    pub fn telling(mut self, address: [u8; 4]) -> Self {
        self.told = address.into();
        self
    }

    pub fn say(&mut self, message: impl Into<Message>) {
        let session = Session { version: Version::V11, secrecy: Secrecy::Confidential };
        self.plain.write_all(&session.encode(&message.into()).unwrap()).unwrap();
        self.plain.flush().unwrap();
    }

    /// The next message; `None` when the server has closed.
    pub fn hear(&mut self) -> Option<Message> {
        loop {
            let mut bytes = &self.waiting[..];
            let received = self.stream.next(&mut bytes).unwrap();
            self.waiting = bytes.to_vec();
            if let Some(received) = received {
                return Some(received.decoded.unwrap().message);
            }
            let mut buffer = [0; 4096];
            match self.plain.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.waiting.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// What is found in the first message in which it is found.
    pub fn await_some<T>(&mut self, find: impl Fn(&Message) -> Option<T>) -> T {
        let mut heard = Vec::new();
        loop {
            let message = self.hear().unwrap_or_else(|| panic!("{}: {heard:?}", self.name));
            match find(&message) {
                Some(found) => return found,
                None => heard.push(message),
            }
        }
    }

    /// Waits for a message of this name.
    pub fn await_name(&mut self, name: &str) -> Message {
        self.await_some(|message| (message.id().to_string() == name).then(|| message.clone()))
    }

    pub fn apply(&mut self) {
        self.say(Register {
            device_name: Text::from(&*self.name),
            device_type: sccp::codes::DeviceType(self.device_type),
            address: Ip4(self.told),
            protocol_version: 11,
            ..Register::default()
        });
    }

    /// Registers, and asks for what it needs to be called.
    pub fn register(&mut self) {
        self.apply();
        self.await_name("RegisterAck");
        let known = |codec| AudioCapability { codec, max_ms_per_packet: 40, ..Default::default() };
        let audio = vec![known(Codec::G711_ULAW_64K), known(Codec::G711_ALAW_64K)];
        self.say(CapabilitiesRes { audio: List(audio) });
        self.say(ButtonTemplateReq);
        self.say(TimeDateReq);
        self.await_name("DefineTimeDate");
    }

    /// What the phone shows when it may not register; the server closes then.
    pub fn refusal(mut self) -> String {
        self.apply();
        let text = self.await_some(|message| match message {
            Message::RegisterReject(reject) => Some(reject.text.decode(sccp::Charset::Latin1)),
            Message::RegisterAck(_) => panic!("it was let in"),
            _ => None,
        });
        while self.hear().is_some() {}
        text
    }

    /// Lifts the handset and dials.
    pub fn dial(&mut self, digits: &str) -> CallRef {
        self.say(OffHook::default());
        let call = self.await_some(|message| match message {
            Message::CallState(state) if state.state == CallStatus::OFF_HOOK => Some(state.call),
            _ => None,
        });
        for digit in digits.chars() {
            self.press(digit, call);
        }
        call
    }

    pub fn press(&mut self, digit: char, call: CallRef) {
        let button = Key::of(digit).unwrap();
        self.say(KeypadButton { button, line: LineInstance(1), call });
    }

    /// Waits until it rings, and answers.
    pub fn answer(&mut self) -> CallRef {
        let call = self.await_some(|message| match message {
            Message::CallState(state) if state.state == CallStatus::RING_IN => Some(state.call),
            _ => None,
        });
        const ANSWER: u32 = 11;
        self.say(SoftKeyEvent { event: ANSWER, line: LineInstance(1), call });
        call
    }

    /// Opens its port as it is told.
    pub fn open(&mut self) -> OpenReceiveChannel {
        let open = self.await_some(|message| match message {
            Message::OpenReceiveChannel(open) => Some(open.clone()),
            _ => None,
        });
        self.say(OpenReceiveChannelAck {
            status: MediaStatus::OK,
            address: Address::V4(address()),
            port: Port(16_384),
            party: open.party,
            call: open.call,
        });
        open
    }
}

pub fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}
