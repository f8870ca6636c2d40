//! As much of rtpengine's control protocol `ng` as it takes to set a call up: a cookie and a
//! bencoded dictionary in a datagram.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection to rtpengine.
pub(super) struct Client {
    socket: UdpSocket,
    cookie: u32,
}

impl Client {
    pub(super) fn new(socket: UdpSocket) -> Result<Self> {
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket, cookie: 0 })
    }

    /// Sends a command and gives the value of `sdp` in the answer, or nothing if there is none.
    pub(super) fn command(&mut self, entries: &[(&str, &str)]) -> Result<String> {
        self.cookie += 1;
        let cookie = format!("{} ", self.cookie);
        let mut message = cookie.clone().into_bytes();
        message.push(b'd');
        for text in entries.iter().flat_map(|(key, value)| [key, value]) {
            message.extend(format!("{}:{text}", text.len()).as_bytes());
        }
        message.push(b'e');
        self.socket.send(&message)?;
        let mut answer = vec![0; 1 << 16];
        let len = self.socket.recv(&mut answer).context("rtpengine does not answer")?;
        let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
        let Some(body) = answer.strip_prefix(&cookie) else { bail!("a stray answer: {answer}") };
        match text_of(body, "result").as_deref() {
            Some("ok" | "pong") => Ok(text_of(body, "sdp").unwrap_or_default()),
            _ => bail!("rtpengine says {body}"),
        }
    }
}

/// The text that stands for a key.
fn text_of(body: &str, key: &str) -> Option<String> {
    let marked = format!("{}:{key}", key.len());
    let rest = &body[body.find(&marked)? + marked.len()..];
    let (len, rest) = rest.split_once(':')?;
    Some(rest.get(..len.parse().ok()?)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_keys() {
        let body = "d3:sdp5:v=0\r\n6:result2:oke";
        assert_eq!(text_of(body, "sdp").as_deref(), Some("v=0\r\n"));
        assert_eq!(text_of(body, "result").as_deref(), Some("ok"));
        assert_eq!(text_of(body, "error-reason"), None);
        assert_eq!(text_of("d6:result99:oke", "result"), None);
    }
}
