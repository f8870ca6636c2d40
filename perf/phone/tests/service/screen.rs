//! The program on a terminal, as somebody sees it who sits before it.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringfence_phone::crew::{Command as Order, Crew, Settings};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use store::{DeviceSecurityMode, Model};

use crate::PATIENCE;
use crate::site::Site;

const A: &str = "SEP000000000001";
const B: &str = "SEP000000000002";

const ROWS: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// A terminal with a program on it.
struct Terminal {
    keyboard: File,
    shown: Arc<Mutex<vt100::Parser>>,
    program: Child,
}

impl Terminal {
    fn start(arguments: &[String]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let size =
            Winsize { ws_row: ROWS.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keyboard, size).unwrap();
        let line = || -> Stdio {
            ioctl_tiocgptpeer(&keyboard, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap().into()
        };
        let program = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_ringfence-phone"), "screen"])
            .args(arguments)
            .env("TERM", "xterm")
            .stdin(line())
            .stdout(line())
            .stderr(line())
            .spawn()
            .unwrap();
        let keyboard = File::from(keyboard);
        let shown = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
        let (mut output, screen) = (keyboard.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // It fails once nobody has the other end any more.
            while let Ok(length) = output.read(&mut buffer) {
                screen.lock().unwrap().process(&buffer[..length]);
            }
        });
        Self { keyboard, shown, program }
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        self.shown.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as wanted; the telephones of the crew go on meanwhile.
    fn sees(&self, crew: &mut Crew, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.text()) {
            assert!(Instant::now() < deadline, "{}", self.text());
            crew.pass(Duration::from_millis(20)).unwrap();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn perform(crew: &mut Crew, script: &str) {
    for line in script.lines() {
        let command = Order::parse(line).unwrap().unwrap();
        crew.perform(&command).unwrap_or_else(|failure| panic!("{line}: {failure}"));
    }
}

// R: GEN-09, GEN-11
#[test]
fn a_call_on_the_terminal_has_its_lock() {
    let mode = DeviceSecurityMode::Encrypted;
    let mut site = Site::new(&[(A, Model::M7970, mode), (B, Model::M7960, mode)]);
    let (files, homes) = site.serve(&[A, B]);
    let settings = Settings { patience: PATIENCE, ports: 26_500..=26_599, ..Settings::default() };
    let mut crew = Crew::new(settings).unwrap();
    let definition = |device: &str, model: &str, home: &Path| {
        let (tftp, flash) = (files.address, home.display());
        format!("device={device} model={model} tftp={tftp} flash={flash} tls=modern")
    };
    let b = definition(B, "7960", &homes[1]);
    perform(&mut crew, &format!("phone b {b}\nb registers"));

    let a = definition(A, "7970", &homes[0]);
    let options = ["--ports", "26600-26699", "--language", "en"].map(str::to_owned);
    let arguments: Vec<_> = a.split(' ').map(str::to_owned).chain(options).collect();
    let mut terminal = Terminal::start(&arguments);
    terminal.sees(&mut crew, |text| text.contains("NewCall"));
    terminal.types("h1002");
    terminal.sees(&mut crew, |text| text.contains("Ring Out"));
    assert!(!terminal.text().contains("[LOCK]"));
    perform(&mut crew, "b answers");
    terminal.sees(&mut crew, |text| text.contains("Connected") && text.contains("[LOCK]"));
    perform(&mut crew, "expect b encrypted\nb hangs up");
    terminal.sees(&mut crew, |text| text.contains("NewCall") && !text.contains("[LOCK]"));
    terminal.types("q");
    let status = terminal.program.wait().unwrap();
    assert!(status.success(), "{status}");
}
