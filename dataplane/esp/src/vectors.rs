//! Examples of RFC 3602 §4, of draft-mcgrew-gcm-test (the framing of RFC 4106), of RFC 2202 and RFC
//! 4868, and packets of our own that another decoder has confirmed.

use hex_literal::hex;

use crate::transform::{self, Job, Transform};
use crate::{Keys, Suite};

/// A transform for one packet at a time.
struct Alone(Transform);

impl Alone {
    fn new(keys: &Keys) -> Self {
        Self(Transform::new(keys, [0; 16]))
    }

    fn seal(&self, high: Option<u32>, packet: &mut [u8]) {
        transform::seal(&mut [Job { transform: &self.0, high, packet, good: false }]);
    }

    fn open(&self, high: Option<u32>, packet: &mut [u8]) -> bool {
        let mut jobs = [Job { transform: &self.0, high, packet, good: false }];
        transform::open(&mut jobs);
        jobs[0].good
    }
}

/// Seals to the packet and opens to what was sealed; a changed bit anywhere is seen.
fn holds(keys: &Keys, high: Option<u32>, clear: &[u8], sealed: &[u8]) {
    let transform = Alone::new(keys);
    let mut packet = clear.to_vec();
    transform.seal(high, &mut packet);
    assert_eq!(packet, sealed);
    for octet in 0..sealed.len() {
        let mut damaged = sealed.to_vec();
        damaged[octet] ^= 1 << (octet % 8);
        let before = damaged.clone();
        assert!(!transform.open(high, &mut damaged), "octet {octet}");
        assert_eq!(damaged, before, "a forged packet was changed");
    }
    assert!(!transform.open(Some(high.unwrap_or(0) ^ 1), &mut packet));
    assert!(transform.open(high, &mut packet));
    assert_eq!(packet[..packet.len() - 16], clear[..clear.len() - 16]);
}

/// The packet before it is sealed: SPI, number and vector as they are, an empty ICV.
fn clear(sealed: &[u8], suite: Suite, data: &[u8]) -> Vec<u8> {
    let header = &sealed[..8 + suite.iv_len()];
    [header, data, &vec![0; suite.icv_len()]].concat()
}

fn gcm(
    suite: Suite,
    key: &[u8],
    header: [u8; 8],
    high: Option<u32>,
    iv: [u8; 8],
    data: &[u8],
    sealed: &[u8],
) {
    let sealed = [&header, &iv, sealed].concat();
    let keys = Keys::new(suite, key, &[]).unwrap();
    holds(&keys, high, &clear(&sealed, suite, data), &sealed);
}

#[test]
fn gcm_of_the_draft() {
    gcm(
        Suite::AesGcm128,
        &hex!("4c80cdefbb5d10da906ac73c3613a634 2e443b68"),
        hex!("00004321 00000000"),
        Some(0x8765_4321),
        hex!("4956ed7e3b244cfe"),
        &hex!(
            "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000
             00000000045f736970045f756470037369700963796265726369747902646b00
             0021000101020201"
        ),
        &hex!(
            "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34
             cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce
             61bc17d768fd9732 459018148f6cbe722fd04796562dfdb4"
        ),
    );
    gcm(
        Suite::AesGcm128,
        &hex!("feffe9928665731c6d6a8f9467308308 cafebabe"),
        hex!("0000a5f8 0000000a"),
        None,
        hex!("facedbaddecaf888"),
        &hex!(
            "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100
             0001000000000000037369700963796265726369747902646b00000100010001"
        ),
        &hex!(
            "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c
             3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1
             83b70d3aa8bc6ee4c309e9d85a41ad4a"
        ),
    );
    gcm(
        Suite::AesGcm256,
        &hex!("abbccddef00112233445566778899aababbccddef00112233445566778899aab 11223344"),
        hex!("4a2cbfe3 00000002"),
        None,
        hex!("0102030405060708"),
        &hex!(
            "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000
             7002400020bf0000020405b40101040201020201"
        ),
        &hex!(
            "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763
             748a637985771d347f0545659f14e99def842d8e
             b335f4eecfdbf831824b4c4915956c96"
        ),
    );
    gcm(
        Suite::AesGcm128,
        &hex!("7d773d00c144c525ac619d18c84a3f47 d9664267"),
        hex!("335467ae ffffffff"),
        None,
        hex!("43457e9182443bc6"),
        &hex!("01020201"),
        &hex!("437f866b cb3f699fe9b0822bac961c4504bef270"),
    );
    gcm(
        Suite::AesGcm256,
        &hex!("6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961 7475726e"),
        hex!("796b6963 ffffffff"),
        Some(0xffff_ffff),
        hex!("333021696765746d"),
        &hex!(
            "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364
             65666768696a6b6c6d6e6f707172737401020201"
        ),
        &hex!(
            "f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a86
             4cd3d78ca4ae68a32b42458fb57dbe821dcc63b9
             d0937ba2945f669368661a329fb4c053"
        ),
    );
}

