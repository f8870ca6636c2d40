//! Gateways that serve phones while the centre is away (SRST), and their certificates.

crate::messages! {
    /// Nobody shows a certificate there.
    Error SRST_PROVIDER_AWAY
        "Could not get the certificate of SRST reference {reference}", "SRST 参照先 {reference} の証明書を取得できませんでした";
        because "The certificate provider at {address} does not answer: {detail}",
            "{address} の証明書プロバイダが応答しません: {detail}";
        cure "Switch the credentials service of the gateway on, and check its address and port. If the gateway has no certificate any more, uncheck Is SRST Secure",
            "ゲートウェイの credentials サービスを有効にし、アドレスとポートを確認してください。ゲートウェイに証明書がもう無い場合は「Is SRST Secure」をオフにしてください";

    /// More than one issuer stands above the certificate.
    Error SRST_CHAIN_TOO_LONG
        "The certificate of SRST reference {reference} has {issuers} issuers above it", "SRST 参照先 {reference} の証明書の上位に発行元が {issuers} 段あります";
        because "Phones check one issuer only: the certificate is to be self-signed, or issued by a root authority (chain depth 1)",
            "電話機が確認できる発行元は 1 段だけです。自己署名、またはルート認証局が直接発行した証明書が必要です (チェーンの深さ 1)";
        cure "Give the gateway a certificate of a root authority, or a self-signed one; what is stored was not changed",
            "ルート認証局が直接発行した証明書または自己署名証明書をゲートウェイに設定してください。保存済みの証明書は変更していません";

    /// Certificates that do not belong together.
    Error SRST_CHAIN_BROKEN
        "The certificate of SRST reference {reference} was not issued by what is shown with it", "SRST 参照先 {reference} の証明書は、併せて提示された発行元のものではありません";
        because "The signature does not verify with the key of {issuer}", "{issuer} の鍵で署名を検証できません";
        cure "Install the gateway's certificate and that of its authority anew",
            "ゲートウェイの証明書と認証局の証明書をインストールし直してください";

    /// It can be no certificate for phones.
    Error SRST_CERTIFICATE_UNUSABLE
        "The certificate of SRST reference {reference} cannot be used", "SRST 参照先 {reference} の証明書は使用できません";
        because "{detail}", "理由: {detail}";
        cure "Check the clocks of the gateway and of this node, and give the gateway an RSA certificate that is valid today",
            "ゲートウェイとこのノードの時計を確認し、現在有効な RSA 証明書をゲートウェイに設定してください";

    /// Not the one that a person has looked at.
    Error SRST_CERTIFICATE_DIFFERS
        "The gateway of SRST reference {reference} shows another certificate now", "SRST 参照先 {reference} のゲートウェイが提示する証明書が変わりました";
        because "It has the SHA-256 fingerprint {found}, and {accepted} was accepted",
            "SHA-256 フィンガープリントは {found} ですが、承認されたのは {accepted} です";
        cure "Find out why, and update the certificate again; what is stored was not changed",
            "原因を調べ、証明書の更新をやり直してください。保存済みの証明書は変更していません";

    /// Asked with the certificate in view.
    Prompt SRST_ACCEPT_CERTIFICATE
        "Accept this certificate for SRST reference {reference}?", "SRST 参照先 {reference} にこの証明書を承認しますか";
        because "Phones of the pools that name the reference will trust it, and nothing else, at the gateway",
            "この参照先を使うプールの電話機は、ゲートウェイでこの証明書だけを信頼するようになります";
        cure "Compare the fingerprint with what the gateway shows at its console, then accept or reject",
            "ゲートウェイのコンソールに表示されるフィンガープリントと比較し、承認または拒否してください";

    /// Rejected.
    Notice SRST_CERTIFICATE_REJECTED
        "The certificate was rejected: SRST reference {reference} keeps what it had", "証明書を拒否しました。SRST 参照先 {reference} は変更されていません";
        because "A person did not accept what the gateway shows", "ゲートウェイが提示した証明書は承認されませんでした";
        cure "Find out which machine answers there", "その宛先で応答している機器を確認してください";

    /// Nothing new.
    Notice SRST_CERTIFICATE_SAME
        "The gateway still shows the certificate that SRST reference {reference} has", "ゲートウェイが提示する証明書は、SRST 参照先 {reference} のものと同じです";
        because "Nothing has changed since it was accepted", "承認時から変更はありません";
        cure "Nothing is to be done", "対処は不要です";

    /// A secure reference has no certificate yet.
    Notice SRST_UPDATE_NEEDED
        "SRST reference {reference} is secure and has no certificate yet", "SRST 参照先 {reference} はセキュアですが、証明書がまだありません";
        because "Phones do not speak TLS to a gateway whose certificate they do not have",
            "電話機は、証明書を持たないゲートウェイには TLS で接続しません";
        cure "Switch the credentials service of the gateway on, then run `ringfence srst update-certificate {reference}`",
            "ゲートウェイの credentials サービスを有効にし、`ringfence srst update-certificate {reference}` を実行してください";

    /// An ordinary update.
    Notice SRST_CERTIFICATE_STAYS
        "The certificate of SRST reference {reference} stays as it was", "SRST 参照先 {reference} の証明書は変更されていません";
        because "An ordinary update never changes it", "通常の更新では証明書は変更されません";
        cure "If another gateway answers there now, run `ringfence srst update-certificate {reference}`",
            "別のゲートウェイになった場合は `ringfence srst update-certificate {reference}` を実行してください";

    /// Its certificate left the database.
    Notice SRST_SWITCH_OFF
        "Switch the credentials service of the gateway of {reference} off as well", "{reference} のゲートウェイの credentials サービスも無効にしてください";
        because "The certificate is gone from the database, and with their next files from the phones; a gateway that still answers over TLS is of no use to them",
            "証明書はデータベースから削除され、次回のファイル取得時に電話機からも消えます。TLS で応答し続けるゲートウェイは電話機から利用できません";
        cure "Do so at the gateway, then reset the dependent devices", "ゲートウェイで無効にした後、依存するデバイスをリセットしてください";

    /// Phones have it from their files.
    Notice SRST_RESET_DEPENDENTS
        "Reset the devices that depend on SRST reference {reference}", "SRST 参照先 {reference} に依存するデバイスをリセットしてください";
        because "Phones read of their gateway and its certificate in their configuration files",
            "電話機はゲートウェイとその証明書を設定ファイルから読み取ります";
        cure "Run `ringfence srst reset {reference}`", "`ringfence srst reset {reference}` を実行してください";

    /// Kept and ignored.
    Notice SRST_NON_SECURE_CLUSTER
        "While the cluster is in non-secure mode, Is SRST Secure of {reference} is kept and ignored", "クラスタがノンセキュアモードの間、{reference} の「Is SRST Secure」は保持されますが無視されます";
        because "Configuration files of phones say non-secure whatever is set", "電話機の設定ファイルは設定に関わらずノンセキュアになります";
        cure "Set the cluster to mixed mode with `ringfence ctl mode`", "`ringfence ctl mode` でクラスタを混合モードにしてください";

    /// It ends soon.
    Notice SRST_CERTIFICATE_ENDS
        "The certificate of SRST reference {reference} is valid until {until}", "SRST 参照先 {reference} の証明書の有効期限は {until} です";
        because "Phones take no certificate that has expired", "電話機は有効期限切れの証明書を受け付けません";
        cure "Renew it at the gateway, then run `ringfence srst update-certificate {reference}`",
            "ゲートウェイで更新した後、`ringfence srst update-certificate {reference}` を実行してください";

    /// A gateway that was there is not any more.
    Error SRST_GATEWAY_SILENT
        "The SRST gateway of {reference} has not been heard of since {since}", "{reference} の SRST ゲートウェイから {since} 以降、応答がありません";
        because "It keeps what it was given last, and would serve its phones with that",
            "最後に同期した内容を保持しており、それを使って電話機にサービスします";
        cure "Check the link to the branch and `ringfence srst status` at the gateway",
            "拠点への回線と、ゲートウェイの `ringfence srst status` を確認してください";

    /// Phones are at the gateway though the centre is there.
    Notice SRST_GATEWAY_SERVES
        "The SRST gateway of {reference} serves {phones} phones", "{reference} の SRST ゲートウェイが {phones} 台の電話機にサービスしています";
        because "They found no CallManager; they come back in order once it stays reachable",
            "CallManager に接続できなかったためです。接続が安定すると順次戻ります";
        cure "If they do not come back, check their CallManager group and the link to the branch",
            "戻らない場合は CallManager グループと拠点への回線を確認してください";

    /// Somebody asks for phones whose gateway he is not.
    Error SRST_GATEWAY_UNKNOWN
        "Somebody at {peer} wants to be an SRST gateway", "{peer} が SRST ゲートウェイとして接続しようとしています";
        because "The certificate that it shows is no secure reference's: {fingerprint}",
            "提示された証明書はどのセキュアな参照先のものでもありません: {fingerprint}";
        cure "If it is a gateway of yours, run `ringfence srst update-certificate` for its reference",
            "自社のゲートウェイであれば、その参照先で `ringfence srst update-certificate` を実行してください";

    /// At the gateway: no centre answers.
    Error SRST_CENTRE_AWAY
        "The centre is away since {since}", "{since} 以降、センターに接続できません";
        because "None of its nodes answers: {detail}", "どのノードも応答しません: {detail}";
        cure "Phones of this branch are served here meanwhile. Check the link to the centre",
            "その間、この拠点の電話機はこのゲートウェイがサービスします。センターへの回線を確認してください";

    /// At the gateway: another certificate.
    Error SRST_CENTRE_UNTRUSTED
        "The node at {address} shows another certificate than this gateway was told", "{address} のノードが、このゲートウェイに設定されたものと異なる証明書を提示しました";
        because "Its SHA-256 fingerprint is {found}", "SHA-256 フィンガープリントは {found} です";
        cure "Compare it with `certificate_sha256` in `ringfence status` there, and correct `sha256` in [[controld.srst.centre]]",
            "そのノードの `ringfence status` の `certificate_sha256` と比較し、[[controld.srst.centre]] の `sha256` を修正してください";

    /// At the gateway: nothing is known yet.
    Error SRST_NOT_SYNCHRONISED
        "This gateway cannot serve phones yet", "このゲートウェイはまだ電話機にサービスできません";
        because "It has not been given phones and certificates by the centre: {detail}",
            "センターから電話機と証明書の情報を受け取っていません: {detail}";
        cure "Accept this gateway's certificate at the centre: `ringfence srst update-certificate`; then it is synchronised by itself",
            "センターで `ringfence srst update-certificate` を実行し、このゲートウェイの証明書を承認してください。その後は自動的に同期します";

    /// At the gateway: a synchronisation that is no good.
    Error SRST_SYNCHRONISATION_REFUSED
        "What the centre at {address} has sent was refused", "センター {address} から送られた内容を拒否しました";
        because "{detail}. What this gateway had before stays in force", "理由: {detail}。以前の内容が引き続き有効です";
        cure "Check that centre and gateway have the same release, and the centre's certificate",
            "センターとゲートウェイのリリースが同じであること、センターの証明書を確認してください";

    /// At the gateway: what was kept cannot be read.
    Error SRST_VAULT_UNREADABLE
        "What this gateway has kept in {file} cannot be used", "このゲートウェイが {file} に保存した内容を使用できません";
        because "{detail}", "理由: {detail}";
        cure "It is synchronised anew when the centre answers; until then no phone can be served",
            "センターが応答すると再同期します。それまでは電話機にサービスできません";

    /// At the gateway: a port is taken.
    Error SRST_PORT_IN_USE
        "This gateway cannot listen on {address}", "このゲートウェイは {address} で待ち受けできません";
        because "{detail}: another program has the port, or the address is not this machine's",
            "{detail}: 別のプログラムがポートを使用しているか、このマシンのアドレスではありません";
        cure "Stop the other program (`ss -lntp` names it), or change {setting}; it is tried again by itself",
            "`ss -lntp` で確認して別のプログラムを停止するか、{setting} を変更してください。自動的に再試行します";
}
