//! HTTP/1.1 as far as phones need it: GET and HEAD of a file, without its sockets.

use std::sync::Arc;

use crate::{FileName, Refusal, Served};

/// Most bytes of a request's head.
pub const MAX_HEAD: usize = 8192;
const MAX_HEADERS: usize = 64;

/// One connection: bytes in, requests out; answers in, bytes out. One request at a time.
#[derive(Debug, Default)]
pub struct Connection {
    input: Vec<u8>,
    head: Vec<u8>,
    body: Option<Arc<[u8]>>,
    /// Bytes of head and body that were sent.
    sent: usize,
    /// The request that is being answered.
    current: Option<Request>,
    closing: bool,
}

/// A request that wants an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The file, or the status to refuse with.
    pub target: Result<FileName, Status>,
    /// Only the head of the answer is wanted.
    pub head_only: bool,
    /// The client will send another one.
    pub keep_alive: bool,
}

/// The statuses that are answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 200.
    Ok,
    /// 400: not HTTP, or a request with a body.
    BadRequest,
    /// 403: a name that leads elsewhere, or a file for others.
    Forbidden,
    /// 404: phones then ask by TFTP.
    NotFound,
    /// 405: neither GET nor HEAD.
    MethodNotAllowed,
    /// 431: the head is larger than [`MAX_HEAD`].
    HeadTooLarge,
    /// 503: the file cannot be made now; phones then ask by TFTP.
    Unavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

impl Connection {
    /// Takes what was received. More than a head is kept until the answer is out, and no more than
    /// one further head.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let room = (2 * MAX_HEAD).saturating_sub(self.input.len());
        self.input.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.closing = true;
        }
    }

    /// The next request, if one is complete and the one before is answered.
    pub fn poll_request(&mut self) -> Option<Request> {
        if self.current.is_some() || self.closing {
            return None;
        }
        let request = parse(&mut self.input)?;
        self.current = Some(request.clone());
        Some(request)
    }

    /// Answers the request that [`Connection::poll_request`] gave.
    pub fn answer(&mut self, answer: Result<Served, Status>) {
        let Some(request) = &self.current else { return };
        let refused = answer.is_err();
        let (status, body, kind) = match answer {
            Ok(served) => (Status::Ok, served.bytes, content_type(&request.target)),
            Err(status) => (status, Arc::from(status.line().as_bytes()), "text/plain"),
        };
        // After a malformed request nobody knows where the next one starts.
        self.closing |= !request.keep_alive || (refused && request.target.is_err());
        let connection = if self.closing { "close" } else { "keep-alive" };
        self.head = format!(
            "HTTP/1.1 {}\r\nContent-Length: {}\r\nContent-Type: {kind}\r\nConnection: \
             {connection}\r\n\r\n",
            status.line(),
            body.len(),
        )
        .into_bytes();
        self.body = (!request.head_only).then_some(body);
        self.sent = 0;
    }

    /// What to send next; empty if there is nothing.
    pub fn output(&self) -> &[u8] {
        match self.sent.checked_sub(self.head.len()) {
            None => &self.head[self.sent..],
            Some(sent) => self.body.as_ref().map_or(&[], |body| &body[sent..]),
        }
    }

    /// `len` bytes of [`Connection::output`] were sent. True if that ends the answer.
    pub fn handle_sent(&mut self, len: usize) -> bool {
        self.sent += len;
        let done = self.current.is_some() && !self.head.is_empty() && self.output().is_empty();
        if done {
            (self.current, self.body, self.sent) = (None, None, 0);
            self.head.clear();
        }
        done
    }

    /// True if the connection is to be closed now.
    pub fn is_finished(&self) -> bool {
        self.closing && self.output().is_empty()
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Denied(_) => Self::Forbidden,
            Refusal::Failed(_) => Self::Unavailable,
        }
    }
}

/// Takes a complete head off the front of `input`.
fn parse(input: &mut Vec<u8>) -> Option<Request> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let refuse = |status| Request { target: Err(status), head_only: false, keep_alive: false };
    let (len, request) = match head.parse(input) {
        Ok(httparse::Status::Complete(len)) => (len, understand(&head)),
        Ok(httparse::Status::Partial) if input.len() < MAX_HEAD => return None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            (input.len(), refuse(Status::HeadTooLarge))
        }
        Err(_) => (input.len(), refuse(Status::BadRequest)),
    };
    input.drain(..len);
    Some(request)
}

fn understand(head: &httparse::Request<'_, '_>) -> Request {
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value)
    };
    let says = |name: &str, value: &str| {
        header(name).is_some_and(|found| found.eq_ignore_ascii_case(value.as_bytes()))
    };
    let body = header("Transfer-Encoding").is_some()
        || header("Content-Length").is_some_and(|length| length != b"0");
    let method = head.method.unwrap_or_default();
    let keep_alive = match head.version {
        Some(1) => !says("Connection", "close"),
        _ => says("Connection", "keep-alive"),
    };
    let target = match method {
        _ if body => Err(Status::BadRequest),
        "GET" | "HEAD" => file_name(head.path.unwrap_or_default()),
        _ => Err(Status::MethodNotAllowed),
    };
    Request { target, head_only: method == "HEAD", keep_alive: keep_alive && !body }
}

/// The file of a request target: without query, percent-decoded, and safe.
fn file_name(target: &str) -> Result<FileName, Status> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_decode(path.as_bytes()).ok_or(Status::BadRequest)?;
    FileName::parse(&decoded).map_err(|_| Status::Forbidden)
}

fn percent_decode(mut path: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    while let [first, rest @ ..] = path {
        if *first != b'%' {
            decoded.push(*first);
            path = rest;
            continue;
        }
        let (digits, rest) = rest.split_at_checked(2)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let digits = std::str::from_utf8(digits).ok()?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        path = rest;
    }
    Some(decoded)
}

fn content_type(target: &Result<FileName, Status>) -> &'static str {
    let name = target.as_ref().map_or("", FileName::as_str);
    match name.rsplit('.').next() {
        Some("xml" | "XML") => "text/xml",
        _ => "application/octet-stream",
    }
}