/// RFC 3602 has packets without integrity: all but our ICV is compared.
#[test]
fn cbc_of_rfc_3602() {
    let case = |key: [u8; 16], sealed: &[u8], payload: &[u8], padding: u8, next: u8| {
        let suite = Suite::AesCbc128Sha1;
        let transform = Alone::new(&Keys::new(suite, &key, &[7; 20]).unwrap());
        let mut data = payload.to_vec();
        data.extend((1..=padding).chain([padding, next]));
        let mut packet = clear(sealed, suite, &data);
        transform.seal(None, &mut packet);
        assert_eq!(packet[..sealed.len()], *sealed);
        assert!(transform.open(None, &mut packet));
        assert_eq!(packet[24..24 + data.len()], data);
    };
    let first = hex!("90d382b410eeba7ad938c46cec1a82bf");
    let second = hex!("0123456789abcdef0123456789abcdef");
    case(
        first,
        &hex!(
            "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6
             a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db08
             0b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d59
             13ac19b7cfbad4a6"
        ),
        &hex!(
            "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f1011121314151617
             18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
        ),
        14,
        1,
    );
    case(
        first,
        &hex!(
            "000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4
             488987ce742e8109689bb379d2d750c0d915dca346a89f75"
        ),
        &hex!("0800b5e8a80a0500a69c083d0b660e00777777777777777777777777"),
        2,
        1,
    );
    case(
        second,
        &hex!(
            "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c44922
             5e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad
             7a0f022b859243c647752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2
             201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d"
        ),
        &hex!(
            "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d
             02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223
             2425262728292a2b2c2d2e2f3031323334353637"
        ),
        10,
        4,
    );
    case(
        second,
        &hex!(
            "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8
             047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3
             a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc
             6d17a0decbb13892"
        ),
        &hex!(
            "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083d
             a3de0300ffffffffffffffffffffffffffffffffffffffffffffffffffffffff
             ffffffff"
        ),
        10,
        4,
    );
}

/// The messages of RFC 2202 and RFC 4868 are no ESP packets, but begin with eight octets as one does.
#[test]
fn hmac_of_rfc_2202_and_rfc_4868() {
    let case = |suite: Suite, key: &[u8], message: &[u8], icv: &[u8]| {
        let transform = Alone::new(&Keys::new(suite, &[], key).unwrap());
        let mut packet = [message, &vec![0; suite.icv_len()]].concat();
        transform.seal(None, &mut packet);
        assert_eq!(packet[message.len()..], *icv);
    };
    let sha1 = Suite::NullSha1;
    case(sha1, &[0x0b; 20], b"Hi There", &hex!("b617318655057264e28bc0b6"));
    case(sha1, &[0xaa; 20], &[0xdd; 50], &hex!("125d7342b9ac11cd91a39af4"));
    case(sha1, &[0x0c; 20], b"Test With Truncation", &hex!("4c1a03424b55e07fe7f27be1"));
    let sha256 = Suite::NullSha256;
    let numbers: [u8; 32] = std::array::from_fn(|n| n as u8 + 1);
    case(sha256, &[0x0b; 32], b"Hi There", &hex!("198a607eb44bfbc69903a0f1cf2bbdc5"));
    case(
        sha256,
        &b"Jefe".repeat(8),
        b"what do ya want for nothing?",
        &hex!("167f928588c5cc2eef8e3093caa0e87c"),
    );
    case(sha256, &[0xaa; 32], &[0xdd; 50], &hex!("cdcb1220d1ecccea91e53aba3092f962"));
    case(sha256, &numbers, &[0xcd; 50], &hex!("372efcf9b40b35c2115b1346903d2ef4"));
}

