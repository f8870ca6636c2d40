//! The checks: each looks at facts and says what it found.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use console::{AuditCheck, Severity};
use lang::{Language, Say, Text};
use pki::certificate::SignatureAlgorithm;
use pki::{Certificate, Hash};
use store::{
    Capability, CapfAuthMode, CapfOperation, Device, EffectiveMode, KeySize, SecurityMode, Support,
};

use super::Facts;

/// Subjects that are named; the others are counted.
const NAMED: usize = 50;
/// A certificate that expires so soon is told of.
const SOON: Duration = Duration::from_secs(30 * 24 * 3600);

struct Check {
    id: &'static str,
    title: Text,
    advice: Text,
    severity: Severity,
    /// What it is found in; `None`: this node cannot tell.
    find: fn(&Facts) -> Option<Vec<String>>,
}

/// All checks, the gravest finding first.
pub(super) fn all(facts: &Facts, language: Language) -> Vec<AuditCheck> {
    let mut checks: Vec<_> = CHECKS.iter().map(|check| check.run(facts, language)).collect();
    checks.sort_by_key(|check| check.severity);
    checks
}

impl Check {
    fn run(&self, facts: &Facts, language: Language) -> AuditCheck {
        let found = (self.find)(facts);
        let severity = match &found {
            None => Severity::Unknown,
            Some(subjects) if subjects.is_empty() => Severity::Ok,
            Some(_) => self.severity,
        };
        let mut subjects = found.unwrap_or_default();
        let count = subjects.len();
        subjects.truncate(NAMED);
        let advice = match severity {
            Severity::Ok => String::new(),
            Severity::Unknown => NOT_HERE.say(language),
            _ => self.advice.say(language),
        };
        let (id, title) = (self.id.to_owned(), self.title.say(language));
        AuditCheck { id, severity, title, advice, subjects, count }
    }
}

