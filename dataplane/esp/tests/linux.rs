//! Our ESP and that of the Linux kernel: what one seals the other opens, in every suite, mode and
//! variant, both ways.

mod common;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use common::{Agreement, Pair, udp};
use ringfence_esp::{Mode, Reassembler, Suite, Verdict, fragment};
use vm::{Root, Vm};

/// How long the machine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The machine's addresses, and where ours are.
const NETWORK: &str = "
/sbin/ip link set lo up
cd /proc/sys/net
for file in ipv6/conf/eth0/accept_dad ipv6/conf/eth0/router_solicitations ipv4/conf/all/rp_filter \
    ipv4/conf/eth0/rp_filter ipv4/icmp_ratelimit; do echo 0 > $file; done
/sbin/ip link set eth0 up
/sbin/ip addr add 192.0.2.2/24 dev eth0
/sbin/ip addr add 2001:db8::2/64 dev eth0 nodad
/sbin/ip addr add 10.2.0.1/32 dev lo
/sbin/ip addr add fd00:2::1/128 dev lo nodad
/sbin/ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
/sbin/ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
/sbin/ip route add 10.1.0.0/24 via 192.0.2.1 src 10.2.0.1
/sbin/ip -6 route add fd00:1::/64 via 2001:db8::1 src fd00:2::1
perl /sockets.pl < /dev/null > /dev/null 2>&1 &
until [ $(cat net/udp net/udp6 /proc/net/udp /proc/net/udp6 2> /dev/null | grep -c -e :1194 -e :097B) = 4 ]
do usleep 20000; done
";

/// What the kernel has as modules and ESP needs.
const MODULES: &[&str] = &[
    "jitterentropy_rng",
    "drbg",
    "xfrm_user",
    "esp4",
    "esp6",
    "authenc",
    "authencesn",
    "echainiv",
    "seqiv",
    "gcm",
    "ghash-generic",
    "crypto_null",
    "ctr",
];

/// Takes ESP out of UDP on port 4500, as an IKE daemon would have the kernel do, and answers
/// datagrams on port 2427 with themselves.
const SOCKETS: &str = r#"
my %any = (2 => sub { pack('S n x12', 2, shift) }, 10 => sub { pack('S n x24', 10, shift) });
my @kept;
for my $family (2, 10) {
    for my $port (4500, 2427) {
        socket(my $socket, $family, 2, 0) or die "socket: $!";
        setsockopt($socket, 41, 26, pack('i', 1)) if $family == 10;
        bind($socket, $any{$family}->($port)) or die "bind: $!";
        setsockopt($socket, 17, 100, pack('i', 2)) or die "encapsulation: $!" if $port == 4500;
        push @kept, $socket;
        next if $port == 4500 or fork;
        while (defined(my $peer = recv($socket, my $datagram, 65535, 0))) {
            send($socket, $datagram, 0, $peer);
        }
    }
}
sleep;
"#;

fn start() -> Vm {
    let mut vm = Vm::start(&Root::new().modules(MODULES).file("sockets.pl", SOCKETS));
    vm.run(NETWORK);
    vm
}

/// Has the kernel take the agreement's associations, as the end that is not ours.
fn install(vm: &mut Vm, agreement: &Agreement, more: &str) {
    let mut batch = String::from("xfrm state flush\nxfrm policy flush\n");
    let mode = match agreement.mode {
        Mode::Transport => "transport",
        Mode::Tunnel => "tunnel",
    };
    for from in [0, 1] {
        let [source, destination] = [agreement.ends[from], agreement.ends[1 - from]];
        let spec = agreement.spec(1, from, 1);
        let mut state = format!(
            "xfrm state add src {source} dst {destination} proto esp spi {:#x} mode {mode} reqid 7 \
             replay-window 64 {} {}",
            spec.spi,
            algorithms(agreement.suite, 2 + from as u8),
            if from == 1 { more } else { "" },
        );
        if agreement.mode == Mode::Tunnel {
            state += " flag af-unspec";
        }
        if agreement.extended {
            state += " flag esn";
        }
        if agreement.encapsulation {
            let any = if source.is_ipv4() { "0.0.0.0" } else { "::" };
            write!(state, " encap espinudp 4500 4500 {any}").unwrap();
        }
        // What carries ESP is itself no traffic to protect.
        let direction = if from == 1 { "out" } else { "in" };
        writeln!(
            batch,
            "xfrm policy add src {source} dst {destination} proto 17 sport 4500 dport 4500 dir \
             {direction} priority 1 action allow"
        )
        .unwrap();
        let [host, other] = [agreement.hosts[from], agreement.hosts[1 - from]];
        writeln!(
            batch,
            "{state}\nxfrm policy add src {host} dst {other} dir {direction} priority 2 tmpl src {source} dst \
             {destination} proto esp mode {mode} reqid 7"
        )
        .unwrap();
    }
    vm.run(&format!("/sbin/ip -batch - << EOF\n{batch}EOF"));
}

