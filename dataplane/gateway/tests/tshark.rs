//! Wireshark reads what call agent and gateway write, and finds the same in it.

mod common;

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use common::*;
use engine::command::Event;
use mgcp::transaction::Indication;
use mgcp::{Message, datagram};
use ringfence_gateway::Config;
use wire::datagram::{ChecksumRule, Datagram};

#[test]
fn wireshark_finds_nothing_malformed_in_a_call() {
    let sent = a_call();
    let capture = tempfile::NamedTempFile::new().unwrap();
    write_pcap(capture.as_file(), &sent).unwrap();

    let file = capture.path().to_str().unwrap();
    assert_eq!(tshark(file, "_ws.malformed || !mgcp", &["frame.number"]), Vec::<String>::new());
    let seen = tshark(file, "mgcp", &["mgcp.req.verb", "mgcp.rsp.rspcode", "mgcp.transid"]);
    let expected: Vec<_> = sent.iter().map(|(_, datagram)| summary(datagram)).collect();
    assert_eq!(seen, expected);

    let keys = tshark(file, "sdp", &["sdp.crypto.crypto_suite", "sdp.media"]);
    assert!(keys.iter().any(|line| line.contains("AES_CM_128_HMAC_SHA1_80\taudio")), "{keys:?}");
}

/// Every message that both sides send in the life of a gateway.
fn a_call() -> Vec<(bool, Vec<u8>)> {
    let mut lab = Lab::new(Config { announce: true, ..config() });
    // The answer rides behind the restart's announcement, in one datagram.
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 1\n")), 405);
    lab.pass(Duration::from_secs(21));
    let savp =
        |address, octet| savp(address, 4000, &[&crypto(1, "AES_CM_128_HMAC_SHA1_80", octet)]);
    let create = |mode: &str, sdp: &str| {
        format!(
            "CRCX # pr/1@relay1 MGCP 1.0\nC: A1\nL: p:20, a:PCMU, s:off, t:B8\nM: {mode}\nX: 1\n\
             R: R/ma(N), R/rto(N)(60), X-RF/kn(N)\nQ: process,loop\nN: cm1@[10.9.0.1]:2427\n\n{sdp}"
        )
    };
    let first = lab.ask(&create("recvonly", &savp("10.1.0.5", 3)));
    let id = first.params.connections[0].to_string();
    assert_eq!(code(&lab.ask(&create("sendrecv", &avp("192.0.2.5", 4000)))), 200);
    for (command, expected) in [
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A1\nI: {id}\nM: sendrecv\n"), 200),
        (format!("AUCX # pr/1@relay1 MGCP 1.0\nI: {id}\nF: C,N,L,M,P,RC,LC\n"), 200),
        ("AUEP # pr/1@relay1 MGCP 1.0\nF: A,I,R,S,D,X,N,T,O,ES,RM,RD,PL,MD,Q\n".to_owned(), 200),
        ("AUEP # *@relay1 MGCP 1.0\n".to_owned(), 533),
        ("RQNT # pr/1@relay1 MGCP 1.0\nX: 2\nR: R/ma(N)\n".to_owned(), 200),
        ("EPCF # pr/1@relay1 MGCP 1.0\nB: e:mu\n".to_owned(), 200),
        ("CRCX # pr/1@relay1 MGCP 1.0\nC: A1\nM: sendrecv\n".to_owned(), 540),
        ("CRCX # pr/1@relay1 MGCP 0.1\nC: A1\nM: recvonly\n".to_owned(), 540),
    ] {
        assert_eq!(code(&lab.ask(&command)), expected, "{command}");
    }
    let leg = lab.leg(&id);
    lab.event(Event::MediaStart(leg));
    lab.pass(Duration::from_secs(1));
    lab.gateway.leave(lab.now, Duration::from_secs(10));
    lab.exchange();
    lab.pass(Duration::from_secs(1));
    assert_eq!(code(&lab.ask(&format!("DLCX # pr/1@relay1 MGCP 1.0\nC: A1\nI: {id}\n"))), 250);
    assert_eq!(code(&lab.ask("DLCX # pr/1@relay1 MGCP 1.0\nC: A1\n")), 250);
    lab.pass(Duration::from_secs(1));
    assert!(lab.gateway.is_stopped());
    assert!(!lab.heard.iter().any(|heard| matches!(heard, Indication::Failed { .. })));
    lab.sent
}

/// What tshark prints of a datagram: verbs, codes and transaction ids of its messages.
fn summary(octets: &[u8]) -> String {
    let messages = datagram::split(octets, octets.len()).unwrap();
    let (mut verbs, mut codes, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for message in messages {
        match Message::parse(message).unwrap() {
            Message::Command(id, command) => {
                verbs.push(command.verb.as_str().to_owned());
                ids.push(id.to_string());
            }
            Message::Response(id, response) => {
                codes.push(response.code.value().to_string());
                ids.push(id.to_string());
            }
        }
    }
    [verbs.join(","), codes.join(","), ids.join(",")].join("\t")
}

/// The lines that tshark prints of the packets a filter lets through.
fn tshark(file: &str, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", file, "-Y", filter, "-T", "fields"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().expect("tshark runs; `cargo xtask setup` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A capture of IP packets, in the classic format.
fn write_pcap(mut file: impl Write, sent: &[(bool, Vec<u8>)]) -> std::io::Result<()> {
    const RAW_IP: u32 = 101;
    let [agent, gateway]: [SocketAddr; 2] = [AGENT, GATEWAY].map(|text| text.parse().unwrap());
    file.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
    file.write_all(&[2, 0, 4, 0])?;
    for word in [0, 0, 65_535, RAW_IP] {
        file.write_all(&u32::to_le_bytes(word))?;
    }
    for (number, (to_gateway, payload)) in sent.iter().enumerate() {
        let (source, destination) = if *to_gateway { (agent, gateway) } else { (gateway, agent) };
        let datagram = Datagram {
            source,
            destination,
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: payload.len(),
        };
        let mut packet = vec![0; datagram.headers_len()];
        packet.extend(payload);
        datagram.emit_ip(&mut packet, ChecksumRule::Compute);
        for word in [number as u32, 0, packet.len() as u32, packet.len() as u32] {
            file.write_all(&word.to_le_bytes())?;
        }
        file.write_all(&packet)?;
    }
    Ok(())
}
