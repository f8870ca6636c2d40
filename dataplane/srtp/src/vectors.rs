//! The RFCs' own examples, on every backend, there and back.

use hex_literal::hex;

use crate::kdf::SessionKeys;
use crate::packet::Protocol;
use crate::{BackendChoice, Config, Direction, Error, Job, MAX_TRAILER, SessionId, Srtp, Suite};

/// A packet in the clear and protected, under session keys.
struct Vector {
    suite: Suite,
    protocol: Protocol,
    key: Vec<u8>,
    salt: Vec<u8>,
    /// SRTCP packets that were sent before.
    before: usize,
    encrypted: bool,
    plain: Vec<u8>,
    protected: Vec<u8>,
}

impl Vector {
    fn session(&self, srtp: &mut Srtp, direction: Direction) -> SessionId {
        let keys = SessionKeys::from_parts(self.suite, &self.key, &self.salt, &[0; 20]);
        srtp.insert_session_keys(direction, self.encrypted, keys)
    }

    fn protect(&self, srtp: &mut Srtp) -> Vec<u8> {
        let session = self.session(srtp, Direction::Outbound);
        for _ in 0..self.before {
            run(srtp, self.protocol, session, &self.plain, true).unwrap();
        }
        run(srtp, self.protocol, session, &self.plain, true).unwrap()
    }

    fn unprotect(&self, srtp: &mut Srtp, octets: &[u8]) -> Result<Vec<u8>, Error> {
        let session = self.session(srtp, Direction::Inbound);
        let result = run(srtp, self.protocol, session, octets, false);
        srtp.remove(session);
        result
    }

    /// Both directions, and no other packet than this one verifies.
    fn check(&self) {
        for backend in BackendChoice::ALL.into_iter().filter(|backend| backend.is_available()) {
            // RFC 7714's RTCP packet is one word shorter than its length field says.
            let config = Config { backend, lenient_rtcp: true, ..Config::default() };
            let mut srtp = Srtp::new(config);
            assert_eq!(self.protect(&mut srtp), self.protected, "{} {backend:?}", self.suite);
            assert_eq!(self.unprotect(&mut srtp, &self.protected), Ok(self.plain.clone()));
            for bit in 0..8 * self.protected.len() {
                let mut forged = self.protected.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(self.unprotect(&mut srtp, &forged).is_err(), "{} bit {bit}", self.suite);
            }
        }
    }
}

fn run(
    srtp: &mut Srtp,
    protocol: Protocol,
    session: SessionId,
    octets: &[u8],
    protect: bool,
) -> Result<Vec<u8>, Error> {
    let mut buffer = octets.to_vec();
    buffer.resize(octets.len() + MAX_TRAILER, 0);
    let mut jobs = [Job::new(session, &mut buffer, octets.len())];
    match (protocol, protect) {
        (Protocol::Rtp, true) => srtp.protect_rtp(&mut jobs),
        (Protocol::Rtp, false) => srtp.unprotect_rtp(&mut jobs),
        (Protocol::Rtcp, true) => srtp.protect_rtcp(&mut jobs),
        (Protocol::Rtcp, false) => srtp.unprotect_rtcp(&mut jobs),
    }
    let (len, result) = (jobs[0].len, jobs[0].result);
    result.map(|()| buffer[..len].to_vec())
}

const GCM_SALT: [u8; 12] = *b"Quid pro quo";
const GCM_RTP: [u8; 50] = hex!(
    "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070"
    "61727465 73207472 6573"
);
const GCM_RTCP: [u8; 52] = hex!(
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
    "deadbeef deadbeef deadbeef"
);

fn gcm(suite: Suite, protocol: Protocol, encrypted: bool, protected: &[u8]) -> Vector {
    let plain = match protocol {
        Protocol::Rtp => GCM_RTP.to_vec(),
        Protocol::Rtcp => GCM_RTCP.to_vec(),
    };
    Vector {
        suite,
        protocol,
        key: (0..suite.master_key_len() as u8).collect(),
        salt: GCM_SALT.to_vec(),
        before: if protocol == Protocol::Rtcp { 0x5d4 } else { 0 },
        encrypted,
        plain,
        protected: protected.to_vec(),
    }
}

