//! A telephone to look at and to press.

use std::io::{BufRead, IsTerminal, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use crossbeam_channel::{Receiver, TryRecvError, unbounded};
use lang::Language;
use mio::Waker;
use ratatui::crossterm::event::{self, Event};
use ringfence_phone::connection::KeyLog;
use ringfence_phone::crew::{Desk, Home, Settings};
use ringfence_phone::office::Manners;
use ringfence_phone::screen::{Act, Button, Screen};

use crate::crew::Style;

const HELP: &str = "A terminal shows the phone's screen; its last row says which key is which button.

Without a terminal, in a pipe, each line of the input is buttons, and the screen is printed after it:
  f1 to f4      soft keys                  f5 to f12  line buttons
  h s m i e     handset, speaker, messages, information, settings
  + -           volume                     up down select back
  1002          digits
  wait TEXT     until the screen shows it; without it in time the exit code is 1
The phone is switched off when the input ends.

Example:
  printf 'wait 1001\\nh\\n1002\\nwait Connected\\n' |
    ringfence-phone screen device=SEP001122334455 server=192.0.2.10";

#[derive(Args)]
#[command(after_long_help = HELP)]
pub struct ScreenArgs {
    /// How the phone is, as a script of `crew` defines it: device=SEP… model=7960 tftp=ADDRESS
    /// flash=DIRECTORY, or server=ADDRESS for a non-secure one
    #[arg(required = true, value_name = "KEY=VALUE")]
    definition: Vec<String>,
    /// Which TLS it speaks
    #[arg(long, default_value = "old")]
    tls: Style,
    /// Append the secrets of TLS sessions to this file, for Wireshark
    #[arg(long)]
    keylog: Option<PathBuf>,
    /// UDP ports for media, FIRST-LAST
    #[arg(long, default_value = "16384-32767", value_parser = super::crew::ports)]
    ports: RangeInclusive<u16>,
    /// en or ja [default: as the environment says]
    #[arg(long, value_parser = language)]
    language: Option<Language>,
}

/// How often the time on the screen is looked at.
const TICK: Duration = Duration::from_millis(250);

/// How long something may take that a line of input begins, before the screen is printed.
const SETTLING: Duration = Duration::from_millis(150);

/// How long a text is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it takes its leave of its server.
const LEAVING: Duration = Duration::from_millis(500);

impl ScreenArgs {
    /// Whether all that was waited for was to be seen.
    pub fn run(self) -> Result<bool> {
        let words: Vec<&str> = self.definition.iter().map(String::as_str).collect();
        let log = self.keylog.as_ref().map(|path| {
            KeyLog::open(path).with_context(|| format!("cannot write {}", path.display()))
        });
        let manners = Manners { style: self.tls.style(), log: log.transpose()? };
        let member = Home::parse(&words)?.member(&manners)?;
        let mut desk =
            Desk::new(Settings { manners, ports: self.ports, ..Settings::default() }, member)?;
        let from_environment = || Language::from_environment(|name| std::env::var(name).ok());
        let screen = Screen::new(self.language.unwrap_or_else(from_environment));
        desk.start();
        if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            on_terminal(&mut desk, screen)?;
            return Ok(true);
        }
        in_pipe(&mut desk, screen)
    }
}

fn language(tag: &str) -> Result<Language, String> {
    Language::from_tag(tag).ok_or_else(|| "there are en and ja".to_owned())
}

fn on_terminal(desk: &mut Desk, mut screen: Screen) -> Result<()> {
    let input = read_in_thread(desk.waker(), event::read)?;
    let mut terminal = ratatui::try_init().context("cannot use the terminal")?;
    let done = loop {
        look(desk, &mut screen);
        let drawn = terminal.draw(|frame| {
            screen.draw(&desk.view(), frame.area(), frame.buffer_mut());
        });
        if let Err(error) = drawn {
            break Err(error).context("cannot draw");
        }
        if let Err(error) = desk.turn(Instant::now() + TICK) {
            break Err(error.into());
        }
        let gone = loop {
            match input.try_recv() {
                Ok(Event::Key(key)) => {
                    let button = Button::of(&key);
                    if button.is_some_and(|button| !press(desk, &mut screen, button)) {
                        break true;
                    }
                }
                Ok(_) => {}
                Err(error) => break error == TryRecvError::Disconnected,
            }
        };
        if gone {
            break Ok(());
        }
    };
    ratatui::try_restore().context("cannot leave the terminal as it was")?;
    done.and_then(|()| leave(desk))
}