const CHECKS: &[Check] = &[
    Check {
        id: "cluster-not-mixed",
        title: Text::new("Cluster in non-secure mode", "ノンセキュアモードのクラスタ"),
        advice: Text::new(
            "No phone is authenticated and no call is encrypted. Create the CTL file and set mixed mode.",
            "電話機の認証も通話の暗号化も行われません。CTL ファイルを作成し、混合モードにしてください。",
        ),
        severity: Severity::High,
        find: |facts| Some(if_so(facts.mode == SecurityMode::NonSecure)),
    },
    Check {
        id: "trust-list",
        title: Text::new("Faults of the CTL file", "CTL ファイルの問題"),
        advice: Text::new(
            "Phones trust what the file says, or refuse it. Update it.",
            "電話機はこのファイルに従って信頼を判断します。更新してください。",
        ),
        severity: Severity::Medium,
        find: |facts| Some(facts.trust_alarms.clone()),
    },
    Check {
        id: "weak-keys",
        title: Text::new("RSA keys below 2048 bits", "2048 ビット未満の RSA 鍵"),
        advice: Text::new(
            "Replace them where the phones that use them can: keys of 1024 bits are the most that old phones take, shorter ones are broken by who wants to.",
            "可能な限り置き換えてください。旧型の電話機では 1024 ビットが上限ですが、それより短い鍵は解読されるおそれがあります。",
        ),
        severity: Severity::Medium,
        find: |facts| Some(weak_keys(facts)),
    },
    Check {
        id: "weak-key-orders",
        title: Text::new("Phones ordered to make keys of 512 bits", "512 ビットの鍵の作成指示"),
        advice: Text::new(
            "Keys of 512 bits are broken within hours. Order at least 1024.",
            "512 ビットの鍵は数時間で解読されます。1024 ビット以上を指定してください。",
        ),
        severity: Severity::High,
        find: |facts| {
            let weak = facts.orders.iter().filter(|order| order.key_size == KeySize::Rsa512);
            Some(weak.map(|order| order.device.to_string()).collect())
        },
    },
    Check {
        id: "sha1-signatures",
        title: Text::new("Certificates signed with SHA-1", "SHA-1 で署名された証明書"),
        advice: Text::new(
            "Old phones know nothing better. Replace those that no old phone has to verify.",
            "旧型の電話機で検証する必要がないものは置き換えてください。",
        ),
        severity: Severity::Low,
        find: |facts| {
            Some(certificates(facts, |certificate| {
                matches!(
                    certificate.signature_algorithm(),
                    SignatureAlgorithm::Rsa(Hash::LegacySha1)
                        | SignatureAlgorithm::Ecdsa(Hash::LegacySha1)
                )
            }))
        },
    },
    Check {
        id: "expired-certificates",
        title: Text::new("Certificates that have expired", "有効期限切れの証明書"),
        advice: Text::new(
            "Whoever checks them refuses the connection. Renew them.",
            "検証する相手に接続を拒否されます。更新してください。",
        ),
        severity: Severity::High,
        find: |facts| {
            let now = facts.now;
            let mut found = certificates(facts, |certificate| certificate.not_after() < now);
            let lscs = facts.lscs.iter().filter(|lsc| lsc.not_after < now);
            found.extend(lscs.map(|lsc| format!("LSC {}", lsc.device)));
            Some(found)
        },
    },
    Check {
        id: "expiring-certificates",
        title: Text::new(
            "Certificates that expire within 30 days",
            "30 日以内に期限が切れる証明書",
        ),
        advice: Text::new("Renew them in time.", "期限までに更新してください。"),
        severity: Severity::Medium,
        find: |facts| {
            let now = facts.now;
            let soon = |at| at >= now && at < now + SOON;
            let mut found = certificates(facts, |certificate| soon(certificate.not_after()));
            let lscs = facts.lscs.iter().filter(|lsc| soon(lsc.not_after));
            found.extend(lscs.map(|lsc| format!("LSC {}", lsc.device)));
            Some(found)
        },
    },
    Check {
        id: "expired-mics",
        title: Text::new("Expired MICs are accepted", "期限切れ MIC の受け入れ"),
        advice: Text::new(
            "Phones may prove who they are with certificates that have expired. Install LSCs, then clear call-manager.expired-mic-until.",
            "期限切れの証明書による認証が許可されています。LSC をインストールし、call-manager.expired-mic-until を空にしてください。",
        ),
        severity: Severity::Medium,
        find: |facts| Some(if_so(facts.expired_mic_until.is_some_and(|until| until > facts.now))),
    },
    Check {
        id: "phones-not-encrypted",
        title: Text::new(
            "Phones that could encrypt and are not set to it",
            "暗号化に対応しているが設定されていない電話機",
        ),
        advice: Text::new(
            "Set their device security mode to encrypted.",
            "デバイスセキュリティモードを encrypted に設定してください。",
        ),
        severity: Severity::Medium,
        find: |facts| {
            Some(devices(facts, |device| {
                device.model.support(Capability::MediaEncryption) != Support::No
                    && device.configured_mode(facts.default) != EffectiveMode::Encrypted
            }))
        },
    },
    Check {
        id: "phones-without-certificate",
        title: Text::new("Secure phones without a certificate", "証明書のないセキュアな電話機"),
        advice: Text::new(
            "They cannot register securely. Order an LSC for them.",
            "セキュアに登録できません。LSC のインストールを指示してください。",
        ),
        severity: Severity::Medium,
        find: |facts| {
            let with: HashSet<_> = facts.lscs.iter().map(|lsc| &lsc.device).collect();
            Some(devices(facts, |device| {
                device.configured_mode(facts.default) != EffectiveMode::NonSecure
                    && !device.model.has_mic()
                    && !with.contains(&device.name)
            }))
        },
    },
    Check {
        id: "null-suites",
        title: Text::new(
            "Signalling that is not encrypted (NULL)",
            "暗号化されていないシグナリング (NULL)",
        ),
        advice: Text::new(
            "Whoever is on the way reads who calls whom. Set these phones to encrypted.",
            "経路上で発着信の内容を読まれます。encrypted に設定してください。",
        ),
        severity: Severity::Medium,
        find: |facts| registrations(facts, |security, _| security == EffectiveMode::Authenticated),
    },
    Check {
        id: "less-secure-registrations",
        title: Text::new(
            "Phones registered less securely than they are set to",
            "設定より低いセキュリティで登録された電話機",
        ),
        advice: Text::new(
            "Reset them; ringfence diagnose phone NAME says what keeps them from it.",
            "リセットしてください。原因は ringfence diagnose phone NAME で確認できます。",
        ),
        severity: Severity::High,
        find: |facts| registrations(facts, |security, wanted| rank(security) < rank(wanted)),
    },
    Check {
        id: "insecure-calls",
        title: Text::new(
            "Calls between encrypted phones that were not encrypted",
            "暗号化電話機間の暗号化されていない通話",
        ),
        advice: Text::new(
            "Each of the latest calls that should have been encrypted and was not. ringfence call show and the phones' state say why.",
            "暗号化されるべき直近の通話です。ringfence call show と電話機の状態で原因を確認してください。",
        ),
        severity: Severity::High,
        find: |facts| Some(insecure_calls(facts)),
    },
    Check {
        id: "plain-fallback",
        title: Text::new("Calls go on without their key", "鍵なしで続行される通話"),
        advice: Text::new(
            "A call goes on unencrypted where a phone cannot use its key. Set call-manager.plain-fallback to false where that must not be.",
            "電話機が鍵を使用できない場合、暗号化なしで通話が続行されます。許容できない場合は call-manager.plain-fallback を false にしてください。",
        ),
        severity: Severity::Low,
        find: |facts| Some(if_so(facts.plain_fallback)),
    },
    Check {
        id: "relay-fallback",
        title: Text::new(
            "Calls go around a relay that is away",
            "リレー不在時に直接続行される通話",
        ),
        advice: Text::new(
            "Set call-manager.relay-fallback to false where media must pass a relay.",
            "リレーの経由が必須の場合は call-manager.relay-fallback を false にしてください。",
        ),
        severity: Severity::Low,
        find: |facts| Some(if_so(facts.relay_fallback)),
    },
    Check {
        id: "auto-registration",
        title: Text::new("Phones that nobody added may register", "未登録の電話機の自動登録"),
        advice: Text::new(
            "Set enterprise.auto-registration to false.",
            "enterprise.auto-registration を false にしてください。",
        ),
        severity: Severity::Medium,
        find: |facts| Some(if_so(facts.auto_registration)),
    },
    Check {
        id: "null-string-orders",
        title: Text::new("Certificates to be issued to whoever asks", "認証なしで発行される証明書"),
        advice: Text::new(
            "CAPF asks these phones for no proof. Keep such orders to closed networks and short times.",
            "CAPF はこれらの電話機を認証しません。閉じたネットワークで短時間だけ使用してください。",
        ),
        severity: Severity::High,
        find: |facts| {
            let waits = facts.orders.iter().filter(|order| {
                order.operation != CapfOperation::None
                    && order.auth_mode == CapfAuthMode::NullString
            });
            Some(waits.map(|order| order.device.to_string()).collect())
        },
    },
    Check {
        id: "open-phones",
        title: Text::new(
            "Phones with web access or gratuitous ARP",
            "Web アクセスまたは Gratuitous ARP が有効な電話機",
        ),
        advice: Text::new(
            "Turn both off where nobody needs them.",
            "不要であれば無効にしてください。",
        ),
        severity: Severity::Low,
        find: |facts| {
            Some(devices(facts, |device| {
                let can = |capability| device.model.support(capability) != Support::No;
                device.hardening.web_access && can(Capability::WebAccess)
                    || device.hardening.gratuitous_arp && can(Capability::GratuitousArp)
            }))
        },
    },
    Check {
        id: "endless-tokens",
        title: Text::new("API tokens that never expire", "期限のない API トークン"),
        advice: Text::new(
            "Replace them by tokens that end.",
            "期限付きのトークンに置き換えてください。",
        ),
        severity: Severity::Low,
        find: |facts| {
            let endless = facts.tokens.iter().filter(|token| token.expires.is_none());
            Some(endless.map(|token| format!("{} ({})", token.name, token.owner)).collect())
        },
    },
];

