//! Which processor does what: load is made and counted on one, what is measured runs on the other.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::net::Namespace;
use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, Pid, gettid, sched_setaffinity};

/// Makes packets, and counts those that return.
pub(crate) const OTHERS: usize = 0;

/// Has what is measured to itself.
pub(crate) const MEASURED: usize = 1;

/// Fails where there are not two processors.
pub(crate) fn check() -> Result<()> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    ensure!(count >= 2, "this is measured with two processors; this machine has {count}");
    Ok(())
}

/// The strongest wish short of real time: what else the machine does is not to be measured.
const NICE: i32 = -20;

/// Of receiving, which goes before sending on one processor: frames are counted before more are
/// made, because the queue between is short. A kernel thread that receives sleeps when there is
/// nothing. And of what is measured, which has a processor to itself.
const REAL_TIME: i32 = 1;

/// Where the kernel shares time between sessions first, and inside them by niceness.
const AUTOGROUP: &str = "/proc/self/autogroup";

/// Precedence of this session over others, until dropped.
pub(crate) struct Precedence(());

impl Precedence {
    /// As far as the kernel grants it: an idle machine does not need it.
    pub(crate) fn take() -> Self {
        let _ = fs::write(AUTOGROUP, NICE.to_string());
        Self(())
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        let _ = fs::write(AUTOGROUP, "0");
    }
}

/// Binds the calling thread.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    bind(gettid(), cpu)?;
    setpriority_process(None, NICE).context("cannot raise the priority of a thread")
}

/// Binds the calling thread, and what it starts, as they are.
pub(crate) fn bind_here(cpu: usize) -> Result<()> {
    bind(gettid(), cpu)
}

/// Gives a processor to the calling thread until it ends. Latencies would else be those of the
/// scheduler wherever the machine has something else to do.
pub(crate) fn own(cpu: usize) -> Result<()> {
    bind(gettid(), cpu)?;
    make_real_time(gettid())
}

/// Makes a veth receive as a network card does, in bursts, also without an XDP program.
pub(crate) fn receive_by_napi(namespace: &Namespace, interface: &str) -> Result<()> {
    let status = namespace.command("ethtool").args(["-K", interface, "gro", "on"]).status()?;
    ensure!(status.success(), "cannot switch GRO of {interface} on");
    Ok(())
}

/// Lets the kernel receive from an interface in a thread of its own, on `cpu`. The interface receives
/// in bursts already.
pub(crate) fn receive_on(namespace: &Namespace, interface: &str, cpu: usize) -> Result<()> {
    let script = format!("echo 1 > /sys/class/net/{interface}/threaded");
    let status = namespace.command("sh").args(["-c", &script]).status()?;
    ensure!(status.success(), "cannot set `threaded` of {interface}");
    for thread in kernel_threads(&format!("napi/{interface}-"))? {
        bind(thread, cpu)?;
        make_real_time(thread)?;
    }
    Ok(())
}

/// What this thread has had of its core: whoever else is on the machine does not count.
pub(crate) fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What the kernel's threads that receive from an interface have had of processors.
pub(crate) fn receiving_time(interface: &str) -> Result<Duration> {
    let times = kernel_threads(&format!("napi/{interface}-"))?.into_iter().map(|thread| {
        let path = format!("/proc/{}/schedstat", thread.as_raw_nonzero());
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
        nanoseconds.map(Duration::from_nanos).with_context(|| format!("{path}: {text}"))
    });
    times.sum()
}

/// What a process has had of processors: all its threads together, also those that have ended.
pub(crate) fn time_of(pid: u32) -> Result<Duration> {
    let pid = i32::try_from(pid).context("no process has this number")?;
    let (mut clock, mut time) = (0, libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: the C library writes the number of a clock.
    let unknown = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    ensure!(unknown == 0, "process {pid} has no clock");
    // SAFETY: the kernel writes a time.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    ensure!(failed == 0, "the clock of process {pid}: {}", std::io::Error::last_os_error());
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

fn bind(thread: Pid, cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(Some(thread), &set)
        .with_context(|| format!("cannot bind a thread to CPU {cpu}"))
}

fn make_real_time(thread: Pid) -> Result<()> {
    let parameters = libc::sched_param { sched_priority: REAL_TIME };
    let thread = thread.as_raw_nonzero().get();
    // SAFETY: the kernel reads the parameters, which are there.
    let done = unsafe { libc::sched_setscheduler(thread, libc::SCHED_FIFO, &parameters) };
    if done != 0 {
        let error = std::io::Error::last_os_error();
        return Err(error).context("cannot give a thread real-time priority");
    }
    Ok(())
}

fn kernel_threads(prefix: &str) -> Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")?.flatten() {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if name.starts_with(prefix) {
            found.extend(pid.and_then(Pid::from_raw));
        }
    }
    Ok(found)
}
