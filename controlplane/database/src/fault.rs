//! What can go wrong.

use std::fmt;
use std::path::{Path, PathBuf};

use lang::{Language, Say, Text};

/// Why a database is not what it should be. What runs is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// PostgreSQL is not installed.
    NotInstalled(&'static str),
    /// One of its programs failed.
    Program {
        /// Which.
        program: String,
        /// Its last words.
        words: String,
    },
    /// A file or directory cannot be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The database did not do what it was asked.
    Database(String),
    /// This is the original already.
    IsPublisher,
    /// The original is heard: there is no need for another one.
    PublisherThere(String),
    /// Another copy has more.
    HasLess {
        /// Whose.
        node: String,
        /// By so many bytes.
        bytes: u64,
    },
    /// Nodes that may have more, or be the original, are not heard.
    Unheard(Vec<String>),
    /// Another node took its place.
    Fenced(String),
    /// The database of another cluster.
    AnotherCluster(String),
}

impl Fault {
    pub(crate) fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::File { path: path.into(), cause: error.to_string() }
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::Database(error.to_string())
    }
}

impl Say for Fault {
    fn say(&self, language: Language) -> String {
        match self {
            Self::NotInstalled(program) => NOT_INSTALLED.fill(language, &[("program", program)]),
            Self::Program { program, words } => {
                PROGRAM.fill(language, &[("program", program), ("words", words)])
            }
            Self::File { path, cause } => {
                FILE.fill(language, &[("path", &path.display()), ("cause", cause)])
            }
            Self::Database(cause) => DATABASE.fill(language, &[("cause", cause)]),
            Self::IsPublisher => IS_PUBLISHER.say(language),
            Self::PublisherThere(node) => PUBLISHER_THERE.fill(language, &[("node", node)]),
            Self::HasLess { node, bytes } => {
                HAS_LESS.fill(language, &[("node", node), ("bytes", bytes)])
            }
            Self::Unheard(nodes) => UNHEARD.fill(language, &[("nodes", &nodes.join(", "))]),
            Self::Fenced(node) => FENCED.fill(language, &[("node", node)]),
            Self::AnotherCluster(node) => ANOTHER_CLUSTER.fill(language, &[("node", node)]),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::English))
    }
}

impl std::error::Error for Fault {}

const NOT_INSTALLED: Text = Text::new(
    "PostgreSQL's program {program} is not installed: `apt-get install postgresql`.",
    "PostgreSQL のプログラム {program} がインストールされていません。`apt-get install postgresql` を実行してください。",
);
const PROGRAM: Text = Text::new("{program} failed: {words}", "{program} が失敗しました: {words}");
const FILE: Text = Text::new(
    "{path}: {cause}. Check `directory` in [controld.database].",
    "{path}: {cause}。[controld.database] の `directory` を確認してください。",
);
const DATABASE: Text = Text::new("The database: {cause}", "データベース: {cause}");
const IS_PUBLISHER: Text =
    Text::new("This node is the publisher already.", "このノードは既にパブリッシャです。");
const PUBLISHER_THERE: Text = Text::new(
    "The publisher {node} answers: stop it first, or leave it in its place.",
    "パブリッシャ {node} は応答しています。先に停止するか、そのまま使用してください。",
);
const HAS_LESS: Text = Text::new(
    "{node} has {bytes} bytes of changes more than this node: make that one the publisher (`ringfence cluster promote` there).",
    "{node} にはこのノードより {bytes} バイト多くの変更があります。{node} をパブリッシャにしてください (そのノードで `ringfence cluster promote`)。",
);
const UNHEARD: Text = Text::new(
    "Not heard: {nodes}. One of them may have changes that are not here, or take changes now. If they are lost or switched off, name each with --lost.",
    "応答のないノード: {nodes}。ここにない変更を持っているか、現在変更を受け付けている可能性があります。失われたか電源が切れている場合は、それぞれ --lost で指定してください。",
);
const FENCED: Text = Text::new(
    "{node} has become the publisher in this node's place: its database takes no changes any more. Stop ringfence-controld here and run `ringfence cluster join` with the address of {node}.",
    "{node} がこのノードに代わってパブリッシャになりました。このノードのデータベースは変更を受け付けません。ringfence-controld を停止し、{node} のアドレスを指定して `ringfence cluster join` を実行してください。",
);
const ANOTHER_CLUSTER: Text = Text::new(
    "The database of {node} is of another cluster.",
    "{node} のデータベースは別のクラスタのものです。",
);
