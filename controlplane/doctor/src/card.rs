//! The rules on network cards.

use lang::Text;

use crate::cores::CoreSet;
use crate::finding::{Finding, Sentence, State};
use crate::machine::Remedy;
use crate::snapshot::{Card, Interrupt, Snapshot};

/// Looks at a card.
pub fn look(card: &Card, machine: &Snapshot, findings: &mut Vec<Finding>) {
    let found = [
        Some(xdp(card)),
        Some(af_xdp(card)),
        Some(frames_out(card)),
        lro(card),
        queues(card, machine),
        spread(card),
        interrupts(card, machine),
    ];
    findings.extend(found.into_iter().flatten().map(|finding| finding.of(&card.name)));
}

/// Octets of a packet beyond which programs do not run in drivers: a page less what goes around it.
const LARGEST_MTU: u32 = 3498;

fn xdp(card: &Card) -> Finding {
    let driver = card.driver.as_deref().unwrap_or("?");
    let finding = |state, text: Text| {
        let reason = if card.features_are_told { TOLD } else { BY_NAME };
        let text = Sentence::from(text).with("driver", driver).with("mtu", card.mtu);
        Finding::new("card.xdp", state, text, Sentence::from(reason).with("driver", driver))
    };
    if !card.features.runs_programs() {
        return finding(State::Weak, GENERIC).cured_by(GENERIC_CURE);
    }
    if card.mtu > LARGEST_MTU {
        return finding(State::Weak, LARGE_MTU).cured_by(LARGE_MTU_CURE);
    }
    finding(State::Good, NATIVE)
}

fn af_xdp(card: &Card) -> Finding {
    match card.features.zero_copy() {
        true => Finding::new("card.af-xdp", State::Good, ZERO_COPY, ZERO_COPY_WHY),
        false => {
            Finding::new("card.af-xdp", State::Notice, COPY, ZERO_COPY_WHY).cured_by(ZERO_COPY_CURE)
        }
    }
}

fn frames_out(card: &Card) -> Finding {
    match card.features.sends_frames() {
        true => Finding::new("card.fast-tier", State::Good, SENDS, SENDS_WHY),
        false => {
            Finding::new("card.fast-tier", State::Notice, SENDS_NOT, SENDS_WHY).cured_by(SENDS_CURE)
        }
    }
}

fn lro(card: &Card) -> Option<Finding> {
    let joins = card.lro?;
    if !joins {
        return None;
    }
    let args = ["-K", &card.name, "lro", "off"].map(str::to_owned).to_vec();
    let found = Finding::new("card.lro", State::Weak, LRO, LRO_WHY).cured_by(LRO_CURE);
    Some(found.remedied_by([Remedy::Run { program: "ethtool", args }]))
}

fn queues(card: &Card, machine: &Snapshot) -> Option<Finding> {
    let most = card.most_queues?;
    // The worker's core is not for interrupts.
    let useful = machine.online.without(machine.worker).0.len().clamp(1, most);
    let text = Sentence::from(QUEUES)
        .with("queues", card.queues)
        .with("most", most)
        .with("cores", machine.online.0.len());
    if card.queues >= useful {
        return Some(Finding::new("card.queues", State::Good, text, QUEUES_WHY));
    }
    let cure = Sentence::from(QUEUES_CURE).with("name", &card.name).with("useful", useful);
    Some(Finding::new("card.queues", State::Notice, text, QUEUES_WHY).cured_by(cure))
}

fn spread(card: &Card) -> Option<Finding> {
    if card.queues < 2 {
        return None;
    }
    let finding = |state, text| Finding::new("card.rss-udp", state, text, SPREAD_WHY);
    Some(match card.spreads_by_port {
        Some(true) => finding(State::Good, BY_PORT),
        Some(false) => {
            let remedy = |flow: &str| {
                let args = ["-N", &card.name, "rx-flow-hash", flow, "sdfn"].map(str::to_owned);
                Remedy::Run { program: "ethtool", args: args.to_vec() }
            };
            let cure = Sentence::from(SPREAD_CURE).with("name", &card.name);
            finding(State::Weak, BY_ADDRESS)
                .cured_by(cure)
                .remedied_by([remedy("udp4"), remedy("udp6")])
        }
        None => finding(State::Notice, SPREAD_UNKNOWN),
    })
}

