//! Those of voicemail.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new("Voicemail servers and their ports", "ボイスメールサーバとそのポート"),
    Text::new(
        "Show all voicemail servers, their root certificates, and how many ports are registered",
        "すべてのボイスメールサーバと、そのルート証明書、登録済みのポート数を表示します",
    ),
    Text::new(
        "Add a voicemail server with its first ports, all in one mode. A call that a port does not take goes to the next one",
        "ボイスメールサーバと最初のポートを同じモードで追加します。ポートが応答できないコールは次のポートに送られます",
    ),
    Text::new(
        "Its name, which those of its ports begin with",
        "サーバの名前。ポートの名前はこれで始まります",
    ),
    Text::new(
        "Device Security Mode of its ports, which they have on both sides",
        "ポートのデバイス セキュリティ モード。ボイスメールサーバ側と一致させます",
    ),
    Text::new(
        "Add ports to a voicemail server; they have the mode of the server",
        "ボイスメールサーバにポートを追加します。モードはサーバのものになります",
    ),
    Text::new("The voicemail server", "ボイスメールサーバ"),
    Text::new("How many ports", "ポート数"),
    Text::new(
        "The number of the first of them; those behind it have the numbers that follow",
        "最初のポートの番号。残りのポートには続く番号が付きます",
    ),
    Text::new("The pool they belong to", "所属するプール"),
    Text::new(
        "Set all ports of a voicemail server, and those to come, to a mode",
        "ボイスメールサーバの全ポートと、今後追加するポートのモードを設定します",
    ),
    Text::new(
        "Copy the root certificate of a voicemail server to every node",
        "ボイスメールサーバのルート証明書を全ノードにコピーします",
    ),
    Text::new("File with the certificate, PEM", "証明書のファイル (PEM)"),
    Text::new("Take it from every node instead", "コピーせず、全ノードから取り除きます"),
    Text::new(
        "Remove a voicemail server with its ports and its certificate",
        "ボイスメールサーバを、ポートと証明書とともに削除します",
    ),
    Text::new("Device Security Mode", "デバイス セキュリティ モード"),
    Text::new("Show ports and their registrations", "ポートとその登録状態を表示します"),
    Text::new("Of this voicemail server only", "このボイスメールサーバのものだけ"),
    Text::new(
        "Those set to this Device Security Mode only",
        "このデバイス セキュリティ モードのものだけ",
    ),
    Text::new(
        "Change what is given of a port, leave the rest",
        "ポートの指定した項目だけを変更します",
    ),
    Text::new("Its name, like CiscoUM1-VI1", "ポートの名前 (例: CiscoUM1-VI1)"),
    Text::new("The number it is called by", "呼び出し番号"),
    Text::new("Remove a port. Its line stays", "ポートを削除します。回線は残ります"),
    Text::new(
        "Tell the ports of a voicemail server to register anew",
        "ボイスメールサーバのポートに再登録を指示します",
    ),
];
