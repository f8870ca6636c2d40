//! The files of the days.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use capture::Record;
use capture::conversation::{self, Conversation};
use capture::sealed::{DayKey, Opener, SealedError};
use console::FetchCapture;
use durable::Readers;
use lang::Text;
use messages::{Explain, Message, capture as said};
use zeroize::Zeroizing;

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::{Outcome, Style};

/// Which day.
#[derive(clap::Args)]
pub struct FetchArgs {
    /// The day in UTC, mm-dd-yyyy.
    day: String,
    /// Directory for the two files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// Which file.
#[derive(clap::Args)]
pub struct OpenArgs {
    /// The file of the day, mm-dd-yyyy.pkt.
    file: PathBuf,
    /// Its key, mm-dd-yyyy.key [default: beside it].
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where to write what was captured. It holds the keys of calls: keep it as a secret.
    #[arg(short = 'w', long, value_name = "FILE")]
    write: PathBuf,
}

/// A file that does not open.
pub struct Unreadable(pub String);

impl Explain for Unreadable {
    fn message(&self) -> &'static Message {
        &said::CAPTURE_UNREADABLE
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("why", self.0.clone())]
    }
}

/// Fetches it, with its key.
pub fn fetch(args: &FetchArgs, daemon: &Daemon, style: Style) -> Result {
    // The first answer says whether there is such a day.
    for (key, ending) in [(false, "pkt"), (true, "key")] {
        let mut octets = Zeroizing::new(Vec::new());
        loop {
            let (day, offset) = (args.day.clone(), octets.len() as u64);
            let piece = daemon.ask(style, &FetchCapture { day, key, offset })?;
            let piece = Base64::decode_vec(&piece.octets);
            let piece = Zeroizing::new(piece.map_err(|error| Failure::failed(error.to_string()))?);
            if piece.is_empty() {
                break;
            }
            octets.extend_from_slice(&piece);
        }
        let path = args.directory.join(format!("{}.{ending}", args.day));
        durable::replace(&path, &octets, Readers::Owner)?;
        println!("{}", path.display());
    }
    Ok(Outcome::Done)
}

/// Opens it.
pub fn open(args: &OpenArgs, style: Style) -> Result {
    let (records, unfinished) = records(&args.file, args.key.as_deref(), style)?;
    let mut out = private(&args.write)?;
    let mut conversation = Conversation::default();
    let mut writer = conversation::writer(&mut out)?;
    for record in &records {
        conversation.write(&mut writer, record)?;
    }
    out.flush()?;
    let counts: [(&str, &dyn std::fmt::Display); 2] =
        [("count", &records.len()), ("file", &args.write.display())];
    println!("{}", WRITTEN.fill(style.language, &counts));
    if let Some(why) = unfinished {
        eprintln!("{why}");
        return Ok(Outcome::Partial);
    }
    Ok(Outcome::Done)
}

/// The records of the file of a day, and what is to be said if it has no end.
pub fn records(
    file: &Path,
    key: Option<&Path>,
    style: Style,
) -> std::result::Result<(Vec<Record>, Option<String>), Failure> {
    let unreadable = |path: &Path, why: &dyn std::fmt::Display| {
        let why = format!("{}: {why}", path.display());
        Failure::explained(&Unreadable(why), style.language)
    };
    let key_file = key.map_or_else(|| file.with_extension("key"), Path::to_owned);
    let text = fs::read_to_string(&key_file).map(Zeroizing::new);
    let text = text.map_err(|error| unreadable(&key_file, &error))?;
    let key = DayKey::from_text(&text).map_err(|error| unreadable(&key_file, &error))?;
    let input = File::open(file).map_err(|error| unreadable(file, &error))?;
    let opener = Opener::new(BufReader::new(input), &key);
    let mut records = Vec::new();
    for record in opener.map_err(|error| unreadable(file, &error))? {
        match record {
            Ok(record) => records.push(record),
            // What is whole is worth having.
            Err(error @ SealedError::Unfinished(_)) => {
                return Ok((records, Some(format!("{}: {error}", file.display()))));
            }
            Err(error) => return Err(unreadable(file, &error)),
        }
    }
    Ok((records, None))
}

/// A file for what only its owner may read.
pub fn private(path: &Path) -> std::io::Result<BufWriter<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(BufWriter::new(file))
}

const WRITTEN: Text = Text::new(
    "{count} messages in {file}, with the keys of their calls: keep it as a secret.",
    "{count} 件のメッセージを {file} に書き込みました。通話の鍵を含むため、秘密として扱ってください。",
);
