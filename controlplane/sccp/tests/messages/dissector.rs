//! Wireshark's dissector understands what we write.

use std::process::Command;

use ringfence_sccp::codes::*;
use ringfence_sccp::phone::*;
use ringfence_sccp::server::*;
use ringfence_sccp::*;

use crate::common::{confidential, ids_with_layout};

/// The header versions that the dissector knows, and 5, which is 0 in the header as 11 is.
const VERSIONS: [u8; 10] = [5, 11, 15, 16, 17, 18, 19, 20, 21, 22];

#[test]
fn every_message_is_dissected_without_a_flaw() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sccp.pcap");
    let samples: Vec<_> = VERSIONS.into_iter().flat_map(samples).collect();
    std::fs::write(&file, pcap(&samples)).unwrap();

    let tshark = Command::new("tshark")
        .args(["-n", "-d", "tcp.port==2000,skinny", "-T", "fields", "-E", "separator=;"])
        .args(["-e", "skinny.messageId", "-e", "_ws.malformed", "-r"])
        .arg(&file)
        .output()
        .expect("tshark is installed: run `cargo xtask setup`");
    assert!(tshark.status.success(), "{}", String::from_utf8_lossy(&tshark.stderr));
    let dissected = String::from_utf8(tshark.stdout).unwrap();
    let dissected: Vec<_> = dissected.lines().collect();

    assert_eq!(dissected.len(), samples.len());
    let flawed: Vec<_> = samples
        .iter()
        .zip(dissected)
        .filter(|(sample, line)| **line != format!("{};", sample.id.0))
        .map(|(sample, line)| format!("{} in version {}: {line}", sample.id, sample.version))
        .collect();
    assert!(flawed.is_empty(), "{flawed:#?}");
}

/// A message in a version.
struct Sample {
    version: Version,
    id: MessageId,
    bytes: Vec<u8>,
}

/// Each message empty, with a small number in every field, and with strings in all of it; those
/// with lists and data full instead, because the dissector stumbles over empty lists and counts
/// that are none.
fn samples(version: u8) -> Vec<Sample> {
    let version = Version::of(version);
    let numbers: Vec<_> = (0..600u32).flat_map(|index| (index % 5).to_le_bytes()).collect();
    let bodies = [vec![0; 2400], numbers, b"ABCDEFG\0".repeat(300)];
    let full = full();
    let without_list =
        ids_with_layout().filter(|id| full.iter().all(|message| message.id() != *id));
    let decoded = without_list.flat_map(|id| {
        bodies.iter().filter_map(move |body| Some(Message::decode(id, body, version).ok()?.message))
    });
    decoded
        .chain(full.iter().cloned())
        .filter(|message| !is_uncertain(message, version))
        // Addresses of a type that this version does not have.
        .filter_map(|message| Some((message.id(), confidential(version).encode(&message).ok()?)))
        .map(|(id, bytes)| Sample { version, id, bytes: bytes.to_vec() })
        .collect()
}

/// Where the dissector follows another implementation: it has one byte for the mode where a
/// telephone's capture has four.
fn is_uncertain(message: &Message, version: Version) -> bool {
    message.id() == ConnectionStatisticsRes::ID && version >= Version::of(18)
}

/// Messages with lists and data, full.
fn full() -> Vec<Message> {
    let audio = AudioCapability {
        codec: Codec::G729A,
        max_ms_per_packet: 60,
        ..AudioCapability::default()
    };
    let key = SoftKey { label: Phrase::HOLD.into(), event: 3 };
    let button = Button { instance: 1, kind: ButtonType::LINE };
    let content = ApplicationData { data: Data(vec![b'<'; 2000]), ..Default::default() };
    let content1 = ApplicationDataVersion1 { data: Data(vec![b'<'; 2000]), ..Default::default() };
    let mut capabilities = MultimediaCapabilities { audio_count: 18, ..Default::default() };
    capabilities.audio_entries.0.fill(audio.clone());
    capabilities.rest.0.resize(1240, 0);
    vec![
        CapabilitiesRes { audio: List(vec![audio; 18]) }.into(),
        UpdateCapabilities { capabilities: capabilities.clone() }.into(),
        UpdateCapabilitiesV2 { capabilities: capabilities.clone() }.into(),
        UpdateCapabilitiesV3 { capabilities }.into(),
        SoftKeyTemplateRes { keys: Table::whole(vec![key; 32]) }.into(),
        SoftKeySetRes { sets: Table::whole(vec![SoftKeySet::new(&[1, 2, 5]); 12]) }.into(),
        ButtonTemplate { buttons: Table::whole(vec![button; 8]) }.into(),
        DeviceToUserData { content: content.clone() }.into(),
        DeviceToUserDataResponse { content: content.clone() }.into(),
        UserToDeviceData { content }.into(),
        DeviceToUserDataVersion1 { content: content1.clone() }.into(),
        DeviceToUserDataResponseVersion1 { content: content1.clone() }.into(),
        UserToDeviceDataVersion1 { content: content1 }.into(),
    ]
}

/// A capture of one message a packet, on a connection of its own for each version.
fn pcap(samples: &[Sample]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 0xffff, ETHERNET] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    let mut sequences = [[0u32; 2]; 32];
    for (index, sample) in samples.iter().enumerate() {
        let from_phone = sample.id.sender() != Some(Sender::Server);
        let sequence =
            &mut sequences[usize::from(sample.version.number())][usize::from(from_phone)];
        let frame = frame(sample, from_phone, *sequence);
        *sequence += sample.bytes.len() as u32;
        for field in [index as u32, 0, frame.len() as u32, frame.len() as u32] {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&frame);
    }
    file
}

/// The link type of a capture.
const ETHERNET: u32 = 1;

fn frame(sample: &Sample, from_phone: bool, sequence: u32) -> Vec<u8> {
    let (phone, server) = ([10, 0, 0, 2], [10, 0, 0, 1]);
    let (phone_port, server_port) = (50000 + u16::from(sample.version.number()), 2000);
    let mut addresses = [phone, server];
    let mut ports = [phone_port, server_port];
    if !from_phone {
        addresses.reverse();
        ports.reverse();
    }
    let mut frame = vec![2; 12];
    frame.extend_from_slice(&[0x08, 0x00]);
    frame.extend_from_slice(&[0x45, 0]);
    frame.extend_from_slice(&(40 + sample.bytes.len() as u16).to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
    frame.extend_from_slice(addresses.as_flattened());
    ports.iter().for_each(|port| frame.extend_from_slice(&port.to_be_bytes()));
    frame.extend_from_slice(&(1 + sequence).to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend_from_slice(&sample.bytes);
    frame
}
