//! A certificate, field by field, as browsers and the guide show it.

use std::str::FromStr;

use der::asn1::ObjectIdentifier;
use lang::{Language, Text};
use pki::certificate::{Extension, SignatureAlgorithm, hex};
use pki::{Certificate, Hash};
use serde::{Deserialize, Serialize};

/// Which fields are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those that certificates had from the first version on.
    Version1,
    /// Extensions.
    Extensions,
    /// Extensions that must be understood.
    Critical,
    /// What does not stand in it and belongs to it.
    Properties,
}

impl Filter {
    /// Every filter, in the guide's order.
    pub const ALL: [Self; 5] =
        [Self::All, Self::Version1, Self::Extensions, Self::Critical, Self::Properties];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Version1 => "version1",
            Self::Extensions => "extensions",
            Self::Critical => "critical",
            Self::Properties => "properties",
        }
    }

    /// What people call it.
    pub fn title(self) -> Text {
        match self {
            Self::All => Text::new("All", "すべて"),
            Self::Version1 => Text::new("Version 1 fields only", "バージョン 1 のフィールドのみ"),
            Self::Extensions => Text::new("Extensions only", "拡張機能のみ"),
            Self::Critical => Text::new("Critical extensions only", "重要な拡張機能のみ"),
            Self::Properties => Text::new("Properties only", "プロパティのみ"),
        }
    }

    fn takes(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Version1 => kind == Kind::Version1,
            Self::Extensions => matches!(kind, Kind::Extension { .. }),
            Self::Critical => kind == Kind::Extension { critical: true },
            Self::Properties => kind == Kind::Property,
        }
    }
}

impl FromStr for Filter {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|filter| filter.as_str() == word).ok_or(())
    }
}

/// A field of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Field {
    /// Stable name.
    pub id: String,
    /// What people call it, in the reader's language.
    pub title: String,
    /// Its value.
    pub value: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Version1,
    Extension { critical: bool },
    Property,
}

/// The fields that a filter takes.
pub fn fields(certificate: &Certificate, filter: Filter, language: Language) -> Vec<Field> {
    let time = |at| humantime::format_rfc3339_seconds(at).to_string();
    let key = certificate.public_key();
    let version1 = [
        ("version", VERSION, format!("V{}", certificate.version())),
        ("serial", SERIAL, hex(certificate.serial())),
        ("signature-algorithm", ALGORITHM, algorithm(certificate.signature_algorithm())),
        ("issuer", ISSUER, certificate.issuer().to_string()),
        ("valid-from", FROM, time(certificate.not_before())),
        ("valid-to", UNTIL, time(certificate.not_after())),
        ("subject", SUBJECT, certificate.subject().to_string()),
        ("public-key", KEY, format!("{} bits: {}", key.describe(), hex(key.spki()))),
    ];
    let version1 = version1.into_iter().map(|field| (Kind::Version1, field));
    let extensions = certificate.extensions().iter().map(|extension| {
        let (id, title) = name(extension.oid);
        let kind = Kind::Extension { critical: extension.critical };
        (kind, (id, title, meaning(certificate, extension)))
    });
    let properties = [
        ("thumbprint-algorithm", THUMBPRINT_ALGORITHM, "sha1".to_owned()),
        ("thumbprint", THUMBPRINT, certificate.thumbprint()),
        ("sha256", FINGERPRINT, certificate.fingerprint()),
    ];
    let properties = properties.into_iter().map(|field| (Kind::Property, field));
    version1
        .chain(extensions)
        .chain(properties)
        .filter(|(kind, _)| filter.takes(*kind))
        .map(|(_, (id, title, value))| Field {
            id: id.to_owned(),
            title: title.get(language).to_owned(),
            value,
        })
        .collect()
}

fn algorithm(algorithm: SignatureAlgorithm) -> String {
    let hash = match algorithm.hash() {
        Hash::LegacySha1 => "sha1",
        Hash::Sha256 => "sha256",
        Hash::Sha384 => "sha384",
        Hash::Sha512 => "sha512",
    };
    let key = match algorithm {
        SignatureAlgorithm::Rsa(_) => "RSA",
        SignatureAlgorithm::Ecdsa(_) => "ECDSA",
    };
    format!("{hash}{key}")
}

const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

fn name(oid: ObjectIdentifier) -> (&'static str, Text) {
    match oid {
        SUBJECT_KEY_ID => {
            ("subject-key-id", Text::new("Subject key identifier", "サブジェクトキー識別子"))
        }
        KEY_USAGE => ("key-usage", Text::new("Key usage", "キー使用法")),
        ALTERNATIVE_NAMES => {
            ("alternative-names", Text::new("Subject alternative name", "サブジェクトの別名"))
        }
        BASIC_CONSTRAINTS => ("basic-constraints", Text::new("Basic constraints", "基本制限")),
        AUTHORITY_KEY_ID => {
            ("authority-key-id", Text::new("Authority key identifier", "機関キー識別子"))
        }
        EXTENDED_KEY_USAGE => {
            ("extended-key-usage", Text::new("Enhanced key usage", "拡張キー使用法"))
        }
        _ => ("extension", Text::new("Other extension", "その他の拡張機能")),
    }
}

fn meaning(certificate: &Certificate, extension: &Extension) -> String {
    let readable = match extension.oid {
        KEY_USAGE => certificate.key_usage().map(|usage| usage.to_string()),
        EXTENDED_KEY_USAGE => certificate.extended_key_usage().map(|purposes| {
            let purposes = purposes.iter().map(ToString::to_string);
            purposes.collect::<Vec<_>>().join(", ")
        }),
        BASIC_CONSTRAINTS => Some(format!("CA: {}", certificate.is_authority())),
        ALTERNATIVE_NAMES => Some(certificate.alternative_names().join(", ")),
        // An OCTET STRING of twenty bytes.
        SUBJECT_KEY_ID => extension.value.get(2..).map(hex),
        _ => None,
    };
    match readable {
        Some(readable) => readable,
        None => format!("{}: {}", extension.oid, hex(&extension.value)),
    }
}

const VERSION: Text = Text::new("Version", "バージョン");
const SERIAL: Text = Text::new("Serial number", "シリアル番号");
const ALGORITHM: Text = Text::new("Signature algorithm", "署名アルゴリズム");
const ISSUER: Text = Text::new("Issuer", "発行者");
const FROM: Text = Text::new("Valid from", "有効期間の開始");
const UNTIL: Text = Text::new("Valid to", "有効期間の終了");
const SUBJECT: Text = Text::new("Subject", "サブジェクト");
const KEY: Text = Text::new("Public key", "公開キー");
const THUMBPRINT_ALGORITHM: Text = Text::new("Thumbprint algorithm", "拇印アルゴリズム");
const THUMBPRINT: Text = Text::new("Thumbprint", "拇印");
const FINGERPRINT: Text = Text::new("SHA-256 fingerprint", "SHA-256 フィンガープリント");
