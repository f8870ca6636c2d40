//! Messages on connections: one after the other over TCP, and as bodies of HTTP requests.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use crate::limits;
use crate::message::Message;
use crate::value::Malformed;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Messages one after the other.
    Tcp,
    /// HTTP/1.1: `POST /ng` with a message, `GET /ping`.
    Http,
}

/// What comes out of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message; its answer goes through [`Stream::answer`].
    Message(Zeroizing<Vec<u8>>),
    /// Octets to be sent back at once.
    Reply(Vec<u8>),
}

/// The peer does not speak what is spoken here: close.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer does not speak this protocol")]
pub struct Broken(
    /// What to say before that.
    pub Vec<u8>,
);

/// One connection, without I/O.
#[derive(Debug)]
pub struct Stream {
    speech: Speech,
    buffer: Zeroizing<Vec<u8>>,
    /// Whether the connection stays after the answers to requests under way, oldest first.
    stays: VecDeque<bool>,
}

impl Stream {
    /// A connection on which nothing was said.
    pub fn new(speech: Speech) -> Self {
        Self { speech, buffer: Zeroizing::default(), stays: VecDeque::new() }
    }

    /// Takes octets that came in.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// What is complete by now.
    pub fn poll(&mut self) -> Result<Option<Received>, Broken> {
        match self.speech {
            Speech::Tcp => self.poll_tcp(),
            Speech::Http => self.poll_http(),
        }
    }

    /// Wraps the answer to the oldest message, and says whether the connection stays.
    pub fn answer(&mut self, message: &[u8]) -> (Zeroizing<Vec<u8>>, bool) {
        match self.speech {
            Speech::Tcp => (Zeroizing::new(message.to_vec()), true),
            Speech::Http => {
                let stays = self.stays.pop_front().unwrap_or(false);
                (Zeroizing::new(response("200 OK", MESSAGE_TYPE, message, stays)), stays)
            }
        }
    }

    fn poll_tcp(&mut self) -> Result<Option<Received>, Broken> {
        let blank = self.buffer.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        self.buffer.drain(..blank);
        let has_cookie = self.buffer.iter().take(limits::COOKIE + 1).any(|&octet| octet == b' ');
        match Message::parse_prefix(&self.buffer) {
            Some((message, len)) => match message.dictionary {
                Err(Malformed::Incomplete) => Ok(None),
                // Where the next message begins nobody knows.
                Err(Malformed::Grammar | Malformed::TooLarge) => Err(Broken(Vec::new())),
                _ => Ok(Some(Received::Message(self.take(len)))),
            },
            None if has_cookie || self.buffer.len() > limits::COOKIE => Err(Broken(Vec::new())),
            None => Ok(None),
        }
    }

