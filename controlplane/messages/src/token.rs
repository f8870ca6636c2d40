//! Security tokens.

crate::messages! {
    /// Asked when a token is needed and none is there.
    Prompt INSERT_TOKEN
        "Please insert a Security Token", "セキュリティ トークンを挿入してください";
        because "The operation is signed by a security token and none is present",
            "操作にはセキュリティ トークンの署名が必要ですが、トークンがありません";
        cure "Insert the token, or name it with --token",
            "トークンを挿入するか、--token で指定してください";

    /// Asked when one more token is needed.
    Prompt INSERT_ANOTHER_TOKEN
        "Please insert another Security Token", "別のセキュリティ トークンを挿入してください";
        because "A CTL file needs at least two security tokens", "CTL ファイルには 2 つ以上のセキュリティ トークンが必要です";
        cure "Remove the token and insert the next one", "トークンを取り外し、次のトークンを挿入してください";

    /// More than one token at a time.
    Error SEVERAL_TOKENS
        "More than one Security Token is present", "複数のセキュリティ トークンが存在します";
        because "{count} tokens match; which one is meant is not clear",
            "{count} 個のトークンが該当し、どれを使うのか特定できません";
        cure "Leave one token in and remove the others, or name one by serial number",
            "1 つだけ残して他を取り外すか、シリアル番号で指定してください";

    /// The store (PKCS#11 module, token file) cannot be opened.
    Error TOKEN_STORE
        "Error Opening Security Token Store", "セキュリティ トークン ストアを開けません";
        because "{store} cannot be used: {detail}", "{store} を使用できません: {detail}";
        cure "Check the PKCS#11 module path or the token file and its permissions",
            "PKCS#11 モジュールのパス、またはトークン ファイルとそのアクセス権を確認してください";

    /// A key without a certificate.
    Error NO_CERTIFICATE_IN_TOKEN
        "No Certificate in Security Token", "セキュリティ トークンに証明書がありません";
        because "The token {token} has no certificate that belongs to its key",
            "トークン {token} には鍵に対応する証明書がありません";
        cure "Use a token that was initialised with `ringfence token init`, or one from the manufacturer",
            "`ringfence token init` で初期化したトークン、または製造元のトークンを使用してください";

    /// The certificate of a token comes from nobody the cluster trusts.
    Error TOKEN_NOT_TRUSTED
        "The Security Token was not issued by an authority this cluster trusts", "セキュリティ トークンはこのクラスタが信頼する機関から発行されていません";
        because "{issuer} is not among the trusted token authorities",
            "{issuer} は信頼されたトークン発行機関に含まれていません";
        cure "Use another token, or add the certificate of its manufacturer to the trusted authorities",
            "別のトークンを使用するか、製造元の証明書を信頼する機関に追加してください";

    /// The wrong password; some tries are left.
    Error WRONG_TOKEN_PASSWORD
        "Invalid Password for the Security Token", "セキュリティ トークンのパスワードが無効です";
        because "{left} more wrong passwords in a row lock the token for good",
            "さらに {left} 回続けて間違えるとトークンは永久にロックされます";
        cure "Enter the password again; upper and lower case matter",
            "パスワードを入力し直してください。大文字と小文字は区別されます";

    /// Locked for good.
    Error TOKEN_LOCKED
        "The Security Token is locked", "セキュリティ トークンはロックされています";
        because "Its password was entered wrongly 16 times in a row",
            "パスワードが 16 回続けて間違って入力されました";
        cure "This token cannot be unlocked: add a new one with a remaining token and delete this one from the CTL file",
            "ロックは解除できません。残りのトークンで新しいトークンを追加し、このトークンを CTL ファイルから削除してください";

    /// The password must be changed first.
    Error TOKEN_PASSWORD_CHANGE
        "The password of the Security Token must be changed", "セキュリティ トークンのパスワードを変更する必要があります";
        because "The token still has its default password, and the policy asks for another",
            "トークンは既定のパスワードのままで、ポリシーで変更が求められています";
        cure "Change it with `ringfence token passwd`", "`ringfence token passwd` で変更してください";

    /// A signature could not be made.
    Error COULD_NOT_SIGN
        "Could not Sign Message", "メッセージに署名できませんでした";
        because "The token or key refused to sign: {detail}", "トークンまたは鍵が署名を拒否しました: {detail}";
        cure "Leave the token in until the operation has ended, and try again",
            "操作が終わるまでトークンを挿入したままにして、もう一度実行してください";

    /// What was just signed does not verify.
    Error COULD_NOT_VERIFY
        "Could not verify Message", "メッセージを検証できませんでした";
        because "The signature does not verify under the certificate of the token",
            "署名をトークンの証明書で検証できません";
        cure "The key and the certificate of the token do not belong together: use another token",
            "トークンの鍵と証明書が一致していません。別のトークンを使用してください";

    /// The list was not signed.
    Error COULD_NOT_SIGN_FILE
        "Could not sign CTL File", "CTL ファイルに署名できませんでした";
        because "{detail}", "署名の失敗: {detail}";
        cure "Nothing was changed. Present the token again and repeat",
            "変更は行われていません。トークンを再度挿入してやり直してください";

    /// A token added by an update signs the next one, not this one.
    Error NEW_TOKEN_CANNOT_SIGN
        "The Security Tokens inserted during this update cannot be used to sign", "今回の更新で挿入したセキュリティ トークンは署名に使用できません";
        because "Phones accept a new CTL file only if a token of the file they hold signed it",
            "電話機は、保持しているファイルに含まれるトークンで署名された CTL ファイルだけを受け入れます";
        cure "Insert a token that was in the CTL file before this update",
            "更新前から CTL ファイルに含まれるトークンを挿入してください";

    /// The token is in the list already.
    Error TOKEN_ALREADY_IN_FILE
        "The Security Token you have inserted already exists in the CTL File", "挿入したセキュリティ トークンはすでに CTL ファイルに存在します";
        because "An entry with the serial number {serial} of the same issuer is in the list",
            "同じ発行者のシリアル番号 {serial} の項目がリストにあります";
        cure "Insert another token", "別のトークンを挿入してください";

    /// The token is not in the list and cannot sign it.
    Error TOKEN_CANNOT_SIGN
        "The Security Token cannot be used to sign the CTL File. The token must already exist in the CTL file",
            "このセキュリティ トークンは CTL ファイルの署名に使用できません。トークンが CTL ファイルに存在している必要があります";
        because "The token with serial number {serial} is not in the present CTL file",
            "シリアル番号 {serial} のトークンは現在の CTL ファイルにありません";
        cure "Insert a token that `ringfence ctl status` lists",
            "`ringfence ctl status` に表示されるトークンを挿入してください";
}
