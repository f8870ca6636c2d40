//! As much of SIP (RFC 3261) as two telephones need for a call through a proxy, over UDP.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::net::Namespace;

/// How long a message that must come is awaited.
const PATIENCE: Duration = Duration::from_secs(10);

/// A telephone's signalling.
pub struct Phone {
    socket: UdpSocket,
    address: SocketAddr,
    user: &'static str,
}

/// A message as it came.
pub struct Message {
    first_line: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

/// A dialogue at the side of who called.
pub struct Dialogue {
    call: String,
    /// `From` and `To` with their tags.
    from: String,
    to: String,
    /// Where requests go to in the end, and over which proxies.
    target: String,
    routes: Vec<String>,
    sequence: u32,
}

impl Phone {
    pub fn open(namespace: &Namespace, address: SocketAddr, user: &'static str) -> Result<Self> {
        let socket = namespace.udp(address)?;
        socket.set_read_timeout(Some(PATIENCE)).context("cannot set a time-out")?;
        Ok(Self { socket, address, user })
    }

    /// Calls `callee` through `proxy` with a session description.
    pub fn invite(&self, proxy: SocketAddr, callee: &str, call: &str, sdp: &str) -> Result<()> {
        let target = format!("sip:{callee}@{proxy}");
        let lines = [
            format!("From: <sip:{}@{}>;tag={call}-a", self.user, self.address),
            format!("To: <{target}>"),
            format!("Call-ID: {call}"),
            "CSeq: 1 INVITE".to_owned(),
            self.contact(),
        ];
        self.request("INVITE", &target, proxy, &lines, sdp)
    }

    /// The final answer to that, which must accept the call.
    pub fn accepted(&self) -> Result<(Dialogue, String)> {
        let answer = loop {
            let message = self.hear()?;
            let status = message.status().context("a request instead of an answer")?;
            if status >= 200 {
                ensure!(status == 200, "the call was refused: {}", message.first_line);
                break message;
            }
        };
        let contact = answer.header("Contact").context("200 without Contact")?;
        let target = contact.trim_matches(['<', '>']).to_owned();
        let mut routes: Vec<_> = answer.all("Record-Route").map(str::to_owned).collect();
        routes.reverse();
        let header = |name| answer.header(name).map(str::to_owned).context("a header is missing");
        let dialogue = Dialogue {
            call: header("Call-ID")?,
            from: header("From")?,
            to: header("To")?,
            target,
            routes,
            sequence: 1,
        };
        Ok((dialogue, answer.body))
    }

    /// Confirms that the call was accepted.
    pub fn acknowledge(&self, proxy: SocketAddr, dialogue: &Dialogue) -> Result<()> {
        self.request("ACK", &dialogue.target, proxy, &dialogue.lines("ACK"), "")
    }

    /// Ends the call and waits for the answer.
    pub fn bye(&self, proxy: SocketAddr, dialogue: &mut Dialogue) -> Result<()> {
        dialogue.sequence += 1;
        self.request("BYE", &dialogue.target, proxy, &dialogue.lines("BYE"), "")
    }

    /// The next request of this method; what is said again is passed over.
    pub fn expect(&self, method: &str) -> Result<Message> {
        for _ in 0..10 {
            let message = self.hear()?;
            if message.first_line.starts_with(&format!("{method} ")) {
                return Ok(message);
            }
        }
        bail!("no {method} came")
    }

    /// Waits for the answer that a request of ours succeeded.
    pub fn expect_ok(&self) -> Result<()> {
        let answer = self.hear()?;
        ensure!(answer.status() == Some(200), "it was answered {}", answer.first_line);
        Ok(())
    }

    /// Answers a request with 200.
    pub fn accept(&self, proxy: SocketAddr, request: &Message, sdp: &str) -> Result<()> {
        let mut text = "SIP/2.0 200 OK\r\n".to_owned();
        let kept = ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"];
        for (name, value) in &request.headers {
            if kept.iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
                let is_new = name.eq_ignore_ascii_case("To") && !value.contains(";tag=");
                let tag = if is_new { ";tag=b" } else { "" };
                text += &format!("{name}: {value}{tag}\r\n");
            }
        }
        text += &format!("{}\r\n{}", self.contact(), body(sdp));
        self.socket.send_to(text.as_bytes(), proxy).context("cannot answer")?;
        Ok(())
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:{}@{}>", self.user, self.address)
    }

    fn request(
        &self,
        method: &str,
        target: &str,
        proxy: SocketAddr,
        lines: &[String],
        sdp: &str,
    ) -> Result<()> {
        let branch: u64 = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), target);
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{branch:x}\r\n\
             Max-Forwards: 70\r\n{}\r\n{}",
            self.address,
            lines.join("\r\n"),
            body(sdp)
        );
        self.socket.send_to(text.as_bytes(), proxy).context("cannot send a request")?;
        Ok(())
    }

    fn hear(&self) -> Result<Message> {
        let mut buffer = vec![0; 1 << 16];
        let len = self.socket.recv(&mut buffer);
        let len = len.with_context(|| format!("{} hears nothing", self.user))?;
        Message::parse(&String::from_utf8_lossy(&buffer[..len]))
    }
}

/// What ends the head of a message, and its body.
fn body(sdp: &str) -> String {
    match sdp {
        "" => "Content-Length: 0\r\n\r\n".to_owned(),
        sdp => {
            let len = sdp.len();
            format!("Content-Type: application/sdp\r\nContent-Length: {len}\r\n\r\n{sdp}")
        }
    }
}

impl Dialogue {
    fn lines(&self, method: &str) -> Vec<String> {
        let routes = self.routes.iter().map(|route| format!("Route: {route}"));
        let others = [
            format!("From: {}", self.from),
            format!("To: {}", self.to),
            format!("Call-ID: {}", self.call),
            format!("CSeq: {} {method}", self.sequence),
        ];
        routes.chain(others).collect()
    }
}

impl Message {
    fn parse(text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").context("a message without an end")?;
        let mut lines = head.split("\r\n");
        let first_line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Ok(Self { first_line, headers: headers.collect(), body: body.to_owned() })
    }

    fn status(&self) -> Option<u16> {
        self.first_line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.as_str())
    }
}
