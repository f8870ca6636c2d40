//! The XDP program: media that a flow waits for goes to the AF_XDP socket of its queue, media
//! nobody waits for is dropped, everything else belongs to the kernel.
#![no_std]
#![no_main]

use abi::{Address, MediaKey, PortRange, Verdict, XdpReason, sizes};
use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_REDIRECT};
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::{HashMap, PerCpuArray, XskMap};
use aya_ebpf::programs::XdpContext;
use ringfence_ebpf::frame::udp_destination;

#[map]
static MEDIA_ADDRESSES: HashMap<Address, PortRange> =
    HashMap::with_max_entries(sizes::MEDIA_ADDRESSES, 0);

#[map]
static OPEN_MEDIA: HashMap<MediaKey, u32> = HashMap::with_max_entries(sizes::OPEN_MEDIA, 0);

#[map]
static SOCKETS: XskMap = XskMap::with_max_entries(sizes::SOCKETS, 0);

#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(XdpReason::ALL.len() as u32, 0);

#[xdp]
fn ringfence_xdp(ctx: XdpContext) -> u32 {
    let reason = classify(&ctx);
    count(reason);
    match reason.verdict() {
        Verdict::Pass => XDP_PASS,
        Verdict::Drop => XDP_DROP,
        Verdict::Redirect => XDP_REDIRECT,
    }
}

#[inline(always)]
fn classify(ctx: &XdpContext) -> XdpReason {
    let destination = match udp_destination(ctx) {
        Ok(destination) => destination,
        Err(reason) => return reason,
    };
    // SAFETY: entries are never changed in place while the program runs, only added and removed,
    // and the kernel keeps a removed entry until the program has ended.
    match unsafe { MEDIA_ADDRESSES.get(&destination.address) } {
        Some(ports) if ports.contains(destination.port) => {}
        _ => return XdpReason::PassNotMedia,
    }
    let key = MediaKey::new(destination.address, destination.port);
    if OPEN_MEDIA.get_ptr(&key).is_none() {
        return XdpReason::DropUnknownMediaPort;
    }
    match SOCKETS.redirect(ctx.rx_queue_index(), u64::from(XDP_DROP)) {
        Ok(_) => XdpReason::Redirect,
        Err(_) => XdpReason::DropNoSocket,
    }
}

#[inline(always)]
fn count(reason: XdpReason) {
    if let Some(counter) = COUNTERS.get_ptr_mut(reason as u32) {
        // SAFETY: the value is this CPU's own, and the program is not interrupted by itself.
        unsafe { *counter += 1 };
    }
}
