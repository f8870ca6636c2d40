//! Phones that register, or may not.

crate::messages! {
    /// Nobody has entered the device.
    Error DEVICE_UNKNOWN
        "{device} is not configured", "{device} は設定されていません";
        because "A phone registers from {peer} under a name that is not in the database, and auto-registration is off",
            "{peer} からデータベースにない名前で登録が要求されましたが、自動登録は無効です";
        cure "Enter it with `ringfence device add {device}`, or check what the phone is",
            "`ringfence device add {device}` で追加するか、その電話機を確認してください";

    /// It is another model.
    Error DEVICE_TYPE_DIFFERS
        "{device} is of another model than configured", "{device} の機種が設定と異なります";
        because "It registers from {peer} as device type {type}; type {configured} is configured",
            "{peer} からデバイス タイプ {type} として登録しましたが、設定はタイプ {configured} です";
        cure "Correct the model with `ringfence device set {device} --model`, or check what the phone is",
            "`ringfence device set {device} --model` で機種を修正するか、その電話機を確認してください";

    /// An authenticated or encrypted device without TLS.
    Error NOT_OVER_TLS
        "Authenticated device {device} registers over a non-TLS connection", "認証されたデバイス {device} が TLS 以外の接続で登録しています";
        because "Its device security mode is {mode}, but it came from {peer} without TLS; it may have no certificate or no CTL file, or somebody pretends to be it",
            "デバイス セキュリティ モードは {mode} ですが、{peer} から TLS なしで接続しました。証明書または CTL ファイルがないか、なりすましの可能性があります";
        cure "Look at its certificate and CTL file with `ringfence diagnose phone {device}`, then reset it",
            "`ringfence diagnose phone {device}` で証明書と CTL ファイルを確認し、リセットしてください";

    /// A non-secure device with TLS.
    Error NOT_AUTHENTICATED_OVER_TLS
        "Unauthenticated phone {device} registers over a TLS connection", "認証されていない電話機 {device} が TLS 接続で登録しています";
        because "Its device security mode in force is non-secure, but it came from {peer} with TLS; its configuration file is older than the change",
            "有効なデバイス セキュリティ モードはノンセキュアですが、{peer} から TLS で接続しました。設定ファイルが変更前のものです";
        cure "Reset it, so that it fetches its configuration", "リセットして設定ファイルを再取得させてください";

    /// The suite is not that of its mode.
    Error TLS_INCOMPATIBLE
        "The TLS connection of {device} is incompatible with its configuration", "{device} の TLS 接続は設定と互換性がありません";
        because "Its device security mode is {mode}, but it came from {peer} with {suite}",
            "デバイス セキュリティ モードは {mode} ですが、{peer} から {suite} で接続しました";
        cure "Reset it, so that it fetches its configuration", "リセットして設定ファイルを再取得させてください";

    /// It presents the certificate of another device.
    Error CERTIFICATE_OF_ANOTHER
        "The certificate title differs from the device name {device}", "証明書の名前がデバイス名 {device} と異なります";
        because "The certificate from {peer} is for \"{title}\"", "{peer} の証明書は「{title}」のものです";
        cure "Find out which device is at that address: one of the two names is not its own",
            "そのアドレスのデバイスを確認してください。どちらかの名前は本来のものではありません";

    /// CAPF has replaced or deleted its certificate, or an administrator revoked it.
    Error CERTIFICATE_WITHDRAWN
        "The certificate of {device} is not valid any more", "{device} の証明書は既に無効です";
        because "From {peer} came an LSC that was replaced, deleted or revoked; it may be a phone with an old memory, or somebody who has copied one",
            "{peer} から提示された LSC は、置換、削除または失効されたものです。古いメモリの電話機か、それをコピーした第三者の可能性があります";
        cure "See `ringfence device capf show {device}`; order a new one with `ringfence device capf set {device} --operation install`",
            "`ringfence device capf show {device}` で確認し、`ringfence device capf set {device} --operation install` で新しい証明書を指示してください";

    /// A phone with the certificate of a voicemail server, or a port with that of another one.
    Error CERTIFICATE_OF_ANOTHER_ISSUER
        "The certificate of {device} is not issued by whom it should be", "{device} の証明書の発行者が正しくありません";
        because "From {peer} came a certificate of an issuer that may not vouch for it: a voicemail server vouches for its own ports, CAPF and manufacturers for phones; perhaps the server has a new root certificate",
            "{peer} から提示された証明書の発行者は、このデバイスの証明書を発行できません。ボイスメールサーバは自分のポートだけ、CAPF と製造元は電話機だけを証明できます。サーバのルート証明書が新しくなった可能性もあります";
        cure "Copy the root certificate of the voicemail server again with `ringfence voicemail certificate`, or find out what is at that address",
            "`ringfence voicemail certificate` でボイスメールサーバのルート証明書をコピーし直すか、そのアドレスの機器を確認してください";

    /// The voicemail server's root certificate has ended.
    Error CERTIFICATE_ISSUER_ENDED
        "The root certificate that {device} depends on has ended", "{device} の証明書を発行したルート証明書は有効期限が切れています";
        because "The port came from {peer}; the root certificate of its voicemail server was valid until an earlier day",
            "ポートは {peer} から接続しました。ボイスメールサーバのルート証明書の有効期限が過ぎています";
        cure "Renew it at the voicemail server, copy it with `ringfence voicemail certificate`, and restart CallManager on every node",
            "ボイスメールサーバで更新し、`ringfence voicemail certificate` でコピーして、全ノードの CallManager を再起動してください";

    /// The name is no device name.
    Error DEVICE_NAME_INVALID
        "A phone registers under a name that no device can have", "デバイス名として使用できない名前で登録が要求されました";
        because "The request from {peer} does not hold 1 to 15 letters, digits, dots, dashes and underscores",
            "{peer} からの要求の名前は、英数字、ドット、ハイフン、アンダースコアからなる 1～15 文字ではありません";
        cure "Find out what is at that address: it is no phone", "そのアドレスの機器を確認してください。電話機ではありません";

    /// There is an address translator between us and it.
    Notice BEHIND_NAT
        "{device} is behind an address translator", "{device} はアドレス変換の背後にあります";
        because "It says that its address is {told}, but it came from {peer}; mixed mode does not support address translation between phone and CallManager",
            "通知されたアドレスは {told} ですが、{peer} から接続しました。混合モードでは電話機と CallManager の間のアドレス変換はサポートされません";
        cure "Take the translator out of the signalling path; media can go through the relay",
            "シグナリング経路からアドレス変換を除いてください。メディアはリレーを経由できます";
}
