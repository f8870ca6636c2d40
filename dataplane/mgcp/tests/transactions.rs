//! Two ends on a virtual clock, over a link that loses, doubles and reorders.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use ringfence_mgcp::transaction::{CommandKey, Config, Indication, Transactions};
use ringfence_mgcp::{Command, Message, Response, ReturnCode, TransactionId, Verb, Version};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 2427))
}

/// Commands are executed by the gateway at once unless they are kept.
struct Net {
    now: Instant,
    agent: Transactions,
    gateways: BTreeMap<SocketAddr, Gateway>,
    link: Link,
    wire: Vec<(Instant, SocketAddr, SocketAddr, Vec<u8>)>,
    /// What the agent heard, with the time.
    heard: Vec<(Duration, Indication)>,
    start: Instant,
    /// Datagrams that entered the link: time, from, to, octets.
    trace: Vec<(Duration, SocketAddr, SocketAddr, Vec<u8>)>,
}

struct Gateway {
    end: Transactions,
    executed: HashMap<(CommandKey, Verb), u32>,
    keep: bool,
    kept: Vec<CommandKey>,
    abandoned: Vec<CommandKey>,
}

struct Link {
    rng: SmallRng,
    loss: f64,
    duplication: f64,
    latency: Duration,
    jitter: Duration,
    dead: Vec<SocketAddr>,
}

const AGENT: u8 = 1;

impl Net {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let now = Instant::now();
        let gateway = |host: u8| {
            let end = Transactions::new(config.clone(), u64::from(host));
            let (executed, kept, abandoned) = (HashMap::new(), Vec::new(), Vec::new());
            (address(host), Gateway { end, executed, keep: false, kept, abandoned })
        };
        Self {
            now,
            start: now,
            agent: Transactions::new(config.clone(), 99),
            gateways: [gateway(2), gateway(3)].into(),
            link: Link {
                rng: SmallRng::seed_from_u64(5),
                loss: 0.0,
                duplication: 0.0,
                latency: 5 * MS,
                jitter: Duration::ZERO,
                dead: Vec::new(),
            },
            wire: Vec::new(),
            heard: Vec::new(),
            trace: Vec::new(),
        }
    }

    fn gateway(&mut self) -> &mut Gateway {
        self.gateways.get_mut(&address(2)).unwrap()
    }

    fn send(&mut self, command: Command) -> TransactionId {
        let id = self.agent.send(self.now, &[address(2)], command);
        self.exchange();
        id
    }

    fn exchange(&mut self) {
        while let Some(indication) = self.agent.poll_indication() {
            self.heard.push((self.now - self.start, indication));
        }
        while let Some((to, octets)) = self.agent.poll_output() {
            self.transmit(address(AGENT), to, octets.to_vec());
        }
        let addresses: Vec<_> = self.gateways.keys().copied().collect();
        for from in addresses {
            let gateway = self.gateways.get_mut(&from).unwrap();
            while let Some(indication) = gateway.end.poll_indication() {
                match indication {
                    Indication::Command { key, command } => {
                        *gateway.executed.entry((key, command.verb)).or_default() += 1;
                        match gateway.keep {
                            true => gateway.kept.push(key),
                            false => {
                                gateway.end.respond(self.now, key, Response::new(ReturnCode::OK))
                            }
                        }
                    }
                    Indication::Abandoned { key } => gateway.abandoned.push(key),
                    other => panic!("{other:?}"),
                }
            }
            let mut out = Vec::new();
            while let Some(output) = gateway.end.poll_output() {
                out.push(output);
            }
            for (to, octets) in out {
                self.transmit(from, to, octets.to_vec());
            }
        }
    }

    fn transmit(&mut self, from: SocketAddr, to: SocketAddr, octets: Vec<u8>) {
        self.trace.push((self.now - self.start, from, to, octets.clone()));
        let link = &mut self.link;
        let copies = 1 + u32::from(link.rng.random_bool(link.duplication));
        for _ in 0..copies {
            if link.rng.random_bool(link.loss)
                || link.dead.contains(&to)
                || link.dead.contains(&from)
            {
                continue;
            }
            let delay = link.latency + link.jitter.mul_f64(link.rng.random_range(0.0..=1.0));
            self.wire.push((self.now + delay, from, to, octets.clone()));
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let wire = self.wire.iter().map(|(at, ..)| *at).min();
        let ends =
            self.gateways.values().map(|g| g.end.poll_timeout()).chain([self.agent.poll_timeout()]);
        ends.chain([wire]).flatten().min()
    }

    fn step(&mut self) {
        self.now = self.now.max(self.next_due().unwrap());
        let now = self.now;
        let (due, later) =
            std::mem::take(&mut self.wire).into_iter().partition(|(at, ..)| *at <= now);
        self.wire = later;
        for (_, from, to, octets) in due {
            match self.gateways.get_mut(&to) {
                Some(gateway) => gateway.end.handle_input(now, from, &octets),
                None => self.agent.handle_input(now, from, &octets),
            }
        }
        self.agent.handle_timeout(now);
        self.gateways.values_mut().for_each(|g| g.end.handle_timeout(now));
        self.exchange();
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.next_due().is_some_and(|due| due <= end) {
            self.step();
        }
        self.now = end;
    }

    fn answered(&self, id: TransactionId) -> usize {
        let is_it = |(_, i): &&(Duration, Indication)| matches!(i, Indication::Response { id: i, .. } if *i == id);
        self.heard.iter().filter(is_it).count()
    }

    fn failed(&self, id: TransactionId) -> Option<Duration> {
        let is_it = |i: &Indication| matches!(i, Indication::Failed { id: i } if *i == id);
        self.heard.iter().find(|(_, i)| is_it(i)).map(|(at, _)| *at)
    }

    /// Times at which the agent sent something to `host`.
    fn sent_to(&self, host: u8) -> Vec<Duration> {
        let to_it = |(_, from, to, _): &&(Duration, SocketAddr, SocketAddr, Vec<u8>)| {
            *from == address(AGENT) && *to == address(host)
        };
        self.trace.iter().filter(to_it).map(|(at, ..)| *at).collect()
    }

    fn gateway_said(&self) -> Vec<String> {
        let from_it = |(_, from, ..): &&(_, SocketAddr, _, _)| *from == address(2);
        let text = |(.., octets): &(_, _, _, Vec<u8>)| String::from_utf8(octets.clone()).unwrap();
        self.trace.iter().filter(from_it).map(text).collect()
    }
}