/// One nameless finding, or none.
fn if_so(found: bool) -> Vec<String> {
    if found { vec![String::new()] } else { Vec::new() }
}

fn certificates(facts: &Facts, found: impl Fn(&Certificate) -> bool) -> Vec<String> {
    let found = facts.certificates.iter().filter(|(_, certificate)| found(certificate));
    found.map(|(whose, _)| whose.clone()).collect()
}

fn weak_keys(facts: &Facts) -> Vec<String> {
    let weak = |certificate: &Certificate| {
        let key = certificate.public_key();
        (key.is_rsa() && key.bits() < 2048).then(|| key.bits())
    };
    let known = facts.certificates.iter();
    let mut found: Vec<_> = known
        .filter_map(|(whose, certificate)| Some(format!("{whose}: {} bit", weak(certificate)?)))
        .collect();
    for lsc in &facts.lscs {
        // 1024 bits are the most that many phones can make in bearable time.
        let bits = Certificate::parse(&lsc.der).ok().and_then(|it| weak(&it));
        if let Some(bits) = bits.filter(|bits| *bits < 1024) {
            found.push(format!("LSC {}: {bits} bit", lsc.device));
        }
    }
    found
}

fn devices(facts: &Facts, found: impl Fn(&Device) -> bool) -> Vec<String> {
    let found = facts.devices.iter().filter(|device| found(device));
    found.map(|device| device.name.to_string()).collect()
}

