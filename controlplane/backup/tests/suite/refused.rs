//! What is not whole, not ours or not opened changes nothing.

use std::fs;

use messages::testing::Provoked;
use ringfence_backup::archive::Archive;
use ringfence_backup::restore::{self, Restoring};
use ringfence_backup::{Fault, Lock, Unlock};

use crate::site::{Site, author, keys, passphrase};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// R: BAK-02
#[test]
fn half_written_and_altered_archives_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    let (archive, header) = site.back_up(&keys().0, None).unwrap();
    let whole = fs::read(archive).unwrap();
    let file = dir.path().join("broken.rfbackup");
    let open = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        Archive::open(&file).map(drop)
    };
    open(&whole).unwrap();
    let name = || "broken.rfbackup".to_owned();
    assert_eq!(open(b""), Err(Fault::NotABackup(name())));
    assert_eq!(open(b"hello\n"), Err(Fault::NotABackup(name())));
    // Wherever the writer stopped.
    for length in (1..whole.len()).step_by(97).chain([whole.len() - 1]) {
        assert_eq!(open(&whole[..length]), Err(Fault::Incomplete(name())), "{length}");
    }
    assert!(open(&[&whole[..], b"more"].concat()).is_err());
    for at in (19..whole.len() - 1).step_by(61) {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        let refused = open(&altered);
        assert!(
            matches!(refused, Err(Fault::Damaged { .. } | Fault::Incomplete(_))),
            "{at}: {refused:?}"
        );
    }
    let newer = text(&whole[..200]).replacen("\"format\":1", "\"format\":2", 1);
    let newer = [newer.as_bytes(), &whole[200..]].concat();
    assert_eq!(open(&newer), Err(Fault::Newer { file: name(), release: header.release }));
    let newer = text(&whole[..200]).replacen("ringfence-backup 1", "ringfence-backup 2", 1);
    assert!(open(newer.as_bytes()).is_err());
}

// R: BAK-02
#[test]
fn what_does_not_fit_is_refused_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    let ((lock, unlock), (recovery, _)) = (passphrase(), keys());
    let (archive, _) = site.back_up(&lock, Some(&recovery)).unwrap();
    let before = fs::read(site.dir.join("keys/ccmserver.cer")).unwrap();
    let revision = site.store.read(|v| v.revision()).unwrap();
    let mut provoked = Provoked::default();
    let mut refused = |result: Result<restore::Restored, Fault>, expected: fn(&Fault) -> bool| {
        let fault = result.unwrap_err();
        assert!(expected(&fault), "{fault:?}");
        provoked.note(&fault);
        assert_eq!(site.store.read(|v| v.revision()).unwrap(), revision);
        assert_eq!(fs::read(site.dir.join("keys/ccmserver.cer")).unwrap(), before);
        assert!(restore::interrupted(&site.home).unwrap().is_none());
    };
    let wrong = Unlock::passphrase("another one");
    let wrong_key = |fault: &Fault| matches!(fault, Fault::WrongKey { lock: "passphrase", .. });
    refused(site.restore(&archive, &wrong, None), wrong_key);
    refused(site.restore(&archive, &keys().1, None), wrong_key);
    let locked = |fault: &Fault| matches!(fault, Fault::KeysLocked(_));
    refused(site.restore(&archive, &unlock, Some(&unlock)), locked);
    let archive = {
        let kept = site.dir.join("kept.rfbackup");
        fs::rename(archive, &kept).unwrap();
        kept
    };
    let (without_keys, _) = site.back_up(&lock, None).unwrap();
    let none = |fault: &Fault| matches!(fault, Fault::WithoutKeys(_));
    refused(site.restore(&without_keys, &unlock, Some(&unlock)), none);

    let opened = Archive::open(&archive).unwrap();
    let author = author();
    let own = [opened.signer.fingerprint()];
    let ask = |node, trusted| Restoring {
        archive: &opened,
        unlock: &unlock,
        keys: None,
        node,
        trusted,
        author: &author,
    };
    let stage = |restoring: Restoring<'_>, site: &Site| {
        let staged = restore::stage(&restoring, &site.home, &site.store, &mut |_, _| {});
        staged.map(|_| ()).unwrap_err()
    };
    let unknown = stage(ask("cm1", &[]), &site);
    assert!(matches!(&unknown, Fault::UnknownSigner { print, .. } if *print == own[0]));
    let nobody = stage(ask("cm9", &own), &site);
    assert!(matches!(&nobody, Fault::WithoutNode { nodes, .. } if nodes == "cm1"), "{nobody:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    let other = Site::publisher(elsewhere.path());
    let another = stage(ask("cm1", &own), &other);
    assert!(matches!(another, Fault::AnotherCluster { .. }), "{another:?}");
    let fresh = tempfile::tempdir().unwrap();
    let nothing = Site::fresh(fresh.path()).back_up(&lock, None).unwrap_err();
    assert_eq!(nothing, Fault::Nothing);
    assert_eq!(Lock::passphrase("").unwrap_err(), Fault::WithoutLock);
    assert_eq!(Lock::recipients([]).unwrap_err(), Fault::WithoutLock);
    for fault in [
        unknown,
        nobody,
        another,
        nothing,
        Fault::WithoutLock,
        Fault::Busy,
        Lock::recipients(["age1nonsense"]).unwrap_err(),
        Unlock::identities("# no key\n").unwrap_err(),
        Archive::open(&site.dir.join("absent")).map(drop).unwrap_err(),
        Fault::NotABackup("x".into()),
        Fault::Incomplete("x".into()),
        Fault::Damaged { file: "x".into(), detail: "y".into() },
        Fault::Newer { file: "x".into(), release: "9".into() },
        Fault::Replica("cm2".into()),
        Fault::Unknown { name: "x".into(), shelf: "y".into() },
        Fault::Store(store::Error::ReadOnly),
    ] {
        provoked.note(&fault);
    }
    let missing = provoked.missing(messages::backup::ALL);
    assert_eq!(missing, ["BACKUP_OVERDUE", "DATA_RESTORED"], "these are the daemon's");
}

/// Somebody who can write to the shelf signs an archive of his own making with his own key, or puts
/// another head before a body.
#[test]
fn a_head_that_is_not_that_of_the_body_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    let (lock, unlock) = keys();
    let (archive, header) = site.back_up(&lock, None).unwrap();
    let bytes = fs::read(archive).unwrap();
    let lines: Vec<_> = bytes.splitn(3, |byte| *byte == b'\n').collect();
    let foot = u16::from_be_bytes([bytes[bytes.len() - 10], bytes[bytes.len() - 9]]);
    let body = &lines[2][..lines[2].len() - 10 - usize::from(foot)];
    let head = serde_json::to_string(&ringfence_backup::Header { revision: 99, ..header }).unwrap();
    let mut forged = [b"ringfence-backup 1\n", head.as_bytes(), b"\n", body].concat();
    let digest = pki::Hash::Sha256.of(&forged);
    let message = [&b"ringfence backup signature\0"[..], &digest].concat();
    let signature = pki::Signer::sign(&site.identity(), pki::Hash::Sha256, &message).unwrap();
    forged.extend_from_slice(&signature);
    forged.extend_from_slice(&(signature.len() as u16).to_be_bytes());
    forged.extend_from_slice(b"rfbkend\n");
    let file = dir.path().join("forged.rfbackup");
    fs::write(&file, forged).unwrap();
    let refused = site.restore(&file, &unlock, None).unwrap_err();
    assert!(
        matches!(&refused, Fault::Damaged { detail, .. } if detail.contains("head")),
        "{refused:?}"
    );
}