fn audit() -> Command {
    Command::new(Verb::Auep, "pr/1@gw".parse().unwrap())
}

#[test]
fn each_command_is_executed_once_whatever_the_link_does() {
    for seed in 0..5 {
        let mut net = Net::new();
        net.link.rng = SmallRng::seed_from_u64(seed);
        (net.link.loss, net.link.duplication) = (0.3, 0.2);
        net.link.jitter = 400 * MS;
        let mut ids = Vec::new();
        for _ in 0..200 {
            ids.push(net.send(audit()));
            net.pass(20 * MS);
        }
        net.pass(120 * SECOND);
        let executed = &net.gateway().executed;
        assert!(executed.values().all(|times| *times == 1), "twice executed");
        let failed = ids.iter().filter(|id| net.failed(**id).is_some()).count();
        for id in &ids {
            let outcomes = net.answered(*id) + usize::from(net.failed(*id).is_some());
            assert_eq!(outcomes, 1, "each command has one outcome");
        }
        // A loss of 0.3 each way leaves eight tries 0.51^8 to fail.
        assert!(failed <= 4, "{failed} of 200 failed");
        assert!(net.next_due().is_none(), "nothing is remembered for ever");
    }
}

#[test]
fn a_repeated_command_gets_the_same_octets_until_it_is_forgotten() {
    let mut net = Net::new();
    let octets = Message::Command(TransactionId::new(7).unwrap(), audit()).to_bytes();
    let mut answers = Vec::new();
    for wait in [1, 10, 18, 2] {
        let now = net.now;
        net.gateway().end.handle_input(now, address(AGENT), &octets);
        net.exchange();
        answers.push(net.gateway_said().pop().unwrap());
        net.pass(wait * SECOND);
    }
    assert!(answers.iter().all(|answer| *answer == "200 7 OK\r\n"));
    // 31 s after the first answer it is a new command.
    assert_eq!(net.gateway().executed.values().sum::<u32>(), 1);
    let now = net.now;
    net.gateway().end.handle_input(now, address(AGENT), &octets);
    net.exchange();
    assert_eq!(net.gateway().executed.values().sum::<u32>(), 2);
    // The same number of another peer is another transaction.
    net.gateway().end.handle_input(now, address(9), &octets);
    net.exchange();
    assert_eq!(net.gateway().executed.len(), 2);
}

