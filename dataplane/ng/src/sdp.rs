//! Rewriting of session descriptions: our addresses, transports and keys in the text of others.
//!
//! [`mgcp::sdp`] says what a description means. Here it stays text, since whoever hears it must get
//! every line that does not concern the relay as it was said.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use mgcp::sdp::{CryptoAttribute, Profile};
use zeroize::Zeroizing;

use crate::options::{Options, RtcpAttribute};

/// What becomes of a stream that is relayed.
pub(crate) struct Line<'s> {
    pub(crate) local: SocketAddr,
    pub(crate) profile: &'s Profile,
    pub(crate) crypto: &'s [CryptoAttribute],
}

/// Attributes that speak of transports which the relay replaces, or of what it does not do: ICE,
/// DTLS, several streams on one port.
const REPLACED: [&str; 19] = [
    "rtcp",
    "crypto",
    "x-crypto",
    "candidate",
    "remote-candidates",
    "end-of-candidates",
    "ice-ufrag",
    "ice-pwd",
    "ice-options",
    "ice-lite",
    "ice-mismatch",
    "ice-pacing",
    "rtcp-mux",
    "rtcp-mux-only",
    "fingerprint",
    "setup",
    "tls-id",
    "dtls-id",
    "bundle-only",
];

/// Writes `text` anew; a stream without a line of ours is refused. There is a line for each stream.
pub(crate) fn rewrite(
    text: &str,
    lines: &[Option<Line<'_>>],
    options: &Options,
) -> Zeroizing<String> {
    let first = lines.iter().flatten().next().map(|line| line.local.ip());
    let mut out = Zeroizing::new(String::with_capacity(2 * text.len() + 256 * lines.len()));
    let mut streams = lines.iter();
    let mut stream = None;
    for line in text.lines().map(|line| line.trim_end_matches(['\r', ' ', '\t'])) {
        let Some((kind, value)) = line.split_once('=') else { continue };
        match kind {
            "m" => {
                finish(&mut out, stream, options);
                stream = streams.next().map(Option::as_ref);
                write_media(&mut out, value, stream.flatten());
            }
            "o" => write_origin(&mut out, value, first, options),
            "s" if options.replace_session_name => out.push_str("s=-\r\n"),
            "c" => match (stream, first) {
                // A stream's own is written with it.
                (Some(_), _) => {}
                (None, Some(address)) => write_connection(&mut out, address),
                (None, None) => push(&mut out, line),
            },
            // An encryption key in clear, of a kind that nobody uses.
            "k" => {}
            "a" if is_replaced(value) => {}
            _ => push(&mut out, line),
        }
    }
    finish(&mut out, stream, options);
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push_str("\r\n");
}

fn is_replaced(attribute: &str) -> bool {
    let name = attribute.split(':').next().unwrap_or_default().trim();
    REPLACED.iter().any(|replaced| name.eq_ignore_ascii_case(replaced))
        || attribute.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("group:bundle"))
}

/// `m=`, with our port and transport, and `c=`.
fn write_media(out: &mut String, value: &str, line: Option<&Line<'_>>) {
    let mut words = value.split([' ', '\t']).filter(|word| !word.is_empty());
    let kind = words.next().unwrap_or_default();
    let _port = words.next();
    let profile = words.next().unwrap_or_default();
    let written = match line {
        Some(line) => write!(out, "m={kind} {} {}", line.local.port(), line.profile),
        None => write!(out, "m={kind} 0 {profile}"),
    };
    written.expect(MEMORY);
    for format in words {
        write!(out, " {format}").expect(MEMORY);
    }
    out.push_str("\r\n");
    if let Some(line) = line {
        write_connection(out, line.local.ip());
    }
}

/// What stands behind the attributes of a stream that were there.
fn finish(out: &mut String, stream: Option<Option<&Line<'_>>>, options: &Options) {
    let Some(Some(line)) = stream else { return };
    let port = line.local.port() + 1;
    match options.rtcp_attribute {
        RtcpAttribute::None => {}
        RtcpAttribute::Port => write!(out, "a=rtcp:{port}\r\n").expect(MEMORY),
        RtcpAttribute::Full => {
            let address = Address(line.local.ip());
            write!(out, "a=rtcp:{port} {address}\r\n").expect(MEMORY);
        }
    }
    for crypto in line.crypto {
        out.push_str("a=");
        crypto.write(out).expect(MEMORY);
        out.push_str("\r\n");
    }
}

fn write_origin(out: &mut String, value: &str, first: Option<IpAddr>, options: &Options) {
    let mut words: Vec<&str> = value.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    let address = first.map(|address| (address.to_string(), family(address)));
    if let [user, _, _, _, kind, host] = words.as_mut_slice() {
        if options.replace_username {
            *user = "-";
        }
        if let (true, Some((address, family))) = (options.replace_origin, &address) {
            (*kind, *host) = (family, address);
        }
    }
    write!(out, "o={}\r\n", words.join(" ")).expect(MEMORY);
}

fn write_connection(out: &mut String, address: IpAddr) {
    write!(out, "c={}\r\n", Address(address)).expect(MEMORY);
}

struct Address(IpAddr);

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IN {} {}", family(self.0), self.0)
    }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IP4" } else { "IP6" }
}

const MEMORY: &str = "writing to a string cannot fail";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_concern_the_relay_stays() {
        let text = "v=0\no=alice 1 2 IN IP4 host.example\ns=talk\nc=IN IP4 192.0.2.5\nb=AS:80\n\
                    t=0 0\na=group:BUNDLE a b\na=tool:x\nm=audio 4000 RTP/SAVP 0 101\n\
                    c=IN IP4 192.0.2.6\nb=AS:64\nk=prompt\na=rtpmap:101 telephone-event/8000\n\
                    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\na=candidate:1 1 UDP 1 192.0.2.5 1 typ host\n\
                    a=rtcp:4003\na=rtcp-mux\na=rtcp-fb:* nack\na=sendonly\nm=video 0 RTP/AVP 31\na=x\n";
        let line =
            Line { local: "10.0.0.1:20000".parse().unwrap(), profile: &Profile::Avp, crypto: &[] };
        let options = Options { replace_origin: true, ..Options::default() };
        let out = rewrite(text, &[Some(line), None], &options);
        assert_eq!(
            *out,
            "v=0\r\no=alice 1 2 IN IP4 10.0.0.1\r\ns=talk\r\nc=IN IP4 10.0.0.1\r\nb=AS:80\r\n\
             t=0 0\r\na=tool:x\r\nm=audio 20000 RTP/AVP 0 101\r\nc=IN IP4 10.0.0.1\r\nb=AS:64\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=rtcp-fb:* nack\r\na=sendonly\r\n\
             a=rtcp:20001\r\nm=video 0 RTP/AVP 31\r\na=x\r\n"
        );
    }
}
