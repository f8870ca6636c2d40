//! Judges that are not ours: what the description of the interface promises, and what TLS offers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use store::AdministratorRole::Administrator;

use crate::site::{Client, Site};

/// Where cargo puts what it builds, and `xtask setup` puts tools.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

fn printed(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// Every operation of the description, asked with what it allows and with what it does not: nothing
/// breaks, and every answer is described. What may take its own access away is asked last.
#[test]
fn the_interface_is_as_described() {
    let site = Site::new();
    let program = site.program(Administrator);
    let new = json!({"name": "SEP001122334455", "model": "7970"});
    program.send("POST", "/api/v1/phones", &new).json(201);
    let told = schemathesis(&site, &program, "--exclude-path-regex");
    assert!(!told.contains("Authentication failed"), "it kept its token to the end: {told}");
    schemathesis(&site, &program, "--include-path-regex");
}

/// Where accounts and tokens end.
const ACCESS: &str = "^/api/v1/(administrators|tokens)/";

/// Asks all but what is of [`ACCESS`], or that alone; returns what was printed. It tries the names
/// that earlier answers told.
fn schemathesis(site: &Site, program: &Client, access: &str) -> String {
    let (name, token) = &program.headers[0];
    let mut schemathesis = Command::new(target().join("tools/python/bin/schemathesis"));
    schemathesis
        .current_dir(site.dir.path())
        .args(["run", "--tls-verify", "false", "--no-color", "--header"])
        .arg(format!("{name}: {token}"))
        .args([access, ACCESS])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "8", "--seed", "1", "--generation-deterministic"])
        .args(["--suppress-health-check", "all", "--continue-on-failure"])
        // One address has so many places; those of connections just left come back in a moment.
        .args(["--request-retries", "5"])
        .arg(format!("https://localhost:{}/api/v1/openapi.json", site.at.port()));
    let output = schemathesis.output().expect("`cargo xtask setup --for test` installed it");
    let told = printed(&output);
    assert!(output.status.success(), "{told}");
    told
}

#[test]
fn nobody_is_answered_without_a_token() {
    let site = Site::new();
    let stranger = site.stranger();
    let described = stranger.get("/api/v1/openapi.json").json(200);
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.len() > 40);
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let answer = stranger.send(&method.to_uppercase(), path, &json!({}));
            assert_eq!(answer.problem(), (401, "unauthenticated".into()), "{method} {path}");
        }
    }
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method";

/// No protocol, cipher or habit of TLS that anybody warns of.
// R: HTTPS-01
#[test]
fn tls_offers_nothing_weak() {
    let site = Site::new();
    let mut scan = Command::new("sslscan");
    scan.args(["--xml=-", "--no-colour", "--show-certificate"]);
    let output = scan.arg(format!("localhost:{}", site.at.port())).output().unwrap();
    let told = printed(&output);
    let all = |tag: &str| -> Vec<&str> {
        let open = format!("<{tag} ");
        told.lines().map(str::trim).filter(|line| line.starts_with(&open)).collect()
    };
    let enabled: Vec<_> =
        all("protocol").into_iter().filter(|it| it.contains("enabled=\"1\"")).collect();
    assert_eq!(enabled.len(), 2, "{told}");
    for version in ["version=\"1.2\"", "version=\"1.3\""] {
        assert!(enabled.iter().any(|protocol| protocol.contains(version)), "{told}");
    }
    let ciphers = all("cipher");
    assert!(!ciphers.is_empty(), "{told}");
    for cipher in ciphers {
        // What has 128 bits is called acceptable.
        let good = ["strength=\"strong\"", "strength=\"acceptable\""];
        assert!(good.iter().any(|strength| cipher.contains(strength)), "{cipher}");
        let forward = cipher.contains("sslversion=\"TLSv1.3\"") || cipher.contains("ECDHE");
        assert!(forward, "{cipher} keeps no secret once the key is known");
    }
    assert!(all("compression").iter().all(|it| it.contains("supported=\"0\"")), "{told}");
    assert!(all("heartbleed").iter().all(|it| it.contains("vulnerable=\"0\"")), "{told}");
    assert!(!told.contains("<renegotiation supported=\"1\" secure=\"0\""), "{told}");
}
