//! A call between two phones, captured as signalling and as SRTP, read by us and by Wireshark.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ringfence_capture::conversation::{self, Conversation};
use ringfence_capture::decrypt::{DecryptError, Decryption, decrypt};
use ringfence_capture::pcapng::{LinkType, Packet, Reader, Writer};
use ringfence_capture::reassembly::Reassembly;
use ringfence_capture::{Protocol, Record};
use sccp::codes::{Codec, MediaStatus, SrtpAlgorithm};
use sccp::phone::OpenReceiveChannelAck;
use sccp::server::{OpenReceiveChannel, StartMediaTransmission};
use sccp::{
    CallRef, EncryptionInfo, Keying, MasterKey, MasterSalt, Message, PassThruPartyId, Secrecy,
    Session, Version,
};
use speech::g711::Law;
use srtp::{Config, Direction, Job, MAX_TRAILER, Srtp, Suite};
use wire::datagram::{ChecksumRule, Datagram};
use zeroize::Zeroizing;

const SERVER: &str = "10.0.0.1:2443";
const PHONES: [(&str, &str, &str); 2] = [
    ("SEP000000000001", "10.0.0.11:50001", "10.0.0.11:20000"),
    ("SEP000000000002", "10.0.0.12:50002", "10.0.0.12:20002"),
];
/// The byte that the key of each direction is made of: to the first phone, to the second.
const KEYS: [u8; 2] = [0xa1, 0xb2];

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn encryption(octet: u8) -> EncryptionInfo {
    EncryptionInfo::keyed(Keying {
        algorithm: SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32,
        key: MasterKey::new(&[octet; 16]),
        salt: MasterSalt::new(&[octet; 14]),
    })
}

fn record(at: u64, phone: usize, from_device: bool, version: Version, message: Message) -> Record {
    let (device, signalling, _) = PHONES[phone];
    let ends = [address(signalling), address(SERVER)];
    let [source, destination] = if from_device { ends } else { [ends[1], ends[0]] };
    let session = Session { version, secrecy: Secrecy::Confidential };
    Record {
        at: Duration::from_millis(at),
        device: device.into(),
        source,
        destination,
        protocol: Protocol::SccpOverTls,
        from_device,
        message: Zeroizing::new(session.encode(&message).unwrap().to_vec()),
    }
}

/// What is said to one phone and by it when a call is connected.
fn connected(phone: usize, version: Version) -> Vec<Record> {
    let (party, call) = (PassThruPartyId(7), CallRef(9));
    let (own, other) = (address(PHONES[phone].2), address(PHONES[1 - phone].2));
    let open = OpenReceiveChannel {
        party,
        call,
        ms_per_packet: 20,
        codec: Codec::G711_ULAW_64K,
        encryption: encryption(KEYS[phone]),
        ..OpenReceiveChannel::default()
    };
    let opened = OpenReceiveChannelAck {
        status: MediaStatus::OK,
        address: own.ip().into(),
        port: own.port().into(),
        party,
        call,
    };
    let start = StartMediaTransmission {
        party,
        call,
        remote: other.ip().into(),
        remote_port: other.port().into(),
        ms_per_packet: 20,
        codec: Codec::G711_ULAW_64K,
        encryption: encryption(KEYS[1 - phone]),
        ..StartMediaTransmission::default()
    };
    vec![
        record(10, phone, false, version, open.into()),
        record(20, phone, true, version, opened.into()),
        record(30, phone, false, version, start.into()),
    ]
}

