//! The CTL file and its entries.

crate::messages! {
    /// The list could not be made.
    Error FAILED_TO_CREATE
        "Failed to create CTL File", "CTL ファイルの作成に失敗しました";
        because "The file cannot be put together: {detail}", "ファイルを構成できません: {detail}";
        cure "Correct what the cause names and run the operation again; nothing was changed",
            "原因を修正してもう一度実行してください。変更は行われていません";

    /// More than 100 records.
    Error TOO_MANY_RECORDS
        "Cannot create CTL Entries. Total number of CTL Records has exceeded the Maximum (100)",
            "CTL 項目を作成できません。CTL レコードの総数が最大値 (100) を超えました";
        because "The list would have {count} records", "リストのレコード数は {count} になります";
        cure "Delete tokens or alternate TFTP servers that are no longer used",
            "使用していないトークンまたは代替 TFTP サーバを削除してください";

    /// More than 75 KB.
    Error FILE_TOO_LARGE
        "Unable to create CTL Entry: the CTL File would exceed 75K", "CTL 項目を作成できません。CTL ファイルが 75K を超えます";
        because "The file would have {bytes} bytes; phones take 76800", "ファイルは {bytes} バイトになりますが、電話機の上限は 76800 バイトです";
        cure "Delete entries that are no longer used, or use smaller certificates",
            "使用していない項目を削除するか、より小さい証明書を使用してください";

    /// The bytes are no CTL.
    Error UNPARSABLE
        "Unable to parse CTL File", "CTL ファイルを解析できません";
        because "{detail}", "解析エラー: {detail}";
        cure "Take a good copy from another node after checking with `ringfence ctl md5` that it is current",
            "`ringfence ctl md5` で最新であることを確認し、他のノードから正しいコピーを取得してください";

    /// Client and provider speak different versions.
    Error VERSION_INCOMPATIBLE
        "CTL Client version is not compatible with the CTL Provider", "CTL クライアントのバージョンは CTL Provider と互換性がありません";
        because "The client speaks version {client}, the provider on {server} version {provider}",
            "クライアントのバージョンは {client}、{server} の Provider のバージョンは {provider} です";
        cure "Use the client of the same release as the cluster",
            "クラスタと同じリリースのクライアントを使用してください";

    /// In place of the issuer when a list has no certificates.
    Notice LABEL_NO_ISSUER_NAME
        "--- No Issuer Name---", "--- 発行者名なし ---";
        because "The cluster is in Non-Secure mode: the certificates are taken out of the entries",
            "クラスタはノンセキュア モードで、項目から証明書が削除されています";
        cure "Set the cluster to Mixed mode to have them back",
            "混合モードに設定すると元に戻ります";

    /// In place of the subject when a list has no certificates.
    Notice LABEL_NO_SUBJECT_NAME
        "--- No Subject Name---", "--- サブジェクト名なし ---";
        because "The cluster is in Non-Secure mode: the certificates are taken out of the entries",
            "クラスタはノンセキュア モードで、項目から証明書が削除されています";
        cure "Set the cluster to Mixed mode to have them back",
            "混合モードに設定すると元に戻ります";

    /// An entry that belongs to the cluster itself.
    Error CANNOT_DELETE
        "You cannot delete this item. You can only delete Security Tokens and multi-cluster TFTP",
            "この項目は削除できません。削除できるのはセキュリティ トークンとマルチクラスタ TFTP だけです";
        because "{entry} was found by the client and belongs to the cluster",
            "{entry} はクライアントが検出した、クラスタに属する項目です";
        cure "Remove the server from the cluster instead and run a CTL update",
            "サーバをクラスタから削除し、CTL を更新してください";

    /// Fewer than two tokens.
    Error TWO_TOKENS_NEEDED
        "You must have at least 2 security tokens in the CTL File", "CTL ファイルには 2 つ以上のセキュリティ トークンが必要です";
        because "The list would have {count} token entries", "リストのトークン項目は {count} 個になります";
        cure "Add another token first", "先に別のトークンを追加してください";

    /// No CallManager at all.
    Error CALLMANAGER_NEEDED
        "You must have at least one CallManager server in the cluster", "クラスタには 1 つ以上の CallManager サーバが必要です";
        because "No node of the cluster runs the CallManager service",
            "CallManager サービスを実行しているノードがクラスタにありません";
        cure "Activate the service on a node and start again", "ノードでサービスを有効にしてやり直してください";

    /// A node gives no certificate.
    Error NO_CALLMANAGER_CERTIFICATE
        "Could not get CallManager Certificate from server {server}", "サーバ {server} から CallManager 証明書を取得できませんでした";
        because "{detail}", "取得エラー: {detail}";
        cure "Check that the CTL Provider runs on this server and that its certificate is in order",
            "サーバで CTL Provider が動作し、証明書が正常であることを確認してください";

    /// A server twice.
    Error SERVER_EXISTS
        "Entry for Server already exists", "サーバの項目はすでに存在します";
        because "The list has an entry for {server}", "リストに {server} の項目があります";
        cure "Enter another server, or delete the old entry first",
            "別のサーバを入力するか、先に古い項目を削除してください";

    /// A certificate twice.
    Error CERTIFICATE_EXISTS
        "Entry for this certificate already exists", "この証明書の項目はすでに存在します";
        because "The alternate TFTP server {server} has a certificate that is in the list",
            "代替 TFTP サーバ {server} の証明書はすでにリストにあります";
        cure "The server is already trusted: nothing need be added",
            "このサーバはすでに信頼されています。追加は不要です";

    /// An alternate TFTP entry that cannot be used.
    Error ALTERNATE_TFTP_INVALID
        "The Alternate TFTP Server entry is invalid; delete and add again", "代替 TFTP サーバの項目が無効です。削除して追加し直してください";
        because "The entry for {server} has an address or certificate that does not fit: {detail}",
            "{server} の項目のアドレスまたは証明書が正しくありません: {detail}";
        cure "Delete the entry and add the server again", "項目を削除し、サーバを追加し直してください";

    /// Mixed mode without a list.
    Error NO_FILE_IN_MIXED_MODE
        "No CTL File exists on the server but the CallManager Cluster Security Mode is in Mixed Mode.",
            "サーバに CTL ファイルが存在しませんが、CallManager のクラスタ セキュリティ モードは混合モードです。";
        because "The file was deleted or lost", "ファイルが削除されたか失われました";
        cure "Create the CTL file again, or restore it from a backup",
            "CTL ファイルを再作成するか、バックアップから復元してください";

    /// It does not verify.
    Error SIGNATURE_INVALID_OR_CORRUPT
        "The CTL File signature is invalid or the CTL File is corrupt", "CTL ファイルの署名が無効か、CTL ファイルが破損しています";
        because "{detail}", "検証エラー: {detail}";
        cure "Take a good copy from another node after checking with `ringfence ctl md5` that it is current",
            "`ringfence ctl md5` で最新であることを確認し、他のノードから正しいコピーを取得してください";

    /// The list cannot be updated, only made anew.
    Prompt MUST_RECREATE
        "You must recreate the CTL File; all existing certificate information is lost",
            "CTL ファイルを再作成する必要があります。既存の証明書情報はすべて失われます";
        because "The present file cannot be trusted, so nothing is taken over from it",
            "現在のファイルは信頼できないため、何も引き継がれません";
        cure "Run `ringfence ctl create` with two tokens that phones know",
            "電話機が認識している 2 つのトークンで `ringfence ctl create` を実行してください";

    /// A list without tokens.
    Error NO_TOKENS_IN_FILE
        "There are no Security Tokens in CTL File", "CTL ファイルにセキュリティ トークンがありません";
        because "The file has no token entry, so nobody can sign its successor",
            "ファイルにトークンの項目がなく、次のファイルに署名できるものがありません";
        cure "Recreate the CTL file", "CTL ファイルを再作成してください";

    /// No list.
    Error NO_FILE
        "No CTL File", "CTL ファイルがありません";
        because "No CTL client has been run for this cluster yet, or the file was deleted",
            "このクラスタではまだ CTL クライアントが実行されていないか、ファイルが削除されました";
        cure "Run `ringfence ctl create`", "`ringfence ctl create` を実行してください";

    /// The file is there and cannot be opened.
    Error CANNOT_OPEN_FILE
        "Error opening CTL File", "CTL ファイルを開けません";
        because "{file}: {detail}", "ファイル {file}: {detail}";
        cure "Give the user of ringfence-controld access to the file and its directory",
            "ringfence-controld のユーザに、ファイルとディレクトリへのアクセス権を与えてください";

    /// The file was opened and cannot be read.
    Error CANNOT_READ_FILE
        "Error reading CTL File", "CTL ファイルを読み取れません";
        because "{file}: {detail}", "ファイル {file}: {detail}";
        cure "Check the disk, then take a good copy from another node",
            "ディスクを確認し、他のノードから正しいコピーを取得してください";

    /// The name inside is another one.
    Error NAME_OR_CONTENTS_INVALID
        "CTL Filename or contents are invalid", "CTL ファイル名または内容が無効です";
        because "The file calls itself {name}, not CTLFile.tlv, or has no records",
            "ファイル内の名前が CTLFile.tlv ではなく {name} であるか、レコードがありません";
        cure "Use the CTL file of this cluster", "このクラスタの CTL ファイルを使用してください";

    /// A well-formed file that is no valid trust list.
    Error FILE_NOT_VALID
        "CTL File is not valid", "CTL ファイルが有効ではありません";
        because "{detail}", "無効な理由: {detail}";
        cure "Recreate the CTL file, or take a good copy from another node",
            "CTL ファイルを再作成するか、他のノードから正しいコピーを取得してください";

    /// Done everywhere.
    Notice CREATED
        "CTL File created successfully", "CTL ファイルは正常に作成されました";
        because "Every server has the new file", "すべてのサーバに新しいファイルが書き込まれました";
        cure "Restart the services and reset the phones as listed",
            "一覧に従ってサービスを再起動し、電話機をリセットしてください";

    /// Not done everywhere.
    Error FAILED_ON_SERVERS
        "CTL File operation was not successful on one or all the servers", "1 つまたはすべてのサーバで CTL ファイルの操作が成功しませんでした";
        because "These servers did not take it: {servers}", "次のサーバで失敗しました: {servers}";
        cure "Put right what is listed for each and run `ringfence ctl push`: it goes on where it stopped",
            "各サーバの理由を解消し、`ringfence ctl push` を実行してください。中断した箇所から再開します";

    /// After every change of the list.
    Prompt RESTART_NODES
        "You must restart all the CallManager and TFTP nodes in the Cluster", "クラスタ内のすべての CallManager ノードと TFTP ノードを再起動する必要があります";
        because "They read the CTL file when they start", "各ノードは起動時に CTL ファイルを読み込みます";
        cure "Restart the services, then reset all devices; resetting ends calls through gateways",
            "サービスを再起動してから、すべてのデバイスをリセットしてください。リセットするとゲートウェイ経由の通話は切断されます";

    /// The list is old.
    Prompt UPDATE_REQUIRED
        "The CTL File must be updated", "CTL ファイルの更新が必要です";
        because "{detail}", "更新の理由: {detail}";
        cure "Run `ringfence ctl update` with a token of the present file",
            "現在のファイルに含まれるトークンで `ringfence ctl update` を実行してください";

    /// Phones would not accept the new list.
    Error WOULD_STRAND_PHONES
        "Phones would refuse the new CTL File", "新しい CTL ファイルを拒否する電話機があります";
        because "{count} phones hold a list that does not name the signing token: {phones}",
            "{count} 台の電話機が保持するリストに署名トークンが含まれていません: {phones}";
        cure "Sign with a token those phones know, or repeat with --strand-phones and erase their CTL files by hand",
            "それらの電話機が認識しているトークンで署名するか、--strand-phones を指定して実行し、各電話機の CTL ファイルを手動で消去してください";

    /// A directory that is not ours to write to.
    Error PATH_OF_ANOTHER_CLUSTER
        "The TFTP path belongs to another cluster", "TFTP パスは別のクラスタのものです";
        because "{path} holds the CTL file of {owner}; writing there would take it away from its phones",
            "{path} には {owner} の CTL ファイルがあり、書き込むとその電話機に影響します";
        cure "Use a path of this cluster's own for each alternate file location",
            "代替ファイルの場所には、このクラスタ専用のパスを指定してください";

    /// The directories of the nodes are not the same.
    Notice PATHS_DIFFER
        "The TFTP paths are not the same on all servers", "TFTP パスがすべてのサーバで同じではありません";
        because "{server} uses {path}", "{server} は {path} を使用しています";
        cure "Set the same TFTP File Location on every node, so that phones find the file wherever they ask",
            "すべてのノードで同じ TFTP ファイルの場所を設定してください";
}