#[test]
fn rfc_7714_section_16_1() {
    let protected = hex!(
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f"
        "42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce"
    );
    gcm(Suite::AeadAes128Gcm, Protocol::Rtp, true, &protected).check();
}

#[test]
fn rfc_7714_section_16_2() {
    let protected = hex!(
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3"
        "b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13"
    );
    gcm(Suite::AeadAes256Gcm, Protocol::Rtp, true, &protected).check();
}

#[test]
fn rfc_7714_section_17_1() {
    let protected = hex!(
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1"
        "730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"
    );
    gcm(Suite::AeadAes128Gcm, Protocol::Rtcp, true, &protected).check();
}

#[test]
fn rfc_7714_section_17_2() {
    let protected = hex!(
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1"
        "110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"
    );
    gcm(Suite::AeadAes256Gcm, Protocol::Rtcp, true, &protected).check();
}

#[test]
fn rfc_7714_section_17_3() {
    let protected = hex!(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
        "deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"
    );
    gcm(Suite::AeadAes128Gcm, Protocol::Rtcp, false, &protected).check();
}

#[test]
fn rfc_7714_section_17_4() {
    let protected = hex!(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
        "deadbeef deadbeef deadbeef 91db4afb feee5a97 8fab4393 ed2615fe 000005d4"
    );
    gcm(Suite::AeadAes256Gcm, Protocol::Rtcp, false, &protected).check();
}

/// The key stream of packet 0 of SSRC 0 is what a payload of zeros becomes.
fn key_stream(suite: Suite, key: &[u8], first: [u8; 48], last: [u8; 48]) {
    const BLOCKS: usize = 0xff02;
    let mut plain = vec![0; 12 + 16 * BLOCKS];
    plain[0] = 0x80;
    for backend in BackendChoice::ALL.into_iter().filter(|backend| backend.is_available()) {
        let vector = Vector {
            suite,
            protocol: Protocol::Rtp,
            key: key.to_vec(),
            salt: hex!("f0f1f2f3f4f5f6f7f8f9fafbfcfd").to_vec(),
            before: 0,
            encrypted: true,
            plain: plain.clone(),
            protected: Vec::new(),
        };
        let mut srtp = Srtp::new(Config { backend, ..Config::default() });
        let protected = vector.protect(&mut srtp);
        let stream = &protected[12..plain.len()];
        assert_eq!(stream[..48], first, "{backend:?}");
        assert_eq!(stream[stream.len() - 48..], last, "{backend:?}");
        assert_eq!(vector.unprotect(&mut srtp, &protected), Ok(plain.clone()), "{backend:?}");
    }
}

#[test]
fn rfc_3711_appendix_b_2() {
    key_stream(
        Suite::AesCm128HmacSha1_80,
        &hex!("2b7e151628aed2a6abf7158809cf4f3c"),
        hex!(
            "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab"
            "41e95b3bb0a2e8dd477901e4fca894c0"
        ),
        hex!(
            "ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae"
            "6a2cc3787889374fbeb4c81b17ba6c44"
        ),
    );
}

#[test]
fn rfc_6188_section_7_1() {
    key_stream(
        Suite::AesCm256HmacSha1_80,
        &hex!("57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98"),
        hex!(
            "92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac"
            "63c4868b7096d88421b563b8c94c9a31"
        ),
        hex!(
            "cea518c90fd91ced9cbb18c078a54711 3dbc4814f4da5f00a08772b63c6a046d"
            "6eb246913062a16891433e97dd01a57f"
        ),
    );
}

#[test]
fn rfc_6188_section_7_3() {
    key_stream(
        Suite::AesCm192HmacSha1_80,
        &hex!("eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7"),
        hex!(
            "35096cba4610028dc1b57503804ce37c 5de986291dcce161d5165ec4568f5c9a"
            "474a40c77894bc17180202272a4c264d"
        ),
        hex!(
            "d108d1a31a00bad6367ec23eb044b415 c8f57129fdeb970b59f917b257662d4c"
            "a5dab625811034e8cebdfeb6dc158dd3"
        ),
    );
}
