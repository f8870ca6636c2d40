//! `ringfence capture`: signalling of encrypted calls captured, and media opened with its keys.

mod decrypt;
mod fetch;
mod live;
mod relay;
mod show;
mod tool;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use console::{PhoneFilter, RemoveCaptureTool, SetCapture, ShowCapture};
use store::CaptureMode;

use super::Asking;
use crate::Style;
use crate::failure::Result;
use crate::output::Format;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Capture signalling of devices from now on. Takes the role capture.
    Start {
        /// Phones, SEP and their MAC address; MGCP endpoints, ENDPOINT@GATEWAY or *@GATEWAY.
        #[arg(required_unless_present = "matching")]
        devices: Vec<String>,
        /// Phones that match, such as pool=Tokyo,model=7960; keys as the options of `phone list`.
        #[arg(long, value_name = "KEY=VALUE,…")]
        matching: Option<PhoneFilter>,
        /// real-time: to tools that are attached; batch: to the encrypted file of the day.
        #[arg(long, default_value = "batch")]
        mode: CaptureMode,
        /// Packet Capture Duration: minutes after which it stops by itself, 0 to 300.
        #[arg(long, value_name = "MINUTES", default_value = "60", allow_hyphen_values = true)]
        duration: String,
    },
    /// Stop capturing devices. Takes the role capture.
    Stop {
        /// Which ones.
        #[arg(required_unless_present = "all")]
        devices: Vec<String>,
        /// All that are captured.
        #[arg(long, conflicts_with = "devices")]
        all: bool,
    },
    /// Show what is captured, the files of the days and the tools that may attach.
    Show,
    /// Make a key and a certificate for this machine as a tool, and print its fingerprint.
    Certificate(tool::CertificateArgs),
    /// The tools that may attach to the stream. Takes the role capture.
    #[command(subcommand)]
    Tool(ToolVerb),
    /// Stream what is captured in real time to standard output, as pcapng: | wireshark -k -i -.
    Live(live::Args),
    /// Fetch the file of a day and its key. Takes the role capture.
    Fetch(fetch::FetchArgs),
    /// Open the file of a day with its key, and write what was captured as pcapng.
    Open(fetch::OpenArgs),
    /// Record the packets of one call in the relay of this machine, on both sides of it.
    Relay(relay::Args),
    /// Open recorded SRTP with the keys in captured signalling: RTP that Wireshark plays, and a WAV
    /// file for each direction.
    Decrypt(decrypt::Args),
}

#[derive(Subcommand)]
pub enum ToolVerb {
    /// Let a tool attach, for as long as you have the role capture.
    Add {
        /// What people call it.
        name: String,
        /// SHA-256 of its certificate, as `capture certificate` prints it there.
        #[arg(long, value_name = "HEX")]
        sha256: String,
    },
    /// Let a tool attach no more; one that is attached is cut off.
    Remove {
        /// What people call it.
        name: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::Start { devices, matching: filter, mode, duration: minutes } => {
            daemon.change(style, &SetCapture { devices, filter, mode, minutes })
        }
        Verb::Stop { devices, all: _ } => {
            let (filter, mode, minutes) = (None, CaptureMode::None, "0".to_owned());
            daemon.change(style, &SetCapture { devices, filter, mode, minutes })
        }
        Verb::Show => show::run(&daemon.ask(style, &ShowCapture {})?, style),
        Verb::Certificate(args) => tool::certificate(&args, style),
        Verb::Tool(ToolVerb::Add { name, sha256 }) => {
            daemon.change(style, &console::PutCaptureTool { name, sha256 })
        }
        Verb::Tool(ToolVerb::Remove { name }) => daemon.change(style, &RemoveCaptureTool { name }),
        Verb::Live(args) => live::run(&args, style),
        Verb::Fetch(args) => fetch::fetch(&args, &daemon, style),
        Verb::Open(args) => fetch::open(&args, style),
        Verb::Relay(args) => relay::run(&args, style),
        Verb::Decrypt(args) => decrypt::run(&args, style),
    }
}

/// The words of a command in which `-o FILE` names what is written, as with other programs that make
/// captures: everywhere else `-o` is the format of answers, and here it is too where it names one.
pub fn with_files(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<_> = words.collect();
    let noun = words.iter().position(|word| word == "capture");
    let makes_one = |word: &OsString| ["decrypt", "open", "relay"].iter().any(|verb| word == verb);
    let Some(verb) = noun.and_then(|noun| Some(noun + words[noun..].iter().position(makes_one)?))
    else {
        return words;
    };
    for at in verb + 1..words.len().saturating_sub(1) {
        let is_format = Format::from_str(&words[at + 1].to_string_lossy(), true).is_ok();
        if words[at] == "-o" && !is_format {
            words[at] = "--write".into();
        }
    }
    words
}

/// The directory of this machine's key as a tool.
fn identity(given: Option<&PathBuf>) -> std::result::Result<PathBuf, crate::failure::Failure> {
    match given {
        Some(directory) => Ok(directory.clone()),
        None => crate::state::file("capture"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_with_other_programs() {
        let of = |line: &str| {
            let words = with_files(line.split(' ').map(OsString::from)).into_iter();
            words.map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" ")
        };
        let made = of("ringfence capture decrypt --media m.pcapng -o out.pcapng");
        assert_eq!(made, "ringfence capture decrypt --media m.pcapng --write out.pcapng");
        for same in [
            "ringfence -o json capture decrypt --write out.pcapng",
            "ringfence capture decrypt -o json",
            "ringfence capture show -o json",
            "ringfence token list -o x",
        ] {
            assert_eq!(of(same), same);
        }
    }
}
