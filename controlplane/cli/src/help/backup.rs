//! Those of backups and of what brings things back.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new(
        "Backups: make, list, check and restore them",
        "バックアップの作成、一覧、検査、復元",
    ),
    Text::new("Bring back what was lost, step by step", "失われたものを順を追って復旧します"),
    Text::new(
        "Make a backup while everything runs",
        "すべてを動作させたままバックアップを作成します",
    ),
    Text::new(
        "For the owner of this key. Can be repeated. Without it, and without a passphrase, as the configuration says",
        "この鍵の所有者用に暗号化します。繰り返し指定できます。これもパスフレーズも指定しない場合は設定に従います",
    ),
    Text::new(
        "Under the passphrase in the first line of this file",
        "このファイルの 1 行目のパスフレーズで暗号化します",
    ),
    Text::new(
        "Private keys too, for the owner of this key; without it, as the configuration says. Can be repeated",
        "秘密鍵も、この鍵の所有者用に含めます。指定しない場合は設定に従います。繰り返し指定できます",
    ),
    Text::new(
        "Private keys too, under the recovery passphrase in the first line of this file",
        "秘密鍵も、このファイルの 1 行目の復旧用パスフレーズで暗号化して含めます",
    ),
    Text::new(
        "A directory of the server, instead of the place in its configuration",
        "設定された場所の代わりに使う、サーバのディレクトリ",
    ),
    Text::new("Show the backups there are", "バックアップの一覧を表示します"),
    Text::new(
        "Check that a backup is whole and signed, and, if it can be opened, that all in it can be restored. Nothing changes",
        "バックアップが完全で署名が正しいこと、開ける場合はすべての内容を復元できることを確認します。何も変更しません",
    ),
    Text::new(
        "File with the private key that it was made for",
        "作成時の対象となった秘密鍵のファイル",
    ),
    Text::new("File whose first line is its passphrase", "1 行目がパスフレーズであるファイル"),
    Text::new(
        "Put a backup in the place of what is here. All of it is checked before anything changes",
        "現在の内容をバックアップで置き換えます。変更の前にすべてを検査します",
    ),
    Text::new(
        "Private keys too, with the key in this file",
        "秘密鍵も、このファイルの鍵で復元します",
    ),
    Text::new(
        "Private keys too, with the recovery passphrase in the first line of this file",
        "秘密鍵も、このファイルの 1 行目の復旧用パスフレーズで復元します",
    ),
    Text::new(
        "SHA-256 of the certificate that it is signed with, if this node does not know it",
        "署名に使われた証明書の SHA-256 (このノードがその証明書を知らない場合)",
    ),
    Text::new(
        "Make a key that backups can be made for: it need not be on any server",
        "バックアップの対象にできる鍵を作成します。サーバに置く必要はありません",
    ),
    Text::new("File for the private key", "秘密鍵を保存するファイル"),
    Text::new(
        "The publisher was lost: restore a backup on its new machine, then sign the CTL file anew, restart and reset. Run it on the new machine",
        "パブリッシャが失われた場合: 新しいマシンでバックアップを復元し、CTL ファイルに署名し直し、再起動とリセットを行います。新しいマシンで実行します",
    ),
    Text::new(
        "The backup to restore, if the database of this machine is empty",
        "このマシンのデータベースが空の場合に復元するバックアップ",
    ),
    Text::new(
        "Reset all devices at the end, which ends calls through gateways",
        "最後に全デバイスをリセットします。ゲートウェイ経由の通話は切断されます",
    ),
    Text::new(
        "A subscriber was lost: its new machine is there; sign the CTL file anew, restart and reset. Run it on the publisher",
        "サブスクライバが失われ、新しいマシンを用意した場合: CTL ファイルに署名し直し、再起動とリセットを行います。パブリッシャで実行します",
    ),
    Text::new(
        "All nodes were lost: the publisher first, then the subscribers, one at a time. Two tokens that phones know must be there. Run it on the publisher, again after each subscriber",
        "全ノードが失われた場合: パブリッシャ、続いてサブスクライバを 1 台ずつ復旧します。電話機が信頼するトークンが 2 つ必要です。パブリッシャで実行し、サブスクライバを復旧するたびに再実行します",
    ),
];
