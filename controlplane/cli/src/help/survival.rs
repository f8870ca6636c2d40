//! Those of what goes on while the centre is away.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new(
        "Gateways that serve phones while the centre is away",
        "センターに接続できない間、電話機にサービスするゲートウェイ (SRST)",
    ),
    Text::new(
        "Show all SRST references, their certificates, and who depends on them",
        "すべての SRST 参照先と、その証明書、依存するプールと電話機数を表示します",
    ),
    Text::new("Add an SRST reference", "SRST 参照先を追加します"),
    Text::new("Where the gateway is", "ゲートウェイのアドレス"),
    Text::new(
        "Its port of SCCP; phones add 443 to it for TLS",
        "SCCP のポート。電話機は TLS ではこれに 443 を加えたポートを使います",
    ),
    Text::new(
        "SRST Certificate Provider Port, 1024 to 49151",
        "SRST Certificate Provider Port (1024 ～ 49151)",
    ),
    Text::new("Is SRST Secure?", "Is SRST Secure? (SRST をセキュアにするか)"),
    Text::new(
        "Change what is given, leave the rest. The certificate stays",
        "指定した項目だけを変更します。証明書は変更されません",
    ),
    Text::new(
        "Get the certificate of a gateway, show it, and give it to phones if it is accepted",
        "ゲートウェイの証明書を取得して表示し、承認された場合は電話機に配布します",
    ),
    Text::new("The SRST reference", "SRST 参照先"),
    Text::new(
        "Accept the certificate with this SHA-256 fingerprint, and no other",
        "この SHA-256 フィンガープリントの証明書だけを承認します",
    ),
    Text::new("Only show it", "表示するだけで変更しません"),
    Text::new(
        "The gateway has no certificate any more: take it from the phones",
        "ゲートウェイに証明書がもう無いため、電話機からも取り除きます",
    ),
    Text::new(
        "Remove an SRST reference that no pool names",
        "どのプールからも使われていない SRST 参照先を削除します",
    ),
    Text::new(
        "Reset the phones that depend on an SRST reference",
        "SRST 参照先に依存する電話機をリセットします",
    ),
    Text::new(
        "Show how centre and gateways stand to each other",
        "センターとゲートウェイの接続状態を表示します",
    ),
    Text::new(
        "The SRST reference that its phones go to when no CallManager answers; empty is none",
        "CallManager が応答しないときに電話機が接続する SRST 参照先。空の場合はなし",
    ),
    Text::new(
        "Only phones that depend on this SRST reference",
        "この SRST 参照先に依存する電話機のみ",
    ),
];
