//! For tests: the daemon as a process of its own, made of the test's own program. So tests of other
//! packages need not know where binaries are.
//!
//! ```no_run
//! use ringfence_datad::testing;
//!
//! // #[test]: not one by itself; the others run it in a process of its own.
//! fn becomes_the_relay() {
//!     testing::become_if_told();
//! }
//!
//! let relay = testing::Process::start("becomes_the_relay", "/tmp/ringfence.toml".as_ref());
//! ```

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names the configuration to the process that becomes the daemon.
const CONFIG: &str = "RINGFENCE_TEST_DATAD";

/// The daemon; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Runs this program again, with only the test of that name, which calls [`become_if_told`].
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn start(test: &str, config: &Path) -> Self {
        let program = std::env::current_exe().expect("a test has a program");
        let mut command = Command::new(program);
        command.args(["--exact", test, "--nocapture"]).env(CONFIG, config).stdout(Stdio::null());
        Self(command.spawn().expect("a program that runs can be run"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Is the daemon until a signal ends it, if [`Process::start`] has started this process.
///
/// # Panics
///
/// When the daemon fails.
pub fn become_if_told() {
    let Ok(config) = std::env::var(CONFIG) else { return };
    let file = settings::load::<crate::config::File>(Path::new(&config));
    crate::run(&file.expect("the test's configuration").datad).expect("the daemon runs");
}
