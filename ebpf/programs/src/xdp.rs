//! The XDP program: media that a flow waits for is given new headers and leaves at once where it
//! needs no cipher, or goes to the AF_XDP socket of its queue; media nobody waits for is dropped,
//! everything else belongs to the kernel.
#![no_std]
#![no_main]

use abi::{
    Address, FlowCounters, MediaKey, PortRange, Route, Verdict, XdpReason, hop_address, sizes,
};
use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_REDIRECT, XDP_TX};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::{Array, DevMap, HashMap, PerCpuArray, XskMap};
use aya_ebpf::programs::XdpContext;
use ringfence_ebpf::forward::{self, Media};
use ringfence_ebpf::frame::{Destination, udp_destination};

#[map]
static MEDIA_ADDRESSES: HashMap<Address, PortRange> =
    HashMap::with_max_entries(sizes::MEDIA_ADDRESSES, 0);

#[map]
static OPEN_MEDIA: HashMap<MediaKey, Route> =
    HashMap::with_max_entries(sizes::OPEN_MEDIA, BPF_F_NO_PREALLOC);

// The loader makes these two as large as it needs.
#[map]
static FLOWS: PerCpuArray<FlowCounters> = PerCpuArray::with_max_entries(sizes::FLOWS, 0);

#[map]
static HOPS: Array<u64> = Array::with_max_entries(sizes::FLOWS, 0);

#[map]
static DEVICES: DevMap = DevMap::with_max_entries(sizes::DEVICES, 0);

#[map]
static SOCKETS: XskMap = XskMap::with_max_entries(sizes::SOCKETS, 0);

#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(XdpReason::ALL.len() as u32, 0);

#[xdp]
fn ringfence_xdp(ctx: XdpContext) -> u32 {
    let (reason, action) = decide(&ctx);
    count(reason);
    action
}

#[inline(always)]
fn decide(ctx: &XdpContext) -> (XdpReason, u32) {
    let (reason, route) = classify(ctx);
    match reason.verdict() {
        Verdict::Pass => (reason, XDP_PASS),
        Verdict::Drop => (reason, XDP_DROP),
        Verdict::Forward => (reason, leave(route)),
        Verdict::Redirect => match SOCKETS.redirect(ctx.rx_queue_index(), u64::from(XDP_DROP)) {
            Ok(_) => (reason, XDP_REDIRECT),
            Err(_) => (XdpReason::DropNoSocket, XDP_DROP),
        },
    }
}

#[inline(always)]
fn classify(ctx: &XdpContext) -> (XdpReason, Option<&'static Route>) {
    let destination = match udp_destination(ctx) {
        Ok(destination) => destination,
        Err(reason) => return (reason, None),
    };
    let key = MediaKey::new(destination.address, destination.port);
    // SAFETY: entries are never changed in place while the program runs, only added, replaced and
    // removed, and the kernel keeps what was removed until the program has ended.
    match unsafe { OPEN_MEDIA.get(&key) } {
        Some(route) if route.number == Route::SOCKET => (XdpReason::Redirect, None),
        Some(route) => match forward(ctx, route, &destination) {
            Ok(()) => (XdpReason::Forward, Some(route)),
            Err(reason) => (reason, None),
        },
        None => (closed(&destination), None),
    }
}

/// What becomes of a datagram that no flow waits for.
#[inline(always)]
fn closed(destination: &Destination) -> XdpReason {
    // SAFETY: as in `classify`.
    match unsafe { MEDIA_ADDRESSES.get(&destination.address) } {
        Some(ports) if ports.contains(destination.port) => XdpReason::DropUnknownMediaPort,
        _ => XdpReason::PassNotMedia,
    }
}

/// The fast tier: the frame gets new headers. What is not exactly what the flow expects is left as it
/// is, for the engine.
#[inline(always)]
fn forward(ctx: &XdpContext, route: &Route, at: &Destination) -> Result<(), XdpReason> {
    let media = forward::check(ctx, route, at)?;
    let hop = HOPS.get(route.hop).copied().and_then(hop_address);
    let Some(hop) = hop else { return Err(XdpReason::RedirectNoNextHop) };
    forward::rewrite(ctx, route, at, &media, hop)?;
    if let Some(counters) = FLOWS.get_ptr_mut(route.number) {
        // SAFETY: the value is this CPU's own, and the program is not interrupted by itself.
        note(unsafe { &mut *counters }, route, &media);
    }
    Ok(())
}

#[inline(always)]
fn note(counters: &mut FlowCounters, route: &Route, media: &Media) {
    // SAFETY: no arguments, no effect.
    let now = unsafe { bpf_ktime_get_ns() };
    counters.packets += 1;
    counters.octets += u64::from(media.octets);
    counters.last_seen = now;
    // Only the lower half of the product is wanted: clocks are modulo 2^32.
    let at = (now.wrapping_mul(u64::from(route.clock)) >> 32) as u32;
    counters.reception.count(media.arrival(at));
}

#[inline(always)]
fn leave(route: Option<&Route>) -> u32 {
    match route {
        Some(route) if route.device == Route::BACK => XDP_TX,
        Some(route) => DEVICES.redirect(route.device, 0).unwrap_or(XDP_DROP),
        None => XDP_DROP,
    }
}

#[inline(always)]
fn count(reason: XdpReason) {
    if let Some(counter) = COUNTERS.get_ptr_mut(reason as u32) {
        // SAFETY: the value is this CPU's own, and the program is not interrupted by itself.
        unsafe { *counter += 1 };
    }
}
