use std::error::Error;
use std::io;

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;

/// An AF_XDP port that cannot be opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum XdpError {
    /// The BPF object was not there when this program was built.
    #[error(
        "this binary was built without the XDP program; run `cargo xtask setup` and build it again"
    )]
    NoObject,
    /// There is no such interface in this network namespace.
    #[error("there is no network interface `{0}` here; `ip link` lists those there are")]
    NoInterface(String),
    /// A right is missing.
    #[error(
        "not permitted to {action}: that needs {capability}; run as root, or give the service the \
         capability (systemd: AmbientCapabilities={capability})"
    )]
    NotPermitted {
        /// What was refused.
        action: &'static str,
        /// The capabilities it takes.
        capability: &'static str,
    },
    /// Somebody else's XDP program is on the interface.
    #[error(
        "`{0}` has an XDP program already, which is left alone; `ip link show dev {0}` shows it, \
         `ip link set dev {0} xdp off` removes it"
    )]
    Occupied(String),
    /// The kernel takes the program in no mode that was asked for.
    #[error(
        "`{interface}` does not take the XDP program ({modes}); its MTU may be too large for XDP \
         (at most about 3500 bytes, also at the other end of a veth), or LRO is on"
    )]
    Attach {
        /// The interface.
        interface: String,
        /// Each mode that was tried and what the kernel said.
        modes: String,
    },
    /// The kernel refuses to load the program.
    #[error("the kernel refuses the XDP program: {}", with_causes(&**.0))]
    Load(Box<EbpfError>),
    /// Media addresses or sockets do not fit their map.
    #[error("the tables of the XDP program cannot be filled: {}", with_causes(.0))]
    Map(MapError),
    /// The queue does not exist, or another socket has it.
    #[error(
        "queue {queue} of `{interface}` cannot be used: {cause}; `ethtool -l {interface}` tells \
         how many queues there are, and one AF_XDP socket at a time can have each"
    )]
    Queue {
        /// The interface.
        interface: String,
        /// The receive queue.
        queue: u32,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The packet memory cannot be pinned.
    #[error(
        "cannot register {bytes} bytes of packet memory: {cause}; raise the limit of locked \
         memory (systemd: LimitMEMLOCK=infinity, shell: `ulimit -l unlimited`)"
    )]
    Memory {
        /// Bytes of the pool.
        bytes: usize,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A port can share memory only with one of the same pool.
    #[error("the port to share packet memory with has memory of another pool")]
    OtherPool,
    /// AF_XDP itself does not work.
    #[error("cannot {action}: {cause}")]
    Socket {
        /// What was tried.
        action: &'static str,
        /// What the kernel said.
        cause: io::Error,
    },
}

impl XdpError {
    pub(crate) fn load(error: EbpfError) -> Self {
        if is_permission(&error) {
            return Self::NotPermitted {
                action: "load an XDP program",
                capability: "CAP_BPF CAP_NET_ADMIN",
            };
        }
        Self::Load(Box::new(error))
    }

    pub(crate) fn load_program(error: ProgramError) -> Self {
        Self::load(EbpfError::ProgramError(error))
    }

    pub(crate) fn socket(action: &'static str, cause: impl Into<io::Error>) -> Self {
        let cause = cause.into();
        if cause.kind() == io::ErrorKind::PermissionDenied {
            return Self::NotPermitted { action, capability: "CAP_NET_RAW" };
        }
        Self::Socket { action, cause }
    }
}

impl From<MapError> for XdpError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

/// An error and what caused it, in one line: ours are shown as they are, without their causes.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The number the kernel gave, wherever in the chain of causes it is.
pub(crate) fn os_error(error: &(dyn Error + 'static)) -> Option<i32> {
    causes(error).find_map(|error| error.downcast_ref().and_then(io::Error::raw_os_error))
}

/// The error itself, what caused it, and so on.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn is_permission(error: &(dyn Error + 'static)) -> bool {
    matches!(os_error(error), Some(libc::EPERM | libc::EACCES))
}
