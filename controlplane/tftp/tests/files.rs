//! Files in directories: whose they are, what is found, what is not.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use common::{Files, file_name, phone};
use ringfence_tftp::{
    Directory, FileRequest, FileSource, FirstOf, Location, LocationError, Protocol, Refusal, Served,
};

fn open(source: &dyn FileSource, name: &str) -> Result<Served, Refusal> {
    source.open(&FileRequest { name: file_name(name), from: phone(0), protocol: Protocol::Tftp })
}

fn found(source: &dyn FileSource, name: &str) -> Option<String> {
    let served = open(source, name).ok()?;
    Some(String::from_utf8_lossy(&served.bytes).into_owned())
}

#[test]
fn names_match_exactly_first_and_in_any_case_else() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("Germany")).unwrap();
    fs::write(home.path().join("RINGLIST.XML"), "upper").unwrap();
    fs::write(home.path().join("Germany/g3-tones.xml"), "tones").unwrap();
    let files = Directory::new([home.path().to_owned()]);
    assert_eq!(found(&files, "Ringlist.xml").as_deref(), Some("upper"));
    assert_eq!(found(&files, "GERMANY/G3-Tones.xml").as_deref(), Some("tones"));

    fs::write(home.path().join("Ringlist.xml"), "exact").unwrap();
    assert_eq!(found(&files, "Ringlist.xml").as_deref(), Some("exact"));
    assert!(found(&files, "rINGLIST.xml").is_some());
    assert_eq!(found(&files, "Germany"), None);
    assert_eq!(found(&files, "RINGLIST.XML/x"), None);
    assert_eq!(found(&files, "absent.xml"), None);
}

#[test]
fn changes_are_served_at_once() {
    let home = tempfile::tempdir().unwrap();
    let files = Directory::new([home.path().to_owned()]);
    let path = home.path().join("image.bin");
    for fill in [b'a', b'b'] {
        let content = vec![fill; 100_000];
        durable::replace(&path, &content, durable::Readers::Everybody).unwrap();
        let first = open(&files, "image.bin").unwrap();
        let second = open(&files, "image.bin").unwrap();
        assert_eq!(&first.bytes[..], &content[..]);
        // phones that fetch it at the same time share one copy
        assert!(Arc::ptr_eq(&first.bytes, &second.bytes));
    }
    fs::remove_file(path).unwrap();
    assert_eq!(found(&files, "image.bin"), None);
}

#[test]
fn nothing_outside_the_directory_is_served() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("tftp");
    fs::create_dir(&root).unwrap();
    fs::write(home.path().join("secret"), "key").unwrap();
    symlink(home.path().join("secret"), root.join("absolute")).unwrap();
    symlink("../secret", root.join("relative")).unwrap();
    symlink("..", root.join("up")).unwrap();
    fs::write(root.join("real"), "file").unwrap();
    symlink("real", root.join("inside")).unwrap();
    fs::write(root.join("x.cnf.partial"), "torn").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();

    let files = Directory::new([root]);
    for name in ["absolute", "relative", "up/secret", "UP/SECRET", "pipe", "x.cnf.partial"] {
        assert_eq!(found(&files, name), None, "{name}");
    }
    assert_eq!(found(&files, "inside").as_deref(), Some("file"));
}

// R: CTL-10
#[test]
fn a_trust_list_is_published_to_every_location_and_found_in_each() {
    let home = tempfile::tempdir().unwrap();
    let paths = [home.path().join("main"), home.path().join("alternate")];
    let paths: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
    let locations = Location::claim_all(paths.iter().copied(), "cluster-1").unwrap();
    for location in &locations {
        location.publish(&file_name("CTLFile.tlv"), b"list").unwrap();
    }
    for path in paths {
        let files = Directory::new([path.to_owned()]);
        assert_eq!(found(&files, "CTLFile.tlv").as_deref(), Some("list"));
        let own = open(&files, "CTLSEP00112233AABB.tlv").unwrap();
        assert_eq!((&own.bytes[..], &*own.rule), (&b"list"[..], "trust list for every device"));
        assert_eq!(found(&files, "ITLSEP00112233AABB.tlv"), None);
    }
    for location in &locations {
        assert!(location.remove(&file_name("CTLFile.tlv")).unwrap());
        assert!(!location.remove(&file_name("CTLFile.tlv")).unwrap());
    }
}

// R: GEN-07
#[test]
fn a_path_of_another_cluster_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let shared = home.path().join("shared");
    let ours = Location::claim(&shared, "cluster-1").unwrap();
    ours.publish(&file_name("CTLFile.tlv"), b"list of cluster 1").unwrap();
    assert_eq!(Location::claim(&shared, "cluster-1").unwrap(), ours);

    let refused = Location::claim(&shared, "cluster-2").unwrap_err();
    assert!(refused.to_string().contains("belongs to the cluster cluster-1"), "{refused}");
    let alias = home.path().join("alias");
    symlink(&shared, &alias).unwrap();
    let refused = Location::claim(&alias, "cluster-2").unwrap_err();
    assert!(matches!(refused, LocationError::Owned { .. }));

    let older = home.path().join("older");
    fs::create_dir(&older).unwrap();
    fs::write(older.join("CTLFile.tlv"), "of a system without owner files").unwrap();
    let refused = Location::claim(&older, "cluster-2").unwrap_err();
    assert!(matches!(refused, LocationError::ForeignTrustList { .. }));
    assert_eq!(fs::read(shared.join("CTLFile.tlv")).unwrap(), b"list of cluster 1");

    let twice = Location::claim_all([shared.as_path(), alias.as_path()], "cluster-1").unwrap_err();
    assert!(matches!(twice, LocationError::Twice { .. }));
}

#[test]
fn the_first_source_that_knows_a_name_answers() {
    struct Closed;
    impl FileSource for Closed {
        fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
            match request.name.as_str() {
                "secret.xml" => Err(Refusal::Denied("not for you".into())),
                _ => Err(Refusal::NotFound),
            }
        }
    }
    let files = Files::with("secret.xml", b"content");
    let both = FirstOf(vec![Arc::new(Closed), Arc::new(files)]);
    assert!(matches!(open(&both, "secret.xml"), Err(Refusal::Denied(_))));
    assert!(matches!(open(&both, "absent.xml"), Err(Refusal::NotFound)));
    let reversed = FirstOf(both.0.into_iter().rev().collect());
    assert_eq!(found(&reversed, "secret.xml").as_deref(), Some("content"));
}
