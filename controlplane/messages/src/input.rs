//! What a person typed, and what is asked before anything happens.

crate::messages! {
    /// A condition nothing else describes.
    Error UNKNOWN_CTL_ERROR
        "Unknown CTL Error", "不明な CTL エラーです";
        because "Something failed that the program did not foresee: {detail}",
            "プログラムが想定していない障害が発生しました: {detail}";
        cure "Run the operation again; if it fails again, report it with the trace of the CTL client",
            "操作をもう一度実行してください。再び失敗する場合は CTL クライアントのトレースを添えて報告してください";

    /// A port that is no number.
    Error INVALID_PORT_NUMBER
        "Invalid Port number", "ポート番号が無効です";
        because "The port {port} is not a number", "ポート {port} は数値ではありません";
        cure "Enter a number between {low} and {high}; the CTL Provider listens on 2444 unless it was changed",
            "{low} から {high} までの数値を入力してください。CTL Provider の既定ポートは 2444 です";

    /// A port outside the range.
    Error INVALID_PORT_RANGE
        "Invalid Range for port numbers", "ポート番号の範囲が無効です";
        because "The port {port} is outside {low} to {high}", "ポート {port} は {low} から {high} の範囲外です";
        cure "Enter a number between {low} and {high}", "{low} から {high} までの数値を入力してください";

    /// Local settings (last server, port, language) cannot be saved.
    Error COULD_NOT_WRITE_SETTINGS
        "Could not write information to the local settings", "ローカル設定に情報を書き込めませんでした";
        because "The settings file {file} cannot be written: {detail}",
            "設定ファイル {file} に書き込めません: {detail}";
        cure "Make the directory writable for the user who runs the CTL client; the operation itself is not affected",
            "CTL クライアントを実行するユーザがディレクトリに書き込めるようにしてください。操作そのものには影響しません";

    /// The user is known but in no group that may change the trust list.
    Error INVALID_GROUP_NAME
        "Invalid Group Name", "グループ名が無効です";
        because "The user {user} is neither a cluster administrator nor a power user",
            "ユーザ {user} はクラスタ管理者でもパワーユーザでもありません";
        cure "Log in as a member of one of these groups, or have the user added to one",
            "いずれかのグループに属するユーザでログインするか、ユーザをグループに追加してください";

    /// A user name that cannot be one.
    Error INVALID_USER_NAME
        "Invalid User Name", "ユーザ名が無効です";
        because "The user name is empty, longer than 256 characters or has control characters in it",
            "ユーザ名が空か、256 文字を超えるか、制御文字を含んでいます";
        cure "Enter the name of a cluster administrator", "クラスタ管理者のユーザ名を入力してください";

    /// An address that cannot be one.
    Error INVALID_IP_ADDRESS
        "Invalid IP Address", "IP アドレスが無効です";
        because "{address} is not an IP address", "{address} は IP アドレスではありません";
        cure "Enter an address such as 192.0.2.10", "192.0.2.10 のような形式で入力してください";

    /// A host name that cannot be one.
    Error INVALID_HOST_NAME
        "Invalid Hostname", "ホスト名が無効です";
        because "{host} is not a host name: letters, digits, hyphens and dots, at most 253 characters",
            "{host} はホスト名ではありません。英字、数字、ハイフン、ピリオドで 253 文字以内です";
        cure "Enter the host name or IP address of the server",
            "サーバのホスト名または IP アドレスを入力してください";

    /// The provider knows no such user, or the password is another one.
    Error USER_NOT_AUTHENTICATED
        "User could not be authenticated", "ユーザを認証できませんでした";
        because "The server {server} does not accept this user name and password",
            "サーバ {server} はこのユーザ名とパスワードを受け付けません";
        cure "Enter the name and password of a cluster administrator; they are the same on every node",
            "クラスタ管理者のユーザ名とパスワードを入力してください。すべてのノードで共通です";

    /// A password that cannot be one.
    Error INVALID_PASSWORD
        "Invalid Password", "パスワードが無効です";
        because "The password is empty, too long or not the one of the token or user",
            "パスワードが空か、長すぎるか、トークンまたはユーザのものと一致しません";
        cure "Enter the password again; upper and lower case matter",
            "パスワードを入力し直してください。大文字と小文字は区別されます";

    /// Nothing was chosen.
    Error NOTHING_SELECTED
        "Please select an item to delete", "削除する項目を選択してください";
        because "Delete was asked for without saying what", "項目を選択せずに削除が要求されました";
        cure "Name the entry: `ringfence ctl status` lists them with their numbers",
            "項目を指定してください。`ringfence ctl status` で番号付きの一覧が表示されます";

    /// Asked before a deletion.
    Prompt CONFIRM_DELETE
        "Are you sure you want to delete this item?", "この項目を削除してもよろしいですか";
        because "{entry} leaves the list with the next signature",
            "次の署名で {entry} がリストから削除されます";
        cure "Answer yes to delete it", "削除する場合は「はい」と答えてください";

    /// Asked before leaving with changes.
    Prompt CONFIRM_EXIT
        "Are you sure you want to exit? The changes are not written yet", "終了してもよろしいですか。変更はまだ書き込まれていません";
        because "There are changes that no token has signed", "トークンで署名されていない変更があります";
        cure "Answer no and finish, or yes to give the changes up",
            "「いいえ」と答えて完了するか、「はい」と答えて変更を破棄してください";

    /// The client's trace could not be started.
    Error TRACE_NOT_INITIALIZED
        "Error Initializing: the trace cannot be opened", "初期化エラー: トレースを開けません";
        because "The trace file {file} cannot be written: {detail}",
            "トレースファイル {file} に書き込めません: {detail}";
        cure "Make its directory writable or name another one",
            "ディレクトリを書き込み可能にするか、別のファイルを指定してください";

    /// More data than the client is ready to hold.
    Error NOT_ENOUGH_MEMORY
        "Not enough Memory", "メモリが不足しています";
        because "An answer or file of {bytes} bytes is more than the {limit} set aside for it",
            "{bytes} バイトの応答またはファイルは、確保した {limit} バイトを超えています";
        cure "Check that the server is a CTL Provider of this cluster",
            "サーバがこのクラスタの CTL Provider であることを確認してください";
}
