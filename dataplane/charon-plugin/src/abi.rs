//! Structures and tables of methods of strongSwan 5.9, as the x86-64 and AArch64 ABIs lay them out.
//!
//! Only what we call or fill is named; the rest keeps the places right.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::marker::PhantomData;
use std::mem::{offset_of, size_of};

/// `status_t`.
pub mod status {
    /// It is done.
    pub const SUCCESS: u32 = 0;
    /// It is not.
    pub const FAILED: u32 = 1;
    /// We cannot.
    pub const NOT_SUPPORTED: u32 = 4;
    /// There is no such thing.
    pub const NOT_FOUND: u32 = 6;
}

/// `ipsec_mode_t`.
pub mod mode {
    /// Behind the IP header.
    pub const TRANSPORT: u32 = 1;
    /// Whole packets.
    pub const TUNNEL: u32 = 2;
}

/// `policy_dir_t`.
pub mod direction {
    /// To us.
    pub const IN: u32 = 0;
    /// From us.
    pub const OUT: u32 = 1;
}

/// `policy_type_t`: goes protected.
pub const POLICY_IPSEC: u32 = 1;

/// `kernel_feature_t`.
pub mod kernel_feature {
    /// Payloads can be filled up.
    pub const ESP_V3_TFC: u32 = 1;
    /// Policies need no change when associations are replaced.
    pub const NO_POLICY_UPDATES: u32 = 1 << 3;
}

/// `dscp_copy_t`: those with which the outer header has the inner one's service class.
pub const DSCP_COPIED_OUT: [u32; 2] = [0, 2];

/// `plugin_t`.
#[repr(C)]
pub struct Plugin {
    /// Tells the plugin's name.
    pub name: extern "C" fn(*mut Plugin) -> *const c_char,
    /// Tells what it provides, and how many entries that is.
    pub features: extern "C" fn(*mut Plugin, *mut *const Feature) -> c_int,
    /// Reads settings again.
    pub reload: extern "C" fn(*mut Plugin) -> bool,
    /// The end.
    pub destroy: extern "C" fn(*mut Plugin),
}

/// `plugin_feature_t`.
#[repr(C)]
pub struct Feature {
    kind: u32,
    what: u32,
    /// A function and its data, or a name.
    argument: [*const c_void; 2],
}

// SAFETY: it holds pointers to functions and literals, which never change.
unsafe impl Send for Feature {}
// SAFETY: as above.
unsafe impl Sync for Feature {}

impl Feature {
    const PROVIDE: u32 = 0;
    const CALLBACK: u32 = 4;
    const NONE: u32 = 0;
    const CUSTOM: u32 = 30;

    /// What follows is registered by calling a function with this.
    pub const fn callback(function: *const c_void, data: *const c_void) -> Self {
        Self { kind: Self::CALLBACK, what: Self::NONE, argument: [function, data] }
    }

    /// A feature with a name.
    pub const fn provide(name: &'static CStr) -> Self {
        let argument = [name.as_ptr().cast(), std::ptr::null()];
        Self { kind: Self::PROVIDE, what: Self::CUSTOM, argument }
    }
}

/// `chunk_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Chunk {
    /// Where.
    pub at: *mut u8,
    /// How many octets.
    pub len: usize,
}

/// `mark_t`.
#[repr(C)]
pub struct Mark {
    value: u32,
    mask: u32,
}

/// `host_t`: an address and a port.
#[repr(C)]
pub struct Host {
    clone: *const c_void,
    get_sockaddr: *const c_void,
    get_sockaddr_len: *const c_void,
    get_family: *const c_void,
    is_anyaddr: *const c_void,
    /// The address' octets.
    pub get_address: unsafe extern "C" fn(*mut Host) -> Chunk,
    /// The port.
    pub get_port: unsafe extern "C" fn(*mut Host) -> u16,
    set_port: *const c_void,
    ip_equals: *const c_void,
    equals: *const c_void,
    /// Frees it.
    pub destroy: unsafe extern "C" fn(*mut Host),
}

