//! The rules on everything but network cards.

use lang::Text;

use crate::finding::{Finding, Sentence, State};
use crate::machine::Remedy;
use crate::snapshot::{CLOCK_SOURCE, GOVERNORS, HUGE_PAGES, Snapshot};

/// Looks at the machine.
pub fn look(machine: &Snapshot, findings: &mut Vec<Finding>) {
    findings.push(worker(machine));
    findings.extend(isolation(machine));
    findings.push(huge_pages(machine));
    findings.push(governors(machine));
    findings.extend(clock_source(machine));
    findings.push(time(machine));
    findings.extend(jit(machine));
    findings.push(locked_memory(machine));
    findings.push(open_files(machine));
}

fn worker(machine: &Snapshot) -> Finding {
    let weak = |text: Sentence| Finding::new("host.worker", State::Weak, text, WORKER_WHY);
    match machine.worker {
        Some(core) if machine.online.contains(core) => {
            let text = Sentence::from(WORKER).with("core", core);
            Finding::new("host.worker", State::Good, text, WORKER_WHY)
        }
        Some(core) => {
            let text = Sentence::from(WORKER_GONE).with("core", core);
            weak(text).cured_by(Sentence::from(WORKER_CURE).with("online", &machine.online))
        }
        // There is nowhere else to go.
        None if machine.online.0.len() < 2 => {
            Finding::new("host.worker", State::Notice, ONE_CORE, WORKER_WHY)
        }
        None => weak(WORKER_ANYWHERE.into())
            .cured_by(Sentence::from(WORKER_CURE).with("online", &machine.online)),
    }
}

fn isolation(machine: &Snapshot) -> Option<Finding> {
    let core = machine.worker.filter(|core| machine.online.contains(*core))?;
    let isolated = Sentence::from(ISOLATED).with("core", core);
    if machine.isolated.contains(core) {
        return Some(Finding::new("host.isolation", State::Good, isolated, ISOLATED_WHY));
    }
    let argument = format!("isolcpus=managed_irq,domain,{core} nohz_full={core} rcu_nocbs={core}");
    let text = Sentence::from(SHARED).with("core", core);
    let cure = Sentence::from(SHARED_CURE).with("argument", &argument);
    let found = Finding::new("host.isolation", State::Notice, text, ISOLATED_WHY);
    Some(found.cured_by(cure).at_boot(argument))
}

/// What the packet memory of one worker takes, as it is configured by default: 32 MiB.
const PAGES: u64 = 16;

fn huge_pages(machine: &Snapshot) -> Finding {
    let Some((total, free)) = machine.huge_pages else {
        return Finding::new("host.huge-pages", State::Notice, NO_HUGE_PAGES, HUGE_PAGES_WHY);
    };
    let text = Sentence::from(HUGE).with("total", total).with("free", free);
    if total >= PAGES {
        return Finding::new("host.huge-pages", State::Good, text, HUGE_PAGES_WHY);
    }
    let path = format!("{HUGE_PAGES}/nr_hugepages");
    Finding::new("host.huge-pages", State::Weak, text, HUGE_PAGES_WHY)
        .cured_by(Sentence::from(HUGE_PAGES_CURE).with("pages", PAGES))
        .remedied_by([Remedy::Write { path, value: PAGES.to_string() }])
}

fn governors(machine: &Snapshot) -> Finding {
    let slow: Vec<_> =
        machine.governors.iter().filter(|governor| governor.current != "performance").collect();
    let finding = |state, text| Finding::new("host.governor", state, text, GOVERNOR_WHY);
    let Some(first) = slow.first() else {
        let text = if machine.governors.is_empty() { NO_GOVERNOR } else { GOVERNOR };
        return finding(State::Good, text.into());
    };
    let text = Sentence::from(SLOW_GOVERNOR)
        .with("governor", &first.current)
        .with("count", slow.len())
        .with("all", machine.governors.len());
    let can = slow.iter().filter(|governor| governor.can_perform).map(|governor| {
        let path = format!("{GOVERNORS}/{}/scaling_governor", governor.policy);
        Remedy::Write { path, value: "performance".to_owned() }
    });
    finding(State::Weak, text).cured_by(GOVERNOR_CURE).remedied_by(can)
}

/// Read without leaving the processor, or almost.
const FAST_CLOCKS: [&str; 4] =
    ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

fn clock_source(machine: &Snapshot) -> Option<Finding> {
    let source = machine.clock_source.as_ref()?;
    let text = Sentence::from(CLOCK).with("source", &source.current);
    if FAST_CLOCKS.contains(&source.current.as_str()) {
        return Some(Finding::new("host.clock-source", State::Good, text, CLOCK_WHY));
    }
    let found = Finding::new("host.clock-source", State::Weak, text, CLOCK_WHY);
    let better = FAST_CLOCKS.iter().find(|fast| source.available.iter().any(|one| one == *fast));
    Some(match better {
        Some(better) => {
            let path = format!("{CLOCK_SOURCE}/current_clocksource");
            let cure = Sentence::from(CLOCK_CURE).with("better", better);
            found.cured_by(cure).remedied_by([Remedy::Write { path, value: (*better).to_owned() }])
        }
        None => found.cured_by(NO_CLOCK_CURE),
    })
}

