//! A first look at an authority: what it shows of itself before anybody trusts it.

use pki::Certificate;

use crate::algorithm::{Floor, Profile};
use crate::authority::{Authority, Fingerprints};
use crate::capability::Capabilities;
use crate::enrolment::success;
use crate::fault::Fault;
use crate::server::{Operation, Server};
use crate::transport::{Answer, Transport, TransportFault};

/// What an authority shows of itself. Nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The certificate of the authority itself.
    pub certificate: Certificate,
    /// What an administrator compares before confirming it.
    pub fingerprints: Fingerprints,
    /// The best algorithms that it offers.
    pub best: Profile,
}

/// Asks a server for its certificate and abilities.
pub fn survey(transport: &dyn Transport, server: &Server) -> Result<Survey, Fault> {
    let (certificates, offered) = look(server, |operation| transport.exchange(server, operation))?;
    let certificate = Authority::offered(&certificates)?.clone();
    let fingerprints = Fingerprints::of(&certificate);
    let best = Profile::choose(&offered, Floor::Ancient).unwrap_or_else(|below| below);
    Ok(Survey { certificate, fingerprints, best })
}

/// The answers to GetCACert and GetCACaps.
pub(crate) fn look(
    server: &Server,
    exchange: impl Fn(&Operation) -> Result<Answer, TransportFault>,
) -> Result<(Vec<Certificate>, Capabilities), Fault> {
    let answer = success(server, None, exchange(&Operation::GetCaCert))?;
    let certificates = Authority::certificates(&answer)?;
    // Servers from before GetCACaps answer anything, or nothing; the floor decides.
    let offered = match exchange(&Operation::GetCaCaps) {
        Ok(Answer { status: 200, body }) => Capabilities::parse(&body),
        _ => Capabilities::default(),
    };
    Ok((certificates, offered))
}