/// Registered phones by how they are and how they are set.
fn registrations(
    facts: &Facts,
    found: impl Fn(EffectiveMode, EffectiveMode) -> bool,
) -> Option<Vec<String>> {
    let wanted: HashMap<_, _> = facts
        .devices
        .iter()
        .map(|it| (it.name.as_str(), it.effective_mode(facts.mode, facts.default)))
        .collect();
    let registered = facts.registered.as_ref()?.iter();
    let found = registered.filter(|phone| {
        wanted.get(&*phone.device).is_some_and(|wanted| found(phone.security, *wanted))
    });
    Some(found.map(|phone| phone.device.clone()).collect())
}

fn rank(mode: EffectiveMode) -> u8 {
    match mode {
        EffectiveMode::NonSecure => 0,
        EffectiveMode::Authenticated => 1,
        EffectiveMode::Encrypted => 2,
    }
}

/// Answered calls of which both ends can only be phones that encrypt.
fn insecure_calls(facts: &Facts) -> Vec<String> {
    let mut encrypted: HashMap<&str, bool> = HashMap::new();
    for device in &facts.devices {
        let mode = device.effective_mode(facts.mode, facts.default);
        for line in &device.lines {
            let all = encrypted.entry(line.as_str()).or_insert(true);
            *all &= mode == EffectiveMode::Encrypted;
        }
    }
    let is_encrypted = |number: &str| encrypted.get(number).copied().unwrap_or_default();
    let found = facts.records.iter().filter(|record| {
        record.answered.is_some()
            && record.security.is_some_and(|security| security != EffectiveMode::Encrypted)
            && is_encrypted(&record.calling.number)
            && record.called.as_ref().is_some_and(|called| is_encrypted(&called.number))
    });
    let told = |record: &store::CallRecord| {
        let called = record.called.as_ref().map(|called| &*called.number).unwrap_or_default();
        let began = super::rfc3339(record.began);
        format!("{} → {called}, {began}", record.calling.number)
    };
    found.map(told).collect()
}