#[test]
fn resends_back_off_and_end() {
    let mut net = Net::new();
    net.link.dead = vec![address(2)];
    let id = net.send(audit());
    net.pass(60 * SECOND);
    let sent = net.sent_to(2);
    assert!((6..=8).contains(&sent.len()), "{sent:?}");
    assert_eq!(sent[1], 500 * MS);
    let gaps: Vec<_> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= 4 * SECOND), "{gaps:?}");
    assert!(gaps[3] > gaps[0], "{gaps:?}");
    let failed = net.failed(id).expect("it failed");
    assert!((15 * SECOND..=20 * SECOND).contains(&failed), "{failed:?}");
    let suspects = net.heard.iter().filter(|(_, i)| matches!(i, Indication::Suspect { .. }));
    assert_eq!(suspects.count(), 1);
}

#[test]
fn timers_follow_the_peer() {
    let mut net = Net::new();
    for _ in 0..50 {
        net.send(audit());
        net.pass(SECOND);
    }
    net.link.dead = vec![address(2)];
    let before = net.now - net.start;
    net.send(audit());
    net.pass(SECOND);
    let sent = net.sent_to(2);
    let first = sent.iter().find(|at| **at > before).expect("a resend");
    assert_eq!(*first - before, 100 * MS, "a peer that answers in 10 ms is soon asked again");
}

#[test]
fn another_address_is_tried_when_the_first_is_silent() {
    let mut net = Net::new();
    net.link.dead = vec![address(2)];
    let id = net.agent.send(net.now, &[address(2), address(3)], audit());
    net.exchange();
    net.pass(30 * SECOND);
    assert_eq!((net.sent_to(2).len(), net.sent_to(3).len()), (6, 1), "five resends, then the next");
    assert_eq!(net.answered(id), 1);

    // With word from the network, at once.
    let id = net.agent.send(net.now, &[address(2), address(3)], audit());
    net.exchange();
    net.agent.handle_unreachable(net.now, address(2));
    net.exchange();
    net.pass(50 * MS);
    assert_eq!(net.answered(id), 1);

    // The last address may come back.
    let id = net.agent.send(net.now, &[address(2)], audit());
    net.exchange();
    net.agent.handle_unreachable(net.now, address(2));
    net.link.dead = Vec::new();
    net.pass(SECOND);
    assert_eq!(net.answered(id), 1);
    net.link.dead = vec![address(2)];

    // Addresses found while it was suspected.
    let id = net.agent.send(net.now, &[address(2)], audit());
    net.exchange();
    net.agent.add_addresses(id, &[address(2), address(3)]);
    net.pass(30 * SECOND);
    assert_eq!(net.answered(id), 1);
    let none = net.agent.send(net.now, &[], audit());
    net.exchange();
    assert!(net.failed(none).is_some(), "nowhere to send to");
}

