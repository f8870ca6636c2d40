//! What is written on the screen.

use lang::Text;

macro_rules! words {
    ($($name:ident $en:literal $ja:literal)*) => {$(
        pub(super) const $name: Text = Text::new($en, $ja);
    )*};
}

words! {
    // The icon beside a call.
    LOCK "LOCK" "鍵"
    SHIELD "SHIELD" "盾"

    // What a telephone does.
    NO_SERVER "Not registered" "未登録"
    REGISTERING "Registering" "登録中"
    REJECTED "Registration rejected: {text}" "登録が拒否されました: {text}"
    PRESERVED "CallManager down; this call goes on" "CallManager ダウン中 (この通話は継続します)"
    RINGING "rings" "着信音"
    FORWARDED "forwarded to {number}" "{number} に転送"
    PRIVATE "private" "プライベート"
    MORE "more" "次へ"

    // What a call does.
    OFF_HOOK "Off Hook" "オフフック"
    RING_OUT "Ring Out" "呼び出し中"
    RING_IN "Ring In" "着信"
    CONNECTED "Connected" "通話中"
    BUSY "Busy" "話し中"
    CONGESTION "Congestion" "輻輳"
    HOLD "Hold" "保留"
    CALL_WAITING "Call Waiting" "コールウェイティング"
    CALL_TRANSFER "Call Transfer" "転送"
    PROCEED "Call Proceed" "発信中"
    IN_USE_REMOTE "In Use Remote" "リモートで使用中"
    INVALID_NUMBER "Unknown Number" "番号が不明です"
    REMOTE_HOLD "Remote Hold" "リモートで保留"
    ON_HOOK "On Hook" "オンフック"

    // What is heard instead of speech.
    DIAL_TONE "dial tone" "発信音"
    RING_BACK "ring-back tone" "呼び出し音"
    BUSY_TONE "busy tone" "話中音"
    REORDER_TONE "reorder tone" "リオーダー音"
    WAITING_TONE "call waiting tone" "コールウェイティング音"
    OTHER_TONE "{name} tone" "{name} 音"

    // Below.
    HANDSET_UP "handset up" "受話器 上"
    HANDSET_DOWN "handset down" "受話器 下"
    SPEAKER_ON "speaker on" "スピーカー オン"
    SPEAKER_OFF "speaker off" "スピーカー オフ"
    MESSAGE_WAITING "● messages" "● メッセージ"
    NO_MESSAGES "○ messages" "○ メッセージ"
    VOLUME "Volume" "音量"
    HELP "h hook  s speaker  F5-F12 lines  +- volume  e settings  m mail  i info  q quit"
        "h フック s スピーカー F5-F12 回線 +- 音量 e 設定 m メール i 情報 q 終了"

    // The menu.
    SETTINGS "Settings" "設定"
    NETWORK "Network Configuration" "ネットワークの設定"
    SECURITY "Security Configuration" "セキュリティ設定"
    CTL_FILE "CTL File" "CTL ファイル"
    LSC "LSC" "LSC"
    MIC "MIC" "MIC"
    MODEL "Model Information" "モデル情報"
    STATUS "Status" "ステータス"
    STATUS_MESSAGES "Status Messages" "ステータス メッセージ"
    CALL_STATISTICS "Call Statistics" "コールの統計"
    AUTHENTICATION_STRING "Authentication String" "認証文字列"
    HIDDEN "The administrator has disabled the settings" "設定は管理者により無効にされています"
    LOCKED "Locked" "ロック中"
    UNLOCKED "Unlocked" "ロック解除"
    NOTHING_HERE "Nothing here" "なし"
    NO_CALL "No call yet" "通話はまだありません"

    // Its entries.
    HOST_NAME "Host Name" "ホスト名"
    ADDRESS "IP Address" "IP アドレス"
    TFTP_SERVER "TFTP Server" "TFTP サーバ"
    CALL_MANAGER "CallManager" "CallManager"
    PC_PORT "PC Port Disabled" "PC ポートを無効化"
    PC_VOICE_VLAN "PC Voice VLAN Access" "PC 音声 VLAN へのアクセス"
    GARP "GARP Enabled" "GARP を使う"
    WEB "Web Access Enabled" "Web アクセス可能"
    SECURITY_MODE "Security Mode" "セキュリティ モード"
    CAPF_SERVER "CAPF Server" "CAPF サーバ"
    CAPF_STATUS "CAPF Status" "CAPF ステータス"
    MODEL_NUMBER "Model Number" "モデル番号"
    LOAD "App Load ID" "アプリケーション ロード ID"
    PROTOCOL "SCCP Version" "SCCP バージョン"
    SUBJECT "Subject" "サブジェクト"
    ISSUER "Issuer" "発行者"
    CERTIFICATE "Certificate" "証明書"

    YES "Yes" "はい"
    NO "No" "いいえ"
    READ_ONLY "Read Only" "読み取り専用"
    INSTALLED "Installed" "インストール済み"
    NOT_INSTALLED "Not Installed" "未インストール"
    NON_SECURE "Non Secure" "非セキュア"
    AUTHENTICATED "Authenticated" "認証済み"
    ENCRYPTED "Encrypted" "暗号化"
    CAPF_IDLE "No Pending Operation" "保留中の操作なし"
    CAPF_PENDING "Operation Pending" "操作待ち"
    CAPF_STRING "Operation Pending: authentication string needed" "操作待ち: 認証文字列が必要です"
    CAPF_BEGUN "In Progress" "処理中"

    // Roles in a trust list.
    ROLE_SAST "Security token" "セキュリティ トークン"
    ROLE_CALL_MANAGER "CallManager" "CallManager"
    ROLE_CALL_MANAGER_TFTP "CallManager + TFTP" "CallManager + TFTP"
    ROLE_TFTP "TFTP Server" "TFTP サーバ"
    ROLE_CAPF "CAPF Server" "CAPF サーバ"
    ROLE_OTHER "Other" "その他"

    // Call statistics.
    RECEIVED "Received Packets" "受信パケット"
    SENT "Sent Packets" "送信パケット"
    LOST "Lost Packets" "損失パケット"
    REORDERED "Reordered" "順序の逆転"
    JITTER "Jitter" "ジッタ"
    ROUND_TRIP "Round Trip" "往復時間"
    RECEIVER_CIPHER "Receiver Cipher" "受信の暗号"
    SENDER_CIPHER "Sender Cipher" "送信の暗号"
    REJECTED_PACKETS "Failed Authentication" "認証失敗"
    SOURCE "Source" "送信元"
    NO_CIPHER "none (RTP)" "なし (RTP)"

    // Soft keys of the telephone itself.
    KEY_SELECT "Select" "選択"
    KEY_EXIT "Exit" "終了"
    KEY_ERASE "Erase" "消去"
    KEY_UPDATE "Update" "更新"
    KEY_SUBMIT "Submit" "送信"
    KEY_SAVE "Save" "保存"
    KEY_DIAL "Dial" "発信"
    KEY_CANCEL "Cancel" "取消"

    // What is said for a while.
    ERASED "CTL file erased; the phone restarts" "CTL ファイルを消去しました。再起動します"
    UNLOCK_FIRST "Settings are locked: **# unlocks" "設定はロックされています: **# で解除します"
    VOLUME_SAVED "Volume saved" "音量を保存しました"
    VOLUME_NOT_SAVED "The volume cannot be saved" "音量は保存できません"
    STRING_LENGTH "4 to 10 digits are needed" "4 から 10 桁の数字が必要です"
    STRING_TAKEN "The phone goes to CAPF" "CAPF に接続します"
    KEY_NOT_ACTIVE "Key Is Not Active" "キーは無効です"
}
