//! Those of telephones, lines and calls.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new("Telephones: their lines, modes and registrations", "電話機の回線、モード、登録状態"),
    Text::new(
        "Show phones: all, or those that match",
        "電話機の一覧 (すべて、または条件に一致するもの) を表示します",
    ),
    Text::new(
        "Only phones of this mode: set to it, or to the system default where that is it",
        "このモードの電話機のみ。システムデフォルトに従ってこのモードになるものも含みます",
    ),
    Text::new(
        "Only phones with this LSC status, such as operation-pending or upgrade-failed",
        "この LSC の状態の電話機のみ (operation-pending、upgrade-failed など)",
    ),
    Text::new(
        "Only phones that are registered at this node, or only those that are not",
        "このノードに登録中の電話機のみ、または未登録の電話機のみ",
    ),
    Text::new("Only phones of this model", "この機種の電話機のみ"),
    Text::new("Only phones of this pool", "このプールの電話機のみ"),
    Text::new(
        "Only phones with this in their name, description, number or owner",
        "名前、説明、番号、所有者にこの文字列を含む電話機のみ",
    ),
    Text::new(
        "Change what is given of one phone, or of all that match; leave the rest",
        "1 台、または条件に一致するすべての電話機の、指定した項目だけを変更します",
    ),
    Text::new("All phones", "すべての電話機"),
    Text::new(
        "Phones that match, such as security-mode=non-secure,model=7960; keys as the options of `phone list`",
        "条件に一致する電話機。例: security-mode=non-secure,model=7960。キーは `phone list` のオプションと同じです",
    ),
    Text::new(
        "Change many phones as the rows of a CSV file say: name, and any of the options of `phone set` with `_` for `-`. What is empty stays as it is. Run again after an interruption, it goes on where it stopped",
        "CSV ファイルの各行に従って多数の電話機を変更します。列は name と、`-` を `_` に置き換えた `phone set` のオプションです。空欄の項目は変更しません。中断後に再実行すると続きから処理します",
    ),
    Text::new("Remove phones. Their lines stay", "電話機を削除します。回線は残ります"),
    Text::new("The lines of a phone, by its buttons", "電話機の回線 (ボタン順)"),
    Text::new(
        "Give a phone a line. A number that another phone has becomes a shared line",
        "電話機に回線を追加します。他の電話機にもある番号は共有回線になります",
    ),
    Text::new("The number", "番号"),
    Text::new(
        "Which button, from 1 [default: the one behind the others]",
        "ボタンの位置 (1 から) [既定値: 末尾]",
    ),
    Text::new("Take a line from a phone", "電話機から回線を外します"),
    Text::new("The buttons of a phone that dial", "電話機のスピードダイヤル"),
    Text::new("Give a phone a button that dials", "電話機にスピードダイヤルを追加します"),
    Text::new("What it dials", "ダイヤルする番号"),
    Text::new("What stands beside it", "ボタンの横に表示する文字"),
    Text::new("Take a button that dials from a phone", "電話機からスピードダイヤルを外します"),
    Text::new("Which of its speed dials, from 1", "スピードダイヤルの位置 (1 から)"),
    Text::new(
        "Make phones start anew: they fetch firmware and files, and register. Calls through gateways end",
        "電話機をリセットします。ファームウェアとファイルを取得し直して登録します。ゲートウェイ経由の通話は切断されます",
    ),
    Text::new(
        "Make phones fetch their configuration and register again. Calls through gateways end",
        "電話機をリスタートします。設定を取得し直して登録します。ゲートウェイ経由の通話は切断されます",
    ),
    Text::new("Do not ask, even if there are calls", "通話中の電話機があっても確認しない"),
    Text::new("Show what each model can do for security", "各機種のセキュリティ機能を表示します"),
    Text::new("Directory numbers, and what becomes of calls to them", "電話番号と、着信の扱い"),
    Text::new("Show all lines, by number", "すべての回線を番号順に表示します"),
    Text::new("Show one line", "1 つの回線を表示します"),
    Text::new("Add a line that no phone has yet", "どの電話機にもまだない回線を追加します"),
    Text::new("Remove a line that no phone has", "どの電話機にもない回線を削除します"),
    Text::new("The name that others are shown", "相手に表示する名前"),
    Text::new(
        "Where all calls to it go; empty forwards none",
        "すべての着信の転送先。空の場合は転送しません",
    ),
    Text::new(
        "Where calls go while it is busy; empty forwards none",
        "話中時の転送先。空の場合は転送しません",
    ),
    Text::new(
        "Where calls go that nobody answers; empty forwards none",
        "無応答時の転送先。空の場合は転送しません",
    ),
    Text::new("With so many calls it is busy, 1 to 200", "話中とする通話数 (1 ～ 200)"),
    Text::new("What phones of one place have in common", "同じ場所の電話機に共通の設定"),
    Text::new("Show all pools", "すべてのプールを表示します"),
    Text::new("Add a pool", "プールを追加します"),
    Text::new("Remove a pool that no phone belongs to", "電話機のないプールを削除します"),
    Text::new("The region it is in", "所属するリージョン"),
    Text::new(
        "Order and separators of dates, such as M/D/Y or D.M.YA; A is the 12-hour clock",
        "日付の順序と区切り文字 (M/D/Y、D.M.YA など)。A は 12 時間表示です",
    ),
    Text::new("Time zone, such as Asia/Tokyo", "タイムゾーン (Asia/Tokyo など)"),
    Text::new(
        "Names of its CallManager nodes, the one to try first in front, with commas; empty is all",
        "CallManager ノードの名前を優先順にコンマで区切って指定します。空の場合はすべてのノード",
    ),
    Text::new(
        "When media goes through a relay: never, when-needed or always",
        "メディアをリレー経由にする条件: never、when-needed、always",
    ),
    Text::new("Bit rates of calls between places", "場所の間の通話のビットレート"),
    Text::new(
        "Show all regions with their bit rates; pairs that are not shown have 64 kbit/s",
        "すべてのリージョンとビットレートを表示します。表示のない組み合わせは 64 kbit/s です",
    ),
    Text::new("Add a region", "リージョンを追加します"),
    Text::new(
        "Set the bit rate of streams between two regions, or within one: 8 is G.729, 64 G.711, 256 wideband",
        "2 つのリージョン間、または 1 つのリージョン内のビットレートを設定します。8 は G.729、64 は G.711、256 はワイドバンド",
    ),
    Text::new("One region", "一方のリージョン"),
    Text::new("The other, or the same one", "もう一方のリージョン、または同じリージョン"),
    Text::new(
        "In kbit/s, 8 to 256 [default: what was set is forgotten]",
        "kbit/s 単位、8 ～ 256 [既定値: 設定を取り消す]",
    ),
    Text::new("Remove a region that no pool is in", "プールのないリージョンを削除します"),
    Text::new("Where numbers lead that are no lines", "回線ではない番号の宛先"),
    Text::new("Show all routes", "すべてのルートを表示します"),
    Text::new("Add a route", "ルートを追加します"),
    Text::new(
        "The numbers: digits, X for any digit, [2-5] for one of a set, ! at the end for the rest",
        "番号のパターン。数字、X (任意の数字)、[2-5] (いずれか)、末尾の ! (残りすべて)",
    ),
    Text::new(
        "Where they lead: meet-me, message-waiting-on, message-waiting-off, or gateway: and the name of one",
        "宛先: meet-me、message-waiting-on、message-waiting-off、または gateway: とゲートウェイの名前",
    ),
    Text::new("Remove a route", "ルートを削除します"),
    Text::new("Its pattern", "パターン"),
    Text::new("Calls: those that go on, and what remains of others", "進行中の通話と通話記録"),
    Text::new(
        "Show the calls that go on at the node whose daemon is asked",
        "問い合わせ先デーモンのノードで進行中の通話を表示します",
    ),
    Text::new(
        "Show what was said in a call, one that goes on or one of the latest, and how secure it was when",
        "進行中または最近の通話のメッセージと、セキュリティ状態の変化を表示します",
    ),
    Text::new("Number of the call", "通話の番号"),
    Text::new("Show calls that have ended, newest first", "終了した通話を新しい順に表示します"),
    Text::new("How many", "件数"),
    Text::new("Only those before this record", "この記録より前のもののみ"),
    Text::new("Only those from or to this number", "この番号の発信または着信のみ"),
];
