//! Associations from the configuration.

use std::path::Path;
use std::time::Instant;

use esp::{Config, Flow, Gap, Ipsec, RequestId};
use ringfence_keying::manual::{KeyFileError, Manual};
use serde::Deserialize;

const FILE: &str = r#"
[[manual]]
name = "agent1"
local = "192.0.2.1"
remote = "192.0.2.2"
mode = "transport"
suite = "aes128-sha256"
spi_out = 0x1000
spi_in = 0x1001
keys = "/etc/ringfence/keys/agent1.esp"
"#;

#[derive(Debug, Deserialize)]
struct File {
    manual: Vec<Manual>,
}

fn parse(text: &str) -> Result<Manual, String> {
    settings::parse::<File>(Path::new("ringfence.toml"), text)
        .map(|mut file| file.manual.remove(0))
        .map_err(|error| error.to_string())
}

/// The keys of two directions, and the same the other way round.
fn key_files() -> [String; 2] {
    let (a, b) =
        ("00".repeat(16) + " " + &"01".repeat(32), "02".repeat(16) + " 0x" + &"03".repeat(32));
    [format!("# ours\nout {a}\nin {b}\n"), format!("in {a}\nout {b}\n")]
}

// R: MGCP-04
#[test]
fn a_pair_covers_mgcp_and_nothing_else() {
    let manual = parse(FILE).unwrap();
    let keys = manual.read_keys(&key_files()[0]).unwrap();
    let (now, request) = (Instant::now(), RequestId(1));
    let mut ipsec = Ipsec::new(Config::default());
    ipsec.set_policies(manual.policies(request));
    let (ours, agent) = (manual.local, manual.remote);
    let mgcp = Flow::udp((ours, 2427), (agent, 2727));
    assert_eq!(ipsec.covers(now, &mgcp).unwrap_err().why, Gap::NoSa);
    for spec in manual.specs(&keys, request, [7; 16]) {
        ipsec.add_sa(now, spec).unwrap();
    }
    for covered in [
        mgcp,
        Flow::udp((ours, 2427), (agent, 2427)),
        Flow::udp((ours, 50000), (agent, 2727)),
        Flow::tcp((ours, 50000), (agent, 2428)),
    ] {
        assert!(ipsec.covers(now, &covered).is_ok(), "{covered:?}");
    }
    for clear in [Flow::udp((ours, 500), (agent, 500)), Flow::tcp((ours, 22), (agent, 50000))] {
        assert_eq!(ipsec.covers(now, &clear).unwrap_err().why, Gap::Bypass);
    }
}

#[test]
fn what_is_wrong_is_told_without_the_key() {
    let manual = parse(FILE).unwrap();
    let wrong = |text: &str| manual.read_keys(text).unwrap_err();
    let [good, _] = key_files();
    assert_eq!(wrong(""), KeyFileError::Line("out"));
    assert_eq!(wrong(good.split("in").next().unwrap()), KeyFileError::Line("in"));
    assert_eq!(wrong(&format!("{good}{good}")), KeyFileError::Line("out"));
    assert_eq!(wrong(&good.replacen("00", "0g", 1)), KeyFileError::Digits("out"));
    assert_eq!(wrong(&good.replacen("00", "0", 1)), KeyFileError::Digits("out"));
    let short = wrong(&good.replacen("00", "", 1)).to_string();
    assert!(short.contains("needs an encryption key of 16 octets, this one has 15"), "{short}");
    let same = good.replace("02", "00").replace("03", "01").replace("0x", "");
    assert_eq!(wrong(&same), KeyFileError::Same);
}

#[test]
fn gcm_is_not_keyed_by_hand() {
    let complaint = parse(&FILE.replace("aes128-sha256", "aes128gcm16")).unwrap_err();
    assert!(complaint.contains("ringfence.toml:7") && complaint.contains("restart"), "{complaint}");
    let complaint = parse(&FILE.replace("aes128-sha256", "des")).unwrap_err();
    assert!(complaint.contains("`aes128-sha1`") && !complaint.contains("gcm"), "{complaint}");
    let complaint = parse(&FILE.replace("transport", "beet")).unwrap_err();
    assert!(complaint.contains("neither `transport` nor `tunnel`"), "{complaint}");
}
