//! Recorded machines: what is found on them, and that the cures cure.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use lang::{Language, Say};
use netdev::Features;
use ringfence_doctor::{Finding, Machine, Scope, Snapshot, State, examine};

/// A machine out of a file of lines `PATH = CONTENT`, `PATH -> LINK` and `$ PROGRAM = OUTPUT`; `+`
/// adds a line.
#[derive(Default)]
struct Recorded {
    said: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
    /// What a machine with a kernel that tells says of its cards.
    features: Option<Features>,
    /// What must not be written.
    fixed: Vec<&'static str>,
}

impl Recorded {
    fn server() -> Self {
        let mut machine = Self::default();
        for line in
            include_str!("machines/server.txt").lines().filter(|line| !line.starts_with('#'))
        {
            if let Some((path, link)) = line.split_once(" -> ") {
                machine.links.insert(path.into(), link.into());
            } else if let Some((name, more)) = line.split_once(" + ") {
                machine.said.entry(name.into()).and_modify(|said| *said += &format!("\n{more}"));
            } else {
                let (name, said) = line.split_once(" =").expect("a line says something");
                machine.said.insert(name.into(), said.trim_start().into());
            }
        }
        machine
    }

    fn examine(&self, scope: &Scope) -> Vec<Finding> {
        examine(&Snapshot::take(self, scope))
    }
}

impl Machine for Recorded {
    fn read(&self, path: &str) -> Option<String> {
        self.said.get(&format!("/{path}")).cloned()
    }

