//! The help texts of all commands in Japanese, each beside the English one it stands for.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new("Watch and administer ringfence", "ringfence を監視し、管理します"),
    Text::new(
        "Watch and administer ringfence.\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by policy, 4 done in part.",
        "ringfence を監視し、管理します。\n\n終了コード: 0 完了、1 失敗、2 使い方の誤り、3 ポリシーによる拒否、4 一部のみ完了。",
    ),
    Text::new("How to print answers", "回答の表示形式"),
    Text::new(
        "Language of answers, en or ja [default: that of LC_ALL, LC_MESSAGES or LANG]",
        "回答の言語。en または ja [既定値: LC_ALL、LC_MESSAGES、LANG の言語]",
    ),
    Text::new("How things stand, and what is left to do", "現在の状態と、残っている作業"),
    Text::new("Socket of ringfence-controld", "ringfence-controld のソケット"),
    Text::new("The cluster", "クラスタ"),
    Text::new(
        "Make a new cluster with this node as its publisher",
        "このノードをパブリッシャとする新しいクラスタを作成します",
    ),
    Text::new("What people call the cluster", "クラスタの呼び名"),
    Text::new(
        "Address of this node, as phones and other nodes reach it",
        "電話機と他のノードから到達できる、このノードのアドレス",
    ),
    Text::new("Name of the first administrator", "最初の管理者の名前"),
    Text::new(
        "Give this machine a copy of the publisher's database, so that it serves phones also while the publisher is away. Run it on a new subscriber, or on a publisher that was replaced, while ringfence-controld does not run; as root or as its user",
        "パブリッシャのデータベースの複製をこのマシンに作成し、パブリッシャの停止中も電話機にサービスを提供できるようにします。新しいサブスクライバ、または置き換えられたパブリッシャで、ringfence-controld を停止した状態で、root またはその実行ユーザとして実行します",
    ),
    Text::new("Configuration file of ringfence-controld", "ringfence-controld の設定ファイル"),
    Text::new(
        "Throw away the cluster's data that this machine has",
        "このマシンにあるクラスタのデータを破棄します",
    ),
    Text::new(
        "Make this node the publisher, in the place of one that is lost. It is refused while the publisher answers, and if another node has changes that are not here",
        "失われたパブリッシャに代わり、このノードをパブリッシャにします。パブリッシャが応答している間、または他のノードにここにない変更がある場合は拒否されます",
    ),
    Text::new(
        "A node that is lost or switched off, and not waited for. Can be repeated",
        "失われたか電源が切れており、応答を待たないノード。複数指定できます",
    ),
    Text::new(
        "File whose first line is the password [default: ask for it]",
        "1 行目がパスワードであるファイル [既定値: 入力を求める]",
    ),
    Text::new("The servers of the cluster", "クラスタのサーバ"),
    Text::new(
        "Show all nodes, the publisher first",
        "すべてのノードを、パブリッシャから順に表示します",
    ),
    Text::new(
        "Add a subscriber. In a secure cluster an update of the CTL file follows",
        "サブスクライバを追加します。セキュアなクラスタでは、続けて CTL ファイルを更新します",
    ),
    Text::new("Its host name", "ホスト名"),
    Text::new("Its address", "アドレス"),
    Text::new(
        "Activate a service: call-manager, tftp, ctl-provider or capf",
        "サービスをアクティブにします: call-manager、tftp、ctl-provider、capf",
    ),
    Text::new("Host name of the node", "ノードのホスト名"),
    Text::new("Deactivate a service", "サービスを非アクティブにします"),
    Text::new(
        "Remove a subscriber. In a secure cluster an update of the CTL file follows",
        "サブスクライバを削除します。セキュアなクラスタでは、続けて CTL ファイルを更新します",
    ),
    Text::new("The services of this node", "このノードのサービス"),
    Text::new(
        "Restart a service of the node whose daemon is asked, so that it sees changed parameters: tftp, ctl-provider or capf",
        "変更したパラメータが反映されるように、問い合わせ先のノードのサービスを再起動します: tftp、ctl-provider、capf",
    ),
    Text::new(
        "Enterprise and service parameters",
        "エンタープライズ パラメータとサービス パラメータ",
    ),
    Text::new("Of one node, instead of the cluster", "クラスタではなく、1 つのノードのパラメータ"),
    Text::new(
        "Show parameters: all, or those whose name begins so",
        "パラメータを表示します: すべて、または名前がこの文字列で始まるもの",
    ),
    Text::new(
        "A name, or its beginning: `tftp`, `enterprise.device-security-mode`",
        "名前、またはその先頭部分: `tftp`、`enterprise.device-security-mode`",
    ),
    Text::new("Set a parameter", "パラメータを設定します"),
    Text::new(
        "The value; what is allowed is shown by `get`",
        "値。使用できる値は `get` で表示されます",
    ),
    Text::new("Forget what was set", "設定した値を取り消します"),
    Text::new("Phones", "電話機"),
    Text::new("Add a phone", "電話機を追加します"),
    Text::new("`SEP` and its MAC address", "`SEP` と MAC アドレス"),
    Text::new(
        "7902, 7905, 7910, 7912, 7940, 7960, 7970 or 7971",
        "7902、7905、7910、7912、7940、7960、7970、7971 のいずれか",
    ),
    Text::new("Text for people", "説明文"),
    Text::new("Who uses it", "使用者"),
    Text::new(
        "The number on its first button; empty takes the line away",
        "最初のボタンの番号。空の場合は回線を外します",
    ),
    Text::new("The pool it belongs to", "所属するプール"),
    Text::new("use-system-default, on or off", "use-system-default、on、off のいずれか"),
    Text::new(
        "Whether its calls are hidden from others on shared lines",
        "共有回線の他の電話機に通話を表示しない (プライバシー)",
    ),
    Text::new(
        "use-system-default, non-secure, authenticated or encrypted",
        "use-system-default、non-secure、authenticated、encrypted のいずれか",
    ),
    Text::new(
        "Name of its firmware load; empty keeps what it has",
        "ファームウェア ロードの名前。空の場合は現在のものを保持",
    ),
    Text::new(
        "Directory of its words; empty is built-in English",
        "ユーザ ロケールのディレクトリ。空の場合は内蔵の英語",
    ),
    Text::new(
        "Directory of its tones; empty is the built-in ones",
        "ネットワーク ロケール (トーン) のディレクトリ。空の場合は内蔵のもの",
    ),
    Text::new("Whether it believes gratuitous ARP", "Gratuitous ARP を受け入れるかどうか"),
    Text::new("Whether it serves web pages", "Web ページを提供するかどうか"),
    Text::new(
        "Whether a PC behind it may enter the voice VLAN",
        "接続された PC が音声 VLAN にアクセスできるかどうか",
    ),
    Text::new("Whether it shows its settings", "設定を表示するかどうか"),
    Text::new("Whether the port for a PC works", "PC ポートを使用できるかどうか"),
    Text::new("Show all phones", "すべての電話機を表示します"),
    Text::new("Show everything about one phone", "1 台の電話機の詳細を表示します"),
    Text::new("Change what is given, leave the rest", "指定した項目だけを変更します"),
    Text::new(
        "What CAPF shall do with a phone, and what came of it",
        "電話機に対する CAPF の操作と、その結果",
    ),
    Text::new(
        "Order an operation. What is not given stays; the phone does it after its next reset, or when its user types the authentication string in",
        "操作を指示します。指定しない項目は変わりません。操作は、電話機の次のリセット後、またはユーザが認証文字列を入力したときに実行されます",
    ),
    Text::new(
        "none, install, delete or troubleshoot",
        "none、install、delete、troubleshoot のいずれか",
    ),
    Text::new(
        "authentication-string, null-string, existing-lsc or existing-mic",
        "authentication-string、null-string、existing-lsc、existing-mic のいずれか",
    ),
    Text::new("Make an authentication string", "認証文字列を生成します"),
    Text::new("512, 1024 or 2048", "512、1024、2048 のいずれか"),
    Text::new(
        "Year, month, day and hour on the publisher's clock: YYYY:MM:DD:HH",
        "パブリッシャの時計による年、月、日、時: YYYY:MM:DD:HH",
    ),
    Text::new(
        "File whose first line is the authentication string",
        "1 行目が認証文字列であるファイル",
    ),
    Text::new("Only tell what would come of it", "結果の予測だけを表示し、何も変更しません"),
    Text::new(
        "Show what is ordered, what came of it, and the phone's certificates",
        "指示した操作、その結果、電話機の証明書を表示します",
    ),
    Text::new("Make an authentication string and print it", "認証文字列を生成して表示します"),
    Text::new(
        "Declare the LSC that a phone has worthless, a stolen phone's say: it is cut off, and does not register with it any more",
        "盗難などに備え、電話機の LSC を失効させます。接続は切断され、その LSC では登録できなくなります",
    ),
    Text::new("Remove a phone", "電話機を削除します"),
    Text::new(
        "Show what a phone asked the node for whose daemon is asked",
        "電話機が問い合わせ先のノードに要求したファイルを表示します",
    ),
    Text::new(
        "Say that the CTL file of a phone was erased by hand: it will take the next one",
        "電話機の CTL ファイルを手動で消去したことを記録します。その電話機は次の CTL ファイルを受け入れます",
    ),
    Text::new(
        "Make a phone, or all, fetch their files again. Calls through gateways end",
        "1 台またはすべての電話機をリセットし、ファイルを再取得させます。ゲートウェイ経由のコールは終了します",
    ),
    Text::new("All devices of the cluster", "クラスタのすべてのデバイス"),
    Text::new("CAPF: certificates for phones", "CAPF: 電話機の証明書"),
    Text::new(
        "Activate CAPF on the publisher; makes its key and certificate. Before the CTL file is created, no update of it is needed",
        "パブリッシャで CAPF をアクティブにし、その鍵と証明書を作成します。CTL ファイルの作成前であれば、CTL ファイルの更新は不要です",
    ),
    Text::new(
        "Give CAPF a new key and certificate. The CTL file has to be updated afterwards; LSCs of the old one hold until it is distrusted",
        "CAPF の鍵と証明書を新しくします。その後 CTL ファイルの更新が必要です。古い証明書による LSC は、その信頼を取り消すまで有効です",
    ),
    Text::new(
        "Show how CAPF stands, and whose certificates it trusts",
        "CAPF の状態と、信頼する証明書の発行者を表示します",
    ),
    Text::new(
        "Show what is ordered for phones and what came of it, with their authentication strings",
        "電話機に指示した操作とその結果を、認証文字列とともに表示します",
    ),
    Text::new(
        "Only phones with this status, such as upgrade-failed",
        "upgrade-failed など、この状態の電話機だけ",
    ),
    Text::new("Only phones with this operation pending", "この操作を待っている電話機だけ"),
    Text::new(
        "Only phones whose name or description has this in it",
        "名前または説明にこの文字列を含む電話機だけ",
    ),
    Text::new("Print CSV, which `capf bulk` reads", "`capf bulk` で読み込める CSV を出力します"),
    Text::new(
        "Order for many phones what the rows of a CSV file say: device, operation, auth_mode, auth_string (`generate` makes one), key_size, complete_by. What is empty stays as it is. Run again after an interruption, it goes on where it stopped",
        "CSV ファイルの各行のとおりに、多数の電話機へ操作を指示します: device、operation、auth_mode、auth_string (`generate` で生成)、key_size、complete_by。空の項目は変わりません。中断後に再実行すると、続きから処理します",
    ),
    Text::new(
        "The file; its first row names the columns, in any order",
        "ファイル。1 行目は列の名前 (順序は任意)",
    ),
    Text::new(
        "Take over the data of CAPF 1.0: CAPF.phone, CAPF.config and *.0 of a directory",
        "CAPF 1.0 のデータ (ディレクトリ内の CAPF.phone、CAPF.config、*.0) を引き継ぎます",
    ),
    Text::new("The directory", "ディレクトリ"),
    Text::new(
        "Ask the authority elsewhere that shall issue: its fingerprints, to compare with those it shows itself, and the best algorithms it offers",
        "証明書を発行する外部の認証局に問い合わせます: その認証局自身の表示と比較するためのフィンガープリントと、提供される最良のアルゴリズム",
    ),
    Text::new(
        "Trust an issuer of certificates that phones show: a manufacturer (mic), or another certification authority (lsc)",
        "電話機が提示する証明書の発行者を信頼します: 製造元 (mic)、または別の認証局 (lsc)",
    ),
    Text::new("Its certificate, DER or PEM", "証明書。DER または PEM"),
    Text::new(
        "End the trust in an issuer: certificates that it issued prove nothing any more",
        "発行者の信頼を取り消します。その発行者の証明書は無効になります",
    ),
    Text::new(
        "SHA-256 of its certificate, as `capf status` shows it",
        "`capf status` で表示される、証明書の SHA-256",
    ),
    Text::new("Why something does not do what it should", "正常に動作しない原因"),
    Text::new(
        "Tell a phone's way from DHCP to registration, and what went wrong on it",
        "DHCP から登録までの電話機の経過と、問題の箇所を表示します",
    ),
    Text::new(
        "Tell a phone's way from DHCP to registration, and what went wrong on it.\n\nAsks the node whose daemon is asked: the one the phone fetches its files from.",
        "DHCP から登録までの電話機の経過と、問題の箇所を表示します。\n\n電話機がファイルを取得するノードに問い合わせてください。",
    ),
    Text::new(
        "`SEP` and its MAC address. It need not be configured",
        "`SEP` と MAC アドレス。設定済みでなくてもかまいません",
    ),
    Text::new("The CTL file: whom phones may trust", "CTL ファイル: 電話機が信頼する相手"),
    Text::new(
        "CTL Provider of the publisher, HOST or HOST:PORT [default: the one used last]",
        "パブリッシャの CTL Provider。HOST または HOST:PORT [既定値: 前回使用したもの]",
    ),
    Text::new(
        "Cluster administrator or power user; the same on every node",
        "クラスタの管理者またはパワー ユーザ。すべてのノードで共通",
    ),
    Text::new(
        "SHA-256 of the certificate of a server that was never seen before, in hexadecimal; else it is asked for. Can be repeated",
        "初めて接続するサーバの証明書の SHA-256 (16 進数)。指定しない場合は確認を求めます。複数指定できます",
    ),
    Text::new(
        "What this client remembers: its name, servers and their certificates [default: ringfence/ctl-client.json in XDG_STATE_HOME or ~/.local/state]",
        "このクライアントの記録: 名前、サーバとその証明書 [既定値: XDG_STATE_HOME または ~/.local/state の ringfence/ctl-client.json]",
    ),
    Text::new(
        "Write down what the servers are asked and answer; never a password or key",
        "サーバへの要求と応答を記録します。パスワードと鍵は記録しません",
    ),
    Text::new(
        "Directory of what this machine remembers of tokens: `trusted/*.cer`, the certificates of those whose tokens are taken, and `tries/`, wrong passwords in a row [default: ringfence/tokens in XDG_STATE_HOME or ~/.local/state]",
        "このマシンのトークン情報のディレクトリ: `trusted/*.cer` は受け入れるトークンの発行者の証明書、`tries/` は連続した誤ったパスワードの回数 [既定値: XDG_STATE_HOME または ~/.local/state の ringfence/tokens]",
    ),
    Text::new(
        "Refuse a token that still has its default password",
        "既定のパスワードのままのトークンを拒否します",
    ),
    Text::new("Create the CTL file, asking step by step", "対話形式で CTL ファイルを作成します"),
    Text::new(
        "Create the CTL file and set the mode. Present at least two tokens; the last one signs",
        "CTL ファイルを作成し、モードを設定します。トークンが 2 つ以上必要です。最後のトークンで署名します",
    ),
    Text::new(
        "Token to present, a file or PKCS#11 URI; the last one signs. Without it, it is asked for",
        "使用するトークン。ファイルまたは PKCS#11 URI。最後のトークンで署名します。指定しない場合は入力を求めます",
    ),
    Text::new(
        "File whose first line is the password of the token that signs [default: ask for it]",
        "1 行目が署名するトークンのパスワードであるファイル [既定値: 入力を求める]",
    ),
    Text::new(
        "Go on though phones would refuse the new file: they will be erased by hand",
        "新しいファイルを拒否する電話機があっても続行します。それらは手動で消去してください",
    ),
    Text::new(
        "Sign and say what phones would do with the file, and write nothing",
        "署名して電話機の反応を予測し、何も書き込みません",
    ),
    Text::new(
        "Answer yes to what is asked before something is given up",
        "情報を破棄する前の確認に「はい」と答えます",
    ),
    Text::new(
        "Sign what changed in the cluster since the file was signed, and what was entered and not signed, with a token of the file",
        "ファイルの署名後にクラスタで変わったことと、入力済みで未署名の内容に、ファイル内のトークンで署名します",
    ),
    Text::new(
        "Add tokens. They can sign from the next update on",
        "トークンを追加します。次の更新から署名に使用できます",
    ),
    Text::new(
        "Files or PKCS#11 URIs of the tokens to add",
        "追加するトークンのファイルまたは PKCS#11 URI",
    ),
    Text::new("Delete the entry of a token", "トークンの項目を削除します"),
    Text::new(
        "Its serial number, or its number in `ringfence ctl status`",
        "シリアル番号、または `ringfence ctl status` での番号",
    ),
    Text::new(
        "One token is lost: put a new one in its place",
        "トークンを 1 つ紛失した場合に、新しいトークンと置き換えます",
    ),
    Text::new(
        "Serial number of the lost one, or its number in `ringfence ctl status`",
        "紛失したトークンのシリアル番号、または `ringfence ctl status` での番号",
    ),
    Text::new("File or PKCS#11 URI of the new one", "新しいトークンのファイルまたは PKCS#11 URI"),
    Text::new(
        "Add a TFTP server of another cluster. Its certificate comes from a file or from its own CTL Provider",
        "別のクラスタの TFTP サーバを追加します。証明書はファイルまたはそのサーバの CTL Provider から取得します",
    ),
    Text::new("A file with it, DER or PEM", "証明書のファイル。DER または PEM"),
    Text::new(
        "The CTL Provider of that server, HOST or HOST:PORT, with the same user and password",
        "そのサーバの CTL Provider。HOST または HOST:PORT。ユーザとパスワードは共通",
    ),
    Text::new(
        "Delete an entry: a token or a TFTP server of another cluster",
        "項目 (トークン、または別のクラスタの TFTP サーバ) を削除します",
    ),
    Text::new(
        "Its number in `ringfence ctl status`, its server, or its serial number",
        "`ringfence ctl status` での番号、サーバ、またはシリアル番号",
    ),
    Text::new("Set the cluster security mode", "クラスタのセキュリティ モードを設定します"),
    Text::new(
        "Bring every server to the file that was accepted last: finishes what was done in part",
        "最後に受け入れられたファイルをすべてのサーバに配布します。途中で終わった作業を完了します",
    ),
    Text::new(
        "Forget what was entered and not signed: the publisher keeps it for the next update",
        "入力済みで未署名の内容を破棄します。破棄しない場合、パブリッシャが次の更新まで保持します",
    ),
    Text::new(
        "All tokens are lost: remove the CTL file from every node and set Non-Secure. Every phone must be erased by hand before a new file is created",
        "すべてのトークンを紛失した場合に、全ノードから CTL ファイルを削除し、非セキュア モードにします。新しいファイルを作成する前に、すべての電話機を手動で消去する必要があります",
    ),
    Text::new(
        "Show the file in force, the servers, the phones, and why an update is required",
        "有効なファイル、サーバ、電話機、更新が必要な理由を表示します",
    ),
    Text::new("Show a file", "ファイルを表示します"),
    Text::new(
        "Check that a file is intact, and that a phone with another one would take it",
        "ファイルが破損していないこと、別のファイルを持つ電話機が受け入れることを検査します",
    ),
    Text::new("The file that the phone holds", "電話機が持っているファイル"),
    Text::new(
        "Show the MD5 of a file, or of the one in force: phones show it in their menu",
        "ファイル、または有効なファイルの MD5 を表示します。電話機のメニューにも表示されます",
    ),
    Text::new(
        "[default: the file in force, as ringfence-controld knows it]",
        "[既定値: ringfence-controld が把握している有効なファイル]",
    ),
    Text::new("Compare with what a phone shows", "電話機の表示と比較します"),
    Text::new("Show what changed from one file to another", "2 つのファイルの違いを表示します"),
    Text::new(
        "Security tokens, which sign the CTL file",
        "CTL ファイルに署名するセキュリティ トークン",
    ),
    Text::new(
        "Make a new token: a key, and a certificate issued by this machine's token authority",
        "新しいトークン (鍵と、このマシンのトークン認証局が発行する証明書) を作成します",
    ),
    Text::new(
        "Make a new token: a key, and a certificate issued by this machine's token authority.\n\nThe password is the default one, Cisco123, unless a file gives another.",
        "新しいトークン (鍵と、このマシンのトークン認証局が発行する証明書) を作成します。\n\nファイルで指定しない限り、パスワードは既定の Cisco123 です。",
    ),
    Text::new(
        "A file ending in .token, or a PKCS#11 URI such as `pkcs11:slot-id=0?module-path=/usr/lib/softhsm/libsofthsm2.so`. A PKCS#11 token is erased",
        "名前が .token で終わるファイル、または `pkcs11:slot-id=0?module-path=/usr/lib/softhsm/libsofthsm2.so` のような PKCS#11 URI。PKCS#11 トークンの内容は消去されます",
    ),
    Text::new("Its name", "名前"),
    Text::new("The kind of its key: rsa1024 or rsa2048", "鍵の種類: rsa1024 または rsa2048"),
    Text::new(
        "File whose first line is its password",
        "1 行目がトークンのパスワードであるファイル",
    ),
    Text::new(
        "File whose first line is the security officer's password; PKCS#11 only",
        "1 行目がセキュリティ担当者 (SO) のパスワードであるファイル。PKCS#11 のみ",
    ),
    Text::new(
        "Show all tokens of directories and PKCS#11 modules",
        "ディレクトリと PKCS#11 モジュールのすべてのトークンを表示します",
    ),
    Text::new(
        "Files, directories, or PKCS#11 URIs such as `pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so`",
        "ファイル、ディレクトリ、または `pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so` のような PKCS#11 URI",
    ),
    Text::new("Show everything about one token", "1 つのトークンの詳細を表示します"),
    Text::new("Change the password of a token", "トークンのパスワードを変更します"),
    Text::new(
        "File whose first line is the new password [default: ask for it]",
        "1 行目が新しいパスワードであるファイル [既定値: 入力を求める]",
    ),
    Text::new("Those who may log in", "ログインできる管理者"),
    Text::new("Show all administrators", "すべての管理者を表示します"),
    Text::new(
        "Add an administrator, or give one another role or password",
        "管理者を追加します。または、役割やパスワードを変更します",
    ),
    Text::new("The name to log in with", "ログイン名"),
    Text::new(
        "administrator, operator, capture, auditor or monitor",
        "administrator、operator、capture、auditor、monitor のいずれか",
    ),
    Text::new(
        "Remove an administrator, with the tokens that act for it",
        "管理者と、その管理者の API トークンを削除します",
    ),
    Text::new(
        "API tokens: what programs show to the REST interface",
        "API トークン: プログラムが REST インターフェイスで使用します",
    ),
    Text::new(
        "Show all tokens, without their secrets",
        "すべてのトークンを表示します (値は表示しません)",
    ),
    Text::new(
        "Make a token. What the program shows is printed this once",
        "トークンを作成します。値は一度だけ表示されます",
    ),
    Text::new("What people call it", "呼び名"),
    Text::new("The administrator it acts for", "トークンを所有する管理者"),
    Text::new(
        "The most it may do; never more than its owner",
        "トークンの権限の上限。所有者の権限は超えません",
    ),
    Text::new(
        "How many days it is good [default: until it is removed]",
        "有効日数 [既定値: 削除するまで有効]",
    ),
    Text::new("Remove a token", "トークンを削除します"),
    Text::new(
        "What makes the cluster less secure than it could be; nothing is changed",
        "クラスタのセキュリティ上の問題点を確認します (何も変更しません)",
    ),
    Text::new("Write the report as a page to this file", "レポートを HTML ファイルに書き込みます"),
    Text::new("What was changed, when and by whom", "変更の内容、日時、変更者"),
    Text::new("How many, from the newest on", "表示する件数。新しい順"),
    Text::new("Show revisions of the database", "データベースのリビジョンを表示します"),
    Text::new(
        "Verify the whole audit log and show its end",
        "監査ログ全体を検証し、末尾を表示します",
    ),
    Text::new(
        "Write how this node stands to one file for those who help, without secrets",
        "サポート用にノードの状態を 1 つのファイルに書き込みます (秘密の値は含めません)",
    ),
    Text::new("The file to write: a tar", "書き込むファイル (tar)"),
    Text::new("Configuration file", "設定ファイル"),
    Text::new("Directory of the trace files", "トレース ファイルのディレクトリ"),
    Text::new("The media relay", "メディア リレー"),
    Text::new(
        "Show flows with the path they take and why, ports, and counters",
        "フローとその経路および理由、ポート、カウンタを表示します",
    ),
    Text::new("Socket of ringfence-datad", "ringfence-datad のソケット"),
];
