//! Our gateway, and what other call agents say word for word: CallManager's messages of published
//! traces, and the cases that osmo-mgw's answers are known of.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use line::control::{Request, ask};

use super::{OFFICE, OURS};
use crate::net::Namespace;
use crate::relay::Relay;
use crate::report::{Failed, Report};

const PATIENCE: Duration = Duration::from_secs(10);
/// Commands are repeated after so long, and so often.
const RESEND: Duration = Duration::from_millis(400);
const TRIES: usize = 20;
const LINE: &str = "aaln/S2/SU0/0";
const CALL: &str = "D000000002924996000000F500000001";

/// Messages and how their answers begin; an empty one is no answer.
const CASES: [(&str, &str); 22] = [
    // Endpoints and domains.
    ("RQNT 31 aaln/S9/SU0/0@Router2821.example.com MGCP 0.1\nR: L/hd(N)\nX:1\n", "500 31 "),
    ("RQNT 32 aaln/S2/SU0/0 MGCP 0.1\nX: 1\n", "500 32 "),
    // What a command needs, and what it may have.
    ("CRCX 33 pr/$@gw MGCP 1.0\nL: p:20\nM: recvonly\n", "516 33 "),
    ("CRCX 34 pr/$@gw MGCP 1.0\nC: 5A\nL: p:20\n", "517 34 "),
    ("CRCX 35 pr/$@gw MGCP 1.0\nC: 5A\nM: sideways\n", "517 35 "),
    ("CRCX 36 pr/$@gw MGCP 1.0\nC: 5A\nM: sendrecv\n", "527 36 "),
    ("CRCX 37 pr/$@gw MGCP 1.0\nC: 5A\nM: inactive\nL: p:99999\n", "535 37 "),
    ("CRCX 38 pr/$@gw MGCP 1.0\nC: 5A\nM: inactive\nX+new: 1\n", "511 38 "),
    ("CRCX 39 pr/$@gw MGCP 1.0\nC: 5A\nM: inactive\nRM: restart\n", "539 39 "),
    ("CRCX 40 pr/$@gw MGCP 1.0\nC: 5A\nM: inactive\nC: 5B\n", "510 40 "),
    ("MDCX 41 pr/7@gw MGCP 1.0\nC: 5A\nI: 1\nM: inactive\n", "515 41 "),
    ("DLCX 42 pr/7@gw MGCP 1.0\nC: 5A\nI: 1\n", "515 42 "),
    // Spelling that is heard all the same.
    ("crcx 43 PR/3@gw mgcp 1.0\nc:5a\nm:inactive\n", "200 43 "),
    ("DLCX 44 pr/3@gw MGCP 1.0\nC: 5A\n", "250 44 "),
    ("DLCX 45 pr/3@gw MGCP 1.0\n", "250 45 "),
    // Verbs and versions.
    ("XYZW 46 pr/1@gw MGCP 1.0\n", "504 46 "),
    ("AUEP 47 pr/1@gw MGCP 2.0\n", "528 47 "),
    ("AUEP 48 mg@gw MGCP 1.0\n", "200 48 "),
    // Numbers that are none.
    ("AUEP 0 pr/1@gw MGCP 1.0\n", "510 0"),
    ("AUEP x pr/1@gw MGCP 1.0\n", ""),
    ("FOO\n", ""),
    // SRTP without a key is never made RTP.
    (
        "CRCX 49 aaln/S2/SU0/1@gw MGCP 1.0\nC: 5A\nM: sendrecv\n\nv=0\nc=IN IP4 10.7.0.1\n\
         m=audio 40000 RTP/SAVP 0\n",
        "509 49 ",
    ),
];

