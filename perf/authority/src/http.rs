//! A web server, no more than clients of SCEP need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use base64ct::{Base64, Encoding};

/// A request as it came over the wire.
#[derive(Debug)]
pub struct Asked {
    /// Its first line.
    pub line: String,
    /// That and the header fields, up to the empty line.
    pub head: String,
    /// What came behind.
    pub body: Vec<u8>,
}

impl Asked {
    /// The path that was asked for, with the query.
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The message of SCEP in it: the body of a POST, or part of the path of a GET.
    pub fn message(&self) -> Vec<u8> {
        if !self.body.is_empty() {
            return self.body.clone();
        }
        let encoded = self.path().split_once("message=").expect("a GET has its message there").1;
        let base64 = encoded.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        Base64::decode_vec(&base64).expect("a message is in base 64")
    }
}

/// Answers each connection with the bytes of the function, as long as the process lives or until
/// what it returns is dropped: it tells of every request, before that is answered.
pub fn serve(
    listener: TcpListener,
    mut answer: impl FnMut(&Asked) -> Vec<u8> + Send + 'static,
) -> Receiver<Asked> {
    let (tell, asked) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Some(request) = read(&mut stream) else { continue };
            let answer = answer(&request);
            if tell.send(request).is_err() {
                return;
            }
            // A client that refuses hangs up before everything is written.
            let _ = stream.write_all(&answer);
        }
    });
    asked
}

/// An answer with its length.
pub fn page(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// `None` if the client hung up.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|&length| length > 0)?;
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { line: head.lines().next()?.to_owned(), head, body })
}