/// SRTP with speech from a phone to the other one, each packet in an Ethernet frame.
fn media(phone: usize, said: &[i16]) -> Vec<Packet> {
    let (source, destination) = (address(PHONES[phone].2), address(PHONES[1 - phone].2));
    let octet = KEYS[1 - phone];
    let suite = Suite::AesCm128HmacSha1_32;
    let master = srtp::MasterKey::new(suite, &[octet; 16], &[octet; 14]).unwrap();
    let mut srtp = Srtp::new(Config::default());
    let session = srtp.insert(Direction::Outbound, &srtp::Keying::new(suite, master)).unwrap();
    let coded = Law::Mu.encode(said);
    let mut packets = Vec::new();
    for (number, speech) in coded.chunks(160).enumerate() {
        let mut rtp = vec![0x80, 0];
        rtp.extend((number as u16).to_be_bytes());
        rtp.extend((160 * number as u32).to_be_bytes());
        rtp.extend([0, 0, 0, phone as u8 + 1]);
        rtp.extend(speech);
        let length = rtp.len();
        rtp.resize(length + MAX_TRAILER, 0);
        let mut jobs = [Job::new(session, &mut rtp, length)];
        srtp.protect_rtp(&mut jobs);
        let [job] = jobs;
        job.result.unwrap();
        let length = job.len;
        let datagram = Datagram {
            source,
            destination,
            traffic_class: 0xb8,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: length,
        };
        let mut frame = vec![2; 12];
        frame.extend([0x08, 0x00]);
        let at = frame.len();
        frame.resize(at + datagram.headers_len(), 0);
        frame.extend(&rtp[..length]);
        datagram.emit_ip(&mut frame[at..], ChecksumRule::Compute);
        let at = Duration::from_millis(100 + 20 * number as u64);
        packets.push(Packet { at, link: LinkType::ETHERNET, octets: frame, comment: None });
    }
    packets
}

fn file(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, LinkType::ETHERNET, "eth0").unwrap();
    for packet in packets {
        writer.packet(packet.at, &packet.octets, None).unwrap();
    }
    file
}

/// Through files, as a user does it.
fn decrypted(
    signalling: &[Record],
    media: &[Packet],
    out: &Path,
) -> Result<Decryption, DecryptError> {
    let mut file_of_signalling = Vec::new();
    let mut writer = conversation::writer(&mut file_of_signalling).unwrap();
    let mut conversation = Conversation::default();
    for record in signalling {
        conversation.write(&mut writer, record).unwrap();
    }
    let mut reassembly = Reassembly::default();
    let packets = Reader::new(&file_of_signalling[..]).unwrap();
    let read: Vec<_> = packets.flat_map(|packet| reassembly.take(&packet.unwrap())).collect();
    assert_eq!(read.len(), signalling.len());
    let media = file(media);
    decrypt(&read, Reader::new(&media[..]).unwrap(), std::fs::File::create(out).unwrap())
}

fn call(version: Version) -> (Vec<Record>, [Vec<i16>; 2], Vec<Packet>) {
    let mut signalling: Vec<_> = (0..2).flat_map(|phone| connected(phone, version)).collect();
    signalling.sort_by_key(|record| record.at);
    let said = [1, 2].map(|seed| speech::speak(seed, 2));
    let mut packets: Vec<_> =
        said.iter().enumerate().flat_map(|(phone, said)| media(phone, said)).collect();
    packets.sort_by_key(|packet| packet.at);
    (signalling, said, packets)
}

/// The lines that tshark prints of the packets a filter lets through.
fn tshark(file: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-2", "-r"]).arg(file).args(["-Y", filter, "-T", "fields"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().expect("tshark runs; `cargo xtask setup` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

// R: CAP-05
#[test]
fn an_encrypted_call_is_heard_in_both_directions() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out.pcapng");
    for version in [Version::V11, Version::of(17), Version::of(20)] {
        let (signalling, said, packets) = call(version);
        let result = decrypted(&signalling, &packets, &out).unwrap();
        // One key for each direction, told to both phones.
        assert_eq!((result.keys, result.opened.len(), result.closed.len()), (2, 2, 0));
        assert!(result.opened.iter().all(|stream| stream.count.opened == 100));
        for (track, said) in result.tracks.iter().zip(&said) {
            assert_eq!(track.samples, Law::Mu.decode(&Law::Mu.encode(said)), "version {version}");
        }
        // No key is left in what was written.
        let written = std::fs::read(&out).unwrap();
        assert!(!KEYS.iter().any(|octet| written.windows(8).any(|part| part == [*octet; 8])));

        // Wireshark finds the streams by the signalling, and speech in them.
        let streams = tshark(&out, "rtp", &["ip.src", "rtp.p_type", "udp.length"]);
        assert_eq!(streams.len(), 200, "version {version}");
        assert!(streams.iter().all(|line| line.ends_with("\t0\t180")), "{:?}", streams.first());
        assert_eq!(tshark(&out, "_ws.malformed", &["frame.number"]), Vec::<String>::new());
        assert_eq!(tshark(&out, "skinny", &["skinny.messageId"]).len(), 6);
    }
}

