//! Files of captures, over HTTPS.

use store::AdministratorRole::{Administrator, Auditor, Capture, Monitor, Operator};

use crate::site::Site;

// R: CAP-04
#[test]
fn files_of_captures_are_for_the_role_capture_and_are_named_by_days() {
    let site = Site::new();
    for role in [Administrator, Operator, Auditor, Monitor] {
        let program = site.program(role);
        for file in ["11-23-2026.pkt", "11-23-2026.key"] {
            let refused = program.get(&format!("/api/v1/captures/{file}"));
            assert_eq!(refused.problem(), (403, "forbidden".into()), "{role}");
        }
        assert_eq!(program.get("/api/v1/capture").json(200)["enabled"], false, "{role}");
    }
    let program = site.program(Capture);
    for (file, code) in [
        // Nothing runs here that could have captured anything.
        ("11-23-2026.pkt", "failed"),
        ("11-23-2026.txt", "not-found"),
        ("11-23-2026", "not-found"),
    ] {
        let (_, told) = program.get(&format!("/api/v1/captures/{file}")).problem();
        assert_eq!(told, code, "{file}");
    }
    let outside = program.get("/api/v1/captures/..%2F..%2Fkeys%2Fcapture%2F11-23-2026.key");
    assert!(outside.status >= 400);
}
