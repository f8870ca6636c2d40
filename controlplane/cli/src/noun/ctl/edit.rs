//! Creating and changing the list.

use std::net::IpAddr;
use std::path::PathBuf;

use cluster::client::{OperationFault, Remote, Server};
use cluster::list::{Draft, ListFault};
use cluster::provider::api::{AlternateTftp, Bytes, Configuration};
use lang::Text;
use messages::{Explain, trust_list};
use pki::Certificate;
use pki::check::{self, Keys, ServerCertificate};
use pki::token::Location;
use store::SecurityMode;
use tlv::Record;

use super::file::label;
use super::report;
use super::session::Session;
use super::sign::{self, Signing};
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::token_home::TokenHome;
use crate::{Outcome, ask};

/// Where the certificate of another cluster's TFTP server comes from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Alternate {
    /// A file with it, DER or PEM.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The CTL Provider of that server, HOST or HOST:PORT, with the same user and password.
    #[arg(long, value_name = "HOST")]
    provider: Option<String>,
}

/// A draft, and what was entered by hand: the publisher keeps it until it is signed.
pub struct Editor<'s> {
    session: &'s Session<'s>,
    draft: Draft,
    entered: Configuration,
}

impl Editor<'_> {
    /// Adds a token.
    pub fn add_token(
        &mut self,
        home: &TokenHome,
        location: &Location,
    ) -> std::result::Result<(), Failure> {
        let presented = sign::present(self.session, home, location)?;
        self.add_certificate(&presented.info().certificate)
    }

    fn add_certificate(&mut self, certificate: &Certificate) -> std::result::Result<(), Failure> {
        self.session.done(self.draft.add_token(certificate))?;
        self.entered.tokens.push(Bytes(certificate.der().to_vec()));
        Ok(())
    }

    /// Adds a TFTP server of another cluster.
    pub fn add_alternate(
        &mut self,
        name: &str,
        address: IpAddr,
        from: &Alternate,
    ) -> std::result::Result<(), Failure> {
        let certificate = self.alternate_certificate(from)?;
        self.session.done(self.draft.add_alternate_tftp(name, address, &certificate))?;
        self.entered.alternates.push(AlternateTftp {
            server: name.to_owned(),
            address,
            certificate: Bytes(certificate.der().to_vec()),
        });
        Ok(())
    }

    fn alternate_certificate(
        &self,
        from: &Alternate,
    ) -> std::result::Result<ServerCertificate, Failure> {
        let session = self.session;
        let der = match (&from.certificate, &from.provider) {
            (Some(file), _) => session.done(check::read(file))?,
            (None, provider) => {
                let server =
                    session.done(Server::parse(provider.as_deref().unwrap_or_default()))?;
                let remote =
                    session.done(Remote::login(session.transport, server, session.credentials))?;
                let certificate = remote.alternate_tftp_certificate(self.draft.mode());
                // A session that cannot be ended ends by itself.
                let _ = remote.leave();
                session.done(certificate)?
            }
        };
        session.done(check::server_certificate(&der, session.now, Keys::RsaOnly))
    }

    /// Deletes the entry that somebody named: by its number, its server or its serial number.
    pub fn delete(&mut self, entry: &str) -> std::result::Result<(), Failure> {
        let position = self.find(entry);
        let name = position.map(|position| label(&self.draft.entries()[position]));
        let confirmation = self.session.done(self.draft.delete(position))?;
        self.draft.confirm(&confirmation);
        self.entered.deletions.extend(name);
        Ok(())
    }

    /// Asks whether an entry is to be deleted, if it can be.
    pub fn may_delete(&self, entry: &str) -> std::result::Result<bool, Failure> {
        let confirmation = self.session.done(self.draft.delete(self.find(entry)))?;
        let language = self.session.style.language;
        ask::yes(&format!("{:#}", confirmation.explain(language)), "--yes", language)
    }

    /// The position of the entry that somebody named.
    fn find(&self, entry: &str) -> Option<usize> {
        let entries = self.draft.entries();
        let number = entry.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let number = number.filter(|number| *number < entries.len());
        number.or_else(|| entries.iter().position(|record| is_named(record, entry)))
    }

    /// Refuses to go on while something waits that was entered before: it would be signed, or
    /// lost, unseen.
    pub fn nothing_waits(&self) -> std::result::Result<(), Failure> {
        let Configuration { tokens, alternates, deletions } = &self.entered;
        let waiting = tokens.len() + alternates.len() + deletions.len();
        match waiting {
            0 => Ok(()),
            count => Err(Failure::refused(
                WAITING.fill(self.session.style.language, &[("count", &count)]),
            )),
        }
    }

    /// Does again what was entered before and never signed.
    fn take_up(&mut self) -> std::result::Result<(), Failure> {
        let session = self.session;
        let entered = self.entered.clone();
        for token in &entered.tokens {
            let certificate = session.done(Certificate::parse(&token.0))?;
            match self.draft.add_token(&certificate) {
                Ok(()) | Err(ListFault::TokenExists(_)) => {}
                Err(fault) => return session.done(Err(fault)),
            }
        }
        for AlternateTftp { server, address, certificate } in &entered.alternates {
            let certificate = session.done(check::server_certificate(
                &certificate.0,
                session.now,
                Keys::RsaOnly,
            ))?;
            match self.draft.add_alternate_tftp(server, *address, &certificate) {
                Ok(()) | Err(ListFault::ServerExists(_)) => {}
                Err(fault) => return session.done(Err(fault)),
            }
        }
        for deletion in &entered.deletions {
            let position = self.draft.entries().iter().position(|r| label(r) == *deletion);
            if let Some(Ok(confirmation)) = position.map(|p| self.draft.delete(Some(p))) {
                self.draft.confirm(&confirmation);
            }
        }
        Ok(())
    }

    /// Lets the publisher keep what was entered, if it makes a complete list.
    fn keep(&self) -> std::result::Result<(), Failure> {
        self.session.done(self.draft.check())?;
        self.session.done(self.session.cluster.publisher().keep(&self.entered))
    }
}

