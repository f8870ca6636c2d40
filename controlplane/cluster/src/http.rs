//! As much HTTP/1.1 (RFC 9112) as JSON between provider and client needs: one message at a time,
//! bodies with `Content-Length` only, everything bounded.

use std::fmt;
use std::io::{self, BufRead, Write};

use zeroize::Zeroizing;

/// Longest head of a message.
const MAX_HEAD: usize = 8 * 1024;
/// Longest body: a list in base 64, with room for the certificates of a configuration.
pub const MAX_BODY: usize = 1024 * 1024;
const MAX_HEADERS: usize = 32;

/// A request. Passwords pass through it: its body is wiped on drop, and neither body nor token is
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT`, …
    pub method: String,
    /// Path, without a query.
    pub path: String,
    /// Who asks: the token of a session.
    pub bearer: Option<String>,
    /// JSON, or nothing.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with {} bytes", self.method, self.path, self.body.len())
    }
}

/// An answer. Its body is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// JSON, or nothing.
    pub body: Vec<u8>,
}

/// Why there is no message.
#[derive(Debug)]
pub enum HttpFault {
    /// The connection failed.
    Io(io::Error),
    /// The bytes are not HTTP as it is spoken here: what is wrong.
    Malformed(&'static str),
    /// The body would be longer than [`MAX_BODY`].
    TooLarge(u64),
}

impl From<io::Error> for HttpFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a request; `None` at the end of the connection.
pub fn read_request(stream: &mut impl BufRead) -> Result<Option<Request>, HttpFault> {
    let Some(head) = read_head(stream)? else { return Ok(None) };
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(&head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(HttpFault::Malformed("the request head cannot be parsed")),
    }
    let length = content_length(parsed.headers)?;
    let bearer = header(parsed.headers, "authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let path = parsed.path.unwrap_or_default();
    if !path.starts_with('/') {
        return Err(HttpFault::Malformed("the request target is not a path"));
    }
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.split_once('?').map_or(path, |(path, _)| path).to_owned(),
        bearer,
        body: Zeroizing::default(),
    };
    Ok(Some(Request { body: read_body(stream, length)?, ..request }))
}

/// Writes a request.
pub fn write_request(stream: &mut impl Write, host: &str, request: &Request) -> io::Result<()> {
    let Request { method, path, bearer, body } = request;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    if let Some(bearer) = bearer {
        head += &format!("Authorization: Bearer {bearer}\r\n");
    }
    write_message(stream, head, body)
}

/// Reads an answer.
pub fn read_response(stream: &mut impl BufRead) -> Result<Response, HttpFault> {
    let closed = || HttpFault::Io(io::ErrorKind::UnexpectedEof.into());
    let head = read_head(stream)?.ok_or_else(closed)?;
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    match parsed.parse(&head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(HttpFault::Malformed("the answer is not HTTP")),
    }
    let status = parsed.code.unwrap_or_default();
    let length = content_length(parsed.headers)?;
    Ok(Response { status, body: read_body(stream, length)?.to_vec() })
}

/// Writes an answer.
pub fn write_response(stream: &mut impl Write, response: &Response) -> io::Result<()> {
    let reason = match response.status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    };
    write_message(stream, format!("HTTP/1.1 {} {reason}\r\n", response.status), &response.body)
}

fn write_message(stream: &mut impl Write, mut head: String, body: &[u8]) -> io::Result<()> {
    if !body.is_empty() {
        head += "Content-Type: application/json\r\n";
    }
    head += &format!("Content-Length: {}\r\nCache-Control: no-store\r\n\r\n", body.len());
    stream.write_all(&Zeroizing::new([head.as_bytes(), body].concat()))?;
    stream.flush()
}

/// Everything up to the empty line; `None` if the connection ended before the first byte.
fn read_head(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>, HttpFault> {
    let mut head = Vec::new();
    loop {
        let available = stream.fill_buf()?;
        if available.is_empty() {
            return match head.is_empty() {
                true => Ok(None),
                false => Err(HttpFault::Io(io::ErrorKind::UnexpectedEof.into())),
            };
        }
        let line = available.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        let taken = line.unwrap_or(available.len());
        head.extend_from_slice(&available[..taken]);
        stream.consume(taken);
        if head.len() > MAX_HEAD {
            return Err(HttpFault::Malformed("the head is longer than 8 KB"));
        }
        if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
            return Ok(Some(head));
        }
    }
}

fn content_length(headers: &[httparse::Header<'_>]) -> Result<u64, HttpFault> {
    if header(headers, "transfer-encoding").is_some() {
        return Err(HttpFault::Malformed("a body needs a Content-Length"));
    }
    let mut lengths = headers.iter().filter(|h| h.name.eq_ignore_ascii_case("content-length"));
    let Some(first) = lengths.next() else { return Ok(0) };
    let digits = std::str::from_utf8(first.value).ok().filter(|text| !text.starts_with('+'));
    match (digits.and_then(|text| text.parse().ok()), lengths.next()) {
        (Some(length), None) if length <= MAX_BODY as u64 => Ok(length),
        (Some(length), None) => Err(HttpFault::TooLarge(length)),
        _ => Err(HttpFault::Malformed("the Content-Length is no length")),
    }
}

fn header<'a>(headers: &'a [httparse::Header<'_>], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok()
}

/// The length is at most [`MAX_BODY`]; one allocation leaves no copies behind.
fn read_body(stream: &mut impl BufRead, length: u64) -> Result<Zeroizing<Vec<u8>>, HttpFault> {
    let mut body = Zeroizing::new(vec![0; length as usize]);
    stream.read_exact(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_survive_the_wire() {
        let request = Request {
            method: "PUT".into(),
            path: "/v1/ctl".into(),
            bearer: Some("abc".into()),
            body: b"{}".to_vec().into(),
        };
        let response = Response { status: 409, body: b"{\"a\":1}".to_vec() };
        let mut wire = Vec::new();
        write_request(&mut wire, "cm1", &request).unwrap();
        assert_eq!(read_request(&mut wire.as_slice()).unwrap(), Some(request));
        assert!(read_request(&mut io::empty()).unwrap().is_none());
        wire.clear();
        write_response(&mut wire, &response).unwrap();
        assert_eq!(read_response(&mut wire.as_slice()).unwrap(), response);
        for cut in 1..wire.len() {
            assert!(read_response(&mut &wire[..cut]).is_err());
        }
    }

    #[test]
    fn what_is_not_spoken_here_is_refused() {
        let refused = |text: &str| read_request(&mut text.as_bytes()).unwrap_err();
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(MAX_HEAD));
        for text in [
            "nonsense\r\n\r\n",
            "GET ?x HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\n1",
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
            &long,
        ] {
            assert!(matches!(refused(text), HttpFault::Malformed(_)), "{text}");
        }
        let huge = refused("PUT / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n");
        assert!(matches!(huge, HttpFault::TooLarge(99_999_999_999)));
    }

    proptest! {
        #[test]
        fn strangers_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_request(&mut bytes.as_slice());
            let _ = read_response(&mut bytes.as_slice());
        }
    }
}