// R: CAP-05
#[test]
fn what_is_missing_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out.pcapng");
    let (signalling, _, packets) = call(Version::of(17));
    let closed = decrypted(&signalling[..2], &packets, &out);
    assert!(matches!(closed, Err(DecryptError::NoKeys { messages: 2, .. })), "{closed:?}");
    let empty = decrypted(&signalling, &[], &out);
    assert!(matches!(empty, Err(DecryptError::NoMedia { packets: 0 })), "{empty:?}");

    // The keys of another call.
    let mut other = packets.clone();
    for packet in &mut other {
        *packet.octets.last_mut().unwrap() ^= 1;
    }
    let Err(DecryptError::NoKeyFits { keys: 2, streams, meant }) =
        decrypted(&signalling, &other, &out)
    else {
        panic!("no key fits");
    };
    assert!(streams.contains("10.0.0.11:20000 → 10.0.0.12:20002"), "{streams}");
    assert!(meant.contains("→ 10.0.0.12:20002 (SEP"), "{meant}");
}

// R: CAP-05
#[test]
fn a_key_fits_wherever_the_recording_was_made() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out.pcapng");
    let (signalling, said, packets) = call(Version::V11);
    // Behind a NAT addresses are others, and each packet is seen on two wires.
    let mut twice = Vec::new();
    for packet in &packets {
        let mut packet = packet.clone();
        packet.octets[14 + 15] += 100;
        packet.octets[14 + 19] += 100;
        // The header's sum is what it was: the same is added to both addresses.
        let sum = u16::from_be_bytes([packet.octets[24], packet.octets[25]]);
        let sum = !(u32::from(!sum) + 200);
        packet.octets[24..26].copy_from_slice(&(sum as u16).to_be_bytes());
        twice.extend([packet.clone(), packet]);
    }
    let result = decrypted(&signalling, &twice, &out).unwrap();
    let counts: Vec<_> =
        result.opened.iter().map(|it| (it.count.opened, it.count.repeated)).collect();
    assert_eq!(counts, [(100, 100); 2]);
    assert_eq!(result.tracks[0].samples, Law::Mu.decode(&Law::Mu.encode(&said[0])));
}

fn mgcp(at: u64, from_device: bool, text: &str) -> Record {
    let ends = [address("10.0.0.20:2427"), address("10.0.0.1:2727")];
    let [source, destination] = if from_device { ends } else { [ends[1], ends[0]] };
    Record {
        at: Duration::from_millis(at),
        device: "*@relay1".into(),
        source,
        destination,
        protocol: Protocol::Mgcp,
        from_device,
        message: Zeroizing::new(text.replace('\n', "\r\n").into_bytes()),
    }
}

// R: CAP-03, CAP-05
#[test]
fn keys_that_gateways_are_told_open_media_too() {
    use base64ct::Encoding;
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out.pcapng");
    let key = |octet: u8| base64ct::Base64::encode_string(&[octet; 30]);
    let (_, said, packets) = call(Version::V11);
    let signalling = [
        mgcp(
            10,
            false,
            &format!(
                "CRCX 1 pr/1@relay1 MGCP 1.0\nC: A1\nL: p:20, a:PCMU, x+srtptx:\"AES_CM_128_HMAC_SHA1_32 inline:{}\"\nM: recvonly\n",
                key(KEYS[0])
            ),
        ),
        mgcp(
            20,
            true,
            &format!(
                "200 1 OK\nI: 1\n\nv=0\no=- 1 1 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\nm=audio 20000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{}\n",
                key(KEYS[1])
            ),
        ),
    ];
    let result = decrypted(&signalling, &packets, &out).unwrap();
    assert_eq!(result.opened.iter().map(|it| it.count.opened).collect::<Vec<_>>(), [100; 2]);
    assert_eq!(result.tracks[1].samples, Law::Mu.decode(&Law::Mu.encode(&said[1])));
    let written = String::from_utf8_lossy(&std::fs::read(&out).unwrap()).into_owned();
    assert!(!written.contains("inline:") && written.contains("RTP/AVP 0"));
}