/// `traffic_selector_t`.
#[repr(C)]
pub struct TrafficSelector {
    get_subset: *const c_void,
    clone: *const c_void,
    /// The first address.
    pub get_from_address: unsafe extern "C" fn(*mut TrafficSelector) -> Chunk,
    /// The last address.
    pub get_to_address: unsafe extern "C" fn(*mut TrafficSelector) -> Chunk,
    /// The first port.
    pub get_from_port: unsafe extern "C" fn(*mut TrafficSelector) -> u16,
    /// The last port.
    pub get_to_port: unsafe extern "C" fn(*mut TrafficSelector) -> u16,
    get_type: *const c_void,
    /// The protocol; 0 for every one.
    pub get_protocol: unsafe extern "C" fn(*mut TrafficSelector) -> u8,
}

/// `enumerator_t` over pointers.
#[repr(C)]
pub struct Enumerator {
    /// Gives the next element.
    pub enumerate: unsafe extern "C" fn(*mut Enumerator, ...) -> bool,
    venumerate: *const c_void,
    /// Frees it.
    pub destroy: unsafe extern "C" fn(*mut Enumerator),
}

/// `linked_list_t`.
#[repr(C)]
pub struct LinkedList {
    get_count: *const c_void,
    /// Begins to go through it.
    pub create_enumerator: unsafe extern "C" fn(*mut LinkedList) -> *mut Enumerator,
}

/// `lifetime_cfg_t`: seconds, octets, packets; each life, rekey, jitter.
#[repr(C)]
pub struct LifetimeConfig {
    /// Three limits.
    pub limits: [LifetimeLimit; 3],
}

/// One limit of a lifetime.
#[repr(C)]
pub struct LifetimeLimit {
    /// Its end.
    pub life: u64,
    /// When a successor is wanted.
    pub rekey: u64,
    jitter: u64,
}

/// `kernel_ipsec_sa_id_t`.
#[repr(C)]
pub struct SaId {
    /// The end that sends.
    pub source: *mut Host,
    /// The end that receives.
    pub destination: *mut Host,
    /// In network order.
    pub spi: u32,
    /// In IP.
    pub protocol: u8,
    mark: Mark,
    interface: u32,
}

/// `kernel_ipsec_add_sa_t`.
#[repr(C)]
pub struct AddSa {
    /// Ties it to policies.
    pub request: u32,
    /// [`mode`].
    pub mode: u32,
    /// The traffic's senders.
    pub sources: *mut LinkedList,
    /// The traffic's receivers.
    pub destinations: *mut LinkedList,
    interface: *const c_char,
    /// Its limits.
    pub lifetime: *const LifetimeConfig,
    /// IKEv2's number of the cipher.
    pub cipher: u16,
    /// Its key.
    pub cipher_key: Chunk,
    /// IKEv2's number of the integrity algorithm.
    pub integrity: u16,
    /// Its key.
    pub integrity_key: Chunk,
    /// Packets of the replay window.
    pub window: u32,
    /// Octets that payloads are filled up to.
    pub padding: u32,
    /// Compression.
    pub compression: u16,
    compression_index: u16,
    /// Whether packets travel in UDP.
    pub encapsulates: bool,
    offload: u32,
    mark: Mark,
    label: *const c_void,
    /// Whether numbers have 64 bits.
    pub extended: bool,
    /// Whether the outer header has the inner one's "don't fragment".
    pub copy_df: bool,
    /// Whether congestion marks pass.
    pub copy_ecn: bool,
    /// `dscp_copy_t`.
    pub copy_dscp: u32,
    initiator: bool,
    /// Whether it is from the peer to us.
    pub inbound: bool,
    update: bool,
}

/// `kernel_ipsec_update_sa_t`.
#[repr(C)]
pub struct UpdateSa {
    compression_index: u16,
    /// The end that sends.
    pub source: *mut Host,
    /// The end that receives.
    pub destination: *mut Host,
    encapsulated: bool,
    /// Whether packets travel in UDP.
    pub encapsulates: bool,
    /// 0: as it is.
    pub request: u32,
}

