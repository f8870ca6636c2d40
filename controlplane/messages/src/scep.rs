//! A certificate authority elsewhere, reached by SCEP.

crate::messages! {
    /// Not a host name or address.
    Error SCEP_INVALID_ADDRESS
        "The address of the certificate authority is invalid", "認証局のアドレスが無効です";
        because "{address} is neither a host name nor an IP address", "{address} はホスト名でも IP アドレスでもありません";
        cure "Enter the host name or IP address of the SCEP server, without http:// and without a path",
            "SCEP サーバのホスト名または IP アドレスを、http:// やパスを付けずに入力してください";

    /// Port 0.
    Error SCEP_INVALID_PORT
        "The SCEP port number is invalid", "SCEP のポート番号が無効です";
        because "{port} is not a port from 1 to 65535", "{port} は 1 から 65535 までのポート番号ではありません";
        cure "Enter the port of the SCEP server: 80 with Microsoft Certificate Services, 446 with Keon",
            "SCEP サーバのポートを入力してください。Microsoft Certificate Services は 80、Keon は 446 です";

    /// Not a path.
    Error SCEP_INVALID_PATH
        "The path of the SCEP server is invalid", "SCEP サーバのパスが無効です";
        because "{path} does not begin with / or holds characters that no path has",
            "{path} が / で始まっていないか、パスに使用できない文字を含んでいます";
        cure "Enter the path as the certificate authority documents it, such as /cgi-bin/pkiclient.exe",
            "認証局の文書にあるパス (/cgi-bin/pkiclient.exe など) を入力してください";

    /// Not a jurisdiction id.
    Error SCEP_INVALID_JURISDICTION
        "The Keon Jurisdiction ID is invalid", "Keon Jurisdiction ID が無効です";
        because "{id} is not 32 to 64 hexadecimal digits", "{id} は 32 から 64 桁の 16 進数ではありません";
        cure "Copy the jurisdiction id from the administration pages of the certificate authority",
            "認証局の管理ページに表示される Jurisdiction ID をコピーしてください";

    /// The proxy's certificate cannot be used for SCEP.
    Error SCEP_PROXY_KEY
        "The key for SCEP messages cannot be used", "SCEP メッセージ用の鍵を使用できません";
        because "It is {kind}, and SCEP needs RSA", "鍵の種類は {kind} ですが、SCEP には RSA が必要です";
        cure "Remove the files scep.cer and scep.key and restart the CAPF service, which makes new ones",
            "scep.cer と scep.key を削除して CAPF サービスを再起動すると、新しく作成されます";

    /// No connection, or it broke.
    Error SCEP_UNREACHABLE
        "The certificate authority is not reachable", "認証局に到達できません";
        because "{server} does not answer: {detail}", "{server} が応答しません: {detail}";
        cure "Check address and port of the certificate authority, its web server and the firewalls between",
            "認証局のアドレスとポート、その Web サーバ、経路上のファイアウォールを確認してください";

    /// HTTP 401 or 403.
    Error SCEP_FORBIDDEN
        "The certificate authority does not permit SCEP", "認証局が SCEP を許可していません";
        because "{server} answered with HTTP status {status}", "{server} が HTTP ステータス {status} で応答しました";
        cure "Check the path, and that the web server lets anonymous users run the SCEP application",
            "パスと、Web サーバが匿名ユーザによる SCEP アプリケーションの実行を許可しているかを確認してください";

    /// HTTP 404.
    Error SCEP_NOT_FOUND
        "There is no SCEP server at this path", "このパスに SCEP サーバがありません";
        because "{server} answered with HTTP status 404", "{server} が HTTP ステータス 404 で応答しました";
        cure "Check the path, or the Keon Jurisdiction ID", "パスまたは Keon Jurisdiction ID を確認してください";

    /// The request does not fit into a URL there.
    Error SCEP_REQUEST_TOO_LONG
        "The request is longer than the web server of the certificate authority allows",
            "要求が認証局の Web サーバの上限を超えています";
        because "{server} answered with HTTP status {status} to a URL of {length} characters",
            "{server} が {length} 文字の URL に HTTP ステータス {status} で応答しました";
        cure "Raise its limits (maxQueryString, MaxFieldLength, MaxRequestBytes to 65534) or install the update that lets it take POST",
            "上限 (maxQueryString、MaxFieldLength、MaxRequestBytes) を 65534 に引き上げるか、POST に対応する更新を適用してください";

    /// Another HTTP status.
    Error SCEP_STATUS
        "The web server of the certificate authority failed", "認証局の Web サーバでエラーが発生しました";
        because "{server} answered with HTTP status {status}", "{server} が HTTP ステータス {status} で応答しました";
        cure "Look into the log of the web server", "Web サーバのログを確認してください";

    /// More than is taken.
    Error SCEP_ANSWER_TOO_LARGE
        "The answer of the certificate authority is too large", "認証局の応答が大きすぎます";
        because "{server} sent more than {limit} bytes", "{server} が {limit} バイトを超える応答を送信しました";
        cure "Check that address and path lead to the SCEP server", "アドレスとパスが SCEP サーバを指しているか確認してください";

    /// A page for people.
    Error SCEP_NOT_SCEP
        "This is no SCEP answer", "SCEP の応答ではありません";
        because "{server} sent a page that begins: {start}", "{server} が次の内容で始まるページを送信しました: {start}";
        cure "Check the path. If the certificate authority logs that it cannot decrypt (0x80090005), its registration certificates were renewed: they are fetched anew with the next attempt",
            "パスを確認してください。認証局のログに復号できない (0x80090005) とある場合は登録用の証明書が更新されています。次の試行で再取得されます";

    /// GetCACert failed.
    Error SCEP_NO_CA_CERTIFICATE
        "Could not get the certificate of the certificate authority", "認証局の証明書を取得できませんでした";
        because "{detail}", "取得エラー: {detail}";
        cure "Check path and CA identifier; a certificate signed with MD5 has to be renewed by the certificate authority",
            "パスと CA 識別子を確認してください。MD5 で署名された証明書は認証局で更新する必要があります";

    /// Nobody said yet which authority is the right one.
    Error SCEP_CA_NOT_CONFIRMED
        "The certificate authority is not confirmed yet", "認証局がまだ確認されていません";
        because "Its certificate {subject} has the fingerprint {fingerprint}; nobody has confirmed it",
            "証明書 {subject} の拇印は {fingerprint} ですが、まだ確認されていません";
        cure "Compare the fingerprint with the one the certificate authority shows, and confirm it",
            "認証局に表示される拇印と比較し、確認してください";

    /// Another authority than the confirmed one.
    Error SCEP_CA_CHANGED
        "The certificate authority has another certificate", "認証局の証明書が変更されています";
        because "Its certificate has the fingerprint {found}; confirmed was {expected}",
            "証明書の拇印は {found} ですが、確認済みの拇印は {expected} です";
        cure "Find out whether the certificate was replaced; if it was, confirm the new fingerprint, if not, somebody is in between",
            "証明書が交換されたか確認してください。交換された場合は新しい拇印を確認し、そうでない場合は第三者の介在を疑ってください";

    /// What is offered is too weak.
    Error SCEP_OFFER_TOO_WEAK
        "The certificate authority offers weaker algorithms than allowed", "認証局が提示するアルゴリズムは許可された強度を満たしません";
        because "The best it offers is {offered}; allowed is {floor} or better",
            "提示された最良の組み合わせは {offered} ですが、{floor} 以上が必要です";
        cure "Update the certificate authority. If it can do no better, lower the algorithm floor; if it could before, somebody in between changes its answers",
            "認証局を更新してください。対応できない場合は下限を下げてください。以前は対応していた場合は第三者による改変を疑ってください";

    /// An answer in a weak algorithm.
    Error SCEP_ANSWER_TOO_WEAK
        "The certificate authority answered with a weaker algorithm than allowed", "認証局の応答のアルゴリズムは許可された強度を満たしません";
        because "The answer uses {algorithm}; allowed is {floor} or better",
            "応答は {algorithm} を使用していますが、{floor} 以上が必要です";
        cure "Set the certificate authority to a stronger algorithm, or lower the algorithm floor",
            "認証局でより強いアルゴリズムを設定するか、下限を下げてください";

    /// An answer in an algorithm that is not known.
    Error SCEP_ALGORITHM
        "The certificate authority answered with an unknown algorithm", "認証局の応答のアルゴリズムが不明です";
        because "The answer uses {algorithm}", "応答は {algorithm} を使用しています";
        cure "Set the certificate authority to SHA-256 and AES-128", "認証局で SHA-256 と AES-128 を設定してください";

    /// Not a CertRep.
    Error SCEP_ANSWER_MALFORMED
        "The answer of the certificate authority cannot be read", "認証局の応答を解読できません";
        because "{detail}", "応答の不備: {detail}";
        cure "Look into the log of the certificate authority, then repeat", "認証局のログを確認し、やり直してください";

    /// Nobody we know signed it.
    Error SCEP_SIGNER
        "The answer was not signed by the certificate authority", "応答は認証局によって署名されていません";
        because "Neither the certificate authority nor one of its registration authorities signed it",
            "認証局とその登録局のいずれも署名していません";
        cure "If the registration certificates were renewed they are fetched anew; otherwise somebody in between answers",
            "登録局の証明書が更新された場合は再取得されます。それ以外の場合は第三者が応答しています";

    /// Signature or digest wrong.
    Error SCEP_SIGNATURE
        "The signature of the answer is wrong", "応答の署名が正しくありません";
        because "{detail}", "検証エラー: {detail}";
        cure "The answer was changed on the way and is discarded; find out by whom",
            "応答は途中で改変されたため破棄されました。原因を調査してください";

    /// Nonce or transaction wrong.
    Error SCEP_REPLAY
        "The answer belongs to another request", "応答は別の要求に対するものです";
        because "Its {field} is not the one of the request: it may be a replay", "{field} が要求と一致しません。再送攻撃の可能性があります";
        cure "The answer was discarded; if that repeats, look into the log of the certificate authority",
            "応答は破棄されました。繰り返し発生する場合は認証局のログを確認してください";

    /// The envelope stays closed.
    Error SCEP_CANNOT_DECRYPT
        "The answer of the certificate authority cannot be decrypted", "認証局の応答を復号できません";
        because "It is not encrypted to the key of the CAPF service", "応答が CAPF サービスの鍵で暗号化されていません";
        cure "Look into the log of the certificate authority, then repeat", "認証局のログを確認し、やり直してください";

    /// failInfo 0
    Error SCEP_BAD_ALG
        "The certificate authority does not support the algorithm (badAlg)", "認証局がアルゴリズムに対応していません (badAlg)";
        because "It does not know the algorithms of the request, {profile}, or of the phone's key. It says: {text}",
            "要求のアルゴリズム {profile} または電話機の鍵のアルゴリズムに対応していません。認証局の説明: {text}";
        cure "Check the key size of the operation and what the certificate authority is set to accept",
            "操作の鍵サイズと、認証局が受け入れる設定を確認してください";

    /// failInfo 1
    Error SCEP_BAD_MESSAGE_CHECK
        "The certificate authority could not check the request (badMessageCheck)", "認証局が要求を検証できませんでした (badMessageCheck)";
        because "An integrity check failed: the challenge password is wrong or used up, the registration certificates were renewed, or proof of possession of the phone's key is demanded. It says: {text}",
            "整合性検査に失敗しました。チャレンジ パスワードの誤りまたは使用済み、登録局の証明書の更新、電話機の鍵の所有証明の要求が考えられます。認証局の説明: {text}";
        cure "Enter a new challenge password. An authority that demands proof of possession cannot issue for phones: give CAPF a certificate of a subordinate authority instead",
            "新しいチャレンジ パスワードを入力してください。所有証明を要求する認証局は電話機の証明書を発行できません。その場合は CAPF に下位認証局の証明書を与えてください";

    /// failInfo 2
    Error SCEP_BAD_REQUEST
        "The certificate authority does not permit the request (badRequest)", "認証局が要求を許可していません (badRequest)";
        because "Its policy refuses it. It says: {text}", "認証局のポリシーにより拒否されました。認証局の説明: {text}";
        cure "Look into the log of the certificate authority: the policy must let CAPF request certificates for phones",
            "認証局のログを確認してください。CAPF が電話機の証明書を要求できるポリシーが必要です";

    /// failInfo 3
    Error SCEP_BAD_TIME
        "The clocks differ (badTime)", "時刻がずれています (badTime)";
        because "The certificate authority finds the time of the request too far from its own. It says: {text}",
            "要求の時刻が認証局の時刻から離れすぎています。認証局の説明: {text}";
        cure "Set the clocks of this server and of the certificate authority by NTP",
            "このサーバと認証局の時刻を NTP で合わせてください";

    /// failInfo 4
    Error SCEP_BAD_CERT_ID
        "The certificate authority knows no such request (badCertId)", "認証局に該当する要求がありません (badCertId)";
        because "It has no request with this transaction id any more. It says: {text}",
            "このトランザクション ID の要求は認証局に残っていません。認証局の説明: {text}";
        cure "Start the operation again", "操作をもう一度開始してください";

    /// Another failInfo, or none.
    Error SCEP_UNSPECIFIED
        "The certificate authority refused without a known reason", "認証局が理由を示さずに拒否しました";
        because "Its failInfo is {code}. It says: {text}", "failInfo は {code} です。認証局の説明: {text}";
        cure "Look into the log of the certificate authority", "認証局のログを確認してください";

    /// No certificate for the phone's key.
    Error SCEP_OTHER_KEY
        "The certificate authority returned a certificate for another key", "認証局が別の鍵の証明書を返しました";
        because "None of the {count} certificates in the answer is for the key of the request",
            "応答に含まれる {count} 個の証明書はいずれも要求の鍵のものではありません";
        cure "The answer was discarded; look into the log of the certificate authority",
            "応答は破棄されました。認証局のログを確認してください";

    /// Another common name.
    Error SCEP_OTHER_NAME
        "The certificate authority returned a certificate with another name", "認証局が別の名前の証明書を返しました";
        because "The certificate is for {found}; requested was {expected}", "証明書は {found} のものですが、要求は {expected} です";
        cure "Set the certificate authority to take the common name from the request",
            "認証局が要求のコモン ネームを採用するように設定してください";

    /// Not under the confirmed authority.
    Error SCEP_OTHER_ISSUER
        "The certificate was not issued by the confirmed certificate authority", "証明書は確認済みの認証局が発行したものではありません";
        because "Its issuer is {issuer}, and no path leads from there to the confirmed certificate",
            "発行者は {issuer} で、確認済みの証明書までの経路がありません";
        cure "If the certificate authority was replaced, confirm its new certificate",
            "認証局が交換された場合は、新しい証明書を確認してください";

    /// Not valid now.
    Error SCEP_NOT_VALID_NOW
        "The issued certificate is not valid now", "発行された証明書は現在有効ではありません";
        because "It is valid from {from} to {until}", "有効期間は {from} から {until} までです";
        cure "Set the clocks of this server and of the certificate authority by NTP, and check the validity that its template gives",
            "このサーバと認証局の時刻を NTP で合わせ、テンプレートの有効期間を確認してください";

    /// Useless for TLS, or no authority though one was asked for.
    Error SCEP_NOT_USABLE
        "The issued certificate cannot be used", "発行された証明書は使用できません";
        because "It is for: {issued}. Needed is: {needed}", "証明書の用途は {issued} ですが、{needed} が必要です";
        cure "Give the certificate authority a template with the needed key usages, or use a stand-alone authority",
            "必要な鍵用途を持つテンプレートを認証局に設定するか、スタンドアロンの認証局を使用してください";

    /// More than a phone takes.
    Error SCEP_CERTIFICATE_TOO_LARGE
        "The issued certificate is too large for a phone", "発行された証明書は電話機には大きすぎます";
        because "It has {bytes} bytes; phones take less than {limit}", "証明書は {bytes} バイトありますが、電話機の上限は {limit} バイトです";
        cure "Set the certificate authority to leave out extensions that phones do not need",
            "電話機に不要な拡張を省くように認証局を設定してください";

    /// Servers would refuse the phone.
    Error SCEP_ISSUER_NOT_TRUSTED
        "The issuing certificate authority is not trusted by this cluster", "発行した認証局はこのクラスタで信頼されていません";
        because "Servers that do not trust {issuer} would refuse the phone with its new certificate, so it was not sent",
            "{issuer} を信頼しないサーバは新しい証明書を持つ電話機を拒否するため、証明書は送信されませんでした";
        cure "Trust the certificate authority with `ringfence capf trust lsc FILE`, then repeat the operation",
            "`ringfence capf trust lsc FILE` で認証局を信頼し、操作をやり直してください";

    /// Nobody approved it in time.
    Error SCEP_WAITS_FOR_APPROVAL
        "The request waits for approval at the certificate authority", "要求は認証局での承認を待っています";
        because "It was not approved within {minutes} minutes, and the phone does not wait longer",
            "{minutes} 分以内に承認されず、電話機はこれ以上待機できません";
        cure "Set the certificate authority to issue automatically for CAPF, then repeat the operation",
            "CAPF の要求を自動的に承認するように認証局を設定し、操作をやり直してください";

    /// Whoever wanted it does not want it any more.
    Error SCEP_ABANDONED
        "The request for a certificate was given up", "証明書の要求は中止されました";
        because "The phone or the service ended before the certificate authority had answered",
            "認証局が応答する前に電話機またはサービスが終了しました";
        cure "Start the operation again", "操作をもう一度開始してください";

    /// A stored request does not fit any more.
    Error SCEP_CANNOT_RESUME
        "The stored request cannot be continued", "保存された要求を再開できません";
        because "It was made with another certificate authority or another key of the CAPF service",
            "要求は別の認証局または CAPF サービスの別の鍵で作成されました";
        cure "Start the operation again", "操作をもう一度開始してください";

    /// The authority's policy prevailed.
    Notice SCEP_ISSUED_DIFFERENTLY
        "The certificate authority issued {field} {issued} where {asked} was requested",
            "認証局は {field} を、要求された {asked} ではなく {issued} として発行しました";
        because "Its policy overrides what CAPF requests", "認証局のポリシーが CAPF の要求より優先されました";
        cure "Change the policy or template of the certificate authority if that is not wanted",
            "意図しない場合は、認証局のポリシーまたはテンプレートを変更してください";
}