// R: MGCP-06
pub(super) fn play(
    report: &mut Report,
    office: &Namespace,
    gateways: &Namespace,
    programs: &Path,
    dir: &Path,
) -> Result<(), Failed> {
    let (agent, relay) = report.step("our gateway announces itself as IOS does", || {
        let agent = Agent::open(office)?;
        let relay = Relay::start(gateways, programs, &configuration(dir), dir)?;
        let restart = agent.hear("RSIP ")?;
        let expected = [" *@Router2821.example.com MGCP 0.1\r\n", "RM: restart"];
        ensure!(expected.iter().all(|part| restart.contains(part)), "it said {restart:?}");
        Ok(((agent, relay), restart.lines().next().unwrap_or_default().to_owned()))
    })?;
    report.step("CallManager's RQNT, and the NTFY to it", || notified(&agent, dir))?;
    report.step("CallManager's CRCX with a request inside, MDCX, DLCX", || connected(&agent))?;
    report.step("a repeated command is answered again, octet for octet", || {
        let crcx = format!("CRCX 70 pr/9@gw MGCP 1.0\nC: {CALL}\nM: recvonly\n");
        let [one, other] = [agent.ask(&crcx)?, agent.ask(&crcx)?];
        ensure!(one == other && one.starts_with("200 70 "), "{one:?}, then {other:?}");
        agent.ask("DLCX 71 pr/9@gw MGCP 1.0\n")?;
        Ok(((), "the same, and one connection"))
    })?;
    report.step("two commands in a datagram", || {
        agent.send("AUEP 72 pr/1@gw MGCP 1.0\n.\nAUEP 73 pr/2@gw MGCP 1.0\n")?;
        let short = Duration::from_millis(300);
        let both = [agent.answer_within(PATIENCE)?, agent.answer_within(short).unwrap_or_default()];
        let heard = both.concat();
        ensure!(heard.contains("200 72") && heard.contains("200 73"), "{heard:?}");
        Ok(((), "both answered"))
    })?;
    report.step("commands that cannot be obeyed", || {
        for (said, expected) in CASES {
            let answer = agent.persist(said, expected)?;
            let fits = answer.starts_with(expected) && answer.is_empty() == expected.is_empty();
            ensure!(fits, "`{}` was answered {answer:?}", said.escape_default());
        }
        let seen = relay.report()?;
        ensure!(seen.flows.is_empty(), "{} connections are left", seen.flows.len());
        Ok(((), format!("{} cases, each with its code; nothing is left of them", CASES.len())))
    })?;
    report.step("our gateway stops", || {
        relay.stop()?;
        Ok(((), "and has said so"))
    })
}

/// Off-hook is asked for, happens, and is told, in the words of a published trace.
fn notified(agent: &Agent, dir: &Path) -> Result<((), String)> {
    let rqnt = "RQNT 3 aaln/S2/SU0/0@Router2821.example.com MGCP 0.1\nR: L/hd(N)\nX:1\n";
    let answer = agent.ask(rqnt)?;
    ensure!(answer == "200 3 OK\r\n", "RQNT was answered {answer:?}");
    let (lifted, _) = ask(&lines(dir), &Request::OffHook { endpoint: LINE.into() }, &[])
        .context("nobody is at the telephone")?;
    ensure!(lifted.ok, "the receiver cannot be lifted: {:?}", lifted.problem);
    let ntfy = agent.hear("NTFY ")?;
    let expected = [" aaln/S2/SU0/0@Router2821.example.com MGCP 0.1\r\n", "X: 1\r\n", "O: L/hd"];
    ensure!(expected.iter().all(|part| ntfy.contains(part)), "NTFY is {ntfy:?}");
    Ok(((), format!("200 3 OK; {}", ntfy.replace("\r\n", ", "))))
}