#[test]
fn a_long_execution_is_provisional_and_its_answer_acknowledged() {
    let mut net = Net::new();
    net.gateway().keep = true;
    let id = net.send(audit());
    net.pass(3 * SECOND);
    assert_eq!(net.sent_to(2).len(), 2, "after the 100 there is no haste");
    assert!(net.gateway_said()[0].starts_with(&format!("100 {id} ")));
    net.pass(5 * SECOND);
    assert_eq!(net.sent_to(2).len(), 3, "but it is asked again, slowly");
    let (now, key) = (net.now, net.gateway().kept[0]);
    net.gateway().end.respond(now, key, Response::new(ReturnCode::OK));
    net.exchange();
    assert!(net.gateway_said().pop().unwrap().contains("K: \r\n"));
    net.pass(SECOND);
    let last = net.trace.last().unwrap();
    assert_eq!(last.3, format!("000 {id}\r\n").into_bytes());
    let count = net.trace.len();
    net.pass(20 * SECOND);
    assert_eq!(net.trace.len(), count, "acknowledged, so not repeated");
    assert_eq!(net.answered(id), 1);
}

#[test]
fn a_lost_acknowledgement_repeats_the_answer_for_a_while() {
    let mut net = Net::new();
    net.gateway().keep = true;
    let id = net.send(audit());
    net.pass(SECOND);
    net.link.dead = vec![address(AGENT)];
    let (now, key) = (net.now, net.gateway().kept[0]);
    net.gateway().end.respond(now, key, Response::new(ReturnCode::OK));
    net.exchange();
    net.pass(10 * SECOND);
    let finals = net.gateway_said().iter().filter(|text| text.starts_with("200 ")).count();
    assert!((3..=6).contains(&finals), "{finals}");
    // The link is back: the command is repeated, the answer comes, and is acknowledged.
    net.link.dead.clear();
    net.pass(30 * SECOND);
    assert_eq!(net.answered(id), 1);
    assert!(net.trace.iter().any(|(.., octets)| octets.starts_with(b"000 ")));
}

#[test]
fn peers_of_the_old_dialect_are_not_expected_to_acknowledge() {
    let mut net = Net::new();
    net.gateway().keep = true;
    net.send(Command { version: Version::V0_1, ..audit() });
    net.pass(SECOND);
    let (now, key) = (net.now, net.gateway().kept[0]);
    net.gateway().end.respond(now, key, Response::new(ReturnCode::OK));
    net.exchange();
    net.pass(20 * SECOND);
    let finals: Vec<_> =
        net.gateway_said().into_iter().filter(|text| text.starts_with("200 ")).collect();
    assert_eq!(finals.len(), 1);
    assert!(!finals[0].contains("K:"));
}

#[test]
fn a_provisional_answer_may_say_what_is_known_and_where_it_stands() {
    let mut net = Net::new();
    net.gateway().keep = true;
    let id = net.send(audit());
    net.pass(10 * MS);
    let (now, key) = (net.now, net.gateway().kept[0]);
    net.gateway().end.set_queued(key, true);
    net.pass(SECOND);
    assert!(net.gateway_said()[0].starts_with(&format!("101 {id} ")));
    let mut progress = Response::new(ReturnCode::IN_PROGRESS);
    progress.params.connections = vec!["A".parse().unwrap()];
    net.gateway().end.respond_provisionally(now, key, progress);
    net.pass(8 * SECOND);
    let repeated = net.gateway_said().iter().filter(|text| text.contains("I: A")).count();
    assert_eq!(repeated, 2, "said at once, and again when asked again");
    let provisional = |i: &Indication| matches!(i, Indication::Provisional { .. });
    assert_eq!(net.heard.iter().filter(|(_, i)| provisional(i)).count(), 3);
}

#[test]
fn what_executes_too_long_is_answered_anyway() {
    let mut net = Net::new();
    net.gateway().keep = true;
    let id = net.send(audit());
    net.pass(25 * SECOND);
    assert_eq!(net.gateway().abandoned.len(), 1);
    let code = net.heard.iter().find_map(|(at, i)| match i {
        Indication::Response { id: i, response, .. } if *i == id => Some((*at, response.code)),
        _ => None,
    });
    assert_eq!(code, Some((20 * SECOND + 10 * MS, ReturnCode::TIMED_OUT)));
    let (now, key) = (net.now, net.gateway().kept[0]);
    let before = net.trace.len();
    net.gateway().end.respond(now, key, Response::new(ReturnCode::OK));
    net.exchange();
    assert_eq!(net.trace.len(), before, "the late answer is not sent");
}

