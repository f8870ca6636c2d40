//! Calls whose media cannot be had.

crate::messages! {
    /// No answer to a command to open a port.
    Error MEDIA_UNANSWERED
        "{device} does not open its media port", "{device} がメディア ポートを開きません";
        because "It was told to receive, and said nothing for five seconds; the call was ended",
            "受信を指示しましたが 5 秒以内に応答がないため、通話を終了しました";
        cure "Reset it; if that does not help, check the network between it and the server",
            "リセットしてください。改善しない場合は、サーバとの間のネットワークを確認してください";

    /// A port cannot be opened.
    Error MEDIA_REFUSED
        "{device} cannot open its media port", "{device} はメディア ポートを開けません";
        because "It answers with status {status}; the call was ended",
            "ステータス {status} で応答したため、通話を終了しました";
        cure "Reset it; if that does not help, compare its firmware load with that of others",
            "リセットしてください。改善しない場合は、ファームウェアを他の電話機と比較してください";

    /// A key cannot be used.
    Error MEDIA_NOT_ENCRYPTED
        "{device} cannot encrypt its media", "{device} はメディアを暗号化できません";
        because "It refuses the key it was given", "渡された鍵を拒否しました";
        cure "Check that its firmware load supports SRTP, or set its device security mode to authenticated with `ringfence device set {device} --security-mode authenticated`",
            "ファームウェアが SRTP に対応しているか確認するか、`ringfence device set {device} --security-mode authenticated` でデバイス セキュリティ モードを認証に変更してください";

    /// Media does not get through.
    Error MEDIA_FAILED
        "{device} cannot send its media", "{device} はメディアを送信できません";
        because "The far end refuses its packets", "相手側がパケットを拒否しています";
        cure "Check the network between the two, and firewalls in between",
            "両者の間のネットワークとファイアウォールを確認してください";

    /// Nothing in common.
    Error NO_CODEC
        "Call {call} has no codec", "通話 {call} に使用できるコーデックがありません";
        because "Its two ends have no codec in common that their regions allow",
            "両端に共通し、かつリージョンで許可されたコーデックがありません";
        cure "Allow more bandwidth between their regions, or change what the devices offer",
            "リージョン間の帯域を増やすか、デバイスのコーデックを変更してください";

    /// No way between two addresses.
    Error UNREACHABLE
        "The ends of call {call} cannot reach each other", "通話 {call} の両端は相互に到達できません";
        because "One has an IPv4 address, the other an IPv6 address, and their device pools allow no relay",
            "一方は IPv4、他方は IPv6 アドレスで、両方のデバイス プールがリレーを許可していません";
        cure "Allow the relay in one of their device pools: `when-needed` will do",
            "いずれかのデバイス プールでリレーを許可してください (`when-needed` で十分です)";

    /// No relay.
    Error NO_RELAY
        "There is no relay for call {call}", "通話 {call} に使用できるリレーがありません";
        because "Its media has to go through a relay, and none is configured or in service",
            "メディアはリレーを経由する必要がありますが、設定済みで稼働中のリレーがありません";
        cure "Look at the relays with `ringfence status`, and start `ringfence-datad` on them",
            "`ringfence status` でリレーを確認し、リレー上で `ringfence-datad` を起動してください";

    /// A relay says no.
    Error RELAY_REFUSED
        "No relay takes call {call}", "通話 {call} を受け付けるリレーがありません";
        because "Its media has to go through a relay, and those in service refuse with code {code}",
            "メディアはリレーを経由する必要がありますが、稼働中のリレーがコード {code} で拒否しました";
        cure "See `ringfence relay show` on the relay: its networks must reach both ends, and have free ports",
            "リレー上で `ringfence relay show` を確認してください。両端に到達できるネットワークと空きポートが必要です";

    /// A relay says nothing.
    Error RELAY_UNANSWERED
        "No relay answers for call {call}", "通話 {call} に応答するリレーがありません";
        because "Its media has to go through a relay, and none of those asked has answered in time",
            "メディアはリレーを経由する必要がありますが、問い合わせたリレーが時間内に応答しませんでした";
        cure "Check the network between this server and its relays, UDP port 2427",
            "このサーバとリレーとの間のネットワーク (UDP ポート 2427) を確認してください";

    /// No randomness.
    Error NO_RANDOMNESS
        "Call {call} cannot be encrypted", "通話 {call} を暗号化できません";
        because "Its keys could not be made: {error}", "鍵を生成できませんでした: {error}";
        cure "Check the operating system's random number generator; calls are refused rather than made with weak keys",
            "オペレーティング システムの乱数生成器を確認してください。弱い鍵は使わず、通話を拒否します";
}
