//! The help texts in Japanese, each beside the English one it stands for.

use help::Texts;
use lang::Text;

pub const TEXTS: &Texts = &[help::CLAP, OURS];

const OURS: &[Text] = &[
    Text::new(
        "Send RTP or SRTP at a steady pace, and tell what becomes of it",
        "RTP または SRTP を一定のペースで送り、その結果を報告します",
    ),
    Text::new(
        "Send RTP or SRTP at a steady pace, and tell what becomes of it.\n\nEngines: xdp makes packets inside the kernel, millions a second, and only counts what arrives; af-xdp and socket make every packet here, with a stamp by which a sink tells loss, order, jitter and latency. xdp and af-xdp need root, socket needs nothing.\n\nTry it on one machine: `ringfence-pktgen sink --engine socket --at 127.0.0.1:16384 --flows 10`, and beside it `ringfence-pktgen send lo --engine socket --from 127.0.0.1:5000 --to 127.0.0.1:16384 --flows 10 --rate 500`.",
        "RTP または SRTP を一定のペースで送り、その結果を報告します。\n\nエンジン: xdp はカーネル内で毎秒数百万のパケットを作り、到着数だけを数えます。af-xdp と socket はすべてのパケットをここで作り、刻印を入れます。受信側はそれで損失、順序、ジッター、遅延を判定します。xdp と af-xdp には root が必要で、socket には何も要りません。\n\n1 台で試すには、`ringfence-pktgen sink --engine socket --at 127.0.0.1:16384 --flows 10` と並べて `ringfence-pktgen send lo --engine socket --from 127.0.0.1:5000 --to 127.0.0.1:16384 --flows 10 --rate 500` を実行します。",
    ),
    Text::new("Print JSON", "JSON で出力します"),
    Text::new(
        "Language of help and reports, en or ja [default: that of LC_ALL, LC_MESSAGES or LANG]",
        "ヘルプと報告の言語。en または ja [既定値: LC_ALL、LC_MESSAGES、LANG の言語]",
    ),
    Text::new(
        "Send the packets of many flows through an interface",
        "多数のフローのパケットをインターフェースから送ります",
    ),
    Text::new(
        "Take in what an interface or an address receives, and report it",
        "インターフェースまたはアドレスに届いたものを受け取り、報告します",
    ),
    Text::new(
        "Find the fastest rate at which nothing is lost (RFC 2544)",
        "損失のない最大速度を探します (RFC 2544)",
    ),
    Text::new(
        "Find the fastest rate at which nothing is lost (RFC 2544).\n\nSends through one interface what arrives at another of this machine in the end, faster and slower by halves, until the rate is known. What is measured stands between the two.",
        "損失のない最大速度を探します (RFC 2544)。\n\n一方のインターフェースから送り、この機械の別のインターフェースで受けます。速度が判明するまで、二分法で上げ下げします。測定対象は両者の間に置きます。",
    ),
    Text::new(
        "Write files for other generators: TRex, Pktgen-DPDK, the kernel's pktgen",
        "ほかの生成器 (TRex、Pktgen-DPDK、カーネルの pktgen) 用のファイルを書き出します",
    ),
    Text::new(
        "Interface the packets leave through; sockets leave that to the routes",
        "パケットを送り出すインターフェース。socket では経路に任せます",
    ),
    Text::new("Interface the packets leave through", "パケットを送り出すインターフェース"),
    Text::new("Interface where they arrive in the end", "最後に到着するインターフェース"),
    Text::new(
        "Interface the packets arrive at; sockets need none",
        "パケットが到着するインターフェース。socket では不要です",
    ),
    Text::new(
        "Where flow 0 goes; flow N goes 2 N ports above",
        "フロー 0 の宛先。フロー N はその 2 N 上のポートへ送ります",
    ),
    Text::new("Where all flows come from", "すべてのフローの送信元"),
    Text::new(
        "MAC address of the next hop; sockets need none",
        "ネクストホップの MAC アドレス。socket では不要です",
    ),
    Text::new(
        "MAC address of the interface; sockets need none",
        "インターフェースの MAC アドレス。socket では不要です",
    ),
    Text::new("How many flows", "フローの数"),
    Text::new(
        "SRTP instead of RTP, under this key and salt (hexadecimal), the same for all flows",
        "RTP の代わりに SRTP。鍵とソルト (16 進) は全フロー共通です",
    ),
    Text::new("SRTP suite, by its RFC 4568 name", "SRTP の暗号スイート (RFC 4568 の名前)"),
    Text::new("Who makes the packets", "パケットを作るエンジン"),
    Text::new(
        "Who takes the packets; xdp only counts them",
        "パケットを受けるエンジン。xdp は数えるだけです",
    ),
    Text::new("Who makes and takes the packets", "パケットを作り、受けるエンジン"),
    Text::new(
        "Packets per second of all flows together; without it as many as possible",
        "全フロー合計の毎秒パケット数。省略すると可能な限り多く送ります",
    ),
    Text::new("Packets per second of all flows together", "全フロー合計の毎秒パケット数"),
    Text::new("Packets per second of the first trial", "最初の試行の毎秒パケット数"),
    Text::new("How long", "時間 (秒)"),
    Text::new("How long; Ctrl-C ends it early", "時間 (秒)。Ctrl-C で途中終了します"),
    Text::new(
        "How long one trial is. RFC 2544 wants 60 s for a result that counts",
        "1 回の試行の時間 (秒)。RFC 2544 は正式な結果に 60 秒を求めます",
    ),
    Text::new(
        "How long after each trial late packets are waited for. RFC 2544 has 2 s",
        "各試行の後に遅れたパケットを待つ時間 (秒)。RFC 2544 では 2 秒",
    ),
    Text::new(
        "How closely the rate shall be known, in percent of it",
        "速度をどこまで絞り込むか (パーセント)",
    ),
    Text::new(
        "How many percent of the packets may be lost. RFC 2544 has none",
        "許容する損失 (パーセント)。RFC 2544 では 0",
    ),
    Text::new(
        "Another interface of this namespace where the packets arrive at last: counts and times them; with the engine xdp",
        "パケットが最後に到着する、この名前空間の別のインターフェース。到着数と時間を測ります (エンジン xdp のみ)",
    ),
    Text::new(
        "Where flow 0 arrives; flow N arrives 2 N ports above. The engine xdp takes all RTP",
        "フロー 0 の到着先。フロー N はその 2 N 上のポートに届きます。エンジン xdp はすべての RTP を受けます",
    ),
    Text::new(
        "Where flow 0 arrives in the end, if what is measured gives packets other addresses [default: that of --to]",
        "測定対象がアドレスを書き換える場合の、フロー 0 の最終到着先 [既定値: --to と同じ]",
    ),
    Text::new("For whom", "どの生成器用か"),
    Text::new(
        "What the link carries, in bits per second: Pktgen-DPDK knows rates as shares of it",
        "リンクの帯域 (ビット毎秒)。Pktgen-DPDK は速度をこれに対する割合で表します",
    ),
    Text::new("Directory to write to", "書き出し先のディレクトリ"),
];
