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

    /// No randomness.
    Error NO_RANDOMNESS
        "Call {call} cannot be encrypted", "通話 {call} を暗号化できません";
        because "Its keys could not be made: {error}", "鍵を生成できませんでした: {error}";
        cure "Check the operating system's random number generator; calls are refused rather than made with weak keys",
            "オペレーティング システムの乱数生成器を確認してください。弱い鍵は使わず、通話を拒否します";
}
