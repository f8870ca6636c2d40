//! The programs of the measuring laboratory.
#![no_std]
#![no_main]

use abi::lab::{
    Generator, LATENCY_BUCKETS, PAYLOAD_OFFSET, PREPARED_MAX, Prepared, SAMPLE_SLOTS, TEMPLATE_LEN,
    latency_bucket, sample_slot,
};
use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::bindings::{BPF_F_MMAPABLE, TC_ACT_OK, TC_ACT_SHOT};
use aya_ebpf::helpers::{bpf_ktime_get_ns, bpf_redirect, bpf_xdp_store_bytes};
use aya_ebpf::macros::{classifier, map, xdp};
use aya_ebpf::maps::{Array, DevMap, PerCpuArray};
use aya_ebpf::programs::{TcContext, XdpContext};
use ringfence_ebpf::frame::bytes;

/// A generator that was kept from running makes up for so many packets only: a steady pace has no
/// bursts, whatever else the processor does.
const MADE_UP: u64 = 64;

/// A latency above this is a number left from an earlier round of the sequence numbers.
const LATENCY_MAX_NS: u64 = 1_000_000_000;

/// Bytes of an RTP header, RFC 3550 §5.1.
const RTP_LEN: usize = 12;

#[map]
static SEEN: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

#[map]
static EXIT: DevMap = DevMap::with_max_entries(1, 0);

#[map]
static GENERATOR: Array<Generator> = Array::with_max_entries(1, 0);

#[map]
static TEMPLATE: Array<[u8; TEMPLATE_LEN]> = Array::with_max_entries(1, 0);

// The loader makes it as large as it needs.
#[map]
static PREPARED: Array<Prepared> = Array::with_max_entries(1, BPF_F_MMAPABLE);

#[map]
static SENT_AT: Array<u64> = Array::with_max_entries(SAMPLE_SLOTS, 0);

#[map]
static LATENCY: PerCpuArray<u64> = PerCpuArray::with_max_entries(LATENCY_BUCKETS, 0);

#[xdp]
fn bounce(ctx: XdpContext) -> u32 {
    if exchange_addresses(&ctx) { XDP_TX } else { XDP_DROP }
}

#[xdp]
fn redirect(ctx: XdpContext) -> u32 {
    if !exchange_addresses(&ctx) {
        return XDP_DROP;
    }
    EXIT.redirect(0, 0).unwrap_or(XDP_DROP)
}

/// False when the frame is too short to have any.
#[inline(always)]
fn exchange_addresses(ctx: &XdpContext) -> bool {
    let Some(addresses) = bytes::<12>(ctx.data(), ctx.data_end(), 0) else { return false };
    // SAFETY: `bytes` has checked that they are part of the frame, which is this program's now.
    unsafe {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *addresses;
        *addresses = [g, h, i, j, k, l, a, b, c, d, e, f];
    }
    true
}

#[xdp]
fn sink(ctx: XdpContext) -> u32 {
    if take_in(ctx.data(), ctx.data_end()) { XDP_DROP } else { XDP_PASS }
}

#[classifier]
fn sink_buffers(ctx: TcContext) -> i32 {
    if take_in(ctx.data(), ctx.data_end()) { TC_ACT_SHOT } else { TC_ACT_OK }
}

/// Counts an RTP packet; false if it is none.
#[inline(always)]
fn take_in(data: usize, data_end: usize) -> bool {
    let Some(rtp) = bytes::<RTP_LEN>(data, data_end, PAYLOAD_OFFSET) else { return false };
    // SAFETY: `bytes` has checked that they are part of the frame.
    let rtp = unsafe { *rtp };
    if rtp[0] >> 6 != 2 {
        return false;
    }
    add_one(&SEEN, 0);
    if let Some(sent_at) = departure(rtp) {
        // SAFETY: an aligned word of a map that lives as long as the program; a torn or stale
        // value would be one odd sample among thousands.
        let latency = now().wrapping_sub(unsafe { *sent_at });
        if latency < LATENCY_MAX_NS {
            add_one(&LATENCY, latency_bucket(latency));
        }
    }
    true
}

#[xdp]
fn generate(ctx: XdpContext) -> u32 {
    let Some((generator, number)) = next(&ctx) else { return XDP_DROP };
    let flows = generator.count as u32;
    if flows == 0 {
        return XDP_DROP;
    }
    let (round, flow) = (number as u32 / flows, number as u32 % flows);
    let port = (generator.first_port as u16).wrapping_add(flow as u16 * 2);
    let timestamp = round.wrapping_mul(160).to_be_bytes();
    let (sequence, ssrc) = ((round as u16).to_be_bytes(), flow.to_be_bytes());

    let Some(rtp) = bytes::<RTP_LEN>(ctx.data(), ctx.data_end(), PAYLOAD_OFFSET) else {
        return XDP_DROP;
    };
    // SAFETY: `bytes` has checked that they are part of the frame, which is this program's.
    let rtp = unsafe { &mut *rtp };
    [rtp[2], rtp[3]] = sequence;
    [rtp[4], rtp[5], rtp[6], rtp[7]] = timestamp;
    [rtp[8], rtp[9], rtp[10], rtp[11]] = ssrc;
    note_departure(*rtp);
    send(&ctx, generator, port.to_be_bytes())
}

