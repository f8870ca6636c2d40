//! CAPF: what administrators order, and what may be wrong with it.

crate::messages! {
    /// An authentication string with something else than digits in it.
    Error AUTHENTICATION_STRING_CHARACTERS
        "Authentication String contains one or more invalid characters. Valid characters for Authentication String are numbers.",
        "認証文字列に無効な文字が含まれています。認証文字列に使用できる文字は数字です。";
        because "It is typed in on the keypad of a phone", "電話機のキーパッドで入力するためです";
        cure "Enter 4 to 10 digits, or have them made with `ringfence device capf generate-string`",
            "4 ～ 10 桁の数字を入力するか、`ringfence device capf generate-string` で生成してください";

    /// An authentication string that is too short or too long.
    Error AUTHENTICATION_STRING_LENGTH
        "CAPF Authentication String length should be between 4 and 10.",
        "CAPF 認証文字列の長さは 4 ～ 10 文字です。";
        because "It has {length} digits", "{length} 桁が指定されました";
        cure "Enter 4 to 10 digits, or have them made with `ringfence device capf generate-string`",
            "4 ～ 10 桁の数字を入力するか、`ringfence device capf generate-string` で生成してください";

    /// A deadline with something else than digits in it.
    Error COMPLETES_BY_CHARACTERS
        "Operation Completes By contains one or more invalid characters. Valid characters for Operation Completes By are numbers.",
        "操作の完了期限に無効な文字が含まれています。操作の完了期限に使用できる文字は数字です。";
        because "{given} is not written as YYYY:MM:DD:HH", "{given} は YYYY:MM:DD:HH の形式ではありません";
        cure "Write year, month, day and hour on the publisher's clock, as in 2005:03:31:17",
            "パブリッシャの時計で、年、月、日、時を 2005:03:31:17 のように指定してください";

    /// A year that is over.
    Error COMPLETES_BY_PAST_YEAR
        "Invalid Year. Please enter a value equal to or greater than the current year.",
        "年が無効です。現在の年以降の値を入力してください。";
        because "{given} is over on the publisher's clock", "パブリッシャの時計では {given} は過去です";
        cure "Give a moment that is still to come", "これから先の日時を指定してください";

    /// A month that is none.
    Error COMPLETES_BY_MONTH
        "Invalid Month. Please adjust your entry to continue.",
        "月が無効です。入力を修正してください。";
        because "{given} has no month from 1 to 12", "{given} の月が 1 ～ 12 ではありません";
        cure "Give a month from 1 to 12", "1 ～ 12 の月を指定してください";

    /// A day that is over.
    Error COMPLETES_BY_PAST_DATE
        "Invalid Date. Please enter a value equal to or greater than the current date.",
        "日付が無効です。現在の日付以降の値を入力してください。";
        because "{given} is over on the publisher's clock", "パブリッシャの時計では {given} は過去です";
        cure "Give a moment that is still to come", "これから先の日時を指定してください";

    /// A day that its month does not have.
    Error COMPLETES_BY_DATE
        "Invalid Date. Please adjust your entry to continue.",
        "日付が無効です。入力を修正してください。";
        because "The month of {given} has no such day", "{given} の日はその月にありません";
        cure "Give a day that the month has", "その月にある日を指定してください";

    /// An hour that is over.
    Error COMPLETES_BY_PAST_TIME
        "Invalid Time. Please enter a value equal to or greater than current time (hours).",
        "時刻が無効です。現在の時刻 (時) 以降の値を入力してください。";
        because "{given} is over on the publisher's clock", "パブリッシャの時計では {given} は過去です";
        cure "Give a moment that is still to come", "これから先の日時を指定してください";

    /// An hour that is none.
    Error COMPLETES_BY_TIME
        "Invalid Time. Please adjust your entry to continue.",
        "時刻が無効です。入力を修正してください。";
        because "{given} has no hour from 0 to 23", "{given} の時が 0 ～ 23 ではありません";
        cure "Give an hour from 0 to 23", "0 ～ 23 の時を指定してください";

    /// A model without certificates.
    Error MODEL_HAS_NO_CERTIFICATES
        "This phone model has no certificates.", "この機種は証明書に対応していません。";
        because "The {model} can neither make a key nor keep a certificate",
            "{model} は鍵の生成も証明書の保持もできません";
        cure "Leave Certificate Operation at No Pending Operation", "証明書の操作は「保留中の操作なし」のままにしてください";

    /// Nothing to delete or to look at.
    Error PHONE_HAS_NO_CERTIFICATE
        "The phone has no certificate.", "電話機に証明書がありません。";
        because "{operation} needs an LSC or a MIC, and {device} is not known to have either",
            "{operation} には LSC または MIC が必要ですが、{device} にあるとは認識されていません";
        cure "Install a certificate first", "先に証明書をインストールしてください";

    /// Deleting the only certificate of a secure phone.
    Error DELETE_NEEDS_NON_SECURE
        "The certificate of a secure phone without a MIC cannot be deleted.",
        "MIC のないセキュアな電話機の証明書は削除できません。";
        because "Without its LSC {device} could not register in device security mode {mode} any more",
            "LSC がないと、{device} はデバイスセキュリティモード {mode} で登録できなくなります";
        cure "Set its device security mode to non-secure first: `ringfence device set {device} --security-mode non-secure`",
            "先にデバイスセキュリティモードを非セキュアにしてください: `ringfence device set {device} --security-mode non-secure`";

    /// By Authentication String, without one.
    Error AUTHENTICATION_STRING_MISSING
        "There is no Authentication String.", "認証文字列がありません。";
        because "The operation is to be authenticated by a string, and {device} has none",
            "操作を文字列で認証する設定ですが、{device} に文字列がありません";
        cure "Enter one, or have it made with `ringfence device capf generate-string {device}`",
            "文字列を入力するか、`ringfence device capf generate-string {device}` で生成してください";

    /// A string in a mode that asks for none.
    Error AUTHENTICATION_STRING_NOT_USED
        "This Authentication Mode uses no Authentication String.", "この認証モードでは認証文字列を使用しません。";
        because "{device} authenticates by {mode}", "{device} は {mode} で認証します";
        cure "Leave the string out, or set the mode to authentication-string",
            "文字列を省略するか、モードを authentication-string にしてください";

    /// A null string protects nothing.
    Notice NULL_STRING_IS_NO_SECURITY
        "By Null String is no security: use it in a closed network only.",
        "Null ストリングにはセキュリティがありません。閉じたネットワークでのみ使用してください。";
        because "Anybody who reaches CAPF gets a certificate in the name of {device}",
            "CAPF に到達できる者は誰でも {device} の名義の証明書を取得できます";
        cure "Use an authentication string or an existing certificate", "認証文字列または既存の証明書を使用してください";

    /// Large keys are slow.
    Notice LARGE_KEY_IS_SLOW
        "With a key of 2048 bits the phone takes more than 60 seconds to start and to fail over.",
        "2048 ビットの鍵では、電話機の起動とフェールオーバーに 60 秒以上かかります。";
        because "Its processor is slow at large numbers", "電話機のプロセッサは大きな数の計算が遅いためです";
        cure "Use 1024 bits where that is too long", "それでは長すぎる場合は 1024 ビットを使用してください";

    /// A secure phone does not register before CAPF is done, and takes no string until then.
    Notice STRING_ON_A_SECURE_PHONE
        "A secure phone without a valid certificate takes no Authentication String.",
        "有効な証明書のないセキュアな電話機では、認証文字列を使用できません。";
        because "{device} does not register until CAPF is done, and asks nobody for a string",
            "{device} は CAPF が完了するまで登録せず、文字列の入力も求めません";
        cure "Use another authentication mode, or set its device security mode to non-secure first",
            "別の認証モードを使用するか、先にデバイスセキュリティモードを非セキュアにしてください";

    /// Somebody else has to revoke.
    Notice REVOKE_AT_THE_AUTHORITY
        "Revoke the certificate at the certification authority, too.",
        "認証局でも証明書を失効させてください。";
        because "A third party issued it and does not learn that it is deleted",
            "第三者が発行した証明書であり、削除は認証局に伝わりません";
        cure "Revoke it there when the phone has deleted it", "電話機で削除された後に、認証局で失効させてください";

    /// CAPF cannot work.
    Error NO_OWN_CERTIFICATE
        "CAPF has no certificate to work with.", "CAPF が使用する証明書がありません。";
        because "Its key and certificate cannot be kept: {detail}", "鍵と証明書を保存できません: {detail}";
        cure "Make the directories of keys and certificates writable for the service, then restart CAPF",
            "鍵と証明書のディレクトリにサービスが書き込めるようにしてから、CAPF を再起動してください";

    /// What is to be trusted is no authority's certificate.
    Error NOT_AN_ISSUER
        "This is not the certificate of an issuer.", "これは発行者の証明書ではありません。";
        because "{detail}", "{detail}";
        cure "Give the certificate of a certification authority, in DER or PEM",
            "認証局の証明書を DER または PEM で指定してください";

    /// A file of CAPF 1.0 that cannot be read.
    Error IMPORT_LINE
        "A line of the data of CAPF 1.0 cannot be read.", "CAPF 1.0 のデータに読み取れない行があります。";
        because "{file}, line {line}: {detail}", "{file} の {line} 行目: {detail}";
        cure "Correct or remove the line, and run the import again: what was taken over stays",
            "行を修正または削除して、もう一度インポートしてください。取り込み済みのデータは保持されます";
}
