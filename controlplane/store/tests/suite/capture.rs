//! Which devices are captured, and which tools may attach.

use std::time::Duration;

use ringfence_store::{
    Administrator, AdministratorRole, CaptureMode, CaptureTool, Device, Error, Invalid, Model,
    Password, PasswordHash,
};

use crate::database::{Database, NOW};

crate::over_both! {
    a_device_is_captured_until_its_time_is_over,
    a_capture_that_ends_says_why,
    a_tool_may_attach_while_its_owner_may_capture,
}

const PHONE: &str = "SEP001122334455";

// R: CAP-02
fn a_device_is_captured_until_its_time_is_over(db: &Database) {
    let unknown = db.change(|c| c.set_capture(PHONE, CaptureMode::Batch, 60)).unwrap_err();
    assert_eq!(unknown, Error::Unknown { object: "device", name: PHONE.into() });
    let phone = Device::new(PHONE.parse().unwrap(), Model::M7970);
    db.change(|c| c.put_device(&phone)).unwrap();
    let too_long = db.change(|c| c.set_capture(PHONE, CaptureMode::Batch, 301)).unwrap_err();
    assert_eq!(too_long, Invalid::Range { given: "301".into(), min: 0, max: 300 }.into());

    db.change(|c| c.set_capture(PHONE, CaptureMode::Batch, 60)).unwrap();
    db.change(|c| c.set_capture("*@relay1", CaptureMode::RealTime, 5)).unwrap();
    let captured = db.store.read(|v| v.captured_devices()).unwrap();
    let shown: Vec<_> = captured.iter().map(|it| (&*it.device, it.mode)).collect();
    assert_eq!(shown, [("*@relay1", CaptureMode::RealTime), (PHONE, CaptureMode::Batch)]);
    assert_eq!(captured[1].ends(), captured[1].started + Duration::from_secs(3600));
    assert!(captured[1].started >= NOW);

    // Nothing for no time is nothing.
    db.change(|c| c.set_capture(PHONE, CaptureMode::RealTime, 0)).unwrap();
    db.change(|c| c.set_capture("*@relay1", CaptureMode::None, 60)).unwrap();
    assert_eq!(db.store.read(|v| v.captured_devices()).unwrap(), []);
}

// R: CAP-02
fn a_capture_that_ends_says_why(db: &Database) {
    db.change(|c| c.set_capture("*@relay1", CaptureMode::Batch, 60)).unwrap();
    let stopped = db.change(|c| c.stop_capture("*@relay1", "its duration is over")).unwrap();
    assert!(stopped.revision.is_some());
    let log = db.store.read(|v| v.revisions(None, 1)).unwrap().remove(0);
    let entry = &log.entries[0];
    assert_eq!((&*entry.object, &*entry.subject), ("capture", "*@relay1"));
    assert_eq!(entry.old.as_ref().unwrap()["mode"], "batch");
    assert_eq!(entry.new.as_ref().unwrap()["why"], "its duration is over");
    // Another node was quicker.
    let again = db.change(|c| c.stop_capture("*@relay1", "its duration is over")).unwrap();
    assert!(again.revision.is_none());
}

// R: CAP-03
fn a_tool_may_attach_while_its_owner_may_capture(db: &Database) {
    let hash = PasswordHash::new(&Password::new("correct horse")).unwrap();
    let give = |name: &str, role| {
        let administrator = Administrator { name: name.into(), role };
        db.change(|c| c.put_administrator(&administrator, &hash)).unwrap();
    };
    give("root", AdministratorRole::Administrator);
    give("carl", AdministratorRole::Capture);
    let tool = CaptureTool { name: "laptop".into(), owner: "carl".into(), sha256: "ab".repeat(32) };
    db.change(|c| c.put_capture_tool(&tool)).unwrap();
    let twice = CaptureTool { name: "other".into(), ..tool.clone() };
    let exists = db.change(|c| c.put_capture_tool(&twice)).unwrap_err();
    assert_eq!(exists, Error::Exists { object: "capture tool", name: "laptop".into() });
    let allowed = || db.store.read(|v| v.allowed_capture_tools()).unwrap();
    assert_eq!(allowed(), [tool]);
    give("carl", AdministratorRole::Administrator);
    assert_eq!(allowed(), [], "not even an administrator may");
    give("carl", AdministratorRole::Capture);
    assert_eq!(allowed().len(), 1);
    db.change(|c| c.remove_capture_tool("laptop")).unwrap();
    assert_eq!(allowed(), []);
}
