//! The XDP program: media that a flow waits for is given new headers and leaves at once where it
//! needs no cipher, or goes to the AF_XDP socket of its queue; media nobody waits for is dropped. ESP
//! that ends at sockets of ours goes to the AF_XDP socket too. Everything else belongs to the kernel.
#![no_std]
#![no_main]

use abi::{
    Address, EspKey, FlowCounters, Limits, MediaKey, PortRange, Rate, Route, Verdict, XdpReason,
    hop_address, sizes,
};
use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_REDIRECT, XDP_TX};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::{Array, DevMap, HashMap, LruHashMap, PerCpuArray, XskMap};
use aya_ebpf::programs::XdpContext;
use ringfence_ebpf::forward::{self, Media};
use ringfence_ebpf::frame::{Destination, source, udp_destination};
use ringfence_ebpf::signalling;

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
static LIMITS: Array<Limits> = Array::with_max_entries(1, 0);

// The loader makes it as large as it needs.
#[map]
static BUDGETS: Array<u64> = Array::with_max_entries(sizes::FLOWS, 0);

#[map]
static STRANGERS: LruHashMap<[u16; 8], u64> = LruHashMap::with_max_entries(sizes::STRANGERS, 0);

#[map]
static ALL_STRANGERS: Array<u64> = Array::with_max_entries(1, 0);

#[map]
static ESP: HashMap<EspKey, [u16; 8]> = HashMap::with_max_entries(sizes::ESP, BPF_F_NO_PREALLOC);

#[map]
static OWN_ADDRESSES: HashMap<Address, u32> =
    HashMap::with_max_entries(sizes::OWN_ADDRESSES, BPF_F_NO_PREALLOC);

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
        Err(reason) => return (signalling(ctx, reason), None),
    };
    let key = MediaKey::new(destination.address, destination.port);
    // SAFETY: entries are never changed in place while the program runs, only added, replaced and
    // removed, and the kernel keeps what was removed until the program has ended.
    match unsafe { OPEN_MEDIA.get(&key) } {
        Some(route) if route.number == Route::SOCKET => {
            (limit(ctx, route, &destination).unwrap_or(XdpReason::Redirect), None)
        }
        Some(route) => match forward(ctx, route, &destination) {
            Ok(()) => (XdpReason::Forward, Some(route)),
            Err(reason) => (limit(ctx, route, &destination).unwrap_or(reason), None),
        },
        None => (closed(ctx, &destination), None),
    }
}

/// What becomes of a frame that is no UDP datagram.
#[inline(always)]
fn signalling(ctx: &XdpContext, reason: XdpReason) -> XdpReason {
    if let Some(esp) = signalling::esp(ctx, reason)
        && let Some(reason) = steer(&esp.key, &esp.source)
    {
        return reason;
    }
    match signalling::about(ctx, reason) {
        // SAFETY: as in `classify`.
        Some(about) if unsafe { OWN_ADDRESSES.get(&about.address) }.is_some() => {
            stranger(&about.source).unwrap_or(XdpReason::RedirectOwnAddress)
        }
        _ => reason,
    }
}

/// What becomes of ESP, if it is under an association that ends at sockets of ours. Only what comes
/// from elsewhere than its peer is limited.
#[inline(always)]
fn steer(key: &EspKey, source: &[u16; 8]) -> Option<XdpReason> {
    // SAFETY: as in `classify`.
    let peer = unsafe { ESP.get(key) }?;
    let limit = if peer == source { None } else { stranger(source) };
    Some(limit.unwrap_or(XdpReason::RedirectEsp))
}

/// What becomes of a datagram that no flow waits for.
#[inline(always)]
fn closed(ctx: &XdpContext, destination: &Destination) -> XdpReason {
    if let Some(key) = signalling::esp_in_udp(ctx, destination)
        && let Ok((source, _)) = source(ctx, destination)
        && let Some(reason) = steer(&key, &source)
    {
        return reason;
    }
    // SAFETY: as in `classify`.
    match unsafe { MEDIA_ADDRESSES.get(&destination.address) } {
        Some(ports) if ports.contains(destination.port) => XdpReason::DropUnknownMediaPort,
        _ => XdpReason::PassNotMedia,
    }
}

/// Why a packet for the engine ends here: its sender, or all strangers, have sent enough.
#[inline(always)]
fn limit(ctx: &XdpContext, route: &Route, at: &Destination) -> Option<XdpReason> {
    let limits = LIMITS.get(0)?;
    let (address, port) = match source(ctx, at) {
        Ok(source) => source,
        Err(reason) => return Some(reason),
    };
    if route.budget != Route::NO_PEER && route.from == address && route.from_port == port {
        let due = BUDGETS.get_ptr_mut(route.budget)?;
        return exceeds(&limits.flow, due).then_some(XdpReason::DropPeerLimit);
    }
    stranger(&address)
}

/// Why a packet of somebody who is no peer ends here.
#[inline(always)]
fn stranger(address: &[u16; 8]) -> Option<XdpReason> {
    let limits = LIMITS.get(0)?;
    if limits.stranger.interval != 0 {
        match STRANGERS.get_ptr_mut(address) {
            Some(due) if exceeds(&limits.stranger, due) => {
                return Some(XdpReason::DropStrangerLimit);
            }
            Some(_) => {}
            // Without room nobody is remembered, and the limit of all strangers remains.
            None => drop(STRANGERS.insert(address, &(now() + limits.stranger.interval), 0)),
        }
    }
    let due = ALL_STRANGERS.get_ptr_mut(0)?;
    exceeds(&limits.strangers, due).then_some(XdpReason::DropStrangersLimit)
}

#[inline(always)]
fn exceeds(rate: &Rate, due: *mut u64) -> bool {
    // SAFETY: an aligned word of a map that lives as long as the program. Processors that change it
    // at once may let a packet more pass.
    rate.interval != 0 && !rate.admits(unsafe { &mut *due }, now())
}

#[inline(always)]
fn now() -> u64 {
    // SAFETY: no arguments, no effect.
    unsafe { bpf_ktime_get_ns() }
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
    let now = now();
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