/// Keys in the words of `ip xfrm`.
fn algorithms(suite: Suite, seed: u8) -> String {
    let hex = |len: usize, add: u8| {
        (0..len).fold(String::from("0x"), |mut hex, n| {
            let octet = (n as u8).wrapping_mul(3).wrapping_add(seed ^ add);
            write!(hex, "{octet:02x}").unwrap();
            hex
        })
    };
    let encryption = hex(suite.encryption_key_len(), 0);
    if suite.is_gcm() {
        return format!("aead rfc4106(gcm(aes)) {encryption} 128");
    }
    let (hash, bits) = match suite.icv_len() {
        12 => ("sha1", 96),
        _ => ("sha256", 128),
    };
    let integrity = hex(suite.integrity_key_len(), 0x55);
    let cipher = match suite.encrypts() {
        true => format!("enc cbc(aes) {encryption}"),
        false => "enc ecb(cipher_null) \"\"".to_owned(),
    };
    format!("{cipher} auth-trunc hmac({hash}) {integrity} {bits}")
}

/// An echo request, or the reply to it.
fn echo(source: IpAddr, destination: IpAddr, reply: bool, payload: &[u8]) -> Vec<u8> {
    let (protocol, kind) = match (source.is_ipv4(), reply) {
        (true, false) => (1, 8),
        (true, true) => (1, 0),
        (false, false) => (58, 128),
        (false, true) => (58, 129),
    };
    let ip = wire::ip::Header {
        source,
        destination,
        protocol,
        traffic_class: 0,
        hops: 64,
        payload_len: 8 + payload.len() as u16,
    };
    let mut packet = vec![0; ip.len()];
    ip.emit(&mut packet);
    packet.extend([kind, 0, 0, 0, 0x12, 0x34, 0, 1]);
    packet.extend_from_slice(payload);
    let message = &mut packet[ip.len()..];
    let pseudo = if source.is_ipv4() {
        wire::checksum::Sum::default()
    } else {
        ip.pseudo_sum(ip.payload_len)
    };
    let sum = pseudo.add_bytes(message).finish();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// What is behind the IP header.
fn message(packet: &[u8]) -> &[u8] {
    let ip = wire::ip::Header::parse(packet).unwrap();
    &packet[ip.len()..]
}

/// Sends a packet under the association, and opens the answer.
fn exchange(vm: &Vm, pair: &mut Pair, packet: &[u8]) -> Vec<u8> {
    let (verdict, sealed) = pair.seal(0, packet);
    assert_eq!(verdict, Verdict::Protected(pair.out[0]));
    vm.send(&sealed);
    let answer = vm.receive(PATIENCE).expect("no answer");
    let (verdict, opened) = pair.open(0, &answer);
    assert_eq!(verdict, Verdict::Protected(pair.back[0]), "{answer:02x?}");
    opened
}

#[test]
fn linux_opens_what_we_seal_and_we_what_it_seals() {
    let mut vm = start();
    for agreement in Agreement::all() {
        let name = format!(
            "{} {:?} {:?} {:?} extended {} in UDP {}",
            agreement.suite,
            agreement.mode,
            agreement.ends[0],
            agreement.hosts[0],
            agreement.extended,
            agreement.encapsulation
        );
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            install(&mut vm, &agreement, "");
            let mut pair = Pair::new(agreement);
            let [ours, its] = pair.agreement.hosts;
            // Linux drops encapsulated packets of fewer than 40 octets behind UDP's header.
            for len in [8, 13, 14, 15, 16, 1200] {
                let payload: Vec<_> = (0..len).map(|n| n as u8).collect();
                let request = echo(ours, its, false, &payload);
                let reply = echo(its, ours, true, &payload);
                let answer = exchange(&vm, &mut pair, &request);
                assert_eq!(message(&answer), message(&reply));
                let datagram = udp((ours, 2427), (its, 2427), &payload);
                let answer = exchange(&vm, &mut pair, &datagram);
                let back = udp((its, 2427), (ours, 2427), &payload);
                assert_eq!(message(&answer), message(&back));
            }
        }));
        assert!(held.is_ok(), "{name}");
    }
    refuses_what_we_refuse(&mut vm);
    numbers_roll_over(&mut vm);
    long_datagrams(&mut vm);
    concealment(&mut vm);
}

/// Neither answers replays and forgeries.
fn refuses_what_we_refuse(vm: &mut Vm) {
    let agreement = Agreement::new(Suite::AesCbc128Sha1, Mode::Tunnel);
    install(vm, &agreement, "");
    let mut pair = Pair::new(agreement);
    let [ours, its] = pair.agreement.hosts;
    let request = echo(ours, its, false, b"once");
    let (_, sealed) = pair.seal(0, &request);
    let mut forged = sealed.clone();
    *forged.last_mut().unwrap() ^= 1;
    vm.send(&forged);
    vm.send(&sealed);
    vm.send(&sealed);
    // The answer to this one comes after those that must not come.
    let last = echo(ours, its, false, b"last");
    let (_, sealed) = pair.seal(0, &last);
    vm.send(&sealed);
    for expected in [&b"once"[..], b"last"] {
        let answer = vm.receive(PATIENCE).expect("no answer");
        let (_, opened) = pair.open(0, &answer);
        assert_eq!(&message(&opened)[8..], expected);
    }
    let statistics = vm.run("cat /proc/net/xfrm_stat");
    for (counter, count) in [("XfrmInStateSeqError", 1), ("XfrmInStateProtoError", 1)] {
        let line = statistics.lines().find(|line| line.starts_with(counter)).unwrap();
        assert_eq!(line.split_whitespace().nth(1).unwrap(), count.to_string(), "{counter}");
    }
}

