//! The program `ringfence-phone`.

use std::process::{Command, Output};

use capf::server::AuthMode;
use pki::{Certificate, export};
use serde_json::Value;

use crate::office::{DEVICE, Office};
use crate::tls::Desk;

fn phone(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence-phone")).args(arguments).output().unwrap()
}

#[test]
fn many_phones_go_to_capf_and_each_says_how_it_went() {
    let mut office = Office::install(AuthMode::String);
    office.for_all = true;
    let desk = Desk::open(office);
    let home = tempfile::tempdir().unwrap();
    let (list, flash) = (home.path().join("phones.csv"), home.path().join("flash"));
    let lines = "# three of them\nSEP000102030401,7960,string,1234567\n\
                 SEP000102030402,7970,string,7654321\n\nSEP000102030403,7970,string,1234567\n";
    std::fs::write(&list, lines).unwrap();
    let (server, flash) = (desk.address.to_string(), flash.to_str().unwrap());
    let arguments =
        ["capf", "--server", &server, "--phones", list.to_str().unwrap(), "--flash", flash];
    let output = phone(&[&arguments[..], &["--json", "--verbose"]].concat());
    assert_eq!(output.status.code(), Some(1), "one of them failed");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdicts"]["Success"], 2);
    let phones = report["phones"].as_array().unwrap();
    let failed = phones.iter().find(|phone| phone["device"] == "SEP000102030402").unwrap();
    let refused = "Failed: refused: reason 7 (invalid element or failure)";
    assert_eq!((&failed["verdict"], &failed["lsc"]), (&Value::from(refused), &Value::Null));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("SEP000102030401 > AUTH_RES") && !words.contains("7654321"), "{words}");
    let shown = phone(&["show", "--flash", &format!("{flash}/SEP000102030403")]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = "LSC       CN=SEP000102030403, issued by CN=CAPF-test\n";
    assert!(shown.contains(line) && shown.ends_with("CAPF      nothing\n"), "{shown}");
    // A line that cannot be understood is named.
    std::fs::write(&list, "SEP000102030401,7960\n").unwrap();
    let output = phone(&arguments);
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("phones.csv:1: a line is DEVICE,MODEL,AUTH[,STRING]"), "{words}");
}

#[test]
fn a_phone_leaves_the_factory_with_a_certificate() {
    let home = tempfile::tempdir().unwrap();
    let maker = home.path().join("maker.pem");
    let flash = home.path().join("flash");
    let (maker, flash) = (maker.to_str().unwrap(), flash.to_str().unwrap());
    let founded = phone(&["factory", "--maker", maker]);
    let arguments = ["factory", "--maker", maker, "--device", DEVICE, "--flash", flash];
    let equipped = phone(&arguments);
    assert_eq!(founded.stdout, equipped.stdout, "the maker is founded once");
    let authority = String::from_utf8(founded.stdout).unwrap();
    let authority = export::read_pem(&authority).unwrap();
    assert!(Certificate::parse(&authority[0]).is_ok());
    let shown = String::from_utf8(phone(&["show", "--flash", flash]).stdout).unwrap();
    assert!(shown.contains(&format!("MIC       CN=CP-7970G-{DEVICE}, issued by")), "{shown}");
    let refused = phone(&[&arguments[..], &["--model", "7960"]].concat());
    assert_eq!(refused.status.code(), Some(2));
}
