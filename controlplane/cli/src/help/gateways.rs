//! Those of gateways.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new(
        "Voice gateways that CallManager commands by MGCP",
        "CallManager が MGCP で制御する音声ゲートウェイ",
    ),
    Text::new("Show all gateways", "すべてのゲートウェイを表示します"),
    Text::new("Show a gateway with its ports", "ゲートウェイとそのポートを表示します"),
    Text::new("Add a gateway", "ゲートウェイを追加します"),
    Text::new(
        "What stands behind the @ in names of its endpoints: its host name with the domain",
        "エンドポイント名の @ の後の部分。ドメインを含むホスト名です",
    ),
    Text::new("Where it listens for MGCP, with the port", "MGCP を待ち受けるアドレスとポート"),
    Text::new("For people", "説明"),
    Text::new(
        "Where it listens instead, with the port, in order of preference, with commas",
        "新しい待ち受けアドレスとポート。優先順にコンマで区切ります",
    ),
    Text::new("What it speaks: mgcp-0.1 or mgcp-1.0", "プロトコル: mgcp-0.1 または mgcp-1.0"),
    Text::new(
        "When keys go to it: require (only while IPsec covers the way), prefer or trusted-path",
        "鍵を送信する条件: require (IPsec が経路を保護している間のみ)、prefer、trusted-path",
    ),
    Text::new(
        "Where IPsec ends on this side: here or elsewhere",
        "こちら側で IPsec が終端する場所: here または elsewhere",
    ),
    Text::new(
        "Who it must have proven to be to the IKE daemon; empty is anybody whom that trusts",
        "IKE デーモンに対して証明すべき識別名。空の場合は信頼する相手すべて",
    ),
    Text::new(
        "How it collects digits, such as (1XXX|9.T); empty: it tells of each",
        "数字の収集方法 ((1XXX|9.T) など)。空の場合は 1 桁ずつ通知します",
    ),
    Text::new(
        "Whether its encrypted calls end when IPsec no longer covers the way, with policy require",
        "ポリシーが require の場合、IPsec が経路を保護しなくなったときに暗号化通話を切断するかどうか",
    ),
    Text::new("Add a voice port to a gateway, or change it", "音声ポートを追加または変更します"),
    Text::new("The gateway's name", "ゲートウェイの名前"),
    Text::new(
        "What stands before the @, such as aaln/S1/SU0/0",
        "@ の前の部分 (aaln/S1/SU0/0 など)",
    ),
    Text::new("What stands before the @", "@ の前の部分"),
    Text::new(
        "The number of the telephone on it; empty makes it a trunk",
        "接続された電話機の番号。空の場合はトランクになります",
    ),
    Text::new("Which calls it takes: both, in or out", "受け付ける通話: both、in、out"),
    Text::new(
        "Where calls go that come in by a trunk; empty: their digits are waited for",
        "トランクからの着信の宛先。空の場合は番号の入力を待ちます",
    ),
    Text::new(
        "Whether what is said about its calls is written to the trace, without keys",
        "通話に関するメッセージを (鍵を除いて) トレースに記録するかどうか",
    ),
    Text::new("Remove a voice port", "音声ポートを削除します"),
    Text::new(
        "Ask a gateway anew what its ports are like",
        "ゲートウェイのポートの状態を問い合わせ直します",
    ),
    Text::new(
        "Remove a gateway that no route leads to",
        "ルートの宛先になっていないゲートウェイを削除します",
    ),
    Text::new(
        "Go through the steps until a gateway is given keys, each with what proves it",
        "ゲートウェイに鍵が渡されるまでの手順を、根拠とともに確認します",
    ),
];