/// `kernel_ipsec_policy_id_t`.
#[repr(C)]
pub struct PolicyId {
    /// [`direction`].
    pub direction: u32,
    /// The traffic's senders.
    pub source: *mut TrafficSelector,
    /// The traffic's receivers.
    pub destination: *mut TrafficSelector,
    mark: Mark,
    interface_id: u32,
    interface: *const c_char,
    label: *const c_void,
}

/// `kernel_ipsec_manage_policy_t`.
#[repr(C)]
pub struct ManagePolicy {
    /// [`POLICY_IPSEC`], or what goes around associations.
    pub kind: u32,
    /// Its class.
    pub priority: u32,
    manual_priority: u32,
    source: *mut Host,
    destination: *mut Host,
    /// The associations.
    pub sa: *const SaConfig,
}

/// `ipsec_sa_cfg_t`, as far as we look.
#[repr(C)]
pub struct SaConfig {
    mode: u32,
    /// Ties it to associations.
    pub request: u32,
}

/// `kernel_acquire_data_t`.
#[repr(C)]
pub struct AcquireData {
    /// What the packet's sender is; may be absent.
    pub source: *mut TrafficSelector,
    /// What its receiver is; may be absent.
    pub destination: *mut TrafficSelector,
    /// Absent.
    pub label: *const c_void,
}

/// `kernel_ipsec_t`: what we are to charon.
#[repr(C)]
pub struct KernelIpsec {
    /// [`kernel_feature`].
    pub get_features: extern "C" fn(*mut KernelIpsec) -> u32,
    /// Chooses an SPI, in network order.
    pub get_spi: extern "C" fn(*mut KernelIpsec, *mut Host, *mut Host, u8, *mut u32) -> u32,
    /// Chooses an index of compression.
    pub get_cpi: extern "C" fn(*mut KernelIpsec, *mut Host, *mut Host, *mut u16) -> u32,
    /// Adds an association.
    pub add_sa: extern "C" fn(*mut KernelIpsec, *const SaId, *const AddSa) -> u32,
    /// Moves one.
    pub update_sa: extern "C" fn(*mut KernelIpsec, *const SaId, *const UpdateSa) -> u32,
    /// Tells octets, packets and when one was used last.
    pub query_sa: extern "C" fn(
        *mut KernelIpsec,
        *const SaId,
        *const c_void,
        *mut u64,
        *mut u64,
        *mut c_long,
    ) -> u32,
    /// Removes one.
    pub del_sa: extern "C" fn(*mut KernelIpsec, *const SaId, *const c_void) -> u32,
    /// Removes all.
    pub flush_sas: extern "C" fn(*mut KernelIpsec) -> u32,
    /// Adds a policy.
    pub add_policy: extern "C" fn(*mut KernelIpsec, *const PolicyId, *const ManagePolicy) -> u32,
    /// Tells when a policy was used last.
    pub query_policy:
        extern "C" fn(*mut KernelIpsec, *const PolicyId, *const c_void, *mut c_long) -> u32,
    /// Removes one.
    pub del_policy: extern "C" fn(*mut KernelIpsec, *const PolicyId, *const ManagePolicy) -> u32,
    /// Removes all.
    pub flush_policies: extern "C" fn(*mut KernelIpsec) -> u32,
    /// Lets a socket's packets pass in clear.
    pub bypass_socket: extern "C" fn(*mut KernelIpsec, c_int, c_int) -> bool,
    /// Takes ESP out of a socket's datagrams.
    pub enable_udp_decap: extern "C" fn(*mut KernelIpsec, c_int, c_int, u16) -> bool,
    /// The end.
    pub destroy: extern "C" fn(*mut KernelIpsec),
}

/// `daemon_t`, as far as we look.
#[repr(C)]
pub struct Daemon {
    socket: *const c_void,
    /// What events are told.
    pub kernel: *mut KernelInterface,
}