    fn list(&self, path: &str) -> Vec<String> {
        let all = self.said.keys().chain(self.links.keys());
        let names = all.filter_map(|name| name.strip_prefix(&format!("/{path}/")));
        let names: BTreeSet<_> = names.filter_map(|rest| rest.split('/').next()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn link(&self, path: &str) -> Option<String> {
        self.links.get(&format!("/{path}")).cloned()
    }

    fn features(&self, _: u32) -> Option<Features> {
        self.features
    }

    fn run(&self, program: &str, args: &[&str]) -> Option<String> {
        self.said.get(&format!("$ {program} {}", args.join(" "))).cloned()
    }

    fn write(&mut self, path: &str, value: &str) -> io::Result<()> {
        if self.fixed.iter().any(|fixed| path.contains(fixed)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let path = format!("/{path}");
        assert!(self.said.contains_key(&path), "{path} is not there to be written");
        self.said.insert(path, value.to_owned());
        Ok(())
    }

    fn change(&mut self, program: &str, args: &[&str]) -> io::Result<()> {
        assert_eq!(program, "ethtool");
        match args {
            ["-N", name, "rx-flow-hash", flow, "sdfn"] => {
                let line = format!("$ ethtool -n {name} rx-flow-hash {flow}");
                let both = "IP SA\nIP DA\nL4 bytes 0 & 1 [TCP/UDP src port]\nL4 bytes 2 & 3";
                self.said.insert(line, both.to_owned());
            }
            ["-K", name, "lro", "off"] => {
                let line = format!("$ ethtool -k {name}");
                self.said.insert(line, "large-receive-offload: off".to_owned());
            }
            other => panic!("ethtool {other:?}"),
        }
        Ok(())
    }
}

fn states(findings: &[Finding]) -> BTreeMap<&'static str, State> {
    findings.iter().map(|finding| (finding.check, finding.state)).collect()
}

fn on_core_3() -> Scope {
    Scope { interfaces: Vec::new(), worker: Some(3) }
}

#[test]
fn a_server_as_installed_is_weak_where_it_is() {
    let findings = Recorded::server().examine(&on_core_3());
    let expected = [
        ("card.af-xdp", State::Good),
        ("card.fast-tier", State::Good),
        ("card.interrupts", State::Weak),
        ("card.lro", State::Weak),
        ("card.queues", State::Notice),
        ("card.rss-udp", State::Weak),
        ("card.xdp", State::Good),
        ("host.bpf-jit", State::Weak),
        ("host.clock-source", State::Weak),
        ("host.governor", State::Weak),
        ("host.huge-pages", State::Weak),
        ("host.isolation", State::Notice),
        ("host.locked-memory", State::Weak),
        ("host.open-files", State::Weak),
        ("host.time", State::Weak),
        ("host.worker", State::Good),
    ];
    assert_eq!(states(&findings), BTreeMap::from(expected));
    let isolation = findings.iter().find(|finding| finding.check == "host.isolation").unwrap();
    let argument = "isolcpus=managed_irq,domain,3 nohz_full=3 rcu_nocbs=3";
    assert_eq!(isolation.boot_argument.as_deref(), Some(argument));
    assert!(isolation.remedies.is_empty(), "it takes a start");
}

#[test]
fn every_finding_that_is_not_good_has_a_cure_in_both_languages() {
    for finding in Recorded::server().examine(&Scope::default()) {
        if finding.state == State::Weak {
            assert!(finding.cure.is_some(), "{}", finding.check);
        }
        let sentences = [Some(&finding.text), Some(&finding.reason), finding.cure.as_ref()];
        for sentence in sentences.into_iter().flatten() {
            let [english, japanese] = Language::ALL.map(|language| sentence.say(language));
            assert_ne!(english, japanese, "{}", finding.check);
            for said in [english, japanese] {
                assert!(!said.contains(['{', '}']), "{}: {said}", finding.check);
            }
        }
    }
}

#[test]
fn what_can_be_done_at_run_time_is_done_and_seen() {
    let mut machine = Recorded::server();
    for finding in machine.examine(&on_core_3()) {
        for remedy in finding.remedies {
            remedy.apply(&mut machine).unwrap();
        }
    }
    let cured = states(&machine.examine(&on_core_3()));
    let left: Vec<_> = cured.iter().filter(|(_, state)| **state == State::Weak).collect();
    // Those that take a time server, or another unit.
    let names: Vec<_> = left.into_iter().map(|(check, _)| *check).collect();
    assert_eq!(names, ["host.locked-memory", "host.open-files", "host.time"]);
    let read = |path: &str| machine.read(path).unwrap();
    assert_eq!(read("proc/irq/62/smp_affinity_list"), "0");
    assert_eq!(read("proc/irq/63/smp_affinity_list"), "1", "the worker's core is left alone");
    assert_eq!(read("proc/irq/61/smp_affinity_list"), "0", "no packet raises that one");
}

#[test]
fn what_the_kernel_forbids_is_an_error_with_its_name() {
    let mut machine = Recorded { fixed: vec!["hugepages"], ..Recorded::server() };
    let findings = machine.examine(&on_core_3());
    let huge = findings.iter().find(|finding| finding.check == "host.huge-pages").unwrap();
    let remedy = &huge.remedies[0];
    assert_eq!(remedy.apply(&mut machine).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert!(remedy.to_string().starts_with("echo 16 > /sys/kernel/mm/hugepages/"), "{remedy}");
}

#[test]
fn what_the_kernel_says_of_a_driver_counts_more_than_its_name() {
    let machine = Recorded { features: Some(Features(0)), ..Recorded::server() };
    let found = states(&machine.examine(&Scope::default()));
    assert_eq!((found["card.xdp"], found["card.af-xdp"]), (State::Weak, State::Notice));
}

#[test]
fn a_machine_that_tells_nothing_is_examined_all_the_same() {
    let found = states(&Recorded::default().examine(&Scope::default()));
    assert_eq!(found["host.time"], State::Notice);
    assert!(!found.contains_key("host.clock-source"), "what is not known is not guessed");
}

#[test]
fn the_configuration_names_cards_and_core() {
    let text = "[controld]\nuser = \"x\"\n[datad]\ncore = 2\n[datad.gateway]\nname = \"a\"\n\
                [[datad.media]]\nname = \"in\"\ninterface = \"eth1\"\n[[datad.media]]\nname = \"out\"\n";
    let scope = Scope::of_configuration(text).unwrap();
    assert_eq!(scope, Scope { interfaces: vec!["eth1".into()], worker: Some(2) });
    assert_eq!(Scope::of_configuration("").unwrap(), Scope::default());
    assert!(Scope::of_configuration("[datad]\ncore = \"x\"").is_err());
}
