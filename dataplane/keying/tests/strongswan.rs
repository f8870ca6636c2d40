//! Keys that strongSwan negotiates reach our ESP.
//!
//! In a machine of its own run two of its daemons, with a network between them: the call agent's,
//! whose kernel does ESP; and the gateway's, whose kernel only announces. The gateway's ESP is ours:
//! its packets come and go through the machine's card.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use esp::{Config, DropReason, Flow, Gap, HEADROOM, Ipsec, Packet, Suite, TAILROOM, Verdict};
use ringfence_keying::xfrm::messages;
use ringfence_keying::{Mirror, Origin, Outcome};
use vm::{Root, Vm};
use wire::datagram::{ChecksumRule, Datagram};

/// What the kernel has as modules: ESP, and two networks of which ESP takes a way of its own.
const MODULES: &[&str] = &[
    "jitterentropy_rng",
    "drbg",
    "xfrm_user",
    "esp4",
    "authenc",
    "echainiv",
    "seqiv",
    "gcm",
    "ghash-generic",
    "ctr",
    "veth",
    "sch_ingress",
    "cls_u32",
    "cls_matchall",
    "act_mirred",
];

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The namespace `gw` is the gateway's; around it is the agent's. What is ESP leaves the gateway's
/// namespace through the card, and what comes there goes to the agent.
const NETWORK: &str = "
export PATH=/sbin:/usr/sbin:/usr/bin:/bin
mkdir -p /var/run/netns
/sbin/ip netns add gw
/sbin/ip link add agent address 02:00:00:00:00:02 type veth peer name gateway address 02:00:00:00:00:01
/sbin/ip link set gateway netns gw
/sbin/ip link set eth0 netns gw
/sbin/ip link set lo up
/sbin/ip link set agent up
/sbin/ip addr add 192.0.2.2/24 dev agent
cat > /gw.sh << 'EOF'
/sbin/ip link set lo up
/sbin/ip link set gateway up
/sbin/ip link set eth0 up promisc on
/sbin/ip addr add 192.0.2.1/24 dev gateway
/sbin/tc qdisc add dev gateway ingress
/sbin/tc filter add dev gateway ingress protocol ip u32 match ip protocol 50 0xff action mirred egress redirect dev eth0
/sbin/tc qdisc add dev eth0 ingress
/sbin/tc filter add dev eth0 ingress protocol ip matchall action mirred egress redirect dev gateway
EOF
/sbin/ip netns exec gw sh /gw.sh
perl /echo.pl < /dev/null > /dev/null 2>&1 &
/sbin/ip netns exec gw perl /listen.pl < /dev/null > /dev/null 2>&1 &
until [ -e /heard ]; do usleep 20000; done
";

/// Answers MGCP with itself.
const ECHO: &str = r"
socket(my $socket, 2, 2, 0); bind($socket, pack('S n x12', 2, 2427));
while (defined(my $peer = recv($socket, my $datagram, 65535, 0))) { send($socket, $datagram, 0, $peer) }
";

/// Writes down what the kernel announces about associations and policies.
const LISTEN: &str = r"
socket(my $socket, 16, 3, 6); bind($socket, pack('S x2 L L', 16, 0, 0xe));
open(my $heard, '>', '/heard'); select($heard); $| = 1;
while (defined(recv($socket, my $datagram, 65536, 0))) { print $heard unpack('H*', $datagram), qq(\n) }
";

/// Starts a daemon and has it read its connections.
const DAEMON: &str = "
cat > /$NAME.sh << 'EOF'
mount -t tmpfs tmpfs /var/run
/usr/lib/ipsec/charon < /dev/null > /dev/null 2>&1 &
echo $! > /$NAME.pid
EOF
export STRONGSWAN_CONF=/$NAME.strongswan NAME
$WHERE sh /$NAME.sh
until [ -S /$NAME.vici ]; do usleep 50000; done
swanctl --load-all --noprompt --file /$NAME.swanctl --uri unix:///$NAME.vici > /dev/null
";

/// Where strongSwan has its libraries.
const LIBRARIES: &str = "/usr/lib/ipsec";
const PLUGINS: &[&str] = &[
    "aes",
    "sha1",
    "sha2",
    "hmac",
    "kdf",
    "gmp",
    "random",
    "nonce",
    "drbg",
    "vici",
    "kernel-netlink",
    "socket-default",
];

