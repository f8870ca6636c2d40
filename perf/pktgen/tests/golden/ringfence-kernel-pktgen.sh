#!/bin/sh
# Packets as long as RTP from the kernel's pktgen: 100 flows, 5000 packets a second for
# 10 s. Usage, as root: ringfence-kernel-pktgen.sh INTERFACE
set -eu
interface=${1:?which interface? usage: $0 INTERFACE}
threads=/proc/net/pktgen

[ -e $threads/pgctrl ] || modprobe pktgen || {
    echo "this kernel has no pktgen: it needs CONFIG_NET_PKTGEN" >&2
    exit 1
}
say() { echo "$2" >"$threads/$1"; }
trap 'say pgctrl stop' INT TERM

say pgctrl reset
flow=0
while [ $flow -lt 100 ]; do
    # One device for each flow: pktgen counts ports one by one, and those between are for RTCP.
    device=$interface@$flow
    port=$((16384 + 2 * flow))
    say kpktgend_0 "add_device $device"
    say "$device" "count 500"
    say "$device" "ratep 50"
    say "$device" "clone_skb 0"
    say "$device" "pkt_size 214"
    say "$device" "src_mac 02:00:00:00:00:01"
    say "$device" "dst_mac 02:00:00:00:00:02"
    say "$device" "src_min 192.0.2.1"
    say "$device" "src_max 192.0.2.1"
    say "$device" "dst 192.0.2.2"
    say "$device" "udp_src_min 5000"
    say "$device" "udp_src_max 5000"
    say "$device" "udp_dst_min $port"
    say "$device" "udp_dst_max $port"
    say "$device" "tos b8"
    flow=$((flow + 1))
done
say pgctrl start
for device in $threads/"$interface"@*; do
    echo "$(basename "$device"): $(grep -A1 '^Result:' "$device" | tr '\n' ' ')"
done