#[test]
fn a_peer_that_never_finishes_is_given_up() {
    let mut net = Net::with(Config { execution_limit: 1000 * SECOND, ..Config::default() });
    net.gateway().keep = true;
    let id = net.send(audit());
    net.pass(100 * SECOND);
    let failed = net.failed(id).expect("given up");
    assert!((60 * SECOND..62 * SECOND).contains(&failed), "{failed:?}");
}

#[test]
fn acknowledged_answers_are_forgotten_but_not_executed_again() {
    let mut net = Net::new();
    let first = net.send(audit());
    net.pass(SECOND);
    net.send(audit());
    net.pass(SECOND);
    let (.., octets) =
        net.trace.iter().rfind(|(_, from, ..)| *from == address(AGENT)).unwrap().clone();
    assert!(String::from_utf8(octets).unwrap().contains(&format!("K: {first}\r\n")));
    let again = Message::Command(first, audit()).to_bytes();
    let (now, before) = (net.now, net.trace.len());
    net.gateway().end.handle_input(now, address(AGENT), &again);
    net.exchange();
    assert_eq!(net.trace.len(), before, "dropped in silence");
    assert_eq!(net.gateway().executed.len(), 2);
    // The old dialect gets no K, and ranges may be wide.
    net.send(Command { version: Version::V0_1, ..audit() });
    net.pass(SECOND);
    assert!(
        !String::from_utf8(net.trace.iter().rev().nth(1).unwrap().3.clone())
            .unwrap()
            .contains("K:")
    );
    let mut wide = audit();
    wide.params.acknowledged = Some(vec!["1-999999999".parse().unwrap()]);
    net.send(wide);
    net.pass(SECOND);
}

#[test]
fn commands_sent_together_are_resent_together_and_then_alone() {
    let mut net = Net::new();
    net.link.dead = vec![address(2)];
    let ids = net.agent.send_together(net.now, &[address(2)], vec![audit(), audit()]);
    net.exchange();
    net.pass(600 * MS);
    let datagrams: Vec<_> = net.trace.iter().map(|(.., octets)| octets.clone()).collect();
    assert_eq!(datagrams.len(), 2);
    assert_eq!(datagrams[0], datagrams[1], "the same messages in the same order");
    assert_eq!(String::from_utf8(datagrams[0].clone()).unwrap().matches("\r\n.\r\n").count(), 1);
    // A gateway that only sees the first message of a datagram.
    let only_first = format!("200 {} OK\r\n", ids[0]);
    net.agent.handle_input(net.now, address(2), only_first.as_bytes());
    net.link.dead.clear();
    net.pass(2 * SECOND);
    let last = String::from_utf8(
        net.trace.iter().rfind(|(_, from, ..)| *from == address(AGENT)).unwrap().3.clone(),
    );
    let last = last.unwrap();
    assert!(last.contains(&ids[1].to_string()) && !last.contains("\r\n.\r\n"), "{last}");
    assert!(ids.iter().all(|id| net.answered(*id) == 1));
}

#[test]
fn piggybacked_commands_are_answered_one_by_one() {
    let mut net = Net::new();
    let (now, one, bad) = (net.now, "AUEP 1 pr/1@g MGCP 1.0\r\n", "RQNT 2 pr/1@g MGCP 1.0\r\n");
    let datagram = format!("{one}.\r\n{bad}.\r\n\r\n.\r\nAUEP 3 pr/1@g MGCP 1.0");
    net.gateway().end.handle_input(now, address(AGENT), datagram.as_bytes());
    net.exchange();
    let mut answers = net.gateway_said();
    answers.sort_by_key(|answer| answer[4..].to_owned());
    assert_eq!(answers, ["200 1 OK\r\n", "510 2 request id missing\r\n", "200 3 OK\r\n"]);
    assert_eq!(net.gateway().end.counters().malformed, 2);
}