/// Interrupts are to be spread over all cores but the worker's.
fn interrupts(card: &Card, machine: &Snapshot) -> Option<Finding> {
    let others = machine.online.without(machine.worker);
    if card.interrupts.is_empty() || machine.online.0.len() < 2 || others.0.is_empty() {
        return None;
    }
    let places: Vec<usize> = others.0.iter().copied().collect();
    let wanted = |n: usize| CoreSet([places[n % places.len()]].into());
    let is_well = |(n, interrupt): &(usize, &Interrupt)| interrupt.cores == wanted(*n);
    let text = |text: Text| {
        let all: Vec<_> =
            card.interrupts.iter().map(|one| format!("{}→{}", one.number, one.cores)).collect();
        Sentence::from(text).with("all", all.join(", "))
    };
    if card.interrupts.iter().enumerate().all(|each| is_well(&each)) {
        return Some(Finding::new("card.interrupts", State::Good, text(IN_PLACE), INTERRUPTS_WHY));
    }
    let moves = card.interrupts.iter().enumerate().filter(|each| !is_well(each));
    let remedies = moves.map(|(n, interrupt)| Remedy::Write {
        path: format!("proc/irq/{}/smp_affinity_list", interrupt.number),
        value: wanted(n).to_string(),
    });
    let cure = if machine.irqbalance { BALANCED_CURE } else { INTERRUPTS_CURE };
    let found = Finding::new("card.interrupts", State::Weak, text(OUT_OF_PLACE), INTERRUPTS_WHY);
    Some(found.cured_by(Sentence::from(cure).with("cores", &others)).remedied_by(remedies))
}

const NATIVE: Text = Text::new(
    "driver `{driver}` runs XDP programs itself (native)",
    "ドライバ `{driver}` は XDP プログラムを自身で実行します (ネイティブ)",
);
const TOLD: Text = Text::new("the kernel says so", "カーネルの回答によります");
const BY_NAME: Text = Text::new(
    "this kernel does not tell (Linux 6.3 does); `{driver}` is known by its name",
    "このカーネルは回答しません (Linux 6.3 以降)。`{driver}` という名前から判断しました",
);
const GENERIC: Text = Text::new(
    "driver `{driver}` does not run XDP programs; the kernel does, later (generic)",
    "ドライバ `{driver}` は XDP プログラムを実行しません。カーネルが後段で実行します (ジェネリック)",
);
const GENERIC_CURE: Text = Text::new(
    "use a card whose driver has XDP, such as i40e, ice, mlx5_core, ena or virtio_net; media works \
     with this one, but slower",
    "XDP 対応ドライバ (i40e、ice、mlx5_core、ena、virtio_net など) のカードを使ってください。このカードでも動作しますが遅くなります",
);
const LARGE_MTU: Text = Text::new(
    "with an MTU of {mtu} driver `{driver}` refuses XDP programs",
    "MTU {mtu} ではドライバ `{driver}` は XDP プログラムを受け付けません",
);
const LARGE_MTU_CURE: Text = Text::new(
    "set the MTU to 1500; media does not need more",
    "MTU を 1500 にしてください。メディアにはそれで十分です",
);
const ZERO_COPY: Text =
    Text::new("AF_XDP without copying (afxdp-zc)", "AF_XDP はコピーなしで動作します (afxdp-zc)");