fn root() -> Root {
    let mut root = Root::new()
        .modules(MODULES)
        .program("/sbin/tc")
        .program("/usr/sbin/swanctl")
        // What threads end with.
        .program("/lib/x86_64-linux-gnu/libgcc_s.so.1")
        .file("etc/protocols", "udp 17 UDP\n")
        .program(format!("{LIBRARIES}/charon"))
        .file("echo.pl", ECHO)
        .file("listen.pl", LISTEN);
    for plugin in PLUGINS {
        root = root.program(format!("{LIBRARIES}/plugins/libstrongswan-{plugin}.so"));
    }
    for name in ["agent", "gateway"] {
        let settings = format!(
            "charon {{
                load = {}
                install_routes = no
                retransmit_timeout = 1
                retransmit_base = 1
                retransmit_tries = 3
                filelog {{
                    log {{
                        path = /{name}.log
                        default = 1
                    }}
                }}
                plugins {{
                    vici {{
                        socket = unix:///{name}.vici
                    }}
                }}
            }}
            swanctl {{
                load =
            }}\n",
            PLUGINS.join(" ")
        );
        root = root.file(&format!("{name}.strongswan"), settings);
    }
    root
}

/// What a daemon shall negotiate.
fn connection(local: &str, remote: &str, mode: &str, proposal: &str) -> String {
    format!(
        "connections {{
            mgcp {{
                version = 2
                local_addrs = {local}
                remote_addrs = {remote}
                proposals = aes128-sha256-modp2048
                dpd_delay = 2s
                local {{
                    auth = psk
                    id = {local}
                }}
                remote {{
                    auth = psk
                    id = {remote}
                }}
                children {{
                    mgcp {{
                        mode = {mode}
                        esp_proposals = {proposal}
                        local_ts = {local}/32[udp/2427]
                        remote_ts = {remote}/32[udp/2427]
                    }}
                }}
            }}
        }}
        secrets {{
            ike-mgcp {{
                secret = \"known to both\"
            }}
        }}\n"
    )
}

/// The gateway: what its kernel announces, and its ESP.
struct Gateway {
    vm: Vm,
    heard: usize,
    mirror: Mirror,
    ipsec: Ipsec,
    now: Instant,
}

const OURS: &str = "192.0.2.1";
const AGENT: &str = "192.0.2.2";

impl Gateway {
    /// Both daemons run, and know what to negotiate.
    fn start(mode: &str, proposal: &str) -> Self {
        let root = root()
            .file("agent.swanctl", connection(AGENT, OURS, mode, proposal))
            .file("gateway.swanctl", connection(OURS, AGENT, mode, proposal));
        let mut vm = Vm::start(&root);
        vm.run(NETWORK);
        vm.run(&format!("NAME=agent WHERE=\n{DAEMON}"));
        vm.run(&format!("NAME=gateway WHERE='/sbin/ip netns exec gw'\n{DAEMON}"));
        Self {
            vm,
            heard: 0,
            mirror: Mirror::new(vec![ip(OURS)]),
            ipsec: Ipsec::new(Config::default()),
            now: Instant::now(),
        }
    }

    fn swanctl(&mut self, name: &str, command: &str) {
        self.vm.run(&format!(
            "export STRONGSWAN_CONF=/{name}.strongswan
             swanctl {command} --uri unix:///{name}.vici > /dev/null || (tail -20 /{name}.log; exit 1)"
        ));
    }

    /// Repeats what was announced since the last time.
    fn listen(&mut self) -> Vec<Outcome> {
        let text = self.vm.run(&format!("tail -n +{} /heard", self.heard + 1));
        let lines: Vec<_> = text.lines().collect();
        self.heard += lines.len();
        let mut outcomes = Vec::new();
        for line in lines {
            let octet = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
            let datagram: Vec<_> = (0..line.len()).step_by(2).map(octet).collect();
            for message in messages(&datagram) {
                let seed = [self.heard as u8; 16];
                let outcome =
                    self.mirror.apply(self.now, Origin::Announced, message, &mut self.ipsec, seed);
                outcomes.push(outcome);
            }
        }
        let refused = |outcome: &&Outcome| {
            matches!(outcome, Outcome::Refused(..) | Outcome::Unusable(..) | Outcome::Older(_))
        };
        assert_eq!(outcomes.iter().find(refused), None);
        outcomes
    }

