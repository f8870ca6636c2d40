//! What OpenSSL 3.6.3 wrote and took, recorded by `examples/record.rs`.

use hex_literal::hex;
use ringfence_integritytls::TLS13_SHA256_SHA256;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, OutboundChunks, OutboundPlainMessage, Tls13AeadAlgorithm,
};
use rustls::{ContentType, Error, PeerMisbehaved, ProtocolVersion};

const CLIENT_SECRET: [u8; 32] =
    hex!("f469b431738fbaa3ccffe81ccbc2506dbb6a9a3b61c6a53a0b34fe3281b722a3");
const SERVER_SECRET: [u8; 32] =
    hex!("d1e20a1335ac8745f3f77f65906582fc5de4540fc1e5f4eb727fc951fea0015c");

/// The client's first record under its traffic secret. OpenSSL answered it.
const QUESTION: [u8; 54] = hex!(
    "1703030031 68656c6c6f2072696e6766656e63650a 17"
    "8097f100a50eade40a1ee7026a0c1f3c718d6d0591b3fe0e864eafbc5bb5da9b"
);
/// The server's third: two tickets came before it.
const ANSWER: [u8; 54] = hex!(
    "1703030031 65636e6566676e6972206f6c6c65680a 17"
    "5fcd014b36662914592d1cbdfc45df491cca1a5058e8a125402ccef10385c38e"
);
const HEADER: usize = 5;

fn suite() -> &'static dyn Tls13AeadAlgorithm {
    TLS13_SHA256_SHA256.tls13().unwrap().aead_alg
}

/// What is within a record, if it is number `seq` under this secret.
fn unprotect(secret: [u8; 32], seq: u64, record: &[u8]) -> Result<(ContentType, Vec<u8>), Error> {
    let mut payload = record[HEADER..].to_vec();
    let (typ, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
    let message = InboundOpaqueMessage::new(typ, version, &mut payload);
    let mut decrypter = suite().decrypter(AeadKey::from(secret), Iv::default());
    let plain = decrypter.decrypt(message, seq)?;
    Ok((plain.typ, plain.payload.to_vec()))
}

fn protect(secret: [u8; 32], seq: u64, typ: ContentType, text: &[u8]) -> Vec<u8> {
    let payload = OutboundChunks::Single(text);
    let message = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_3, payload };
    let mut encrypter = suite().encrypter(AeadKey::from(secret), Iv::default());
    encrypter.encrypt(message, seq).unwrap().encode()
}

#[test]
fn what_openssl_wrote_is_read() {
    let (typ, text) = unprotect(SERVER_SECRET, 2, &ANSWER).unwrap();
    assert_eq!((typ, &text[..]), (ContentType::ApplicationData, &b"ecnefgnir olleh\n"[..]));
    for (secret, seq) in [(SERVER_SECRET, 1), (SERVER_SECRET, 3), (CLIENT_SECRET, 2)] {
        assert_eq!(unprotect(secret, seq, &ANSWER), Err(Error::DecryptError));
    }
}

#[test]
fn what_openssl_took_is_written() {
    let data = ContentType::ApplicationData;
    assert_eq!(protect(CLIENT_SECRET, 0, data, b"hello ringfence\n"), QUESTION);
    assert_eq!(protect(SERVER_SECRET, 2, data, b"ecnefgnir olleh\n"), ANSWER);
}

#[test]
fn padding_is_taken_off_and_a_type_demanded() {
    // A type of 0 is padding: what a peer would write who pads.
    let padded = |text: &[u8]| protect(CLIENT_SECRET, 7, ContentType::Unknown(0), text);
    let read = |record: &[u8]| unprotect(CLIENT_SECRET, 7, record);
    let text = (ContentType::ApplicationData, b"hi".to_vec());
    assert_eq!(read(&padded(b"hi\x17\0\0\0\0")), Ok(text));
    assert_eq!(read(&padded(b"\x17")), Ok((ContentType::ApplicationData, Vec::new())));
    let no_type = Err(PeerMisbehaved::IllegalTlsInnerPlaintext.into());
    assert_eq!(read(&padded(b"\0\0\0")), no_type);
    assert_eq!(read(&padded(b"")), no_type);
    let change = protect(CLIENT_SECRET, 7, ContentType::ChangeCipherSpec, &[1]);
    assert_eq!(read(&change), Err(PeerMisbehaved::IllegalMiddleboxChangeCipherSpec.into()));
}

#[test]
fn what_is_shorter_than_a_tag_is_refused() {
    for len in 0..=32 {
        let record = [&QUESTION[..HEADER], &vec![0; len]].concat();
        assert_eq!(unprotect(CLIENT_SECRET, 0, &record), Err(Error::DecryptError), "{len}");
    }
}