const COPY: Text = Text::new(
    "AF_XDP copies each packet (afxdp-copy)",
    "AF_XDP はパケットをコピーします (afxdp-copy)",
);
const ZERO_COPY_WHY: Text = Text::new(
    "a copy costs each packet that goes through the engine; those that leave in XDP are not copied",
    "エンジンを通るパケットごとにコピーの負担がかかります。XDP で転送されるパケットはコピーされません",
);
const ZERO_COPY_CURE: Text = Text::new(
    "drivers with zero copy are i40e, ice, ixgbe, igc, mlx5_core and nfp, and later igb and virtio_net",
    "コピー不要のドライバは i40e、ice、ixgbe、igc、mlx5_core、nfp です (新しいカーネルでは igb、virtio_net も)",
);
const SENDS: Text = Text::new(
    "it sends frames that XDP programs redirect to it",
    "XDP プログラムが転送したフレームを送信します",
);
const SENDS_NOT: Text = Text::new(
    "it sends no frames of XDP programs elsewhere",
    "他の XDP プログラムからのフレームを送信しません",
);
const SENDS_WHY: Text = Text::new(
    "RTP that stays RTP then goes from card to card without the engine (path xdp)",
    "RTP のままの RTP がエンジンを通らずにカード間を移ります (経路 xdp)",
);
const SENDS_CURE: Text = Text::new(
    "on a veth, switch GRO on at its other end; some cards do so while a program is on them",
    "veth では対向側の GRO を有効にしてください。プログラムがある間だけ対応するカードもあります",
);
const LRO: Text = Text::new("LRO is on", "LRO が有効です");
const LRO_WHY: Text = Text::new(
    "drivers refuse XDP programs while the card joins segments",
    "セグメントを結合するカードでは XDP プログラムを使えません",
);
const LRO_CURE: Text = Text::new("switch it off", "無効にしてください");
const QUEUES: Text = Text::new(
    "{queues} receive queues of at most {most}, {cores} cores",
    "受信キュー {queues} (最大 {most})、コア {cores}",
);
const QUEUES_WHY: Text = Text::new(
    "each queue has an interrupt of its own, so that the kernel's part of the work is shared",
    "キューごとに割り込みがあり、カーネル側の処理を分担できます",
);
const QUEUES_CURE: Text = Text::new(
    "while ringfence-datad is stopped: `ethtool -L {name} combined {useful}`; the link goes down for a moment",
    "ringfence-datad の停止中に `ethtool -L {name} combined {useful}` を実行してください。リンクが一瞬切れます",
);
const BY_PORT: Text = Text::new(
    "UDP is spread over the queues by ports",
    "UDP はポートによって各キューに分散されます",
);
const BY_ADDRESS: Text = Text::new(
    "UDP is spread over the queues by addresses only",
    "UDP はアドレスのみによって各キューに分散されます",
);
const SPREAD_UNKNOWN: Text = Text::new(
    "the card does not tell how it spreads UDP over its queues",
    "UDP を各キューに分散する方法をカードが回答しません",
);
const SPREAD_WHY: Text = Text::new(
    "all streams between two gateways have the same addresses: they would share one queue",
    "2 台のゲートウェイ間のストリームはすべて同じアドレスのため、1 つのキューに集中します",
);
const SPREAD_CURE: Text = Text::new(
    "`ethtool -N {name} rx-flow-hash udp4 sdfn`, and the same for udp6",
    "`ethtool -N {name} rx-flow-hash udp4 sdfn` を実行し、udp6 も同様にしてください",
);
const IN_PLACE: Text = Text::new(
    "each queue's interrupt has its core: {all}",
    "各キューの割り込みにコアが割り当てられています: {all}",
);
const OUT_OF_PLACE: Text =
    Text::new("interrupts of its queues go to {all}", "キューの割り込み先: {all}");
const INTERRUPTS_WHY: Text = Text::new(
    "one core for all interrupts loses packets while others idle, and on the worker's core they take \
     its time",
    "割り込みが 1 つのコアに集中すると他のコアが空いていてもパケットを失い、ワーカのコアではその時間を奪います",
);
const INTERRUPTS_CURE: Text =
    Text::new("spread them over the cores {cores}", "コア {cores} に分散してください");
const BALANCED_CURE: Text = Text::new(
    "spread them over the cores {cores}, and stop irqbalance, which would move them again",
    "コア {cores} に分散し、再び移動させないよう irqbalance を停止してください",
);
