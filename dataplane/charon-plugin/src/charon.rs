//! The daemon that we are in: what it exports, and what we tell it.

use std::ffi::{CStr, CString, c_char, c_void};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use keying::feed::{DEFAULT_SOCKET, Notice};
use keying::xfrm::StateKey;

use crate::abi::{AcquireData, Chunk, Daemon, Host, Library};

const ESP: u8 = 50;
/// `DBG_KNL`.
const LOG_GROUP: u32 = 6;
/// Said always.
const LOG_LEVEL: i32 = 1;

type Log = unsafe extern "C" fn(u32, i32, *const c_char, ...);
type CreateHost = unsafe extern "C" fn(i32, Chunk, u16) -> *mut Host;

/// What charon and its libraries export.
pub struct Charon {
    /// Where it keeps what is there once it has begun.
    daemon: *const *mut Daemon,
    library: *const *mut Library,
    log: *const Log,
    create_host: CreateHost,
}

// SAFETY: these are addresses of variables and functions of the program, which stay where they are;
// what is behind them charon has made for several threads.
unsafe impl Send for Charon {}
// SAFETY: as above.
unsafe impl Sync for Charon {}

impl Charon {
    /// None when this process is no charon.
    pub fn find() -> Option<&'static Self> {
        static CHARON: OnceLock<Option<Charon>> = OnceLock::new();
        CHARON
            .get_or_init(|| {
                let create_host = symbol(c"host_create_from_chunk")?;
                Some(Self {
                    daemon: symbol(c"charon")?.cast(),
                    library: symbol(c"lib")?.cast(),
                    log: symbol(c"dbg")?.cast(),
                    // SAFETY: that is this function's type in strongSwan 5.9.
                    create_host: unsafe {
                        std::mem::transmute::<*const c_void, CreateHost>(create_host)
                    },
                })
            })
            .as_ref()
    }

    /// Says something in charon's log.
    pub fn log(&self, text: &str) {
        let Ok(text) = CString::new(text) else { return };
        // SAFETY: the variable holds the function that logs; the format takes one string.
        unsafe { (*self.log)(LOG_GROUP, LOG_LEVEL, c"%s".as_ptr(), text.as_ptr()) };
    }

    /// Where datad listens.
    pub fn socket(&self) -> PathBuf {
        let default = CString::new(DEFAULT_SOCKET).unwrap_or_default();
        // SAFETY: charon's library is there before its plugins; the key takes one string, its
        // namespace, and what comes back is the default or lives as long as the settings.
        let found = unsafe {
            let library = *self.library;
            let settings = (*library).settings;
            let key = c"%s.plugins.kernel-ringfence.socket".as_ptr();
            let found =
                ((*settings).get_str)(settings, key, default.as_ptr(), (*library).namespace);
            CStr::from_ptr(found)
        };
        PathBuf::from(std::ffi::OsStr::from_bytes(found.to_bytes()))
    }

    /// Tells what has happened to associations.
    pub fn tell(&self, notice: Notice) {
        match notice {
            Notice::Expired { key, hard } => self.expire(key, hard),
            Notice::Acquire { request } => self.acquire(request),
            Notice::Moved { key, to } => self.moved(key, to),
        }
    }

    /// An association is dead, or wants a successor.
    pub fn expire(&self, key: StateKey, hard: bool) {
        let Some(destination) = self.host(SocketAddr::new(key.destination, 0)) else { return };
        // SAFETY: charon has begun when there are associations; it keeps a copy of the host.
        unsafe {
            let kernel = (**self.daemon).kernel;
            ((*kernel).expire)(kernel, ESP, key.spi.to_be(), destination, hard);
            ((*destination).destroy)(destination);
        }
    }

    fn acquire(&self, request: u32) {
        let nothing = std::ptr::null_mut();
        let mut data =
            AcquireData { source: nothing, destination: nothing, label: std::ptr::null() };
        // SAFETY: charon has begun when there are policies; it copies the data.
        unsafe {
            let kernel = (**self.daemon).kernel;
            ((*kernel).acquire)(kernel, request, &raw mut data);
        }
    }

    fn moved(&self, key: StateKey, to: SocketAddr) {
        let Some(destination) = self.host(SocketAddr::new(key.destination, 0)) else { return };
        let Some(to) = self.host(to) else { return };
        // SAFETY: charon has begun when there are associations; it keeps copies of the hosts.
        unsafe {
            let kernel = (**self.daemon).kernel;
            ((*kernel).mapping)(kernel, ESP, key.spi.to_be(), destination, to);
            ((*destination).destroy)(destination);
            ((*to).destroy)(to);
        }
    }

    /// An address as charon has it; the caller frees it.
    fn host(&self, address: SocketAddr) -> Option<*mut Host> {
        let host = match address.ip() {
            IpAddr::V4(ip) => self.create(libc::AF_INET, &mut ip.octets(), address.port()),
            IpAddr::V6(ip) => self.create(libc::AF_INET6, &mut ip.octets(), address.port()),
        };
        (!host.is_null()).then_some(host)
    }

    fn create(&self, family: i32, octets: &mut [u8], port: u16) -> *mut Host {
        let chunk = Chunk { at: octets.as_mut_ptr(), len: octets.len() };
        // SAFETY: it copies as many octets as the family has, and these are as many.
        unsafe { (self.create_host)(family, chunk, port) }
    }
}

/// Charon's function that registers what does IPsec.
pub fn register_function() -> *const c_void {
    symbol(c"kernel_ipsec_register").unwrap_or(std::ptr::null())
}

fn symbol(name: &CStr) -> Option<*const c_void> {
    // SAFETY: a look-up by name in what the process has loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found.cast_const())
}