fn in_pipe(desk: &mut Desk, mut screen: Screen) -> Result<bool> {
    let input = read_in_thread(desk.waker(), || {
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(line),
            Err(error) => Err(error),
        }
    })?;
    loop {
        match input.try_recv() {
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                desk.turn(Instant::now() + TICK)?;
                look(desk, &mut screen);
            }
            Ok(line) => {
                let line = line.trim();
                if let Some(text) = line.strip_prefix("wait ") {
                    if !wait(desk, &mut screen, text)? {
                        eprintln!("the screen does not show {text:?}");
                        print(desk, &mut screen)?;
                        leave(desk)?;
                        return Ok(false);
                    }
                } else if !press_all(desk, &mut screen, line)? {
                    break;
                }
                print(desk, &mut screen)?;
            }
        }
    }
    leave(desk)?;
    Ok(true)
}

/// Presses the buttons of a line; `false` if one of them pulls the plug.
fn press_all(desk: &mut Desk, screen: &mut Screen, line: &str) -> Result<bool> {
    for word in line.split_whitespace() {
        let Some(buttons) = Button::of_word(word) else {
            eprintln!("no button {word:?}: see --help");
            continue;
        };
        for button in buttons {
            if !press(desk, screen, button) {
                return Ok(false);
            }
        }
    }
    let end = Instant::now() + SETTLING;
    while Instant::now() < end {
        desk.turn(end)?;
        look(desk, screen);
    }
    Ok(true)
}

/// Presses a button; `false` if it pulls the plug.
fn press(desk: &mut Desk, screen: &mut Screen, button: Button) -> bool {
    let acts = screen.press(&desk.view(), button);
    let quits = acts.contains(&Act::Quit);
    carry_out(desk, screen, acts);
    !quits
}

/// Looks at what has changed.
fn look(desk: &mut Desk, screen: &mut Screen) {
    screen.refresh(&desk.view());
    let due = screen.due(&desk.view());
    carry_out(desk, screen, due);
}

fn carry_out(desk: &mut Desk, screen: &mut Screen, acts: Vec<Act>) {
    for act in acts {
        if let Err(error) = desk.act(act) {
            screen.tell(&desk.view(), error.to_string());
        }
    }
}

/// Waits until a text is to be seen.
fn wait(desk: &mut Desk, screen: &mut Screen, text: &str) -> Result<bool> {
    let end = Instant::now() + PATIENCE;
    loop {
        look(desk, screen);
        if screen.text(&desk.view()).contains(text) {
            return Ok(true);
        }
        let now = Instant::now();
        if now >= end {
            return Ok(false);
        }
        desk.turn(end.min(now + TICK))?;
    }
}

fn print(desk: &mut Desk, screen: &mut Screen) -> Result<()> {
    look(desk, screen);
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", screen.text(&desk.view()))?;
    output.flush().context("cannot write")
}

fn leave(desk: &mut Desk) -> Result<()> {
    desk.act(Act::Quit)?;
    let end = Instant::now() + LEAVING;
    while Instant::now() < end && !desk.is_off() {
        desk.turn(end)?;
    }
    Ok(())
}

/// Reads input as it comes, until there is no more.
fn read_in_thread<T: Send + 'static>(
    waker: Arc<Waker>,
    mut read: impl FnMut() -> std::io::Result<T> + Send + 'static,
) -> Result<Receiver<T>> {
    let (sender, receiver) = unbounded();
    let read_all = move || {
        while let Ok(input) = read() {
            if sender.send(input).is_err() {
                break;
            }
            let _ = waker.wake();
        }
        drop(sender);
        let _ = waker.wake();
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read_all)?;
    Ok(receiver)
}
