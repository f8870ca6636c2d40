//! Answers, from a file and from a person, and what becomes of them.

use std::fs;
use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

use proptest::prelude::*;
use setup::plan::plan;
use setup::seed::Role;
use setup::wizard::{Asks, ask};
use setup::{Seed, apply};

const SEED: &str = r#"
language = "ja"
hostname = "cm1"
time_zone = "Asia/Tokyo"
time_servers = ["ntp.example.com"]

[network]
interface = "enp1s0"
address = "192.0.2.10/24"
gateway = "192.0.2.1"
name_servers = ["192.0.2.1", "2001:db8::1"]

[administrator]
name = "admin"
password = "correct horse"

[role]
kind = "publisher"
cluster = "office"
"#;

fn parse(text: &str) -> Result<Seed, String> {
    Seed::parse(Path::new("seed.toml"), text).map_err(|error| error.to_string())
}

/// What the daemons are configured with is what they read.
#[test]
fn a_publisher_gets_all_daemons_and_a_relay_on_its_card() {
    let seed = parse(SEED).unwrap();
    let plan = plan(&seed, "enp1s0");
    let file = |path: &str| {
        let found = plan.files.iter().find(|file| file.path == path);
        found.unwrap_or_else(|| panic!("no {path}")).content.as_str()
    };
    assert_eq!(file("etc/hostname"), "cm1\n");
    let network = file("etc/systemd/network/50-ringfence.network");
    assert!(network.contains("Name=enp1s0\n") && network.contains("Address=192.0.2.10/24\n"));
    assert!(network.contains("Gateway=192.0.2.1\n") && network.contains("DNS=2001:db8::1\n"));
    assert_eq!(file("etc/chrony/sources.d/ringfence.sources"), "server ntp.example.com iburst\n");
    assert!(file("etc/default/locale").contains("LC_MESSAGES=ja_JP.UTF-8"));
    let daemons: toml::Table = file("etc/ringfence/ringfence.toml").parse().unwrap();
    assert_eq!(daemons["datad"]["media"][0]["interface"].as_str(), Some("enp1s0"));
    assert_eq!(daemons["controld"]["relay"][0]["name"], daemons["datad"]["gateway"]["name"]);
    assert_eq!(plan.services.len(), 3);
    let cluster = plan.found.as_ref().unwrap();
    assert_eq!((cluster.name.as_str(), cluster.address.as_str()), ("office", "192.0.2.10"));
    // The password is handed over otherwise.
    assert!(plan.files.iter().all(|file| !file.content.contains("correct horse")));
    assert!(!format!("{seed:?}").contains("correct horse"));
}

#[test]
fn a_media_gateway_gets_the_data_plane_alone() {
    let role = "kind = \"media-gateway\"\ncall_agents = [\"192.0.2.2\"]";
    let seed = parse(&SEED.replace("kind = \"publisher\"\ncluster = \"office\"", role)).unwrap();
    let plan = plan(&seed, "eth0");
    assert_eq!(plan.services, ["ringfence-datad.service"]);
    assert_eq!(plan.found, None);
    let daemons =
        &plan.files.iter().find(|file| file.path.ends_with("ringfence.toml")).unwrap().content;
    let daemons: toml::Table = daemons.parse().unwrap();
    assert_eq!(daemons["datad"]["gateway"]["call_agents"][0].as_str(), Some("192.0.2.2"));
    assert!(!daemons.contains_key("controld"));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let cases = [
        ("hostname = \"cm1\"", "hostname = \"cm_1\"", "seed.toml:3", "without an underscore"),
        ("192.0.2.10/24", "192.0.2.10", "seed.toml:9", "such as 192.0.2.10/24"),
        ("192.0.2.10/24", "127.0.0.1/8", "seed.toml:9", "such as 192.0.2.10/24"),
        ("\"admin\"", "\"Admin\"", "seed.toml:14", "lower-case letters"),
        ("correct horse", "short", "seed.toml:15", "8 to 128 characters"),
        ("gateway =", "gatway =", "seed.toml:10", "gateway"),
        ("Asia/Tokyo", "../../etc/shadow", "seed.toml:4", "such as Asia/Tokyo"),
        ("\"enp1s0\"", "\"a\\nb\"", "seed.toml:8", "letters, digits"),
    ];
    for (right, wrong, line, cure) in cases {
        let error = parse(&SEED.replace(right, wrong)).unwrap_err();
        assert!(error.contains(line) && error.contains(cure), "{wrong}: {error}");
        assert!(!error.contains("correct horse"), "{error}");
    }
}

