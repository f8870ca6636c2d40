//! Packet capture, from the command line.

use crate::daemon::{Daemon, stdout};

const PHONE: &str = "SEP001122334455";

fn daemon() -> Daemon {
    let daemon = Daemon::with_cluster();
    daemon.json(&format!("phone add {PHONE} 7970"));
    daemon
}

/// Gives whoever runs this test the role.
fn allowed(daemon: &Daemon) {
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    let me = String::from_utf8(id.stdout).unwrap();
    let password = daemon.file("second-password", "battery staple\n");
    let put = format!("admin put {} --role capture --password-file", me.trim());
    daemon.json(&format!("{put} {}", password.display()));
}

// R: CAP-01, CAP-02, CAP-06
#[test]
fn only_the_role_captures_and_only_while_it_is_on() {
    let daemon = daemon();
    let start = format!("capture start {PHONE}");
    let refused = daemon.fails(3, &start);
    assert!(refused.contains("may not capture calls"), "{refused}");
    allowed(&daemon);
    let refused = daemon.fails(3, &start);
    assert!(refused.contains("Packet Capture Enable is off"), "{refused}");
    daemon.json("param set call-manager.packet-capture-enable on");

    let wrong = daemon.fails(2, &format!("{start} --duration 5h"));
    assert!(
        wrong.contains(
            "Packet Capture Duration contains one or more invalid characters. \
             Valid characters for Packet Capture Duration are numbers."
        ),
        "{wrong}"
    );
    let wrong = daemon.fails(2, &format!("{start} --duration 301"));
    assert!(
        wrong.contains(
            "Invalid Packet Capture Duration. \
             Packet Capture Duration should be between 0 and 300."
        ),
        "{wrong}"
    );
    daemon.fails(2, "capture start phone");
    daemon.fails(1, "capture start SEP00112233445F");

    daemon.json(&format!("{start} *@relay1 --mode real-time --duration 5"));
    let shown = daemon.json("capture show");
    assert_eq!(shown["enabled"], true);
    assert_eq!(shown["devices"][1]["device"], PHONE);
    assert_eq!(
        (&shown["devices"][1]["mode"], &shown["devices"][1]["minutes"]),
        (&"real-time".into(), &5.into())
    );
    // Everybody sees that it goes on.
    let alarms = daemon.json("status")["alarms"].to_string();
    assert!(alarms.contains("Packet capture is active: *@relay1"), "{alarms}");

    daemon.json(&format!("capture stop {PHONE}"));
    daemon.json("capture stop --all");
    assert_eq!(daemon.json("capture show")["devices"], serde_json::json!([]));
    assert!(!daemon.json("status")["alarms"].to_string().contains("Packet capture"));
}

// R: CAP-02, CAP-06
#[test]
fn many_phones_are_captured_by_what_they_have_in_common_with_a_warning() {
    let daemon = daemon();
    allowed(&daemon);
    daemon.json("param set call-manager.packet-capture-enable on");
    for number in 0..11 {
        daemon.json(&format!("phone add SEP0000000000{number:02} 7960"));
    }
    let done = daemon.json("capture start --matching model=7960");
    assert!(
        done["notes"][0].as_str().unwrap().contains("11 devices are captured at once"),
        "{done}"
    );
    let shown = daemon.json("capture show");
    assert_eq!(shown["devices"].as_array().unwrap().len(), 11);
    assert!(shown["devices"].to_string().contains("\"minutes\":60"), "the default is an hour");
    daemon.json("capture stop --all");
}

// R: CAP-03
#[test]
fn a_tool_is_known_by_its_certificate() {
    let daemon = daemon();
    allowed(&daemon);
    let identity = daemon.path("tool");
    let made = daemon.json(&format!("capture certificate --identity {}", identity.display()));
    let again = daemon.json(&format!("capture certificate --identity {}", identity.display()));
    assert_eq!(made, again);
    let sha256 = made["sha256"].as_str().unwrap();
    daemon.json(&format!("capture tool add laptop --sha256 {sha256}"));
    assert_eq!(daemon.json("capture show")["tools"][0]["sha256"], sha256);
    daemon.fails(2, "capture tool add other --sha256 abc");
    daemon.json("capture tool remove laptop");
    daemon.fails(1, "capture fetch 11-23-2026");
}

// R: CAP-05
#[test]
fn what_is_missing_is_said_in_the_readers_language() {
    let daemon = Daemon::start();
    let file = daemon.file("empty.pcap", "");
    let file = file.display();
    let out = daemon.path("out.pcapng");
    let decrypt =
        format!("capture decrypt --signalling {file} --media {file} -o {}", out.display());
    let failed = daemon.fails(1, &decrypt);
    assert!(
        failed.contains("A capture cannot be read") && failed.contains("empty.pcap"),
        "{failed}"
    );
    let failed = daemon.fails(1, &format!("--language ja {decrypt}"));
    assert!(failed.contains("キャプチャを読み取れません"), "{failed}");
    let help = stdout(&daemon.run("capture decrypt --help --language ja"));
    assert!(help.contains("シグナリング"), "{help}");
}
