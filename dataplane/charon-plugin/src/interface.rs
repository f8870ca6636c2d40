//! The kernel interface that charon calls.

use std::ffi::{c_int, c_long, c_void};
use std::ptr;
use std::sync::OnceLock;

use keying::feed::{Answer, Order};
use rustix::time::{ClockId, clock_gettime};

use crate::abi::{
    AddSa, Host, KernelIpsec, ManagePolicy, PolicyId, SaId, UpdateSa, kernel_feature, status,
};
use crate::line::Line;
use crate::records::{self, Wanted};

/// Charon's function makes its kernel interface by calling this.
pub extern "C" fn create() -> *mut KernelIpsec {
    static TABLE: OnceLock<KernelIpsec> = OnceLock::new();
    let table = TABLE.get_or_init(|| KernelIpsec {
        get_features,
        get_spi,
        get_cpi,
        add_sa,
        update_sa,
        query_sa,
        del_sa,
        flush_sas,
        add_policy,
        query_policy,
        del_policy,
        flush_policies,
        bypass_socket,
        enable_udp_decap,
        destroy,
    });
    Line::start();
    // Charon does not write to it.
    ptr::from_ref(table).cast_mut()
}

/// Charon's range of SPIs that kernels choose.
const SPI_RANGE: u32 = 0xc000_0000;
const SPI_MASK: u32 = 0x0fff_ffff;

extern "C" fn get_features(_: *mut KernelIpsec) -> u32 {
    kernel_feature::ESP_V3_TFC | kernel_feature::NO_POLICY_UPDATES
}

extern "C" fn get_spi(
    _: *mut KernelIpsec,
    _: *mut Host,
    _: *mut Host,
    _: u8,
    spi: *mut u32,
) -> u32 {
    let mut random = [0; 4];
    // SAFETY: it writes as many octets as there are.
    let len = unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    if len != random.len() as isize {
        return status::FAILED;
    }
    let chosen = SPI_RANGE | u32::from_ne_bytes(random) & SPI_MASK;
    // SAFETY: charon gives a place for it.
    unsafe { *spi = chosen.to_be() };
    status::SUCCESS
}

extern "C" fn get_cpi(_: *mut KernelIpsec, _: *mut Host, _: *mut Host, _: *mut u16) -> u32 {
    status::NOT_SUPPORTED
}

extern "C" fn add_sa(_: *mut KernelIpsec, id: *const SaId, data: *const AddSa) -> u32 {
    // SAFETY: charon gives both.
    match unsafe { records::sa(id, data) } {
        Some(record) => told(Line::order(Order::AddSa(Box::new(record)))),
        None => status::NOT_SUPPORTED,
    }
}

extern "C" fn update_sa(_: *mut KernelIpsec, id: *const SaId, data: *const UpdateSa) -> u32 {
    // SAFETY: charon gives both.
    match unsafe { records::moved(id, data) } {
        Some(order) => told(Line::order(order)),
        None => status::NOT_SUPPORTED,
    }
}

extern "C" fn query_sa(
    _: *mut KernelIpsec,
    id: *const SaId,
    _: *const c_void,
    octets: *mut u64,
    packets: *mut u64,
    used: *mut c_long,
) -> u32 {
    // SAFETY: charon gives it.
    let Some(key) = (unsafe { records::key(id) }) else { return status::NOT_FOUND };
    match Line::order(Order::QuerySa(key)) {
        Answer::Usage { octets: some_octets, packets: some_packets, idle } => {
            let now = clock_gettime(ClockId::Monotonic).tv_sec;
            let last = idle.map_or(0, |idle| now.saturating_sub_unsigned(idle));
            put(octets, some_octets);
            put(packets, some_packets);
            put(used, last);
            status::SUCCESS
        }
        other => told(other),
    }
}

extern "C" fn del_sa(_: *mut KernelIpsec, id: *const SaId, _: *const c_void) -> u32 {
    // SAFETY: charon gives it.
    match unsafe { records::key(id) } {
        Some(key) => told(Line::order(Order::RemoveSa(key))),
        None => status::NOT_FOUND,
    }
}

extern "C" fn flush_sas(_: *mut KernelIpsec) -> u32 {
    told(Line::order(Order::RemoveSas))
}

extern "C" fn add_policy(
    _: *mut KernelIpsec,
    id: *const PolicyId,
    data: *const ManagePolicy,
) -> u32 {
    // SAFETY: charon gives both.
    match unsafe { records::policy(id, data) } {
        Wanted::Protect(record) => told(Line::order(Order::AddPolicy(record))),
        Wanted::Nothing => status::SUCCESS,
        Wanted::Obscure => status::NOT_SUPPORTED,
    }
}

extern "C" fn query_policy(
    _: *mut KernelIpsec,
    _: *const PolicyId,
    _: *const c_void,
    _: *mut c_long,
) -> u32 {
    status::NOT_SUPPORTED
}

extern "C" fn del_policy(
    _: *mut KernelIpsec,
    id: *const PolicyId,
    data: *const ManagePolicy,
) -> u32 {
    // SAFETY: charon gives both.
    match unsafe { records::policy(id, data) } {
        Wanted::Protect(record) => told(Line::order(Order::RemovePolicy(record))),
        Wanted::Nothing | Wanted::Obscure => status::SUCCESS,
    }
}

extern "C" fn flush_policies(_: *mut KernelIpsec) -> u32 {
    told(Line::order(Order::RemovePolicies))
}

/// Charon's own packets are the kernel's: no policy of ours takes them.
extern "C" fn bypass_socket(_: *mut KernelIpsec, _: c_int, _: c_int) -> bool {
    true
}

/// Datad takes ESP in UDP beside charon's socket.
extern "C" fn enable_udp_decap(_: *mut KernelIpsec, _: c_int, _: c_int, _: u16) -> bool {
    true
}

extern "C" fn destroy(_: *mut KernelIpsec) {}

fn told(answer: Answer) -> u32 {
    match answer {
        Answer::Done | Answer::Usage { .. } => status::SUCCESS,
        Answer::Refused => status::FAILED,
        Answer::NotFound => status::NOT_FOUND,
        Answer::Unsupported => status::NOT_SUPPORTED,
    }
}

fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: charon gives a place for it, or none.
        unsafe { *place = value };
    }
}