const NOT_HERE: Text = Text::new(
    "CallManager does not run on this node: ask one where it does.",
    "このノードでは CallManager が動作していません。動作しているノードで確認してください。",
);

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use console::RegistrationView;
    use store::{CallEnding, CallParty, CallRecord, DeviceSecurityMode, Model};

    use super::*;

    /// Two encrypted phones and one that is not.
    fn facts() -> Facts {
        let device = |name: &str, number: &str, security_mode| {
            let device = Device::new(name.parse().unwrap(), Model::M7970);
            Device { lines: vec![number.parse().unwrap()], security_mode, ..device }
        };
        Facts {
            now: SystemTime::now(),
            mode: SecurityMode::Mixed,
            default: EffectiveMode::NonSecure,
            devices: vec![
                device("SEP000000000001", "1001", DeviceSecurityMode::Encrypted),
                device("SEP000000000002", "1002", DeviceSecurityMode::Encrypted),
                device("SEP000000000003", "1003", DeviceSecurityMode::Authenticated),
            ],
            certificates: Vec::new(),
            lscs: Vec::new(),
            orders: Vec::new(),
            records: Vec::new(),
            tokens: Vec::new(),
            expired_mic_until: None,
            plain_fallback: false,
            relay_fallback: false,
            auto_registration: false,
            trust_alarms: Vec::new(),
            registered: Some(Vec::new()),
        }
    }

    fn call(from: &str, to: &str, security: EffectiveMode) -> CallRecord {
        let now = SystemTime::now();
        let party = |number: &str| CallParty { number: number.into(), name: String::new() };
        CallRecord {
            number: 1,
            node: "cm1".into(),
            call: 1,
            calling: party(from),
            dialled: to.into(),
            called: Some(party(to)),
            began: now,
            answered: Some(now),
            ended: now,
            security: Some(security),
            ending: CallEnding::ALL[0],
            relay: None,
        }
    }

    fn found(facts: &Facts, id: &str) -> AuditCheck {
        let checks = all(facts, Language::English);
        checks.into_iter().find(|check| check.id == id).unwrap()
    }

    #[test]
    fn only_calls_that_should_have_been_encrypted_are_told() {
        let mut facts = facts();
        facts.records = vec![
            call("1001", "1002", EffectiveMode::Encrypted),
            call("1001", "1003", EffectiveMode::Authenticated),
            call("1001", "5550100", EffectiveMode::NonSecure),
            CallRecord { answered: None, ..call("1001", "1002", EffectiveMode::NonSecure) },
        ];
        assert_eq!(found(&facts, "insecure-calls").severity, Severity::Ok);
        facts.records.push(call("1002", "1001", EffectiveMode::NonSecure));
        let told = found(&facts, "insecure-calls");
        assert_eq!((told.severity, told.count), (Severity::High, 1));
        assert!(told.subjects[0].starts_with("1002 → 1001"), "{told:?}");
        // Somebody else has the number too, and cannot encrypt.
        facts.devices[2].lines.push("1002".parse().unwrap());
        assert_eq!(found(&facts, "insecure-calls").count, 0);
    }

    #[test]
    fn registrations_are_compared_with_settings() {
        let mut facts = facts();
        let phone = |number: u8, security| RegistrationView {
            device: format!("SEP00000000000{number}"),
            security,
            from: String::new(),
            suite: None,
            certificate: None,
            since: String::new(),
        };
        facts.registered = Some(vec![
            phone(1, EffectiveMode::Encrypted),
            phone(2, EffectiveMode::NonSecure),
            phone(3, EffectiveMode::Authenticated),
        ]);
        assert_eq!(found(&facts, "null-suites").subjects, ["SEP000000000003"]);
        assert_eq!(found(&facts, "less-secure-registrations").subjects, ["SEP000000000002"]);
        facts.registered = None;
        assert_eq!(found(&facts, "null-suites").severity, Severity::Unknown);
    }

    #[test]
    fn every_check_has_a_name_of_its_own_and_both_languages() {
        let names: HashSet<_> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(names.len(), CHECKS.len());
        for language in Language::ALL {
            let told = all(&facts(), language);
            assert!(told.iter().all(|check| !check.title.is_empty()));
            assert!(told.windows(2).all(|pair| pair[0].severity <= pair[1].severity));
        }
    }
}
