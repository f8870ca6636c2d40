//! Voice gateways that are commanded by MGCP.

crate::messages! {
    /// No answer.
    Error GATEWAY_LOST
        "Gateway {gateway} does not answer", "ゲートウェイ {gateway} が応答しません";
        because "It was asked several times over MGCP; calls through it cannot be made",
            "MGCP で数回問い合わせましたが応答がありません。このゲートウェイを経由する通話はできません";
        cure "Check that it runs, that its MGCP call agents name this server, and UDP port 2427 in between",
            "動作していること、MGCP のコールエージェントにこのサーバが設定されていること、間の UDP ポート 2427 が通ることを確認してください";

    /// It is there.
    Notice GATEWAY_REGISTERED
        "Gateway {gateway} has registered", "ゲートウェイ {gateway} が登録されました";
        because "It has answered or announced itself over MGCP", "MGCP で応答または通知がありました";
        cure "Nothing is to be done", "対処は不要です";

    /// It is new.
    Error GATEWAY_RESTARTED
        "Gateway {gateway} has restarted; {calls} ports were in calls",
            "ゲートウェイ {gateway} が再起動しました。通話中だったポート: {calls}";
        because "It has announced so over MGCP: its calls are over and their keys are void",
            "MGCP で再起動が通知されました。通話は終了し、その鍵は無効になりました";
        cure "If nobody restarted it, look into its log",
            "意図しない再起動の場合は、ログを確認してください";

    /// It goes.
    Notice GATEWAY_LEAVING
        "Gateway {gateway} goes out of service", "ゲートウェイ {gateway} がサービスを停止します";
        because "It has announced so over MGCP", "MGCP で停止が通知されました";
        cure "Put it back into service when the work on it is done",
            "作業が終わったらサービスに戻してください";

    /// A port does not work.
    Error GATEWAY_PORT_FAILS
        "Port {port} cannot be used: its gateway answers {code}",
            "ポート {port} は使用できません: ゲートウェイの応答は {code} です";
        because "500 is an endpoint that the gateway does not know, 501 one that is out of service",
            "500 はゲートウェイに存在しないエンドポイント、501 は停止中のエンドポイントです";
        cure "Compare the name with the gateway's own: `ringfence gateway show`",
            "ゲートウェイ側の名前と比較してください: `ringfence gateway show`";

    /// No IPsec, no keys.
    Error KEYS_HELD_BACK
        "The way to gateway {gateway} is not protected: its calls are not encrypted ({reason})",
            "ゲートウェイ {gateway} への経路が保護されていないため、通話は暗号化されません ({reason})";
        because "Its key policy is `require`: keys go only while IPsec covers MGCP in both directions",
            "鍵ポリシーが `require` のため、IPsec が両方向の MGCP を保護している間だけ鍵を送信します";
        cure "See `ringfence gateway check {gateway}` and mend the association",
            "`ringfence gateway check {gateway}` を確認し、アソシエーションを修復してください";

    /// No IPsec, no secure calls.
    Error SECURE_CALLS_ENDED
        "{calls} ports of gateway {gateway} were in encrypted calls, which were ended",
            "ゲートウェイ {gateway} の {calls} ポートの暗号化通話を切断しました";
        because "IPsec no longer covers the way to it, and `drop-secure-calls` is set",
            "経路が IPsec で保護されなくなり、`drop-secure-calls` が設定されています";
        cure "Mend the association: `ringfence gateway check {gateway}`",
            "アソシエーションを修復してください: `ringfence gateway check {gateway}`";

    /// No IPsec, and keys nevertheless.
    Error KEYS_IN_CLEAR
        "Keys of calls go to gateway {gateway} in clear ({reason})",
            "通話の鍵がゲートウェイ {gateway} へ平文で送信されています ({reason})";
        because "Its key policy is `prefer`: keys go whether IPsec covers the way or not",
            "鍵ポリシーが `prefer` のため、IPsec の有無にかかわらず鍵を送信します";
        cure "Mend the association, or set the policy to `require`: `ringfence gateway set {gateway} --key-policy require`",
            "アソシエーションを修復するか、ポリシーを `require` にしてください: `ringfence gateway set {gateway} --key-policy require`";

    /// IPsec is back.
    Notice GATEWAY_PATH_COVERED
        "The way to gateway {gateway} is protected again", "ゲートウェイ {gateway} への経路が再び保護されています";
        because "IPsec covers MGCP in both directions", "IPsec が両方向の MGCP を保護しています";
        cure "Nothing is to be done", "対処は不要です";

    /// The operator says so.
    Notice GATEWAY_PATH_TRUSTED
        "Keys go to gateway {gateway} over a way that nobody checks",
            "確認されていない経路でゲートウェイ {gateway} へ鍵を送信します";
        because "Its key policy is `trusted-path`: the operator vouches for the network",
            "鍵ポリシーが `trusted-path` です。ネットワークの安全性は運用者が保証します";
        cure "Use `require` where IPsec ends on this server",
            "IPsec がこのサーバで終端する場合は `require` を使用してください";

    /// It does not do as it is told.
    Error GATEWAY_UNFIT
        "Port {port} does not do as it is told: {what}", "ポート {port} が指示に従いません: {what}";
        because "Its answer is not what the command asked for", "応答が命令の内容と一致しません";
        cure "Check the codecs, the SRTP package and the secure DSP of the gateway",
            "ゲートウェイのコーデック、SRTP パッケージ、セキュア DSP の設定を確認してください";
}
