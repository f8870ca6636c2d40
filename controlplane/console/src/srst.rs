//! SRST: gateways that serve phones while the centre is away.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use store::SrstReference;

use crate::PhonesReset;
use crate::request::{Done, Request, requests};

requests! {
    /// All references.
    ListSrst = "list-srst" -> Vec<SrstView> {}

    /// Adds a reference.
    AddSrst = "add-srst" -> Done {
        /// Its name.
        name: String,
        /// Where the gateway is.
        address: IpAddr,
        /// What differs from the defaults.
        changes: SrstChanges,
    }

    /// Changes a reference. Its certificate stays.
    SetSrst = "set-srst" -> Done {
        /// Which one.
        name: String,
        /// Where the gateway is from now on; absent: where it was.
        address: Option<IpAddr>,
        /// What changes.
        changes: SrstChanges,
    }

    /// Removes a reference that no pool names, with its certificate.
    RemoveSrst = "remove-srst" -> Done {
        /// Which one.
        name: String,
    }

    /// Asks the gateway of a reference for its certificate. Nothing is changed.
    FetchSrst = "fetch-srst" -> FetchedSrst {
        /// Of which reference.
        name: String,
    }

    /// Asks the gateway again, and gives its certificate to phones if it is the accepted one.
    AcceptSrst = "accept-srst" -> Done {
        /// Of which reference.
        name: String,
        /// SHA-256 of the certificate that was accepted, in hexadecimal.
        sha256: String,
    }

    /// Takes the certificate of a reference from phones: its gateway has none any more.
    WithdrawSrst = "withdraw-srst" -> Done {
        /// Of which reference.
        name: String,
    }

    /// Resets the phones that depend on a reference.
    ResetSrst = "reset-srst" -> PhonesReset {
        /// Which one.
        name: String,
        /// Only tell what would come of it.
        dry_run: bool,
    }

    /// How centre and gateways stand to each other, as this node sees it.
    ShowSrstStatus = "srst-status" -> SrstStatusView {}
}

/// Settings of a reference to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct SrstChanges {
    /// Its port of SCCP; phones add 443 to it for TLS
    #[cfg_attr(feature = "clap", arg(long))]
    pub port: Option<u16>,
    /// SRST Certificate Provider Port, 1024 to 49151
    #[cfg_attr(feature = "clap", arg(long, value_name = "PORT"))]
    pub provider_port: Option<String>,
    /// Is SRST Secure?
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub secure: Option<bool>,
}

impl SrstChanges {
    /// The reference with the changes in it. Fails if a port is none.
    pub fn apply(self, reference: &mut SrstReference) -> store::Result<()> {
        if let Some(port) = self.provider_port {
            reference.provider_port = SrstReference::parse_port(&port)?;
        }
        reference.port = self.port.unwrap_or(reference.port);
        reference.secure = self.secure.unwrap_or(reference.secure);
        Ok(())
    }
}

/// A reference with what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SrstView {
    /// Its name.
    pub name: String,
    /// Where the gateway is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: IpAddr,
    /// Its port of SCCP.
    pub port: u16,
    /// SRST Certificate Provider Port.
    pub provider_port: u16,
    /// Is SRST Secure?
    pub secure: bool,
    /// The certificate that phones are given.
    pub certificate: Option<SrstCertificateView>,
    /// When it was accepted, RFC 3339, UTC.
    pub fetched_at: Option<String>,
    /// The pools that name it.
    pub pools: Vec<String>,
    /// How many phones depend on it.
    pub phones: usize,
}

/// A gateway's certificate, for people to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SrstCertificateView {
    /// Whom it is about.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// The first moment it is valid, RFC 3339, UTC.
    pub not_before: String,
    /// The last moment.
    pub not_after: String,
    /// Its fingerprints, in hexadecimal.
    pub sha256: String,
    /// The one that gateways of the time show.
    pub sha1: String,
}

/// What a gateway shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FetchedSrst {
    /// Its reference.
    pub name: String,
    /// Its certificate.
    pub shown: SrstCertificateView,
    /// The one that was accepted before.
    pub stored: Option<SrstCertificateView>,
}

/// How centre and gateways stand to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "role")]
pub enum SrstStatusView {
    /// This node belongs to the centre.
    Centre {
        /// Where it waits for gateways; absent: nowhere.
        listens: Option<String>,
        /// Those that have reported since its start.
        gateways: Vec<SrstGatewayView>,
    },
    /// This node is a gateway.
    Gateway(SrstOwnView),
}

/// A gateway, as the centre sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SrstGatewayView {
    /// Its reference.
    pub reference: String,
    /// From where it came last.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub peer: IpAddr,
    /// When it reported last, RFC 3339, UTC.
    pub heard: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether it has what it needs.
    pub synchronised: bool,
    /// Phones that are registered there.
    pub phones: u32,
    /// Calls that go on there.
    pub calls: u32,
}

/// A gateway, as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SrstOwnView {
    /// Its reference; absent: the centre has not told it yet.
    pub reference: Option<String>,
    /// SHA-256 of its certificate, in hexadecimal.
    pub certificate_sha256: String,
    /// `here`, `away`, or `unknown` just after the start.
    pub centre: String,
    /// Since when, RFC 3339, UTC.
    pub since: String,
    /// When it was synchronised last since its start.
    pub synchronised_at: Option<String>,
    /// Phones that it may serve.
    pub known_phones: usize,
    /// Phones that are registered here.
    pub phones: u32,
    /// Calls that go on here.
    pub calls: u32,
    /// Phones that were told to go home since its start.
    pub sent_home: u64,
}
