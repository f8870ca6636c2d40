//! `ringfence doctor` on this machine's kernel.

use std::collections::BTreeMap;
use std::process::Command;

use lab::net::{Lab, Namespace};
use serde_json::Value;

fn examine(mut command: Command, words: &str) -> (i32, Value) {
    let words = format!("-o json doctor --config /none {words}");
    let output = command.args(words.split_whitespace()).env("LC_ALL", "C").output().unwrap();
    let told = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), told)
}

fn here() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
}

fn there(namespace: &Namespace) -> Command {
    namespace.command(env!("CARGO_BIN_EXE_ringfence"))
}

fn states(report: &Value) -> BTreeMap<&str, &str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|it| (it["check"].as_str().unwrap(), it["state"].as_str().unwrap())).collect()
}

#[test]
fn whatever_machine_this_is_it_can_be_examined_without_privilege() {
    let (code, report) = examine(here(), "");
    assert_eq!(code, 0);
    let found = states(&report);
    for check in ["host.worker", "host.huge-pages", "host.time", "host.open-files"] {
        assert!(found.contains_key(check), "{check}: {report}");
    }
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(report["kernel"], kernel.trim());
    assert_eq!(report["tried"], Value::Array(Vec::new()), "nothing is changed");
}

#[test]
fn an_interface_that_is_not_there_is_wrong_usage() {
    assert_eq!(examine(here(), "--interface no-such-link").0, 2);
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn a_veth_runs_programs_itself_and_copies() {
    let lab = Lab::new("rf-doctor", false).unwrap();
    let (one, other) = (lab.namespace("one").unwrap(), lab.namespace("other").unwrap());
    let (near, far) = lab.veth((&one, "near"), (&other, "far")).unwrap();
    near.up().unwrap();
    far.up().unwrap();
    let (code, report) = examine(there(&one), "--interface near");
    assert_eq!(code, 0, "{report}");
    let found = states(&report);
    assert_eq!((found["card.xdp"], found["card.af-xdp"]), ("good", "notice"), "{report}");
    let xdp = report["findings"].as_array().unwrap().iter();
    let xdp = xdp.clone().find(|it| it["check"] == "card.xdp").unwrap();
    assert!(xdp["text"].as_str().unwrap().contains("`veth`"), "{xdp}");
    assert_eq!(xdp["subject"], "near");

    let large = one.command("ip").args(["link", "set", "near", "mtu", "9000"]).status();
    assert!(large.unwrap().success());
    let (_, report) = examine(there(&one), "--interface near");
    assert_eq!(states(&report)["card.xdp"], "weak", "{report}");
}
