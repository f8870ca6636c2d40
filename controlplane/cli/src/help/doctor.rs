//! Of `ringfence doctor`.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new(
        "What of this machine keeps media slow, why, and its cure; nothing is changed without --apply",
        "この装置でメディアを遅くしている原因と対処を示します (--apply がなければ何も変更しません)",
    ),
    Text::new(
        "Do what can be done at run time: huge pages, interrupts, queues, governors. Needs root, and is gone with the next start",
        "実行中にできること (ヒュージ ページ、割り込み、キュー、ガバナ) を行います。root 権限が必要です。再起動すると元に戻ります",
    ),
    Text::new(
        "Interfaces to look at [default: those of [[datad.media]], or else every network card]",
        "調べるインターフェイス [既定値: [[datad.media]] のもの。なければすべてのネットワーク カード]",
    ),
    Text::new(
        "Configuration of ringfence-datad, which names interfaces and the worker's core",
        "ringfence-datad の設定ファイル (インターフェイスとワーカのコア)",
    ),
];
