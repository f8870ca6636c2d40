use super::{File, Traffic, mac};

/// A script that drives the kernel's own generator (`CONFIG_NET_PKTGEN`, kernel documentation
/// `networking/pktgen`). It has no words for RTP: packets are as long and go to the same ports, and
/// what they hold is pktgen's own number and time, which the sink understands.
pub fn kernel(traffic: &Traffic) -> Vec<File> {
    let Traffic { stream, rate, duration } = traffic;
    let script = format!(
        r#"#!/bin/sh
# Packets as long as RTP from the kernel's pktgen: {flows} flows, {rate} packets a second for
# {seconds} s. Usage, as root: ringfence-kernel-pktgen.sh INTERFACE
set -eu
interface=${{1:?which interface? usage: $0 INTERFACE}}
threads=/proc/net/pktgen

[ -e $threads/pgctrl ] || modprobe pktgen || {{
    echo "this kernel has no pktgen: it needs CONFIG_NET_PKTGEN" >&2
    exit 1
}}
say() {{ echo "$2" >"$threads/$1"; }}
trap 'say pgctrl stop' INT TERM

say pgctrl reset
flow=0
while [ $flow -lt {flows} ]; do
    # One device for each flow: pktgen counts ports one by one, and those between are for RTCP.
    device=$interface@$flow
    port=$(({first_port} + 2 * flow))
    say kpktgend_0 "add_device $device"
    say "$device" "count {packets}"
    say "$device" "ratep {flow_rate}"
    say "$device" "clone_skb 0"
    say "$device" "pkt_size {frame_len}"
    say "$device" "src_mac {source_mac}"
    say "$device" "dst_mac {destination_mac}"
    say "$device" "src_min {source}"
    say "$device" "src_max {source}"
    say "$device" "dst {destination}"
    say "$device" "udp_src_min {source_port}"
    say "$device" "udp_src_max {source_port}"
    say "$device" "udp_dst_min $port"
    say "$device" "udp_dst_max $port"
    say "$device" "tos b8"
    flow=$((flow + 1))
done
say pgctrl start
for device in $threads/"$interface"@*; do
    echo "$(basename "$device"): $(grep -A1 '^Result:' "$device" | tr '\n' ' ')"
done
"#,
        flows = stream.flows,
        seconds = duration.as_secs_f64(),
        packets = traffic.flow_packets(),
        flow_rate = traffic.flow_rate().round().max(1.0),
        frame_len = stream.template().len(),
        source_mac = mac(stream.source_mac),
        destination_mac = mac(stream.destination_mac),
        source = stream.source.ip(),
        destination = stream.destination.ip(),
        source_port = stream.source.port(),
        first_port = stream.destination.port(),
    );
    vec![File {
        name: "ringfence-kernel-pktgen.sh",
        content: script.into_bytes(),
        usage: Some("sh ringfence-kernel-pktgen.sh INTERFACE"),
    }]
}