fn time(machine: &Snapshot) -> Finding {
    let finding = |state, text| Finding::new("host.time", state, text, TIME_WHY);
    match machine.time_is_set {
        Some(true) => finding(State::Good, TIME),
        Some(false) => finding(State::Weak, NO_TIME).cured_by(TIME_CURE),
        None => finding(State::Notice, UNKNOWN_TIME).cured_by(TIME_CURE),
    }
}

fn jit(machine: &Snapshot) -> Option<Finding> {
    let finding = |state, text| Finding::new("host.bpf-jit", state, text, JIT_WHY);
    Some(match machine.bpf_jit? {
        0 => {
            let path = "proc/sys/net/core/bpf_jit_enable".to_owned();
            let remedy = Remedy::Write { path, value: "1".to_owned() };
            finding(State::Weak, NO_JIT).cured_by(JIT_CURE).remedied_by([remedy])
        }
        _ => finding(State::Good, JIT),
    })
}

/// Packet memory of one worker and its rings, twice.
const LOCKED: u64 = 128 << 20;

fn locked_memory(machine: &Snapshot) -> Finding {
    let limits = &machine.limits;
    let text = Sentence::from(if limits.of_datad { DATAD_LOCKS } else { OURS_LOCKS });
    let enough = limits.locked_memory.is_none_or(|octets| octets >= LOCKED);
    let shown = limits.locked_memory.map_or("unlimited".to_owned(), |octets| octets.to_string());
    let text = text.with("octets", shown);
    limit("host.locked-memory", enough, limits.of_datad, text, LOCKED_WHY, LOCKED_CURE)
}

/// Sockets of calls where there is no XDP.
const FILES: u64 = 65_536;

fn open_files(machine: &Snapshot) -> Finding {
    let limits = &machine.limits;
    let text = Sentence::from(if limits.of_datad { DATAD_OPENS } else { OURS_OPENS });
    let enough = limits.open_files.is_none_or(|files| files >= FILES);
    let shown = limits.open_files.map_or("unlimited".to_owned(), |files| files.to_string());
    limit(
        "host.open-files",
        enough,
        limits.of_datad,
        text.with("files", shown),
        FILES_WHY,
        FILES_CURE,
    )
}

/// A limit of somebody else than the daemon only hints at what it will have.
fn limit(
    check: &'static str,
    enough: bool,
    of_datad: bool,
    text: Sentence,
    why: Text,
    cure: Text,
) -> Finding {
    match (enough, of_datad) {
        (true, _) => Finding::new(check, State::Good, text, why),
        (false, true) => Finding::new(check, State::Weak, text, why).cured_by(cure),
        (false, false) => Finding::new(check, State::Notice, text, why).cured_by(cure),
    }
}

const WORKER: Text =
    Text::new("the packet worker has core {core}", "パケット ワーカはコア {core} を使います");
const WORKER_WHY: Text = Text::new(
    "a worker that moves between cores loses its caches and waits for others",
    "ワーカがコア間を移動すると、キャッシュを失い、待ち時間が生じます",
);
const WORKER_GONE: Text = Text::new(
    "`core = {core}` in [datad] is no core of this machine",
    "[datad] の `core = {core}` に当たるコアがありません",
);
const WORKER_ANYWHERE: Text =
    Text::new("the packet worker may run on any core", "パケット ワーカのコアが固定されていません");
const ONE_CORE: Text = Text::new("there is one core for everything", "コアが 1 つしかありません");
const WORKER_CURE: Text = Text::new(
    "set `core` in [datad] to one of {online}, not 0, and restart ringfence-datad",
    "[datad] の `core` を {online} のいずれか (0 以外) に設定し、ringfence-datad を再起動してください",
);
const ISOLATED: Text = Text::new(
    "nothing else is scheduled on core {core}",
    "コア {core} には他の処理が割り当てられません",
);
const ISOLATED_WHY: Text = Text::new(
    "what else runs on the worker's core delays packets by milliseconds",
    "ワーカのコアで他の処理が動くと、パケットがミリ秒単位で遅れます",
);
const SHARED: Text = Text::new(
    "core {core} of the packet worker is shared with everything else",
    "パケット ワーカのコア {core} は他の処理と共用されています",
);
const SHARED_CURE: Text = Text::new(
    "only at boot: give the kernel the arguments `{argument}`",
    "起動時にのみ設定できます。カーネル引数 `{argument}` を指定してください",
);
const HUGE: Text = Text::new(
    "{total} huge pages of 2 MiB are set aside, {free} of them free",
    "2 MiB のヒュージ ページ: 確保 {total}、空き {free}",
);
const NO_HUGE_PAGES: Text = Text::new(
    "this kernel has no huge pages of 2 MiB",
    "このカーネルには 2 MiB のヒュージ ページがありません",
);
const HUGE_PAGES_WHY: Text = Text::new(
    "packet memory in small pages costs the processor's address cache; datad takes huge ones at its \
     start if there are some",
    "小さいページではアドレス キャッシュの負担が増えます。datad は起動時に空きがあればヒュージ ページを使います",
);
const HUGE_PAGES_CURE: Text = Text::new(
    "set {pages} aside before ringfence-datad starts",
    "ringfence-datad の起動前に {pages} ページを確保してください",
);
const GOVERNOR: Text =
    Text::new("all cores run at full frequency", "すべてのコアが最高周波数で動作します");
