//! Backups, and what comes back from them.

crate::messages! {
    /// Another kind of file.
    Error BACKUP_NOT_ONE
        "{file} is no backup", "{file} はバックアップではありません";
        because "It does not begin as backups of ringfence do", "ファイルの先頭が ringfence のバックアップの形式ではありません";
        cure "Name another file; `ringfence backup list` shows those there are",
            "別のファイルを指定してください。`ringfence backup list` で一覧を表示できます";

    /// Half of one.
    Error BACKUP_INCOMPLETE
        "The backup {file} is incomplete", "バックアップ {file} は不完全です";
        because "Its end is missing: it was being written or copied when that was interrupted",
            "末尾がありません。書き込み中またはコピー中に中断されました";
        cure "Take another backup, or copy this one anew", "別のバックアップを使うか、コピーし直してください";

    /// Bytes differ.
    Error BACKUP_DAMAGED
        "The backup {file} is damaged: {detail}", "バックアップ {file} は破損しています: {detail}";
        because "It is not as it was when it was signed", "署名された時点の内容と一致しません";
        cure "Take another backup, or copy this one anew", "別のバックアップを使うか、コピーし直してください";

    /// Made later than this program.
    Error BACKUP_NEWER
        "The backup {file} was made by a newer release ({release})", "バックアップ {file} は新しいリリース ({release}) で作成されています";
        because "This release does not know its form, and does not guess", "このリリースはその形式に対応していません";
        cure "Install the newer ringfence, then restore", "新しい ringfence をインストールしてから復元してください";

    /// It does not open.
    Error BACKUP_WRONG_KEY
        "The backup {file} does not open", "バックアップ {file} を開けません";
        because "It is locked by a secret of the kind {lock}, and what was given does not fit", "種類 {lock} の秘密で保護されていますが、指定されたものと一致しません";
        cure "Give the passphrase or the key file that it was made for", "作成時のパスフレーズまたは鍵ファイルを指定してください";

    /// Its keys do not open.
    Error BACKUP_KEYS_LOCKED
        "The private keys in the backup {file} do not open", "バックアップ {file} の秘密鍵を開けません";
        because "They have a recovery passphrase or key of their own, and what was given does not fit",
            "秘密鍵には別の復旧用パスフレーズまたは鍵があり、指定されたものと一致しません";
        cure "Give the recovery passphrase or key, or restore without `--with-keys`",
            "復旧用のパスフレーズまたは鍵を指定するか、`--with-keys` なしで復元してください";

    /// It has none.
    Error BACKUP_WITHOUT_KEYS
        "The backup {file} holds no private keys", "バックアップ {file} に秘密鍵は含まれていません";
        because "It was made without them", "秘密鍵なしで作成されています";
        cure "Restore without `--with-keys`: keys that are here stay, missing ones are made anew",
            "`--with-keys` なしで復元してください。既存の鍵は残り、ない鍵は新しく作成されます";

    /// Nobody here knows who made it.
    Error BACKUP_UNKNOWN_SIGNER
        "The backup {file} is signed by {subject}, whom this node does not know", "バックアップ {file} の署名者 {subject} はこのノードで確認できません";
        because "The SHA-256 of that certificate is {print}", "その証明書の SHA-256 は {print} です";
        cure "Compare it with what was written down when the node was set up (`ringfence status` there), and give it with `--approve`",
            "ノードの設定時に控えた値 (そのノードの `ringfence status`) と比較し、正しければ `--approve` で指定してください";

    /// Of somebody else.
    Error BACKUP_OF_ANOTHER_CLUSTER
        "The backup {file} is of another cluster ({theirs})", "バックアップ {file} は別のクラスタ ({theirs}) のものです";
        because "This node belongs to the cluster {ours}; its phones would refuse everything",
            "このノードはクラスタ {ours} に属しており、電話機はすべてを拒否します";
        cure "Take a backup of {ours}, or restore on a node with an empty database",
            "{ours} のバックアップを使うか、データベースが空のノードで復元してください";

    /// The node is not in it.
    Error BACKUP_WITHOUT_NODE
        "The backup {file} does not know the node {node}", "バックアップ {file} にノード {node} がありません";
        because "Its nodes are {nodes}", "含まれるノード: {nodes}";
        cure "Give this machine the name of the node that it stands for: `node` in [controld]",
            "このマシンに、置き換えるノードの名前を付けてください ([controld] の `node`)";

    /// A replica.
    Error BACKUP_ON_A_REPLICA
        "Nothing can be restored on {node}", "{node} では復元できません";
        because "Its database is a copy of the publisher's", "データベースがパブリッシャの複製です";
        cure "Restore on the publisher; if that is lost, on the machine that takes its place (`ringfence recover publisher`)",
            "パブリッシャで復元してください。パブリッシャが失われた場合は、その代わりのマシンで復元してください (`ringfence recover publisher`)";

    /// There is nothing yet.
    Error BACKUP_OF_NOTHING
        "There is nothing to back up yet", "バックアップするものがまだありません";
        because "This node belongs to no cluster", "このノードはどのクラスタにも属していません";
        cure "Run `ringfence cluster init` first", "先に `ringfence cluster init` を実行してください";

    /// No passphrase.
    Error BACKUP_WITHOUT_LOCK
        "The backup would lie open", "バックアップが保護されません";
        because "Neither a passphrase nor a recipient was given", "パスフレーズも受信者も指定されていません";
        cure "Give one, or set `recipients` or `passphrase_file` in [controld.backup]",
            "いずれかを指定するか、[controld.backup] の `recipients` か `passphrase_file` を設定してください";

    /// A key that is none.
    Error BACKUP_KEY_NOT_ONE
        "{given} is no key for backups", "{given} はバックアップ用の鍵ではありません";
        because "A recipient begins with age1, a key file has a line that begins with AGE-SECRET-KEY-1",
            "受信者は age1 で始まり、鍵ファイルには AGE-SECRET-KEY-1 で始まる行があります";
        cure "Make one with `ringfence backup keygen`", "`ringfence backup keygen` で作成してください";

    /// One at a time.
    Error BACKUP_BUSY
        "Another backup or restore is under way", "別のバックアップまたは復元が進行中です";
        because "One is done at a time", "一度に 1 つだけ実行できます";
        cure "Wait until it has ended; `ringfence backup list` shows it", "終了を待ってください。`ringfence backup list` で確認できます";

    /// Not there.
    Error BACKUP_UNKNOWN
        "There is no backup {name} at {shelf}", "{shelf} にバックアップ {name} はありません";
        because "It may have been removed because newer ones came", "新しいバックアップの作成時に削除された可能性があります";
        cure "`ringfence backup list` shows those there are", "`ringfence backup list` で一覧を表示できます";

    /// Disk or network.
    Error BACKUP_FAILED
        "The backup cannot be written or read at {place}: {detail}", "{place} でバックアップを読み書きできません: {detail}";
        because "The system or the server there said so", "システムまたはサーバがエラーを返しました";
        cure "See to room, rights and the way there, and try again; nothing here was changed",
            "空き容量、権限、経路を確認して再試行してください。何も変更されていません";

    /// The database.
    Error BACKUP_DATABASE
        "The database refuses: {detail}", "データベースのエラー: {detail}";
        because "Nothing was changed", "何も変更されていません";
        cure "See to the database, and try again", "データベースを確認して再試行してください";

    /// The schedule is late.
    Error BACKUP_OVERDUE
        "The last backup is {hours} hours old", "最後のバックアップから {hours} 時間が経過しています";
        because "One is to be made every {every} hours; the last try said: {detail}",
            "{every} 時間ごとに作成する設定です。最後の試行の結果: {detail}";
        cure "See to what is said there, and run `ringfence backup create`",
            "原因を取り除き、`ringfence backup create` を実行してください";

    /// Not done yet.
    Prompt DATA_RESTORED
        "CTL update required: the data was restored", "CTL の更新が必要です: データが復元されました";
        because "Phones may hold a newer CTL file than the one that came back",
            "電話機は、復元されたものより新しい CTL ファイルを保持している可能性があります";
        cure "Run `ringfence ctl update` with a token that the phones trust, restart TFTP and CallManager on every node, and reset all devices",
            "電話機が信頼するトークンで `ringfence ctl update` を実行し、全ノードの TFTP と CallManager を再起動し、全デバイスをリセットしてください";
}