    /// Listens until it is so.
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "not in time: {what}");
            thread::sleep(Duration::from_millis(100));
            self.listen();
        }
    }

    fn is_covered(&self) -> bool {
        self.ipsec.covers(self.now, &mgcp()).is_ok()
    }

    /// Says something to the agent, and hears it again.
    fn transaction(&mut self, text: &str) {
        let (verdict, sealed) = through(&datagram(text), |packets| {
            self.ipsec.outbound(self.now, packets);
        });
        let Verdict::Protected(_) = verdict else { panic!("{text}: {verdict:?}") };
        self.vm.send(&sealed);
        let answer = self.vm.receive(PATIENCE).unwrap_or_else(|| panic!("{text}: no answer"));
        let (verdict, opened) = through(&answer, |packets| self.ipsec.inbound(self.now, packets));
        assert!(matches!(verdict, Verdict::Protected(_)), "{text}: {verdict:?}");
        let found = Datagram::parse_ip(&opened).unwrap();
        assert_eq!(&opened[found.payload_at..], text.as_bytes());
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mgcp() -> Flow {
    Flow::udp((ip(OURS), 2427), (ip(AGENT), 2427))
}

fn datagram(text: &str) -> Vec<u8> {
    let datagram = Datagram {
        source: (ip(OURS), 2427).into(),
        destination: (ip(AGENT), 2427).into(),
        traffic_class: 0,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: text.len(),
    };
    let mut packet = vec![0; datagram.headers_len()];
    packet.extend_from_slice(text.as_bytes());
    datagram.emit_ip(&mut packet, ChecksumRule::Compute);
    packet
}

fn through(packet: &[u8], work: impl FnOnce(&mut [Packet<'_>])) -> (Verdict, Vec<u8>) {
    let mut buffer = vec![0; HEADROOM + packet.len() + TAILROOM];
    buffer[HEADROOM..HEADROOM + packet.len()].copy_from_slice(packet);
    let mut packets = [Packet::new(&mut buffer, HEADROOM..HEADROOM + packet.len())];
    work(&mut packets);
    (packets[0].verdict, packets[0].bytes().to_vec())
}

/// Negotiated, used, replaced without a lost transaction, deleted; and a peer that dies.
// R: MGCP-04, MGCP-05
#[test]
fn negotiated_keys_cover_the_path_until_the_peer_is_gone() {
    for (mode, proposal, suite) in [
        ("transport", "aes128gcm16", Suite::AesGcm128),
        ("tunnel", "aes128-sha1", Suite::AesCbc128Sha1),
    ] {
        let mut gateway = Gateway::start(mode, proposal);
        gateway.listen();
        assert_ne!(gateway.ipsec.covers(gateway.now, &mgcp()).err(), None);

        gateway.swanctl("gateway", "--initiate --child mgcp");
        gateway.until("the first associations", Gateway::is_covered);
        let cover = gateway.ipsec.covers(gateway.now, &mgcp()).unwrap();
        assert_eq!((cover.outbound.suite, cover.inbound.suite), (suite, suite));
        gateway.transaction("AUEP 1 *@gw1 MGCP 0.1");

        for (number, side) in ["agent", "gateway", "agent"].into_iter().enumerate() {
            let before = gateway.ipsec.covers(gateway.now, &mgcp()).unwrap().outbound.spi;
            gateway.swanctl(side, "--rekey --child mgcp");
            for _ in 0..5 {
                gateway.listen();
                gateway.transaction(&format!("CRCX {number} while keys change"));
            }
            gateway.until("successors", |gateway| {
                gateway.ipsec.covers(gateway.now, &mgcp()).unwrap().outbound.spi != before
            });
            gateway.transaction(&format!("MDCX {number} under new keys"));
        }
        // The old ones are deleted in the end.
        gateway.until("one pair", |gateway| gateway.ipsec.sas().count() == 2);
        gateway.transaction("DLCX 9 still under the new ones");

        gateway.vm.run("kill -9 $(cat /agent.pid)");
        gateway.until("the dead peer's end", |gateway| gateway.ipsec.sas().count() == 0);
        let gap = gateway.ipsec.covers(gateway.now, &mgcp()).unwrap_err().why;
        assert!(matches!(gap, Gap::NoSa | Gap::NoPolicy), "{gap:?}");
        let (verdict, _) = through(&datagram("CRCX 10 with a key"), |packets| {
            gateway.ipsec.outbound(gateway.now, packets);
        });
        let Verdict::Drop(DropReason::NoSa | DropReason::NoPolicy) = verdict else {
            panic!("{verdict:?}")
        };
    }
}