const NO_GOVERNOR: Text = Text::new(
    "the kernel does not change the cores' frequency",
    "カーネルはコアの周波数を変更しません",
);
const SLOW_GOVERNOR: Text = Text::new(
    "governor `{governor}` decides about the frequency of {count} of {all} groups of cores",
    "{all} グループ中 {count} グループのコアの周波数をガバナ `{governor}` が決めています",
);
const GOVERNOR_WHY: Text = Text::new(
    "a core that has slowed down is late for the first packets of a burst",
    "周波数の下がったコアは、バーストの最初のパケットに遅れます",
);
const GOVERNOR_CURE: Text =
    Text::new("set the governor `performance`", "ガバナを `performance` にしてください");
const CLOCK: Text = Text::new("time is read from `{source}`", "時刻の取得元は `{source}` です");
const CLOCK_WHY: Text = Text::new(
    "each burst reads the time; other sources than the processor's own counter take microseconds",
    "バーストごとに時刻を読みます。プロセッサのカウンタ以外では数マイクロ秒かかります",
);
const CLOCK_CURE: Text = Text::new("switch to `{better}`", "`{better}` に切り替えてください");
const NO_CLOCK_CURE: Text = Text::new(
    "no faster one is to be had; in a virtual machine, look at the host's settings",
    "より速いものがありません。仮想マシンではホストの設定を確認してください",
);
const TIME: Text = Text::new("the clock is synchronised", "時刻は同期しています");
const NO_TIME: Text = Text::new("nothing sets the clock", "時刻が同期していません");
const UNKNOWN_TIME: Text = Text::new(
    "whether the clock is synchronised is not known: timedatectl does not answer",
    "時刻が同期しているか不明です (timedatectl が応答しません)",
);
const TIME_WHY: Text = Text::new(
    "certificates and trust lists are good from one time to another",
    "証明書と信頼リストには有効期間があります",
);
const TIME_CURE: Text = Text::new(
    "name a time server: /etc/chrony/sources.d/*.sources, `server NAME iburst`, then \
     `chronyc reload sources`",
    "/etc/chrony/sources.d/*.sources に `server NAME iburst` と書き、`chronyc reload sources` を実行してください",
);
const JIT: Text = Text::new("XDP programs are compiled", "XDP プログラムはコンパイルされます");
const NO_JIT: Text =
    Text::new("XDP programs are interpreted", "XDP プログラムはインタプリタで実行されます");
const JIT_WHY: Text = Text::new(
    "an interpreted program takes many times as long for a packet",
    "インタプリタではパケットあたりの時間が何倍にもなります",
);
const JIT_CURE: Text = Text::new("switch the compiler on", "JIT コンパイラを有効にしてください");
const DATAD_LOCKS: Text = Text::new(
    "ringfence-datad may lock {octets} octets of memory",
    "ringfence-datad がロックできるメモリは {octets} オクテットです",
);
const OURS_LOCKS: Text = Text::new(
    "ringfence-datad does not run; this shell may lock {octets} octets of memory",
    "ringfence-datad は動作していません。このシェルがロックできるメモリは {octets} オクテットです",
);
const LOCKED_WHY: Text = Text::new(
    "AF_XDP counts packet memory as locked; without enough of it the relay takes sockets",
    "AF_XDP のパケット メモリはロックされたものと数えられます。足りないとソケットの経路になります",
);
const LOCKED_CURE: Text = Text::new(
    "`LimitMEMLOCK=infinity` in the unit of ringfence-datad, as in the one that comes with it",
    "ringfence-datad のユニットに `LimitMEMLOCK=infinity` を指定してください (付属のユニットにはあります)",
);
const DATAD_OPENS: Text = Text::new(
    "ringfence-datad may open {files} files",
    "ringfence-datad が開けるファイルは {files} 個です",
);
const OURS_OPENS: Text = Text::new(
    "ringfence-datad does not run; this shell may open {files} files",
    "ringfence-datad は動作していません。このシェルが開けるファイルは {files} 個です",
);
const FILES_WHY: Text = Text::new(
    "without XDP each stream has sockets of its own",
    "XDP がない場合、ストリームごとにソケットを使います",
);
const FILES_CURE: Text = Text::new(
    "`LimitNOFILE=65536` in the unit of ringfence-datad, as in the one that comes with it",
    "ringfence-datad のユニットに `LimitNOFILE=65536` を指定してください (付属のユニットにはあります)",
);
