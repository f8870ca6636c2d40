//! Of `ringfence ipsec`.

use lang::Text;

pub(super) const TEXTS: &[Text] = &[
    Text::new("IPsec, which protects MGCP on its way", "MGCP の経路を保護する IPsec"),
    Text::new(
        "Show the paths to call agents, whether they are covered, associations, policies and counters",
        "コール エージェントへの経路が保護されているか、アソシエーション、ポリシー、カウンタを表示します",
    ),
    Text::new(
        "Print the configuration of one end's IKE daemon, swanctl.conf of strongSwan",
        "一方の端点の IKE デーモンの設定 (strongSwan の swanctl.conf) を出力します",
    ),
    Text::new(
        "Make a key and a certificate for one end's IKE daemon, signed by an authority of your own",
        "一方の端点の IKE デーモンの鍵と証明書を作成します。署名は独自の認証局が行います",
    ),
    Text::new(
        "Name of the connection, the same at both ends",
        "接続の名前。両端で同じ名前にします",
    ),
    Text::new("Which end's configuration", "どちらの端点の設定か"),
    Text::new(
        "Identity of the call agent's end, the name in its certificate",
        "コール エージェント側の識別子。証明書に記された名前",
    ),
    Text::new("The call agent's address, as MGCP has it", "MGCP でのコール エージェントのアドレス"),
    Text::new(
        "The address its IKE daemon has; with another than MGCP has there is a tunnel in UDP, else transport mode [default: the same]",
        "IKE デーモンのアドレス。MGCP のアドレスと異なる場合は UDP 内のトンネル、同じ場合はトランスポート モードになります [既定値: 同じ]",
    ),
    Text::new(
        "Identity of the gateway's end, the name in its certificate",
        "ゲートウェイ側の識別子。証明書に記された名前",
    ),
    Text::new("The gateway's address, as MGCP has it", "MGCP でのゲートウェイのアドレス"),
    Text::new(
        "The address its IKE daemon has [default: the same]",
        "IKE デーモンのアドレス [既定値: 同じ]",
    ),
    Text::new(
        "Identity of the end: the name in its certificate",
        "端点の識別子。証明書に記される名前",
    ),
    Text::new(
        "An address of that end; may be given several times",
        "端点のアドレス。複数回指定できます",
    ),
    Text::new(
        "Directory of the end's files, as swanctl reads them: x509, x509ca and private below it",
        "swanctl が読み込む、端点のファイルのディレクトリ。x509、x509ca、private を含みます",
    ),
    Text::new(
        "Directory of the authority, which is made there with the first certificate [default: ringfence/ike in XDG_STATE_HOME or ~/.local/state]",
        "認証局のディレクトリ。認証局は最初の証明書とともに作成されます [既定値: XDG_STATE_HOME または ~/.local/state の ringfence/ike]",
    ),
];