/// The kernel's numbers roll over in their low half.
fn numbers_roll_over(vm: &mut Vm) {
    for suite in [Suite::AesGcm128, Suite::AesCbc256Sha256] {
        let agreement = Agreement { extended: true, ..Agreement::new(suite, Mode::Tunnel) };
        // Far enough before the end that a first packet with this number is ahead, not behind.
        install(vm, &agreement, "replay-oseq 0xffffffb0");
        let mut pair = Pair::new(agreement);
        let [ours, its] = pair.agreement.hosts;
        for number in 1..=90u64 {
            let request = echo(ours, its, false, &[3; 20]);
            exchange(vm, &mut pair, &request);
            let sequence = pair.ends[0].sa(pair.back[0]).unwrap().sequence;
            assert_eq!(sequence, 0xffff_ffb0 + number);
        }
    }
}

/// Long ones are cut: inside a tunnel before it, in transport mode after it.
fn long_datagrams(vm: &mut Vm) {
    let payload: Vec<_> = (0..3900).map(|n| (n / 9) as u8).collect();
    for agreement in [
        Agreement::new(Suite::AesGcm256, Mode::Tunnel),
        Agreement::new(Suite::AesGcm256, Mode::Transport),
        Agreement {
            encapsulation: true,
            ..Agreement::new(Suite::AesCbc128Sha256, Mode::Transport)
        },
    ] {
        install(vm, &agreement, "");
        let mut pair = Pair::new(agreement);
        let [ours, its] = pair.agreement.hosts;
        let mut packet = udp((ours, 2427), (its, 2427), &payload);
        common::allow_fragments(&mut packet, 77);
        for sealed in cut_and_seal(&mut pair, &packet) {
            vm.send(&sealed);
        }
        let answer = open_and_join(vm, &mut pair);
        let back = udp((its, 2427), (ours, 2427), &payload);
        assert_eq!(message(&answer), message(&back));
    }
}

/// The packets that go to the wire for one that is too long.
fn cut_and_seal(pair: &mut Pair, packet: &[u8]) -> Vec<Vec<u8>> {
    let parts = |packet: &[u8], mtu| {
        let mut parts = fragment::fragments(packet, mtu, 0).unwrap();
        let mut all = Vec::new();
        let mut part = [0; 1500];
        while let Some(len) = parts.next_into(&mut part) {
            all.push(part[..len].to_vec());
        }
        all
    };
    match pair.seal(0, packet) {
        (Verdict::Split { mtu, .. }, sealed) => parts(&sealed, mtu),
        (Verdict::Fragment { sa, mtu }, _) => {
            let now = pair.now;
            let seal = |part: Vec<u8>| {
                common::through(&part, |packets| pair.ends[0].protect(now, sa, packets)).1
            };
            parts(packet, mtu).into_iter().map(seal).collect()
        }
        (verdict, _) => panic!("{verdict:?}"),
    }
}

/// The datagram that arrives in parts, cut before or after it was sealed.
fn open_and_join(vm: &Vm, pair: &mut Pair) -> Vec<u8> {
    let (mut outer, mut inner) = (Reassembler::new(), Reassembler::new());
    loop {
        let packet = vm.receive(PATIENCE).expect("no answer");
        let (mut verdict, mut opened) = pair.open(0, &packet);
        if verdict == Verdict::Reassemble {
            let Some(whole) = outer.push(pair.now, &packet).unwrap() else { continue };
            (verdict, opened) = pair.open(0, &whole);
        }
        assert_eq!(verdict, Verdict::Protected(pair.back[0]));
        if wire::ip::Header::parse(&opened).is_ok() {
            return opened;
        }
        if let Some(whole) = inner.push(pair.now, &opened).unwrap() {
            return whole;
        }
    }
}

/// Padding that conceals lengths, and packets that conceal silence.
fn concealment(vm: &mut Vm) {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
    install(vm, &agreement, "tfcpad 900");
    let mut pair = Pair::with(agreement, |spec| spec.traffic_padding = 800);
    let [ours, its] = pair.agreement.hosts;
    let mut buffer = [0; 2048];
    let front = ringfence_esp::HEADROOM;
    let mut dummy = ringfence_esp::Packet::new(&mut buffer, front..front);
    pair.ends[0].dummy(pair.now, pair.out[0], 800, &mut dummy);
    vm.send(dummy.bytes());
    for len in [8, 80] {
        let payload = vec![1; len];
        let answer = exchange(vm, &mut pair, &echo(ours, its, false, &payload));
        assert_eq!(message(&answer), message(&echo(its, ours, true, &payload)));
    }
    let stats = pair.ends[0].sa(pair.back[0]).unwrap().stats;
    assert!(stats.cipher_octets > 1800, "the kernel padded its packets: {stats:?}");
}
