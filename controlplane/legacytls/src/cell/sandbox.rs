//! The walls of the cell. Once they stand, whoever breaks OpenSSL has the connections of this
//! process and its key, and nothing else: no file, no new socket, no program, no debugger.
//!
//! The order matters: user, memory and files before there is a second thread; system calls at the
//! end, for all threads.

use std::collections::BTreeMap;
use std::os::unix::fs::chown;

use anyhow::{Context, Result, bail, ensure};
use landlock::{
    ABI, Access, AccessFs, AccessNet, RestrictionStatus, Ruleset, RulesetAttr, RulesetStatus,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Uid, geteuid, set_dumpable_behavior, setrlimit,
};
use rustix::thread::set_no_new_privs;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::Config;

/// Becomes the user of the configuration if started by root, and gives controld's user the socket;
/// says who that is.
pub fn become_nobody(config: &Config) -> Result<Uid> {
    let named = config.controld_user.as_deref();
    let caller = named.map(|name| {
        privilege::users::by_name(name)
            .with_context(|| format!("there is no user `{name}` ([legacytls] controld_user)"))
    });
    let caller = caller.transpose()?;
    if !geteuid().is_root() {
        return Ok(caller.map_or(geteuid(), |user| user.uid));
    }
    let Some(name) = &config.user else {
        bail!(
            "it does not run as root: set `user` in [legacytls] to the name of an unprivileged \
             user that nothing else runs as"
        );
    };
    let user = privilege::unprivileged(name, "[legacytls] user")?;
    let caller = caller.map_or(user.uid, |user| user.uid);
    chown(&config.socket, Some(caller.as_raw()), None)
        .with_context(|| format!("cannot give {} away", config.socket.display()))?;
    privilege::become_user(&user)?;
    Ok(caller)
}

/// No core dump, no debugger.
pub fn keep_memory_private() -> Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_no_new_privs(true)?;
    Ok(())
}

/// Has libraries read now what they would read later.
pub fn warm_up() {
    openssl::init();
    let mut byte = [0];
    // Without random numbers every handshake fails, and says so.
    let _ = openssl::rand::rand_bytes(&mut byte);
}

/// From here on no file can be opened, and no port bound or called, by this thread and those that
/// it starts. False where the kernel has no Landlock: there [`forbid_system_calls`] stands alone.
pub fn forget_files() -> Result<bool> {
    let abi = ABI::V4;
    let status: RestrictionStatus = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .context("Landlock refuses")?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// From here on all threads can do what they need, and nothing else: other calls fail.
pub fn forbid_system_calls() -> Result<()> {
    let program = filter().context("the filter of system calls cannot be built")?;
    seccompiler::apply_filter_all_threads(&program)
        .context("the filter of system calls cannot be set: the kernel needs CONFIG_SECCOMP_FILTER")
}

/// System calls that stay, whatever their arguments.
const ALLOWED: &[i64] = &[
    // Connections, and the link.
    libc::SYS_accept4,
    libc::SYS_socketpair,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_close,
    // Who is at the other end, and TCP_NODELAY.
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    // Reading the key.
    libc::SYS_pread64,
    // Making sockets not block.
    libc::SYS_fcntl,
    // Waiting.
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    // Memory; see also `without_code`.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // OpenSSL: random numbers, and whether it was forked.
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // Panics and the end.
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

fn filter() -> Result<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_mmap, without_code()?);
    rules.insert(libc::SYS_mprotect, without_code()?);
    rules.insert(libc::SYS_ioctl, vec![equal(1, libc::FIONBIO)?]);
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, denied, SeccompAction::Allow, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    ensure!(!program.is_empty(), "the filter is empty");
    Ok(program)
}

/// Memory that does not become code.
fn without_code() -> Result<Vec<SeccompRule>> {
    let execute = u64::from(libc::PROT_EXEC.unsigned_abs());
    let no_code =
        SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(execute), 0)?;
    Ok(vec![SeccompRule::new(vec![no_code])?])
}

fn equal(argument: u8, value: u64) -> Result<SeccompRule> {
    let equal = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?;
    Ok(SeccompRule::new(vec![equal])?)
}
