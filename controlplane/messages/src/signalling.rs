//! Phones whose connection to CallManager is not let in, or not kept.

crate::messages! {
    /// A file of which no music can be made.
    Error MUSIC_UNUSABLE
        "The music on hold stays as it was", "保留音楽は変更されていません";
        because "What was read: {why}", "読み取り結果: {why}";
        cure "Put a WAV file of one channel and 8000 samples a second there, then set `call-manager.music-on-hold-file` again",
            "モノラル、8 kHz の WAV ファイルを置き、`call-manager.music-on-hold-file` を設定し直してください";

    /// It shows no certificate.
    Error CERTIFICATE_NOT_SHOWN
        "A phone at {peer} shows no certificate", "{peer} の電話機が証明書を提示していません";
        because "It connected to the secure port; whoever does must have an LSC or a MIC",
            "セキュア ポートへの接続には LSC または MIC が必要です";
        cure "Install an LSC with `ringfence capf set DEVICE --operation install`",
            "`ringfence capf set DEVICE --operation install` で LSC をインストールしてください";

    /// Nobody we trust issued its certificate.
    Error CERTIFICATE_NOT_TRUSTED
        "The certificate of the phone at {peer} is of no trusted issuer", "{peer} の電話機の証明書は信頼できる発行元のものではありません";
        because "Neither CAPF nor a trusted manufacturer or voicemail server issued it, or its issuer was distrusted or replaced",
            "CAPF や信頼する製造元、ボイスメールサーバが発行したものではないか、発行元の信頼が解除または変更されています";
        cure "Give the phone an LSC of this cluster, or trust its issuer with `ringfence capf trust`; copy the root certificate of a voicemail server with `ringfence voicemail certificate`",
            "このクラスタの LSC をインストールするか、`ringfence capf trust` で発行元を信頼してください";

    /// Its certificate has ended.
    Error CERTIFICATE_HAS_ENDED
        "The certificate of the phone at {peer} has expired", "{peer} の電話機の証明書は有効期限切れです";
        because "It is past its last day, and no policy lets it be used any longer",
            "有効期間を過ぎており、使用を認める設定もありません";
        cure "Install a new LSC with `ringfence capf set DEVICE --operation install`; for a MIC a last day can be set in `call-manager.expired-mic-until`",
            "`ringfence capf set DEVICE --operation install` で新しい LSC をインストールしてください。MIC は `call-manager.expired-mic-until` で使用期限を延長できます";

    /// Its certificate has not begun.
    Error CERTIFICATE_NOT_BEGUN
        "The certificate of the phone at {peer} is not valid yet", "{peer} の電話機の証明書はまだ有効ではありません";
        because "Its first day is still to come: one of the clocks is wrong",
            "有効期間の開始日前です。いずれかの時計が誤っています";
        cure "Check the clocks of this node and of the node that issued it",
            "このノードと発行したノードの時計を確認してください";

    /// Its certificate names no device.
    Error CERTIFICATE_OF_NO_DEVICE
        "The certificate of the phone at {peer} names no device", "{peer} の電話機の証明書にデバイス名がありません";
        because "Its common name is no device name", "共通名がデバイス名ではありません";
        cure "Give the phone an LSC of this cluster", "このクラスタの LSC をインストールしてください";

    /// No version or suite in common.
    Error TLS_NOTHING_IN_COMMON
        "The phone at {peer} offers no TLS that is allowed", "{peer} の電話機が提示した TLS は許可されていません";
        because "No version or suite that it knows is allowed here", "使用可能なバージョンまたは暗号スイートがありません";
        cure "Load newer firmware; phones of the 79xx family need the cell, `legacy_tls` in [controld]",
            "ファームウェアを更新してください。79xx シリーズには [controld] の `legacy_tls` が必要です";

    /// Somebody between us and it wants less.
    Error TLS_DOWNGRADE
        "Somebody makes the phone at {peer} use weaker TLS", "{peer} の電話機に弱い TLS を使わせようとしている者がいます";
        because "It says that it could do better and was made to try again with less",
            "より強い方式が使えるにもかかわらず、弱い方式で再試行しています";
        cure "Look for what is in the path between it and this node", "このノードとの経路を調べてください";

    /// Old TLS, and no cell.
    Error CELL_AWAY
        "Old phones are not served", "旧型の電話機に対応できません";
        because "A phone at {peer} knows only TLS that is ended in the cell, which does not serve: {why}",
            "{peer} の電話機はセルで終端する TLS しか使えませんが、セルが動作していません: {why}";
        cure "Start ringfence-legacytls, and name its socket as `legacy_tls` in [controld]",
            "ringfence-legacytls を起動し、[controld] の `legacy_tls` にソケットを指定してください";

    /// Auto-registration does not take it.
    Error NOT_ENTERED
        "{device} cannot be entered by auto-registration", "{device} を自動登録できません";
        because "The database refuses it: {why}", "データベースが拒否しました: {why}";
        cure "Give auto-registration more numbers with `ringfence param set`, or enter the phone with `ringfence phone add {device}`",
            "`ringfence param set` で自動登録の番号範囲を広げるか、`ringfence phone add {device}` で追加してください";
}
