# RTP for TRex, stateless. On a server with one core per port (t-rex-64 -i -c 1):
#   start -f ringfence_rtp.py -p 0 -d 10
# With more cores each would count the sequence numbers of a flow for itself.
# It ends by -d; other numbers: -t --rate 5000 --flows 100
import argparse

from trex_stl_lib.api import *

RTP_AT = 14 + 20 + 8


class RtpFlows(object):
    def get_streams(self, direction=0, tunables=(), **kwargs):
        parser = argparse.ArgumentParser(description="RTP of many flows")
        parser.add_argument("--rate", type=float, default=5000, help="packets per second, all flows")
        parser.add_argument("--flows", type=int, default=100, help="how many flows")
        args = parser.parse_args(tunables)
        return [self.flow(number, args.rate, args.flows) for number in range(args.flows)]

    def flow(self, number, rate, flows):
        # Version 2, payload type 0; sequence number and timestamp are written below.
        rtp = bytes([0x80, 0, 0, 0, 0, 0, 0, 0]) + number.to_bytes(4, "big")
        filler = bytes(at % 256 for at in range(len(rtp), 172))
        packet = (
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            / IP(src="192.0.2.1", dst="192.0.2.2", tos=184)
            / UDP(sport=5000, dport=16384 + 2 * number, chksum=0)
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
