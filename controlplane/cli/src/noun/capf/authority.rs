//! The authority elsewhere: what it shows of itself, for an administrator to compare.

use console::{ListNodes, ListParameters, ParameterView};
use lang::Text;
use scep::survey::survey;
use scep::transport::Http;
use scep::{Pin, Product, Server};
use serde::Serialize;
use store::NodeRole;

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(Serialize)]
struct View {
    server: String,
    subject: String,
    not_after: String,
    sha256: String,
    sha1: String,
    md5: String,
    algorithms: String,
    post: bool,
    /// Whether its fingerprint is the one that was confirmed.
    confirmed: bool,
}

/// Asks the authority that CAPF's parameters name.
pub fn run(daemon: &Daemon, style: Style) -> Result {
    let nodes = daemon.ask(style, &ListNodes {})?;
    let publisher = nodes.into_iter().find(|node| node.role == NodeRole::Publisher);
    let node = publisher.map(|node| node.name);
    let parameters = daemon.ask(style, &ListParameters { node })?;
    let server = server(&parameters, style)?;
    let shown = survey(&Http::new(), &server)
        .map_err(|fault| Failure::explained(&fault, style.language))?;
    let pin = Pin::fingerprint(value(&parameters, "capf.certificate-authority-fingerprint"));
    let view = View {
        server: server.authority().to_owned(),
        subject: shown.certificate.subject().to_string(),
        not_after: pki::check::day(shown.certificate.not_after()),
        confirmed: pin.is_some_and(|pin| pin.holds(&shown.certificate)),
        sha256: shown.fingerprints.sha256,
        sha1: shown.fingerprints.sha1,
        md5: shown.fingerprints.md5,
        algorithms: shown.best.to_string(),
        post: shown.best.post,
    };
    match style.format {
        Format::Json => output::json(&view)?,
        Format::Table => output::fields(&view)?,
    }
    Ok(Outcome::Done)
}

fn server(parameters: &[ParameterView], style: Style) -> std::result::Result<Server, Failure> {
    let product = match value(parameters, "capf.certificate-issuer") {
        "microsoft" => Product::Microsoft,
        "keon" => Product::Keon {
            jurisdiction: value(parameters, "capf.keon-jurisdiction-id").to_owned(),
        },
        _ => return Err(Failure::usage(CAPF_ITSELF.get(style.language))),
    };
    let address = value(parameters, "capf.certificate-authority-address");
    // As it comes, it is the product's own.
    let port = parameters.iter().find(|parameter| parameter.name == "capf.scep-port");
    let set = port.filter(|port| port.value != port.default);
    Server::new(&product, address, set.and_then(|port| port.value.parse().ok()), "")
        .map_err(|fault| Failure::explained(&fault, style.language))
}

fn value<'a>(parameters: &'a [ParameterView], name: &str) -> &'a str {
    let found = parameters.iter().find(|parameter| parameter.name == name);
    found.map(|parameter| parameter.value.as_str()).unwrap_or_default()
}

const CAPF_ITSELF: Text = Text::new(
    "CAPF issues by itself: set capf.certificate-issuer to microsoft or keon first, and the address of the authority.",
    "CAPF 自身が発行しています。先に capf.certificate-issuer を microsoft または keon に、続けて認証局のアドレスを設定してください。",
);
