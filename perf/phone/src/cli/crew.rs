//! Telephones that do what a script says.

use std::io::{BufRead, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use crossbeam_channel::{Receiver, unbounded};
use ringfence_phone::connection::KeyLog;
use ringfence_phone::crew::{Command, Crew, Settings, run};
use ringfence_phone::office::{Manners, TlsStyle};
use serde_json::json;

/// The language, for `--help`.
pub const LANGUAGE: &str = r#"A script has a command per line; # begins a comment.

  phone NAME device=SEP… model=7960 tftp=ADDRESS flash=DIRECTORY
             a phone that starts as phones do: files, CAPF, registration
  phone NAME device=SEP… model=7970 server=ADDRESS[:PORT] …
             a non-secure phone that was told its servers, the first one preferred
             more for both: source=ADDRESS  tls=old|modern  string=DIGITS (for CAPF)
             says=voice:N|tone:HERTZ|silence|FILE.wav (each has a voice of its own otherwise)
  phone NAME device=CiscoUM1-VI1 server=ADDRESS[:PORT] …
             a port of the voicemail server CiscoUM1: answers, records, plays back by itself
             mode=non-secure|authenticated|encrypted  identity=FILE (key and certificate, PEM)
             trusts=FILE (the server's certificate, DER)  lamp=ON,OFF (numbers that switch lamps)

  NAME registers             starts, and waits until it is served
  NAME starts                the same without waiting
  NAME leaves | loses power
  NAME dials NUMBER          lifts the handset and presses digits
  NAME calls NUMBER          from a list
  NAME answers               what rings, or will ring
  NAME types DIGITS
  NAME lifts | hangs up
  NAME holds | resumes | transfers | confers | barges | cbarges | redials
  NAME presses LABEL         a soft key, as soon as it is shown
  NAME presses speaker | line N | speed-dial N
  NAME says TRACK
  NAME enters STRING         the authentication string, for its next start

  expect NAME [not] WHAT [within TIME]        (wait NAME … is the same)
    registered [N] | rejected [TEXT] | stays [TEXT] | idle | ringing | connected | held
    state STATE | icon lock|shield|none | shows TEXT | party NUMBER | tone TONE|none
    key LABEL | lamp LINE on|off|blink|wink | messages | lsc
    hears music|silence|tone|nothing|NAME|TRACK | encrypted | plain

  show NAME                  all that it shows, with its media
  sleep TIME                 200ms, 5s, 2m

Example:
  phone a device=SEP001122334455 model=7970 tftp=10.0.0.10 flash=/tmp/a source=10.0.0.21
  phone b device=SEP001122334466 model=7960 tftp=10.0.0.10 flash=/tmp/b source=10.0.0.22
  a registers
  b registers
  a dials 1002
  b answers
  expect a icon lock
  expect a hears b
  a holds
  expect b hears music
  a resumes
  expect b encrypted
  a hangs up
  expect b idle"#;

#[derive(Args)]
#[command(after_long_help = LANGUAGE)]
pub struct CrewArgs {
    /// The script; - is the standard input
    #[arg(required_unless_present = "control")]
    script: Option<PathBuf>,
    /// Take commands from the standard input as they come, and print what happens as it happens:
    /// a JSON object per line. The crew goes home when the input ends
    #[arg(long, conflicts_with = "script")]
    control: bool,
    /// Print the report as JSON: steps, events, and what each phone showed in the end
    #[arg(long)]
    json: bool,
    /// Which TLS phones speak that do not say otherwise
    #[arg(long, default_value = "old")]
    tls: Style,
    /// Append the secrets of TLS sessions to this file, for Wireshark
    #[arg(long)]
    keylog: Option<PathBuf>,
    /// Seconds to wait for what a command needs or expects, if it does not say
    #[arg(long, default_value_t = 10.0)]
    patience: f64,
    /// UDP ports for media, FIRST-LAST
    #[arg(long, default_value = "16384-32767", value_parser = ports)]
    ports: RangeInclusive<u16>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Style {
    /// TLS 1.0 with NULL-SHA or AES128-SHA, as phones of the 79xx family
    Old,
    /// TLS 1.3
    Modern,
}

impl CrewArgs {
    pub fn run(self) -> Result<bool> {
        let mut crew = Crew::new(self.settings()?)?;
        if self.control {
            return control(&mut crew);
        }
        let path = self.script.context("name a script")?;
        let script = if path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())?
        } else {
            let text = std::fs::read_to_string(&path);
            text.with_context(|| format!("cannot read {}", path.display()))?
        };
        let report = run(&mut crew, &script, |step| {
            if self.json {
                return;
            }
            let mark = if step.failure.is_none() { "ok" } else { "FAILED" };
            println!("{mark:>6} {:>9.1} ms  {}", step.ms, step.command);
            if let Some(failure) = &step.failure {
                println!("        {failure}");
            }
            if !step.answer.is_null() {
                println!("{:#}", step.answer);
            }
        });
        let report = report.map_err(|error| anyhow!("{}: {error}", path.display()))?;
        if self.json {
            println!("{}", report.to_json());
        }
        Ok(report.is_good())
    }

    fn settings(&self) -> Result<Settings> {
        if !(0.01..=3600.0).contains(&self.patience) {
            bail!("--patience is between 0.01 and 3600 seconds");
        }
        let log = self.keylog.as_ref().map(|path| {
            KeyLog::open(path).with_context(|| format!("cannot write {}", path.display()))
        });
        let style = self.tls.style();
        Ok(Settings {
            manners: Manners { style, log: log.transpose()? },
            ports: self.ports.clone(),
            patience: Duration::from_secs_f64(self.patience),
        })
    }
}

impl Style {
    pub fn style(self) -> TlsStyle {
        match self {
            Self::Old => TlsStyle::Legacy,
            Self::Modern => TlsStyle::Modern,
        }
    }
}

/// Commands as they come; everything goes out as lines of JSON.
fn control(crew: &mut Crew) -> Result<bool> {
    let lines = commands(crew)?;
    crew.watch(|happening| say(&happening));
    let (mut good, mut number) = (true, 0);
    loop {
        match lines.try_recv() {
            Ok(line) => {
                number += 1;
                let step = match Command::parse(&line) {
                    Ok(None) => continue,
                    Ok(Some(command)) => crew.step(number, line.trim(), &command).to_json(),
                    Err(error) => {
                        json!({ "command": line, "ok": false, "error": error.to_string() })
                    }
                };
                good &= step["ok"] == json!(true);
                say(&step);
            }
            Err(error) if error.is_disconnected() => return Ok(good),
            Err(_) => crew.turn(Instant::now() + A_WHILE)?,
        }
    }
}

/// The waker ends it earlier.
const A_WHILE: Duration = Duration::from_secs(3600);

fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever listened may have gone; the end of the input ends us, too.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Lines of the standard input; each wakes the crew.
fn commands(crew: &Crew) -> Result<Receiver<String>> {
    let (lines, received) = unbounded();
    let waker = crew.waker();
    std::thread::Builder::new().name("commands".to_owned()).spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
            let _ = waker.wake();
        }
        drop(lines);
        let _ = waker.wake();
    })?;
    Ok(received)
}

pub fn ports(range: &str) -> Result<RangeInclusive<u16>, String> {
    let wrong = || "ports are FIRST-LAST, for instance 16384-32767".to_owned();
    let (first, last) = range.split_once('-').ok_or_else(wrong)?;
    let (first, last) = first.parse().ok().zip(last.parse().ok()).ok_or_else(wrong)?;
    if first < last { Ok(first..=last) } else { Err(wrong()) }
}