fn connected(agent: &Agent) -> Result<((), String)> {
    let crcx = format!(
        "CRCX 945 S0/SU0/DS1-0/1@gw1.example MGCP 0.1\nC: {CALL}\nX: 1\n\
         L: p:20, a:PCMU, s:off, t:00\nM: recvonly\nR: D/[0-9ABCD*#]\nQ: process,loop\n"
    );
    let answer = agent.ask(&crcx)?;
    ensure!(answer.starts_with("200 945 OK\r\nI: "), "CRCX was answered {answer:?}");
    ensure!(answer.contains(" RTP/AVP 0\r\n"), "the description is {answer:?}");
    let id = answer.lines().find_map(|line| line.strip_prefix("I: ")).unwrap_or_default();
    let mdcx = format!(
        "MDCX 946 S0/SU0/DS1-0/1@gw1.example MGCP 0.1\nC: {CALL}\nI:{id}\nM: sendrecv\n\n\
         v=0\nc=IN IP4 {OFFICE}\nm=audio 40000 RTP/AVP 0\n"
    );
    let answer = agent.ask(&mdcx)?;
    ensure!(answer.starts_with("200 946"), "MDCX was answered {answer:?}");
    let answer = agent
        .ask(&format!("DLCX 947 S0/SU0/DS1-0/1@gw1.example MGCP 0.1\nC: {CALL}\nI: {id}\n"))?;
    ensure!(answer.starts_with("250 947") && answer.contains("P: PS="), "DLCX: {answer:?}");
    Ok(((), answer.replace("\r\n", ", ")))
}

fn lines(dir: &Path) -> std::path::PathBuf {
    dir.join("lines.sock")
}

fn configuration(dir: &Path) -> String {
    format!(
        "[datad.lines]\nsocket = {:?}\n\
         [datad.gateway]\nname = \"Router2821.example.com\"\nlisten = [\"{OURS}:2427\"]\n\
         call_agents = [\"{OFFICE}\"]\nnotify = \"{OFFICE}:2427\"\nrestart_wait_ms = 0\n\
         leave_seconds = 0\ndialect = \"0.1\"\nendpoints = 100\n\
         [[datad.gateway.endpoint]]\nname = \"aaln/S2/SU0/[0-1]\"\n\
         [[datad.gateway.endpoint]]\nname = \"S0/SU0/DS1-0/[1-4]\"\n\
         [[datad.media]]\nname = \"office\"\naddresses = [\"{OURS}\"]\n\
         networks = [\"10.7.0.0/24\"]\n",
        lines(dir),
    )
}

/// Somebody who says exactly what is written.
struct Agent(UdpSocket);

impl Agent {
    fn open(office: &Namespace) -> Result<Self> {
        let socket = office.udp(SocketAddr::from((OFFICE, 2427)))?;
        Ok(Self(socket))
    }

    fn send(&self, text: &str) -> Result<()> {
        let datagram = text.replace('\n', "\r\n");
        let gateway = SocketAddr::from((OURS, 2427));
        self.0.send_to(datagram.as_bytes(), gateway).context("cannot send to the gateway")?;
        Ok(())
    }

    fn ask(&self, text: &str) -> Result<String> {
        self.send(text)?;
        self.answer_within(PATIENCE)
    }

    /// Says the same until it is answered so, as senders do; else gives the last answer, if any. What
    /// cannot be read is answered once in a second only.
    fn persist(&self, text: &str, expected: &str) -> Result<String> {
        let mut last = String::new();
        for _ in 0..if expected.is_empty() { 1 } else { TRIES } {
            self.send(text)?;
            if let Ok(answer) = self.answer_within(RESEND) {
                if !expected.is_empty() && answer.starts_with(expected) {
                    return Ok(answer);
                }
                last = answer;
            }
        }
        Ok(last)
    }

    /// The next answer. What the gateway said again before it heard us is passed over.
    fn answer_within(&self, limit: Duration) -> Result<String> {
        loop {
            let message = self.receive_within(limit)?;
            if message.starts_with(|first: char| first.is_ascii_digit()) {
                return Ok(message);
            }
        }
    }

    fn receive_within(&self, limit: Duration) -> Result<String> {
        self.0.set_read_timeout(Some(limit)).context("cannot set a time-out")?;
        let mut buffer = [0; 8192];
        let len = self.0.recv(&mut buffer).context("the gateway says nothing")?;
        Ok(String::from_utf8_lossy(&buffer[..len]).into_owned())
    }

    /// Waits for a command of the gateway, and answers it.
    fn hear(&self, verb: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let message = self.receive_within(PATIENCE)?;
            if message.starts_with(verb) {
                let transaction = message.split(' ').nth(1).unwrap_or_default();
                self.send(&format!("200 {transaction} OK\n"))?;
                return Ok(message);
            }
        }
        bail!("the gateway did not say {verb}")
    }
}