    fn poll_http(&mut self) -> Result<Option<Received>, Broken> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let head = match request.parse(&self.buffer) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) if self.buffer.len() <= limits::HTTP_HEAD => {
                return Ok(None);
            }
            Ok(httparse::Status::Partial) => return Err(refused("431 Request Header Too Large")),
            Err(_) => return Err(refused("400 Bad Request")),
        };
        let header = |name: &str| {
            let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
            request.headers.iter().find(named).and_then(|h| std::str::from_utf8(h.value).ok())
        };
        let length = match (header("content-length"), header("transfer-encoding")) {
            (_, Some(_)) => return Err(refused("411 Length Required")),
            (Some(length), None) => length.trim().parse::<usize>().ok(),
            (None, None) => Some(0),
        };
        let Some(length) = length else { return Err(refused("400 Bad Request")) };
        if length > limits::MESSAGE {
            return Err(refused("413 Content Too Large"));
        }
        let closes = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let stays = request.version == Some(1) && !closes;
        let wanted = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
        let (is_message, reply) = match wanted {
            ("POST", "/ng") => (true, Vec::new()),
            ("GET", "/ping") => (false, response("200 OK", "text/plain", b"pong\n", stays)),
            (_, "/ng" | "/ping") => return Err(refused("405 Method Not Allowed")),
            _ => return Err(refused("404 Not Found")),
        };
        if self.buffer.len() < head + length {
            return Ok(None);
        }
        let mut body = self.take(head + length);
        body.drain(..head);
        if !is_message {
            return Ok(Some(Received::Reply(reply)));
        }
        if Message::parse_prefix(&body).is_none() {
            return Err(refused("400 Bad Request"));
        }
        self.stays.push_back(stays);
        Ok(Some(Received::Message(body)))
    }

    fn take(&mut self, len: usize) -> Zeroizing<Vec<u8>> {
        let rest = Zeroizing::new(self.buffer.split_off(len));
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// The media type of a message.
const MESSAGE_TYPE: &str = "application/x-rtpengine-ng";

fn refused(status: &str) -> Broken {
    Broken(response(status, "text/plain", format!("{status}\n").as_bytes(), false))
}

fn response(status: &str, media_type: &str, body: &[u8], stays: bool) -> Vec<u8> {
    let connection = if stays { "keep-alive" } else { "close" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\
         Connection: {connection}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(speech: Speech, pieces: &[&[u8]]) -> Result<Vec<String>, Broken> {
        let mut stream = Stream::new(speech);
        let mut seen = Vec::new();
        for piece in pieces {
            stream.push(piece);
            while let Some(received) = stream.poll()? {
                seen.push(match received {
                    Received::Message(message) => String::from_utf8(message.to_vec()).unwrap(),
                    Received::Reply(reply) => String::from_utf8(reply).unwrap(),
                });
            }
        }
        Ok(seen)
    }

    #[test]
    fn messages_come_out_of_tcp_however_it_is_cut() {
        let all = b"1 d7:command4:pinge\n2 {\"command\":\"ping\"}3 de".as_slice();
        for cut in 0..all.len() {
            let (front, back) = all.split_at(cut);
            let seen = messages(Speech::Tcp, &[front, back]).unwrap();
            assert_eq!(seen, ["1 d7:command4:pinge", "2 {\"command\":\"ping\"}", "3 de"], "{cut}");
        }
        for junk in ["GET / HTTP/1.1\r\n\r\n", "1 x", "1 99999999:", &"x".repeat(300), " \u{1} d"] {
            assert!(messages(Speech::Tcp, &[junk.as_bytes()]).is_err(), "{junk}");
        }
    }

    #[test]
    fn http_has_its_own_answers() {
        let post = b"POST /ng HTTP/1.1\r\ncontent-length: 19\r\n\r\n1 d7:command4:pinge".as_slice();
        for cut in 0..post.len() {
            let (front, back) = post.split_at(cut);
            assert_eq!(messages(Speech::Http, &[front, back]).unwrap(), ["1 d7:command4:pinge"]);
        }
        let pong = messages(Speech::Http, &[b"GET /ping HTTP/1.1\r\n\r\n"]).unwrap();
        assert!(pong[0].starts_with("HTTP/1.1 200 OK") && pong[0].ends_with("pong\n"));
        for (request, status) in [
            ("GET /ng HTTP/1.1\r\n\r\n", "405"),
            ("GET /secret HTTP/1.1\r\n\r\n", "404"),
            ("POST /ng HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "413"),
            ("POST /ng HTTP/1.1\r\nContent-Length: many\r\n\r\n", "400"),
            ("POST /ng HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411"),
            ("POST /ng HTTP/1.1\r\nContent-Length: 4\r\n\r\njunk", "400"),
            ("\u{0}\u{1}\r\n\r\n", "400"),
        ] {
            let Broken(said) = messages(Speech::Http, &[request.as_bytes()]).unwrap_err();
            let said = String::from_utf8(said).unwrap();
            assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {said}");
        }
        let endless = format!("GET /ping HTTP/1.1\r\nX: {}", "x".repeat(9000));
        assert!(messages(Speech::Http, &[endless.as_bytes()]).is_err());
    }
}
