//! Certificates and private keys.

crate::messages! {
    /// A list of certificates without a usable one.
    Error NO_VALID_SERVER_CERTIFICATE
        "No Valid Server Certificate found", "有効なサーバ証明書が見つかりません";
        because "None of the certificates of {server} passes the checks",
            "{server} の証明書はいずれも検査に合格しません";
        cure "Look at the reasons listed with it and put the certificate in order",
            "表示された理由を確認し、証明書を修正してください";

    /// The certificate file is missing.
    Error NO_SERVER_CERTIFICATE_FILE
        "No Server Certificate File found", "サーバ証明書ファイルが見つかりません";
        because "The file {file} does not exist", "ファイル {file} が存在しません";
        cure "Start the node's service once: it makes its certificate; or restore it from a backup",
            "ノードのサービスを一度起動すると証明書が作成されます。またはバックアップから復元してください";

    /// Not a certificate at all.
    Error SERVER_CERTIFICATE_INVALID
        "Server Certificate is Invalid", "サーバ証明書が無効です";
        because "It is not a DER X.509 certificate: {detail}", "DER 形式の X.509 証明書ではありません: {detail}";
        cure "Restore the certificate from a backup or have it made anew",
            "証明書をバックアップから復元するか、再作成してください";

    /// Not yet valid, or dates that make no sense.
    Error CERTIFICATE_DATE_INVALID
        "Certificate Date Invalid", "証明書の日付が無効です";
        because "The certificate is valid from {from} to {until}: that has not begun yet, or ends before it begins",
            "証明書の有効期間は {from} から {until} までで、まだ有効でないか、日付の順序が正しくありません";
        cure "Check the clock of the node and of this machine", "ノードとこのマシンの時刻を確認してください";

    /// Its time is over.
    Error CERTIFICATE_EXPIRED
        "Certificate expired", "証明書の有効期限が切れています";
        because "The certificate was valid until {until}", "証明書の有効期限は {until} まででした";
        cure "Have a new certificate made and run a CTL update",
            "新しい証明書を作成し、CTL を更新してください";

    /// Phones of the CTL era need RSA.
    Error NOT_RSA
        "Certificate is not of type RSA", "証明書の種類が RSA ではありません";
        because "The key of the certificate is {kind}", "証明書の鍵は {kind} です";
        cure "Use an RSA certificate for entries that phones check",
            "電話機が検査する項目には RSA 証明書を使用してください";

    /// No issuer.
    Error NO_ISSUER_NAME
        "No Issuer Name", "発行者名がありません";
        because "The issuer of the certificate is empty", "証明書の発行者名が空です";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Broken issuer.
    Error INVALID_ISSUER_NAME
        "Invalid Issuer Name", "発行者名が無効です";
        because "The issuer of the certificate cannot be decoded", "証明書の発行者名を復号できません";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Issuer of more than 256 characters.
    Error ISSUER_NAME_TOO_LONG
        "Issuer Name is too long", "発行者名が長すぎます";
        because "The issuer of the certificate has more than 256 characters",
            "証明書の発行者名が 256 文字を超えています";
        cure "Have the certificate made with a shorter name", "短い名前で証明書を再作成してください";

    /// No subject.
    Error NO_SUBJECT_NAME
        "No Subject Name", "サブジェクト名がありません";
        because "The subject of the certificate is empty", "証明書のサブジェクト名が空です";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Broken subject.
    Error INVALID_SUBJECT_NAME
        "Invalid Subject Name", "サブジェクト名が無効です";
        because "The subject of the certificate cannot be decoded", "証明書のサブジェクト名を復号できません";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Subject of more than 256 characters.
    Error SUBJECT_NAME_TOO_LONG
        "Subject Name is too long", "サブジェクト名が長すぎます";
        because "The subject of the certificate has more than 256 characters",
            "証明書のサブジェクト名が 256 文字を超えています";
        cure "Have the certificate made with a shorter name", "短い名前で証明書を再作成してください";

    /// No public key.
    Error NO_PUBLIC_KEY
        "No Public Key", "公開鍵がありません";
        because "The public key of the certificate is empty", "証明書の公開鍵が空です";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Broken public key.
    Error INVALID_PUBLIC_KEY
        "Invalid Public Key", "公開鍵が無効です";
        because "The public key of the certificate is none that can be used",
            "証明書の公開鍵は使用できない形式です";
        cure "Have the certificate made with an RSA key of 1024 to 4096 bits or a P-256, P-384 or P-521 key",
            "1024 から 4096 ビットの RSA 鍵、または P-256、P-384、P-521 の鍵で証明書を再作成してください";

    /// Public key of more than 512 bytes.
    Error PUBLIC_KEY_TOO_LONG
        "Public Key is too long", "公開鍵が長すぎます";
        because "The public key of the certificate has more than 512 bytes",
            "証明書の公開鍵が 512 バイトを超えています";
        cure "Have the certificate made with a smaller key: RSA 2048 suits every phone", "より小さい鍵 (RSA 2048 はすべての電話機で使用可能) で証明書を再作成してください";

    /// No signature.
    Error NO_SIGNATURE
        "No Signature", "署名がありません";
        because "The signature of the certificate is empty", "証明書の署名が空です";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Broken signature.
    Error INVALID_SIGNATURE
        "Invalid Signature", "署名が無効です";
        because "The signature of the certificate does not verify or cannot be decoded",
            "証明書の署名を検証または復号できません";
        cure "The certificate was changed or damaged: restore it from a backup",
            "証明書が改変または破損しています。バックアップから復元してください";

    /// Signature of more than 1024 bytes.
    Error SIGNATURE_TOO_LONG
        "Signature is too long", "署名が長すぎます";
        because "The signature of the certificate has more than 1024 bytes",
            "証明書の署名が 1024 バイトを超えています";
        cure "Have the certificate signed with a smaller key", "より小さい鍵で証明書に署名してください";

    /// No serial number.
    Error NO_SERIAL_NUMBER
        "No Serial Number", "シリアル番号がありません";
        because "The serial number of the certificate is empty", "証明書のシリアル番号が空です";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Broken serial number.
    Error INVALID_SERIAL_NUMBER
        "Invalid Serial Number", "シリアル番号が無効です";
        because "The serial number of the certificate is negative or cannot be decoded",
            "証明書のシリアル番号が負の値か、復号できません";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Serial number of more than 256 bytes.
    Error SERIAL_NUMBER_TOO_LONG
        "Serial Number is too long", "シリアル番号が長すぎます";
        because "The serial number of the certificate has more than 256 bytes",
            "証明書のシリアル番号が 256 バイトを超えています";
        cure "Have the certificate made anew", "証明書を再作成してください";

    /// Not the certificate that was expected.
    Error INVALID_THUMBPRINT
        "Invalid Thumbprint", "拇印が無効です";
        because "The certificate has the thumbprint {found}, expected was {expected}",
            "証明書の拇印は {found} ですが、期待される値は {expected} です";
        cure "Find out whether the server was replaced; if it was, run a CTL update, if not, somebody is in between",
            "サーバが交換されたか確認してください。交換された場合は CTL を更新し、そうでない場合は第三者の介在を疑ってください";

    /// A signature algorithm nobody here verifies.
    Error INVALID_SIGNATURE_ALGORITHM
        "Invalid Signature Algorithm", "署名アルゴリズムが無効です";
        because "The certificate is signed with {algorithm}", "証明書は {algorithm} で署名されています";
        cure "Have the certificate signed with RSA or ECDSA and SHA-1, SHA-256, SHA-384 or SHA-512",
            "RSA または ECDSA と SHA-1、SHA-256、SHA-384、SHA-512 の組み合わせで署名してください";

    /// The key file is missing.
    Error NO_PRIVATE_KEY_FILE
        "No Private Key File", "秘密鍵ファイルがありません";
        because "The file {file} does not exist", "ファイル {file} が存在しません";
        cure "Restore it from a backup; without it the node needs a new certificate and a CTL update",
            "バックアップから復元してください。復元できない場合、ノードの新しい証明書と CTL の更新が必要です";

    /// The key file holds no key, or the key of another certificate.
    Error PRIVATE_KEY_NOT_VALID
        "Private Key File is not valid", "秘密鍵ファイルが有効ではありません";
        because "{file}: {detail}", "ファイル {file}: {detail}";
        cure "Restore it from a backup; without it the node needs a new certificate and a CTL update",
            "バックアップから復元してください。復元できない場合、ノードの新しい証明書と CTL の更新が必要です";

    /// The key file is encrypted in a way that is not read.
    Error INVALID_PRIVATE_KEY_CIPHER
        "Invalid Cipher for Private key", "秘密鍵の暗号が無効です";
        because "{file} is encrypted, and a node starts without a person to ask",
            "{file} は暗号化されていますが、ノードは無人で起動します";
        cure "Store the key unencrypted, readable by its owner only",
            "鍵を暗号化せず、所有者だけが読める状態で保存してください";
}
