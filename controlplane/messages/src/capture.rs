//! Captures of encrypted calls: how they are set up, and what comes of reading them.

crate::messages! {
    /// Not a number at all.
    Error CAPTURE_DURATION_CHARACTERS
        "Packet Capture Duration contains one or more invalid characters. Valid characters for Packet Capture Duration are numbers.",
        "パケット キャプチャ期間に無効な文字が含まれています。使用できるのは数字だけです。";
        because "{given} is not a number", "{given} は数値ではありません";
        cure "Write the minutes in digits, 0 to 300", "0 から 300 の分数を数字で指定してください";

    /// Too long.
    Error CAPTURE_DURATION_RANGE
        "Invalid Packet Capture Duration. Packet Capture Duration should be between 0 and 300.",
        "パケット キャプチャ期間が無効です。0 から 300 の値を指定してください。";
        because "{given} is above 300 minutes", "{given} は 300 分を超えています";
        cure "Write 0 to 300 minutes; a longer capture is begun anew when it has ended",
            "0 から 300 分を指定してください。長い場合は終了後に再度開始します";

    /// Switched off.
    Error CAPTURE_DISABLED
        "Packet Capture Enable is off", "パケット キャプチャの有効化がオフです";
        because "Nothing is captured before somebody switches it on for the cluster", "クラスタで有効にするまで、何もキャプチャされません";
        cure "ringfence param set call-manager.packet-capture-enable on, and off again when you are done",
            "ringfence param set call-manager.packet-capture-enable on を実行し、終了後に off に戻してください";

    /// Somebody without the role.
    Error CAPTURE_NOT_ALLOWED
        "{who} may not capture calls", "{who} には通話をキャプチャする権限がありません";
        because "Only an administrator with the role capture may start a capture or read one",
            "キャプチャの開始と読み取りができるのは、capture の役割を持つ管理者だけです";
        cure "Have an administrator give that role to somebody whose task it is: ringfence admin put NAME --role capture",
            "担当者にその役割を与えてください: ringfence admin put NAME --role capture";

    /// Too many at once.
    Notice CAPTURE_MANY_DEVICES
        "{count} devices are captured at once", "{count} 台のデバイスを同時にキャプチャしています";
        because "Every message of each is copied, encrypted and written: with many devices that costs CPU time and disk",
            "各デバイスの全メッセージを複製、暗号化して書き込むため、台数が多いと CPU とディスクに負荷がかかります";
        cure "Capture few devices, for a short time, when the network is not busy",
            "少数のデバイスを、混雑していない時間帯に短時間だけキャプチャしてください";

    /// A capture goes on.
    Notice CAPTURE_ACTIVE
        "Packet capture is active: {devices}", "パケット キャプチャ中です: {devices}";
        because "Signalling of these devices, with the keys of their calls, is being copied",
            "これらのデバイスのシグナリングが、通話の鍵とともに複製されています";
        cure "It ends by itself; end it at once by ringfence capture stop --all, or by switching Packet Capture Enable off", "自動的に終了します。すぐに終了するには ringfence capture stop --all を実行するか、パケット キャプチャの有効化をオフにしてください";

    /// It ended itself.
    Notice CAPTURE_STOPPED
        "The capture of {device} has stopped: {why}", "{device} のキャプチャを停止しました: {why}";
        because "A capture lasts as long as it was set to, or until its limits are reached",
            "キャプチャは設定した期間の経過後、または上限に達すると停止します";
        cure "Start it anew if you need more: ringfence capture start", "さらに必要な場合は再度開始してください: ringfence capture start";

    /// Signalling without keys.
    Error CAPTURE_NO_KEYS
        "The signalling holds no media key", "シグナリングにメディアの鍵が含まれていません";
        because "{messages} messages were read; keys that cannot be used: {unusable}. Keys are told when a call is set up, in encrypted calls only",
            "{messages} 件のメッセージを読み取りました。使用できない鍵: {unusable}。鍵は暗号化された通話の開始時にだけ送信されます";
        cure "Start the capture of one of the call's devices before the call, and capture a call that shows the lock",
            "通話の前にその通話のデバイスのキャプチャを開始し、錠前アイコンが表示される通話をキャプチャしてください";

    /// A recording without media.
    Error CAPTURE_NO_MEDIA
        "The recording holds no RTP", "記録データに RTP が含まれていません";
        because "{packets} packets were read and none belongs to a stream of media",
            "{packets} 個のパケットを読み取りましたが、メディア ストリームはありませんでした";
        cure "Record UDP where the call's media passes: at the switch port of a phone, or at a relay",
            "通話のメディアが通る場所 (電話機のスイッチ ポート、またはリレー) で UDP を記録してください";

    /// Keys of another call.
    Error CAPTURE_NO_KEY_FITS
        "No key of the signalling fits the recording", "シグナリングの鍵がいずれも記録データに合いません";
        because "{keys} keys were told, for {meant}; what was recorded is {streams}, and no packet verified",
            "{keys} 個の鍵 ({meant}) に対し、記録されたのは {streams} で、検証できたパケットはありません";
        cure "Capture the signalling of the devices whose media was recorded, from before the call on; behind a relay each side has keys of its own. A recording must begin in the first 65,536 packets of a stream",
            "メディアを記録したデバイスのシグナリングを通話前からキャプチャしてください。リレーの両側では鍵が異なります。記録はストリームの最初の 65,536 パケット以内に開始する必要があります";

    /// It cannot be read.
    Error CAPTURE_UNREADABLE
        "A capture cannot be read: {why}", "キャプチャを読み取れません: {why}";
        because "It is another kind of file, or was damaged", "別の種類のファイルか、破損しています";
        cure "Give pcapng or pcap, as tcpdump, dumpcap and Wireshark write it; of a batch file give its key too: --key",
            "tcpdump、dumpcap、Wireshark が書き込む pcapng または pcap を指定してください。バッチ ファイルには鍵も必要です: --key";

    /// It cannot be written.
    Error CAPTURE_UNWRITABLE
        "The result cannot be written: {why}", "結果を書き込めません: {why}";
        because "The operating system refuses it", "オペレーティング システムが拒否しました";
        cure "Look at the directory, its permissions and the room on its disk", "ディレクトリ、その権限、ディスクの空き容量を確認してください";
}
