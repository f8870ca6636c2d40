//! The first dictionary of a telephone: phrases that servers call by number.

use lang::Language;
use sccp::codes::Phrase;

/// A phrase in the words of the user. Those without Japanese ones are the same in both languages.
pub(super) fn words(phrase: Phrase, language: Language) -> String {
    let japanese = (language == Language::Japanese).then(|| japanese(phrase)).flatten();
    japanese.map_or_else(|| phrase.to_string(), str::to_owned)
}

fn japanese(phrase: Phrase) -> Option<&'static str> {
    Some(match phrase {
        Phrase::REDIAL => "リダイヤル",
        Phrase::NEW_CALL => "発信",
        Phrase::HOLD => "保留",
        Phrase::TRNSFER => "転送",
        Phrase::CFWD_ALL => "不在転送",
        Phrase::CFWD_BUSY => "話中転送",
        Phrase::CFWD_NO_ANSWER => "無応答転送",
        Phrase::END_CALL => "終了",
        Phrase::RESUME => "復帰",
        Phrase::ANSWER => "応答",
        Phrase::INFO => "情報",
        Phrase::CONFRN => "会議",
        Phrase::PARK => "パーク",
        Phrase::JOIN => "参加",
        Phrase::MEET_ME => "ミートミー",
        Phrase::PICK_UP => "ピック",
        Phrase::G_PICK_UP => "Gピック",
        Phrase::YOUR_CURRENT_OPTIONS => "現在のオプション",
        Phrase::OFF_HOOK => "オフフック",
        Phrase::ON_HOOK => "オンフック",
        Phrase::RING_OUT => "呼び出し中",
        Phrase::FROM => "発信元",
        Phrase::CONNECTED => "接続済み",
        Phrase::BUSY => "話し中",
        Phrase::LINE_IN_USE => "回線使用中",
        Phrase::CALL_WAITING => "コールウェイティング",
        Phrase::CALL_TRANSFER => "コール転送",
        Phrase::CALL_PARK => "コールパーク",
        Phrase::CALL_PROCEED => "発信中",
        Phrase::IN_USE_REMOTE => "リモートで使用中",
        Phrase::ENTER_NUMBER => "番号を入力",
        Phrase::CALL_PARK_AT => "コールパーク番号",
        Phrase::PRIMARY_ONLY => "プライマリのみ",
        Phrase::TEMP_FAIL => "一時的な障害",
        Phrase::YOU_HAVE_VOICEMAIL => "ボイスメールがあります",
        Phrase::FORWARDED_TO => "転送先",
        Phrase::CAN_NOT_COMPLETE_CONFERENCE => "会議を開始できません",
        Phrase::NO_CONFERENCE_BRIDGE => "会議ブリッジがありません",
        Phrase::CAN_NOT_HOLD_PRIMARY_CONTROL => "プライマリの制御を保留できません",
        Phrase::INVALID_CONFERENCE_PARTICIPANT => "無効な会議参加者",
        Phrase::IN_CONFERENCE_ALREADY => "すでに会議中です",
        Phrase::NO_PARTICIPANT_INFO => "参加者の情報がありません",
        Phrase::EXCEED_MAXIMUM_PARTIES => "参加者数の上限を超えています",
        Phrase::KEY_IS_NOT_ACTIVE => "キーは無効です",
        Phrase::ERROR_NO_LICENSE => "エラー: ライセンスなし",
        Phrase::ERROR_DATABASE_CONFIG => "エラー: データベース設定",
        Phrase::ERROR_DATABASE => "エラー: データベース",
        Phrase::ERROR_PASS_LIMIT => "エラー: 制限超過",
        Phrase::ERROR_UNKNOWN => "エラー: 不明",
        Phrase::ERROR_MISMATCH => "エラー: 不一致",
        Phrase::CONFERENCE => "会議",
        Phrase::PARK_NUMBER => "パーク番号",
        Phrase::PRIVATE => "非通知",
        Phrase::NOT_ENOUGH_BANDWIDTH => "帯域幅が不足しています",
        Phrase::UNKNOWN_NUMBER => "番号が不明です",
        Phrase::RM_LST_C => "最終削除",
        Phrase::VOICEMAIL => "ボイスメール",
        Phrase::IMM_DIV => "即転送",
        Phrase::INTRCPT => "代行",
        Phrase::SET_WTCH => "監視設定",
        Phrase::TRNSF_VM => "VM転送",
        Phrase::DND => "サイレント",
        Phrase::DIV_ALL => "全転送",
        Phrase::CALL_BACK => "折返し",
        Phrase::NETWORK_CONGESTION_REROUTING => "ネットワークの輻輳のため迂回中",
        Phrase::BARGE => "割込み",
        Phrase::FAILED_TO_SETUP_BARGE => "割り込みに失敗しました",
        Phrase::ANOTHER_BARGE_EXISTS => "別の割り込みが存在します",
        Phrase::INCOMPATIBLE_DEVICE_TYPE => "互換性のないデバイス タイプ",
        Phrase::NO_PARK_NUMBER_AVAILABLE => "使用可能なパーク番号がありません",
        Phrase::CALLPARK_REVERSION => "コールパーク復帰",
        Phrase::SERVICE_IS_NOT_ACTIVE => "サービスは無効です",
        Phrase::HIGH_TRAFFIC_TRY_AGAIN_LATER => "混雑しています。後でかけ直してください",
        Phrase::MCID => "MCID",
        Phrase::DIR_TRFR => "D転送",
        Phrase::SELECT => "選択",
        Phrase::CONF_LIST => "参加者",
        Phrase::I_DIVERT => "即転送",
        Phrase::C_BARGE => "C割込",
        Phrase::CAN_NOT_COMPLETE_TRANSFER => "転送できません",
        Phrase::CAN_NOT_JOIN_CALLS => "コールに参加できません",
        Phrase::NUMBER_NOT_CONFIGURED => "番号が設定されていません",
        Phrase::SECURITY_ERROR => "セキュリティ エラー",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_that_is_a_word_has_japanese_ones() {
        for phrase in (1..=86).map(Phrase).filter(|phrase| phrase.name().is_some()) {
            let same = [Phrase::BACKSPACE, Phrase::QRT, Phrase::MCID].contains(&phrase);
            let differs = words(phrase, Language::English) != words(phrase, Language::Japanese);
            assert_eq!(differs, !same, "{phrase}");
        }
        assert_eq!(words(Phrase(200), Language::Japanese), "200");
    }
}
