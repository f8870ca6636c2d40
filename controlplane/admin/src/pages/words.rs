//! Words that many pages say.

use lang::Text;

pub const ACTIONS: Text = Text::new("", "");
pub const ADDRESS: Text = Text::new("Address", "アドレス");
pub const ANY: Text = Text::new("any", "すべて");
pub const DESCRIPTION: Text = Text::new("Description", "説明");
pub const FIND_NAME: Text = Text::new("Name or description", "名前または説明");
pub const MODE: Text = Text::new("Security mode", "セキュリティモード");
pub const NAME: Text = Text::new("Name", "名前");
pub const NO: Text = Text::new("no", "いいえ");
pub const NONE: Text = Text::new("None.", "ありません。");
pub const NO_ADDRESS: Text = Text::new(
    "The address is none: 192.0.2.1, say.",
    "アドレスが正しくありません (例: 192.0.2.1)。",
);
pub const NUMBER: Text = Text::new("Number", "番号");
pub const PHONES: Text = Text::new("Phones", "電話機");
pub const POOL: Text = Text::new("Device pool", "デバイスプール");
pub const REGISTERED: Text = Text::new("Registered", "登録");
pub const REMOVE: Text = Text::new("Remove", "削除");
pub const RESET: Text = Text::new("Reset", "リセット");
pub const SAVE: Text = Text::new("Save", "保存");
pub const SEARCH: Text = Text::new("Find", "検索");
pub const SETTINGS: Text = Text::new("Settings", "設定");
pub const STATE: Text = Text::new("State", "状態");
pub const SURE_REMOVE: Text = Text::new("Remove {name}?", "{name} を削除しますか?");
pub const YES: Text = Text::new("yes", "はい");