#[test]
fn a_time_zone_that_does_not_exist_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("usr/share/zoneinfo/Asia")).unwrap();
    let seed = parse(SEED).unwrap();
    let error = apply::write(&plan(&seed, "eth0"), root.path()).unwrap_err();
    assert!(error.to_string().contains("Asia/Tokyo"), "{error}");
    fs::write(root.path().join("usr/share/zoneinfo/Asia/Tokyo"), "").unwrap();
    // Twice: after a power cut everything is written anew.
    apply::write(&plan(&seed, "eth0"), root.path()).unwrap();
    apply::write(&plan(&seed, "eth0"), root.path()).unwrap();
    assert_eq!(fs::read_to_string(root.path().join("etc/hostname")).unwrap(), "cm1\n");
    assert!(root.path().join("etc/localtime").exists());
}

/// A person at the console.
struct Person {
    types: Cursor<Vec<u8>>,
    reads: String,
    shown: bool,
}

impl Person {
    fn who_types(lines: &[&str]) -> Self {
        let types = Cursor::new((lines.join("\n") + "\n").into_bytes());
        Self { types, reads: String::new(), shown: true }
    }
}

impl Read for Person {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.types.read(into)
    }
}

impl BufRead for Person {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.types.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.types.consume(amount);
    }
}

impl Asks for Person {
    fn say(&mut self, words: &str) -> io::Result<()> {
        self.reads.push_str(words);
        Ok(())
    }

    fn echo(&mut self, shown: bool) -> io::Result<()> {
        self.shown = shown;
        Ok(())
    }
}

#[test]
fn questions_are_asked_until_the_answers_are_sound() {
    let mut person = Person::who_types(&[
        "3",
        "1",
        "cm_1",
        "cm1",
        "192.0.2.10",
        "192.0.2.10/24",
        "",
        "x",
        "192.0.2.1",
        "",
        "-",
        "",
        "short",
        "long enough",
        "different",
        "long enough",
        "long enough",
        "9",
        "2",
        "192.0.2.2",
    ]);
    let seed = ask(&mut person).unwrap();
    assert_eq!(seed.hostname.0, "cm1");
    assert_eq!((seed.network.address.prefix, seed.network.gateway), (24, None));
    assert_eq!(seed.network.name_servers, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!((seed.time_zone.0.as_str(), seed.administrator.name.0.as_str()), ("UTC", "admin"));
    assert_eq!(*seed.administrator.password.0, "long enough");
    assert_eq!(seed.role, Role::Subscriber { publisher: "192.0.2.2".parse().unwrap() });
    assert!(person.reads.contains("The two are not the same."));
    assert!(person.shown, "what is typed is shown again");
}

#[test]
fn questions_are_asked_in_japanese() {
    let mut person = Person::who_types(&[
        "2",
        "",
        "192.0.2.10/24",
        "",
        "",
        "Asia/Tokyo",
        "",
        "",
        "long enough",
        "long enough",
        "4",
        "192.0.2.2",
    ]);
    let seed = ask(&mut person).unwrap();
    assert_eq!(seed.language, lang::Language::Japanese);
    assert!(person.reads.contains("タイム ゾーン") && !person.reads.contains("Time zone"));
}

#[test]
fn a_console_that_ends_is_an_error() {
    let mut person = Person::who_types(&["1", "cm1"]);
    assert_eq!(ask(&mut person).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

proptest! {
    /// Whatever stands in a file: settings that are read as they were meant, or an error.
    #[test]
    fn no_answer_escapes_from_its_setting(
        hostname in "[ -~]{0,20}",
        interface in "[ -~\n\"\\]]{0,20}",
        server in "[ -~\n]{0,20}",
    ) {
        let mut table: toml::Table = SEED.parse().unwrap();
        table["hostname"] = hostname.clone().into();
        table["network"]["interface"] = interface.clone().into();
        table["time_servers"] = vec![server].into();
        let Ok(seed) = parse(&table.to_string()) else { return Ok(()) };
        let plan = plan(&seed, &interface);
        for file in &plan.files {
            let lines = file.content.lines().filter(|line| line.starts_with("Name="));
            prop_assert!(lines.count() <= 1, "{}", file.content);
        }
        let daemons = plan.files.iter().find(|file| file.path.ends_with("ringfence.toml")).unwrap();
        let daemons: toml::Table = daemons.content.parse().unwrap();
        prop_assert_eq!(daemons["datad"]["gateway"]["name"].as_str(), Some(hostname.as_str()));
    }
}
