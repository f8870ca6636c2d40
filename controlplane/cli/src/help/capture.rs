//! Of `ringfence capture`.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new(
        "Packet capture: signalling of encrypted calls, and media opened with its keys",
        "パケット キャプチャ: 暗号化された通話のシグナリングと、その鍵によるメディアの復号",
    ),
    Text::new(
        "Capture signalling of devices from now on. Takes the role capture",
        "デバイスのシグナリングのキャプチャを開始します。capture の役割が必要です",
    ),
    Text::new(
        "Phones, SEP and their MAC address; MGCP endpoints, ENDPOINT@GATEWAY or *@GATEWAY",
        "電話機 (SEP と MAC アドレス)、または MGCP エンドポイント (ENDPOINT@GATEWAY、*@GATEWAY)",
    ),
    Text::new(
        "Phones that match, such as pool=Tokyo,model=7960; keys as the options of `phone list`",
        "条件に一致する電話機 (例: pool=Tokyo,model=7960)。キーは `phone list` のオプションと同じ",
    ),
    Text::new(
        "real-time: to tools that are attached; batch: to the encrypted file of the day",
        "real-time: 接続中のツールに送信。batch: その日の暗号化ファイルに保存",
    ),
    Text::new(
        "Packet Capture Duration: minutes after which it stops by itself, 0 to 300",
        "パケット キャプチャ期間: 自動的に停止するまでの分数 (0 ～ 300)",
    ),
    Text::new(
        "Stop capturing devices. Takes the role capture",
        "デバイスのキャプチャを停止します。capture の役割が必要です",
    ),
    Text::new("Which ones", "対象のデバイス"),
    Text::new("All that are captured", "キャプチャ中のすべてのデバイス"),
    Text::new(
        "Show what is captured, the files of the days and the tools that may attach",
        "キャプチャ中のデバイス、日ごとのファイル、接続できるツールを表示します",
    ),
    Text::new(
        "Make a key and a certificate for this machine as a tool, and print its fingerprint",
        "このマシンをツールとして使うための鍵と証明書を作成し、フィンガープリントを表示します",
    ),
    Text::new(
        "Directory of the tool's key and certificate, which are made there if they are not [default: ringfence/capture in XDG_STATE_HOME or ~/.local/state]",
        "ツールの鍵と証明書のディレクトリ。なければ作成します [既定値: XDG_STATE_HOME または ~/.local/state の ringfence/capture]",
    ),
    Text::new(
        "The tools that may attach to the stream. Takes the role capture",
        "ストリームに接続できるツール。capture の役割が必要です",
    ),
    Text::new(
        "Let a tool attach, for as long as you have the role capture",
        "ツールの接続を許可します。capture の役割を持つ間だけ有効です",
    ),
    Text::new(
        "SHA-256 of its certificate, as `capture certificate` prints it there",
        "証明書の SHA-256。ツール側の `capture certificate` が表示します",
    ),
    Text::new(
        "Let a tool attach no more; one that is attached is cut off",
        "ツールの接続許可を取り消します。接続中の場合は切断します",
    ),
    Text::new(
        "Stream what is captured in real time to standard output, as pcapng: | wireshark -k -i -",
        "リアルタイムのキャプチャを pcapng で標準出力に流します: | wireshark -k -i -",
    ),
    Text::new(
        "The node where the devices register, with the port that `capture show` tells there",
        "デバイスが登録されるノードと、そこで `capture show` が表示するポート",
    ),
    Text::new(
        "SHA-256 of its certificate, as `status` and `capture show` tell it there",
        "ノードの証明書の SHA-256。ノードの `status` と `capture show` が表示します",
    ),
    Text::new(
        "Only this device; may be given several times [default: all that are captured in real time]",
        "このデバイスだけを対象にします。複数回指定できます [既定値: リアルタイムでキャプチャ中のすべて]",
    ),
    Text::new(
        "Directory of the tool's key and certificate [default: that of `capture certificate`]",
        "ツールの鍵と証明書のディレクトリ [既定値: `capture certificate` と同じ]",
    ),
    Text::new(
        "Fetch the file of a day and its key. Takes the role capture",
        "日ごとのファイルと鍵を取得します。capture の役割が必要です",
    ),
    Text::new("The day in UTC, mm-dd-yyyy", "日付 (UTC、mm-dd-yyyy)"),
    Text::new("Directory for the two files", "2 つのファイルを保存するディレクトリ"),
    Text::new(
        "Open the file of a day with its key, and write what was captured as pcapng",
        "日ごとのファイルを鍵で開き、内容を pcapng で書き込みます",
    ),
    Text::new("The file of the day, mm-dd-yyyy.pkt", "日ごとのファイル (mm-dd-yyyy.pkt)"),
    Text::new(
        "Its key, mm-dd-yyyy.key [default: beside it]",
        "その鍵 (mm-dd-yyyy.key) [既定値: ファイルと同じ場所]",
    ),
    Text::new(
        "Where to write what was captured. It holds the keys of calls: keep it as a secret",
        "書き込み先。通話の鍵を含むため、秘密として扱ってください",
    ),
    Text::new(
        "Record the packets of one call in the relay of this machine, on both sides of it",
        "このマシンのリレーを通る 1 つの通話のパケットを、両側で記録します",
    ),
    Text::new(
        "The endpoint that the call goes through, as `relay show` names it",
        "通話が通るエンドポイント。`relay show` が表示する名前",
    ),
    Text::new("Seconds after which it ends", "終了するまでの秒数"),
    Text::new("Megabytes after which it ends", "終了するまでのメガバイト数"),
    Text::new(
        "Socket of ringfence-datad: its `capture_socket`",
        "ringfence-datad のソケット (`capture_socket`)",
    ),
    Text::new(
        "Where to write the packets, as they are on the wire on both sides of the relay",
        "パケットの書き込み先。リレーの両側の回線上の内容がそのまま記録されます",
    ),
    Text::new(
        "Open recorded SRTP with the keys in captured signalling: RTP that Wireshark plays, and a WAV file for each direction",
        "キャプチャしたシグナリングの鍵で、記録した SRTP を復号します。Wireshark で再生できる RTP と、方向ごとの WAV ファイルを作成します",
    ),
    Text::new(
        "Captured signalling: pcapng of `capture live` or `capture open`, or the file of a day",
        "キャプチャしたシグナリング: `capture live` または `capture open` の pcapng、または日ごとのファイル",
    ),
    Text::new(
        "The key of a file of a day [default: beside it]",
        "日ごとのファイルの鍵 [既定値: ファイルと同じ場所]",
    ),
    Text::new(
        "Recorded media: pcapng or pcap, as tcpdump, dumpcap and Wireshark write it",
        "記録したメディア: tcpdump、dumpcap、Wireshark が書き込む pcapng または pcap",
    ),
    Text::new(
        "Where to write signalling without keys, and media without encryption. WAV files are written beside it",
        "鍵を除いたシグナリングと復号したメディアの書き込み先。WAV ファイルも同じ場所に作成します",
    ),
];