fn is_named(record: &Record, name: &str) -> bool {
    let is = |text: &dyn ToString| text.to_string().eq_ignore_ascii_case(name);
    record.dns_name.as_ref().is_some_and(|dns| is(dns))
        || record.serial.as_ref().is_some_and(|serial| is(serial))
        || label(record).eq_ignore_ascii_case(name)
}

/// Creates the list.
pub fn create(
    session: &Session<'_>,
    home: &TokenHome,
    mode: SecurityMode,
    signing: &Signing,
) -> Result {
    if !may_create(session, signing)? {
        return Ok(Outcome::Done);
    }
    let found = session.done(session.cluster.discover(session.now))?;
    let draft = session.done(Draft::create(mode, &found))?;
    let mut editor = Editor { session, draft, entered: Configuration::default() };
    let presented =
        signing.present_all(session, home, |certificate| editor.add_certificate(certificate))?;
    let token = signing.login(session, &presented)?;
    finish(session, &editor.draft, &token, signing)
}

/// Asks before a list that is there is given up.
fn may_create(session: &Session<'_>, signing: &Signing) -> std::result::Result<bool, Failure> {
    match session.cluster.present() {
        Ok(None) | Err(OperationFault::NoFileInMixedMode) => return Ok(true),
        Ok(Some(_)) | Err(OperationFault::List(_)) if signing.yes => return Ok(true),
        Ok(Some(_)) | Err(OperationFault::List(_)) => {}
        Err(fault) => return session.done(Err(fault)),
    }
    let language = session.style.language;
    let question = (&trust_list::MUST_RECREATE).explain(language).text;
    ask::yes(&question, "--yes", language)
}

/// Signs what changed in the cluster, and what was entered before and never signed.
pub fn update(session: &Session<'_>, home: &TokenHome, signing: &Signing) -> Result {
    edit(session, home, signing, None, |editor| editor.take_up())
}

