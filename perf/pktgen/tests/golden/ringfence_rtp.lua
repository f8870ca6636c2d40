-- RTP for Pktgen-DPDK, through port 0:
--   pktgen -l 0-1 -- -P -m "1.0" -s 0:ringfence_rtp.pcap -f ringfence_rtp.lua
-- The capture holds 50000 packets of 100 flows and is sent again and again; at its end sequence
-- numbers and timestamps begin anew.
package.path = package.path .. ";?.lua"
require "Pktgen"

local port = "0"
-- 5000 packets per second of 214 octets, as a share of the link
local percent = 0.0952
local packets = 50000

pktgen.stop(port)
pktgen.clr()
pktgen.pcap(port, "enable")
pktgen.set(port, "rate", percent)
pktgen.set(port, "count", packets)
pktgen.start(port)
pktgen.delay(11000)
pktgen.stop(port)

local found = pktgen.portStats("all", "port")
printf("sent %d, came back to port 0: %d\n", found[0].opackets, found[0].ipackets)
