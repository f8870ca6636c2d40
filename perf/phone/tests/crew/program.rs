//! The program, driven as the laboratory drives it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::scripts::{open, phones};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringfence-phone"))
}

#[test]
fn commands_go_in_and_events_come_out() {
    let house = open();
    let mut child = program()
        .args(["crew", "--control", "--ports", "22000-22099"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |wanted: &dyn Fn(&Value) -> bool| {
        let mut values = lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        values.find(|value: &Value| wanted(value)).unwrap()
    };
    for line in phones(&house, 2).lines().chain(["a registers", "b registers"]) {
        writeln!(input, "{line}").unwrap();
        let step = next(&|value| value["command"] == line);
        assert_eq!(step["ok"], true, "{step}");
    }
    writeln!(input, "a dials 1002").unwrap();
    let ring = next(&|value| value["event"] == "ring");
    assert_eq!((&ring["phone"], &ring["mode"]), (&"b".into(), &"inside".into()));
    for (line, ok) in [("expect b icon lock within 10ms", false), ("b dances", false)] {
        writeln!(input, "{line}").unwrap();
        assert_eq!(next(&|value| value["command"] == line)["ok"], ok);
    }
    // What happens while nobody commands is told, too.
    house.stop_calls();
    next(&|value| value["event"] == "lost");
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_script_is_a_file_and_its_report_is_json() {
    let house = open();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("call.phones");
    for (last, good) in [("expect a registered", true), ("expect a ringing within 1ms", false)] {
        std::fs::write(&file, phones(&house, 1) + "a registers # and waits\n" + last).unwrap();
        let output = program()
            .args(["crew", "--json", "--ports", "22100-22199"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(if good { 0 } else { 1 }));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["ok"], good);
        assert_eq!(report["steps"].as_array().unwrap().len(), 3);
        assert_eq!(report["phones"]["a"]["registration"], "registered 1");
    }
    std::fs::write(&file, "a dances").unwrap();
    let output = program().arg("crew").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 1: no phone can do"));
}

#[test]
fn help_teaches_the_language() {
    let output = program().args(["crew", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    // Each example of the help is a script.
    let example = help.split("Example:").nth(1).unwrap();
    for line in example.lines().filter(|line| !line.trim().starts_with("phone ")) {
        ringfence_phone::crew::Command::parse(line).unwrap();
    }
    assert!(help.contains("expect NAME [not] WHAT"));
}

#[test]
fn buttons_come_by_a_pipe_and_the_screen_goes_out() {
    let house = open();
    let mut b = program()
        .args(["crew", "--control", "--ports", "22400-22499"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commands = b.stdin.take().unwrap();
    let mut lines = BufReader::new(b.stdout.take().unwrap()).lines().map(Result::unwrap);
    let server = house.address;
    let phone = "phone b device=SEP000000001002 model=7960";
    write!(commands, "{phone} server={server}\nb registers\nb answers\n").unwrap();

    let play = |lines: &str| {
        let mut screen = program()
            .args(["screen", "--ports", "22500-22599", "--language", "ja"])
            .args(["device=SEP000000001001".to_owned(), format!("server={server}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        screen.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        screen.wait_with_output().unwrap()
    };
    lines.find(|line| line.contains("b registers")).unwrap();
    let output = play("wait ○ 1001\nh\n1002\nwait 通話中\nx\n");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let last = text.rsplit("\n\n").find(|screen| !screen.trim().is_empty()).unwrap();
    assert!(last.contains("通話中") && last.contains("1002"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no button \"x\""));
    drop(commands);
    b.wait().unwrap();
    let output = program().args(["screen", "device=SEP000000001001"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
