//! The certificate that browsers are shown.

use std::process::Command;

use serde_json::{Value as Json, json};
use store::AdministratorRole::{Monitor, Operator};

use crate::site::Site;

// R: HTTPS-01, HTTPS-05
#[test]
fn a_certificate_is_made_for_all_names_of_the_server() {
    let site = Site::new();
    let stranger = site.stranger();
    for name in ["localhost", "cm1", "127.0.0.1", "192.0.2.1"] {
        stranger.connect(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let wrong = stranger.connect("cm2").unwrap_err().to_string();
    assert!(wrong.contains("certificate"), "{wrong}");
}

// R: HTTPS-02
#[test]
fn its_fields_are_shown_and_filtered() {
    let site = Site::new();
    let program = site.program(Monitor);
    let ids = |filter: &str| -> Vec<String> {
        let path = format!("/api/v1/certificates/https/fields?filter={filter}");
        let fields = program.get(&path).json(200);
        let fields = fields.as_array().unwrap().iter();
        fields.map(|field| field["id"].as_str().unwrap().to_owned()).collect()
    };
    let version1 = [
        "version",
        "serial",
        "signature-algorithm",
        "issuer",
        "valid-from",
        "valid-to",
        "subject",
        "public-key",
    ];
    let extensions = [
        "basic-constraints",
        "key-usage",
        "subject-key-id",
        "authority-key-id",
        "extended-key-usage",
        "alternative-names",
    ];
    let properties = ["thumbprint-algorithm", "thumbprint", "sha256"];
    assert_eq!(ids("version1"), version1);
    assert_eq!(ids("extensions"), extensions);
    assert_eq!(ids("critical"), ["basic-constraints", "key-usage"]);
    assert_eq!(ids("properties"), properties);
    assert_eq!(ids("all"), [&version1[..], &extensions, &properties].concat());

    let all = program.get("/api/v1/certificates/https/fields").json(200);
    let value = |id: &str| -> String {
        let field = all.as_array().unwrap().iter().find(|field| field["id"] == id).unwrap();
        field["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(value("version"), "V3");
    assert_eq!(value("signature-algorithm"), "sha256ECDSA");
    assert_eq!(value("subject"), "CN=cm1");
    assert!(value("key-usage").contains("digitalSignature"));
    assert_eq!(value("subject-key-id").len(), 40);
    assert!(value("alternative-names").contains("localhost"));
    assert_eq!(value("thumbprint").len(), 40);
}

// R: HTTPS-03
#[test]
fn it_is_exported_in_three_forms() {
    let site = Site::new();
    let program = site.program(Monitor);
    let file = |form: &str| {
        let answer = program.get(&format!("/api/v1/certificates/https/file?form={form}"));
        assert_eq!(answer.status, 200);
        let name = answer.headers["content-disposition"].clone();
        (name, answer.body)
    };
    let own = program.get("/api/v1/https-certificate").json(200);
    let (name, pem) = file("pem");
    assert!(name.ends_with(".pem\""), "{name}");
    assert_eq!(String::from_utf8(pem).unwrap(), own["chain"][0].as_str().unwrap());
    let (name, der) = file("der");
    assert!(name.ends_with(".cer\""), "{name}");
    assert_eq!(pki::Certificate::parse(&der).unwrap().fingerprint(), own["fingerprint"]);
    let (name, bag) = file("p7b");
    assert!(name.ends_with(".p7b\""), "{name}");
    let path = site.dir.path().join("bag.p7b");
    std::fs::write(&path, bag).unwrap();
    let listed =
        openssl(&["pkcs7", "-inform", "DER", "-print_certs", "-in", path.to_str().unwrap()]);
    assert!(listed.contains("cm1"), "{listed}");
    assert_eq!(program.get("/api/v1/certificates/ab/file").problem(), (404, "not-found".into()));
}

// R: HTTPS-04
#[test]
fn an_authority_replaces_it_and_it_can_be_made_again() {
    let site = Site::new();
    let program = site.program(Operator);
    let at = |name: &str| site.dir.path().join(name).display().to_string();
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=Authority",
        "-keyout",
        &at("ca.key"),
        "-out",
        &at("ca.pem"),
    ]);
    let first = program.get("/api/v1/https-certificate").json(200);
    assert_eq!((&first["self_signed"], &first["requested"]), (&json!(true), &json!(false)));
    let made = program.send("POST", "/api/v1/https-certificate/request", &json!({})).json(200);
    std::fs::write(at("csr.pem"), made["request"].as_str().unwrap()).unwrap();
    let verified = openssl(&["req", "-in", &at("csr.pem"), "-noout", "-text", "-verify"]);
    assert!(
        verified.contains("DNS:localhost") && verified.contains("TLS Web Server"),
        "{verified}"
    );
    let issue = |request: &str, out: &str| {
        openssl(&[
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            &at("ca.pem"),
            "-CAkey",
            &at("ca.key"),
            "-CAcreateserial",
            "-days",
            "20",
            "-copy_extensions",
            "copyall",
            "-out",
            out,
        ]);
    };
    issue(&at("csr.pem"), &at("own.pem"));
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    let import = |chain: &str| {
        program.send("POST", "/api/v1/https-certificate/import", &json!({ "chain": chain }))
    };
    // What is not the answer changes nothing.
    for wrong in [read("ca.pem"), String::new(), "-----BEGIN CERTIFICATE-----".into()] {
        assert_eq!(import(&wrong).problem(), (400, "invalid".into()));
    }
    let upside_down = read("ca.pem") + &read("own.pem");
    assert_eq!(import(&upside_down).problem(), (400, "invalid".into()));
    assert_eq!(program.get("/api/v1/https-certificate").json(200)["chain"], first["chain"]);

    let imported = import(&(read("own.pem") + &read("ca.pem"))).json(200);
    assert_eq!((&imported["self_signed"], &imported["requested"]), (&json!(false), &json!(false)));
    assert_eq!(imported["chain"].as_array().unwrap().len(), 2);
    // Whoever connects from now on is shown it; who trusted only the first one is not served.
    program.connect("localhost").unwrap_err();
    let program = site.program(Operator);
    let again = program.send("POST", "/api/v1/https-certificate/recreate", &json!({})).json(200);
    assert_eq!(again["self_signed"], true);
    assert_ne!(again["fingerprint"], first["fingerprint"]);
    let program = site.program(Operator);
    let audit = program.get("/api/v1/audit").json(200);
    let actions: Vec<&Json> =
        audit.as_array().unwrap().iter().map(|record| &record["action"]).collect();
    for action in ["requested", "imported", "recreated"] {
        let action = json!(format!("https-certificate-{action}"));
        assert!(actions.contains(&&action), "{action}: {actions:?}");
    }
    let looker = site.program(Monitor);
    let refused = looker.send("POST", "/api/v1/https-certificate/recreate", &json!({}));
    assert_eq!(refused.problem(), (403, "forbidden".into()));
}

fn openssl(arguments: &[&str]) -> String {
    let done = Command::new("openssl").args(arguments).output().unwrap();
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {arguments:?}: {said}");
    said
}
