use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Link, Namespace, ip};

/// Everything a run makes, and its removal.
///
/// Dropping it removes all namespaces with the interfaces and processes in them; so does a panic
/// of the thread that owns it, and SIGINT or SIGTERM when [`Lab::remove_on_signals`] was called.
pub struct Lab {
    prefix: String,
    made: Arc<Mutex<Vec<String>>>,
    keep: bool,
    /// Held while the laboratory stands: two of one name would remove each other.
    lock: File,
}

impl Lab {
    /// Prepares a laboratory whose namespaces are all called `PREFIX-…`, and removes what an
    /// earlier one of that name left. With `keep` nothing is removed at the end.
    pub fn new(prefix: &str, keep: bool) -> Result<Self> {
        let lock = lock(prefix)?;
        for leftover in namespaces_of(prefix)? {
            remove(&leftover).with_context(|| format!("cannot remove the leftover {leftover}"))?;
        }
        Ok(Self { prefix: prefix.to_owned(), made: Arc::default(), keep, lock })
    }

    /// Removes everything when the process is told to end, and ends it.
    pub fn remove_on_signals(&self) -> Result<()> {
        let made = Arc::clone(&self.made);
        let keep = self.keep;
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot catch signals")?;
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                eprintln!("interrupted: removing the laboratory");
                // Held until the end: nothing more is made meanwhile.
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                remove_all(&mut made, keep);
                std::process::exit(128 + signal);
            }
        });
        Ok(())
    }

    /// Makes the namespace `PREFIX-NAME`, with its loopback up and IPv6 addresses usable at once.
    pub fn namespace(&self, name: &str) -> Result<Namespace> {
        let name = format!("{}-{name}", self.prefix);
        // Held while it is made: whoever removes everything sees it.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(name.clone());
        Namespace::make(name)
    }

    /// Joins two namespaces by a veth pair and gives its ends, both up.
    pub fn veth<'n>(
        &self,
        (a, a_name): (&'n Namespace, &str),
        (b, b_name): (&'n Namespace, &str),
    ) -> Result<(Link<'n>, Link<'n>)> {
        let (a_ns, b_ns) = (a.name(), b.name());
        ip(&format!("link add {a_name} netns {a_ns} type veth peer name {b_name} netns {b_ns}"))?;
        let ends = (a.link(a_name), b.link(b_name));
        ends.0.up()?;
        ends.1.up()?;
        Ok(ends)
    }

    /// What `--keep` leaves: the names of the namespaces.
    pub fn kept(&self) -> Option<Vec<String>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep.then(|| made.clone())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        remove_all(&mut self.made.lock().unwrap_or_else(PoisonError::into_inner), self.keep);
        // Closing is not enough: a program being started at this moment holds the file too, until
        // it runs. Failing is harmless, the file is closed right after.
        let _ = self.lock.unlock();
    }
}

fn remove_all(made: &mut Vec<String>, keep: bool) {
    if keep {
        return;
    }
    for name in made.drain(..).rev() {
        if let Err(error) = remove(&name) {
            eprintln!("cannot remove {name}: {error:#}");
        }
    }
}

/// Ends what runs in a namespace, then removes it; its interfaces go with it.
fn remove(name: &str) -> Result<()> {
    if !fs::exists(format!("/run/netns/{name}"))? {
        return Ok(());
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let pids = ip(&format!("netns pids {name}"))?;
        // A thread of this process may be visiting; the process itself is not to be ended.
        let strangers = pids.lines().filter_map(|pid| pid.trim().parse().ok());
        let strangers: Vec<i32> =
            strangers.filter(|pid| *pid != std::process::id() as i32).collect();
        if strangers.is_empty() {
            break;
        }
        for pid in strangers.into_iter().filter_map(Pid::from_raw) {
            // Gone already is as good as ended.
            let _ = kill_process(pid, Signal::KILL);
        }
        if Instant::now() > deadline {
            bail!("processes in {name} do not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
    ip(&format!("netns del {name}"))?;
    Ok(())
}

/// Namespaces that a laboratory of this name made.
fn namespaces_of(prefix: &str) -> Result<Vec<String>> {
    let list = ip("netns list")?;
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    let start = format!("{prefix}-");
    Ok(names.filter(|name| name.starts_with(&start)).map(str::to_owned).collect())
}

fn lock(prefix: &str) -> Result<File> {
    let directory = Path::new("/run/lock");
    let path = directory.join(format!("ringfence-{prefix}.lock"));
    // Not every machine has the directory from its start.
    let file = fs::create_dir_all(directory)
        .and_then(|()| File::options().create(true).truncate(false).write(true).open(&path))
        .with_context(|| format!("cannot make {}: the laboratory needs root", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another laboratory `{prefix}` is running; wait for it or end it")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
