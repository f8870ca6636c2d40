//! Security tokens that are files: made here, kept by who administers.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use console::{Failure, FailureKind, MakeSecurityToken, Secret, SecurityTokenMade};
use durable::Readers;
use lang::{Say, Text};
use pki::KeyKind;
use pki::certificate::hex;
use pki::token::{
    Authorities, Cost, DEFAULT_PASSWORD, Ledger, Location, Password, PasswordPolicy, Presented,
    Reader, TokenAuthority, TokenError, init_software,
};

use super::{Caller, Handle, Office};

/// Longest name of a token.
const MAX_LABEL: usize = 32;

impl Handle<MakeSecurityToken> for Office {
    fn handle(
        &self,
        caller: &Caller,
        request: MakeSecurityToken,
    ) -> Result<SecurityTokenMade, Failure> {
        self.may_change(caller)?;
        let MakeSecurityToken { label, password } = request;
        let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if label.is_empty() || label.len() > MAX_LABEL || !label.chars().all(known) {
            return Err(Failure { kind: FailureKind::Usage, text: LABEL.say(caller.language) });
        }
        let short = password.expose().chars().count() < Password::MIN_LENGTH;
        if short || password.expose() == DEFAULT_PASSWORD {
            return Err(caller.refused(&TokenError::InvalidPassword));
        }
        let password =
            Password::new(password.expose()).map_err(|error| caller.explained(&error))?;
        let home = TokenHome(self.services.config().key_directory.as_path());
        let authority = home.authority(&self.node, caller)?;
        let room = home.room(caller)?;
        let file = room.0.join("new.token");
        let made = init_software(
            &file,
            &label,
            KeyKind::Rsa2048,
            &password,
            Cost::STANDARD,
            &authority,
            caller.now,
        );
        let certificate = made.map_err(|error| caller.explained(&error))?;
        let content = fs::read(&file).map_err(|error| home.failed(caller, &error))?;
        let serial = hex(certificate.serial());
        self.store
            .audit(&caller.author, caller.now, "security-token-made", &serial)
            .map_err(|error| caller.failure(&error))?;
        let file = Secret::new(Base64::encode_string(&content));
        Ok(SecurityTokenMade { file, subject: certificate.subject().to_string(), serial })
    }
}

/// Where this node remembers who issues tokens, and wrong passwords.
pub(super) struct TokenHome<'d>(pub &'d Path);

impl TokenHome<'_> {
    /// Who issues the tokens that are made here.
    fn authority(&self, node: &str, caller: &Caller) -> Result<TokenAuthority, Failure> {
        let directory = self.0.join("token-authority");
        private(&directory).map_err(|error| self.failed(caller, &error))?;
        TokenAuthority::open_or_create(&directory, node, caller.now)
            .map_err(|fault| caller.explained(&fault))
    }

    /// Takes what somebody presents: a token file in base 64.
    pub(super) fn present(
        &self,
        node: &str,
        caller: &Caller,
        file: &Secret,
    ) -> Result<Held, Failure> {
        let authority = self.authority(node, caller)?;
        let garbled = || Failure { kind: FailureKind::Usage, text: GARBLED.say(caller.language) };
        let typed: String = file.expose().split_whitespace().collect();
        let content = Base64::decode_vec(&typed).map_err(|_| garbled())?;
        let room = self.room(caller)?;
        let path = room.0.join("presented.token");
        durable::replace(&path, &content, Readers::Owner)
            .map_err(|error| self.failed(caller, &error))?;
        let ledger = Ledger::open(&self.0.join("token-tries"));
        let reader = Reader {
            ledger: ledger.map_err(|error| caller.explained(&error))?,
            authorities: Authorities::new([authority.certificate().clone()]),
            policy: PasswordPolicy::ChangeRequired,
        };
        let presented = reader.present(&Location::Software(path), SystemTime::now());
        Ok(Held { token: presented.map_err(|error| caller.refused(&error))?, _room: room })
    }

    /// A directory for one token, for as long as it is needed.
    fn room(&self, caller: &Caller) -> Result<Room, Failure> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = self.0.join("presented-tokens").join(number.to_string());
        // One of a process that was killed: an encrypted file, and nobody's any more.
        let _ = fs::remove_dir_all(&directory);
        private(&directory).map_err(|error| self.failed(caller, &error))?;
        Ok(Room(directory))
    }

    fn failed(&self, caller: &Caller, error: &io::Error) -> Failure {
        let values: [(&str, &dyn std::fmt::Display); 2] =
            [("directory", &self.0.display()), ("error", error)];
        Failure { kind: FailureKind::Failed, text: NO_ROOM.fill(caller.language, &values) }
    }
}

/// A token that is presented; its file is gone with it.
pub(super) struct Held {
    pub token: Presented,
    _room: Room,
}

struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn private(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

const LABEL: Text = Text::new(
    "The name of a token has 1 to 32 letters, digits, - or _.",
    "トークンの名前は、英数字、- 、_ を使って 1 ～ 32 文字で指定してください。",
);
const GARBLED: Text = Text::new(
    "The token file cannot be read: choose the file that was downloaded when the token was made.",
    "トークンファイルを読み取れません。トークンの作成時にダウンロードしたファイルを選択してください。",
);
const NO_ROOM: Text = Text::new(
    "Nothing can be written to {directory}: {error}.",
    "{directory} に書き込めません: {error}。",
);
