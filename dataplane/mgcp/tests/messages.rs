//! Messages as they are seen in the field, and what becomes of bad ones.

use ringfence_mgcp::message::ParamCode;
use ringfence_mgcp::value::{ConnectionMode, RestartMethod};
use ringfence_mgcp::{Command, Message, ParseError, Response, Verb, Version};

fn parse(text: &str) -> Result<Message, ParseError> {
    Message::parse(text.as_bytes())
}

fn command(text: &str) -> Command {
    match parse(text) {
        Ok(Message::Command(_, command)) => command,
        other => panic!("{text}: {other:?}"),
    }
}

fn response(text: &str) -> Response {
    match parse(text) {
        Ok(Message::Response(_, response)) => response,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_request_of_call_manager() {
    // No space after one colon, bare LF, R before X.
    let c = command("RQNT 3 aaln/S2/SU0/0@Router2821.example.com MGCP 0.1\nR: L/hd(N)\nX:1\n");
    assert_eq!((c.verb, c.version), (Verb::Rqnt, Version::V0_1));
    assert_eq!(c.endpoint.local(), "aaln/S2/SU0/0");
    assert_eq!(c.params.request_id.unwrap().as_str(), "1");
    assert!(c.params.requested.unwrap()[0].name.is("l", "HD"));
}

#[test]
fn a_connection_of_call_manager_with_a_request_on_board() {
    let c = command(
        "CRCX 945 S0/SU0/DS1-0/1@gw1.example MGCP 0.1\r\n\
         C: D000000002924996000000F500000001\r\n\
         X: 1\r\n\
         L: p:20, a:PCMU, s:off, t:00\r\n\
         M: recvonly\r\n\
         R: D/[0-9ABCD*#]\r\n\
         Q: process,loop\r\n",
    );
    assert_eq!(c.params.call.unwrap().as_str(), "D000000002924996000000F500000001");
    assert_eq!(c.params.mode, Some(ConnectionMode::RecvOnly));
    assert!(c.params.carries_request());
    assert_eq!(c.params.quarantine.unwrap().repeat, Some(true));
}

#[test]
fn answers_are_read_whatever_stands_between() {
    let r = response(
        "250 1200 OK\r\nP: PS=10, OS=1600, PR=9, OR=1440, PL=1, JI=3, LA=0\r\n\
         DSP/TX: PK=118, SG=0\r\nNONSENSE\r\nM: duplex\r\n",
    );
    assert_eq!(r.params.statistics.unwrap().packets_sent, Some(10));
    assert_eq!(&*r.params.extensions[0].name, "DSP/TX");
    let r = response("200 945 OK\nI: 6\n\nv=0\nc=IN IP4 10.0.0.1\n");
    assert_eq!(r.params.connections[0].as_str(), "6");
    assert_eq!(r.bodies[0].expose(), "v=0\r\nc=IN IP4 10.0.0.1\r\n");
    let r = response("200 7 OK\r\nC: A\r\n\r\nv=0\r\ns=l\r\n\r\nv=0\r\ns=r\r\n");
    assert_eq!(r.bodies.len(), 2);
    let r = response("801 5 /BA no such thing\r\n");
    assert_eq!((r.package.as_deref(), r.text.as_deref()), (Some("BA"), Some("no such thing")));
    let r = response("000 7");
    assert_eq!(r.code.value(), 0);
}

#[test]
fn capabilities_come_in_three_shapes() {
    for text in [
        "200 1 OK\nA: a:PCMU, v:L;SRTP, m:sendonly;recvonly\nA: a:G729, v:L\n",
        "200 1 OK\nL: a:PCMU, p:10-200, v:T;SRTP, m:sendonly;recvonly\n",
        "200 1 OK\nL: a:PCMU, p:10-200, s:off, v:SRTP\nM: sendonly;recvonly\n",
    ] {
        let r = response(text);
        let of = |name| r.params.capabilities.iter().flat_map(move |c| c.values(name));
        assert!(of("v").any(|v| v == "SRTP"), "{text}");
        assert!(of("m").any(|m| m == "recvonly"), "{text}");
    }
}

#[test]
fn restarts_and_keepalives_of_gateways() {
    let c = command("RSIP 1 *@gw1 MGCP 0.1\r\nRM: restart\r\n");
    assert_eq!(c.params.restart_method, Some(RestartMethod::Restart));
    let c = command("NTFY 9 *@gw1 MGCP 0.1\r\nX: 0\r\nO: \r\n");
    assert_eq!(c.params.observed, Some(Vec::new()));
    let c = command("auep 10 aaln/S1/SU0/0@gw1 mgcp 0.1\r\nf: x, a, i\r\n");
    let wanted = vec![ParamCode::X, ParamCode::A, ParamCode::I];
    assert_eq!(c.params.requested_info, Some(wanted));
}

#[test]
fn bad_messages_are_answered_with_the_right_code() {
    let long_line = format!("RQNT 1 a@g MGCP 1.0\nX: 1\nX-LONG: {}\n", "x".repeat(2100));
    let many_lines = format!("RQNT 1 a@g MGCP 1.0\nX: 1\n{}", "X-A: 1\n".repeat(101));
    let long_sdp =
        format!("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\n\nv=0\n{}", "s=x\n".repeat(2100));
    for (text, answer) in [
        ("", None),
        ("\n", None),
        ("RQNT\n", None),
        ("RQNT x a@g MGCP 1.0\n", None),
        ("RQNT 1\0 a@g MGCP 1.0\n", None),
        ("garbage that goes on\n", None),
        ("200 x OK\n", None),
        ("200 0 OK\n", None),
        ("RQNT 0 a@g MGCP 1.0\n", Some("510 0 ")),
        ("RQNT 1234567890 a@g MGCP 1.0\n", Some("510 1234567890 ")),
        ("FROB 1 a@g MGCP 1.0\n", Some("504 1 ")),
        ("MESG 1 a@g MGCP 1.0\n", Some("504 1 ")),
        ("RQNT 1 a@g\n", Some("510 1 ")),
        ("RQNT 1 a@g SIP 1.0\n", Some("510 1 ")),
        ("RQNT 1 a@g MGCP 2.0\n", Some("528 1 ")),
        ("RQNT 1 a MGCP 1.0\n", Some("500 1 ")),
        ("RQNT 1 */1@g MGCP 1.0\n", Some("503 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: 1\nX: 1\n", Some("510 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: 1\nM: inactive\n", Some("539 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: 1\nJ: 1\n", Some("539 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: 1\nLC: 1\n", Some("539 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: 1\nno colon\n", Some("510 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: 1\nN: a\0b\n", Some("510 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nR: L/hd\n", Some("510 1 ")),
        ("RQNT 1 a@g MGCP 1.0\nX: xyz\n", Some("510 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nM: inactive\n", Some("516 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: xyz\nM: inactive\n", Some("516 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\n", Some("517 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: duplex\n", Some("517 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nI: 1\n", Some("539 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nR: L/hd\n", Some("510 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nL: q:1\n", Some("541 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nL: p:20,,\n", Some("510 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nQ: never\n", Some("508 1 ")),
        ("CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nX: 1\nD: (9P)\n", Some("537 1 ")),
        ("MDCX 1 a@g MGCP 1.0\nC: 1\n", Some("515 1 ")),
        ("MDCX 1 a@g MGCP 1.0\nC: 1\nI: z\n", Some("515 1 ")),
        ("AUCX 1 a@g MGCP 1.0\nF: C\n", Some("515 1 ")),
        ("AUCX 1 a@g MGCP 1.0\nI: 1\n", Some("510 1 ")),
        ("AUEP 1 a@g MGCP 1.0\nF: nothing\n", Some("510 1 ")),
        ("RSIP 1 a@g MGCP 1.0\nRM: reboot\n", Some("536 1 ")),
        ("RSIP 1 a@g MGCP 1.0\n", Some("510 1 ")),
        ("DLCX 1 a@g MGCP 1.0\n\nv=0\n", Some("510 1 ")),
        (&long_line, Some("510 1 ")),
        (&many_lines, Some("510 1 ")),
        (&long_sdp, Some("510 1 ")),
    ] {
        let error = parse(text).expect_err(text);
        let got = error.answer();
        match answer {
            None => assert_eq!(got, None, "{text}"),
            Some(start) => {
                assert!(got.as_ref().is_some_and(|g| g.starts_with(start)), "{text}: {got:?}")
            }
        }
    }
    let not_text = Message::parse(b"RQNT 1 a@g MGCP 1.0\nX: 1\nN: \xff\n").unwrap_err();
    assert!(not_text.answer().unwrap().starts_with("510 1 "));
}

#[test]
fn keys_do_not_show() {
    let text = "CRCX 1 a@g MGCP 1.0\nC: 1\nM: inactive\nX-K: sesame\n\
                L: x+srtptx:\"S inline:sesame\"\n\nv=0\na=crypto:1 S inline:sesame\n";
    let message = parse(text).unwrap();
    assert!(!format!("{message:?}").contains("sesame"));
    assert_eq!(
        String::from_utf8(message.to_bytes().to_vec()).unwrap().matches("sesame").count(),
        3
    );
    let error = parse(&text.replace("C: 1", "C: sesame")).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("sesame"));
}
