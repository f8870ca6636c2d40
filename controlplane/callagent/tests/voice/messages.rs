//! What is said, to the letter.

use callmanager::switchboard::Key;

use crate::office::*;

/// A datagram without what differs from run to run.
fn without_numbers(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut words: Vec<_> = line.split(' ').collect();
        if words.len() > 3 && words[3] == "MGCP" {
            words[1] = "#";
        }
        match line.split_once(':') {
            Some(("X" | "C", _)) => format!("{}: #", &line[..1]),
            _ => words.join(" "),
        }
    });
    let mut text: Vec<_> = lines.collect();
    while text.last().is_some_and(String::is_empty) {
        text.pop();
    }
    text.join("\n")
}

fn all(office: &Office) -> Vec<String> {
    office.gateway.datagrams.iter().map(|text| without_numbers(text)).collect()
}

// R: MGCP-03, MGCP-06
#[test]
fn the_ladders_of_the_dialect_of_callmanager() {
    let mut office = Office::new();
    let said = all(&office);
    let audit = format!("AUEP # {FAX}@{GATEWAY} MGCP 0.1\nF: X, A, I");
    assert!(said.contains(&audit), "{said:#?}");
    let idle = format!("RQNT # {FAX}@{GATEWAY} MGCP 0.1\nX: #\nR: L/hd(N)\nQ: process,loop");
    assert!(said.contains(&idle), "{said:#?}");

    office.gateway.datagrams.clear();
    office.observe(FAX, "L/hd");
    let said = all(&office);
    let dial = format!(
        "RQNT # {FAX}@{GATEWAY} MGCP 0.1\nX: #\n\
         R: L/hu(N), L/hf(N), D/[0-9ABCD*#](N)\nS: L/dl\nQ: process,loop"
    );
    assert_eq!(said, [dial]);
    office.observe(FAX, "D/1, D/0, D/0, D/2");
    office.gateway.datagrams.clear();
    office.press(DAVE, Key::Answer);
    let said = all(&office);
    let crcx =
        format!("CRCX # {FAX}@{GATEWAY} MGCP 0.1\nC: #\nL: p:20, a:PCMU, s:off, t:B8\nM: recvonly");
    assert!(said.contains(&crcx), "{said:#?}");
    let mdcx = format!(
        "MDCX # {FAX}@{GATEWAY} MGCP 0.1\nC: #\nI: 6\nM: sendrecv\n\nv=0\no=- 0 0 IN IP4 10.0.0.7\n\
         s=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 20000 RTP/AVP 0 101\n\
         a=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20"
    );
    assert!(said.contains(&mdcx), "{said:#?}");
    office.gateway.datagrams.clear();
    office.observe(FAX, "L/hu");
    let dlcx = format!("DLCX # {FAX}@{GATEWAY} MGCP 0.1\nC: #\nI: 6");
    assert_eq!(all(&office)[0], dlcx);
    office.end();
}