/// `kernel_interface_t`.
#[repr(C)]
pub struct KernelInterface {
    /// 34 methods that we do not call.
    others: [*const c_void; 34],
    /// A packet wants an association.
    pub acquire: unsafe extern "C" fn(*mut KernelInterface, u32, *mut AcquireData),
    /// An association has reached a limit.
    pub expire: unsafe extern "C" fn(*mut KernelInterface, u8, u32, *mut Host, bool),
    /// A peer has moved.
    pub mapping: unsafe extern "C" fn(*mut KernelInterface, u8, u32, *mut Host, *mut Host),
}

/// `library_t`, as far as we look.
#[repr(C)]
pub struct Library {
    get: *const c_void,
    set: *const c_void,
    /// The daemon's name in settings.
    pub namespace: *const c_char,
    /// 18 members that we do not use.
    others: [*const c_void; 18],
    /// What is in `strongswan.conf`.
    pub settings: *mut Settings,
}

/// `settings_t`, as far as we look.
#[repr(C)]
pub struct Settings {
    /// The text of a key, or the default; the key is a format.
    pub get_str:
        unsafe extern "C" fn(*mut Settings, *const c_char, *const c_char, ...) -> *const c_char,
}

/// What a list of pointers gives out.
pub struct Elements<'a, T> {
    enumerator: *mut Enumerator,
    list: PhantomData<&'a T>,
}

impl<T> Elements<'_, T> {
    /// # Safety
    ///
    /// `list` must be absent or a list of pointers to `T` that lives longer than this.
    pub unsafe fn of(list: *mut LinkedList) -> Self {
        let enumerator = if list.is_null() {
            std::ptr::null_mut()
        } else {
            // SAFETY: the list is one, as the caller says.
            unsafe { ((*list).create_enumerator)(list) }
        };
        Self { enumerator, list: PhantomData }
    }
}

impl<T> Iterator for Elements<'_, T> {
    type Item = *mut T;

    fn next(&mut self) -> Option<*mut T> {
        let mut element: *mut T = std::ptr::null_mut();
        if self.enumerator.is_null() {
            return None;
        }
        // SAFETY: a list's enumerator takes a place for one pointer.
        let more = unsafe { ((*self.enumerator).enumerate)(self.enumerator, &raw mut element) };
        (more && !element.is_null()).then_some(element)
    }
}

impl<T> Drop for Elements<'_, T> {
    fn drop(&mut self) {
        if !self.enumerator.is_null() {
            // SAFETY: it is ours, and nobody uses it any more.
            unsafe { ((*self.enumerator).destroy)(self.enumerator) };
        }
    }
}

/// Where the headers of strongSwan 5.9.8 put members, on machines of 64 bits.
const _: () = {
    assert!(size_of::<Feature>() == 24);
    assert!(offset_of!(Daemon, kernel) == 8);
    assert!(offset_of!(KernelInterface, acquire) == 272);
    assert!(offset_of!(KernelInterface, expire) == 280);
    assert!(offset_of!(Library, settings) == 168);
    assert!(offset_of!(SaId, interface) == 32);
    assert!(offset_of!(AddSa, lifetime) == 32);
    assert!(offset_of!(AddSa, cipher_key) == 48);
    assert!(offset_of!(AddSa, integrity_key) == 72);
    assert!(offset_of!(AddSa, encapsulates) == 100);
    assert!(offset_of!(AddSa, extended) == 128);
    assert!(offset_of!(AddSa, copy_dscp) == 132);
    assert!(offset_of!(AddSa, inbound) == 137);
    assert!(offset_of!(UpdateSa, encapsulates) == 25);
    assert!(offset_of!(UpdateSa, request) == 28);
    assert!(offset_of!(PolicyId, label) == 48);
    assert!(offset_of!(ManagePolicy, sa) == 32);
    assert!(offset_of!(TrafficSelector, get_protocol) == 56);
    assert!(offset_of!(Host, get_address) == 40);
    assert!(offset_of!(Host, destroy) == 80);
    assert!(offset_of!(KernelIpsec, destroy) == 112);
};