#[test]
fn senseless_commands_are_answered_once_a_second() {
    let mut net = Net::new();
    for number in 1..=100 {
        let now = net.now;
        let text = format!("FROB {number} pr/1@g MGCP 1.0\r\n");
        net.gateway().end.handle_input(now, address(AGENT), text.as_bytes());
        net.exchange();
        net.pass(50 * MS);
    }
    assert_eq!(net.gateway_said().len(), 5);
    assert_eq!(net.gateway().end.counters().malformed, 100);
    // Where the header makes sense, each is answered, and repeats get the same.
    let (now, before) = (net.now, net.trace.len());
    for text in ["CRCX 500 pr/1@g MGCP 1.0\nM: x\n", "CRCX 501 pr/1@g MGCP 1.0\nM: x\n"] {
        for _ in 0..2 {
            net.gateway().end.handle_input(now, address(AGENT), text.as_bytes());
        }
    }
    net.exchange();
    let answers = &net.gateway_said()[5..];
    assert_eq!(net.trace.len() - before, 4);
    assert_eq!((&answers[0], &answers[2]), (&answers[1], &answers[3]));
}

#[test]
fn memory_is_bounded_by_peer_and_by_number_of_peers() {
    let mut net = Net::with(Config { recent_per_peer: 10, peers: 4, ..Config::default() });
    let send = |net: &mut Net, host: u8, number: u32| {
        let octets = Message::Command(TransactionId::new(number).unwrap(), audit()).to_bytes();
        let now = net.now;
        net.gateway().end.handle_input(now, address(host), &octets);
        net.exchange();
    };
    for number in 1..=11 {
        send(&mut net, 10, number);
    }
    send(&mut net, 10, 2);
    assert_eq!(net.gateway().executed.values().max(), Some(&1), "2 is remembered");
    send(&mut net, 10, 1);
    assert_eq!(net.gateway().executed.values().max(), Some(&2), "1 made room for 11");
    for host in 11..=14 {
        net.pass(SECOND);
        send(&mut net, host, 1);
    }
    send(&mut net, 10, 11);
    assert_eq!(net.gateway().executed.values().filter(|times| **times == 2).count(), 2);
    net.pass(100 * SECOND);
    assert!(net.next_due().is_none());
}

#[test]
fn odd_datagrams_are_dropped_and_counted() {
    let mut net = Net::new();
    let id = net.send(audit());
    let (now, stranger) = (net.now, address(77));
    // An answer to our command from somebody else is none.
    net.agent.handle_input(now, stranger, format!("200 {id} OK\r\n").as_bytes());
    net.exchange();
    assert_eq!(net.answered(id), 0);
    net.pass(SECOND);
    assert_eq!(net.answered(id), 1);
    net.agent.handle_input(now, address(2), format!("200 {id} OK\r\n").as_bytes());
    net.agent.handle_input(now, address(2), b"510 000000 FAIL\r\n");
    let many = "AUEP 1 a@g MGCP 1.0\r\n.\r\n".repeat(33);
    for datagram in [&b""[..], &[b'x'; 100_000], many.as_bytes(), b"\0\0\0\0", b"\r\n"] {
        net.agent.handle_input(now, address(2), datagram);
    }
    net.exchange();
    let counters = net.agent.counters();
    assert_eq!(counters.datagrams_dropped, 3);
    assert_eq!(counters.responses_unexpected, 2);
    assert_eq!((counters.malformed, counters.malformed_answered), (3, 0));
    assert!(matches!(net.heard.as_slice(), [(_, Indication::Response { .. })]));
}

#[test]
fn an_answer_that_does_not_fit_becomes_533() {
    let mut net = Net::new();
    net.gateway().keep = true;
    net.send(audit());
    net.pass(10 * MS);
    let mut long = Response::new(ReturnCode::OK);
    long.params.endpoints = vec!["pr/1@a-rather-long-host-name.example".parse().unwrap(); 200];
    let (now, key) = (net.now, net.gateway().kept[0]);
    net.gateway().end.respond(now, key, long);
    net.exchange();
    assert!(net.gateway_said().pop().unwrap().starts_with("533 "));
}
