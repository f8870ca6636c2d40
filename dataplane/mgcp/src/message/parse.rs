//! Reading messages.

use super::params::Context;
use super::{Body, Command, Message, Params, Response, Verb};
use crate::text::{lines, number, trim};
use crate::value::package_and_text;
use crate::{ParseError, ReturnCode, TransactionId, ValueError, limits};

impl Message {
    /// Reads one message; [`crate::datagram::split`] finds it in a datagram.
    ///
    /// The error says what to answer. In responses, lines that make no sense are passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let header_end = bytes.iter().position(|&b| b == b'\n').unwrap_or(bytes.len());
        let header = trim_end(&bytes[..header_end]);
        let printable = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\t');
        if header.is_empty() || header.len() > limits::LINE || !header.iter().all(printable) {
            return Err(ParseError::unanswerable("no legible first line"));
        }
        let header = std::str::from_utf8(header).expect("printable ASCII");
        let rest = bytes.get(header_end + 1..).unwrap_or_default();
        let (first, tail) = next_word(header);
        if first.len() == 3 && first.bytes().all(|b| b.is_ascii_digit()) {
            let code = number(first, 3).and_then(|n| ReturnCode::new(n as u16));
            parse_response(code.expect("three digits"), tail, rest)
        } else {
            parse_command(first, tail, rest)
        }
    }
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The first word and what follows the white space behind it.
fn next_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_start_matches([' ', '\t']))
}

fn parse_command(verb: &str, tail: &str, rest: &[u8]) -> Result<Message, ParseError> {
    let (digits, tail) = next_word(tail);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseError::unanswerable("no transaction id"));
    }
    let in_header = |fault| ParseError::in_header(fault, digits);
    let id: TransactionId = digits.parse().map_err(in_header)?;
    let known: Option<Verb> = verb.parse().ok();
    let what = ValueError::new(ReturnCode::UNKNOWN_COMMAND, "unknown verb");
    let verb = known.ok_or(what).map_err(in_header)?;
    let (endpoint, tail) = next_word(tail);
    let (protocol, tail) = next_word(tail);
    let (version, profile) = next_word(tail);
    if !protocol.eq_ignore_ascii_case("MGCP") {
        return Err(in_header(ValueError::protocol("no protocol version in the first line")));
    }
    let version = version.parse().map_err(in_header)?;
    let endpoint = endpoint.parse().map_err(in_header)?;
    let profile = Some(trim(profile)).filter(|p| !p.is_empty()).map(Into::into);

    let in_body = |fault| ParseError::in_body(fault, id);
    let (params, mut bodies) = read_rest(rest, Context::Command(verb)).map_err(in_body)?;
    if bodies.len() > 1 || (!bodies.is_empty() && !matches!(verb, Verb::Crcx | Verb::Mdcx)) {
        return Err(in_body(ValueError::protocol("session description not expected")));
    }
    let body = bodies.pop();
    Ok(Message::Command(id, Command { verb, endpoint, version, profile, params, body }))
}

fn parse_response(code: ReturnCode, tail: &str, rest: &[u8]) -> Result<Message, ParseError> {
    let (digits, tail) = next_word(tail);
    // Nothing is ever answered to a response.
    let unanswerable = |_| ParseError::unanswerable("illegible response");
    let id: TransactionId = digits.parse().map_err(unanswerable)?;
    let (package, text) =
        package_and_text(trim(tail)).ok_or(ParseError::unanswerable("illegible response"))?;
    let (params, bodies) = read_rest(rest, Context::Response).map_err(unanswerable)?;
    Ok(Message::Response(id, Response { code, package, text, params, bodies }))
}

/// Parameter lines up to the first empty line, session descriptions behind it.
fn read_rest(rest: &[u8], context: Context) -> Result<(Params, Vec<Body>), ValueError> {
    let text = std::str::from_utf8(rest).map_err(|_| ValueError::protocol("text is not UTF-8"))?;
    let mut lines = lines(text);
    let params = Params::parse(lines.by_ref().take_while(|line| !trim(line).is_empty()), context)?;
    Ok((params, read_bodies(lines)?))
}

fn read_bodies<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Body>, ValueError> {
    let mut bodies = Vec::new();
    let mut body = String::new();
    let mut finish = |body: &mut String| {
        if !body.is_empty() {
            bodies.push(Body(body.as_str().into()));
            zeroize::Zeroize::zeroize(body);
        }
        match bodies.len() > 2 {
            true => Err(ValueError::protocol("more than two session descriptions")),
            false => Ok(()),
        }
    };
    for line in lines {
        if line.is_empty() {
            finish(&mut body)?;
        } else if line == "." || body.len() + line.len() + 2 > limits::SDP {
            return Err(ValueError::protocol("session description too long"));
        } else {
            if body.capacity() == 0 {
                // Never grown, so that no copy with keys in it is left behind.
                body.reserve_exact(limits::SDP);
            }
            body.push_str(line);
            body.push_str("\r\n");
        }
    }
    finish(&mut body)?;
    Ok(bodies)
}
