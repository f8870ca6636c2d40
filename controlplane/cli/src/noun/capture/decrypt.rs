//! SRTP opened with the keys in captured signalling.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use capture::Record;
use capture::decrypt::{DecryptError, Stream, decrypt};
use capture::media::Track;
use capture::pcapng::{ReadError, Reader};
use capture::reassembly::Reassembly;
use durable::Readers;
use lang::Text;
use serde::Serialize;

use super::fetch::{Unreadable, private, records};
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// From what to what.
#[derive(clap::Args)]
pub struct Args {
    /// Captured signalling: pcapng of `capture live` or `capture open`, or the file of a day.
    #[arg(long, value_name = "FILE")]
    signalling: PathBuf,
    /// The key of a file of a day [default: beside it].
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Recorded media: pcapng or pcap, as tcpdump, dumpcap and Wireshark write it.
    #[arg(long, value_name = "FILE")]
    media: PathBuf,
    /// Where to write signalling without keys, and media without encryption. WAV files are written
    /// beside it.
    #[arg(short = 'w', long, value_name = "FILE")]
    write: PathBuf,
}

#[derive(Serialize)]
struct View {
    keys: usize,
    streams: Vec<StreamView>,
    audio: Vec<PathBuf>,
    media_cut_off: bool,
}

#[derive(Serialize)]
struct StreamView {
    source: String,
    destination: String,
    ssrc: String,
    kind: &'static str,
    suite: Option<&'static str>,
    key_of: Option<String>,
    told_in: Option<&'static str>,
    opened: u64,
    clear: u64,
    closed: u64,
    repeated: u64,
}

/// Does it.
pub fn run(args: &Args, style: Style) -> Result {
    let signalling = signalling(args, style)?;
    let explained = |error: DecryptError| Failure::explained(&error, style.language);
    let media = File::open(&args.media).map_err(|error| unreadable(&args.media, &error, style))?;
    let media = Reader::new(BufReader::new(media));
    let media = media.map_err(|error| unreadable(&args.media, &error, style))?;
    let mut out = private(&args.write)?;
    let decrypted = decrypt(&signalling, media, &mut out).map_err(|error| {
        // Half of a result would be taken for one.
        let _ = fs::remove_file(&args.write);
        explained(error)
    })?;
    out.flush()?;
    let mut audio = Vec::new();
    for track in &decrypted.tracks {
        let path = wav_path(&args.write, track);
        let wav = speech::wav::write_at(track.rate, &track.samples);
        durable::replace(&path, &wav, Readers::Owner)?;
        audio.push(path);
    }
    let streams = decrypted.opened.iter().chain(&decrypted.closed).map(view).collect();
    let view =
        View { keys: decrypted.keys, streams, audio, media_cut_off: decrypted.media_cut_off };
    match style.format {
        Format::Json => output::json(&view)?,
        Format::Table => show(&view, style)?,
    }
    let whole = decrypted.closed.is_empty() && !view.media_cut_off;
    Ok(if whole { Outcome::Done } else { Outcome::Partial })
}

/// The messages in either kind of file.
fn signalling(args: &Args, style: Style) -> std::result::Result<Vec<Record>, Failure> {
    let path = &args.signalling;
    let mut file = File::open(path).map_err(|error| unreadable(path, &error, style))?;
    let mut start = [0; 6];
    let is_day = file.read_exact(&mut start).is_ok() && start == *b"RFCAP-";
    if is_day {
        let (records, unfinished) = records(path, args.key.as_deref(), style)?;
        if let Some(why) = unfinished {
            eprintln!("{why}");
        }
        return Ok(records);
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error, style))?;
    let reader = Reader::new(BufReader::new(file));
    let reader = reader.map_err(|error| unreadable(path, &error, style))?;
    let (mut reassembly, mut records) = (Reassembly::default(), Vec::new());
    for packet in reader {
        match packet {
            Ok(packet) => records.extend(reassembly.take(&packet)),
            // What `capture live` was writing when it was ended.
            Err(ReadError::CutOff) => break,
            Err(error) => return Err(unreadable(path, &error, style)),
        }
    }
    Ok(records)
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display, style: Style) -> Failure {
    let why = format!("{}: {why}", path.display());
    Failure::explained(&Unreadable(why), style.language)
}

/// `OUT.10.1.0.5-4000.to.10.1.0.6-4002.wav`
fn wav_path(out: &Path, track: &Track) -> PathBuf {
    let end = |end: std::net::SocketAddr| {
        format!("{}-{}", end.ip().to_string().replace(':', "_"), end.port())
    };
    let ends = format!("{}.to.{}.wav", end(track.source), end(track.destination));
    out.with_extension(ends)
}

fn view(stream: &Stream) -> StreamView {
    StreamView {
        source: stream.id.source.to_string(),
        destination: stream.id.destination.to_string(),
        ssrc: format!("{:08x}", stream.id.ssrc),
        kind: if stream.id.control { "RTCP" } else { "RTP" },
        suite: stream.suite,
        key_of: stream.key.as_ref().map(|(device, _)| device.clone()),
        told_in: stream.key.as_ref().map(|(_, told_in)| *told_in),
        opened: stream.count.opened,
        clear: stream.count.clear,
        closed: stream.count.closed,
        repeated: stream.count.repeated,
    }
}

fn show(view: &View, style: Style) -> std::io::Result<()> {
    let say = |text: Text| text.get(style.language);
    println!("{}\n", KEYS.fill(style.language, &[("keys", &view.keys)]));
    output::table(
        say(STREAMS),
        [FROM, TO, KIND, SUITE, KEY_OF, OPENED, CLOSED, CLEAR].map(say),
        view.streams.iter().map(|it| {
            let key = it.key_of.as_deref().zip(it.told_in);
            [
                it.source.clone(),
                it.destination.clone(),
                it.kind.to_owned(),
                it.suite.unwrap_or("-").to_owned(),
                key.map_or_else(|| "-".to_owned(), |(device, told)| format!("{device}, {told}")),
                it.opened.to_string(),
                it.closed.to_string(),
                it.clear.to_string(),
            ]
        }),
    )?;
    for audio in &view.audio {
        println!("{}", audio.display());
    }
    if view.media_cut_off {
        println!("{}", say(CUT_OFF));
    }
    Ok(())
}

const KEYS: Text = Text::new(
    "{keys} media keys in the signalling.",
    "シグナリングに含まれるメディアの鍵: {keys} 個",
);
const STREAMS: Text = Text::new("Streams", "ストリーム");
const FROM: Text = Text::new("from", "送信元");
const TO: Text = Text::new("to", "宛先");
const KIND: Text = Text::new("kind", "種類");
const SUITE: Text = Text::new("suite", "暗号スイート");
const KEY_OF: Text = Text::new("key told to", "鍵の送信先");
const OPENED: Text = Text::new("opened", "復号");
const CLOSED: Text = Text::new("not opened", "復号不可");
const CLEAR: Text = Text::new("not encrypted", "暗号化なし");
const CUT_OFF: Text = Text::new(
    "The recording ends in the middle of a packet; what is before it was read.",
    "記録データはパケットの途中で終わっています。その手前まで読み取りました。",
);