fn counting<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|n| first + n as u8)
}

/// MGCP inside ESP: what is before the ICV, and the ICV with and without extended numbers.
#[test]
fn mgcp_in_esp() {
    let datagram = hex!("097b097b0022b0ae415545502031323030202a40677731204d47435020302e310d0a");
    let inner = hex!(
        "4500003600010000401166b40a0000010a000002097b097b002220b041554550
         2031323030202a40677731204d47435020302e310d0a"
    );
    let padded = |payload: &[u8], padding: u8, next: u8| {
        let trailer: Vec<_> = (1..=padding).chain([padding, next]).collect();
        [payload, &trailer].concat()
    };
    let both = |keys: &Keys, data: &[u8], sealed: &[u8], extended: Option<&[u8]>| {
        let suite = keys.suite();
        let clear = clear(sealed, suite, data);
        holds(keys, None, &clear, sealed);
        if let Some(icv) = extended {
            let sealed = [&sealed[..sealed.len() - suite.icv_len()], icv].concat();
            holds(keys, Some(1), &clear, &sealed);
        }
    };
    both(
        &Keys::new(Suite::AesCbc128Sha1, &counting::<16>(0), &counting::<20>(0x20)).unwrap(),
        &padded(&datagram, 12, 17),
        &hex!(
            "0000100100000001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf97c815a73cca9438
             405db3dd81aa154e863605102b4632f5665d462b6bb2a42c0559e124d9ae3a64
             73cffa086ea40de43d723049fcdb7ef368afd025"
        ),
        None,
    );
    both(
        &Keys::new(Suite::AesCbc256Sha256, &counting::<32>(0x40), &counting::<32>(0x60)).unwrap(),
        &padded(&inner, 8, 4),
        &hex!(
            "0000200200000005b0b1b2b3b4b5b6b7b8b9babbbcbdbebffcd3a1a398c8c2d1
             0599f2ef2f8250d44f8b54ba6c1590567bc2ab69e0fcefea499a11e792505e27
             da596c861f223d41ac0d8ca84d402fa2a14e7d95455fc170e7ce0ccde1a68d5d
             2589cfdcde9f004e"
        ),
        Some(&hex!("d6f1de1a271a097291df3c1bbd78124c")),
    );
    let salted = [&counting::<16>(0x10)[..], &hex!("f0f1f2f3")].concat();
    both(
        &Keys::new(Suite::AesGcm128, &salted, &[]).unwrap(),
        &padded(&datagram, 0, 17),
        &hex!(
            "0000300300000001000000000000000142132043f1c9cc8d7b6130b5c9a74d08
             370d6a195f2bf8afb45c8e9bc7d7bf020b07c6afd030991fc59fd867af152fde
             cf78f23c"
        ),
        Some(&hex!("68fca305184ec2a2b14fc8d6929d010b")),
    );
    let salted = [&counting::<32>(0x80)[..], &hex!("01020304")].concat();
    both(
        &Keys::new(Suite::AesGcm256, &salted, &[]).unwrap(),
        &padded(&inner, 0, 4),
        &hex!(
            "000040040000000200000000000000029d5827546af0831b6d9a3fe9fdd5cf28
             cfb13f4625eb0e92f45df8debfb7ca61e7d3db4afa3b551f0108c73d3505cf80
             dd32abfc04c95a4cad8889776cad4924fb16f12ff1e9a1a9"
        ),
        None,
    );
    both(
        &Keys::new(Suite::NullSha256, &[], &counting::<32>(0x60)).unwrap(),
        &padded(&datagram, 0, 17),
        &hex!(
            "0000500500000001097b097b0022b0ae415545502031323030202a4067773120
             4d47435020302e310d0a00110a1f7c488e5c2ad58234090a05e207aa"
        ),
        None,
    );
}