#[xdp]
fn generate_prepared(ctx: XdpContext) -> u32 {
    let Some((generator, number)) = next(&ctx) else { return XDP_DROP };
    if number >= generator.count {
        return XDP_DROP;
    }
    let Some(prepared) = PREPARED.get(number as u32) else { return XDP_DROP };
    let len = u32::from(prepared.len);
    if len < RTP_LEN as u32 || len > PREPARED_MAX as u32 {
        return XDP_DROP;
    }
    let payload = prepared.payload.as_ptr().cast_mut().cast();
    // SAFETY: `len` bytes at `payload` are part of the map's value; the helper checks the frame.
    if unsafe { bpf_xdp_store_bytes(ctx.ctx, PAYLOAD_OFFSET as u32, payload, len) } != 0 {
        return XDP_DROP;
    }
    let Some(rtp) = prepared.payload.first_chunk() else { return XDP_DROP };
    note_departure(*rtp);
    send(&ctx, generator, prepared.port)
}

/// The generator and the number of the next packet, when it is time for it. The frame has the headers
/// of the template then.
#[inline(always)]
fn next(ctx: &XdpContext) -> Option<(&'static mut Generator, u64)> {
    // SAFETY: one generator runs at a time, by the way it is started; user space only reads.
    let generator = unsafe { &mut *GENERATOR.get_ptr_mut(0)? };
    if generator.rate_q32 != 0 {
        let now = now();
        if generator.began == 0 {
            generator.began = now;
        }
        // Shifted in two steps: 2³² nanoseconds are only four seconds.
        let due = ((now - generator.began) >> 8).wrapping_mul(generator.rate_q32) >> 24;
        let done = generator.sent + generator.missed;
        if done >= due {
            return None;
        }
        if due - done > MADE_UP {
            generator.missed += due - done - MADE_UP;
        }
    }
    renew(ctx)?;
    let number = generator.first + generator.sent;
    Some((generator, number))
}

/// Writes the headers of the template into the frame. The kernel uses the memory of frames again as
/// they come back, and where they have been XDP programs may have written headers of their own.
#[inline(always)]
fn renew(ctx: &XdpContext) -> Option<()> {
    let template = TEMPLATE.get(0)?.as_ptr().cast_mut().cast();
    // SAFETY: so many bytes are the value of the map; the helper checks the frame.
    let done = unsafe { bpf_xdp_store_bytes(ctx.ctx, 0, template, TEMPLATE_LEN as u32) };
    (done == 0).then_some(())
}

#[inline(always)]
fn send(ctx: &XdpContext, generator: &mut Generator, port: [u8; 2]) -> u32 {
    let Some(destination_port) = bytes::<2>(ctx.data(), ctx.data_end(), PAYLOAD_OFFSET - 6) else {
        return XDP_DROP;
    };
    // SAFETY: `bytes` has checked that they are part of the frame, which is this program's.
    unsafe { *destination_port = port };
    generator.sent += 1;
    // SAFETY: no pointers.
    unsafe { bpf_redirect(generator.ifindex as u32, 0) as u32 }
}

#[inline(always)]
fn note_departure(rtp: [u8; RTP_LEN]) {
    if let Some(sent_at) = departure(rtp) {
        // SAFETY: an aligned word of a map that lives as long as the program.
        unsafe { *sent_at = now() };
    }
}

/// Where the departure of the packet is noted, if it is sampled.
#[inline(always)]
fn departure(rtp: [u8; RTP_LEN]) -> Option<*mut u64> {
    let ssrc = u32::from_be_bytes([rtp[8], rtp[9], rtp[10], rtp[11]]);
    let slot = sample_slot(ssrc, u16::from_be_bytes([rtp[2], rtp[3]]))?;
    SENT_AT.get_ptr_mut(slot)
}

#[inline(always)]
fn add_one(counters: &PerCpuArray<u64>, index: u32) {
    if let Some(counter) = counters.get_ptr_mut(index) {
        // SAFETY: the value is this CPU's own, and the program is not interrupted by itself.
        unsafe { *counter += 1 };
    }
}

#[inline(always)]
fn now() -> u64 {
    // SAFETY: no arguments, no effect.
    unsafe { bpf_ktime_get_ns() }
}
