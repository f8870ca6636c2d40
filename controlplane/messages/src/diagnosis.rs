//! Why a phone does not do what it should: the guide's troubleshooting table, and what goes with it.

crate::messages! {
    /// Nobody has entered the phone.
    Error PHONE_NOT_CONFIGURED
        "{phone} is not configured", "{phone} は設定されていません";
        because "There is no such device in the database, so it gets the default configuration only",
            "データベースにこのデバイスがないため、デフォルトの設定ファイルだけが渡されます";
        cure "Add it with `ringfence device add {phone} MODEL`",
            "`ringfence device add {phone} MODEL` で追加してください";

    /// The node serves no files.
    Error PHONE_NO_TFTP_HERE
        "TFTP is not active on {node}", "{node} で TFTP が有効ではありません";
        because "A phone that asks {node} gets no answer", "{node} に要求した電話機は応答を得られません";
        cure "Activate it with `ringfence node activate {node} tftp`, or diagnose at a node where it runs",
            "`ringfence node activate {node} tftp` で有効にするか、TFTP が動作するノードで診断してください";

    /// Not a single request.
    Error PHONE_NEVER_ASKED
        "{phone} has not asked {node} for any file", "{phone} は {node} にファイルを要求していません";
        because "It has no power or network, or another TFTP server: its DHCP option 150 (or 66, or the alternate TFTP server set on it) does not name {node}",
            "電源またはネットワークがないか、DHCP オプション 150 (または 66、電話機に設定された代替 TFTP サーバ) が {node} を指していません";
        cure "Set DHCP option 150 to {servers} (bytes {option}), check the voice VLAN, and reset the phone with **#**",
            "DHCP オプション 150 を {servers} (バイト列 {option}) に設定し、音声 VLAN を確認して、**#** で電話機をリセットしてください";

    /// Acknowledgements stopped.
    Error PHONE_FELL_SILENT
        "{phone} fell silent while it fetched {file}", "{phone} は {file} の取得中に応答しなくなりました";
        because "No acknowledgement came from {from}: it was switched off, or a firewall or address translator lets the request through and not the transfer",
            "{from} からの確認応答がありません。電源が切れたか、ファイアウォールやアドレス変換が転送を通していません";
        cure "Let UDP from the ports of this server to the phone pass in both directions",
            "このサーバのポートと電話機の間の UDP を双方向に許可してください";

    /// It ended a transfer with an error.
    Error PHONE_REFUSED_FILE
        "{phone} refused {file}", "{phone} は {file} を拒否しました";
        because "It ended the transfer with: {detail}", "転送は次のエラーで終了しました: {detail}";
        cure "Look at the status messages on the phone; a full flash or a file for another model is refused",
            "電話機のステータス メッセージを確認してください。フラッシュの不足や他機種用のファイルは拒否されます";

    /// The server could not make a file, or may not give it.
    Error PHONE_FILE_NOT_SERVED
        "{file} could not be given to {phone}", "{file} を {phone} に渡せませんでした";
        because "The server refused: {detail}", "サーバが拒否しました: {detail}";
        cure "Correct what the cause names; `ringfence status` shows alarms of the TFTP service",
            "原因を修正してください。`ringfence status` で TFTP サービスのアラームを確認できます";

    /// No configuration file.
    Error PHONE_NO_CONFIGURATION
        "There is no file {file}", "ファイル {file} がありません";
        because "The phone asked for its configuration and none can be made for it",
            "電話機は設定ファイルを要求しましたが、作成できません";
        cure "Check that the phone is configured and that its name is right: `ringfence device show {phone}`",
            "電話機の設定と名前を確認してください: `ringfence device show {phone}`";

    /// It wants signed files of a cluster that signs none.
    Error PHONE_ASKS_SIGNED
        "{phone} asks for signed files, and the cluster signs none", "{phone} は署名付きファイルを要求していますが、クラスタは署名していません";
        because "It asked for {file}: its CTL file was made in mixed mode, the cluster is non-secure",
            "{file} を要求しました。電話機の CTL ファイルは混合モードのもので、クラスタはノンセキュアです";
        cure "Reset it, so that it takes the CTL file of the non-secure cluster; if it refuses that one, erase its CTL file (Settings > Security > Trust List, **#, Erase)",
            "リセットしてノンセキュア クラスタの CTL ファイルを取得させてください。拒否する場合は電話機の CTL ファイルを削除してください ([設定] > [セキュリティ] > [信頼リスト]、**#、[削除])";

    /// Firmware that is not there.
    Error PHONE_LOAD_MISSING
        "Its firmware {file} is missing", "ファームウェア {file} がありません";
        because "The configuration names a load whose files are not in the TFTP file location",
            "設定で指定されたロードのファイルが TFTP のファイルの場所にありません";
        cure "Put the files of the load there, or correct it with `ringfence device set {phone} --load-information`",
            "ロードのファイルを配置するか、`ringfence device set {phone} --load-information` で修正してください";

    /// Table 9-3: the phone cannot authenticate the CTL file.
    Error PHONE_CANNOT_AUTHENTICATE_CTL
        "{phone} cannot authenticate the CTL file", "{phone} は CTL ファイルを認証できません";
        because "The token that signed the present file is not in the file that the phone holds, which names: {tokens}",
            "現在のファイルに署名したトークンが、電話機が保持するファイルにありません。電話機のファイルのトークン: {tokens}";
        cure "Sign the file with one of those tokens (`ringfence ctl update`); or erase the CTL file on the phone (Settings > Security > Trust List, **#, Erase) and run `ringfence device erased {phone}`",
            "これらのトークンのいずれかで署名する (`ringfence ctl update`) か、電話機の CTL ファイルを削除し ([設定] > [セキュリティ] > [信頼リスト]、**#、[削除])、`ringfence device erased {phone}` を実行してください";

    /// It holds a list nobody knows.
    Error PHONE_CTL_UNKNOWN
        "Nobody knows the CTL file that {phone} holds", "{phone} が保持する CTL ファイルは不明です";
        because "It was fetched long ago or from another cluster, so whether the phone takes the present one cannot be told",
            "古いファイルまたは別のクラスタのファイルのため、電話機が現在のファイルを受け入れるか判断できません";
        cure "Compare its MD5 on the phone with `ringfence ctl md5`; if they differ after a reset, erase the CTL file on the phone and run `ringfence device erased {phone}`",
            "電話機の MD5 を `ringfence ctl md5` と比較してください。リセット後も異なる場合は電話機の CTL ファイルを削除し、`ringfence device erased {phone}` を実行してください";

    /// It has not fetched the present list.
    Error PHONE_CTL_OLD
        "{phone} has not fetched the present CTL file", "{phone} は現在の CTL ファイルを取得していません";
        because "It last asked at {asked}, before the present file was there", "最後の要求は {asked} で、現在のファイルが作成される前です";
        cure "Reset it, with `ringfence device reset {phone}` or **#** on the phone",
            "`ringfence device reset {phone}` または電話機の **#** でリセットしてください";

    /// Table 9-3: TFTP authorization error.
    Error PHONE_TFTP_NOT_AUTHORIZED
        "TFTP Not Authorized: {address}", "TFTP が許可されていません: {address}";
        because "The CTL file that {phone} holds has no TFTP entry for {node}, from which it fetches",
            "{phone} が保持する CTL ファイルに、取得元の {node} の TFTP 項目がありません";
        cure "Run `ringfence ctl update` (for a server of another cluster `ringfence ctl add-tftp`), then reset the phone; or correct DHCP option 150",
            "`ringfence ctl update` (別クラスタのサーバは `ringfence ctl add-tftp`) を実行して電話機をリセットするか、DHCP オプション 150 を修正してください";

    /// Table 9-3: the phone cannot authenticate other files.
    Error PHONE_CANNOT_AUTHENTICATE_FILES
        "{phone} cannot authenticate the files of {node}", "{phone} は {node} のファイルを認証できません";
        because "The TFTP record of the CTL file that it holds is bad: it has another certificate than the one {node} signs with",
            "電話機が保持する CTL ファイルの TFTP レコードの証明書が、{node} の署名に使われる証明書と異なります";
        cure "Run `ringfence ctl update`, then reset the phone", "`ringfence ctl update` を実行し、電話機をリセットしてください";

    /// Table 9-3: the phone does not ask for signed files.
    Error PHONE_ASKS_UNSIGNED
        "{phone} does not ask for signed files", "{phone} は署名付きファイルを要求しません";
        because "The CTL file that it holds has no TFTP entry with a certificate: it is that of a non-secure cluster, or there is none",
            "保持する CTL ファイルに証明書を持つ TFTP 項目がありません。ノンセキュア クラスタのファイルであるか、CTL ファイルがありません";
        cure "Run `ringfence ctl update` if `ringfence ctl status` asks for it, then reset the phone",
            "`ringfence ctl status` で必要と表示された場合は `ringfence ctl update` を実行し、電話機をリセットしてください";

    /// Table 9-3: the phone does not register.
    Error PHONE_CALLMANAGER_DIFFERS
        "{phone} cannot register with {servers}", "{phone} は {servers} に登録できません";
        because "The CTL file that it holds lacks the right name, address or certificate of these CallManagers",
            "保持する CTL ファイルに、これらの CallManager の正しい名前、アドレス、または証明書がありません";
        cure "Run `ringfence ctl update`, then reset the phone", "`ringfence ctl update` を実行し、電話機をリセットしてください";

    /// Table 9-3: the phone refuses CAPF.
    Error PHONE_WRONG_CAPF
        "{phone} does not trust the CAPF service on {server}", "{phone} は {server} の CAPF サービスを信頼しません";
        because "The CTL file that it holds has no CAPF entry for {server}, or one with another certificate: CAPF was activated or renewed after the file was signed",
            "保持する CTL ファイルに {server} の CAPF 項目がないか、証明書が異なります。署名後に CAPF が有効化または更新されました";
        cure "Run `ringfence ctl update`, then reset the phone", "`ringfence ctl update` を実行し、電話機をリセットしてください";

    /// A secure phone without certificate.
    Error PHONE_NO_CERTIFICATE
        "{phone} has no certificate", "{phone} に証明書がありません";
        because "Its device security mode is {mode}, and a {model} has no certificate of its manufacturer; it cannot register until it has one of ours",
            "デバイス セキュリティ モードは {mode} ですが、{model} には製造元の証明書がありません。証明書を取得するまで登録できません";
        cure "Order one with `ringfence device capf set {phone} --operation install`, with the mode non-secure until it is there",
            "証明書が入るまでモードをノンセキュアにし、`ringfence device capf set {phone} --operation install` で発行してください";

    /// Nobody issues.
    Error PHONE_CAPF_NOT_ACTIVE
        "The CAPF service is not active", "CAPF サービスが有効ではありません";
        because "An operation waits for {phone}, and no node runs CAPF", "{phone} の操作が保留中ですが、CAPF が動作するノードがありません";
        cure "Activate it on the publisher with `ringfence capf activate`, then run `ringfence ctl update`",
            "パブリッシャで `ringfence capf activate` を実行し、続けて `ringfence ctl update` を実行してください";

    /// It waits for somebody to type.
    Notice PHONE_CAPF_WAITS_FOR_USER
        "CAPF waits for the user of {phone}", "CAPF は {phone} のユーザ操作を待っています";
        because "The operation is authenticated by string: nothing happens until it is typed in on the phone",
            "認証文字列による操作のため、電話機で入力されるまで実行されません";
        cure "On the phone: Settings > Security > LSC, unlock with **#, Update, then the authentication string",
            "電話機で [設定] > [セキュリティ] > [LSC] を選び、**# でロックを解除し、[更新] を押して認証文字列を入力してください";

    /// It waits for the phone.
    Notice PHONE_CAPF_WAITS_FOR_PHONE
        "CAPF waits for {phone}", "CAPF は {phone} を待っています";
        because "The phone starts the operation by itself once it has fetched its configuration",
            "電話機は設定ファイルを取得すると自動的に操作を開始します";
        cure "Reset the phone", "電話機をリセットしてください";

    /// Too late.
    Error PHONE_CAPF_EXPIRED
        "The CAPF operation of {phone} expired", "{phone} の CAPF 操作は期限切れです";
        because "The time to complete it was over before the phone had done it", "電話機が実行する前に完了期限を過ぎました";
        cure "Order it again with a later --complete-by", "--complete-by を延ばして操作を指定し直してください";

    /// Another string.
    Error PHONE_CAPF_WRONG_STRING
        "{phone} sent a wrong authentication string", "{phone} から誤った認証文字列が送信されました";
        because "What was typed in on the phone is not the string of its operation", "電話機に入力された文字列が操作の認証文字列と一致しません";
        cure "Look the string up with `ringfence device capf show {phone}`, or generate a new one, and type it in again",
            "`ringfence device capf show {phone}` で文字列を確認するか新しく生成し、もう一度入力してください";

    /// Too many of them.
    Error PHONE_CAPF_LOCKED
        "{phone} is locked out of CAPF", "{phone} は CAPF からロックアウトされています";
        because "Ten wrong authentication strings came in a row", "誤った認証文字列が 10 回続きました";
        cure "Wait ten minutes, then type in the right string", "10 分間待ってから正しい文字列を入力してください";

    /// No proof.
    Error PHONE_CAPF_NO_PROOF
        "{phone} did not prove who it is", "{phone} は本人であることを証明できませんでした";
        because "It has none of the certificates that its authentication mode asks for, or one of an issuer that is not trusted: {detail}",
            "認証モードが要求する証明書がないか、信頼されていない発行者の証明書です: {detail}";
        cure "Use another authentication mode, or trust the issuer with `ringfence capf trust`",
            "別の認証モードを使用するか、`ringfence capf trust` で発行者を信頼してください";

    /// No key, or another one.
    Error PHONE_CAPF_KEY
        "{phone} did not make the key it was asked for", "{phone} は要求された鍵を生成しませんでした";
        because "The phone gave up, took too long, or sent a key of another size: {detail}",
            "電話機が中止したか、時間がかかりすぎたか、別のサイズの鍵を送信しました: {detail}";
        cure "Choose a smaller key, or raise the parameter for the time that key generation may take",
            "より小さい鍵を選択するか、鍵生成の最大時間のパラメータを増やしてください";

    /// Storing or deleting failed.
    Error PHONE_CAPF_PHONE
        "{phone} could not do what CAPF told it", "{phone} は CAPF の指示を実行できませんでした";
        because "The phone answered: {detail}", "電話機の応答: {detail}";
        cure "Reset the phone and order the operation again; look at its status messages",
            "電話機をリセットして操作を指定し直し、ステータス メッセージを確認してください";

    /// Somebody has to approve.
    Notice PHONE_CAPF_AUTHORITY_PENDING
        "The certificate of {phone} waits for approval", "{phone} の証明書は承認待ちです";
        because "The certificate authority has the request and has not decided: {detail}",
            "認証局が要求を受け付けましたが、まだ承認されていません: {detail}";
        cure "Approve it at the certificate authority, or set that to issue automatically for CAPF",
            "認証局で承認するか、CAPF の要求を自動的に承認するように設定してください";

    /// No certificate was issued.
    Error PHONE_CAPF_AUTHORITY
        "No certificate could be issued for {phone}", "{phone} の証明書を発行できませんでした";
        because "{detail}", "発行エラー: {detail}";
        cure "Correct what the cause names, then order the operation again",
            "原因を修正し、操作を指定し直してください";

    /// The session broke.
    Error PHONE_CAPF_CONNECTION
        "The CAPF session of {phone} broke", "{phone} の CAPF セッションが切断されました";
        because "The connection ended before the operation did: {detail}", "操作の完了前に接続が終了しました: {detail}";
        cure "The phone tries again three times; check the network if that does not help",
            "電話機は 3 回再試行します。改善しない場合はネットワークを確認してください";

    /// Not CAPF.
    Error PHONE_CAPF_PROTOCOL
        "{phone} broke the rules of CAPF", "{phone} は CAPF のプロトコルに違反しました";
        because "{detail}", "違反の内容: {detail}";
        cure "Look into the CAPF trace of the phone; update its firmware", "電話機の CAPF トレースを確認し、ファームウェアを更新してください";

    /// CAPF-19: not issued by this CAPF.
    Error PHONE_LSC_OTHER_ISSUER
        "The LSC of {phone} was not issued by this CAPF", "{phone} の LSC はこの CAPF が発行したものではありません";
        because "Its issuer is {issuer}, which is not among the trusted issuers: CAPF was renewed and the old certificate removed, or the phone comes from another cluster",
            "発行者 {issuer} は信頼された発行者ではありません。CAPF の更新後に古い証明書が削除されたか、電話機が別のクラスタから移動しました";
        cure "Trust that issuer with `ringfence capf trust lsc FILE`, or have a new LSC installed with `ringfence device capf set {phone} --operation install`",
            "`ringfence capf trust lsc FILE` で発行者を信頼するか、`ringfence device capf set {phone} --operation install` で新しい LSC を発行してください";

    /// CAPF-19: the certificate of CAPF is missing on a node.
    Error PHONE_CAPF_CERTIFICATE_MISSING
        "{node} has no copy of the CAPF certificate", "{node} に CAPF 証明書のコピーがありません";
        because "Without it {node} cannot verify the LSC of {phone}, which was issued by CAPF", "コピーがないと、{node} は CAPF が発行した {phone} の LSC を検証できません";
        cure "Run `ringfence ctl update`, which copies it to every node", "`ringfence ctl update` を実行すると、すべてのノードにコピーされます";

    /// Its time is over.
    Error PHONE_LSC_EXPIRED
        "The LSC of {phone} has expired", "{phone} の LSC は期限切れです";
        because "It was valid until {until}", "有効期限は {until} まででした";
        cure "Have a new one installed with `ringfence device capf set {phone} --operation install`",
            "`ringfence device capf set {phone} --operation install` で新しい LSC を発行してください";
}