/// Changes the list that is there.
pub fn change(
    session: &Session<'_>,
    home: &TokenHome,
    signing: &Signing,
    change: impl FnOnce(&mut Editor<'_>) -> std::result::Result<(), Failure>,
) -> Result {
    edit(session, home, signing, None, |editor| {
        editor.nothing_waits()?;
        change(editor)
    })
}

/// Changes the mode, and whatever else waits.
pub fn set_mode(
    session: &Session<'_>,
    home: &TokenHome,
    mode: SecurityMode,
    signing: &Signing,
) -> Result {
    edit(session, home, signing, Some(mode), |editor| editor.nothing_waits())
}

fn edit(
    session: &Session<'_>,
    home: &TokenHome,
    signing: &Signing,
    mode: Option<SecurityMode>,
    change: impl FnOnce(&mut Editor<'_>) -> std::result::Result<(), Failure>,
) -> Result {
    let base = session.done(session.cluster.present_for_update())?;
    let found = session.done(session.cluster.discover(session.now))?;
    let draft = session.done(match mode {
        Some(mode) => Draft::set_mode(base, mode, &found),
        None => Draft::update(base, &found),
    })?;
    let entered = session.done(session.cluster.publisher().configuration())?;
    let mut editor = Editor { session, draft, entered };
    change(&mut editor)?;
    // After a restore phones may hold a newer file than this one: it is signed again as it is.
    if !editor.draft.is_changed() && !session.done(session.cluster.publisher().was_restored())? {
        return nothing_to_sign(session);
    }
    editor.keep()?;
    let presented = signing.present_signer(session, home)?;
    session.done(editor.draft.may_sign(&presented.info().certificate))?;
    let token = signing.login(session, &presented)?;
    finish(session, &editor.draft, &token, signing)
}

fn nothing_to_sign(session: &Session<'_>) -> Result {
    match session.style.format {
        Format::Json => output::json(&serde_json::json!({ "changed": false }))?,
        Format::Table => println!("{}", UP_TO_DATE.get(session.style.language)),
    }
    Ok(Outcome::Done)
}

fn finish(
    session: &Session<'_>,
    draft: &Draft,
    token: &pki::Identity,
    signing: &Signing,
) -> Result {
    if signing.dry_run {
        let new = session.done(draft.finish(token, session.now))?;
        let preflight = session.done(session.cluster.preflight(&new.list))?;
        return super::status::tell_preflight(&preflight, session.style);
    }
    let finished = session.cluster.finish(draft, token, signing.stranding(), session.now);
    let (new, pushed) = session.done(finished)?;
    // Once the publisher accepted the list, what was entered is signed, wherever else it failed.
    let publisher = session.cluster.publisher();
    if session.done(publisher.accepted_ctl_file())?.as_deref() == Some(new.list.as_bytes()) {
        session.done(publisher.forget())?;
    }
    report::tell(&pushed, session.style)
}

/// Forgets what was entered and never signed.
pub fn discard(session: &Session<'_>) -> Result {
    session.done(session.cluster.publisher().forget())?;
    Ok(Outcome::Done)
}

/// Removes the list everywhere: all tokens are lost.
pub fn lost_all(session: &Session<'_>) -> Result {
    let report = session.done(session.cluster.forget_all())?;
    let outcome = report::tell(&report, session.style)?;
    if session.style.format == Format::Table {
        println!("{}", ERASE_PHONES.get(session.style.language));
    }
    Ok(outcome)
}

const WAITING: Text = Text::new(
    "{count} changes that you entered before are not signed yet. Sign them with `ringfence ctl update`, or forget them with `ringfence ctl discard`.",
    "以前に入力した {count} 件の変更がまだ署名されていません。`ringfence ctl update` で署名するか、`ringfence ctl discard` で破棄してください。",
);
const UP_TO_DATE: Text = Text::new(
    "The CTL file fits the cluster; there is nothing to sign.",
    "CTL ファイルはクラスタの現状と一致しています。署名は不要です。",
);
const ERASE_PHONES: Text = Text::new(
    "Now erase the CTL file of every phone by hand, say so with `ringfence device erased`, get two new tokens, and run `ringfence ctl create`.",
    "すべての電話機の CTL ファイルを手動で消去し、`ringfence device erased` で記録してください。その後、新しいトークンを 2 つ用意し、`ringfence ctl create` を実行してください。",
);
