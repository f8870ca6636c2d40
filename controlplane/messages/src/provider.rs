//! The CTL Provider, and the way to it.

crate::messages! {
    /// Another machine shall have a copy of a database that is a file.
    Error DATABASE_IN_A_FILE
        "The database of {server} cannot be copied by other nodes", "{server} のデータベースは他のノードへ複製できません";
        because "It is a file of that machine, or a PostgreSQL that ringfence does not run", "そのマシンのファイル、または ringfence が管理していない PostgreSQL です";
        cure "Set up [controld.database] on the publisher and take the data there with a backup, then repeat",
            "パブリッシャに [controld.database] を設定し、バックアップでデータを移してから、やり直してください";

    /// A machine that nobody added.
    Error NODE_NOT_ADDED
        "{node} is no subscriber of this cluster", "{node} はこのクラスタのサブスクライバではありません";
        because "A node joins under the name that it was added with", "ノードは追加時の名前で参加する必要があります";
        cure "`ringfence node add {node} ADDRESS` on the publisher, or correct `node` in [controld] here",
            "パブリッシャで `ringfence node add {node} アドレス` を実行するか、このマシンの [controld] の `node` を訂正してください";

    /// Only the publisher lets nodes join.
    Error NOT_THE_PUBLISHER
        "{server} is not the publisher", "{server} はパブリッシャではありません";
        because "Nodes join at the publisher, which is {publisher}", "ノードの参加を受け付けるのはパブリッシャ ({publisher}) だけです";
        cure "Name that server", "そのサーバを指定してください";

    /// The provider's database failed.
    Error DATABASE_EXCEPTION
        "A database exception occurred", "データベースの例外が発生しました";
        because "The database of {server} answered: {detail}", "{server} のデータベースの応答: {detail}";
        cure "Check the database service and its disk on that server, then repeat",
            "サーバのデータベース サービスとディスクを確認し、やり直してください";

    /// A node name of more than 256 characters.
    Error CALLMANAGER_NAME_TOO_LONG
        "CM Name is too long", "CM 名が長すぎます";
        because "A name of the server list has {count} characters; 256 are allowed",
            "サーバ一覧の名前が {count} 文字あります。上限は 256 文字です";
        cure "Rename the node", "ノードの名前を変更してください";

    /// TLS cannot be set up on this machine.
    Error INIT_TLS_FAILED
        "Init TLS Failed", "TLS の初期化に失敗しました";
        because "{detail}", "初期化エラー: {detail}";
        cure "Check the certificate and private key TLS is to use", "TLS で使用する証明書と秘密鍵を確認してください";

    /// No socket to the server.
    Error TLS_CONNECT_ERROR
        "TLS Connect Error when Opening Sockets", "ソケットを開く際に TLS 接続エラーが発生しました";
        because "The address {server} cannot be used: {detail}", "アドレス {server} を使用できません: {detail}";
        cure "Check the name of the server and the route to it", "サーバ名とネットワーク経路を確認してください";

    /// TLS did not come about.
    Error HANDSHAKE_FAILED
        "Error occurred during SSL Handshake", "SSL ハンドシェイク中にエラーが発生しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that the port is the CTL Provider's and that its certificate is the known one",
            "ポートが CTL Provider のものであり、証明書が既知のものであることを確認してください";

    /// Nobody listens.
    Error COULD_NOT_CONNECT
        "Could not connect to CTL provider Service", "CTL Provider サービスに接続できませんでした";
        because "{server} does not answer: {detail}", "{server} が応答しません: {detail}";
        cure "Activate the CTL Provider service on this server and check port and firewall",
            "サーバで CTL Provider サービスを有効にし、ポートとファイアウォールを確認してください";

    /// What came is not HTTP or JSON.
    Error PARSING_FAILED
        "Parsing data from CTLProvider failed", "CTLProvider からのデータの解析に失敗しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that the port is the CTL Provider's", "ポートが CTL Provider のものであることを確認してください";

    /// The operation failed.
    Error DURING_AUTHENTICATE_USER
        "Error occurred during Authenticate User", "ユーザの認証中にエラーが発生しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Look into the trace of the CTL Provider on that server, then repeat",
            "サーバの CTL Provider のトレースを確認し、やり直してください";

    /// The operation failed.
    Error DURING_POST_CTL_FILE
        "Error occurred during Post CTL File", "CTL ファイルの送信中にエラーが発生しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check disk and permissions of the TFTP file locations on that server, then run `ringfence ctl push`",
            "サーバの TFTP ファイルの場所のディスクとアクセス権を確認し、`ringfence ctl push` を実行してください";

    /// The operation failed.
    Error DURING_GET_CAPF_FILE
        "Error occurred during Get CAPF File", "CAPF ファイルの取得中にエラーが発生しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Look into the trace of the CTL Provider on that server, then repeat",
            "サーバの CTL Provider のトレースを確認し、やり直してください";

    /// The operation failed.
    Error DURING_GET_CCM_CERTIFICATE
        "Error occurred during Get CCM Certificate", "CCM 証明書の取得中にエラーが発生しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that the server's certificate file exists, then repeat",
            "サーバの証明書ファイルが存在することを確認し、やり直してください";

    /// The operation failed.
    Error DURING_GET_CAPF_CERTIFICATE
        "Error occurred during Get CAPF Certificate", "CAPF 証明書の取得中にエラーが発生しました";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check the CAPF service on the publisher, then repeat",
            "パブリッシャの CAPF サービスを確認し、やり直してください";

    /// The answer does not fit the question.
    Error RESPONSE_AUTHENTICATE_USER
        "Invalid Response for Authenticate User", "ユーザの認証に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CCM_LIST
        "Invalid Response for Get CCM List", "CCM リストの取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CCM_CERTIFICATE
        "Invalid Response for Get CCM Certificate", "CCM 証明書の取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CAPF_CERTIFICATE
        "Invalid Response for Get CAPF Certificate", "CAPF 証明書の取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CTL_FILE
        "Invalid Response for Get CTL File", "CTL ファイルの取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CAPF_FILE
        "Invalid Response for Get CAPF File", "CAPF ファイルの取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CLUSTER_SECURITY_MODE
        "Invalid Response for Get Cluster Security Mode", "クラスタ セキュリティ モードの取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_CTL_VERSION
        "Invalid Response for Get CTL Version", "CTL バージョンの取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// The answer does not fit the question.
    Error RESPONSE_GET_ALTERNATE_PATHS
        "Invalid Response for Get Alternate Paths", "代替パスの取得に対する応答が無効です";
        because "{server}: {detail}", "サーバ {server}: {detail}";
        cure "Check that client and provider are of the same release",
            "クライアントと Provider が同じリリースであることを確認してください";

    /// CAPF runs and its certificates are not there.
    Error NO_CAPF_CERTIFICATES
        "Could not get CAPF Certificate(s)", "CAPF 証明書を取得できませんでした";
        because "The CAPF service runs on the publisher but its certificate files do not exist",
            "パブリッシャで CAPF サービスが動作していますが、証明書ファイルが存在しません";
        cure "Restart the CAPF service, which makes its certificate, and repeat",
            "CAPF サービスを再起動して証明書を作成し、やり直してください";

    /// The mode did not change.
    Error MODE_NOT_SET
        "Failed to set Cluster Security Mode on the publisher; run again", "パブリッシャのクラスタ セキュリティ モードを設定できませんでした。もう一度実行してください";
        because "{detail}", "設定エラー: {detail}";
        cure "Run the operation again: what was written stays, the mode is set at the end",
            "操作をもう一度実行してください。書き込み済みの内容は保持され、モードは最後に設定されます";

    /// Somebody else is finishing a configuration.
    Error CONFIGURATION_BUSY
        "Another CTL client is writing its configuration", "別の CTL クライアントが設定を書き込んでいます";
        because "{user} is finishing a configuration; only one is accepted at a time",
            "{user} が設定を完了中です。一度に受け付けられる設定は 1 つだけです";
        cure "What you entered is kept: finish again in a moment",
            "入力した内容は保持されています。しばらくしてからもう一度完了してください";

    /// Five clients configure already.
    Error TOO_MANY_CLIENTS
        "Too many CTL clients are configuring", "設定中の CTL クライアントが多すぎます";
        because "Up to five clients may configure at once", "同時に設定できるクライアントは 5 つまでです";
        cure "Wait until one of them has ended", "いずれかのクライアントが終了するまで待ってください";

    /// The list changed since this client read it.
    Error LIST_CHANGED
        "The CTL File was changed by another client", "CTL ファイルは別のクライアントによって変更されました";
        because "The list the changes were made on is no longer the present one",
            "変更の基になったリストは現在のものではありません";
        cure "What you entered is kept: read the present file and finish again",
            "入力した内容は保持されています。現在のファイルを読み込み、もう一度完了してください";
}
