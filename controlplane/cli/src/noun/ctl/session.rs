//! Logging in to the providers of a cluster.

use std::path::PathBuf;
use std::time::SystemTime;

use cluster::client::{
    Cluster, Credentials, Server, Settings, TlsTransport, Trace, Traced, Transport,
};
use lang::{Language, Text};
use messages::Explain;
use pki::Certificate;
use store::Password;

use crate::Style;
use crate::ask;
use crate::failure::{Failure, Result};
use crate::secret::PasswordSource;

/// Which cluster, and who asks.
#[derive(Clone, clap::Args)]
pub struct Client {
    /// CTL Provider of the publisher, HOST or HOST:PORT [default: the one used last].
    #[arg(long, global = true, value_name = "HOST")]
    server: Option<String>,
    /// Cluster administrator or power user; the same on every node.
    #[arg(long, global = true, value_name = "NAME", default_value = "admin")]
    user: String,
    #[command(flatten)]
    password: PasswordSource,
    /// SHA-256 of the certificate of a server that was never seen before, in hexadecimal; else it
    /// is asked for. Can be repeated.
    #[arg(long, global = true, value_name = "SHA256")]
    approve: Vec<String>,
    /// What this client remembers: its name, servers and their certificates
    /// [default: ringfence/ctl-client.json in XDG_STATE_HOME or ~/.local/state].
    #[arg(long, global = true, value_name = "FILE", env = "RINGFENCE_CTL_CLIENT")]
    settings: Option<PathBuf>,
    /// Write down what the servers are asked and answer; never a password or key.
    #[arg(long, global = true, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Servers may have been installed anew: those named with `--approve` replace the known ones.
    #[arg(skip)]
    after_loss: bool,
}

/// A client that is logged in.
pub struct Session<'a> {
    /// The cluster.
    pub cluster: Cluster<'a>,
    /// How a certificate of another cluster's provider is fetched.
    pub transport: &'a dyn Transport,
    /// Who logged in, for other clusters too.
    pub credentials: &'a Credentials,
    /// How the answer is given.
    pub style: Style,
    /// The time of the session.
    pub now: SystemTime,
}

impl Session<'_> {
    /// What an operation answered, as the command ends with it.
    pub fn done<T, E: Explain>(
        &self,
        answer: std::result::Result<T, E>,
    ) -> std::result::Result<T, Failure> {
        answer.map_err(|fault| Failure::explained(&fault, self.style.language))
    }
}

impl Client {
    /// Servers were lost: certificates named with `--approve` replace those that are known.
    pub fn after_loss(self) -> Self {
        Self { after_loss: true, ..self }
    }

    /// Logs in, does `work`, logs out, and remembers the servers that were approved.
    pub fn session(self, style: Style, work: impl FnOnce(&Session<'_>) -> Result) -> Result {
        let language = style.language;
        let file = match self.settings.clone() {
            Some(file) => file,
            None => crate::state::file("ctl-client.json")?,
        };
        let mut settings = Settings::load(&file);
        let server = match self.server.clone().or_else(|| settings.last_server.clone()) {
            Some(server) => server,
            None => ask::line(SERVER.get(language), "--server", language)?,
        };
        settings.last_server = Some(server.clone());
        let server =
            Server::parse(&server).map_err(|fault| Failure::explained(&fault, language))?;
        let prompt = PASSWORD.fill(language, &[("user", &self.user)]);
        let password = self.password.known(&prompt)?;
        let credentials = Credentials {
            user: self.user.clone(),
            password: Password::new(password.expose()),
            client: settings.client.clone(),
        };

        let compared: Vec<_> = self.approve.iter().map(|print| digits(print)).collect();
        let approved = compared.clone();
        let tls = TlsTransport::new(settings.known.clone(), move |server, certificate| {
            approve(server, certificate, &approved, language)
        });
        let tls = if self.after_loss { tls.with_compared(compared) } else { tls };
        let traced = match &self.trace {
            Some(file) => {
                Some(Trace::open(file).map_err(|fault| Failure::explained(&fault, language))?)
            }
            None => None,
        };
        let (result, known) = match traced {
            Some(trace) => {
                let traced = Traced { transport: tls, trace };
                let result = with(&traced, server, &credentials, style, work);
                (result, traced.transport.known())
            }
            None => (with(&tls, server, &credentials, style, work), tls.known()),
        };
        settings.known = known;
        if let Err(fault) = settings.save(&file) {
            eprintln!("ringfence: {:#}", fault.explain(language));
        }
        result
    }
}

fn with(
    transport: &dyn Transport,
    server: Server,
    credentials: &Credentials,
    style: Style,
    work: impl FnOnce(&Session<'_>) -> Result,
) -> Result {
    let cluster = Cluster::connect(transport, server, credentials)
        .map_err(|fault| Failure::explained(&fault, style.language))?;
    let session = Session { cluster, transport, credentials, style, now: SystemTime::now() };
    let result = work(&session);
    session.cluster.leave();
    result
}

/// A fingerprint as people write it: case, blanks and colons do not matter.
fn digits(fingerprint: &str) -> String {
    fingerprint.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase()
}

/// A server that is seen for the first time: its certificate was named on the command line, or
/// somebody compares it now.
fn approve(
    server: &Server,
    certificate: &Certificate,
    approved: &[String],
    language: Language,
) -> bool {
    let print = certificate.fingerprint();
    if approved.contains(&print) {
        return true;
    }
    let subject = certificate.subject();
    let values: [(&str, &dyn std::fmt::Display); 3] =
        [("server", server), ("subject", subject), ("print", &print)];
    ask::yes(&APPROVE.fill(language, &values), "--approve", language).unwrap_or_else(|failure| {
        eprintln!("ringfence: {failure}");
        false
    })
}

const SERVER: Text = Text::new(
    "CTL Provider of the publisher (HOST or HOST:PORT)",
    "パブリッシャの CTL Provider (HOST または HOST:PORT)",
);
const PASSWORD: Text =
    Text::new("Password of the administrator {user}", "管理者 {user} のパスワード");
const APPROVE: Text = Text::new(
    "The server {server} was never seen before.\nIts certificate: {subject}\nSHA-256: {print}\n\
     Compare it with `ringfence status` on that server. Is it the right one?",
    "サーバ {server} には初めて接続します。\n証明書: {subject}\nSHA-256: {print}\n\
     そのサーバの `ringfence status` の表示と比較してください。正しい証明書ですか",
);
