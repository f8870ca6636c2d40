use super::{File, Traffic, mac};

/// A profile for TRex in stateless mode: one stream for each flow, with sequence numbers and
/// timestamps of its own.
pub fn trex(traffic: &Traffic) -> Vec<File> {
    let Traffic { stream, .. } = traffic;
    let profile = format!(
        r#"# RTP for TRex, stateless. On a server with one core per port (t-rex-64 -i -c 1):
#   start -f ringfence_rtp.py -p 0 -d {seconds}
# With more cores each would count the sequence numbers of a flow for itself.
# It ends by -d; other numbers: -t --rate {rate} --flows {flows}
import argparse

from trex_stl_lib.api import *

RTP_AT = 14 + 20 + 8


class RtpFlows(object):
    def get_streams(self, direction=0, tunables=(), **kwargs):
        parser = argparse.ArgumentParser(description="RTP of many flows")
        parser.add_argument("--rate", type=float, default={rate}, help="packets per second, all flows")
        parser.add_argument("--flows", type=int, default={flows}, help="how many flows")
        args = parser.parse_args(tunables)
        return [self.flow(number, args.rate, args.flows) for number in range(args.flows)]

    def flow(self, number, rate, flows):
        # Version 2, payload type 0; sequence number and timestamp are written below.
        rtp = bytes([0x80, 0, 0, 0, 0, 0, 0, 0]) + number.to_bytes(4, "big")
        filler = bytes(at % 256 for at in range(len(rtp), {payload_len}))
        packet = (
            Ether(src="{source_mac}", dst="{destination_mac}")
            / IP(src="{source}", dst="{destination}", tos=184)
            / UDP(sport={source_port}, dport={first_port} + 2 * number, chksum=0)
            / Raw(rtp + filler)
        )
        fields = STLScVmRaw([
            STLVmFlowVar(name="sequence", min_value=0, max_value=0xFFFF, size=2, step=1, op="inc"),
            STLVmWrFlowVar(fv_name="sequence", pkt_offset=RTP_AT + 2),
            STLVmFlowVar(
                name="timestamp", min_value=0, max_value=0xFFFFFFFF, size=4, step=160, op="inc"
            ),
            STLVmWrFlowVar(fv_name="timestamp", pkt_offset=RTP_AT + 4),
        ])
        return STLStream(
            name="flow%d" % number,
            isg=number * 1e6 / rate,
            packet=STLPktBuilder(pkt=packet, vm=fields),
            mode=STLTXCont(pps=rate / flows),
        )


def register():
    return RtpFlows()
"#,
        seconds = traffic.duration.as_secs_f64().ceil(),
        rate = traffic.rate,
        flows = stream.flows,
        payload_len = stream.payload_len,
        source_mac = mac(stream.source_mac),
        destination_mac = mac(stream.destination_mac),
        source = stream.source.ip(),
        destination = stream.destination.ip(),
        source_port = stream.source.port(),
        first_port = stream.destination.port(),
    );
    vec![File {
        name: "ringfence_rtp.py",
        content: profile.into_bytes(),
        usage: Some("trex-console: start -f ringfence_rtp.py -p 0"),
    }]
}
